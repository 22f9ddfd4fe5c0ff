//! Linux's tunnel options (`ip tunnel`, `ip link .. type ipip`) and its choice of a tunnel.

use core::net::Ipv4Addr;

use crate::{Config, Df, EcnMode, Tos, Ttl};

/// The options of a Linux ipip device. The default is Linux's own: `ttl inherit tos 0 pmtudisc`, NBMA.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{Df, EcnMode, LinuxOptions, Ttl};
///
/// // Calico's tunl0.
/// let config = LinuxOptions::new().config(Ipv4Addr::new(192, 168, 179, 102), EcnMode::Rfc3168)?;
/// assert_eq!((config.ttl, config.df, config.remote), (Ttl::Inherit, Df::Always, None));
/// # Ok::<(), ipip::LinuxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinuxOptions {
    /// `remote`: `None` takes the next hop of the route.
    pub remote: Option<Ipv4Addr>,
    /// `ttl`: 0 is inherit.
    pub ttl: u8,
    /// `tos`: bit 0 is inherit, otherwise the DSCP bits count.
    pub tos: u8,
    /// `pmtudisc` (true) or `nopmtudisc`.
    pub pmtudisc: bool,
    /// `ignore-df`.
    pub ignore_df: bool,
}

impl LinuxOptions {
    /// `ttl inherit tos 0 pmtudisc`, no remote.
    #[must_use]
    pub fn new() -> LinuxOptions {
        LinuxOptions { remote: None, ttl: 0, tos: 0, pmtudisc: true, ignore_df: false }
    }

    /// The configuration that behaves like a device with these options; Linux 6.1 would be [`EcnMode::Rfc3168`].
    ///
    /// # Errors
    /// The combinations that Linux and iproute2 refuse: a fixed TTL without pmtudisc (a fixed TTL forces DF, or a loop
    /// would fill the network with fragments), and ignore-df with pmtudisc.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// use ipip::{EcnMode, LinuxError, LinuxOptions};
    /// let mut options = LinuxOptions::new();
    /// (options.ttl, options.pmtudisc) = (64, false);
    /// assert_eq!(options.config(Ipv4Addr::LOCALHOST, EcnMode::Normal), Err(LinuxError::FixedTtlWithoutPmtudisc));
    /// ```
    pub fn config(&self, local: Ipv4Addr, ecn: EcnMode) -> Result<Config, LinuxError> {
        let df = match (self.pmtudisc, self.ignore_df) {
            (true, true) => return Err(LinuxError::IgnoreDfWithPmtudisc),
            (false, _) if self.ttl != 0 => return Err(LinuxError::FixedTtlWithoutPmtudisc),
            (true, false) => Df::Always,
            (false, false) => Df::Inherit,
            (false, true) => Df::Never,
        };
        let mut config = Config::new(local, ecn);
        config.remote = self.remote;
        config.ttl = if self.ttl == 0 { Ttl::Inherit } else { Ttl::Fixed(self.ttl) };
        config.tos = if self.tos & 1 == 1 { Tos::Inherit } else { Tos::Fixed(self.tos) };
        config.df = df;
        Ok(config)
    }
}

impl Default for LinuxOptions {
    fn default() -> LinuxOptions {
        LinuxOptions::new()
    }
}

/// A combination of options that Linux refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LinuxError {
    /// `ttl N` with `nopmtudisc`.
    #[error("a fixed ttl and nopmtudisc are incompatible")]
    FixedTtlWithoutPmtudisc,
    /// `ignore-df` with `pmtudisc`.
    #[error("ignore-df needs nopmtudisc")]
    IgnoreDfWithPmtudisc,
}

/// The ends of a tunnel, `None` = any, by which Linux finds the device for a received datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Endpoints {
    /// Our end.
    pub local: Option<Ipv4Addr>,
    /// The other end.
    pub remote: Option<Ipv4Addr>,
}

impl Endpoints {
    /// The ends `local` and `remote`.
    #[must_use]
    pub fn new(local: Option<Ipv4Addr>, remote: Option<Ipv4Addr>) -> Endpoints {
        Endpoints { local, remote }
    }

    /// How well the tunnel fits a datagram from `source` to `destination`, the highest wins: 3 both ends, 2 the remote
    /// end, 1 the local end, 0 any (tunl0). `None`: it does not fit.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::Endpoints;
    ///
    /// let (here, there) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
    /// let tunnels = [Endpoints::new(None, None), Endpoints::new(None, Some(there)), Endpoints::new(Some(here), None)];
    /// let best = tunnels.iter().filter(|ends| ends.rank(there, here).is_some()).max_by_key(|ends| ends.rank(there, here));
    /// assert_eq!(best, Some(&tunnels[1]));
    /// ```
    #[must_use]
    pub fn rank(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Option<u8> {
        if self.local.is_some_and(|local| local != destination) || self.remote.is_some_and(|remote| remote != source) {
            return None;
        }
        Some(u8::from(self.remote.is_some()) * 2 + u8::from(self.local.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_linux_refuses_are_refused() {
        let local = Ipv4Addr::new(192, 0, 2, 1);
        let with = |ttl, tos, pmtudisc, ignore_df| {
            LinuxOptions { ttl, tos, pmtudisc, ignore_df, remote: None }.config(local, EcnMode::Normal)
        };
        assert_eq!(with(64, 0, false, true), Err(LinuxError::FixedTtlWithoutPmtudisc));
        assert_eq!(with(0, 0, true, true), Err(LinuxError::IgnoreDfWithPmtudisc));
        assert_eq!(with(0, 0, false, false).unwrap().df, Df::Inherit);
        assert_eq!(with(0, 0, false, true).unwrap().df, Df::Never);
        let fixed = with(64, 1, true, false).unwrap();
        assert_eq!((fixed.ttl, fixed.tos, fixed.df), (Ttl::Fixed(64), Tos::Inherit, Df::Always));
    }

    #[test]
    fn tunnels_are_found_in_the_order_of_linux() {
        let (here, there, other) =
            (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2), Ipv4Addr::new(192, 0, 2, 3));
        for (local, remote, rank) in [
            (Some(here), Some(there), Some(3)),
            (None, Some(there), Some(2)),
            (Some(here), None, Some(1)),
            (None, None, Some(0)),
            (Some(here), Some(other), None),
            (Some(other), None, None),
        ] {
            assert_eq!(Endpoints::new(local, remote).rank(there, here), rank);
        }
    }
}

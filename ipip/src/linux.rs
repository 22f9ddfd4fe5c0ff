//! Linux's tunnel options (`ip tunnel`, `ip link .. type ipip`) and its choice of a tunnel.

use core::net::Ipv4Addr;
use core::str::FromStr;

use crate::{Config, Df, EcnMode, Mode, Tos, Ttl};

/// The options of a Linux ipip device. The default is Linux's own: `ttl inherit tos 0 pmtudisc`, NBMA.
///
/// They are read from text with the words of iproute2 (`ip link add .. type ipip` ..): `local A|any`, `remote A|any`,
/// `ttl N|inherit`, `tos N|inherit`, `[no]pmtudisc`, `[no]ignore-df`, `mode ipip|mplsip|any`, `external`, `encap none`.
///
/// `external` (metadata with each packet) is the form without a remote: the [`Path`](crate::Path) given with each
/// datagram names its exit, and [`Decapsulated::peer`](crate::Decapsulated::peer) where it came from. What the metadata
/// may also say, TTL and TOS, is that of the [`Tunnel`](crate::Tunnel) that is used. `dev`, the link below, is where the
/// caller sends; it is no option here.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{Df, EcnMode, LinuxOptions, Ttl};
///
/// // Calico's tunl0.
/// let config = LinuxOptions::new().config(Ipv4Addr::new(192, 168, 179, 102), EcnMode::Rfc3168)?;
/// assert_eq!((config.ttl, config.df, config.remote), (Ttl::Inherit, Df::Always, None));
/// let options: LinuxOptions = "remote 192.0.2.2 tos inherit ttl inherit nopmtudisc".parse()?;
/// assert_eq!(options.config(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Rfc3168)?.df, Df::Inherit);
/// # Ok::<(), ipip::LinuxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinuxOptions {
    /// `local`: `None` takes any address of the host, of which [`LinuxOptions::config`] wants the one to send from.
    pub local: Option<Ipv4Addr>,
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
    /// `mode`.
    pub mode: Mode,
}

impl LinuxOptions {
    /// `ttl inherit tos 0 pmtudisc`, no remote.
    #[must_use]
    pub fn new() -> LinuxOptions {
        LinuxOptions { local: None, remote: None, ttl: 0, tos: 0, pmtudisc: true, ignore_df: false, mode: Mode::Ipip }
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
        config.mode = self.mode;
        Ok(config)
    }

    /// The ends by which Linux finds the device.
    ///
    /// ```
    /// use ipip::{Endpoints, LinuxOptions};
    /// assert_eq!(LinuxOptions::new().endpoints(), Endpoints::new(None, None));
    /// ```
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        Endpoints::new(self.local, self.remote)
    }
}

impl Default for LinuxOptions {
    fn default() -> LinuxOptions {
        LinuxOptions::new()
    }
}

impl FromStr for LinuxOptions {
    type Err = LinuxError;

    fn from_str(text: &str) -> Result<LinuxOptions, LinuxError> {
        let mut options = LinuxOptions::new();
        let mut external = false;
        let mut words = text.split_ascii_whitespace();
        let mut number = 0;
        while let Some(word) = words.next() {
            number += 1;
            let flag = match word {
                "pmtudisc" => Some((&mut options.pmtudisc, true)),
                "nopmtudisc" => Some((&mut options.pmtudisc, false)),
                "ignore-df" => Some((&mut options.ignore_df, true)),
                "noignore-df" => Some((&mut options.ignore_df, false)),
                "external" => Some((&mut external, true)),
                "noexternal" => Some((&mut external, false)),
                _ => None,
            };
            if let Some((flag, value)) = flag {
                *flag = value;
                continue;
            }
            let value = words.next().unwrap_or_default();
            let wrong = LinuxError::Value(number);
            match word {
                "local" => options.local = address(value).ok_or(wrong)?,
                "remote" => options.remote = address(value).ok_or(wrong)?,
                "ttl" | "hoplimit" if value == "inherit" => options.ttl = 0,
                "ttl" | "hoplimit" => options.ttl = value.parse().map_err(|_| wrong)?,
                "tos" | "dsfield" if value == "inherit" => options.tos = 1,
                "tos" | "dsfield" => options.tos = octet(value).ok_or(wrong)?,
                "mode" => options.mode = mode(value).ok_or(wrong)?,
                "encap" if value == "none" => {}
                "encap" if matches!(value, "fou" | "gue") => return Err(LinuxError::Encapsulation),
                "encap" => return Err(wrong),
                _ => return Err(LinuxError::Unknown(number)),
            }
            number += 1;
        }
        if external && options.remote.is_some() {
            return Err(LinuxError::ExternalWithRemote);
        }
        Ok(options)
    }
}

/// An address, or `any`, which may be written as 0.0.0.0.
fn address(word: &str) -> Option<Option<Ipv4Addr>> {
    match word {
        "any" => Some(None),
        _ => word.parse().ok().map(|address: Ipv4Addr| (!address.is_unspecified()).then_some(address)),
    }
}

/// A number as iproute2 reads a TOS: hexadecimal, with or without `0x`.
fn octet(word: &str) -> Option<u8> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn mode(word: &str) -> Option<Mode> {
    match word {
        "ipip" | "ipv4/ipv4" | "ip4ip4" => Some(Mode::Ipip),
        "mplsip" | "mpls/ipv4" => Some(Mode::Mplsip),
        "any" | "any/ipv4" => Some(Mode::Any),
        _ => None,
    }
}

/// What is no option of an ipip device, or a combination that Linux refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LinuxError {
    /// `ttl N` with `nopmtudisc`.
    #[error("a fixed ttl and nopmtudisc are incompatible")]
    FixedTtlWithoutPmtudisc,
    /// `ignore-df` with `pmtudisc`.
    #[error("ignore-df needs nopmtudisc")]
    IgnoreDfWithPmtudisc,
    /// A word that is none of the options. Value: its number, from 1.
    #[error("word {0} is no option of an ipip device")]
    Unknown(usize),
    /// An option with no value, or one that it cannot have. Value: the number of the option's word, from 1.
    #[error("the option that is word {0} cannot have this value")]
    Value(usize),
    /// `encap fou` or `encap gue`.
    #[error("encap fou and gue put UDP around the datagram, which is not RFC 2003 and not done here")]
    Encapsulation,
    /// `external` with a `remote`.
    #[error("external and remote are incompatible")]
    ExternalWithRemote,
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
            LinuxOptions { ttl, tos, pmtudisc, ignore_df, ..LinuxOptions::new() }.config(local, EcnMode::Normal)
        };
        assert_eq!(with(64, 0, false, true), Err(LinuxError::FixedTtlWithoutPmtudisc));
        assert_eq!(with(0, 0, true, true), Err(LinuxError::IgnoreDfWithPmtudisc));
        assert_eq!(with(0, 0, false, false).unwrap().df, Df::Inherit);
        assert_eq!(with(0, 0, false, true).unwrap().df, Df::Never);
        let fixed = with(64, 1, true, false).unwrap();
        assert_eq!((fixed.ttl, fixed.tos, fixed.df), (Ttl::Fixed(64), Tos::Inherit, Df::Always));
    }

    #[test]
    fn options_have_the_words_of_iproute2() {
        let read = |text: &str| text.parse::<LinuxOptions>();
        assert_eq!(read(""), Ok(LinuxOptions::new()));
        let ends = (Some(Ipv4Addr::new(192, 0, 2, 1)), Some(Ipv4Addr::new(192, 0, 2, 2)));
        let all = LinuxOptions {
            local: ends.0,
            remote: ends.1,
            ttl: 64,
            tos: 0xb8,
            pmtudisc: false,
            ignore_df: true,
            mode: Mode::Any,
        };
        let text = "mode any remote 192.0.2.2 local 192.0.2.1 ttl 64 tos 0xb8 nopmtudisc ignore-df encap none";
        assert_eq!(read(text), Ok(all));
        assert_eq!(all.endpoints(), Endpoints::new(ends.0, ends.1));
        assert_eq!(read("tos 10 dsfield inherit ttl 9 hoplimit inherit").map(|all| (all.tos, all.ttl)), Ok((1, 0)));
        assert_eq!(read("mode mplsip external remote any").map(|all| all.mode), Ok(Mode::Mplsip));
        let config = read("mode mplsip").unwrap().config(Ipv4Addr::LOCALHOST, EcnMode::Normal).unwrap();
        assert_eq!(config.mode, Mode::Mplsip);
        for (text, error) in [
            ("ttl 64 dev eth0", LinuxError::Unknown(3)),
            ("ttl 256", LinuxError::Value(1)),
            ("pmtudisc ttl", LinuxError::Value(2)),
            ("tos 0x100", LinuxError::Value(1)),
            ("tos +1", LinuxError::Value(1)),
            ("remote 192.0.2", LinuxError::Value(1)),
            ("mode ip6ip", LinuxError::Value(1)),
            ("encap sit", LinuxError::Value(1)),
            ("ttl 64 encap fou", LinuxError::Encapsulation),
            ("encap gue", LinuxError::Encapsulation),
            ("external remote 192.0.2.2", LinuxError::ExternalWithRemote),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
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

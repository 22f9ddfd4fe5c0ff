//! Soft state of the way to one exit (RFC 2003 section 5): path MTU with ageing (RFC 1191), reachability.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::Config;

/// The way to one tunnel exit, and what ICMP has told about it. The caller keeps one per exit; it is small and `Copy`.
///
/// ```
/// use core::net::Ipv4Addr;
/// use core::time::Duration;
/// use ipip::{Config, EcnMode, Path};
///
/// let config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
/// let mut path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
/// path.learn_mtu(&config, Duration::ZERO, 1400);
/// assert_eq!(path.mtu(&config, Duration::from_secs(599)), 1400);
/// assert_eq!(path.mtu(&config, Path::MTU_AGE), 1500);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    remote: Ipv4Addr,
    /// The exit as long as no path MTU was learned, then 0.0.0.0: what a tunnel prepared for it is right with one look.
    /// It is never 255.255.255.255.
    unlearned: Ipv4Addr,
    /// The path MTU learned and when.
    learned: Option<(u16, Duration)>,
    /// The code of ICMP type 3 to tell senders, and since when.
    unreachable: Option<(u8, Duration)>,
    /// Errors whose sender could not be told, to be answered with later datagrams.
    pending: u8,
    /// When TTL last ran out between here and the exit.
    ttl_exceeded: Option<Duration>,
}

impl Path {
    /// How long a learned path MTU holds (RFC 1191 section 6.3): 10 minutes.
    pub const MTU_AGE: Duration = Duration::from_secs(600);

    /// How long the exit counts as unreachable after an error (Linux's `IPTUNNEL_ERR_TIMEO`): 30 seconds.
    pub const UNREACHABLE_AGE: Duration = Duration::from_secs(30);

    /// The least path MTU ever learned, the one every IPv4 link carries (RFC 791): 68 octets.
    pub const MIN_MTU: u16 = 68;

    /// The way to `remote`, nothing learned.
    #[must_use]
    pub fn new(remote: Ipv4Addr) -> Path {
        let unlearned = if remote.is_broadcast() { Ipv4Addr::UNSPECIFIED } else { remote };
        Path { remote, unlearned, learned: None, unreachable: None, pending: 0, ttl_exceeded: None }
    }

    /// The exit: outer destination of what is sent.
    #[must_use]
    #[inline]
    pub fn remote(&self) -> Ipv4Addr {
        self.remote
    }

    /// The path MTU for outer datagrams in octets: the least of [`Config::mtu`] and what was learned and is not aged.
    #[must_use]
    #[inline]
    pub fn mtu(&self, config: &Config, now: Duration) -> u16 {
        match self.learned {
            Some((mtu, since)) if is_fresh(since, now, Path::MTU_AGE) => mtu.min(config.mtu),
            _ => config.mtu,
        }
    }

    /// The largest inner datagram in octets that needs no fragmentation: path MTU - 20.
    #[must_use]
    #[inline]
    pub fn tunnel_mtu(&self, config: &Config, now: Duration) -> u16 {
        self.mtu(config, now).saturating_sub(config.overhead())
    }

    /// Takes a path MTU from a trusted source, such as an ICMP 3/4 that [`Tunnel::notice`](crate::Tunnel::notice)
    /// accepted. It never raises the path MTU (RFC 1191 section 3) and holds at least [`Path::MIN_MTU`].
    ///
    /// ```
    /// # use core::{net::Ipv4Addr, time::Duration};
    /// # use ipip::{Config, EcnMode, Path};
    /// # let config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
    /// # let now = Duration::ZERO;
    /// let mut path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// path.learn_mtu(&config, now, 9000);
    /// assert_eq!(path.mtu(&config, now), 1500);
    /// path.learn_mtu(&config, now, 0);
    /// assert_eq!(path.mtu(&config, now), 68);
    /// ```
    pub fn learn_mtu(&mut self, config: &Config, now: Duration, mtu: u16) {
        let mtu = mtu.max(Path::MIN_MTU);
        if mtu <= self.mtu(config, now) {
            self.learned = Some((mtu, now));
            self.unlearned = Ipv4Addr::UNSPECIFIED;
        }
    }

    /// The code of ICMP type 3 by which the exit is out of reach, while that holds: 0 network, 1 host.
    #[must_use]
    pub fn unreachable(&self, now: Duration) -> Option<u8> {
        self.unreachable.filter(|(_, since)| is_fresh(*since, now, Path::UNREACHABLE_AGE)).map(|(code, _)| code)
    }

    /// Whether the outer TTL was too small for the way to the exit within the last [`Path::UNREACHABLE_AGE`].
    #[must_use]
    pub fn is_ttl_short(&self, now: Duration) -> bool {
        self.ttl_exceeded.is_some_and(|since| is_fresh(since, now, Path::UNREACHABLE_AGE))
    }

    /// Forgets all that was learned, such as after a change of route.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// let mut path = ipip::Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// path.reset();
    /// assert_eq!(path, ipip::Path::new(path.remote()));
    /// ```
    pub fn reset(&mut self) {
        *self = Path::new(self.remote);
    }

    /// The exit where no path MTU was learned, aged or not, else 0.0.0.0.
    #[inline]
    pub(crate) fn unlearned(&self) -> Ipv4Addr {
        self.unlearned
    }

    pub(crate) fn note_unreachable(&mut self, now: Duration, code: u8) {
        self.unreachable = Some((code, now));
    }

    pub(crate) fn note_ttl_exceeded(&mut self, now: Duration) {
        self.ttl_exceeded = Some(now);
    }

    /// One more error whose sender could not be told.
    pub(crate) fn note_untold(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    /// The code to tell the next sender, taken off what is left to tell.
    pub(crate) fn take_untold(&mut self, now: Duration) -> Option<u8> {
        let code = self.unreachable(now);
        self.pending = match code {
            Some(_) => self.pending.checked_sub(1)?,
            None => 0,
        };
        code
    }
}

/// The next lower plateau for a datagram of `len` octets that a router without RFC 1191 found too big (section 7.1).
pub(crate) fn plateau_below(len: u16) -> u16 {
    PLATEAUS.iter().copied().find(|plateau| *plateau < len).unwrap_or(Path::MIN_MTU)
}

/// A clock that goes back makes nothing older.
#[inline]
fn is_fresh(since: Duration, now: Duration, age: Duration) -> bool {
    now.checked_sub(since).is_none_or(|elapsed| elapsed < age)
}

/// RFC 1191 section 7.1, table 7-1.
const PLATEAUS: [u16; 10] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EcnMode;

    fn setup() -> (Config, Path) {
        (Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), Path::new(Ipv4Addr::new(192, 0, 2, 2)))
    }

    #[test]
    fn rfc1191_3_never_raised_and_never_below_68() {
        let (config, mut path) = setup();
        let now = Duration::from_secs(5);
        path.learn_mtu(&config, now, 1400);
        path.learn_mtu(&config, now, 1450);
        assert_eq!((path.mtu(&config, now), path.tunnel_mtu(&config, now)), (1400, 1380));
        path.learn_mtu(&config, now, 20);
        assert_eq!(path.mtu(&config, now), 68);
    }

    #[test]
    fn rfc1191_6_3_ages_and_a_repeat_refreshes() {
        let (config, mut path) = setup();
        let at = Duration::from_secs;
        path.learn_mtu(&config, at(0), 1400);
        path.learn_mtu(&config, at(500), 1400);
        assert_eq!(path.mtu(&config, at(1099)), 1400);
        assert_eq!(path.mtu(&config, at(1100)), 1500);
        assert_eq!(path.mtu(&config, at(3)), 1400, "a clock that goes back");
    }

    #[test]
    fn rfc1191_7_1_plateaus() {
        for (len, plateau) in [(65535, 32000), (1500, 1492), (1492, 1006), (220, 68), (68, 68), (0, 68)] {
            assert_eq!(plateau_below(len), plateau);
        }
    }

    #[test]
    fn rfc2003_5_untold_errors_are_told_once_each_while_fresh() {
        let (_, mut path) = setup();
        let at = Duration::from_secs;
        path.note_unreachable(at(0), 1);
        path.note_untold();
        path.note_untold();
        assert_eq!(
            [path.take_untold(at(1)), path.take_untold(at(1)), path.take_untold(at(1))],
            [Some(1), Some(1), None]
        );
        path.note_untold();
        assert_eq!(path.take_untold(at(30)), None);
        assert_eq!(path.unreachable(at(30)), None);
    }
}

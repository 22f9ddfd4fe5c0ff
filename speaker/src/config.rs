//! What a speaker and its peers are configured with.

use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::limit::{AttributeLimit, Limits, PrefixLimit};

/// Configuration of a whole speaker.
///
/// ```
/// use bgp_wire::{Asn, BgpId};
/// let config = bgp_speaker::Config::new(bgp_rib::Config::new(Asn(64512), BgpId(0xc000_0201)))
///     .with_linger(core::time::Duration::from_secs(2));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Local AS, identifiers and decision options of the tables.
    pub rib: bgp_rib::Config,
    /// How long a connection that is to be closed may still drain its last messages; after that it is aborted.
    pub linger: Duration,
    /// Whether [`Event::Tapped`](crate::Event::Tapped) tells every message; off unless set.
    pub tap: bool,
    /// How many connections from ranges of addresses may be there at a time on which no OPEN has come.
    pub most_unopened: u32,
}

impl Config {
    /// Connections that close may drain for 5 s; 1024 connections from ranges may be without an OPEN.
    #[must_use]
    pub fn new(rib: bgp_rib::Config) -> Config {
        Config { rib, linger: Duration::from_secs(5), tap: false, most_unopened: 1024 }
    }

    /// Sets how many connections from [ranges](crate::Speaker::add_range) there may be on which no OPEN has come; beyond
    /// that others are [refused](crate::Refused::TooManyUnopened) until an OPEN has come on one, or the session's
    /// `open_hold_time` has ended it. A connection of a configured peer does not count: it has two at most.
    #[must_use]
    pub fn with_most_unopened(mut self, connections: u32) -> Config {
        self.most_unopened = connections;
        self
    }

    /// Sets how long a closing connection may drain.
    #[must_use]
    pub fn with_linger(mut self, linger: Duration) -> Config {
        self.linger = linger;
        self
    }

    /// Has every message told, for BMP, MRT or a capture. What is received is copied for that; off, it costs nothing.
    #[must_use]
    pub fn with_tap(mut self, tap: bool) -> Config {
        self.tap = tap;
        self
    }
}

/// Configuration of one peer: where it is, how the session runs, how its routes are treated.
///
/// ```
/// # use bgp_fsm::PeerAs;
/// # use bgp_rib::PeerKind;
/// # use bgp_wire::{Asn, BgpId};
/// let address = "2001:db8::2".parse()?;
/// let session = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513)));
/// let routes = bgp_rib::PeerConfig::new(PeerKind::Ebgp, Asn(64513), address);
/// let peer = bgp_speaker::PeerConfig::new(address, session, routes).with_port(1179);
/// assert_eq!(peer.remote().to_string(), "[2001:db8::2]:1179");
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PeerConfig {
    /// The peer's address: what it connects from, and what is dialled.
    pub address: IpAddr,
    /// The TCP port that is dialled; 179 unless set.
    pub port: u16,
    /// The session's options; peers that have the same may share them.
    pub session: Arc<bgp_fsm::Config>,
    /// The tables' options. When the session comes up, its kind and the peer's AS, our role and whether the peer has
    /// long-lived graceful restart take the place of what is said here, as far as they differ.
    pub rib: bgp_rib::PeerConfig,
    pub(crate) limits: Limits,
    /// Milliseconds.
    pub(crate) interval: u32,
}

impl PeerConfig {
    /// A peer at `address`, TCP port 179.
    #[must_use]
    pub fn new(address: IpAddr, session: impl Into<Arc<bgp_fsm::Config>>, rib: bgp_rib::PeerConfig) -> PeerConfig {
        PeerConfig { address, port: 179, session: session.into(), rib, limits: Limits::default(), interval: 0 }
    }

    /// Sets how many prefixes of a family the peer may announce; no family has a limit unless set.
    ///
    /// ```
    /// # use bgp_fsm::PeerAs;
    /// # use bgp_rib::PeerKind;
    /// # use bgp_wire::{Asn, BgpId, Family};
    /// # let address = "2001:db8::2".parse()?;
    /// # let session = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513)));
    /// # let routes = bgp_rib::PeerConfig::new(PeerKind::Ebgp, Asn(64513), address);
    /// use bgp_speaker::{PeerConfig, PrefixLimit};
    /// let limit = PrefixLimit::new(Family::IPV6_UNICAST, 1000);
    /// let peer = PeerConfig::new(address, session, routes).with_prefix_limit(limit);
    /// assert_eq!(peer.prefix_limits(), [limit]);
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    #[must_use]
    #[doc(alias = "maximum-prefix")]
    #[doc(alias = "import limit")]
    pub fn with_prefix_limit(mut self, limit: PrefixLimit) -> PeerConfig {
        self.limits = self.limits.with_prefixes(limit);
        self
    }

    /// The limits on prefixes, one for a family at most.
    #[must_use]
    pub fn prefix_limits(&self) -> &[PrefixLimit] {
        self.limits.prefixes()
    }

    /// Sets how many octets of attributes the peer's paths may hold; there is no limit unless set.
    #[must_use]
    pub fn with_attribute_limit(mut self, limit: AttributeLimit) -> PeerConfig {
        self.limits = self.limits.with_attributes(limit);
        self
    }

    /// The limit on octets of attributes.
    #[must_use]
    pub fn attribute_limit(&self) -> Option<AttributeLimit> {
        self.limits.attributes()
    }

    /// Sets how long the peer is told no more routes of IPv4 and IPv6 unicast after it has been told some (RFC 4271
    /// section 9.2.1.1), to the millisecond, jittered as the session's timers are. 0 unless set: changes go out at once, as
    /// far as they are not squashed before. Withdrawals never wait, nor does the answer to a ROUTE-REFRESH; of what changes
    /// more than once meanwhile, the last state is told.
    ///
    /// ```
    /// # use bgp_fsm::PeerAs;
    /// # use bgp_rib::PeerKind;
    /// # use bgp_speaker::PeerConfig;
    /// # use bgp_wire::{Asn, BgpId};
    /// # use core::time::Duration;
    /// # let address = "2001:db8::2".parse()?;
    /// # let session = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513)));
    /// # let routes = bgp_rib::PeerConfig::new(PeerKind::Ebgp, Asn(64513), address);
    /// let peer = PeerConfig::new(address, session, routes).with_advertisement_interval(Duration::from_secs(30));
    /// assert_eq!(peer.advertisement_interval(), Duration::from_secs(30));
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    #[must_use]
    #[doc(alias = "MRAI")]
    #[doc(alias = "MinRouteAdvertisementInterval")]
    pub fn with_advertisement_interval(mut self, interval: Duration) -> PeerConfig {
        self.interval = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        self
    }

    /// The time between announcements.
    #[must_use]
    pub fn advertisement_interval(&self) -> Duration {
        Duration::from_millis(self.interval.into())
    }

    /// Sets the TCP port that is dialled.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> PeerConfig {
        self.port = port;
        self
    }

    /// Where the peer is dialled.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

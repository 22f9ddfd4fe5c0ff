//! What a speaker and its peers are configured with.

use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::limit::{PrefixLimit, PrefixLimits};

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
}

impl Config {
    /// Connections that close may drain for 5 s.
    #[must_use]
    pub fn new(rib: bgp_rib::Config) -> Config {
        Config { rib, linger: Duration::from_secs(5), tap: false }
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
#[derive(Debug, Clone)]
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
    pub(crate) limits: PrefixLimits,
}

impl PeerConfig {
    /// A peer at `address`, TCP port 179.
    #[must_use]
    pub fn new(address: IpAddr, session: impl Into<Arc<bgp_fsm::Config>>, rib: bgp_rib::PeerConfig) -> PeerConfig {
        PeerConfig { address, port: 179, session: session.into(), rib, limits: PrefixLimits::default() }
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
        self.limits = self.limits.with(limit);
        self
    }

    /// The limits on prefixes, one for a family at most.
    #[must_use]
    pub fn prefix_limits(&self) -> &[PrefixLimit] {
        self.limits.as_slice()
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

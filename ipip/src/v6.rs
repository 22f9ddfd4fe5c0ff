//! The tunnels that have IPv6 on one side or on both: 4in6 and 6in6 (RFC 2473), 6in4 (RFC 4213).
//!
//! One [`Tunnel`] has two ends, and takes from its other end only, or from the peers of a [`PeerSet`]. [`Ends`] say what
//! is outside; what is inside shows in each datagram. IPv4 in IPv4 is [`crate::Tunnel`].
//!
//! Not supported: extension headers outside beside destination options and the fragment header, options of an outer IPv4
//! header, MPLS.

mod decap;
mod embedding;
mod encap;
mod header;
mod icmp;
mod limit;
mod peers;
mod reassembly;
mod relay;
#[cfg(test)]
mod tests;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use crate::{Counters, DscpDecap, EcnMode, Ident, Reason, TokenBucket, Tos, Ttl};

pub use decap::Decapsulated;
pub use embedding::Embedding;
pub use encap::{Encapsulated, Fragment, Fragments};
pub use peers::{PeerBlocks, PeerSet};

/// Octets of headroom that encapsulation needs: an IPv6 header and the Tunnel Encapsulation Limit.
pub const HEADROOM: usize = 48;

/// The longest ICMP datagram that is written, in octets (RFC 4443 section 2.4 c).
pub const ICMP_MAX_LEN: usize = 1280;

/// The ends of a tunnel: what the outer header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two versions of IP")]
pub enum Ends {
    /// 6in4: protocol 41 in IPv4.
    V4 {
        /// Our end.
        local: Ipv4Addr,
        /// The other end.
        remote: Ipv4Addr,
    },
    /// 4in6 and 6in6: next header 4 or 41 in IPv6.
    V6 {
        /// Our end.
        local: Ipv6Addr,
        /// The other end.
        remote: Ipv6Addr,
    },
}

impl Ends {
    fn local(self) -> IpAddr {
        match self {
            Ends::V4 { local, .. } => local.into(),
            Ends::V6 { local, .. } => local.into(),
        }
    }

    /// The same local end with another remote one.
    fn with_remote(self, remote: IpAddr) -> Result<Ends, Error> {
        match (self, remote) {
            (Ends::V4 { local, .. }, IpAddr::V4(remote)) => Ok(Ends::V4 { local, remote }),
            (Ends::V6 { local, .. }, IpAddr::V6(remote)) => Ok(Ends::V6 { local, remote }),
            (Ends::V4 { .. }, IpAddr::V6(_)) => Err(Error::new(Reason::OuterNotIpv4, 0)),
            (Ends::V6 { .. }, IpAddr::V4(_)) => Err(Error::new(Reason::OuterNotIpv6, 0)),
        }
    }

    fn remote(self) -> IpAddr {
        match self {
            Ends::V4 { remote, .. } => remote.into(),
            Ends::V6 { remote, .. } => remote.into(),
        }
    }
}

/// Configuration of a [`Tunnel`]. Make one with [`Config::new`] and set the fields that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The ends.
    pub ends: Ends,
    /// Outer TTL or hop limit. Default: 64.
    pub hop_limit: Ttl,
    /// Outer DSCP. Default: inherit.
    pub traffic_class: Tos,
    /// Outer ECN (RFC 6040 section 4.1); no default.
    pub ecn: EcnMode,
    /// Inner DSCP after decapsulation. Default: pipe.
    pub dscp_decap: DscpDecap,
    /// Outer flow label, 20 bits. Default: 0.
    pub flow_label: u32,
    /// Path MTU outside in octets. Default: 1500.
    pub mtu: u16,
    /// 6in4 with a static MTU (RFC 4213 section 3.2.1): DF is clear outside and no path MTU is learned. Default: false,
    /// the dynamic one of section 3.2.2.
    pub static_mtu: bool,
    /// Tunnel Encapsulation Limit of what goes into 4in6 and 6in6 (RFC 2473 section 6.6), unless the inner datagram has
    /// one of its own. Default: 4. `None` sends none.
    pub encap_limit: Option<u8>,
    /// 6in4: addresses that embed their exit. Default: none, so that all goes to the other end and comes from it.
    pub embedding: Option<Embedding>,
    /// Encapsulation is part of forwarding: TTL or hop limit is decremented, sources at the ends are loops. Default: true.
    pub forwarded: bool,
    /// Take datagrams out that hold another tunnel header, and put such into 6in4. Default: false (VU#199397).
    pub nested: bool,
    /// Source of ICMP errors to IPv4 inside. Default: our end, where that is IPv4.
    pub icmp_source: Option<Ipv4Addr>,
    /// Source of `ICMPv6` errors inside. Default: our end, where that is IPv6.
    pub icmpv6_source: Option<Ipv6Addr>,
}

impl Config {
    /// The defaults stated at each field.
    #[must_use]
    pub fn new(ends: Ends, ecn: EcnMode) -> Config {
        let (icmp_source, icmpv6_source) = match ends {
            Ends::V4 { local, .. } => (Some(local), None),
            Ends::V6 { local, .. } => (None, Some(local)),
        };
        Config {
            ends,
            hop_limit: Ttl::Fixed(64),
            traffic_class: Tos::Inherit,
            ecn,
            dscp_decap: DscpDecap::Pipe,
            flow_label: 0,
            mtu: 1500,
            static_mtu: false,
            encap_limit: Some(4),
            embedding: None,
            forwarded: true,
            nested: false,
            icmp_source,
            icmpv6_source,
        }
    }

    /// Octets that go before a datagram without a limit of its own.
    fn overhead(&self) -> u16 {
        match (self.ends, self.encap_limit) {
            (Ends::V4 { .. }, _) => 20,
            (Ends::V6 { .. }, None) => 40,
            (Ends::V6 { .. }, Some(_)) => 48,
        }
    }
}

/// A point-to-point tunnel with IPv6 inside or outside.
///
/// An address check is no authentication: sources can be forged. Filter at the edge of the network, or encrypt.
///
/// ```
/// use core::time::Duration;
/// use ipip::{EcnMode, v6::{Config, Ends, HEADROOM, Tunnel}};
///
/// let (here, there) = ("2001:db8::1".parse()?, "2001:db8::2".parse()?);
/// let mut near = Tunnel::new(Config::new(Ends::V6 { local: here, remote: there }, EcnMode::Normal));
/// let mut far = Tunnel::new(Config::new(Ends::V6 { local: there, remote: here }, EcnMode::Normal));
///
/// let inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
/// let mut buffer = [&[0; HEADROOM][..], &inner[..]].concat();
/// let mut outer = near.encap(Duration::ZERO, &mut buffer)?.octets().to_vec();
/// assert_eq!(outer.len(), 68);
/// assert_eq!(far.decap(&mut outer)?.inner.len(), 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tunnel<P = IpAddr> {
    config: Config,
    peers: P,
    /// The path MTU learned and when.
    learned: Option<(u16, Duration)>,
    ident: Ident,
    /// The identification of IPv6 fragments.
    ident6: u32,
    icmp_limit: TokenBucket,
    counters: Counters,
}

impl Config {
    /// The exit that an inner address embeds, if there are such addresses and it is one.
    fn embedded(&self, address: IpAddr) -> Option<Ipv4Addr> {
        match (self.embedding, self.ends, address) {
            (Some(embedding), Ends::V4 { local, .. }, IpAddr::V6(address)) => embedding.exit(address, local),
            _ => None,
        }
    }
}

impl Tunnel {
    /// A tunnel between its two ends, with nothing learned.
    #[must_use]
    pub fn new(config: Config) -> Tunnel {
        Tunnel::with_peers(config, config.ends.remote())
    }
}

impl<P: PeerSet> Tunnel<P> {
    /// A tunnel that takes datagrams from `peers` only. [`Tunnel::encap`] sends to the other end of the configuration,
    /// [`Tunnel::encap_to`] to any of them.
    ///
    /// ```
    /// use core::{net::IpAddr, time::Duration};
    /// use ipip::{EcnMode, v6::{Config, Ends, HEADROOM, PeerBlocks, Tunnel}};
    ///
    /// let (one, two) = ("2001:db8::2".parse()?, "2001:db8::3".parse()?);
    /// let blocks = [(IpAddr::V6(one), "fd00:1::/48".parse()?), (IpAddr::V6(two), "10.2.0.0/16".parse()?)];
    /// let ends = Ends::V6 { local: "2001:db8::1".parse()?, remote: one };
    /// let peers = PeerBlocks::new(&blocks).ok_or("not sorted by peer")?;
    /// let mut tunnel = Tunnel::with_peers(Config::new(ends, EcnMode::Normal), peers);
    ///
    /// let inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let mut buffer = [&[0; HEADROOM][..], &inner[..]].concat();
    /// let sent = tunnel.encap_to(two.into(), Duration::ZERO, &mut buffer)?;
    /// assert_eq!(sent.octets()[24..40], two.octets());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_peers(config: Config, peers: P) -> Tunnel<P> {
        Tunnel {
            config,
            peers,
            learned: None,
            ident: Ident::new(0),
            ident6: 0,
            icmp_limit: TokenBucket::default(),
            counters: Counters::new(),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The peers.
    #[must_use]
    pub fn peers(&self) -> &P {
        &self.peers
    }

    /// The peers, to change them.
    pub fn peers_mut(&mut self) -> &mut P {
        &mut self.peers
    }

    /// What was counted since the tunnel was made.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The path MTU outside: the least of the configured one and what was learned in the last ten minutes. With several
    /// exits it is right for all of them: what was learned of one holds for the others too.
    #[must_use]
    pub fn path_mtu(&self, now: Duration) -> u16 {
        match self.learned {
            Some((mtu, since)) if now.checked_sub(since).is_none_or(|age| age < crate::Path::MTU_AGE) => {
                mtu.min(self.config.mtu)
            }
            _ => self.config.mtu,
        }
    }

    /// Octets of the largest datagram that goes through in one piece.
    #[must_use]
    pub fn tunnel_mtu(&self, now: Duration) -> u16 {
        self.path_mtu(now).saturating_sub(self.config.overhead())
    }

    fn is_own(&self, address: IpAddr) -> bool {
        address == self.config.ends.local() || self.peers.is_own(address)
    }

    /// Whether `address` may be an exit, and so may be quoted as one: the other end or a peer.
    fn is_exit(&self, address: IpAddr) -> bool {
        address == self.config.ends.remote() || self.peers.contains(address)
    }

    /// Takes a path MTU; it is never raised, nor set below what every link carries: 68 for IPv4, 1280 for IPv6.
    fn learn_mtu(&mut self, now: Duration, mtu: u16) {
        let floor = match self.config.ends {
            Ends::V4 { .. } => crate::Path::MIN_MTU,
            Ends::V6 { .. } => MIN_MTU,
        };
        if mtu < self.path_mtu(now) && !self.config.static_mtu {
            self.learned = Some((mtu.max(floor), now));
        }
    }
}

/// A datagram that is not carried: the reason, and where it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Error {
    /// Why.
    pub reason: Reason,
    /// The octet at which it shows, of the inner datagram for encapsulation, else of the datagram given.
    pub offset: u16,
}

impl Error {
    fn new(reason: Reason, offset: usize) -> Error {
        Error { reason, offset: u16::try_from(offset).unwrap_or(u16::MAX) }
    }

    fn moved(self, by: usize) -> Error {
        Error { offset: self.offset.saturating_add(u16::try_from(by).unwrap_or(u16::MAX)), ..self }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Error {
        Error { reason: error.reason, offset: error.offset }
    }
}

/// Such as `hop limit exceeded at octet 7`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}", self.reason, self.offset)
    }
}

impl core::error::Error for Error {}

/// What every link carries of IPv6 (RFC 8200 section 5).
const MIN_MTU: u16 = 1280;

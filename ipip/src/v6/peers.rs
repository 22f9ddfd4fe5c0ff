//! Who may send through a tunnel with IPv6 on one side: [`crate::PeerSet`] for addresses of both versions.

use core::net::IpAddr;

use ipnet::IpNet;

/// The peers of a tunnel: datagrams of nobody else are decapsulated. One address is a point-to-point tunnel.
///
/// An address check is no authentication, because sources can be forged; see [`crate::PeerSet`].
///
/// ```
/// use core::net::IpAddr;
/// use ipip::v6::PeerSet;
///
/// let peer: IpAddr = "2001:db8::2".parse()?;
/// assert!(peer.contains(peer) && !peer.contains("2001:db8::3".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub trait PeerSet {
    /// Whether `source` is a peer: the outer source of what is decapsulated, the exit that an ICMP error may quote.
    fn contains(&self, source: IpAddr) -> bool;

    /// Whether `peer` may send inner datagrams from `inner`: the reverse path check. Everything by default.
    fn allows_source(&self, peer: IpAddr, inner: IpAddr) -> bool {
        let _ = (peer, inner);
        true
    }

    /// Whether the tunnel delivers to `inner`. Everything by default.
    fn allows_destination(&self, inner: IpAddr) -> bool {
        let _ = inner;
        true
    }

    /// Whether `address` is one of this host beside our end: for the loop rule and for martian inner sources. None by
    /// default.
    fn is_own(&self, address: IpAddr) -> bool {
        let _ = address;
        false
    }
}

/// One peer.
impl PeerSet for IpAddr {
    fn contains(&self, source: IpAddr) -> bool {
        *self == source
    }
}

impl<P: PeerSet + ?Sized> PeerSet for &P {
    fn contains(&self, source: IpAddr) -> bool {
        (**self).contains(source)
    }

    fn allows_source(&self, peer: IpAddr, inner: IpAddr) -> bool {
        (**self).allows_source(peer, inner)
    }

    fn allows_destination(&self, inner: IpAddr) -> bool {
        (**self).allows_destination(inner)
    }

    fn is_own(&self, address: IpAddr) -> bool {
        (**self).is_own(address)
    }
}

/// Peers with the inner prefixes each may send from, sorted by peer; a peer with several prefixes has several entries.
///
/// ```
/// use core::net::IpAddr;
/// use ipip::v6::{PeerBlocks, PeerSet};
///
/// let node: IpAddr = "2001:db8::2".parse()?;
/// let blocks = [(node, "10.244.36.64/26".parse()?), (node, "fd00:36::/64".parse()?)];
/// let peers = PeerBlocks::new(&blocks).ok_or("not sorted by peer")?;
/// assert!(peers.contains(node) && peers.allows_source(node, "fd00:36::5".parse()?));
/// assert!(!peers.allows_source(node, "10.244.36.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerBlocks<'a>(&'a [(IpAddr, IpNet)]);

impl<'a> PeerBlocks<'a> {
    /// The peers of `blocks`; `None` when they are not sorted by peer.
    #[must_use]
    pub fn new(blocks: &'a [(IpAddr, IpNet)]) -> Option<PeerBlocks<'a>> {
        blocks.is_sorted_by_key(|(peer, _)| *peer).then_some(PeerBlocks(blocks))
    }

    fn of(&self, peer: IpAddr) -> impl Iterator<Item = &'a IpNet> + use<'a> {
        let blocks: &'a [(IpAddr, IpNet)] = self.0;
        let from = blocks.partition_point(|(other, _)| *other < peer);
        blocks.iter().skip(from).take_while(move |(other, _)| *other == peer).map(|(_, block)| block)
    }
}

impl PeerSet for PeerBlocks<'_> {
    fn contains(&self, source: IpAddr) -> bool {
        self.of(source).next().is_some()
    }

    fn allows_source(&self, peer: IpAddr, inner: IpAddr) -> bool {
        self.of(peer).any(|block| block.contains(&inner))
    }
}

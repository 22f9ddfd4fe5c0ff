//! Who may send through the tunnel (VU#636397): peers, and the inner addresses each may use.

mod table;

pub use table::PeerTable;

use core::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The peers of a tunnel: datagrams of nobody else are decapsulated.
///
/// An address check is no authentication, because IPv4 sources can be forged: without ingress filtering at the edge of
/// the network, or encryption, whoever can reach the node can speak in a peer's name.
///
/// Implement it over a map of your own for many peers with their own prefixes (a Calico node: its blocks):
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::PeerSet;
///
/// struct Node;
/// impl PeerSet for Node {
///     fn contains(&self, source: Ipv4Addr) -> bool {
///         source == Ipv4Addr::new(192, 168, 179, 103)
///     }
///     fn allows_source(&self, _peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
///         inner.octets().starts_with(&[10, 244, 36])
///     }
/// }
/// assert!(!Node.allows_source(Ipv4Addr::new(192, 168, 179, 103), Ipv4Addr::new(10, 244, 37, 1)));
/// ```
pub trait PeerSet {
    /// Whether `source` is a peer: the outer source of what is decapsulated, the exit that an ICMP error may quote.
    fn contains(&self, source: Ipv4Addr) -> bool;

    /// Whether `peer` may send inner datagrams from `inner`: the reverse path check. Everything by default.
    fn allows_source(&self, peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
        let _ = (peer, inner);
        true
    }

    /// Whether the tunnel delivers to `inner` (RFC 2003 section 6.2). Everything by default.
    fn allows_destination(&self, inner: Ipv4Addr) -> bool {
        let _ = inner;
        true
    }

    /// Whether `address` is one of this host beside [`Config::local`](crate::Config::local): for the loop rule and
    /// for martian inner sources. None by default.
    fn is_own(&self, address: Ipv4Addr) -> bool {
        let _ = address;
        false
    }
}

/// Nobody: what an empty set accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NoPeers;

impl NoPeers {
    /// The empty set.
    #[must_use]
    pub fn new() -> NoPeers {
        NoPeers
    }
}

impl PeerSet for NoPeers {
    fn contains(&self, _source: Ipv4Addr) -> bool {
        false
    }
}

/// Anybody (`remote any`): an open decapsulator, the fault of VU#636397. Only for networks that filter elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyPeer;

impl AnyPeer {
    /// Accepts every unicast source, and says so by its name.
    #[must_use]
    pub fn accept_every_source() -> AnyPeer {
        AnyPeer
    }
}

impl PeerSet for AnyPeer {
    fn contains(&self, _source: Ipv4Addr) -> bool {
        true
    }
}

/// One peer: a point-to-point tunnel.
impl PeerSet for Ipv4Addr {
    fn contains(&self, source: Ipv4Addr) -> bool {
        *self == source
    }
}

/// Many peers in ascending order, found by binary search.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{PeerSet, SortedPeers};
///
/// let nodes = [Ipv4Addr::new(192, 168, 179, 103), Ipv4Addr::new(192, 168, 179, 104)];
/// let peers = SortedPeers::new(&nodes).ok_or("not in ascending order")?;
/// assert!(peers.contains(nodes[1]) && !peers.contains(Ipv4Addr::new(192, 168, 179, 2)));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortedPeers<'a>(&'a [Ipv4Addr]);

impl<'a> SortedPeers<'a> {
    /// The peers of `addresses`; `None` when they are not in ascending order.
    #[must_use]
    pub fn new(addresses: &'a [Ipv4Addr]) -> Option<SortedPeers<'a>> {
        addresses.is_sorted().then_some(SortedPeers(addresses))
    }
}

impl PeerSet for SortedPeers<'_> {
    fn contains(&self, source: Ipv4Addr) -> bool {
        self.0.binary_search(&source).is_ok()
    }
}

/// Peers by prefix; an address is a /32. Searched one by one: for a few prefixes.
///
/// ```
/// use ipip::{PeerPrefixes, PeerSet};
/// let prefixes = ["192.0.2.64/26".parse()?];
/// assert!(PeerPrefixes::new(&prefixes).contains("192.0.2.77".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerPrefixes<'a>(&'a [Ipv4Net]);

impl<'a> PeerPrefixes<'a> {
    /// The peers within `prefixes`, which need no order.
    #[must_use]
    pub fn new(prefixes: &'a [Ipv4Net]) -> PeerPrefixes<'a> {
        PeerPrefixes(prefixes)
    }
}

impl PeerSet for PeerPrefixes<'_> {
    fn contains(&self, source: Ipv4Addr) -> bool {
        self.0.iter().any(|prefix| prefix.contains(&source))
    }
}

/// Peers with the inner prefixes each may send from, sorted by peer; a peer with several prefixes has several entries.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{PeerBlocks, PeerSet};
///
/// let node = Ipv4Addr::new(192, 168, 179, 103);
/// let blocks = [(node, "10.244.36.64/26".parse()?)];
/// let peers = PeerBlocks::new(&blocks).ok_or("not sorted by peer")?;
/// assert!(peers.contains(node) && peers.allows_source(node, Ipv4Addr::new(10, 244, 36, 65)));
/// assert!(!peers.allows_source(node, Ipv4Addr::new(10, 244, 169, 130)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerBlocks<'a>(&'a [(Ipv4Addr, Ipv4Net)]);

impl<'a> PeerBlocks<'a> {
    /// The peers of `blocks`; `None` when they are not sorted by peer.
    #[must_use]
    pub fn new(blocks: &'a [(Ipv4Addr, Ipv4Net)]) -> Option<PeerBlocks<'a>> {
        blocks.is_sorted_by_key(|(peer, _)| *peer).then_some(PeerBlocks(blocks))
    }

    fn of(&self, peer: Ipv4Addr) -> impl Iterator<Item = &'a Ipv4Net> + use<'a> {
        let from = self.0.partition_point(|(other, _)| *other < peer);
        let blocks: &'a [(Ipv4Addr, Ipv4Net)] = self.0;
        blocks.iter().skip(from).take_while(move |(other, _)| *other == peer).map(|(_, block)| block)
    }
}

impl PeerSet for PeerBlocks<'_> {
    fn contains(&self, source: Ipv4Addr) -> bool {
        self.of(source).next().is_some()
    }

    fn allows_source(&self, peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
        self.of(peer).any(|block| block.contains(&inner))
    }
}

impl<P: PeerSet + ?Sized> PeerSet for &P {
    fn contains(&self, source: Ipv4Addr) -> bool {
        (**self).contains(source)
    }

    fn allows_source(&self, peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
        (**self).allows_source(peer, inner)
    }

    fn allows_destination(&self, inner: Ipv4Addr) -> bool {
        (**self).allows_destination(inner)
    }

    fn is_own(&self, address: Ipv4Addr) -> bool {
        (**self).is_own(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vu636397_an_empty_set_accepts_nothing() {
        let address = Ipv4Addr::new(192, 0, 2, 2);
        assert!(!NoPeers.contains(address));
        assert!(!SortedPeers(&[]).contains(address));
        assert!(!PeerPrefixes(&[]).contains(address));
        assert!(!PeerBlocks(&[]).contains(address));
        assert!(AnyPeer::accept_every_source().contains(address));
    }

    #[test]
    fn unsorted_peers_are_refused() {
        let (low, high) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(SortedPeers::new(&[high, low]), None);
        let net = Ipv4Net::new_assert(low, 32);
        assert_eq!(PeerBlocks::new(&[(high, net), (low, net)]), None);
    }

    #[test]
    fn a_peer_may_have_several_blocks() {
        let (low, high) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let block = |third| Ipv4Net::new_assert(Ipv4Addr::new(10, 244, third, 0), 24);
        let blocks = [(low, block(1)), (low, block(2)), (high, block(3))];
        let peers = PeerBlocks::new(&blocks).unwrap();
        let pod = |third| Ipv4Addr::new(10, 244, third, 9);
        assert!(peers.allows_source(low, pod(2)) && !peers.allows_source(low, pod(3)));
        assert!(peers.allows_source(high, pod(3)) && !peers.allows_source(high, pod(1)));
    }
}

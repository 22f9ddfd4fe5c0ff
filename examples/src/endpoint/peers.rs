//! Who may send to the endpoint, and from which inner addresses.

use std::net::Ipv4Addr;

use ipip::PeerSet;
use ipnet::Ipv4Net;

use super::routes::Routes;

/// The remote and its range may send from everywhere, a node of the routes only from its own blocks.
#[derive(Debug)]
pub(super) struct Peers {
    pub(super) remote: Option<Ipv4Addr>,
    pub(super) range: Option<Ipv4Net>,
    pub(super) routes: Routes,
    /// The address of the device, which no one else may use.
    pub(super) own: Option<Ipv4Addr>,
}

impl Peers {
    fn is_free(&self, source: Ipv4Addr) -> bool {
        self.remote == Some(source) || self.range.is_some_and(|range| range.contains(&source))
    }
}

impl PeerSet for Peers {
    fn contains(&self, source: Ipv4Addr) -> bool {
        self.is_free(source) || self.routes.has_node(source)
    }

    fn allows_source(&self, peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
        // The reverse path: what comes from a node must be what would be sent to it.
        self.is_free(peer) || self.routes.exit(inner) == Some(peer)
    }

    fn is_own(&self, address: Ipv4Addr) -> bool {
        self.own == Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vu636397_nodes_send_from_their_blocks_and_strangers_not_at_all() {
        let routes = Routes::parse("10.244.1.0/26 via 192.0.2.7").unwrap();
        let remote = Ipv4Addr::new(192, 0, 2, 2);
        let range = "198.51.100.0/28".parse().ok();
        let peers = Peers { remote: Some(remote), range, routes, own: Some(Ipv4Addr::new(10, 244, 9, 1)) };
        let (node, pod, other) =
            (Ipv4Addr::new(192, 0, 2, 7), Ipv4Addr::new(10, 244, 1, 5), Ipv4Addr::new(10, 244, 2, 5));
        assert!(peers.contains(remote) && peers.contains(node) && peers.contains(Ipv4Addr::new(198, 51, 100, 3)));
        assert!(!peers.contains(Ipv4Addr::new(198, 51, 100, 16)));
        assert!(peers.allows_source(node, pod) && !peers.allows_source(node, other));
        assert!(peers.allows_source(remote, other) && peers.is_own(Ipv4Addr::new(10, 244, 9, 1)));
    }
}

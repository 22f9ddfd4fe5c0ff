//! BGPPeer resources as sessions: both ends of each, by selectors or by address.

use alloc::vec::Vec;

use bgp_wire::Asn;

use super::session::{Intent, Remote};
use super::{NodeFacts, PeerType, Planner, SessionOptions, SessionPlan, Sessions};
use crate::cluster::Cluster;
use crate::name::Name;
use crate::resource::{
    BgpPeerSpec, GoDuration, LabelSelector, LocalSide, NextHopMode, Object, PeerIp, RemoteSide, ReversePeering,
    SourceAddress,
};

/// A BGPPeer with its selectors evaluated.
#[derive(Debug, Clone)]
pub(super) struct Peering {
    pub(super) name: Name,
    pub(super) global: bool,
    /// Whether each node is of the local side.
    pub(super) local: Vec<bool>,
    pub(super) remote: Side,
    /// The AS of the peer; none or 0: the default one.
    asn: Option<Asn>,
    reverse: bool,
    intent: Intent,
}

/// The remote side of a BGPPeer.
#[derive(Debug, Clone)]
pub(super) enum Side {
    /// The nodes with these indexes.
    Nodes(Vec<usize>),
    Ip(PeerIp),
    /// Their addresses are in no resource that is known here.
    Workloads,
}

impl Peering {
    pub(super) fn new(cluster: &Cluster, peer: &Object<BgpPeerSpec>) -> Self {
        let spec = &peer.spec;
        let matching = |selector: &LabelSelector| -> Vec<bool> {
            cluster.nodes().map(|node| selector.matches(&node.metadata.labels)).collect()
        };
        let (global, local) = match spec.local() {
            LocalSide::Global => (true, cluster.nodes().map(|_| true).collect()),
            LocalSide::Node(name) => (false, cluster.nodes().map(|node| node.name() == name).collect()),
            LocalSide::Nodes(selector) => (false, matching(selector)),
        };
        let remote = match spec.remote() {
            Some(RemoteSide::Ip(ip)) => Side::Ip(ip),
            Some(RemoteSide::Nodes(selector)) => {
                let flags = matching(selector).into_iter().enumerate();
                Side::Nodes(flags.filter_map(|(index, matches)| matches.then_some(index)).collect())
            }
            Some(RemoteSide::Workloads(_)) | None => Side::Workloads,
        };
        Self {
            name: peer.name().clone(),
            global,
            local,
            remote,
            asn: spec.as_number.filter(|asn| *asn != Asn(0)),
            reverse: spec.reverse_peering != Some(ReversePeering::Manual),
            intent: Intent {
                peer_type: if global { PeerType::Global } else { PeerType::Node },
                resource: Some(peer.name().clone()),
                local_as: spec.local_as_number,
                use_node_ip: spec.source_address != Some(SourceAddress::None),
                next_hop: next_hop(spec),
                options: options(spec),
            },
        }
    }

    fn is_local(&self, index: usize) -> bool {
        self.local.get(index).copied().unwrap_or(false)
    }
}

impl Planner {
    /// The sessions of a node that `BGPPeer`s ask for.
    pub(super) fn explicit_sessions(&self, index: usize) -> Sessions {
        let mut sessions = Sessions::new();
        let Some(local) = self.nodes.get(index) else { return sessions };
        for global in [true, false] {
            for peering in self.peerings.iter().filter(|peering| peering.global == global) {
                if peering.is_local(index) {
                    self.add_forward(local, peering, &mut sessions);
                }
            }
        }
        for peering in self.peerings.iter().filter(|peering| peering.reverse) {
            self.add_reverse(index, local, peering, &mut sessions);
        }
        sessions
    }

    /// The local side's end.
    fn add_forward(&self, local: &NodeFacts, peering: &Peering, sessions: &mut Sessions) {
        match &peering.remote {
            Side::Nodes(indexes) => {
                for node in indexes.iter().filter_map(|index| self.nodes.get(*index)) {
                    for addr in node.addrs() {
                        let remote = Remote { addr, port: node.port, asn: node.asn, node: Some(node) };
                        claim(sessions, local, remote, &peering.intent);
                    }
                }
            }
            Side::Ip(ip) => {
                let node = self.node_at(ip.addr);
                let port = ip.port.map_or_else(|| node.map_or(DEFAULT_PORT, |node| node.port), core::num::NonZero::get);
                let asn = peering.asn.unwrap_or(self.default_asn);
                claim(sessions, local, Remote { addr: ip.addr, port, asn, node }, &peering.intent);
            }
            Side::Workloads => {}
        }
    }

    /// The remote side's end, so that one resource configures both.
    fn add_reverse(&self, index: usize, local: &NodeFacts, peering: &Peering, sessions: &mut Sessions) {
        let family = match &peering.remote {
            Side::Nodes(indexes) if indexes.binary_search(&index).is_ok() => None,
            Side::Ip(ip)
                if self.by_addr.get(&ip.addr) == Some(&index)
                    && peering.asn.unwrap_or(self.default_asn) == local.asn
                    && ip.port.is_none_or(|port| port.get() == local.port) =>
            {
                Some(ip.addr.is_ipv4())
            }
            _ => return,
        };
        let intent = Intent { local_as: None, ..peering.intent.clone() };
        let others = self.nodes.iter().enumerate().filter(|(other, _)| peering.is_local(*other));
        for (_, node) in others {
            for addr in node.addrs().filter(|addr| family.is_none_or(|ipv4| ipv4 == addr.is_ipv4())) {
                // The AS that the other end shows.
                let asn = peering.intent.local_as.unwrap_or(node.asn);
                claim(sessions, local, Remote { addr, port: node.port, asn, node: Some(node) }, &intent);
            }
        }
    }
}

/// Makes a session unless there is one to that address and port, it is the node's own, or the node has no such address.
fn claim(sessions: &mut Sessions, local: &NodeFacts, remote: Remote<'_>, intent: &Intent) {
    if local.addr_like(remote.addr).is_none_or(|own| own == remote.addr) {
        return;
    }
    sessions.entry((remote.addr, remote.port)).or_insert_with(|| SessionPlan::new(local, remote, intent.clone()));
}

fn next_hop(spec: &BgpPeerSpec) -> NextHopMode {
    match spec.next_hop_mode {
        Some(mode) => mode,
        None if spec.keep_original_next_hop => NextHopMode::Keep,
        None => NextHopMode::Auto,
    }
}

fn options(spec: &BgpPeerSpec) -> SessionOptions {
    let mut options = SessionOptions::new(spec.password.clone(), spec.max_restart_time);
    options.keepalive_time = spec.keepalive_time.map(GoDuration::get);
    options.ttl_security = spec.ttl_security.filter(|hops| *hops != 0);
    options.allowas_in = spec.num_allowed_local_as_numbers.unwrap_or(0);
    options.reachable_by = spec.reachable_by;
    options.filters = spec.filters.clone();
    options
}

/// BGP's port (RFC 4271 8.2.1), which a peer that is no node listens on unless its port is given.
const DEFAULT_PORT: u16 = 179;

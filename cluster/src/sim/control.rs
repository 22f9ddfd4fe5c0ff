//! From resources to running speakers: which sessions, tunnels and blocks a node must have now.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use bgp_fsm::PeerAs;
use bgp_rib::{PeerConfig as RibPeer, PeerKind};
use bgp_speaker::{Config, PeerConfig, Speaker};
use bgp_wire::capability::Capability;
use bgp_wire::{BgpId, Family};
use ipnet::Ipv4Net;

use super::Simulation;
use super::host::HostId;
use crate::plan::{NodeFacts, Planner, SessionPlan};

/// Hold time that BIRD asks for where nothing is said, in seconds.
const HOLD_TIME: u16 = 240;
/// Time between attempts to connect, as in Calico's configuration of BIRD.
const CONNECT_RETRY: Duration = Duration::from_secs(5);
/// The first and the longest wait after an error, likewise.
const ERROR_WAIT: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

impl Simulation {
    /// Brings every live node to what the resources ask for: a node that stays the same notices nothing.
    pub(super) fn reconcile(&mut self) {
        self.planner = Planner::new(&self.cluster);
        self.load_resources();
        let nodes: Vec<NodeFacts> = self.planner.nodes().to_vec();
        self.node_addresses = nodes.iter().filter_map(|node| Some(node.ipv4?.addr())).collect();
        self.node_addresses.sort_unstable();
        for node in &nodes {
            let Some(id) = self.host_of(node) else { continue };
            self.reconcile_tunnel(id, node.name.as_str());
            self.reconcile_sessions(id, node);
        }
    }

    /// The host of a node, made when the node is new; none: it has no IPv4 address.
    fn host_of(&mut self, node: &NodeFacts) -> Option<HostId> {
        if let Some(id) = self.host_id(node.name.as_str()) {
            return Some(id);
        }
        let address = node.ipv4?;
        let net = Ipv4Net::new(address.addr(), address.net().prefix_len()).ok()?;
        let router_id = BgpId(u32::from(address.addr()));
        let rib = bgp_rib::Config::new(node.asn, router_id).with_local_v4(address.addr());
        let rib = match node.cluster_id {
            Some(cluster_id) => rib.with_cluster_id(cluster_id),
            None => rib,
        };
        let seed = self.network.seed ^ u64::from(u32::from(address.addr()));
        let speaker = Speaker::new(Config::new(rib), seed);
        let id = self.network.add_host(node.name.to_string(), net, speaker);
        self.ids.insert(node.name.to_string(), id);
        Some(id)
    }

    fn reconcile_sessions(&mut self, id: HostId, node: &NodeFacts) {
        let Some(plan) = self.planner.node(node.name.as_str()) else { return };
        let present = self.sessions.get(&id).cloned().unwrap_or_default();
        let wanted = plan.sessions;
        if let Some(cluster_id) = node.cluster_id {
            self.network.set_cluster_id(id, cluster_id);
        }
        for gone in present.iter().filter(|session| !wanted.contains(session)) {
            self.network.remove_peer(id, gone.remote);
        }
        for new in wanted.iter().filter(|session| !present.contains(session)) {
            let Some(config) = peer_config(node, new) else { continue };
            self.network.add_peer(id, config);
        }
        self.sessions.insert(id, wanted);
    }
}

/// A session of the plan as the speaker runs it; IPv4 transport only, as the simulated network.
fn peer_config(node: &NodeFacts, session: &SessionPlan) -> Option<PeerConfig> {
    let remote: Ipv4Addr = match session.remote {
        IpAddr::V4(remote) => remote,
        IpAddr::V6(_) => return None,
    };
    let kind = match (session.is_ibgp(), session.rr_client) {
        (true, Some(_)) => PeerKind::RrClient,
        (true, None) => PeerKind::Ibgp,
        (false, _) => PeerKind::Ebgp,
    };
    let capabilities = [
        Capability::MultiProtocol(Family::IPV4_UNICAST),
        Capability::RouteRefresh,
        Capability::FourOctetAs(session.local_as),
        Capability::EnhancedRouteRefresh,
    ];
    let [first, longest] = ERROR_WAIT;
    let fsm = bgp_fsm::Config::new(session.local_as, node.router_id()?, PeerAs::Exact(session.remote_as))
        .with_hold_time(HOLD_TIME)
        .with_connect_retry(CONNECT_RETRY)
        .with_damp_peer_oscillations(true)
        .with_idle_hold_time(first)
        .with_idle_hold_max(longest)
        .with_passive(session.passive)
        .with_capabilities(capabilities);
    let rib = RibPeer::new(kind, session.remote_as, IpAddr::V4(remote)).with_allowas_in(session.options.allowas_in);
    Some(PeerConfig::new(IpAddr::V4(remote), fsm, rib).with_port(session.remote_port))
}

//! What an operator would look at on a node of the simulated cluster.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use bgp_fsm::{Instant, State};
use bgp_wire::{BgpId, ClusterId};
use ipnet::IpNet;
use serde::Serialize;

use super::Simulation;
use super::host::Host;
use crate::plan::route::{KernelRoute, Routing};
use crate::plan::{SessionPlan, tunnel};
use crate::status::{BgpState, NodeStatus, SessionStatus, TcpSession, TimeOfDay, TunnelDevice};

/// A route that came through a reflector (RFC 4456).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reflected {
    /// The prefix.
    pub prefix: IpNet,
    /// NEXT_HOP: the node that owns the block, not the reflector.
    pub next_hop: IpAddr,
    /// The reflector it came from.
    pub from: IpAddr,
    /// ORIGINATOR_ID.
    pub originator_id: Option<BgpId>,
    /// CLUSTER_LIST, the nearest first.
    pub cluster_list: Vec<ClusterId>,
}

/// Two lines in the manner of BIRD's `show route all`.
impl fmt::Display for Reflected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reflected { prefix, next_hop, from, originator_id, cluster_list } = self;
        writeln!(f, "{prefix} via {next_hop} from {from}")?;
        if let Some(originator_id) = originator_id {
            writeln!(f, "    BGP.originator_id: {originator_id}")?;
        }
        f.write_str("    BGP.cluster_list:")?;
        cluster_list.iter().try_for_each(|cluster| write!(f, " {cluster}"))
    }
}

impl Simulation {
    /// The names of the nodes that run.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.network.hosts.iter().filter(|host| host.alive).map(|host| host.name.as_str())
    }

    /// A node's sessions in the order of its plan, as `calicoctl node status` sees them.
    ///
    /// ```
    /// # use bgp_cluster::{Cluster, lab::Lab, resource::{IpPoolSpec, NodeSpec, Object}, sim::Simulation};
    /// # let mut cluster = Cluster::new();
    /// # cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
    /// # for (name, address) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")] {
    /// #     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{address}"}}}}}}"#);
    /// #     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
    /// # }
    /// # let mut simulation = Simulation::new(cluster, Lab::new("eth0"), 1);
    /// simulation.settle(core::time::Duration::from_secs(60));
    /// let status = bgp_cluster::table::node_status(&simulation.node_status("a"));
    /// assert!(status.contains("| 10.0.0.2     | node-to-node mesh | up    |"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn node_status(&self, node: &str) -> NodeStatus {
        let Some((id, host)) = self.host_id(node).and_then(|id| Some((id, self.network.host(id)?))) else {
            return NodeStatus::default();
        };
        let plan = self.sessions.get(&id).map(Vec::as_slice).unwrap_or_default();
        NodeStatus { sessions: plan.iter().filter_map(|session| session_status(host, session)).collect() }
    }

    /// A node's open BGP connections in the order of their addresses. Process and descriptor numbers are made up: the
    /// node's own number, and the place in the list.
    #[must_use]
    pub fn tcp_sessions(&self, node: &str) -> Vec<TcpSession> {
        let Some((id, host)) = self.host_id(node).and_then(|id| Some((id, self.network.host(id)?))) else {
            return Vec::new();
        };
        let own = IpAddr::V4(host.address.addr());
        let mut ends: Vec<(SocketAddr, SocketAddr)> = self
            .network
            .connections()
            .filter_map(|(dialler, listener)| match (dialler.ip() == own, listener.ip() == own) {
                (true, _) => Some((dialler, listener)),
                (_, true) => Some((listener, dialler)),
                _ => None,
            })
            .collect();
        ends.sort_unstable();
        let pid = FIRST_PID.saturating_add(id.0);
        (FIRST_FD..).zip(ends).map(|(fd, (local, remote))| TcpSession { local, remote, pid, fd }).collect()
    }

    /// A node's tunl0, as `ip addr` sees it.
    #[must_use]
    pub fn tunnel_device(&self, node: &str) -> TunnelDevice {
        let uplink = self.lab.uplink(node);
        let mtu = tunnel::mtu(uplink.tunnel_mtu, uplink.mtu);
        TunnelDevice { index: TUNNEL_INDEX, mtu, addr: self.tunnel_address(node) }
    }

    /// Open BGP connections in the whole cluster.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.connections().count()
    }

    /// A node's kernel routes in the order of `ip route`.
    ///
    /// ```
    /// # use bgp_cluster::{Cluster, lab::Lab, resource::{IpPoolSpec, NodeSpec, Object}, sim::Simulation};
    /// # let mut cluster = Cluster::new();
    /// # cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
    /// # for (name, address) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")] {
    /// #     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{address}"}}}}}}"#);
    /// #     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
    /// # }
    /// # let mut simulation = Simulation::new(cluster, Lab::new("eth0"), 1);
    /// let pod = simulation.start_pod("b", "web")?;
    /// simulation.settle(core::time::Duration::from_secs(60));
    /// let route = simulation.routes("a").into_iter().find(|route| route.destination.contains(&std::net::IpAddr::V4(pod)));
    /// assert!(route.ok_or("no route")?.to_string().contains(" via 10.0.0.2 dev eth0 proto bird"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn routes(&self, node: &str) -> Vec<KernelRoute> {
        let Some(host) = self.host_id(node).and_then(|id| self.network.host(id)) else { return Vec::new() };
        let Some(facts) = self.planner.node_at(IpAddr::V4(host.address.addr())) else { return Vec::new() };
        let uplink = self.lab.uplink(node);
        let own: Vec<IpNet> = host.blocks.iter().copied().collect();
        let learned = host.learned.iter().map(|(prefix, next_hop)| (prefix, *next_hop));
        Routing::new(&self.cluster, facts, &uplink).table(&own, learned)
    }

    /// Routes that BGP taught a node.
    #[must_use]
    pub fn learned_count(&self, node: &str) -> usize {
        self.host_id(node).and_then(|id| self.network.host(id)).map_or(0, |host| host.learned.len())
    }

    /// The address of a node's tunl0.
    #[must_use]
    pub fn tunnel_address(&self, node: &str) -> Option<Ipv4Addr> {
        self.host_id(node).and_then(|id| self.network.host(id))?.tunnel
    }

    /// The node's reflected routes in use, by prefix.
    #[must_use]
    pub fn reflected(&self, node: &str) -> Vec<Reflected> {
        let Some(host) = self.host_id(node).and_then(|id| self.network.host(id)) else { return Vec::new() };
        let mut found = Vec::new();
        for (prefix, next_hop) in host.learned.iter() {
            let Some(best) = host.speaker.rib().best(&self.network.store, prefix) else { continue };
            let Some(attributes) = self.network.store.attributes(best.attr) else { continue };
            let Some(from) = best.peer.and_then(|peer| host.speaker.peer(peer)) else { continue };
            if attributes.originator_id().is_some() {
                found.push(Reflected {
                    prefix,
                    next_hop: *next_hop,
                    from: from.config.address,
                    originator_id: attributes.originator_id(),
                    cluster_list: attributes.cluster_list().collect(),
                });
            }
        }
        found
    }

    /// The kernel route that a node has for a learned prefix.
    pub(super) fn learned_route(&self, host: &Host, prefix: IpNet, next_hop: IpAddr) -> Option<KernelRoute> {
        let facts = self.planner.node_at(IpAddr::V4(host.address.addr()))?;
        let uplink = self.lab.uplink(&host.name);
        Routing::new(&self.cluster, facts, &uplink).learned(prefix, next_hop)
    }
}

fn session_status(host: &Host, session: &SessionPlan) -> Option<SessionStatus> {
    let peer = host.speaker.peer(host.speaker.peer_at(session.remote)?)?;
    let bgp_state = match peer.state {
        State::Idle => BgpState::Idle,
        State::Connect => BgpState::Connect,
        State::Active => BgpState::Active,
        State::OpenSent => BgpState::OpenSent,
        State::OpenConfirm => BgpState::OpenConfirm,
        State::Established => BgpState::Established,
    };
    let seconds = peer.since.saturating_duration_since(Instant::from_nanos(0)).as_secs();
    Some(SessionStatus {
        peer: session.remote,
        port: session.remote_port,
        peer_type: session.peer_type,
        state: bgp_state.protocol_state(),
        since: TimeOfDay(FIRST_SECOND.saturating_add(u32::try_from(seconds % DAY).unwrap_or(0))),
        bgp_state,
        error: None,
    })
}

/// The index of tunl0 among a node's devices: after lo, the network card and the first pod.
const TUNNEL_INDEX: u32 = 4;
/// The process number of the first node's daemon.
const FIRST_PID: u32 = 3517;
/// The descriptor of a daemon's first connection.
const FIRST_FD: u32 = 8;
/// Seconds in a day.
const DAY: u64 = 86_400;
/// The time of day at which the virtual clock starts: 06:48:00.
const FIRST_SECOND: u32 = 24_480;

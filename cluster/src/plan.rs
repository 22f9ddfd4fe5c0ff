//! From resources to BGP sessions, node by node: a pure function of the [`Cluster`].
//!
//! Each node gets its sessions in four passes; the first to claim an address and port has it:
//!
//! 1. `BGPPeer`s for every node (`plan/peering.rs`), in the order of their names;
//! 2. `BGPPeer`s for certain nodes, in the order of their names;
//! 3. the other ends of all of these, unless `reversePeering` is `Manual`;
//! 4. the mesh (`plan/mesh.rs`).
//!
//! Calico walks a hash map in passes 1 to 3, so that of conflicting resources a random one wins, and lets the mesh
//! and a BGPPeer both have a session to one address; the order here is fixed and there is one session.

mod mesh;
mod peering;
pub mod preview;
pub mod reach;
pub mod route;
mod session;
pub mod tunnel;
pub mod warning;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{Asn, BgpId, ClusterId};

use crate::cluster::{Cluster, bgp};
use crate::name::Name;
use crate::resource::{BindMode, HostAddr, NodeSpec, Object, SecretRef};
use peering::Peering;

pub use session::{PeerType, SessionOptions, SessionPlan};

/// The part of one node in BGP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodePlan {
    /// Who the node is.
    pub node: NodeFacts,
    /// Its sessions, in the order of the peers' addresses and ports.
    pub sessions: Vec<SessionPlan>,
}

/// What BGP knows of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeFacts {
    /// The name.
    pub name: Name,
    /// The AS: its own or the default one.
    pub asn: Asn,
    /// The TCP port: its own or the default one.
    pub port: u16,
    /// Whether it listens on its own address only.
    pub bind_node_ip: bool,
    /// The IPv4 address; none: no IPv4 sessions.
    pub ipv4: Option<HostAddr<Ipv4Addr>>,
    /// The IPv6 address; none: no IPv6 sessions.
    pub ipv6: Option<HostAddr<Ipv6Addr>>,
    /// The cluster of which it is a route reflector; none: it is none.
    pub cluster_id: Option<ClusterId>,
}

impl NodeFacts {
    /// The BGP Identifier, which is the IPv4 address; none: the operator has to give one.
    #[must_use]
    pub fn router_id(&self) -> Option<BgpId> {
        self.ipv4.map(|host| BgpId(u32::from(host.addr())))
    }

    /// The address in the family of another one.
    #[must_use]
    pub fn addr_like(&self, other: IpAddr) -> Option<IpAddr> {
        if other.is_ipv4() { self.v4() } else { self.v6() }
    }

    /// The addresses, IPv4 first.
    #[must_use = "iterators are lazy"]
    pub fn addrs(&self) -> impl Iterator<Item = IpAddr> + use<> {
        [self.v4(), self.v6()].into_iter().flatten()
    }

    /// Whether an address is in the node's own subnet.
    #[must_use]
    pub fn same_subnet(&self, addr: IpAddr) -> bool {
        match addr {
            IpAddr::V4(_) => self.ipv4.is_some_and(|host| host.same_subnet(addr)),
            IpAddr::V6(_) => self.ipv6.is_some_and(|host| host.same_subnet(addr)),
        }
    }

    fn v4(&self) -> Option<IpAddr> {
        self.ipv4.map(|host| host.addr().into())
    }

    fn v6(&self) -> Option<IpAddr> {
        self.ipv6.map(|host| host.addr().into())
    }

    fn new(cluster: &Cluster, node: &Object<NodeSpec>) -> Self {
        let bgp = bgp(node);
        Self {
            name: node.name().clone(),
            asn: cluster.asn_of(node),
            port: cluster.port_of(node),
            bind_node_ip: cluster.default_spec().and_then(|spec| spec.bind_mode) == Some(BindMode::NodeIp),
            ipv4: bgp.and_then(|bgp| bgp.ipv4_address),
            ipv6: bgp.and_then(|bgp| bgp.ipv6_address),
            cluster_id: bgp.and_then(|bgp| bgp.route_reflector_cluster_id),
        }
    }
}

/// The sessions of every node.
///
/// Making one evaluates each selector once per node; asking for a node costs what its sessions cost.
///
/// ```
/// use bgp_cluster::{Cluster, plan::{PeerType, Planner}, resource::{NodeSpec, Object}};
///
/// let mut cluster = Cluster::new();
/// for (name, addr) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.0.3/24")] {
///     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{addr}"}}}}}}"#);
///     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
/// }
/// let planner = Planner::new(&cluster);
/// let plan = planner.node("b").ok_or("no such node")?;
/// assert_eq!(plan.sessions.len(), 2);
/// assert!(plan.sessions.iter().all(|session| session.peer_type == PeerType::Mesh));
/// // The end with the larger address dials.
/// assert_eq!([plan.sessions[0].passive, plan.sessions[1].passive], [false, true]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Planner {
    nodes: Vec<NodeFacts>,
    /// The index of each node's addresses.
    by_addr: BTreeMap<IpAddr, usize>,
    default_asn: Asn,
    mesh: Option<SessionOptions>,
    peerings: Vec<Peering>,
}

impl Planner {
    /// Plans a cluster.
    #[must_use]
    pub fn new(cluster: &Cluster) -> Self {
        let nodes: Vec<_> = cluster.nodes().map(|node| NodeFacts::new(cluster, node)).collect();
        let mut by_addr = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            by_addr.extend(node.addrs().map(|addr| (addr, index)));
        }
        let mesh = cluster.mesh_enabled().then(|| {
            let spec = cluster.default_spec();
            let password: Option<SecretRef> = spec.and_then(|spec| spec.node_mesh_password.clone());
            let restart_time = spec.and_then(|spec| spec.node_mesh_max_restart_time);
            SessionOptions::new(password, restart_time)
        });
        let peerings = cluster.peers().map(|peer| Peering::new(cluster, peer)).collect();
        Self { nodes, by_addr, default_asn: cluster.default_asn(), mesh, peerings }
    }

    /// The nodes, in the order of their names.
    #[must_use]
    pub fn nodes(&self) -> &[NodeFacts] {
        &self.nodes
    }

    /// The node that has an address.
    #[must_use]
    pub fn node_at(&self, addr: IpAddr) -> Option<&NodeFacts> {
        self.nodes.get(*self.by_addr.get(&addr)?)
    }

    /// The part of a node; none: there is no such node.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodePlan> {
        let index = self.index_of(name)?;
        let node = self.nodes.get(index)?;
        let mut sessions = self.explicit_sessions(index);
        self.add_mesh(node, &mut sessions);
        Some(NodePlan { node: node.clone(), sessions: sessions.into_values().collect() })
    }

    /// How many sessions the mesh has: a number, not a list, because it grows with the square of the nodes.
    #[must_use]
    pub fn mesh_sessions(&self) -> u64 {
        let pairs = |members: usize| {
            let members = u64::try_from(members).unwrap_or(u64::MAX);
            members.saturating_mul(members.saturating_sub(1)) / 2
        };
        let members = |has: fn(&NodeFacts) -> bool| self.mesh_members().filter(|node| has(node)).count();
        pairs(members(|node| node.ipv4.is_some())).saturating_add(pairs(members(|node| node.ipv6.is_some())))
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.name.as_str().cmp(name)).ok()
    }
}

/// The sessions of one node by the peer's address and port.
type Sessions = BTreeMap<(IpAddr, u16), SessionPlan>;

#[cfg(test)]
mod tests;

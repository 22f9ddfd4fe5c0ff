//! Who reaches whom: the spread of a node's routes over the planned sessions, and the way of the packets back.
//!
//! This is a model, not a run of the daemons: sessions that can come up are up, and of several paths a node takes the
//! one that passed the fewest speakers, then the one from the lowest address, as the decision process does
//! (RFC 4456 section 9: the shorter CLUSTER_LIST). It answers before a change is made what the change will cut.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;

use bgp_wire::Asn;
use ipnet::IpNet;

use super::{NodeFacts, Planner, SessionPlan, Sessions};
use crate::cluster::Cluster;
use crate::name::Name;
use crate::resource::{Encap, NextHopMode};

/// The sessions of a cluster that can come up.
///
/// ```
/// use bgp_cluster::{Cluster, plan::{Planner, reach::{Reach, Topology}}, resource::{IpPoolSpec, NodeSpec, Object}};
///
/// let mut cluster = Cluster::new();
/// for (name, addr) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24"), ("c", "10.0.1.3/24")] {
///     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{addr}"}}}}}}"#);
///     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
/// }
/// cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
/// let planner = Planner::new(&cluster);
/// let topology = Topology::new(&cluster, &planner);
/// let block = "10.244.36.64/26".parse()?;
/// assert_eq!(topology.reachable("a", "b", &block), Reach::Direct);
/// // Without encapsulation, routers between the subnets would have to know pod addresses.
/// assert_eq!(topology.reachable("a", "c", &block), Reach::NotNeighbours);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Topology<'a> {
    cluster: &'a Cluster,
    planner: &'a Planner,
    /// Sessions by `BGPPeer`s, per node.
    edges: Vec<Vec<Edge>>,
    /// Sessions that one end wants and the other does not: node, address of the other, other.
    one_sided: Vec<(usize, IpAddr, usize)>,
    /// The nodes of the mesh, whose sessions are not listed: there are n² of them.
    mesh: Vec<usize>,
    mesh_has_ebgp: bool,
}

/// Whether packets of one node get to a block of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// The block is the node's own.
    Local,
    /// Through the node's subnet, as they are.
    Direct,
    /// Through tunl0.
    Tunnel,
    /// Through VXLAN, which needs no BGP.
    Vxlan,
    /// No: no route gets there over the sessions.
    NoRoute,
    /// No: the next hop is in another subnet, and nothing is encapsulated.
    NotNeighbours,
    /// No: one of the two is no node.
    NoNode,
}

impl Reach {
    /// Whether the packets get there.
    #[must_use]
    pub fn is_reachable(self) -> bool {
        matches!(self, Self::Local | Self::Direct | Self::Tunnel | Self::Vxlan)
    }
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    addr: IpAddr,
    own: IpAddr,
    local_as: Asn,
    remote_as: Asn,
    /// The other end is a client of this end.
    client: bool,
    next_hop: NextHopMode,
}

impl<'a> Topology<'a> {
    /// The sessions of a planned cluster; one comes up if both ends want it, agree about ASes and
    /// password, and one can dial.
    #[must_use]
    pub fn new(cluster: &'a Cluster, planner: &'a Planner) -> Self {
        let sessions: Vec<Sessions> = (0..planner.nodes.len()).map(|index| planner.explicit_sessions(index)).collect();
        let mut one_sided = Vec::new();
        let edges = (0..planner.nodes.len()).map(|index| edges_of(planner, &sessions, index, &mut one_sided)).collect();
        let in_mesh = |node: &NodeFacts| planner.mesh.is_some() && node.cluster_id.is_none();
        let mesh: Vec<usize> =
            planner.nodes.iter().enumerate().filter_map(|(index, node)| in_mesh(node).then_some(index)).collect();
        let ases: BTreeSet<Asn> = planner.mesh_members().map(|node| node.asn).collect();
        Self { cluster, planner, edges, one_sided, mesh, mesh_has_ebgp: ases.len() > 1 }
    }

    /// Whether a node has a session that can come up.
    #[must_use]
    pub fn has_session(&self, node: &str) -> bool {
        let Some(index) = self.planner.index_of(node) else { return false };
        self.edges.get(index).is_some_and(|edges| !edges.is_empty())
            || (self.mesh.len() > 1 && self.mesh.binary_search(&index).is_ok())
    }

    /// Sessions that do not come up because the other end, a node, does not want them: node, address, other end.
    pub(super) fn one_sided(&self) -> impl Iterator<Item = (&'a Name, IpAddr, &'a Name)> {
        let name = |index: usize| self.planner.nodes.get(index).map(|node| &node.name);
        self.one_sided.iter().filter_map(move |(node, addr, peer)| Some((name(*node)?, *addr, name(*peer)?)))
    }

    /// Where the routes of a node get to.
    #[must_use]
    pub fn spread(&self, owner: &str, ipv4: bool) -> Option<Spread<'_>> {
        let owner = self.planner.index_of(owner)?;
        let mut spread = Spread { topology: self, owner, ipv4, learned: alloc::vec![None; self.planner.nodes.len()] };
        spread.run();
        Some(spread)
    }

    /// Whether packets of a node get to a block of another; [`Topology::spread`] serves many nodes at one cost.
    #[must_use]
    pub fn reachable(&self, from: &str, owner: &str, block: &IpNet) -> Reach {
        let ipv4 = matches!(block, IpNet::V4(_));
        self.spread(owner, ipv4).map_or(Reach::NoNode, |spread| spread.reach(from, block))
    }

    fn mesh_edge(&self, from: usize, to: usize, ipv4: bool) -> Option<Edge> {
        let (local, remote) = (self.planner.nodes.get(from)?, self.planner.nodes.get(to)?);
        let family = |node: &NodeFacts| node.addrs().find(|addr| addr.is_ipv4() == ipv4);
        (from != to).then_some(())?;
        Some(Edge {
            to,
            addr: family(remote)?,
            own: family(local)?,
            local_as: local.asn,
            remote_as: remote.asn,
            client: false,
            next_hop: NextHopMode::Auto,
        })
    }
}

/// Where the routes of one node get to.
#[derive(Debug)]
pub struct Spread<'a> {
    topology: &'a Topology<'a>,
    owner: usize,
    ipv4: bool,
    learned: Vec<Option<Learned>>,
}

/// How a node learned the route.
#[derive(Debug, Clone, Copy)]
struct Learned {
    /// From whom; none: it is the owner.
    from: Option<usize>,
    next_hop: IpAddr,
    ebgp: bool,
    /// The sender is a client of the node.
    from_client: bool,
    /// The AS that the sender prepended.
    prepended: Option<Asn>,
}

impl Spread<'_> {
    /// Whether packets of a node get to a block of the owner.
    #[must_use]
    pub fn reach(&self, from: &str, block: &IpNet) -> Reach {
        let planner = self.topology.planner;
        let Some(mut at) = planner.index_of(from) else { return Reach::NoNode };
        if at == self.owner {
            return Reach::Local;
        }
        let pool = self.topology.cluster.pool_of(block);
        let mode = pool.map_or(Encap::Never, |pool| pool.spec.ipip_mode);
        if pool.is_some_and(|pool| pool.spec.vxlan_mode != Encap::Never) {
            return Reach::Vxlan;
        }
        if pool.is_some_and(|pool| pool.spec.disable_bgp_export) {
            return Reach::NoRoute;
        }
        let mut first = None;
        // A chain of next hops visits no node twice, or it is a loop.
        for _ in 0..planner.nodes.len() {
            let Some(learned) = self.learned.get(at).copied().flatten() else { return Reach::NoRoute };
            let Some(node) = planner.nodes.get(at) else { return Reach::NoRoute };
            let neighbour = node.same_subnet(learned.next_hop);
            let hop = match mode {
                Encap::Always => Reach::Tunnel,
                Encap::CrossSubnet if !neighbour => Reach::Tunnel,
                _ if neighbour => Reach::Direct,
                _ => return Reach::NotNeighbours,
            };
            let first = *first.get_or_insert(hop);
            let Some(next) = planner.by_addr.get(&learned.next_hop) else { return Reach::NoRoute };
            if *next == self.owner {
                return first;
            }
            at = *next;
        }
        Reach::NoRoute
    }

    fn run(&mut self) {
        let Some(addr) = self.addr(self.owner) else { return };
        let origin = Learned { from: None, next_hop: addr, ebgp: false, from_client: false, prepended: None };
        self.set(self.owner, origin);
        let mut frontier = alloc::vec![self.owner];
        while !frontier.is_empty() {
            frontier.sort_by_key(|index| self.addr(*index));
            let mut next = Vec::new();
            for sender in core::mem::take(&mut frontier) {
                self.send(sender, &mut next);
            }
            frontier = next;
        }
    }

    /// Passes the route on from one node to all that do not have it.
    fn send(&mut self, sender: usize, next: &mut Vec<usize>) {
        let topology = self.topology;
        let Some(route) = self.learned.get(sender).copied().flatten() else { return };
        let ipv4 = self.ipv4;
        for edge in topology.edges.get(sender).into_iter().flatten().filter(|edge| edge.addr.is_ipv4() == ipv4) {
            self.offer(sender, route, edge, next);
        }
        let ibgp_only = route.from.is_some() && !route.ebgp && !topology.mesh_has_ebgp;
        if !ibgp_only && topology.mesh.binary_search(&sender).is_ok() {
            for to in &topology.mesh {
                if let Some(edge) = topology.mesh_edge(sender, *to, self.ipv4) {
                    self.offer(sender, route, &edge, next);
                }
            }
        }
    }

    fn offer(&mut self, sender: usize, route: Learned, edge: &Edge, next: &mut Vec<usize>) {
        let known = self.learned.get(edge.to).is_none_or(Option::is_some);
        if known || !self.may_pass(sender, route, edge) || self.loops(sender, edge) {
            return;
        }
        let ebgp = edge.local_as != edge.remote_as;
        let own_next_hop = match edge.next_hop {
            NextHopMode::Auto => ebgp,
            NextHopMode::Own => true,
            NextHopMode::Keep => false,
        };
        let learned = Learned {
            from: Some(sender),
            next_hop: if own_next_hop { edge.own } else { route.next_hop },
            ebgp,
            from_client: self.is_client(edge.to, sender),
            prepended: ebgp.then_some(edge.local_as),
        };
        self.set(edge.to, learned);
        next.push(edge.to);
    }

    /// RFC 4456 6 and RFC 4271 9.2.1: what came by iBGP goes on by iBGP only through a reflector.
    fn may_pass(&self, sender: usize, route: Learned, edge: &Edge) -> bool {
        let by_ibgp = route.from.is_some() && !route.ebgp;
        if !by_ibgp || edge.local_as != edge.remote_as {
            return true;
        }
        let reflector = self.topology.planner.nodes.get(sender).is_some_and(|node| node.cluster_id.is_some());
        reflector && (route.from_client || edge.client)
    }

    /// Whether the receiver would find its own cluster or AS in the path.
    fn loops(&self, sender: usize, edge: &Edge) -> bool {
        let nodes = &self.topology.planner.nodes;
        let ebgp = edge.local_as != edge.remote_as;
        let Some(receiver) = nodes.get(edge.to) else { return true };
        let mut at = sender;
        let mut in_as = !ebgp;
        while let Some(route) = self.learned.get(at).copied().flatten() {
            let Some(from) = route.from else { break };
            let cluster = nodes.get(at).and_then(|node| node.cluster_id);
            if in_as && !route.ebgp && cluster.is_some() && cluster == receiver.cluster_id {
                return true;
            }
            in_as &= !route.ebgp;
            if route.prepended == Some(edge.remote_as) {
                return true;
            }
            at = from;
        }
        false
    }

    fn is_client(&self, of: usize, who: usize) -> bool {
        self.topology.edges.get(of).into_iter().flatten().any(|edge| edge.to == who && edge.client)
    }

    fn addr(&self, index: usize) -> Option<IpAddr> {
        self.topology.planner.nodes.get(index)?.addrs().find(|addr| addr.is_ipv4() == self.ipv4)
    }

    fn set(&mut self, index: usize, learned: Learned) {
        if let Some(slot) = self.learned.get_mut(index) {
            *slot = Some(learned);
        }
    }
}

fn edges_of(
    planner: &Planner,
    sessions: &[Sessions],
    index: usize,
    one_sided: &mut Vec<(usize, IpAddr, usize)>,
) -> Vec<Edge> {
    let (Some(local), Some(own)) = (planner.nodes.get(index), sessions.get(index)) else { return Vec::new() };
    let mut edge = |session: &SessionPlan| {
        let to = *planner.by_addr.get(&session.remote)?;
        let own_addr = local.addr_like(session.remote)?;
        let remote = planner.nodes.get(to)?;
        let range = (own_addr, 0)..=(own_addr, u16::MAX);
        let mut theirs = sessions.get(to)?.range(range).map(|(_, theirs)| theirs);
        if !theirs.any(|theirs| comes_up(session, remote, theirs, local)) {
            let mesh = planner.mesh.is_some() && local.cluster_id.is_none() && remote.cluster_id.is_none();
            if !(mesh && session.remote_as == remote.asn && session.local_as == local.asn) {
                one_sided.push((index, session.remote, to));
            }
            return None;
        }
        Some(Edge {
            to,
            addr: session.remote,
            own: own_addr,
            local_as: session.local_as,
            remote_as: session.remote_as,
            client: session.rr_client.is_some(),
            next_hop: session.next_hop,
        })
    };
    own.values().filter_map(&mut edge).collect()
}

fn comes_up(ours: &SessionPlan, remote: &NodeFacts, theirs: &SessionPlan, local: &NodeFacts) -> bool {
    let ases = ours.remote_as == theirs.local_as && theirs.remote_as == ours.local_as;
    let we_dial = !ours.passive && ours.remote_port == remote.port;
    let they_dial = !theirs.passive && theirs.remote_port == local.port;
    // RFC 2385: an end with a password does not hear one without.
    let passwords = ours.options.password.is_some() == theirs.options.password.is_some();
    ases && passwords && (we_dial || they_dial)
}

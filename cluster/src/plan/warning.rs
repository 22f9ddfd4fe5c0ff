//! What an operator should know before the resources take effect.

use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::peering::Side;
use super::reach::{Reach, Topology};
use super::{NodeFacts, Planner};
use crate::cluster::Cluster;
use crate::name::Name;
use crate::resource::{Encap, IpPoolSpec, Object, ProgramClusterRoutes};

/// Something that is allowed but will not do what it seems to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// No node has a session.
    #[error("the mesh is off and no BGPPeer connects any nodes: all routes between nodes go away")]
    NoSessions,
    /// A node is cut off from the others.
    #[error("node {node} has no session: its pods and those of other nodes do not reach each other")]
    NodeWithoutSession {
        /// The node.
        node: Name,
    },
    /// Packets of a pool would be dropped by a router that does not know pod addresses.
    #[error(
        "IPPool {pool}: ipipMode Never, but {pairs} pairs of nodes are in different subnets, such as {from} and {to}: \
         their packets are lost unless the routers between know the routes; CrossSubnet would wrap just these"
    )]
    NeverAcrossSubnets {
        /// The pool.
        pool: Name,
        /// How many ordered pairs of nodes.
        pairs: usize,
        /// The first of them.
        from: Name,
        /// The first of them.
        to: Name,
    },
    /// Sessions exist, but the routes of some nodes do not get to some others.
    #[error("IPPool {pool}: {pairs} pairs of nodes learn no route from each other, such as {from} of {to}")]
    NoRoute {
        /// The pool.
        pool: Name,
        /// How many ordered pairs of nodes.
        pairs: usize,
        /// The first of them.
        from: Name,
        /// The first of them.
        to: Name,
    },
    /// All routes depend on one reflector.
    #[error("node {node} is the only route reflector: when it goes down, all routes between nodes go away")]
    SingleReflector {
        /// The reflector.
        node: Name,
    },
    /// One end of a session is not configured, or not in the same way.
    #[error("node {node}: the session with {remote} ({peer}) does not come up: {peer} does not expect it")]
    OneSided {
        /// The node that wants the session.
        node: Name,
        /// The address of the other.
        remote: IpAddr,
        /// The other, which does not.
        peer: Name,
    },
    /// A BGPPeer names a node that does not exist.
    #[error("BGPPeer {peer}: node {node} does not exist")]
    UnknownNode {
        /// The BGPPeer.
        peer: Name,
        /// The node.
        node: Name,
    },
    /// A selector of a BGPPeer selects no node.
    #[error("BGPPeer {peer}: {field} selects no node")]
    SelectsNothing {
        /// The BGPPeer.
        peer: Name,
        /// The field.
        field: &'static str,
    },
    /// A BGPPeer asks for sessions with workloads, whose addresses are in no resource that is read here.
    #[error("BGPPeer {peer}: sessions with workloads are not planned")]
    WorkloadPeers {
        /// The BGPPeer.
        peer: Name,
    },
    /// `BGPFilter`s are not read here.
    #[error("BGPPeer {peer}: filter {filter} is not applied")]
    FilterNotApplied {
        /// The BGPPeer.
        peer: Name,
        /// The filter.
        filter: Name,
    },
    /// A node without IPv4 address has no BGP Identifier.
    #[error("node {node} has no IPv4 address to take its router id from")]
    NoRouterId {
        /// The node.
        node: Name,
    },
    /// Pods of other nodes will not be reached, by the pool's own settings.
    #[error("IPPool {pool}: disableBGPExport without VXLAN: its blocks are reachable on their own nodes only")]
    NotExported {
        /// The pool.
        pool: Name,
    },
    /// A gateway of a cluster is programmed by neither or both, depending on Felix's configuration.
    #[error("programClusterRoutes {mode:?}: Felix must program the other routes, or they are missing")]
    FelixMustProgram {
        /// The setting.
        mode: ProgramClusterRoutes,
    },
}

impl Planner {
    /// What an operator should know before the resources take effect, in a fixed order.
    ///
    /// Costs a pass over the sessions for each node.
    ///
    /// ```
    /// use bgp_cluster::{Cluster, plan::{Planner, warning::Warning}, resource::{NodeSpec, Object}};
    ///
    /// let mut cluster = Cluster::new();
    /// for text in [
    ///     r#"{"metadata":{"name":"a"},"spec":{"bgp":{"ipv4Address":"10.0.0.1/24"}}}"#,
    ///     r#"{"metadata":{"name":"b"},"spec":{"bgp":{"ipv4Address":"10.0.0.2/24"}}}"#,
    /// ] {
    ///     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(text)?.into())?;
    /// }
    /// assert_eq!(Planner::new(&cluster).warnings(&cluster), []);
    /// let off = r#"{"metadata":{"name":"default"},"spec":{"nodeToNodeMeshEnabled":false}}"#;
    /// cluster.apply(serde_json::from_str::<Object<bgp_cluster::resource::BgpConfigurationSpec>>(off)?.into())?;
    /// assert_eq!(Planner::new(&cluster).warnings(&cluster), [Warning::NoSessions]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn warnings(&self, cluster: &Cluster) -> Vec<Warning> {
        let topology = Topology::new(cluster, self);
        let mut warnings = Vec::new();
        self.session_warnings(&topology, &mut warnings);
        self.peer_warnings(cluster, &mut warnings);
        for pool in cluster.pools() {
            self.pool_warnings(&topology, pool, &mut warnings);
        }
        let mode = cluster.default_spec().and_then(|spec| spec.program_cluster_routes);
        if let Some(mode) = mode.filter(|mode| *mode != ProgramClusterRoutes::Enabled) {
            warnings.push(Warning::FelixMustProgram { mode });
        }
        warnings
    }

    fn session_warnings(&self, topology: &Topology<'_>, warnings: &mut Vec<Warning>) {
        let speakers = || self.nodes.iter().filter(|node| node.addrs().next().is_some());
        for node in speakers().filter(|node| node.ipv4.is_none()) {
            warnings.push(Warning::NoRouterId { node: node.name.clone() });
        }
        if speakers().count() < 2 {
            return;
        }
        if !speakers().any(|node| topology.has_session(node.name.as_str())) {
            warnings.push(Warning::NoSessions);
            return;
        }
        for node in speakers().filter(|node| !topology.has_session(node.name.as_str())) {
            warnings.push(Warning::NodeWithoutSession { node: node.name.clone() });
        }
        for (node, remote, peer) in topology.one_sided() {
            warnings.push(Warning::OneSided { node: node.clone(), remote, peer: peer.clone() });
        }
        let mut reflectors = self.nodes.iter().filter(|node| node.cluster_id.is_some());
        if let (Some(node), None, None) = (reflectors.next(), reflectors.next(), &self.mesh) {
            warnings.push(Warning::SingleReflector { node: node.name.clone() });
        }
    }

    fn peer_warnings(&self, cluster: &Cluster, warnings: &mut Vec<Warning>) {
        for (peering, peer) in self.peerings.iter().zip(cluster.peers()) {
            let name = || peering.name.clone();
            match &peer.spec.node {
                Some(node) if cluster.node(node.as_str()).is_none() => {
                    warnings.push(Warning::UnknownNode { peer: name(), node: node.clone() });
                }
                None if !peering.local.contains(&true) => {
                    warnings.push(Warning::SelectsNothing { peer: name(), field: "nodeSelector" });
                }
                _ => {}
            }
            match &peering.remote {
                Side::Nodes(nodes) if nodes.is_empty() => {
                    warnings.push(Warning::SelectsNothing { peer: name(), field: "peerSelector" });
                }
                Side::Workloads => warnings.push(Warning::WorkloadPeers { peer: name() }),
                Side::Nodes(_) | Side::Ip(_) => {}
            }
            for filter in &peer.spec.filters {
                warnings.push(Warning::FilterNotApplied { peer: name(), filter: filter.clone() });
            }
        }
    }

    fn pool_warnings(&self, topology: &Topology<'_>, pool: &Object<IpPoolSpec>, warnings: &mut Vec<Warning>) {
        let name = || pool.name().clone();
        if pool.spec.vxlan_mode != Encap::Never {
            return;
        }
        if pool.spec.disable_bgp_export {
            warnings.push(Warning::NotExported { pool: name() });
            return;
        }
        let cidr = pool.spec.cidr.net();
        let ipv4 = matches!(cidr, IpNet::V4(_));
        let speaks = |node: &&NodeFacts| node.addrs().any(|addr| addr.is_ipv4() == ipv4);
        // Nodes without any session have a warning of their own.
        let connected = |node: &&NodeFacts| speaks(node) && topology.has_session(node.name.as_str());
        let (mut lost, mut unknown) = (Pairs::default(), Pairs::default());
        for owner in self.nodes.iter().filter(connected) {
            let Some(spread) = topology.spread(owner.name.as_str(), ipv4) else { continue };
            for from in self.nodes.iter().filter(connected) {
                match spread.reach(from.name.as_str(), &cidr) {
                    Reach::NotNeighbours => lost.add(from, owner),
                    Reach::NoRoute => unknown.add(from, owner),
                    _ => {}
                }
            }
        }
        if let Some((from, to)) = lost.first {
            warnings.push(Warning::NeverAcrossSubnets { pool: name(), pairs: lost.count, from, to });
        }
        if let Some((from, to)) = unknown.first {
            warnings.push(Warning::NoRoute { pool: name(), pairs: unknown.count, from, to });
        }
    }
}

/// Ordered pairs of nodes: how many, and the first.
#[derive(Default)]
struct Pairs {
    count: usize,
    first: Option<(Name, Name)>,
}

impl Pairs {
    fn add(&mut self, from: &NodeFacts, to: &NodeFacts) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert_with(|| (from.name.clone(), to.name.clone()));
    }
}

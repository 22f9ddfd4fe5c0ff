//! A whole cluster in one process: real speakers, tables, allocator and tunnels on a virtual clock.
//!
//! Nothing here opens a socket or reads a clock: BGP octets go over in-memory links, IP packets are forwarded hop by
//! hop through the routes that BGP taught. The same resources and the same seed give the same run.

mod address;
mod clock;
mod control;
mod forward;
mod host;
mod network;
mod packet;
mod pipe;
mod view;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use bgp_fsm::Instant;
use ippool::{MemoryStore, Resources, UnixTime};

use crate::cluster::{Cluster, ClusterError};
use crate::lab::Lab;
use crate::plan::{Planner, SessionPlan};
use crate::resource::Resource;
use host::HostId;
use network::Network;

pub use address::AddressError;
pub use forward::{Lost, LostReason, PingReport};
pub use network::Traffic;
pub use view::Reflected;

/// How long an octet is under way between two hosts.
const LATENCY: Duration = Duration::from_micros(200);

/// A cluster that runs.
///
/// ```
/// use bgp_cluster::{Cluster, lab::Lab, sim::Simulation};
/// use bgp_cluster::resource::{IpPoolSpec, NodeSpec, Object};
///
/// let mut cluster = Cluster::new();
/// cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
/// for (name, address) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")] {
///     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{address}"}}}}}}"#);
///     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
/// }
/// let mut simulation = Simulation::new(cluster, Lab::new("eth0"), 1);
/// simulation.settle(core::time::Duration::from_secs(60));
/// let pod = simulation.start_pod("b", "web")?;
/// simulation.settle(core::time::Duration::from_secs(60));
/// assert!(simulation.ping("a", pod, 1).is_some_and(|report| report.answered()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Simulation {
    cluster: Cluster,
    lab: Lab,
    planner: Planner,
    network: Network,
    ids: BTreeMap<String, HostId>,
    sessions: BTreeMap<HostId, Vec<SessionPlan>>,
    /// What the allocator stores.
    datastore: MemoryStore,
    resources: Arc<Resources>,
    /// Sorted: who may send into a tunnel.
    node_addresses: Vec<Ipv4Addr>,
}

/// A simulation on its way to rest; made by [`Simulation::settling`].
#[derive(Debug)]
pub struct Settling<'s> {
    simulation: &'s mut Simulation,
    start: Instant,
    limit: Instant,
}

impl Settling<'_> {
    /// Plays at most `instants` moments at which something happens; says how it came to rest once it has, or time is up.
    pub fn run(&mut self, instants: usize) -> Option<Settled> {
        let network = &mut self.simulation.network;
        let converged = network.settle(self.limit, instants)?;
        let took = network.last_change().saturating_duration_since(self.start);
        Some(Settled { converged, took })
    }

    /// Ends of sessions that are Established, and how many there are to be.
    #[must_use]
    pub fn sessions(&self) -> (u64, u64) {
        self.simulation.network.session_ends()
    }
}

/// How a network came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// Every configured session of live nodes is Established and nothing is on its way.
    pub converged: bool,
    /// Virtual time until the last session or route changed.
    pub took: Duration,
}

impl Simulation {
    /// Starts every node of the cluster with the sessions, tunnels and blocks that its resources ask for; no time has
    /// passed yet. Everything random follows from `seed`.
    #[must_use]
    pub fn new(cluster: Cluster, lab: Lab, seed: u64) -> Simulation {
        let mut simulation = Simulation {
            planner: Planner::new(&cluster),
            cluster,
            lab,
            network: Network::new(seed, LATENCY),
            ids: BTreeMap::new(),
            sessions: BTreeMap::new(),
            datastore: MemoryStore::default(),
            resources: Arc::default(),
            node_addresses: Vec::new(),
        };
        simulation.reconcile();
        simulation
    }

    /// Applies resources to the running cluster, all or none; no time passes.
    ///
    /// # Errors
    /// A resource that contradicts the cluster; nothing has changed.
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
    /// use core::time::Duration;
    /// let off = r#"{"metadata":{"name":"default"},"spec":{"nodeToNodeMeshEnabled":false}}"#;
    /// let off: Object<bgp_cluster::resource::BgpConfigurationSpec> = serde_json::from_str(off)?;
    /// simulation.settle(Duration::from_secs(60));
    /// assert_eq!(simulation.connections(), 1);
    /// simulation.apply([off.into()])?;
    /// simulation.settle(Duration::from_secs(60));
    /// assert_eq!(simulation.connections(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn apply(&mut self, resources: impl IntoIterator<Item = Resource>) -> Result<(), ClusterError> {
        self.cluster.apply_all(resources)?;
        self.reconcile();
        Ok(())
    }

    /// Lets virtual time pass until the network has come to rest, at most `limit`.
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
    /// let settled = simulation.settle(core::time::Duration::from_secs(60));
    /// assert!(settled.converged && settled.took < core::time::Duration::from_secs(1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn settle(&mut self, limit: Duration) -> Settled {
        let mut settling = self.settling(limit);
        loop {
            if let Some(settled) = settling.run(usize::MAX) {
                return settled;
            }
        }
    }

    /// As [`Simulation::settle`], in slices: for a caller that wants to show how far it is.
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
    /// let mut settling = simulation.settling(core::time::Duration::from_secs(60));
    /// while settling.run(1).is_none() {
    ///     let (up, wanted) = settling.sessions();
    ///     assert!(up <= wanted);
    /// }
    /// assert_eq!(settling.sessions(), (2, 2));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn settling(&mut self, limit: Duration) -> Settling<'_> {
        let start = self.network.now();
        Settling { simulation: self, start, limit: start + limit }
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, time: Duration) {
        let limit = self.network.now() + time;
        self.network.run_until(limit);
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.network.now()
    }

    /// What has gone over the wires so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.network.traffic()
    }

    /// The resources as they stand.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The sessions as they are planned.
    #[must_use]
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// Cuts a node's power: it says nothing any more, and nobody is told. False: there is no such node.
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
    /// use core::time::Duration;
    /// simulation.settle(Duration::from_secs(60));
    /// assert!(simulation.kill("b"));
    /// simulation.run_for(Duration::from_secs(300));
    /// assert!(simulation.node_status("a").sessions.iter().all(|session| session.bgp_state.to_string() != "Established"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn kill(&mut self, node: &str) -> bool {
        let Some(host) = self.host_id(node).and_then(|id| self.network.host_mut(id)) else { return false };
        host.alive = false;
        true
    }

    /// How many live nodes are route reflectors.
    #[must_use]
    pub fn reflectors(&self) -> usize {
        let reflects = |name: &str| {
            let bgp = self.cluster.node(name).and_then(|node| node.spec.bgp.as_ref());
            bgp.is_some_and(|bgp| bgp.route_reflector_cluster_id.is_some())
        };
        self.nodes().filter(|name| reflects(name)).count()
    }

    fn host_id(&self, node: &str) -> Option<HostId> {
        self.ids.get(node).copied()
    }

    /// The allocator's clock: the virtual time since an arbitrary day.
    fn wall_clock(&self) -> UnixTime {
        /// 2026-01-01T00:00:00Z.
        const START: i64 = 1_767_225_600;
        let passed = self.network.now().saturating_duration_since(Instant::from_nanos(0));
        UnixTime::new(START.saturating_add_unsigned(passed.as_secs()), passed.subsec_nanos())
    }
}

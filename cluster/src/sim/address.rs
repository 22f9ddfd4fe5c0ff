//! Addresses of the simulated cluster: pods and tunnels, out of the allocator over its in-memory store.

use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use ippool::key::Prefix;
use ippool::op::{self, Assignment, AutoAssign};
use ippool::store::{Answer, Request, Store};
use ippool::{Attributes, IpVersion, Key, Owner, Use, Value, drive};

use super::Simulation;
use super::host::HostId;
use crate::plan::tunnel;

/// Why a pod got no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no such node.
    #[error("node {0:?} does not exist")]
    UnknownNode(alloc::string::String),
    /// The allocator refused.
    #[error(transparent)]
    Refused(#[from] op::AutoAssignError),
    /// The pools are full.
    #[error("{0}")]
    Exhausted(alloc::string::String),
}

impl Simulation {
    /// Gives a new pod of a node an address and announces its block if that is new; no time passes.
    ///
    /// # Errors
    /// There is no such node, no pool for it, or no address left.
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
    /// assert!(simulation.blocks_of("b").any(|block| block.contains(&std::net::IpAddr::V4(pod))));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn start_pod(&mut self, node: &str, pod: &str) -> Result<Ipv4Addr, AddressError> {
        let id = self.host_id(node).ok_or_else(|| AddressError::UnknownNode(node.into()))?;
        let handle = alloc::format!("k8s-pod-network.{node}.{pod}");
        let address = self.assign(node, Use::Workload, &handle)?;
        if let Some(host) = self.network.host_mut(id) {
            host.pods.insert(address);
        }
        self.announce_blocks(id);
        Ok(address)
    }

    /// The confirmed blocks of a node, in the order of the store.
    pub fn blocks_of<'s>(&'s self, node: &str) -> impl Iterator<Item = IpNet> + use<'s> {
        self.host_id(node).and_then(|id| self.network.host(id)).into_iter().flat_map(|host| host.blocks.iter().copied())
    }

    /// Brings the allocator's view of pools and nodes up to the resources.
    pub(super) fn load_resources(&mut self) {
        self.resources = Arc::new(self.cluster.allocation());
    }

    /// Gives a node the tunnel address its pools ask for, or takes it back.
    pub(super) fn reconcile_tunnel(&mut self, id: HostId, node: &str) {
        let Some(resource) = self.cluster.node(node) else { return };
        let wanted = tunnel::pools(&self.cluster, resource).next().is_some();
        let present = self.network.host(id).is_some_and(|host| host.tunnel.is_some());
        let handle = tunnel::handle(node);
        let address = match (wanted, present) {
            (true, false) => self.assign(node, Use::Tunnel, &handle).ok(),
            (false, true) => {
                let released = op::release_by_handle(&handle, &self.resources, self.wall_clock());
                // A handle that is not there has nothing to give back.
                let _ = drive(released, &mut self.datastore);
                None
            }
            _ => return,
        };
        if let Some(host) = self.network.host_mut(id) {
            host.tunnel = address;
        }
        self.announce_blocks(id);
    }

    /// Announces a node's confirmed blocks, each once, and withdraws those that it lost.
    pub(super) fn announce_blocks(&mut self, id: HostId) {
        let Some(host) = self.network.host(id) else { return };
        let request = Request::List(Prefix::Affinities(Owner::host(host.name.as_str()), IpVersion::V4));
        let Answer::Listed(objects) = self.datastore.answer(&request) else { return };
        let confirmed = objects.iter().filter_map(|(key, stored)| match (key, &stored.value) {
            (Key::Affinity(_, cidr), Value::Affinity(affinity)) if affinity.state.is_confirmed() => Some(*cidr),
            _ => None,
        });
        let owned: BTreeSet<IpNet> = confirmed.collect();
        let exported = |cidr: &IpNet| !self.cluster.pool_of(cidr).is_some_and(|pool| pool.spec.disable_bgp_export);
        let announced: BTreeSet<IpNet> = owned.iter().copied().filter(exported).collect();
        self.network.set_blocks(id, owned, announced);
    }

    fn assign(&mut self, node: &str, used_for: Use, handle: &str) -> Result<Ipv4Addr, AddressError> {
        let request = AutoAssign::new(node, used_for, self.wall_clock())
            .with_counts(1, 0)
            .with_attributes(Attributes::with_handle(handle));
        let assigned = drive(op::auto_assign(request, &self.resources), &mut self.datastore);
        if let Some(error) = assigned.error {
            return Err(error.into());
        }
        let address = assigned.addresses().next().map(|net| net.addr());
        match address {
            Some(IpAddr::V4(address)) => Ok(address),
            _ => Err(AddressError::Exhausted(
                assigned
                    .v4
                    .as_ref()
                    .and_then(Assignment::partial_fulfilment)
                    .map(|partial| partial.to_string())
                    .unwrap_or_default(),
            )),
        }
    }
}

//! The resources in the form in which the allocator takes them.

use alloc::string::ToString;

use crate::cluster::Cluster;
use crate::resource::{AllowedUse, AssignmentMode, IpPoolSpec, Object};

impl Cluster {
    /// Pools and nodes for the operations of [`ippool`].
    ///
    /// ```
    /// use bgp_cluster::{Cluster, resource::{IpPoolSpec, Object}};
    ///
    /// let mut cluster = Cluster::new();
    /// cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
    /// let resources = cluster.allocation();
    /// assert_eq!(resources.pools()[0].block_len(), 26);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn allocation(&self) -> ippool::Resources {
        let mut resources = ippool::Resources::default();
        for pool in self.pools() {
            resources = resources.with_pool(allocator_pool(pool));
        }
        for node in self.nodes() {
            let labels = node.metadata.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            resources = resources.with_node(node.name().as_str(), labels);
        }
        resources
    }
}

fn allocator_pool(pool: &Object<IpPoolSpec>) -> ippool::Pool {
    let spec = &pool.spec;
    let uses = [
        (AllowedUse::Workload, ippool::Use::Workload),
        (AllowedUse::Tunnel, ippool::Use::Tunnel),
        (AllowedUse::LoadBalancer, ippool::Use::LoadBalancer),
    ];
    let plain = ippool::Pool::new(pool.name().as_str(), spec.cidr.net());
    // The length was checked when the pool was read: the other arm never comes about.
    let blocks = plain.clone().with_block_len(spec.block_len()).unwrap_or(plain);
    let mut out = blocks
        .with_node_selector(&spec.node_selector.to_string())
        .with_disabled(spec.disabled)
        .with_automatic(spec.assignment_mode == AssignmentMode::Automatic)
        .with_uses(uses.into_iter().filter(|(ours, _)| spec.allows(*ours)).map(|(_, theirs)| theirs));
    if let Some(selector) = &spec.namespace_selector {
        out = out.with_namespace_selector(&selector.to_string());
    }
    out
}

//! All resources of a cluster, and the rules between them.

mod error;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;

use bgp_wire::Asn;
use ipnet::IpNet;

pub use error::ClusterError;

use crate::name::Name;
use crate::resource::{
    AllowedUse, BgpConfigurationSpec, BgpPeerSpec, IpPoolSpec, Kind, NodeBgp, NodeSpec, Object, Resource,
};

/// The resources of one cluster, each kind in the order of names.
///
/// ```
/// use bgp_cluster::{Applied, Cluster};
/// use bgp_cluster::resource::{IpPoolSpec, Object};
///
/// let mut cluster = Cluster::new();
/// let pool = Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?;
/// assert_eq!(cluster.apply(pool.clone().into())?, Applied::Created);
/// assert_eq!(cluster.apply(pool.into())?, Applied::Unchanged);
/// let other = Object::new("other".parse()?, IpPoolSpec::new("10.244.8.0/24".parse()?))?;
/// assert_eq!(
///     cluster.apply(other.into()).map_err(|e| e.to_string()),
///     Err("IPPool other: cidr 10.244.8.0/24 overlaps 10.244.0.0/16 of pool pool".into()),
/// );
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    pools: BTreeMap<Name, Object<IpPoolSpec>>,
    nodes: BTreeMap<Name, Object<NodeSpec>>,
    configurations: BTreeMap<Name, Object<BgpConfigurationSpec>>,
    peers: BTreeMap<Name, Object<BgpPeerSpec>>,
}

/// What [`Cluster::apply`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Applied {
    /// The resource is new.
    Created,
    /// It took the place of one with its name.
    Updated,
    /// It was there already, equal.
    Unchanged,
}

impl Cluster {
    /// A cluster without resources.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a resource into the cluster, in the place of one of its kind and name.
    ///
    /// # Errors
    ///
    /// [`ClusterError`]: a rule between resources would be broken. Nothing is changed then.
    pub fn apply(&mut self, resource: Resource) -> Result<Applied, ClusterError> {
        match resource {
            Resource::IpPool(pool) => {
                self.admit_pool(&pool)?;
                Ok(put(&mut self.pools, *pool))
            }
            Resource::Node(node) => {
                self.admit_node(&node)?;
                Ok(put(&mut self.nodes, *node))
            }
            Resource::BgpConfiguration(configuration) => Ok(put(&mut self.configurations, *configuration)),
            Resource::BgpPeer(peer) => Ok(put(&mut self.peers, *peer)),
        }
    }

    /// Puts resources into the cluster, all or none.
    ///
    /// # Errors
    ///
    /// That of the first resource that cannot join; nothing is changed then.
    pub fn apply_all(&mut self, resources: impl IntoIterator<Item = Resource>) -> Result<(), ClusterError> {
        let mut next = self.clone();
        for resource in resources {
            next.apply(resource)?;
        }
        *self = next;
        Ok(())
    }

    /// Takes a resource out of the cluster.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotFound`].
    pub fn delete(&mut self, kind: Kind, name: &Name) -> Result<(), ClusterError> {
        let found = match kind {
            Kind::IpPool => self.pools.remove(name).is_some(),
            Kind::Node => self.nodes.remove(name).is_some(),
            Kind::BgpConfiguration => self.configurations.remove(name).is_some(),
            Kind::BgpPeer => self.peers.remove(name).is_some(),
        };
        if found { Ok(()) } else { Err(ClusterError::NotFound { kind, name: name.clone() }) }
    }

    /// The `IPPool`s.
    #[must_use = "iterators are lazy"]
    pub fn pools(&self) -> impl ExactSizeIterator<Item = &Object<IpPoolSpec>> + Clone {
        self.pools.values()
    }

    /// The Nodes.
    #[must_use = "iterators are lazy"]
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Object<NodeSpec>> + Clone {
        self.nodes.values()
    }

    /// The `BGPConfiguration`s.
    #[must_use = "iterators are lazy"]
    pub fn configurations(&self) -> impl ExactSizeIterator<Item = &Object<BgpConfigurationSpec>> + Clone {
        self.configurations.values()
    }

    /// The `BGPPeer`s.
    #[must_use = "iterators are lazy"]
    pub fn peers(&self) -> impl ExactSizeIterator<Item = &Object<BgpPeerSpec>> + Clone {
        self.peers.values()
    }

    /// A Node.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Object<NodeSpec>> {
        self.nodes.get(name)
    }

    /// The pool that contains a prefix.
    #[must_use]
    pub fn pool_of(&self, prefix: &IpNet) -> Option<&Object<IpPoolSpec>> {
        self.pools().find(|pool| pool.spec.cidr.net().contains(prefix))
    }

    /// The pools from which a node takes addresses of a use, in the order in which it asks them.
    #[must_use = "iterators are lazy"]
    pub fn pools_for<'a>(
        &'a self,
        node: &'a Object<NodeSpec>,
        purpose: AllowedUse,
    ) -> impl Iterator<Item = &'a Object<IpPoolSpec>> {
        self.pools().filter(move |pool| pool.selects(&node.metadata.labels) && pool.spec.allows(purpose))
    }

    /// Whether every node without a cluster identifier peers with every other; yes, unless switched off.
    #[must_use]
    pub fn mesh_enabled(&self) -> bool {
        self.default_spec().and_then(|spec| spec.node_to_node_mesh_enabled).unwrap_or(true)
    }

    /// The AS of nodes without one of their own.
    #[must_use]
    pub fn default_asn(&self) -> Asn {
        self.default_spec().and_then(|spec| spec.as_number).unwrap_or(DEFAULT_ASN)
    }

    /// The AS of a node.
    #[must_use]
    pub fn asn_of(&self, node: &Object<NodeSpec>) -> Asn {
        bgp(node).and_then(|bgp| bgp.as_number).unwrap_or_else(|| self.default_asn())
    }

    /// The TCP port of a node.
    #[must_use]
    pub fn port_of(&self, node: &Object<NodeSpec>) -> u16 {
        let own = self.configurations.get(format!("node.{}", node.name()).as_str());
        let listen_port = |object: &Object<BgpConfigurationSpec>| object.spec.listen_port;
        own.and_then(listen_port)
            .or_else(|| self.configurations.get("default").and_then(listen_port))
            .map_or(DEFAULT_PORT, core::num::NonZeroU16::get)
    }

    /// The default BGPConfiguration.
    #[must_use]
    pub fn default_spec(&self) -> Option<&BgpConfigurationSpec> {
        self.configurations.get("default").map(|object| &*object.spec)
    }

    fn admit_pool(&self, pool: &Object<IpPoolSpec>) -> Result<(), ClusterError> {
        let cidr = pool.spec.cidr.net();
        if let Some(old) = self.pools.get(pool.name()) {
            immutable(pool.name(), "cidr", old.spec.cidr, pool.spec.cidr)?;
            immutable(pool.name(), "blockSize", old.spec.block_len(), pool.spec.block_len())?;
            return Ok(());
        }
        for other in self.pools() {
            let other_cidr = other.spec.cidr.net();
            if other_cidr.contains(&cidr) || cidr.contains(&other_cidr) {
                return Err(ClusterError::PoolOverlap {
                    pool: pool.name().clone(),
                    cidr,
                    other: other.name().clone(),
                    other_cidr,
                });
            }
        }
        Ok(())
    }

    fn admit_node(&self, node: &Object<NodeSpec>) -> Result<(), ClusterError> {
        let own = [ipv4(node), ipv6(node)];
        for other in self.nodes().filter(|other| other.name() != node.name()) {
            for addr in [ipv4(other), ipv6(other)].into_iter().flatten() {
                if own.contains(&Some(addr)) {
                    let (node, other) = (node.name().clone(), other.name().clone());
                    return Err(ClusterError::DuplicateAddress { node, addr, other });
                }
            }
        }
        Ok(())
    }
}

/// The node's part in BGP.
pub(crate) fn bgp(node: &Object<NodeSpec>) -> Option<&NodeBgp> {
    node.spec.bgp.as_ref()
}

/// The node's IPv4 address.
pub(crate) fn ipv4(node: &Object<NodeSpec>) -> Option<IpAddr> {
    bgp(node)?.ipv4_address.map(|addr| addr.addr().into())
}

/// The node's IPv6 address.
pub(crate) fn ipv6(node: &Object<NodeSpec>) -> Option<IpAddr> {
    bgp(node)?.ipv6_address.map(|addr| addr.addr().into())
}

fn put<S: crate::resource::Spec + PartialEq>(map: &mut BTreeMap<Name, Object<S>>, object: Object<S>) -> Applied {
    match map.get_mut(object.name()) {
        Some(old) if *old == object => Applied::Unchanged,
        Some(old) => {
            *old = object;
            Applied::Updated
        }
        None => {
            map.insert(object.name().clone(), object);
            Applied::Created
        }
    }
}

fn immutable<T: PartialEq + ToString>(name: &Name, field: &'static str, old: T, new: T) -> Result<(), ClusterError> {
    if old == new {
        return Ok(());
    }
    let text = |value: T| -> String { value.to_string() };
    Err(ClusterError::Immutable { kind: Kind::IpPool, name: name.clone(), field, old: text(old), new: text(new) })
}

/// Calico's AS where nothing else is said.
const DEFAULT_ASN: Asn = Asn(64512);
/// BGP's port (RFC 4271 section 8.2.1).
const DEFAULT_PORT: u16 = 179;

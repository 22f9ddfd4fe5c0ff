//! tunl0: whether a node wants it, with which MTU, and under which handle its address is allocated.

use alloc::format;
use alloc::string::String;

use ipnet::IpNet;

use crate::cluster::Cluster;
use crate::resource::{AllowedUse, Encap, IpPoolSpec, NodeSpec, Object};

/// The octets that IPIP adds to a packet (RFC 2003: one IPv4 header without options).
pub const IPIP_OVERHEAD: u16 = 20;

/// The pools from which the tunnel address of a node may come, in the order in which they are asked; none: no tunnel.
///
/// ```
/// use bgp_cluster::{Cluster, plan::tunnel, resource::{Encap, IpPoolSpec, NodeSpec, Object}};
///
/// let mut spec = IpPoolSpec::new("10.244.0.0/16".parse()?);
/// spec.ipip_mode = Encap::Always;
/// let mut cluster = Cluster::new();
/// cluster.apply(Object::new("pool".parse()?, spec)?.into())?;
/// let node = Object::new("a".parse()?, NodeSpec::default())?;
/// assert_eq!(tunnel::pools(&cluster, &node).count(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "iterators are lazy"]
pub fn pools<'a>(cluster: &'a Cluster, node: &'a Object<NodeSpec>) -> impl Iterator<Item = &'a Object<IpPoolSpec>> {
    cluster
        .pools_for(node, AllowedUse::Tunnel)
        .filter(|pool| pool.spec.ipip_mode != Encap::Never && matches!(pool.spec.cidr.net(), IpNet::V4(_)))
}

/// The MTU of tunl0: an explicit one, else that of the network card without the outer header.
///
/// ```
/// use bgp_cluster::plan::tunnel;
///
/// assert_eq!(tunnel::mtu(Some(1440), 1500), 1440);
/// assert_eq!(tunnel::mtu(None, 1500), 1480);
/// ```
#[must_use]
pub fn mtu(explicit: Option<u16>, nic: u16) -> u16 {
    explicit.unwrap_or_else(|| nic.saturating_sub(IPIP_OVERHEAD))
}

/// The handle under which the address of a node's tunl0 is allocated.
///
/// ```
/// assert_eq!(bgp_cluster::plan::tunnel::handle("k8s-master"), "ipip-tunnel-addr-k8s-master");
/// ```
#[must_use]
pub fn handle(node: &str) -> String {
    format!("ipip-tunnel-addr-{node}")
}

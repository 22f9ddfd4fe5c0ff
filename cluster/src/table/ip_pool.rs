//! `calicoctl get ippool -o wide`.

use alloc::string::{String, ToString};

use super::columns::Columns;
use crate::cluster::Cluster;

/// The pools of a cluster.
///
/// ```
/// use bgp_cluster::{Cluster, resource::{IpPoolSpec, Object}, table};
///
/// let mut cluster = Cluster::new();
/// cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
/// assert!(table::ip_pools(&cluster).starts_with("NAME   CIDR            NAT     IPIPMODE"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use]
pub fn ip_pools(cluster: &Cluster) -> String {
    let mut columns = Columns::new(["NAME", "CIDR", "NAT", "IPIPMODE", "VXLANMODE", "DISABLED", "SELECTOR"]);
    for pool in cluster.pools() {
        let spec = &pool.spec;
        columns.push([
            pool.name().to_string(),
            spec.cidr.to_string(),
            spec.nat_outgoing.to_string(),
            spec.ipip_mode.to_string(),
            spec.vxlan_mode.to_string(),
            spec.disabled.to_string(),
            spec.node_selector.to_string(),
        ]);
    }
    columns.finish()
}

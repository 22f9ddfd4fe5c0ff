//! `calicoctl get node -o wide`.

use alloc::format;
use alloc::string::{String, ToString};

use super::columns::Columns;
use crate::cluster::{Cluster, bgp};

/// The nodes of a cluster; an AS in parentheses is the default one.
///
/// ```
/// use bgp_cluster::{Cluster, table};
///
/// assert_eq!(table::nodes(&Cluster::new()), "NAME   ASN   IPV4   IPV6   \n");
/// ```
#[must_use]
pub fn nodes(cluster: &Cluster) -> String {
    let mut columns = Columns::new(["NAME", "ASN", "IPV4", "IPV6"]);
    for node in cluster.nodes() {
        let bgp = bgp(node);
        let asn = match bgp.map(|bgp| bgp.as_number) {
            Some(Some(asn)) => asn.to_string(),
            Some(None) => format!("({})", cluster.default_asn()),
            None => String::new(),
        };
        let ipv4 = bgp.and_then(|bgp| bgp.ipv4_address).map(|addr| addr.to_string());
        let ipv6 = bgp.and_then(|bgp| bgp.ipv6_address).map(|addr| addr.to_string());
        columns.push([node.name().to_string(), asn, ipv4.unwrap_or_default(), ipv6.unwrap_or_default()]);
    }
    columns.finish()
}

//! `calicoctl get bgppeer`.

use alloc::string::{String, ToString};

use super::columns::Columns;
use crate::cluster::Cluster;
use crate::resource::LocalSide;

/// The `BGPPeer`s of a cluster.
///
/// ```
/// use bgp_cluster::{Cluster, table};
///
/// assert_eq!(table::bgp_peers(&Cluster::new()), "NAME   PEERIP   NODE   ASN   \n");
/// ```
#[must_use]
pub fn bgp_peers(cluster: &Cluster) -> String {
    let mut columns = Columns::new(["NAME", "PEERIP", "NODE", "ASN"]);
    for peer in cluster.peers() {
        let spec = &peer.spec;
        let node = match spec.local() {
            LocalSide::Global => String::from("(global)"),
            LocalSide::Node(name) => name.to_string(),
            LocalSide::Nodes(selector) => selector.to_string(),
        };
        let asn = spec.as_number.map_or(0, |asn| asn.0);
        let ip = spec.peer_ip.map(|ip| ip.to_string()).unwrap_or_default();
        columns.push([peer.name().to_string(), ip, node, asn.to_string()]);
    }
    columns.finish()
}

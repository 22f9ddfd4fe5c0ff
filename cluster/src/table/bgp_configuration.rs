//! `calicoctl get bgpconfig`.

use alloc::string::{String, ToString};

use super::columns::Columns;
use crate::cluster::Cluster;

/// The `BGPConfiguration`s of a cluster; `-` stands for what is not set.
///
/// ```
/// use bgp_cluster::{Cluster, table};
///
/// assert_eq!(table::bgp_configurations(&Cluster::new()), "NAME   LOGSEVERITY   MESHENABLED   ASNUMBER   \n");
/// ```
#[must_use]
pub fn bgp_configurations(cluster: &Cluster) -> String {
    let mut columns = Columns::new(["NAME", "LOGSEVERITY", "MESHENABLED", "ASNUMBER"]);
    let unset = || String::from("-");
    for configuration in cluster.configurations() {
        let spec = &configuration.spec;
        columns.push([
            configuration.name().to_string(),
            spec.log_severity_screen.map(|severity| severity.to_string()).unwrap_or_default(),
            spec.node_to_node_mesh_enabled.map_or_else(unset, |enabled| enabled.to_string()),
            spec.as_number.map_or_else(unset, |asn| asn.to_string()),
        ]);
    }
    columns.finish()
}

//! The seed cluster, for tests: three nodes, one pool.

use alloc::format;
use alloc::string::String;

use serde::de::DeserializeOwned;

use crate::cluster::Cluster;
use crate::lab::Lab;
use crate::resource::{BgpConfigurationSpec, BgpPeerSpec, IpPoolSpec, NodeSpec, Object, Spec};

/// IPIP and the mesh are on.
pub(crate) fn cluster() -> Cluster {
    let mut cluster = Cluster::new();
    apply::<IpPoolSpec>(
        &mut cluster,
        "default-ipv4-ippool",
        r#"{"cidr":"10.244.0.0/16","ipipMode":"Always","natOutgoing":true,"nodeSelector":"all()"}"#,
    );
    for (name, last) in [("k8s-master", 102), ("k8s-node1", 103), ("k8s-node2", 104)] {
        node(&mut cluster, name, &format!("192.168.179.{last}/24"), None);
    }
    cluster
}

/// Steps c and d: the mesh is off, k8s-node2 is the reflector of all.
pub(crate) fn reflected() -> Cluster {
    let mut cluster = cluster();
    mesh_off(&mut cluster);
    node(&mut cluster, "k8s-node2", "192.168.179.104/24", Some("244.0.0.1"));
    apply::<BgpPeerSpec>(
        &mut cluster,
        "peer-with-route-reflectors",
        r#"{"nodeSelector":"all()","peerSelector":"route-reflector == 'true'"}"#,
    );
    cluster
}

/// Step b.
pub(crate) fn ipip(cluster: &mut Cluster, mode: &str) {
    apply::<IpPoolSpec>(
        cluster,
        "default-ipv4-ippool",
        &format!(r#"{{"cidr":"10.244.0.0/16","ipipMode":"{mode}","natOutgoing":true,"nodeSelector":"all()"}}"#),
    );
}

/// Step c.
pub(crate) fn mesh_off(cluster: &mut Cluster) {
    apply::<BgpConfigurationSpec>(
        cluster,
        "default",
        r#"{"logSeverityScreen":"Info","nodeToNodeMeshEnabled":false,"asNumber":64512}"#,
    );
}

/// A node, as a reflector with the label for it if a cluster identifier is given.
pub(crate) fn node(cluster: &mut Cluster, name: &str, addr: &str, cluster_id: Option<&str>) {
    let (labels, id) = match cluster_id {
        Some(id) => (r#"{"route-reflector":"true"}"#, format!(r#","routeReflectorClusterID":"{id}""#)),
        None => ("{}", String::new()),
    };
    let json = format!(
        r#"{{"metadata":{{"name":"{name}","labels":{labels}}},"spec":{{"bgp":{{"ipv4Address":"{addr}"{id}}}}}}}"#
    );
    cluster.apply(read::<Object<NodeSpec>>(&json).into()).unwrap();
}

/// A resource without labels.
pub(crate) fn apply<S: Spec>(cluster: &mut Cluster, name: &str, spec: &str)
where
    crate::resource::Resource: From<Object<S>>,
{
    let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{spec}}}"#);
    cluster.apply(read::<Object<S>>(&json).into()).unwrap();
}

/// The lab's own facts.
pub(crate) fn lab() -> Lab {
    read(r#"{"interface":"ens32","gateway":"192.168.179.2","metric":100,"tunnelMTU":1440}"#)
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

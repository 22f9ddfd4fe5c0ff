//! Properties of the planner over random clusters.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bgp_cluster::Cluster;
use bgp_cluster::plan::reach::{Reach, Topology};
use bgp_cluster::plan::{PeerType, Planner};
use bgp_cluster::resource::{BgpConfigurationSpec, BgpPeerSpec, IpPoolSpec, NodeSpec, Object, Resource};
use proptest::prelude::*;

fn json<T: serde::de::DeserializeOwned>(name: &str, labels: &str, spec: &str) -> T {
    serde_json::from_str(&format!(r#"{{"metadata":{{"name":"{name}","labels":{labels}}},"spec":{spec}}}"#)).unwrap()
}

/// A node: in which subnet, which AS, whether it is a reflector of which cluster, whether it has the label `rr`.
fn node(index: usize, subnet: u8, asn: Option<u32>, cluster: Option<u8>, rr: bool) -> Resource {
    let asn = asn.map(|asn| format!(r#","asNumber":{asn}"#)).unwrap_or_default();
    let cluster = cluster.map(|id| format!(r#","routeReflectorClusterID":"1.0.0.{id}""#)).unwrap_or_default();
    let labels = if rr { r#"{"rr":"true"}"# } else { "{}" };
    let spec = format!(r#"{{"bgp":{{"ipv4Address":"10.0.{subnet}.{}/24"{asn}{cluster}}}}}"#, index + 1);
    json::<Object<NodeSpec>>(&format!("n{index}"), labels, &spec).into()
}

fn peer(index: usize, kind: u8, target: usize) -> Resource {
    let spec = match kind {
        0 => r#"{"nodeSelector":"all()","peerSelector":"has(rr)"}"#.to_owned(),
        1 => r#"{"peerSelector":"has(rr)"}"#.to_owned(),
        2 => format!(r#"{{"node":"n{target}","peerSelector":"!has(rr)"}}"#),
        3 => format!(r#"{{"nodeSelector":"has(rr)","peerIP":"10.0.0.{}"}}"#, target + 1),
        _ => format!(r#"{{"peerIP":"10.0.0.{}","reversePeering":"Manual"}}"#, target + 1),
    };
    json::<Object<BgpPeerSpec>>(&format!("p{index}"), "{}", &spec).into()
}

prop_compose! {
    fn resources()(
        nodes in prop::collection::vec((0_u8..2, prop::option::weighted(0.2, 65001_u32..65003), prop::option::weighted(0.3, 1_u8..3), any::<bool>()), 1..8),
        peers in prop::collection::vec((0_u8..5, 0_usize..8), 0..4),
        mesh in any::<bool>(),
        mode in prop::sample::select(vec!["Never", "Always", "CrossSubnet"]),
    ) -> Vec<Resource> {
        let mut all: Vec<_> =
            nodes.iter().enumerate().map(|(i, (subnet, asn, id, rr))| node(i, *subnet, *asn, *id, *rr)).collect();
        all.extend(peers.iter().enumerate().map(|(i, (kind, target))| peer(i, *kind, *target)));
        let config = format!(r#"{{"nodeToNodeMeshEnabled":{mesh}}}"#);
        all.push(json::<Object<BgpConfigurationSpec>>("default", "{}", &config).into());
        let pool = format!(r#"{{"cidr":"10.244.0.0/16","ipipMode":"{mode}"}}"#);
        all.push(json::<Object<IpPoolSpec>>("pool", "{}", &pool).into());
        all
    }
}

fn cluster(resources: impl IntoIterator<Item = Resource>) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.apply_all(resources).unwrap();
    cluster
}

proptest! {
    #[test]
    fn the_order_of_resources_does_not_matter(resources in resources()) {
        let (one, other) = (cluster(resources.clone()), cluster(resources.into_iter().rev()));
        let (a, b) = (Planner::new(&one), Planner::new(&other));
        for node in a.nodes() {
            prop_assert_eq!(a.node(node.name.as_str()), b.node(node.name.as_str()));
        }
        prop_assert_eq!(a.warnings(&one), b.warnings(&other));
    }

    #[test]
    fn one_end_of_a_mesh_session_dials_and_the_other_waits(resources in resources()) {
        let planner = Planner::new(&cluster(resources));
        for node in planner.nodes() {
            let plan = planner.node(node.name.as_str()).unwrap();
            for session in &plan.sessions {
                prop_assert!(!node.addrs().any(|own| own == session.remote), "a node peers with itself");
                prop_assert!(session.rr_client.is_none() || (session.is_ibgp() && session.rr_client == node.cluster_id));
                let Some(other) = session.remote_node.as_ref().and_then(|name| planner.node(name.as_str())) else { continue };
                let back = other.sessions.iter().find(|back| node.addrs().any(|own| own == back.remote));
                if let (PeerType::Mesh, Some(back)) = (session.peer_type, back)
                    && back.peer_type == PeerType::Mesh
                {
                    prop_assert_ne!(session.passive, back.passive);
                    prop_assert_eq!((session.local_as, session.remote_as), (back.remote_as, back.local_as));
                }
            }
        }
    }

    #[test]
    fn the_computed_number_of_mesh_sessions_is_the_counted_one(count in 1_usize..12) {
        let cluster = cluster((0..count).map(|index| node(index, 0, None, None, false)));
        let planner = Planner::new(&cluster);
        let ends: usize = planner.nodes().iter().map(|n| planner.node(n.name.as_str()).unwrap().sessions.len()).sum();
        prop_assert_eq!(planner.mesh_sessions() * 2, u64::try_from(ends).unwrap());
    }

    #[test]
    fn a_neighbour_in_the_mesh_is_always_reached(resources in resources()) {
        let cluster = cluster(resources);
        let planner = Planner::new(&cluster);
        let topology = Topology::new(&cluster, &planner);
        let block = "10.244.36.64/26".parse().unwrap();
        for node in planner.nodes() {
            let plan = planner.node(node.name.as_str()).unwrap();
            prop_assert_eq!(topology.reachable(node.name.as_str(), node.name.as_str(), &block), Reach::Local);
            for session in plan.sessions.iter().filter(|session| session.peer_type == PeerType::Mesh) {
                let other = session.remote_node.as_ref().unwrap();
                let reach = topology.reachable(other.as_str(), node.name.as_str(), &block);
                prop_assert!(reach != Reach::NoRoute && reach != Reach::NoNode, "{} to {}: {:?}", other, node.name, reach);
            }
        }
    }
}

//! Sessions and reachability: the seed cluster and the rules that it does not show.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use bgp_wire::{Asn, ClusterId};

use super::reach::{Reach, Topology};
use super::warning::Warning;
use super::*;
use crate::resource::{BgpConfigurationSpec, BgpPeerSpec, IpPoolSpec};
use crate::seed;

const ID: Option<ClusterId> = Some(ClusterId(0xf400_0001));

fn sessions(cluster: &Cluster, node: &str) -> Vec<SessionPlan> {
    Planner::new(cluster).node(node).unwrap().sessions
}

fn remotes(cluster: &Cluster, node: &str) -> Vec<(alloc::string::String, PeerType)> {
    sessions(cluster, node).iter().map(|session| (session.remote.to_string(), session.peer_type)).collect()
}

fn warnings(cluster: &Cluster) -> Vec<alloc::string::String> {
    Planner::new(cluster).warnings(cluster).iter().map(ToString::to_string).collect()
}

fn reach(cluster: &Cluster, from: &str, owner: &str) -> Reach {
    let planner = Planner::new(cluster);
    Topology::new(cluster, &planner).reachable(from, owner, &"10.244.36.64/26".parse().unwrap())
}

fn peer(cluster: &mut Cluster, name: &str, spec: &str) {
    seed::apply::<BgpPeerSpec>(cluster, name, spec);
}

#[test]
fn calico_4_1_self_has_the_default_as_and_its_address_as_router_id() {
    let plan = Planner::new(&seed::cluster()).node("k8s-master").unwrap();
    assert_eq!(plan.node.asn, Asn(64512));
    assert_eq!(plan.node.router_id(), Some(BgpId(0xc0a8_b366)));
    assert_eq!(plan.node.port, 179);
}

#[test]
fn calico_4_2_mesh_joins_all_nodes() {
    let cluster = seed::cluster();
    assert_eq!(Planner::new(&cluster).mesh_sessions(), 3);
    let master = sessions(&cluster, "k8s-master");
    assert_eq!(master[0].protocol_name(), "Mesh_192_168_179_103");
    assert!(master.iter().all(|session| session.is_ibgp() && session.rr_client.is_none()));
    assert_eq!(master[0].source.unwrap().to_string(), "192.168.179.102");
}

#[test]
fn calico_4_2_addresses_are_compared_as_text() {
    let mut cluster = Cluster::new();
    seed::node(&mut cluster, "a", "10.0.0.9/24", None);
    seed::node(&mut cluster, "b", "10.0.0.10/24", None);
    assert!(!sessions(&cluster, "a")[0].passive);
    assert!(sessions(&cluster, "b")[0].passive);
}

#[test]
fn calico_4_2_a_node_with_a_cluster_id_is_in_no_mesh() {
    let mut cluster = seed::cluster();
    seed::node(&mut cluster, "k8s-node2", "192.168.179.104/24", Some("244.0.0.1"));
    assert_eq!(remotes(&cluster, "k8s-master"), [("192.168.179.103".into(), PeerType::Mesh)]);
    assert_eq!(remotes(&cluster, "k8s-node2"), []);
    assert_eq!(
        warnings(&cluster),
        ["node k8s-node2 has no session: its pods and those of other nodes do not reach each other"]
    );
}

#[test]
fn seed_without_mesh_nothing_is_left() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    for node in ["k8s-master", "k8s-node1", "k8s-node2"] {
        assert_eq!(sessions(&cluster, node), []);
    }
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node1"), Reach::NoRoute);
    assert_eq!(Planner::new(&cluster).warnings(&cluster), [Warning::NoSessions]);
}

#[test]
fn seed_one_resource_configures_both_ends_of_reflection() {
    let cluster = seed::reflected();
    assert_eq!(remotes(&cluster, "k8s-master"), [("192.168.179.104".into(), PeerType::Node)]);
    let reflector = sessions(&cluster, "k8s-node2");
    assert_eq!(reflector.len(), 2);
    assert!(reflector.iter().all(|session| session.rr_client == ID && !session.passive));
    assert!(sessions(&cluster, "k8s-master").iter().all(|session| session.rr_client.is_none()));
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node1"), Reach::Tunnel);
    assert_eq!(
        warnings(&cluster),
        ["node k8s-node2 is the only route reflector: when it goes down, all routes between nodes go away"]
    );
}

#[test]
fn rfc4456_reflectors_of_one_cluster_are_plain_peers() {
    let mut cluster = seed::reflected();
    seed::node(&mut cluster, "k8s-node1", "192.168.179.103/24", Some("244.0.0.1"));
    let one = sessions(&cluster, "k8s-node1");
    let clients: Vec<_> = one.iter().map(|session| (session.remote.to_string(), session.rr_client)).collect();
    assert_eq!(clients, [("192.168.179.102".into(), ID), ("192.168.179.104".into(), None)]);
    assert_eq!(warnings(&cluster), [""; 0]);
    assert_eq!(reach(&cluster, "k8s-node2", "k8s-node1"), Reach::Tunnel);
}

#[test]
fn rfc4456_reflectors_of_different_clusters_are_each_others_clients() {
    let mut cluster = seed::reflected();
    seed::node(&mut cluster, "k8s-node1", "192.168.179.103/24", Some("244.0.0.2"));
    let one = sessions(&cluster, "k8s-node1");
    assert!(one.iter().all(|session| session.rr_client == Some(ClusterId(0xf400_0002))));
}

#[test]
fn rfc4456_6_routes_do_not_pass_two_plain_peers() {
    // a - b - c in a row of plain iBGP sessions: b does not pass on.
    let mut cluster = Cluster::new();
    for (name, last) in [("a", 1), ("b", 2), ("c", 3)] {
        seed::node(&mut cluster, name, &format!("10.0.0.{last}/24"), None);
    }
    seed::mesh_off(&mut cluster);
    seed::apply::<IpPoolSpec>(&mut cluster, "p", r#"{"cidr":"10.244.0.0/16"}"#);
    peer(&mut cluster, "a-b", r#"{"node":"a","peerIP":"10.0.0.2"}"#);
    peer(&mut cluster, "c-b", r#"{"node":"c","peerIP":"10.0.0.2"}"#);
    assert_eq!(reach(&cluster, "a", "b"), Reach::Direct);
    assert_eq!(reach(&cluster, "a", "c"), Reach::NoRoute);
    assert_eq!(warnings(&cluster), ["IPPool p: 2 pairs of nodes learn no route from each other, such as c of a"]);
    seed::node(&mut cluster, "b", "10.0.0.2/24", Some("244.0.0.1"));
    assert_eq!(reach(&cluster, "a", "c"), Reach::Direct);
}

#[test]
fn rfc4456_8_a_cluster_does_not_take_its_own_routes_back() {
    // a is a client of r1 only, b of r2 only; both reflectors are of one cluster: neither takes the other's routes.
    let mut cluster = Cluster::new();
    for (name, last, id) in [("a", 1, None), ("b", 2, None), ("r1", 3, Some("1.1.1.1")), ("r2", 4, Some("1.1.1.1"))] {
        seed::node(&mut cluster, name, &format!("10.0.0.{last}/24"), id);
    }
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "a", r#"{"node":"a","peerIP":"10.0.0.3"}"#);
    peer(&mut cluster, "b", r#"{"node":"b","peerIP":"10.0.0.4"}"#);
    peer(&mut cluster, "r", r#"{"node":"r1","peerIP":"10.0.0.4"}"#);
    assert_eq!(reach(&cluster, "a", "b"), Reach::NoRoute);
    assert_eq!(reach(&cluster, "a", "r1"), Reach::Direct);
    seed::node(&mut cluster, "r2", "10.0.0.4/24", Some("2.2.2.2"));
    assert_eq!(reach(&cluster, "a", "b"), Reach::Direct);
}

#[test]
fn calico_4_3_global_peers_come_first_then_names_decide() {
    let mut cluster = seed::cluster();
    peer(&mut cluster, "b-node", r#"{"node":"k8s-master","peerIP":"10.9.9.9","asNumber":65001}"#);
    peer(&mut cluster, "a-node", r#"{"node":"k8s-master","peerIP":"10.9.9.9","asNumber":65002}"#);
    let of = |cluster: &Cluster| {
        let all = sessions(cluster, "k8s-master");
        let session = all.iter().find(|session| session.remote.to_string() == "10.9.9.9").unwrap().clone();
        (session.remote_as.0, session.peer_type)
    };
    assert_eq!(of(&cluster), (65002, PeerType::Node));
    peer(&mut cluster, "z-global", r#"{"peerIP":"10.9.9.9","asNumber":65003}"#);
    assert_eq!(of(&cluster), (65003, PeerType::Global));
}

#[test]
fn calico_4_3_a_global_peer_that_is_a_node_gets_its_own_port_and_the_reverse() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    seed::apply::<BgpConfigurationSpec>(&mut cluster, "node.k8s-node2", r#"{"listenPort":1790}"#);
    peer(&mut cluster, "rr", r#"{"peerIP":"192.168.179.104"}"#);
    let master = sessions(&cluster, "k8s-master");
    assert_eq!(master.len(), 1);
    assert_eq!(master[0].protocol_name(), "Global_192_168_179_104_port_1790");
    assert!(master[0].passive, "a global session to a node with the larger address waits");
    let node2 = sessions(&cluster, "k8s-node2");
    assert_eq!(node2.len(), 2);
    assert!(node2.iter().all(|session| !session.passive && session.peer_type == PeerType::Global));
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node2"), Reach::Tunnel);
}

#[test]
fn calico_4_3_reverse_needs_the_as_and_the_port() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "as", r#"{"node":"k8s-master","peerIP":"192.168.179.103","asNumber":65001}"#);
    peer(&mut cluster, "port", r#"{"node":"k8s-master","peerIP":"192.168.179.104:1790"}"#);
    assert_eq!(sessions(&cluster, "k8s-node1"), []);
    assert_eq!(sessions(&cluster, "k8s-node2"), []);
    let one_sided = warnings(&cluster);
    assert_eq!(one_sided[0], "the mesh is off and no BGPPeer connects any nodes: all routes between nodes go away");
}

#[test]
fn calico_4_3_manual_reverse_peering_is_one_sided_until_both_ends_are_there() {
    let mut cluster = seed::reflected();
    peer(&mut cluster, "manual", r#"{"node":"k8s-master","peerIP":"192.168.179.103","reversePeering":"Manual"}"#);
    assert!(warnings(&cluster).contains(
        &"node k8s-master: the session with 192.168.179.103 (k8s-node1) does not come up: k8s-node1 does not expect it"
            .into()
    ));
    peer(&mut cluster, "other-end", r#"{"node":"k8s-node1","peerIP":"192.168.179.102","reversePeering":"Manual"}"#);
    assert!(!warnings(&cluster).iter().any(|warning| warning.contains("does not come up")));
}

#[test]
fn calico_4_3_local_as_is_what_the_other_end_expects() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "p", r#"{"node":"k8s-master","peerIP":"192.168.179.103","localASNumber":65010}"#);
    let node1 = sessions(&cluster, "k8s-node1");
    assert_eq!((node1[0].local_as, node1[0].remote_as), (Asn(64512), Asn(65010)));
    assert!(!node1[0].is_ibgp());
    assert_eq!(reach(&cluster, "k8s-node1", "k8s-master"), Reach::Tunnel);
}

#[test]
fn a_bgp_peer_takes_the_place_of_a_mesh_session() {
    let mut cluster = seed::cluster();
    peer(&mut cluster, "p", r#"{"node":"k8s-master","peerIP":"192.168.179.103"}"#);
    assert_eq!(
        remotes(&cluster, "k8s-master"),
        [("192.168.179.103".into(), PeerType::Node), ("192.168.179.104".into(), PeerType::Mesh)]
    );
    assert_eq!(warnings(&cluster), [""; 0]);
}

#[test]
fn never_across_subnets_is_a_warning_and_cross_subnet_is_none() {
    let mut cluster = seed::cluster();
    seed::node(&mut cluster, "k8s-node3", "192.168.180.5/24", None);
    assert_eq!(warnings(&cluster), [""; 0]);
    seed::ipip(&mut cluster, "Never");
    assert_eq!(
        warnings(&cluster),
        ["IPPool default-ipv4-ippool: ipipMode Never, but 6 pairs of nodes are in different subnets, such as \
          k8s-node3 and k8s-master: their packets are lost unless the routers between know the routes; CrossSubnet \
          would wrap just these"]
    );
    seed::ipip(&mut cluster, "CrossSubnet");
    assert_eq!(warnings(&cluster), [""; 0]);
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node3"), Reach::Tunnel);
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node1"), Reach::Direct);
}

#[test]
fn settings_that_do_not_fit_are_warnings() {
    let mut cluster = seed::cluster();
    seed::apply::<IpPoolSpec>(&mut cluster, "quiet", r#"{"cidr":"10.245.0.0/16","disableBGPExport":true}"#);
    seed::apply::<BgpConfigurationSpec>(&mut cluster, "default", r#"{"programClusterRoutes":"Disabled"}"#);
    peer(&mut cluster, "a", r#"{"node":"gone","peerIP":"10.9.9.9"}"#);
    peer(&mut cluster, "b", r#"{"nodeSelector":"has(x)","peerSelector":"has(y)","filters":["f"]}"#);
    peer(&mut cluster, "c", r#"{"localWorkloadSelector":"has(z)","asNumber":65001}"#);
    assert_eq!(
        warnings(&cluster),
        [
            "BGPPeer a: node gone does not exist",
            "BGPPeer b: nodeSelector selects no node",
            "BGPPeer b: peerSelector selects no node",
            "BGPPeer b: filter f is not applied",
            "BGPPeer c: sessions with workloads are not planned",
            "IPPool quiet: disableBGPExport without VXLAN: its blocks are reachable on their own nodes only",
            "programClusterRoutes Disabled: Felix must program the other routes, or they are missing",
        ]
    );
}

#[test]
fn ebgp_between_nodes_sets_the_next_hop_and_stops_loops() {
    let mut cluster = Cluster::new();
    for (name, last) in [("a", 1), ("b", 2), ("c", 3)] {
        let bgp = format!(r#"{{"bgp":{{"ipv4Address":"10.0.0.{last}/24","asNumber":6500{last}}}}}"#);
        seed::apply::<NodeSpec>(&mut cluster, name, &bgp);
    }
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "a-b", r#"{"node":"a","peerIP":"10.0.0.2","asNumber":65002}"#);
    peer(&mut cluster, "b-c", r#"{"node":"b","peerIP":"10.0.0.3","asNumber":65003}"#);
    assert_eq!(reach(&cluster, "c", "a"), Reach::Direct);
    assert_eq!(warnings(&cluster), [""; 0]);
}

#[test]
fn a_large_cluster_with_reflectors_is_planned_without_the_square() {
    let mut cluster = Cluster::new();
    for number in 0..300 {
        let id = (number < 2).then_some("244.0.0.1");
        seed::node(
            &mut cluster,
            &format!("n{number:03}"),
            &format!("10.0.{}.{}/16", number / 200, number % 200 + 1),
            id,
        );
    }
    assert_eq!(Planner::new(&cluster).mesh_sessions(), 298 * 297 / 2);
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "rr", r#"{"nodeSelector":"all()","peerSelector":"route-reflector == 'true'"}"#);
    let planner = Planner::new(&cluster);
    assert_eq!(planner.mesh_sessions(), 0);
    let total: usize =
        planner.nodes().iter().map(|node| planner.node(node.name.as_str()).unwrap().sessions.len()).sum();
    assert_eq!(total, 2 * (298 * 2 + 1));
    assert_eq!(planner.warnings(&cluster), []);
}

#[test]
fn seed_a_preview_shows_the_outage_and_the_safe_order() {
    use super::preview::Preview;
    let meshed = seed::cluster();
    assert!(Preview::new(&meshed, &meshed).is_empty());
    let mut dark = meshed.clone();
    seed::mesh_off(&mut dark);
    let preview = Preview::new(&meshed, &dark);
    assert_eq!(preview.sessions.len(), 6);
    assert_eq!(preview.warnings, [Warning::NoSessions]);
    // The label, the cluster identifier and the BGPPeer first: no node is cut off, then the mesh can go.
    let mut ready = meshed.clone();
    seed::node(&mut ready, "k8s-node2", "192.168.179.104/24", Some("244.0.0.1"));
    peer(&mut ready, "rr", r#"{"nodeSelector":"all()","peerSelector":"route-reflector == 'true'"}"#);
    assert_eq!(
        Preview::new(&meshed, &ready).to_string(),
        "~ k8s-master 192.168.179.104 node specific\n\
         ~ k8s-node1 192.168.179.104 node specific\n\
         ~ k8s-node2 192.168.179.102 node specific\n\
         ~ k8s-node2 192.168.179.103 node specific\n"
    );
    let mut done = ready.clone();
    seed::mesh_off(&mut done);
    assert_eq!(
        Preview::new(&ready, &done).to_string(),
        "- k8s-master 192.168.179.103 node-to-node mesh\n\
         - k8s-node1 192.168.179.102 node-to-node mesh\n\
         ! node k8s-node2 is the only route reflector: when it goes down, all routes between nodes go away\n"
    );
}

#[test]
fn rfc2385_a_password_at_one_end_keeps_a_session_down() {
    let mut cluster = seed::cluster();
    seed::mesh_off(&mut cluster);
    peer(&mut cluster, "a", r#"{"node":"k8s-master","peerIP":"192.168.179.103","reversePeering":"Manual"}"#);
    peer(&mut cluster, "b", r#"{"node":"k8s-node1","peerIP":"192.168.179.102","reversePeering":"Manual"}"#);
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node1"), Reach::Tunnel);
    peer(
        &mut cluster,
        "b",
        r#"{"node":"k8s-node1","peerIP":"192.168.179.102","reversePeering":"Manual",
            "password":{"secretKeyRef":{"name":"s","key":"k"}}}"#,
    );
    assert_eq!(reach(&cluster, "k8s-master", "k8s-node1"), Reach::NoRoute);
}

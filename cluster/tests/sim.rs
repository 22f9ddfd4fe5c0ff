//! The simulated cluster: sessions, routes and packets, from resources.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::time::Duration;

use bgp_cluster::Cluster;
use bgp_cluster::lab::Lab;
use bgp_cluster::resource::{Header, Resource};
use bgp_cluster::sim::{AddressError, Lost, LostReason, PingReport, Reflected, Settled, Settling, Simulation, Traffic};
use bgp_cluster::status::BgpState;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(600);

fn resource(kind: &str, name: &str, spec: &Value, labels: &Value) -> Resource {
    let value = json!({
        "apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec,
    });
    Header::deserialize(&value).unwrap().read(&value).unwrap().pop().unwrap()
}

fn pool(mode: &str) -> Resource {
    resource("IPPool", "pool", &json!({"cidr": "10.244.0.0/16", "ipipMode": mode}), &json!({}))
}

fn node(name: &str, address: &str) -> Resource {
    resource("Node", name, &json!({"bgp": {"ipv4Address": address}}), &json!({}))
}

fn reflector(name: &str, address: &str) -> Resource {
    let bgp = json!({"ipv4Address": address, "routeReflectorClusterID": "244.0.0.1"});
    resource("Node", name, &json!({"bgp": bgp}), &json!({"rr": "true"}))
}

fn mesh(on: bool) -> Resource {
    resource("BGPConfiguration", "default", &json!({"nodeToNodeMeshEnabled": on}), &json!({}))
}

fn peer_with_reflectors() -> Resource {
    resource("BGPPeer", "rr", &json!({"nodeSelector": "all()", "peerSelector": "rr == 'true'"}), &json!({}))
}

fn cluster(resources: impl IntoIterator<Item = Resource>) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.apply_all(resources).unwrap();
    cluster
}

/// Nodes a and b in one subnet, c in another.
fn two_subnets(mode: &str) -> Simulation {
    let nodes = [node("a", "10.0.1.1/24"), node("b", "10.0.1.2/24"), node("c", "10.0.2.1/24")];
    let lab = Lab::deserialize(json!({"interface": "eth0", "gateway": "10.0.1.254"})).unwrap();
    Simulation::new(cluster([pool(mode)].into_iter().chain(nodes)), lab, 1)
}

fn pods<const N: usize>(simulation: &mut Simulation, nodes: [&str; N]) -> [Ipv4Addr; N] {
    let pods = nodes.map(|node| simulation.start_pod(node, "web").unwrap());
    assert!(simulation.settle(PATIENCE).converged);
    pods
}

#[test]
fn public_types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<(Simulation, Settling<'_>, Settled, Traffic, PingReport, Lost, LostReason, Reflected, AddressError)>();
}

#[test]
fn calico_5_cross_subnet_wraps_only_what_leaves_the_subnet() {
    let mut simulation = two_subnets("CrossSubnet");
    let [near, far] = pods(&mut simulation, ["b", "c"]);
    let overhead = |pod| {
        let report = simulation.ping("a", pod, 1).unwrap();
        assert!(report.answered(), "{report:?}");
        report.ping.overhead
    };
    assert_eq!((overhead(near), overhead(far)), (0, 20));
}

#[test]
fn calico_5_never_across_subnets_is_lost_at_the_router() {
    let mut simulation = two_subnets("Never");
    let [near, far] = pods(&mut simulation, ["b", "c"]);
    assert!(simulation.ping("a", near, 1).unwrap().answered());
    let lost = simulation.ping("a", far, 1).unwrap().lost.unwrap();
    assert_eq!((lost.at.as_str(), lost.reason), ("a", LostReason::NoRoute));
}

#[test]
fn an_address_without_a_pod_is_held_back_by_the_owner() {
    let mut simulation = two_subnets("Always");
    let [pod] = pods(&mut simulation, ["b"]);
    let free = Ipv4Addr::from(u32::from(pod) + 1);
    let lost = simulation.ping("a", free, 1).unwrap().lost.unwrap();
    assert_eq!((lost.at.as_str(), lost.reason), ("b", LostReason::Blackhole));
}

#[test]
fn rfc4271_8_2_2_a_dead_node_s_routes_go_when_the_hold_time_is_over() {
    let mut simulation = two_subnets("Always");
    let [pod] = pods(&mut simulation, ["b"]);
    assert!(simulation.kill("b"));
    simulation.run_for(Duration::from_secs(100));
    let lost = simulation.ping("a", pod, 1).unwrap().lost.unwrap();
    assert_eq!((lost.at.as_str(), lost.reason), ("a", LostReason::Unreachable));
    simulation.run_for(Duration::from_secs(200));
    let lost = simulation.ping("a", pod, 1).unwrap().lost.unwrap();
    assert_eq!((lost.at.as_str(), lost.reason), ("a", LostReason::NoRoute));
}

#[test]
fn rfc4271_6_8_both_ends_dial_and_one_connection_stays() {
    // A node-specific session is never passive: both ends dial.
    let resources = [pool("Never"), mesh(false), peer_with_reflectors()];
    let nodes = [node("a", "10.0.0.1/24"), reflector("b", "10.0.0.2/24")];
    let mut simulation = Simulation::new(cluster(resources.into_iter().chain(nodes)), Lab::new("eth0"), 3);
    assert!(simulation.settle(PATIENCE).converged);
    assert_eq!(simulation.connections(), 1);
    let [pod] = pods(&mut simulation, ["a"]);
    assert!(simulation.ping("b", pod, 1).unwrap().answered());
}

#[test]
fn rfc4271_6_8_dials_that_cross_after_a_reset_end_in_one_session() {
    // The session between the reflectors is made anew by one end; then both dial, a link's delay apart.
    for seed in 1..20 {
        let resources = [pool("Never"), mesh(false), peer_with_reflectors()];
        let nodes = [node("a", "10.0.0.1/24"), node("b", "10.0.0.2/24"), reflector("c", "10.0.0.3/24")];
        let mut simulation = Simulation::new(cluster(resources.into_iter().chain(nodes)), Lab::new("eth0"), seed);
        assert!(simulation.settle(PATIENCE).converged);
        simulation.apply([reflector("b", "10.0.0.2/24")]).unwrap();
        let settled = simulation.settle(Duration::from_secs(60));
        assert!(settled.converged, "seed {seed}: {:?}", simulation.node_status("b"));
        assert_eq!(simulation.connections(), 3, "seed {seed}");
    }
}

#[test]
fn rfc4456_8_reflected_routes_carry_originator_and_cluster() {
    let resources = [pool("Never"), mesh(false), peer_with_reflectors()];
    let nodes = [node("a", "10.0.0.1/24"), node("b", "10.0.0.2/24"), reflector("c", "10.0.0.3/24")];
    let mut simulation = Simulation::new(cluster(resources.into_iter().chain(nodes)), Lab::new("eth0"), 1);
    let [_, pod, _] = pods(&mut simulation, ["a", "b", "c"]);
    let reflected = simulation.reflected("a");
    assert_eq!(reflected.len(), 1, "the reflector's own block is not reflected");
    let route = reflected.first().unwrap();
    assert!(route.prefix.contains(&std::net::IpAddr::V4(pod)));
    assert_eq!(route.to_string().lines().last().unwrap().trim(), "BGP.cluster_list: 244.0.0.1");
    assert_eq!(route.next_hop.to_string(), "10.0.0.2", "the owner of the block, not the reflector");
    assert_eq!(route.originator_id.unwrap().to_string(), "10.0.0.2");
}

#[test]
fn reconcile_leaves_a_session_that_stays_the_same_alone() {
    let mut simulation = two_subnets("Always");
    pods(&mut simulation, ["a", "b", "c"]);
    let before = simulation.node_status("a");
    simulation.run_for(Duration::from_secs(30));
    simulation.apply([pool("Never")]).unwrap();
    simulation.settle(PATIENCE);
    assert_eq!(simulation.node_status("a"), before);
}

#[test]
fn a_tunnel_address_is_given_back_and_taken_again() {
    let mut simulation = two_subnets("Always");
    let first = simulation.tunnel_address("a").unwrap();
    simulation.apply([pool("Never")]).unwrap();
    assert_eq!(simulation.tunnel_address("a"), None);
    simulation.apply([pool("Always")]).unwrap();
    let second = simulation.tunnel_address("a").unwrap();
    // The block stays with the node, and an address that was just given back is used again last.
    assert_eq!(u32::from(second), u32::from(first) + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the seed and the size, every pod answers every node, over the mesh and over reflectors.
    #[test]
    fn every_pod_answers_every_node(seed in any::<u64>(), nodes in 2u32..8, reflectors in 0u32..3, tunnel in any::<bool>()) {
        let reflectors = reflectors.min(nodes - 1);
        let mut resources = vec![pool(if tunnel { "Always" } else { "Never" }), mesh(reflectors == 0)];
        let names: Vec<String> = (1..=nodes).map(|number| format!("n{number}")).collect();
        for (number, name) in (1..).zip(&names) {
            let address = format!("10.0.0.{number}/24");
            resources.push(if number <= reflectors { reflector(name, &address) } else { node(name, &address) });
        }
        if reflectors > 0 {
            resources.push(peer_with_reflectors());
        }
        let mut simulation = Simulation::new(cluster(resources), Lab::new("eth0"), seed);
        let pods: Vec<Ipv4Addr> = names.iter().map(|name| simulation.start_pod(name, "web").unwrap()).collect();
        prop_assert!(simulation.settle(PATIENCE).converged);
        for from in &names {
            let up = simulation.node_status(from).sessions.iter().all(|session| session.bgp_state == BgpState::Established);
            prop_assert!(up, "{from}: {:?}", simulation.node_status(from));
            for pod in &pods {
                let report = simulation.ping(from, *pod, 1).unwrap();
                prop_assert!(report.answered(), "{from} to {pod}: {report:?}");
            }
        }
    }
}

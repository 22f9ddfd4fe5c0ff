//! Lines of `ip route`, against what the operator of the seed cluster saw.

use alloc::format;
use alloc::string::{String, ToString};

use super::*;
use crate::plan::Planner;
use crate::seed;

const LEARNED: [(&str, [u8; 4]); 2] =
    [("10.244.36.64/26", [192, 168, 179, 103]), ("10.244.169.128/26", [192, 168, 179, 104])];

fn table(cluster: &Cluster) -> String {
    let planner = Planner::new(cluster);
    let node = planner.node("k8s-master").unwrap().node;
    let uplink = seed::lab().uplink("k8s-master");
    let own = ["10.244.235.192/26".parse().unwrap()];
    let learned = LEARNED.map(|(prefix, next_hop)| (prefix.parse().unwrap(), IpAddr::from(next_hop)));
    let routes = Routing::new(cluster, &node, &uplink).table(&own, learned);
    routes.iter().map(|route| format!("{route}\n")).collect()
}

#[test]
fn seed_routes_without_encapsulation() {
    let mut cluster = seed::cluster();
    seed::ipip(&mut cluster, "Never");
    assert_eq!(
        table(&cluster),
        "default via 192.168.179.2 dev ens32 proto static metric 100 \n\
         10.244.36.64/26 via 192.168.179.103 dev ens32 proto bird \n\
         10.244.169.128/26 via 192.168.179.104 dev ens32 proto bird \n\
         blackhole 10.244.235.192/26 proto bird \n\
         192.168.179.0/24 dev ens32 proto kernel scope link src 192.168.179.102 metric 100 \n"
    );
}

#[test]
fn seed_routes_through_the_tunnel() {
    let text = table(&seed::cluster());
    assert!(text.contains("\n10.244.36.64/26 via 192.168.179.103 dev tunl0 proto bird onlink \n"), "{text}");
    assert!(text.contains("\n10.244.169.128/26 via 192.168.179.104 dev tunl0 proto bird onlink \n"), "{text}");
}

#[test]
fn cross_subnet_wraps_only_what_leaves_the_subnet() {
    let mut cluster = seed::cluster();
    seed::ipip(&mut cluster, "CrossSubnet");
    let planner = Planner::new(&cluster);
    let node = planner.node("k8s-master").unwrap().node;
    let uplink = seed::lab().uplink("k8s-master");
    let routing = Routing::new(&cluster, &node, &uplink);
    let line = |next_hop: &str| {
        routing.learned("10.244.1.0/26".parse().unwrap(), next_hop.parse().unwrap()).unwrap().to_string()
    };
    assert_eq!(line("192.168.179.103"), "10.244.1.0/26 via 192.168.179.103 dev ens32 proto bird ");
    assert_eq!(line("192.168.180.7"), "10.244.1.0/26 via 192.168.180.7 dev tunl0 proto bird onlink ");
}

#[test]
fn without_a_tunnel_other_subnets_go_to_the_gateway() {
    let mut cluster = seed::cluster();
    seed::ipip(&mut cluster, "Never");
    let planner = Planner::new(&cluster);
    let node = planner.node("k8s-master").unwrap().node;
    let mut uplink = seed::lab().uplink("k8s-master");
    let (prefix, next_hop) = ("10.244.1.0/26".parse().unwrap(), "192.168.180.7".parse().unwrap());
    let route = Routing::new(&cluster, &node, &uplink).learned(prefix, next_hop).unwrap();
    assert_eq!(route.to_string(), "10.244.1.0/26 via 192.168.179.2 dev ens32 proto bird ");
    uplink.gateway = None;
    assert_eq!(Routing::new(&cluster, &node, &uplink).learned(prefix, next_hop), None);
}

#[test]
fn what_bird_leaves_is_felixs() {
    let mut cluster = seed::cluster();
    seed::apply::<crate::resource::BgpConfigurationSpec>(
        &mut cluster,
        "default",
        r#"{"programClusterRoutes":"EnabledNoEncapOnly"}"#,
    );
    assert!(table(&cluster).contains("10.244.36.64/26 via 192.168.179.103 dev tunl0 proto 80 onlink \n"));
    seed::ipip(&mut cluster, "Never");
    assert!(table(&cluster).contains("10.244.36.64/26 via 192.168.179.103 dev ens32 proto bird \n"));
}

#[test]
fn pods_are_on_the_link_and_single_addresses_have_no_blackhole() {
    let pod = KernelRoute::workload("10.244.235.193".parse().unwrap(), "cali0");
    assert_eq!(pod.to_string(), "10.244.235.193 dev cali0 scope link ");
    let cluster = seed::cluster();
    let planner = Planner::new(&cluster);
    let node = planner.node("k8s-master").unwrap().node;
    let uplink = seed::lab().uplink("k8s-master");
    assert_eq!(Routing::new(&cluster, &node, &uplink).own_block("10.244.235.193/32".parse().unwrap()), None);
}

#[test]
fn vxlan_routes_are_not_bgps() {
    let mut cluster = Cluster::new();
    seed::node(&mut cluster, "k8s-master", "192.168.179.102/24", None);
    seed::apply::<crate::resource::IpPoolSpec>(&mut cluster, "p", r#"{"cidr":"10.244.0.0/16","vxlanMode":"Always"}"#);
    assert!(!table(&cluster).contains("via 192.168.179.103"));
}

#[test]
fn routes_have_a_json_form() {
    let hole = KernelRoute::blackhole("10.244.235.192/26".parse().unwrap());
    assert_eq!(
        serde_json::to_string(&hole).unwrap(),
        r#"{"destination":"10.244.235.192/26","action":"blackhole","protocol":"bird","metric":null}"#
    );
    let any = KernelRoute::default_via("192.168.179.2".parse().unwrap(), &seed::lab().uplink("k8s-master"));
    assert_eq!(
        serde_json::to_string(&any).unwrap(),
        r#"{"destination":"0.0.0.0/0","action":{"via":{"gateway":"192.168.179.2","device":"ens32","onlink":false}},"protocol":"static","metric":100}"#
    );
}

//! The plugin under Debian's own `ptp` and `bridge`, in namespaces: a host, and pods with interfaces to it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/lab.rs"]
mod lab;

use lab::Lab;
use serde_json::{Value as Json, json};

/// A point-to-point link for each pod; the gateway is one that no pod can have.
fn ptp(lab: &Lab) -> Json {
    json!({
        "cniVersion": "1.0.0", "name": "lab", "type": "ptp",
        "ipam": lab.ipam(json!({
            "gateways": ["10.77.0.1"], "prefixLengthV4": 16, "routes": [{ "dst": "0.0.0.0/0" }],
        })),
    })
}

/// All pods on one bridge, whose address is the gateway.
fn bridge(lab: &Lab) -> Json {
    json!({
        "cniVersion": "1.0.0", "name": "lab", "type": "bridge", "bridge": "cni0", "isGateway": true,
        "ipam": lab.ipam(json!({ "gateways": ["10.77.0.1"], "prefixLengthV4": 16 })),
    })
}

/// Pods come and go: addresses, a ping to the host, CHECK, DEL, and DEL again.
fn pods_come_and_go(network: fn(&Lab) -> Json) {
    let Some(lab) = Lab::new() else { return };
    let mut network = network(&lab);
    let plugin = network["type"].as_str().unwrap().to_owned();
    let gateway = network["ipam"]["gateways"][0].as_str().unwrap().to_owned();
    let mut addresses = Vec::new();
    for pod in &lab.pods {
        let result = lab.plugin(&plugin, "ADD", pod, &network).unwrap();
        assert_eq!(result["ips"][0]["gateway"], gateway.as_str());
        let address = result["ips"][0]["address"].as_str().unwrap().split('/').next().unwrap().to_owned();
        assert!(lab.run(pod, &["ip", "addr", "show", "dev", "eth0"]).contains(&address));
        lab.run(pod, &["ping", "-c1", "-W5", &gateway]);
        lab.run(&lab.host, &["ping", "-c1", "-W5", &address]);
        network["prevResult"] = result;
        lab.plugin(&plugin, "CHECK", pod, &network).unwrap();
        network.as_object_mut().unwrap().remove("prevResult");
        addresses.push(address);
    }
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), lab.pods.len(), "each pod has its own");
    // From pod to pod, through the host.
    lab.run(&lab.pods[0], &["ping", "-c1", "-W5", &addresses[1]]);
    lab.run(&lab.pods[1], &["ping", "-c1", "-W5", &addresses[0]]);
    assert_eq!(lab.allocated(), 2);
    for pod in &lab.pods {
        for _ in 0..2 {
            lab.plugin(&plugin, "DEL", pod, &network).unwrap();
        }
    }
    assert_eq!(lab.allocated(), 0);
    // Given back, they can be had again; a pod that is gone gives its own back, too.
    lab.plugin(&plugin, "ADD", &lab.pods[0], &network).unwrap();
    lab.remove_pod(0);
    lab.plugin(&plugin, "DEL", &lab.pods[0], &network).unwrap();
    assert_eq!(lab.allocated(), 0);
}

#[test]
fn cni_pods_behind_debians_ptp_come_and_go() {
    pods_come_and_go(ptp);
}

#[test]
fn cni_pods_behind_debians_bridge_come_and_go() {
    pods_come_and_go(bridge);
}

#[test]
fn cni_gc_and_status_by_calling_the_plugin() {
    let Some(lab) = Lab::new() else { return };
    let mut network = ptp(&lab);
    for pod in &lab.pods {
        lab.plugin("ptp", "ADD", pod, &network).unwrap();
    }
    network["cniVersion"] = "1.1.0".into();
    lab.plugin("cni-ipam", "STATUS", "", &network).unwrap();
    network["cni.dev/valid-attachments"] = json!([{ "containerID": lab.pods[0], "ifname": "eth0" }]);
    lab.plugin("cni-ipam", "GC", "", &network).unwrap();
    assert_eq!(lab.allocated(), 1);
    lab.plugin("ptp", "DEL", &lab.pods[1], &ptp(&lab)).unwrap();
    lab.plugin("ptp", "DEL", &lab.pods[0], &ptp(&lab)).unwrap();
    assert_eq!(lab.allocated(), 0);
    let error = lab.plugin("cni-ipam", "GC", "", &ptp(&lab)).unwrap_err();
    assert_eq!(error["code"], 1, "GC of a network of version 1.0.0: {error}");
}

#[test]
fn cni_adds_that_are_killed_leak_nothing_that_gc_does_not_find() {
    let Some(lab) = Lab::new() else { return };
    let mut network = ptp(&lab);
    network["cniVersion"] = "1.1.0".into();
    network["ipam"]["gcGrace"] = 0.into();
    // The first ones of a process that nobody has used yet take longer.
    let times = (0..5).map(|number| {
        let began = std::time::Instant::now();
        lab.plugin("cni-ipam", "ADD", &format!("whole{number}"), &network).unwrap();
        began.elapsed()
    });
    let whole = times.min().unwrap();
    let (mut killed, count) = (0, 40);
    for number in 0..count {
        // From its very beginning to a little after its end.
        let after = whole.mul_f64(1.2 * f64::from(number) / f64::from(count));
        killed += u32::from(lab.killed("cni-ipam", "ADD", &format!("c{number}"), &network, after));
    }
    // How many depends on the machine's load; the first gets its signal at once.
    assert!(killed > 0, "none of {count} was killed in time");
    println!("{killed} of {count} ADDs were killed before their end");
    network["cni.dev/valid-attachments"] = json!([]);
    lab.plugin("cni-ipam", "GC", "", &network).unwrap();
    assert_eq!(lab.allocated(), 0);
}

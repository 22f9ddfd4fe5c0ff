//! A script for a cluster of any size, made up.

use std::net::Ipv4Addr;

use bgp_cluster::lab::Lab;
use bgp_cluster::resource::{Header, Resource};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::story::{Change, Script, StoryError};

/// The most nodes: each has a /26 of 10.128.0.0/9 and an address of 10.0.0.0/9.
pub const MOST_NODES: u32 = 100_000;
/// The largest mesh that is played, unless another is asked for.
pub const LARGEST_MESH: usize = 200;
/// Nodes that fit into a pool 10.244.0.0/16 of blocks of 64 addresses with room to spare.
const SMALL: u32 = 800;

impl Script {
    /// A cluster of `nodes` nodes in one subnet, of which the last `reflectors` become route reflectors. A mesh of more
    /// than `largest_mesh` nodes is computed.
    ///
    /// # Errors
    /// Fewer than 3 or more than [`MOST_NODES`] nodes, no reflector, or none left to be a client.
    pub fn generated(nodes: u32, reflectors: u32, largest_mesh: usize) -> Result<Script, StoryError> {
        let refuse = |problem: String| Err(StoryError::Unsuitable(problem));
        if !(3..=MOST_NODES).contains(&nodes) {
            return refuse(format!("--nodes {nodes}: 3 to {MOST_NODES} are possible"));
        }
        if reflectors == 0 || reflectors > nodes - 2 {
            return refuse(format!("--reflectors {reflectors}: 1 to {} are possible with {nodes} nodes", nodes - 2));
        }
        let first_reflector = nodes - reflectors;
        let pool = |mode: &str| {
            let cidr = if nodes <= SMALL { "10.244.0.0/16" } else { "10.128.0.0/9" };
            json!({"cidr": cidr, "ipipMode": mode, "natOutgoing": true})
        };
        let pools =
            |mode| Ok::<_, StoryError>(vec![resource("IPPool", "default-ipv4-ippool", &json!({}), &pool(mode))?]);
        let mesh = |on: bool| {
            let spec = json!({"logSeverityScreen": "Info", "nodeToNodeMeshEnabled": on, "asNumber": 64512});
            Ok::<_, StoryError>(vec![resource("BGPConfiguration", "default", &json!({}), &spec)?])
        };
        let plain = (0..nodes).map(|number| node(number, false)).collect::<Result<Vec<_>, _>>()?;
        let reflecting = (first_reflector..nodes).map(|number| node(number, true)).collect::<Result<Vec<_>, _>>()?;
        let peer = json!({"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"});
        let peers = vec![resource("BGPPeer", "peer-with-route-reflectors", &json!({}), &peer)?];
        let (last, others) = match reflecting.split_last() {
            Some((last, others)) if !others.is_empty() => (Some(last.clone()), others.to_vec()),
            _ => (None, reflecting),
        };
        Ok(Script {
            lab: Lab::new("eth0"),
            start: vec![
                Change::new("ippool.yaml", pools("Always")?),
                Change::new("nodes.yaml", plain),
                Change::new("bgpconfig.yaml", mesh(true)?),
            ],
            never: Change::new("ippool-never.yaml", pools("Never")?),
            mesh_off: Change::new("mesh-off.yaml", mesh(false)?),
            reflectors: vec![Change::new("rr-nodes.yaml", others), Change::new("rr-peer.yaml", peers)],
            last_reflector: last.map(|last| Change::new("rr-last-node.yaml", vec![last])),
            here: name(0),
            there: name(first_reflector),
            dies: name(first_reflector),
            witness: name(1),
            whole: false,
            largest_mesh,
        })
    }
}

fn name(number: u32) -> String {
    format!("node-{number:05}")
}

fn node(number: u32, reflector: bool) -> Result<Resource, StoryError> {
    // 10.0.0.0/9 without its first addresses, which a gateway may have.
    let address = Ipv4Addr::from(0x0a00_0000 + 10 + number);
    let ipv4 = format!("{address}/9");
    let (name, cluster) = (name(number), "244.0.0.1");
    let (labels, bgp) = if reflector {
        let labels = json!({"kubernetes.io/hostname": name, "route-reflector": "true"});
        (labels, json!({"ipv4Address": ipv4, "routeReflectorClusterID": cluster}))
    } else {
        (json!({"kubernetes.io/hostname": name}), json!({"ipv4Address": ipv4}))
    };
    resource("Node", &name, &labels, &json!({"bgp": bgp}))
}

fn resource(kind: &str, name: &str, labels: &Value, spec: &Value) -> Result<Resource, StoryError> {
    let value = json!({
        "apiVersion": "projectcalico.org/v3",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    });
    let read = Header::deserialize(&value).and_then(|header| header.read(&value));
    let mut resources = read.map_err(|error| StoryError::Unsuitable(format!("{kind} {name}: {error}")))?;
    resources.pop().ok_or_else(|| StoryError::Unsuitable(format!("{kind} {name}: nothing read")))
}

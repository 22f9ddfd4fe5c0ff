//! The lab file: facts of the machines that are in no resource.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// The facts of a lab: what holds for every node, and what is different on some.
///
/// ```
/// use bgp_cluster::lab::Lab;
///
/// let lab: Lab = serde_json::from_str(
///     r#"{"interface":"ens32","gateway":"192.168.179.2","metric":100,"tunnelMTU":1440}"#,
/// )?;
/// let uplink = lab.uplink("k8s-master");
/// assert_eq!(uplink.interface, "ens32");
/// assert_eq!(uplink.mtu, 1500);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Lab {
    /// The network card.
    pub interface: String,
    /// The default gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    /// The metric of the default route and of the subnet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// The MTU of the network card, 1500 if it is not given.
    #[serde(default = "ethernet_mtu", rename = "interfaceMTU")]
    pub interface_mtu: u16,
    /// The MTU of tunl0; none: that of the card less 20.
    #[serde(default, rename = "tunnelMTU", skip_serializing_if = "Option::is_none")]
    pub tunnel_mtu: Option<u16>,
    /// What is different on some nodes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<Name, LabNode>,
}

/// What is different on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LabNode {
    /// The network card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The default gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    /// The metric of the default route and of the subnet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// The MTU of the network card.
    #[serde(default, rename = "interfaceMTU", skip_serializing_if = "Option::is_none")]
    pub interface_mtu: Option<u16>,
}

/// How one node is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uplink {
    /// The network card.
    pub interface: String,
    /// The default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// The metric of the default route and of the subnet's.
    pub metric: Option<u32>,
    /// The MTU of the network card.
    pub mtu: u16,
    /// The MTU of tunl0; none: see [`tunnel::mtu`](crate::plan::tunnel::mtu).
    pub tunnel_mtu: Option<u16>,
}

impl Lab {
    /// A lab whose nodes have this network card and nothing else.
    #[must_use]
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.into(),
            gateway: None,
            metric: None,
            interface_mtu: ethernet_mtu(),
            tunnel_mtu: None,
            nodes: BTreeMap::new(),
        }
    }

    /// How a node is connected.
    #[must_use]
    pub fn uplink(&self, node: &str) -> Uplink {
        let own = self.nodes.get(node);
        let mtu = own.and_then(|own| own.interface_mtu).unwrap_or(self.interface_mtu);
        Uplink {
            interface: own.and_then(|own| own.interface.clone()).unwrap_or_else(|| self.interface.clone()),
            gateway: own.and_then(|own| own.gateway).or(self.gateway),
            metric: own.and_then(|own| own.metric).or(self.metric),
            mtu,
            tunnel_mtu: self.tunnel_mtu,
        }
    }
}

impl Uplink {
    /// The gateway, if it is of the family of an address.
    #[must_use]
    pub fn gateway_like(&self, addr: IpAddr) -> Option<IpAddr> {
        self.gateway.filter(|_| addr.is_ipv4()).map(IpAddr::V4)
    }
}

fn ethernet_mtu() -> u16 {
    1500
}

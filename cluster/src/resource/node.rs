//! Node: a machine of the cluster, its addresses and its part in BGP.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use bgp_wire::{Asn, ClusterId};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{Kind, Spec, number};
use crate::error::{FieldError, Problem};
use crate::name::Name;

/// The specification of a Node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeSpec {
    /// The node's part in BGP; none: it has no part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp: Option<NodeBgp>,
    /// All addresses of the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<NodeAddress>,
    /// The node's names in orchestrators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orch_refs: Vec<OrchRef>,
    /// The address of the IPv4 VXLAN device.
    #[serde(default, rename = "ipv4VXLANTunnelAddr", skip_serializing_if = "Option::is_none")]
    pub ipv4_vxlan_tunnel_addr: Option<Ipv4Addr>,
    /// The MAC address of the IPv4 VXLAN device.
    #[serde(default, rename = "vxlanTunnelMACAddr", skip_serializing_if = "Option::is_none")]
    pub vxlan_tunnel_mac_addr: Option<String>,
    /// The address of the IPv6 VXLAN device.
    #[serde(default, rename = "ipv6VXLANTunnelAddr", skip_serializing_if = "Option::is_none")]
    pub ipv6_vxlan_tunnel_addr: Option<Ipv6Addr>,
    /// The MAC address of the IPv6 VXLAN device.
    #[serde(default, rename = "vxlanTunnelMACAddrV6", skip_serializing_if = "Option::is_none")]
    pub vxlan_tunnel_mac_addr_v6: Option<String>,
    /// The addresses of the `WireGuard` device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wireguard: Option<NodeWireguard>,
}

/// A node's part in BGP.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeBgp {
    /// The AS of the node; none: that of the default configuration.
    #[serde(default, with = "number::asn", skip_serializing_if = "Option::is_none")]
    pub as_number: Option<Asn>,
    /// The address of IPv4 sessions; its prefix is the node's subnet.
    #[serde(default, rename = "ipv4Address", skip_serializing_if = "Option::is_none")]
    pub ipv4_address: Option<HostAddr<Ipv4Addr>>,
    /// The address of IPv6 sessions; its prefix is the node's subnet.
    #[serde(default, rename = "ipv6Address", skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<HostAddr<Ipv6Addr>>,
    /// The address of tunl0.
    #[serde(default, rename = "ipv4IPIPTunnelAddr", skip_serializing_if = "Option::is_none")]
    pub ipv4_ipip_tunnel_addr: Option<Ipv4Addr>,
    /// The cluster of which the node is a route reflector; none: it is none.
    #[serde(
        default,
        rename = "routeReflectorClusterID",
        with = "number::cluster_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub route_reflector_cluster_id: Option<ClusterId>,
}

/// One address of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeAddress {
    /// The address, with or without a prefix length.
    pub address: String,
    /// `CalicoNodeIP`, `InternalIP`, `ExternalIP`, ..
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The name of a node in an orchestrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrchRef {
    /// `k8s`, ..
    pub orchestrator: String,
    /// The name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
}

/// The addresses of a node's `WireGuard` device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeWireguard {
    /// IPv4.
    #[serde(default, rename = "interfaceIPv4Address", skip_serializing_if = "Option::is_none")]
    pub interface_ipv4_address: Option<Ipv4Addr>,
    /// IPv6.
    #[serde(default, rename = "interfaceIPv6Address", skip_serializing_if = "Option::is_none")]
    pub interface_ipv6_address: Option<Ipv6Addr>,
}

impl Spec for NodeSpec {
    const KIND: Kind = Kind::Node;

    fn rules(&self, _: &Name) -> Result<(), FieldError> {
        if self.bgp.as_ref().is_some_and(|bgp| *bgp == NodeBgp::default()) {
            return Err(FieldError::new("bgp", "{}", Problem::Empty));
        }
        Ok(())
    }
}

/// An address of a host with the prefix length of its subnet; without one, the subnet is the address alone.
///
/// ```
/// use bgp_cluster::resource::HostAddr;
/// use core::net::Ipv4Addr;
///
/// let addr: HostAddr<Ipv4Addr> = "192.168.179.102/24".parse()?;
/// assert_eq!(addr.addr(), Ipv4Addr::new(192, 168, 179, 102));
/// assert!(addr.same_subnet([192, 168, 179, 104].into()));
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    try_from = "String",
    into = "String",
    bound(serialize = "A: Into<IpAddr> + Copy", deserialize = "Self: FromStr<Err = FieldError>")
)]
pub struct HostAddr<A> {
    addr: A,
    len: u8,
}

impl<A: Copy + Into<IpAddr>> HostAddr<A> {
    /// The address.
    #[must_use]
    pub fn addr(self) -> A {
        self.addr
    }

    /// The address with the length of the subnet's prefix.
    #[must_use]
    pub fn net(self) -> IpNet {
        let addr: IpAddr = self.addr.into();
        IpNet::new(addr, self.len).unwrap_or_else(|_| IpNet::from(addr))
    }

    /// Whether an address is in the host's own subnet.
    #[must_use]
    pub fn same_subnet(self, addr: IpAddr) -> bool {
        self.net().contains(&addr)
    }
}

impl FromStr for HostAddr<Ipv4Addr> {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        if let Ok(net) = text.parse::<Ipv4Net>() {
            return usable(net.addr().is_unspecified(), text, "IPv4", Self { addr: net.addr(), len: net.prefix_len() });
        }
        match text.parse::<Ipv4Addr>() {
            Ok(addr) => usable(addr.is_unspecified(), text, "IPv4", Self { addr, len: 32 }),
            Err(_) => Err(FieldError::new("ipv4Address", text, Problem::Address("IPv4"))),
        }
    }
}

impl FromStr for HostAddr<Ipv6Addr> {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        if let Ok(net) = text.parse::<Ipv6Net>() {
            return usable(net.addr().is_unspecified(), text, "IPv6", Self { addr: net.addr(), len: net.prefix_len() });
        }
        match text.parse::<Ipv6Addr>() {
            Ok(addr) => usable(addr.is_unspecified(), text, "IPv6", Self { addr, len: 128 }),
            Err(_) => Err(FieldError::new("ipv6Address", text, Problem::Address("IPv6"))),
        }
    }
}

impl<A> TryFrom<String> for HostAddr<A>
where
    Self: FromStr<Err = FieldError>,
{
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl<A: Copy + Into<IpAddr>> From<HostAddr<A>> for String {
    fn from(addr: HostAddr<A>) -> Self {
        addr.to_string()
    }
}

impl<A: Copy + Into<IpAddr>> fmt::Display for HostAddr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.net().fmt(f)
    }
}

fn usable<A>(
    unspecified: bool,
    text: &str,
    version: &'static str,
    addr: HostAddr<A>,
) -> Result<HostAddr<A>, FieldError> {
    let field = if version == "IPv4" { "ipv4Address" } else { "ipv6Address" };
    if unspecified { Err(FieldError::new(field, text, Problem::Address(version))) } else { Ok(addr) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Object;

    fn node(spec: &str) -> Result<Object<NodeSpec>, serde_json::Error> {
        serde_json::from_str(&alloc::format!(r#"{{"metadata":{{"name":"n"}},"spec":{spec}}}"#))
    }

    #[test]
    fn a_node_reads_calicos_form() {
        let node = node(
            r#"{"addresses":[{"address":"192.168.179.104/24","type":"CalicoNodeIP"}],
                "bgp":{"asNumber":"1.10","ipv4Address":"192.168.179.104/24","ipv4IPIPTunnelAddr":"10.244.169.128",
                       "routeReflectorClusterID":"244.0.0.1"},
                "orchRefs":[{"nodeName":"k8s-node2","orchestrator":"k8s"}]}"#,
        )
        .unwrap();
        let bgp = node.spec.bgp.as_ref().unwrap();
        assert_eq!(bgp.as_number, Some(Asn(65546)));
        assert_eq!(bgp.route_reflector_cluster_id, Some(ClusterId(0xf400_0001)));
        assert_eq!(bgp.ipv4_address.unwrap().to_string(), "192.168.179.104/24");
        let again: Object<NodeSpec> = serde_json::from_str(&serde_json::to_string(&node).unwrap()).unwrap();
        assert_eq!(again, node);
    }

    #[test]
    fn a_bare_address_is_its_own_subnet() {
        let addr: HostAddr<Ipv4Addr> = "10.0.0.1".parse().unwrap();
        assert_eq!(addr.to_string(), "10.0.0.1/32");
        assert!(!addr.same_subnet([10, 0, 0, 2].into()));
    }

    #[test]
    fn a_broken_rule_names_field_and_value() {
        for (spec, message) in [
            (r#"{"bgp":{}}"#, r#"bgp "{}" is empty"#),
            (r#"{"bgp":{"ipv4Address":"fd00::1/64"}}"#, r#"ipv4Address "fd00::1/64" is no IPv4 address"#),
            (r#"{"bgp":{"ipv4Address":"0.0.0.0/0"}}"#, r#"ipv4Address "0.0.0.0/0" is no IPv4 address"#),
            (r#"{"bgp":{"asNumber":4294967296}}"#, r#"asNumber "4294967296" is no AS number"#),
            (r#"{"bgp":{"asNumber":1.1}}"#, "invalid type: floating point `1.1`, expected an AS number"),
            (
                r#"{"bgp":{"routeReflectorClusterID":"244.0.1"}}"#,
                r#"routeReflectorClusterID "244.0.1" is no IPv4 address"#,
            ),
        ] {
            let error = node(spec).unwrap_err().to_string();
            assert!(error.starts_with(message), "{spec}: {error}");
        }
    }
}

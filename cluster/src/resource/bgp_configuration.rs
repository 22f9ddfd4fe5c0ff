//! BGPConfiguration: what holds for BGP in the whole cluster (`default`), or on one node (`node.<name>`).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::num::NonZeroU16;

use bgp_wire::Asn;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

use super::number::{in_range, is_community};
use super::{GoDuration, Kind, SecretRef, Spec, number};
use crate::error::{FieldError, Problem};
use crate::name::Name;

/// The specification of a BGPConfiguration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BgpConfigurationSpec {
    /// The least severity that is logged; none: Info.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_severity_screen: Option<LogSeverity>,
    /// Whether every node peers with every other; none: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_to_node_mesh_enabled: Option<bool>,
    /// The AS of nodes without one of their own; none: 64512.
    #[serde(default, with = "number::asn", skip_serializing_if = "Option::is_none")]
    pub as_number: Option<Asn>,
    /// The TCP port of the nodes; none: 179.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_port: Option<NonZeroU16>,
    /// Whether nodes listen on their own address only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_mode: Option<BindMode>,
    /// Cluster addresses of services that are advertised.
    #[serde(default, rename = "serviceClusterIPs", skip_serializing_if = "Vec::is_empty")]
    pub service_cluster_ips: Vec<ServiceBlock>,
    /// External addresses of services that are advertised.
    #[serde(default, rename = "serviceExternalIPs", skip_serializing_if = "Vec::is_empty")]
    pub service_external_ips: Vec<ServiceBlock>,
    /// Load balancer addresses of services that are advertised.
    #[serde(default, rename = "serviceLoadBalancerIPs", skip_serializing_if = "Vec::is_empty")]
    pub service_load_balancer_ips: Vec<ServiceBlock>,
    /// Whether load balancer addresses are advertised as whole blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_load_balancer_aggregation: Option<Aggregation>,
    /// Names of communities, for `prefixAdvertisements`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<NamedCommunity>,
    /// Communities of prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_advertisements: Vec<PrefixAdvertisement>,
    /// The password of mesh sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_mesh_password: Option<SecretRef>,
    /// The restart time of mesh sessions; none: 120 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_mesh_max_restart_time: Option<GoDuration>,
    /// Patterns of interfaces whose addresses are not advertised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_interfaces: Vec<String>,
    /// The IPv4 address with which workloads peer.
    #[serde(default, rename = "localWorkloadPeeringIPV4", skip_serializing_if = "Option::is_none")]
    pub local_workload_peering_ipv4: Option<Ipv4Addr>,
    /// The IPv6 address with which workloads peer.
    #[serde(default, rename = "localWorkloadPeeringIPV6", skip_serializing_if = "Option::is_none")]
    pub local_workload_peering_ipv6: Option<Ipv6Addr>,
    /// Which routes between nodes the BGP daemon programs; none, or a word that is not known: both kinds.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub program_cluster_routes: Option<ProgramClusterRoutes>,
    /// The metric of IPv4 routes; none: 1024.
    #[serde(default, rename = "ipv4NormalRoutePriority", skip_serializing_if = "Option::is_none")]
    pub ipv4_normal_route_priority: Option<u32>,
    /// The metric of IPv6 routes; none: 1024.
    #[serde(default, rename = "ipv6NormalRoutePriority", skip_serializing_if = "Option::is_none")]
    pub ipv6_normal_route_priority: Option<u32>,
}

/// A prefix of service addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceBlock {
    /// The prefix.
    pub cidr: IpNet,
}

/// A community with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NamedCommunity {
    /// The name.
    pub name: String,
    /// `aa:nn` of 16 bits each or `aa:nn:mm` of 32 bits each.
    pub value: String,
}

/// Communities that routes inside a prefix get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PrefixAdvertisement {
    /// The prefix.
    pub cidr: IpNet,
    /// Names from `communities`, or values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
}

impl BgpConfigurationSpec {
    fn only_default(&self) -> Result<(), FieldError> {
        let fields = [
            ("nodeToNodeMeshEnabled", self.node_to_node_mesh_enabled.is_some()),
            ("asNumber", self.as_number.is_some()),
            ("serviceClusterIPs", !self.service_cluster_ips.is_empty()),
            ("serviceExternalIPs", !self.service_external_ips.is_empty()),
            ("serviceLoadBalancerIPs", !self.service_load_balancer_ips.is_empty()),
            ("nodeMeshPassword", self.node_mesh_password.is_some()),
            ("nodeMeshMaxRestartTime", self.node_mesh_max_restart_time.is_some()),
        ];
        match fields.into_iter().find(|(_, set)| *set) {
            Some((field, _)) => Err(FieldError::new("spec", field, Problem::OnlyDefault)),
            None => Ok(()),
        }
    }

    fn community_rules(&self) -> Result<(), FieldError> {
        for community in &self.communities {
            if !is_community(&community.value) {
                return Err(FieldError::new("communities.value", &community.value, Problem::Community));
            }
            if self.prefix_advertisements.is_empty() {
                return Err(FieldError::new("communities", &community.name, Problem::Needs("prefixAdvertisements")));
            }
        }
        let named = |text: &str| self.communities.iter().any(|community| community.name == text);
        let listed = self.prefix_advertisements.iter().flat_map(|advertisement| &advertisement.communities);
        match listed.into_iter().find(|text| !is_community(text) && !named(text)) {
            Some(text) => Err(FieldError::new("prefixAdvertisements.communities", text, Problem::Community)),
            None => Ok(()),
        }
    }
}

impl Spec for BgpConfigurationSpec {
    const KIND: Kind = Kind::BgpConfiguration;

    fn rules(&self, name: &Name) -> Result<(), FieldError> {
        match name.as_str() {
            "default" => {}
            other if other.starts_with("node.") => self.only_default()?,
            other => return Err(FieldError::new("name", other, Problem::ConfigurationName)),
        }
        self.community_rules()?;
        if self.node_to_node_mesh_enabled == Some(false) {
            if self.node_mesh_password.is_some() {
                return Err(FieldError::new("nodeMeshPassword", "secretKeyRef", Problem::Needs("the mesh")));
            }
            if let Some(time) = self.node_mesh_max_restart_time {
                return Err(FieldError::new("nodeMeshMaxRestartTime", time, Problem::Needs("the mesh")));
            }
        }
        if let Some(pattern) = self.ignored_interfaces.iter().find(|p| !(1..=15).contains(&p.len()) || *p == "*") {
            return Err(FieldError::new("ignoredInterfaces", pattern, Problem::InterfacePattern));
        }
        for (field, priority) in [
            ("ipv4NormalRoutePriority", self.ipv4_normal_route_priority),
            ("ipv6NormalRoutePriority", self.ipv6_normal_route_priority),
        ] {
            if let Some(priority) = priority {
                in_range(field, priority, 1, MAX_PRIORITY)?;
            }
        }
        Ok(())
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LogSeverity {
    /// Nothing.
    None,
    /// Everything.
    Trace,
    /// For developers.
    Debug,
    /// For operators.
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
    /// What ends the program.
    Fatal,
}

impl fmt::Display for LogSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// On which addresses a node listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BindMode {
    /// On all.
    None,
    /// On the node's own.
    #[serde(rename = "NodeIP")]
    NodeIp,
}

/// A switch that is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Aggregation {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// Which routes between nodes the BGP daemon programs; Felix programs the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ProgramClusterRoutes {
    /// Those through tunl0 and those without encapsulation.
    Enabled,
    /// None.
    Disabled,
    /// Those through tunl0.
    #[serde(rename = "EnabledIPIPOnly")]
    EnabledIpipOnly,
    /// Those without encapsulation.
    EnabledNoEncapOnly,
}

/// A word that is not known stands for the default (Calico's own reading of this field alone).
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProgramClusterRoutes>, D::Error> {
    Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
        Some("Enabled") => Some(ProgramClusterRoutes::Enabled),
        Some("Disabled") => Some(ProgramClusterRoutes::Disabled),
        Some("EnabledIPIPOnly") => Some(ProgramClusterRoutes::EnabledIpipOnly),
        Some("EnabledNoEncapOnly") => Some(ProgramClusterRoutes::EnabledNoEncapOnly),
        _ => None,
    })
}

/// The greatest route metric (Calico maps it to LOCAL_PREF = 2^31 - 1 - metric).
const MAX_PRIORITY: u32 = (1 << 31) - 2;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;
    use crate::resource::Object;

    fn config(name: &str, spec: &str) -> Result<Object<BgpConfigurationSpec>, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{spec}}}"#))
    }

    #[test]
    fn a_broken_rule_names_field_and_value() {
        for (name, spec, message) in [
            ("other", "{}", r#"name "other" is neither default nor node.<name>"#),
            (
                "node.k8s-node1",
                r#"{"asNumber":64513}"#,
                r#"spec "asNumber" is only allowed in the resource named default"#,
            ),
            (
                "default",
                r#"{"communities":[{"name":"a","value":"1:2"}]}"#,
                r#"communities "a" needs prefixAdvertisements"#,
            ),
            (
                "default",
                r#"{"prefixAdvertisements":[{"cidr":"10.0.0.0/8","communities":["a"]}]}"#,
                r#"prefixAdvertisements.communities "a" is no community aa:nn or aa:nn:mm"#,
            ),
            (
                "default",
                r#"{"nodeToNodeMeshEnabled":false,"nodeMeshMaxRestartTime":"90s"}"#,
                r#"nodeMeshMaxRestartTime "1m30s" needs the mesh"#,
            ),
            (
                "default",
                r#"{"ignoredInterfaces":["*"]}"#,
                r#"ignoredInterfaces "*" is no interface pattern of 1 to 15 characters other than *"#,
            ),
            ("default", r#"{"ipv4NormalRoutePriority":0}"#, r#"ipv4NormalRoutePriority "0" is not in 1..=2147483646"#),
            ("default", r#"{"listenPort":0}"#, "invalid value: integer `0`, expected a nonzero u16"),
            ("default", r#"{"bindMode":"All"}"#, "unknown variant `All`"),
        ] {
            let error = config(name, spec).unwrap_err().to_string();
            assert!(error.starts_with(message), "{spec}: {error}");
        }
    }

    #[test]
    fn an_unknown_word_for_program_cluster_routes_is_the_default() {
        let config = config("default", r#"{"programClusterRoutes":"Perhaps"}"#).unwrap();
        assert_eq!(config.spec.program_cluster_routes, None);
    }
}

//! IPPool: a CIDR that addresses are taken from, and how packets between its pods travel.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::number::in_range;
use super::{Kind, LabelSelector, Object, Spec, is_default, is_false};
use crate::error::{FieldError, Problem};
use crate::name::Name;

/// The specification of an IPPool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IpPoolSpec {
    /// The addresses of the pool.
    pub cidr: PoolCidr,
    /// The prefix length of its blocks: 20..=32 or 116..=128; 0 or none: 26 or 122.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_size: Option<u8>,
    /// Whether packets between pods of different nodes are wrapped in another IPv4 header.
    #[serde(default)]
    pub ipip_mode: Encap,
    /// The same with VXLAN; not both.
    #[serde(default)]
    pub vxlan_mode: Encap,
    /// Whether packets that leave the pools get the node's address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nat_outgoing: bool,
    /// No addresses are taken from a disabled pool.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// The pool's routes are not advertised.
    #[serde(default, rename = "disableBGPExport", skip_serializing_if = "is_false")]
    pub disable_bgp_export: bool,
    /// The nodes that take addresses from the pool.
    #[serde(default)]
    pub node_selector: LabelSelector,
    /// The namespaces whose pods take addresses from the pool; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// What the addresses are for; empty: workloads and tunnels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_uses: Vec<AllowedUse>,
    /// Whether the pool is used without being asked for by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assignment_mode: AssignmentMode,
}

impl IpPoolSpec {
    /// A pool of all nodes, without encapsulation or NAT.
    #[must_use]
    pub fn new(cidr: PoolCidr) -> Self {
        Self {
            cidr,
            block_size: None,
            ipip_mode: Encap::Never,
            vxlan_mode: Encap::Never,
            nat_outgoing: false,
            disabled: false,
            disable_bgp_export: false,
            node_selector: LabelSelector::all(),
            namespace_selector: None,
            allowed_uses: Vec::new(),
            assignment_mode: AssignmentMode::Automatic,
        }
    }

    /// The prefix length of the blocks, the default filled in.
    #[must_use]
    pub fn block_len(&self) -> u8 {
        match (self.block_size, self.cidr.net()) {
            (None | Some(0), IpNet::V4(_)) => 26,
            (None | Some(0), IpNet::V6(_)) => 122,
            (Some(len), _) => len,
        }
    }

    /// Whether addresses of the pool may serve this use, the default filled in.
    #[must_use]
    pub fn allows(&self, purpose: AllowedUse) -> bool {
        if self.allowed_uses.is_empty() {
            matches!(purpose, AllowedUse::Workload | AllowedUse::Tunnel)
        } else {
            self.allowed_uses.contains(&purpose)
        }
    }

    fn block_rules(&self) -> Result<(), FieldError> {
        let len = self.block_len();
        let (min, max) = match self.cidr.net() {
            IpNet::V4(_) => (20, 32),
            IpNet::V6(_) => (116, 128),
        };
        in_range("blockSize", len.into(), min, max)?;
        if !self.disabled && self.cidr.net().prefix_len() > len {
            return Err(FieldError::new("blockSize", len, Problem::BlockLargerThanPool(self.cidr.net())));
        }
        Ok(())
    }

    fn use_rules(&self) -> Result<(), FieldError> {
        if self.namespace_selector.as_ref().is_some_and(|selector| !selector.is_blank())
            && self.allows(AllowedUse::Tunnel)
        {
            return Err(FieldError::new("allowedUses", AllowedUse::Tunnel, Problem::Excludes("namespaceSelector")));
        }
        if !self.allows(AllowedUse::LoadBalancer) {
            return Ok(());
        }
        let excludes = |other| Err(FieldError::new("allowedUses", AllowedUse::LoadBalancer, Problem::Excludes(other)));
        if self.allows(AllowedUse::Workload) || self.allows(AllowedUse::Tunnel) {
            return excludes("another use");
        }
        if self.ipip_mode != Encap::Never {
            return excludes("ipipMode");
        }
        if self.vxlan_mode != Encap::Never {
            return excludes("vxlanMode");
        }
        if self.disable_bgp_export {
            return excludes("disableBGPExport");
        }
        if self.node_selector.to_string() != "all()" {
            return excludes("a nodeSelector other than all()");
        }
        Ok(())
    }
}

impl Spec for IpPoolSpec {
    const KIND: Kind = Kind::IpPool;

    fn rules(&self, _: &Name) -> Result<(), FieldError> {
        self.block_rules()?;
        if self.ipip_mode != Encap::Never && self.vxlan_mode != Encap::Never {
            return Err(FieldError::new("vxlanMode", self.vxlan_mode, Problem::Excludes("ipipMode")));
        }
        if self.ipip_mode != Encap::Never && matches!(self.cidr.net(), IpNet::V6(_)) {
            return Err(FieldError::new("ipipMode", self.ipip_mode, Problem::Excludes("an IPv6 cidr")));
        }
        self.node_selector.pool_rules("nodeSelector")?;
        if let Some(selector) = &self.namespace_selector {
            selector.pool_rules("namespaceSelector")?;
        }
        self.use_rules()
    }
}

impl Object<IpPoolSpec> {
    /// Whether nodes with these labels take addresses from the pool without being told to.
    #[must_use]
    pub fn selects(&self, labels: &alloc::collections::BTreeMap<String, String>) -> bool {
        !self.spec.disabled
            && self.spec.assignment_mode == AssignmentMode::Automatic
            && self.spec.node_selector.matches(labels)
    }
}

/// The CIDR of a pool: no host bits, not link-local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PoolCidr(IpNet);

impl PoolCidr {
    /// The prefix.
    #[must_use]
    pub fn net(self) -> IpNet {
        self.0
    }
}

impl FromStr for PoolCidr {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let net: IpNet = text.parse().map_err(|_| FieldError::new("cidr", text, Problem::Cidr))?;
        if net.trunc() != net {
            return Err(FieldError::new("cidr", text, Problem::HostBits));
        }
        let overlaps = |local: &IpNet| local.contains(&net) || net.contains(local);
        match LINK_LOCAL.iter().filter_map(|text| text.parse().ok()).find(overlaps) {
            Some(local) => Err(FieldError::new("cidr", text, Problem::LinkLocal(local))),
            None => Ok(Self(net)),
        }
    }
}

impl TryFrom<String> for PoolCidr {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<PoolCidr> for String {
    fn from(cidr: PoolCidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for PoolCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}", self.0))
    }
}

/// When packets between nodes are encapsulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encap {
    /// Never: the nodes, or the routers between them, route pod addresses.
    #[default]
    Never,
    /// Between all nodes.
    Always,
    /// Only between nodes whose addresses are in different subnets.
    CrossSubnet,
}

impl fmt::Display for Encap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "Never",
            Self::Always => "Always",
            Self::CrossSubnet => "CrossSubnet",
        })
    }
}

/// What addresses of a pool are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AllowedUse {
    /// Pods.
    Workload,
    /// The tunnel devices of nodes.
    Tunnel,
    /// Services.
    LoadBalancer,
}

impl fmt::Display for AllowedUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Workload => "Workload",
            Self::Tunnel => "Tunnel",
            Self::LoadBalancer => "LoadBalancer",
        })
    }
}

/// Whether a pool is used without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AssignmentMode {
    /// Whenever its selectors match.
    #[default]
    Automatic,
    /// Only when it is asked for by its CIDR.
    Manual,
}

/// Ranges that no pool may overlap (Calico's API server).
const LINK_LOCAL: [&str; 2] = ["169.254.0.0/16", "fe80::/10"];

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use crate::resource::{List, Object};

    use super::IpPoolSpec;

    fn pool(spec: &str) -> Result<Object<IpPoolSpec>, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"apiVersion":"projectcalico.org/v3","kind":"IPPool","metadata":{{"name":"p"}},"spec":{spec}}}"#
        ))
    }

    #[test]
    fn a_broken_rule_names_field_and_value() {
        for (spec, message) in [
            (r#"{"cidr":"10.244.0.0"}"#, r#"cidr "10.244.0.0" is no CIDR"#),
            (r#"{"cidr":"10.244.1.0/16"}"#, r#"cidr "10.244.1.0/16" has host bits set"#),
            (
                r#"{"cidr":"169.254.4.0/24"}"#,
                r#"cidr "169.254.4.0/24" overlaps the link-local addresses 169.254.0.0/16"#,
            ),
            (r#"{"cidr":"10.0.0.0/16","blockSize":19}"#, r#"blockSize "19" is not in 20..=32"#),
            (r#"{"cidr":"fd00::/64","blockSize":64}"#, r#"blockSize "64" is not in 116..=128"#),
            (r#"{"cidr":"10.0.0.0/28","blockSize":26}"#, r#"blockSize "26" is shorter than the pool 10.0.0.0/28"#),
            (
                r#"{"cidr":"10.0.0.0/16","ipipMode":"Always","vxlanMode":"CrossSubnet"}"#,
                r#"vxlanMode "CrossSubnet" cannot stand beside ipipMode"#,
            ),
            (r#"{"cidr":"fd00::/64","ipipMode":"Always"}"#, r#"ipipMode "Always" cannot stand beside an IPv6 cidr"#),
            (r#"{"cidr":"10.0.0.0/16","nodeSelector":"a ="}"#, r#"selector "a =" is no selector: "#),
            (r#"{"cidr":"10.0.0.0/16","nodeSelector":"global()"}"#, r#"nodeSelector "global()" must not use global()"#),
            (
                r#"{"cidr":"10.0.0.0/16","allowedUses":["LoadBalancer","Workload"]}"#,
                r#"allowedUses "LoadBalancer" cannot stand beside another use"#,
            ),
            (r#"{"cidr":"10.0.0.0/16","ipipMode":"Sometimes"}"#, "unknown variant `Sometimes`"),
        ] {
            let error = pool(spec).unwrap_err().to_string();
            assert!(error.starts_with(message), "{spec}: {error}");
        }
    }

    #[test]
    fn defaults_are_calicos() {
        let pool = pool(r#"{"cidr":"10.244.0.0/16"}"#).unwrap();
        assert_eq!(pool.spec.block_len(), 26);
        assert_eq!(pool.spec.node_selector.to_string(), "all()");
        assert!(pool.spec.allows(super::AllowedUse::Tunnel));
    }

    #[test]
    fn a_list_keeps_what_the_server_set() {
        let text = r#"{"apiVersion":"projectcalico.org/v3","kind":"IPPoolList","metadata":{"resourceVersion":"7"},"items":[{"apiVersion":"projectcalico.org/v3","kind":"IPPool","metadata":{"name":"p","uid":"u"},"spec":{"cidr":"10.0.0.0/16","ipipMode":"Always","vxlanMode":"Never","nodeSelector":"all()"},"status":{"conditions":[]}}]}"#;
        let list: List<IpPoolSpec> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), text);
        assert!(serde_json::from_str::<List<IpPoolSpec>>(&text.replace("IPPoolList", "NodeList")).is_err());
        assert!(serde_json::from_str::<List<IpPoolSpec>>(&text.replace("/v3", "/v4")).is_err());
    }
}

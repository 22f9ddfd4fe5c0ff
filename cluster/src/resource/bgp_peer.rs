//! BGPPeer: which nodes hold a session with whom.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU16;
use core::str::FromStr;

use bgp_wire::Asn;
use serde::{Deserialize, Serialize};

use super::{GoDuration, Kind, LabelSelector, SecretRef, Spec, is_false, number};
use crate::error::{FieldError, Problem};
use crate::name::Name;

/// The specification of a BGPPeer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BgpPeerSpec {
    /// The one node that peers; with neither this nor `node_selector` all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
    /// The nodes that peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<LabelSelector>,
    /// The address they peer with.
    #[serde(default, rename = "peerIP", skip_serializing_if = "Option::is_none")]
    pub peer_ip: Option<PeerIp>,
    /// The nodes they peer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_selector: Option<LabelSelector>,
    /// The workloads they peer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_workload_selector: Option<LabelSelector>,
    /// The AS of the peer; none: that of the default configuration.
    #[serde(default, with = "number::asn", skip_serializing_if = "Option::is_none")]
    pub as_number: Option<Asn>,
    /// The AS that the nodes show to the peer; none: their own.
    #[serde(default, rename = "localASNumber", with = "number::asn", skip_serializing_if = "Option::is_none")]
    pub local_as_number: Option<Asn>,
    /// Deprecated: eBGP sessions leave NEXT_HOP as it is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_original_next_hop: bool,
    /// What becomes of NEXT_HOP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_mode: Option<NextHopMode>,
    /// The password of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// The address the node dials from; none: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<SourceAddress>,
    /// The restart time (RFC 4724); none: 120 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_restart_time: Option<GoDuration>,
    /// The time between KEEPALIVEs; none: a third of the hold time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive_time: Option<GoDuration>,
    /// How often the own AS may occur in a path.
    #[serde(default, rename = "numAllowedLocalASNumbers", skip_serializing_if = "Option::is_none")]
    pub num_allowed_local_as_numbers: Option<u32>,
    /// The hops to the peer (RFC 5082); 0 or none: not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_security: Option<u8>,
    /// The gateway to the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reachable_by: Option<IpAddr>,
    /// Names of `BGPFilter`s, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Name>,
    /// Whether the nodes of the remote side get the session too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse_peering: Option<ReversePeering>,
}

impl BgpPeerSpec {
    /// The nodes that peer.
    #[must_use]
    pub fn local(&self) -> LocalSide<'_> {
        match (&self.node, set(&self.node_selector)) {
            (Some(node), _) => LocalSide::Node(node),
            (None, Some(selector)) => LocalSide::Nodes(selector),
            (None, None) => LocalSide::Global,
        }
    }

    /// With whom they peer; none only in a specification that breaks the rules.
    #[must_use]
    pub fn remote(&self) -> Option<RemoteSide<'_>> {
        if let Some(ip) = &self.peer_ip {
            return Some(RemoteSide::Ip(*ip));
        }
        match (set(&self.peer_selector), set(&self.local_workload_selector)) {
            (Some(selector), _) => Some(RemoteSide::Nodes(selector)),
            (None, Some(selector)) => Some(RemoteSide::Workloads(selector)),
            (None, None) => None,
        }
    }

    fn side_rules(&self) -> Result<(), FieldError> {
        let (peer_selector, workloads) = (set(&self.peer_selector), set(&self.local_workload_selector));
        if let (Some(node), Some(_)) = (&self.node, set(&self.node_selector)) {
            return Err(FieldError::new("node", node, Problem::Excludes("nodeSelector")));
        }
        if let (Some(ip), Some(_)) = (self.peer_ip, peer_selector) {
            return Err(FieldError::new("peerIP", ip, Problem::Excludes("peerSelector")));
        }
        if let (Some(ip), Some(_)) = (self.peer_ip, workloads) {
            return Err(FieldError::new("peerIP", ip, Problem::Excludes("localWorkloadSelector")));
        }
        if let (Some(selector), Some(_)) = (peer_selector, workloads) {
            return Err(FieldError::new("peerSelector", selector, Problem::Excludes("localWorkloadSelector")));
        }
        if self.remote().is_none() {
            let sides = "peerIP, peerSelector, localWorkloadSelector";
            return Err(FieldError::new("peerIP", "", Problem::Missing(sides)));
        }
        match self.as_number {
            Some(asn) if peer_selector.is_some() && asn != Asn(0) => {
                Err(FieldError::new("asNumber", asn, Problem::Excludes("peerSelector")))
            }
            None if workloads.is_some() => {
                Err(FieldError::new("asNumber", "", Problem::Missing("asNumber (of the workloads)")))
            }
            _ => Ok(()),
        }
    }
}

impl Spec for BgpPeerSpec {
    const KIND: Kind = Kind::BgpPeer;

    fn rules(&self, _: &Name) -> Result<(), FieldError> {
        self.side_rules()?;
        if let (true, Some(mode)) = (self.keep_original_next_hop, self.next_hop_mode) {
            return Err(FieldError::new("nextHopMode", mode, Problem::Excludes("keepOriginalNextHop")));
        }
        if let Some(gateway) = self.reachable_by {
            match self.peer_ip {
                Some(ip) if ip.addr.is_ipv4() == gateway.is_ipv4() => {}
                _ => return Err(FieldError::new("reachableBy", gateway, Problem::Needs("a peerIP of its family"))),
            }
        }
        Ok(())
    }
}

/// The nodes that a BGPPeer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalSide<'a> {
    /// All.
    Global,
    /// One.
    Node(&'a Name),
    /// Those with certain labels.
    Nodes(&'a LabelSelector),
}

/// With whom the nodes of a BGPPeer peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteSide<'a> {
    /// An address.
    Ip(PeerIp),
    /// The nodes with certain labels.
    Nodes(&'a LabelSelector),
    /// Workloads on the node itself.
    Workloads(&'a LabelSelector),
}

/// The address of a peer, with its port if that is given.
///
/// ```
/// use bgp_cluster::resource::PeerIp;
///
/// for text in ["10.0.0.1", "10.0.0.1:1790", "fd00::1", "[fd00::1]:1790"] {
///     assert_eq!(text.parse::<PeerIp>()?.to_string(), text);
/// }
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeerIp {
    /// The address.
    pub addr: IpAddr,
    /// The port, if it is given.
    pub port: Option<NonZeroU16>,
}

impl FromStr for PeerIp {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let error = || FieldError::new("peerIP", text, Problem::PeerIp);
        let peer = match text.parse::<IpAddr>() {
            Ok(addr) => Self { addr, port: None },
            Err(_) => {
                let socket: SocketAddr = text.parse().map_err(|_| error())?;
                Self { addr: socket.ip(), port: Some(NonZeroU16::new(socket.port()).ok_or_else(error)?) }
            }
        };
        if peer.addr.is_unspecified() { Err(error()) } else { Ok(peer) }
    }
}

impl TryFrom<String> for PeerIp {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<PeerIp> for String {
    fn from(ip: PeerIp) -> Self {
        ip.to_string()
    }
}

impl fmt::Display for PeerIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.addr, port.get()).fmt(f),
            None => self.addr.fmt(f),
        }
    }
}

/// What becomes of NEXT_HOP in what is sent to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NextHopMode {
    /// As BGP has it: the own address on eBGP, unchanged on iBGP.
    #[default]
    Auto,
    /// The own address.
    #[serde(rename = "Self")]
    Own,
    /// Unchanged.
    Keep,
}

impl fmt::Display for NextHopMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "Auto",
            Self::Own => "Self",
            Self::Keep => "Keep",
        })
    }
}

/// Which address a node dials from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SourceAddress {
    /// The node's own.
    #[serde(rename = "UseNodeIP")]
    UseNodeIp,
    /// Whatever the kernel takes.
    None,
}

/// Whether the nodes of the remote side get the session too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ReversePeering {
    /// Yes.
    Auto,
    /// No: they have a BGPPeer of their own.
    Manual,
}

/// A blank selector is not there, as in Go.
fn set(selector: &Option<LabelSelector>) -> Option<&LabelSelector> {
    selector.as_ref().filter(|selector| !selector.is_blank())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::resource::Object;

    fn peer(spec: &str) -> Result<Object<BgpPeerSpec>, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"p"}},"spec":{spec}}}"#))
    }

    #[test]
    fn a_broken_rule_names_field_and_value() {
        for (spec, message) in [
            ("{}", r#"peerIP "" is missing: give one of peerIP, peerSelector, localWorkloadSelector"#),
            (
                r#"{"peerIP":"10.0.0.1","peerSelector":"all()"}"#,
                r#"peerIP "10.0.0.1" cannot stand beside peerSelector"#,
            ),
            (
                r#"{"node":"a","nodeSelector":"all()","peerIP":"10.0.0.1"}"#,
                r#"node "a" cannot stand beside nodeSelector"#,
            ),
            (r#"{"peerSelector":"all()","asNumber":1}"#, r#"asNumber "1" cannot stand beside peerSelector"#),
            (r#"{"localWorkloadSelector":"all()"}"#, r#"asNumber "" is missing"#),
            (r#"{"peerIP":"10.0.0.1:0"}"#, r#"peerIP "10.0.0.1:0" is no address with an optional port"#),
            (
                r#"{"peerIP":"10.0.0.1","keepOriginalNextHop":true,"nextHopMode":"Self"}"#,
                r#"nextHopMode "Self" cannot stand beside keepOriginalNextHop"#,
            ),
            (
                r#"{"peerIP":"10.0.0.1","reachableBy":"fd00::1"}"#,
                r#"reachableBy "fd00::1" needs a peerIP of its family"#,
            ),
            (
                r#"{"peerSelector":"route-reflector = 'true'"}"#,
                r#"selector "route-reflector = 'true'" is no selector: "#,
            ),
        ] {
            let error = peer(spec).unwrap_err().to_string();
            assert!(error.starts_with(message), "{spec}: {error}");
        }
    }

    #[test]
    fn sides_come_from_what_is_set() {
        let global = peer(r#"{"peerIP":"10.0.0.1","nodeSelector":""}"#).unwrap();
        assert_eq!(global.spec.local(), LocalSide::Global);
        let seed = peer(r#"{"nodeSelector":"all()","peerSelector":"route-reflector == 'true'"}"#).unwrap();
        assert!(matches!(seed.spec.local(), LocalSide::Nodes(_)));
        assert!(matches!(seed.spec.remote(), Some(RemoteSide::Nodes(_))));
    }
}

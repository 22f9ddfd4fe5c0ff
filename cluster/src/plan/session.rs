//! One session as a node has to configure it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use bgp_wire::{Asn, ClusterId};

use super::NodeFacts;
use crate::name::Name;
use crate::resource::{GoDuration, NextHopMode, SecretRef};

/// One session of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionPlan {
    /// What asked for the session.
    pub peer_type: PeerType,
    /// The BGPPeer that asked for it; none: the mesh.
    pub resource: Option<Name>,
    /// The peer's address.
    pub remote: IpAddr,
    /// The peer's port.
    pub remote_port: u16,
    /// The peer's AS.
    pub remote_as: Asn,
    /// The peer's name, if it is a node.
    pub remote_node: Option<Name>,
    /// The address to dial from; none: whatever the kernel takes.
    pub source: Option<IpAddr>,
    /// The AS that the node shows to the peer.
    pub local_as: Asn,
    /// Whether the node waits for the peer to dial.
    pub passive: bool,
    /// The peer is a client of this node's cluster (RFC 4456).
    pub rr_client: Option<ClusterId>,
    /// What becomes of NEXT_HOP in what is sent.
    pub next_hop: NextHopMode,
    /// The rest.
    pub options: SessionOptions,
}

impl SessionPlan {
    /// Whether both ends show the same AS.
    #[must_use]
    pub fn is_ibgp(&self) -> bool {
        self.local_as == self.remote_as
    }

    /// The name of the protocol in BIRD's configuration.
    #[must_use]
    pub fn protocol_name(&self) -> String {
        let addr = self.remote.to_string().replace(['.', ':'], "_");
        let prefix = self.peer_type.protocol_prefix();
        match self.remote_port {
            179 => format!("{prefix}_{addr}"),
            port => format!("{prefix}_{addr}_port_{port}"),
        }
    }

    /// A session from one node to another or to an address; who dials and who is whose client is decided here.
    pub(super) fn new(local: &NodeFacts, remote: Remote<'_>, intent: Intent) -> Self {
        let remote_node = remote.node;
        let local_as = intent.local_as.unwrap_or(local.asn);
        let remote_cluster = remote_node.and_then(|node| node.cluster_id);
        // RFC 4456 4: a reflector reflects to clients; reflectors of one cluster are plain peers of each other.
        let rr_client = local.cluster_id.filter(|cluster| local_as == remote.asn && remote_cluster != Some(*cluster));
        let own = local.addr_like(remote.addr);
        let larger = || own.is_some_and(|own| remote.addr.to_string() > own.to_string());
        let passive = match intent.peer_type {
            // The text of the addresses decides, as in Calico: 10.0.0.9 dials 10.0.0.10.
            PeerType::Mesh => larger(),
            PeerType::Global => remote_node.is_some() && larger(),
            // Both ends dial; collision resolution (RFC 4271 6.8) keeps one connection.
            PeerType::Node => false,
        };
        Self {
            peer_type: intent.peer_type,
            resource: intent.resource,
            remote: remote.addr,
            remote_port: remote.port,
            remote_as: remote.asn,
            remote_node: remote_node.map(|node| node.name.clone()),
            source: own.filter(|_| intent.use_node_ip),
            local_as,
            passive,
            rr_client,
            next_hop: intent.next_hop,
            options: intent.options,
        }
    }
}

/// What asked for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum PeerType {
    /// The node-to-node mesh.
    #[serde(rename = "NodeMesh")]
    Mesh,
    /// A BGPPeer for certain nodes.
    #[serde(rename = "NodePeer")]
    Node,
    /// A BGPPeer for every node.
    #[serde(rename = "GlobalPeer")]
    Global,
}

impl PeerType {
    fn protocol_prefix(self) -> &'static str {
        match self {
            Self::Mesh => "Mesh",
            Self::Node => "Node",
            Self::Global => "Global",
        }
    }
}

impl fmt::Display for PeerType {
    /// The words of `calicoctl node status`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mesh => "node-to-node mesh",
            Self::Node => "node specific",
            Self::Global => "global",
        })
    }
}

/// Settings of a session that no other session depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Where the password is (RFC 2385).
    pub password: Option<SecretRef>,
    /// The restart time (RFC 4724).
    pub restart_time: Duration,
    /// The time between KEEPALIVEs; none: a third of the hold time.
    pub keepalive_time: Option<Duration>,
    /// The hops to the peer (RFC 5082); none: not checked.
    pub ttl_security: Option<u8>,
    /// How often the own AS may occur in a path.
    pub allowas_in: u32,
    /// The gateway to the peer.
    pub reachable_by: Option<IpAddr>,
    /// Names of `BGPFilter`s, in their order.
    pub filters: Vec<Name>,
}

impl SessionOptions {
    pub(super) fn new(password: Option<SecretRef>, restart_time: Option<GoDuration>) -> Self {
        Self {
            password,
            restart_time: restart_time.map_or(DEFAULT_RESTART_TIME, GoDuration::get),
            keepalive_time: None,
            ttl_security: None,
            allowas_in: 0,
            reachable_by: None,
            filters: Vec::new(),
        }
    }
}

/// The other end of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remote<'a> {
    pub(super) addr: IpAddr,
    pub(super) port: u16,
    pub(super) asn: Asn,
    pub(super) node: Option<&'a NodeFacts>,
}

/// What a resource wants of a session.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) peer_type: PeerType,
    pub(super) resource: Option<Name>,
    pub(super) local_as: Option<Asn>,
    pub(super) use_node_ip: bool,
    pub(super) next_hop: NextHopMode,
    pub(super) options: SessionOptions,
}

/// Calico's restart time where nothing else is said.
const DEFAULT_RESTART_TIME: Duration = Duration::from_secs(120);

//! The document that `--status` serves, and its form for people.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use bgp_cluster::plan::PeerType;
use bgp_cluster::status::{BgpState, NodeStatus, SessionStatus, TimeOfDay};
use bgp_cluster::table;
use bgp_fsm::{Instant, Negotiated, State};
use bgp_rib::PeerKind;
use bgp_speaker::PeerStatus;
use bgp_wire::{Family, MessageType};
use ipnet::IpNet;
use serde::Serialize;

use super::system::Memory;
use super::time::Stamp;
use super::{LastError, Refusals};
use crate::reflector::engine::Reflector;

/// The state of everything.
#[derive(Debug, Serialize)]
pub(in crate::reflector) struct Document {
    router_id: IpAddr,
    cluster_id: IpAddr,
    local_as: u32,
    listening: Vec<SocketAddr>,
    since: Stamp,
    uptime_seconds: u64,
    peers: Vec<Peer>,
    /// Prefixes with a path in use, by family.
    routes: BTreeMap<&'static str, usize>,
    messages_received: u64,
    octets_received: u64,
    connections: usize,
    refused: Refusals,
    memory: Memory,
    last_errors: Vec<LastError>,
}

#[derive(Debug, Serialize)]
struct Peer {
    address: IpAddr,
    port: u16,
    #[serde(rename = "as")]
    asn: u32,
    kind: &'static str,
    /// It is there because its address is in a client range.
    dynamic: bool,
    state: String,
    /// When it became Established, or stopped being so.
    since: Stamp,
    /// How long it has been Established.
    uptime_seconds: Option<u64>,
    /// How often it has been.
    established_count: u32,
    connection: Option<Connection>,
    negotiated: Option<Agreed>,
    messages_received: BTreeMap<&'static str, u64>,
    /// UPDATEs are made for many peers at once and not counted here.
    messages_sent: BTreeMap<&'static str, u64>,
    /// Its paths that are in use or compete.
    paths: u32,
    last_error: Option<String>,
    #[serde(skip)]
    bgp_state: BgpState,
}

#[derive(Debug, Serialize)]
struct Connection {
    local: Option<SocketAddr>,
    remote: SocketAddr,
    dialled: bool,
    octets_received: u64,
    octets_sent: u64,
}

#[derive(Debug, Serialize)]
struct Agreed {
    peer_as: u32,
    peer_id: IpAddr,
    hold_time: u16,
    keepalive: u16,
    families: Vec<String>,
    four_octet_as: bool,
    route_refresh: bool,
    add_path_receive: Vec<String>,
    add_path_send: Vec<String>,
}

impl Reflector {
    /// The state of everything, now. It walks the table of routes once.
    pub(in crate::reflector) fn document(&self) -> Document {
        let now = self.now();
        let mut routes = BTreeMap::from([(IPV4, 0), (IPV6, 0)]);
        for path in self.speaker.rib().loc_rib() {
            let family = if matches!(path.prefix, IpNet::V4(_)) { IPV4 } else { IPV6 };
            routes.entry(family).and_modify(|count| *count += 1);
        }
        let counters = self.speaker.counters();
        let mut peers: Vec<Peer> = self.speaker.peers().map(|peer| self.peer(now, &peer)).collect();
        peers.sort_by_key(|peer| peer.address);
        let memory = Memory::now(self.store.len(), self.speaker.rib().group_count());
        Document {
            router_id: IpAddr::V4(self.settings.router_id.0.into()),
            cluster_id: IpAddr::V4(self.settings.cluster_id.0.into()),
            local_as: self.settings.local_as.0,
            listening: self.listening(),
            since: Stamp::new(self.started_at, Instant::EPOCH),
            uptime_seconds: (now - Instant::EPOCH).as_secs(),
            peers,
            routes,
            messages_received: counters.messages,
            octets_received: counters.octets,
            connections: self.lines.len(),
            refused: self.refusals,
            memory,
            last_errors: self.last_errors.0.iter().cloned().collect(),
        }
    }

    fn peer(&self, now: Instant, peer: &PeerStatus<'_>) -> Peer {
        let up = peer.state == State::Established;
        let session = peer.connection.and_then(|conn| self.speaker.session(conn));
        let count =
            |count: &dyn Fn(MessageType) -> u64| MESSAGES.iter().map(|(name, ty)| (*name, count(*ty))).collect();
        let mut sent: BTreeMap<_, _> =
            session.map_or_else(BTreeMap::new, |session| count(&|ty| session.counters().sent(ty)));
        sent.remove("update");
        let connection = peer.connection.and_then(|conn| self.lines.of(conn)).map(|line| Connection {
            local: line.local,
            remote: line.remote,
            dialled: peer.dialled,
            octets_received: line.received,
            octets_sent: line.sent,
        });
        Peer {
            address: peer.config.address,
            port: peer.config.port,
            asn: peer.config.rib.asn().0,
            kind: match peer.config.rib.kind() {
                PeerKind::RrClient => "client",
                PeerKind::Ibgp => "ibgp",
                _ => "ebgp",
            },
            dynamic: self.clients.contains(peer.id),
            state: peer.state.to_string(),
            since: Stamp::new(self.started_at, peer.since),
            uptime_seconds: up.then(|| (now - peer.since).as_secs()),
            established_count: peer.established,
            connection,
            negotiated: peer.negotiated.filter(|_| up).map(agreed),
            messages_received: session
                .map_or_else(BTreeMap::new, |session| count(&|ty| session.counters().received(ty))),
            messages_sent: sent,
            paths: self.speaker.rib().path_count(peer.id),
            last_error: peer.last_down.as_ref().map(ToString::to_string),
            bgp_state: match peer.state {
                State::Idle => BgpState::Idle,
                State::Connect => BgpState::Connect,
                State::Active => BgpState::Active,
                State::OpenSent => BgpState::OpenSent,
                State::OpenConfirm => BgpState::OpenConfirm,
                State::Established => BgpState::Established,
            },
        }
    }
}

impl Document {
    pub(in crate::reflector) fn to_json(&self) -> String {
        // Only a map with keys that are no text could fail, and there is none.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As `calicoctl node status` shows a node.
    pub(in crate::reflector) fn to_text(&self) -> String {
        let sessions = self.peers.iter().map(|peer| SessionStatus {
            peer: peer.address,
            port: 179,
            peer_type: if peer.dynamic { PeerType::Global } else { PeerType::Node },
            state: peer.bgp_state.protocol_state(),
            since: TimeOfDay(peer.since.of_day()),
            bgp_state: peer.bgp_state,
            error: peer.last_error.clone().filter(|_| peer.bgp_state != BgpState::Established),
        });
        let text = table::node_status(&NodeStatus { sessions: sessions.collect() });
        let text = text.replacen("Calico process is running.", "Route reflector is running.", 1);
        let routes: Vec<_> = self.routes.iter().map(|(family, count)| format!("{family} {count}")).collect();
        format!("{text}\nRoutes: {}\n", routes.join(", "))
    }
}

fn agreed(negotiated: &Negotiated) -> Agreed {
    let context = negotiated.context;
    let names = |families: bgp_wire::FamilySet| families.iter().map(name).collect();
    Agreed {
        peer_as: negotiated.peer_as.0,
        peer_id: IpAddr::V4(negotiated.peer_id.0.into()),
        hold_time: negotiated.hold_time,
        keepalive: negotiated.keepalive,
        families: names(context.families()),
        four_octet_as: context.four_octet_as(),
        route_refresh: negotiated.route_refresh(),
        add_path_receive: names(context.add_path_receive()),
        add_path_send: names(context.add_path_send()),
    }
}

fn name(family: Family) -> String {
    match family {
        Family::IPV4_UNICAST => IPV4.into(),
        Family::IPV6_UNICAST => IPV6.into(),
        other => other.to_string(),
    }
}

/// The families by name.
const IPV4: &str = "ipv4_unicast";
const IPV6: &str = "ipv6_unicast";
/// The messages by name.
const MESSAGES: [(&str, MessageType); 5] = [
    ("open", MessageType::OPEN),
    ("update", MessageType::UPDATE),
    ("notification", MessageType::NOTIFICATION),
    ("keepalive", MessageType::KEEPALIVE),
    ("route_refresh", MessageType::ROUTE_REFRESH),
];

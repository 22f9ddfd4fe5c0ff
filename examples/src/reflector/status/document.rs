//! The document that `--status` serves, and its form for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use bgp_cluster::plan::PeerType;
use bgp_cluster::status::{BgpState, NodeStatus, SessionStatus, TimeOfDay};
use bgp_cluster::table;
use bgp_fsm::{Instant, Negotiated, State, Timer};
use bgp_rib::PeerKind;
use bgp_speaker::{LastError, PeerStatus};
use bgp_wire::{Family, MessageType};
use ipnet::IpNet;
use serde::Serialize;

use super::system::Memory;
use super::time::Stamp;
use super::{LastErrors, Refusals};
use crate::reflector::engine::Reflector;

/// The state of everything.
#[derive(Debug, Serialize)]
pub(in crate::reflector) struct Document {
    pub(super) router_id: IpAddr,
    pub(super) cluster_id: IpAddr,
    pub(super) local_as: u32,
    pub(super) listening: Vec<SocketAddr>,
    pub(super) since: Stamp,
    pub(super) uptime_seconds: u64,
    pub(super) peers: Vec<Peer>,
    /// Prefixes with a path in use, by family.
    pub(super) routes: BTreeMap<&'static str, usize>,
    pub(super) messages_received: u64,
    pub(super) octets_received: u64,
    pub(super) connections: usize,
    pub(super) refused: Refusals,
    pub(super) memory: Memory,
    /// What the file said that was read last, while running: null where it is in force.
    pub(super) reload_error: Option<String>,
    pub(super) last_errors: LastErrors,
}

#[derive(Debug, Serialize)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    #[serde(rename = "as")]
    pub(super) asn: u32,
    pub(super) kind: &'static str,
    /// It is there because its address is in a client range.
    pub(super) dynamic: bool,
    pub(super) state: String,
    /// When it became Established, or stopped being so.
    pub(super) since: Stamp,
    /// How long it has been Established.
    pub(super) uptime_seconds: Option<u64>,
    /// How often it has been.
    pub(super) established_count: u32,
    /// How often it has ended then.
    pub(super) flap_count: u32,
    /// Failures since the session was started.
    pub(super) connect_retry_counter: u32,
    /// Seconds until the timers that run expire.
    pub(super) timers: BTreeMap<&'static str, u64>,
    connection: Option<Connection>,
    negotiated: Option<Agreed>,
    pub(super) messages_received: BTreeMap<&'static str, u64>,
    pub(super) messages_sent: BTreeMap<&'static str, u64>,
    /// Its paths that are in use or compete.
    pub(super) paths: u32,
    /// Its prefixes, by family.
    pub(super) prefixes: BTreeMap<&'static str, u32>,
    /// Families of which its routes are kept while it restarts.
    pub(super) stale: Vec<String>,
    /// Why the last session or attempt ended.
    pub(super) last_error: Option<String>,
    last_notification_sent: Option<Told>,
    last_notification_received: Option<Told>,
    #[serde(skip)]
    bgp_state: BgpState,
}

/// A NOTIFICATION.
#[derive(Debug, Serialize)]
struct Told {
    time: Stamp,
    code: u8,
    subcode: u8,
    text: String,
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
    enhanced_route_refresh: bool,
    /// The longest message that may be sent.
    largest_message: u16,
    /// Seconds for which its routes are kept, and of which families, if it restarts.
    restart_time: Option<u16>,
    restart_families: Vec<String>,
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
            reload_error: self.reload_error.clone(),
            last_errors: self.last_errors.clone(),
        }
    }

    fn peer(&self, now: Instant, peer: &PeerStatus<'_>) -> Peer {
        let up = peer.state == State::Established;
        let count =
            |count: &dyn Fn(MessageType) -> u64| MESSAGES.iter().map(|(name, ty)| (*name, count(*ty))).collect();
        let told = |error: &LastError| Told {
            time: Stamp::new(self.started_at, error.at),
            code: error.notification.code.code,
            subcode: error.notification.code.subcode,
            text: error.to_string(),
        };
        let timers = peer.session.timers();
        let left = |timer: &Timer| Some((timer.name(), (timers.deadline(*timer)? - now).as_secs()));
        let prefixes = |(family, name)| (name, self.speaker.rib().prefix_count(peer.id, family));
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
            dynamic: peer.dynamic,
            state: peer.state.to_string(),
            since: Stamp::new(self.started_at, peer.since),
            uptime_seconds: up.then(|| (now - peer.since).as_secs()),
            established_count: peer.established,
            flap_count: peer.flaps,
            connect_retry_counter: peer.connect_retry_counter,
            timers: Timer::ALL.iter().filter_map(left).collect(),
            connection,
            negotiated: peer.negotiated.filter(|_| up).map(agreed),
            messages_received: count(&|ty| peer.messages.received(ty)),
            messages_sent: count(&|ty| peer.messages.sent(ty)),
            paths: self.speaker.rib().path_count(peer.id),
            prefixes: FAMILIES.into_iter().map(prefixes).collect(),
            stale: peer.stale.iter().map(name).collect(),
            last_error: peer.last_down.map(ToString::to_string),
            last_notification_sent: peer.last_sent.map(told),
            last_notification_received: peer.last_received.map(told),
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
        let mut text = format!("{text}\nRoutes: {}\n", listed(&self.routes));
        for peer in &self.peers {
            // A text takes whatever is written to it.
            let _ = peer.describe(&mut text);
        }
        text
    }
}

impl Peer {
    /// What does not fit into the box.
    fn describe(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\n{} AS {}: {} since {}, flaps {}",
            self.address, self.asn, self.state, self.since, self.flap_count
        )?;
        writeln!(out, "  sent: {}", listed(&self.messages_sent))?;
        writeln!(out, "  received: {}", listed(&self.messages_received))?;
        writeln!(out, "  prefixes: {}", listed(&self.prefixes))?;
        writeln!(out, "  timers: {}", listed(&self.timers))?;
        if let Some(agreed) = &self.negotiated {
            writeln!(out, "  hold time {}, families {}", agreed.hold_time, agreed.families.join(", "))?;
        }
        for (way, told) in [("sent", &self.last_notification_sent), ("received", &self.last_notification_received)] {
            if let Some(told) = told {
                writeln!(out, "  last {way}: {} at {}", told.text, told.time)?;
            }
        }
        Ok(())
    }
}

/// `open 1, update 7`.
fn listed(counts: &BTreeMap<&'static str, impl std::fmt::Display>) -> String {
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    counts.join(", ")
}

fn agreed(negotiated: &Negotiated) -> Agreed {
    let context = negotiated.context;
    let names = |families: bgp_wire::FamilySet| families.iter().map(name).collect();
    let restart = negotiated.peer.graceful_restart();
    Agreed {
        peer_as: negotiated.peer_as.0,
        peer_id: IpAddr::V4(negotiated.peer_id.0.into()),
        hold_time: negotiated.hold_time,
        keepalive: negotiated.keepalive,
        families: names(context.families()),
        four_octet_as: context.four_octet_as(),
        route_refresh: negotiated.route_refresh(),
        enhanced_route_refresh: negotiated.enhanced_route_refresh(),
        largest_message: context.max_send(),
        restart_time: restart.map(|restart| restart.restart_time),
        restart_families: restart.map_or_else(Vec::new, |restart| names(restart.families)),
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
const FAMILIES: [(Family, &str); 2] = [(Family::IPV4_UNICAST, IPV4), (Family::IPV6_UNICAST, IPV6)];
/// The messages by name.
const MESSAGES: [(&str, MessageType); 5] = [
    ("open", MessageType::OPEN),
    ("update", MessageType::UPDATE),
    ("notification", MessageType::NOTIFICATION),
    ("keepalive", MessageType::KEEPALIVE),
    ("route_refresh", MessageType::ROUTE_REFRESH),
];

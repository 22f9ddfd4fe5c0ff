//! A speaker with one peer: cases with two connections, or with routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bgp_fsm::{Cause, Instant, PeerAs, Session, State};
use bgp_rib::{AttrStore, PeerId, PeerKind, PeerPolicy};
use bgp_speaker::{ConnId, Event, Speaker};
use bgp_wire::attr::{AttrBuilder, NextHop};
use bgp_wire::{Asn, Family, frame};

use super::message::Sent;
use super::setup::Setup;
use super::subject::{MOST_DEADLINES, Outcome, Routes, START, Subject, moved};
use crate::{Fields, Mismatch};

/// A speaker and its driver.
#[derive(Debug)]
pub(super) struct Whole {
    speaker: Speaker,
    store: AttrStore,
    setup: Setup,
    peer: PeerId,
    address: IpAddr,
    now: Instant,
    /// The connections by the names of the vectors, the closed ones too.
    conns: BTreeMap<String, ConnId>,
    rejected: BTreeSet<String>,
    outcome: Outcome,
    routes: Option<Routes>,
}

impl Whole {
    pub(super) fn new(setup: &Setup) -> Result<Whole, Mismatch> {
        let (config, Some(address)) = (&setup.config, setup.peer_addr) else {
            return Err(Mismatch::unknown("setup.peer_addr"));
        };
        let mut rib = bgp_rib::Config::new(config.local_as, config.router_id);
        if let Some(IpAddr::V4(local)) = setup.local_addr {
            rib = rib.with_local_v4(local);
        }
        let member = |asn: Asn| config.confederation.as_ref().is_some_and(|confed| confed.members.contains(&asn));
        if let Some(confederation) = &config.confederation {
            rib = rib.with_confederation(confederation.id);
        }
        let (kind, asn) = match config.peer_as {
            PeerAs::Internal => (PeerKind::Ibgp, config.local_as),
            PeerAs::Exact(asn) if asn == config.local_as => (PeerKind::Ibgp, asn),
            PeerAs::Exact(asn) if member(asn) => (PeerKind::Confed, asn),
            PeerAs::Exact(asn) => (PeerKind::Ebgp, asn),
            _ => return Err(Mismatch::new("setup.peer_as", "a number, for a peer with routes", "none")),
        };
        let mut peer = bgp_rib::PeerConfig::new(kind, asn, address);
        if setup.no_policy {
            peer = peer.with_policy(PeerPolicy::None);
        }
        if let Some(role) = config.role {
            peer = peer.with_role(role);
        }
        let mut speaker = Speaker::new(bgp_speaker::Config::new(rib), 1);
        let peer = bgp_speaker::PeerConfig::new(address, config.clone(), peer);
        let peer = speaker.add_peer(START, peer).map_err(|error| Mismatch::new("setup", "a peer", error))?;
        Ok(Whole {
            speaker,
            store: AttrStore::new(1),
            setup: setup.clone(),
            peer,
            address,
            now: START,
            conns: BTreeMap::new(),
            rejected: BTreeSet::new(),
            outcome: Outcome::default(),
            routes: None,
        })
    }

    /// A speaker's peer is passive by its configuration.
    fn start_passive(&mut self) -> Result<(), Mismatch> {
        let mut setup = self.setup.clone();
        if !setup.config.passive && self.state() == State::Idle && self.conns.is_empty() {
            setup.config = setup.config.with_passive(true);
            *self = Whole { now: self.now, ..Whole::new(&setup)? };
        }
        self.speaker.start(&mut self.store, self.now, self.peer);
        Ok(())
    }

    /// The connection that is meant: the named one, or the only one.
    fn conn(&self, name: Option<&str>) -> Result<ConnId, Mismatch> {
        let mut open = self.conns.iter().filter(|(_, conn)| self.speaker.session(**conn).is_some());
        let found = match name {
            Some(name) => self.conns.get(name),
            None => open.next().map(|(_, conn)| conn).filter(|_| open.next().is_none()),
        };
        found.copied().ok_or_else(|| Mismatch::new("input.conn", name.unwrap_or("one connection"), "none or several"))
    }

    /// The dial that waits for an answer.
    fn dialled(&self) -> Option<ConnId> {
        let conn = *self.conns.get("out")?;
        (self.speaker.session(conn)?.state() == State::Connect).then_some(conn)
    }

    fn open(&mut self, name: Option<&str>) {
        match (name, self.dialled()) {
            (None | Some("out"), Some(conn)) => self.speaker.connected(&mut self.store, self.now, conn),
            (Some("out"), None) => self.outcome.tcp.push("no dial"),
            (name, _) => {
                let name = name.unwrap_or("in").to_owned();
                let port = 50_000 + u16::try_from(self.conns.len()).unwrap_or(0);
                match self.speaker.incoming(&mut self.store, self.now, SocketAddr::new(self.address, port)) {
                    Ok(conn) => {
                        self.rejected.remove(&name);
                        self.conns.insert(name, conn);
                    }
                    Err(_) => {
                        self.rejected.insert(name);
                        self.outcome.tcp.push("reject");
                    }
                }
            }
        }
    }

    /// Carries out what the speaker wants, and writes what it has to say.
    fn drain(&mut self) {
        loop {
            while let Some(event) = self.speaker.poll_event() {
                self.noted(event);
            }
            let names: Vec<(String, ConnId)> = self.conns.iter().map(|(name, conn)| (name.clone(), *conn)).collect();
            let mut moved = false;
            for (name, conn) in names {
                let octets: Vec<u8> =
                    self.speaker.poll_transmit(&mut self.store, conn).flat_map(|slice| slice.iter().copied()).collect();
                if octets.is_empty() {
                    continue;
                }
                moved = true;
                self.speaker.sent(self.now, conn, octets.len());
                let mut rest = octets.as_slice();
                while let Ok(Some((message, more))) = frame(rest, bgp_wire::MAX_LEN_EXTENDED) {
                    self.outcome.tx.push(Sent { conn: name.clone(), octets: message.to_vec() });
                    rest = more;
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn noted(&mut self, event: Event) {
        match event {
            Event::Dial { conn, .. } => {
                self.conns.insert("out".into(), conn);
                self.outcome.tcp.push("connect");
            }
            Event::Close { abort, .. } => {
                self.outcome.hard |= abort;
                self.outcome.tcp.push("close");
            }
            Event::Down { established, reason, .. } => {
                if established {
                    self.routes = Some(Routes::Deleted);
                }
                if let Cause::Received(notification) = reason.cause {
                    self.outcome.peer_down = Some(notification);
                }
            }
            _ => {}
        }
    }

    fn queue_routes(&mut self, count: u64) {
        let Ok(attributes) = AttrBuilder::new().build() else { return };
        let hop = Some(NextHop::V4(Ipv4Addr::new(192, 0, 2, 1)));
        for number in 0..count {
            let address = 0x0a80_0000_u64.saturating_add(number);
            let address = Ipv4Addr::from_bits(u32::try_from(address).unwrap_or(u32::MAX));
            let prefix = ipnet::IpNet::new_assert(address.into(), 32);
            // An address twice changes nothing.
            let _ = self.speaker.originate(&mut self.store, prefix, &attributes, hop);
        }
        self.process();
    }

    fn process(&mut self) {
        while self.speaker.process(&mut self.store) {}
    }
}

impl Subject for Whole {
    fn event(&mut self, name: &str, conn: Option<&str>, input: &Fields<'_>) -> Result<(), Mismatch> {
        match name {
            "ManualStart" => self.speaker.start(&mut self.store, self.now, self.peer),
            "ManualStart_with_PassiveTcpEstablishment" => self.start_passive()?,
            // The request alone: the connection follows.
            "TcpConnection_Valid" => {}
            "ManualStop" => self.speaker.stop(&mut self.store, self.now, self.peer),
            "TcpUp" | "Tcp_CR_Acked" | "TcpConnectionConfirmed" => self.open(conn),
            "TcpConnectionFails" => {
                let conn = self.conn(conn)?;
                self.speaker.disconnected(&mut self.store, self.now, conn);
            }
            "QueueRoutes" => self.queue_routes(input.number("count")?.unwrap_or(0)),
            "InitialUpdateDone" => self.process(),
            _ => return Err(Mismatch::unknown(input.path("event"))),
        }
        self.drain();
        Ok(())
    }

    fn receive(&mut self, conn: Option<&str>, octets: &[u8]) -> Result<(), Mismatch> {
        let conn = self.conn(conn)?;
        self.speaker.receive(&mut self.store, self.now, conn, octets);
        self.drain();
        Ok(())
    }

    fn advance(&mut self, seconds: f64) {
        let target = moved(self.now, seconds);
        for _ in 0..MOST_DEADLINES {
            let due = self.speaker.poll_timeout().filter(|due| *due <= target && self.now <= target);
            let Some(due) = due else { break };
            self.now = self.now.max(due);
            self.speaker.handle_timeout(&mut self.store, self.now);
            self.drain();
        }
        self.now = target;
        self.speaker.handle_timeout(&mut self.store, self.now);
        self.drain();
    }

    fn outcome(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    fn state(&self) -> State {
        self.speaker.peer(self.peer).map_or(State::Idle, |peer| peer.state)
    }

    fn session(&self) -> Option<&Session> {
        self.speaker.session(self.speaker.peer(self.peer)?.connection?)
    }

    fn conn_state(&self, conn: &str) -> Option<&'static str> {
        if self.rejected.contains(conn) {
            return Some("rejected");
        }
        let conn = self.conns.get(conn)?;
        Some(self.speaker.session(*conn).map_or("closed", |session| session.state().name()))
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn has_connection(&self) -> bool {
        self.conns.values().any(|conn| self.speaker.session(*conn).is_some())
    }

    fn restart_deadline(&self) -> Option<Instant> {
        None
    }

    fn long_lived_deadline(&self, _family: Family) -> Option<Instant> {
        None
    }

    fn routes(&self) -> Option<Routes> {
        self.routes
    }

    fn routes_in(&mut self) -> Option<BTreeSet<String>> {
        let rib = self.speaker.rib();
        Some(rib.adj_rib_in(self.peer).map(|path| path.prefix.to_string()).collect())
    }

    fn loc_rib(&mut self) -> Option<BTreeSet<String>> {
        self.process();
        Some(self.speaker.rib().loc_rib().map(|path| path.prefix.to_string()).collect())
    }

    fn debug(&self) -> String {
        format!("{:?} {:#?}", self.speaker, self.speaker)
    }
}

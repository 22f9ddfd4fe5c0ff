//! A speaker with one peer, or with a range for dynamic ones: cases with two connections, or with routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bgp_fsm::{Cause, Instant, PeerAs, Session, State};
use bgp_rib::{AttrStore, PeerId, PeerKind, PeerPolicy};
use bgp_speaker::{ConnId, Event, PeerStatus, Range, Speaker};
use bgp_wire::attr::{AttrBuilder, NextHop};
use bgp_wire::{Asn, Family, frame};

use super::cease;
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
    /// The configured peer, or the last dynamic one.
    peer: Option<PeerId>,
    address: IpAddr,
    now: Instant,
    /// The connections by the names of the vectors, the closed ones too.
    conns: BTreeMap<String, ConnId>,
    rejected: BTreeSet<String>,
    /// The sockets take nothing.
    stalled: bool,
    outcome: Outcome,
    /// A session has ended that was Established.
    failed: bool,
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
            // The tables are told when the OPEN has come.
            _ => (PeerKind::Ebgp, Asn(0)),
        };
        let mut peer = bgp_rib::PeerConfig::new(kind, asn, address);
        if setup.no_policy {
            peer = peer.with_policy(PeerPolicy::None);
        }
        if let Some(role) = config.role {
            peer = peer.with_role(role);
        }
        let mut speaker = Speaker::new(bgp_speaker::Config::new(rib), 1);
        let mut peer = bgp_speaker::PeerConfig::new(address, config.clone(), peer);
        for limit in &setup.limits {
            peer = peer.with_prefix_limit(*limit);
        }
        let peer = match setup.range {
            Some((prefix, limit)) => {
                speaker.add_range(Range::new(prefix, limit, peer));
                None
            }
            None => Some(speaker.add_peer(START, peer).map_err(|error| Mismatch::new("setup", "a peer", error))?),
        };
        Ok(Whole {
            speaker,
            store: AttrStore::new(1),
            setup: setup.clone(),
            peer,
            address,
            now: START,
            conns: BTreeMap::new(),
            rejected: BTreeSet::new(),
            stalled: false,
            outcome: Outcome::default(),
            failed: false,
        })
    }

    fn start(&mut self) {
        if let Some(peer) = self.peer {
            self.speaker.start(&mut self.store, self.now, peer);
        }
    }

    fn status(&self) -> Option<PeerStatus<'_>> {
        self.speaker.peer(self.peer?)
    }

    /// A connection from an address without a configured peer.
    fn incoming(&mut self, name: Option<&str>, source: IpAddr) {
        let unused = |name: &&str| !self.conns.contains_key(*name);
        let name = name.or_else(|| ["in", "in2", "in3"].into_iter().find(unused)).unwrap_or("in").to_owned();
        match self.speaker.incoming(&mut self.store, self.now, SocketAddr::new(source, 50_000)) {
            Ok(conn) => {
                self.peer = self.speaker.peer_at(source);
                self.conns.insert(name, conn);
            }
            Err(refused) => {
                let octets = refused.notification().map(|octets| octets.to_vec());
                self.outcome.tx.extend(octets.map(|octets| Sent { conn: name.clone(), octets }));
                self.outcome.tcp.push("reject");
                self.rejected.insert(name);
            }
        }
    }

    /// A speaker's peer is passive by its configuration.
    fn start_passive(&mut self) -> Result<(), Mismatch> {
        let mut setup = self.setup.clone();
        if !setup.config.passive && self.state() == State::Idle && self.conns.is_empty() {
            setup.config = setup.config.with_passive(true);
            *self = Whole { now: self.now, ..Whole::new(&setup)? };
        }
        self.start();
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
            for (name, conn) in names.into_iter().filter(|_| !self.stalled) {
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
                self.failed |= established;
                if let Cause::Received(notification) = reason.cause {
                    self.outcome.peer_down = Some(notification);
                }
            }
            Event::Joined { peer } => {
                self.outcome.new_peer = self.speaker.peer(peer).map(|peer| peer.config.address);
            }
            Event::PrefixWarning { .. } => self.outcome.prefix_warning = true,
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
        if let Some(cease) = cease::read(name, input)? {
            if let Some(peer) = self.peer {
                self.speaker.cease(&mut self.store, self.now, peer, &cease);
            }
            self.drain();
            return Ok(());
        }
        match name {
            "ManualStart" => self.start(),
            "ManualStart_with_PassiveTcpEstablishment" => self.start_passive()?,
            // The request alone: the connection follows.
            "TcpConnection_Valid" => {}
            "Incoming" => {
                let source = input.text("src")?.and_then(|source| source.parse().ok());
                self.incoming(conn, source.ok_or_else(|| Mismatch::unknown(input.path("src")))?);
            }
            "BfdUp" | "BfdDown" => {
                if let Some(peer) = self.peer {
                    self.speaker.set_bfd(&mut self.store, self.now, peer, name == "BfdUp");
                }
            }
            "TxStalled" => self.stalled = true,
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
        self.status().map_or(State::Idle, |peer| peer.state)
    }

    fn session(&self) -> Option<&Session> {
        Some(self.status()?.session)
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
        self.status()?.restart?.restart_deadline()
    }

    fn long_lived_deadline(&self, family: Family) -> Option<Instant> {
        self.status()?.restart?.long_lived_deadline(family)
    }

    fn routes(&self) -> Option<Routes> {
        let restart = self.status().and_then(|peer| peer.restart);
        let routes = match restart.map(|restart| (restart.stale().is_empty(), restart.long_lived_stale().is_empty())) {
            None | Some((true, _)) => Routes::Deleted,
            Some((false, true)) => Routes::Stale,
            Some((false, false)) => Routes::LongLivedStale,
        };
        self.failed.then_some(routes)
    }

    fn routes_in(&mut self) -> Option<BTreeSet<String>> {
        let rib = self.speaker.rib();
        Some(self.peer.into_iter().flat_map(|peer| rib.adj_rib_in(peer)).map(|path| path.prefix.to_string()).collect())
    }

    fn loc_rib(&mut self) -> Option<BTreeSet<String>> {
        self.process();
        Some(self.speaker.rib().loc_rib().map(|path| path.prefix.to_string()).collect())
    }

    fn peers_count(&self) -> Option<usize> {
        Some(self.speaker.peers().filter(|peer| peer.dynamic).count())
    }

    fn debug(&self) -> String {
        format!("{:?} {:#?}", self.speaker, self.speaker)
    }
}

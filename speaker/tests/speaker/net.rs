//! Speakers over simulated TCP: a virtual clock, latency, windows, failures; everything from one seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bgp_fsm::{Config, Instant, PeerAs, State};
use bgp_rib::{PeerConfig as RibPeer, PeerKind};
use bgp_speaker::{AttrStore, ConnId, Event, PeerConfig, PeerId, Speaker};
use bgp_wire::attr::AttrBuilder;
use bgp_wire::{Asn, BgpId};
use ipnet::IpNet;

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) store: AttrStore,
    pub(crate) hosts: Vec<Host>,
    pipes: Vec<[End; 2]>,
    silent: BTreeSet<usize>,
    /// What is to happen, in the order of time and of its making.
    agenda: BTreeMap<(Instant, u64), Happening>,
    made: u64,
    random: u64,
    /// The largest latency, in milliseconds; every step takes at least one.
    pub(crate) latency: u64,
}

pub(crate) struct Host {
    pub(crate) speaker: Speaker,
    pub(crate) events: Vec<Event>,
    pub(crate) asn: Asn,
    conns: BTreeMap<ConnId, (usize, usize)>,
    /// It reads nothing: the octets stay where they are.
    pub(crate) deaf: bool,
}

/// One end of a connection.
struct End {
    host: usize,
    conn: Option<ConnId>,
    /// What arrived and is not read; `None` is the end of the stream.
    inbox: VecDeque<Option<Vec<u8>>>,
    /// Octets on their way to the other end, or unread there.
    in_flight: usize,
    /// When the last thing that was sent from here arrives.
    last: Instant,
    /// Everything that was sent from here.
    carried: Vec<u8>,
}

enum Happening {
    Dialled { host: usize, conn: ConnId, remote: IpAddr },
    Refused { host: usize, conn: ConnId },
    Open { pipe: usize, conn: ConnId },
    Arrives { pipe: usize, to: usize, octets: Option<Vec<u8>> },
    Writable { pipe: usize, end: usize },
}

const WINDOW: usize = 20_000;

impl Net {
    pub(crate) fn new(seed: u64) -> Net {
        Net {
            now: Instant::from_secs(1),
            store: AttrStore::new(seed),
            hosts: Vec::new(),
            pipes: Vec::new(),
            silent: BTreeSet::new(),
            agenda: BTreeMap::new(),
            made: 0,
            random: seed,
            latency: 20,
        }
    }

    /// A number below `limit`.
    pub(crate) fn draw(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    /// A speaker with identifier 10.0.0.`n` and address 192.0.2.`n`, where `n` counts from 1.
    pub(crate) fn host(&mut self, asn: u32, configure: impl FnOnce(bgp_rib::Config) -> bgp_rib::Config) -> usize {
        let host = self.hosts.len();
        let rib = configure(bgp_rib::Config::new(Asn(asn), id(host)).with_local_v4(address(host)));
        let speaker = Speaker::new(bgp_speaker::Config::new(rib), self.draw(u64::MAX));
        let (events, conns) = (Vec::new(), BTreeMap::new());
        self.hosts.push(Host { speaker, events, asn: Asn(asn), conns, deaf: false });
        host
    }

    /// A session's configuration with short times.
    pub(crate) fn config(&self, host: usize, peer: usize) -> Config {
        Config::new(self.hosts[host].asn, id(host), PeerAs::Exact(self.hosts[peer].asn))
            .with_hold_time(30)
            .with_connect_retry(Duration::from_secs(5))
            .with_damp_peer_oscillations(true)
            .with_idle_hold_time(Duration::from_secs(2))
            .with_idle_hold_max(Duration::from_secs(8))
    }

    /// Configures and starts a peer: what `peer` is to `host`.
    pub(crate) fn peer(&mut self, host: usize, peer: usize, kind: PeerKind) -> PeerId {
        let config = self.config(host, peer);
        self.peer_with(host, peer, kind, config)
    }

    pub(crate) fn peer_with(&mut self, host: usize, peer: usize, kind: PeerKind, config: Config) -> PeerId {
        let at = IpAddr::V4(address(peer));
        let config = PeerConfig::new(at, config, RibPeer::new(kind, self.hosts[peer].asn, at));
        let (now, speaker) = (self.now, &mut self.hosts[host].speaker);
        let id = speaker.add_peer(now, config).unwrap();
        speaker.start(&mut self.store, now, id);
        self.pump(host);
        id
    }

    /// Configures both ends: what `a` is to `b`, and the reverse.
    pub(crate) fn link(&mut self, a: usize, b: usize, a_is: PeerKind, b_is: PeerKind) {
        self.peer(a, b, b_is);
        self.peer(b, a, a_is);
    }

    pub(crate) fn originate(&mut self, host: usize, number: u32) {
        let block = AttrBuilder::new().build().unwrap();
        self.hosts[host].speaker.originate(&mut self.store, prefix(number), &block, None).unwrap();
        self.pump(host);
    }

    pub(crate) fn withdraw(&mut self, host: usize, number: u32) {
        self.hosts[host].speaker.withdraw(&mut self.store, prefix(number));
        self.pump(host);
    }

    pub(crate) fn stop(&mut self, host: usize, peer: usize) {
        let now = self.now;
        let id = self.id_of(host, peer);
        self.hosts[host].speaker.stop(&mut self.store, now, id);
        self.pump(host);
    }

    pub(crate) fn start(&mut self, host: usize, peer: usize) {
        let now = self.now;
        let id = self.id_of(host, peer);
        self.hosts[host].speaker.start(&mut self.store, now, id);
        self.pump(host);
    }

    pub(crate) fn id_of(&self, host: usize, peer: usize) -> PeerId {
        self.hosts[host].speaker.peer_at(IpAddr::V4(address(peer))).unwrap()
    }

    pub(crate) fn state(&self, host: usize, peer: usize) -> State {
        self.hosts[host].speaker.peer(self.id_of(host, peer)).unwrap().state
    }

    /// The connection that `host` uses with `peer`: which pipe, and which of its ends.
    pub(crate) fn pipe(&self, host: usize, peer: usize) -> Option<(usize, usize)> {
        let conn = self.hosts[host].speaker.peer(self.id_of(host, peer)).unwrap().connection?;
        self.hosts[host].conns.get(&conn).copied()
    }

    /// All that `host` sent to `peer` over the connection in use.
    pub(crate) fn carried(&self, host: usize, peer: usize) -> &[u8] {
        let (pipe, end) = self.pipe(host, peer).unwrap();
        &self.pipes[pipe][end].carried
    }

    /// Connections that are open at some end.
    pub(crate) fn open(&self) -> usize {
        self.pipes.iter().filter(|ends| ends.iter().any(|end| end.conn.is_some())).count()
    }

    /// A connection breaks: both ends learn it at once, and what is on its way is lost.
    pub(crate) fn cut(&mut self, pipe: usize) {
        for end in 0..2 {
            if let Some(conn) = self.pipes[pipe][end].conn.take() {
                self.lost(self.pipes[pipe][end].host, conn);
            }
        }
    }

    /// From now on nothing arrives at either end of a connection, and nobody is told.
    pub(crate) fn silence(&mut self, pipe: usize) {
        self.silent.insert(pipe);
    }

    /// Octets that nobody sent arrive at one end of a connection.
    pub(crate) fn inject(&mut self, pipe: usize, octets: Vec<u8>) {
        let (host, now) = (self.pipes[pipe][1].host, self.now);
        if let Some(conn) = self.pipes[pipe][1].conn {
            self.hosts[host].speaker.receive(&mut self.store, now, conn, &octets);
            self.pump(host);
        }
    }

    pub(crate) fn pipes(&self) -> usize {
        self.pipes.len()
    }

    /// A host reads again.
    pub(crate) fn hears(&mut self, host: usize) {
        self.hosts[host].deaf = false;
        for pipe in 0..self.pipes.len() {
            for end in 0..2 {
                if self.pipes[pipe][end].host == host {
                    self.read(pipe, end);
                }
            }
        }
    }

    /// Runs the clock; the law of deadlines is checked on the way.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = self.hosts.iter_mut().filter_map(|host| host.speaker.poll_timeout()).min();
            let next = self.agenda.keys().next().map(|(at, _)| *at);
            let Some(at) = due.into_iter().chain(next).min().filter(|at| *at <= end) else { break };
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            if next == Some(at) {
                let (_, happening) = self.agenda.pop_first().unwrap();
                self.happens(happening);
                continue;
            }
            for host in 0..self.hosts.len() {
                if self.hosts[host].speaker.poll_timeout() == Some(at) {
                    self.hosts[host].speaker.handle_timeout(&mut self.store, at);
                    self.pump(host);
                    let next = self.hosts[host].speaker.poll_timeout();
                    assert!(next.is_none_or(|next| next > at), "no progress");
                }
            }
        }
        self.now = end;
    }

    fn happens(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Dialled { host, conn, remote } => self.dialled(host, conn, remote),
            Happening::Refused { host, conn } => self.lost(host, conn),
            Happening::Open { pipe, conn } => {
                let host = self.pipes[pipe][0].host;
                if self.hosts[host].speaker.is_open(conn) {
                    self.pipes[pipe][0].conn = Some(conn);
                    self.hosts[host].conns.insert(conn, (pipe, 0));
                    self.hosts[host].speaker.connected(&mut self.store, now, conn);
                    self.pump(host);
                } else {
                    self.later(Some((pipe, 0)), Happening::Arrives { pipe, to: 1, octets: None });
                }
            }
            Happening::Arrives { pipe, .. } if self.silent.contains(&pipe) => {}
            Happening::Arrives { pipe, to, octets } => {
                self.pipes[pipe][to].inbox.push_back(octets);
                self.read(pipe, to);
            }
            Happening::Writable { pipe, end } => {
                if let Some(conn) = self.pipes[pipe][end].conn {
                    let host = self.pipes[pipe][end].host;
                    self.flush(host, conn);
                    self.pump(host);
                }
            }
        }
    }

    fn dialled(&mut self, host: usize, conn: ConnId, remote: IpAddr) {
        if !self.hosts[host].speaker.is_open(conn) {
            return;
        }
        let now = self.now;
        let source = SocketAddr::new(IpAddr::V4(address(host)), 40_000);
        let other = (0..self.hosts.len()).find(|host| IpAddr::V4(address(*host)) == remote).unwrap();
        match self.hosts[other].speaker.incoming(&mut self.store, now, source) {
            Ok(theirs) => {
                let pipe = self.pipes.len();
                let end = |host, conn| End {
                    host,
                    conn,
                    inbox: VecDeque::new(),
                    in_flight: 0,
                    last: now,
                    carried: Vec::new(),
                };
                self.pipes.push([end(host, None), end(other, Some(theirs))]);
                self.hosts[other].conns.insert(theirs, (pipe, 1));
                self.later(Some((pipe, 1)), Happening::Open { pipe, conn });
                self.pump(other);
            }
            Err(_) => self.later(None, Happening::Refused { host, conn }),
        }
    }

    fn read(&mut self, pipe: usize, end: usize) {
        let now = self.now;
        let host = self.pipes[pipe][end].host;
        while !self.hosts[host].deaf
            && let Some(arrived) = self.pipes[pipe][end].inbox.pop_front()
        {
            let conn = self.pipes[pipe][end].conn;
            match (arrived, conn) {
                (Some(octets), conn) => {
                    self.pipes[pipe][1 - end].in_flight -= octets.len();
                    self.later(None, Happening::Writable { pipe, end: 1 - end });
                    if let Some(conn) = conn {
                        self.hosts[host].speaker.receive(&mut self.store, now, conn, &octets);
                    }
                }
                (None, Some(conn)) => {
                    self.pipes[pipe][end].conn = None;
                    self.lost(host, conn);
                }
                (None, None) => {}
            }
            self.pump(host);
        }
    }

    /// A host learns that a connection is gone.
    fn lost(&mut self, host: usize, conn: ConnId) {
        let now = self.now;
        self.hosts[host].conns.remove(&conn);
        self.hosts[host].speaker.disconnected(&mut self.store, now, conn);
        self.pump(host);
    }

    pub(crate) fn pump(&mut self, host: usize) {
        loop {
            let mut idle = !self.hosts[host].speaker.process(&mut self.store);
            while let Some(event) = self.hosts[host].speaker.poll_event() {
                idle = false;
                match &event {
                    Event::Dial { conn, remote, .. } => {
                        let (conn, remote) = (*conn, remote.ip());
                        self.later(None, Happening::Dialled { host, conn, remote });
                    }
                    Event::Transmit { conn } => self.flush(host, *conn),
                    Event::Close { conn, .. } => {
                        if let Some((pipe, end)) = self.hosts[host].conns.remove(conn) {
                            self.pipes[pipe][end].conn = None;
                            self.later(Some((pipe, end)), Happening::Arrives { pipe, to: 1 - end, octets: None });
                        }
                    }
                    _ => {}
                }
                self.hosts[host].events.push(event);
            }
            if idle {
                return;
            }
        }
    }

    fn flush(&mut self, host: usize, conn: ConnId) {
        let Some((pipe, end)) = self.hosts[host].conns.get(&conn).copied() else { return };
        loop {
            let room = WINDOW - self.pipes[pipe][end].in_flight;
            let most = room.min(1 + usize::try_from(self.draw(9000)).unwrap());
            let speaker = &mut self.hosts[host].speaker;
            let waiting = speaker.poll_transmit(&mut self.store, conn).flatten().copied();
            let octets: Vec<u8> = waiting.take(most).collect();
            if octets.is_empty() {
                return;
            }
            speaker.sent(self.now, conn, octets.len());
            self.pipes[pipe][end].in_flight += octets.len();
            self.pipes[pipe][end].carried.extend(&octets);
            let octets = Some(octets);
            self.later(Some((pipe, end)), Happening::Arrives { pipe, to: 1 - end, octets });
        }
    }

    /// Something happens after the latency; what goes from one end of a connection keeps its order.
    fn later(&mut self, from: Option<(usize, usize)>, happening: Happening) {
        let wait = Duration::from_millis(1 + self.draw(self.latency));
        let mut at = self.now + wait;
        if let Some((pipe, end)) = from {
            let last = &mut self.pipes[pipe][end].last;
            at = at.max(*last);
            *last = at;
        }
        self.made += 1;
        self.agenda.insert((at, self.made), happening);
    }
}

pub(crate) fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, u8::try_from(host + 1).unwrap())
}

pub(crate) fn id(host: usize) -> BgpId {
    BgpId(0x0a00_0001 + u32::try_from(host).unwrap())
}

/// 10.128.0.0/24 and those that follow.
pub(crate) fn prefix(number: u32) -> IpNet {
    IpNet::new(IpAddr::from((0x0a80_0000 + (number << 8)).to_be_bytes()), 24).unwrap()
}

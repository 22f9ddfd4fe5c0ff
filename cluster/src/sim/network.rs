//! The simulated network: hosts, connections between them, and what happens when.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use bgp_fsm::{Instant, State};
use bgp_rib::AttrStore;
use bgp_speaker::{ConnId, Event, PeerConfig, Speaker};
use bgp_wire::ClusterId;
use bgp_wire::attr::AttrBuilder;
use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net};

use super::clock::Clock;
use super::host::{Host, HostId};
use super::pipe::{End, Pipe, PipeId, Pipes};

/// Octets that one end of a connection has in flight at most.
const WINDOW: usize = 16 * 1024;

/// Something that happens at an instant.
#[derive(Debug)]
enum Happening {
    /// A dial arrives at the host it is for.
    Dialled { from: HostId, conn: ConnId, source: SocketAddr, remote: SocketAddr },
    /// The dialling end hears that its connection is open.
    Open { pipe: PipeId },
    /// The dialling end hears that nobody takes the connection.
    Refused { host: HostId, conn: ConnId },
    /// Octets arrive at an end.
    Arrived { pipe: PipeId, to: usize, octets: Vec<u8> },
    /// An end hears that its octets have arrived.
    Taken { pipe: PipeId, from: usize },
    /// An end hears that the other one has closed.
    Closed { pipe: PipeId, to: usize },
    /// A host's timers are due.
    Wake { host: HostId },
}

/// What has gone over the wires since the network was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// BGP messages that were received.
    pub messages: u64,
    /// Their octets.
    pub octets: u64,
}

/// Hosts on a virtual clock, with real speakers, tables and tunnels.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) store: AttrStore,
    pub(super) hosts: Vec<Host>,
    pub(super) by_address: HashMap<Ipv4Addr, HostId, foldhash::fast::FixedState>,
    clock: Clock<Happening>,
    pipes: Pipes,
    latency: Duration,
    /// Happenings on their way that are no timers.
    on_the_way: usize,
    touched: Vec<HostId>,
    pub(super) last_change: Instant,
    pub(super) seed: u64,
}

impl Network {
    /// An empty network in which an octet takes `latency` from host to host. Everything random follows from `seed`.
    pub(super) fn new(seed: u64, latency: Duration) -> Network {
        let start = Instant::from_secs(1);
        Network {
            store: AttrStore::new(seed),
            hosts: Vec::new(),
            by_address: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            clock: Clock::new(start),
            pipes: Pipes::default(),
            latency: latency.max(Duration::from_micros(1)),
            on_the_way: 0,
            touched: Vec::new(),
            last_change: start,
            seed,
        }
    }

    /// The virtual time.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// When a session or a route last changed.
    pub(super) fn last_change(&self) -> Instant {
        self.last_change
    }

    /// What has gone over the wires so far.
    pub(super) fn traffic(&self) -> Traffic {
        self.hosts.iter().fold(Traffic::default(), |sum, host| {
            let counters = host.speaker.counters();
            Traffic { messages: sum.messages + counters.messages, octets: sum.octets + counters.octets }
        })
    }

    /// Connections that are open at both ends: those of live hosts, each once.
    pub(super) fn connections(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
        self.pipes.iter().filter_map(|pipe| {
            let [dialler, listener] = &pipe.ends;
            let both = dialler.conn.is_some() && listener.conn.is_some();
            let live = pipe.ends.iter().all(|end| self.host(end.host).is_some_and(|host| host.alive));
            (both && live).then_some((dialler.address, listener.address))
        })
    }

    /// Adds a host with its speaker.
    pub(super) fn add_host(&mut self, name: String, address: Ipv4Net, speaker: Speaker) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX));
        let seed = self.seed.wrapping_add(u64::from(id.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.by_address.insert(address.addr(), id);
        self.hosts.push(Host::new(name, address, speaker, seed));
        self.touch(id);
        id
    }

    /// Adds a peer to a host's speaker and starts it.
    pub(super) fn add_peer(&mut self, id: HostId, config: PeerConfig) {
        let now = self.clock.now();
        let Some((host, store)) = self.live(id) else { return };
        // The plan has one session per address.
        if let Ok(peer) = host.speaker.add_peer(now, config) {
            host.speaker.start(store, now, peer);
        }
        self.touch(id);
    }

    /// Stops and removes a peer of a host's speaker.
    pub(super) fn remove_peer(&mut self, id: HostId, address: IpAddr) {
        let now = self.clock.now();
        let Some((host, store)) = self.live(id) else { return };
        if let Some(peer) = host.speaker.peer_at(address) {
            host.speaker.remove_peer(store, now, peer);
        }
        self.touch(id);
    }

    /// Sets the cluster that a host reflects for.
    pub(super) fn set_cluster_id(&mut self, id: HostId, cluster_id: ClusterId) {
        if let Some(host) = self.host_mut(id) {
            host.speaker.set_cluster_id(cluster_id);
        }
    }

    /// Sets a host's own blocks and which of them it announces.
    pub(super) fn set_blocks(&mut self, id: HostId, owned: BTreeSet<IpNet>, announced: BTreeSet<IpNet>) {
        // ORIGIN IGP and an empty AS_PATH: a route that begins here.
        let Ok(attributes) = AttrBuilder::new().build() else { return };
        let Some((host, store)) = self.live(id) else { return };
        host.blocks = owned;
        for gone in host.announced.difference(&announced) {
            host.speaker.withdraw(store, *gone);
        }
        for new in announced.difference(&host.announced) {
            // An IPv4 prefix with a block that the builder made is never refused.
            let _ = host.speaker.originate(store, *new, &attributes, None);
        }
        host.announced = announced;
        self.touch(id);
    }

    /// Whether every session that is configured between live hosts is Established and nothing is on its way.
    pub(super) fn converged(&self) -> bool {
        let (up, wanted) = if self.on_the_way == 0 { self.session_ends() } else { (0, 1) };
        up == wanted
    }

    /// Ends of sessions between live hosts: those that are Established, and all.
    pub(super) fn session_ends(&self) -> (u64, u64) {
        let live = self.hosts.iter().filter(|host| host.alive);
        let ends = live.flat_map(|host| host.speaker.peers()).filter(|peer| match peer.config.address {
            IpAddr::V4(address) => self.lives(address),
            IpAddr::V6(_) => false,
        });
        ends.fold((0, 0), |(up, all), peer| (up + u64::from(peer.state == State::Established), all + 1))
    }

    /// Lets time pass until `limit`, whatever happens.
    pub(super) fn run_until(&mut self, limit: Instant) {
        while self.step(limit) {}
        self.clock.advance(limit);
    }

    /// Lets time pass until the network has converged, at most until `limit` and for so many instants; whether it has,
    /// or `None` where there is more to play.
    pub(super) fn settle(&mut self, limit: Instant, instants: usize) -> Option<bool> {
        self.pump();
        for _ in 0..instants {
            if self.converged() {
                return Some(true);
            }
            if !self.step(limit) {
                self.clock.advance(limit);
                return Some(false);
            }
        }
        None
    }

    /// Everything of the next instant that is not after `limit`; false = there is none.
    fn step(&mut self, limit: Instant) -> bool {
        self.pump();
        let Some(next) = self.clock.next().filter(|next| *next <= limit) else { return false };
        while let Some(happening) = self.clock.pop(next) {
            self.on_the_way -= usize::from(!matches!(happening, Happening::Wake { .. }));
            self.happen(happening);
        }
        self.pump();
        true
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.clock.now();
        match happening {
            Happening::Dialled { from, conn, source, remote } => self.dialled(from, conn, source, remote),
            Happening::Open { pipe } => self.opened(pipe),
            Happening::Refused { host, conn } => {
                if let Some((host, store)) = self.live(host) {
                    host.speaker.disconnected(store, now, conn);
                }
                self.touch(host);
            }
            Happening::Arrived { pipe, to, octets } => {
                self.at_end(pipe, to, |host, store, conn| host.speaker.receive(store, now, conn, &octets));
                self.later(Happening::Taken { pipe, from: 1 - to });
            }
            Happening::Taken { pipe, from } => {
                if let Some(end) = self.pipes.of_mut(pipe).and_then(|pipe| pipe.ends.get_mut(from)) {
                    end.in_flight = false;
                    if let (host, Some(conn)) = (end.host, end.conn) {
                        self.transmit(host, conn);
                    }
                }
            }
            Happening::Closed { pipe, to } => {
                self.at_end(pipe, to, |host, store, conn| {
                    host.pipes.remove(&conn);
                    host.speaker.disconnected(store, now, conn);
                });
                if let Some(end) = self.pipes.of_mut(pipe).and_then(|pipe| pipe.ends.get_mut(to)) {
                    end.conn = None;
                }
                self.pipes.reap(pipe);
            }
            Happening::Wake { host } => {
                if let Some((host, store)) = self.live(host) {
                    host.wake = None;
                    host.speaker.handle_timeout(store, now);
                }
                self.touch(host);
            }
        }
    }

    fn dialled(&mut self, from: HostId, conn: ConnId, source: SocketAddr, remote: SocketAddr) {
        let now = self.clock.now();
        let to = match remote.ip() {
            IpAddr::V4(address) => self.by_address.get(&address).copied(),
            IpAddr::V6(_) => None,
        };
        // Nothing answers from a dead host or an address without one: the dialler's ConnectRetryTimer decides.
        let Some(to) = to.filter(|to| self.host(*to).is_some_and(|host| host.alive)) else { return };
        let Some((host, store)) = self.live(to) else { return };
        match host.speaker.incoming(store, now, source) {
            Ok(accepted) => {
                let dialler = End { host: from, conn: Some(conn), address: source, in_flight: false };
                let listener = End { host: to, conn: Some(accepted), address: remote, in_flight: false };
                let pipe = self.pipes.open(Pipe { ends: [dialler, listener] });
                for (end, (host, conn)) in [(from, conn), (to, accepted)].into_iter().enumerate() {
                    if let Some(host) = self.host_mut(host) {
                        host.pipes.insert(conn, (pipe, end));
                    }
                }
                self.later(Happening::Open { pipe });
            }
            Err(_) => self.later(Happening::Refused { host: from, conn }),
        }
        self.touch(to);
    }

    /// The dialling end hears that its connection is open; when it has given up meanwhile, the other end hears that.
    fn opened(&mut self, pipe: PipeId) {
        let now = self.clock.now();
        let Some(dialler) = self.pipes.of(pipe).and_then(|pipe| pipe.ends.first()) else { return };
        let (host, conn) = (dialler.host, dialler.conn);
        if let Some(conn) = conn
            && self.host(host).is_some_and(|host| host.alive && !host.speaker.is_open(conn))
        {
            self.close(host, conn);
        }
        self.at_end(pipe, 0, |host, store, conn| host.speaker.connected(store, now, conn));
    }

    /// Lets every host that something happened to say what it wants.
    fn pump(&mut self) {
        while !self.touched.is_empty() {
            let mut touched = core::mem::take(&mut self.touched);
            touched.sort_unstable();
            for id in touched {
                if let Some(host) = self.host_mut(id) {
                    host.touched = false;
                }
                self.pump_host(id);
            }
        }
    }

    fn pump_host(&mut self, id: HostId) {
        loop {
            let Some((host, store)) = self.live(id) else { return };
            let more = host.speaker.process(store);
            let mut idle = !more;
            while let Some(event) = self.host_mut(id).and_then(|host| host.speaker.poll_event()) {
                idle = false;
                self.serve(id, event);
            }
            if idle {
                break;
            }
        }
        let Some(host) = self.host_mut(id) else { return };
        if let Some(due) = host.speaker.poll_timeout()
            && host.wake.is_none_or(|wake| due < wake)
        {
            host.wake = Some(due);
            self.clock.schedule(due, Happening::Wake { host: id });
        }
    }

    fn serve(&mut self, id: HostId, event: Event) {
        let now = self.clock.now();
        match event {
            Event::Dial { conn, remote, .. } => {
                if let Some(host) = self.host_mut(id) {
                    let source = SocketAddr::new(IpAddr::V4(host.address.addr()), host.next_port());
                    self.later(Happening::Dialled { from: id, conn, source, remote });
                }
            }
            Event::Transmit { conn } => self.transmit(id, conn),
            Event::Close { conn, .. } => self.close(id, conn),
            Event::Up { .. } | Event::Down { established: true, .. } => self.last_change = now,
            Event::Rib(change) => {
                self.last_change = now;
                if let Some(host) = self.host_mut(id) {
                    host.route_changed(&change);
                }
            }
            _ => {}
        }
    }

    fn transmit(&mut self, id: HostId, conn: ConnId) {
        let now = self.clock.now();
        let Some((pipe, end)) = self.host(id).and_then(|host| host.pipes.get(&conn)).copied() else { return };
        let Some(state) = self.pipes.of_mut(pipe).and_then(|pipe| pipe.ends.get_mut(end)) else { return };
        if state.in_flight {
            return;
        }
        let Some((host, store)) = self.live(id) else { return };
        let mut octets = Vec::new();
        for slice in host.speaker.poll_transmit(store, conn) {
            octets.extend_from_slice(slice.get(..WINDOW - octets.len()).unwrap_or(slice));
            if octets.len() >= WINDOW {
                break;
            }
        }
        if octets.is_empty() {
            return;
        }
        host.speaker.sent(now, conn, octets.len());
        self.touch(id);
        if let Some(state) = self.pipes.of_mut(pipe).and_then(|pipe| pipe.ends.get_mut(end)) {
            state.in_flight = true;
        }
        self.later(Happening::Arrived { pipe, to: 1 - end, octets });
    }

    fn close(&mut self, id: HostId, conn: ConnId) {
        let Some((pipe, end)) = self.host_mut(id).and_then(|host| host.pipes.remove(&conn)) else { return };
        if let Some(state) = self.pipes.of_mut(pipe).and_then(|pipe| pipe.ends.get_mut(end)) {
            state.conn = None;
        }
        self.later(Happening::Closed { pipe, to: 1 - end });
    }

    /// Does something at an end of a connection, when that is open and its host lives.
    fn at_end(&mut self, pipe: PipeId, end: usize, act: impl FnOnce(&mut Host, &mut AttrStore, ConnId)) {
        let end = self.pipes.of(pipe).and_then(|pipe| pipe.ends.get(end)).map(|end| (end.host, end.conn));
        if let Some((id, Some(conn))) = end {
            if let Some((host, store)) = self.live(id) {
                act(host, store, conn);
            }
            self.touch(id);
        }
    }

    fn later(&mut self, happening: Happening) {
        self.on_the_way += 1;
        self.clock.schedule(self.clock.now() + self.latency, happening);
    }

    pub(super) fn touch(&mut self, id: HostId) {
        if let Some(host) = self.host_mut(id)
            && !host.touched
        {
            host.touched = true;
            self.touched.push(id);
        }
    }

    fn live(&mut self, id: HostId) -> Option<(&mut Host, &mut AttrStore)> {
        let host = self.hosts.get_mut(id.index()).filter(|host| host.alive)?;
        Some((host, &mut self.store))
    }

    pub(super) fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(id.index())
    }

    pub(super) fn host_mut(&mut self, id: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(id.index())
    }

    fn lives(&self, address: Ipv4Addr) -> bool {
        self.by_address.get(&address).and_then(|id| self.host(*id)).is_some_and(|host| host.alive)
    }
}

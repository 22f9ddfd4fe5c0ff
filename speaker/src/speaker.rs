//! The speaker: sessions and tables of many peers behind one set of inputs, outputs and deadlines.

mod collision;
mod connections;
mod sessions;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bgp_fsm::{Instant, Session};
use bgp_rib::{AttrStore, PeerId, Rib};
use bgp_wire::ClusterId;
use bgp_wire::attr::NextHop;
use bytes::BytesMut;
use hashbrown::HashMap;
use ipnet::IpNet;

use crate::config::{Config, PeerConfig};
use crate::deadlines::Deadlines;
use crate::event::{AddPeerError, ConnId, Event, Refused};
use crate::peer::{Line, Peer, PeerStatus};
use connections::Connections;

/// Routes that one call of [`Speaker::process`] decides and exports.
const WORK_PER_CALL: usize = 4096;
/// A connection is given more of the tables' messages while fewer octets than this wait for its socket.
const WAITING_OCTETS: usize = 256 * 1024;

/// A BGP speaker without sockets or clock.
///
/// See the [crate's documentation](crate) for the loop that drives it.
#[derive(Debug)]
pub struct Speaker {
    config: Config,
    seed: u64,
    rib: Rib,
    /// By the peer's id.
    peers: Vec<Option<Peer>>,
    by_address: HashMap<IpAddr, PeerId, foldhash::fast::FixedState>,
    connections: Connections,
    deadlines: Deadlines,
    events: VecDeque<Event>,
    /// The tables have something to decide or export.
    work: bool,
    scratch: BytesMut,
    counters: Counters,
}

/// What a speaker has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// BGP messages, whole ones.
    pub messages: u64,
    /// Octets of the streams.
    pub octets: u64,
}

impl Speaker {
    /// A speaker without peers. `seed` keys its hash tables and its timers' jitter: take it from the operating
    /// system's random source; a fixed one makes a simulation repeatable.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Speaker {
        Speaker {
            rib: Rib::new(config.rib.clone(), seed),
            config,
            seed,
            peers: Vec::new(),
            by_address: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            connections: Connections::default(),
            deadlines: Deadlines::default(),
            events: VecDeque::new(),
            work: false,
            scratch: BytesMut::new(),
            counters: Counters::default(),
        }
    }

    /// Adds a peer; its session stays in Idle until [`Speaker::start`].
    ///
    /// # Errors
    /// Another peer has the address, or the tables refuse the configuration.
    pub fn add_peer(&mut self, now: Instant, config: PeerConfig) -> Result<PeerId, AddPeerError> {
        if self.by_address.contains_key(&config.address) {
            return Err(AddPeerError::Exists(config.address));
        }
        let id = self.rib.add_peer(config.rib.clone())?;
        let seed = self.seed ^ (u64::from(id.0).wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let session = Session::new(config.session.clone(), seed);
        self.by_address.insert(config.address, id);
        let place = index(id);
        if place >= self.peers.len() {
            self.peers.resize_with(place.saturating_add(1), || None);
        }
        if let Some(slot) = self.peers.get_mut(place) {
            let line = Line { session, conn: None, dialled: false };
            *slot = Some(Peer {
                id,
                config,
                lines: [Some(line), None],
                up: false,
                since: now,
                established: 0,
                last_down: None,
                seed,
            });
        }
        Ok(id)
    }

    /// Gives back what the tables hold in a store that other speakers use too; call it before dropping this one.
    pub fn clear(&mut self, store: &mut AttrStore) {
        self.rib.clear(store);
    }

    /// Stops a peer and forgets it and its routes. An unknown peer is ignored.
    pub fn remove_peer(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.stop(store, now, peer);
        if let Some(gone) = self.peers.get_mut(index(peer)).and_then(Option::take) {
            self.by_address.remove(&gone.config.address);
            self.rib.remove_peer(store, peer);
            self.work = true;
        }
    }

    /// The octets that wait for a connection, in order, for one vectored write. Whole messages of the tables are lent
    /// from the chunks that all members of an export group share.
    ///
    /// Nothing for a connection that is not there, or has nothing to say.
    pub fn poll_transmit<'s>(
        &'s mut self,
        store: &mut AttrStore,
        conn: ConnId,
    ) -> impl Iterator<Item = &'s [u8]> + use<'s> {
        if let Some(connection) = self.connections.of(conn)
            && let Some(peer) = self.peers.get(index(connection.peer)).and_then(Option::as_ref)
            && peer.up
            && peer.lines.first().and_then(Option::as_ref).is_some_and(|line| line.conn == Some(conn))
        {
            let id = connection.peer;
            while self.connections.waiting(conn) < WAITING_OCTETS
                && let Some(messages) = self.rib.pull(store, id)
            {
                self.connections.queue(conn, messages);
            }
        }
        self.connections.slices(conn)
    }

    /// Decides and exports changed routes, a bounded number; true = there is more to do. Call it after the sockets
    /// that are readable have been read, until it says false; the more is read before, the more is squashed into one export.
    pub fn process(&mut self, store: &mut AttrStore) -> bool {
        if self.work {
            self.work = self.rib.process(store, WORK_PER_CALL);
        }
        while let Some(peer) = self.rib.poll_ready() {
            let conn = self.peers.get(index(peer)).and_then(Option::as_ref).and_then(|peer| match &peer.lines {
                [Some(line), _] if peer.up => line.conn,
                _ => None,
            });
            if let Some(conn) = conn
                && self.connections.waiting(conn) == 0
            {
                self.events.push_back(Event::Transmit { conn });
            }
        }
        self.work
    }

    /// What the driver has to do or may want to know, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.rib.poll_event().map(Event::Rib))
    }

    /// When [`Speaker::handle_timeout`] is due; `None` while no timer runs.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        self.next_deadline().map(|(at, _)| at)
    }

    /// Announces `prefix` as a route of this speaker, with the canonical attribute block `attributes` and a next hop
    /// (`None`: the speaker's own address towards each peer). Replaces an earlier one.
    ///
    /// # Errors
    /// The block is no valid one, or the family is not routed.
    pub fn originate(
        &mut self,
        store: &mut AttrStore,
        prefix: IpNet,
        attributes: &[u8],
        next_hop: Option<NextHop>,
    ) -> Result<(), bgp_rib::OriginateError> {
        self.rib.originate(store, prefix, attributes, next_hop)?;
        self.work = true;
        Ok(())
    }

    /// Withdraws a route of this speaker; where there is none, nothing happens.
    pub fn withdraw(&mut self, store: &mut AttrStore, prefix: IpNet) {
        self.rib.withdraw_local(store, prefix);
        self.work = true;
    }

    /// Sets the cluster that this speaker reflects for (RFC 4456). Sessions that are Established go on with the old one.
    pub fn set_cluster_id(&mut self, cluster_id: ClusterId) {
        self.rib.set_cluster_id(cluster_id);
    }

    /// Octets and messages received since the speaker was made.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether a connection is there, open or being dialled, and not closing.
    #[must_use]
    pub fn is_open(&self, conn: ConnId) -> bool {
        self.line_of(conn).is_some()
    }

    /// The tables.
    #[must_use]
    pub fn rib(&self) -> &Rib {
        &self.rib
    }

    /// The peers, by id.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus<'_>> {
        self.peers.iter().flatten().map(PeerStatus::new)
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<PeerStatus<'_>> {
        Some(PeerStatus::new(self.peers.get(index(id))?.as_ref()?))
    }

    /// The session that runs over a connection; none: the connection is closing or gone.
    #[must_use]
    pub fn session(&self, conn: ConnId) -> Option<&Session> {
        let (peer, line) = self.line_of(conn)?;
        Some(&self.peers.get(index(peer))?.as_ref()?.lines.get(line)?.as_ref()?.session)
    }

    /// The peer at an address.
    #[must_use]
    pub fn peer_at(&self, address: IpAddr) -> Option<PeerId> {
        self.by_address.get(&address).copied()
    }

    fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(index(id))?.as_mut()
    }

    /// The earliest deadline of a session (key: peer and line) or of a closing connection.
    fn next_deadline(&mut self) -> Option<(Instant, u32)> {
        let (peers, closing) = (&self.peers, self.connections.next_abort());
        let session = self.deadlines.next(|key| {
            let (peer, line) = split(key);
            peers.get(peer)?.as_ref()?.lines.get(line)?.as_ref()?.session.poll_timeout()
        });
        match (session, closing) {
            (Some((at, key)), Some(abort)) if at <= abort => Some((at, key)),
            (_, Some(abort)) => Some((abort, ABORT)),
            (session, None) => session,
        }
    }

    /// Takes an accepted TCP connection from `remote`; the address says whose it is.
    ///
    /// # Errors
    /// Close the connection: nobody has the address, its session is in Idle, or it has two connections already.
    pub fn incoming(&mut self, store: &mut AttrStore, now: Instant, remote: SocketAddr) -> Result<ConnId, Refused> {
        let address = remote.ip();
        let id = self.peer_at(address).ok_or(Refused::UnknownPeer(address))?;
        self.accept(store, now, id, address)
    }
}

fn index(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap_or(usize::MAX)
}

/// The deadline key of a peer's line; peers have 20 bits, so it never meets [`ABORT`].
fn key(peer: PeerId, line: usize) -> u32 {
    peer.0.wrapping_mul(2) | u32::from(line == 1)
}

/// The place of a peer and its line.
fn split(key: u32) -> (usize, usize) {
    (usize::try_from(key / 2).unwrap_or(usize::MAX), usize::from(key % 2 == 1))
}

/// The deadline key of a connection that has lingered long enough.
const ABORT: u32 = u32::MAX;

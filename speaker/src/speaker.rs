//! The speaker: sessions and tables of many peers behind one set of inputs, outputs and deadlines.

mod collision;
mod connections;
mod next_hops;
mod policies;
mod restart;
mod sessions;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bgp_fsm::{Cease, Instant, Restart, Session};
use bgp_rib::{AttrStore, PeerId, Rib};
use bgp_wire::ClusterId;
use bgp_wire::attr::NextHop;
use bgp_wire::capability::Capability;
use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;
use ipnet::IpNet;

use crate::config::{Config, PeerConfig};
use crate::deadlines::Deadlines;
use crate::event::{AddPeerError, ConnId, Direction, Event, Refused};
use crate::peer::{Line, Peer, PeerStatus, Which};
use connections::Connections;

/// Routes that one call of [`Speaker::process`] decides and exports.
const WORK_PER_CALL: usize = 4096;
/// A connection is given more of the tables' messages while fewer octets than this wait for its socket. One run of them
/// has at most about as many, so that at most twice this waits, however slow the peer is.
const WAITING_OCTETS: usize = 64 * 1024;

/// A BGP speaker without sockets or clock.
///
/// See the [crate's documentation](crate) for the loop that drives it.
#[derive(Debug)]
pub struct Speaker {
    config: Config,
    seed: u64,
    rib: Rib,
    /// By the peer's id; boxed, so that growing moves pointers only.
    peers: Vec<Option<Box<Peer>>>,
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
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// assert_eq!(speaker.peer_at(address), Some(peer));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_peer(&mut self, now: Instant, config: PeerConfig) -> Result<PeerId, AddPeerError> {
        let address = config.address.to_canonical();
        if self.by_address.contains_key(&address) {
            return Err(AddPeerError::Exists(address));
        }
        let id = self.rib.add_peer(config.rib)?;
        let seed = self.seed ^ (u64::from(id.0).wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let session = Session::new(config.session.clone(), seed);
        let restarts = |capability: &Capability| matches!(capability, Capability::GracefulRestart(_));
        let restart = config.session.capabilities.iter().any(restarts).then(|| Box::new(Restart::new()));
        self.by_address.insert(address, id);
        let place = index(id);
        if place >= self.peers.len() {
            self.peers.resize_with(place.saturating_add(1), || None);
        }
        if let Some(slot) = self.peers.get_mut(place) {
            *slot = Some(Box::new(Peer {
                id,
                config,
                main: Line { session, conn: None, dialled: false },
                second: None,
                contested: None,
                lingering: [None; 2],
                restart,
                up: false,
                since: now,
                established: 0,
                last_down: None,
                seed,
            }));
        }
        Ok(id)
    }

    /// Gives back what the tables hold in a store that other speakers use too; call it before dropping this one.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// speaker.clear(&mut store);
    /// assert!(store.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&mut self, store: &mut AttrStore) {
        self.rib.clear(store);
    }

    /// Stops a peer and forgets it and its routes. An unknown peer is ignored. Its last NOTIFICATION still goes out.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// speaker.remove_peer(&mut store, now, peer);
    /// assert!(speaker.peer(peer).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_peer(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.cease(store, now, peer, &Cease::deconfigured());
        if let Some(gone) = self.peers.get_mut(index(peer)).and_then(Option::take) {
            self.by_address.remove(&gone.config.address.to_canonical());
            self.rib.remove_peer(store, peer);
            self.work = true;
        }
    }

    /// Takes an accepted TCP connection from `remote`; the address says whose it is. An IPv4 address that an IPv6 socket
    /// shows as `::ffff:a.b.c.d` is the IPv4 address.
    ///
    /// # Errors
    /// Close the connection: nobody has the address, its session is in Idle, or it has two connections already.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// use bgp_speaker::Refused;
    /// let remote = std::net::SocketAddr::new(address, 50_000);
    /// assert_eq!(speaker.incoming(&mut store, now, remote), Err(Refused::Idle(address)));
    /// speaker.start(&mut store, now, peer);
    /// let conn = speaker.incoming(&mut store, now, remote)?;
    /// assert!(speaker.is_open(conn));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn incoming(&mut self, store: &mut AttrStore, now: Instant, remote: SocketAddr) -> Result<ConnId, Refused> {
        let address = remote.ip().to_canonical();
        let id = self.peer_at(address).ok_or(Refused::UnknownPeer(address))?;
        self.accept(store, now, id, address)
    }

    /// The octets that wait for a connection, in order, for one vectored write; then say how many were taken with
    /// [`Speaker::sent`], and go on until there are none. Routes are lent from the chunks that all members of an export
    /// group share; what a session says goes ahead of them, between two messages.
    ///
    /// Nothing for a connection that is not there, or has nothing to say.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(Event::Dial { conn, .. }) = speaker.poll_event() else { return Err("no dial".into()) };
    /// speaker.connected(&mut store, now, conn);
    /// let octets: Vec<u8> = speaker.poll_transmit(&mut store, conn).flatten().copied().collect();
    /// assert_eq!(bgp_wire::message_type(&octets), Some(bgp_wire::MessageType::OPEN));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_transmit<'s>(
        &'s mut self,
        store: &mut AttrStore,
        conn: ConnId,
    ) -> impl Iterator<Item = &'s [u8]> + use<'s> {
        if let Some((id, Which::Main)) = self.line_of(conn)
            && self.peer_ref(id).is_some_and(|peer| peer.up)
        {
            while self.connections.waiting(conn) < WAITING_OCTETS
                && let Some(messages) = self.rib.pull(store, id)
            {
                self.tap(conn, id, Direction::Sent, || messages.clone());
                self.connections.queue(conn, messages);
            }
        }
        self.connections.slices(conn)
    }

    /// Decides and exports changed routes, a bounded number; true = there is more to do. Call it after the sockets
    /// that are readable have been read, until it says false; the more is read before, the more is squashed into one export.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// assert!(!speaker.process(&mut store)); // nothing to do
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process(&mut self, store: &mut AttrStore) -> bool {
        if self.work {
            self.work = self.rib.process(store, WORK_PER_CALL);
        }
        while let Some(peer) = self.rib.poll_ready() {
            // What waits already is polled until nothing does, and that finds the new octets.
            if let Some(conn) = self.peer_ref(peer).filter(|peer| peer.up).and_then(|peer| peer.main.conn)
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
        let session = self.next_deadline().map(|(at, ..)| at);
        session.into_iter().chain(self.connections.next_abort()).min()
    }

    /// Announces `prefix` as a route of this speaker, with the canonical attribute block `attributes` and a next hop
    /// (`None`: the speaker's own address towards each peer). Replaces an earlier one.
    ///
    /// # Errors
    /// The block is no valid one, or the family is not routed.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// let block = bgp_wire::attr::AttrBuilder::new().build()?;
    /// speaker.originate(&mut store, "10.244.0.0/16".parse()?, &block, None)?;
    /// while speaker.process(&mut store) {}
    /// assert!(speaker.rib().best(&store, "10.244.0.0/16".parse()?).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// let (prefix, block) = ("10.244.0.0/16".parse()?, bgp_wire::attr::AttrBuilder::new().build()?);
    /// speaker.originate(&mut store, prefix, &block, None)?;
    /// speaker.withdraw(&mut store, prefix);
    /// while speaker.process(&mut store) {}
    /// assert!(speaker.rib().best(&store, prefix).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw(&mut self, store: &mut AttrStore, prefix: IpNet) {
        self.rib.withdraw_local(store, prefix);
        self.work = true;
    }

    /// Sets the cluster that this speaker reflects for (RFC 4456). Sessions that are Established go on with the old one.
    ///
    /// ```
    #[doc = include_str!("../docs/one_peer.doctest")]
    /// speaker.set_cluster_id("244.0.0.1".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        self.peers.iter().flatten().map(|peer| PeerStatus::new(peer))
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<PeerStatus<'_>> {
        self.peer_ref(id).map(PeerStatus::new)
    }

    /// The session that runs over a connection; none: the connection is closing or gone.
    #[must_use]
    pub fn session(&self, conn: ConnId) -> Option<&Session> {
        let (peer, which) = self.line_of(conn)?;
        Some(&self.peer_ref(peer)?.line(which)?.session)
    }

    /// The peer at an address.
    #[must_use]
    pub fn peer_at(&self, address: IpAddr) -> Option<PeerId> {
        self.by_address.get(&address.to_canonical()).copied()
    }

    fn peer_ref(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(index(id))?.as_deref()
    }

    fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(index(id))?.as_deref_mut()
    }

    fn tap(&mut self, conn: ConnId, peer: PeerId, direction: Direction, messages: impl FnOnce() -> Bytes) {
        if self.config.tap {
            self.events.push_back(Event::Tapped { conn, peer, direction, messages: messages() });
        }
    }

    /// The earliest deadline of all peers, and what is due then.
    fn next_deadline(&mut self) -> Option<(Instant, PeerId, Due)> {
        let peers = &self.peers;
        let next = self.deadlines.next(|key| {
            let (id, due) = split(key);
            let peer = peers.get(index(id))?.as_ref()?;
            match due {
                Due::Main => peer.main.session.poll_timeout(),
                Due::Second => peer.second.as_ref()?.session.poll_timeout(),
                Due::Restart => peer.restart.as_ref()?.poll_timeout(),
            }
        });
        next.map(|(at, key)| (at, split(key).0, split(key).1))
    }
}

/// What a peer's deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Main,
    Second,
    Restart,
}

impl From<Which> for Due {
    fn from(which: Which) -> Due {
        match which {
            Which::Main => Due::Main,
            Which::Second => Due::Second,
        }
    }
}

fn index(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap_or(usize::MAX)
}

/// A number for each deadline; peers have 20 bits.
fn key(peer: PeerId, due: Due) -> u32 {
    let due = match due {
        Due::Main => 0,
        Due::Second => 1,
        Due::Restart => 2,
    };
    peer.0.wrapping_mul(4) | due
}

fn split(key: u32) -> (PeerId, Due) {
    let due = match key % 4 {
        0 => Due::Main,
        1 => Due::Second,
        _ => Due::Restart,
    };
    (PeerId(key / 4), due)
}

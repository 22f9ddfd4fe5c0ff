//! The speaker: sessions and tables of many peers behind one set of inputs, outputs and deadlines.

mod bfd;
mod collision;
mod connections;
mod deferral;
mod interval;
mod limits;
mod next_hops;
mod peers;
mod policies;
mod ranges;
mod restart;
mod sessions;
mod update;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bgp_fsm::{Instant, Session};
use bgp_rib::{AttrStore, PeerId, Rib};
use bgp_wire::ClusterId;
use bgp_wire::attr::NextHop;
use bytes::{Bytes, BytesMut};
use hashbrown::HashTable;
use ipnet::IpNet;

use crate::config::Config;
use crate::deadlines::Deadlines;
use crate::event::{ConnId, Direction, Event};
use crate::peer::{Peer, Which};
use connections::Connections;
use ranges::Members;

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
    peers: Vec<Option<Peer>>,
    /// By address; the addresses stand in `peers`.
    by_address: HashTable<PeerId>,
    hasher: foldhash::fast::FixedState,
    members: Members,
    connections: Connections,
    deadlines: Deadlines,
    events: VecDeque<Event>,
    /// Until when routes are not chosen, because we have restarted.
    deferral: Option<Instant>,
    /// When a socket last took something.
    clock: Option<Instant>,
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
            by_address: HashTable::new(),
            hasher: foldhash::fast::FixedState::with_seed(seed),
            members: Members::default(),
            connections: Connections::default(),
            deadlines: Deadlines::default(),
            events: VecDeque::new(),
            deferral: None,
            clock: None,
            work: false,
            scratch: BytesMut::new(),
            counters: Counters::default(),
        }
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
            && self.deferral.is_none()
            && self.peer_ref(id).is_some_and(|peer| peer.up)
        {
            while self.connections.waiting(conn) < WAITING_OCTETS {
                match self.rib.pull(store, id) {
                    Some(messages) => {
                        let messages = self.paced(id, messages);
                        self.tap(conn, id, Direction::Sent, || messages.clone());
                        self.connections.queue(conn, messages);
                    }
                    // What was due under the old configuration has been given.
                    None if self.change_tables(store, id, conn) => {}
                    None => {
                        self.all_told(id, conn);
                        break;
                    }
                }
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
        self.vacate(store);
        if self.deferral.is_some() {
            return false;
        }
        if self.work {
            self.work = self.rib.process(store, WORK_PER_CALL);
        }
        self.tell_ready();
        self.work
    }

    /// What the driver has to do or may want to know, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if let Some(Event::Left { .. }) = event {
            self.left();
        }
        event.or_else(|| self.rib.poll_event().map(Event::Rib))
    }

    /// When [`Speaker::handle_timeout`] is due; `None` while no timer runs.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let session = self.next_deadline().map(|(at, _)| at);
        session.into_iter().chain(self.connections.next_abort()).chain(self.deferral).min()
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

    /// Why a peer was sent the paths of a prefix, or not: [`Rib::explain_export`].
    pub fn explain_export(
        &mut self,
        store: &mut AttrStore,
        peer: PeerId,
        prefix: IpNet,
    ) -> Vec<(bgp_rib::PathRef, bgp_rib::Exported)> {
        self.rib.explain_export(store, peer, prefix)
    }

    /// The session that runs over a connection; none: the connection is closing or gone.
    #[must_use]
    pub fn session(&self, conn: ConnId) -> Option<&Session> {
        let (peer, which) = self.line_of(conn)?;
        Some(&self.peer_ref(peer)?.line(which)?.session)
    }

    /// Tells which connections have got something to send.
    fn tell_ready(&mut self) {
        while let Some(peer) = self.rib.poll_ready() {
            // What waits already is polled until nothing does, and that finds the new octets.
            if let Some(conn) = self.peer_ref(peer).filter(|peer| peer.up).and_then(|peer| peer.main.conn)
                && self.connections.waiting(conn) == 0
            {
                self.events.push_back(Event::Transmit { conn });
            }
        }
    }

    fn peer_ref(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(index(id))?.as_ref()
    }

    fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(index(id))?.as_mut()
    }

    fn tap(&mut self, conn: ConnId, peer: PeerId, direction: Direction, messages: impl FnOnce() -> Bytes) {
        if self.config.tap {
            self.events.push_back(Event::Tapped { conn, peer, direction, messages: messages() });
        }
    }

    /// The earliest deadline of all peers.
    fn next_deadline(&mut self) -> Option<(Instant, PeerId)> {
        let peers = &self.peers;
        let next = self.deadlines.next(|id| peers.get(index(PeerId(id)))?.as_ref()?.deadline().map(|(at, _)| at));
        next.map(|(at, id)| (at, PeerId(id)))
    }
}

fn index(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap_or(usize::MAX)
}

/// The seed of a peer's session: of the main one, or of a second one by its number, which counts from 1.
fn seed_of(speaker: u64, peer: PeerId, number: u32) -> u64 {
    let place = u64::from(peer.0).wrapping_add(1) | u64::from(number) << 32;
    speaker ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

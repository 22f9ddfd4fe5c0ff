//! The TCP connections of all peers, open and closing.

use alloc::vec::Vec;
use core::mem;

use bgp_fsm::Instant;
use bgp_rib::PeerId;
use bytes::Bytes;

use crate::connection::{Incoming, Outgoing};
use crate::deadlines::Deadlines;
use crate::event::ConnId;

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: PeerId,
    /// Nothing is received any more; it is closed when it has drained, aborted at this instant.
    closing: Option<Instant>,
    incoming: Incoming,
    outgoing: Outgoing,
}

/// What became of octets that a socket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// A closing connection has drained.
    pub(super) drained: bool,
    /// How many UPDATEs ended among them.
    pub(super) updates: u64,
}

/// All connections; an id names a slot and how often the slot has been used.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
    /// When closing connections are aborted, by slot.
    aborts: Deadlines,
}

impl Connections {
    pub(super) fn open(&mut self, peer: PeerId) -> ConnId {
        let connection =
            Connection { peer, closing: None, incoming: Incoming::default(), outgoing: Outgoing::default() };
        if let Some(slot) = self.free.pop()
            && let Some((generation, place)) = self.slots.get_mut(index(slot))
        {
            *generation = generation.wrapping_add(1);
            *place = Some(connection);
            return ConnId { slot, generation: *generation };
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push((0, Some(connection)));
        ConnId { slot, generation: 0 }
    }

    fn of(&self, conn: ConnId) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(index(conn.slot))?;
        connection.as_ref().filter(|_| *generation == conn.generation)
    }

    fn of_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(index(conn.slot))?;
        connection.as_mut().filter(|_| *generation == conn.generation)
    }

    /// Whose connection it is, unless it is closing.
    pub(super) fn peer(&self, conn: ConnId) -> Option<PeerId> {
        self.of(conn).filter(|connection| connection.closing.is_none()).map(|connection| connection.peer)
    }

    /// Whose it is or was, also while it is closing: the peer may be gone by then, and another one have its id.
    pub(super) fn owner(&self, conn: ConnId) -> Option<PeerId> {
        self.of(conn).map(|connection| connection.peer)
    }

    /// The connection is gone, and its id is free; false = it was not there.
    pub(super) fn remove(&mut self, conn: ConnId) -> bool {
        let gone = self.of(conn).is_some();
        if gone && let Some((_, place)) = self.slots.get_mut(index(conn.slot)) {
            *place = None;
            self.free.push(conn.slot);
        }
        gone
    }

    /// Queues messages of the tables.
    pub(super) fn queue(&mut self, conn: ConnId, messages: Bytes) {
        if let Some(connection) = self.of_mut(conn) {
            connection.outgoing.push(messages);
        }
    }

    /// Queues messages of a session; true = nothing waited before.
    pub(super) fn queue_urgent(&mut self, conn: ConnId, messages: Bytes) -> bool {
        let Some(connection) = self.of_mut(conn) else { return false };
        let first = connection.outgoing.is_empty();
        connection.outgoing.push_urgent(messages);
        first && !connection.outgoing.is_empty()
    }

    pub(super) fn waiting(&self, conn: ConnId) -> usize {
        self.of(conn).map_or(0, |connection| connection.outgoing.len())
    }

    pub(super) fn slices(&self, conn: ConnId) -> impl Iterator<Item = &[u8]> {
        self.of(conn).into_iter().flat_map(|connection| connection.outgoing.slices())
    }

    /// The socket took `count` octets.
    pub(super) fn sent(&mut self, conn: ConnId, count: usize) -> Sent {
        match self.of_mut(conn) {
            Some(connection) => {
                let updates = connection.outgoing.advance(count);
                Sent { drained: connection.closing.is_some() && connection.outgoing.is_empty(), updates }
            }
            None => Sent { drained: false, updates: 0 },
        }
    }

    /// Takes the reassembly buffer for the time of a call; given back with [`Connections::put_incoming`].
    pub(super) fn take_incoming(&mut self, conn: ConnId) -> Incoming {
        self.of_mut(conn).map(|connection| mem::take(&mut connection.incoming)).unwrap_or_default()
    }

    pub(super) fn put_incoming(&mut self, conn: ConnId, incoming: Incoming) {
        if let Some(connection) = self.of_mut(conn).filter(|connection| connection.closing.is_none()) {
            connection.incoming = incoming;
        }
    }

    /// Keeps what the session said, and the message that is partly sent: the last word comes behind them.
    pub(super) fn drop_tables(&mut self, conn: ConnId) {
        if let Some(connection) = self.of_mut(conn) {
            connection.outgoing.drop_tables();
        }
    }

    /// Drops all that waits: there is no last word.
    pub(super) fn drop_all(&mut self, conn: ConnId) {
        if let Some(connection) = self.of_mut(conn) {
            connection.outgoing.clear();
        }
    }

    /// Nothing more is received; true = there is nothing to drain either.
    pub(super) fn close(&mut self, conn: ConnId, abort_at: Instant) -> bool {
        let Some(connection) = self.of_mut(conn) else { return true };
        connection.closing = Some(abort_at);
        connection.incoming = Incoming::default();
        let drained = connection.outgoing.is_empty();
        if !drained {
            self.aborts.set(conn.slot, Some(abort_at));
        }
        drained
    }

    /// When the next closing connection is aborted.
    pub(super) fn next_abort(&mut self) -> Option<Instant> {
        let slots = &self.slots;
        let next = self.aborts.next(|slot| slots.get(index(slot))?.1.as_ref()?.closing);
        next.map(|(at, _)| at)
    }

    /// A closing connection whose time is over.
    pub(super) fn pop_abort(&mut self, now: Instant) -> Option<ConnId> {
        let slots = &self.slots;
        let next = self.aborts.next(|slot| slots.get(index(slot))?.1.as_ref()?.closing);
        let (_, slot) = next.filter(|(at, _)| *at <= now)?;
        self.aborts.pop();
        let generation = self.slots.get(index(slot))?.0;
        Some(ConnId { slot, generation })
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

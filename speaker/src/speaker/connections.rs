//! The TCP connections of all peers, open and closing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use bgp_fsm::Instant;
use bgp_rib::PeerId;
use bytes::Bytes;

use crate::connection::{Incoming, Outgoing};
use crate::event::ConnId;

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: PeerId,
    /// Nothing is received any more; it is closed when it has drained, aborted at this instant.
    pub(super) closing: bool,
    pub(super) incoming: Incoming,
    outgoing: Outgoing,
}

/// All connections; an id names a slot and how often the slot has been used.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
    /// Closing connections and when they are aborted; the time to linger is the same for all, so this is in order.
    closing: VecDeque<(Instant, ConnId)>,
}

impl Connections {
    pub(super) fn open(&mut self, peer: PeerId) -> ConnId {
        let connection =
            Connection { peer, closing: false, incoming: Incoming::default(), outgoing: Outgoing::default() };
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

    pub(super) fn of(&self, conn: ConnId) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(index(conn.slot))?;
        connection.as_ref().filter(|_| *generation == conn.generation)
    }

    pub(super) fn of_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(index(conn.slot))?;
        connection.as_mut().filter(|_| *generation == conn.generation)
    }

    /// The connection is gone; its id is free.
    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        self.of(conn)?;
        self.free.push(conn.slot);
        self.slots.get_mut(index(conn.slot))?.1.take()
    }

    /// Queues whole messages; true = nothing waited before.
    pub(super) fn queue(&mut self, conn: ConnId, messages: Bytes) -> bool {
        let Some(connection) = self.of_mut(conn) else { return false };
        let first = connection.outgoing.is_empty();
        connection.outgoing.push(messages);
        first && !connection.outgoing.is_empty()
    }

    pub(super) fn waiting(&self, conn: ConnId) -> usize {
        self.of(conn).map_or(0, |connection| connection.outgoing.len())
    }

    pub(super) fn slices(&self, conn: ConnId) -> impl Iterator<Item = &[u8]> {
        self.of(conn).into_iter().flat_map(|connection| connection.outgoing.slices())
    }

    /// The socket took `count` octets; true = a closing connection has drained.
    pub(super) fn sent(&mut self, conn: ConnId, count: usize) -> bool {
        self.of_mut(conn).is_some_and(|connection| {
            connection.outgoing.advance(count);
            connection.closing && connection.outgoing.is_empty()
        })
    }

    /// Takes the reassembly buffer for the time of a call; given back with [`Connections::put_incoming`].
    pub(super) fn take_incoming(&mut self, conn: ConnId) -> Incoming {
        self.of_mut(conn).map(|connection| mem::take(&mut connection.incoming)).unwrap_or_default()
    }

    pub(super) fn put_incoming(&mut self, conn: ConnId, incoming: Incoming) {
        if let Some(connection) = self.of_mut(conn) {
            connection.incoming = incoming;
        }
    }

    /// Keeps only the message that is partly sent: the session's last word comes behind it.
    pub(super) fn drop_unsent(&mut self, conn: ConnId) {
        if let Some(connection) = self.of_mut(conn) {
            connection.outgoing.drop_unsent();
        }
    }

    /// Nothing more is received; true = there is nothing to drain either.
    pub(super) fn close(&mut self, conn: ConnId, abort_at: Instant) -> bool {
        let Some(connection) = self.of_mut(conn) else { return true };
        connection.closing = true;
        connection.incoming = Incoming::default();
        let drained = connection.outgoing.is_empty();
        if !drained {
            self.closing.push_back((abort_at, conn));
        }
        drained
    }

    /// When the next closing connection is aborted.
    pub(super) fn next_abort(&mut self) -> Option<Instant> {
        while let Some(&(at, conn)) = self.closing.front() {
            if self.of(conn).is_some() {
                return Some(at);
            }
            self.closing.pop_front();
        }
        None
    }

    /// A closing connection whose time is over.
    pub(super) fn pop_abort(&mut self, now: Instant) -> Option<ConnId> {
        let at = self.next_abort()?;
        if at > now {
            return None;
        }
        self.closing.pop_front().map(|(_, conn)| conn)
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

//! TCP connections between simulated hosts: octets in order, one window in flight each way.

use alloc::vec::Vec;
use core::net::SocketAddr;

use bgp_speaker::ConnId;

use super::host::HostId;

/// A connection between two hosts; end 0 dialled.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) ends: [End; 2],
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) host: HostId,
    /// The speaker's name for it; `None` once this end has closed.
    pub(crate) conn: Option<ConnId>,
    pub(crate) address: SocketAddr,
    /// Octets are on their way to the other end: the next go when these have arrived.
    pub(crate) in_flight: bool,
}

/// Names a pipe; used again when both its ends are closed and nothing is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PipeId(u32, u32);

/// All connections of a network.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    slots: Vec<(u32, Option<Pipe>)>,
    free: Vec<u32>,
}

impl Pipes {
    pub(crate) fn open(&mut self, pipe: Pipe) -> PipeId {
        if let Some(slot) = self.free.pop()
            && let Some((generation, place)) = self.slots.get_mut(index(slot))
        {
            *generation = generation.wrapping_add(1);
            *place = Some(pipe);
            return PipeId(slot, *generation);
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push((0, Some(pipe)));
        PipeId(slot, 0)
    }

    pub(crate) fn of(&self, id: PipeId) -> Option<&Pipe> {
        let (generation, pipe) = self.slots.get(index(id.0))?;
        pipe.as_ref().filter(|_| *generation == id.1)
    }

    pub(crate) fn of_mut(&mut self, id: PipeId) -> Option<&mut Pipe> {
        let (generation, pipe) = self.slots.get_mut(index(id.0))?;
        pipe.as_mut().filter(|_| *generation == id.1)
    }

    /// Forgets a connection of which both ends are closed.
    pub(crate) fn reap(&mut self, id: PipeId) {
        if self.of(id).is_some_and(|pipe| pipe.ends.iter().all(|end| end.conn.is_none())) {
            self.free.push(id.0);
            if let Some((_, place)) = self.slots.get_mut(index(id.0)) {
                *place = None;
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pipe> {
        self.slots.iter().filter_map(|(_, pipe)| pipe.as_ref())
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

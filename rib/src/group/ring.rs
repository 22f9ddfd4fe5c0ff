//! The bounded ring of encoded messages that the members of a group share.
//!
//! A chunk is a `Bytes` of many whole messages. Its runs say where the messages of one sender end and which routes
//! they change, with who had been told what before: a member that cannot keep up turns the rest of the ring into
//! a set of routes to look at again, and the ring forgets it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::num::{count, index, wide};

/// Octets after which a chunk is full.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Chunks that a ring keeps at most, however small.
pub(crate) const RING_CHUNKS: usize = 256;

/// Stands for a sender that is no member of the group.
pub(crate) const NO_SENDER: u32 = u32::MAX;

/// A route that a message changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) route: u32,
    /// Whose route the group had been sent before: a member's, another's (`NO_SENDER`), or `None`, nobody's.
    pub(crate) before: Option<u32>,
}

/// Messages of one sender.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The batch it belongs to.
    tick: u64,
    /// Octets from the chunk's start to the end of the run.
    end: u32,
    sender: u32,
    /// Changes of the chunk up to the end of the run.
    changes: u32,
}

#[derive(Debug)]
struct Chunk {
    start: u64,
    bytes: Bytes,
    runs: Vec<Run>,
    changes: Vec<Change>,
    /// Readers that have not passed the end.
    waiting: u32,
}

/// Positions are octets since the ring was made.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    chunks: VecDeque<Chunk>,
    tail: BytesMut,
    tail_runs: Vec<Run>,
    tail_changes: Vec<Change>,
    /// Position of the tail's first octet.
    sealed: u64,
    readers: u32,
    /// Octets of the tail that no run may be joined with: a reader may have to stop there.
    boundary: u32,
}

/// What a member finds at its position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Messages to send; the position behind them.
    Messages(Bytes, u64),
    /// Nothing for this member up to this position.
    Skip(u64),
    /// The end.
    End,
}

impl Ring {
    /// The position behind the last message.
    pub(crate) fn end(&self) -> u64 {
        self.sealed + wide(self.tail.len())
    }

    pub(crate) fn readers(&self) -> u32 {
        self.readers
    }

    /// The batch of the oldest message that is still there.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let runs = self.chunks.front().map_or(&self.tail_runs, |chunk| &chunk.runs);
        runs.first().map(|run| run.tick)
    }

    /// Where new messages are appended.
    pub(crate) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Begins a batch and gives its position, at which readers can stop.
    pub(crate) fn begin(&mut self) -> u64 {
        self.boundary = count(self.tail.len());
        self.end()
    }

    /// Ends a run: what was appended since the last one is of `sender` and makes these changes.
    pub(crate) fn commit(&mut self, sender: u32, changes: impl IntoIterator<Item = Change>, tick: u64) {
        self.tail_changes.extend(changes);
        let run = Run { tick, end: count(self.tail.len()), sender, changes: count(self.tail_changes.len()) };
        match self.tail_runs.last_mut() {
            Some(last) if last.sender == sender && last.end > self.boundary => *last = run,
            _ => self.tail_runs.push(run),
        }
        if self.tail.len() >= CHUNK {
            self.seal();
        }
    }

    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        self.boundary = 0;
        let bytes = core::mem::take(&mut self.tail).freeze();
        let start = self.sealed;
        self.sealed += wide(bytes.len());
        let (mut runs, mut changes) = (core::mem::take(&mut self.tail_runs), core::mem::take(&mut self.tail_changes));
        runs.shrink_to_fit();
        changes.shrink_to_fit();
        if self.readers > 0 {
            let waiting = self.readers;
            self.chunks.push_back(Chunk { start, bytes, runs, changes, waiting });
        }
    }

    /// Lets a reader in at the end and gives its position.
    pub(crate) fn join(&mut self) -> u64 {
        self.seal();
        self.readers += 1;
        self.end()
    }

    /// Takes out a reader that stands at `at`.
    pub(crate) fn leave(&mut self, at: u64) {
        self.readers = self.readers.saturating_sub(1);
        self.pass(at, u64::MAX);
        if self.readers == 0 {
            self.chunks.clear();
            self.seal();
        }
    }

    /// Whether the oldest chunk has to go although somebody has not read it, where `limit` octets are kept; its end.
    pub(crate) fn overfull(&mut self, limit: u32) -> Option<u64> {
        if wide(self.tail.len()) > u64::from(limit) {
            self.seal();
        }
        let front = self.chunks.front()?;
        let over = self.end() - front.start > u64::from(limit) || self.chunks.len() > RING_CHUNKS;
        over.then(|| front.start + wide(front.bytes.len()))
    }

    /// The next messages for the reader `me` at `at`, none of its own and none beyond `until`.
    pub(crate) fn next(&mut self, at: u64, until: u64, me: u32) -> Next {
        if at >= until.min(self.end()) {
            return Next::End;
        }
        if at >= self.sealed {
            self.seal();
        }
        let found = self.chunks.partition_point(|chunk| chunk.start + wide(chunk.bytes.len()) <= at);
        let Some(chunk) = self.chunks.get(found) else { return Next::End };
        let mut from = at - chunk.start;
        let mut to = from;
        let first = chunk.runs.partition_point(|run| u64::from(run.end) <= from);
        for run in chunk.runs.iter().skip(first) {
            if chunk.start + to >= until {
                break;
            }
            let own = run.sender == me;
            if own && to > from {
                break;
            }
            to = u64::from(run.end);
            if own {
                from = to;
            }
        }
        let next = chunk.start + to;
        let range = (usize::try_from(from), usize::try_from(to));
        let bytes = match range {
            (Ok(from), Ok(to)) if from < to && to <= chunk.bytes.len() => Some(chunk.bytes.slice(from..to)),
            _ => None,
        };
        self.pass(at, next);
        bytes.map_or(Next::Skip(next), |bytes| Next::Messages(bytes, next))
    }

    /// All changes behind `at`, oldest first, each with the sender and the batch of its message.
    pub(crate) fn changes_from(&self, at: u64) -> impl Iterator<Item = (Change, u32, u64)> {
        let sealed = self.chunks.iter().map(|c| (c.start, &c.runs, &c.changes));
        let open = core::iter::once((self.sealed, &self.tail_runs, &self.tail_changes));
        sealed.chain(open).flat_map(move |(start, runs, changes)| {
            let first = runs.partition_point(|run| start + u64::from(run.end) <= at);
            let mut from = first.checked_sub(1).and_then(|read| runs.get(read)).map_or(0, |run| index(run.changes));
            runs.iter().skip(first).flat_map(move |run| {
                let own = changes.get(from..index(run.changes)).unwrap_or_default();
                from = index(run.changes);
                own.iter().map(|change| (*change, run.sender, run.tick))
            })
        })
    }

    /// A reader goes from `at` to `next`: the chunks whose end it passes wait for one less.
    fn pass(&mut self, at: u64, next: u64) {
        for chunk in &mut self.chunks {
            let end = chunk.start + wide(chunk.bytes.len());
            if end > at && end <= next {
                chunk.waiting = chunk.waiting.saturating_sub(1);
            }
            if end > next {
                break;
            }
        }
        while self.chunks.front().is_some_and(|chunk| chunk.waiting == 0) {
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(ring: &mut Ring, sender: u32, octets: &[u8]) {
        ring.begin();
        ring.tail().extend_from_slice(octets);
        ring.commit(sender, [Change { route: u32::from(octets[0]), before: None }], 7);
    }

    fn read(ring: &mut Ring, at: &mut u64, me: u32) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match ring.next(*at, u64::MAX, me) {
                Next::Messages(bytes, next) => {
                    all.push(bytes.to_vec());
                    *at = next;
                }
                Next::Skip(next) => *at = next,
                Next::End => return all,
            }
        }
    }

    #[test]
    fn a_reader_gets_everything_but_its_own_in_the_longest_runs() {
        let mut ring = Ring::default();
        let (mut one, mut two) = (ring.join(), ring.join());
        for (sender, octets) in [(1, b"aa"), (2, b"bb"), (3, b"cc"), (1, b"dd")] {
            put(&mut ring, sender, octets);
        }
        assert_eq!(read(&mut ring, &mut one, 1), [b"bbcc".to_vec()]);
        assert_eq!(read(&mut ring, &mut two, 2), [b"aa".to_vec(), b"ccdd".to_vec()]);
        assert_eq!((ring.chunks.len(), ring.end(), ring.oldest()), (0, 8, None));
    }

    #[test]
    fn what_comes_after_a_read_is_seen_and_the_rest_is_dropped() {
        let mut ring = Ring::default();
        let (mut one, two) = (ring.join(), ring.join());
        put(&mut ring, 9, b"aa");
        assert_eq!(read(&mut ring, &mut one, 1), [b"aa".to_vec()]);
        put(&mut ring, 9, b"bb");
        assert_eq!(read(&mut ring, &mut one, 1), [b"bb".to_vec()]);
        assert_eq!(ring.chunks.len(), 2);
        assert_eq!(ring.changes_from(two).map(|c| c.0.route).collect::<Vec<_>>(), [97, 98]);
        assert_eq!(ring.changes_from(2).map(|c| c.0.route).collect::<Vec<_>>(), [98]);
        ring.leave(two);
        assert_eq!((ring.chunks.len(), ring.readers()), (0, 1));
    }

    #[test]
    fn a_read_stops_where_it_is_told_to() {
        let mut ring = Ring::default();
        let at = ring.join();
        put(&mut ring, 9, b"aa");
        put(&mut ring, 9, b"bb");
        assert_eq!(ring.next(at, 2, 1), Next::Messages(Bytes::from_static(b"aa"), 2));
        assert_eq!(ring.next(2, 2, 1), Next::End);
        assert_eq!(ring.next(2, 9, 1), Next::Messages(Bytes::from_static(b"bb"), 4));
    }
}

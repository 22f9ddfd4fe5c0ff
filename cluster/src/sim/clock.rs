//! The virtual clock: what happens when, in an order that only the seed decides.

use alloc::collections::BinaryHeap;
use core::cmp::{Ordering, Reverse};

use bgp_fsm::Instant;

/// Events in the order of their time; those of one instant in the order they were put in.
#[derive(Debug)]
pub(crate) struct Clock<E> {
    now: Instant,
    sequence: u64,
    queue: BinaryHeap<Reverse<Entry<E>>>,
}

#[derive(Debug)]
struct Entry<E> {
    at: Instant,
    sequence: u64,
    event: E,
}

impl<E> Clock<E> {
    pub(crate) fn new(now: Instant) -> Clock<E> {
        Clock { now, sequence: 0, queue: BinaryHeap::new() }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Puts an event in; one in the past happens now.
    pub(crate) fn schedule(&mut self, at: Instant, event: E) {
        self.sequence += 1;
        self.queue.push(Reverse(Entry { at: at.max(self.now), sequence: self.sequence, event }));
    }

    /// When the next event is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the next event that is due at `limit` or before, and moves the clock to it.
    pub(crate) fn pop(&mut self, limit: Instant) -> Option<E> {
        if self.next()? > limit {
            return None;
        }
        let Reverse(entry) = self.queue.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }

    /// Moves the clock on where nothing happens.
    pub(crate) fn advance(&mut self, to: Instant) {
        self.now = self.now.max(to);
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Entry<E>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Entry<E>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Entry<E>) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

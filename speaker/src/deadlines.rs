//! One deadline for many timers: a heap of what was asked for, corrected lazily.
//!
//! A session's deadline moves with nearly every message (the hold timer restarts), and nearly always to a later time.
//! So the heap keeps the old, earlier entry, and [`Deadlines::next`] puts it right when it comes to the top: a
//! message costs no heap operation at all.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use bgp_fsm::Instant;

/// The deadlines of keys `0..n`, one per key.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// The instant under which a key stands in the heap; at most one live entry per key.
    queued: Vec<Option<Instant>>,
}

impl Deadlines {
    /// Says that `key` is due at `at`; later than before costs nothing.
    pub(crate) fn set(&mut self, key: u32, at: Option<Instant>) {
        let Some(at) = at else { return };
        let index = index(key);
        if index >= self.queued.len() {
            self.queued.resize(index.saturating_add(1), None);
        }
        if let Some(queued) = self.queued.get_mut(index)
            && queued.is_none_or(|queued| at < queued)
        {
            *queued = Some(at);
            self.heap.push(Reverse((at, key)));
        }
        if self.heap.len() > self.queued.len().saturating_mul(2).saturating_add(64) {
            self.forget_dead();
        }
    }

    /// The earliest key and its instant, where `current` gives what a key's deadline really is by now.
    pub(crate) fn next(&mut self, current: impl Fn(u32) -> Option<Instant>) -> Option<(Instant, u32)> {
        loop {
            let &Reverse((at, key)) = self.heap.peek()?;
            let live = self.queued.get(index(key)).copied().flatten() == Some(at);
            match current(key) {
                Some(real) if live && real <= at => return Some((at, key)),
                real => {
                    self.heap.pop();
                    if live {
                        if let Some(queued) = self.queued.get_mut(index(key)) {
                            *queued = None;
                        }
                        self.set(key, real);
                    }
                }
            }
        }
    }

    /// Takes the entry that [`Deadlines::next`] named off, before its key is served.
    pub(crate) fn pop(&mut self) {
        if let Some(Reverse((at, key))) = self.heap.pop()
            && let Some(queued) = self.queued.get_mut(index(key))
            && *queued == Some(at)
        {
            *queued = None;
        }
    }
}

impl Deadlines {
    /// Entries that were overtaken by an earlier one of their key stay until they come to the top; here they go at once.
    fn forget_dead(&mut self) {
        let queued = &self.queued;
        self.heap.retain(|Reverse((at, key))| queued.get(index(*key)).copied().flatten() == Some(*at));
    }
}

fn index(key: u32) -> usize {
    usize::try_from(key).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_deadline_that_moved_on_is_not_reported_early() {
        let mut deadlines = Deadlines::default();
        let at = |seconds| Some(Instant::from_secs(seconds));
        deadlines.set(0, at(10));
        deadlines.set(1, at(20));
        assert_eq!(deadlines.next(|key| if key == 0 { at(30) } else { at(20) }), Some((Instant::from_secs(20), 1)));
        deadlines.pop();
        assert_eq!(deadlines.next(|key| if key == 0 { at(30) } else { None }), Some((Instant::from_secs(30), 0)));
    }

    proptest! {
        #[test]
        fn the_next_deadline_is_the_minimum(changes in proptest::collection::vec((0u32..8, proptest::option::of(1u64..50)), 1..400)) {
            let mut deadlines = Deadlines::default();
            let mut real = [None; 8];
            for (key, at) in changes {
                let at = at.map(Instant::from_secs);
                real[key as usize] = at;
                deadlines.set(key, at);
                let least = real.iter().flatten().min().copied();
                prop_assert_eq!(deadlines.next(|key| real[key as usize]).map(|(at, _)| at), least);
                prop_assert!(deadlines.heap.len() <= 2 * 8 + 64);
            }
        }
    }
}

//! Routes that wait for gaps: the ends of messages that the next route does not fit into.

use alloc::vec::Vec;

use crate::nlri::Encoded;

/// Some routes of each size, last in first out.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare {
    by_len: Vec<Vec<Encoded>>,
}

impl Spare {
    pub(super) fn clear(&mut self) {
        self.by_len.iter_mut().for_each(Vec::clear);
    }

    /// Whether there is room for another route of `len` octets.
    pub(super) fn takes(&self, len: usize) -> bool {
        self.count(len) < PER_LEN
    }

    pub(super) fn put(&mut self, encoded: Encoded) {
        let len = encoded.as_bytes().len();
        if self.by_len.len() <= len {
            self.by_len.resize_with(len + 1, Vec::new);
        }
        if let Some(routes) = self.by_len.get_mut(len) {
            routes.push(encoded);
        }
    }

    /// Takes out a route that fits into `gap` octets, as one of those that fill it best.
    pub(super) fn filler(&mut self, gap: usize) -> Option<Encoded> {
        if self.by_len.is_empty() {
            return None;
        }
        // Larger gaps are no gaps: any route does, the largest first leaves the small ones for later.
        if gap > Encoded::MAX {
            return self.largest();
        }
        // Which sums up to the gap can be made of the sizes at hand?
        let mut reachable = [false; Encoded::MAX + 1];
        for sum in 0..=gap {
            let made = sum == 0
                || (1..=sum).any(|len| self.count(len) > 0 && reachable.get(sum - len).copied().unwrap_or(false));
            if let Some(place) = reachable.get_mut(sum) {
                *place = made;
            }
        }
        let best = reachable.iter().rposition(|made| *made)?;
        let fits = |len: &usize| self.count(*len) > 0 && reachable.get(best - len).copied().unwrap_or(false);
        let len = (1..=best).rev().find(fits)?;
        self.take(len)
    }

    /// Takes out one of the largest routes.
    pub(super) fn largest(&mut self) -> Option<Encoded> {
        let len = self.by_len.iter().rposition(|routes| !routes.is_empty())?;
        self.take(len)
    }

    fn count(&self, len: usize) -> usize {
        self.by_len.get(len).map_or(0, Vec::len)
    }

    fn take(&mut self, len: usize) -> Option<Encoded> {
        self.by_len.get_mut(len)?.pop()
    }
}

/// Routes of one size that wait; a gap of at most 20 octets takes a few.
const PER_LEN: usize = 128;

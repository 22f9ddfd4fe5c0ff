//! Routes that wait for gaps: the ends of messages that the next route does not fit into.

use alloc::vec::Vec;

/// Some routes of each size, last in first out.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare {
    /// The octets of all routes of one length, at the place of the length.
    by_len: Vec<Vec<u8>>,
}

impl Spare {
    pub(super) fn clear(&mut self) {
        self.by_len.iter_mut().for_each(Vec::clear);
    }

    /// Whether there is room for another route of `len` octets.
    pub(super) fn takes(&self, len: usize) -> bool {
        self.octets(len) < PER_LEN * len
    }

    pub(super) fn put(&mut self, route: &[u8]) {
        let len = route.len();
        if self.by_len.len() <= len {
            self.by_len.resize_with(len + 1, Vec::new);
        }
        if let Some(routes) = self.by_len.get_mut(len) {
            routes.extend_from_slice(route);
        }
    }

    /// Takes out a route that fits into `gap` octets, as one of those that fill it best; false: there is none.
    pub(super) fn fill(&mut self, gap: usize, give: impl FnOnce(&[u8])) -> bool {
        if self.by_len.is_empty() {
            return false;
        }
        // Larger gaps are no gaps: any route does, the largest first leaves the small ones for later.
        if gap > LARGEST_GAP {
            let within = self.by_len.get(..=gap).unwrap_or(&self.by_len);
            return match within.iter().rposition(|routes| !routes.is_empty()) {
                Some(len) => self.take(len, give),
                None => false,
            };
        }
        // Which sums up to the gap can be made of the sizes at hand?
        let mut reachable = [false; LARGEST_GAP + 1];
        for sum in 0..=gap {
            let made = sum == 0
                || (1..=sum).any(|len| self.octets(len) > 0 && reachable.get(sum - len).copied().unwrap_or(false));
            if let Some(place) = reachable.get_mut(sum) {
                *place = made;
            }
        }
        let Some(best) = reachable.iter().rposition(|made| *made) else { return false };
        let fits = |len: &usize| self.octets(*len) > 0 && reachable.get(best - len).copied().unwrap_or(false);
        match (1..=best).rev().find(fits) {
            Some(len) => self.take(len, give),
            None => false,
        }
    }

    /// Takes out one of the largest routes; false: there is none.
    pub(super) fn take_largest(&mut self, give: impl FnOnce(&[u8])) -> bool {
        match self.by_len.iter().rposition(|routes| !routes.is_empty()) {
            Some(len) => self.take(len, give),
            None => false,
        }
    }

    /// Octets of the routes of one length.
    fn octets(&self, len: usize) -> usize {
        self.by_len.get(len).map_or(0, Vec::len)
    }

    fn take(&mut self, len: usize, give: impl FnOnce(&[u8])) -> bool {
        let Some(routes) = self.by_len.get_mut(len) else { return false };
        let Some(start) = routes.len().checked_sub(len) else { return false };
        if let Some(route) = routes.get(start..) {
            give(route);
        }
        routes.truncate(start);
        true
    }
}

/// Routes of one size that wait; a gap takes a few.
const PER_LEN: usize = 128;
/// The largest gap that is filled with care: that of the longest NLRI of a family with a bound, an EVPN route of 257
/// octets with a path identifier.
const LARGEST_GAP: usize = 261;

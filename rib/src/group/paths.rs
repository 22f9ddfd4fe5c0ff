//! The paths of a group that is sent several of them per prefix (RFC 7911): a slot for each, which is its identifier.

use alloc::collections::VecDeque;

use smallvec::SmallVec;

use crate::bits::Bits;
use crate::dest::Dest;
use crate::pages::Pages;
use crate::path::Path;

/// Which path of its prefix a slot stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathKey {
    peer: u32,
    path_id: u32,
}

impl PathKey {
    /// The best one, whichever that is: families that the session has one path of.
    pub(super) const BEST: PathKey = PathKey { peer: u32::MAX, path_id: 0 };

    /// Whether it stands for a path, or for the best whichever that is.
    pub(super) fn is_of(self, path: &Path) -> bool {
        self == PathKey::of(path) || self == PathKey::BEST
    }

    /// That of one peer with one identifier, for as long as it is there.
    pub(super) fn of(path: &Path) -> PathKey {
        PathKey { peer: path.peer(), path_id: path.path_id }
    }
}

#[derive(Debug)]
struct Slot {
    prefix: Dest,
    key: PathKey,
}

/// Slots by number. A path has one from when it is chosen until it no longer is; the number is used again when no
/// message and no member can name the path any more.
#[derive(Debug, Default)]
pub(super) struct Slots {
    rows: Pages<Slot>,
    /// The slots of each route.
    of_route: Pages<SmallVec<[u32; 2]>>,
    free: Bits,
    /// Slots without a path, with the batch in which they became so.
    retired: VecDeque<(u64, u32)>,
    /// Of these, those that no message in the ring names.
    held: Bits,
}

impl Slots {
    pub(super) fn prefix(&self, slot: u32) -> Option<Dest> {
        self.rows.get(slot).map(|row| row.prefix)
    }

    /// The slots of a route whose paths `is` asks for.
    pub(super) fn find(&self, route: u32, is: impl Fn(PathKey) -> bool) -> SmallVec<[u32; 8]> {
        let slots = self.of_route.get(route).into_iter().flatten().copied();
        slots.filter(|slot| self.rows.get(*slot).is_some_and(|row| is(row.key))).collect()
    }

    /// The slots of the paths of `peer`; `has_best`: the best is one of them.
    pub(super) fn of_peer(&self, route: u32, peer: u32, has_best: bool) -> SmallVec<[u32; 8]> {
        self.find(route, |key| key.peer == peer || has_best && key == PathKey::BEST)
    }

    /// The slot of a path, which gets one where it has none; `None`: 2^32 - 1 are in use.
    pub(super) fn of(&mut self, route: u32, prefix: Dest, key: PathKey) -> Option<u32> {
        if let Some(slot) = self.find(route, |one| one == key).first() {
            return Some(*slot);
        }
        let slots = self.of_route.entry(route, &SmallVec::new())?;
        let row = Slot { prefix, key };
        let slot = match self.free.pop_first() {
            Some(slot) => {
                *self.rows.get_mut(slot)? = row;
                slot
            }
            None => self.rows.push(row)?,
        };
        slots.push(slot);
        Some(slot)
    }

    /// The path of `slot` is no longer chosen, from the batch `tick` on.
    pub(super) fn retire(&mut self, route: u32, slot: u32, tick: u64) {
        if let Some(slots) = self.of_route.get_mut(route) {
            slots.retain(|one| *one != slot);
            slots.shrink_to_fit();
        }
        self.retired.push_back((tick, slot));
    }

    /// Frees the slots that no message since the batch `oldest` names and that nobody awaits.
    pub(super) fn free_before(&mut self, oldest: u64, is_awaited: impl Fn(u32) -> bool) {
        while let Some((_, slot)) = self.retired.front().copied().filter(|(tick, _)| *tick < oldest) {
            self.retired.pop_front();
            if is_awaited(slot) {
                self.held.insert(slot)
            } else {
                self.free.insert(slot)
            };
        }
    }

    /// A walk has ended: looks again at the slots that somebody awaited.
    pub(super) fn free_held(&mut self, is_awaited: impl Fn(u32) -> bool) {
        let mut next = self.held.next_from(0);
        while let Some(slot) = next {
            if !is_awaited(slot) {
                self.held.remove(slot);
                self.free.insert(slot);
            }
            next = slot.checked_add(1).and_then(|from| self.held.next_from(from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7911_3_an_identifier_is_not_used_again_while_it_can_be_named() {
        let (mut slots, prefix) = (Slots::default(), Dest::Net("10.0.0.0/8".parse().unwrap()));
        let key = |peer| PathKey { peer, path_id: 0 };
        assert_eq!((slots.of(7, prefix, key(1)), slots.of(7, prefix, key(2))), (Some(0), Some(1)));
        assert_eq!(slots.of(7, prefix, key(1)), Some(0));
        slots.retire(7, 0, 5);
        slots.free_before(5, |_| false);
        assert_eq!(slots.of(7, prefix, key(3)), Some(2), "a message of batch 5 names the first");
        slots.free_before(6, |slot| slot == 0);
        assert_eq!(slots.of(7, prefix, key(4)), Some(3), "a member waits for the first");
        slots.free_held(|_| false);
        assert_eq!(slots.of(8, prefix, key(1)), Some(0));
        assert_eq!(slots.of_peer(7, 2, false).as_slice(), [1]);
    }
}

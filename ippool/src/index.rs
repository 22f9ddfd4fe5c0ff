//! Blocks by address, with what a search needs to know: which space is taken, which blocks are empty, which have room.
//!
//! A search takes O(log n) steps for each block it looks at, and it looks only at blocks that may be the answer: a full
//! pool is one range of taken space, however many blocks it has.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use crate::block::{Block, HostReservation};
use crate::key::{IpVersion, Key, Owner};
use crate::net;
use crate::pool::Resources;
use crate::reservation::Reservations;
use crate::time::UnixTime;
use crate::value::Stored;
use crate::value::Value;
use crate::walk::BlockWalk;

mod search;

/// A search among all blocks of one IP version. What it finds is a hint: a block is only ever changed after it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// What is looked for.
    pub goal: Goal,
    /// The IP version.
    pub version: IpVersion,
    /// The pools in the order in which they are walked, each from where the owner begins.
    pub pools: Vec<BlockWalk>,
    /// Who looks.
    pub owner: Owner,
    /// Whose reserved addresses are no use.
    pub resources: Arc<Resources>,
    /// What a new block would keep back for its host.
    pub kept_back: Option<HostReservation>,
    /// The time.
    pub now: UnixTime,
    /// For how many seconds released addresses cool down.
    pub cooldown: i64,
}

/// What a search looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// Blocks that do not exist and overlap none, or are the owner's and have a free address: the first so many of the
    /// pools.
    Claim(usize),
    /// Empty blocks that were claimed at least a minute ago, at most [`MAX_IDLE`].
    Idle,
    /// Blocks with a free address, whoever they belong to, at most so many.
    Borrow(usize),
    /// Every block that shares an address with one of these prefixes, pools or not.
    Overlap(Vec<IpNet>),
}

/// A block that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the answer of every store with an index")]
pub struct Found {
    /// The place of its pool in [`Search::pools`], or of the prefix in [`Goal::Overlap`].
    pub pool: usize,
    /// The block.
    pub cidr: IpNet,
}

/// At most so many idle blocks are found by one search.
pub const MAX_IDLE: usize = 64;

/// How long an empty block stays its owner's after being claimed, in seconds.
pub(crate) const MIN_AGE: i64 = 60;

/// The blocks of a store by address: the part of [`MemoryStore`](crate::MemoryStore) that holds them, and a mirror for
/// drivers of stores without a search of their own, which put in every block that they read or write.
///
/// ```
/// use std::sync::Arc;
/// use ippool::index::Index;
/// use ippool::store::{Revision, Stored};
/// use ippool::{Block, Value};
/// let (cidr, mut index) = ("10.0.0.0/30".parse()?, Index::default());
/// let value = Value::Block(Arc::new(Block::new(cidr, 1, None)?));
/// index.insert(cidr, Stored { value, revision: Revision(1) });
/// assert!(index.get(&cidr).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    v4: Space,
    v6: Space,
}

/// Where a block begins, and its length.
type Place = (u128, u8);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Space {
    blocks: BTreeMap<Place, Stored>,
    /// Space that blocks take, as ranges that do not touch: first and last address.
    taken: BTreeMap<u128, u128>,
    empty: BTreeSet<Place>,
    room: BTreeSet<Place>,
    owned: BTreeMap<Owner, BTreeSet<Place>>,
}

impl Index {
    /// Puts a block in, or what stands in its place if that is invalid or being deleted; returns what was there.
    pub fn insert(&mut self, cidr: IpNet, stored: Stored) -> Option<Stored> {
        let (version, place) = (IpVersion::of(&cidr), place(&cidr));
        let space = self.space_mut(version);
        let flags = Flags::of(&stored);
        let new_owner = owner(&stored).cloned();
        let taken = !stored.value.is_deleted();
        let old = space.blocks.insert(place, stored);
        let old_flags = old.as_ref().map_or(Flags::default(), Flags::of);
        let old_owner = old.as_ref().and_then(owner);
        set(&mut space.empty, place, old_flags.empty, flags.empty);
        set(&mut space.room, place, old_flags.room, flags.room);
        if old_owner != new_owner.as_ref() {
            disown(&mut space.owned, old_owner, place);
            if let Some(owner) = new_owner {
                space.owned.entry(owner).or_default().insert(place);
            }
        }
        match (old.as_ref().is_some_and(|old| !old.value.is_deleted()), taken) {
            (false, true) => space.take(net::span(&cidr)),
            (true, false) => space.give(version, net::span(&cidr)),
            _ => {}
        }
        old
    }

    /// Takes a block out; returns what was there.
    pub fn remove(&mut self, cidr: &IpNet) -> Option<Stored> {
        let (version, place) = (IpVersion::of(cidr), place(cidr));
        let space = self.space_mut(version);
        let old = space.blocks.remove(&place)?;
        space.empty.remove(&place);
        space.room.remove(&place);
        disown(&mut space.owned, owner(&old), place);
        if !old.value.is_deleted() {
            space.give(version, net::span(cidr));
        }
        Some(old)
    }

    /// What is stored for a block.
    #[must_use]
    pub fn get(&self, cidr: &IpNet) -> Option<&Stored> {
        self.space(IpVersion::of(cidr)).blocks.get(&place(cidr))
    }

    /// The blocks of a version in the order of their addresses.
    pub fn iter(&self, version: IpVersion) -> impl Iterator<Item = (IpNet, &Stored)> + '_ {
        let cidr = move |(number, len): Place| net::prefix(version, number, len);
        self.space(version).blocks.iter().filter_map(move |(place, stored)| Some((cidr(*place)?, stored)))
    }

    /// How many blocks of a length could still be made in a pool, and how many addresses of those are not reserved.
    ///
    /// Looks at each gap between taken ranges once.
    pub(crate) fn room_for(&self, pool: &IpNet, len: u8, reserved: &Reservations) -> (u128, u128) {
        let version = IpVersion::of(pool);
        let shift = u32::from(version.width().saturating_sub(len));
        let size = 1u128.checked_shl(shift).unwrap_or(0);
        let (first, last) = net::span(pool);
        let (mut blocks, mut addresses) = (0u128, 0u128);
        if len < pool.prefix_len() || size == 0 {
            return (0, 0);
        }
        let mut gap = |from: u128, to: u128| {
            // Whole blocks between the two, by their numbers; a wholly reserved one is of no use.
            let low = (from >> shift).saturating_add(u128::from(from & (size - 1) != 0));
            let high = to.checked_add(1).map_or(u128::MAX >> shift, |end| (end >> shift).saturating_sub(1));
            if to < from || high < low || (to.saturating_add(1) >> shift) == 0 {
                return;
            }
            let (start, end) = (low << shift, (high << shift) | (size - 1));
            let wasted = reserved.whole_blocks(version, start, end, shift);
            blocks = blocks.saturating_add((high - low).saturating_add(1).saturating_sub(wasted));
            let all = (end - start).saturating_add(1);
            addresses = addresses.saturating_add(all.saturating_sub(reserved.count_between(pool, start, end)));
        };
        let mut at = first;
        let before = self.space(version).taken.range(..first).next_back();
        for (from, to) in before.into_iter().chain(self.space(version).taken.range(first..=last)) {
            if *from > at {
                gap(at, from - 1);
            }
            at = at.max(to.saturating_add(1));
            if *to >= last {
                return (blocks, addresses);
            }
        }
        gap(at, last);
        (blocks, addresses)
    }

    fn space(&self, version: IpVersion) -> &Space {
        match version {
            IpVersion::V4 => &self.v4,
            IpVersion::V6 => &self.v6,
        }
    }

    fn space_mut(&mut self, version: IpVersion) -> &mut Space {
        match version {
            IpVersion::V4 => &mut self.v4,
            IpVersion::V6 => &mut self.v6,
        }
    }
}

/// The blocks of a list of stored objects; others are passed over.
impl FromIterator<(Key, Stored)> for Index {
    fn from_iter<I: IntoIterator<Item = (Key, Stored)>>(objects: I) -> Index {
        let mut index = Index::default();
        for (key, stored) in objects {
            if let Key::Block(cidr) = key {
                index.insert(cidr, stored);
            }
        }
        index
    }
}

impl Space {
    /// Marks a range as taken; ranges that meet or overlap become one.
    fn take(&mut self, (mut first, mut last): (u128, u128)) {
        while let Some((from, to)) = self.taken.range(..=last.saturating_add(1)).next_back().map(|(f, t)| (*f, *t)) {
            if to.saturating_add(1) < first {
                break;
            }
            self.taken.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.taken.insert(first, last);
    }

    /// Gives a range back, but for what other blocks take of it.
    fn give(&mut self, version: IpVersion, (first, last): (u128, u128)) {
        if let Some((from, to)) = self.taken.range(..=first).next_back().map(|(f, t)| (*f, *t))
            && to >= last
        {
            self.taken.remove(&from);
            if from < first {
                self.taken.insert(from, first - 1);
            }
            if to > last {
                self.taken.insert(last + 1, to);
            }
        }
        for other in self.overlapping(version, first, last) {
            self.take(net::span(&other));
        }
    }

    /// The range of taken space that begins last before or at `end`, if it reaches `first`.
    fn taken_in(&self, first: u128, end: u128) -> Option<u128> {
        self.taken.range(..=end).next_back().map(|(_, to)| *to).filter(|to| *to >= first)
    }

    /// The blocks that share an address with a range that begins where a prefix may begin.
    fn overlapping(&self, version: IpVersion, first: u128, last: u128) -> Vec<IpNet> {
        let live = |place: &Place| self.blocks.get(place).is_some_and(|stored| !stored.value.is_deleted());
        let mut found: Vec<IpNet> = Vec::new();
        // Those that begin before: at most one for each length.
        for len in version.width() - 12..=version.width() {
            let Some(around) = net::prefix(version, first, len) else { continue };
            let place = place(&around);
            if place.0 < first && live(&place) {
                found.push(around);
            }
        }
        let inside =
            self.blocks.range((first, 0)..=(last, u8::MAX)).map(|(place, _)| place).filter(|place| live(place));
        found.extend(inside.filter_map(|(number, len)| net::prefix(version, *number, *len)));
        found
    }
}

/// What a search wants to know of a block before it looks at it.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    empty: bool,
    room: bool,
}

impl Flags {
    /// Addresses that cool down may be free by now.
    fn of(stored: &Stored) -> Flags {
        match &stored.value {
            Value::Block(block) if !block.is_deleted() => Flags {
                empty: block.is_empty_but_for_cooling(),
                room: !block.free_queue().is_empty() || block.has_cooling(),
            },
            _ => Flags::default(),
        }
    }
}

fn owner(stored: &Stored) -> Option<&Owner> {
    match &stored.value {
        Value::Block(block) if !block.is_deleted() => block.affinity(),
        _ => None,
    }
}

fn disown(owned: &mut BTreeMap<Owner, BTreeSet<Place>>, owner: Option<&Owner>, place: Place) {
    let Some(owner) = owner else { return };
    if let Some(places) = owned.get_mut(owner) {
        places.remove(&place);
        if places.is_empty() {
            owned.remove(owner);
        }
    }
}

fn set(places: &mut BTreeSet<Place>, place: Place, before: bool, after: bool) {
    match (before, after) {
        (false, true) => drop(places.insert(place)),
        (true, false) => drop(places.remove(&place)),
        _ => {}
    }
}

fn place(cidr: &IpNet) -> Place {
    (net::bits(cidr.network()), cidr.prefix_len())
}

/// A block as it is at a time: addresses whose cooldown is over are free.
pub(crate) fn at_time(block: &Arc<Block>, cooldown: i64, now: UnixTime) -> (Arc<Block>, bool) {
    let mut block = Arc::clone(block);
    let freed = block.has_cooling() && Arc::make_mut(&mut block).collect(cooldown, now);
    (block, freed)
}

//! Interned path attributes: canonical blocks with their NEXT_HOP, reference counts, decision keys, memo of export.

mod memo;

use core::num::NonZeroU32;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bgp_wire::BgpId;
use bgp_wire::attr::{Attributes, NextHop};

use crate::bits::Bits;
use crate::dest::Hops;
use crate::export::{Form, Forms};
use crate::facts::Facts;
use crate::keyed::{Index, Keyed};
use crate::pages::Pages;

use self::memo::Memo;
pub(crate) use self::memo::MemoKey;

/// The name of an interned attribute block and its NEXT_HOP in an [`AttrStore`]; valid while a route uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrId(NonZeroU32);

/// The attribute blocks of one or several [`Rib`](crate::Rib)s, each held once.
///
/// Methods of a Rib that touch attributes take the store as an argument, so that all Ribs of one process may share
/// one, without locks. A Rib must always be given the same store; [`Rib::clear`](crate::Rib::clear) gives back what a
/// Rib holds before it is dropped. The store grows by pages, with the number of different blocks in use.
///
/// ```
/// use bgp_rib::AttrStore;
///
/// let store = AttrStore::new(0x5eed);
/// assert!(store.is_empty());
/// ```
#[derive(Debug)]
pub struct AttrStore {
    keyed: Keyed,
    index: Index,
    entries: Pages<Entry>,
    free: Bits,
    memo: Memo,
    forms: Forms,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    /// The block, and behind it what paths say beside their key.
    octets: Box<[u8]>,
    /// How many of `octets` are not of the block.
    extra: u16,
    next_hop: NextHop,
    facts: Facts,
    refs: u32,
    /// Counts the uses of this slot: a memo that names an earlier one is void.
    generation: u32,
    /// First memo of this block, or `NIL`.
    memo: u32,
}

const NIL: u32 = u32::MAX;

impl AttrStore {
    /// An empty store; `seed` keys its hashes and should be random.
    #[must_use]
    pub fn new(seed: u64) -> AttrStore {
        AttrStore {
            keyed: Keyed::new(seed),
            index: Index::default(),
            entries: Pages::default(),
            free: Bits::default(),
            memo: Memo::default(),
            forms: Forms::default(),
            scratch: Vec::new(),
        }
    }

    /// Number of different blocks in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - crate::num::index(self.free.len())
    }

    /// Whether no block is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The attributes, without NEXT_HOP and MP_REACH_NLRI; `None` once no route uses `id`.
    #[must_use]
    pub fn attributes(&self, id: AttrId) -> Option<Attributes<'_>> {
        Attributes::from_canonical(self.canonical(id)?).ok()
    }

    /// The octets of the canonical block (see `bgp_wire::UpdateView::write_canonical`).
    #[must_use]
    pub fn canonical(&self, id: AttrId) -> Option<&[u8]> {
        self.entry(id).map(Entry::canonical)
    }

    /// What a path with these attributes says beside the key of its NLRI: labels and the like.
    pub(crate) fn extra(&self, id: AttrId) -> &[u8] {
        self.entry(id).map_or(&[], Entry::extra)
    }

    /// The NEXT_HOP; [`NextHop::None`] for own routes that go out with our own address.
    #[must_use]
    pub fn next_hop(&self, id: AttrId) -> Option<NextHop> {
        self.entry(id).map(|entry| entry.next_hop)
    }

    /// The id of a block with its next hop, with one reference for the caller; `None` when it is no canonical block or
    /// 2^32 - 2 blocks are in use.
    pub(crate) fn intern(&mut self, canonical: &[u8], next_hop: NextHop) -> Option<AttrId> {
        self.intern_with(canonical, canonical.len(), next_hop)
    }

    /// As [`intern`](Self::intern) of the first `len` octets; the others are what a path says beside its key.
    pub(crate) fn intern_with(&mut self, octets: &[u8], len: usize, next_hop: NextHop) -> Option<AttrId> {
        let extra = u16::try_from(octets.len().checked_sub(len)?).ok()?;
        let hash = hash(&self.keyed, octets, extra, next_hop);
        let is = |at: u32| {
            self.entries.get(at).is_some_and(|e| e.next_hop == next_hop && e.extra == extra && *e.octets == *octets)
        };
        if let Some(at) = self.index.find(hash, is) {
            let id = AttrId::at(at)?;
            self.retain(id);
            return Some(id);
        }
        let facts = Facts::of(&Attributes::from_canonical(octets.get(..len)?).ok()?);
        let mut entry = Entry { octets: octets.into(), extra, next_hop, facts, refs: 1, generation: 0, memo: NIL };
        let at = match self.free.pop_first() {
            Some(at) => {
                let slot = self.entries.get_mut(at)?;
                entry.generation = slot.generation.wrapping_add(1);
                *slot = entry;
                at
            }
            None => self.entries.push(entry)?,
        };
        let (keyed, entries) = (&self.keyed, &self.entries);
        self.index.insert(hash, at, |at| entries.get(at).map_or(0, |e| e.hash(keyed)));
        AttrId::at(at)
    }

    /// One more reference.
    pub(crate) fn retain(&mut self, id: AttrId) {
        if let Some(entry) = self.entries.get_mut(id.slot()) {
            entry.refs = entry.refs.saturating_add(1);
        }
    }

    /// One reference less; the last one frees the block and what was remembered of it.
    pub(crate) fn release(&mut self, id: AttrId) {
        let at = id.slot();
        let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.refs > 0) else { return };
        entry.refs -= 1;
        if entry.refs > 0 {
            return;
        }
        let hash = entry.hash(&self.keyed);
        let memo = core::mem::replace(&mut entry.memo, NIL);
        (entry.octets, entry.extra) = (Box::default(), 0);
        self.index.remove(hash, at);
        self.memo.forget(&self.keyed, memo);
        self.free.insert(at);
    }

    pub(crate) fn facts(&self, id: AttrId) -> Option<&Facts> {
        self.entry(id).map(|entry| &entry.facts)
    }

    /// What `key` came to before, with one reference for the caller. `Some(None)`: it cannot be sent.
    pub(crate) fn remembered(&mut self, key: &MemoKey) -> Option<Option<AttrId>> {
        let found = match self.memo.find(&self.keyed, key)? {
            None => None,
            Some((id, generation)) => {
                let entry = self.entries.get(id.slot())?;
                if entry.refs == 0 || entry.generation != generation {
                    return None;
                }
                Some(id)
            }
        };
        found.inspect(|id| self.retain(*id));
        Some(found)
    }

    /// Remembers what `key` comes to, for as long as both blocks are in use. It holds no reference: two Ribs may turn
    /// two blocks into each other.
    pub(crate) fn remember(&mut self, key: MemoKey, out: Option<AttrId>) {
        let generation = out.and_then(|id| self.entries.get(id.slot())).map_or(0, |entry| entry.generation);
        let slot = key.attr.slot();
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.memo = self.memo.put(&self.keyed, key, out.map(|id| (id, generation)), entry.memo);
    }

    /// The number of an export form, for [`outgoing`](Self::outgoing).
    pub(crate) fn form(&mut self, form: Form) -> Option<u32> {
        self.forms.number(&self.keyed, form)
    }

    /// What `attr` becomes in the form of that number, with one reference for the caller; `None`: it cannot be sent.
    pub(crate) fn outgoing(&mut self, attr: AttrId, form: u32, sender: BgpId, hops: Hops) -> Option<AttrId> {
        let facts = self.facts(attr)?;
        let originator = if self.forms.get(form)?.reflects() && facts.originator().is_none() { sender.0 } else { 0 };
        let key = MemoKey { attr, form, originator, hops };
        if let Some(known) = self.remembered(&key) {
            return known;
        }
        let shape = *self.forms.get(form)?;
        let next_hop = shape.next_hop(self.next_hop(attr)?, hops);
        let mut block = core::mem::take(&mut self.scratch);
        block.clear();
        let mut len = 0;
        if let Some(entry) = self.entry(attr) {
            shape.rewrite(entry.canonical(), sender, hops, &mut block);
            len = block.len();
            block.extend_from_slice(entry.extra());
        }
        let out = next_hop.and_then(|next_hop| self.intern_with(&block, len, next_hop));
        self.scratch = block;
        self.remember(key, out);
        out
    }

    fn entry(&self, id: AttrId) -> Option<&Entry> {
        self.entries.get(id.slot()).filter(|entry| entry.refs > 0)
    }
}

impl Entry {
    fn canonical(&self) -> &[u8] {
        let len = self.octets.len().saturating_sub(self.extra.into());
        self.octets.get(..len).unwrap_or_default()
    }

    fn extra(&self) -> &[u8] {
        let len = self.octets.len().saturating_sub(self.extra.into());
        self.octets.get(len..).unwrap_or_default()
    }

    fn hash(&self, keyed: &Keyed) -> u64 {
        hash(keyed, &self.octets, self.extra, self.next_hop)
    }
}

fn hash(keyed: &Keyed, octets: &[u8], extra: u16, next_hop: NextHop) -> u64 {
    keyed.hash(&(octets, extra, next_hop))
}

impl AttrId {
    fn at(slot: u32) -> Option<AttrId> {
        NonZeroU32::new(slot.checked_add(1)?).map(AttrId)
    }

    fn slot(self) -> u32 {
        self.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
    const MED: &[u8] = &[0x40, 1, 1, 0, 0x80, 4, 4, 0, 0, 0, 9];

    #[test]
    fn equal_blocks_share_an_id_and_the_next_hop_counts() {
        let mut store = AttrStore::new(3);
        let (a, b) = (NextHop::V4([10, 0, 0, 1].into()), NextHop::V4([10, 0, 0, 2].into()));
        let first = store.intern(ORIGIN, a).unwrap();
        assert_eq!(store.intern(ORIGIN, a), Some(first));
        assert_ne!(store.intern(ORIGIN, b), Some(first));
        assert_eq!((store.len(), store.next_hop(first)), (2, Some(a)));
        store.release(first);
        assert_eq!(store.canonical(first), Some(ORIGIN));
        store.release(first);
        assert_eq!(store.canonical(first), None);
        assert_eq!(store.intern(MED, a), Some(first), "the slot is used again");
    }

    #[test]
    fn a_memo_ends_with_either_block() {
        let mut store = AttrStore::new(3);
        let input = store.intern(ORIGIN, NextHop::None).unwrap();
        let output = store.intern(MED, NextHop::None).unwrap();
        let key = MemoKey { attr: input, form: 1, originator: 0, hops: Hops::V4 };
        store.remember(key, Some(output));
        assert_eq!(store.remembered(&key), Some(Some(output)));
        store.release(output);
        store.release(output);
        assert_eq!(store.remembered(&key), None);
        let other = store.intern(&[], NextHop::None).unwrap();
        assert_eq!((other, store.remembered(&key)), (output, None), "the same slot with another block");
        store.remember(key, Some(other));
        assert_eq!(store.remembered(&key), Some(Some(other)));
        store.release(input);
        assert_eq!(store.remembered(&key), None);
    }

    #[test]
    fn what_is_no_block_is_not_interned() {
        assert_eq!(AttrStore::new(3).intern(&[1, 2, 3], NextHop::None), None);
    }
}

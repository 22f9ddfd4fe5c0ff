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
    /// Decision keys of the blocks that came in; those that only go out have none.
    facts: Pages<Facts>,
    free_facts: Bits,
    memo: Memo,
    forms: Forms,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    /// The block, behind it what paths say beside their key, and the NEXT_HOP last.
    octets: Box<[u8]>,
    /// How many of `octets` are of what paths say.
    extra: u16,
    /// How many of them are the NEXT_HOP.
    hop: u8,
    /// Place of the decision key, or `NIL`.
    facts: u32,
    refs: u32,
    /// Counts the uses of this slot: a memo that names an earlier one is void.
    generation: u32,
    /// First memo of this block, or `NIL`.
    memo: u32,
}

const _: () = assert!(size_of::<Entry>() <= 40);

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
            facts: Pages::default(),
            free_facts: Bits::default(),
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
        self.entry(id).map(Entry::next_hop)
    }

    /// The id of a block with its next hop, with one reference for the caller; `None` when it is no canonical block or
    /// 2^32 - 2 blocks are in use.
    pub(crate) fn intern(&mut self, canonical: &[u8], next_hop: NextHop) -> Option<AttrId> {
        self.intern_with(canonical, canonical.len(), next_hop)
    }

    /// As [`intern`](Self::intern) of the first `len` octets; the others are what a path says beside its key.
    pub(crate) fn intern_with(&mut self, octets: &[u8], len: usize, next_hop: NextHop) -> Option<AttrId> {
        let attributes = octets.get(..len)?;
        let id = match self.find(octets, len, next_hop) {
            Some(id) if self.facts(id).is_some() => {
                self.retain(id);
                return Some(id);
            }
            found => found,
        };
        // Before anything is changed: what is no block is not interned.
        let facts = Facts::of(&Attributes::from_canonical(attributes).ok()?);
        let id = match id {
            Some(id) => {
                self.retain(id);
                id
            }
            None => self.insert(octets, len, next_hop)?,
        };
        let at = match self.free_facts.pop_first() {
            Some(at) => {
                *self.facts.get_mut(at)? = facts;
                at
            }
            None => self.facts.push(facts)?,
        };
        self.entries.get_mut(id.slot())?.facts = at;
        Some(id)
    }

    /// As [`intern_with`](Self::intern_with), for a block that goes out and was made of one that came in: its decision key
    /// is made when it comes in somewhere.
    fn intern_out(&mut self, octets: &[u8], len: usize, next_hop: NextHop) -> Option<AttrId> {
        match self.find(octets, len, next_hop) {
            Some(id) => {
                self.retain(id);
                Some(id)
            }
            None => self.insert(octets, len, next_hop),
        }
    }

    fn find(&self, octets: &[u8], len: usize, next_hop: NextHop) -> Option<AttrId> {
        let extra = extra_len(octets, len)?;
        let is = |at: u32| self.entries.get(at).is_some_and(|entry| entry.is(octets, extra, next_hop));
        AttrId::at(self.index.find(hash(&self.keyed, octets, extra, next_hop), is)?)
    }

    /// Adds a block that is not there, with one reference.
    fn insert(&mut self, octets: &[u8], len: usize, next_hop: NextHop) -> Option<AttrId> {
        let extra = extra_len(octets, len)?;
        let (hop, hop_len) = hop_octets(next_hop);
        let hop = hop.get(..usize::from(hop_len))?;
        let mut all = Vec::with_capacity(octets.len() + hop.len());
        all.extend_from_slice(octets);
        all.extend_from_slice(hop);
        let octets_hash = hash(&self.keyed, octets, extra, next_hop);
        let octets = all.into_boxed_slice();
        let mut entry = Entry { octets, extra, hop: hop_len, facts: NIL, refs: 1, generation: 0, memo: NIL };
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
        self.index.insert(octets_hash, at, |at| entries.get(at).map_or(0, |e| e.hash(keyed)));
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
        let facts = core::mem::replace(&mut entry.facts, NIL);
        (entry.octets, entry.extra, entry.hop) = (Box::default(), 0, 0);
        if facts != NIL {
            self.free_facts.insert(facts);
        }
        self.index.remove(hash, at);
        self.memo.forget(&self.keyed, memo);
        self.free.insert(at);
    }

    /// The decision key of a block that came in.
    pub(crate) fn facts(&self, id: AttrId) -> Option<&Facts> {
        self.facts.get(self.entry(id)?.facts)
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
        let out = next_hop.and_then(|next_hop| self.intern_out(&block, len, next_hop));
        self.scratch = block;
        self.remember(key, out);
        out
    }

    fn entry(&self, id: AttrId) -> Option<&Entry> {
        self.entries.get(id.slot()).filter(|entry| entry.refs > 0)
    }
}

impl Entry {
    /// The block, what paths say beside their key, and the NEXT_HOP.
    fn parts(&self) -> (&[u8], &[u8], &[u8]) {
        let hop = self.octets.len().saturating_sub(self.hop.into());
        let (octets, hop) = self.octets.split_at_checked(hop).unwrap_or_default();
        let extra = octets.len().saturating_sub(self.extra.into());
        let (block, extra) = octets.split_at_checked(extra).unwrap_or_default();
        (block, extra, hop)
    }

    fn canonical(&self) -> &[u8] {
        self.parts().0
    }

    fn extra(&self) -> &[u8] {
        self.parts().1
    }

    fn next_hop(&self) -> NextHop {
        let hop = self.parts().2;
        match hop.as_chunks::<16>() {
            ([addr], []) => NextHop::V6((*addr).into()),
            ([global, link_local], []) => {
                NextHop::V6LinkLocal { global: (*global).into(), link_local: (*link_local).into() }
            }
            _ => hop.first_chunk::<4>().map_or(NextHop::None, |addr| NextHop::V4((*addr).into())),
        }
    }

    fn octets(&self) -> &[u8] {
        let hop = self.octets.len().saturating_sub(self.hop.into());
        self.octets.get(..hop).unwrap_or_default()
    }

    fn is(&self, octets: &[u8], extra: u16, next_hop: NextHop) -> bool {
        self.extra == extra && self.octets() == octets && self.next_hop() == next_hop
    }

    fn hash(&self, keyed: &Keyed) -> u64 {
        hash(keyed, self.octets(), self.extra, self.next_hop())
    }
}

fn hash(keyed: &Keyed, octets: &[u8], extra: u16, next_hop: NextHop) -> u64 {
    keyed.hash(&(octets, extra, next_hop))
}

fn extra_len(octets: &[u8], len: usize) -> Option<u16> {
    u16::try_from(octets.len().checked_sub(len)?).ok()
}

/// The octets of a NEXT_HOP, and how many: 0, 4, 16 or 32.
fn hop_octets(next_hop: NextHop) -> ([u8; 32], u8) {
    let mut octets = [0; 32];
    let len = match next_hop {
        NextHop::V4(addr) => {
            octets[..4].copy_from_slice(&addr.octets());
            4
        }
        NextHop::V6(addr) => {
            octets[..16].copy_from_slice(&addr.octets());
            16
        }
        NextHop::V6LinkLocal { global, link_local } => {
            octets[..16].copy_from_slice(&global.octets());
            octets[16..].copy_from_slice(&link_local.octets());
            32
        }
        _ => 0,
    };
    (octets, len)
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

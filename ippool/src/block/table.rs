//! Which attributes each address of a block has: a slot per ordinal and an entry per distinct set of attributes.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::Attributes;

/// The slots and the entries. Entries are counted, so that one that nobody names any more is found at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    slots: Vec<Slot>,
    entries: Vec<Entry>,
    /// The mark of each entry. Equal attributes have equal marks: most others are told apart without a look at them.
    marks: Vec<u32>,
    /// Entries that no slot names.
    unused: usize,
    /// Entries with a time of release.
    cooling: usize,
}

/// What is known about one ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// The index of its entry, or [`FREE`].
    entry: u32,
    numbered: bool,
    /// The sequence number, if it is numbered.
    sequence: u64,
}

/// Attributes that some slots share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    uses: u32,
    attributes: Arc<Attributes>,
}

/// No entry.
const FREE: u32 = u32::MAX;

/// Above so many unused entries a map of the old to the new indexes is cheaper than one pass for each.
const FEW: usize = 4;

/// Marks that are compared at once.
const ROW: usize = 32;

impl Table {
    pub(super) fn new(size: u16) -> Table {
        let free = Slot { entry: FREE, numbered: false, sequence: 0 };
        Table { slots: vec![free; size.into()], entries: Vec::new(), marks: Vec::new(), unused: 0, cooling: 0 }
    }

    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<Attributes>> + '_ {
        self.entries.iter().map(|entry| &entry.attributes)
    }

    /// The attributes of allocated addresses, each set once.
    pub(super) fn used(&self) -> impl Iterator<Item = &Arc<Attributes>> + '_ {
        self.entries.iter().filter(|entry| entry.uses > 0).map(|entry| &entry.attributes)
    }

    /// Adds an entry even if there is an equal one: stored blocks may have such.
    pub(super) fn push(&mut self, attributes: Arc<Attributes>) -> u32 {
        let index = u32::try_from(self.entries.len()).unwrap_or(FREE);
        self.unused += 1;
        self.cooling += usize::from(attributes.released_at.is_some());
        self.marks.push(mark(&attributes));
        self.entries.push(Entry { uses: 0, attributes });
        index
    }

    /// The index of an entry equal to `attributes`, made if there is none.
    #[inline]
    pub(super) fn intern(&mut self, attributes: &Arc<Attributes>) -> u32 {
        let mark = mark(attributes);
        // Whole rows at a time: the compiler compares one with a few vector instructions.
        for (row, marks) in self.marks.chunks(ROW).enumerate() {
            if !marks.iter().fold(false, |found, other| found | (*other == mark)) {
                continue;
            }
            for index in (row.saturating_mul(ROW)..).take(ROW) {
                let Some(entry) = self.entries.get(index) else { break };
                if Arc::ptr_eq(&entry.attributes, attributes) || entry.attributes == *attributes {
                    return u32::try_from(index).unwrap_or(FREE);
                }
            }
        }
        self.push(Arc::clone(attributes))
    }

    /// The index of the entry of an ordinal.
    pub(super) fn index(&self, ordinal: u16) -> Option<u32> {
        self.slots.get(usize::from(ordinal)).map(|slot| slot.entry).filter(|entry| *entry != FREE)
    }

    /// The attributes of an ordinal.
    pub(super) fn attributes(&self, ordinal: u16) -> Option<&Arc<Attributes>> {
        let index = usize::try_from(self.index(ordinal)?).ok()?;
        self.entries.get(index).map(|entry| &entry.attributes)
    }

    /// Gives an ordinal another entry, or none.
    pub(super) fn point(&mut self, ordinal: u16, index: Option<u32>) {
        let Some(slot) = self.slots.get_mut(usize::from(ordinal)) else { return };
        let old = core::mem::replace(&mut slot.entry, index.unwrap_or(FREE));
        let at = |entries: &mut Vec<Entry>, index: u32, by: i32| {
            let entry = usize::try_from(index).ok().and_then(|index| entries.get_mut(index))?;
            entry.uses = entry.uses.saturating_add_signed(by);
            Some(entry.uses)
        };
        if let Some(index) = index
            && at(&mut self.entries, index, 1) == Some(1)
        {
            self.unused = self.unused.saturating_sub(1);
        }
        if old != FREE && at(&mut self.entries, old, -1) == Some(0) {
            self.unused += 1;
        }
    }

    /// The sequence number of an ordinal, if it has one.
    pub(super) fn sequence(&self, ordinal: u16) -> Option<u64> {
        self.slots.get(usize::from(ordinal)).filter(|slot| slot.numbered).map(|slot| slot.sequence)
    }

    pub(super) fn set_sequence(&mut self, ordinal: u16, sequence: Option<u64>) {
        if let Some(slot) = self.slots.get_mut(usize::from(ordinal)) {
            slot.numbered = sequence.is_some();
            slot.sequence = sequence.unwrap_or(0);
        }
    }

    /// Whether some entry has a time of release.
    pub(super) fn has_cooling(&self) -> bool {
        self.cooling > 0
    }

    /// Drops entries that no slot names and renumbers the rest; whether there were any.
    pub(super) fn sweep(&mut self) -> bool {
        if self.unused == 0 {
            return false;
        }
        if self.unused == 1
            && let Some(last) = self.entries.pop_if(|last| last.uses == 0)
        {
            self.unused = 0;
            self.marks.pop();
            self.cooling = self.cooling.saturating_sub(usize::from(last.attributes.released_at.is_some()));
            return true;
        }
        if self.unused > FEW {
            let mut next = 0;
            let renumbered: Vec<u32> = (self.entries.iter())
                .map(|entry| {
                    let index = next;
                    next += u32::from(entry.uses > 0);
                    index
                })
                .collect();
            for slot in self.slots.iter_mut().filter(|slot| slot.entry != FREE) {
                let index = usize::try_from(slot.entry).ok().and_then(|index| renumbered.get(index));
                slot.entry = index.copied().unwrap_or(FREE);
            }
            let mut kept = self.entries.iter().map(|entry| entry.uses > 0);
            self.marks.retain(|_| kept.next().unwrap_or(false));
            self.entries.retain(|entry| entry.uses > 0);
        }
        while let Some(index) = self.entries.iter().rposition(|entry| entry.uses == 0) {
            let last = index + 1 == self.entries.len();
            self.entries.remove(index);
            self.marks.remove(index);
            let index = u32::try_from(index).unwrap_or(FREE);
            for slot in self.slots.iter_mut().filter(|slot| !last && slot.entry > index && slot.entry != FREE) {
                slot.entry -= 1;
            }
        }
        self.unused = 0;
        self.cooling = self.entries.iter().filter(|entry| entry.attributes.released_at.is_some()).count();
        true
    }
}

/// A number made of what tells attributes apart most often: the end of the handle (the identifier of a container) and
/// the time of release.
fn mark(attributes: &Attributes) -> u32 {
    let handle = attributes.handle.as_deref().unwrap_or_default().as_bytes();
    let end = handle.last_chunk::<8>().map_or(0, |end| u64::from_ne_bytes(*end));
    let released = attributes.released_at.map_or(0, |at| at.secs().cast_unsigned().rotate_left(32) | 1);
    let len = u64::try_from(handle.len()).unwrap_or(0);
    // The upper half of a product with an odd number depends on every bit.
    let spread = (end ^ released ^ len).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    u32::try_from(spread).unwrap_or(u32::MAX)
}

//! What a block becomes in an export form: remembered per (block, form, originator), forgotten with the block.

use crate::bits::Bits;
use crate::dest::Hops;
use crate::keyed::{Index, Keyed};
use crate::pages::Pages;

use super::{AttrId, NIL};

/// What an outgoing block depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MemoKey {
    /// The block that came in.
    pub(crate) attr: AttrId,
    /// The number of the export form.
    pub(crate) form: u32,
    /// The BGP Identifier that becomes ORIGINATOR_ID, 0 where none does.
    pub(crate) originator: u32,
    /// Which address of ours can be the next hop.
    pub(crate) hops: Hops,
}

#[derive(Debug)]
struct Row {
    key: MemoKey,
    out: Option<(AttrId, u32)>,
    /// Next row of the same block, or `NIL`.
    next: u32,
}

#[derive(Debug, Default)]
pub(super) struct Memo {
    index: Index,
    rows: Pages<Row>,
    free: Bits,
}

impl Memo {
    /// The block that `key` became with the generation of its slot, or that it cannot be sent.
    pub(super) fn find(&self, keyed: &Keyed, key: &MemoKey) -> Option<Option<(AttrId, u32)>> {
        let at = self.at(keyed, key)?;
        self.rows.get(at).map(|row| row.out)
    }

    /// Adds or replaces a row; `first` heads the block's chain, the answer is its new head.
    pub(super) fn put(&mut self, keyed: &Keyed, key: MemoKey, out: Option<(AttrId, u32)>, first: u32) -> u32 {
        if let Some(row) = self.at(keyed, &key).and_then(|at| self.rows.get_mut(at)) {
            row.out = out;
            return first;
        }
        let row = Row { key, out, next: first };
        let at = match self.free.pop_first() {
            Some(at) => {
                if let Some(slot) = self.rows.get_mut(at) {
                    *slot = row;
                }
                at
            }
            None => match self.rows.push(row) {
                Some(at) => at,
                None => return first,
            },
        };
        let rows = &self.rows;
        self.index.insert(keyed.hash(&key), at, |at| rows.get(at).map_or(0, |row| keyed.hash(&row.key)));
        at
    }

    /// Forgets the chain that `first` heads.
    pub(super) fn forget(&mut self, keyed: &Keyed, first: u32) {
        let mut at = first;
        while at != NIL {
            let Some(row) = self.rows.get(at) else { return };
            self.index.remove(keyed.hash(&row.key), at);
            self.free.insert(at);
            at = row.next;
        }
    }

    fn at(&self, keyed: &Keyed, key: &MemoKey) -> Option<u32> {
        self.index.find(keyed.hash(key), |at| self.rows.get(at).is_some_and(|row| row.key == *key))
    }
}

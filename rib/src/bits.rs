//! A sparse set of `u32` as a bitmap in pages: one bit for each member where members are dense.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::num::{count, index};

const WORDS: usize = 16;
/// How many numbers a page covers.
pub(crate) const PAGE_BITS: u32 = 1024;

#[derive(Debug, Clone, Default)]
struct Page {
    words: [u64; WORDS],
    len: u32,
}

/// A set of `u32`, walked in ascending order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits {
    pages: Vec<Option<Box<Page>>>,
    len: u32,
    /// No page below this one has a member.
    first: u32,
}

impl Bits {
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        let (page, word, mask) = split(id);
        self.pages.get(page).and_then(Option::as_ref).and_then(|p| p.words.get(word)).is_some_and(|w| w & mask != 0)
    }

    /// Adds `id`; false when it was there.
    pub(crate) fn insert(&mut self, id: u32) -> bool {
        let (page, word, mask) = split(id);
        if self.pages.len() <= page {
            self.pages.resize(page + 1, None);
        }
        let Some(slot) = self.pages.get_mut(page) else { return false };
        let slot = slot.get_or_insert_with(Box::default);
        let Some(bits) = slot.words.get_mut(word) else { return false };
        if *bits & mask != 0 {
            return false;
        }
        *bits |= mask;
        slot.len += 1;
        self.len += 1;
        self.first = self.first.min(id / PAGE_BITS);
        true
    }

    /// Removes `id`; false when it was not there. An empty page is given back.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let (page, word, mask) = split(id);
        let Some(slot) = self.pages.get_mut(page) else { return false };
        let Some(inner) = slot else { return false };
        let Some(bits) = inner.words.get_mut(word) else { return false };
        if *bits & mask == 0 {
            return false;
        }
        *bits &= !mask;
        inner.len -= 1;
        self.len -= 1;
        if inner.len == 0 {
            *slot = None;
        }
        if self.len == 0 {
            self.pages = Vec::new();
            self.first = 0;
        }
        true
    }

    /// The least member that is not below `from`.
    pub(crate) fn next_from(&self, from: u32) -> Option<u32> {
        let (start, word, mask) = split(from);
        for (number, page) in self.pages.iter().enumerate().skip(start.max(index(self.first))) {
            let Some(page) = page else { continue };
            let here = number == start;
            for (at, bits) in page.words.iter().enumerate().skip(if here { word } else { 0 }) {
                let bits = if here && at == word { bits & !(mask - 1) } else { *bits };
                if bits != 0 {
                    return Some(count(number) * PAGE_BITS + count(at) * 64 + bits.trailing_zeros());
                }
            }
        }
        None
    }

    /// Takes out the least member.
    pub(crate) fn pop_first(&mut self) -> Option<u32> {
        let id = self.next_from(0)?;
        self.first = id / PAGE_BITS;
        self.remove(id);
        Some(id)
    }

    /// How many members the page of that number has.
    pub(crate) fn page_len(&self, page: u32) -> u32 {
        self.pages.get(index(page)).and_then(Option::as_ref).map_or(0, |page| page.len)
    }

    /// Removes all members of a page.
    pub(crate) fn remove_page(&mut self, page: u32) {
        if let Some(slot) = self.pages.get_mut(index(page)) {
            self.len -= slot.take().map_or(0, |page| page.len);
        }
        if self.len == 0 {
            *self = Bits::default();
        }
    }

    /// The members in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let mut next = self.next_from(0);
        core::iter::from_fn(move || {
            let id = next?;
            next = id.checked_add(1).and_then(|from| self.next_from(from));
            Some(id)
        })
    }
}

fn split(id: u32) -> (usize, usize, u64) {
    (index(id / PAGE_BITS), index(id % PAGE_BITS / 64), 1 << (id % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_as_an_ordered_set(ops in prop::collection::vec((any::<bool>(), 0_u32..5000), 0..300)) {
            let (mut bits, mut model) = (Bits::default(), BTreeSet::new());
            for (add, id) in ops {
                if add {
                    prop_assert_eq!(bits.insert(id), model.insert(id));
                } else {
                    prop_assert_eq!(bits.remove(id), model.remove(&id));
                }
                prop_assert_eq!(bits.contains(id), model.contains(&id));
            }
            prop_assert_eq!(index(bits.len()), model.len());
            prop_assert!(bits.iter().eq(model.iter().copied()));
            prop_assert_eq!(bits.next_from(2500), model.range(2500..).next().copied());
            while let Some(id) = bits.pop_first() {
                prop_assert_eq!(Some(id), model.pop_first());
            }
            prop_assert!(model.is_empty() && bits.is_empty());
        }
    }
}

//! Where the typed attributes of a block are.

use crate::attr::ROWS;

/// Where the typed attributes are: the offset of their flags octets, in the order of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index([u16; ROWS]);

impl Index {
    pub(crate) const EMPTY: Index = Index([Index::ABSENT; ROWS]);
    // No attribute begins at the last octet that 16 bits can count.
    const ABSENT: u16 = u16::MAX;

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<u16> {
        self.0.get(slot).copied().filter(|offset| *offset != Index::ABSENT)
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied().filter(|offset| *offset != Index::ABSENT)
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: usize, offset: u16) {
        if let Some(place) = self.0.get_mut(slot) {
            *place = offset;
        }
    }
}

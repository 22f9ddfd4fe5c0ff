//! Where the typed attributes of a block are.

use crate::attr::ROWS;

/// Where the typed attributes are, in the order of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index {
    /// The offsets of their values; 0 for what is not there, as no value begins there.
    values: [u16; ROWS],
    /// A bit for each that has a length field of two octets.
    extended: u32,
}

const _: () = assert!(ROWS <= 32);

impl Index {
    pub(crate) const EMPTY: Index = Index { values: [0; ROWS], extended: 0 };

    /// The offset of the flags octet.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<u16> {
        let (value, extended) = self.value(slot)?;
        Some(value - if extended { 4 } else { 3 })
    }

    /// The offset of the value, and whether its length field has two octets.
    #[inline]
    pub(crate) fn value(&self, slot: usize) -> Option<(u16, bool)> {
        match self.values.get(slot) {
            Some(value) if *value != 0 => Some((*value, self.extended >> slot & 1 != 0)),
            _ => None,
        }
    }

    /// A bit for each that has a length field of two octets.
    #[cfg(feature = "alloc")]
    pub(crate) fn extended(&self) -> u32 {
        self.extended
    }

    /// The offsets of the flags octets of all that are there.
    #[cfg(feature = "alloc")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        (0..ROWS).filter_map(|slot| self.get(slot))
    }

    /// Notes the attribute whose value begins at `value`.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, value: u16, extended: bool) {
        if let Some(place) = self.values.get_mut(slot) {
            *place = value;
        }
        if extended {
            self.extended |= 1 << slot;
        }
    }
}

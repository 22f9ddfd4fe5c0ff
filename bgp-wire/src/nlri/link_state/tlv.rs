//! Descriptors of link-state objects: type (2 octets), length (2), value (RFC 9552 section 5.1).

use core::iter::FusedIterator;

use super::TlvType;
use crate::reader::Reader;

/// A descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Tlv<'m> {
    /// Its type.
    pub ty: TlvType,
    /// Its value.
    pub value: &'m [u8],
}

/// Descriptors, in their order.
#[derive(Debug, Clone)]
pub struct Tlvs<'m> {
    reader: Reader<'m>,
}

impl<'m> Tlvs<'m> {
    pub(super) fn new(octets: &'m [u8]) -> Tlvs<'m> {
        Tlvs { reader: Reader::new(octets) }
    }

    /// Whether whole descriptors fill the octets, and are in ascending order of type, length and value
    /// (RFC 9552 section 5.1).
    pub(super) fn are_well_formed(mut self) -> bool {
        let mut last = None;
        for tlv in self.by_ref() {
            let place = (tlv.ty, tlv.value.len(), tlv.value);
            if last.is_some_and(|last| last > place) {
                return false;
            }
            last = Some(place);
        }
        self.reader.is_empty()
    }
}

impl<'m> Iterator for Tlvs<'m> {
    type Item = Tlv<'m>;

    fn next(&mut self) -> Option<Tlv<'m>> {
        let mut ahead = self.reader;
        let (ty, value) = (ahead.u16()?, ahead.prefixed_u16()?);
        self.reader = ahead;
        Some(Tlv { ty: TlvType(ty), value })
    }
}

impl FusedIterator for Tlvs<'_> {}

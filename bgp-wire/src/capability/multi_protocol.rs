//! Multiprotocol extensions (RFC 4760 section 8): AFI (2 octets), reserved (1), SAFI (1).

use crate::reader::Reader;
use crate::{Family, FamilySet, Params};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    families: FamilySet,
    /// The capability was there, for whatever family.
    said: bool,
}

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let Some(family) = decode(value) else { return false };
    learned.said = true;
    learned.families.insert(family);
    true
}

pub(super) fn decode(value: &[u8]) -> Option<Family> {
    let mut reader = Reader::new(value);
    let (afi, _reserved, safi) = (reader.u16()?, reader.u8()?, reader.u8()?);
    reader.is_empty().then_some(Family::new(afi, safi))
}

#[cfg(feature = "alloc")]
pub(super) fn encode(family: &Family, out: &mut alloc::vec::Vec<u8>) {
    out.extend_from_slice(&family.afi.0.to_be_bytes());
    out.extend_from_slice(&[0, family.safi.0]);
}

impl Params {
    /// The families that can be exchanged. An OPEN without this capability means IPv4 unicast (RFC 4760 section 8).
    #[must_use]
    pub const fn families(&self) -> FamilySet {
        let learned = &self.slots.multi_protocol;
        if learned.said { learned.families } else { FamilySet::EMPTY.with(Family::IPV4_UNICAST) }
    }

    /// With these families said by capabilities.
    #[must_use]
    pub const fn with_families(mut self, families: FamilySet) -> Self {
        self.slots.multi_protocol = Learned { families, said: true };
        self
    }
}

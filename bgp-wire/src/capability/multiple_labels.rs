//! Multiple labels (RFC 8277 section 2.1): entries of AFI (2 octets), SAFI (1), count (1).

use crate::{Family, FamilySet, Params};

/// How many labels the routes of a family may have.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 8277 section 2.1 has these fields")]
pub struct MultipleLabels {
    /// The family.
    pub family: Family,
    /// The most labels: 2 to 254, 255 for any number; 0 and 1 are ignored by receivers.
    pub count: u8,
}

/// The families whose routes may have more than one label.
pub(crate) type Learned = FamilySet;

/// RFC 8277 section 2.1: of several capabilities the last one counts, and in it the last entry of a family; a count of 0 or 1
/// says nothing.
pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let (entries, []) = value.as_chunks() else { return true };
    *learned = entries.iter().fold(FamilySet::EMPTY, |families, [afi_high, afi_low, safi, count]| {
        let family = Family::new(u16::from_be_bytes([*afi_high, *afi_low]), *safi);
        if *count > 1 { families.with(family) } else { families.without(family) }
    });
    true
}

impl Params {
    /// The families whose routes may have more than one label.
    #[must_use]
    pub const fn multiple_labels(&self) -> FamilySet {
        self.slots.multiple_labels
    }

    /// With more than one label for the routes of these families.
    #[must_use]
    pub const fn with_multiple_labels(mut self, families: FamilySet) -> Self {
        self.slots.multiple_labels = families;
        self
    }
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<MultipleLabels>> {
    let (entries, []) = value.as_chunks() else { return None };
    let entry = |[afi_high, afi_low, safi, count]: &[u8; 4]| MultipleLabels {
        family: Family::new(u16::from_be_bytes([*afi_high, *afi_low]), *safi),
        count: *count,
    };
    Some(entries.iter().map(entry).collect())
}

#[cfg(feature = "alloc")]
pub(super) fn encode(entries: &[MultipleLabels], out: &mut alloc::vec::Vec<u8>) {
    for MultipleLabels { family, count } in entries {
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[family.safi.0, *count]);
    }
}

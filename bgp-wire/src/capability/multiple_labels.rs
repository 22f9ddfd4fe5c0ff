//! Multiple labels (RFC 8277 section 2.1): entries of AFI (2 octets), SAFI (1), count (1).

/// How many labels the routes of a family may have.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 8277 section 2.1 has these fields")]
pub struct MultipleLabels {
    /// The family.
    pub family: crate::Family,
    /// The most labels: 2 to 254, 255 for any number; 0 and 1 are ignored by receivers.
    pub count: u8,
}

/// Nothing of the codec depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<MultipleLabels>> {
    let (entries, []) = value.as_chunks() else { return None };
    let entry = |[afi_high, afi_low, safi, count]: &[u8; 4]| MultipleLabels {
        family: crate::Family::new(u16::from_be_bytes([*afi_high, *afi_low]), *safi),
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

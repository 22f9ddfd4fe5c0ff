//! Limit of paths (draft-abraitis-idr-addpath-paths-limit): entries of AFI (2 octets), SAFI (1), limit (2).

/// How many paths for a prefix of a family the speaker wants at most.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "the draft has these fields")]
pub struct PathsLimit {
    /// The family.
    pub family: crate::Family,
    /// The most paths; 0 is ignored by receivers.
    pub limit: u16,
}

/// Nothing of the codec depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<PathsLimit>> {
    let (entries, []) = value.as_chunks() else { return None };
    let entry = |[afi_high, afi_low, safi, high, low]: &[u8; 5]| PathsLimit {
        family: crate::Family::new(u16::from_be_bytes([*afi_high, *afi_low]), *safi),
        limit: u16::from_be_bytes([*high, *low]),
    };
    Some(entries.iter().map(entry).collect())
}

#[cfg(feature = "alloc")]
pub(super) fn encode(entries: &[PathsLimit], out: &mut alloc::vec::Vec<u8>) {
    for PathsLimit { family, limit } in entries {
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[family.safi.0]);
        out.extend_from_slice(&limit.to_be_bytes());
    }
}

//! The four kinds of segments (RFC 4271 section 4.3, RFC 5065 section 3).

/// The kind of an AS_PATH segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "RFC 5065 closes the set; a new kind would change the protocol")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum SegmentKind {
    /// AS_SET (1): unordered.
    Set,
    /// AS_SEQUENCE (2): ordered, nearest first.
    Sequence,
    /// AS_CONFED_SEQUENCE (3): ordered member ASes of the local confederation.
    ConfedSequence,
    /// AS_CONFED_SET (4): unordered member ASes of the local confederation.
    ConfedSet,
}

impl SegmentKind {
    /// The segment type octet.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            SegmentKind::Set => 1,
            SegmentKind::Sequence => 2,
            SegmentKind::ConfedSequence => 3,
            SegmentKind::ConfedSet => 4,
        }
    }

    /// Whether the segment belongs to a confederation (RFC 5065).
    #[must_use]
    pub fn is_confed(self) -> bool {
        matches!(self, SegmentKind::ConfedSequence | SegmentKind::ConfedSet)
    }

    /// Whether the members have no order.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(self, SegmentKind::Set | SegmentKind::ConfedSet)
    }

    /// The kind that a segment type octet says.
    #[inline]
    pub(crate) fn from_code(code: u8) -> Option<SegmentKind> {
        match code {
            1 => Some(SegmentKind::Set),
            2 => Some(SegmentKind::Sequence),
            3 => Some(SegmentKind::ConfedSequence),
            4 => Some(SegmentKind::ConfedSet),
            _ => None,
        }
    }
}

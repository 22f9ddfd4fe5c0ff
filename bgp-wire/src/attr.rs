//! Path attributes: the table, one row per attribute that is typed, and what each row's file says of it.
//!
//! Attributes without a row are kept byte for byte.

pub(crate) mod index;
pub(crate) mod raw;
pub(crate) mod scan;
mod set;
#[cfg(feature = "serde")]
pub(crate) mod text;
mod values;
mod view;

#[cfg(feature = "alloc")]
mod builder;
#[cfg(feature = "alloc")]
mod canonical;

pub use self::aggregator::Aggregator;
pub use self::as_path::{AsPath, Asns, Segment, SegmentKind, Segments};
#[cfg(feature = "alloc")]
pub use self::builder::{AttrBuilder, PathSegment};
pub use self::origin::Origin;
pub use self::raw::{RawAttr, RawAttrs};
pub use self::set::AttrSet;
pub use self::values::Values;
pub use self::view::Attributes;

pub use crate::next_hop::NextHop;

use crate::error::AttrProblem;
use crate::registry::attributes;
use crate::{Action, AttrFlags, Context, SessionKind};

// type => flags, row in file; in the order of the types.
attributes! {
    1  => WELL_KNOWN              Origin             in origin,
    2  => WELL_KNOWN              AsPath<'_>         in as_path,
    3  => WELL_KNOWN              NextHop            in next_hop,
    4  => OPTIONAL_NON_TRANSITIVE Med                in med,
    5  => WELL_KNOWN              LocalPref          in local_pref,
    6  => WELL_KNOWN              AtomicAggregate    in atomic_aggregate,
    7  => OPTIONAL_TRANSITIVE     Aggregator         in aggregator,
    8  => OPTIONAL_TRANSITIVE     Communities        in communities,
    9  => OPTIONAL_NON_TRANSITIVE OriginatorId       in originator_id,
    10 => OPTIONAL_NON_TRANSITIVE ClusterList        in cluster_list,
    14 => OPTIONAL_NON_TRANSITIVE MpReach<'_>        in mp_reach,
    15 => OPTIONAL_NON_TRANSITIVE MpUnreach<'_>      in mp_unreach,
    16 => OPTIONAL_TRANSITIVE     ExtCommunities     in ext_communities,
    17 => OPTIONAL_TRANSITIVE     As4Path            in as4_path,
    18 => OPTIONAL_TRANSITIVE     As4Aggregator      in as4_aggregator,
    25 => OPTIONAL_TRANSITIVE     Ipv6ExtCommunities in ipv6_ext_communities,
    32 => OPTIONAL_TRANSITIVE     LargeCommunities   in large_communities,
    35 => OPTIONAL_TRANSITIVE     Otc                in otc,
}

/// What the file of an attribute says of it.
pub(crate) trait Attribute {
    /// The lengths that are right.
    const LENGTH: Length;
    /// What a malformed value comes to (RFC 7606 section 7).
    const MALFORMED: Action = Action::TreatAsWithdraw;
    /// From whom it is taken; from all others it is discarded before anything else is looked at.
    const TAKEN_FROM: Source = Source::Anyone;

    /// What else can be wrong with a value of a right length.
    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        let _ = (value, ctx);
        Ok(())
    }
}

/// What the table says of an attribute.
pub(crate) trait Row: Attribute {
    /// The place in the table.
    const SLOT: usize;
}

/// The lengths of a value that are right.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length {
    /// Any; the value tells.
    Any,
    /// This one.
    Exact(u16),
    /// This one and all above.
    AtLeast(u16),
    /// A multiple of this one, not 0.
    Multiple(u16),
    /// The first on sessions with 2-octet AS numbers, the second with 4-octet ones.
    ByAsWidth(u16, u16),
}

impl Length {
    #[inline]
    pub(crate) fn allows(self, len: usize, four_octet_as: bool) -> bool {
        match self {
            Length::Any => true,
            Length::Exact(exact) => len == usize::from(exact),
            Length::AtLeast(least) => len >= usize::from(least),
            Length::Multiple(unit) => len != 0 && len.is_multiple_of(usize::from(unit)),
            Length::ByAsWidth(narrow, wide) => len == usize::from(if four_octet_as { wide } else { narrow }),
        }
    }
}

/// From whom an attribute is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// From every peer.
    Anyone,
    /// From peers in the same AS or confederation.
    Confederation,
    /// From peers in the same AS.
    Internal,
    /// On sessions with 2-octet AS numbers.
    TwoOctet,
}

impl Source {
    #[inline]
    pub(crate) fn includes(self, ctx: &Context) -> bool {
        match self {
            Source::Anyone => true,
            Source::Confederation => ctx.kind() != SessionKind::Ebgp,
            Source::Internal => ctx.kind() == SessionKind::Ibgp,
            Source::TwoOctet => !ctx.four_octet_as(),
        }
    }
}

/// A row as the validating pass reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) ty: u8,
    /// The Optional and Transitive bits.
    pub(crate) flags: u8,
    pub(crate) length: Length,
    pub(crate) malformed: Action,
    pub(crate) taken_from: Source,
}

impl Rule {
    const fn of<T: Attribute>(ty: u8, flags: AttrFlags) -> Rule {
        Rule { ty, flags: flags.0, length: T::LENGTH, malformed: T::MALFORMED, taken_from: T::TAKEN_FROM }
    }
}

/// The row of a type, and its place; types without a row have none.
#[inline]
pub(crate) fn rule(ty: u8) -> Option<(usize, &'static Rule)> {
    let slot = usize::from(*SLOTS.get(usize::from(ty))?);
    RULES.get(slot).map(|rule| (slot, rule))
}

/// The place of each type's row, [`NO_ROW`] where there is none.
static SLOTS: [u8; 256] = {
    let mut slots = [NO_ROW; 256];
    let mut rest: &[Rule] = &RULES;
    let mut slot = 0;
    while let [first, others @ ..] = rest {
        let (_, [at, ..]) = slots.split_at_mut(first.ty as usize) else { break };
        *at = slot;
        slot += 1;
        rest = others;
    }
    slots
};

const NO_ROW: u8 = u8::MAX;
const WELL_KNOWN: AttrFlags = AttrFlags::TRANSITIVE;
const OPTIONAL_TRANSITIVE: AttrFlags = AttrFlags(AttrFlags::OPTIONAL.0 | AttrFlags::TRANSITIVE.0);
const OPTIONAL_NON_TRANSITIVE: AttrFlags = AttrFlags::OPTIONAL;

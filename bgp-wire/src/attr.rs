//! Path attributes: the table, one row per attribute that is typed, and what each row's file says of it.
//!
//! Attributes without a row are kept byte for byte.

pub(crate) mod index;
pub(crate) mod raw;
pub(crate) mod scan;
mod set;
pub(crate) mod straight;
#[cfg(feature = "serde")]
pub(crate) mod text;
mod tlv;
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
pub use self::tlv::{Tlv, Tlvs};
pub use self::values::Values;
pub use self::view::Attributes;

pub use crate::next_hop::NextHop;

use crate::error::AttrProblem;
use crate::registry::attributes;
use crate::{Action, AttrFlags, AttrType, Context, SessionKind};

// type => flags, row in file (`pub`: the file has public types of its own); in the order of the types.
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
    14 => OPTIONAL_NON_TRANSITIVE MpReach<'_>        in pub(crate) mp_reach,
    15 => OPTIONAL_NON_TRANSITIVE MpUnreach<'_>      in pub(crate) mp_unreach,
    16 => OPTIONAL_TRANSITIVE     ExtCommunities     in ext_communities,
    17 => OPTIONAL_TRANSITIVE     As4Path            in as4_path,
    18 => OPTIONAL_TRANSITIVE     As4Aggregator      in as4_aggregator,
    22 => OPTIONAL_TRANSITIVE     PmsiTunnel<'_>     in pub pmsi_tunnel,
    23 => OPTIONAL_TRANSITIVE     TunnelEncapsulation<'_> in pub tunnel_encapsulation,
    25 => OPTIONAL_TRANSITIVE     Ipv6ExtCommunities in ipv6_ext_communities,
    26 => OPTIONAL_NON_TRANSITIVE Aigp<'_>           in pub aigp,
    29 => OPTIONAL_NON_TRANSITIVE BgpLs<'_>          in pub bgp_ls,
    32 => OPTIONAL_TRANSITIVE     LargeCommunities   in large_communities,
    35 => OPTIONAL_TRANSITIVE     Otc                in otc,
    40 => OPTIONAL_TRANSITIVE     PrefixSid<'_>      in pub prefix_sid,
    128 => OPTIONAL_TRANSITIVE    AttrSetAttribute<'_> in pub attr_set,
}

/// What the file of an attribute says of it.
pub(crate) trait Attribute {
    /// The lengths that are right.
    const LENGTH: Length;
    /// What a malformed value comes to (RFC 7606 section 7).
    const MALFORMED: Action = Action::TreatAsWithdraw;
    /// From whom it is taken; from all others it is discarded before anything else is looked at.
    const TAKEN_FROM: Source = Source::Anyone;
    /// What other Optional or Transitive bits than the row's come to (RFC 7606 section 3 c).
    const WRONG_FLAGS: Action = Action::TreatAsWithdraw;

    /// What else can be wrong with a value of a right length.
    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        let _ = (value, ctx);
        Ok(())
    }

    /// What one problem comes to, where problems differ.
    fn treatment(problem: AttrProblem) -> Action {
        let _ = problem;
        Self::MALFORMED
    }
}

/// What the table says of an attribute.
pub(crate) trait Row: Attribute {
    /// The type.
    const TYPE: AttrType;
    /// The place in the table.
    const SLOT: usize;
    /// The Optional and Transitive bits.
    const FLAGS: AttrFlags;
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

/// What comes of an attribute that is held against its row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Judgement {
    /// As it should be; the place in the table.
    Good(usize),
    /// Not taken from such a peer.
    Unwanted,
    /// Other flags than those of its type, and nothing else; the place in the table.
    Flags(usize),
    /// Malformed.
    Malformed {
        /// What is wrong.
        problem: AttrProblem,
        /// What the row says to it.
        action: Action,
        /// Whether the flags at least are those of its type.
        flags_fit: bool,
    },
    /// A type without a row.
    NoRow,
}

#[inline]
fn judge_as<T: Row>(raw: &RawAttr<'_>, ctx: &Context) -> Judgement {
    // RFC 7606 sections 7.5, 7.9, 7.10: these are discarded before anything else is looked at.
    if !T::TAKEN_FROM.includes(ctx) {
        return Judgement::Unwanted;
    }
    // RFC 7606 section 3 c: the low four bits do not count.
    let flags_fit = raw.flags.0 & (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0 == T::FLAGS.0;
    let checked = if T::LENGTH.allows(raw.value.len(), ctx.four_octet_as()) {
        T::check(raw.value, ctx)
    } else {
        Err(AttrProblem::Length)
    };
    match checked {
        Ok(()) if flags_fit => Judgement::Good(T::SLOT),
        _ if !flags_fit && T::WRONG_FLAGS == Action::AttributeDiscard => {
            Judgement::Malformed { problem: AttrProblem::Flags, action: T::WRONG_FLAGS, flags_fit: true }
        }
        Ok(()) => Judgement::Flags(T::SLOT),
        Err(problem) => Judgement::Malformed { problem, action: T::treatment(problem), flags_fit },
    }
}

const WELL_KNOWN: AttrFlags = AttrFlags::TRANSITIVE;
const OPTIONAL_TRANSITIVE: AttrFlags = AttrFlags(AttrFlags::OPTIONAL.0 | AttrFlags::TRANSITIVE.0);
const OPTIONAL_NON_TRANSITIVE: AttrFlags = AttrFlags::OPTIONAL;

//! What a speaker changes in an attribute block when it passes a route on.

use alloc::vec::Vec;

use crate::attr::raw::{write_attr_with, write_head};
use crate::attr::{AttrSet, KNOWN, RawAttr, SegmentKind, flags_of, slot};
use crate::community::Community;
use crate::reader::low_u16;
use crate::{Asn, AttrFlags, AttrType, BgpId, ClusterId};

/// What becomes of one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "these are all that can be done to a single value")]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It gets this value.
    Set(T),
    /// It gets this value where it is not there.
    SetIfMissing(T),
    /// It goes.
    Remove,
}

/// What becomes of AS_PATH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AsPathEdit {
    /// It stays as it is: to internal peers and route server clients.
    #[default]
    Keep,
    /// Confederation segments go: a route server within a confederation.
    StripConfed,
    /// To external peers: confederation segments go where that is asked for (RFC 5065 section 4.1), then the AS goes in
    /// front (RFC 4271 section 5.1.2), into a new AS_SEQUENCE where the first segment is a set or has 255 members.
    Prepend {
        /// The own AS; to a peer outside a confederation its identifier.
        asn: Asn,
        /// Whether confederation segments go.
        strip_confed: bool,
    },
    /// To another member AS of the confederation: the own member AS goes in front, into an AS_CONFED_SEQUENCE.
    PrependConfed(Asn),
}

/// What becomes of CLUSTER_LIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClusterListEdit {
    /// It stays as it is.
    #[default]
    Keep,
    /// The own cluster goes in front (RFC 4456 section 8).
    Prepend(ClusterId),
    /// It goes: to external peers.
    Remove,
}

/// All changes to an attribute block; the default changes nothing.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes};
/// use bgp_wire::{AsPathEdit, Asn, ClusterListEdit, Edit, Rewrite, rewrite};
///
/// // To an external peer of AS 64512:
/// let mut edits = Rewrite::new();
/// edits.as_path = AsPathEdit::Prepend { asn: Asn(64512), strip_confed: false };
/// (edits.local_pref, edits.med, edits.originator_id) = (Edit::Remove, Edit::Remove, Edit::Remove);
/// edits.cluster_list = ClusterListEdit::Remove;
/// edits.pass_on = true;
///
/// let block = AttrBuilder::new().as_path(&[Asn(64513)]).local_pref(100).build()?;
/// let mut out = Vec::new();
/// rewrite(&block, &edits, &mut out);
/// assert_eq!(out, AttrBuilder::new().as_path(&[Asn(64512), Asn(64513)]).build()?);
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rewrite<'e> {
    /// AS_PATH; one that is missing counts as empty.
    pub as_path: AsPathEdit,
    /// MULTI_EXIT_DISC.
    pub med: Edit<u32>,
    /// LOCAL_PREF.
    pub local_pref: Edit<u32>,
    /// ORIGINATOR_ID.
    pub originator_id: Edit<BgpId>,
    /// CLUSTER_LIST.
    pub cluster_list: ClusterListEdit,
    /// OTC (RFC 9234).
    pub otc: Edit<Asn>,
    /// Communities that are added behind those that are there, each once.
    pub add_communities: &'e [Community],
    /// Attributes that go, whatever else is said of them.
    pub remove: AttrSet,
    /// Whether the block goes to a peer, so that what is not known here is handled as RFC 4271 section 5 asks:
    /// optional transitive attributes get the Partial bit, optional non-transitive ones go.
    pub pass_on: bool,
}

impl Rewrite<'_> {
    /// No change.
    #[must_use]
    pub fn new() -> Self {
        Rewrite::default()
    }
}

/// Appends the canonical block `canonical` with changes; the result is canonical too.
///
/// An attribute that a change would make longer than its length field can say (65535 octets, far more than any message
/// takes) stays as it is.
///
/// ```
/// use bgp_wire::attr::AttrBuilder;
/// use bgp_wire::{BgpId, ClusterId, ClusterListEdit, Edit, Rewrite, rewrite};
///
/// // Reflection (RFC 4456 section 8):
/// let mut edits = Rewrite::new();
/// edits.originator_id = Edit::SetIfMissing(BgpId(0x0a00_0001));
/// edits.cluster_list = ClusterListEdit::Prepend(ClusterId(0xf400_0001));
/// let mut out = Vec::new();
/// rewrite(&AttrBuilder::new().build()?, &edits, &mut out);
/// let want = AttrBuilder::new().originator_id(BgpId(0x0a00_0001)).cluster_list(&[ClusterId(0xf400_0001)]);
/// assert_eq!(out, want.build()?);
/// # Ok::<(), bgp_wire::Error>(())
/// ```
pub fn rewrite(canonical: &[u8], edits: &Rewrite<'_>, out: &mut Vec<u8>) {
    Rewriter::new(edits).apply(canonical, out);
}

/// The same changes for many blocks: what they come to is found once.
///
/// ```
/// use bgp_wire::attr::AttrBuilder;
/// use bgp_wire::{Edit, Rewrite, Rewriter, rewrite};
///
/// let mut edits = Rewrite::new();
/// edits.local_pref = Edit::Set(200);
/// let rewriter = Rewriter::new(&edits);
/// let block = AttrBuilder::new().med(7).build()?;
/// let (mut one, mut other) = (Vec::new(), Vec::new());
/// rewriter.apply(&block, &mut one);
/// rewrite(&block, &edits, &mut other);
/// assert_eq!(one, other);
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Rewriter<'e> {
    edits: Rewrite<'e>,
    /// Types below 64 that stay as they are where they are there, a bit for each.
    same: u64,
    /// Those that go.
    gone: u64,
    /// Those that there shall be.
    wanted: u64,
}

impl<'e> Rewriter<'e> {
    /// For these changes.
    #[must_use]
    pub fn new(edits: &Rewrite<'e>) -> Self {
        let path = match edits.as_path {
            AsPathEdit::Keep => Fate::Kept,
            _ => Fate::Edited,
        };
        let communities = if edits.add_communities.is_empty() { Fate::Kept } else { Fate::Edited };
        let clusters = match edits.cluster_list {
            ClusterListEdit::Keep => Fate::Kept,
            ClusterListEdit::Prepend(_) => Fate::Edited,
            ClusterListEdit::Remove => Fate::Gone,
        };
        let mut rewriter = Rewriter { edits: *edits, same: u64::MAX, gone: edits.remove.low(), wanted: 0 };
        for (ty, fate) in [
            (AttrType::AS_PATH, path),
            (AttrType::MED, edits.med.fate()),
            (AttrType::LOCAL_PREF, edits.local_pref.fate()),
            (AttrType::COMMUNITIES, communities),
            (AttrType::ORIGINATOR_ID, edits.originator_id.fate()),
            (AttrType::CLUSTER_LIST, clusters),
            (AttrType::OTC, edits.otc.fate()),
        ] {
            let bit = 1 << ty.0;
            match fate {
                Fate::Kept => {}
                Fate::KeptOrAdded => rewriter.wanted |= bit,
                Fate::Edited => {
                    rewriter.wanted |= bit;
                    rewriter.same &= !bit;
                }
                Fate::Gone => rewriter.gone |= bit,
            }
        }
        if edits.pass_on {
            rewriter.same &= KNOWN;
        }
        rewriter.same &= !rewriter.gone;
        rewriter.wanted &= !rewriter.gone;
        rewriter
    }

    /// Appends the canonical block `canonical` with the changes, as [`rewrite`] does.
    pub fn apply(&self, canonical: &[u8], out: &mut Vec<u8>) {
        out.reserve(canonical.len() + GROWTH);
        let mut wanted = self.wanted;
        let mut attention = self.attention(wanted);
        // What is copied as it is: all in front of `rest` that was not written yet.
        let (mut piece, mut rest) = (canonical, canonical);
        while let Some((raw, behind)) = pass_over(&mut rest, attention) {
            let bit: u64 = if raw.ty.0 < 64 { 1 << raw.ty.0 } else { 0 };
            let before = wanted & bit.wrapping_sub(1);
            if self.gone & bit != 0 && before == 0 {
                append(piece, rest, out);
                (piece, rest) = (behind, behind);
                continue;
            }
            wanted &= !(before | bit);
            attention = self.attention(wanted);
            let stays = self.same & bit != 0;
            if !stays || before != 0 {
                append(piece, rest, out);
                piece = rest;
            }
            if before != 0 {
                self.add(before, out);
            }
            if !stays {
                let kept = if self.gone & bit != 0 { 0 } else { self.edit(&raw, out) };
                piece = rest.get(rest.len().wrapping_sub(behind.len() + kept)..).unwrap_or_default();
            }
            rest = behind;
        }
        append(piece, rest, out);
        if wanted != 0 {
            self.add(wanted, out);
        }
    }

    /// The types below 64 that cannot just be passed over while those of `wanted` are not there yet: what does not stay as
    /// it is, and all from the first of these on.
    #[inline]
    fn attention(&self, wanted: u64) -> u64 {
        // All bits from the lowest that is 1 on; none where none is.
        !self.same | wanted | wanted.wrapping_neg()
    }

    /// Adds attributes of `types` that are not there.
    #[inline(never)]
    fn add(&self, types: u64, out: &mut Vec<u8>) {
        let mut left = types;
        while left != 0 {
            let ty = AttrType(u8::try_from(left.trailing_zeros()).unwrap_or(u8::MAX));
            left &= left - 1;
            self.edit(&RawAttr { flags: flags_of(ty), ty, value: &[] }, out);
        }
    }

    /// Writes what becomes of an attribute: says how many octets at the end of its value are to be copied behind that.
    #[inline(never)]
    fn edit(&self, raw: &RawAttr<'_>, out: &mut Vec<u8>) -> usize {
        let (edits, old) = (&self.edits, raw.value);
        match raw.ty {
            AttrType::AS_PATH => as_path(old, edits, out),
            AttrType::CLUSTER_LIST => cluster_list(old, edits, out),
            AttrType::ORIGINATOR_ID => value(raw.ty, &edits.originator_id, out),
            AttrType::MED => value(raw.ty, &edits.med, out),
            AttrType::LOCAL_PREF => value(raw.ty, &edits.local_pref, out),
            AttrType::OTC => value(raw.ty, &edits.otc, out),
            AttrType::COMMUNITIES => communities(raw, edits, out),
            _ => self.pass(raw, out),
        }
    }

    /// An attribute that there is no edit for.
    #[cold]
    fn pass(&self, raw: &RawAttr<'_>, out: &mut Vec<u8>) -> usize {
        let unknown = self.edits.pass_on && slot(raw.ty).is_none();
        if self.edits.remove.contains(raw.ty) || unknown && !raw.flags.contains(AttrFlags::TRANSITIVE) {
            return 0;
        }
        // RFC 4271 section 5: somebody on the way did not know it.
        let partial = if unknown { AttrFlags::PARTIAL.0 } else { 0 };
        write_head(raw.canonical_flags() | partial, raw.ty, raw.value.len(), out);
        raw.value.len()
    }
}

/// What becomes of an attribute.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    KeptOrAdded,
    Edited,
    Gone,
}

impl<T> Edit<T> {
    fn fate(&self) -> Fate {
        match self {
            Edit::Keep => Fate::Kept,
            Edit::Set(_) => Fate::Edited,
            Edit::SetIfMissing(_) => Fate::KeptOrAdded,
            Edit::Remove => Fate::Gone,
        }
    }
}

/// The attribute in front of `rest` and what is behind it, after those whose bits in `attention` are 0.
#[inline(always)]
fn pass_over<'a>(rest: &mut &'a [u8], attention: u64) -> Option<(RawAttr<'a>, &'a [u8])> {
    while let [flags, ty, short, behind @ ..] = *rest {
        let (len, behind) = if flags & AttrFlags::EXTENDED_LENGTH.0 == 0 {
            (usize::from(*short), behind)
        } else {
            let (low, behind) = behind.split_first()?;
            (usize::from(u16::from_be_bytes([*short, *low])), behind)
        };
        let (value, behind) = behind.split_at_checked(len)?;
        if *ty >= 64 || attention >> ty & 1 != 0 {
            return Some((RawAttr { flags: AttrFlags(*flags), ty: AttrType(*ty), value }, behind));
        }
        *rest = behind;
    }
    None
}

/// Appends what of `piece` is in front of `rest`.
#[inline]
fn append(piece: &[u8], rest: &[u8], out: &mut Vec<u8>) {
    let front = piece.get(..piece.len().wrapping_sub(rest.len())).unwrap_or_default();
    if !front.is_empty() {
        out.extend_from_slice(front);
    }
}

#[inline(never)]
fn value<T: Octets>(ty: AttrType, edit: &Edit<T>, out: &mut Vec<u8>) -> usize {
    if let Edit::Set(new) | Edit::SetIfMissing(new) = *edit {
        let [a, b, c, d] = new.octets();
        out.extend_from_slice(&[flags_of(ty).0, ty.0, 4, a, b, c, d]);
    }
    0
}

#[inline(never)]
fn as_path(old: &[u8], edits: &Rewrite<'_>, out: &mut Vec<u8>) -> usize {
    // Into the first segment, which has room, of a path that stays short: nearly always.
    if let AsPathEdit::Prepend { asn, strip_confed: false } = edits.as_path
        && let [SEQUENCE, count @ ..=SHORT_SEGMENT, kept @ ..] = old
        && let Ok(len) = u8::try_from(kept.len() + LONGEST_PREPEND)
    {
        let [a, b, c, d] = asn.0.to_be_bytes();
        out.extend_from_slice(&[AttrFlags::TRANSITIVE.0, AttrType::AS_PATH.0, len, SEQUENCE, count + 1, a, b, c, d]);
        return kept.len();
    }
    any_path(old, edits.as_path, out)
}

#[inline(never)]
fn any_path(old: &[u8], edit: AsPathEdit, out: &mut Vec<u8>) -> usize {
    let (kind, asn, strip) = match edit {
        AsPathEdit::Prepend { asn, strip_confed } => (SegmentKind::Sequence, asn, strip_confed),
        AsPathEdit::PrependConfed(asn) => (SegmentKind::ConfedSequence, asn, false),
        AsPathEdit::Keep | AsPathEdit::StripConfed => return strip_confed(None, old, out),
    };
    if old.len() + LONGEST_PREPEND > usize::from(u16::MAX) {
        write_head(flags_of(AttrType::AS_PATH).0, AttrType::AS_PATH, old.len(), out);
        return old.len();
    }
    if strip {
        return strip_confed(Some((kind, asn)), old, out);
    }
    let [a, b, c, d] = asn.0.to_be_bytes();
    // Into the first segment, if it is one of that kind and has room.
    let (count, kept) = match old {
        [code, count @ ..=254, rest @ ..] if *code == kind.code() => (count + 1, rest.len()),
        _ => (1, old.len()),
    };
    write_head(flags_of(AttrType::AS_PATH).0, AttrType::AS_PATH, kept + LONGEST_PREPEND, out);
    out.extend_from_slice(&[kind.code(), count, a, b, c, d]);
    kept
}

/// The path without confederation segments, behind one more AS.
#[cold]
fn strip_confed(front: Option<(SegmentKind, Asn)>, old: &[u8], out: &mut Vec<u8>) -> usize {
    write_attr_with(flags_of(AttrType::AS_PATH).0, AttrType::AS_PATH, out, |out| {
        let start = out.len();
        if let Some((kind, asn)) = front {
            out.extend_from_slice(&[kind.code(), 1]);
            out.extend_from_slice(&asn.0.to_be_bytes());
        }
        let mut rest = old;
        let mut first = true;
        while let Some((code, count, asns, behind)) = segment(rest) {
            rest = behind;
            if code == SegmentKind::ConfedSequence.code() || code == SegmentKind::ConfedSet.code() {
                continue;
            }
            let joins = first && front.is_some_and(|(kind, _)| kind.code() == code) && count < u8::MAX;
            first = false;
            match out.get_mut(start + 1) {
                Some(members) if joins => *members = count + 1,
                _ => out.extend_from_slice(&[code, count]),
            }
            out.extend_from_slice(asns);
        }
    });
    0
}

/// Type, number of members, members and what comes behind.
fn segment(octets: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let ([code, count], rest) = octets.split_first_chunk::<2>()?;
    let (asns, rest) = rest.split_at_checked(usize::from(*count) * 4)?;
    Some((*code, *count, asns, rest))
}

#[inline(never)]
fn communities(raw: &RawAttr<'_>, edits: &Rewrite<'_>, out: &mut Vec<u8>) -> usize {
    let added = edits.add_communities;
    let fits = raw.value.len() + added.len() * 4 <= usize::from(u16::MAX);
    let added = if fits { added } else { &[] };
    write_attr_with(raw.canonical_flags(), raw.ty, out, |out| {
        let start = out.len();
        out.extend_from_slice(raw.value);
        for community in added {
            let octets = community.0.to_be_bytes();
            if !out.get(start..).unwrap_or_default().as_chunks::<4>().0.contains(&octets) {
                out.extend_from_slice(&octets);
            }
        }
    });
    0
}

#[inline(never)]
fn cluster_list(old: &[u8], edits: &Rewrite<'_>, out: &mut Vec<u8>) -> usize {
    let (flags, ty) = (flags_of(AttrType::CLUSTER_LIST).0, AttrType::CLUSTER_LIST);
    match edits.cluster_list {
        ClusterListEdit::Remove => return 0,
        // One piece where the length field stays short.
        ClusterListEdit::Prepend(cluster) if old.len() + 4 <= usize::from(u8::MAX) => {
            let ([a, b, c, d], [len, _]) = (cluster.0.to_be_bytes(), low_u16(old.len() + 4).to_le_bytes());
            out.extend_from_slice(&[flags, ty.0, len, a, b, c, d]);
        }
        ClusterListEdit::Prepend(cluster) if old.len() + 4 <= usize::from(u16::MAX) => {
            write_head(flags, ty, old.len() + 4, out);
            out.extend_from_slice(&cluster.0.to_be_bytes());
        }
        ClusterListEdit::Prepend(_) | ClusterListEdit::Keep => write_head(flags, ty, old.len(), out),
    }
    old.len()
}

/// The segment type AS_SEQUENCE.
const SEQUENCE: u8 = SegmentKind::Sequence.code();
/// The most members of a segment that has room for one more.
const SHORT_SEGMENT: u8 = 254;
/// Octets that the usual edits add at most.
const GROWTH: usize = 32;

/// Values of 4 octets.
trait Octets: Copy {
    fn octets(self) -> [u8; 4];
}

impl Octets for u32 {
    fn octets(self) -> [u8; 4] {
        self.to_be_bytes()
    }
}

impl Octets for Asn {
    fn octets(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

impl Octets for BgpId {
    fn octets(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

/// Octets that a new segment of one AS adds.
const LONGEST_PREPEND: usize = 6;

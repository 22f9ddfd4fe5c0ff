//! What a speaker changes in an attribute block when it passes a route on.

use alloc::vec::Vec;

use crate::attr::raw::{write_attr, write_attr_with};
use crate::attr::{AttrSet, RawAttr, RawAttrs, SegmentKind, flags_of, slot};
use crate::community::Community;
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
    let mut raws = RawAttrs::all(canonical).peekable();
    for (ty, edit) in EDITS {
        while let Some(raw) = raws.next_if(|raw| raw.ty < ty) {
            copy(&raw, edits, out);
        }
        let raw = raws.next_if(|raw| raw.ty == ty);
        if !edits.remove.contains(ty) {
            edit(raw.as_ref(), edits, out);
        }
    }
    raws.for_each(|raw| copy(&raw, edits, out));
}

/// The attributes that have an edit of their own, in the order of their types.
const EDITS: [(AttrType, EditFn); 7] = [
    (AttrType::AS_PATH, as_path),
    (AttrType::MED, |raw, edits, out| value(AttrType::MED, edits.med, raw, out)),
    (AttrType::LOCAL_PREF, |raw, edits, out| value(AttrType::LOCAL_PREF, edits.local_pref, raw, out)),
    (AttrType::COMMUNITIES, communities),
    (AttrType::ORIGINATOR_ID, |raw, edits, out| value(AttrType::ORIGINATOR_ID, edits.originator_id, raw, out)),
    (AttrType::CLUSTER_LIST, cluster_list),
    (AttrType::OTC, |raw, edits, out| value(AttrType::OTC, edits.otc, raw, out)),
];

type EditFn = fn(Option<&RawAttr<'_>>, &Rewrite<'_>, &mut Vec<u8>);

/// An attribute that nothing is said of.
fn copy(raw: &RawAttr<'_>, edits: &Rewrite<'_>, out: &mut Vec<u8>) {
    if edits.remove.contains(raw.ty) {
        return;
    }
    let flags = raw.canonical_flags();
    if !edits.pass_on || slot(raw.ty).is_some() {
        write_attr(flags, raw.ty, raw.value, out);
    } else if raw.flags.contains(AttrFlags::TRANSITIVE) {
        // RFC 4271 section 5: somebody on the way did not know it.
        write_attr(flags | AttrFlags::PARTIAL.0, raw.ty, raw.value, out);
    }
}

fn value<T: Octets>(ty: AttrType, edit: Edit<T>, raw: Option<&RawAttr<'_>>, out: &mut Vec<u8>) {
    let new = match (edit, raw) {
        (Edit::Set(new), _) | (Edit::SetIfMissing(new), None) => new,
        (Edit::Keep | Edit::SetIfMissing(_), Some(raw)) => {
            return write_attr(raw.canonical_flags(), ty, raw.value, out);
        }
        (Edit::Keep, None) | (Edit::Remove, _) => return,
    };
    write_attr(flags_of(ty).0, ty, &new.octets(), out);
}

fn as_path(raw: Option<&RawAttr<'_>>, edits: &Rewrite<'_>, out: &mut Vec<u8>) {
    let (front, strip) = match edits.as_path {
        AsPathEdit::Keep if raw.is_none() => return,
        AsPathEdit::Keep => (None, false),
        AsPathEdit::StripConfed => (None, true),
        AsPathEdit::Prepend { asn, strip_confed } => (Some((SegmentKind::Sequence, asn)), strip_confed),
        AsPathEdit::PrependConfed(asn) => (Some((SegmentKind::ConfedSequence, asn)), false),
    };
    let old = raw.map_or(&[][..], |raw| raw.value);
    let flags = flags_of(AttrType::AS_PATH).0;
    if old.len() + LONGEST_PREPEND > usize::from(u16::MAX) {
        return write_attr(flags, AttrType::AS_PATH, old, out);
    }
    write_attr_with(flags, AttrType::AS_PATH, out, |out| {
        let start = out.len();
        if let Some((kind, asn)) = front {
            out.extend_from_slice(&[kind.code(), 1]);
            out.extend_from_slice(&asn.0.to_be_bytes());
        }
        let mut rest = old;
        let mut first = true;
        while let Some((code, count, asns, behind)) = segment(rest) {
            rest = behind;
            if strip && (code == SegmentKind::ConfedSequence.code() || code == SegmentKind::ConfedSet.code()) {
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
}

/// Type, number of members, members and what comes behind.
fn segment(octets: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let ([code, count], rest) = octets.split_first_chunk::<2>()?;
    let (asns, rest) = rest.split_at_checked(usize::from(*count) * 4)?;
    Some((*code, *count, asns, rest))
}

fn communities(raw: Option<&RawAttr<'_>>, edits: &Rewrite<'_>, out: &mut Vec<u8>) {
    let ty = AttrType::COMMUNITIES;
    let old = raw.map_or(&[][..], |raw| raw.value);
    let flags = raw.map_or(flags_of(ty).0, RawAttr::canonical_flags);
    let fits = old.len() + edits.add_communities.len() * 4 <= usize::from(u16::MAX);
    let added = if fits { edits.add_communities } else { &[] };
    if raw.is_none() && added.is_empty() {
        return;
    }
    write_attr_with(flags, ty, out, |out| {
        let start = out.len();
        out.extend_from_slice(old);
        for community in added {
            let octets = community.0.to_be_bytes();
            if !out.get(start..).unwrap_or_default().as_chunks::<4>().0.contains(&octets) {
                out.extend_from_slice(&octets);
            }
        }
    });
}

fn cluster_list(raw: Option<&RawAttr<'_>>, edits: &Rewrite<'_>, out: &mut Vec<u8>) {
    let ty = AttrType::CLUSTER_LIST;
    let old = raw.map_or(&[][..], |raw| raw.value);
    let front = match edits.cluster_list {
        ClusterListEdit::Prepend(cluster) if old.len() + 4 <= usize::from(u16::MAX) => Some(cluster),
        ClusterListEdit::Prepend(_) | ClusterListEdit::Keep => None,
        ClusterListEdit::Remove => return,
    };
    if raw.is_none() && front.is_none() {
        return;
    }
    write_attr_with(flags_of(ty).0, ty, out, |out| {
        out.extend(front.into_iter().flat_map(|cluster| cluster.0.to_be_bytes()));
        out.extend_from_slice(old);
    });
}

/// Values of 4 octets.
trait Octets {
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

//! Between the naive tables' attributes and octets.

use bgp_wire::attr::{AttrBuilder, Attributes, Origin, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId, ClusterId};

use super::naive::{Attrs, CONFED_SEQUENCE, SEQUENCE, SET};
use crate::bench::Held;

/// The octets of such attributes.
pub(super) fn block(attrs: &Attrs) -> Vec<u8> {
    let segments: Vec<_> = attrs.path.iter().map(|(kind, asns)| segment(*kind, asns)).collect();
    let communities: Vec<_> = attrs.communities.iter().map(|one| Community(*one)).collect();
    let clusters: Vec<_> = attrs.clusters.iter().map(|one| ClusterId(*one)).collect();
    let origin = [Origin::Igp, Origin::Egp, Origin::Incomplete][usize::from(attrs.origin)];
    let mut builder = AttrBuilder::new().origin(origin).segments(&segments);
    builder = attrs.med.into_iter().fold(builder, AttrBuilder::med);
    builder = attrs.local_pref.into_iter().fold(builder, AttrBuilder::local_pref);
    builder = if communities.is_empty() { builder } else { builder.communities(&communities) };
    builder = attrs.originator.into_iter().fold(builder, |builder, id| builder.originator_id(BgpId(id)));
    builder = if clusters.is_empty() { builder } else { builder.cluster_list(&clusters) };
    builder = attrs.otc.into_iter().fold(builder, |builder, asn| builder.otc(Asn(asn)));
    builder.build().unwrap()
}

fn segment(kind: u8, asns: &[u32]) -> PathSegment {
    let kind = match kind {
        SET => SegmentKind::Set,
        SEQUENCE => SegmentKind::Sequence,
        _ => SegmentKind::ConfedSequence,
    };
    PathSegment { kind, asns: asns.iter().map(|asn| Asn(*asn)).collect() }
}

/// What a peer holds, in those terms.
pub(super) fn attrs_of(held: &Held) -> Attrs {
    let attributes = Attributes::from_canonical(&held.0).unwrap();
    let path = attributes.as_path().unwrap_or_default();
    let segments = path.segments().map(|segment| {
        let kind = match segment.kind {
            SegmentKind::Set => SET,
            SegmentKind::Sequence => SEQUENCE,
            _ => CONFED_SEQUENCE,
        };
        (kind, segment.asns.map(|asn| asn.0).collect())
    });
    Attrs {
        origin: attributes.origin().unwrap().code(),
        path: segments.collect(),
        next_hop: held.1,
        med: attributes.med(),
        local_pref: attributes.local_pref(),
        communities: attributes.communities().map(|one| one.0).collect(),
        originator: attributes.originator_id().map(|id| id.0),
        clusters: attributes.cluster_list().map(|id| id.0).collect(),
        otc: attributes.otc().map(|asn| asn.0),
    }
}

//! What a speaker changes in an attribute block (RFC 4271 section 5, RFC 4456 section 8, RFC 5065 section 4.1).
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bgp_wire::attr::{AttrBuilder, AttrSet, Attributes, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::{AsPathEdit, Asn, AttrFlags, AttrType, BgpId, ClusterId, ClusterListEdit, Edit, Rewrite, rewrite};

fn segment(kind: SegmentKind, asns: impl IntoIterator<Item = u32>) -> PathSegment {
    PathSegment { kind, asns: asns.into_iter().map(Asn).collect() }
}

fn apply(block: &[u8], edits: &Rewrite<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    rewrite(block, edits, &mut out);
    out
}

fn path_after(segments: &[PathSegment], edit: AsPathEdit) -> String {
    let block = AttrBuilder::new().segments(segments).build().unwrap();
    let mut edits = Rewrite::new();
    edits.as_path = edit;
    let out = apply(&block, &edits);
    Attributes::from_canonical(&out).unwrap().as_path().unwrap().to_string()
}

#[test]
fn rfc4271_5_1_2_the_own_as_goes_in_front() {
    use SegmentKind::{ConfedSequence, ConfedSet, Sequence, Set};
    let own = AsPathEdit::Prepend { asn: Asn(1), strip_confed: true };
    assert_eq!(path_after(&[], own), "1");
    assert_eq!(path_after(&[segment(Sequence, [2, 3])], own), "1 2 3");
    assert_eq!(path_after(&[segment(Set, [2, 3])], own), "1 {2 3}");
    let confed = [segment(ConfedSequence, [7]), segment(ConfedSet, [8]), segment(Sequence, [2]), segment(Set, [3])];
    assert_eq!(path_after(&confed, own), "1 2 {3}");
    assert_eq!(path_after(&confed, AsPathEdit::StripConfed), "2 {3}");
    assert_eq!(path_after(&confed, AsPathEdit::Keep), "(7) [8] 2 {3}");
    assert_eq!(path_after(&confed, AsPathEdit::PrependConfed(Asn(6))), "(6 7) [8] 2 {3}");
    assert_eq!(path_after(&[segment(Sequence, [2])], AsPathEdit::PrependConfed(Asn(6))), "(6) 2");
    assert_eq!(path_after(&confed[1..], AsPathEdit::PrependConfed(Asn(6))), "(6) [8] 2 {3}");
}

#[test]
fn rfc4271_5_1_2_a_segment_of_255_gets_a_new_one_in_front() {
    let mut edits = Rewrite::new();
    edits.as_path = AsPathEdit::Prepend { asn: Asn(9), strip_confed: false };
    for (members, want) in [(254, vec![255]), (255, vec![1, 255])] {
        let block = AttrBuilder::new().segments(&[segment(SegmentKind::Sequence, 1..=members)]).build().unwrap();
        let out = apply(&block, &edits);
        let path = Attributes::from_canonical(&out).unwrap().as_path().unwrap();
        assert_eq!(path.segments().map(|segment| segment.asns.len()).collect::<Vec<_>>(), want);
        assert_eq!(path.first(), Some(Asn(9)));
    }
}

#[test]
fn rfc4456_8_reflection_adds_the_cluster_and_never_replaces_the_originator() {
    let mut edits = Rewrite::new();
    edits.originator_id = Edit::SetIfMissing(BgpId(1));
    edits.cluster_list = ClusterListEdit::Prepend(ClusterId(7));
    let plain = AttrBuilder::new().local_pref(5).otc(Asn(3)).build().unwrap();
    let once = apply(&plain, &edits);
    let want = AttrBuilder::new().local_pref(5).otc(Asn(3)).originator_id(BgpId(1)).cluster_list(&[ClusterId(7)]);
    assert_eq!(once, want.clone().build().unwrap());
    edits.originator_id = Edit::SetIfMissing(BgpId(2));
    edits.cluster_list = ClusterListEdit::Prepend(ClusterId(8));
    assert_eq!(apply(&once, &edits), want.cluster_list(&[ClusterId(8), ClusterId(7)]).build().unwrap());
}

#[test]
fn rfc4271_5_what_is_not_known_gets_the_partial_bit_or_stays_behind() {
    let transitive = AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE;
    let block = AttrBuilder::new()
        .communities(&[Community::NO_EXPORT])
        .raw(transitive, AttrType(199), &[1; 300])
        .raw(AttrFlags::OPTIONAL, AttrType(200), &[2])
        .raw(transitive, AttrType(20), &[3])
        .build()
        .unwrap();
    let mut edits = Rewrite::new();
    assert_eq!(apply(&block, &edits), block);
    edits.pass_on = true;
    let want = AttrBuilder::new()
        .communities(&[Community::NO_EXPORT])
        .raw(transitive | AttrFlags::PARTIAL, AttrType(199), &[1; 300])
        .raw(transitive | AttrFlags::PARTIAL, AttrType(20), &[3]);
    assert_eq!(apply(&block, &edits), want.build().unwrap());
}

#[test]
fn each_edit_keeps_sets_adds_or_removes() {
    let block = AttrBuilder::new().med(1).communities(&[Community(5)]).build().unwrap();
    let mut edits = Rewrite::new();
    edits.med = Edit::Set(2);
    edits.local_pref = Edit::SetIfMissing(100);
    edits.otc = Edit::Set(Asn(4));
    edits.add_communities = &[Community(5), Community(6), Community(6)];
    edits.remove = AttrSet::EMPTY.with(AttrType::ORIGIN);
    let want = AttrBuilder::new().med(2).local_pref(100).otc(Asn(4)).communities(&[Community(5), Community(6)]);
    assert_eq!(apply(&block, &edits), want.without(AttrType::ORIGIN).build().unwrap());
    edits = Rewrite::new();
    edits.med = Edit::Remove;
    edits.remove = AttrSet::EMPTY.with(AttrType::COMMUNITIES);
    assert_eq!(apply(&block, &edits), AttrBuilder::new().build().unwrap());
}

//! RFC 6793: sessions with 2-octet AS numbers, in both directions.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/update.rs"]
#[expect(dead_code, reason = "this file uses a part")]
mod support;

use bgp_wire::attr::{Aggregator, AttrBuilder, Attributes, PathSegment, SegmentKind};
use bgp_wire::{Action, Asn, BgpId, Context, Family, Packer, UpdateView};
use bytes::BytesMut;
use support::*;

fn narrow() -> Context {
    ebgp().with_four_octet_as(false)
}

/// The path that a 2-octet AS_PATH and an AS4_PATH make.
fn merged(path: &[u8], as4: &[u8]) -> String {
    let attrs: [&[u8]; 4] = [ORIGIN, &attr(0x40, 2, path), NEXT_HOP, &attr(0xc0, 17, as4)];
    let message = message(&[], &attrs, NLRI);
    let update = UpdateView::decode(&message, &narrow().with_kind(bgp_wire::SessionKind::Ibgp)).unwrap();
    let mut canonical = Vec::new();
    update.write_canonical(&mut canonical);
    let text = update.attributes().as_path().unwrap().to_string();
    let wide = Attributes::from_canonical(&canonical).unwrap();
    assert_eq!(wide.as_path().unwrap().to_string(), text);
    assert_eq!(wide.as_path().unwrap().hops(), update.attributes().as_path().unwrap().hops());
    text
}

#[test]
fn rfc6793_4_2_3_as4_path_replaces_the_end_of_as_path() {
    let as4 = [2, 2, 0, 1, 0, 0, 0, 0, 0, 9];
    assert_eq!(merged(&[2, 3, 0, 7, 0x5b, 0xa0, 0, 9], &as4), "7 65536 9");
    assert_eq!(merged(&[2, 2, 0x5b, 0xa0, 0, 9], &as4), "65536 9");
    // Longer than AS_PATH: ignored.
    assert_eq!(merged(&[2, 1, 0, 9], &as4), "9");
    // A set counts as one.
    assert_eq!(merged(&[2, 1, 0, 7, 1, 2, 0, 1, 0, 2], &[1, 2, 0, 1, 0, 0, 0, 0, 0, 2]), "7 {65536 2}");
    // Leading and adjacent confederation segments of AS_PATH stay, those of AS4_PATH go.
    assert_eq!(merged(&[3, 1, 0, 5, 2, 3, 0, 7, 0x5b, 0xa0, 0, 9], &as4), "(5) 7 65536 9");
    assert_eq!(merged(&[2, 2, 0x5b, 0xa0, 0, 9], &[3, 1, 0, 0, 0, 5, 2, 2, 0, 1, 0, 0, 0, 0, 0, 9]), "65536 9");
    assert_eq!(merged(&[2, 1, 0, 9], &[3, 1, 0, 0, 0, 5]), "9");
}

#[test]
fn rfc6793_4_2_3_a_merge_inside_a_sequence_gives_one_segment() {
    let attrs: [&[u8]; 4] =
        [ORIGIN, &attr(0x40, 2, &[2, 2, 0, 7, 0x5b, 0xa0]), NEXT_HOP, &attr(0xc0, 17, &[2, 1, 0, 1, 0, 0])];
    let message = message(&[], &attrs, NLRI);
    let mut canonical = Vec::new();
    UpdateView::decode(&message, &narrow()).unwrap().write_canonical(&mut canonical);
    assert_eq!(canonical, AttrBuilder::new().as_path(&[Asn(7), Asn(65536)]).build().unwrap());
}

#[test]
fn rfc6793_4_2_3_an_aggregator_without_as_trans_makes_the_as4_attributes_void() {
    let path = attr(0x40, 2, &[2, 1, 0x5b, 0xa0]);
    let as4: [&[u8]; 2] = [&attr(0xc0, 17, &[2, 1, 0, 1, 0, 0]), &attr(0xc0, 18, &[0, 1, 0, 0, 10, 0, 0, 2])];
    let seen = |asn: [u8; 2]| {
        let aggregator = attr(0xc0, 7, &[asn[0], asn[1], 10, 0, 0, 1]);
        let message = message(&[], &[ORIGIN, &path, NEXT_HOP, &aggregator, as4[0], as4[1]], NLRI);
        let update = UpdateView::decode(&message, &narrow()).unwrap();
        (update.attributes().as_path().unwrap().to_string(), update.attributes().aggregator().unwrap())
    };
    let wide = Aggregator { asn: Asn(65536), bgp_id: BgpId(0x0a00_0002) };
    assert_eq!(seen([0x5b, 0xa0]), ("65536".into(), wide));
    assert_eq!(seen([0, 8]), ("23456".into(), Aggregator { asn: Asn(8), bgp_id: BgpId(0x0a00_0001) }));
}

#[test]
fn rfc6793_4_1_as4_attributes_between_new_speakers_are_discarded() {
    let both = [attr(0xc0, 17, &[9]), attr(0xc0, 18, &[])].concat();
    assert_eq!(verdict(&announcing(&both), &ebgp()), (Action::AttributeDiscard, vec![17, 18]));
}

#[test]
fn rfc6793_6_malformed_as4_attributes_are_discarded() {
    let path = attr(0x40, 2, &[2, 1, 0x5b, 0xa0]);
    for bad in [&[][..], &[2, 0], &[2, 1, 0, 0, 0, 0], &[2, 2, 0, 1, 0, 0], &[9, 1, 0, 1, 0, 0]] {
        let message = message(&[], &[ORIGIN, &path, NEXT_HOP, &attr(0xc0, 17, bad)], NLRI);
        assert_eq!(verdict(&message, &narrow()), (Action::AttributeDiscard, vec![17]), "{bad:?}");
        let update = UpdateView::decode(&message, &narrow()).unwrap();
        assert_eq!(update.attributes().as_path().unwrap().to_string(), "23456");
    }
}

#[test]
fn rfc6793_4_2_2_old_speakers_get_as_trans_and_the_as4_attributes() {
    let segments = [
        PathSegment { kind: SegmentKind::ConfedSequence, asns: vec![Asn(65001)] },
        PathSegment { kind: SegmentKind::Sequence, asns: vec![Asn(65536), Asn(9)] },
    ];
    let block = AttrBuilder::new()
        .segments(&segments)
        .local_pref(1)
        .aggregator(Aggregator { asn: Asn(65536), bgp_id: BgpId(1) })
        .otc(Asn(65536))
        .build()
        .unwrap();
    let ctx = narrow().with_kind(bgp_wire::SessionKind::Ibgp);
    let prefix: ipnet::IpNet = "10.0.0.0/8".parse().unwrap();
    let mut out = BytesMut::new();
    let next_hop = "192.0.2.1".parse().unwrap();
    Packer::new(&ctx).announce(&mut out, &block, next_hop, Family::IPV4_UNICAST, [prefix.into()]).unwrap();
    let update = UpdateView::decode(&out, &ctx).unwrap();
    assert_eq!(update.verdict().action, Action::Accept);
    let types: Vec<u8> = update.attributes().iter().map(|raw| raw.ty.0).collect();
    assert_eq!(types, [1, 2, 3, 5, 7, 17, 18, 35]);
    let mut again = Vec::new();
    update.write_canonical(&mut again);
    assert_eq!(again, block);
    // Nothing that needs them: no AS4 attributes.
    let small = AttrBuilder::new().as_path(&[Asn(9)]).local_pref(1).build().unwrap();
    out.clear();
    Packer::new(&ctx).announce(&mut out, &small, next_hop, Family::IPV4_UNICAST, [prefix.into()]).unwrap();
    assert!(UpdateView::decode(&out, &ctx).unwrap().attributes().iter().map(|raw| raw.ty.0).eq([1, 2, 3, 5]));
}

#[test]
fn rfc8654_a_block_that_would_outgrow_its_offsets_withdraws() {
    let ctx = narrow().with_max_receive(u16::MAX);
    // AS_PATH of full segments, and an unknown attribute that fills the rest.
    let path = [&[2, 255][..], &[0, 9].repeat(255)].concat().repeat(30);
    let long = |flags: u8, ty: u8, value: &[u8]| {
        [&[flags | 0x10, ty][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
    };
    let rest = usize::from(u16::MAX) - ORIGIN.len() - NEXT_HOP.len() - 2 * path.len() - 8 - 3;
    for (len, want) in [(rest, Action::Accept), (rest + 1, Action::TreatAsWithdraw)] {
        let unknown = long(0xc0, 200, &vec![0; len]);
        let message = message(&[], &[ORIGIN, &long(0x40, 2, &path), NEXT_HOP, &unknown], NLRI);
        let update = UpdateView::decode(&message, &ctx).unwrap();
        assert_eq!(update.verdict().action, want, "{len}");
        let mut canonical = Vec::new();
        update.write_canonical(&mut canonical);
        assert!(Attributes::from_canonical(&canonical).is_ok());
    }
}

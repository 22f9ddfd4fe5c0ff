//! Attributes that few UPDATEs have: what malformed ones come to, and that text and octets are the same thing.
#![cfg(all(feature = "serde", feature = "alloc"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bgp_wire::attr::{AttrBuilder, Attributes};
use bgp_wire::{Action, Asn, AttrFlags, AttrType, Context, SessionKind, Update, UpdateView};
use proptest::prelude::*;
use serde_json::{Value, json};

/// An UPDATE with one announced prefix and this attribute behind the mandatory ones.
fn update(flags: u8, ty: u8, value: &[u8]) -> Vec<u8> {
    let mut attributes = hex::decode("40010100400206020100 00fc0140030 4c0000202".replace(' ', "")).unwrap();
    attributes.extend([flags | 0x10, ty]);
    attributes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    attributes.extend(value);
    let mut message = vec![0xff; 19];
    message.extend([0, 0]);
    message.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
    message.extend(&attributes);
    message.extend([24, 203, 0, 113]);
    let len = u16::try_from(message.len()).unwrap().to_be_bytes();
    message.get_mut(16..18).unwrap().copy_from_slice(&len);
    *message.get_mut(18).unwrap() = 2;
    message
}

#[track_caller]
fn action(flags: u8, ty: u8, value: &[u8]) -> Action {
    let message = update(flags, ty, value);
    let verdict = UpdateView::decode(&message, &Context::new(SessionKind::Ebgp)).unwrap().verdict();
    // What is discarded is not there afterwards.
    let view = UpdateView::decode(&message, &Context::new(SessionKind::Ebgp)).unwrap();
    assert_eq!(view.attributes().contains(AttrType(ty)), verdict.action == Action::Accept);
    verdict.action
}

#[test]
fn rfc8669_6_the_prefix_sid_of_2025_05_20_ends_no_session() {
    // Octets that were all 0 where a BGP Prefix-SID should have been.
    for len in 0..64 {
        let expected = if len > 0 && len % 3 == 0 { Action::Accept } else { Action::AttributeDiscard };
        assert_eq!(action(0xc0, 40, &vec![0; len]), expected, "{len}");
    }
    assert_eq!(action(0xe0, 40, &[0, 0]), Action::AttributeDiscard);
}

#[test]
fn rfc7606_8_corrupt_attributes_of_vu347067_end_no_session() {
    let corrupt: &[&[u8]] = &[&[], &[0], &[0xff; 3], &[0xff; 40], &[0, 8, 0, 4, 1, 0xff, 0, 0]];
    for value in corrupt {
        assert_eq!(action(0xc0, 23, value), Action::TreatAsWithdraw, "{value:?}");
        // ELCA is no attribute any more: not known, so any value passes.
        assert_eq!(action(0xc0, 28, value), Action::Accept, "{value:?}");
    }
}

#[test]
fn rfc4271_5_unknown_optional_attributes_pass_whatever_they_have() {
    for ty in [30, 99, 255] {
        for (flags, value) in [(0xc0, &[0xff; 5][..]), (0xe0, &[]), (0x80, &[0; 300])] {
            assert_eq!(action(flags, ty, value), Action::Accept, "{ty}");
        }
    }
}

#[test]
fn rfc7606_3_c_wrong_flags_withdraw_but_for_aigp() {
    for (ty, value) in [(22, &[0; 5][..]), (23, &[0, 8, 0, 0]), (40, &[0; 3]), (128, &[0; 4])] {
        assert_eq!(action(0xc0, ty, value), Action::Accept, "{ty}");
        assert_eq!(action(0x80, ty, value), Action::TreatAsWithdraw, "{ty}");
    }
    assert_eq!((action(0x80, 29, &[]), action(0xc0, 29, &[])), (Action::Accept, Action::TreatAsWithdraw));
    assert_eq!((action(0x80, 26, &[]), action(0xc0, 26, &[])), (Action::Accept, Action::AttributeDiscard));
}

#[test]
fn a_block_of_everything_has_a_text_by_names() {
    let customer = AttrBuilder::new().build().unwrap();
    let block = AttrBuilder::new()
        .pmsi_tunnel(
            "ingress-replication label:10000 10.0.0.1"
                .parse::<bgp_wire::attr::pmsi_tunnel::PmsiTunnelBuf>()
                .unwrap()
                .as_bytes(),
        )
        .tunnel_encapsulation(&["vxlan endpoint:192.0.2.1".parse().unwrap()])
        .aigp_metric(7)
        .bgp_ls(&["node-name:core 1".parse().unwrap()])
        .prefix_sid(&["label-index:7".parse().unwrap()])
        .attr_set(Asn(64512), &customer)
        .partial(AttrType::PREFIX_SID)
        .raw(AttrFlags(0xc0), AttrType(200), &[1])
        .build()
        .unwrap();
    let attributes = Attributes::from_canonical(&block).unwrap();
    let text = json!({
        "origin": "igp",
        "as_path": [],
        "pmsi_tunnel": "ingress-replication label:10000 10.0.0.1",
        "tunnel_encapsulation": ["vxlan endpoint:192.0.2.1"],
        "aigp": ["metric:7"],
        "bgp_ls": ["node-name:core 1"],
        "prefix_sid": ["label-index:7"],
        "attr_set": {"origin_as": 64512, "attributes": hex::encode(&customer)},
        "partial": [40],
        "other": [{"flags": 192, "type": 200, "value": "01"}],
    });
    assert_eq!(serde_json::to_value(attributes).unwrap(), text);
    assert_eq!(read(text).unwrap(), block);
    for wrong in
        [json!({"mp_reach": null}), json!({"nothing": 1}), json!({"aigp": ["x"]}), json!({"med": 1, "other": 2})]
    {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
    let twice = r#"{"withdrawn": [], "announced": [], "attributes": {"med": 1, "med": 2}}"#;
    assert!(serde_json::from_str::<Update>(twice).unwrap_err().to_string().contains("`med` occurs again"));
}

/// The block of an UPDATE whose attributes have that text.
fn read(attributes: Value) -> Result<Vec<u8>, serde_json::Error> {
    let announced = json!({"family": "1/1", "next_hop": "192.0.2.2", "nlri": [{"prefix": "203.0.113.0/24"}]});
    let update = json!({"withdrawn": [], "announced": [announced], "attributes": attributes});
    let update: Update = serde_json::from_value(update)?;
    let mut message = bytes::BytesMut::new();
    update.encode(&Context::new(SessionKind::Ebgp), &mut message).unwrap();
    let mut block = Vec::new();
    UpdateView::decode(&message, &Context::new(SessionKind::Ebgp)).unwrap().attributes().write_canonical(&mut block);
    Ok(block)
}

/// Octets that are often lists of type, length and value.
fn lists() -> impl Strategy<Value = Vec<u8>> {
    let one = (0_u8..8, prop::collection::vec(any::<u8>(), 0..12), any::<bool>());
    let list = prop::collection::vec(one, 0..4).prop_map(|tlvs| {
        let mut out = Vec::new();
        for (ty, value, wide) in tlvs {
            out.extend(if wide { vec![0, ty] } else { vec![ty] });
            out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            out.extend(value);
        }
        out
    });
    prop_oneof![list, prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn what_is_accepted_is_the_same_after_its_text(value in lists(), at in 0_usize..6) {
        let (flags, ty) = [(0xc0, 22), (0xc0, 23), (0x80, 26), (0x80, 29), (0xc0, 40), (0xc0, 128)][at];
        let block = AttrBuilder::new().raw(AttrFlags(flags), AttrType(ty), &value).build();
        if let Ok(block) = block {
            let text = serde_json::to_value(Attributes::from_canonical(&block).unwrap()).unwrap();
            prop_assert_eq!(read(text).unwrap(), block);
        }
    }
}

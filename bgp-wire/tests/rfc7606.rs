//! RFC 7606: what comes of errors in an UPDATE.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/update.rs"]
mod support;

use bgp_wire::Action::{self, Accept, AttributeDiscard, SessionReset, TreatAsWithdraw};
use bgp_wire::{Asn, Context, ErrorKind, Family, FamilySet, NotificationCode, SessionKind, UpdateView};
use support::*;

const MP_REACH: &[u8] = &[
    0x80, 14, 28, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 48, 0x20, 1, 0xd, 0xb8, 0, 1,
];
const MP_UNREACH: &[u8] = &[0x80, 15, 10, 0, 2, 1, 48, 0x20, 1, 0xd, 0xb8, 0, 2];

#[test]
fn rfc7606_2_actions_are_ordered_and_the_strongest_wins() {
    // AGGREGATOR of a wrong length discards, COMMUNITIES without a value withdraw.
    let both = announcing(&[attr(0xc0, 7, &[1]), attr(0xc0, 8, &[])].concat());
    let update = UpdateView::decode(&both, &ebgp()).unwrap();
    assert_eq!(update.verdict().action, TreatAsWithdraw);
    let reasons: Vec<Action> = update.reasons().map(|reason| reason.action()).collect();
    assert_eq!(reasons, [AttributeDiscard, TreatAsWithdraw]);
}

#[test]
fn rfc7606_3_a_lengths_beyond_the_message_reset() {
    for (at, value) in [(19, 1), (19, 0xffff), (21, 40), (21, 0xffff)] {
        let mut message = announcing(&[]);
        message[at..at + 2].copy_from_slice(&u16::to_be_bytes(value));
        assert_eq!(reset(&message, &ebgp()).0, NotificationCode::MALFORMED_ATTRIBUTE_LIST, "{at} {value}");
    }
}

#[test]
fn rfc7606_3_c_other_flags_withdraw_whatever_the_length_does() {
    for wrong in [0x00, 0x80, 0xc0] {
        let message = message(&[], &[&attr(wrong, 1, &[0]), AS_PATH, NEXT_HOP], NLRI);
        assert_eq!(action(&message, &ebgp()), TreatAsWithdraw);
    }
    assert_eq!(action(&announcing(&attr(0x80, 6, &[])), &ebgp()), TreatAsWithdraw);
    assert_eq!(action(&announcing(&attr(0x40, 7, &[0, 0, 0, 1, 1, 1, 1, 1])), &ebgp()), TreatAsWithdraw);
    assert_eq!(action(&announcing(&attr(0x40, 7, &[1])), &ebgp()), TreatAsWithdraw);
    // Of the multiprotocol attributes the NLRI are still needed.
    let mut reach = MP_REACH.to_vec();
    reach[0] = 0xc0;
    let message = message(&[], &[&reach, ORIGIN, AS_PATH], &[]);
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!(update.verdict().action, TreatAsWithdraw);
    assert_eq!(withdrawn(&update), ["2001:db8:1::/48"]);
}

#[test]
fn rfc4271_4_3_low_flag_bits_and_extended_length_are_no_errors() {
    let message = announcing(&[0xdf, 8, 0, 4, 0, 1, 0, 1]);
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!(update.verdict().action, Accept);
    assert_eq!(update.as_bytes(), message);
    #[cfg(feature = "alloc")]
    {
        let mut canonical = Vec::new();
        update.write_canonical(&mut canonical);
        assert!(canonical.ends_with(&[0xc0, 8, 4, 0, 1, 0, 1]));
    }
}

#[test]
fn rfc7606_3_d_missing_mandatory_attributes_withdraw() {
    let all = [ORIGIN, AS_PATH, NEXT_HOP];
    for missing in 0..3 {
        let attrs: Vec<&[u8]> = all.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, attr)| *attr).collect();
        let message = message(&[], &attrs, NLRI);
        let update = UpdateView::decode(&message, &ebgp()).unwrap();
        assert_eq!(update.verdict().action, TreatAsWithdraw);
        let error = update.reasons().next().unwrap();
        let notification = error.notification(&message);
        assert_eq!(notification.code, NotificationCode::MISSING_WELL_KNOWN_ATTRIBUTE);
        assert_eq!(notification.data, [u8::try_from(missing + 1).unwrap()]);
        assert_eq!(withdrawn(&update), ["203.0.113.0/24"]);
    }
    // RFC 4760 section 3: MP_REACH_NLRI needs no NEXT_HOP.
    assert_eq!(action(&message(&[], &[ORIGIN, AS_PATH, MP_REACH], &[]), &ebgp()), Accept);
    // Withdrawals need nothing.
    assert_eq!(action(&message(NLRI, &[], &[]), &ebgp()), Accept);
    assert_eq!(action(&message(&[], &[MP_UNREACH], &[]), &ebgp()), Accept);
    // RFC 4271 section 5.1.5: internal peers send LOCAL_PREF.
    assert_eq!(action(&announcing(&[]), &ibgp()), TreatAsWithdraw);
    assert_eq!(action(&internal(&[]), &ibgp()), Accept);
}

#[test]
fn rfc7606_3_g_the_first_of_several_stands() {
    let message = announcing(&[attr(0x80, 4, &[0, 0, 0, 7]), attr(0x80, 4, &[9])].concat());
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!((update.verdict().action, update.attributes().med()), (Accept, Some(7)));
    assert_eq!(update.reasons().count(), 1);
    // Unknown ones too.
    let message = announcing(&[attr(0xc0, 200, &[1]), attr(0xc0, 200, &[2])].concat());
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!(update.attributes().iter().filter(|raw| raw.ty.0 == 200).map(|raw| raw.value).next(), Some(&[1][..]));
    assert_eq!(update.attributes().iter().count(), 4);
    // One that was discarded is not replaced by the next.
    let doubled = [LOCAL_PREF, LOCAL_PREF].concat();
    assert_eq!(verdict(&announcing(&doubled), &ebgp()), (AttributeDiscard, vec![5]));
    // NLRI must not be ambiguous.
    for twice in [MP_REACH, MP_UNREACH] {
        let message = self::message(&[], &[ORIGIN, AS_PATH, twice, twice], &[]);
        assert_eq!(reset(&message, &ebgp()).0, NotificationCode::MALFORMED_ATTRIBUTE_LIST);
    }
}

#[test]
fn rfc7606_3_i_withdrawn_routes_are_checked_as_nlri_are() {
    for field in [&[33, 1, 2, 3, 4, 5][..], &[24, 1, 2], &[255], &[8]] {
        let code = NotificationCode::INVALID_NETWORK_FIELD;
        assert_eq!(reset(&message(field, &[], &[]), &ebgp()).0, code);
        assert_eq!(reset(&message(&[], &[ORIGIN, AS_PATH, NEXT_HOP], field), &ebgp()).0, code);
    }
}

#[test]
fn rfc7606_4_an_overrun_withdraws_what_the_total_length_locates() {
    for rest in [&[0x40][..], &[0x40, 5], &[0xd0, 8, 0], &[0xc0, 8, 5, 0, 0, 0, 0], &[0xd0, 8, 1, 0, 0]] {
        let message = announcing(rest);
        let update = UpdateView::decode(&message, &ebgp()).unwrap();
        assert_eq!(update.verdict().action, TreatAsWithdraw, "{rest:?}");
        assert_eq!(withdrawn(&update), ["203.0.113.0/24"]);
        assert_eq!(announced(&update), [""; 0]);
    }
    // Where NLRI are lost, nothing else is left to do.
    assert_eq!(action(&announcing(&MP_REACH[..20]), &ebgp()), SessionReset);
}

#[test]
fn rfc7606_5_1_nlri_are_found_wherever_they_stand() {
    let bad = attr(0x40, 1, &[9]);
    let message = message(&[16, 10, 0], &[MP_UNREACH, &bad, AS_PATH, NEXT_HOP, MP_REACH], NLRI);
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!(update.verdict().action, TreatAsWithdraw);
    assert_eq!(withdrawn(&update), ["10.0.0.0/16", "2001:db8:2::/48", "203.0.113.0/24", "2001:db8:1::/48"]);
    assert_eq!(announced(&update), [""; 0]);
}

#[test]
fn rfc7606_5_2_an_error_without_reachable_nlri_resets() {
    let bad = attr(0x40, 1, &[9]);
    let (code, data) = reset(&message(&[], &[&bad, AS_PATH, NEXT_HOP], &[]), &ebgp());
    assert_eq!((code, data), (NotificationCode::INVALID_ORIGIN, bad));
    // Withdrawals are no reachable NLRI.
    assert_eq!(action(&message(NLRI, &[&attr(0xc0, 8, &[])], &[]), &ebgp()), SessionReset);
    // Attribute discard is no reason.
    assert_eq!(action(&message(NLRI, &[&attr(0xc0, 7, &[])], &[]), &ebgp()), AttributeDiscard);
    // MP_UNREACH_NLRI alone is what withdrawals look like.
    let mut unreach = MP_UNREACH.to_vec();
    unreach[0] = 0xc0;
    assert_eq!(action(&message(&[], &[&unreach], &[]), &ebgp()), TreatAsWithdraw);
}

#[test]
fn rfc7606_5_3_prefix_lengths_and_path_identifiers_are_checked() {
    let mut reach = MP_REACH.to_vec();
    reach[24] = 129;
    let code = NotificationCode::OPTIONAL_ATTRIBUTE_ERROR;
    assert_eq!(reset(&message(&[], &[ORIGIN, AS_PATH, &reach], &[]), &ebgp()).0, code);
    let ctx = ebgp().with_add_path_receive(FamilySet::UNICAST);
    // RFC 7911 section 3: the IPv4 NLRI outside MP_REACH_NLRI have path identifiers too.
    let with_id = message(&[0, 0, 0, 9, 8, 10], &[ORIGIN, AS_PATH, NEXT_HOP], &[0, 0, 0, 7, 24, 203, 0, 113]);
    let update = UpdateView::decode(&with_id, &ctx).unwrap();
    assert_eq!(
        (withdrawn(&update), announced(&update)),
        (vec!["10.0.0.0/8#9".into()], vec!["203.0.113.0/24#7".into()])
    );
    for cut in [&[0, 0, 1][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 24, 1]] {
        let message = message(&[], &[ORIGIN, AS_PATH, NEXT_HOP], cut);
        assert_eq!(reset(&message, &ctx).0, NotificationCode::INVALID_NETWORK_FIELD);
    }
}

#[test]
fn rfc7606_7_lengths_and_values_of_each_attribute() {
    let aggregator_as_zero = [0, 0, 0, 0, 1, 1, 1, 1];
    for (flags, ty, value, want) in [
        (0x80, 4, &[0, 0, 0][..], TreatAsWithdraw),
        (0x80, 4, &[0; 5], TreatAsWithdraw),
        (0x40, 6, &[0], AttributeDiscard),
        (0xc0, 7, &[0; 6], AttributeDiscard),
        (0xc0, 7, &aggregator_as_zero, AttributeDiscard),
        (0xc0, 8, &[], TreatAsWithdraw),
        (0xc0, 8, &[0; 6], TreatAsWithdraw),
        (0x80, 9, &[0; 3], TreatAsWithdraw),
        (0x80, 10, &[], TreatAsWithdraw),
        (0x80, 10, &[0; 6], TreatAsWithdraw),
        (0xc0, 16, &[], TreatAsWithdraw),
        (0xc0, 16, &[0; 9], TreatAsWithdraw),
        (0xc0, 25, &[0; 19], TreatAsWithdraw),
        (0xc0, 32, &[], TreatAsWithdraw),
        (0xc0, 32, &[0; 16], TreatAsWithdraw),
        (0xc0, 35, &[0; 5], TreatAsWithdraw),
    ] {
        let message = internal(&attr(flags, ty, value));
        assert_eq!(action(&message, &ibgp()), want, "attribute {ty} of {} octets", value.len());
    }
    for value in [&[][..], &[0, 0], &[3], &[255]] {
        assert_eq!(action(&message(&[], &[&attr(0x40, 1, value), AS_PATH, NEXT_HOP], NLRI), &ebgp()), TreatAsWithdraw);
    }
    for value in [&[][..], &[1; 3], &[1; 5], &[0, 0, 0, 0], &[127, 0, 0, 1], &[224, 0, 0, 1], &[255; 4]] {
        let message = message(&[], &[ORIGIN, AS_PATH, &attr(0x40, 3, value)], NLRI);
        assert_eq!(action(&message, &ebgp()), TreatAsWithdraw, "{value:?}");
    }
}

#[test]
fn rfc7606_7_2_as_path_segments() {
    let path = |value: &[u8]| message(&[], &[ORIGIN, &attr(0x40, 2, value), NEXT_HOP], NLRI);
    for (value, want) in [
        (&[][..], Accept),
        (&[2, 1, 0, 0, 0, 1], Accept),
        (&[1, 1, 0, 0, 0, 1], Accept),
        (&[2], TreatAsWithdraw),
        (&[2, 0], TreatAsWithdraw),
        (&[2, 2, 0, 0, 0, 1], TreatAsWithdraw),
        (&[0, 1, 0, 0, 0, 1], TreatAsWithdraw),
        (&[5, 1, 0, 0, 0, 1], TreatAsWithdraw),
        (&[2, 1, 0, 0, 0, 1, 2], TreatAsWithdraw),
        // RFC 7607: AS 0.
        (&[2, 1, 0, 0, 0, 0], TreatAsWithdraw),
        // RFC 5065: from outside the confederation.
        (&[3, 1, 0, 0, 0, 1], TreatAsWithdraw),
        (&[4, 1, 0, 0, 0, 1], TreatAsWithdraw),
    ] {
        assert_eq!(action(&path(value), &ebgp()), want, "{value:?}");
    }
}

#[test]
fn rfc5065_5_member_ases_begin_with_a_confederation_sequence() {
    let confed = Context::new(SessionKind::ConfedExternal).with_peer_as(Asn(1)).with_enforce_first_as(true);
    let path = |value: &[u8]| message(&[], &[ORIGIN, &attr(0x40, 2, value), NEXT_HOP, LOCAL_PREF], NLRI);
    assert_eq!(verdict(&path(&[3, 1, 0, 0, 0, 1]), &confed), (Accept, vec![]));
    assert_eq!(action(&path(&[3, 1, 0, 0, 0, 1, 2, 1, 0, 0, 0, 9]), &confed), Accept);
    for value in [&[][..], &[2, 1, 0, 0, 0, 1], &[4, 1, 0, 0, 0, 1], &[3, 1, 0, 0, 0, 2]] {
        assert_eq!(action(&path(value), &confed), TreatAsWithdraw, "{value:?}");
    }
}

#[test]
fn rfc9774_as_sets_are_rejected_where_that_is_on() {
    let on = ebgp().with_reject_as_sets(true);
    let message = message(&[], &[ORIGIN, &attr(0x40, 2, &[1, 1, 0, 0, 0, 1]), NEXT_HOP], NLRI);
    assert_eq!((action(&message, &ebgp()), action(&message, &on)), (Accept, TreatAsWithdraw));
    let narrow = on.with_four_octet_as(false);
    let path = attr(0x40, 2, &[2, 1, 0x5b, 0xa0]);
    let as4 = attr(0xc0, 17, &[1, 1, 0, 1, 0, 0]);
    let message = support::message(&[], &[ORIGIN, &path, NEXT_HOP, &as4], NLRI);
    assert_eq!(action(&message, &narrow), TreatAsWithdraw);
}

#[test]
fn rfc4271_6_3_the_leftmost_as_is_checked_where_that_is_on() {
    let ctx = ebgp().with_peer_as(Asn(0xfc01)).with_enforce_first_as(true);
    assert_eq!(action(&announcing(&[]), &ctx), Accept);
    assert_eq!(action(&announcing(&[]), &ctx.with_peer_as(Asn(7))), TreatAsWithdraw);
    let set = message(&[], &[ORIGIN, &attr(0x40, 2, &[1, 1, 0, 0, 0xfc, 1]), NEXT_HOP], NLRI);
    assert_eq!(action(&set, &ctx), TreatAsWithdraw);
    // On a 2-octet session a large number shows as AS_TRANS.
    let narrow = ctx.with_four_octet_as(false).with_peer_as(Asn(400_000));
    let trans = message(&[], &[ORIGIN, &attr(0x40, 2, &[2, 1, 0x5b, 0xa0]), NEXT_HOP], NLRI);
    assert_eq!(action(&trans, &narrow), Accept);
}

#[test]
fn rfc7606_7_5_7_9_7_10_are_discarded_from_outside_before_their_length_is_looked_at() {
    for (flags, ty) in [(0x40, 5), (0x80, 9), (0x80, 10)] {
        for value in [&[][..], &[0; 3], &[0; 4]] {
            for flags in [flags, 0xc0] {
                let message = announcing(&attr(flags, ty, value));
                assert_eq!(verdict(&message, &ebgp()), (AttributeDiscard, vec![ty]));
                let update = UpdateView::decode(&message, &ebgp()).unwrap();
                assert_eq!(update.attributes().local_pref(), None);
                assert_eq!(update.attributes().originator_id(), None);
                assert_eq!(update.attributes().cluster_list().len(), 0);
            }
        }
    }
}

#[test]
fn rfc7606_7_11_next_hop_lengths_by_family() {
    let ipv4 = Family::IPV4_UNICAST;
    let extended = ebgp().with_ext_next_hop(ipv4.into());
    for (afi, len, plain, with_8950) in [
        (1, 4, Accept, Accept),
        (1, 16, SessionReset, Accept),
        (1, 32, SessionReset, Accept),
        (1, 24, SessionReset, SessionReset),
        (2, 16, Accept, Accept),
        (2, 32, Accept, Accept),
        (2, 4, SessionReset, SessionReset),
        (2, 0, SessionReset, SessionReset),
        (2, 24, SessionReset, SessionReset),
        (2, 255, SessionReset, SessionReset),
    ] {
        let mut value = vec![0, afi, 1, len];
        value.extend(vec![1; if len == 255 { 3 } else { usize::from(len) }]);
        value.extend([0, 8, 10]);
        let message = message(&[], &[ORIGIN, AS_PATH, &attr(0x80, 14, &value)], &[]);
        assert_eq!((action(&message, &ebgp()), action(&message, &extended)), (plain, with_8950), "{afi} {len}");
    }
    for short in 0..5 {
        let message = message(&[], &[ORIGIN, AS_PATH, &attr(0x80, 14, &MP_REACH[3..3 + short])], &[]);
        assert_eq!(reset(&message, &ebgp()).0, NotificationCode::OPTIONAL_ATTRIBUTE_ERROR);
    }
}

#[test]
fn rfc4760_7_families_that_were_not_negotiated_are_ignored() {
    let only_ipv4 = ebgp().with_families(Family::IPV4_UNICAST.into());
    let odd = attr(0x80, 14, &[0, 1, 133, 0, 0, 99, 99]);
    let message = message(&[], &[ORIGIN, AS_PATH, NEXT_HOP, &odd, MP_UNREACH], NLRI);
    let update = UpdateView::decode(&message, &only_ipv4).unwrap();
    assert_eq!(update.verdict().action, Accept);
    assert_eq!((announced(&update), withdrawn(&update)), (vec!["203.0.113.0/24".into()], vec![]));
    let only_ipv6 = ebgp().with_families(Family::IPV6_UNICAST.into());
    let update = UpdateView::decode(&message, &only_ipv6).unwrap();
    assert_eq!((announced(&update), withdrawn(&update)), (vec![], vec!["2001:db8:2::/48".into()]));
}

#[test]
fn rfc4271_6_3_an_unknown_well_known_attribute_resets() {
    let unknown = attr(0x40, 200, &[1, 2]);
    let (code, data) = reset(&announcing(&unknown), &ebgp());
    assert_eq!((code, data), (NotificationCode::UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE, unknown));
    for flags in [0x80, 0xc0, 0xe0] {
        assert_eq!(action(&announcing(&attr(flags, 200, &[1, 2])), &ebgp()), Accept);
    }
}

#[test]
fn rfc4724_2_both_forms_of_end_of_rib() {
    let end = |message: &[u8]| UpdateView::decode(message, &ebgp()).unwrap().end_of_rib();
    assert_eq!(end(&message(&[], &[], &[])), Some(Family::IPV4_UNICAST));
    let empty = attr(0x80, 15, &[0, 2, 1]);
    assert_eq!(end(&message(&[], &[&empty], &[])), Some(Family::IPV6_UNICAST));
    assert_eq!(end(&message(&[], &[&[0x90, 15, 0, 3, 0, 2, 1]], &[])), Some(Family::IPV6_UNICAST));
    for other in [
        message(NLRI, &[], &[]),
        message(NLRI, &[&empty], &[]),
        message(&[], &[MP_UNREACH], &[]),
        message(&[], &[ORIGIN], &[]),
        message(&[], &[ORIGIN, &empty], &[]),
        message(&[], &[&attr(0x80, 15, &[0, 1, 133])], &[]),
    ] {
        assert_eq!(end(&other), None);
    }
}

#[test]
fn rfc7911_3_a_cut_path_identifier_is_an_error_where_the_nlri_begins() {
    let ctx = ebgp().with_add_path_receive(FamilySet::UNICAST);
    for left in 1..=5_u8 {
        let nlri = [&[0, 0, 0, 7, 24, 203, 0, 113][..], &[0, 0, 0, 8, 33][..usize::from(left)]].concat();
        let message = message(&[], &[ORIGIN, AS_PATH, NEXT_HOP], &nlri);
        let error = UpdateView::decode(&message, &ctx).unwrap_err();
        assert_eq!(usize::from(error.offset), message.len() - usize::from(left));
        let bits = if left == 5 { 33 } else { 0 };
        assert_eq!(error.kind, ErrorKind::Prefix { bits });
    }
}

#[test]
fn rfc4271_4_3_a_prefix_in_both_fields_is_in_both_lists() {
    let message = message(NLRI, &[ORIGIN, AS_PATH, NEXT_HOP], NLRI);
    let update = UpdateView::decode(&message, &ebgp()).unwrap();
    assert_eq!(
        (withdrawn(&update), announced(&update)),
        (vec!["203.0.113.0/24".into()], vec!["203.0.113.0/24".into()])
    );
}

#[test]
fn rfc4760_3_a_next_hop_beside_mp_reach_nlri_alone_is_ignored() {
    let no_host = attr(0x40, 3, &[0, 0, 0, 0]);
    for attributes in [[&no_host[..], MP_REACH], [MP_REACH, &no_host]].map(|pair| pair.concat()) {
        let alone = message(&[], &[ORIGIN, AS_PATH, &attributes], &[]);
        let update = UpdateView::decode(&alone, &ebgp()).unwrap();
        assert_eq!(update.verdict().action, AttributeDiscard);
        assert_eq!(update.reasons().map(|reason| reason.action()).collect::<Vec<_>>(), [AttributeDiscard]);
        assert_eq!(update.announced().count(), 1);
        let beside = message(&[], &[ORIGIN, AS_PATH, &attributes], NLRI);
        assert_eq!(action(&beside, &ebgp()), TreatAsWithdraw);
    }
}

#[test]
fn rfc4271_6_3_a_next_hop_in_mp_reach_nlri_is_a_host_too() {
    for octets in [[0, 0, 0, 129], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255]] {
        let reach = [&[0x80, 14, 13, 0, 1, 1, 4][..], &octets, &[0, 24, 203, 0, 113]].concat();
        let update = message(&[], &[&reach, ORIGIN, AS_PATH], &[]);
        let view = UpdateView::decode(&update, &ebgp()).unwrap();
        assert_eq!(view.verdict().action, TreatAsWithdraw);
        assert_eq!(withdrawn(&view), ["203.0.113.0/24"]);
        // RFC 7606 section 5.2: without NLRI there is nothing to withdraw.
        let empty = [&[0x80, 14, 9, 0, 1, 1, 4][..], &octets, &[0]].concat();
        let (code, _) = reset(&message(&[], &[&empty, ORIGIN, AS_PATH], &[]), &ebgp());
        assert_eq!(code, NotificationCode::OPTIONAL_ATTRIBUTE_ERROR);
    }
}

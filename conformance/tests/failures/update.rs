//! UPDATEs and ROUTE-REFRESHes that crashed, looped, or ended sessions that had done nothing wrong.

use bgp_fsm::State;
use bgp_wire::{Action, AsPathEdit, Asn, Context, Rewrite, SessionKind, UpdateView, rewrite};

use crate::peer::{PREFIX, Peer, attribute, config, mandatory, message, update};

/// What becomes of an UPDATE with the mandatory attributes and this one.
#[track_caller]
fn with(attribute: &[u8]) -> Peer {
    let mut peer = Peer::established(true);
    peer.sends(&update(&[&mandatory(), attribute].concat(), &PREFIX));
    peer
}

#[track_caller]
fn taken(flags: u8, ty: u8, value: &[u8]) {
    assert_eq!(with(&attribute(flags, ty, value)).action(), Action::Accept, "{ty}: {value:02x?}");
}

/// The attribute is dropped, or the routes are; never the session.
#[track_caller]
fn harmless(flags: u8, ty: u8, value: &[u8]) -> Action {
    let peer = with(&attribute(flags, ty, value));
    let action = peer.action();
    match action {
        Action::AttributeDiscard => assert_eq!(peer.discarded, [ty]),
        Action::TreatAsWithdraw => assert!(peer.updates[0].1.is_empty() && !peer.updates[0].2.is_empty()),
        _ => assert_eq!(action, Action::Accept),
    }
    action
}

/// MP_REACH_NLRI of a family with a next hop of 4 octets.
fn reach(afi: u16, safi: u8, nlri: &[u8]) -> Vec<u8> {
    attribute(0x80, 14, &[&afi.to_be_bytes()[..], &[safi, 4, 192, 0, 2, 2, 0], nlri].concat())
}

#[test]
fn cve_2023_31490_prefix_sid_lengths_beyond_the_attribute() {
    // The label index needs 7 octets, the SRv6 service a reserved one and whole sub-TLVs.
    for value in [&[1, 0, 7][..], &[1, 0, 7, 0], &[3, 0, 200, 0, 0], &[5, 0, 4, 0, 1, 0, 99], &[6, 255, 255, 0]] {
        assert!(harmless(0xc0, 40, value) >= Action::AttributeDiscard);
    }
}

#[test]
fn cve_2024_31948_prefix_sid_of_any_length_is_no_crash() {
    for length in 0..=64 {
        harmless(0xc0, 40, &vec![1; length]);
        harmless(0xc0, 40, &vec![0xff; length]);
        harmless(0xc0, 40, &[&[5, 0, u8::try_from(length).unwrap()], &vec![1; length][..]].concat());
    }
}

#[test]
fn cve_2023_38406_a_flow_specification_of_length_zero() {
    let mut peer = Peer::established(true);
    peer.sends(&update(&[mandatory(), reach(1, 133, &[0])].concat(), &[]));
    // RFC 8955 section 4: it has at least one component. It ends in a clean NOTIFICATION or in nothing.
    assert!(peer.session.state() == State::Established || peer.refused_with().is_some_and(|(code, _)| code == 3));
}

#[test]
fn cve_2023_38407_a_labelled_prefix_that_is_shorter_than_its_label() {
    for nlri in [&[8, 1][..], &[23, 1, 2, 3], &[24, 1, 2], &[0]] {
        let mut peer = Peer::established(true);
        peer.sends(&update(&[mandatory(), reach(1, 4, nlri)].concat(), &[]));
        let refused = peer.refused_with().is_some_and(|(code, _)| code == 3);
        assert!(refused || peer.action() >= Action::TreatAsWithdraw, "{nlri:02x?}: {:?}", peer.updates);
    }
}

#[test]
fn cve_2023_38802_and_4481_and_38283_and_40457_a_corrupt_tunnel_encapsulation_or_entropy_label() {
    for value in [&[][..], &[0], &[0, 8, 0, 200, 1], &[0, 8, 255, 255], &[0, 8, 0, 2, 1, 9]] {
        harmless(0xc0, 23, value);
        harmless(0xc0, 28, value);
    }
}

#[test]
fn cve_2023_41358_nlri_with_no_attributes_at_all() {
    let mut peer = Peer::established(true);
    peer.sends(&update(&[], &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
    assert_eq!(peer.updates[0].2, ["203.0.113.0/24"]);
}

#[test]
fn cve_2023_46752_a_truncated_mp_reach() {
    let whole = [0, 2, 1, 16, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 32, 0x20, 1, 0x0d, 0xb8];
    for length in 0..whole.len() {
        let mut peer = Peer::established(true);
        peer.sends(&update(&[mandatory(), attribute(0x80, 14, &whole[..length])].concat(), &[]));
        // RFC 7606 section 5.3: what cannot be located cannot be withdrawn. Without a prefix behind its header it is whole.
        let refused = peer.refused_with().is_some_and(|(code, _)| code == 3);
        assert_eq!(refused, length != 21, "{length}");
    }
}

#[test]
fn cve_2023_46753_nlri_with_nothing_but_an_unknown_attribute() {
    let mut peer = Peer::established(true);
    peer.sends(&update(&attribute(0xc0, 99, &[1, 2, 3]), &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
}

#[test]
fn cve_2023_47234_withdrawals_in_an_attribute_and_nlri_without_the_mandatory_ones() {
    let mut peer = Peer::established(true);
    let unreach = attribute(0x80, 15, &[0, 2, 1, 32, 0x20, 1, 0x0d, 0xb8]);
    peer.sends(&update(&unreach, &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
    let mut withdrawn = peer.updates[0].2.clone();
    withdrawn.sort();
    assert_eq!(withdrawn, ["2001:db8::/32", "203.0.113.0/24"]);
}

#[test]
fn cve_2023_47235_an_end_of_rib_with_a_malformed_attribute_beside_it() {
    let mut peer = Peer::established(true);
    let end_of_rib = attribute(0x80, 15, &[0, 2, 1]);
    peer.sends(&update(&[attribute(0x40, 1, &[9]), end_of_rib.clone()].concat(), &[]));
    // RFC 7606 section 5.2: there are no routes that could be withdrawn for the ORIGIN.
    assert!(peer.refused_with().is_some_and(|(code, _)| code == 3) || peer.action() == Action::TreatAsWithdraw);
    // And with NLRI behind it, which are then what it is about.
    let mut peer = Peer::established(true);
    peer.sends(&update(&[attribute(0x40, 1, &[9]), end_of_rib].concat(), &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
}

#[test]
fn frr_14129_the_message_behind_one_that_is_treated_as_withdrawn() {
    let mut peer = Peer::established(true);
    let bad = update(&[attribute(0x40, 1, &[9]), mandatory()[4..].to_vec()].concat(), &PREFIX);
    peer.sends(&[bad, update(&mandatory(), &PREFIX)].concat());
    let actions: Vec<Action> = peer.updates.iter().map(|(action, ..)| *action).collect();
    assert_eq!(actions, [Action::TreatAsWithdraw, Action::Accept]);
    assert_eq!(
        (&peer.updates[0].2, &peer.updates[1].1),
        (&vec!["203.0.113.0/24".into()], &vec!["203.0.113.0/24".into()])
    );
}

#[test]
fn frr_22563_an_error_that_has_no_routes_to_withdraw_resets() {
    let mut peer = Peer::established(true);
    peer.sends(&update(&[attribute(0x40, 1, &[9]), mandatory()[4..].to_vec()].concat(), &[]));
    assert_eq!((peer.session.state(), peer.notification()), (State::Idle, Some((3, 6, vec![0x40, 1, 1, 9]))));
}

#[test]
fn frr_22828_a_malformed_outbound_route_filter() {
    for filter in [&[1, 64][..], &[1, 64, 255, 255], &[1, 64, 0, 1, 0], &[1, 64, 0, 7, 0, 0, 0, 0, 1, 0, 33], &[9]] {
        let mut peer = Peer::established(true);
        peer.sends(&message(5, &[&[0, 1, 0, 1], filter].concat()));
        // RFC 5291 was not negotiated: it is ignored, or refused with a NOTIFICATION.
        assert!(peer.session.state() == State::Established || peer.refused_with().is_some(), "{filter:02x?}");
    }
}

#[test]
fn cve_2023_46565_and_2026_37462_lengths_beyond_the_message() {
    // Withdrawn routes, attributes, both; and a sum that wraps in 16 bits.
    for body in [&[0xff, 0xff, 0, 0][..], &[0, 0, 0xff, 0xff], &[0, 1, 0, 0], &[0xff, 0xfe, 0, 2, 0], &[0, 0, 0, 1]] {
        let mut peer = Peer::established(true);
        peer.sends(&message(2, body));
        assert_eq!((peer.session.state(), peer.notification()), (State::Idle, Some((3, 1, Vec::new()))), "{body:02x?}");
    }
    // An UPDATE without room for both lengths.
    for length in 19..23_u8 {
        let mut peer = Peer::established(true);
        peer.sends(&message(2, &vec![0; usize::from(length - 19)]));
        assert_eq!(peer.notification(), Some((1, 2, vec![0, length])));
    }
}

#[test]
fn gobgp_786_a_flow_specification_is_cut_anywhere() {
    let rule = [13, 1, 24, 203, 0, 113, 3, 0x81, 6, 5, 0x91, 0x1f, 0x90, 0x80];
    for length in 0..=rule.len() {
        let mut peer = Peer::established(true);
        peer.sends(&update(&[mandatory(), reach(1, 133, &rule[..length])].concat(), &[]));
        assert!(peer.session.state() == State::Established || peer.refused_with().is_some(), "{length}");
    }
}

#[test]
fn gobgp_2326_an_origin_without_the_transitive_flag() {
    let mut peer = Peer::established(true);
    peer.sends(&update(&[attribute(0, 1, &[0]), mandatory()[4..].to_vec()].concat(), &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
}

#[test]
fn gobgp_2708_and_3392_and_3325_and_2367_aigp_tlvs_that_are_too_short_or_never_advance() {
    for value in [&[1][..], &[1, 0], &[1, 0, 0], &[1, 0, 2], &[1, 0, 11, 0], &[2, 0, 0, 0, 0], &[1, 0xff, 0xff]] {
        assert_eq!(harmless(0x80, 26, value), Action::AttributeDiscard, "{value:02x?}");
    }
}

#[test]
fn cve_2026_41643_a_bad_as4_path_that_stands_before_as_path() {
    let mut peer = Peer::established(false);
    let bad = attribute(0xc0, 17, &[2, 3, 0, 0]);
    let rest = [attribute(0x40, 1, &[0]), attribute(0x40, 2, &[2, 1, 0xfc, 0x01]), attribute(0x40, 3, &[192, 0, 2, 2])];
    peer.sends(&update(&[bad, rest.concat()].concat(), &PREFIX));
    assert_eq!((peer.action(), &peer.discarded[..]), (Action::AttributeDiscard, &[17][..]));
    assert_eq!(peer.updates[0].1, ["203.0.113.0/24"]);
}

#[test]
fn cve_2026_37461_ipv6_extended_communities_that_are_cut() {
    for length in (1..40).filter(|length| length % 20 != 0) {
        assert_eq!(harmless(0xc0, 25, &vec![0; length]), Action::TreatAsWithdraw, "{length}");
    }
    taken(0xc0, 25, &[0; 20]);
}

#[test]
fn cve_2026_30405_a_next_hop_of_any_length_takes_no_memory() {
    let octets = [attribute(0x40, 1, &[0]), attribute(0x40, 2, &[]), attribute(0x40, 3, &vec![1; 60_000])].concat();
    let mut peer = Peer::established(true);
    peer.sends(&update(&octets, &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw);
}

/// An AS_PATH of so many segments of 255.
fn long_path(segments: usize) -> Vec<u8> {
    let segment = [&[2, 255][..], &[0, 0, 0xfc, 0x01].repeat(255)].concat();
    attribute(0x40, 2, &segment.repeat(segments))
}

#[test]
fn cve_2026_49943_more_than_2048_as_numbers_and_2009_the_long_path_that_is_prepended_to() {
    let attributes = [attribute(0x40, 1, &[0]), long_path(9), attribute(0x40, 3, &[192, 0, 2, 2])].concat();
    let octets = update(&attributes, &PREFIX);
    let mut peer = Peer::established(true);
    peer.sends(&octets);
    assert_eq!((peer.action(), peer.updates[0].1.len()), (Action::Accept, 1));
    // What goes on to another AS: a tenth segment, because the first is full.
    let context = Context::new(SessionKind::Ebgp).with_four_octet_as(true).with_max_receive(u16::MAX);
    let view = UpdateView::decode(&octets, &context).unwrap();
    assert_eq!(view.attributes().as_path().unwrap().hops(), 9 * 255);
    let (mut canonical, mut out) = (Vec::new(), Vec::new());
    view.write_canonical(&mut canonical);
    let mut edits = Rewrite::new();
    edits.as_path = AsPathEdit::Prepend { asn: Asn(64512), strip_confed: false };
    rewrite(&canonical, &edits, &mut out);
    // The block is kept without its next hop.
    out.extend(attribute(0x40, 3, &[192, 0, 2, 1]));
    let mut again = Peer::established(true);
    again.sends(&update(&out, &PREFIX));
    assert_eq!(again.action(), Action::Accept, "{:?}", again.notification());
    let octets = update(&out, &PREFIX);
    let view = UpdateView::decode(&octets, &context).unwrap();
    let path = view.attributes().as_path().unwrap();
    assert_eq!((path.hops(), path.segments().count(), path.first()), (9 * 255 + 1, 10, Some(Asn(64512))));
}

#[test]
fn cve_2025_59688_an_as_set_is_no_crash() {
    let path = attribute(0x40, 2, &[2, 1, 0, 0, 0xfc, 0x01, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    let attributes = [attribute(0x40, 1, &[0]), path, attribute(0x40, 3, &[192, 0, 2, 2])].concat();
    let mut peer = Peer::established(true);
    peer.sends(&update(&attributes, &PREFIX));
    assert_eq!(peer.action(), Action::TreatAsWithdraw, "RFC 9774");
    peer.session.reconfigure(crate::peer::NOW, config().with_reject_as_sets(false));
    peer.sends(&update(&attributes, &PREFIX));
    assert_eq!(peer.action(), Action::Accept);
}

#[test]
fn bird_2_0_8_otc_goes_on_with_a_length_of_four() {
    let octets = update(&[mandatory(), attribute(0xc0, 35, &[0, 0, 0xfc, 0x01])].concat(), &PREFIX);
    let context = Context::new(SessionKind::Ebgp).with_four_octet_as(true);
    let view = UpdateView::decode(&octets, &context).unwrap();
    let mut canonical = Vec::new();
    view.write_canonical(&mut canonical);
    assert!(canonical.ends_with(&[0xc0, 35, 4, 0, 0, 0xfc, 0x01]), "{canonical:02x?}");
}

#[test]
fn duke_2010_attribute_99_and_others_of_2016_2019_2023_that_nobody_knows() {
    for ty in [99, 30, 255, 28] {
        for length in [0, 1, 4, 255, 256, 3000] {
            taken(0xc0, ty, &vec![0xa5; length]);
            // Not transitive: dropped without a word.
            taken(0x80, ty, &vec![0xa5; length]);
        }
    }
}

#[test]
fn attribute_40_of_2025_05_20_that_is_all_zero() {
    for length in [1, 4, 7, 8, 32] {
        harmless(0xc0, 40, &vec![0; length]);
    }
}

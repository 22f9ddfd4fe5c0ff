//! OPENs that crashed, looped or were let through.

use bgp_fsm::State;
use bgp_wire::capability::Role;

use crate::peer::{Peer, config, message};

/// An OPEN of AS 64513 whose octets from the length of its optional parameters on are these.
fn open(parameters: &[u8]) -> Vec<u8> {
    message(1, &[&[4, 0xfc, 0x01, 0, 90, 0, 0, 0, 2], parameters].concat())
}

fn answer(parameters: &[u8]) -> Peer {
    let mut peer = Peer::open_sent(config());
    peer.sends(&open(parameters));
    peer
}

/// RFC 4271 section 6.2: malformed optional parameters.
#[track_caller]
fn is_malformed(parameters: &[u8]) {
    let peer = answer(parameters);
    assert_eq!((peer.session.state(), peer.refused_with()), (State::Idle, Some((2, 0))));
}

#[test]
fn cve_2022_40302_two_octets_are_left_where_an_extended_parameter_needs_three() {
    is_malformed(&[255, 255, 0, 2, 2, 0]);
    // Behind a whole one.
    is_malformed(&[255, 255, 0, 7, 2, 0, 2, 2, 0, 2, 0]);
}

#[test]
fn cve_2022_40318_length_and_type_255_and_then_the_end() {
    is_malformed(&[255, 255]);
    is_malformed(&[255, 255, 0]);
    // RFC 9072: any length that is not zero will do, the same shape with an honest one.
    is_malformed(&[1, 255]);
}

#[test]
fn cve_2022_43681_the_open_ends_after_the_length_of_its_options() {
    is_malformed(&[255]);
    is_malformed(&[1]);
    is_malformed(&[1, 2]);
    is_malformed(&[255, 255, 0, 9]);
}

#[test]
fn cve_2023_31489_a_capability_is_shorter_than_what_is_in_it() {
    // Capability 75, software version, of 2 octets: the text claims 255.
    let peer = answer(&[6, 2, 4, 75, 2, 255, b'x']);
    assert!(peer.session.state() == State::OpenConfirm || peer.refused_with() == Some((2, 0)));
    // It claims more octets than the parameter, and more than the message has.
    is_malformed(&[6, 2, 4, 75, 200, 255, b'x']);
    is_malformed(&[4, 2, 2, 75, 1]);
    // The same for FQDN, which has two texts.
    let peer = answer(&[7, 2, 5, 73, 3, 1, b'a', 255]);
    assert!(peer.session.state() == State::OpenConfirm || peer.refused_with() == Some((2, 0)));
}

#[test]
fn gobgp_2598_and_2007_a_capability_has_another_length_than_its_code_needs() {
    for code in [1_u8, 2, 5, 6, 9, 64, 65, 69, 70, 71, 73, 75, 128] {
        for length in 0..=9_u8 {
            let capability = [&[code, length][..], &vec![1; usize::from(length)]].concat();
            let parameter = [&[2, length + 2][..], &capability].concat();
            let peer = answer(&[&[length + 4][..], &parameter].concat());
            // Taken or refused for what the RFC of the capability says; never left hanging.
            let refused = peer.refused_with().is_some_and(|(code, _)| code == 2);
            assert!(peer.session.state() == State::OpenConfirm || refused, "capability {code}, {length} octets");
        }
    }
}

#[test]
fn quagga_2018_1975_capabilities_without_octets_end_where_they_end() {
    // Unknown, of length zero, as many as there is room for: each is two octets on.
    let mut capabilities = vec![2, 252];
    capabilities.extend([200, 0].repeat(126));
    assert_eq!(answer(&[&[254], &capabilities[..]].concat()).session.state(), State::OpenConfirm);
    // A parameter without capabilities.
    assert_eq!(answer(&[2, 2, 0]).session.state(), State::OpenConfirm);
}

#[test]
fn bird_2_13_1_a_role_is_checked_where_the_peer_has_no_capabilities_at_all() {
    for (strict, refused) in [(true, Some((2, 11))), (false, None)] {
        let mut peer = Peer::open_sent(config().with_role(Some(Role::CUSTOMER)).with_role_strict(strict));
        peer.sends(&open(&[0]));
        assert_eq!((peer.session.state() == State::Idle, peer.refused_with().filter(|_| strict)), (strict, refused));
    }
}

//! Limits on how many prefixes a peer may announce.

use bgp_fsm::State;
use bgp_speaker::{AttributeLimit, Event, LimitAction, PeerConfig, PrefixLimit, Refused};
use bgp_wire::{Family, MessageType};

use crate::one::{END_OF_RIB, HIGHER, One, message, remote, seconds, update};

const V4: Family = Family::IPV4_UNICAST;

fn limited(limit: PrefixLimit, configure: impl Fn(bgp_fsm::Config) -> bgp_fsm::Config) -> (One, bgp_speaker::ConnId) {
    let mut one = One::with(configure, |peer: PeerConfig| peer.with_prefix_limit(limit));
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    (one, conn)
}

fn warnings(one: &One) -> Vec<u32> {
    let count = |event: &Event| if let Event::PrefixWarning { count, .. } = event { Some(*count) } else { None };
    one.events.iter().filter_map(count).collect()
}

fn withdrawal(number: u8) -> Vec<u8> {
    message(2, &[0, 4, 24, 10, 1, number, 0, 0])
}

#[test]
fn rfc4486_4_one_prefix_too_many_ends_the_session_with_family_and_limit() {
    let (mut one, conn) = limited(PrefixLimit::new(V4, 2), |config| config);
    one.receive(conn, &[update(1), update(2), update(1)].concat());
    assert_eq!(one.state(), State::Established, "a prefix that is announced again counts once");
    one.receive(conn, &[update(3), update(4)].concat());
    assert_eq!((one.state(), one.speaker.rib().loc_rib().count()), (State::Idle, 0));
    let sent = &one.sent[&conn];
    assert_eq!(sent[sent.len() - 28..], message(3, &[6, 1, 0, 1, 1, 0, 0, 0, 2]));
    let received = one.speaker.peer(one.peer).unwrap().messages.received(MessageType::UPDATE);
    assert_eq!(received, 4, "what follows in the same read is not looked at");
}

#[test]
fn a_withdrawn_prefix_counts_no_more() {
    let (mut one, conn) = limited(PrefixLimit::new(V4, 2), |config| config);
    for number in 0..20 {
        one.receive(conn, &[update(number), update(number + 1), withdrawal(number), withdrawal(number + 1)].concat());
    }
    assert_eq!(one.state(), State::Established);
}

#[test]
fn without_a_restart_time_it_stays_idle_until_it_is_started() {
    let damped = |config: bgp_fsm::Config| config.with_damp_peer_oscillations(true).with_idle_hold_time(seconds(1));
    let (mut one, conn) = limited(PrefixLimit::new(V4, 0), damped);
    one.receive(conn, &update(1));
    one.advance(seconds(100_000));
    assert_eq!((one.state(), one.dials()), (State::Idle, 1));
    assert_eq!(one.try_incoming(), Err(Refused::Idle(remote().ip())));
    one.start();
    assert_eq!((one.state(), one.dials()), (State::Connect, 2));
}

#[test]
fn with_a_restart_time_it_begins_again_after_it() {
    let (mut one, conn) = limited(PrefixLimit::new(V4, 0), |config| config.with_max_prefix_restart(Some(seconds(60))));
    one.receive(conn, &update(1));
    one.advance(seconds(59));
    assert_eq!((one.state(), one.try_incoming()), (State::Idle, Err(Refused::Idle(remote().ip()))));
    one.advance(seconds(1));
    assert_eq!((one.state(), one.dials()), (State::Connect, 2));
}

#[test]
fn a_warning_is_told_once_until_there_were_fewer() {
    let (mut one, conn) = limited(PrefixLimit::new(V4, 2).with_action(LimitAction::Warn), |config| config);
    one.receive(conn, &[update(1), update(2), update(3), update(4)].concat());
    assert_eq!((warnings(&one), one.state()), (vec![3], State::Established));
    one.receive(conn, &[withdrawal(3), withdrawal(4), update(5)].concat());
    assert_eq!(warnings(&one), [3, 3]);
    assert_eq!(one.speaker.rib().loc_rib().count(), 3, "and nothing else happens");
    let (mut one, conn) = limited(PrefixLimit::new(V4, 4).with_warning(50), |config| config);
    one.receive(conn, &[update(1), update(2), update(3), update(4)].concat());
    assert_eq!((warnings(&one), one.state()), (vec![3], State::Established));
    one.receive(conn, &update(5));
    assert_eq!(one.state(), State::Idle);
}

/// RFC 4724: the old routes are there until End-of-RIB, and the peer announces others. That is not twice as many.
#[test]
fn rfc4724_4_2_stale_routes_and_new_ones_are_not_too_many_together() {
    use bgp_wire::capability::Capability;
    let restart = crate::restart::capability(false);
    let with = |config: bgp_fsm::Config| {
        config.with_capabilities([Capability::MultiProtocol(V4), Capability::RouteRefresh, restart.clone()])
    };
    for (fresh, fits) in [(2, true), (3, false)] {
        let limit = PrefixLimit::new(V4, 2);
        let mut one = One::with(with, |peer| peer.with_prefix_limit(limit));
        let open = crate::one::open_with(HIGHER, [restart.clone()]);
        let conn = one.start();
        one.connected(conn);
        one.receive(conn, &[open.clone(), bgp_wire::KEEPALIVE.to_vec(), update(1), update(2)].concat());
        one.disconnected(conn);
        assert_eq!(one.speaker.rib().loc_rib().count(), 2);
        let conn = one.start();
        one.connected(conn);
        one.receive(conn, &[open, bgp_wire::KEEPALIVE.to_vec()].concat());
        for number in 0..fresh {
            one.receive(conn, &update(10 + number));
        }
        one.receive(conn, &message(2, &END_OF_RIB));
        assert_eq!(one.state() == State::Established, fits, "{fresh} prefixes");
        assert_eq!(one.speaker.rib().loc_rib().count(), if fits { 2 } else { 0 });
    }
}

/// An UPDATE with attributes of its own: a LARGE_COMMUNITY that says `number`.
fn with_community(number: u16, prefix: u8) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 2, 0x40, 5, 4, 0, 0, 0, 100];
    let community = [0xc0, 32, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, high, low];
    message(2, &[&[0, 0, 0, 36][..], &attributes, &community, &[24, 10, 2, prefix]].concat())
}

fn attributes_limited(limit: AttributeLimit) -> (One, bgp_speaker::ConnId) {
    let mut one = One::with(|config| config, |peer: PeerConfig| peer.with_attribute_limit(limit));
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    (one, conn)
}

fn held(one: &One) -> u64 {
    one.speaker.attribute_octets(&one.store, one.peer)
}

#[test]
fn rfc4486_4_too_many_octets_of_attributes_end_the_session() {
    let (mut one, conn) = attributes_limited(AttributeLimit::new(2000));
    // One block for all of them, and one prefix that is announced again and again.
    for number in 0..200 {
        one.receive(conn, &with_community(7, number));
    }
    let block = held(&one);
    assert!((20..40).contains(&block), "{block}");
    for number in 0..500 {
        one.receive(conn, &with_community(number, 1));
    }
    assert_eq!((one.state(), held(&one)), (State::Established, 2 * block));
    let most = 2000 / block;
    for number in 0..200 {
        one.receive(conn, &with_community(number.into(), number));
        assert!(held(&one) <= 2000 + 2000 / 8 + block);
    }
    assert_eq!((one.state(), one.speaker.rib().loc_rib().count()), (State::Idle, 0), "at most {most} blocks");
    assert_eq!(one.last_message(conn), Some((MessageType::NOTIFICATION, [6, 8])));
}

#[test]
fn too_many_octets_of_attributes_may_be_told_only() {
    let (mut one, conn) = attributes_limited(AttributeLimit::new(1000).with_action(LimitAction::Warn));
    for round in 0..3 {
        for number in 0..200 {
            one.receive(conn, &with_community(number.into(), number));
        }
        let warnings =
            |event: &Event| matches!(event, Event::AttributeWarning { limit: 1000, octets, .. } if *octets > 1000);
        assert_eq!(one.events.iter().filter(|event| warnings(event)).count(), round + 1);
        for number in 0..200 {
            one.receive(conn, &with_community(7, number));
        }
    }
    assert_eq!(one.state(), State::Established);
}

/// A message is begun and does not go on, or comes octet by octet: what is kept is one message at most, and only whole
/// messages let the hold timer begin anew.
#[test]
fn rfc4271_6_5_a_message_that_does_not_go_on_ends_with_the_hold_time() {
    for drips in [false, true] {
        let (mut one, conn) = One::up(|config| config.with_hold_time(90));
        let large = message(2, &[0; 4000]);
        one.receive(conn, &large[..100]);
        for octet in 0..89 {
            one.advance(seconds(1));
            if drips {
                one.receive(conn, &large[100 + octet..101 + octet]);
            }
            assert_eq!(one.state(), State::Established);
        }
        one.advance(seconds(1));
        assert_eq!((one.state(), one.last_message(conn)), (State::Idle, Some((MessageType::NOTIFICATION, [4, 0]))));
    }
}

//! What a connection carries: order, timers, errors, and streams cut anywhere.

use bgp_fsm::{Cause, PeerAs, State};
use bgp_rib::policy::{Rule, Rules, Verdict};
use bgp_rib::{PeerKind, PeerPolicy};
use bgp_speaker::{Direction, Event, PeerConfig};
use bgp_wire::capability::Capability;
use bgp_wire::{Asn, Family, KEEPALIVE, MessageType};
use proptest::prelude::*;

use crate::one::{END_OF_RIB, HIGHER, LOCAL, One, message, open, open_with, seconds, update};

const UPDATE: (MessageType, [u8; 2]) = (MessageType::UPDATE, [0; 2]);
const ALIVE: (MessageType, [u8; 2]) = (MessageType::KEEPALIVE, [0; 2]);

#[test]
fn rfc4271_4_4_a_keepalive_does_not_wait_for_the_table() {
    let (mut one, conn) = One::up(|config| config);
    // More than waits for one socket; one octet of it is taken.
    one.originate((0..20_000).map(|number| number * 3));
    one.room.insert(conn, 1);
    one.drain();
    let before = one.messages(conn).len();
    one.advance(seconds(30));
    one.receive(conn, &KEEPALIVE);
    one.room.remove(&conn);
    one.flush(conn);
    let messages = one.messages(conn);
    assert_eq!(messages[before..before + 2], [UPDATE, ALIVE], "between the first message and the others");
    assert!(messages.len() > before + 10);
}

#[test]
fn rfc4271_8_2_2_only_an_update_restarts_the_keepalive_timer() {
    let (mut one, conn) = One::up(|config| config);
    one.advance(seconds(20));
    one.receive(conn, &KEEPALIVE);
    // Not an UPDATE: the KEEPALIVE comes 30 s after the last one.
    assert!(one.speaker.refresh(&mut one.store, one.now, one.peer, Family::IPV4_UNICAST));
    one.drain();
    assert_eq!(one.last_message(conn).unwrap().0, MessageType::ROUTE_REFRESH);
    one.advance(seconds(10));
    assert_eq!(one.last_message(conn), Some(ALIVE));
    one.advance(seconds(20));
    one.receive(conn, &KEEPALIVE);
    one.originate(0..1);
    one.drain();
    assert_eq!(one.last_message(conn), Some(UPDATE));
    one.advance(seconds(29));
    assert_eq!(one.last_message(conn), Some(UPDATE));
    one.advance(seconds(1));
    assert_eq!(one.last_message(conn), Some(ALIVE));
}

#[test]
fn rfc4724_2_end_of_rib_is_told() {
    let (mut one, conn) = One::up(|config| config);
    one.receive(conn, &message(2, &END_OF_RIB));
    let told = Event::EndOfRib { peer: one.peer, family: Family::IPV4_UNICAST };
    assert_eq!(one.events.iter().filter(|event| **event == told).count(), 1);
}

#[test]
fn rfc2918_4_a_route_refresh_sends_the_table_again() {
    let (mut one, conn) = One::up(|config| config);
    one.originate(0..1);
    one.drain();
    let before = one.sent[&conn].len();
    one.receive(conn, &message(5, &[0, 1, 0, 1]));
    let again = &one.sent[&conn][before..];
    assert_eq!(one.messages(conn).iter().filter(|message| **message == UPDATE).count(), 3, "route, End-of-RIB, route");
    assert_eq!(again[18], 2);
}

#[test]
fn rfc4271_6_1_header_errors_are_answered() {
    let (mut marker, mut length, mut ty, mut keepalive) =
        (KEEPALIVE.to_vec(), KEEPALIVE.to_vec(), KEEPALIVE.to_vec(), KEEPALIVE.to_vec());
    marker[7] = 0;
    length[16..18].copy_from_slice(&[0x10, 0x01]);
    ty[18] = 99;
    keepalive[17] = 20;
    keepalive.push(0);
    let cases = [(marker, [1, 1]), (length, [1, 2]), (ty, [1, 3]), (keepalive, [1, 2])];
    for (octets, code) in cases {
        let (mut one, conn) = One::up(|config| config);
        one.receive(conn, &[update(1), octets, update(2)].concat());
        assert_eq!(one.last_message(conn), Some((MessageType::NOTIFICATION, code)));
        assert_eq!((one.state(), one.closed(conn)), (State::Idle, Some(false)));
        assert_eq!(one.speaker.rib().loc_rib().count(), 0);
    }
}

#[test]
fn work_is_bounded_per_call() {
    let (mut one, conn) = One::up(|config| config);
    one.originate((0..10_000).map(|number| number * 5));
    assert!(one.speaker.process(&mut one.store), "10000 routes are more than one call decides");
    // What is lent to a socket is bounded, too.
    while one.speaker.process(&mut one.store) {}
    let lent: usize = one.speaker.poll_transmit(&mut one.store, conn).map(<[u8]>::len).sum();
    assert!(lent > 0 && lent <= 2 * 64 * 1024 + 4096, "{lent}");
}

#[test]
fn events_come_in_the_order_of_what_happened() {
    let mut one = One::new(|config| config);
    let conn = one.start();
    one.connected(conn);
    one.receive(conn, &[open(HIGHER), KEEPALIVE.to_vec(), update(1), message(2, &END_OF_RIB)].concat());
    one.stop();
    let names: Vec<&str> = one
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Dial { .. } => Some("dial"),
            Event::Up { .. } => Some("up"),
            Event::EndOfRib { .. } => Some("end of rib"),
            Event::Rib(_) => Some("rib"),
            Event::Down { reason, .. } => {
                assert!(matches!(reason.cause, Cause::Sent(_)));
                Some("down")
            }
            Event::Close { .. } => Some("close"),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["dial", "up", "end of rib", "rib", "down", "close", "rib"]);
}

/// A conversation of valid messages and garbage.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => any::<u8>().prop_map(update),
        2 => Just(KEEPALIVE.to_vec()),
        1 => Just(message(2, &END_OF_RIB)),
        1 => Just(message(5, &[0, 1, 0, 1])),
        1 => Just(open(HIGHER)),
        1 => Just(message(3, &[6, 4])),
        1 => (0u8..7, proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(ty, body)| message(ty, &body)),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However a stream is cut, and whatever is in it, the outcome is the same as of the whole.
    #[test]
    fn any_cut_of_any_stream_has_the_same_outcome(
        stream in conversation(),
        cuts in proptest::collection::vec(1usize..50, 1..40),
        opened in any::<bool>(),
    ) {
        let run = |cuts: &[usize]| {
            let mut one = One::new(|config| config);
            let conn = one.start();
            one.connected(conn);
            if opened {
                one.establish(conn, HIGHER);
            }
            let (mut rest, mut next) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (head, tail) = rest.split_at((*next.next().unwrap()).min(rest.len()));
                one.speaker.receive(&mut one.store, one.now, conn, head);
                rest = tail;
            }
            one.drain();
            let routes: Vec<_> = one.speaker.rib().loc_rib().map(|path| path.prefix).collect();
            let down = one.speaker.peer(one.peer).unwrap().last_down.cloned();
            let ends = one.events.iter().filter(|event| matches!(event, Event::EndOfRib { .. })).count();
            (one.sent, one.speaker.counters().messages, routes, down, ends)
        };
        let whole = run(&[usize::MAX]);
        prop_assert_eq!(&run(&[1]), &whole);
        prop_assert_eq!(&run(&cuts), &whole);
    }
}

#[test]
fn rfc7313_4_2_what_an_enhanced_refresh_does_not_bring_again_goes() {
    let both = |mut config: bgp_fsm::Config| {
        config.capabilities.push(Capability::EnhancedRouteRefresh);
        config
    };
    let mut one = One::new(both);
    let conn = one.start();
    one.connected(conn);
    let open = open_with(HIGHER, [Capability::EnhancedRouteRefresh]);
    one.receive(conn, &[open, KEEPALIVE.to_vec(), update(1), update(2)].concat());
    let [begin, end] = [1, 2].map(|subtype| message(5, &[0, 1, subtype, 1]));
    one.receive(conn, &[begin, update(2), end].concat());
    let left: Vec<String> = one.speaker.rib().loc_rib().map(|path| path.prefix.to_string()).collect();
    assert_eq!(left, ["10.1.2.0/24"]);
    // Asked, it brackets its own table; these messages are no UPDATEs.
    one.receive(conn, &message(5, &[0, 1, 0, 1]));
    let refreshes = one.messages(conn).into_iter().filter(|(ty, _)| *ty == MessageType::ROUTE_REFRESH).count();
    assert_eq!(refreshes, 2);
}

#[test]
fn a_policy_that_changes_takes_effect_without_a_new_session() {
    let mut one = One::new(|config| config);
    let policy = one.speaker.add_policy(Rules::new());
    one.speaker.remove_peer(&mut one.store, one.now, one.peer);
    let address = "192.0.2.2".parse().unwrap();
    let session = bgp_fsm::Config::new(Asn(64512), LOCAL, PeerAs::Internal);
    let routes = bgp_rib::PeerConfig::new(PeerKind::Ibgp, Asn(64512), address).with_policy(PeerPolicy::Use(policy));
    one.peer = one.speaker.add_peer(one.now, PeerConfig::new(address, session, routes)).unwrap();
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    one.originate(0..1);
    one.drain();
    assert_eq!(one.last_message(conn), Some(UPDATE));
    let before = one.messages(conn).len();
    let closed = Rules::new().export(Rule::new(Verdict::Reject));
    assert!(one.speaker.replace_policy(&mut one.store, one.now, policy, closed));
    one.drain();
    let after: Vec<MessageType> = one.messages(conn)[before..].iter().map(|(ty, _)| *ty).collect();
    assert_eq!(after, [MessageType::ROUTE_REFRESH, MessageType::UPDATE], "asks again, and withdraws");
    assert_eq!(one.state(), State::Established);
}

#[test]
fn the_tap_tells_every_message_of_both_ways() {
    let (mut one, conn) = One::up(|config| config);
    one.originate(0..1);
    one.drain();
    let stream = [update(1), KEEPALIVE.to_vec()].concat();
    let (head, tail) = stream.split_at(30);
    one.receive(conn, head);
    one.receive(conn, tail);
    one.stop();
    let tapped = |wanted: Direction| -> Vec<u8> {
        let messages = one.events.iter().filter_map(|event| match event {
            Event::Tapped { direction, messages, .. } if *direction == wanted => Some(messages.to_vec()),
            _ => None,
        });
        messages.collect::<Vec<_>>().concat()
    };
    assert_eq!(tapped(Direction::Sent), one.sent[&conn]);
    assert_eq!(tapped(Direction::Received), [open(HIGHER), KEEPALIVE.to_vec(), stream].concat());
}

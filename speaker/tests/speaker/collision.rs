//! Two connections with one peer (RFC 4271 section 6.8).

use bgp_fsm::State;
use bgp_speaker::{Event, Refused};
use bgp_wire::capability::{Capability, GracefulRestart, GracefulRestartFamily};
use bgp_wire::{Family, KEEPALIVE, MessageType};

use crate::one::{HIGHER, LOWER, NOTIFIED_6_7, One, open, open_with, remote, seconds, update};

/// Both connections are open, nobody has sent an OPEN but us.
fn both() -> (One, bgp_speaker::ConnId, bgp_speaker::ConnId) {
    let mut one = One::new(|config| config);
    let out = one.start();
    let came = one.incoming();
    one.connected(out);
    (one, out, came)
}

#[test]
fn rfc4271_6_8_the_higher_identifier_keeps_its_dial() {
    for (id, out_first) in [(HIGHER, true), (HIGHER, false), (LOWER, true), (LOWER, false)] {
        let (mut one, out, came) = both();
        let (first, second) = if out_first { (out, came) } else { (came, out) };
        one.receive(first, &open(id));
        one.receive(second, &open(id));
        let (stays, goes) = if id == LOWER { (out, came) } else { (came, out) };
        assert_eq!(one.last_message(goes), Some(NOTIFIED_6_7), "{id} {out_first}");
        assert_eq!(one.closed(goes), Some(false));
        // The loser whose OPEN came second has sent nothing but OPEN and Cease.
        assert_eq!(one.messages(goes).len(), if goes == first { 3 } else { 2 });
        one.receive(stays, &KEEPALIVE);
        assert_eq!((one.state(), one.closed(stays)), (State::Established, None));
        assert_eq!(one.speaker.peer(one.peer).unwrap().connection, Some(stays));
        assert_eq!(one.speaker.peer(one.peer).unwrap().dialled, stays == out);
        assert_eq!(one.speaker.peer(one.peer).unwrap().established, 1);
    }
}

#[test]
fn rfc4271_6_8_a_second_connection_without_open_disturbs_nothing_and_ends() {
    let (mut one, first) = One::up(|config| config);
    let second = one.incoming();
    assert_eq!(one.try_incoming(), Err(Refused::TooManyConnections(remote().ip())));
    for _ in 0..12 {
        one.advance(seconds(20));
        one.receive(first, &KEEPALIVE);
    }
    // The large hold time of OpenSent. The peer never sees an OPEN of ours that it might prefer.
    assert_eq!(one.messages(second), [(MessageType::NOTIFICATION, [6, 5])]);
    assert_eq!(one.closed(second), Some(false));
    assert_eq!((one.state(), one.closed(first)), (State::Established, None));
    assert!(one.events.iter().any(|event| matches!(event, Event::Down { established: false, .. })));
    one.incoming();
}

#[test]
fn rfc4271_6_8_an_established_session_wins_by_default() {
    let (mut one, first) = One::up(|config| config);
    one.receive(first, &update(1));
    let second = one.incoming();
    assert_eq!(one.closed(second), None);
    one.receive(second, &open(HIGHER));
    assert_eq!(one.messages(second), [NOTIFIED_6_7], "and no OPEN, by which the peer would decide");
    assert_eq!((one.closed(second), one.closed(first), one.state()), (Some(false), None, State::Established));
    assert_eq!(one.speaker.rib().path_count(one.peer), 1);
}

/// The session that was up fails while the second connection waits: that one speaks now.
#[test]
fn rfc4271_6_8_an_open_that_was_withheld_goes_out_when_the_session_that_was_up_ends() {
    let (mut one, first) = One::up(|config| config);
    let second = one.incoming();
    assert_eq!(one.messages(second), []);
    one.disconnected(first);
    one.advance(std::time::Duration::from_millis(1));
    assert_eq!(one.messages(second), [(MessageType::OPEN, [0; 2])]);
    one.establish(second, HIGHER);
}

#[test]
fn rfc4271_8_1_1_with_the_option_an_established_session_is_resolved_too() {
    for id in [HIGHER, LOWER] {
        let mut one = One::new(|config| config.with_collision_detect_established_state(true));
        let first = one.start();
        one.connected(first);
        one.establish(first, id);
        one.receive(first, &update(1));
        let second = one.incoming();
        one.receive(second, &open(id));
        let (stays, goes) = if id == LOWER { (first, second) } else { (second, first) };
        assert_eq!((one.last_message(goes), one.closed(goes)), (Some(NOTIFIED_6_7), Some(false)));
        if stays == second {
            assert_eq!(one.speaker.rib().path_count(one.peer), 0);
            one.receive(second, &KEEPALIVE);
        }
        assert_eq!((one.state(), one.closed(stays)), (State::Established, None));
        assert_eq!(one.speaker.peer(one.peer).unwrap().connection, Some(stays));
    }
}

#[test]
fn rfc4271_6_8_two_connections_of_one_end_leave_the_older() {
    let mut one = One::new(|config| config.with_passive(true));
    one.speaker.start(&mut one.store, one.now, one.peer);
    let (first, second) = (one.incoming(), one.incoming());
    one.receive(first, &open(HIGHER));
    one.receive(second, &open(HIGHER));
    assert_eq!((one.last_message(second), one.closed(first)), (Some(NOTIFIED_6_7), None));
}

#[test]
fn rfc4271_6_8_an_open_that_is_refused_decides_nothing() {
    let (mut one, out, came) = both();
    one.receive(out, &open(HIGHER));
    let mut bad = open(HIGHER);
    bad[19] = 3;
    one.receive(came, &bad);
    assert_eq!(one.last_message(came), Some((MessageType::NOTIFICATION, [2, 1])));
    one.receive(out, &KEEPALIVE);
    assert_eq!((one.state(), one.closed(out)), (State::Established, None));
}

#[test]
fn rfc4271_6_8_when_one_connection_fails_the_other_goes_on() {
    for out_fails in [true, false] {
        let (mut one, out, came) = both();
        let (fails, stays) = if out_fails { (out, came) } else { (came, out) };
        one.disconnected(fails);
        one.establish(stays, HIGHER);
        assert_eq!((one.state(), one.closed(stays)), (State::Established, None));
        assert_eq!(one.speaker.peer(one.peer).unwrap().connection, Some(stays));
    }
}

#[test]
fn a_second_session_that_is_up_ends_the_dial_and_later_dials_itself() {
    let mut one = One::new(|config| config.with_damp_peer_oscillations(true));
    let out = one.start();
    let came = one.incoming();
    one.establish(came, HIGHER);
    assert_eq!(one.closed(out), Some(false));
    // The dial that is over is nobody's.
    one.connected(out);
    one.receive(out, &open(HIGHER));
    assert_eq!((one.sent.get(&out), one.state()), (None, State::Established));
    let up = one.events.iter().position(|event| matches!(event, Event::Up { .. })).unwrap();
    let close = one.events.iter().position(|event| matches!(event, Event::Close { .. })).unwrap();
    assert!(close < up);
    one.disconnected(came);
    assert_eq!(one.state(), State::Idle);
    one.advance(seconds(10));
    assert_eq!((one.dials(), one.state()), (2, State::Connect));
}

#[test]
fn rfc4271_8_1_1_a_connection_that_delays_its_open_is_not_lost_to_another() {
    let mut one = One::new(|config| config.with_passive(true).with_delay_open_time(seconds(5)));
    one.speaker.start(&mut one.store, one.now, one.peer);
    let (first, second) = (one.incoming(), one.incoming());
    assert!(one.speaker.is_open(first) && one.speaker.is_open(second));
    one.disconnected(second);
    one.advance(seconds(5));
    assert_eq!(one.messages(first), [(MessageType::OPEN, [0; 2])]);
    one.establish(first, HIGHER);
}

#[test]
fn rfc4724_5_an_open_of_a_restarted_peer_replaces_the_established_session() {
    let restart = || {
        let family = GracefulRestartFamily { family: Family::IPV4_UNICAST, forwarding: true };
        Capability::GracefulRestart(GracefulRestart { restart_time: 60, families: vec![family], ..Default::default() })
    };
    let mut one = One::new(|mut config| {
        config.capabilities.push(restart());
        config
    });
    let first = one.start();
    one.connected(first);
    one.receive(first, &[open_with(HIGHER, [restart()]), KEEPALIVE.to_vec(), update(1)].concat());
    let second = one.incoming();
    assert_eq!(one.closed(first), None);
    one.receive(second, &[open_with(HIGHER, [restart()]), KEEPALIVE.to_vec()].concat());
    assert_eq!((one.closed(first), one.closed(second), one.state()), (Some(true), None, State::Established));
    assert_ne!(one.last_message(first).unwrap().0, MessageType::NOTIFICATION);
    assert_eq!(one.speaker.rib().path_count(one.peer), 1, "kept as stale");
}

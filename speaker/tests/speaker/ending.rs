//! How connections and sessions end, and how they begin again.

use bgp_fsm::State;
use bgp_speaker::{Event, Refused};
use bgp_wire::{KEEPALIVE, MessageType};

use crate::one::{HIGHER, One, message, open, remote, seconds, update};

const SHUTDOWN: (MessageType, [u8; 2]) = (MessageType::NOTIFICATION, [6, 2]);

#[test]
fn rfc4271_6_7_a_notification_goes_behind_the_message_that_is_partly_sent() {
    for taken in [0, 1, 18, 19, 40] {
        let (mut one, conn) = One::up(|config| config);
        let before = one.messages(conn).len();
        one.room.insert(conn, taken);
        one.originate(0..3000);
        one.drain();
        one.stop();
        assert_eq!((one.state(), one.closed(conn)), (State::Idle, None), "drains first");
        one.room.remove(&conn);
        one.flush(conn);
        one.drain();
        let messages = one.messages(conn);
        let update = (MessageType::UPDATE, [0; 2]);
        assert_eq!(messages[before..], if taken == 0 { vec![SHUTDOWN] } else { vec![update, SHUTDOWN] });
        assert_eq!(one.closed(conn), Some(false));
        assert_eq!(one.speaker.poll_timeout(), None);
    }
}

#[test]
fn a_connection_that_does_not_drain_is_aborted() {
    let (mut one, conn) = One::up(|config| config);
    one.room.insert(conn, 0);
    one.stop();
    one.advance(seconds(4));
    assert_eq!(one.closed(conn), None);
    one.advance(seconds(1));
    assert_eq!(one.closed(conn), Some(true));
    // Its id is stale now: nothing happens, whatever is done with it.
    let events = one.events.len();
    one.receive(conn, &KEEPALIVE);
    one.connected(conn);
    one.disconnected(conn);
    one.speaker.sent(one.now, conn, 100);
    one.flush(conn);
    assert_eq!((one.events.len(), one.speaker.is_open(conn)), (events, false));
    assert_eq!(one.speaker.poll_timeout(), None);
}

#[test]
fn at_most_two_connections_of_a_peer_linger() {
    let mut one = One::new(|config| config);
    let mut conns = Vec::new();
    for _ in 0..5 {
        let conn = one.start();
        one.room.insert(conn, 0);
        one.connected(conn);
        one.receive(conn, &[0; 19]);
        conns.push(conn);
    }
    let closed: Vec<_> = conns.iter().map(|conn| one.closed(*conn)).collect();
    assert_eq!(closed, [Some(true), Some(true), Some(true), None, None]);
}

#[test]
fn rfc4486_a_removed_peer_is_told_and_forgotten() {
    let (mut one, conn) = One::up(|config| config);
    one.receive(conn, &update(1));
    one.room.insert(conn, 0);
    one.speaker.remove_peer(&mut one.store, one.now, one.peer);
    one.drain();
    assert!(one.speaker.peer(one.peer).is_none());
    assert_eq!(one.speaker.rib().loc_rib().count(), 0);
    assert_eq!(one.try_incoming(), Err(Refused::UnknownPeer(remote().ip())));
    one.room.remove(&conn);
    one.flush(conn);
    one.drain();
    assert_eq!(one.last_message(conn), Some((MessageType::NOTIFICATION, [6, 3])));
    assert_eq!(one.closed(conn), Some(false));
}

#[test]
fn an_ended_session_gives_back_all_that_it_held() {
    let (mut one, conn) = One::up(|config| config);
    one.receive(conn, &update(1));
    assert!(!one.store.is_empty());
    one.stop();
    one.speaker.clear(&mut one.store);
    assert!(one.store.is_empty());
}

#[test]
fn rfc4271_6_4_nothing_is_sent_to_a_peer_that_ended_the_session() {
    let (mut one, conn) = One::up(|config| config);
    one.room.insert(conn, 30);
    one.originate(0..3000);
    one.drain();
    one.receive(conn, &message(3, &[6, 4]));
    assert_eq!(one.closed(conn), Some(false), "nothing is left to drain");
}

#[test]
fn rfc4271_8_2_2_a_lost_connection_in_every_state() {
    // Connect: the dial fails.
    let mut one = One::new(|config| config);
    let conn = one.start();
    one.disconnected(conn);
    assert_eq!(one.state(), State::Idle);
    // OpenSent: the peer may come, and is dialled again after ConnectRetryTimer.
    let conn = one.start();
    one.connected(conn);
    one.disconnected(conn);
    assert_eq!((one.state(), one.dials()), (State::Active, 2));
    one.advance(seconds(120));
    assert_eq!((one.state(), one.dials()), (State::Connect, 3));
    // OpenConfirm.
    let conn = one.dialled();
    one.connected(conn);
    one.receive(conn, &open(HIGHER));
    assert_eq!(one.state(), State::OpenConfirm);
    one.disconnected(conn);
    assert_eq!(one.state(), State::Idle);
    // Established: its routes go.
    let conn = one.start();
    one.connected(conn);
    one.establish(conn, HIGHER);
    one.receive(conn, &update(1));
    assert_eq!(one.speaker.rib().loc_rib().count(), 1);
    one.disconnected(conn);
    assert_eq!((one.state(), one.speaker.rib().loc_rib().count()), (State::Idle, 0));
    assert!(matches!(
        one.events.iter().rev().find(|event| matches!(event, Event::Down { .. })),
        Some(Event::Down { established: true, .. })
    ));
    // Nothing was closed: the driver knew that the connections were gone.
    assert!(!one.events.iter().any(|event| matches!(event, Event::Close { .. })));
    assert_eq!(one.try_incoming(), Err(Refused::Idle(remote().ip())));
}

#[test]
fn rfc4271_8_1_damped_sessions_start_again_by_themselves() {
    let mut one = One::new(|config| config.with_damp_peer_oscillations(true));
    let mut conn = one.start();
    for wait in [10, 20, 40, 80, 160, 160] {
        one.disconnected(conn);
        assert_eq!(one.state(), State::Idle);
        one.advance(seconds(wait - 1));
        assert_eq!(one.state(), State::Idle);
        one.advance(seconds(1));
        assert_eq!(one.state(), State::Connect);
        conn = one.dialled();
    }
    one.stop();
    assert_eq!((one.closed(conn), one.speaker.poll_timeout()), (Some(false), None));
}

#[test]
fn rfc4271_8_2_2_connect_retry_gives_up_the_dial_and_dials_again() {
    let mut one = One::new(|config| config);
    let first = one.start();
    one.advance(seconds(120));
    assert_eq!((one.closed(first), one.dials()), (Some(false), 2));
    let close = one.events.iter().position(|event| matches!(event, Event::Close { .. })).unwrap();
    let dial = one.events.iter().rposition(|event| matches!(event, Event::Dial { .. })).unwrap();
    assert!(close < dial);
    // An answer to the first dial is too late.
    one.connected(first);
    assert_eq!((one.state(), one.sent.len()), (State::Connect, 0));
}

#[test]
fn rfc4271_6_5_a_silent_peer_is_dropped_after_the_hold_time() {
    let (mut one, conn) = One::up(|config| config.with_hold_time(30));
    one.receive(conn, &update(1));
    one.advance(seconds(29));
    assert_eq!(one.state(), State::Established);
    one.advance(seconds(1));
    assert_eq!((one.state(), one.last_message(conn)), (State::Idle, Some((MessageType::NOTIFICATION, [4, 0]))));
    assert_eq!(one.speaker.rib().loc_rib().count(), 0);
}

#[test]
fn rfc9687_a_socket_that_takes_nothing_is_reset() {
    let (mut one, conn) = One::up(|config| config);
    one.room.insert(conn, 0);
    for _ in 0..24 {
        one.advance(seconds(20));
        one.receive(conn, &KEEPALIVE);
    }
    assert_eq!((one.state(), one.closed(conn)), (State::Idle, Some(true)));
}

#[test]
fn an_ipv4_address_in_ipv6_form_is_the_peers() {
    let mut one = One::new(|config| config);
    one.start();
    let remote = "[::ffff:192.0.2.2]:50000".parse().unwrap();
    assert!(one.speaker.incoming(&mut one.store, one.now, remote).is_ok());
    assert_eq!(one.speaker.peer_at("::ffff:192.0.2.2".parse().unwrap()), Some(one.peer));
}

#[test]
fn peers_that_dial_each_other_in_turns_meet() {
    // Its dial has failed, and it waits: the peer that comes is taken.
    let mut one = One::new(|config| config.with_damp_peer_oscillations(true));
    let conn = one.start();
    one.disconnected(conn);
    let conn = one.incoming();
    one.establish(conn, HIGHER);
    // After an error it is not.
    one.receive(conn, &[0; 19]);
    assert_eq!(one.state(), State::Idle);
    assert_eq!(one.try_incoming(), Err(Refused::Idle(remote().ip())));
    // And it goes on as it was configured.
    one.advance(seconds(20));
    assert_eq!((one.state(), one.dials()), (State::Connect, 2));
}

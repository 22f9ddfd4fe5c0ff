//! Graceful restart of a peer (RFC 4724 section 4.2): routes stay while it is away.

use bgp_fsm::State;
use bgp_wire::capability::{Capability, GracefulRestart, GracefulRestartFamily};
use bgp_wire::{Family, FamilySet, KEEPALIVE};

use crate::one::{END_OF_RIB, HIGHER, One, message, open, open_with, seconds, update};

pub(crate) fn capability(notification: bool) -> Capability {
    let family = GracefulRestartFamily { family: Family::IPV4_UNICAST, forwarding: true };
    Capability::GracefulRestart(GracefulRestart {
        restart_time: 60,
        restarting: false,
        notification,
        families: vec![family],
    })
}

/// A session with routes 1 and 2 whose connection is lost.
fn away() -> One {
    let mut one = One::new(|mut config| {
        config.capabilities.push(capability(true));
        config
    });
    let conn = one.start();
    one.connected(conn);
    let open = open_with(HIGHER, [capability(true)]);
    one.receive(conn, &[open, KEEPALIVE.to_vec(), update(1), update(2)].concat());
    one.disconnected(conn);
    assert_eq!((one.state(), routes(&one)), (State::Idle, 2));
    assert_eq!(one.speaker.peer(one.peer).unwrap().stale, FamilySet::EMPTY.with(Family::IPV4_UNICAST));
    one
}

fn routes(one: &One) -> usize {
    one.speaker.rib().loc_rib().count()
}

/// The peer is back with this OPEN.
fn back(one: &mut One, open: Vec<u8>) -> bgp_speaker::ConnId {
    let conn = one.start();
    one.connected(conn);
    one.receive(conn, &[open, KEEPALIVE.to_vec()].concat());
    assert_eq!(one.state(), State::Established);
    conn
}

#[test]
fn rfc4724_4_2_what_does_not_come_again_goes_at_end_of_rib() {
    let mut one = away();
    one.advance(seconds(59));
    let conn = back(&mut one, open_with(HIGHER, [capability(true)]));
    one.receive(conn, &update(1));
    assert_eq!(routes(&one), 2);
    one.receive(conn, &message(2, &END_OF_RIB));
    assert_eq!(routes(&one), 1);
    assert!(one.speaker.peer(one.peer).unwrap().stale.is_empty());
}

#[test]
fn rfc4724_4_2_a_peer_that_stays_away_loses_its_routes() {
    let mut one = away();
    one.advance(seconds(59));
    assert_eq!(routes(&one), 2);
    one.advance(seconds(1));
    assert_eq!((routes(&one), one.speaker.poll_timeout()), (0, None));
}

#[test]
fn rfc4724_4_2_a_table_that_does_not_end_loses_what_is_stale() {
    let mut one = away();
    let conn = back(&mut one, open_with(HIGHER, [capability(true)]));
    one.receive(conn, &update(2));
    for _ in 0..12 {
        assert_eq!(routes(&one), 2);
        one.advance(seconds(30));
        one.receive(conn, &KEEPALIVE);
    }
    assert_eq!(routes(&one), 1);
}

#[test]
fn rfc4724_4_2_a_peer_that_comes_without_the_capability_loses_its_routes_at_once() {
    let mut one = away();
    back(&mut one, open(HIGHER));
    assert_eq!(routes(&one), 0);
}

#[test]
fn an_operator_who_stops_a_peer_does_not_wait_for_it() {
    let mut one = away();
    one.stop();
    assert_eq!((routes(&one), one.speaker.poll_timeout()), (0, None));
}

#[test]
fn rfc4724_4_a_session_that_is_shut_down_keeps_nothing() {
    let mut one = away();
    let conn = back(&mut one, open_with(HIGHER, [capability(true)]));
    one.receive(conn, &[update(1), message(2, &END_OF_RIB)].concat());
    one.stop();
    assert_eq!(routes(&one), 0);
}

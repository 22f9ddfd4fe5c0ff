//! Graceful restart of a peer (RFC 4724 section 4.2): routes stay while it is away.

use bgp_fsm::State;
use bgp_wire::capability::{Capability, GracefulRestart, GracefulRestartFamily};
use bgp_wire::{Family, FamilySet, KEEPALIVE, MessageType};

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

/// A speaker that has restarted, with a route of its own and a peer; what the peer's OPEN has beside the usual.
fn restarted(more: &[Capability]) -> (One, bgp_speaker::ConnId) {
    let mut ours = capability(true);
    if let Capability::GracefulRestart(gr) = &mut ours {
        gr.restarting = true;
    }
    let mut one = One::new(|mut config| {
        config.capabilities.push(ours);
        config
    });
    one.speaker.restarted(one.now, seconds(80));
    one.originate([1]);
    let conn = one.start();
    one.connected(conn);
    let open = open_with(HIGHER, more.to_vec());
    one.receive(conn, &[open, KEEPALIVE.to_vec(), update(1)].concat());
    assert_eq!(one.state(), State::Established);
    (one, conn)
}

/// The types of what was sent, and the Restart State bit of the OPEN.
fn said(one: &One, conn: bgp_speaker::ConnId) -> (usize, bool) {
    let updates = one.messages(conn).iter().filter(|(ty, _)| *ty == MessageType::UPDATE).count();
    let (open, _) = bgp_wire::frame(&one.sent[&conn], 4096).unwrap().unwrap();
    // Code 64, 6 octets, the first four bits of which are flags.
    let at = open.windows(2).position(|octets| octets == [64, 6]).unwrap();
    let bit = open[at + 2] & 0x80 != 0;
    (updates, bit)
}

#[test]
fn rfc4724_4_1_after_a_restart_nothing_is_told_before_the_table_of_the_peer_has_come() {
    let (mut one, conn) = restarted(&[capability(true)]);
    one.advance(seconds(70));
    assert_eq!((said(&one, conn), routes(&one)), ((0, true), 0));
    one.receive(conn, &message(2, &END_OF_RIB));
    assert!(!one.speaker.is_restarting());
    // The route, and End-of-RIB.
    assert_eq!((said(&one, conn), routes(&one)), ((2, true), 2));
    one.disconnected(conn);
    let conn = back(&mut one, open_with(HIGHER, [capability(true)]));
    assert!(!said(&one, conn).1, "the restart is over");
}

#[test]
fn rfc4724_4_1_the_deferral_has_an_end() {
    let (mut one, conn) = restarted(&[capability(true)]);
    one.advance(seconds(79));
    assert_eq!(said(&one, conn).0, 0);
    one.advance(seconds(1));
    assert_eq!((said(&one, conn), routes(&one)), ((2, true), 2));
}

#[test]
fn rfc4724_4_1_who_has_no_capability_or_restarts_too_is_not_waited_for() {
    let (one, conn) = restarted(&[]);
    assert_eq!(said(&one, conn).0, 2);
    let mut theirs = capability(true);
    if let Capability::GracefulRestart(gr) = &mut theirs {
        gr.restarting = true;
    }
    let (one, conn) = restarted(&[theirs]);
    assert_eq!(said(&one, conn).0, 2);
}

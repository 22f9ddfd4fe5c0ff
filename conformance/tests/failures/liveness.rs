//! Sessions that came and went without end, or did not survive what they should.

use std::collections::VecDeque;
use std::time::Duration;

use bgp_fsm::{Cause, Event, Instant, Restart, Session, SessionEvent, State, TcpAction, Timer};
use bgp_wire::capability::{Capability, GracefulRestart, GracefulRestartFamily};
use bgp_wire::{Asn, BgpId, Family, FamilySet, KEEPALIVE, Notification, NotificationCode, Open};
use bytes::BytesMut;

use crate::peer::{NOW, Peer, config, message};

fn drained(session: &mut Session) -> Vec<TcpAction> {
    while session.poll_transmit(&mut BytesMut::new()) {}
    while session.poll_event().is_some() {}
    std::iter::from_fn(|| session.poll_action()).collect()
}

/// A peer that refuses every OPEN at once: how often it is dialled in an hour.
fn dials_in_an_hour(damping: bool) -> u32 {
    let mut session = Session::new(config().with_damp_peer_oscillations(damping), 1);
    let mut refusal = BytesMut::new();
    Notification::new(NotificationCode::BAD_PEER_AS, &[]).encode(&mut refusal);
    let (mut now, mut dials) = (NOW, 0);
    session.handle(now, Event::AutomaticStart);
    while now < NOW + Duration::from_secs(3600) {
        for action in drained(&mut session) {
            if action == TcpAction::Connect {
                dials += 1;
                session.handle(now, Event::TcpCrAcked);
                let _ = session.receive(now, &refusal);
            }
        }
        drained(&mut session);
        let Some(due) = session.poll_timeout() else { break };
        now = due;
        session.handle_timeout(now);
    }
    dials
}

#[test]
fn rustbgpd_hot_reconnect_a_peer_that_refuses_every_open_is_dialled_ever_less() {
    // 10, 20, 40, 80 s, and then every 160.
    assert!((20..=30).contains(&dials_in_an_hour(true)));
    assert_eq!(dials_in_an_hour(false), 1, "without damping, an operator starts it again");
}

#[test]
fn calico_7086_a_hold_time_of_three_seconds_holds() {
    let mut ends = [1, 2].map(|seed| {
        let peer = config().with_jitter(true).with_hold_time(3);
        let mut session = Session::new(peer, seed);
        session.handle(NOW, Event::ManualStart);
        session.handle(NOW, Event::TcpCrAcked);
        let mut open = BytesMut::new();
        Open::new(Asn(64513), 3, BgpId(2)).encode(&mut open).unwrap();
        let _ = session.receive(NOW, &open);
        let _ = session.receive(NOW, &KEEPALIVE);
        drained(&mut session);
        session
    });
    // Both owners are called late, and the network takes as long again.
    let (late, mut now, mut ways) = (Duration::from_millis(400), NOW, [VecDeque::new(), VecDeque::new()]);
    for _ in 0..10_000 {
        now = now + Duration::from_millis(100);
        for end in 0..2 {
            if ways[end].pop_front_if(|at| *at <= now).is_some() {
                let _ = ends[end].receive(now, &KEEPALIVE);
            }
            if ends[end].poll_timeout().is_some_and(|due| due + late <= now) {
                ends[end].handle_timeout(now);
            }
            if ends[end].poll_transmit(&mut BytesMut::new()) {
                ends[end].sent(now, false);
                ways[1 - end].push_back(now + late);
            }
        }
    }
    assert!(ends.iter().all(|end| end.state() == State::Established));
}

fn restart(restarting: bool, forwarding: bool) -> Capability {
    let families = vec![GracefulRestartFamily { family: Family::IPV4_UNICAST, forwarding }];
    Capability::GracefulRestart(GracefulRestart { restart_time: 120, restarting, notification: false, families })
}

/// A session that comes up with graceful restart for IPv4 unicast, with this F bit.
fn graceful(forwarding: bool) -> Peer {
    let capability = restart(true, forwarding);
    let mut capabilities = config().capabilities;
    capabilities.push(restart(false, true));
    let mut peer = Peer::open_sent(config().with_capabilities(capabilities));
    let mut open = BytesMut::new();
    let fields = Open::new(Asn(64513), 90, BgpId(2)).with_capability(Capability::FourOctetAs(Asn(64513)));
    fields.with_capability(capability).encode(&mut open).unwrap();
    peer.sends(&open).sends(&KEEPALIVE);
    assert_eq!(peer.session.state(), State::Established);
    peer
}

fn lost(mut peer: Peer) -> bgp_fsm::Down {
    peer.session.handle(NOW, Event::TcpConnectionFails);
    match peer.session.poll_event() {
        Some(SessionEvent::Down(down)) => down,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calico_9575_routes_go_at_once_where_the_peer_comes_back_without_the_f_bit() {
    for (forwarding, gone) in [(true, FamilySet::EMPTY), (false, Family::IPV4_UNICAST.into())] {
        let mut restart = Restart::new();
        assert_eq!(restart.down(NOW, &lost(graceful(true))), Family::IPV4_UNICAST.into());
        let back = graceful(forwarding);
        assert_eq!(restart.up(NOW, back.session.negotiated().unwrap()), gone, "F = {forwarding}");
    }
}

#[test]
fn calico_node_79_an_attempt_that_fails_meanwhile_does_not_end_the_restart() {
    let mut restart = Restart::new();
    let kept = restart.down(NOW, &lost(graceful(true)));
    let deadline = restart.restart_deadline();
    // The restarting peer dials and is refused, or is dialled and is not there yet.
    let mut attempt = Peer::open_sent(config());
    attempt.session.handle(NOW, Event::ManualStop);
    let Some(SessionEvent::Down(down)) = attempt.session.poll_event() else { panic!("it was stopped") };
    assert_eq!(restart.down(NOW, &down), kept);
    assert_eq!((restart.stale(), restart.restart_deadline()), (kept, deadline));
}

#[test]
fn bird_3_1_4_a_notification_with_a_text_ends_the_session_and_is_told() {
    for (data, text) in [
        (&b"\x05hello"[..], Some("hello")),
        // Longer than what is there, and no UTF-8: RFC 9003 section 3 makes neither fatal.
        (&b"\xffhello"[..], None),
        (&b"\x02\xff\xfe"[..], None),
        (&b"\x00"[..], None),
    ] {
        let mut peer = Peer::established(true);
        peer.sends(&message(3, &[&[6, 2], data].concat()));
        assert_eq!((peer.session.state(), peer.out.len()), (State::Idle, 0));
        let [SessionEvent::Down(down)] = &peer.events[..] else { panic!("{:?}", peer.events) };
        assert!(matches!(&down.cause, Cause::Received(n) if n.code == NotificationCode::ADMIN_SHUTDOWN));
        let told = down.notification().unwrap();
        assert_eq!(told.communication().filter(|text| !text.is_empty()), text);
        assert!(!down.to_string().is_empty());
    }
}

#[test]
fn a_clock_that_jumps_ends_no_session() {
    let mut peer = Peer::established(true);
    let _ = peer.session.receive(Instant::from_secs(1_000_000), &KEEPALIVE);
    let _ = peer.session.receive(NOW, &KEEPALIVE);
    peer.session.handle_timeout(NOW);
    let left = peer.session.timers().deadline(Timer::Hold).map(|at| at - NOW);
    assert_eq!((peer.session.state(), left), (State::Established, Some(Duration::from_secs(90))));
}

//! A new configuration for a session that is up: what stays, what is asked for again, what waits for the next connection.
use std::time::Duration;

use bgp_fsm::{Cause, Change, Event, Secret, State, TcpAction, Timer, Transport};
use bgp_wire::{Family, MessageType, Open, RouteRefresh, capability::Capability};

use crate::driver::{Driver, config, message, open};

fn with_key(key: &str) -> Transport {
    Transport::new().with_md5_key(Some(Secret::new(key)))
}

fn left(driver: &Driver, timer: Timer) -> Option<Duration> {
    driver.session.timers().deadline(timer).map(|at| at - driver.now)
}

#[test]
fn rfc4271_8_what_only_we_know_changes_nothing_on_the_wire() {
    let mut driver = Driver::established(config());
    let before = *driver.session.timers();
    let new = config().with_passive(true).with_connect_retry(Duration::from_secs(5)).with_min_hold_time(120);
    assert_eq!(driver.reconfigure(new.clone()), Change::Nothing);
    assert_eq!(
        (driver.session.state(), driver.session.config(), *driver.session.timers()),
        (State::Established, &new, before)
    );
    assert!(driver.sent.is_empty() && driver.actions.is_empty() && driver.events.is_empty());
}

#[test]
fn rfc2918_new_rules_for_routes_ask_for_the_routes_again() {
    let mut driver = Driver::established(config());
    assert!(driver.session.negotiated().unwrap().context.reject_as_sets());
    assert_eq!(driver.reconfigure(config().with_reject_as_sets(false)), Change::Refresh);
    assert!(
        !driver.session.negotiated().unwrap().context.reject_as_sets(),
        "the next UPDATE is judged by the new rule"
    );
    assert_eq!(driver.sent, [MessageType::ROUTE_REFRESH]);
    assert_eq!(RouteRefresh::decode(&driver.octets).unwrap().family, Family::IPV4_UNICAST);
    assert_eq!(driver.session.state(), State::Established);

    // A peer that does not know ROUTE-REFRESH: only a new session brings its routes again. Those to come are judged anew.
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    driver.message(&message("001d0104fc01005a0a00000200")).message(&message("001304"));
    assert_eq!(driver.session.state(), State::Established);
    assert_eq!(driver.reconfigure(config().with_enforce_first_as(true)), Change::Reset);
    assert!(driver.sent.is_empty() && driver.session.negotiated().unwrap().context.enforce_first_as());
}

#[test]
fn rfc4271_4_2_what_the_open_says_waits_for_the_next_one() {
    let mut driver = Driver::established(config());
    let new = config().with_hold_time(30).with_jitter(true).with_capabilities([Capability::ExtendedMessage]);
    assert_eq!(driver.reconfigure(new.clone()), Change::Reset);
    assert_eq!(driver.session.state(), State::Established);
    assert_eq!(driver.session.config(), &config().with_jitter(true), "the rest is in force");
    assert_eq!((driver.session.receive_limit(), driver.session.negotiated().unwrap().hold_time), (4096, 90));

    driver.session.cease(driver.now, bgp_fsm::Cease::configuration_change());
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    assert_eq!((driver.session.config(), driver.session.receive_limit()), (&new, 65535));
    driver.message(&open(90)).message(&message("001304"));
    assert_eq!(driver.session.negotiated().unwrap().hold_time, 30);
}

#[test]
fn a_change_that_is_taken_back_asks_for_nothing() {
    let mut driver = Driver::established(config());
    assert_eq!(driver.reconfigure(config().with_hold_time(30)), Change::Reset);
    assert_eq!(driver.reconfigure(config()), Change::Nothing);
    driver.event(Event::TcpConnectionFails);
    assert_eq!(driver.session.config(), &config());
}

#[test]
fn before_our_open_everything_is_in_force_at_once() {
    let new = config().with_hold_time(9).with_connect_retry(Duration::from_secs(3));
    for (event, state) in [
        (None, State::Idle),
        (Some(Event::ManualStart), State::Connect),
        (Some(Event::ManualStartPassive), State::Active),
    ] {
        let mut driver = Driver::new(config());
        if let Some(event) = event {
            driver.event(event);
        }
        assert_eq!(driver.session.state(), state);
        assert_eq!((driver.reconfigure(new.clone()), driver.session.config()), (Change::Nothing, &new));
        // What waits, waits no longer than it would now.
        assert_eq!(left(&driver, Timer::ConnectRetry), event.map(|_| Duration::from_secs(3)));
        if event.is_some() {
            driver.event(Event::TcpConnectionConfirmed);
            let sent = bgp_wire::OpenView::decode(&driver.octets).map(Open::from).unwrap();
            assert_eq!(sent.hold_time, 9);
        }
    }
}

#[test]
fn rfc4271_6_8_an_open_that_is_sent_is_judged_by_what_it_says() {
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    assert_eq!(driver.reconfigure(config().with_hold_time(9)), Change::Reset);
    driver.message(&open(90)).message(&message("001304"));
    assert_eq!(driver.session.negotiated().unwrap().hold_time, 90);
    // The connection is lost before the OPENs meet: the next one is configured anew without an end of the session.
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    assert_eq!(driver.reconfigure(config().with_hold_time(9)), Change::Reset);
    driver.event(Event::TcpConnectionFails);
    assert_eq!((driver.session.state(), driver.session.config().hold_time), (State::Active, 9));
}

#[test]
fn rfc4808_another_key_is_set_on_the_open_socket_and_a_dial_begins_anew() {
    let old = config().with_transport(with_key("old"));
    let new = config().with_transport(with_key("new"));
    let mut driver = Driver::established(old.clone());
    assert_eq!(driver.reconfigure(new.clone()), Change::Nothing);
    assert_eq!((driver.session.state(), &driver.actions[..]), (State::Established, &[TcpAction::Configure][..]));
    assert_eq!(driver.session.config().transport.md5_key, Some(Secret::new("new")));

    let mut driver = Driver::new(old.clone());
    driver.event(Event::ManualStart);
    driver.reconfigure(new.clone());
    assert_eq!(driver.actions, [TcpAction::Close { abort: false }, TcpAction::Connect]);

    // A first key cannot be put on a connection that goes on without one.
    let mut driver = Driver::established(config());
    assert_eq!(driver.reconfigure(new.clone()), Change::Reset);
    assert!(driver.actions.is_empty() && driver.session.config().transport.md5_key.is_none());
    driver.event(Event::TcpConnectionFails);
    assert!(matches!(&driver.events[..], [bgp_fsm::SessionEvent::Down(down)] if down.cause == Cause::ConnectionFailed));
    assert_eq!(driver.session.config(), &new);
}

#[test]
fn rfc9687_3_2_a_shorter_send_hold_time_counts_at_once() {
    let mut driver = Driver::established(config());
    assert_eq!(left(&driver, Timer::SendHold), Some(Duration::from_secs(480)));
    driver.reconfigure(config().with_send_hold_time(Some(Duration::from_secs(60))));
    assert_eq!(left(&driver, Timer::SendHold), Some(Duration::from_secs(60)));
    driver.reconfigure(config().with_send_hold_time(Some(Duration::from_secs(90))));
    assert_eq!(left(&driver, Timer::SendHold), Some(Duration::from_secs(60)), "a stuck socket is given no more time");
}

#[test]
fn peers_share_one_configuration() {
    let shared = std::sync::Arc::new(config());
    let sessions: Vec<_> = (0..10).map(|seed| bgp_fsm::Session::new(shared.clone(), seed)).collect();
    assert_eq!(std::sync::Arc::strong_count(&shared), 1 + sessions.len());
}

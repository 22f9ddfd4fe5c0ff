//! RFC 4271 sections 6, 8 and 10, option by option.
use std::time::Duration;

use bgp_fsm::{Cause, Config, Event, SessionEvent, State, TcpAction, Timer};
use bgp_wire::capability::Capability;
use bgp_wire::{MessageType, NotificationCode};

use crate::driver::{Driver, config, message, notification, open};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn left(driver: &Driver, timer: Timer) -> Option<Duration> {
    driver.session.timers().deadline(timer).map(|at| at - driver.now)
}

fn open_sent(config: Config) -> Driver {
    let mut driver = Driver::new(config);
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    assert_eq!(driver.session.state(), State::OpenSent);
    driver
}

fn open_confirm(config: Config) -> Driver {
    let mut driver = open_sent(config);
    driver.message(&open(90));
    assert_eq!(driver.session.state(), State::OpenConfirm);
    driver
}

/// The data of the NOTIFICATION that the last input brought out.
fn data(driver: &Driver) -> Vec<u8> {
    assert!(driver.notification().is_some());
    let at = driver.octets.len() - driver.octets.iter().rev().position(|octet| *octet == 0xff).unwrap();
    driver.octets[at + 5..].to_vec()
}

#[test]
fn rfc4271_8_1_2_a_start_is_ignored_outside_idle() {
    let starts = [
        Event::ManualStart,
        Event::AutomaticStart,
        Event::ManualStartPassive,
        Event::AutomaticStartPassive,
        Event::AutomaticStartDamped,
        Event::AutomaticStartDampedPassive,
    ];
    let mut connect = Driver::new(config());
    connect.event(Event::ManualStart);
    let mut active = Driver::new(config());
    active.event(Event::ManualStartPassive);
    for driver in [connect, active, open_sent(config()), open_confirm(config()), Driver::established(config())] {
        for start in starts {
            let mut after = driver.clone();
            after.event(start);
            assert_eq!(after.session.state(), driver.session.state());
            assert_eq!(after.session.timers(), driver.session.timers());
            assert!(after.sent.is_empty() && after.actions.is_empty());
        }
    }
}

#[test]
fn rfc4271_8_1_1_automatic_starts_and_stops_need_permission() {
    let config = config().with_allow_automatic_start(false).with_allow_automatic_stop(false);
    let mut driver = Driver::new(config.clone());
    driver.event(Event::AutomaticStart).event(Event::AutomaticStartDampedPassive);
    assert_eq!(driver.session.state(), State::Idle);
    let mut driver = Driver::established(config);
    driver.event(Event::AutomaticStop);
    assert_eq!(driver.session.state(), State::Established);
}

#[test]
fn rfc4271_8_2_2_connect_retry_drops_the_attempt_and_dials_again() {
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart).after(120);
    assert_eq!(driver.actions, [TcpAction::Close { abort: false }, TcpAction::Connect]);
    assert_eq!((driver.session.state(), left(&driver, Timer::ConnectRetry)), (State::Connect, Some(secs(120))));
}

#[test]
fn rfc4271_8_2_2_a_passive_session_dials_only_when_connect_retry_expires() {
    let mut driver = Driver::new(config().with_passive(true));
    driver.event(Event::ManualStart);
    assert_eq!((driver.session.state(), driver.actions.len()), (State::Active, 0));
    let mut never = Driver::new(config().with_never_dial(true));
    never.event(Event::ManualStart);
    driver.after(120);
    assert_eq!((driver.session.state(), &driver.actions[..]), (State::Connect, &[TcpAction::Connect][..]));
    never.session.handle_timeout(never.now + secs(120));
    assert_eq!((never.session.state(), never.session.poll_action()), (State::Active, None));
}

#[test]
fn rfc4271_8_2_2_delay_open_waits_for_the_peers_open() {
    let config = config().with_delay_open_time(secs(5));
    for passive in [false, true] {
        let mut driver = Driver::new(config.clone().with_passive(passive));
        driver.event(Event::ManualStart);
        let before = driver.session.state();
        driver.event(Event::TcpCrAcked);
        assert_eq!((driver.session.state(), driver.sent.len()), (before, 0));
        let mut late = driver.clone();
        late.after(5);
        assert_eq!((late.session.state(), &late.sent[..]), (State::OpenSent, &[MessageType::OPEN][..]));
        driver.message(&open(90));
        assert_eq!(driver.session.state(), State::OpenConfirm);
        assert_eq!(driver.sent, [MessageType::OPEN, MessageType::KEEPALIVE]);
    }
}

#[test]
fn rfc4271_8_1_1_a_notification_before_our_open_needs_the_option() {
    for allowed in [false, true] {
        let config = config().with_delay_open_time(secs(5)).with_send_notification_without_open(allowed);
        for bad in [&message("001d0103fc01005a0a00000200"), &message("001d01040001005a0a00000200")] {
            let mut driver = Driver::new(config.clone());
            driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(bad);
            assert_eq!(driver.session.state(), State::Idle);
            assert_eq!(driver.notification().is_some(), allowed);
            let [SessionEvent::Down(down)] = &driver.events[..] else { panic!("{:?}", driver.events) };
            assert_eq!(matches!(down.cause, Cause::Silent(_)), !allowed);
        }
        let mut driver = Driver::new(config);
        driver.event(Event::ManualStart).event(Event::TcpCrAcked).event(Event::ManualStop);
        assert_eq!(driver.notification().is_some(), allowed);
    }
}

#[test]
fn rfc4271_8_1_3_damping_doubles_idle_hold_up_to_the_cap() {
    let config = config().with_damp_peer_oscillations(true).with_idle_hold_time(secs(10)).with_idle_hold_max(secs(35));
    let mut driver = Driver::new(config);
    driver.event(Event::AutomaticStartDamped);
    for expected in [10, 20, 35, 35] {
        driver.event(Event::TcpConnectionFails);
        assert_eq!((driver.session.state(), left(&driver, Timer::IdleHold)), (State::Idle, Some(secs(expected))));
        driver.event(Event::AutomaticStart);
        assert_eq!(driver.session.state(), State::Idle, "started before IdleHoldTimer expired");
        driver.after(expected);
        assert_eq!((driver.session.state(), &driver.actions[..]), (State::Connect, &[TcpAction::Connect][..]));
    }
    driver.event(Event::TcpConnectionFails).event(Event::ManualStart);
    assert_eq!(driver.session.state(), State::Connect, "an operator need not wait");
    driver.event(Event::TcpConnectionFails);
    assert_eq!(left(&driver, Timer::IdleHold), Some(secs(10)));
    driver.event(Event::ManualStop);
    assert_eq!(left(&driver, Timer::IdleHold), None);
}

#[test]
fn rfc4271_8_2_2_only_a_manual_stop_clears_the_counter() {
    let mut driver = Driver::established(config());
    driver.event(Event::TcpConnectionFails);
    assert_eq!(driver.session.connect_retry_counter(), 1);
    let mut driver = Driver::established(config());
    driver.event(Event::AutomaticStop);
    assert_eq!((driver.session.connect_retry_counter(), driver.notification()), (1, Some((6, 2))));
    let mut driver = Driver::established(config());
    driver.event(Event::ManualStop);
    assert_eq!(driver.session.connect_retry_counter(), 0);
}

#[test]
fn rfc4271_8_2_2_a_version_error_is_no_failure_before_established() {
    let version = notification(NotificationCode::UNSUPPORTED_VERSION);
    for (mut driver, counter) in
        [(open_sent(config()), 0), (open_confirm(config()), 0), (Driver::established(config()), 1)]
    {
        driver.message(&version);
        assert_eq!((driver.session.state(), driver.sent.len()), (State::Idle, 0));
        assert_eq!(driver.session.connect_retry_counter(), counter);
    }
}

#[test]
fn rfc4271_6_6_and_rfc6608_unexpected_messages_name_state_and_type() {
    let messages = [open(90), message("00170200000000"), message("001304"), message("00170500010001")];
    for (mut driver, subcode, expected) in [
        (open_sent(config()), 1, [None, Some(2), Some(4), Some(5)]),
        (open_confirm(config()), 2, [Some(1), Some(2), None, Some(5)]),
        (Driver::established(config()), 3, [Some(1), None, None, None]),
    ] {
        for (octets, expected) in messages.iter().zip(expected) {
            let mut driver = driver.clone();
            driver.message(octets);
            match expected {
                None => assert_eq!(driver.notification(), None),
                Some(ty) => {
                    assert_eq!(driver.notification(), Some((5, subcode)));
                    assert_eq!(data(&driver), [ty]);
                }
            }
        }
        // A timer that cannot have expired: no message, no data.
        driver.event(Event::DelayOpenTimerExpires);
        assert_eq!((driver.notification(), data(&driver).len()), (Some((5, 0)), 0));
    }
}

#[test]
fn rfc4271_4_2_and_4_4_hold_time_is_the_smaller_and_keepalive_a_third() {
    for (ours, theirs, hold, keepalive) in
        [(90, 180, 90, 30), (90, 3, 3, 1), (4, 90, 4, 1), (90, 0, 0, 0), (0, 90, 0, 0), (65535, 65535, 65535, 21845)]
    {
        let mut driver = open_sent(config().with_hold_time(ours));
        driver.message(&open(theirs));
        let agreed = driver.session.negotiated().unwrap();
        assert_eq!((agreed.hold_time, agreed.keepalive), (hold, keepalive));
        let time = |seconds: u16| (seconds != 0).then(|| secs(seconds.into()));
        assert_eq!((left(&driver, Timer::Hold), left(&driver, Timer::Keepalive)), (time(hold), time(keepalive)));
        assert_eq!(driver.sent, [MessageType::KEEPALIVE]);
    }
}

#[test]
fn rfc4271_6_2_hold_times_below_ours_are_refused() {
    for (theirs, refused) in [(1, true), (2, true), (3, true), (9, true), (10, false), (0, false)] {
        let mut driver = open_sent(config().with_min_hold_time(10));
        driver.message(&open(theirs));
        assert_eq!(driver.notification(), refused.then_some((2, 6)), "{theirs}");
    }
}

#[test]
fn rfc4271_6_5_silence_ends_the_session() {
    let mut driver = Driver::established(config());
    driver.after(89).message(&message("00170200000000"));
    driver.after(89);
    assert_eq!(driver.session.state(), State::Established, "an UPDATE restarts HoldTimer");
    driver.message(&message("00170500010001")).after(1);
    assert_eq!(driver.notification(), Some((4, 0)), "a ROUTE-REFRESH does not");
}

#[test]
fn rfc4271_10_jitter_is_on_connect_retry_and_keepalive_only() {
    for seed in 0..200 {
        let mut session = bgp_fsm::Session::new(config().with_jitter(true), seed);
        let now = bgp_fsm::Instant::from_secs(1);
        let within = |session: &bgp_fsm::Session, timer, seconds| {
            let left = session.timers().deadline(timer).unwrap() - now;
            left >= secs(seconds) * 3 / 4 && left <= secs(seconds)
        };
        session.handle(now, Event::ManualStart);
        assert!(within(&session, Timer::ConnectRetry, 120));
        session.handle(now, Event::TcpCrAcked);
        assert_eq!(session.timers().deadline(Timer::Hold), Some(now + secs(240)));
        session.receive(now, &open(90));
        assert!(within(&session, Timer::Keepalive, 30));
        assert_eq!(session.timers().deadline(Timer::Hold), Some(now + secs(90)));
    }
}

#[test]
fn rfc4271_6_8_the_owner_judges_an_open_before_the_session() {
    let mut driver = open_sent(config());
    assert_eq!(driver.session.accepts(&open(90)).map(|(id, asn)| (id.0, asn.0)), Some((0x0a00_0002, 64513)));
    assert_eq!(driver.session.accepts(&message("001d01040001005a0a00000200")), None);
    driver.event(Event::OpenCollisionDump);
    assert_eq!((driver.notification(), &driver.sent[..]), (Some((6, 7)), &[MessageType::NOTIFICATION][..]));
    assert_eq!(Driver::established(config()).session.accepts(&open(90)), None);
}

#[test]
fn rfc4271_8_2_2_an_update_sent_restarts_keepalive() {
    let mut driver = Driver::established(config());
    driver.now = driver.now + secs(20);
    driver.session.sent(driver.now, false);
    assert_eq!(left(&driver, Timer::Keepalive), Some(secs(10)));
    driver.session.sent(driver.now, true);
    assert_eq!(left(&driver, Timer::Keepalive), Some(secs(30)));
}

#[test]
fn rfc9687_3_2_a_stuck_socket_ends_the_session_hard() {
    let mut driver = Driver::established(config());
    for _ in 0..47 {
        driver.message(&message("001304")).after(10);
    }
    assert_eq!(left(&driver, Timer::SendHold), Some(secs(10)));
    let mut moving = driver.clone();
    moving.session.sent(moving.now, false);
    assert_eq!(left(&moving, Timer::SendHold), Some(secs(480)));
    driver.message(&message("001304")).after(10);
    assert_eq!((driver.notification(), &driver.actions[..]), (Some((8, 0)), &[TcpAction::Close { abort: true }][..]));
    assert_eq!(left(&Driver::established(config().with_hold_time(0)), Timer::SendHold), None);
}

#[test]
fn rfc9384_3_a_bfd_session_that_goes_down_ends_an_established_one() {
    let mut driver = Driver::established(config().with_bfd(true));
    driver.event(Event::BfdUp).event(Event::BfdDown);
    assert_eq!(driver.notification(), Some((6, 10)));
    let mut driver = Driver::established(config());
    driver.event(Event::BfdDown);
    assert_eq!(driver.session.state(), State::Established);
}

#[test]
fn bfd_strict_mode_withholds_keepalive_until_bfd_is_up() {
    let config = config().with_bfd_strict(true).with_capabilities([Capability::BfdStrict]);
    let mut driver = open_confirm(config.clone());
    assert_eq!((driver.sent.len(), left(&driver, Timer::BfdHold)), (0, Some(secs(30))));
    let mut late = driver.clone();
    late.after(30);
    assert_eq!(late.notification(), Some((6, 10)));
    driver.message(&message("001304"));
    assert_eq!(driver.session.state(), State::OpenConfirm);
    driver.event(Event::BfdUp);
    assert_eq!((driver.session.state(), &driver.sent[..]), (State::Established, &[MessageType::KEEPALIVE][..]));
    driver.event(Event::BfdDown);
    assert_eq!(driver.notification(), Some((6, 10)));
    // Up already, and not both of us in that mode.
    let mut up = Driver::new(config.clone());
    up.event(Event::BfdUp).event(Event::ManualStart).event(Event::TcpCrAcked).message(&open(90));
    assert_eq!(up.sent, [MessageType::KEEPALIVE]);
    assert_eq!(open_confirm(config.with_capabilities([])).sent, [MessageType::KEEPALIVE]);
}

#[test]
fn rfc4271_8_2_2_nothing_is_sent_on_a_connection_that_the_peer_has_ended() {
    let mut session = bgp_fsm::Session::new(config(), 1);
    let (now, mut out) = (bgp_fsm::Instant::from_secs(1), bytes::BytesMut::new());
    session.handle(now, Event::ManualStart);
    session.handle(now, Event::TcpCrAcked);
    // All of it comes with one read, before anything is written.
    session.receive(now, &open(90));
    session.receive(now, &notification(NotificationCode::CEASE));
    assert!(!session.poll_transmit(&mut out) && out.is_empty());
    let actions: Vec<TcpAction> = std::iter::from_fn(|| session.poll_action()).collect();
    assert_eq!(
        actions,
        [TcpAction::Close { abort: false }],
        "a dial that nobody began needs no end, this one was open"
    );
}

#[test]
fn rfc4271_8_2_2_a_second_connection_does_not_touch_the_first() {
    let mut driver = Driver::new(config().with_delay_open_time(secs(5)));
    driver.event(Event::ManualStart).event(Event::TcpCrAcked).after(3);
    driver.event(Event::TcpConnectionValid).event(Event::TcpConnectionConfirmed);
    assert_eq!(left(&driver, Timer::DelayOpen), Some(secs(2)));
    for mut driver in [open_sent(config()), open_confirm(config()), Driver::established(config())] {
        let before = (driver.session.state(), *driver.session.timers());
        for event in [Event::TcpConnectionValid, Event::TcpCrAcked, Event::TcpConnectionConfirmed] {
            driver.event(event);
            assert!(driver.sent.is_empty() && driver.actions.is_empty());
        }
        driver.event(Event::TcpCrInvalid);
        assert_eq!(driver.actions, [TcpAction::Reject]);
        assert_eq!((driver.session.state(), *driver.session.timers()), before);
    }
}

//! All sequences of inputs up to a length, and random long ones, against the rules of `driver.rs`: at most one
//! NOTIFICATION per connection, nothing sent after it, every running timer belongs to its state, messages are counted.
//! Here: the rules of ConnectRetryCounter, and that no state is stuck.
//!
//! Sequences that lead to the same state go on as one. What decides is the state of the session, all of it but the
//! counters of messages, with times relative to now (`Driver::rebase`).
use std::collections::HashSet;
use std::time::Duration;

use bgp_fsm::{Cease, Config, Event, State, Timer};
use bgp_wire::{Asn, MessageType, NotificationCode, capability::Capability};
use proptest::prelude::*;

use crate::driver::{Driver, Input, config, inputs, message, notification, open};

/// What the rules are checked with: the name of an option, or of some together.
fn configs() -> Vec<(&'static str, Config)> {
    let delay = config().with_delay_open_time(Duration::from_secs(5));
    let strict = config().with_bfd_strict(true).with_capabilities([Capability::BfdStrict, Capability::RouteRefresh]);
    vec![
        ("defaults", config()),
        ("DelayOpen, SendNOTIFICATIONwithoutOPEN", delay.clone().with_send_notification_without_open(true)),
        (
            "DelayOpen, damping, passive, no AutomaticStop",
            delay.with_damp_peer_oscillations(true).with_passive(true).with_allow_automatic_stop(false),
        ),
        ("damping, no TrackTcpState", config().with_damp_peer_oscillations(true).with_track_tcp_state(false)),
        ("BFD strict mode", strict.with_bfd(true)),
        ("hold time 0, no dialling", config().with_hold_time(0).with_never_dial(true)),
        (
            "dual AS, no AutomaticStart",
            config().with_local_as_override(Some(Asn(7))).with_dual_as(true).with_allow_automatic_start(false),
        ),
    ]
}

/// RFC 4271 section 8.2.2, what it says of ConnectRetryCounter, written down a second time.
fn counter_after(before: &Driver, input: &Input, after: &Driver) -> u32 {
    use Event as E;
    let (from, to, counter) = (before.session.state(), after.session.state(), before.session.connect_retry_counter());
    let stopped = matches!(input, Input::Event(E::ManualStop));
    if stopped || (from == State::Idle && to != State::Idle) {
        return 0;
    }
    if from == State::Idle || to != State::Idle {
        return counter;
    }
    let delaying = before.session.timers().is_running(Timer::DelayOpen);
    let dial_failed = matches!(input, Input::Event(E::TcpConnectionFails)) && from == State::Connect && !delaying;
    let about_to_agree = match from {
        State::Connect | State::Active => delaying,
        _ => from != State::Established,
    };
    let version = notification(NotificationCode::UNSUPPORTED_VERSION);
    let version = matches!(input, Input::Message(octets) if *octets == version) && about_to_agree;
    if dial_failed || version { counter } else { counter + 1 }
}

/// A friendly peer and a willing operator bring any state to Established.
fn is_not_stuck(driver: &Driver) {
    let mut driver = driver.clone();
    for _ in 0..8 {
        match driver.session.state() {
            State::Idle => driver.event(Event::ManualStart),
            State::Connect | State::Active if !driver.open => driver.event(Event::TcpConnectionConfirmed),
            State::Connect | State::Active | State::OpenSent => driver.message(&open(90)),
            State::OpenConfirm => driver.event(Event::BfdUp).message(&message("001304")),
            State::Established => return,
        };
    }
    panic!("stuck in {}: {:?}", driver.session.state(), driver.session);
}

/// Every state that `depth` inputs reach from `root`: how many there are, and how many inputs were tried.
fn explore(root: Driver, depth: u32) -> (usize, usize) {
    let inputs = inputs();
    let (mut seen, mut tried) = (HashSet::new(), 0);
    let mut root = root;
    seen.insert(root.rebase());
    let mut level = vec![root];
    for _ in 0..depth {
        let mut next = Vec::new();
        for driver in &level {
            is_not_stuck(driver);
            for input in &inputs {
                let mut after = driver.clone();
                after.input(input);
                tried += 1;
                let expected = counter_after(driver, input, &after);
                assert_eq!(after.session.connect_retry_counter(), expected, "{input:?} in {}", driver.session.state());
                if seen.insert(after.rebase()) {
                    next.push(after);
                }
            }
        }
        level = next;
    }
    level.iter().for_each(is_not_stuck);
    (seen.len(), tried)
}

#[test]
fn rfc4271_8_2_2_every_sequence_of_six_from_idle() {
    for (name, config) in configs() {
        let (states, tried) = explore(Driver::new(config), 6);
        println!("{name}: {states} states within 6 of {} inputs, {tried} inputs tried", inputs().len());
        assert!(states > 100, "{name}: {states}");
    }
}

#[test]
fn rfc4271_8_2_2_every_sequence_of_six_from_established() {
    for (name, config) in configs() {
        let mut driver = Driver::new(config);
        driver.event(Event::ManualStart).event(Event::TcpConnectionConfirmed).event(Event::BfdUp);
        driver.message(&open(90)).message(&message("001304"));
        assert_eq!(driver.session.state(), State::Established, "{name}");
        let (states, tried) = explore(driver, 6);
        println!("{name}: {states} states within 6 inputs of Established, {tried} inputs tried");
    }
}

#[test]
fn rfc4271_8_2_2_an_administrative_end_counts_unless_it_is_a_shutdown() {
    for (cease, counter) in [(Cease::shutdown(), 0), (Cease::reset(), 1), (Cease::configuration_change(), 1)] {
        let mut driver = Driver::established(config());
        driver.input(&Input::Cease(cease));
        assert_eq!((driver.session.connect_retry_counter(), driver.session.state()), (counter, State::Idle));
        assert_eq!(driver.sent, [MessageType::NOTIFICATION]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_long_sequences_keep_the_rules(picks in proptest::collection::vec(0usize..10_000, 1..300), which in 0usize..7, jitter in any::<bool>()) {
        let inputs = inputs();
        let (_, config) = configs().swap_remove(which);
        let mut driver = Driver::new(config.with_jitter(jitter));
        for pick in picks {
            driver.input(&inputs[pick % inputs.len()]);
        }
    }
}

//! The law of the run loop: `handle_timeout(poll_timeout())` makes progress, never earlier than due, and a caller who is
//! late is forgiven.
use std::time::Duration;

use bgp_fsm::{Event, Instant, State, Timer};
use bgp_wire::MessageType;
use bytes::BytesMut;
use proptest::prelude::*;

use crate::driver::{Driver, config, inputs, message};

proptest! {
    #[test]
    fn a_timeout_makes_progress_and_never_early(picks in proptest::collection::vec((0usize..10_000, 0u64..400_000_000_000), 1..80), seed in any::<bool>()) {
        let inputs = inputs();
        let mut driver = Driver::new(config().with_jitter(seed).with_damp_peer_oscillations(true));
        for (pick, nanos) in picks {
            driver.input(&inputs[pick % inputs.len()]);
            let target = driver.now + Duration::from_nanos(nanos);
            while let Some(due) = driver.session.poll_timeout() && due <= target {
                // One nanosecond before, nothing happens.
                let mut early = driver.session.clone();
                early.handle_timeout(Instant::from_nanos(due.as_nanos() - 1).max(driver.now));
                if due > driver.now {
                    prop_assert_eq!(early.timers(), driver.session.timers());
                    prop_assert_eq!(early.state(), driver.session.state());
                    prop_assert!(!early.poll_transmit(&mut BytesMut::new()) && early.poll_action().is_none());
                }
                let before = *driver.session.timers();
                driver.at(due.max(driver.now));
                prop_assert_ne!(before, *driver.session.timers());
            }
            driver.now = driver.now.max(target);
        }
    }

    #[test]
    fn a_clock_that_jumps_stops_no_timer(jumps in proptest::collection::vec(-2_000_000_000_000_i64..200_000_000_000, 1..40)) {
        let mut driver = Driver::established(config());
        for jump in jumps {
            let length = Duration::from_nanos(jump.unsigned_abs());
            let left = driver.session.poll_timeout().map(|at| at - driver.now);
            let now = if jump < 0 { driver.now.saturating_sub(length) } else { driver.now + length };
            driver.at(now);
            if jump < 0 {
                prop_assert_eq!(driver.session.poll_timeout().map(|at| at - now), left);
            }
            prop_assert!(driver.session.state() == State::Idle || driver.session.poll_timeout().is_some());
        }
    }
}

#[test]
fn a_late_call_sends_nothing_twice() {
    let mut driver = Driver::established(config());
    // Two KEEPALIVEs were due at 30 s and 60 s.
    driver.at(driver.now + Duration::from_secs(89));
    assert_eq!(driver.sent, [MessageType::KEEPALIVE]);
    let left = driver.session.timers().deadline(Timer::Keepalive).map(|at| at - driver.now);
    assert_eq!(left, Some(Duration::from_secs(30)));
}

#[test]
fn the_end_of_time_is_no_endless_loop() {
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart);
    driver.now = Instant::MAX;
    driver.session.handle_timeout(Instant::MAX);
    assert_eq!(driver.session.poll_timeout(), None);
}

#[test]
fn octets_of_one_connection_mean_nothing_after_it() {
    let mut driver = Driver::established(config());
    driver.event(Event::TcpConnectionFails);
    driver.message(&message("00170200ff0000"));
    assert_eq!((driver.session.state(), driver.sent.len()), (State::Idle, 0));
}

#[test]
fn stop_is_idempotent() {
    let mut driver = Driver::established(config());
    driver.event(Event::ManualStop);
    assert_eq!(driver.notification(), Some((6, 2)));
    driver.event(Event::ManualStop).event(Event::ManualStop);
    assert!(driver.sent.is_empty() && driver.actions.is_empty() && driver.events.is_empty());
}

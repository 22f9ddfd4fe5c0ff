//! All sequences of inputs up to a length, and random long ones, against the rules of `driver.rs`: no stuck state, at
//! most one NOTIFICATION per connection, nothing sent after it, every running timer belongs to its state.
use std::time::Duration;

use bgp_fsm::{Config, Event, Timer};
use bgp_wire::capability::Capability;
use proptest::prelude::*;

use crate::driver::{Driver, Input, config, inputs, open};

fn all(driver: &Driver, inputs: &[Input], depth: u32) -> usize {
    if depth == 0 {
        return 1;
    }
    let mut count = 0;
    for input in inputs {
        let mut next = driver.clone();
        next.input(input);
        count += all(&next, inputs, depth - 1);
    }
    count
}

fn configs() -> [Config; 3] {
    let delay = config().with_delay_open_time(Duration::from_secs(5));
    [
        config(),
        delay.clone().with_send_notification_without_open(true),
        delay.with_damp_peer_oscillations(true).with_passive(true).with_allow_automatic_stop(false),
    ]
}

#[test]
fn rfc4271_8_2_2_every_sequence_of_four_from_idle() {
    let inputs = inputs();
    for config in configs() {
        assert_eq!(all(&Driver::new(config), &inputs, 4), inputs.len().pow(4));
    }
}

#[test]
fn bfd_strict_every_sequence_of_four_from_the_open() {
    let mut driver = Driver::new(config().with_bfd_strict(true).with_capabilities([Capability::BfdStrict]));
    driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(&open(90));
    assert!(driver.session.timers().is_running(Timer::BfdHold));
    let inputs = inputs();
    assert_eq!(all(&driver, &inputs, 4), inputs.len().pow(4));
}

#[test]
fn rfc4271_8_2_2_every_sequence_of_three_from_established() {
    let inputs = inputs();
    assert_eq!(all(&Driver::established(config()), &inputs, 3), inputs.len().pow(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_long_sequences_keep_the_rules(picks in proptest::collection::vec(0usize..10_000, 1..300), which in 0usize..3, jitter in any::<bool>()) {
        let inputs = inputs();
        let [a, b, c] = configs();
        let config = match which { 0 => a, 1 => b, _ => c };
        let mut driver = Driver::new(config.with_jitter(jitter));
        for pick in picks {
            driver.input(&inputs[pick % inputs.len()]);
        }
    }
}

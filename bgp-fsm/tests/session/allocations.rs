//! What allocates: an OPEN that is sent or taken, and the end of a session with its reason. Nothing else does, whatever
//! comes, in whatever state.
use std::hint::black_box;

use allocation_counter::measure;
use bgp_fsm::{Config, Event, State};
use bgp_wire::{Family, KEEPALIVE, frame};
use bytes::BytesMut;

use crate::driver::{Driver, Input, config, inputs, states};

/// How often the session allocates for one input and everything that is polled after it.
fn allocations(driver: &mut Driver, input: &Input) -> u64 {
    let (session, now) = (&mut driver.session, driver.now);
    let mut out = BytesMut::with_capacity(4096);
    let due = session.poll_timeout();
    let run = || {
        match input {
            Input::Event(event) => session.handle(now, *event),
            Input::Message(octets) => drop(black_box(session.receive(now, octets))),
            Input::BadHeader => {
                if let Err(error) = frame(&[0; 19], session.receive_limit()) {
                    session.framing_error(now, error, &[0; 19]);
                }
            }
            Input::Cease(_) | Input::Reconfigure(_) => {}
            Input::Timeout => due.into_iter().for_each(|due| session.handle_timeout(due)),
        }
        session.sent(now, true);
        session.request_refresh(Family::IPV4_UNICAST);
        while session.poll_transmit(&mut out) {}
        while session.poll_action().is_some() {}
        while session.poll_event().is_some() {}
        black_box(session.poll_timeout());
    };
    measure(run).count_total
}

#[test]
fn an_input_that_leaves_a_session_where_it_is_allocates_nothing() {
    let mut quiet = 0;
    for driver in states() {
        let state = driver.session.state();
        for input in inputs() {
            let mut driver = driver.clone();
            let count = allocations(&mut driver, &input);
            if driver.session.state() == state {
                assert_eq!(count, 0, "{input:?} in {state}");
                quiet += 1;
            }
        }
    }
    assert!(quiet > 90, "{quiet} inputs of all states were looked at");
}

#[test]
fn a_start_allocates_nothing_and_neither_does_the_first_keepalive() {
    let [idle, .., confirm, _] = &mut states()[..] else { panic!("six states") };
    assert_eq!(allocations(idle, &Input::Event(Event::ManualStart)), 0);
    assert_eq!(idle.session.state(), State::Connect);
    let count = allocations(confirm, &Input::Message(KEEPALIVE.to_vec()));
    // The queue of events, once in the life of a session.
    assert!(confirm.session.state() == State::Established && count <= 1, "{count}");
}

#[test]
fn a_session_that_was_never_started_has_nothing_on_the_heap() {
    let shared = std::sync::Arc::new(Config::clone(&config()));
    let info = measure(|| {
        black_box(bgp_fsm::Session::new(shared.clone(), 1));
    });
    assert_eq!(info.count_total, 0);
    assert!(size_of::<bgp_fsm::Session>() <= 512);
}

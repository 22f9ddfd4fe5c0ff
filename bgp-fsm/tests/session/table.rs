//! The table of states and events in the documentation of `State` is what the sessions do.
use std::path::Path;

use bgp_fsm::{Event as E, State, TcpAction};
use bgp_wire::{MessageType, NotificationCode};

use crate::driver::{Driver, Input, message, notification, open, states};

/// The events of RFC 4271 section 8.1 by their numbers, and those that came later.
fn events() -> Vec<(&'static str, Input)> {
    let refused = message("001d0104fc01000100000002 00".replace(' ', "").as_str());
    let update = message("00170200000000");
    let bad_update = message("00170200ff0000");
    vec![
        ("1 `ManualStart`", Input::Event(E::ManualStart)),
        ("2 `ManualStop`", Input::Event(E::ManualStop)),
        ("3 `AutomaticStart`", Input::Event(E::AutomaticStart)),
        ("4 `ManualStart`, passive", Input::Event(E::ManualStartPassive)),
        ("5 `AutomaticStart`, passive", Input::Event(E::AutomaticStartPassive)),
        ("6 `AutomaticStart`, damped", Input::Event(E::AutomaticStartDamped)),
        ("7 `AutomaticStart`, damped, passive", Input::Event(E::AutomaticStartDampedPassive)),
        ("8 `AutomaticStop`", Input::Event(E::AutomaticStop)),
        ("9 ConnectRetryTimer", Input::Event(E::ConnectRetryTimerExpires)),
        ("10 HoldTimer", Input::Event(E::HoldTimerExpires)),
        ("11 KeepaliveTimer", Input::Event(E::KeepaliveTimerExpires)),
        ("12 DelayOpenTimer", Input::Event(E::DelayOpenTimerExpires)),
        ("13 IdleHoldTimer", Input::Event(E::IdleHoldTimerExpires)),
        ("14 valid request", Input::Event(E::TcpConnectionValid)),
        ("15 invalid request", Input::Event(E::TcpCrInvalid)),
        ("16 dial acknowledged", Input::Event(E::TcpCrAcked)),
        ("17 connection confirmed", Input::Event(E::TcpConnectionConfirmed)),
        ("18 connection fails", Input::Event(E::TcpConnectionFails)),
        ("19 OPEN", Input::Message(open(90))),
        ("21 bad header", Input::BadHeader),
        ("22 bad OPEN (hold time 1)", Input::Message(refused)),
        ("23 collision dump", Input::Event(E::OpenCollisionDump)),
        ("24 version NOTIFICATION", Input::Message(notification(NotificationCode::UNSUPPORTED_VERSION))),
        ("25 NOTIFICATION", Input::Message(notification(NotificationCode::ADMIN_SHUTDOWN))),
        ("26 KEEPALIVE", Input::Message(message("001304"))),
        ("27 UPDATE", Input::Message(update)),
        ("28 bad UPDATE", Input::Message(bad_update)),
        ("SendHoldTimer (RFC 9687)", Input::Event(E::SendHoldTimerExpires)),
    ]
}

/// What one event does.
fn cell(before: &Driver, input: &Input) -> String {
    let mut driver = before.clone();
    driver.input(input);
    let session = &driver.session;
    let mut parts = Vec::new();
    if session.state() != before.session.state() {
        parts.push(format!("**{}**", session.state()));
    }
    let notification = driver.notification();
    for ty in driver.sent.iter().filter(|ty| **ty != MessageType::NOTIFICATION) {
        parts.push(if *ty == MessageType::OPEN { "OPEN".into() } else { "KEEPALIVE".into() });
    }
    parts.extend(notification.map(|(code, subcode)| format!("{code}/{subcode}")));
    for action in &driver.actions {
        parts.push(match action {
            TcpAction::Connect => "dial".into(),
            TcpAction::Close { abort: true } => "abort".into(),
            TcpAction::Close { .. } => "close".into(),
            TcpAction::Reject => "reject".into(),
            other => panic!("{other:?}"),
        });
    }
    let (old, new) = (before.session.connect_retry_counter(), session.connect_retry_counter());
    if new == old + 1 {
        parts.push("+1".into());
    } else if new != old {
        assert_eq!(new, 0);
        parts.push("=0".into());
    }
    if parts.is_empty() && session.timers() != before.session.timers() {
        parts.push("timers".into());
    }
    if parts.is_empty() { ".".into() } else { parts.join(", ") }
}

fn table() -> String {
    let mut states = states();
    // Idle after a failure, so that it shows what clears ConnectRetryCounter. It is always 0 in the other states.
    states[0].event(E::ManualStart).event(E::TcpCrAcked).input(&Input::BadHeader);
    assert_eq!((states[0].session.state(), states[0].session.connect_retry_counter()), (State::Idle, 1));
    // Time has passed, so that a timer shows that is started anew.
    for driver in &mut states {
        driver.now = driver.now + std::time::Duration::from_secs(1);
    }
    let mut text = String::from("| event |");
    for driver in &states {
        text += &format!(" {} |", driver.session.state());
    }
    text += "\n| --- |";
    text += &" --- |".repeat(states.len());
    for (name, input) in events() {
        text += &format!("\n| {name} |");
        for driver in &states {
            text += &format!(" {} |", cell(driver, &input));
        }
    }
    text + "\n"
}

#[test]
fn rfc4271_8_2_2_every_event_in_every_state_is_what_the_documentation_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state/table.md");
    let table = table();
    assert_eq!(table.lines().count(), 2 + events().len());
    if std::env::var_os("BGP_FSM_WRITE_TABLE").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, table, "BGP_FSM_WRITE_TABLE=1 writes it anew; look at what changes");
}

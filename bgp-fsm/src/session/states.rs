//! The six states (RFC 4271 section 8.2.2), one file each, and what they share.

mod active;
mod connect;
mod established;
mod idle;
mod open_confirm;
mod open_sent;

use bgp_wire::{MessageType, Notification, NotificationBuf, NotificationCode};

use super::{Conn, Counter, End, Session};
use crate::{Cause, Cease, Event, Instant, Negotiated, State, Timer};

/// All that can happen to a session: the 28 events of RFC 4271 section 8.1, with what they carry.
#[derive(Debug)]
pub(crate) enum Input<'m> {
    /// Events 1 to 18 and 23.
    Event(Event),
    /// Event 2 or 8 with a reason.
    Cease(Cease),
    /// Event 19, 20 where DelayOpenTimer runs. Boxed where it is made: it is kept.
    Open(alloc::boxed::Box<Negotiated>),
    /// Event 21 or 22, a header or OPEN that is refused with this NOTIFICATION.
    Refused(NotificationBuf),
    /// Event 24 or 25.
    Notification(Notification<'m>),
    /// Event 26.
    Keepalive,
    /// Event 27, or another message that only Established knows.
    Update(MessageType),
    /// Event 28, or an error in a ROUTE-REFRESH.
    UpdateError(NotificationBuf),
}

/// Carries out what the state prescribes.
pub(crate) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    match session.state {
        State::Idle => idle::run(session, now, input),
        State::Connect => connect::run(session, now, input),
        State::Active => active::run(session, now, input),
        State::OpenSent => open_sent::run(session, now, input),
        State::OpenConfirm => open_confirm::run(session, now, input),
        State::Established => established::run(session, now, input),
    }
}

/// The answer to a message, or another event, that the state does not know (RFC 4271 section 6.6, RFC 6608).
fn fsm_error(code: NotificationCode, message: Option<MessageType>) -> End {
    match message {
        Some(ty) => End::send(NotificationBuf::new(code, alloc::vec![ty.0])),
        None => End::send(NotificationBuf::new(NotificationCode::FSM_ERROR, alloc::vec::Vec::new())),
    }
}

/// Event 8 has no reason of its own: it is told as a shutdown.
fn automatic_stop() -> End {
    End::send(NotificationBuf::new(NotificationCode::ADMIN_SHUTDOWN, alloc::vec::Vec::new()))
}

fn collision_dump() -> End {
    End::send(NotificationBuf::new(NotificationCode::CONNECTION_COLLISION, alloc::vec::Vec::new()))
}

fn cease(session: &mut Session, now: Instant, cease: Cease) {
    let end = End { too_many_prefixes: cease.too_many_prefixes, ..End::send(cease.notification) };
    session.end(now, if cease.manual { End { counter: Counter::Zero, ..end } } else { end });
}

/// The peer ended the session: nothing is answered.
fn notified(notification: Notification<'_>) -> End {
    End { cause: Cause::Received(notification.into()), ..End::failed() }
}

/// What Connect and Active do alike. Gives the input back if it is not among that.
fn before_open<'m>(session: &mut Session, now: Instant, input: Input<'m>) -> Option<Input<'m>> {
    let delaying = session.timers.is_running(Timer::DelayOpen);
    match input {
        // Event 2.
        Input::Event(Event::ManualStop) => cease(session, now, Cease::shutdown()),
        Input::Cease(reason) => cease(session, now, reason),
        // Event 8.
        Input::Event(Event::AutomaticStop) => {
            if session.config.allow_automatic_stop {
                session.end(now, automatic_stop().silent());
            }
        }
        // Events 1, 3 to 7.
        Input::Event(
            Event::ManualStart
            | Event::AutomaticStart
            | Event::ManualStartPassive
            | Event::AutomaticStartPassive
            | Event::AutomaticStartDamped
            | Event::AutomaticStartDampedPassive,
        ) => {}
        // Event 12. The timer runs only with a connection; without it there is nobody to send the OPEN to.
        Input::Event(Event::DelayOpenTimerExpires) => {
            if delaying {
                session.send_open(now);
            }
        }
        // BFD counts from the OPEN on.
        Input::Event(Event::BfdUp | Event::BfdDown | Event::BfdHoldTimerExpires) => {}
        // Event 14: the request is taken, event 17 follows.
        Input::Event(Event::TcpConnectionValid) => {}
        // Event 15.
        Input::Event(Event::TcpCrInvalid) => session.refuse_request(),
        // Events 16, 17. With a connection already, this one is another session's.
        Input::Event(Event::TcpCrAcked | Event::TcpConnectionConfirmed) => {
            if session.conn != Conn::Open {
                session.conn = Conn::Open;
                session.timers.stop(Timer::ConnectRetry);
                if session.config.delay_open_time.is_zero() {
                    session.send_open(now);
                } else {
                    session.start_timer(now, Timer::DelayOpen, session.config.delay_open_time);
                }
            }
        }
        // Event 20.
        Input::Open(negotiated) if delaying => {
            session.send_open(now);
            if session.state == State::OpenSent {
                session.take_open(now, negotiated);
            }
        }
        // Events 21, 22.
        Input::Refused(notification) => session.end(now, End::send(notification)),
        // Event 24 with the version error is no failure of the peer's if we were about to speak.
        Input::Notification(notification) => {
            let version = notification.code == NotificationCode::UNSUPPORTED_VERSION;
            let counter = if version && delaying { Counter::Keep } else { Counter::Add };
            session.end(now, End { counter, ..notified(notification) });
        }
        // Events 10, 11, 13, 19, 23, 25 to 28.
        Input::Event(Event::OpenCollisionDump) => session.end(now, collision_dump().silent()),
        Input::Event(
            Event::HoldTimerExpires
            | Event::KeepaliveTimerExpires
            | Event::IdleHoldTimerExpires
            | Event::SendHoldTimerExpires,
        )
        | Input::Open(_)
        | Input::Keepalive
        | Input::Update(_)
        | Input::UpdateError(_) => session.end(now, fsm_error(NotificationCode::FSM_ERROR, None).silent()),
        // Events 9, 18: each in its own way.
        Input::Event(Event::ConnectRetryTimerExpires | Event::TcpConnectionFails) => return Some(input),
    }
    None
}

/// What OpenSent, OpenConfirm and Established do alike. Gives the input back if it is not among that.
fn after_open<'m>(session: &mut Session, now: Instant, input: Input<'m>) -> Option<Input<'m>> {
    match input {
        // Events 1, 3 to 7.
        Input::Event(
            Event::ManualStart
            | Event::AutomaticStart
            | Event::ManualStartPassive
            | Event::AutomaticStartPassive
            | Event::AutomaticStartDamped
            | Event::AutomaticStartDampedPassive,
        ) => {}
        // Event 2.
        Input::Event(Event::ManualStop) => cease(session, now, Cease::shutdown()),
        Input::Cease(reason) => cease(session, now, reason),
        // Event 8.
        Input::Event(Event::AutomaticStop) => {
            if session.config.allow_automatic_stop {
                session.end(now, automatic_stop());
            }
        }
        // Event 10.
        Input::Event(Event::HoldTimerExpires) => {
            let expired = NotificationBuf::new(NotificationCode::HOLD_TIMER_EXPIRED, alloc::vec::Vec::new());
            session.end(now, End::send(expired));
        }
        Input::Event(Event::BfdUp) => session.bfd_came_up(now),
        Input::Event(Event::BfdDown) => {
            // In strict mode, a KEEPALIVE that waits for BFD goes on waiting.
            let watched = session.config.bfd || session.config.bfd_strict;
            let waiting = session.timers.is_running(Timer::BfdHold);
            if watched && !waiting && (session.state == State::Established || session.is_strict()) {
                cease(session, now, Cease::bfd_down());
            }
        }
        Input::Event(Event::BfdHoldTimerExpires) => {
            if session.timers.is_running(Timer::BfdHold) {
                cease(session, now, Cease::bfd_down());
            }
        }
        // Events 14, 16, 17: a second connection is a second session, RFC 4271 section 6.8 decides.
        Input::Event(Event::TcpConnectionValid | Event::TcpCrAcked | Event::TcpConnectionConfirmed) => {}
        // Event 15.
        Input::Event(Event::TcpCrInvalid) => session.refuse_request(),
        // Events 21, 22.
        Input::Refused(notification) => session.end(now, End::send(notification)),
        // Event 23.
        Input::Event(Event::OpenCollisionDump) => session.end(now, collision_dump()),
        other => return Some(other),
    }
    None
}

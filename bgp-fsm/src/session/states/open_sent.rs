//! OpenSent: our OPEN is sent, the peer's has not come.

use bgp_wire::{MessageType, NotificationCode};

use super::{Input, after_open, fsm_error, notified};
use crate::session::{Counter, End, Session};
use crate::{Event, Instant, State, Timer};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    let unexpected = |ty| fsm_error(NotificationCode::UNEXPECTED_IN_OPEN_SENT, ty);
    let end = match after_open(session, now, input) {
        None => return,
        // Event 18: the peer may dial us, or we dial again later.
        Some(Input::Event(Event::TcpConnectionFails)) => {
            session.lose_connection();
            session.timers.stop_all();
            session.start_timer(now, Timer::ConnectRetry, session.config.connect_retry);
            session.state = State::Active;
            return;
        }
        // Event 19.
        Some(Input::Open(negotiated)) => return session.take_open(now, negotiated),
        // Event 24 is no failure; 25 is one, and nothing is answered: RFC 4271 section 6.4 knows no answer.
        Some(Input::Notification(notification)) => {
            let version = notification.code == NotificationCode::UNSUPPORTED_VERSION;
            let counter = if version { Counter::Keep } else { Counter::Add };
            End { counter, ..notified(notification) }
        }
        // Events 26 to 28, whatever is in them.
        Some(Input::Keepalive) => unexpected(Some(MessageType::KEEPALIVE)),
        Some(Input::Update(ty)) => unexpected(Some(ty)),
        Some(Input::UpdateError(_)) => unexpected(Some(MessageType::UPDATE)),
        // Events 9, 11 to 13.
        Some(_) => unexpected(None),
    };
    session.end(now, end);
}

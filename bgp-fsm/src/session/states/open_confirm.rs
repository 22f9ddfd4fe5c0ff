//! OpenConfirm: both OPENs have been exchanged, the peer's first KEEPALIVE has not come.

use bgp_wire::{MessageType, NotificationCode};

use super::{Input, after_open, fsm_error, notified};
use crate::session::{Counter, End, Session};
use crate::{Event, Instant, Timer};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    let unexpected = |ty| fsm_error(NotificationCode::UNEXPECTED_IN_OPEN_CONFIRM, ty);
    let end = match after_open(session, now, input) {
        None => return,
        // Event 11.
        Some(Input::Event(Event::KeepaliveTimerExpires)) => return session.send_keepalive(now),
        // Event 18.
        Some(Input::Event(Event::TcpConnectionFails)) => {
            session.lose_connection();
            End::failed()
        }
        // Event 19: collisions are resolved before an OPEN comes here, so this one is a second on the same connection.
        Some(Input::Open(_)) => unexpected(Some(MessageType::OPEN)),
        // Events 24, 25.
        Some(Input::Notification(notification)) => {
            let version = notification.code == NotificationCode::UNSUPPORTED_VERSION;
            let counter = if version { Counter::Keep } else { Counter::Add };
            End { counter, ..notified(notification) }
        }
        // Event 26. In BFD strict mode, it counts when BFD is up.
        Some(Input::Keepalive) if session.timers.is_running(Timer::BfdHold) => {
            session.confirmed = true;
            return session.restart_hold(now);
        }
        Some(Input::Keepalive) => return session.establish(now),
        // Events 27, 28, whatever is in them.
        Some(Input::Update(ty)) => unexpected(Some(ty)),
        Some(Input::UpdateError(_)) => unexpected(Some(MessageType::UPDATE)),
        // Events 9, 12, 13.
        Some(_) => unexpected(None),
    };
    session.end(now, end);
}

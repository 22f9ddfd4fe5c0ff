//! Established: routes are exchanged.

use bgp_wire::{MessageType, NotificationBuf, NotificationCode};

use super::{Input, after_open, fsm_error, notified};
use crate::session::{End, Session};
use crate::{Event, Instant};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    let unexpected = |ty| fsm_error(NotificationCode::UNEXPECTED_IN_ESTABLISHED, ty);
    let end = match after_open(session, now, input) {
        None => return,
        // Event 11.
        Some(Input::Event(Event::KeepaliveTimerExpires)) => return session.send_keepalive(now),
        // RFC 9687 section 3.2: the socket is stuck, so the NOTIFICATION will hardly get out; do not wait for it.
        Some(Input::Event(Event::SendHoldTimerExpires)) => {
            let expired = NotificationBuf::new(NotificationCode::SEND_HOLD_TIMER_EXPIRED, alloc::vec::Vec::new());
            End { abort: true, ..End::send(expired) }
        }
        // Event 18.
        Some(Input::Event(Event::TcpConnectionFails)) => {
            session.lose_connection();
            End::failed()
        }
        // Event 19.
        Some(Input::Open(_)) => unexpected(Some(MessageType::OPEN)),
        // Events 24, 25.
        Some(Input::Notification(notification)) => notified(notification),
        // Events 26, 27. RFC 4271 section 4.2: KEEPALIVE and UPDATE restart HoldTimer, nothing else does.
        Some(Input::Keepalive | Input::Update(MessageType::UPDATE)) => return session.restart_hold(now),
        Some(Input::Update(_)) => return,
        // Event 28.
        Some(Input::UpdateError(notification)) => End::send(notification),
        // Events 9, 12, 13.
        Some(_) => unexpected(None),
    };
    session.end(now, end);
}

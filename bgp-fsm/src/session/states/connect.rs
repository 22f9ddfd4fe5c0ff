//! Connect: the peer is dialled.

use super::{Input, before_open};
use crate::session::{Conn, Counter, End, Session};
use crate::{Event, Instant, State, Timer};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    match before_open(session, now, input) {
        // Event 9: drop the attempt and dial again.
        Some(Input::Event(Event::ConnectRetryTimerExpires)) => {
            session.timers.stop(Timer::DelayOpen);
            session.disconnect(false);
            session.dial(now);
        }
        // Event 18: a connection that waited for DelayOpenTimer may come again, a failed dial is a failure.
        Some(Input::Event(Event::TcpConnectionFails)) => {
            let delaying = session.timers.is_running(Timer::DelayOpen);
            session.lose_connection();
            if delaying {
                session.timers.stop(Timer::DelayOpen);
                session.start_timer(now, Timer::ConnectRetry, session.config.connect_retry);
                session.state = State::Active;
            } else {
                session.conn = Conn::None;
                session.end(now, End { counter: Counter::Keep, ..End::failed() });
            }
        }
        _ => {}
    }
}

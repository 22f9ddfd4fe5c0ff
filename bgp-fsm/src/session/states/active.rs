//! Active: the peer may dial us.

use super::{Input, before_open};
use crate::session::{End, Session};
use crate::{Event, Instant, State};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    match before_open(session, now, input) {
        // Event 9.
        Some(Input::Event(Event::ConnectRetryTimerExpires)) => {
            session.timers.stop(crate::Timer::ConnectRetry);
            if !session.config.never_dial {
                session.timers.stop(crate::Timer::DelayOpen);
                session.disconnect(false);
                session.dial(now);
                session.state = State::Connect;
            }
        }
        // Event 18.
        Some(Input::Event(Event::TcpConnectionFails)) => {
            session.lose_connection();
            session.end(now, End::failed());
        }
        _ => {}
    }
}

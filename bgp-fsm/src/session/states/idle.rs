//! Idle: nothing is done, all connections are refused.

use super::Input;
use crate::session::Session;
use crate::{Event, Instant, Timer};

pub(super) fn run(session: &mut Session, now: Instant, input: Input<'_>) {
    let automatic = session.config.allow_automatic_start && !session.timers.is_running(Timer::IdleHold);
    match input {
        // Events 1, 4: an operator does not wait for IdleHoldTimer.
        Input::Event(event @ (Event::ManualStart | Event::ManualStartPassive)) => {
            session.forget_flaps();
            session.start(now, event == Event::ManualStartPassive);
        }
        // Events 3, 5, 6, 7. Damping comes with the configuration, whichever of them starts.
        Input::Event(Event::AutomaticStart | Event::AutomaticStartDamped) if automatic => {
            session.start(now, false);
        }
        Input::Event(Event::AutomaticStartPassive | Event::AutomaticStartDampedPassive) if automatic => {
            session.start(now, true);
        }
        // Event 13: as event 3 or 5.
        Input::Event(Event::IdleHoldTimerExpires) if session.timers.is_running(Timer::IdleHold) => {
            session.timers.stop(Timer::IdleHold);
            if session.config.allow_automatic_start {
                session.start(now, session.started_passive);
            }
        }
        // Event 2: also what was to start by itself does not.
        Input::Event(Event::ManualStop) => session.stay_idle(),
        Input::Cease(cease) if cease.manual => session.stay_idle(),
        // Events 15 to 17: RFC 4271 8.2.2, "refuses all incoming BGP connections".
        Input::Event(Event::TcpCrInvalid) => session.refuse_request(),
        Input::Event(Event::TcpCrAcked | Event::TcpConnectionConfirmed) => session.reject(),
        _ => {}
    }
}

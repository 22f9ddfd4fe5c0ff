//! What the states make a session do.

use core::time::Duration;

use bgp_wire::{FamilySet, NotificationBuf, NotificationCode};

use super::Session;
use super::output::{Actions, Pending};
use crate::{Cause, Down, Instant, Negotiated, State, Timer};

/// The connection of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conn {
    None,
    Dialing,
    Open,
}

/// What becomes of ConnectRetryCounter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    Keep,
    Add,
    Zero,
}

/// How a session ends.
#[derive(Debug)]
pub(crate) struct End {
    /// `Sent` becomes `Silent` where nothing can be sent.
    pub(crate) cause: Cause,
    pub(crate) counter: Counter,
    /// Reset the connection, do not drain it.
    pub(crate) abort: bool,
    pub(crate) too_many_prefixes: bool,
}

impl End {
    pub(crate) const fn send(notification: NotificationBuf) -> Self {
        Self { cause: Cause::Sent(notification), counter: Counter::Add, abort: false, too_many_prefixes: false }
    }

    pub(crate) const fn failed() -> Self {
        Self { cause: Cause::ConnectionFailed, counter: Counter::Add, abort: false, too_many_prefixes: false }
    }

    /// Without a NOTIFICATION even where one could be sent.
    pub(crate) fn silent(self) -> Self {
        match self.cause {
            Cause::Sent(notification) => Self { cause: Cause::Silent(notification), ..self },
            _ => self,
        }
    }
}

impl Session {
    /// Leaves Idle.
    pub(crate) fn start(&mut self, now: Instant, passive: bool) {
        self.timers.stop_all();
        self.connect_retry_counter = 0;
        self.started_passive = passive;
        self.pending = Pending::default();
        self.conn = Conn::None;
        if passive || self.config.passive || self.config.never_dial {
            self.start_timer(now, Timer::ConnectRetry, self.config.connect_retry);
            self.state = State::Active;
        } else {
            self.dial(now);
            self.state = State::Connect;
        }
    }

    pub(crate) fn dial(&mut self, now: Instant) {
        self.start_timer(now, Timer::ConnectRetry, self.config.connect_retry);
        self.conn = Conn::Dialing;
        self.actions.put(Actions::CONNECT);
    }

    /// Event 15, which means something if requests are tracked.
    pub(crate) fn refuse_request(&mut self) {
        if self.config.track_tcp_state {
            self.reject();
        }
    }

    pub(crate) fn reject(&mut self) {
        self.actions.put(Actions::REJECT);
    }

    pub(crate) fn forget_flaps(&mut self) {
        self.flaps = 0;
    }

    /// Idle, and no start is planned.
    pub(crate) fn stay_idle(&mut self) {
        self.forget_flaps();
        self.connect_retry_counter = 0;
        self.timers.stop_all();
    }

    /// Drops the connection, or the dial.
    pub(crate) fn disconnect(&mut self, abort: bool) {
        // A dial that nobody has begun needs no end.
        let planned = self.actions.take(Actions::CONNECT);
        if self.conn == Conn::Open || (self.conn == Conn::Dialing && !planned) {
            self.actions.put(Actions::CLOSE);
            if abort {
                self.actions.put(Actions::ABORT);
            }
        }
        self.actions.take(Actions::CONFIGURE);
        self.conn = Conn::None;
        self.open_sent = false;
        self.take_next_config();
    }

    /// The connection is gone, or the dial failed: nothing more can be sent.
    pub(crate) fn lose_connection(&mut self) {
        self.pending = Pending::default();
        if self.conn != Conn::Open {
            // The failed dial needs no close.
            self.conn = Conn::None;
        }
        self.disconnect(false);
    }

    pub(crate) fn send_open(&mut self, now: Instant) {
        self.timers.stop_all();
        if self.own_open().encode(&mut bytes::BytesMut::new()).is_err() {
            return self.end(now, End { cause: Cause::OpenTooLong, ..End::failed() });
        }
        self.pending.open();
        self.open_sent = true;
        self.start_timer(now, Timer::Hold, self.config.open_hold_time);
        self.state = State::OpenSent;
    }

    /// The peer's OPEN is taken.
    pub(crate) fn take_open(&mut self, now: Instant, negotiated: alloc::boxed::Box<Negotiated>) {
        self.hold_time = negotiated.hold_time;
        self.negotiated = Some(negotiated);
        self.timers.stop_all();
        self.state = State::OpenConfirm;
        self.confirmed = false;
        self.restart_hold(now);
        if self.is_strict() && !self.bfd_up {
            self.start_timer(now, Timer::BfdHold, self.config.bfd_hold_time);
        } else {
            self.send_keepalive(now);
        }
    }

    /// BFD strict mode was negotiated.
    pub(crate) fn is_strict(&self) -> bool {
        let both = |n: &Negotiated| n.local.bfd_strict() && n.peer.bfd_strict();
        self.config.bfd_strict && self.negotiated().is_some_and(both)
    }

    /// BFD is up: the KEEPALIVE that waited for it goes out.
    pub(crate) fn bfd_came_up(&mut self, now: Instant) {
        if self.timers.is_running(Timer::BfdHold) {
            self.timers.stop(Timer::BfdHold);
            self.send_keepalive(now);
            if self.confirmed {
                self.establish(now);
            }
        }
    }

    pub(crate) fn send_keepalive(&mut self, now: Instant) {
        self.pending.keepalive();
        self.start_keepalive(now);
    }

    pub(crate) fn establish(&mut self, now: Instant) {
        self.state = State::Established;
        self.established_at = now;
        self.restart_hold(now);
        self.start_send_hold(now);
        self.events.up();
    }

    pub(crate) fn restart_hold(&mut self, now: Instant) {
        let runs = self.hold_time != 0;
        self.timers.set_hold(now.after_secs(self.hold_time).filter(|_| runs));
    }

    pub(super) fn start_keepalive(&mut self, now: Instant) {
        match self.negotiated.as_ref().map_or(0, |negotiated| negotiated.keepalive) {
            0 => self.timers.stop(Timer::Keepalive),
            seconds => self.start_timer(now, Timer::Keepalive, Duration::from_secs(seconds.into())),
        }
    }

    /// RFC 9687 section 3.2: off where there is no hold time, else the larger of 8 minutes and twice the hold time.
    pub(super) fn start_send_hold(&mut self, now: Instant) {
        if self.hold_time != 0 {
            let default = || Duration::from_secs(u64::from(self.hold_time).saturating_mul(2).max(480));
            let time = self.config.send_hold_time.unwrap_or_else(default);
            self.start_timer(now, Timer::SendHold, time);
        }
    }

    /// Sets a timer; one that would expire beyond the end of time does not run.
    pub(crate) fn start_timer(&mut self, now: Instant, timer: Timer, time: Duration) {
        let jittered = self.config.jitter && timer.has_jitter();
        let time = if jittered { self.jitter.applied(time) } else { time };
        match now.checked_add(time.max(SHORTEST)) {
            Some(deadline) => self.timers.set(timer, deadline),
            None => self.timers.stop(timer),
        }
    }

    /// Goes to Idle.
    pub(crate) fn end(&mut self, now: Instant, end: End) {
        let manual = end.counter == Counter::Zero;
        let (retained, restart_time) = self.retained(&end.cause, manual);
        let can_send = self.conn == Conn::Open && (self.open_sent || self.config.send_notification_without_open);
        let cause = self.last_word(end.cause, can_send);
        let refused_as = matches!(&cause, Cause::Received(n) if n.code == NotificationCode::BAD_PEER_AS);
        let down = Down { state: self.state, cause, retained, restart_time };
        self.disconnect(end.abort);
        self.timers.stop_all();
        self.connect_retry_counter = match end.counter {
            Counter::Keep => self.connect_retry_counter,
            Counter::Add => self.connect_retry_counter.saturating_add(1),
            Counter::Zero => 0,
        };
        if self.state == State::Established && now - self.established_at >= self.config.idle_hold_max {
            self.flaps = 0;
        }
        self.state = State::Idle;
        if refused_as && self.config.dual_as && self.config.local_as_override.is_some() {
            self.second_as = !self.second_as;
        }
        if manual {
            self.forget_flaps();
        } else {
            self.damp(now, end.too_many_prefixes);
        }
        self.events.down(down);
    }

    /// Puts the NOTIFICATION of `cause` up for sending, if it can be.
    fn last_word(&mut self, cause: Cause, can_send: bool) -> Cause {
        match cause {
            Cause::Sent(mut notification) if can_send => {
                let limit = self.context().map_or(4096, |context| usize::from(context.max_send()));
                notification.data.truncate(limit.saturating_sub(21));
                self.pending.notification(notification.clone());
                Cause::Sent(notification)
            }
            Cause::Sent(notification) => Cause::Silent(notification),
            other => {
                self.pending = Pending::default();
                other
            }
        }
    }

    fn damp(&mut self, now: Instant, too_many_prefixes: bool) {
        if too_many_prefixes {
            if let Some(time) = self.config.max_prefix_restart {
                self.start_timer(now, Timer::IdleHold, time);
            }
        } else if self.config.damp_peer_oscillations {
            let factor = 1_u32.checked_shl(self.flaps).unwrap_or(u32::MAX);
            let time = self.config.idle_hold_time.saturating_mul(factor).min(self.config.idle_hold_max);
            self.flaps = self.flaps.saturating_add(1);
            self.start_timer(now, Timer::IdleHold, time);
        }
    }

    /// The families whose routes may be kept, and for how long.
    fn retained(&self, cause: &Cause, manual: bool) -> (FamilySet, u16) {
        let none = (FamilySet::EMPTY, 0);
        let Some(negotiated) = self.negotiated().filter(|_| self.state == State::Established) else { return none };
        let (Some(ours), Some(theirs)) = (negotiated.local.graceful_restart(), negotiated.peer.graceful_restart())
        else {
            return none;
        };
        let keeps = match cause {
            // RFC 4724 section 4.2.
            Cause::ConnectionFailed => true,
            // RFC 8538 section 4: with the N bit of both sides, and no Hard Reset. An operator who stops the session
            // does not want the routes, and neither does who has too many of them.
            Cause::Sent(notification)
                if matches!(
                    notification.code,
                    NotificationCode::MAX_PREFIXES | NotificationCode::PEER_DECONFIGURED
                ) =>
            {
                false
            }
            Cause::Sent(notification) | Cause::Received(notification) => {
                ours.notification && theirs.notification && notification.code != NotificationCode::HARD_RESET && !manual
            }
            Cause::Silent(_) | Cause::OpenTooLong => false,
        };
        if keeps { (theirs.families.intersection(negotiated.context.families()), theirs.restart_time) } else { none }
    }
}

/// The shortest time that a timer runs: one of length zero would never let the clock go on.
const SHORTEST: Duration = Duration::from_millis(1);

//! A new configuration for a session that may be up.

use alloc::sync::Arc;
use core::time::Duration;

use super::act::Conn;
use super::output::Actions;
use super::{Session, takes_extended};
use crate::{Change, Config, Instant, State, Timer};

impl Session {
    /// Takes a new configuration, without a reset where that can be: what is in force at once is decided by
    /// [`Config::change`], and only for a session that has sent its OPEN does any option have to wait.
    ///
    /// - [`Change::Nothing`]: all of it is in force. Timers that run are shortened to their new times, never lengthened.
    /// - [`Change::Refresh`]: the same, and a ROUTE-REFRESH for each family is put up for sending (RFC 2918).
    /// - [`Change::Reset`]: all is in force but what asks for a reset; that comes with the next connection, which the owner
    ///   may wait for or bring about: [`Cease::configuration_change`](crate::Cease::configuration_change). It is also the
    ///   answer where the peer cannot be asked for its routes again.
    ///
    /// A dial that is under way with old options of the socket is begun anew; an open connection that has not seen our OPEN
    /// goes on with the new configuration.
    ///
    /// ```
    /// # use bgp_fsm::{Change, Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let (config, now) = (Config::new(Asn(64512), BgpId(1), PeerAs::Any), Instant::from_secs(1));
    /// let mut session = Session::new(config.clone(), 7);
    /// session.handle(now, Event::ManualStart);
    /// assert_eq!(session.reconfigure(now, config.clone().with_hold_time(30)), Change::Nothing);
    /// session.handle(now, Event::TcpCrAcked); // our OPEN says 30
    /// assert_eq!(session.reconfigure(now, config.with_hold_time(9)), Change::Reset);
    /// assert_eq!(session.config().hold_time, 30);
    /// ```
    pub fn reconfigure(&mut self, now: Instant, config: impl Into<Arc<Config>>) -> Change {
        self.observe(now);
        let new = config.into();
        let old = Arc::clone(&self.config);
        let mut change = if self.open_sent { old.change(&new) } else { Change::Nothing };
        if change == Change::Reset {
            self.config = Arc::new(old.without_reset(&new));
            self.next_config = Some(new);
        } else {
            self.take_config(new);
        }
        if self.config.transport != old.transport {
            self.configure_socket(now);
        }
        self.shorten_timers(now);
        let judges = |config: &Config| (config.reject_as_sets, config.enforce_first_as);
        if self.open_sent && judges(&old) != judges(&self.config) && !self.judge_again() {
            change = Change::Reset;
        }
        change
    }

    /// The connection is gone: what waited for the next one is in force.
    pub(super) fn take_next_config(&mut self) {
        if let Some(next) = self.next_config.take() {
            self.take_config(next);
        }
    }

    fn take_config(&mut self, config: Arc<Config>) {
        if config.local_as_override != self.config.local_as_override {
            self.second_as = false;
        }
        self.next_config = None;
        self.extended = takes_extended(&config);
        self.config = config;
    }

    fn configure_socket(&mut self, now: Instant) {
        match self.conn {
            Conn::None => {}
            Conn::Dialing => {
                self.disconnect(false);
                self.dial(now);
            }
            Conn::Open => self.actions.put(Actions::CONFIGURE),
        }
    }

    /// The times that wait for something must not be longer than the new ones.
    fn shorten_timers(&mut self, now: Instant) {
        let config = Arc::clone(&self.config);
        let mut shorten = |timer, time: Duration| {
            let Some(deadline) = self.timers.deadline(timer) else { return };
            if deadline - now > time {
                self.start_timer(now, timer, time);
            }
        };
        shorten(Timer::ConnectRetry, config.connect_retry);
        shorten(Timer::DelayOpen, config.delay_open_time);
        shorten(Timer::BfdHold, config.bfd_hold_time);
        if !config.damp_peer_oscillations {
            // Only a limit of prefixes makes it wait then.
            shorten(Timer::IdleHold, config.max_prefix_restart.unwrap_or(config.idle_hold_max));
        } else if config.max_prefix_restart.is_none() {
            shorten(Timer::IdleHold, config.idle_hold_max);
        }
        if let Some(time) = config.send_hold_time {
            shorten(Timer::SendHold, time);
        }
        if self.state == State::OpenSent {
            let left = self.timers.deadline(Timer::Hold).map(|deadline| deadline - now);
            if left.is_some_and(|left| left > config.open_hold_time) {
                self.start_timer(now, Timer::Hold, config.open_hold_time);
            }
        }
    }

    /// The rules for routes have changed: those to come are judged by the new ones, those that came are asked for again.
    /// False if the peer cannot be asked.
    fn judge_again(&mut self) -> bool {
        let (reject, enforce) = (self.config.reject_as_sets, self.config.enforce_first_as);
        let Some(negotiated) = &mut self.negotiated else { return true };
        negotiated.context = negotiated.context.with_reject_as_sets(reject).with_enforce_first_as(enforce);
        let families = negotiated.context.families();
        // Before Established, there is nothing to ask for.
        self.state != State::Established || families.iter().all(|family| self.request_refresh(family))
    }
}

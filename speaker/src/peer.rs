//! One peer: its configuration, its at most two sessions, and what became of it.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bgp_fsm::{Cause, Down, Instant, Restart, Session, State, Timer};
use bgp_rib::PeerId;
use bgp_wire::{FamilySet, NotificationCode};

use crate::config::PeerConfig;
use crate::event::ConnId;
use crate::interval::Interval;
use crate::limit::Held;
use crate::range::RangeId;
use crate::status::{LastError, MessageCounters, PeerStatus};

/// One of a peer's sessions with its connection (RFC 4271 section 8.2.1.2: one state machine per connection).
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) session: Session,
    /// The connection that is open or being dialled.
    pub(crate) conn: Option<ConnId>,
    /// We dialled it.
    pub(crate) dialled: bool,
}

/// Which of a peer's two sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that starts, dials and waits; the only one that is known to the tables.
    Main,
    /// The one of a second connection, as long as there is one.
    Second,
}

impl Which {
    pub(crate) fn other(self) -> Which {
        match self {
            Which::Main => Which::Second,
            Which::Second => Which::Main,
        }
    }
}

/// What a peer's deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// A timer of a session.
    Line(Which),
    /// Announcements have waited long enough.
    Interval,
    /// The time for which routes are kept (RFC 4724, RFC 9494).
    Restart,
}

/// A peer of the speaker.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) config: PeerConfig,
    pub(crate) main: Line,
    pub(crate) second: Option<Box<Line>>,
    /// What an idle peer that never had a connection does not need.
    past: Option<Box<Past>>,
    /// It is a member of a range.
    pub(crate) member: Option<Box<Member>>,
    /// BFD says that it can be reached.
    pub(crate) bfd_up: bool,
    /// The tables know the peer as up, through the main session.
    pub(crate) up: bool,
    pub(crate) since: Instant,
}

/// What a peer went through.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Which routes are stale, where graceful restart is configured and a session has been Established.
    pub(crate) restart: Option<Box<Restart>>,
    /// The second connection that was there already when the main session became Established.
    pub(crate) contested: Option<ConnId>,
    /// Connections that still drain, the older one first; more are not waited for.
    pub(crate) lingering: [Option<ConnId>; 2],
    /// Options of the tables wait to be put in force; true = the peer is to be asked for its routes then.
    pub(crate) change: Option<bool>,
    /// Families of whose number of prefixes the owner was warned.
    pub(crate) warned: FamilySet,
    /// Families of which its table has come to its end in this session.
    pub(crate) ended: FamilySet,
    /// What its paths hold in the store of attributes.
    pub(crate) held: Held,
    /// Announcements that wait, where there is a time between them.
    pub(crate) interval: Option<Box<Interval>>,
    /// How many second sessions there were.
    pub(crate) seconds: u32,
    pub(crate) established: u32,
    pub(crate) flaps: u32,
    pub(crate) last_down: Option<Down>,
    pub(crate) sent: Option<LastError>,
    pub(crate) received: Option<LastError>,
    /// Messages of sessions that are gone, and UPDATEs that were sent.
    pub(crate) messages: MessageCounters,
}

/// What there is about a member of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) range: RangeId,
    /// The number of its joining.
    pub(crate) joined: u32,
    /// It has no connection any more, and is removed when the owner has been told.
    pub(crate) leaving: bool,
    /// How many of its connections, as it has been counted, have brought no OPEN.
    pub(crate) unopened: u32,
}

impl Peer {
    pub(crate) fn new(id: PeerId, config: PeerConfig, now: Instant, seed: u64) -> Peer {
        let session = Session::new(config.session.clone(), seed);
        Peer {
            id,
            config,
            main: Line { session, conn: None, dialled: false },
            second: None,
            past: None,
            member: None,
            bfd_up: false,
            up: false,
            since: now,
        }
    }

    /// Which routes are stale.
    pub(crate) fn restart(&self) -> Option<&Restart> {
        self.past()?.restart.as_deref()
    }

    /// The same, to be changed.
    pub(crate) fn restart_mut(&mut self) -> Option<&mut Restart> {
        self.past.as_mut()?.restart.as_deref_mut()
    }

    /// What is due next, and when.
    pub(crate) fn deadline(&self) -> Option<(Instant, Due)> {
        let main = self.main.session.poll_timeout().map(|at| (at, Due::Line(Which::Main)));
        let second = self.second.as_ref().and_then(|second| second.session.poll_timeout());
        let restart = self.restart().and_then(Restart::poll_timeout);
        let interval = self.past().and_then(|past| past.interval.as_ref()?.poll_timeout());
        let others = [
            second.map(|at| (at, Due::Line(Which::Second))),
            restart.map(|at| (at, Due::Restart)),
            interval.map(|at| (at, Due::Interval)),
        ];
        main.into_iter().chain(others.into_iter().flatten()).min_by_key(|(at, _)| *at)
    }

    pub(crate) fn line(&self, which: Which) -> Option<&Line> {
        match which {
            Which::Main => Some(&self.main),
            Which::Second => self.second.as_deref(),
        }
    }

    pub(crate) fn line_mut(&mut self, which: Which) -> Option<&mut Line> {
        match which {
            Which::Main => Some(&mut self.main),
            Which::Second => self.second.as_deref_mut(),
        }
    }

    /// The session of a connection.
    pub(crate) fn which(&self, conn: ConnId) -> Option<Which> {
        [Which::Main, Which::Second].into_iter().find(|which| self.line(*which).is_some_and(|l| l.conn == Some(conn)))
    }

    /// Whether the connection is one of its own, open or draining.
    pub(crate) fn has(&self, conn: ConnId) -> bool {
        self.which(conn).is_some() || self.past().is_some_and(|past| past.lingering.contains(&Some(conn)))
    }

    /// Connections that are there, and on which no OPEN has come.
    pub(crate) fn unopened(&self) -> u32 {
        let waits = |line: &Line| line.conn.is_some() && line.session.state() < State::OpenConfirm;
        u32::from(waits(&self.main)) + u32::from(self.second.as_deref().is_some_and(waits))
    }

    pub(crate) fn past(&self) -> Option<&Past> {
        self.past.as_deref()
    }

    pub(crate) fn past_mut(&mut self) -> &mut Past {
        self.past.get_or_insert_default()
    }

    /// Whether nothing is wrong but that the last dial failed, and the next one is planned.
    pub(crate) fn waits_to_dial(&self) -> bool {
        let failed = |down: &Down| down.state == State::Connect && down.cause == Cause::ConnectionFailed;
        self.main.session.timers().is_running(Timer::IdleHold)
            && self.past().and_then(|past| past.last_down.as_ref()).is_some_and(failed)
    }

    /// Whether it may not come back yet: it is damped, or sent too many prefixes.
    pub(crate) fn has_to_wait(&self) -> bool {
        let down = self.past().and_then(|past| past.last_down.as_ref());
        let cause = down.filter(|_| self.main.session.state() == State::Idle).map(|down| &down.cause);
        self.main.session.timers().is_running(Timer::IdleHold)
            || matches!(cause, Some(Cause::Sent(notification)) if notification.code == NotificationCode::MAX_PREFIXES)
    }

    /// Whether a member of a range is not there any more, and nothing keeps its place.
    pub(crate) fn is_gone(&self) -> bool {
        self.main.conn.is_none()
            && self.second.is_none()
            && self.restart().is_none_or(|restart| restart.stale().is_empty())
            && !self.has_to_wait()
    }

    /// The configuration of a second session.
    ///
    /// Where the main one is Established and wins, the decision is ours alone: the peer may not be there yet, and would
    /// decide by the identifiers when it sees our OPEN, so that each end might close what the other keeps. It does not see
    /// one before its own has come.
    pub(crate) fn second_config(&self) -> Arc<bgp_fsm::Config> {
        if !self.main_wins() {
            return self.config.session.clone();
        }
        let config = bgp_fsm::Config::clone(&self.config.session);
        let open_hold_time = config.open_hold_time;
        Arc::new(config.with_delay_open_time(open_hold_time).with_send_notification_without_open(true))
    }

    /// Whether the second session has sent no OPEN, because it is to wait for the peer's.
    pub(crate) fn withholds_open(&self) -> bool {
        let waits = |second: &Line| second.session.timers().is_running(Timer::DelayOpen);
        self.main_wins() && self.second.as_deref().is_some_and(waits)
    }

    /// Whether the main session wins over every connection that comes from now on (RFC 4271 section 6.8).
    fn main_wins(&self) -> bool {
        self.main.session.state() == State::Established && !self.config.session.collision_detect_established_state
    }

    /// A session with its connection goes; what it has counted stays.
    pub(crate) fn retire(&mut self, line: &Line) {
        self.past_mut().messages.add(line.session.counters());
    }

    /// The more advanced session.
    fn foremost(&self) -> &Line {
        match &self.second {
            Some(second) if second.session.state() > self.main.session.state() => second,
            _ => &self.main,
        }
    }

    /// What an operator asks about it.
    pub(crate) fn status(&self) -> PeerStatus<'_> {
        let (line, past) = (self.foremost(), self.past());
        let mut messages = past.map_or_else(MessageCounters::default, |past| past.messages);
        messages.add(self.main.session.counters());
        if let Some(second) = &self.second {
            messages.add(second.session.counters());
        }
        PeerStatus {
            id: self.id,
            config: &self.config,
            state: line.session.state(),
            since: self.since,
            established: past.map_or(0, |past| past.established),
            flaps: past.map_or(0, |past| past.flaps),
            connect_retry_counter: line.session.connect_retry_counter(),
            session: &line.session,
            last_down: past.and_then(|past| past.last_down.as_ref()),
            last_sent: past.and_then(|past| past.sent.as_ref()),
            last_received: past.and_then(|past| past.received.as_ref()),
            messages,
            negotiated: line.session.negotiated(),
            connection: line.conn,
            dialled: line.conn.is_some() && line.dialled,
            dynamic: self.member.is_some(),
            stale: self.restart().map_or(FamilySet::EMPTY, Restart::stale),
            restart: self.restart(),
        }
    }

    /// Notes how a session ended.
    pub(crate) fn note_down(&mut self, now: Instant, down: &Down) {
        let past = self.past_mut();
        let (kept, notification) = match &down.cause {
            Cause::Sent(notification) => (&mut past.sent, notification),
            Cause::Received(notification) => (&mut past.received, notification),
            _ => {
                past.last_down = Some(down.clone());
                return;
            }
        };
        *kept = Some(LastError { at: now, state: down.state, notification: notification.clone() });
        past.last_down = Some(down.clone());
    }
}

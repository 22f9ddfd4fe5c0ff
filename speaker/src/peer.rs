//! One peer: its configuration, its at most two sessions, and what became of it.

use alloc::boxed::Box;

use bgp_fsm::{Cause, Down, Instant, Negotiated, Restart, Session, State, Timer};
use bgp_rib::PeerId;

use crate::config::PeerConfig;
use crate::event::ConnId;

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

/// A peer of the speaker.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) config: PeerConfig,
    pub(crate) main: Line,
    pub(crate) second: Option<Box<Line>>,
    /// The second connection that was there already when the main session became Established.
    pub(crate) contested: Option<ConnId>,
    /// Connections that still drain, the older one first; more are not waited for.
    pub(crate) lingering: [Option<ConnId>; 2],
    /// Which routes are stale, where graceful restart is configured.
    pub(crate) restart: Option<Box<Restart>>,
    /// The tables know the peer as up, through the main session.
    pub(crate) up: bool,
    pub(crate) since: Instant,
    pub(crate) established: u32,
    pub(crate) last_down: Option<Down>,
    pub(crate) seed: u64,
}

// An idle peer is this, and what its configuration allocates: a speaker may have 2^20 of them.
const _: () = assert!(size_of::<Peer>() <= 2048);

impl Peer {
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

    /// Whether nothing is wrong but that the last dial failed, and the next one is planned.
    pub(crate) fn waits_to_dial(&self) -> bool {
        let failed = |down: &Down| down.state == State::Connect && down.cause == Cause::ConnectionFailed;
        self.main.session.timers().is_running(Timer::IdleHold) && self.last_down.as_ref().is_some_and(failed)
    }

    /// The more advanced session.
    fn foremost(&self) -> &Line {
        match &self.second {
            Some(second) if second.session.state() > self.main.session.state() => second,
            _ => &self.main,
        }
    }
}

/// What an operator asks about a peer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeerStatus<'s> {
    /// The peer.
    pub id: PeerId,
    /// Its configuration.
    pub config: &'s PeerConfig,
    /// The state of its more advanced session.
    pub state: State,
    /// When the session became Established, or stopped being so; when the peer was added, before that.
    pub since: Instant,
    /// How often the session has become Established.
    pub established: u32,
    /// Why the last session or attempt ended.
    pub last_down: Option<Down>,
    /// What was negotiated, in OpenConfirm and Established.
    pub negotiated: Option<&'s Negotiated>,
    /// The connection of the more advanced session.
    pub connection: Option<ConnId>,
    /// We dialled that connection.
    pub dialled: bool,
    /// Routes of the peer that are kept while it restarts, by family (RFC 4724).
    pub stale: bgp_wire::FamilySet,
}

impl<'s> PeerStatus<'s> {
    pub(crate) fn new(peer: &'s Peer) -> PeerStatus<'s> {
        let line = peer.foremost();
        PeerStatus {
            id: peer.id,
            config: &peer.config,
            state: line.session.state(),
            since: peer.since,
            established: peer.established,
            last_down: peer.last_down.clone(),
            negotiated: line.session.negotiated(),
            connection: line.conn,
            dialled: line.conn.is_some() && line.dialled,
            stale: peer.restart.as_ref().map_or(bgp_wire::FamilySet::EMPTY, |restart| restart.stale()),
        }
    }
}

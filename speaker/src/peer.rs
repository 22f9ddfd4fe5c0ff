//! One peer: its configuration, its at most two sessions, and what became of it.

use bgp_fsm::{Down, Instant, Negotiated, Session, State};
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

/// A peer of the speaker.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) config: PeerConfig,
    /// `lines[0]` starts, dials and waits; `lines[1]` is there while a second connection is.
    pub(crate) lines: [Option<Line>; 2],
    /// The tables know the peer as up, through `lines[0]`.
    pub(crate) up: bool,
    pub(crate) since: Instant,
    pub(crate) established: u32,
    pub(crate) last_down: Option<Down>,
    pub(crate) seed: u64,
}

impl Peer {
    pub(crate) fn state(&self) -> State {
        self.lines
            .iter()
            .flatten()
            .map(|line| line.session.state())
            .max_by_key(|state| rank(*state))
            .unwrap_or(State::Idle)
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Active => 1,
        State::Connect => 2,
        State::OpenSent => 3,
        State::OpenConfirm => 4,
        State::Established => 5,
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
    /// What was negotiated, while Established.
    pub negotiated: Option<&'s Negotiated>,
    /// The connection of the more advanced session.
    pub connection: Option<ConnId>,
    /// We dialled that connection.
    pub dialled: bool,
}

impl<'s> PeerStatus<'s> {
    pub(crate) fn new(peer: &'s Peer) -> PeerStatus<'s> {
        let line = peer.lines.iter().flatten().max_by_key(|line| rank(line.session.state()));
        PeerStatus {
            id: peer.id,
            config: &peer.config,
            state: peer.state(),
            since: peer.since,
            established: peer.established,
            last_down: peer.last_down.clone(),
            negotiated: line.and_then(|line| line.session.negotiated()),
            connection: line.and_then(|line| line.conn),
            dialled: line.is_some_and(|line| line.dialled),
        }
    }
}

//! What a case is played on, and what comes out of it.

use bgp_fsm::{Instant, Session, State};
use bgp_wire::{Family, NotificationBuf};
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::message::Sent;
use crate::{Fields, Mismatch};

/// What came out in one step.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Messages.
    pub(super) tx: Vec<Sent>,
    /// Requests to TCP.
    pub(super) tcp: Vec<&'static str>,
    /// A connection was to be reset at once.
    pub(super) hard: bool,
    /// A NOTIFICATION came in.
    pub(super) peer_down: Option<NotificationBuf>,
    /// The peer wants these routes again.
    pub(super) refresh: Option<Family>,
    /// The owner was warned of too many prefixes.
    pub(super) prefix_warning: bool,
    /// A dynamic peer was made.
    pub(super) new_peer: Option<IpAddr>,
}

/// What becomes of the peer's routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routes {
    Deleted,
    Stale,
    LongLivedStale,
}

impl Routes {
    pub(super) fn name(self) -> &'static str {
        match self {
            Routes::Deleted => "deleted",
            Routes::Stale => "stale-retained",
            Routes::LongLivedStale => "llgr-stale",
        }
    }
}

/// A session, or a speaker with one peer.
pub(super) trait Subject {
    /// The event `name`; its further fields are read from `input`.
    fn event(&mut self, name: &str, conn: Option<&str>, input: &Fields<'_>) -> Result<(), Mismatch>;
    /// Octets from the peer.
    fn receive(&mut self, conn: Option<&str>, octets: &[u8]) -> Result<(), Mismatch>;
    /// The clock moves.
    fn advance(&mut self, seconds: f64);
    /// What came out since the last call.
    fn outcome(&mut self) -> Outcome;
    /// The state of the more advanced session.
    fn state(&self) -> State;
    /// The more advanced session.
    fn session(&self) -> Option<&Session>;
    /// The state of the session over a connection, `closed` or `rejected`.
    fn conn_state(&self, conn: &str) -> Option<&'static str>;
    /// The time.
    fn now(&self) -> Instant;
    /// Whether a connection is open or being opened.
    fn has_connection(&self) -> bool;
    /// The timer of graceful restart.
    fn restart_deadline(&self) -> Option<Instant>;
    /// The timer of a family in the long-lived phase.
    fn long_lived_deadline(&self, family: Family) -> Option<Instant>;
    /// What becomes of the peer's routes, if the subject can tell.
    fn routes(&self) -> Option<Routes>;
    /// Prefixes in use from the peer, if the subject has tables.
    fn routes_in(&mut self) -> Option<BTreeSet<String>>;
    /// Prefixes of the Loc-RIB, if the subject has tables.
    fn loc_rib(&mut self) -> Option<BTreeSet<String>>;
    /// Dynamic peers that exist, if the subject can have any.
    fn peers_count(&self) -> Option<usize>;
    /// The Debug output of everything.
    fn debug(&self) -> String;
}

/// How many deadlines one step goes through; of more, the rest is passed in one jump, as by a caller that comes late.
pub(super) const MOST_DEADLINES: u32 = 1_000_000;

/// The time at which every case begins: late enough that the clock can go back.
pub(super) const START: Instant = Instant::from_secs(1_000_000_000);

/// `seconds` after `now`, or before it.
pub(super) fn moved(now: Instant, seconds: f64) -> Instant {
    let length = std::time::Duration::try_from_secs_f64(seconds.abs()).unwrap_or(std::time::Duration::MAX);
    if seconds < 0.0 { now.saturating_sub(length) } else { now + length }
}

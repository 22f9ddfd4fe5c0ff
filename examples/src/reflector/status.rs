//! What the operator is shown: the state of everything as JSON, and as a node status box.

mod document;
mod metrics;
mod system;
mod time;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::SystemTime;

use bgp_fsm::Instant;
use serde::Serialize;

use time::Stamp;

/// Connections that were not taken, by reason.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Refusals {
    /// The address is neither a peer's nor in a client range.
    pub(super) unknown: u64,
    /// The peer has two connections already, or waits after an error.
    pub(super) not_now: u64,
    /// A limit on connections or clients was reached.
    pub(super) too_many: u64,
    /// The system had no descriptor or memory.
    pub(super) no_resources: u64,
}

/// Why the latest sessions and attempts ended.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct LastErrors(VecDeque<LastError>);

/// Why one session or attempt ended.
#[derive(Debug, Clone, Serialize)]
struct LastError {
    time: Stamp,
    peer: IpAddr,
    error: String,
}

impl LastErrors {
    pub(super) fn add(&mut self, epoch: &SystemTime, now: Instant, peer: IpAddr, error: String) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(LastError { time: Stamp::new(*epoch, now), peer, error });
    }
}

/// Last errors that are kept.
const KEPT: usize = 64;

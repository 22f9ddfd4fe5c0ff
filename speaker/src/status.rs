//! What an operator asks about a peer.

use core::fmt;

use bgp_fsm::{Down, Instant, Negotiated, Restart, Session, State};
use bgp_rib::PeerId;
use bgp_wire::{FamilySet, MessageType, NotificationBuf};

use crate::config::PeerConfig;
use crate::event::ConnId;

/// What an operator asks about a peer; from [`Speaker::peer`](crate::Speaker::peer).
///
/// How long it has been so is `now` less [`since`](PeerStatus::since).
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
    /// How often a session that was Established has ended.
    pub flaps: u32,
    /// `ConnectRetryCounter` (RFC 4271 section 8): failures since the session was started.
    pub connect_retry_counter: u32,
    /// That session: its timers, and what else there is to know about it.
    pub session: &'s Session,
    /// Why the last session or attempt ended.
    pub last_down: Option<&'s Down>,
    /// The last NOTIFICATION that was sent.
    pub last_sent: Option<&'s LastError>,
    /// The last NOTIFICATION that was received.
    pub last_received: Option<&'s LastError>,
    /// Messages by type, over all sessions.
    pub messages: MessageCounters,
    /// What was negotiated, in OpenConfirm and Established.
    pub negotiated: Option<&'s Negotiated>,
    /// The connection of the more advanced session.
    pub connection: Option<ConnId>,
    /// We dialled that connection.
    pub dialled: bool,
    /// It is a member of a range, and nobody configured it.
    pub dynamic: bool,
    /// Routes of the peer that are kept while it restarts, by family (RFC 4724).
    pub stale: FamilySet,
    /// The timers of that, where graceful restart is configured and a session has been Established.
    pub restart: Option<&'s Restart>,
}

/// A NOTIFICATION that ended a session; its text is `6/2 administrative shutdown "maintenance" in Established`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastError {
    /// When.
    pub at: Instant,
    /// The state of the session before.
    pub state: State,
    /// The NOTIFICATION.
    pub notification: NotificationBuf,
}

impl fmt::Display for LastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.notification, self.state)
    }
}

/// How many messages of each type went through the sessions of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageCounters {
    sent: [u64; 5],
    received: [u64; 5],
}

impl MessageCounters {
    /// How many of this type were sent: UPDATEs that the socket has taken to their end, others that were given to it.
    #[must_use]
    pub fn sent(&self, ty: MessageType) -> u64 {
        slot(ty).and_then(|slot| self.sent.get(slot)).copied().unwrap_or(0)
    }

    /// How many of this type came in whole.
    #[must_use]
    pub fn received(&self, ty: MessageType) -> u64 {
        slot(ty).and_then(|slot| self.received.get(slot)).copied().unwrap_or(0)
    }

    pub(crate) fn add_sent_updates(&mut self, count: u64) {
        if let Some(updates) = slot(MessageType::UPDATE).and_then(|slot| self.sent.get_mut(slot)) {
            *updates = updates.saturating_add(count);
        }
    }

    pub(crate) fn add(&mut self, session: &bgp_fsm::Counters) {
        for ((sent, received), ty) in self.sent.iter_mut().zip(&mut self.received).zip(TYPES) {
            *sent = sent.saturating_add(session.sent(ty));
            *received = received.saturating_add(session.received(ty));
        }
    }
}

/// The types in the order of their codes, which are 1 to 5.
const TYPES: [MessageType; 5] = [
    MessageType::OPEN,
    MessageType::UPDATE,
    MessageType::NOTIFICATION,
    MessageType::KEEPALIVE,
    MessageType::ROUTE_REFRESH,
];

fn slot(ty: MessageType) -> Option<usize> {
    TYPES.iter().position(|known| *known == ty)
}

//! Why a session ended, and what may become of its routes.

use core::fmt;

use bgp_wire::{FamilySet, Notification, NotificationBuf};

use crate::State;

/// The end of a session, or of an attempt at one: it is in Idle now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Down {
    /// The state in which it ended.
    pub state: State,
    /// Why.
    pub cause: Cause,
    /// The families whose routes may be kept, marked stale, until the peer is back (RFC 4724 section 4.2, RFC 8538
    /// section 4): all others are to be deleted now. Empty unless the session was Established.
    ///
    /// Routes that were stale already are to be deleted in any case.
    pub retained: FamilySet,
    /// How long they may be kept, in seconds: the peer's restart time.
    pub restart_time: u16,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// We ended it with this NOTIFICATION.
    Sent(NotificationBuf),
    /// We ended it before our OPEN was sent, so that no NOTIFICATION could be (RFC 4271 section 8.2.2); this would have
    /// been it.
    Silent(NotificationBuf),
    /// The peer ended it with this NOTIFICATION.
    Received(NotificationBuf),
    /// The connection could not be opened, or is gone.
    ConnectionFailed,
    /// Our capabilities do not fit into an OPEN.
    OpenTooLong,
}

impl Down {
    /// Whether our side ended it.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self.cause, Cause::Sent(_) | Cause::Silent(_) | Cause::OpenTooLong)
    }

    /// Whether the peer ended it. A connection that failed is nobody's doing.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self.cause, Cause::Received(_))
    }

    /// Whether the session had been Established.
    #[must_use]
    pub const fn was_established(&self) -> bool {
        matches!(self.state, State::Established)
    }

    /// The NOTIFICATION that ended it, if there was one.
    #[must_use]
    pub fn notification(&self) -> Option<Notification<'_>> {
        match &self.cause {
            Cause::Sent(ended) | Cause::Received(ended) => Some(ended.view()),
            _ => None,
        }
    }
}

/// `received 6/2 administrative shutdown in Established`.
impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Sent(ended) => write!(f, "sent {ended}"),
            Cause::Silent(ended) => write!(f, "ended with {ended}, not sent"),
            Cause::Received(ended) => write!(f, "received {ended}"),
            Cause::ConnectionFailed => f.write_str("connection failed"),
            Cause::OpenTooLong => f.write_str("capabilities do not fit into an open"),
        }?;
        write!(f, " in {}", self.state)
    }
}

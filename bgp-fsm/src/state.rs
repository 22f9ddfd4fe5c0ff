//! The names of the six states (RFC 4271 section 8.2.2).

use core::fmt;

/// The state of a session.
///
/// The order is that of RFC 4271 section 8.2.2: a larger one is more advanced.
///
/// What every event does in every state, with the default configuration, as the sessions of this crate do it (a test
/// writes this table). `+1` and `=0` are what becomes of ConnectRetryCounter, codes are those of the NOTIFICATION that is
/// sent; a bare `.` is an event that does nothing.
///
#[doc = include_str!("state/table.md")]
///
/// With `DelayOpenTime`, events 16 and 17 start DelayOpenTimer in Connect and Active and stay there; event 12 then sends the
/// OPEN, event 20 the OPEN and the KEEPALIVE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "RFC 4271 section 8.2.2 has these states")]
pub enum State {
    /// Nothing is done, all connections are refused.
    #[default]
    Idle,
    /// The peer is dialled.
    Connect,
    /// The peer may dial us.
    Active,
    /// Our OPEN is sent, the peer's has not come.
    OpenSent,
    /// Both OPENs have been exchanged, the peer's first KEEPALIVE has not come.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

impl State {
    /// The name in RFC 4271.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

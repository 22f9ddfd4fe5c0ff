//! One path of a route: whose it is and which attributes it has.

use crate::store::AttrId;

/// The peer number of routes that are our own.
pub(crate) const LOCAL: u32 = (1 << 20) - 1;

/// One path of a route: 12 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) attr: AttrId,
    /// 20 bits of peer number, above them 12 bits of flags.
    tag: u32,
    /// The peer's path identifier (RFC 7911), 0 where the session has none.
    pub(crate) path_id: u32,
}

const STALE: u32 = 1 << 20;
const REFRESHING: u32 = 1 << 21;
const BEST: u32 = 1 << 22;
const GONE: u32 = 1 << 23;

impl Path {
    pub(crate) fn new(attr: AttrId, peer: u32, path_id: u32) -> Path {
        Path { attr, tag: peer & LOCAL, path_id }
    }

    pub(crate) fn peer(&self) -> u32 {
        self.tag & LOCAL
    }

    /// Whether the path is kept from a session that ended (RFC 4724).
    pub(crate) fn is_stale(&self) -> bool {
        self.tag & STALE != 0
    }

    pub(crate) fn set_stale(&mut self) {
        self.tag = self.tag & !REFRESHING | STALE;
    }

    /// Whether the peer has begun to send all it has and has not sent this again (RFC 7313).
    pub(crate) fn is_refreshing(&self) -> bool {
        self.tag & REFRESHING != 0
    }

    pub(crate) fn set_refreshing(&mut self) {
        self.tag |= REFRESHING;
    }

    /// It was announced again.
    pub(crate) fn renew(&mut self) {
        self.tag &= !(STALE | REFRESHING);
    }

    /// Whether it is the path in use.
    pub(crate) fn is_best(&self) -> bool {
        self.tag & BEST != 0
    }

    pub(crate) fn set_best(&mut self, best: bool) {
        self.tag = self.tag & !BEST | if best { BEST } else { 0 };
    }

    /// Whether it is there only because it was the path in use at the last decision.
    pub(crate) fn is_gone(&self) -> bool {
        self.tag & GONE != 0
    }

    pub(crate) fn set_gone(&mut self) {
        self.tag |= GONE;
    }

    pub(crate) fn is(&self, peer: u32, path_id: u32) -> bool {
        self.peer() == peer && self.path_id == path_id
    }
}

//! What a speaker tells its driver.

use alloc::boxed::Box;
use core::fmt;
use core::net::SocketAddr;

use bgp_fsm::{Down, Negotiated};
use bgp_rib::{PeerId, RibEvent};
use bytes::Bytes;

/// One TCP connection of a speaker, from the dial or the accept until it is closed.
///
/// An id is never used twice in the first 2^32 connections that share its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// What the driver has to do or may want to know; polled with [`Speaker::poll_event`](crate::Speaker::poll_event).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Open a TCP connection to `remote`; answer with `connected` or `disconnected`.
    Dial {
        /// The new connection.
        conn: ConnId,
        /// Whose it is.
        peer: PeerId,
        /// Where to.
        remote: SocketAddr,
    },
    /// Octets wait for a connection that had none: write what `poll_transmit` gives, again and again while the socket is
    /// writable, until it gives nothing.
    Transmit {
        /// The connection.
        conn: ConnId,
    },
    /// Close the TCP connection; everything that was to be sent has been. The id is free from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Do not drain: reset the connection.
        abort: bool,
    },
    /// Set the options of the session's `transport` on the socket again: a key or the distance has changed (RFC 2385, RFC
    /// 5925, RFC 5082). The session goes on.
    Configure {
        /// The connection.
        conn: ConnId,
        /// Whose it is.
        peer: PeerId,
    },
    /// A session is Established.
    Up {
        /// The peer.
        peer: PeerId,
        /// What both sides agreed on.
        negotiated: Box<Negotiated>,
    },
    /// A session that was Established, or an attempt to get there, has ended. Where two connections collided, the one
    /// that lost is such an attempt.
    Down {
        /// The peer.
        peer: PeerId,
        /// Whether the session had been Established, so that its routes are gone now, but for those of the families
        /// that `reason` retains (RFC 4724).
        established: bool,
        /// Why.
        reason: Down,
    },
    /// A peer was made for an address of a range; its connection is there.
    Joined {
        /// The peer.
        peer: PeerId,
    },
    /// A member of a range has no connection any more. It is forgotten with the next input, and its id may be given to
    /// another then; until then it can be looked at.
    Left {
        /// The peer.
        peer: PeerId,
    },
    /// A peer has more prefixes than it may have without a warning; told again when it had fewer meanwhile.
    PrefixWarning {
        /// The peer.
        peer: PeerId,
        /// The family.
        family: bgp_wire::Family,
        /// How many there are.
        count: u32,
        /// The limit.
        limit: u32,
    },
    /// A peer's paths hold more octets of attributes than its limit; told again when they held fewer meanwhile.
    AttributeWarning {
        /// The peer.
        peer: PeerId,
        /// How many there are.
        octets: u64,
        /// The limit.
        limit: u64,
    },
    /// A peer's first table is complete (End-of-RIB, RFC 4724 section 2).
    EndOfRib {
        /// The peer.
        peer: PeerId,
        /// The family.
        family: bgp_wire::Family,
    },
    /// The tables changed.
    Rib(RibEvent),
    /// Messages went through a connection; only with [`Config::tap`](crate::Config::tap).
    Tapped {
        /// The connection.
        conn: ConnId,
        /// Whose it is.
        peer: PeerId,
        /// Which way.
        direction: Direction,
        /// One or more whole messages. What is to be sent is told when it is given to the connection; if that ends,
        /// the peer may not have got all of it.
        messages: Bytes,
    },
}

/// Which way messages went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ways")]
pub enum Direction {
    /// From the peer.
    Received,
    /// To the peer.
    Sent,
}

/// Why an incoming connection was not taken; close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// No peer has this address.
    #[error("no peer has address {0}")]
    UnknownPeer(core::net::IpAddr),
    /// The peer is in Idle: not started, stopped, or waiting after an error (RFC 4271 section 8.2.2, Idle). A peer that
    /// only waits because its dial failed takes the connection.
    #[error("peer {0} is idle")]
    Idle(core::net::IpAddr),
    /// The peer has two connections already, the most that collision detection needs (RFC 4271 section 6.8).
    #[error("peer {0} has two connections already")]
    TooManyConnections(core::net::IpAddr),
    /// There are as many connections from ranges as there may be on which no OPEN has come.
    #[error("{0} has to wait: too many connections have sent no OPEN")]
    TooManyUnopened(core::net::IpAddr),
    /// The range of this address has as many members as it may have.
    #[error("the range of {0} is full")]
    RangeFull(core::net::IpAddr),
}

impl Refused {
    /// What may be written before the connection is closed: for an address that is not taken, Cease, Connection Rejected
    /// (RFC 4486 section 4). A peer that is only not taken now learns nothing by it but to wait longer.
    ///
    /// ```
    /// use bgp_speaker::Refused;
    /// let address = "192.0.2.9".parse()?;
    /// let octets = Refused::UnknownPeer(address).notification().ok_or("none")?;
    /// let notification = bgp_wire::Notification::decode(&octets)?;
    /// assert_eq!(notification.code, bgp_wire::NotificationCode::CONNECTION_REJECTED);
    /// assert_eq!(Refused::Idle(address).notification(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn notification(&self) -> Option<[u8; 21]> {
        match self {
            Refused::UnknownPeer(_) | Refused::RangeFull(_) => Some(REJECTED),
            Refused::Idle(_) | Refused::TooManyConnections(_) | Refused::TooManyUnopened(_) => None,
        }
    }
}

/// A NOTIFICATION of code 6, subcode 5, without data.
const REJECTED: [u8; 21] = {
    let mut octets = [0xff; 21];
    [octets[16], octets[17], octets[18], octets[19], octets[20]] = [0, 21, 3, 6, 5];
    octets
};

/// Why a peer cannot get another configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdatePeerError {
    /// There is no such peer.
    #[error("there is no peer {0}")]
    Unknown(PeerId),
    /// The peer has this address, and another one is another peer.
    #[error("the peer has address {0}, which cannot change")]
    Address(core::net::IpAddr),
}

/// Why a peer cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddPeerError {
    /// Another peer has this address.
    #[error("a peer with address {0} exists")]
    Exists(core::net::IpAddr),
    /// The tables have no id left for it.
    #[error(transparent)]
    Full(#[from] bgp_rib::AddPeerError),
}

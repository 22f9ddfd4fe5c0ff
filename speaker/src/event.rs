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

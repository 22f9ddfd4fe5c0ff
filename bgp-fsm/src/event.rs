//! What goes into a session and what comes out, apart from octets.

use bgp_wire::{RouteRefresh, UpdateView};

use crate::{Down, Negotiated};

/// An event of RFC 4271 section 8.1 that the owner of the session reports, by its number there.
///
/// The others have ways of their own: 19 to 22 and 24 to 28 are messages, which go through
/// [`Session::receive`](crate::Session::receive) and [`Session::framing_error`](crate::Session::framing_error). The
/// timer events (9 to 13) come from [`Session::handle_timeout`](crate::Session::handle_timeout); they stand here for
/// model checkers and test vectors. In a state where a timer does not run, its event is the failure that RFC 4271 section
/// 8.2.2 makes of it; IdleHoldTimer in Idle and DelayOpenTimer in Connect and Active are ignored then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// Event 1: an operator starts the session.
    ManualStart,
    /// Event 2: an operator stops the session (Cease, Administrative Shutdown). See [`Cease`](crate::Cease) for others.
    ManualStop,
    /// Event 3: the system starts the session.
    AutomaticStart,
    /// Event 4: an operator starts the session, which waits for the peer to connect.
    ManualStartPassive,
    /// Event 5: the system starts the session, which waits for the peer to connect.
    AutomaticStartPassive,
    /// Event 6: as 3, with the damping of peer oscillations.
    AutomaticStartDamped,
    /// Event 7: as 5, with the damping of peer oscillations.
    AutomaticStartDampedPassive,
    /// Event 8: the system stops the session.
    AutomaticStop,
    /// Event 9.
    ConnectRetryTimerExpires,
    /// Event 10.
    HoldTimerExpires,
    /// Event 11.
    KeepaliveTimerExpires,
    /// Event 12.
    DelayOpenTimerExpires,
    /// Event 13.
    IdleHoldTimerExpires,
    /// RFC 9687: our socket took nothing for the send hold time.
    SendHoldTimerExpires,
    /// BFD was not up in time (draft-ietf-idr-bgp-bfd-strict-mode).
    BfdHoldTimerExpires,
    /// The BFD session with the peer is up.
    BfdUp,
    /// The BFD session with the peer is not up any more.
    BfdDown,
    /// Event 14: a connection request of the peer came in, from the right address and port.
    TcpConnectionValid,
    /// Event 15: a connection request came in that is not the peer's.
    TcpCrInvalid,
    /// Event 16: the connection that we dialled is open.
    TcpCrAcked,
    /// Event 17: the connection that the peer dialled is open.
    TcpConnectionConfirmed,
    /// Event 18: the dial failed, or the connection is gone.
    TcpConnectionFails,
    /// Event 23: another connection with this peer stays (see [`resolve`](crate::resolve)), this one goes.
    OpenCollisionDump,
}

/// What the session asks of TCP; polled with [`Session::poll_action`](crate::Session::poll_action).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpAction {
    /// Refuse the connection request that came in last; the session's own connection is not concerned.
    Reject,
    /// Close the connection, or give up the dial, after what [`Session::poll_transmit`](crate::Session::poll_transmit)
    /// gave has been written.
    Close {
        /// Reset the connection at once instead: the socket takes nothing any more.
        abort: bool,
    },
    /// Dial the peer.
    Connect,
    /// Set the options of [`Config::transport`](crate::Config::transport) on the connection's open socket anew: a key or a
    /// limit has changed and the connection stays (RFC 4808).
    Configure,
}

/// What the owner of the session may want to know; polled with [`Session::poll_event`](crate::Session::poll_event).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "lives only until it is looked at; a box would allocate")]
pub enum SessionEvent {
    /// The session is Established.
    Up(Negotiated),
    /// The session is in Idle again; if it was Established, its routes are to be deleted or marked stale.
    Down(Down),
}

/// What a message was; given back by [`Session::receive`](crate::Session::receive). It borrows from the message only.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "lives only until it is looked at; a box would allocate")]
pub enum Received<'m> {
    /// Nothing that the owner has to do with.
    Nothing,
    /// Routes.
    Update(UpdateView<'m>),
    /// A request for the routes of a negotiated family, or the beginning or end of the peer's answer to ours.
    RouteRefresh(RouteRefresh),
}

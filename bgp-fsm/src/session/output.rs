//! What a session gives out: messages, requests to TCP, events; and the request for routes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bgp_wire::{
    Family, FamilySet, KEEPALIVE, MAX_LEN_EXTENDED, MessageType, NotificationBuf, RefreshSubtype, RouteRefresh,
};
use bytes::BytesMut;

use super::Session;
use crate::{Down, SessionEvent, State, TcpAction};

/// Requests to TCP that have not been polled: bits, because it is looked at after each message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions(u8);

impl Actions {
    pub(crate) const REJECT: Self = Self(1);
    pub(crate) const CLOSE: Self = Self(2);
    /// With `CLOSE`: reset the connection.
    pub(crate) const ABORT: Self = Self(4);
    pub(crate) const CONNECT: Self = Self(8);
    pub(crate) const CONFIGURE: Self = Self(16);

    pub(crate) const fn has(self, action: Self) -> bool {
        self.0 & action.0 != 0
    }

    pub(crate) const fn put(&mut self, action: Self) {
        self.0 |= action.0;
    }

    /// Whether it was there.
    pub(crate) const fn take(&mut self, action: Self) -> bool {
        let had = self.has(action);
        self.0 &= !action.0;
        had
    }
}

/// Messages that have not been polled, in this order.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// One of those below is there.
    any: bool,
    open: bool,
    keepalive: bool,
    refresh: FamilySet,
    /// A session ends once, most never say why: it costs a pointer.
    notification: Option<Box<NotificationBuf>>,
}

impl Pending {
    pub(super) const fn open(&mut self) {
        (self.any, self.open) = (true, true);
    }

    pub(super) const fn keepalive(&mut self) {
        (self.any, self.keepalive) = (true, true);
    }

    pub(super) fn refresh(&mut self, family: Family) {
        self.any = true;
        self.refresh.insert(family);
    }

    pub(super) fn notification(&mut self, notification: NotificationBuf) {
        self.any = true;
        self.notification = Some(Box::new(notification));
    }
}

/// Events that have not been polled, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Events(Vec<Queued>);

/// An event that has not been polled.
#[derive(Clone, Debug)]
enum Queued {
    Up,
    Down(Box<Down>),
}

impl Events {
    pub(super) fn up(&mut self) {
        self.push(Queued::Up);
    }

    pub(super) fn down(&mut self, down: Down) {
        self.push(Queued::Down(Box::new(down)));
    }

    fn push(&mut self, event: Queued) {
        if self.0.len() >= MOST_EVENTS {
            self.0.remove(0);
        }
        self.0.push(event);
    }
}

impl Session {
    /// Appends the messages that are to be sent now to `out`: OPEN, KEEPALIVE, ROUTE-REFRESH, NOTIFICATION. False if
    /// there are none.
    #[inline]
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> bool {
        self.pending.any && self.transmit(out)
    }

    fn transmit(&mut self, out: &mut BytesMut) -> bool {
        let before = out.len();
        let pending = core::mem::take(&mut self.pending);
        // One that does not fit into a message was never put up for sending.
        if pending.open && self.own_open().encode(out).is_ok() {
            self.counters.count_sent(MessageType::OPEN);
        }
        if pending.keepalive {
            out.extend_from_slice(&KEEPALIVE);
            self.counters.count_sent(MessageType::KEEPALIVE);
        }
        for family in pending.refresh.iter() {
            RouteRefresh::new(family, RefreshSubtype::REQUEST).encode(out);
            self.counters.count_sent(MessageType::ROUTE_REFRESH);
        }
        if let Some(notification) = pending.notification {
            // Cut to what the peer takes when it was made.
            notification.view().encode_up_to(MAX_LEN_EXTENDED, out);
            self.counters.count_sent(MessageType::NOTIFICATION);
        }
        out.len() > before
    }

    /// The next thing to do with TCP; poll it after [`poll_transmit`](Self::poll_transmit), because what that gave belongs
    /// to the connection that a [`TcpAction::Close`] closes.
    #[inline]
    pub fn poll_action(&mut self) -> Option<TcpAction> {
        if self.actions.0 == 0 { None } else { self.action() }
    }

    fn action(&mut self) -> Option<TcpAction> {
        if self.actions.take(Actions::REJECT) {
            Some(TcpAction::Reject)
        } else if self.actions.take(Actions::CLOSE) {
            Some(TcpAction::Close { abort: self.actions.take(Actions::ABORT) })
        } else if self.actions.take(Actions::CONNECT) {
            Some(TcpAction::Connect)
        } else {
            self.actions.take(Actions::CONFIGURE).then_some(TcpAction::Configure)
        }
    }

    /// The next thing that the owner may want to know. Events that nobody polls are forgotten, the oldest first.
    #[inline]
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        if self.events.0.is_empty() { None } else { self.event() }
    }

    fn event(&mut self) -> Option<SessionEvent> {
        while !self.events.0.is_empty() {
            match self.events.0.remove(0) {
                Queued::Down(down) => return Some(SessionEvent::Down(*down)),
                Queued::Up => {
                    if let Some(negotiated) = &self.negotiated {
                        return Some(SessionEvent::Up(**negotiated));
                    }
                }
            }
        }
        None
    }

    /// Asks the peer for its routes of `family` again (RFC 2918). False, and nothing is sent, if the session is not
    /// Established, or the family or the message is not negotiated.
    ///
    /// ```
    /// # use bgp_wire::Family;
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// let mut session = Session::new(config, 7);
    /// assert!(!session.request_refresh(Family::IPV4_UNICAST)); // not yet
    /// ```
    pub fn request_refresh(&mut self, family: Family) -> bool {
        let negotiated = self.negotiated().filter(|_| self.state == State::Established);
        let can = negotiated.is_some_and(|n| n.peer.route_refresh() && n.context.families().contains(family));
        if can {
            self.pending.refresh(family);
        }
        can
    }
}

/// Events that are kept until they are polled.
const MOST_EVENTS: usize = 4;

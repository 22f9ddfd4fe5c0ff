//! The time between announcements to a peer (RFC 4271 section 9.2.1.1).

use alloc::boxed::Box;

use bgp_fsm::Instant;
use bgp_rib::PeerId;
use bytes::Bytes;

use super::{Speaker, seed_of};
use crate::event::{ConnId, Direction, Event};
use crate::interval::Interval;
use crate::peer::Peer;

impl Speaker {
    /// Messages of the tables on their way to a peer: what of them goes now.
    pub(super) fn paced(&mut self, id: PeerId, messages: Bytes) -> Bytes {
        let seed = seed_of(self.seed, id, u32::MAX);
        let Some(peer) = self.peer_mut(id) else { return messages };
        let paces = !peer.config.advertisement_interval().is_zero();
        let Some(context) = peer.main.session.negotiated().map(|negotiated| negotiated.context) else {
            return messages;
        };
        if paces {
            let interval = peer.past_mut().interval.get_or_insert_with(|| Box::new(Interval::new(seed)));
            return interval.take(messages, &context);
        }
        messages
    }

    /// A peer has been told all that was due.
    pub(super) fn all_told(&mut self, id: PeerId, conn: ConnId) {
        let interval = self.peer_mut(id).filter(|peer| peer.past().is_some()).map(Peer::past_mut);
        let Some(interval) = interval.and_then(|past| past.interval.as_mut()) else { return };
        interval.all_told();
        // Where nothing waits, this is just after the socket has taken the last of it.
        if self.connections.waiting(conn) == 0
            && let Some(now) = self.clock
        {
            self.begin_interval(now, id);
        }
    }

    /// The socket has taken what a peer was told: where that was all, the time until it is told more begins.
    pub(super) fn begin_interval(&mut self, now: Instant, id: PeerId) {
        let paces = |peer: &&mut Peer| peer.past().is_some_and(|past| past.interval.is_some());
        let Some(peer) = self.peer_mut(id).filter(paces) else { return };
        let (time, jittered) = (peer.config.advertisement_interval(), peer.config.session.jitter);
        let interval = peer.past_mut().interval.as_mut();
        if interval.is_some_and(|interval| interval.begin(now, time, jittered)) {
            let deadline = peer.deadline().map(|(at, _)| at);
            self.deadlines.set(id.0, deadline);
        }
    }

    /// What has waited for its time goes.
    pub(super) fn interval_timeout(&mut self, id: PeerId) {
        let Some(peer) = self.peer_mut(id) else { return };
        let (conn, paces) = (peer.main.conn, !peer.config.advertisement_interval().is_zero());
        let context = peer.main.session.negotiated().map(|negotiated| negotiated.context);
        let past = peer.past_mut();
        let messages = context.zip(past.interval.as_mut()).map(|(context, interval)| interval.open(&context));
        if !paces {
            past.interval = None;
        }
        let deadline = peer.deadline().map(|(at, _)| at);
        self.deadlines.set(id.0, deadline);
        if let (Some(conn), Some(messages)) = (conn, messages.filter(|messages| !messages.is_empty())) {
            self.tap(conn, id, Direction::Sent, || messages.clone());
            let waited = self.connections.waiting(conn) > 0;
            self.connections.queue(conn, messages);
            if !waited {
                self.events.push_back(Event::Transmit { conn });
            }
        }
    }

    /// A peer is to be told its whole table again.
    pub(super) fn tell_anew(&mut self, id: PeerId) {
        let interval = self.peer_mut(id).filter(|peer| peer.past().is_some()).map(Peer::past_mut);
        if let Some(interval) = interval.and_then(|past| past.interval.as_mut()) {
            interval.begin_anew();
        }
    }
}

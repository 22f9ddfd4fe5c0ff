//! Two connections with one peer: which of them stays (RFC 4271 section 6.8, RFC 6286 section 2.3).

use core::mem;

use bgp_fsm::{Cease, Event as Input, Instant, Session, State, Survivor, Timer, resolve};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::{Asn, BgpId};

use super::Speaker;
use crate::event::ConnId;
use crate::peer::{Peer, Which};

impl Speaker {
    /// Whether the connection on which the OPEN `message` came may take it.
    ///
    /// The decision falls before the session sees the OPEN, so that the loser sends a Cease and nothing else. An OPEN
    /// that the session would refuse decides nothing: the session answers it.
    pub(super) fn survives(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, message: &[u8]) -> bool {
        let Some((id, which)) = self.line_of(conn) else { return false };
        let Some(peer) = self.peer_ref(id) else { return false };
        let (Some(line), Some(other)) = (peer.line(which), peer.line(which.other())) else { return true };
        let Some(sender) = line.session.accepts(message) else { return true };
        // RFC 4271 6.8 lets an Established session win over a connection that is created later. One that was there
        // before is still the collision it was: the other end may see both in OpenConfirm, and both ends must keep the
        // same one, or each closes what the other keeps.
        let resolves = peer.config.session.collision_detect_established_state
            || peer.past().is_some_and(|past| past.contested == Some(conn));
        let keep = match other.session.state() {
            State::Established if has_restarted(&other.session) => {
                // RFC 4724 section 5: the peer is back, so the session that is up is over, without a NOTIFICATION.
                self.give_up_connection(store, now, id, which.other());
                return true;
            }
            State::Established if !resolves => false,
            State::OpenConfirm | State::Established => {
                // Both from the same end: the older connection is the one that counts.
                line.dialled != other.dialled && line.dialled == (dialler(&other.session, sender) == Survivor::Local)
            }
            // The other one's OPEN has not come: it decides when it does.
            _ => return true,
        };
        let loser = if keep { which.other() } else { which };
        self.dump(store, now, id, loser);
        keep
    }

    /// Ends the session of the connection that does not stay.
    fn dump(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, loser: Which) {
        let withheld = loser == Which::Second && self.peer_ref(id).is_some_and(Peer::withholds_open);
        if let Some(session) = self.session_mut(id, loser) {
            if withheld {
                session.cease(now, Cease::collision());
            } else {
                session.handle(now, Input::OpenCollisionDump);
            }
            self.drain(store, now, id, loser);
        }
    }

    /// The time is over in which a connection beside an Established one had to send its OPEN: it gets none of ours.
    pub(super) fn end_withheld(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let Some(peer) = self.peer_mut(id).filter(|peer| peer.withholds_open()) else { return };
        if let Some(second) = &mut peer.second
            && second.session.timers().deadline(Timer::DelayOpen).is_some_and(|due| due <= now)
        {
            second.session.cease(now, Cease::rejected());
            self.drain(store, now, id, Which::Second);
        }
    }

    /// The second session becomes the main one; a main one that has no OPEN on its way is given up.
    pub(super) fn promote(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let Some(peer) = self.peer_mut(id) else { return };
        let Some(second) = &mut peer.second else { return };
        mem::swap(&mut peer.main, second);
        if matches!(second.session.state(), State::Connect | State::Active) {
            self.input(store, now, id, Which::Second, Input::ManualStop);
        }
    }

    /// Closes the connection of a session, which takes it as a failure.
    fn give_up_connection(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, which: Which) {
        let conn = self.peer_mut(id).and_then(|peer| peer.line_mut(which)?.conn.take());
        if let Some(conn) = conn {
            self.close_now(conn, true);
        }
        self.input(store, now, id, which, Input::TcpConnectionFails);
    }
}

/// Which end's dial stays, as `session`, whose OPENs are exchanged, knows us: its AS number may not be the configured one.
fn dialler(session: &Session, sender: (BgpId, Asn)) -> Survivor {
    let config = session.config();
    let local = session.negotiated().map(|negotiated| (negotiated.local.bgp_id(), negotiated.local.asn()));
    resolve(local.unwrap_or((config.router_id, config.local_as)), sender)
}

/// Whether another OPEN of the peer means that it has restarted: graceful restart was negotiated for some family.
fn has_restarted(session: &Session) -> bool {
    session.negotiated().is_some_and(|negotiated| {
        let theirs = negotiated.peer.graceful_restart();
        negotiated.local.graceful_restart().is_some() && theirs.is_some_and(|theirs| !theirs.families.is_empty())
    })
}

//! Two connections with one peer: which of them stays (RFC 4271 section 6.8, RFC 6286 section 2.3).

use core::mem;

use bgp_fsm::{Event as Input, Instant, State, Survivor, resolve};
use bgp_rib::{AttrStore, PeerId};

use super::Speaker;
use crate::event::ConnId;

impl Speaker {
    /// Whether the connection on which the OPEN `message` came may take it.
    ///
    /// The decision falls before the session sees the OPEN, so that the loser sends a Cease and nothing else. An OPEN
    /// that the session would refuse decides nothing: the session answers it.
    pub(super) fn survives(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, message: &[u8]) -> bool {
        let Some((id, line)) = self.line_of(conn) else { return false };
        let other = 1usize.saturating_sub(line);
        let Some(other_state) = self.session_mut(id, other).map(|session| session.state()) else { return true };
        let Some(peer) = self.session_mut(id, line).and_then(|session| session.accepts(message)) else { return true };
        let keep = match other_state {
            State::OpenConfirm => self.stays(id, line, peer),
            State::Established => self.detects_established(id) && self.stays(id, line, peer),
            // The other one's OPEN has not come: it decides when it does.
            _ => return true,
        };
        let loser = if keep { other } else { line };
        self.input(store, now, id, loser, Input::OpenCollisionDump);
        keep
    }

    /// The second session becomes the first one; a first one that has no connection yet is given up.
    pub(super) fn promote(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let Some(peer) = self.peer_mut(id) else { return };
        let [main, second] = &mut peer.lines;
        mem::swap(main, second);
        if matches!(self.session_mut(id, 1).map(|session| session.state()), Some(State::Connect | State::Active)) {
            self.input(store, now, id, 1, Input::ManualStop);
        }
    }

    fn detects_established(&mut self, id: PeerId) -> bool {
        self.peer_mut(id).is_some_and(|peer| peer.config.session.collision_detect_established_state)
    }

    fn stays(&mut self, id: PeerId, line: usize, peer_side: (bgp_wire::BgpId, bgp_wire::Asn)) -> bool {
        let Some(peer) = self.peer_mut(id) else { return false };
        let dialled = |line: usize| peer.lines.get(line).and_then(Option::as_ref).map(|line| line.dialled);
        let (this, other) = (dialled(line), dialled(1usize.saturating_sub(line)));
        // Both from the same end: the older connection is the one that counts.
        if this == other {
            return false;
        }
        let local = (peer.config.session.router_id, peer.config.session.local_as);
        let survivor = resolve(local, peer_side);
        this == Some(survivor == Survivor::Local)
    }
}

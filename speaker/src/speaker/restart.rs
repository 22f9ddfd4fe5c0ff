//! What becomes of a peer's routes when its session ends and comes back (RFC 4724 section 4.2, RFC 9494 section 4.2).

use alloc::boxed::Box;

use bgp_fsm::{Down, Instant, Negotiated, Restart};
use bgp_rib::{AttrStore, PeerConfig, PeerId, PeerKind};
use bgp_wire::{Family, SessionKind, UpdateView};

use super::Speaker;

impl Speaker {
    /// A session that was Established has ended: its routes go, or are kept as stale ones.
    pub(super) fn routes_down(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, down: &Down) {
        let restart = self.peer_mut(id).and_then(|peer| peer.restart_mut());
        match restart.map(|restart| restart.down(now, down)) {
            Some(kept) if !kept.is_empty() => self.rib.mark_stale(store, id, kept),
            _ => self.rib.peer_down(store, id),
        }
        self.work = true;
    }

    /// The session is Established, again.
    pub(super) fn routes_up(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, negotiated: &Negotiated) {
        if let Some(peer) = self.peer_mut(id) {
            if negotiated.local.graceful_restart().is_some() && peer.restart().is_none() {
                peer.past_mut().restart = Some(Box::new(Restart::new()));
            }
            let config = suited(peer.config.rib, negotiated);
            self.rib.set_peer_config(id, config);
        }
        self.rib.peer_up(store, id, &negotiated.context, negotiated.peer_id);
        let restart = self.peer_mut(id).and_then(|peer| peer.restart_mut());
        if let Some(gone) = restart.map(|restart| restart.up(now, negotiated)) {
            gone.iter().for_each(|family| self.rib.sweep_stale(store, id, family));
        }
        self.work = true;
    }

    /// What is stale goes: nobody waits for the peer any more.
    pub(super) fn forget_stale(&mut self, store: &mut AttrStore, id: PeerId) {
        let Some(peer) = self.peer_mut(id).filter(|peer| !peer.up) else { return };
        if let Some(restart) = peer.restart_mut().filter(|restart| !restart.stale().is_empty()) {
            *restart = Restart::new();
            self.rib.peer_down(store, id);
            self.work = true;
        }
    }

    /// Routes came that may replace stale ones.
    pub(super) fn note_announced(&mut self, id: PeerId, update: &UpdateView<'_>) {
        let restart = self.peer_mut(id).and_then(|peer| peer.restart_mut());
        if let Some(restart) = restart.filter(|restart| !restart.stale().is_empty()) {
            update.announced().for_each(|announced| restart.announced(announced.family));
        }
    }

    /// The peer's table of `family` is complete.
    pub(super) fn end_of_rib(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        if self.deferral.is_some() {
            if let Some(peer) = self.peer_mut(id) {
                peer.past_mut().ended.insert(family);
            }
            self.end_deferral(None);
        }
        let restart = self.peer_mut(id).and_then(|peer| peer.restart_mut());
        if restart.is_some_and(|restart| restart.end_of_rib(family)) {
            self.rib.sweep_stale(store, id, family);
            self.work = true;
        }
    }

    /// The peer took too long to come back, or to send its table.
    pub(super) fn restart_timeout(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let Some(restart) = self.peer_mut(id).and_then(|peer| peer.restart_mut()) else { return };
        let expired = restart.handle_timeout(now);
        expired.gone.iter().for_each(|family| self.rib.sweep_stale(store, id, family));
        expired.long_lived.iter().for_each(|family| self.rib.mark_long_lived_stale(store, id, family));
        self.work = true;
        self.settle(now, id);
    }
}

/// What the tables are told of a peer, when its OPEN has said what the configuration left open.
pub(super) fn suited(config: PeerConfig, negotiated: &Negotiated) -> PeerConfig {
    let kind = match negotiated.session {
        SessionKind::Ibgp if config.kind().is_internal() => config.kind(),
        SessionKind::Ibgp => PeerKind::Ibgp,
        SessionKind::Ebgp if config.kind().is_external() => config.kind(),
        SessionKind::Ebgp => PeerKind::Ebgp,
        SessionKind::ConfedExternal => PeerKind::Confed,
    };
    let config = config
        .with_kind(kind)
        .with_asn(negotiated.peer_as)
        .with_llgr(negotiated.peer.long_lived_graceful_restart().is_some());
    match negotiated.role {
        Some(role) => config.with_role(role),
        None => config,
    }
}

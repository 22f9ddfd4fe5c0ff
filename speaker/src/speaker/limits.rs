//! Limits on prefixes and attributes, as UPDATEs come in (RFC 4271 section 6.7).

use alloc::vec::Vec;

use bgp_fsm::{Cease, Instant, Restart};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::FamilySet;

use super::Speaker;
use crate::event::Event;
use crate::limit::{LimitAction, Verdict};
use crate::peer::{Peer, Which};

impl Speaker {
    /// Does what the limits of a peer ask for, after its routes have changed.
    pub(super) fn check_limits(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let has = |peer: &&Peer| peer.up && !peer.config.prefix_limits().is_empty();
        let Some(peer) = self.peer_ref(id).filter(has) else { return };
        let limits = peer.config.limits.clone();
        let stale = peer.restart().map_or(FamilySet::EMPTY, Restart::stale);
        let mut warned = peer.past().map_or(FamilySet::EMPTY, |past| past.warned);
        let mut too_many = None;
        for limit in limits.prefixes() {
            let (family, count) = (limit.family, self.rib.prefix_count(id, limit.family));
            match limit.judge(count, stale.contains(family)) {
                Verdict::Fine => {
                    warned.remove(family);
                }
                Verdict::Warn if warned.contains(family) => {}
                Verdict::Warn => {
                    warned.insert(family);
                    let limit = limit.limit;
                    self.events.push_back(Event::PrefixWarning { peer: id, family, count, limit });
                }
                Verdict::Cease => too_many = too_many.or(Some((family, limit.limit))),
            }
        }
        if let Some(peer) = self.peer_mut(id) {
            peer.past_mut().warned = warned;
        }
        if let Some((family, limit)) = too_many
            && let Some(session) = self.session_mut(id, Which::Main)
        {
            session.cease(now, Cease::too_many_prefixes(family, limit));
            self.drain(store, now, id, Which::Main);
        }
    }

    /// An UPDATE of so many octets came from a peer: does what the limit on its attributes asks for.
    pub(super) fn check_attributes(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, octets: usize) {
        let Some(peer) = self.peer_mut(id).filter(|peer| peer.up) else { return };
        let Some(limit) = peer.config.attribute_limit() else { return };
        if !peer.past_mut().held.receive(octets, limit.octets) {
            return;
        }
        let octets = self.attribute_octets(store, id);
        let Some(peer) = self.peer_mut(id) else { return };
        let held = &mut peer.past_mut().held;
        held.count(octets);
        let warned = core::mem::replace(&mut held.warned, octets > limit.octets);
        if octets <= limit.octets {
            return;
        }
        match limit.action {
            LimitAction::Cease => {
                if let Some(session) = self.session_mut(id, Which::Main) {
                    session.cease(now, Cease::out_of_resources());
                    self.drain(store, now, id, Which::Main);
                }
            }
            LimitAction::Warn if warned => {}
            LimitAction::Warn => {
                self.events.push_back(Event::AttributeWarning { peer: id, octets, limit: limit.octets });
            }
        }
    }

    /// How many octets of attributes the paths of a peer hold in the store, each block counted once. It looks at all of
    /// them.
    #[must_use]
    pub fn attribute_octets(&self, store: &AttrStore, peer: PeerId) -> u64 {
        let unicast = self.rib.adj_rib_in(peer).map(|path| path.attr);
        let others = self.rib.adj_rib_in_nlri(store, peer).map(|row| row.attr);
        let mut blocks: Vec<_> = unicast.chain(others).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let octets = blocks.into_iter().filter_map(|block| store.canonical(block)).map(<[u8]>::len);
        octets.fold(0, |sum, octets| sum.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX)))
    }
}

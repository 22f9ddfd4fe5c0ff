//! Limits on prefixes, as UPDATEs come in (RFC 4271 section 6.7).

use bgp_fsm::{Cease, Instant};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::FamilySet;

use super::Speaker;
use crate::event::Event;
use crate::limit::Verdict;
use crate::peer::{Peer, Which};

impl Speaker {
    /// Does what the limits of a peer ask for, after its routes have changed.
    pub(super) fn check_limits(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let has = |peer: &&Peer| peer.up && !peer.config.prefix_limits().is_empty();
        let Some(peer) = self.peer_ref(id).filter(has) else { return };
        let limits = peer.config.limits.clone();
        let stale = peer.restart.as_ref().map_or(FamilySet::EMPTY, |restart| restart.stale());
        let mut warned = peer.past().map_or(FamilySet::EMPTY, |past| past.warned);
        let mut too_many = None;
        for limit in limits.as_slice() {
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
}

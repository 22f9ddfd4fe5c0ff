//! What comes in: UPDATEs of peers and own routes.

use alloc::vec::Vec;

use bgp_wire::attr::{Attributes, NextHop};
use bgp_wire::nlri::Nlris;
use bgp_wire::{Family, UpdateView};
use ipnet::IpNet;

use super::Rib;
use crate::dest::Dest;
use crate::event::UpdateOutcome;
use crate::import::{self, Incoming, Ineligible};
use crate::path::{LOCAL, Path};
use crate::peer::{PeerId, PeerPolicy};
use crate::routes::Announcement;
use crate::store::{AttrId, AttrStore};
use crate::tables;

/// Prefixes that are looked up together: their cache misses overlap.
const BATCH: usize = 64;

/// Why an own route was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginateError {
    /// The block is not what `bgp_wire::attr::AttrBuilder` or `UpdateView::write_canonical` gives.
    #[error("no canonical attribute block")]
    Block,
    /// 2^32 - 1 prefixes are known.
    #[error("the prefix table is full")]
    Full,
}

impl Rib {
    /// Takes an UPDATE of `id` into its Adj-RIB-In. A newer announcement replaces the older one; one that is not
    /// eligible leaves nothing; treat-as-withdraw (RFC 7606) is what `UpdateView::withdrawn` says. Call
    /// [`process`](Rib::process) then. The UPDATE of a peer that is not up does nothing.
    ///
    /// ```
    /// use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// use bgp_wire::{Asn, BgpId, Context, SessionKind, UpdateView};
    ///
    /// let (mut store, ctx) = (AttrStore::new(1), Context::new(SessionKind::Ibgp));
    /// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &ctx, BgpId(2));
    /// // Withdraws 10.0.0.0/8.
    /// let mut message = vec![0xff; 16];
    /// message.extend([0, 25, 2, 0, 2, 8, 10, 0, 0]);
    /// let outcome = rib.update(&mut store, peer, &UpdateView::decode(&message, &ctx)?);
    /// assert_eq!(outcome.withdrawn, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update(&mut self, store: &mut AttrStore, id: PeerId, update: &UpdateView<'_>) -> UpdateOutcome {
        let mut outcome = UpdateOutcome::default();
        let Some(peer) = self.peer(id).filter(|peer| peer.group.is_some()) else { return outcome };
        let config = peer.config;
        if peer.kept.is_some() {
            return self.update_kept(store, id, &config, update);
        }
        for section in update.withdrawn() {
            if !tables::is_unicast(section.family) {
                outcome.withdrawn += self.withdraw_rows(store, id, section.nlri);
                continue;
            }
            outcome.withdrawn += self.apply(store, id.0, section.family, section.nlri, None);
        }
        let mut block = Vec::new();
        for section in update.announced() {
            if !tables::is_unicast(section.family) {
                self.announce_rows(store, id, &config, update, section, &mut outcome);
                continue;
            }
            let attributes = update.attributes();
            if block.is_empty() {
                update.write_canonical(&mut block);
                import::complete(&config, section.family, attributes, &mut block);
            }
            let (family, next_hop) = (section.family, section.next_hop);
            let route = Incoming { family, attributes, next_hop, peer: &config, config: &self.config };
            let reason = import::ineligible(&route);
            let attr = if reason.is_none() { store.intern(&block, section.next_hop) } else { None };
            if let (Some(attr), PeerPolicy::Use(policy)) = (attr, config.policy) {
                let (taken, rejected) = self.apply_policy(store, id, section.family, section.nlri, attr, policy);
                store.release(attr);
                outcome.announced += taken;
                outcome.rejected += rejected;
                outcome.reason = if rejected > 0 { Some(Ineligible::Policy) } else { outcome.reason };
                continue;
            }
            let count = self.apply(store, id.0, section.family, section.nlri, attr);
            match attr {
                Some(attr) => {
                    outcome.announced += count;
                    store.release(attr);
                }
                None => {
                    outcome.rejected += count;
                    outcome.reason = reason;
                }
            }
        }
        outcome
    }

    /// Makes `prefix` a route of our own with a canonical attribute block; `next_hop` `None`: our own address, chosen
    /// per export group. Replaces an earlier one.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// rib.process(&mut store, 1);
    /// let best = rib.best(&store, "10.0.0.0/8".parse()?).ok_or("no route")?;
    /// assert_eq!((best.peer, best.next_hop), (None, NextHop::None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OriginateError`] when the block is no canonical one or the tables are full; nothing is changed then.
    pub fn originate(
        &mut self,
        store: &mut AttrStore,
        prefix: IpNet,
        canonical: &[u8],
        next_hop: Option<NextHop>,
    ) -> Result<(), OriginateError> {
        Attributes::from_canonical(canonical).map_err(|_| OriginateError::Block)?;
        let attr = store.intern(canonical, next_hop.unwrap_or(NextHop::None)).ok_or(OriginateError::Full)?;
        let prefix = Dest::Net(prefix.trunc());
        let route = self.tables.intern_hashed(self.tables.hash(prefix), prefix);
        if let Some(route) = route {
            self.announce(store, route, LOCAL, 0, attr);
        }
        store.release(attr);
        route.map(|_| ()).ok_or(OriginateError::Full)
    }

    /// Ends what [`originate`](Rib::originate) began; false where there is no such route.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// assert!(rib.withdraw_local(&mut store, "10.0.0.0/8".parse()?));
    /// assert!(!rib.withdraw_local(&mut store, "10.0.0.0/8".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw_local(&mut self, store: &mut AttrStore, prefix: IpNet) -> bool {
        let route = self.tables.find(Dest::Net(prefix.trunc())).filter(|route| self.local.contains(*route));
        if let Some(route) = route {
            self.withdraw(store, route, LOCAL, 0);
        }
        route.is_some()
    }

    /// Announces (`attr`) or withdraws all prefixes of one section; how many there were.
    fn apply(
        &mut self,
        store: &mut AttrStore,
        peer: u32,
        family: Family,
        nlri: Nlris<'_>,
        attr: Option<AttrId>,
    ) -> u32 {
        let mut total = 0_u32;
        let mut nlri = nlri.filter_map(|path| {
            let prefix = tables::prefix_of(family, &path.nlri)?;
            Some((prefix, path.path_id.map_or(0, |id| id.0)))
        });
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            batch.clear();
            batch.extend(nlri.by_ref().take(BATCH).map(|(prefix, path_id)| {
                let hash = self.tables.hash(prefix);
                (hash, prefix, path_id, self.tables.find_hashed(hash, prefix))
            }));
            if batch.is_empty() {
                return total;
            }
            total = total.saturating_add(crate::num::count(batch.len()));
            for &(hash, prefix, path_id, found) in &batch {
                match (attr, found) {
                    (None, Some(route)) => self.withdraw(store, route, peer, path_id),
                    (None, None) => {}
                    (Some(attr), found) => {
                        let route = found.or_else(|| self.tables.intern_hashed(hash, prefix));
                        if let Some(route) = route {
                            self.announce(store, route, peer, path_id, attr);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn announce(&mut self, store: &mut AttrStore, id: u32, peer: u32, path_id: u32, attr: AttrId) {
        match self.routes.announce(store, id, Path::new(attr, peer, path_id)) {
            None | Some(Announcement::Same) => return,
            Some(Announcement::Other) => {}
            Some(Announcement::New) => {
                let Some(dest) = self.tables.prefix(id) else { return };
                self.note_target(peer, dest);
                if let Some(peer) = self.peer_mut(PeerId(peer)) {
                    peer.paths = peer.paths.saturating_add(1);
                    peer.add_route(id, dest);
                } else if peer == LOCAL {
                    self.local.insert(id);
                }
            }
        }
        self.dirty.insert(id);
    }

    pub(super) fn withdraw(&mut self, store: &mut AttrStore, id: u32, peer: u32, path_id: u32) {
        self.remove_paths(store, id, peer, |path| path.path_id == path_id);
    }

    /// Removes the paths of `peer` that `which` names.
    pub(super) fn remove_paths(&mut self, store: &mut AttrStore, id: u32, peer: u32, which: impl Fn(&Path) -> bool) {
        let removed = self.routes.remove(store, id, |path| path.peer() == peer && which(path));
        if removed == 0 {
            return;
        }
        let left = self.routes.paths(id).any(|path| path.peer() == peer);
        let Some(dest) = self.tables.prefix(id) else { return };
        self.note_target(peer, dest);
        if let Some(peer) = self.peer_mut(PeerId(peer)) {
            peer.paths = peer.paths.saturating_sub(removed);
            if !left {
                peer.remove_route(id, dest);
            }
        } else if !left && peer == LOCAL {
            self.local.remove(id);
        }
        self.dirty.insert(id);
    }
}

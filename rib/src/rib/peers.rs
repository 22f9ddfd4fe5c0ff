//! Peers that come, go, restart gracefully, and ask for their routes again.

use alloc::vec::Vec;

use bgp_wire::community::Community;
use bgp_wire::{BgpId, Context, Family, FamilySet, Rewrite, rewrite};

use super::{AddPeerError, Peer, Rib, group_at};
use crate::export::View;
use crate::group::{Group, GroupKey};
use crate::path::Path;
use crate::peer::{PeerConfig, PeerId};
use crate::store::AttrStore;

impl Rib {
    /// Adds a peer, down at first.
    ///
    /// # Errors
    /// [`AddPeerError::Full`] beyond [`PeerId::LIMIT`].
    pub fn add_peer(&mut self, config: PeerConfig) -> Result<PeerId, AddPeerError> {
        let families = FamilySet::EMPTY;
        let peer = Peer {
            config,
            router_id: BgpId(0),
            group: None,
            families,
            routes: None,
            paths: 0,
            v6: 0,
            rows: None,
            kept: None,
        };
        if let Some(id) = self.free_peers.pop_first() {
            if let Some(slot) = self.peers.get_mut(id) {
                *slot = Some(peer);
            }
            return Ok(PeerId(id));
        }
        if self.peers.len() >= crate::num::index(PeerId::LIMIT) {
            return Err(AddPeerError::Full);
        }
        self.peers.push(Some(peer)).map(PeerId).ok_or(AddPeerError::Full)
    }

    /// Removes a peer with its routes; its id may be given out again.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.remove_peer(&mut store, peer);
    /// assert!(rib.peer_config(peer).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_peer(&mut self, store: &mut AttrStore, id: PeerId) {
        self.peer_down(store, id);
        if let Some(slot) = self.peers.get_mut(id.0).filter(|slot| slot.is_some()) {
            *slot = None;
            self.free_peers.insert(id.0);
        }
    }

    /// The session of `id` is Established with this context and BGP Identifier: it joins its export group, and the
    /// table followed by End-of-RIB (RFC 4724 section 2) of every family is what [`pull`](Rib::pull) gives it. Routes
    /// that are kept from an earlier session stay.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// while rib.process(&mut store, 4096) {}
    /// // End-of-RIB of both families, and nothing else.
    /// assert_eq!(rib.pull(&mut store, peer).map(|octets| octets.len()), Some(23 + 29));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peer_up(&mut self, store: &mut AttrStore, id: PeerId, context: &Context, router_id: BgpId) {
        self.leave_group(store, id);
        self.begin_kept(store, id);
        let Some(peer) = self.peer_mut(id) else { return };
        let is_renamed = core::mem::replace(&mut peer.router_id, router_id) != router_id;
        let (config, kept) = (peer.config, peer.kept());
        let key = GroupKey::new(id, View::new(&self.config, &config), context);
        let number = self.groups.iter().position(|group| group.as_ref().is_some_and(|group| *group.key() == key));
        let number = number.unwrap_or_else(|| {
            let free = self.groups.iter().position(Option::is_none).unwrap_or(self.groups.len());
            let group = Some(Group::new(key, context));
            match self.groups.get_mut(free) {
                Some(slot) => *slot = group,
                None => self.groups.push(group),
            }
            free
        });
        let number = crate::num::count(number);
        if key.targets.is_some() {
            self.retargeted.insert(id.0);
        }
        for route in kept.iter() {
            let own = self.routes.best(route).is_some_and(|best| best.peer() == id.0);
            if let Some(group) = group_at(&mut self.groups, number) {
                group.relabel(route, id.0, own);
            }
            if is_renamed {
                self.renamed.insert(route);
            }
            self.dirty.insert(route);
        }
        if let Some(group) = group_at(&mut self.groups, number) {
            group.join(id.0, &mut self.ready);
        }
        if let Some(peer) = self.peer_mut(id) {
            peer.group = Some(number);
            peer.families = key.families;
        }
    }

    /// The session ended and nothing of it is kept: all its routes go, which costs as much as it has routes.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// rib.peer_down(&mut store, peer);
    /// assert_eq!(rib.path_count(peer), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peer_down(&mut self, store: &mut AttrStore, id: PeerId) {
        self.leave_group(store, id);
        self.drop_kept(store, id);
        self.remove_where(store, id, |_, _| true);
    }

    /// The session ended and the peer is expected back (RFC 4724 section 4.2): its routes of `families` are kept and
    /// marked stale, but for those that were stale already, which go, as do those of other families. Stale routes
    /// compete as before. Follow with [`peer_up`](Rib::peer_up) and, family by family at End-of-RIB or when the time is
    /// up, [`sweep_stale`](Rib::sweep_stale).
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// rib.mark_stale(&mut store, peer, FamilySet::UNICAST);
    /// // The peer is back, and sends End-of-RIB:
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// rib.sweep_stale(&mut store, peer, Family::IPV4_UNICAST);
    /// assert!(rib.adj_rib_in(peer).all(|path| !path.stale));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mark_stale(&mut self, store: &mut AttrStore, id: PeerId, families: FamilySet) {
        self.leave_group(store, id);
        self.retain_kept(store, id, |family, received| {
            let stays = !received.stale && families.contains(family);
            received.stale = true;
            stays
        });
        self.remove_where(store, id, |family, path| path.is_stale() || !families.contains(family));
        let Some(routes) = self.peer(id).map(Peer::kept) else { return };
        for route in routes.iter() {
            self.routes.mark(route, |path| path.peer() == id.0, Path::set_stale);
        }
    }

    /// Begins the long-lived phase for the stale routes of `family` (RFC 9494 section 4.3): they get LLGR_STALE, those
    /// with NO_LLGR go. [`sweep_stale`](Rib::sweep_stale) ends it.
    pub fn mark_long_lived_stale(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        let marked =
            |store: &AttrStore, path: &Path| store.facts(path.attr).is_some_and(|f| f.carries(Community::NO_LLGR));
        let gone: Vec<(u32, u32)> = self
            .stale_paths(id, family)
            .filter(|(_, path)| marked(store, path))
            .map(|(route, path)| (route, path.path_id))
            .collect();
        for (route, path_id) in gone {
            self.remove_paths(store, route, id.0, |path| path.path_id == path_id);
        }
        let mut edits = Rewrite::new();
        edits.add_communities = &[Community::LLGR_STALE];
        let left: Vec<_> = self.stale_paths(id, family).collect();
        for (route, old) in left {
            let (Some(canonical), Some(next_hop)) = (store.canonical(old.attr), store.next_hop(old.attr)) else {
                continue;
            };
            let mut block = Vec::with_capacity(canonical.len() + 7);
            rewrite(canonical, &edits, &mut block);
            let Some(attr) = store.intern(&block, next_hop) else { continue };
            if !self.routes.reword(store, route, old, attr) {
                store.release(attr);
            }
            self.dirty.insert(route);
        }
    }

    fn stale_paths(&self, id: PeerId, family: Family) -> impl Iterator<Item = (u32, Path)> {
        let routes = self.peer(id).into_iter().flat_map(Peer::routes);
        let routes =
            routes.filter(move |route| self.tables.prefix(*route).is_some_and(|prefix| prefix.family() == family));
        routes
            .flat_map(|route| self.routes.paths(route).map(move |path| (route, *path)))
            .filter(move |(_, path)| path.peer() == id.0 && path.is_stale())
    }

    /// Removes the routes of `family` that are still stale: the peer sent End-of-RIB, or took too long.
    pub fn sweep_stale(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        self.retain_kept(store, id, |of, received| of != family || !received.stale);
        self.remove_where(store, id, |of, path| of == family && path.is_stale());
    }

    /// Removes all routes of `family` of a peer, whose session may go on.
    pub fn flush(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        self.retain_kept(store, id, |of, _| of != family);
        self.remove_where(store, id, |of, _| of == family);
    }

    /// The peer's configuration.
    #[must_use]
    pub fn peer_config(&self, id: PeerId) -> Option<&PeerConfig> {
        self.peer(id).map(|peer| &peer.config)
    }

    /// Replaces the configuration of a peer that is down; import rules apply to what it announces from then on. False,
    /// and nothing is changed, while it is up.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// let config = PeerConfig::new(PeerKind::RrClient, Asn(64512), "192.0.2.2".parse()?);
    /// assert!(rib.set_peer_config(peer, config));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_peer_config(&mut self, id: PeerId, config: PeerConfig) -> bool {
        match self.peer_mut(id).filter(|peer| peer.group.is_none()) {
            Some(peer) => {
                peer.config = config;
                true
            }
            None => false,
        }
    }

    /// Replaces the configuration of a peer that is up, on the session that `context` tells of: import rules apply to what
    /// it announces from then on, so it has to be asked for its routes again where those differ. True: what it is sent may
    /// differ, and its whole table goes out again, followed by End-of-RIB. What it had been sent and is not any more is
    /// for the caller to withdraw: that is the difference of [`adj_rib_out_paths`](Rib::adj_rib_out_paths) before, when
    /// [`pull`](Rib::pull) has nothing more for it, and after, when [`process`](Rib::process) has finished.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::{Asn, BgpId, Context, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// let config = PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?);
    /// let (peer, context) = (rib.add_peer(config)?, Context::new(SessionKind::Ibgp));
    /// rib.peer_up(&mut store, peer, &context, BgpId(2));
    /// assert!(!rib.change_peer_config(&mut store, peer, config.with_allowas_in(1), &context));
    /// assert!(rib.change_peer_config(&mut store, peer, config.with_next_hop_self(true), &context));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn change_peer_config(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        config: PeerConfig,
        context: &Context,
    ) -> bool {
        let key = GroupKey::new(id, View::new(&self.config, &config), context);
        let Some(peer) = self.peer_mut(id) else { return false };
        let imports_alike = peer.config.imports_alike(&config);
        peer.config = config;
        let (router_id, number) = (peer.router_id, peer.group);
        let Some(number) = number else { return false };
        if !imports_alike {
            self.judge_again(id);
        }
        let changes = group_at(&mut self.groups, number).is_some_and(|group| *group.key() != key);
        if changes {
            self.peer_up(store, id, context, router_id);
        }
        changes
    }

    fn leave_group(&mut self, store: &mut AttrStore, id: PeerId) {
        let Some(number) = self.peer_mut(id).and_then(|peer| peer.group.take()) else { return };
        self.walked = true;
        let Some(group) = group_at(&mut self.groups, number) else { return };
        group.leave(id.0);
        if group.is_empty() {
            group.clear(store);
            if let Some(slot) = self.groups.get_mut(crate::num::index(number)) {
                *slot = None;
            }
        }
    }

    pub(super) fn remove_where(&mut self, store: &mut AttrStore, id: PeerId, which: impl Fn(Family, &Path) -> bool) {
        let Some(routes) = self.peer(id).map(Peer::kept) else { return };
        for route in routes.iter() {
            let Some(prefix) = self.tables.prefix(route) else { continue };
            let family = prefix.family();
            self.remove_paths(store, route, id.0, |path| which(family, path));
        }
    }
}

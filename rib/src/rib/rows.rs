//! Routes of other families than unicast: keys of opaque octets in the same tables, so that all else is alike.

use alloc::vec::Vec;

use bgp_wire::attr::Attributes;
use bgp_wire::nlri::{NlriBuf, NlriValue, Nlris};
use bgp_wire::{Announced, Family, PathId, UpdateView};

use super::decide::selected;
use super::receive::OriginateError;
use super::{NextHop, Rib, group_at};
use crate::dest::{self, Dest, Parts, RowNlri};
use crate::event::{RowRef, Selected, UpdateOutcome};
use crate::import::{self, Incoming, Ineligible};
use crate::path::{LOCAL, Path};
use crate::peer::{PeerConfig, PeerId, PeerPolicy};
use crate::policy::{self, Party};
use crate::store::{AttrId, AttrStore};
use crate::targets::Targets;

impl Rib {
    /// Withdraws all routes of one section; how many there were.
    pub(super) fn withdraw_rows(&mut self, store: &mut AttrStore, id: PeerId, nlri: Nlris<'_>) -> u32 {
        let (family, mut count) = (nlri.family(), 0_u32);
        for path in nlri {
            let Some(key) = dest::key_of(family, &path.nlri) else { continue };
            count = count.saturating_add(1);
            if let Some(route) = self.tables.find_row(family, &key).and_then(|dest| self.tables.find(dest)) {
                self.withdraw(store, route, id.0, path.path_id.map_or(0, |id| id.0));
            }
        }
        count
    }

    /// Announces all routes of one section, with the import rules and policy of the peer.
    pub(super) fn announce_rows(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        config: &PeerConfig,
        update: &UpdateView<'_>,
        section: Announced<'_>,
        outcome: &mut UpdateOutcome,
    ) {
        let (family, next_hop) = (section.family, section.next_hop);
        let attributes = update.attributes();
        let route = Incoming { family, attributes, next_hop, peer: config, config: &self.config };
        let reason = import::ineligible(&route);
        if reason.is_some() {
            outcome.rejected += self.withdraw_rows(store, id, section.nlri);
            outcome.reason = reason;
            return;
        }
        let mut block = Vec::new();
        update.write_canonical(&mut block);
        import::complete(config, family, attributes, &mut block);
        let len = block.len();
        let policy = match config.policy {
            PeerPolicy::Use(policy) => Some(self.policies.get(policy).cloned()),
            _ => None,
        };
        let from = self.peer_source(id).and_then(Party::of);
        for path in section.nlri {
            let Some(parts) = Parts::of(family, &path.nlri) else { continue };
            block.truncate(len);
            block.extend_from_slice(&parts.extra);
            let mut attr = store.intern_with(&block, len, next_hop);
            if let (Some(old), Some(policy)) = (attr, &policy) {
                let hook = policy.as_ref();
                attr = hook.and_then(|hook| {
                    policy::run(store, &self.policies.roas, (family, &path.nlri), old, from, None, |route| {
                        hook.import(route)
                    })
                });
                store.release(old);
                if attr.is_none() {
                    outcome.reason = Some(Ineligible::Policy);
                }
            }
            let path_id = path.path_id.map_or(0, |id| id.0);
            let route = match attr {
                Some(_) => self.intern_row(family, &parts.key),
                None => self.find_row(family, &parts.key),
            };
            match (route, attr) {
                (Some(route), Some(attr)) => self.announce(store, route, id.0, path_id, attr),
                (Some(route), None) => self.withdraw(store, route, id.0, path_id),
                (None, _) => {}
            }
            match attr {
                Some(attr) => {
                    outcome.announced = outcome.announced.saturating_add(1);
                    store.release(attr);
                }
                None => outcome.rejected = outcome.rejected.saturating_add(1),
            }
        }
    }

    /// A peer may want other route targets when it has one more or less route of them.
    pub(super) fn note_target(&mut self, peer: u32, dest: Dest) {
        if matches!(dest, Dest::Row(_)) && dest.family() == Family::RT_CONSTRAIN && peer != LOCAL {
            self.retargeted.insert(peer);
        }
    }

    /// Tells the groups of peers what they want now (RFC 4684 section 5).
    pub(super) fn renew_targets(&mut self, store: &AttrStore) {
        while let Some(peer) = self.retargeted.pop_first() {
            let id = PeerId(peer);
            let mut targets = Targets::default();
            for row in self.adj_rib_in_nlri(store, id) {
                if let NlriValue::RtConstrain(membership) = row.nlri.as_ref().value() {
                    targets.add(membership);
                }
            }
            let number = self.peer(id).and_then(|peer| peer.group);
            if let Some(group) = number.and_then(|number| group_at(&mut self.groups, number))
                && group.key().targets == Some(peer)
                && group.set_targets(targets)
            {
                group.refill();
            }
        }
    }

    /// The route of a key.
    fn find_row(&self, family: Family, key: &[u8]) -> Option<u32> {
        self.tables.find(self.tables.find_row(family, key)?)
    }

    fn intern_row(&mut self, family: Family, key: &[u8]) -> Option<u32> {
        let dest = self.tables.intern_row(family, key)?;
        self.tables.intern_hashed(self.tables.hash(dest), dest)
    }

    /// As [`originate`](Rib::originate), for a route of another family.
    ///
    /// ```
    /// use bgp_rib::{AttrStore, Config, Rib};
    /// use bgp_wire::attr::AttrBuilder;
    /// use bgp_wire::nlri::NlriBuf;
    /// use bgp_wire::{Asn, BgpId};
    ///
    /// let (mut store, mut rib) = (AttrStore::new(1), Rib::new(Config::new(Asn(64512), BgpId(1)), 2));
    /// let vpn: NlriBuf = "rd 64512:1 10.0.0.0/8 label 100".parse()?;
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate_nlri(&mut store, &vpn, &block, Some("192.0.2.1".parse()?))?;
    /// while rib.process(&mut store, 4096) {}
    /// assert_eq!(rib.loc_rib_nlri(&store, vpn.family()).next().map(|row| row.nlri), Some(vpn));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As there.
    pub fn originate_nlri(
        &mut self,
        store: &mut AttrStore,
        nlri: &NlriBuf,
        canonical: &[u8],
        next_hop: Option<NextHop>,
    ) -> Result<(), OriginateError> {
        Attributes::from_canonical(canonical).map_err(|_| OriginateError::Block)?;
        let parts = Parts::of(nlri.family(), &nlri.as_ref().into()).ok_or(OriginateError::Block)?;
        let octets = [canonical, &parts.extra].concat();
        let attr = store.intern_with(&octets, canonical.len(), next_hop.unwrap_or(NextHop::None));
        let attr = attr.ok_or(OriginateError::Full)?;
        let route = self.intern_row(nlri.family(), &parts.key);
        if let Some(route) = route {
            self.announce(store, route, LOCAL, 0, attr);
        }
        store.release(attr);
        route.map(|_| ()).ok_or(OriginateError::Full)
    }

    /// Ends what [`originate_nlri`](Rib::originate_nlri) began, whatever labels `nlri` has; false where there is no such
    /// route.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, Rib};
    /// # use bgp_wire::nlri::NlriBuf;
    /// # use bgp_wire::{Asn, BgpId};
    /// # let (mut store, mut rib) = (AttrStore::new(1), Rib::new(Config::new(Asn(64512), BgpId(1)), 2));
    /// let rule: NlriBuf = "flow4 { dst 203.0.113.0/24; proto 17; }".parse()?;
    /// rib.originate_nlri(&mut store, &rule, &[], None)?;
    /// assert!(rib.withdraw_local_nlri(&mut store, &rule));
    /// assert!(!rib.withdraw_local_nlri(&mut store, &rule));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withdraw_local_nlri(&mut self, store: &mut AttrStore, nlri: &NlriBuf) -> bool {
        let key = dest::key_of(nlri.family(), &nlri.as_ref().into()).unwrap_or_default();
        let route = self.find_row(nlri.family(), &key).filter(|route| self.local.contains(*route));
        if let Some(route) = route {
            self.withdraw(store, route, LOCAL, 0);
        }
        route.is_some()
    }

    /// The path in use for the route that `nlri` names, whatever its labels are.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, Rib};
    /// # use bgp_wire::nlri::NlriBuf;
    /// # use bgp_wire::{Asn, BgpId};
    /// # let (mut store, mut rib) = (AttrStore::new(1), Rib::new(Config::new(Asn(64512), BgpId(1)), 2));
    /// let one: NlriBuf = "2001:db8::/32 label 17".parse()?;
    /// rib.originate_nlri(&mut store, &one, &[], None)?;
    /// while rib.process(&mut store, 4096) {}
    /// assert!(rib.best_nlri(&store, &"2001:db8::/32 label 18".parse()?).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn best_nlri(&self, store: &AttrStore, nlri: &NlriBuf) -> Option<Selected> {
        let key = dest::key_of(nlri.family(), &nlri.as_ref().into())?;
        selected(store, self.routes.best(self.find_row(nlri.family(), &key)?)?)
    }

    /// The path in use of every route of a family other than unicast, in the order in which routes became known. NLRI that
    /// the codec does not know are left out.
    pub fn loc_rib_nlri<'a>(&'a self, store: &'a AttrStore, family: Family) -> impl Iterator<Item = RowRef> + 'a {
        self.routes
            .all_best()
            .filter_map(move |(id, path)| self.row_ref(store, id, &path))
            .filter(move |row| row.nlri.family() == family)
    }

    /// The paths of families other than unicast that a peer announced and that are eligible, likewise.
    pub fn adj_rib_in_nlri<'a>(&'a self, store: &'a AttrStore, id: PeerId) -> impl Iterator<Item = RowRef> + 'a {
        let routes = self.peer(id).into_iter().flat_map(super::Peer::routes);
        let paths = routes.flat_map(|route| self.routes.paths(route).map(move |path| (route, path)));
        paths.filter(move |(_, path)| path.peer() == id.0).filter_map(|(route, path)| self.row_ref(store, route, path))
    }

    /// What a peer has been sent of families other than unicast, or will have been when it has pulled all there is: the
    /// NLRI with path identifier and attributes as they went out.
    pub fn adj_rib_out_nlri<'a>(
        &'a self,
        store: &'a AttrStore,
        id: PeerId,
    ) -> impl Iterator<Item = (NlriBuf, Option<PathId>, AttrId)> + 'a {
        self.group_of(id).into_iter().flat_map(move |group| {
            group.live().filter_map(move |route| {
                let attr = group.sent(id.0, route)?;
                let dest = group.prefix(&self.tables, route)?;
                Some((self.nlri(store, dest, attr)?, group.key().path_id(dest.family(), route), attr))
            })
        })
    }

    fn row_ref(&self, store: &AttrStore, route: u32, path: &Path) -> Option<RowRef> {
        let nlri = self.nlri(store, self.tables.prefix(route)?, path.attr)?;
        let peer = (path.peer() != LOCAL).then_some(PeerId(path.peer()));
        Some(RowRef { nlri, peer, path_id: PathId(path.path_id), attr: path.attr, stale: path.is_stale() })
    }

    fn nlri(&self, store: &AttrStore, dest: Dest, attr: AttrId) -> Option<NlriBuf> {
        match self.tables.announced(dest, store.extra(attr))? {
            RowNlri::Typed(nlri) => Some(nlri),
            _ => None,
        }
    }
}

//! What a peer sent, kept as it came: another policy or other ROAs act on it without asking the peer again.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

use bgp_wire::attr::Attributes;
use bgp_wire::nlri::NlriRef;
use bgp_wire::{Family, FamilySet, PathId, UpdateView};
use ipnet::IpNet;

use super::Rib;
use crate::dest::{self, Dest, Parts, RowNlri};
use crate::event::{PathRef, UpdateOutcome};
use crate::import::{self, Incoming, Ineligible};
use crate::peer::{PeerConfig, PeerId, PeerPolicy};
use crate::policy::{self, Party};
use crate::rov::Roa;
use crate::store::{AttrId, AttrStore};

/// What identifies what was received: ids of the tables come and go with eligible routes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Net(IpNet),
    Row(Family, Box<[u8]>),
}

impl Key {
    fn of(family: Family, nlri: &NlriRef<'_>) -> Option<Key> {
        match dest::key_of(family, nlri) {
            Some(key) => Some(Key::Row(family, key.into())),
            None => nlri.prefix().map(Key::Net),
        }
    }

    fn family(&self) -> Family {
        match self {
            Key::Net(net) => Dest::Net(*net).family(),
            Key::Row(family, _) => *family,
        }
    }
}

/// One announcement as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    attr: AttrId,
    ineligible: Option<Ineligible>,
    pub(super) stale: bool,
    pub(super) refreshing: bool,
}

/// All that a peer sent.
#[derive(Debug, Default)]
pub(super) struct Kept {
    table: BTreeMap<(Key, u32), Received>,
    /// Nothing is in use that is not in it.
    is_whole: bool,
}

impl Rib {
    /// As [`update`](Rib::update), of a peer whose announcements are kept.
    pub(super) fn update_kept(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        config: &PeerConfig,
        update: &UpdateView<'_>,
    ) -> UpdateOutcome {
        let mut outcome = UpdateOutcome::default();
        for section in update.withdrawn() {
            for path in section.nlri {
                let Some(key) = Key::of(section.family, &path.nlri) else { continue };
                outcome.withdrawn = outcome.withdrawn.saturating_add(1);
                let path_id = path.path_id.map_or(0, |id| id.0);
                if let Some(old) = self.kept_mut(id).and_then(|kept| kept.table.remove(&(key.clone(), path_id))) {
                    store.release(old.attr);
                }
                self.settle_kept(store, id, &key, path_id, None);
            }
        }
        let mut block = Vec::new();
        for section in update.announced() {
            block.clear();
            update.write_canonical(&mut block);
            let len = block.len();
            for path in section.nlri {
                let Some(key) = Key::of(section.family, &path.nlri) else { continue };
                block.truncate(len);
                block.extend(Parts::of(section.family, &path.nlri).map(|parts| parts.extra).unwrap_or_default());
                let path_id = path.path_id.map_or(0, |id| id.0);
                let Some(attr) = store.intern_with(&block, len, section.next_hop) else { continue };
                let ineligible = self.judge(store, id, config, &key, path_id, attr);
                let received = Received { attr, ineligible, stale: false, refreshing: false };
                let kept = self.kept_mut(id).and_then(|kept| kept.table.insert((key, path_id), received));
                if let Some(old) = kept {
                    store.release(old.attr);
                }
                match ineligible {
                    None => outcome.announced = outcome.announced.saturating_add(1),
                    Some(_) => {
                        outcome.rejected = outcome.rejected.saturating_add(1);
                        outcome.reason = ineligible;
                    }
                }
            }
        }
        outcome
    }

    /// Lets the import rules and the policy decide about one announcement.
    fn judge(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        config: &PeerConfig,
        key: &Key,
        path_id: u32,
        received: AttrId,
    ) -> Option<Ineligible> {
        let family = key.family();
        let (canonical, extra) = (store.canonical(received)?.to_vec(), store.extra(received).to_vec());
        let (attributes, next_hop) = (Attributes::from_canonical(&canonical).ok()?, store.next_hop(received)?);
        let incoming = Incoming { family, attributes: &attributes, next_hop, peer: config, config: &self.config };
        let reason = import::ineligible(&incoming);
        if reason.is_some() {
            self.settle_kept(store, id, key, path_id, None);
            return reason;
        }
        let mut block = canonical.clone();
        import::complete(config, family, &attributes, &mut block);
        let len = block.len();
        block.extend_from_slice(&extra);
        let mut attr = store.intern_with(&block, len, next_hop);
        if let (Some(old), PeerPolicy::Use(policy)) = (attr, config.policy) {
            let from = self.peer_source(id).and_then(Party::of);
            let row = match key {
                Key::Net(_) => None,
                Key::Row(family, key) => RowNlri::announced(*family, key, &extra),
            };
            let nlri = match (key, &row) {
                (Key::Net(net), _) => Some(NlriRef::from(*net)),
                (Key::Row(..), row) => row.as_ref().map(RowNlri::as_nlri),
            };
            attr = nlri.zip(self.policies.get(policy)).and_then(|(nlri, policy)| {
                let roas = &self.policies.roas;
                policy::run(store, roas, (family, &nlri), old, from, None, |route| policy.import(route))
            });
            store.release(old);
        }
        self.settle_kept(store, id, key, path_id, attr);
        attr.is_none().then_some(Ineligible::Policy)
    }

    /// Announces what became of an announcement, whose reference it takes; `None`: withdraws it.
    fn settle_kept(&mut self, store: &mut AttrStore, id: PeerId, key: &Key, path_id: u32, attr: Option<AttrId>) {
        let dest = match key {
            Key::Net(net) => Some(Dest::Net(*net)),
            Key::Row(family, key) if attr.is_some() => self.tables.intern_row(*family, key),
            Key::Row(family, key) => self.tables.find_row(*family, key),
        };
        match (dest, attr) {
            (Some(dest), Some(attr)) => {
                if let Some(route) = self.tables.intern_hashed(self.tables.hash(dest), dest) {
                    self.announce(store, route, id.0, path_id, attr);
                }
            }
            (Some(dest), None) => {
                if let Some(route) = self.tables.find(dest) {
                    self.withdraw(store, route, id.0, path_id);
                }
            }
            (None, _) => {}
        }
        attr.inspect(|attr| store.release(*attr));
    }

    fn kept_mut(&mut self, id: PeerId) -> Option<&mut Kept> {
        self.peer_mut(id)?.kept.as_deref_mut()
    }

    /// A session begins: what it brings is kept if that is asked for.
    pub(super) fn begin_kept(&mut self, store: &mut AttrStore, id: PeerId) {
        let Some(peer) = self.peer_mut(id) else { return };
        if !peer.config.soft {
            self.drop_kept(store, id);
        } else if peer.kept.is_none() {
            let is_whole = peer.paths == 0;
            peer.kept = Some(Box::new(Kept { table: BTreeMap::new(), is_whole }));
        }
    }

    /// Nothing is kept any more.
    pub(super) fn drop_kept(&mut self, store: &mut AttrStore, id: PeerId) {
        let kept = self.peer_mut(id).and_then(|peer| peer.kept.take());
        self.rejudged.remove(&id.0);
        kept.into_iter().flat_map(|kept| kept.table).for_each(|(_, received)| store.release(received.attr));
    }

    /// Keeps of what was received only what `keep` says, which may mark it.
    pub(super) fn retain_kept(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        keep: impl Fn(Family, &mut Received) -> bool,
    ) {
        let Some(kept) = self.kept_mut(id) else { return };
        let gone: Vec<_> = kept.table.extract_if(.., |(key, _), received| !keep(key.family(), received)).collect();
        for ((key, path_id), received) in gone {
            store.release(received.attr);
            // A path that was judged anew lost its marks.
            self.settle_kept(store, id, &key, path_id, None);
        }
    }

    /// What was received is to be judged anew. False: not all of it is kept, and the peer has to be asked for the rest.
    pub(super) fn judge_again(&mut self, id: PeerId) -> bool {
        let Some(kept) = self.peer(id).and_then(|peer| peer.kept.as_ref()) else { return false };
        let (is_whole, first) = (kept.is_whole, kept.table.keys().next().cloned());
        if let Some(first) = first {
            self.rejudged.insert(id.0, first);
        }
        is_whole
    }

    /// Judges up to `budget` announcements anew; how many it did.
    pub(super) fn rejudge(&mut self, store: &mut AttrStore, budget: usize) -> usize {
        let mut done = 0;
        while done < budget {
            let Some((peer, (key, path_id))) = self.rejudged.pop_first() else { break };
            let id = PeerId(peer);
            let Some(config) = self.peer_config(id).copied() else { continue };
            let from = (key, path_id);
            let range = (Bound::Included(&from), Bound::Unbounded);
            let kept = self.peer(id).and_then(|peer| peer.kept.as_ref());
            let few = kept.into_iter().flat_map(|kept| kept.table.range(range)).take(budget - done + 1);
            let mut few: Vec<_> = few.map(|(key, received)| (key.clone(), received.attr)).collect();
            if few.len() > budget - done
                && let Some((next, _)) = few.pop()
            {
                self.rejudged.insert(peer, next);
            }
            done += few.len();
            for ((key, path_id), attr) in few {
                // What is left of a session that ended stays as it is until it is sent again.
                let kept = self.peer(id).and_then(|peer| peer.kept.as_ref());
                if kept.and_then(|kept| kept.table.get(&(key.clone(), path_id))).is_none_or(|one| one.stale) {
                    continue;
                }
                let ineligible = self.judge(store, id, &config, &key, path_id, attr);
                if let Some(one) = self.kept_mut(id).and_then(|kept| kept.table.get_mut(&(key, path_id))) {
                    one.ineligible = ineligible;
                }
            }
        }
        done
    }

    /// Everything that a peer with [soft reconfiguration](crate::PeerConfig::with_soft_reconfiguration) sent of IPv4 and
    /// IPv6 unicast, with the attributes as they came and the reason where it is not eligible: what BMP calls pre-policy
    /// Adj-RIB-In. In the order of prefixes; nothing where it is not kept.
    pub fn adj_rib_in_received(&self, id: PeerId) -> impl Iterator<Item = (PathRef, Option<Ineligible>)> {
        let kept = self.peer(id).and_then(|peer| peer.kept.as_ref());
        kept.into_iter().flat_map(|kept| &kept.table).filter_map(move |((key, path_id), received)| {
            let Key::Net(prefix) = key else { return None };
            Some((received.path_ref(id, *prefix, *path_id), received.ineligible))
        })
    }

    /// What is kept of a prefix and not eligible, by peer.
    pub(super) fn ineligible_paths(&self, prefix: IpNet) -> impl Iterator<Item = (PathRef, Ineligible)> {
        let peers = (0_u32..).zip(self.peers.iter()).filter_map(|(id, peer)| Some((id, peer.as_ref()?.kept.as_ref()?)));
        peers.flat_map(move |(id, kept)| {
            let key = |path_id| (Key::Net(prefix), path_id);
            kept.table.range(key(0)..=key(u32::MAX)).filter_map(move |((_, path_id), received)| {
                Some((received.path_ref(PeerId(id), prefix, *path_id), received.ineligible?))
            })
        })
    }

    /// Adds and removes ROAs (RFC 6811). What peers with soft reconfiguration sent is judged anew in the next
    /// [`process`](Rib::process), and what export policies make of it is looked through; the answer is the other peers with
    /// a policy of their own, who have to be asked for their routes again (RFC 2918), if the policy asks for the state at all.
    ///
    /// ```
    /// use bgp_rib::policy::{Condition, Rule, Rules, Verdict};
    /// use bgp_rib::{Config, Rib, Roa, RovState};
    /// use bgp_wire::{Asn, BgpId};
    ///
    /// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let invalid = Condition::Rov(RovState::Invalid);
    /// let policy = rib.add_policy(Rules::new().import(Rule::new(Verdict::Reject).when(invalid)));
    /// let roa = Roa { prefix: "203.0.113.0/24".parse()?, max_len: 24, asn: Asn(64496) };
    /// assert!(rib.change_roas([roa], []).is_empty());
    /// assert_eq!(rib.roas().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "these peers have to be asked for their routes again"]
    pub fn change_roas(
        &mut self,
        added: impl IntoIterator<Item = Roa>,
        removed: impl IntoIterator<Item = Roa>,
    ) -> Vec<PeerId> {
        let roas = &mut self.policies.roas;
        let gone = removed.into_iter().filter(|roa| roas.remove(*roa)).count();
        let new = added.into_iter().filter(|roa| roas.insert(*roa)).count();
        if gone + new == 0 {
            return Vec::new();
        }
        let has_policy = |peer: &Option<super::Peer>| {
            peer.as_ref().is_some_and(|peer| matches!(peer.config.policy, PeerPolicy::Use(_)))
        };
        let peers: Vec<u32> =
            (0_u32..).zip(self.peers.iter()).filter(|(_, peer)| has_policy(peer)).map(|(id, _)| id).collect();
        let asked = peers.into_iter().map(PeerId).filter(|id| self.policy_changed(*id) != FamilySet::EMPTY);
        asked.collect()
    }

    /// The ROAs.
    #[must_use]
    pub fn roas(&self) -> &crate::rov::RoaTable {
        &self.policies.roas
    }
}

impl Received {
    fn path_ref(&self, id: PeerId, prefix: IpNet, path_id: u32) -> PathRef {
        PathRef { prefix, peer: Some(id), path_id: PathId(path_id), attr: self.attr, stale: self.stale }
    }
}

impl Kept {
    pub(super) fn begin_refresh(&mut self, family: Family) {
        let of_family = self.table.iter_mut().filter(|((key, _), _)| key.family() == family);
        of_family.for_each(|(_, received)| received.refreshing = true);
    }

    pub(super) fn attrs(&self) -> impl Iterator<Item = AttrId> {
        self.table.values().map(|received| received.attr)
    }
}

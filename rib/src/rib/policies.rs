//! Policies of a Rib: which there are, what they do to an UPDATE, and what follows when one changes.

use alloc::sync::Arc;

use bgp_wire::nlri::Nlris;
use bgp_wire::{Family, FamilySet};

use super::{Rib, group_at};
use crate::path::Path;
use crate::peer::{PeerId, PeerPolicy, PolicyId};
use crate::policy::{self, Party, Policy};
use crate::store::{AttrId, AttrStore};
use crate::tables;

impl Rib {
    /// Takes a policy; peers get it by its id ([`PeerConfig::with_policy`](crate::PeerConfig::with_policy)). Peers with
    /// one policy share export groups, so that it is asked once for all of them; an id per peer would end that.
    ///
    /// ```
    /// use bgp_rib::policy::{Rule, Rules, Verdict};
    /// use bgp_rib::{Config, PeerConfig, PeerKind, PeerPolicy, Rib};
    /// use bgp_wire::{Asn, BgpId};
    ///
    /// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let nothing_in = rib.add_policy(Rules::new().import(Rule::new(Verdict::Reject)));
    /// let peer = PeerConfig::new(PeerKind::Ebgp, Asn(65001), "192.0.2.2".parse()?);
    /// rib.add_peer(peer.with_policy(PeerPolicy::Use(nothing_in)))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_policy(&mut self, policy: impl Policy + 'static) -> PolicyId {
        self.policies.add(Arc::new(policy))
    }

    /// Puts another policy in the place of one; routes that change from now on meet it. Follow with
    /// [`policy_changed`](Rib::policy_changed) for the peers that have it. False: there is none of that id.
    ///
    /// ```
    /// # use bgp_rib::policy::Rules;
    /// # use bgp_rib::{Config, Rib};
    /// # use bgp_wire::{Asn, BgpId};
    /// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let id = rib.add_policy(Rules::new());
    /// assert!(rib.replace_policy(id, Rules::new()));
    /// ```
    pub fn replace_policy(&mut self, id: PolicyId, policy: impl Policy + 'static) -> bool {
        self.policies.replace(id, Arc::new(policy))
    }

    /// The policy of a peer does other things than it did: what its export group has been sent is looked through once
    /// more in the next [`process`](Rib::process), and what differs is sent, without a session reset.
    ///
    /// The answer is the families that the peer has to be asked to send again (RFC 2918), for what the old policy
    /// rejected or changed on import is not kept: empty where the peer is down or has no policy of its own, and where it is
    /// kept ([`PeerConfig::with_soft_reconfiguration`](crate::PeerConfig::with_soft_reconfiguration)).
    ///
    /// ```
    /// use bgp_rib::policy::{Rule, Rules, Verdict};
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, PeerPolicy, Rib};
    /// # use bgp_wire::attr::AttrBuilder;
    /// # use bgp_wire::{Asn, BgpId, Context, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// let id = rib.add_policy(Rules::new());
    /// let config = PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?);
    /// let peer = rib.add_peer(config.with_policy(PeerPolicy::Use(id)))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &AttrBuilder::new().build()?, None)?;
    /// while rib.process(&mut store, 4096) {}
    /// assert_eq!(rib.adj_rib_out(peer).count(), 1);
    ///
    /// rib.replace_policy(id, Rules::new().export(Rule::new(Verdict::Reject)));
    /// assert_eq!(rib.policy_changed(peer), FamilySet::UNICAST);
    /// while rib.process(&mut store, 4096) {}
    /// assert_eq!(rib.adj_rib_out(peer).count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the peer has to be asked for these families again"]
    pub fn policy_changed(&mut self, id: PeerId) -> FamilySet {
        let Some(peer) = self.peer(id) else { return FamilySet::EMPTY };
        let Some(group) = peer.group else { return FamilySet::EMPTY };
        let (families, has_policy) = (peer.families, matches!(peer.config.policy, PeerPolicy::Use(_)));
        let is_judged = self.judge_again(id);
        if !has_policy {
            return FamilySet::EMPTY;
        }
        if let Some(group) = group_at(&mut self.groups, group) {
            group.refill();
        }
        if is_judged { FamilySet::EMPTY } else { families }
    }

    /// Announces the prefixes of one section that the policy takes, as it changes them; how many, and how many not.
    pub(super) fn apply_policy(
        &mut self,
        store: &mut AttrStore,
        id: PeerId,
        family: Family,
        nlri: Nlris<'_>,
        attr: AttrId,
        policy: PolicyId,
    ) -> (u32, u32) {
        let policy = self.policies.get(policy).cloned();
        let from = self.source(Path::new(attr, id.0, 0)).and_then(Party::of);
        let (mut taken, mut rejected) = (0_u32, 0_u32);
        for path in nlri {
            let Some(prefix) = tables::prefix_of(family, &path.nlri) else { continue };
            let path_id = path.path_id.map_or(0, |id| id.0);
            let new = policy.as_ref().and_then(|policy| {
                policy::run(store, &self.policies.roas, (family, &path.nlri), attr, from, None, |route| {
                    policy.import(route)
                })
            });
            let hash = self.tables.hash(prefix);
            match new {
                Some(new) => {
                    taken = taken.saturating_add(1);
                    if let Some(route) = self.tables.intern_hashed(hash, prefix) {
                        self.announce(store, route, id.0, path_id, new);
                    }
                    store.release(new);
                }
                None => {
                    rejected = rejected.saturating_add(1);
                    if let Some(route) = self.tables.find_hashed(hash, prefix) {
                        self.withdraw(store, route, id.0, path_id);
                    }
                }
            }
        }
        (taken, rejected)
    }
}

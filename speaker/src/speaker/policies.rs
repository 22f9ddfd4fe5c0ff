//! Policies of the tables, which a speaker can change while its sessions are up.

use alloc::vec::Vec;

use bgp_fsm::Instant;
use bgp_rib::policy::Policy;
use bgp_rib::{AttrStore, PeerId, PeerPolicy, PolicyId};

use super::Speaker;

impl Speaker {
    /// Takes a policy, for the `with_policy` of peers that are added afterwards.
    ///
    /// ```
    /// # use bgp_rib::policy::Rules;
    /// # use bgp_rib::{PeerConfig, PeerKind, PeerPolicy};
    /// # use bgp_speaker::{AttrStore, Config, Speaker};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let mut speaker = Speaker::new(Config::new(bgp_rib::Config::new(Asn(64512), BgpId(1))), 2);
    /// let policy = speaker.add_policy(Rules::new());
    /// let routes = PeerConfig::new(PeerKind::Ebgp, Asn(64513), "192.0.2.2".parse()?).with_policy(PeerPolicy::Use(policy));
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    pub fn add_policy(&mut self, policy: impl Policy + 'static) -> PolicyId {
        self.rib.add_policy(policy)
    }

    /// Puts another policy in the place of one. Its peers are sent what differs, and asked for their routes again where
    /// they understand that (RFC 2918); no session ends. False: there is none of that id.
    ///
    /// ```
    /// # use bgp_fsm::Instant;
    /// # use bgp_rib::policy::{Rule, Rules, Verdict};
    /// # use bgp_speaker::{AttrStore, Config, Speaker};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let mut store = AttrStore::new(1);
    /// # let mut speaker = Speaker::new(Config::new(bgp_rib::Config::new(Asn(64512), BgpId(1))), 2);
    /// let policy = speaker.add_policy(Rules::new());
    /// let closed = Rules::new().export(Rule::new(Verdict::Reject));
    /// assert!(speaker.replace_policy(&mut store, Instant::from_secs(1), policy, closed));
    /// while speaker.process(&mut store) {}
    /// ```
    pub fn replace_policy(
        &mut self,
        store: &mut AttrStore,
        now: Instant,
        id: PolicyId,
        policy: impl Policy + 'static,
    ) -> bool {
        if !self.rib.replace_policy(id, policy) {
            return false;
        }
        let has = |peer: &PeerId| self.peer_ref(*peer).is_some_and(|p| p.config.rib.policy() == PeerPolicy::Use(id));
        let peers: Vec<PeerId> = self.peers.iter().flatten().map(|peer| peer.id).filter(has).collect();
        for peer in peers {
            for family in self.rib.policy_changed(peer).iter() {
                self.refresh(store, now, peer, family);
            }
        }
        self.work = true;
        true
    }
}

//! Why a peer was sent a route or not, path by path.

use alloc::vec::Vec;

use ipnet::IpNet;

use super::{Rib, group_at};
use crate::dest::Dest;
use crate::event::{Explained, Exported, Outcome, PathRef, Withheld};
use crate::path::{LOCAL, Path};
use crate::peer::PeerId;
use crate::store::AttrStore;

impl Rib {
    /// For every path of `prefix` that there is, the best first, whether a peer was sent it and why not: what was decided
    /// in the last [`process`](Rib::process). A policy is asked once more for it.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, Exported, PeerConfig, PeerKind, Rib, Withheld};
    /// # use bgp_wire::attr::AttrBuilder;
    /// # use bgp_wire::community::Community;
    /// # use bgp_wire::{Asn, BgpId, Context, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// # rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// let block = AttrBuilder::new().as_path(&[]).communities(&[Community::NO_ADVERTISE]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// while rib.process(&mut store, 4096) {}
    /// let why = rib.explain_export(&mut store, peer, "10.0.0.0/8".parse()?);
    /// assert_eq!(why[0].1, Exported::Withheld(Withheld::NoAdvertise));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain_export(&mut self, store: &mut AttrStore, id: PeerId, prefix: IpNet) -> Vec<(PathRef, Exported)> {
        let all = self.explain(store, prefix);
        all.into_iter().map(|one| (one.path, self.exported(store, id, one))).collect()
    }

    fn exported(&mut self, store: &mut AttrStore, id: PeerId, explained: Explained) -> Exported {
        let no = Exported::Withheld;
        match explained.outcome {
            Outcome::Unreachable => return no(Withheld::Unreachable),
            Outcome::Ineligible(reason) => return no(Withheld::Ineligible(reason)),
            _ => {}
        }
        let Some(number) = self.peer(id).and_then(|peer| peer.group) else { return no(Withheld::Down) };
        let path = explained.path;
        let Some(route) = self.tables.find(Dest::Net(path.prefix.trunc())) else { return no(Withheld::Pending) };
        self.asks.clear();
        for group in self.groups.iter().flatten() {
            group.asks(&mut self.asks);
        }
        if self.dirty.contains(route) {
            return no(Withheld::Pending);
        }
        let Some(decided) = self.decided(store, route, self.routes.best(route), true) else {
            return no(Withheld::Pending);
        };
        let peer = path.peer.map_or(LOCAL, |peer| peer.0);
        let one = Path::new(path.attr, peer, path.path_id.0);
        let Some(source) = self.source(one) else { return no(Withheld::Pending) };
        let (groups, mut shared) = self.split(store);
        let Some(group) = group_at(groups, number) else { return no(Withheld::Down) };
        match group.explain(id.0, &decided, (one, source), &mut shared) {
            Exported::Withheld(Withheld::TooLong) if !group.is_filled() => no(Withheld::Pending),
            other => other,
        }
    }

    /// What is kept of a prefix and not eligible, as explanations.
    pub(super) fn explain_ineligible(&self, prefix: IpNet) -> impl Iterator<Item = Explained> {
        let all = self.ineligible_paths(prefix);
        all.map(|(path, reason)| Explained { path, outcome: Outcome::Ineligible(reason) })
    }
}

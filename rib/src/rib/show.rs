//! What a Rib holds, for people and for tests: in the order of the prefixes, whatever the order of arrival.

use alloc::vec::Vec;
use core::net::IpAddr;

use bgp_wire::{Family, PathId};
use ipnet::IpNet;

use super::Rib;
use super::decide::selected;
use crate::decision;
use crate::dest::Dest;
use crate::event::{Explained, Outcome, PathRef, Selected};
use crate::path::{LOCAL, Path};
use crate::peer::PeerId;
use crate::store::{AttrId, AttrStore};

impl Rib {
    /// The path in use for exactly `prefix`.
    #[must_use]
    pub fn best(&self, store: &AttrStore, prefix: IpNet) -> Option<Selected> {
        let best = self.routes.best(self.tables.find(Dest::Net(prefix.trunc()))?)?;
        selected(store, best)
    }

    /// The longest prefix in use that covers `addr`: as many exact look-ups as there are different prefix lengths. For
    /// forwarding see [`Fib`](crate::Fib).
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
    /// let (prefix, _) = rib.lookup(&store, "10.1.2.3".parse()?).ok_or("no route")?;
    /// assert_eq!(prefix.to_string(), "10.0.0.0/8");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lookup(&self, store: &AttrStore, addr: IpAddr) -> Option<(IpNet, Selected)> {
        let has_best = |id| self.routes.best(id).is_some();
        let id = self.tables.longest(addr, has_best)?;
        Some((self.tables.prefix(id)?.net()?, selected(store, self.routes.best(id)?)?))
    }

    /// Every path of `prefix` with what the decision process would make of it now, the best first, then in the order
    /// of peers; an own route comes last of them.
    ///
    /// ```
    /// use bgp_rib::{AttrStore, Config, Outcome, Rib};
    /// use bgp_wire::{Asn, BgpId};
    ///
    /// let mut store = AttrStore::new(1);
    /// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let prefix = "10.244.36.64/26".parse()?;
    /// rib.originate(&mut store, prefix, &[], None)?;
    /// rib.process(&mut store, 100);
    /// assert_eq!(rib.explain(&store, prefix)[0].outcome, Outcome::Best);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(&self, store: &AttrStore, prefix: IpNet) -> Vec<Explained> {
        let prefix = prefix.trunc();
        let found = self.tables.find(Dest::Net(prefix)).and_then(|id| Some((id, self.candidates(store, id)?)));
        let Some((id, (paths, candidates))) = found else { return self.explain_ineligible(prefix).collect() };
        let log = decision::explain(&candidates, self.rules(&paths, self.routes.best(id)));
        let outcome = |path: &Path| {
            let Some(at) = paths.iter().position(|one| one == path) else { return Outcome::Unreachable };
            match log.get(at).copied().flatten() {
                None => Outcome::Best,
                Some((step, winner)) => {
                    Outcome::Lost { step, against: paths.get(winner).and_then(|path| sender(path.peer())) }
                }
            }
        };
        let mut all: Vec<_> = self
            .routes
            .paths(id)
            .map(|path| (outcome(path), path))
            .map(|(outcome, path)| (outcome != Outcome::Best, path.peer(), path.path_id, path, outcome))
            .collect();
        all.sort_unstable_by_key(|(is_not_best, peer, path_id, ..)| (*is_not_best, *peer, *path_id));
        let competing = all.into_iter().map(|(.., path, outcome)| Explained { path: path_ref(prefix, path), outcome });
        competing.chain(self.explain_ineligible(prefix)).collect()
    }

    /// The paths that a peer announced and that are eligible.
    pub fn adj_rib_in(&self, id: PeerId) -> impl Iterator<Item = PathRef> {
        let routes = self.peer(id).into_iter().flat_map(super::Peer::routes);
        let mut all: Vec<_> = routes
            .filter_map(|route| Some((self.tables.prefix(route)?.net()?, route)))
            .flat_map(|(prefix, route)| self.routes.paths(route).map(move |path| (prefix, path)))
            .filter(|(_, path)| path.peer() == id.0)
            .map(|(prefix, path)| path_ref(prefix, path))
            .collect();
        all.sort_unstable_by_key(|path| (path.prefix, path.path_id));
        all.into_iter()
    }

    /// The path in use of every prefix.
    pub fn loc_rib(&self) -> impl Iterator<Item = PathRef> {
        let best = self.routes.all_best();
        let mut all: Vec<_> =
            best.filter_map(|(id, best)| Some(path_ref(self.tables.prefix(id)?.net()?, &best))).collect();
        all.sort_unstable_by_key(|path| path.prefix);
        all.into_iter()
    }

    /// What a peer has been sent, or will have been when it has pulled all there is: prefixes with the block as it
    /// went out. Empty while it is down.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// while rib.process(&mut store, 4096) {}
    /// let (prefix, attr) = rib.adj_rib_out(peer).next().ok_or("nothing")?;
    /// let next_hop = store.next_hop(attr).ok_or("gone")?;
    /// assert_eq!((prefix.to_string(), next_hop.to_string()), ("10.0.0.0/8".to_owned(), "192.0.2.1".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adj_rib_out(&self, id: PeerId) -> impl Iterator<Item = (IpNet, AttrId)> {
        self.adj_rib_out_paths(id).map(|(prefix, _, attr)| (prefix, attr))
    }

    /// As [`adj_rib_out`](Rib::adj_rib_out), with the path identifiers that go with the prefixes (RFC 7911; `None` in
    /// families without). A path keeps its identifier while it is sent, whatever becomes of its attributes.
    ///
    /// ```
    /// # use bgp_rib::{AddPathTx, AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::AttrBuilder;
    /// # use bgp_wire::{Asn, BgpId, Context, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// let client = PeerConfig::new(PeerKind::RrClient, Asn(64512), "192.0.2.2".parse()?);
    /// let peer = rib.add_peer(client.with_add_path_tx(AddPathTx::All))?;
    /// let context = Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::UNICAST);
    /// rib.peer_up(&mut store, peer, &context, BgpId(2));
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// while rib.process(&mut store, 4096) {}
    /// assert!(rib.adj_rib_out_paths(peer).all(|(_, path_id, _)| path_id.is_some()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adj_rib_out_paths(&self, id: PeerId) -> impl Iterator<Item = (IpNet, Option<PathId>, AttrId)> {
        let mut all: Vec<_> = self
            .group_of(id)
            .into_iter()
            .flat_map(|group| group.live().filter_map(move |route| Some((group, route, group.sent(id.0, route)?))))
            .filter_map(|(group, route, attr)| {
                let dest = group.prefix(&self.tables, route)?;
                Some((dest.net()?, group.key().path_id(dest.family(), route), attr))
            })
            .collect();
        all.sort_unstable_by_key(|(prefix, path_id, _)| (*prefix, *path_id));
        all.into_iter()
    }

    /// How many prefixes of `family` a peer has paths for, stale ones included: what a limit on prefixes counts (RFC 4271
    /// section 6.7). One that is announced again, or with several path identifiers, counts once. Costs nothing.
    ///
    /// ```
    /// # use bgp_rib::{Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::{Asn, BgpId, Family};
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// assert_eq!(rib.prefix_count(peer, Family::IPV4_UNICAST), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn prefix_count(&self, id: PeerId, family: Family) -> u32 {
        self.peer(id).map_or(0, |peer| peer.family_count(family))
    }

    /// How many paths of a peer are in use or compete.
    #[must_use]
    pub fn path_count(&self, id: PeerId) -> u32 {
        self.peer(id).map_or(0, |peer| peer.paths)
    }

    /// How many export groups there are.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.groups.iter().flatten().count()
    }
}

fn sender(peer: u32) -> Option<PeerId> {
    (peer != LOCAL).then_some(PeerId(peer))
}

fn path_ref(prefix: IpNet, path: &Path) -> PathRef {
    let path_id = PathId(path.path_id);
    PathRef { prefix, peer: sender(path.peer()), path_id, attr: path.attr, stale: path.is_stale() }
}

//! Deciding: dirty routes get their best path, the export groups and the FIB hear of what changed.

use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

use bgp_wire::Family;
use bgp_wire::attr::NextHop;
use ipnet::IpNet;
use smallvec::SmallVec;

use super::Rib;
use crate::decision::{self, Candidate, Rules};
use crate::dest::Dest;
use crate::event::Selected;
use crate::group::{Ask, Decided, Group, What};
use crate::path::{LOCAL, Path};
use crate::peer::{PeerId, PeerKind, Source, Vantage};
use crate::store::AttrStore;

/// As many as most routes have paths, without an allocation.
type Few<T> = SmallVec<[T; 4]>;

/// Routes that are decided and packed together.
const BATCH: usize = 4096;

impl Rib {
    /// Decides up to `budget` changed routes and brings what changed into the export groups; true when there is more
    /// to do. Flaps in between cost nothing: only the state at the time of the call counts. Packing gets better with
    /// larger budgets, up to 4096.
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
    /// while rib.process(&mut store, 4096) {}
    /// assert_eq!(rib.loc_rib().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process(&mut self, store: &mut AttrStore, budget: usize) -> bool {
        self.recheck_next_hops(store);
        self.renew_targets(store);
        self.asks.clear();
        for group in self.groups.iter().flatten() {
            group.asks(&mut self.asks);
        }
        let mut left = budget.max(1);
        left = left.saturating_sub(self.rejudge(store, left)).max(1);
        while left > 0 {
            let done = self.fill(store, left.min(BATCH));
            if done == 0 {
                break;
            }
            left = left.saturating_sub(done);
        }
        while left > 0 && !self.dirty.is_empty() {
            self.tick += 1;
            let count = left.min(BATCH);
            let routes: SmallVec<[u32; 16]> = core::iter::from_fn(|| self.dirty.pop_first()).take(count).collect();
            left -= routes.len();
            let mut batch = Vec::new();
            for route in routes {
                batch.extend(self.decide(store, route));
            }
            if batch.is_empty() {
                continue;
            }
            let (groups, mut shared) = self.split(store);
            for group in groups.iter_mut().flatten() {
                group.export(&batch, &mut shared);
            }
            for decided in batch.iter().filter(|decided| decided.best.is_none()) {
                self.retire(decided.route);
            }
        }
        self.free_retired();
        !self.dirty.is_empty() || !self.rejudged.is_empty() || self.unfilled().is_some()
    }

    /// Brings routes into the first group that has not seen all of them; how many it took.
    fn fill(&mut self, store: &mut AttrStore, count: usize) -> usize {
        let Some(number) = self.unfilled() else { return 0 };
        let bound = self.tables.bound();
        let from = self.groups.get(number).and_then(Option::as_ref).map_or(bound, |group| group.filled);
        let to = from.saturating_add(crate::num::count(count)).min(bound);
        let batch: Vec<_> = (from..to)
            .filter_map(|route| {
                let best = self.routes.best(route)?;
                self.decided(store, route, Some(best), true)
            })
            .collect();
        self.tick += 1;
        let (groups, mut shared) = self.split(store);
        if let Some(group) = groups.get_mut(number).and_then(Option::as_mut) {
            group.export(&batch, &mut shared);
            group.filled = to;
            if to == bound {
                group.fill_done(shared.ready);
            }
        }
        crate::num::index(to - from).max(1)
    }

    fn unfilled(&self) -> Option<usize> {
        self.groups.iter().position(|group| group.as_ref().is_some_and(|group| !group.is_filled()))
    }

    /// Chooses the best path of a route; `None` where it is the one it was.
    fn decide(&mut self, store: &mut AttrStore, id: u32) -> Option<Decided> {
        let is_renamed = self.renamed.remove(id);
        let prefix = self.tables.prefix(id)?;
        let (paths, candidates) = self.candidates(store, id)?;
        let old = self.routes.best(id);
        let empty = self.routes.is_empty(id);
        let best = decision::best(&candidates, self.rules(&paths, old)).and_then(|at| paths.get(at)).copied();
        let same = |a: &Path, b: &Path| a.attr == b.attr && a.is(b.peer(), b.path_id);
        let unchanged = match (&old, &best) {
            (None, None) => true,
            (Some(old), Some(best)) => same(old, best),
            _ => false,
        };
        if unchanged {
            self.routes.choose(store, id, best);
            if empty {
                self.retire(id);
            }
            // Other paths may have changed all the same.
            let is_told = is_renamed || !self.asks.is_empty();
            return if is_told { self.decided(store, id, best, is_renamed) } else { None };
        }
        if let (true, Some(prefix)) = (self.config.fib_events, prefix.net()) {
            self.note_fib(
                prefix,
                old.and_then(|path| selected(store, path)),
                best.and_then(|path| selected(store, path)),
            );
        }
        self.routes.choose(store, id, best);
        self.decided(store, id, best, true)
    }

    /// What the groups are told of a route whose best path is `best`.
    pub(super) fn decided(&self, store: &AttrStore, route: u32, best: Option<Path>, is_new: bool) -> Option<Decided> {
        let current = best;
        let best = best.and_then(|path| Some((path, self.source(path)?)));
        let prefix = self.tables.prefix(route)?;
        let mut answers = Vec::with_capacity(self.asks.len());
        for ask in &self.asks {
            if let Some(answer) = self.answer(store, route, prefix, current, *ask) {
                answers.push((*ask, answer));
            }
        }
        Some(Decided { route, prefix, best, answers, is_new })
    }

    /// The paths that a group asks for, in the order of preference.
    fn answer(
        &self,
        store: &AttrStore,
        route: u32,
        dest: Dest,
        best: Option<Path>,
        ask: Ask,
    ) -> Option<Vec<(Path, Source)>> {
        if ask.what == What::Targets && dest.family() != Family::RT_CONSTRAIN {
            return None;
        }
        let (mut paths, mut candidates) = self.candidates_from(store, route, ask.vantage)?;
        if ask.what == What::External {
            let external = |c: &Candidate| c.source.kind.is_some_and(PeerKind::is_external);
            (paths, candidates) =
                paths.into_iter().zip(candidates).filter(|(_, candidate)| external(candidate)).unzip();
        }
        let current = if ask.what == What::External { None } else { best };
        let rules = self.rules(&paths, current);
        let order: Few<usize> = match ask.what {
            What::Best | What::External => decision::best(&candidates, rules).into_iter().collect(),
            What::Ranked(count) => decision::ranked(&candidates, rules, usize::from(count)),
            What::All => (0..paths.len()).collect(),
            What::Groups => decision::group_best(&candidates, rules),
            What::Targets => decision::ranked(&candidates, rules, usize::MAX),
        };
        Some(order.into_iter().filter_map(|at| Some((*paths.get(at)?, candidates.get(at)?.source))).collect())
    }

    /// The paths of a route that compete, each with what the decision process sees of it.
    pub(super) fn candidates(&self, store: &AttrStore, id: u32) -> Option<(Few<Path>, Few<Candidate>)> {
        self.candidates_from(store, id, None)
    }

    /// As [`candidates`](Self::candidates), with the interior costs of another place.
    pub(super) fn candidates_from(
        &self,
        store: &AttrStore,
        id: u32,
        vantage: Option<Vantage>,
    ) -> Option<(Few<Path>, Few<Candidate>)> {
        let (mut paths, mut candidates) = (SmallVec::new(), SmallVec::new());
        for path in self.routes.paths(id) {
            let (Some(facts), Some(source)) = (store.facts(path.attr), self.source(*path)) else { continue };
            let Some(interior_cost) = self.next_hops.cost(store, path.attr, vantage) else { continue };
            paths.push(*path);
            candidates.push(Candidate { facts: *facts, source, interior_cost, path_id: path.path_id });
        }
        Some((paths, candidates))
    }

    pub(super) fn rules(&self, paths: &[Path], current: Option<Path>) -> Rules {
        let current = current.and_then(|best| paths.iter().position(|path| path.is(best.peer(), best.path_id)));
        Rules { options: self.config.decision, local_as: self.config.local_as, current }
    }

    /// Who sent a path.
    pub(super) fn source(&self, path: Path) -> Option<Source> {
        if path.peer() == LOCAL {
            let addr = core::net::Ipv4Addr::UNSPECIFIED.into();
            return Some(Source { kind: None, asn: self.config.local_as, router_id: self.config.router_id, addr });
        }
        self.peer_source(PeerId(path.peer()))
    }

    pub(super) fn peer_source(&self, id: PeerId) -> Option<Source> {
        let peer = self.peer(id)?;
        let (kind, asn, addr) = (Some(peer.config.kind), peer.config.asn, peer.config.addr);
        Some(Source { kind, asn, router_id: peer.router_id, addr })
    }

    /// Keeps what the FIB has to be told of a prefix, against what it was told.
    fn note_fib(&mut self, prefix: IpNet, old: Option<Selected>, new: Option<Selected>) {
        let is_same = |a: &Option<Selected>, b: &Option<Selected>| match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => (a.next_hop, a.peer) == (b.next_hop, b.peer),
            _ => false,
        };
        match self.fib.entry(prefix) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().1 = new;
                if is_same(&entry.get().0, &new) {
                    entry.remove();
                }
            }
            Entry::Vacant(entry) if !is_same(&old, &new) => {
                entry.insert((old, new));
            }
            Entry::Vacant(_) => {}
        }
    }

    /// A route without paths: its id is free when nobody can be told about it any more.
    fn retire(&mut self, id: u32) {
        if !self.routes.is_empty(id) {
            return;
        }
        if self.retiring.insert(id) {
            self.retired.push_back((self.tick, id));
        } else {
            self.again.insert(id);
        }
    }

    fn free_retired(&mut self) {
        let oldest = self.groups.iter().flatten().filter_map(Group::oldest).min().unwrap_or(u64::MAX);
        while let Some((_, id)) = self.retired.front().copied().filter(|(tick, _)| *tick < oldest) {
            self.retired.pop_front();
            self.retiring.remove(id);
            if self.again.remove(id) && self.routes.is_empty(id) {
                self.retiring.insert(id);
                self.retired.push_back((self.tick, id));
            } else if !self.free(id) {
                self.held.insert(id);
            }
        }
        if core::mem::take(&mut self.walked) {
            let held: Vec<u32> = self.held.iter().collect();
            for id in held {
                if self.free(id) {
                    self.held.remove(id);
                }
            }
        }
    }

    /// Frees the id of a route unless somebody has to be told about it; true when there is nothing left to do.
    fn free(&mut self, id: u32) -> bool {
        let is_empty = self.routes.is_empty(id) && self.routes.best(id).is_none() && !self.retiring.contains(id);
        if !is_empty || self.dirty.contains(id) {
            // In use again, or to be retired again when it is decided.
            return true;
        }
        let is_row = self.tables.prefix(id).is_some_and(|dest| dest.net().is_none());
        if self.groups.iter().flatten().any(|group| group.awaits(id, is_row)) {
            return false;
        }
        self.tables.release(id);
        true
    }
}

pub(super) fn selected(store: &AttrStore, path: Path) -> Option<Selected> {
    let peer = (path.peer() != LOCAL).then_some(PeerId(path.peer()));
    let next_hop = store.next_hop(path.attr).unwrap_or(NextHop::None);
    Some(Selected { next_hop, peer, attr: path.attr })
}

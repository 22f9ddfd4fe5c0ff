//! Next hop tracking: what the owner says of interior costs and of reachability.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;

use bgp_wire::attr::NextHop;
use hashbrown::HashTable;

use super::Rib;
use crate::keyed::Keyed;
use crate::peer::Vantage;
use crate::store::{AttrId, AttrStore};

/// Next hops that differ from the default, which is reachable at cost 0.
#[derive(Debug, Default)]
pub(super) struct NextHops {
    keyed: Option<Keyed>,
    table: HashTable<Tracked>,
    /// Interior costs as other places see them.
    seen_from: BTreeMap<(Vantage, IpAddr), u32>,
    /// Those that were told something new since routes were last looked at.
    changed: BTreeSet<IpAddr>,
}

#[derive(Debug, Clone, Copy)]
struct Tracked {
    addr: IpAddr,
    cost: u32,
    unreachable: bool,
}

impl NextHops {
    /// The interior cost to an attribute's next hop; `None`: it cannot be reached.
    pub(super) fn cost(&self, store: &AttrStore, attr: AttrId, vantage: Option<Vantage>) -> Option<u32> {
        if self.table.is_empty() && vantage.is_none() {
            return Some(0);
        }
        let Some(addr) = store.next_hop(attr).and_then(NextHop::addr) else { return Some(0) };
        let own = match self.find(addr) {
            None => 0,
            Some(tracked) if tracked.unreachable => return None,
            Some(tracked) => tracked.cost,
        };
        Some(vantage.and_then(|vantage| self.seen_from.get(&(vantage, addr))).copied().unwrap_or(own))
    }

    fn find(&self, addr: IpAddr) -> Option<&Tracked> {
        self.table.find(self.keyed.as_ref()?.hash(&addr), |tracked| tracked.addr == addr)
    }

    fn set(&mut self, addr: IpAddr, keyed: &Keyed, change: impl Fn(&mut Tracked)) {
        let keyed = self.keyed.get_or_insert_with(|| keyed.clone());
        let hash = keyed.hash(&addr);
        let mut tracked = Tracked { addr, cost: 0, unreachable: false };
        let old = self.table.find_entry(hash, |tracked| tracked.addr == addr).ok().map(|entry| entry.remove().0);
        tracked = old.unwrap_or(tracked);
        let before = (tracked.cost, tracked.unreachable);
        change(&mut tracked);
        if tracked.unreachable || tracked.cost != 0 {
            self.table.insert_unique(hash, tracked, |tracked| keyed.hash(&tracked.addr));
        }
        if before != (tracked.cost, tracked.unreachable) {
            self.changed.insert(addr);
        }
    }
}

impl Rib {
    /// The interior cost to a next hop (RFC 4271 section 9.1.2.2 e; 0 where nothing was said). It acts on the next
    /// [`process`](Rib::process), which looks at every route once for any number of changes.
    pub fn set_igp_cost(&mut self, next_hop: IpAddr, cost: u32) {
        self.next_hops.set(next_hop, self.tables.keyed(), |tracked| tracked.cost = cost);
    }

    /// The interior cost to a next hop as seen from another place than this reflector (RFC 9107 section 3.1), for the peers
    /// that are [there](crate::PeerConfig::with_vantage); `None`, as before any call: as seen from here. It acts on the next
    /// [`process`](Rib::process).
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, Rib, Vantage};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// // The exit 192.0.2.9 is far from here, and near for those in the west.
    /// rib.set_igp_cost("192.0.2.9".parse()?, 1000);
    /// rib.set_vantage_cost(Vantage(1), "192.0.2.9".parse()?, Some(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_vantage_cost(&mut self, vantage: Vantage, next_hop: IpAddr, cost: Option<u32>) {
        let table = &mut self.next_hops.seen_from;
        let old = match cost {
            Some(cost) => table.insert((vantage, next_hop), cost),
            None => table.remove(&(vantage, next_hop)),
        };
        if old != cost {
            self.next_hops.changed.insert(next_hop);
        }
    }

    /// Whether a next hop cannot be reached: routes with it do not compete (RFC 4271 section 9.1.2; all can where
    /// nothing was said). It acts on the next [`process`](Rib::process).
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.set_unreachable("192.0.2.9".parse()?, true);
    /// rib.process(&mut store, 1);
    /// // Routes through 192.0.2.9 are out until it is said to be reachable again.
    /// rib.set_unreachable("192.0.2.9".parse()?, false);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_unreachable(&mut self, next_hop: IpAddr, unreachable: bool) {
        self.next_hops.set(next_hop, self.tables.keyed(), |tracked| tracked.unreachable = unreachable);
    }

    /// Marks the routes whose next hops were told something new.
    pub(super) fn recheck_next_hops(&mut self, store: &AttrStore) {
        if self.next_hops.changed.is_empty() {
            return;
        }
        let changed = core::mem::take(&mut self.next_hops.changed);
        for id in self.routes.ids() {
            let uses = |attr| {
                let addr = store.next_hop(attr).and_then(NextHop::addr);
                addr.is_some_and(|addr| changed.contains(&addr))
            };
            if self.routes.paths(id).any(|path| uses(path.attr)) {
                self.dirty.insert(id);
            }
        }
    }
}

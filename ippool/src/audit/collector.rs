//! The garbage collector: what was out of order at two looks a grace period apart is put in order.
//!
//! It never acts on one look. An address must be unused, a handle unchanged and wrong, a claim unfinished, a block empty
//! and unwritten for a whole grace period; and what it finds is checked again when it is carried out, by handle, sequence
//! number and revision. Only the addresses of nodes that are gone are leaks at once.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::{Inventory, Snapshot};
use crate::block::{Attributes, ReleaseItem};
use crate::key::{IpVersion, Owner};
use crate::store::Revision;
use crate::time::UnixTime;

/// An allocated address that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Leak {
    /// The address.
    pub address: IpAddr,
    /// Its handle.
    pub handle: Option<String>,
    /// Its sequence number.
    pub sequence: u64,
}

/// A handle that does not count what the blocks hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleHandle {
    /// The handle.
    pub id: String,
    /// What the blocks hold.
    pub blocks: BTreeMap<IpNet, u64>,
    /// The revision at which the handle was read; none if it is missing.
    pub revision: Option<Revision>,
}

/// What has to be put in order: the argument of [`op::clean`](crate::op::clean).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cleaning {
    /// Addresses to release.
    pub leaks: Vec<Leak>,
    /// Claims to give up: on empty blocks, on blocks that are not the owner's, or never finished.
    pub claims: Vec<(Owner, IpNet)>,
    /// Blocks whose owner has lost the claim, to be confirmed.
    pub blocks: Vec<(Owner, IpNet)>,
    /// Handles to set right.
    pub handles: Vec<StaleHandle>,
}

impl Cleaning {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaks.is_empty() && self.claims.is_empty() && self.blocks.is_empty() && self.handles.is_empty()
    }

    /// Without the leaks that are in use by now, and without those of their handles: to be asked with a fresh inventory
    /// just before the cleaning is carried out.
    ///
    /// ```
    /// use ippool::audit::{Cleaning, Inventory};
    /// assert!(Cleaning::default().still(&Inventory::default()).is_empty());
    /// ```
    #[must_use]
    pub fn still(mut self, inventory: &Inventory) -> Cleaning {
        let used = |leak: &Leak| inventory.used.contains_key(&leak.address);
        let alive: BTreeSet<String> =
            self.leaks.iter().filter(|leak| used(leak)).filter_map(|leak| leak.handle.clone()).collect();
        self.leaks.retain(|leak| !used(leak) && leak.handle.as_ref().is_none_or(|handle| !alive.contains(handle)));
        self
    }

    /// The leaks as items to release.
    pub(crate) fn items(&self) -> Vec<ReleaseItem> {
        let item = |leak: &Leak| {
            let item = ReleaseItem::new(leak.address).with_sequence(leak.sequence);
            match &leak.handle {
                Some(handle) => item.with_handle(handle.as_str()),
                None => item,
            }
        };
        self.leaks.iter().map(item).collect()
    }
}

/// Remembers since when what is out of order.
///
/// ```
/// use ippool::audit::{Collector, Inventory, Snapshot};
/// use ippool::UnixTime;
/// let mut collector = Collector::default();
/// assert_eq!(collector.interval(), 450);
/// assert!(collector.observe(&Snapshot::default(), &Inventory::default(), UnixTime::default()).is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    grace: i64,
    leaks: BTreeMap<Leak, UnixTime>,
    claims: BTreeMap<(Owner, IpNet), UnixTime>,
    blocks: BTreeMap<(Owner, IpNet), UnixTime>,
    empty: BTreeMap<(Owner, IpNet, u64), UnixTime>,
    handles: BTreeMap<(String, Option<Revision>), UnixTime>,
}

/// With the grace period of Calico: 15 minutes.
impl Default for Collector {
    fn default() -> Collector {
        Collector::new(DEFAULT_GRACE)
    }
}

/// The grace period where none is set, in seconds.
const DEFAULT_GRACE: i64 = 15 * 60;

/// The least grace period for virtual machines, whose addresses outlive their pods, in seconds.
const VM_GRACE: i64 = 5 * 60;

impl Collector {
    /// A collector with a grace period in seconds; negative is 0.
    #[must_use]
    pub fn new(grace: i64) -> Collector {
        Collector {
            grace: grace.max(0),
            leaks: BTreeMap::new(),
            claims: BTreeMap::new(),
            blocks: BTreeMap::new(),
            empty: BTreeMap::new(),
            handles: BTreeMap::new(),
        }
    }

    /// The seconds between two looks: half the grace period.
    #[must_use]
    pub fn interval(&self) -> i64 {
        self.grace / 2
    }

    /// Takes a look and returns what is out of order for a grace period by now.
    pub fn observe(&mut self, snapshot: &Snapshot, inventory: &Inventory, now: UnixTime) -> Cleaning {
        Cleaning {
            leaks: self.leaks(snapshot, inventory, now),
            claims: self.claims(snapshot, inventory, now),
            blocks: self.blocks(snapshot, now),
            handles: self.handles(snapshot, now),
        }
    }

    fn leaks(&mut self, snapshot: &Snapshot, inventory: &Inventory, now: UnixTime) -> Vec<Leak> {
        let mut candidates = BTreeMap::new();
        let mut confirmed = Vec::new();
        // Handles of which some address is not known to have leaked.
        let mut alive: BTreeSet<String> = BTreeSet::new();
        for block in snapshot.blocks.values() {
            for (ordinal, attributes) in block.allocations() {
                let Some(address) = block.address(ordinal) else { continue };
                if attributes.released_at.is_some() || attributes.is_windows() {
                    continue;
                }
                let handle = attributes.clean_handle().map(String::from);
                let leak = Leak { address, handle, sequence: block.sequence_of(ordinal) };
                let over = match class(attributes, inventory, address) {
                    Class::Valid => false,
                    Class::NodeGone => true,
                    Class::Unused(grace) => {
                        let since = *self.leaks.get(&leak).unwrap_or(&now);
                        candidates.insert(leak.clone(), since);
                        since.saturating_add_secs(grace.max(self.grace)) <= now && since < now
                    }
                };
                if over {
                    confirmed.push(leak);
                } else {
                    alive.extend(leak.handle);
                }
            }
        }
        self.leaks = candidates;
        confirmed.retain(|leak| leak.handle.as_ref().is_none_or(|handle| !alive.contains(handle)));
        confirmed
    }

    /// Claims that were never finished or have no block, and those on blocks that stay empty.
    fn claims(&mut self, snapshot: &Snapshot, inventory: &Inventory, now: UnixTime) -> Vec<(Owner, IpNet)> {
        let owns = |owner: &Owner, cidr: &IpNet| {
            snapshot.blocks.get(cidr).is_some_and(|block| block.affinity() == Some(owner))
        };
        let unfinished =
            snapshot.claims.iter().filter(|((owner, cidr), state)| !state.is_confirmed() || !owns(owner, cidr));
        let mut over = lasting(&mut self.claims, unfinished.map(|(claim, _)| claim.clone()), self.grace, now);
        let mut seen = BTreeMap::new();
        for (owner, blocks) in snapshot.owned() {
            let Owner::Host(node) = owner else { continue };
            let gone = !inventory.nodes.contains(node);
            for version in [IpVersion::V4, IpVersion::V6] {
                let of_version: Vec<_> =
                    blocks.iter().filter(|block| IpVersion::of(&block.cidr()) == version).collect();
                let mut left = of_version.len();
                for block in of_version.into_iter().filter(|block| block.is_empty()) {
                    let look = (owner.clone(), block.cidr(), block.sequence());
                    let since = *self.empty.get(&look).unwrap_or(&now);
                    seen.insert(look, since);
                    let lasted = since.saturating_add_secs(self.grace) <= now && since < now;
                    // A node keeps its last block: it will want it again.
                    if gone || (lasted && left > 1) {
                        left = left.saturating_sub(1);
                        over.push((owner.clone(), block.cidr()));
                    }
                }
            }
        }
        self.empty = seen;
        over.sort_unstable();
        over.dedup();
        over
    }

    fn blocks(&mut self, snapshot: &Snapshot, now: UnixTime) -> Vec<(Owner, IpNet)> {
        let owned = snapshot.blocks.values().filter_map(|block| Some((block.affinity()?.clone(), block.cidr())));
        let unclaimed = owned.filter(|claim| !snapshot.claims.contains_key(claim));
        lasting(&mut self.blocks, unclaimed, self.grace, now)
    }

    fn handles(&mut self, snapshot: &Snapshot, now: UnixTime) -> Vec<StaleHandle> {
        let mut found: BTreeMap<&str, BTreeMap<IpNet, u64>> = BTreeMap::new();
        for ((id, cidr), count) in snapshot.counted() {
            if !snapshot.blocks.get(&cidr).is_some_and(|block| block.is_reservation(id)) {
                found.entry(id).or_default().insert(cidr, count);
            }
        }
        let none = BTreeMap::new();
        let stored = snapshot
            .handles
            .iter()
            .filter(|(id, (handle, _))| *found.get(id.as_str()).unwrap_or(&none) != handle.blocks);
        let wrong = stored.map(|(id, (_, revision))| (id.clone(), Some(*revision)));
        let missing =
            found.keys().filter(|id| !snapshot.handles.contains_key(**id)).map(|id| (String::from(*id), None));
        let wrong: Vec<_> = wrong.chain(missing).collect();
        let over = lasting(&mut self.handles, wrong.into_iter(), self.grace, now);
        let stale = |(id, revision): (String, Option<Revision>)| {
            let blocks = found.get(id.as_str()).cloned().unwrap_or_default();
            StaleHandle { id, blocks, revision }
        };
        over.into_iter().map(stale).collect()
    }
}

/// What an allocation looks like to the collector.
enum Class {
    Valid,
    NodeGone,
    /// Nobody uses it; it may stay so for these seconds at least.
    Unused(i64),
}

fn class(attributes: &Attributes, inventory: &Inventory, address: IpAddr) -> Class {
    if inventory.used.contains_key(&address) {
        return Class::Valid;
    }
    let has = |name: &str| attributes.active.contains_key(name);
    let tunnel = attributes.active.get("type").is_some_and(|kind| TUNNELS.contains(&kind.as_str()));
    let pod = has("pod") && has("namespace");
    if !(tunnel || pod) {
        // Nobody knows what it is for.
        return Class::Valid;
    }
    match attributes.active.get("node") {
        Some(node) if !inventory.nodes.contains(node) => Class::NodeGone,
        _ if has("vmi-name") || has("vm-uid") => Class::Unused(VM_GRACE),
        _ => Class::Unused(0),
    }
}

/// The values of the attribute `type` for the ends of tunnels.
const TUNNELS: [&str; 5] = [
    "ipipTunnelAddress",
    "vxlanTunnelAddress",
    "vxlanV6TunnelAddress",
    "wireguardTunnelAddress",
    "wireguardV6TunnelAddress",
];

/// Remembers what is there now and since when, and returns what was there a grace period ago already.
fn lasting<T: Ord + Clone>(
    since: &mut BTreeMap<T, UnixTime>,
    present: impl Iterator<Item = T>,
    grace: i64,
    now: UnixTime,
) -> Vec<T> {
    let seen: BTreeMap<T, UnixTime> = present
        .map(|one| {
            let first = *since.get(&one).unwrap_or(&now);
            (one, first)
        })
        .collect();
    let over = seen.iter().filter(|(_, first)| first.saturating_add_secs(grace) <= now && **first < now);
    let over = over.map(|(one, _)| one.clone()).collect();
    *since = seen;
    over
}

//! Looking over a whole datastore: what is stored, what is in use, what does not fit, what leaked.
//!
//! [`Snapshot`] is what is stored, read by [`op::snapshot`](crate::op::snapshot) or out of a dump; [`Inventory`] is what
//! the cluster uses, told by the caller. [`check`] compares them once, a [`Collector`] again and again, and gives what
//! has to go to [`op::clean`](crate::op::clean). All of it is pure: no clock, no store.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::block::Block;
use crate::index::at_time;
use crate::invalid::{BadValue, DecodeError};
use crate::key::{Key, Owner};
use crate::store::{Revision, Stored};
use crate::time::UnixTime;
use crate::value::{AffinityState, Config, Handle, Value};

mod check;
mod collector;
mod forecast;

pub use check::{AddressReport, Finding, Report, check, in_all};
pub use collector::{Cleaning, Collector, Leak, StaleHandle};
pub use forecast::{Forecast, Sample, forecast};

/// Everything that is stored, as it was listed. Blocks are as they are at the time of the look: addresses whose cooldown
/// is over are free.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The configuration in force.
    pub config: Config,
    /// The blocks.
    pub blocks: BTreeMap<IpNet, Arc<Block>>,
    /// The claims on blocks.
    pub claims: BTreeMap<(Owner, IpNet), AffinityState>,
    /// The handles, with the revisions at which they were read.
    pub handles: BTreeMap<String, (Handle, Revision)>,
    /// Objects that cannot be used.
    pub bad: Vec<BadValue>,
}

impl Snapshot {
    /// What a list of objects holds at a time; objects that are being deleted are left out.
    ///
    /// ```
    /// use ippool::audit::Snapshot;
    /// use ippool::store::{Revision, Stored};
    /// use ippool::{Config, Key, UnixTime, Value};
    /// let config = Stored { value: Value::Config(Config::default()), revision: Revision(1) };
    /// let snapshot = Snapshot::new([(Key::Config, config)], UnixTime::default());
    /// assert!(snapshot.bad.is_empty() && snapshot.blocks.is_empty());
    /// ```
    pub fn new(objects: impl IntoIterator<Item = (Key, Stored)>, now: UnixTime) -> Snapshot {
        let mut found = Snapshot::default();
        let mut blocks = Vec::new();
        for (key, stored) in objects {
            if stored.value.is_deleted() {
                continue;
            }
            match (key, stored.value) {
                (Key::Block(cidr), Value::Block(block)) if block.cidr() == cidr => blocks.push(block),
                (Key::Affinity(owner, cidr), Value::Affinity(affinity)) => {
                    found.claims.insert((owner, cidr), affinity.state);
                }
                (Key::Handle(id), Value::Handle(handle)) => {
                    found.handles.insert(id, (handle, stored.revision));
                }
                (Key::Config, Value::Config(config)) => found.config = config,
                (Key::Host(_), Value::Host) => {}
                (key, Value::Invalid(error)) => found.bad.push(BadValue { key, error }),
                (key, _) => found.bad.push(BadValue { key, error: DecodeError::Misplaced }),
            }
        }
        let cooldown = found.config.cooldown_seconds.into();
        found.blocks = blocks.iter().map(|block| (block.cidr(), at_time(block, cooldown, now).0)).collect();
        found
    }

    /// The blocks of each owner, by what the blocks say.
    pub(crate) fn owned(&self) -> BTreeMap<&Owner, Vec<&Arc<Block>>> {
        let mut owned: BTreeMap<&Owner, Vec<&Arc<Block>>> = BTreeMap::new();
        for block in self.blocks.values() {
            if let Some(owner) = block.affinity() {
                owned.entry(owner).or_default().push(block);
            }
        }
        owned
    }

    /// How many addresses each handle has in each block, by what the blocks say.
    pub(crate) fn counted(&self) -> BTreeMap<(&str, IpNet), u64> {
        let mut counted: BTreeMap<(&str, IpNet), u64> = BTreeMap::new();
        for block in self.blocks.values() {
            for (_, attributes) in block.allocations() {
                if let Some(handle) = attributes.clean_handle() {
                    *counted.entry((handle, block.cidr())).or_default() += 1;
                }
            }
        }
        counted
    }
}

/// What a cluster has at one moment: its nodes, and who uses which address.
///
/// ```
/// use ippool::audit::Inventory;
/// let inventory = Inventory::default()
///     .with_node("n1")
///     .with_use("10.0.0.1".parse()?, "Workload(default/web)");
/// assert!(inventory.nodes.contains("n1"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// The nodes that exist.
    pub nodes: BTreeSet<String>,
    /// The addresses in use, each with its users as text: pods, tunnels of nodes, services.
    pub used: BTreeMap<IpAddr, Vec<String>>,
}

impl Inventory {
    /// With this node.
    #[must_use]
    pub fn with_node(mut self, name: impl Into<String>) -> Inventory {
        self.nodes.insert(name.into());
        self
    }

    /// With this user of an address.
    #[must_use]
    pub fn with_use(mut self, address: IpAddr, user: impl Into<String>) -> Inventory {
        self.used.entry(address).or_default().push(user.into());
        self
    }
}

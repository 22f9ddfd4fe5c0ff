//! One comparison of what is stored with what is in use, as `calicoctl ipam check` does it, with typed findings.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::{Inventory, Snapshot};
use crate::block::{Attributes, ReleaseItem};
use crate::invalid::BadValue;
use crate::key::Owner;
use crate::pool::Resources;
use crate::value::AffinityState;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// An address is allocated and nobody uses it.
    NotInUse {
        /// The address.
        address: IpAddr,
        /// Its handle.
        handle: Option<String>,
    },
    /// An address is used and not allocated.
    NotAllocated {
        /// The address.
        address: IpAddr,
        /// Whether it lies in an enabled pool.
        in_pool: bool,
    },
    /// A handle counts more addresses in a block than the block has; none at all: nothing would ever delete it.
    HandleCountsTooMuch {
        /// The handle.
        handle: String,
        /// The block.
        block: IpNet,
        /// What the handle counts.
        counted: u64,
        /// What the block has.
        found: u64,
    },
    /// A block has more addresses of a handle than the handle counts; 0: the handle is missing.
    HandleCountsTooLittle {
        /// The handle.
        handle: String,
        /// The block.
        block: IpNet,
        /// What the handle counts.
        counted: u64,
        /// What the block has.
        found: u64,
    },
    /// A stored object cannot be used.
    BadValue(BadValue),
    /// Two blocks share addresses.
    Overlap(IpNet, IpNet),
    /// A claim on a block that does not exist, or is not the owner's.
    ClaimWithoutBlock {
        /// Who claims.
        owner: Owner,
        /// The block.
        cidr: IpNet,
        /// How far the claim has got.
        state: AffinityState,
    },
    /// A block of an owner who has no confirmed claim on it.
    BlockWithoutClaim {
        /// The owner by the block.
        owner: Owner,
        /// The block.
        cidr: IpNet,
    },
    /// A block of a node that does not exist.
    UnknownNode {
        /// The node.
        node: String,
        /// The block.
        cidr: IpNet,
    },
    /// A block that lies in no pool, enabled or not.
    OutsidePools(IpNet),
}

/// What is known about one allocated address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressReport {
    /// The address.
    pub address: IpAddr,
    /// Its block.
    pub block: IpNet,
    /// Its handle.
    pub handle: Option<String>,
    /// The sequence number of the allocation.
    pub sequence: u64,
    /// The attributes of the allocation, among them `pod`, `namespace`, `node`, `type` and `timestamp`.
    pub attributes: alloc::collections::BTreeMap<String, String>,
    /// Whether somebody uses it.
    pub in_use: bool,
    /// Whether it was released and is not free yet.
    pub cooling_down: bool,
    /// Whether its node is another than the block's.
    pub borrowed: bool,
    /// Who uses it.
    pub users: Vec<String>,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Which cluster was looked at, if that was said: reports of different ones are never taken together.
    pub cluster: Option<String>,
    /// Every allocated address, in the order of the addresses, IPv4 first.
    pub addresses: Vec<AddressReport>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Of a cluster with this name or GUID.
    #[must_use]
    pub fn with_cluster(self, cluster: impl Into<String>) -> Report {
        Report { cluster: Some(cluster.into()), ..self }
    }

    /// The addresses that are allocated and not in use.
    pub fn leaks(&self) -> impl Iterator<Item = &AddressReport> + '_ {
        self.addresses.iter().filter(|address| !address.in_use && !address.cooling_down)
    }
}

/// Compares what is stored with what is in use and with itself.
///
/// ```
/// use ippool::audit::{check, Inventory, Snapshot};
/// use ippool::Resources;
/// let report = check(&Snapshot::default(), &Inventory::default(), &Resources::default());
/// assert!(report.is_clean());
/// ```
#[doc(alias = "ipam check")]
#[must_use]
pub fn check(snapshot: &Snapshot, inventory: &Inventory, resources: &Resources) -> Report {
    let mut report = Report::default();
    addresses(snapshot, inventory, &mut report);
    let findings = &mut report.findings;
    let unallocated = inventory.used.keys().filter(|used| !is_allocated(snapshot, **used));
    findings.extend(unallocated.map(|address| Finding::NotAllocated {
        address: *address,
        in_pool: resources.enabled_pool_of(&IpNet::from(*address)).is_some(),
    }));
    handles(snapshot, findings);
    findings.extend(snapshot.bad.iter().cloned().map(Finding::BadValue));
    let mut before: Option<IpNet> = None;
    for (cidr, block) in &snapshot.blocks {
        // In the order of addresses a block that overlaps comes after the one that holds it.
        match before {
            Some(other) if other.contains(cidr) => findings.push(Finding::Overlap(other, *cidr)),
            _ => before = Some(*cidr),
        }
        if resources.pool_of(cidr).is_none() {
            findings.push(Finding::OutsidePools(*cidr));
        }
        let Some(owner) = block.affinity() else { continue };
        let claim = snapshot.claims.get(&(owner.clone(), *cidr));
        if !claim.is_some_and(|state| state.is_confirmed()) {
            findings.push(Finding::BlockWithoutClaim { owner: owner.clone(), cidr: *cidr });
        }
        if let Owner::Host(node) = owner
            && !inventory.nodes.contains(node)
        {
            findings.push(Finding::UnknownNode { node: node.clone(), cidr: *cidr });
        }
    }
    for ((owner, cidr), state) in &snapshot.claims {
        if snapshot.blocks.get(cidr).is_none_or(|block| block.affinity() != Some(owner)) {
            findings.push(Finding::ClaimWithoutBlock { owner: owner.clone(), cidr: *cidr, state: *state });
        }
    }
    report
}

/// The leaks that all of some reports agree on, by address, handle and sequence number: what
/// [`op::release_ips`](crate::op::release_ips) may release although time has passed since. None if the reports are of
/// different clusters, or there are none.
///
/// ```
/// use ippool::audit::{in_all, Report};
/// let (one, other) = (Report::default().with_cluster("a"), Report::default().with_cluster("b"));
/// assert_eq!(in_all(&[one.clone(), one.clone()]), Some(vec![]));
/// assert_eq!(in_all(&[one, other]), None);
/// ```
#[doc(alias = "ipam release --from-report")]
#[must_use]
pub fn in_all(reports: &[Report]) -> Option<Vec<ReleaseItem>> {
    let (first, others) = reports.split_first()?;
    if others.iter().any(|other| other.cluster != first.cluster) {
        return None;
    }
    let same = |leak: &AddressReport, other: &AddressReport| {
        (leak.address, &leak.handle, leak.sequence) == (other.address, &other.handle, other.sequence)
    };
    let everywhere = |leak: &&AddressReport| others.iter().all(|other| other.leaks().any(|one| same(leak, one)));
    Some(first.leaks().filter(everywhere).map(release_item).collect())
}

fn release_item(leak: &AddressReport) -> ReleaseItem {
    let item = ReleaseItem::new(leak.address).with_sequence(leak.sequence);
    match &leak.handle {
        Some(handle) => item.with_handle(handle.as_str()),
        None => item,
    }
}

fn addresses(snapshot: &Snapshot, inventory: &Inventory, report: &mut Report) {
    for block in snapshot.blocks.values() {
        for (ordinal, attributes) in block.allocations().filter(|(_, attributes)| !attributes.is_windows()) {
            let Some(address) = block.address(ordinal) else { continue };
            let users = inventory.used.get(&address).cloned().unwrap_or_default();
            let (in_use, cooling_down) = (!users.is_empty(), attributes.released_at.is_some());
            if !in_use && !cooling_down {
                let handle = attributes.handle.clone();
                report.findings.push(Finding::NotInUse { address, handle });
            }
            report.addresses.push(AddressReport {
                address,
                block: block.cidr(),
                handle: attributes.clean_handle().map(String::from),
                sequence: block.sequence_of(ordinal),
                attributes: attributes.active.clone(),
                in_use,
                cooling_down,
                borrowed: is_borrowed(block.affinity(), attributes),
                users,
            });
        }
    }
}

fn is_borrowed(owner: Option<&Owner>, attributes: &Attributes) -> bool {
    let node = attributes.active.get("node").map(String::as_str);
    node.is_some() && owner.is_none_or(|owner| Some(owner.name()) != node)
}

fn is_allocated(snapshot: &Snapshot, address: IpAddr) -> bool {
    let around = snapshot.blocks.range(..=IpNet::from(address)).rev().take(MAX_LENGTHS);
    around.into_iter().any(|(_, block)| block.allocation(address).is_ok())
}

/// How many blocks that begin before an address may have to be looked at: one of each length, were they to overlap.
const MAX_LENGTHS: usize = 13;

fn handles(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let counted = snapshot.counted();
    for (id, (handle, _)) in &snapshot.handles {
        for (block, count) in &handle.blocks {
            let found = counted.get(&(id.as_str(), *block)).copied().unwrap_or(0);
            if *count > found {
                let (handle, block, counted) = (id.clone(), *block, *count);
                findings.push(Finding::HandleCountsTooMuch { handle, block, counted, found });
            }
        }
    }
    for ((id, block), found) in counted {
        let count = snapshot.handles.get(id).and_then(|(handle, _)| handle.blocks.get(&block)).copied().unwrap_or(0);
        let reserved = snapshot.blocks.get(&block).is_some_and(|block| block.is_reservation(id));
        if count < found && !reserved {
            findings.push(Finding::HandleCountsTooLittle { handle: id.into(), block, counted: count, found });
        }
    }
}

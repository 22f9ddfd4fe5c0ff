//! How full pools and blocks are.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::{IpNet, Ipv4Net};

use super::Operation;
use super::tape::{Clock, Flow, Halt, Run, Script, StoreError, Tape};
use crate::block::Block;
use crate::key::IpVersion;
use crate::net;
use crate::pool::Resources;
use crate::reservation::{Reservations, count, merge};
use crate::time::UnixTime;

/// The space of a prefix, in addresses. Figures stop at 2^63 - 1, as Calico's do.
///
/// ```
/// use ippool::op::Space;
/// use ippool::Reservations;
/// let reserved = Reservations::parse(["10.0.0.128/25"]);
/// let space = Space::of(&"10.0.0.0/24".parse()?, &reserved, &["10.0.0.0/26".parse()?]);
/// assert_eq!((space.capacity, space.reserved, space.available_outside_blocks), (256, 128, 64));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// All addresses.
    pub capacity: u64,
    /// Reserved ones.
    pub reserved: u64,
    /// Addresses that are neither reserved nor in one of the blocks.
    pub available_outside_blocks: u64,
}

impl Space {
    /// Counts the addresses of `cidr`; reservations and blocks may nest, overlap and reach beyond it.
    #[must_use]
    pub fn of(cidr: &IpNet, reserved: &Reservations, blocks: &[IpNet]) -> Space {
        let (first, last) = net::span(&cidr.trunc());
        let taken: Vec<IpNet> = reserved.cidrs().iter().chain(blocks).copied().collect();
        let taken = count(&merge(&taken, IpVersion::of(cidr)), first, last);
        let capacity = (last - first).saturating_add(1);
        // The whole IPv6 space has one address more than fits; nothing is left of it if all is taken.
        let available = if taken == u128::MAX { 0 } else { capacity.saturating_sub(taken) };
        Space {
            capacity: saturate(capacity),
            reserved: saturate(reserved.count_in(cidr)),
            available_outside_blocks: saturate(available),
        }
    }
}

/// How full a block is, in addresses; some may be both in use and reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockUtilization {
    /// The block.
    pub cidr: IpNet,
    /// All addresses.
    pub capacity: u64,
    /// Allocated ones and those cooling down.
    pub in_use: u64,
    /// Reserved ones.
    pub reserved: u64,
    /// Those that are neither.
    pub available: u64,
}

/// How full a pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolUtilization {
    /// The pool's name.
    pub name: String,
    /// Its addresses.
    pub cidr: IpNet,
    /// All addresses.
    pub capacity: u64,
    /// Allocated ones and those cooling down.
    pub in_use: u64,
    /// Reserved ones, in blocks or not.
    pub reserved: u64,
    /// Those that are neither, in blocks or not.
    pub available: u64,
    /// The pool's blocks in key order.
    pub blocks: Vec<BlockUtilization>,
}

/// The name of the last row, for blocks that lie in no pool.
pub const ORPHANS: &str = "orphaned allocation blocks";

/// How full pools are, in name order: those whose name or CIDR is in `pools`, or all and a last row [`ORPHANS`] without
/// totals for blocks in no pool.
///
/// Cost: R 1, L 2.
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Pool, Resources, UnixTime};
/// let resources = Arc::new(Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?)));
/// let rows = drive(op::utilization(Some(&["p"]), &resources, UnixTime::default()), &mut MemoryStore::default());
/// assert_eq!(rows.map(|rows| rows[0].available), Ok(256));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
///
/// # Errors
/// The output is a [`StoreError`].
pub fn utilization(
    pools: Option<&[&str]>,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Result<Vec<PoolUtilization>, StoreError>> + Clone + core::fmt::Debug + Send + Sync + use<>
{
    let pools = pools.map(|pools| pools.iter().map(|pool| String::from(*pool)).collect());
    Run::new(Utilization { pools, resources: Arc::clone(resources), now }, ())
}

#[derive(Debug, Clone)]
struct Utilization {
    pools: Option<Vec<String>>,
    resources: Arc<Resources>,
    now: UnixTime,
}

impl Script for Utilization {
    type State = ();
    type Output = Result<Vec<PoolUtilization>, StoreError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        let clock = Clock::new(self.now, &io.config()?);
        let mut read = io.list_blocks(IpVersion::V4, clock)?;
        read.extend(io.list_blocks(IpVersion::V6, clock)?);
        let blocks = read.into_iter().map(|(_, read)| Ok(read?.block)).collect::<Result<Vec<Arc<Block>>, Halt>>()?;
        let reserved = self.resources.reservations();
        let mut rows: Vec<PoolUtilization> = Vec::new();
        for pool in self.resources.pools() {
            let cidr = pool.cidr();
            let wanted = |name: &String| name == pool.name() || name.parse::<IpNet>().is_ok_and(|c| c.trunc() == cidr);
            if self.pools.as_ref().is_some_and(|pools| !pools.iter().any(wanted)) {
                continue;
            }
            let inside: Vec<&Arc<Block>> = blocks.iter().filter(|block| cidr.contains(&block.cidr())).collect();
            let cidrs: Vec<IpNet> = inside.iter().map(|block| block.cidr()).collect();
            let space = Space::of(&cidr, reserved, &cidrs);
            let used: Vec<BlockUtilization> = inside.iter().map(|block| one(block, reserved)).collect();
            let sum = |figure: fn(&BlockUtilization) -> u64| {
                used.iter().fold(0u64, |sum, block| sum.saturating_add(figure(block)))
            };
            rows.push(PoolUtilization {
                name: pool.name().into(),
                cidr,
                capacity: space.capacity,
                in_use: sum(|block| block.in_use),
                reserved: space.reserved,
                available: saturate(u128::from(space.available_outside_blocks) + u128::from(sum(|b| b.available))),
                blocks: used,
            });
        }
        if self.pools.is_none() {
            let known = |block: &Block| self.resources.pools().iter().any(|pool| pool.cidr().contains(&block.cidr()));
            rows.push(PoolUtilization {
                name: ORPHANS.into(),
                cidr: IpNet::V4(Ipv4Net::default()),
                capacity: 0,
                in_use: 0,
                reserved: 0,
                available: 0,
                blocks: blocks.iter().filter(|block| !known(block)).map(|block| one(block, reserved)).collect(),
            });
        }
        Ok(Flow::Done(Ok(rows)))
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error)
    }
}

fn one(block: &Block, reserved: &Reservations) -> BlockUtilization {
    let figure = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    BlockUtilization {
        cidr: block.cidr(),
        capacity: figure(block.size()),
        in_use: figure(block.in_use()),
        reserved: figure(block.num_reserved(reserved)),
        available: figure(block.num_free(reserved)),
    }
}

fn saturate(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX).min(u64::MAX >> 1)
}

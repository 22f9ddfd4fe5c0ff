//! Releasing addresses one by one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::handle::{decrement, write_or_delete};
use super::tape::{CONFLICT, Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape};
use super::{Operation, RETRIES, claim};
use crate::block::{ReleaseError, ReleaseItem};
use crate::key::{IpVersion, Owner};
use crate::net;
use crate::pool::{Resources, block_index, nth_block};
use crate::time::UnixTime;

/// Why an address was not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseIpsError {
    /// The address has another sequence number, or none: it was given out again since.
    #[error("address has another sequence number")]
    BadSequence,
    /// The address has another handle.
    #[error("address has another handle")]
    BadHandle,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a release of addresses did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReleasedIps {
    /// Addresses that were not allocated, ascending.
    pub not_allocated: Vec<IpAddr>,
    /// The items that caused no error, in their order (those of the addresses above too).
    pub ok: Vec<ReleaseItem>,
    /// The first error; blocks are independent of each other.
    pub error: Option<ReleaseIpsError>,
}

/// Releases addresses; within one block all of them or none.
///
/// Cost: L 1 if an address lies in no pool or not in a block of its pool's length; R 1, then per block R 1 and W 1, and
/// per handle in it R 1 and W 1.
///
/// ```
/// use std::sync::Arc;
/// use ippool::block::ReleaseItem;
/// use ippool::{drive, op, MemoryStore, Resources, UnixTime};
/// let resources = Arc::new(Resources::default());
/// let items = [ReleaseItem::new("10.0.0.1".parse()?)];
/// let released = drive(op::release_ips(&items, &resources, UnixTime::default()), &mut MemoryStore::default());
/// assert_eq!(released.not_allocated.len(), 1);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn release_ips(
    items: &[ReleaseItem],
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = ReleasedIps> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(ReleaseIps { items: items.to_vec(), resources: Arc::clone(resources), now }, State::default())
}

#[derive(Debug, Clone)]
struct ReleaseIps {
    items: Vec<ReleaseItem>,
    resources: Arc<Resources>,
    now: UnixTime,
}

/// A block and the places of the items in it.
type Group = (IpNet, Vec<usize>);

#[derive(Debug, Clone, Default)]
struct State {
    /// The cooldown and the blocks to do, once known.
    todo: Option<(i64, Vec<Group>)>,
    not_allocated: BTreeSet<IpAddr>,
    failed: BTreeSet<usize>,
    error: Option<ReleaseIpsError>,
}

/// What became of the items of one block.
enum Outcome {
    /// Released; these were not allocated.
    Released(Vec<IpAddr>),
    NoBlock,
    Refused(ReleaseIpsError),
}

impl Script for ReleaseIps {
    type State = State;
    type Output = ReleasedIps;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, ReleasedIps>, Halt> {
        let mut next = state.clone();
        let Some((cooldown, todo)) = &mut next.todo else {
            let cooldown = Clock::new(self.now, &io.config()?).cooldown;
            let groups = self.group(io, &mut next.not_allocated)?;
            next.todo = Some((cooldown, groups));
            return Ok(Flow::Next(next));
        };
        let clock = Clock { now: self.now, cooldown: *cooldown };
        let Some((cidr, places)) = todo.pop() else { return Ok(Flow::Done(self.output(state))) };
        match self.release(io, clock, cidr, &places) {
            Ok(Outcome::Released(not_allocated)) => next.not_allocated.extend(not_allocated),
            Ok(Outcome::NoBlock) => self.regroup(io, &places, todo, &mut next.not_allocated)?,
            Ok(Outcome::Refused(error)) => {
                next.failed.extend(places);
                next.error = next.error.or(Some(error));
            }
            Err(Halt::Fault(error)) => {
                next.failed.extend(places);
                next.error = next.error.or(Some(error.into()));
            }
            Err(Halt::Wait) => return Err(Halt::Wait),
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, _: &State, error: StoreError) -> ReleasedIps {
        ReleasedIps { error: Some(error.into()), ..ReleasedIps::default() }
    }
}

impl ReleaseIps {
    fn output(&self, state: &State) -> ReleasedIps {
        let ok = self.items.iter().enumerate().filter(|(place, _)| !state.failed.contains(place));
        ReleasedIps {
            not_allocated: state.not_allocated.iter().copied().collect(),
            ok: ok.map(|(_, item)| item.clone()).collect(),
            error: state.error,
        }
    }

    /// The items by block, the last to be done first.
    fn group(&self, io: &mut Tape, not_allocated: &mut BTreeSet<IpAddr>) -> Result<Vec<Group>, Halt> {
        let mut groups: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            match block_of(&self.resources, item.address) {
                Some(cidr) => groups.entry(cidr).or_default().push(place),
                None => orphans.push(place),
            }
        }
        let mut todo: Vec<_> = groups.into_iter().rev().collect();
        self.regroup(io, &orphans, &mut todo, not_allocated)?;
        Ok(todo)
    }

    /// Looks among all blocks for those of items that are not where their pools would have them.
    fn regroup(
        &self,
        io: &mut Tape,
        places: &[usize],
        todo: &mut Vec<Group>,
        not_allocated: &mut BTreeSet<IpAddr>,
    ) -> Result<(), Halt> {
        let mut groups: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        for version in [IpVersion::V4, IpVersion::V6] {
            let here = |place: &usize| {
                let address = self.items.get(*place)?.address;
                (IpVersion::of(&IpNet::from(address)) == version).then_some((*place, address))
            };
            let here: Vec<(usize, IpAddr)> = places.iter().filter_map(here).collect();
            if here.is_empty() {
                continue;
            }
            let blocks = io.list_blocks(version, Clock { now: self.now, cooldown: 0 })?;
            for (place, address) in here {
                match blocks.iter().find(|(cidr, _)| cidr.contains(&address)) {
                    Some((cidr, _)) => groups.entry(*cidr).or_default().push(place),
                    None => {
                        not_allocated.insert(address);
                    }
                }
            }
        }
        todo.extend(groups.into_iter().rev());
        Ok(())
    }

    fn release(&self, io: &mut Tape, clock: Clock, cidr: IpNet, places: &[usize]) -> Result<Outcome, Halt> {
        let items: Vec<ReleaseItem> = places.iter().filter_map(|place| self.items.get(*place)).cloned().collect();
        for _ in 0..RETRIES {
            let Some(read) = io.block(cidr, clock)? else { return Ok(Outcome::NoBlock) };
            let mut block = Arc::unwrap_or_clone(read.block);
            let released = match block.release(&items, clock.cooldown, clock.now) {
                Ok(released) => released,
                Err(ReleaseError::BadHandle) => return Ok(Outcome::Refused(ReleaseIpsError::BadHandle)),
                Err(ReleaseError::BadSequence) => return Ok(Outcome::Refused(ReleaseIpsError::BadSequence)),
                // The items were grouped by this block.
                Err(ReleaseError::OutOfBlock) => return Err(Halt::Fault(StoreError::BadValue)),
            };
            if !released.changed {
                return Ok(Outcome::Released(released.not_allocated));
            }
            let owner = block.affinity().cloned();
            if write_or_delete(io, block, read.revision)? {
                for (handle, count) in &released.counts {
                    decrement(io, handle, cidr, *count)?;
                }
                after_release(io, clock, &self.resources, owner.as_ref(), cidr)?;
                return Ok(Outcome::Released(released.not_allocated));
            }
        }
        Err(CONFLICT)
    }
}

/// The block that holds an address: by its pool's block length, else by a look at all blocks.
///
/// Cost: R 1, and L 1 if it is not there.
pub(crate) fn locate(io: &mut Tape, clock: Clock, resources: &Resources, address: IpAddr) -> Result<Located, Halt> {
    let expected = block_of(resources, address);
    if let Some(cidr) = expected
        && let Some(read) = io.block(cidr, clock)?
    {
        return Ok(Located::Block(read));
    }
    let blocks = io.list_blocks(IpVersion::of(&IpNet::from(address)), clock)?;
    if let Some((_, read)) = blocks.iter().find(|(cidr, _)| cidr.contains(&address)) {
        return read.clone().map(Located::Block).ok_or(Halt::Fault(StoreError::BadValue));
    }
    Ok(match expected {
        Some(cidr) if !blocks.iter().any(|(other, _)| net::overlap(other, &cidr)) => Located::Room(cidr),
        _ => Located::Nowhere,
    })
}

/// Where an address is.
pub(crate) enum Located {
    Block(ReadBlock),
    /// In this block, which could be made.
    Room(IpNet),
    /// In no block, and other blocks are in the way of its own.
    Nowhere,
}

/// The block of an address by the length that its pool gives to blocks.
pub(crate) fn block_of(resources: &Resources, address: IpAddr) -> Option<IpNet> {
    let address = IpNet::from(address);
    let pool = resources.pool_of(&address)?;
    let block = net::prefix(IpVersion::of(&address), net::bits(address.addr()), pool.block_len())?;
    nth_block(&pool.cidr(), pool.block_len(), block_index(&pool.cidr(), pool.block_len(), &block)?)
}

/// Gives up the block of a host that the block's pool no longer selects, if it is empty; best effort.
pub(crate) fn after_release(
    io: &mut Tape,
    clock: Clock,
    resources: &Resources,
    owner: Option<&Owner>,
    cidr: IpNet,
) -> Result<(), Halt> {
    let Some(owner @ Owner::Host(name)) = owner else { return Ok(()) };
    if resources.deselected(name, &cidr) {
        match claim::release(io, clock, owner, cidr, true, None) {
            Err(Halt::Wait) => return Err(Halt::Wait),
            // Whoever needs the block next tries again.
            Ok(_) | Err(Halt::Fault(_)) => {}
        }
    }
    Ok(())
}

//! Releasing addresses one by one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::handle::{Counts, lower, write_or_delete};
use super::tape::{CONFLICT, Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape, ignore_fault, loaded};
use super::{Operation, RETRIES, claim};
use crate::block::{Block, ReleaseError, ReleaseItem};
use crate::index::{Goal, Search};
use crate::key::{IpVersion, Owner};
use crate::net;
use crate::pool::{Resources, block_index, nth_block};
use crate::store::{Revision, Stored};
use crate::time::UnixTime;
use crate::value::Handle;

/// Why an address was not released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
/// Cost: R 2, and W 1 for each block and each handle: the configuration and the blocks are read together, then all
/// handles. Blocks beyond the first [`MAX_READ`] R 1 each; S 1 if an address lies in no pool or not in a block of its
/// pool's length.
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
    let items = items.to_vec();
    Run::new(ReleaseIps { items, each: false, resources: Arc::clone(resources), now }, State::default())
}

/// Releases addresses as [`release_ips`] does, at the same cost, but each for itself: one that has another handle or
/// sequence number by now stays, and the others of its block are released.
///
/// ```
/// use std::sync::Arc;
/// use ippool::block::ReleaseItem;
/// use ippool::{drive, op, MemoryStore, Resources, UnixTime};
/// let resources = Arc::new(Resources::default());
/// let items = [ReleaseItem::new("10.0.0.1".parse()?)];
/// let released = drive(op::release_each(&items, &resources, UnixTime::default()), &mut MemoryStore::default());
/// assert_eq!(released.error, None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn release_each(
    items: &[ReleaseItem],
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = ReleasedIps> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let items = items.to_vec();
    Run::new(ReleaseIps { items, each: true, resources: Arc::clone(resources), now }, State::default())
}

#[derive(Debug, Clone)]
struct ReleaseIps {
    items: Vec<ReleaseItem>,
    /// An item that may not be released does not keep the others of its block.
    each: bool,
    resources: Arc<Resources>,
    now: UnixTime,
}

/// At most so many blocks or handles are read by one request.
pub const MAX_READ: usize = 128;

/// A block, the places of the items in it, and what was stored for it.
#[derive(Debug, Clone)]
struct Group {
    cidr: IpNet,
    places: Vec<usize>,
    read: Option<Stored>,
}

#[derive(Debug, Clone, Default)]
struct State {
    stage: Stage,
    cooldown: i64,
    not_allocated: BTreeSet<IpAddr>,
    failed: BTreeSet<usize>,
    error: Option<ReleaseIpsError>,
    /// What was released under each handle.
    counts: BTreeMap<String, Counts>,
}

#[derive(Debug, Clone, Default)]
enum Stage {
    #[default]
    Start,
    /// Blocks to release addresses in, the last first; at their end the places in `lost` are looked for elsewhere.
    Blocks {
        todo: Vec<Group>,
        lost: Vec<usize>,
    },
    ReadHandles,
    /// Handles to lower, as they were read.
    Handles(Vec<Lowered>),
}

/// A handle, what was released under it, and what it was when it was read.
type Lowered = (String, Counts, Option<(Handle, Revision)>);

/// The places of items that stay though others of their block are released, and why the first of them does.
type Refused = (Vec<usize>, Option<ReleaseIpsError>);

/// What became of the items of one block.
enum Outcome {
    /// Released; these were not allocated.
    Released(Vec<IpAddr>, Refused),
    NoBlock,
    Refused(ReleaseIpsError),
}

impl Script for ReleaseIps {
    type State = State;
    type Output = ReleasedIps;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, ReleasedIps>, Halt> {
        let mut next = state.clone();
        match &mut next.stage {
            Stage::Start => {
                let (mut todo, lost) = self.group();
                let cidrs: Vec<IpNet> = todo.iter().rev().map(|group| group.cidr).take(MAX_READ).collect();
                let (config, blocks) = io.config_and_blocks(&cidrs)?;
                for (group, read) in todo.iter_mut().rev().zip(blocks) {
                    group.read = read;
                }
                next.cooldown = Clock::new(self.now, &config).cooldown;
                next.stage = Stage::Blocks { todo, lost };
            }
            Stage::Blocks { todo, lost } => {
                let clock = Clock { now: self.now, cooldown: state.cooldown };
                let Some(group) = todo.pop() else {
                    let lost = core::mem::take(lost);
                    let todo = self.look_for(io, lost, &mut next.not_allocated)?;
                    next.stage =
                        if todo.is_empty() { Stage::ReadHandles } else { Stage::Blocks { todo, lost: Vec::new() } };
                    return Ok(Flow::Next(next));
                };
                match self.release(io, clock, &group, &mut next.counts) {
                    Ok(Outcome::Released(not_allocated, (stay, error))) => {
                        next.not_allocated.extend(not_allocated);
                        next.failed.extend(stay);
                        next.error = next.error.or(error);
                    }
                    Ok(Outcome::NoBlock) => lost.extend(group.places),
                    Ok(Outcome::Refused(error)) => {
                        next.failed.extend(group.places);
                        next.error = next.error.or(Some(error));
                    }
                    Err(Halt::Fault(error)) => {
                        next.failed.extend(group.places);
                        next.error = next.error.or(Some(error.into()));
                    }
                    Err(Halt::Wait) => return Err(Halt::Wait),
                }
            }
            Stage::ReadHandles => {
                let ids = state.counts.keys().take(MAX_READ).map(String::as_str);
                let mut known = match state.counts.is_empty() {
                    true => Vec::new(),
                    // Handles that cannot be read are left as they are.
                    false => ignore_fault(io.handles(ids))?.unwrap_or_default(),
                };
                known.resize(state.counts.len(), None);
                let counts = core::mem::take(&mut next.counts);
                let all = counts.into_iter().zip(known).map(|((id, counts), known)| (id, counts, known));
                next.stage = Stage::Handles(all.rev().collect());
            }
            Stage::Handles(todo) => match todo.pop() {
                None => return Ok(Flow::Done(self.output(state))),
                Some((id, counts, known)) => lower(io, &id, &counts, known)?,
            },
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
            error: state.error.clone(),
        }
    }

    /// The items by block, the last to be done first, and the places of those that are in no pool.
    fn group(&self) -> (Vec<Group>, Vec<usize>) {
        let mut groups: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        let mut lost = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            match block_of(&self.resources, item.address) {
                Some(cidr) => groups.entry(cidr).or_default().push(place),
                None => lost.push(place),
            }
        }
        (groups.into_iter().rev().map(|(cidr, places)| Group { cidr, places, read: None }).collect(), lost)
    }

    /// Looks for the blocks of items that are not where their pools would have them.
    fn look_for(
        &self,
        io: &mut Tape,
        places: Vec<usize>,
        not_allocated: &mut BTreeSet<IpAddr>,
    ) -> Result<Vec<Group>, Halt> {
        let mut groups: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        for version in [IpVersion::V4, IpVersion::V6] {
            let here = |place: &usize| {
                let address = IpNet::from(self.items.get(*place)?.address);
                (IpVersion::of(&address) == version).then_some((*place, address))
            };
            let here: Vec<(usize, IpNet)> = places.iter().filter_map(here).collect();
            if here.is_empty() {
                continue;
            }
            let goal = Goal::Overlap(here.iter().map(|(_, address)| *address).collect());
            let search = Search::new(goal, version, Owner::host(""), Arc::clone(&self.resources), self.now);
            let found = io.search(search)?;
            for (index, (place, address)) in here.into_iter().enumerate() {
                match found.iter().find(|found| found.pool == index) {
                    // A block that was looked at already is gone.
                    Some(found) if block_of(&self.resources, address.addr()) != Some(found.cidr) => {
                        groups.entry(found.cidr).or_default().push(place);
                    }
                    _ => drop(not_allocated.insert(address.addr())),
                }
            }
        }
        Ok(groups.into_iter().rev().map(|(cidr, places)| Group { cidr, places, read: None }).collect())
    }

    fn release(
        &self,
        io: &mut Tape,
        clock: Clock,
        group: &Group,
        counts: &mut BTreeMap<String, Counts>,
    ) -> Result<Outcome, Halt> {
        let cidr = group.cidr;
        let mut known = group.read.clone();
        for _ in 0..RETRIES {
            let read = match known.take() {
                Some(stored) => Some(loaded(cidr, stored, clock)?),
                None => io.block(cidr, clock)?,
            };
            let Some(read) = read else { return Ok(Outcome::NoBlock) };
            let mut block = Arc::unwrap_or_clone(read.block);
            let (items, refused) = self.items_of(&block, group);
            let released = match block.release(&items, clock.cooldown, clock.now) {
                Ok(released) => released,
                Err(error) => return Ok(Outcome::Refused(refusal(error))),
            };
            if !released.changed {
                return Ok(Outcome::Released(released.not_allocated, refused));
            }
            let owner = block.affinity().cloned();
            if write_or_delete(io, block, read.revision)? {
                after_release(io, clock, &self.resources, owner.as_ref(), cidr)?;
                for (handle, count) in released.counts {
                    counts.entry(handle).or_default().push((cidr, count));
                }
                return Ok(Outcome::Released(released.not_allocated, refused));
            }
        }
        Err(CONFLICT)
    }

    /// The items of a block that are released together, and those that are left out.
    fn items_of(&self, block: &Block, group: &Group) -> (Vec<ReleaseItem>, Refused) {
        let mut items = Vec::with_capacity(group.places.len());
        let mut refused: Refused = (Vec::new(), None);
        for place in &group.places {
            let Some(item) = self.items.get(*place) else { continue };
            match block.releasable(item.address, item.handle.as_deref(), item.sequence) {
                Err(error) if self.each => {
                    refused.0.push(*place);
                    refused.1.get_or_insert(refusal(error));
                }
                _ => items.push(item.clone()),
            }
        }
        (items, refused)
    }
}

fn refusal(error: ReleaseError) -> ReleaseIpsError {
    match error {
        ReleaseError::BadHandle => ReleaseIpsError::BadHandle,
        ReleaseError::BadSequence => ReleaseIpsError::BadSequence,
        // Items are grouped by their block.
        ReleaseError::OutOfBlock => ReleaseIpsError::Store(StoreError::Failed),
    }
}

/// The block that holds an address: by its pool's block length, else by a search.
///
/// Cost: R 1; S 1 and R 1 more if it is not there.
pub(crate) fn locate(
    io: &mut Tape,
    clock: Clock,
    resources: &Arc<Resources>,
    address: IpAddr,
) -> Result<Located, Halt> {
    let expected = block_of(resources, address);
    if let Some(cidr) = expected
        && let Some(read) = io.block(cidr, clock)?
    {
        return Ok(Located::Block(read));
    }
    let around = expected.unwrap_or_else(|| IpNet::from(address));
    let goal = Goal::Overlap(alloc::vec![around]);
    let search = Search::new(goal, IpVersion::of(&around), Owner::host(""), Arc::clone(resources), clock.now);
    let found = io.search(search)?;
    if let Some(found) = found.iter().find(|found| found.cidr.contains(&address))
        && let Some(read) = io.block(found.cidr, clock)?
    {
        return Ok(Located::Block(read));
    }
    Ok(match expected {
        Some(cidr) if found.iter().all(|found| found.cidr == cidr) => Located::Room(cidr),
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

//! Handles: counting addresses under a name, listing and releasing them by it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::release::after_release;
use super::tape::{CONFLICT, Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape, Written};
use super::{Operation, RETRIES};
use crate::key::{IpVersion, Key};
use crate::pool::Resources;
use crate::store::{Revision, Write};
use crate::time::UnixTime;
use crate::value::{Handle, Value};

/// Why the addresses of a handle were not found or not released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// There is no such handle.
    #[error("handle does not exist")]
    NotFound,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The addresses of a handle, in key order of their blocks.
///
/// Cost: R 2. Blocks that are missing are passed over.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let mut store = MemoryStore::default();
/// let found = drive(op::ips_by_handle("k8s-pod-network.abc", UnixTime::default()), &mut store);
/// assert_eq!(found, Err(op::HandleError::NotFound));
/// ```
///
/// # Errors
/// The output is a [`HandleError`].
pub fn ips_by_handle(
    handle: &str,
    now: UnixTime,
) -> impl Operation<Output = Result<Vec<IpAddr>, HandleError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(ByHandle { handle: handle.into(), now }, ())
}

#[derive(Debug, Clone)]
struct ByHandle {
    handle: String,
    now: UnixTime,
}

impl Script for ByHandle {
    type State = ();
    type Output = Result<Vec<IpAddr>, HandleError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        let Some((handle, _)) = io.handle(&self.handle)? else { return Ok(Flow::Done(Err(HandleError::NotFound))) };
        let clock = Clock { now: self.now, cooldown: 0 };
        Ok(Flow::Done(Ok(addresses(io, clock, &self.handle, &handle, None)?)))
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

/// The addresses of a handle in its blocks, of one version or of both.
pub(crate) fn addresses(
    io: &mut Tape,
    clock: Clock,
    id: &str,
    handle: &Handle,
    version: Option<IpVersion>,
) -> Result<Vec<IpAddr>, Halt> {
    let cidrs: Vec<IpNet> =
        handle.blocks.keys().copied().filter(|cidr| version.is_none_or(|v| v == IpVersion::of(cidr))).collect();
    let blocks = io.blocks(&cidrs, clock)?;
    Ok(blocks.iter().flatten().flat_map(|read| read.block.by_handle(id)).collect())
}

/// Releases every address of a handle.
///
/// Cost: R 2, and W 1 for each block and for the handle: configuration and handle are read together, then all blocks.
/// A block without owner that gets empty is deleted; one whose pool no longer selects its host is given up.
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Resources, UnixTime};
/// let resources = Arc::new(Resources::default());
/// let gone = drive(op::release_by_handle("h", &resources, UnixTime::default()), &mut MemoryStore::default());
/// assert_eq!(gone, Err(op::HandleError::NotFound));
/// ```
///
/// # Errors
/// The output is a [`HandleError`]; blocks before the failed one are released.
pub fn release_by_handle(
    handle: &str,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Result<(), HandleError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(ReleaseHandle { handle: handle.into(), resources: Arc::clone(resources), now }, ReleaseState::Start)
}

#[derive(Debug, Clone)]
struct ReleaseHandle {
    handle: String,
    resources: Arc<Resources>,
    now: UnixTime,
}

#[derive(Debug, Clone)]
enum ReleaseState {
    Start,
    Read { clock: Clock, handle: (Handle, Revision) },
    Blocks { clock: Clock, handle: (Handle, Revision), todo: Vec<(IpNet, Option<ReadBlock>)>, released: Counts },
}

/// Numbers of addresses by block.
pub(crate) type Counts = Vec<(IpNet, u64)>;

impl Script for ReleaseHandle {
    type State = ReleaseState;
    type Output = Result<(), HandleError>;

    fn step(&self, state: &ReleaseState, io: &mut Tape) -> Result<Flow<ReleaseState, Self::Output>, Halt> {
        match state {
            ReleaseState::Start => {
                let (config, handle) = io.config_and_handle(&self.handle)?;
                let Some(handle) = handle else { return Ok(Flow::Done(Err(HandleError::NotFound))) };
                Ok(Flow::Next(ReleaseState::Read { clock: Clock::new(self.now, &config), handle }))
            }
            ReleaseState::Read { clock, handle } => {
                let cidrs: Vec<IpNet> = handle.0.blocks.keys().copied().collect();
                let blocks = io.blocks(&cidrs, *clock)?;
                let todo = cidrs.into_iter().zip(blocks).rev().collect();
                let (clock, handle, released) = (*clock, handle.clone(), Vec::new());
                Ok(Flow::Next(ReleaseState::Blocks { clock, handle, todo, released }))
            }
            ReleaseState::Blocks { clock, handle, todo, released } => {
                let mut todo = todo.clone();
                let Some((cidr, read)) = todo.pop() else {
                    lower(io, &self.handle, released, Some(handle.clone()))?;
                    return Ok(Flow::Done(Ok(())));
                };
                let (clock, handle, mut released) = (*clock, handle.clone(), released.clone());
                match self.release(io, clock, cidr, read) {
                    Ok(0) => {}
                    Ok(count) => released.push((cidr, count)),
                    Err(Halt::Fault(error)) => {
                        // What was released so far is not the handle's any more.
                        lower(io, &self.handle, &released, Some(handle))?;
                        return Err(Halt::Fault(error));
                    }
                    Err(Halt::Wait) => return Err(Halt::Wait),
                }
                Ok(Flow::Next(ReleaseState::Blocks { clock, handle, todo, released }))
            }
        }
    }

    fn fault(&self, _: &ReleaseState, error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

impl ReleaseHandle {
    /// How many addresses were released.
    fn release(&self, io: &mut Tape, clock: Clock, cidr: IpNet, mut read: Option<ReadBlock>) -> Result<u64, Halt> {
        for _ in 0..RETRIES {
            let Some(ReadBlock { block, revision, .. }) = read else { return Ok(0) };
            let mut block = Arc::unwrap_or_clone(block);
            let count = block.release_by_handle(&self.handle, None, clock.cooldown, clock.now);
            if count == 0 {
                return Ok(0);
            }
            let owner = block.affinity().cloned();
            if write_or_delete(io, block, revision)? {
                after_release(io, clock, &self.resources, owner.as_ref(), cidr)?;
                return Ok(count);
            }
            read = io.block(cidr, clock)?;
        }
        Err(CONFLICT)
    }
}

/// Writes a block after a release, or deletes it when it is empty and nobody's; false is a conflict.
pub(crate) fn write_or_delete(io: &mut Tape, block: crate::block::Block, revision: Revision) -> Result<bool, Halt> {
    if block.affinity().is_none() && block.is_empty() {
        return Ok(io.write(Write::Delete(Key::Block(block.cidr()), revision))?.is_some());
    }
    Ok(io.update_block(block, revision)?.is_some())
}

/// How many addresses of a version a handle counts.
pub(crate) fn count(handle: &Handle, version: IpVersion) -> u64 {
    let counts = handle.blocks.iter().filter(|(cidr, _)| IpVersion::of(cidr) == version);
    counts.fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

/// What became of counting addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Done,
    /// The handle would have more addresses of the version than allowed.
    TooMany,
}

/// Counts `num` addresses of a block under a handle, unless it would have more than `limit` of the version.
///
/// Cost: W 1 for a handle that is new and `expected` to be; R 1, W 1 for others.
pub(crate) fn increment(
    io: &mut Tape,
    id: &str,
    cidr: IpNet,
    num: u64,
    limit: Option<u64>,
    expected: bool,
) -> Result<Counted, Halt> {
    let key = || Key::Handle(id.into());
    let add = |mut handle: Handle| {
        let entry = handle.blocks.entry(cidr).or_default();
        *entry = entry.saturating_add(num);
        Value::Handle(handle)
    };
    let allowed =
        |handle: &Handle| limit.is_none_or(|limit| count(handle, IpVersion::of(&cidr)).saturating_add(num) <= limit);
    if expected && allowed(&Handle::default()) && io.write(Write::Create(key(), add(Handle::default())))?.is_some() {
        return Ok(Counted::Done);
    }
    for _ in 0..RETRIES {
        let stored = io.handle(id)?;
        if !stored.as_ref().map_or_else(|| allowed(&Handle::default()), |(handle, _)| allowed(handle)) {
            return Ok(Counted::TooMany);
        }
        let written = match stored {
            None => io.write(Write::Create(key(), add(Handle::default())))?,
            Some((handle, revision)) => io.write(Write::Update(key(), add(handle), revision))?,
        };
        if written.is_some() {
            return Ok(Counted::Done);
        }
    }
    Err(CONFLICT)
}

/// Takes addresses off a handle, best effort: a handle that counts too much harms nobody, and the addresses are free
/// already. The last one deletes the handle. `known` is what the handle was lately.
///
/// Cost: W 1, and R 1 unless it is known.
pub(crate) fn lower(
    io: &mut Tape,
    id: &str,
    counts: &[(IpNet, u64)],
    mut known: Option<(Handle, Revision)>,
) -> Result<(), Halt> {
    for _ in 0..RETRIES {
        let (mut handle, revision) = match known.take().map_or_else(|| io.handle(id), |known| Ok(Some(known))) {
            Ok(Some(stored)) => stored,
            Err(Halt::Wait) => return Err(Halt::Wait),
            Ok(None) | Err(Halt::Fault(_)) => return Ok(()),
        };
        let mut changed = false;
        for (cidr, num) in counts {
            let Some(entry) = handle.blocks.get_mut(cidr) else { continue };
            changed = true;
            *entry = entry.saturating_sub(*num);
            if *entry == 0 {
                handle.blocks.remove(cidr);
            }
        }
        if !changed {
            return Ok(());
        }
        let key = Key::Handle(id.into());
        let write = if handle.blocks.is_empty() {
            Write::Delete(key, revision)
        } else {
            Write::Update(key, Value::Handle(handle), revision)
        };
        if io.try_write(write)? != Written::Conflict {
            return Ok(());
        }
    }
    Ok(())
}

/// Takes `num` addresses of a block off a handle, as [`lower`].
pub(crate) fn decrement(io: &mut Tape, id: &str, cidr: IpNet, num: u64) -> Result<(), Halt> {
    lower(io, id, &[(cidr, num)], None)
}

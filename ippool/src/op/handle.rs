//! Handles: counting addresses under a name, listing and releasing them by it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::release::after_release;
use super::tape::{CONFLICT, Clock, Flow, Halt, Run, Script, StoreError, Tape, Written};
use super::{Operation, RETRIES};
use crate::key::{IpVersion, Key};
use crate::pool::Resources;
use crate::store::Write;
use crate::time::UnixTime;
use crate::value::{Handle, Value};

/// Why the addresses of a handle were not found or not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
/// Cost for one block: R 4, W 2: configuration, handle and block are read, block and handle written. A block without
/// owner that gets empty is deleted; one whose pool no longer selects its host is given up.
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
    Blocks { clock: Clock, cidrs: Vec<IpNet> },
}

impl Script for ReleaseHandle {
    type State = ReleaseState;
    type Output = Result<(), HandleError>;

    fn step(&self, state: &ReleaseState, io: &mut Tape) -> Result<Flow<ReleaseState, Self::Output>, Halt> {
        match state {
            ReleaseState::Start => {
                let clock = Clock::new(self.now, &io.config()?);
                let Some((handle, _)) = io.handle(&self.handle)? else {
                    return Ok(Flow::Done(Err(HandleError::NotFound)));
                };
                Ok(Flow::Next(ReleaseState::Blocks { clock, cidrs: handle.blocks.keys().rev().copied().collect() }))
            }
            ReleaseState::Blocks { clock, cidrs } => {
                let mut cidrs = cidrs.clone();
                let Some(cidr) = cidrs.pop() else { return Ok(Flow::Done(Ok(()))) };
                self.release(io, *clock, cidr)?;
                Ok(Flow::Next(ReleaseState::Blocks { clock: *clock, cidrs }))
            }
        }
    }

    fn fault(&self, _: &ReleaseState, error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

impl ReleaseHandle {
    fn release(&self, io: &mut Tape, clock: Clock, cidr: IpNet) -> Result<(), Halt> {
        for _ in 0..RETRIES {
            let Some(read) = io.block(cidr, clock)? else { return Ok(()) };
            let mut block = Arc::unwrap_or_clone(read.block);
            let count = block.release_by_handle(&self.handle, None, clock.cooldown, clock.now);
            if count == 0 {
                return Ok(());
            }
            let owner = block.affinity().cloned();
            if write_or_delete(io, block, read.revision)? {
                decrement(io, &self.handle, cidr, count)?;
                return after_release(io, clock, &self.resources, owner.as_ref(), cidr);
            }
        }
        Err(CONFLICT)
    }
}

/// Writes a block after a release, or deletes it when it is empty and nobody's; false is a conflict.
pub(crate) fn write_or_delete(
    io: &mut Tape,
    block: crate::block::Block,
    revision: crate::store::Revision,
) -> Result<bool, Halt> {
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
/// Cost: R 1, W 1.
pub(crate) fn increment(io: &mut Tape, id: &str, cidr: IpNet, num: u64, limit: Option<u64>) -> Result<Counted, Halt> {
    let key = || Key::Handle(id.into());
    for _ in 0..RETRIES {
        let stored = io.handle(id)?;
        let (mut handle, revision) = match stored {
            None => (Handle::default(), None),
            Some((handle, revision)) => (handle, Some(revision)),
        };
        let total = count(&handle, IpVersion::of(&cidr)).saturating_add(num);
        if limit.is_some_and(|limit| total > limit) {
            return Ok(Counted::TooMany);
        }
        let entry = handle.blocks.entry(cidr).or_default();
        *entry = entry.saturating_add(num);
        let value = Value::Handle(handle);
        let written = match revision {
            None => io.write(Write::Create(key(), value))?,
            Some(revision) => io.write(Write::Update(key(), value, revision))?,
        };
        if written.is_some() {
            return Ok(Counted::Done);
        }
    }
    Err(CONFLICT)
}

/// Takes `num` addresses of a block off a handle, best effort: a handle that counts too much harms nobody, and the
/// addresses are free already. The last one deletes the handle.
///
/// Cost: R 1, W 1.
pub(crate) fn decrement(io: &mut Tape, id: &str, cidr: IpNet, num: u64) -> Result<(), Halt> {
    let key = || Key::Handle(id.into());
    for _ in 0..RETRIES {
        let (mut handle, revision) = match io.handle(id) {
            Ok(Some(stored)) => stored,
            Err(Halt::Wait) => return Err(Halt::Wait),
            Ok(None) | Err(Halt::Fault(_)) => return Ok(()),
        };
        let Some(entry) = handle.blocks.get_mut(&cidr) else { return Ok(()) };
        *entry = entry.saturating_sub(num);
        if *entry == 0 {
            handle.blocks.remove(&cidr);
        }
        let write = if handle.blocks.is_empty() {
            Write::Delete(key(), revision)
        } else {
            Write::Update(key(), Value::Handle(handle), revision)
        };
        if io.try_write(write)? != Written::Conflict {
            return Ok(());
        }
    }
    Ok(())
}

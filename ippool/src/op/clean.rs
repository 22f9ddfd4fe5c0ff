//! Carrying out what the garbage collector found.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::Operation;
use super::claim::{Claim, Release, claim, release};
use super::combine::Then;
use super::release::{ReleasedIps, release_each};
use super::tape::{Clock, Flow, Halt, Run, Script, StoreError, Tape, Written};
use crate::audit::{Cleaning, StaleHandle};
use crate::key::{Key, Owner};
use crate::pool::Resources;
use crate::store::Write;
use crate::time::UnixTime;
use crate::value::{Handle, Value};

/// What a cleaning did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cleaned {
    /// The release of leaked addresses; those that were assigned anew meanwhile are refused, as they should be.
    pub released: ReleasedIps,
    /// Claims that were given up.
    pub claims: Vec<(Owner, IpNet)>,
    /// Blocks whose owner's claim is there again.
    pub blocks: Vec<(Owner, IpNet)>,
    /// Handles that were set right.
    pub handles: Vec<String>,
    /// The last error; the rest was done all the same.
    pub error: Option<StoreError>,
}

/// Carries out what a [`Collector`](crate::audit::Collector) found. Everything is checked again: addresses by handle and
/// sequence number, blocks by being empty, handles by their revision; what changed meanwhile is left alone.
///
/// Cost: that of [`release_each`] for the leaks of each block on its own, R 1 and up to W 3 per claim, W 1 per handle.
///
/// ```
/// use std::sync::Arc;
/// use ippool::audit::Cleaning;
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let clean = op::clean(Cleaning::default(), &Arc::default(), UnixTime::default());
/// assert_eq!(drive(clean, &mut MemoryStore::default()).error, None);
/// ```
pub fn clean(
    cleaning: Cleaning,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Cleaned> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let leaks = release_each(&cleaning.items(), resources, now);
    // Handles come first: releasing their addresses would change the revisions by which they are known.
    let rest = Run::new(Clean { now }, State { clock: None, todo: cleaning, done: Cleaned::default() });
    Then::new(rest, leaks, |done, released| Cleaned { released, ..done })
}

#[derive(Debug, Clone)]
struct Clean {
    now: UnixTime,
}

#[derive(Debug, Clone)]
struct State {
    clock: Option<Clock>,
    todo: Cleaning,
    done: Cleaned,
}

impl Script for Clean {
    type State = State;
    type Output = Cleaned;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, Cleaned>, Halt> {
        let mut next = state.clone();
        if next.todo.claims.is_empty() && next.todo.blocks.is_empty() && next.todo.handles.is_empty() {
            return Ok(Flow::Done(next.done));
        }
        let Some(clock) = state.clock else {
            next.clock = Some(Clock::new(self.now, &io.config()?));
            return Ok(Flow::Next(next));
        };
        let outcome = if let Some(handle) = next.todo.handles.pop() {
            set_right(io, &handle).map(|done| next.done.handles.extend(done.then_some(handle.id)))
        } else if let Some((owner, cidr)) = next.todo.claims.pop() {
            release(io, clock, &owner, cidr, true, None).map(|released| {
                if matches!(released, Release::Released | Release::Theirs) {
                    next.done.claims.push((owner, cidr));
                }
            })
        } else if let Some((owner, cidr)) = next.todo.blocks.pop() {
            claim(io, clock, &owner, cidr, None, false).map(|claimed| {
                if matches!(claimed, Claim::Ours(_)) {
                    next.done.blocks.push((owner, cidr));
                }
            })
        } else {
            Ok(())
        };
        match outcome {
            Ok(()) => {}
            Err(Halt::Fault(error)) => next.done.error = Some(error),
            Err(Halt::Wait) => return Err(Halt::Wait),
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, state: &State, error: StoreError) -> Cleaned {
        Cleaned { error: Some(error), ..state.done.clone() }
    }
}

/// Writes what a handle should count, unless it was written since it was read.
fn set_right(io: &mut Tape, stale: &StaleHandle) -> Result<bool, Halt> {
    let key = Key::Handle(stale.id.clone());
    let mut handle = Handle::default();
    handle.blocks.clone_from(&stale.blocks);
    let write = match stale.revision {
        None if stale.blocks.is_empty() => return Ok(false),
        None => Write::Create(key, Value::Handle(handle)),
        Some(revision) if stale.blocks.is_empty() => Write::Delete(key, revision),
        Some(revision) => Write::Update(key, Value::Handle(handle), revision),
    };
    match io.try_write(write)? {
        Written::Done(_) => Ok(true),
        Written::Conflict => Ok(false),
        Written::Failed => Err(Halt::Fault(StoreError::Failed)),
    }
}

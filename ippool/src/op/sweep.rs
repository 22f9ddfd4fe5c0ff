//! Freeing addresses whose cooldown is over in blocks that nobody touches.

use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::Operation;
use super::handle::write_or_delete;
use super::tape::{Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape};
use crate::key::IpVersion;
use crate::time::UnixTime;

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Swept {
    /// The blocks that were written, in key order, IPv4 first.
    pub written: Vec<IpNet>,
    /// What ended the sweep early, or kept a block from being written.
    pub error: Option<StoreError>,
}

/// Frees the addresses of all blocks whose cooldown is over. A block that others write meanwhile is left to them.
///
/// Cost: R 1, L 2, and W 1 per block with such addresses.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// assert!(drive(op::sweep(UnixTime::default()), &mut MemoryStore::default()).written.is_empty());
/// ```
pub fn sweep(now: UnixTime) -> impl Operation<Output = Swept> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Sweep { now }, State { todo: None, done: Swept::default() })
}

#[derive(Debug, Clone)]
struct Sweep {
    now: UnixTime,
}

#[derive(Debug, Clone)]
struct State {
    /// The blocks to write, last first, once known.
    todo: Option<Vec<ReadBlock>>,
    done: Swept,
}

impl Script for Sweep {
    type State = State;
    type Output = Swept;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, Swept>, Halt> {
        let mut next = state.clone();
        let Some(todo) = &mut next.todo else {
            let clock = Clock::new(self.now, &io.config()?);
            let mut blocks = io.list_blocks(IpVersion::V4, clock)?;
            blocks.extend(io.list_blocks(IpVersion::V6, clock)?);
            let freed = blocks.into_iter().rev().filter_map(|(_, read)| read.ok()).filter(|read| read.freed);
            next.todo = Some(freed.collect());
            return Ok(Flow::Next(next));
        };
        let Some(read) = todo.pop() else { return Ok(Flow::Done(next.done)) };
        let cidr = read.block.cidr();
        match write_or_delete(io, Arc::unwrap_or_clone(read.block), read.revision) {
            Ok(true) => next.done.written.push(cidr),
            Ok(false) => {}
            Err(Halt::Fault(error)) => next.done.error = Some(error),
            Err(Halt::Wait) => return Err(Halt::Wait),
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, state: &State, error: StoreError) -> Swept {
        Swept { error: Some(error), ..state.done.clone() }
    }
}

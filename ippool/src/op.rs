//! The operations: each a state machine that asks the store for reads and proposes compare-and-swap writes.
//!
//! The loop is [`drive`](crate::drive): `poll`, carry out the [`Request`], `handle` the [`Answer`], until `Done`. An
//! operation is a value without hidden state: it can be cloned at any point and replayed. Whatever other operations do
//! between two of its requests, a block is only ever changed by compare-and-swap against what was read.
//!
//! Costs are given as requests to the store without contention: `R` reads, `L` lists, `W` writes; they are tested.

use crate::store::{Answer, Request};

mod auto;
mod claim;
mod family;
mod find;
mod handle;
mod release;
mod tape;

pub use auto::{Assigned, Assignment, AutoAssign, AutoAssignError, Message, PartialFulfilment, auto_assign};
pub use handle::{HandleError, ips_by_handle, release_by_handle};
pub use release::{ReleaseIpsError, ReleasedIps, release_ips};
pub use tape::StoreError;

/// How often an operation repeats a compare-and-swap that others win.
pub const RETRIES: u32 = 100;

/// What an operation wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the run loop must know both")]
pub enum Poll<T> {
    /// Carry this out and hand the answer to [`Operation::handle`].
    Ask(Request),
    /// The operation is over.
    Done(T),
}

/// A state machine that allocates, releases or reads.
pub trait Operation {
    /// The result.
    type Output;

    /// What the operation wants; the same until the answer to a request is handled.
    fn poll(&mut self) -> Poll<Self::Output>;

    /// Takes the answer to the request of the last [`poll`](Operation::poll). An answer of the wrong kind counts as
    /// [`Answer::Failed`]; one that was not asked for is ignored.
    fn handle(&mut self, answer: Answer);
}

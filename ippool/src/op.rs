//! The operations: each a state machine that asks the store for reads and proposes compare-and-swap writes.
//!
//! The loop is [`drive`](crate::drive): `poll`, carry out the [`Request`], `handle` the [`Answer`], until `Done`. An
//! operation is a value without hidden state: it can be cloned at any point and replayed. Whatever other operations do
//! between two of its requests, a block is only ever changed by compare-and-swap against what was read.
//!
//! Costs are given as requests to the store without contention: `R` reads (one of the configuration may bring the
//! owner's own claims along), `S` searches among blocks, `L` lists, `W` writes; they are tested. A search is answered
//! out of an index in O(log n) ([`Index`](crate::Index)); a store without one is asked for one list of all blocks.

use crate::store::{Answer, Request};

mod affinity;
mod assign;
mod auto;
mod claim;
mod clean;
mod combine;
mod config;
mod ensure;
mod family;
mod handle;
mod owner;
mod release;
mod show;
mod snapshot;
mod sweep;
mod tape;
mod utilization;

pub use affinity::{
    ClaimError, Claimed, MAX_CLAIM, ReleaseAffinityError, ReleaseBlockError, ReleaseHostError, claim_affinity,
    release_affinity, release_block_affinity, release_host_affinities, release_pool_affinities, remove_host,
};
pub use assign::{AssignIp, AssignIpError, assign_ip};
pub use auto::{Assigned, Assignment, AutoAssign, AutoAssignError, Message, PartialFulfilment, auto_assign};
pub use clean::{Cleaned, clean};
pub use config::{ConfigError, StoredConfig, read_config, write_config};
pub use ensure::{EnsureBlock, Ensured, ensure_block};
pub use handle::{HandleError, ips_by_handle, release_by_handle};
pub use owner::{AttributesError, Condition, Patch, SetOwner, SetOwnerError, attributes, set_owner_attributes};
pub use release::{MAX_READ, ReleaseIpsError, ReleasedIps, release_each, release_ips};
pub use show::{Borrowed, borrowed, show};
pub use snapshot::snapshot;
pub use sweep::{Swept, sweep};
pub use tape::StoreError;
pub use utilization::{BlockUtilization, ORPHANS, PoolUtilization, Space, utilization};

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
#[must_use = "an operation does nothing until it is driven"]
pub trait Operation {
    /// The result.
    type Output;

    /// What the operation wants; the same until the answer to a request is handled.
    fn poll(&mut self) -> Poll<Self::Output>;

    /// Takes the answer to the request of the last [`poll`](Operation::poll). An answer of the wrong kind counts as
    /// [`Answer::Failed`]; one that was not asked for is ignored.
    fn handle(&mut self, answer: Answer);
}

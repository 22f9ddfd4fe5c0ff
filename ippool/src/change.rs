//! Pools that change while addresses are in use: other CIDRs and block lengths, parts, deletion.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use ipnet::IpNet;

use crate::audit::Snapshot;
use crate::pool::{BlockLengthError, Pool, Resources, nth_block};

/// Why a pool stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is no pool of that name.
    #[error("no pool of that name")]
    NoSuchPool,
    /// The new CIDR and another pool's overlap.
    #[error("CIDR overlaps pool {0}")]
    OverlapsPool(alloc::string::String),
    /// A block with addresses in use, or somebody's, would lie in no pool or across its edge.
    #[error("block {0} would not be inside")]
    BlockOutside(IpNet),
    /// The block length does not fit.
    #[error(transparent)]
    BlockLength(#[from] BlockLengthError),
    /// Not a power of two, or parts smaller than one block.
    #[error("pool cannot be split into {0} parts")]
    Parts(u32),
}

impl Resources {
    /// Gives a pool another CIDR (larger, smaller or elsewhere) and block length.
    ///
    /// Blocks that exist stay as they are: assignment compares by overlap, so blocks of the old and the new length share
    /// the pool. It is refused if a block of the pool would not be inside any more.
    ///
    /// ```
    /// use ippool::audit::Snapshot;
    /// use ippool::{Pool, Resources};
    /// let resources = Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?));
    /// let resources = resources.resize_pool("p", "10.0.0.0/23".parse()?, 27, &Snapshot::default())?;
    /// assert_eq!(resources.pools()[0].block_len(), 27);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed.
    pub fn resize_pool(
        &self,
        name: &str,
        cidr: IpNet,
        block_len: u8,
        snapshot: &Snapshot,
    ) -> Result<Resources, ChangeError> {
        let pool = self.pools.iter().find(|pool| pool.name == name).ok_or(ChangeError::NoSuchPool)?;
        let (old, new) = (pool.cidr, cidr.trunc());
        let overlaps = |other: &&Pool| other.name != name && overlap(&other.cidr, &new);
        if let Some(other) = self.pools.iter().find(overlaps) {
            return Err(ChangeError::OverlapsPool(other.name.clone()));
        }
        if block_len < new.prefix_len() {
            return Err(BlockLengthError(block_len).into());
        }
        let changed = Pool { cidr: new, written: cidr, ..pool.clone() }.with_block_len(block_len)?;
        let outside = |block: &&IpNet| {
            (old.contains(*block) && !new.contains(*block)) || (overlap(block, &new) && !new.contains(*block))
        };
        match snapshot.blocks.keys().find(outside) {
            Some(block) => Err(ChangeError::BlockOutside(*block)),
            None => Ok(self.clone().with_pool(changed)),
        }
    }

    /// Replaces a pool by `parts` pools of equal size, a power of two, called `split-<name>-<n>` from 0 on; all else is
    /// the pool's. Blocks and claims stay where they are. The datastore is to be locked meanwhile.
    ///
    /// ```
    /// use ippool::audit::Snapshot;
    /// use ippool::{Pool, Resources};
    /// let resources = Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?));
    /// let resources = resources.split_pool("p", 2, &Snapshot::default())?;
    /// let cidrs: Vec<String> = resources.pools().iter().map(|pool| format!("{} {}", pool.name(), pool.cidr())).collect();
    /// assert_eq!(cidrs, ["split-p-0 10.0.0.0/25", "split-p-1 10.0.0.128/25"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed.
    #[doc(alias = "ipam split")]
    pub fn split_pool(&self, name: &str, parts: u32, snapshot: &Snapshot) -> Result<Resources, ChangeError> {
        let pool = self.pools.iter().find(|pool| pool.name == name).ok_or(ChangeError::NoSuchPool)?;
        let bits = u8::try_from(parts.trailing_zeros()).unwrap_or(u8::MAX);
        let len = pool.cidr.prefix_len().saturating_add(bits);
        if parts < 2 || !parts.is_power_of_two() || len > pool.block_len() {
            return Err(ChangeError::Parts(parts));
        }
        // Blocks of a longer length than the pool's lie inside a part; shorter ones may not.
        let across = |block: &&IpNet| pool.cidr.contains(*block) && block.prefix_len() < len;
        if let Some(block) = snapshot.blocks.keys().find(across) {
            return Err(ChangeError::BlockOutside(*block));
        }
        let cidrs: Vec<IpNet> = (0..parts).filter_map(|part| nth_block(&pool.cidr, len, part.into())).collect();
        let mut split = self.clone();
        split.remove_pool(name);
        for (part, cidr) in cidrs.into_iter().enumerate() {
            split = split.with_pool(Pool { name: format!("split-{name}-{part}"), cidr, written: cidr, ..pool.clone() });
        }
        Ok(split)
    }
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// How a pool is deleted so that no host takes an address from it meanwhile: what to do next, again and again.
///
/// A pool is disabled first; hosts that read it before that have [`SETTLE_MILLIS`] to finish; then all blocks are
/// given up, and the pool goes. Addresses in use stay in their blocks, which nobody owns, until they are released.
///
/// ```
/// use ippool::change::{Deletion, DeletionStep};
/// use ippool::Pool;
/// let pool = Pool::new("p", "10.0.0.0/24".parse()?);
/// let mut deletion = Deletion::new(pool);
/// assert!(matches!(deletion.next(), DeletionStep::Write(pool) if pool.is_disabled()));
/// assert_eq!(deletion.next(), DeletionStep::Wait(500));
/// assert_eq!(deletion.next(), DeletionStep::ReleaseAffinities("10.0.0.0/24".parse()?));
/// assert_eq!(deletion.next(), DeletionStep::Delete("p".into()));
/// assert_eq!(deletion.next(), DeletionStep::Done);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    pool: Pool,
    step: u8,
}

/// How long hosts have to finish what they began before a pool was disabled, in milliseconds; Calico's.
pub const SETTLE_MILLIS: u32 = 500;

/// What to do next for the deletion of a pool; when it fails, the deletion is given up or the step done again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletionStep {
    /// Store the pool, which is disabled now.
    Write(Box<Pool>),
    /// Wait so many milliseconds.
    Wait(u32),
    /// Run [`op::release_pool_affinities`](crate::op::release_pool_affinities).
    ReleaseAffinities(IpNet),
    /// Delete the pool of this name from the store and by [`Resources::remove_pool`].
    Delete(alloc::string::String),
    /// Nothing.
    Done,
}

impl Deletion {
    /// Of this pool.
    #[must_use]
    pub fn new(pool: Pool) -> Deletion {
        Deletion { pool: pool.with_disabled(true), step: 0 }
    }

    /// The next step; the one before it has been done.
    #[expect(clippy::should_implement_trait, reason = "it does not end with a none")]
    pub fn next(&mut self) -> DeletionStep {
        self.step = self.step.saturating_add(1);
        match self.step {
            1 => DeletionStep::Write(Box::new(self.pool.clone())),
            2 => DeletionStep::Wait(SETTLE_MILLIS),
            3 => DeletionStep::ReleaseAffinities(self.pool.cidr),
            4 => DeletionStep::Delete(self.pool.name.clone()),
            _ => DeletionStep::Done,
        }
    }
}

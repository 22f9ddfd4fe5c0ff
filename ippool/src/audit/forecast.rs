//! How full pools are, and when they run out at the present rate.

use alloc::string::String;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::Snapshot;
use crate::index::Index;
use crate::key::IpVersion;
use crate::net;
use crate::pool::{Pool, Resources};
use crate::reservation::{count, merge};
use crate::store::{Revision, Stored};
use crate::time::UnixTime;
use crate::value::Value;

/// How many addresses of a pool were in use at a time: what a rate is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Sample {
    /// When.
    pub at: UnixTime,
    /// Allocated addresses, those that cool down not counted.
    pub used: u128,
}

/// The state of a pool, in addresses unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The pool's name.
    pub pool: String,
    /// All addresses; the last of 2^128 is not counted.
    pub capacity: u128,
    /// Allocated, without those that cool down.
    pub used: u128,
    /// Released and not free yet.
    pub cooling: u128,
    /// Reserved, allocated or not.
    pub reserved: u128,
    /// Free and not reserved, in blocks or not.
    pub free: u128,
    /// Of the free ones, those in blocks that have an owner: under strict affinity nobody else can have them.
    pub free_in_blocks: u128,
    /// Blocks of the pool's length that could still be claimed.
    pub blocks_left: u128,
    /// Fragmentation in hundredths: the part of the space outside blocks that no block of the pool's length fits in.
    pub fragmentation: u8,
    /// When nothing is free any more at the rate since the earlier sample; none if the use does not grow.
    pub runs_out: Option<UnixTime>,
}

impl Forecast {
    /// The sample that a later forecast compares with.
    #[must_use]
    pub fn sample(&self, at: UnixTime) -> Sample {
        Sample { at, used: self.used }
    }
}

/// The state of a pool, and when it runs out at the rate since `before`.
///
/// ```
/// use ippool::audit::{forecast, Snapshot};
/// use ippool::{Pool, Resources, UnixTime};
/// let (pool, none) = (Pool::new("p", "10.0.0.0/24".parse()?), Resources::default());
/// let found = forecast(&Snapshot::default(), &pool, &none, None, UnixTime::default());
/// assert_eq!((found.free, found.blocks_left, found.runs_out), (256, 4, None));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[must_use]
pub fn forecast(
    snapshot: &Snapshot,
    pool: &Pool,
    resources: &Resources,
    before: Option<Sample>,
    now: UnixTime,
) -> Forecast {
    let (cidr, reserved) = (pool.cidr(), resources.reservations());
    let (first, last) = net::span(&cidr);
    let inside: Vec<_> = snapshot.blocks.values().filter(|block| cidr.contains(&block.cidr())).collect();
    let (mut used, mut cooling, mut free_in_blocks) = (0u128, 0u128, 0u128);
    for block in &inside {
        for (_, attributes) in block.allocations() {
            *if attributes.released_at.is_some() { &mut cooling } else { &mut used } += 1;
        }
        free_in_blocks += u128::try_from(block.num_free(reserved)).unwrap_or(0);
    }
    let taken: Vec<IpNet> = inside.iter().map(|block| block.cidr()).chain(reserved.cidrs().iter().copied()).collect();
    let capacity = (last - first).saturating_add(1);
    let outside = capacity.saturating_sub(count(&merge(&taken, IpVersion::of(&cidr)), first, last));
    let mut index = Index::default();
    for block in snapshot.blocks.values() {
        index.insert(block.cidr(), Stored { value: Value::Block((*block).clone()), revision: Revision(0) });
    }
    // Blocks of which some addresses are free and not taken by others count whole, as they would be claimed whole.
    let (blocks_left, in_blocks) = index.room_for(&cidr, pool.block_len(), reserved);
    let free = outside.saturating_add(free_in_blocks);
    Forecast {
        pool: pool.name().into(),
        capacity,
        used,
        cooling,
        reserved: reserved.count_in(&cidr),
        free,
        free_in_blocks,
        blocks_left,
        fragmentation: hundredths(outside.saturating_sub(in_blocks), outside),
        runs_out: before.and_then(|before| runs_out(before, Sample { at: now, used }, free)),
    }
}

fn hundredths(part: u128, whole: u128) -> u8 {
    if whole == 0 {
        return 0;
    }
    // Shifted so that the product fits.
    let shift = 7u32.saturating_sub(whole.leading_zeros());
    let (part, whole) = (part >> shift, (whole >> shift).max(1));
    u8::try_from(part.saturating_mul(100) / whole).unwrap_or(100)
}

/// The time at which `free` more addresses are in use if the use grows as it did between two samples.
fn runs_out(before: Sample, now: Sample, free: u128) -> Option<UnixTime> {
    let grown = now.used.checked_sub(before.used).filter(|grown| *grown > 0)?;
    let seconds = u128::try_from(now.at.secs().checked_sub(before.at.secs())?).ok().filter(|s| *s > 0)?;
    let left = free.checked_mul(seconds)? / grown;
    Some(now.at.saturating_add_secs(i64::try_from(left).ok()?))
}

//! The search for a block that a host may claim, take over, or borrow from.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::tape::ReadBlock;
use crate::block::HostReservation;
use crate::key::{IpVersion, Owner};
use crate::net;
use crate::pool::{Pool, Resources};
use crate::reservation::{count, merge};
use crate::store::Revision;
use crate::time::UnixTime;
use crate::walk::BlockWalk;

/// An empty block that nobody seems to need.
#[derive(Debug, Clone)]
pub(crate) struct Idle {
    pub(crate) cidr: IpNet,
    pub(crate) owner: Option<Owner>,
    pub(crate) sequence: u64,
    pub(crate) revision: Revision,
}

/// What the search found.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// A block that does not exist, or is the owner's and has free addresses.
    Block(IpNet),
    /// None of those; blocks that may be taken over, in the order in which to try.
    Idle(Vec<Idle>),
}

/// How long an empty block stays its owner's after being claimed, in seconds.
pub(crate) const MIN_AGE: i64 = 60;

/// The walk of a pool, as the host sees it.
pub(crate) struct Search<'a> {
    pub(crate) resources: &'a Resources,
    pub(crate) pools: &'a [usize],
    pub(crate) owner: &'a Owner,
    /// Where to begin in pools of one-address blocks.
    pub(crate) seed: u64,
    pub(crate) now: UnixTime,
    /// What a new block keeps back for its host.
    pub(crate) kept_back: Option<&'a HostReservation>,
}

impl Search<'_> {
    fn walk(&self, pool: &Pool) -> Option<BlockWalk> {
        if pool.block_len() == IpVersion::of(&pool.cidr()).width() {
            return BlockWalk::with_seed(pool.cidr(), pool.block_len(), self.seed).ok();
        }
        BlockWalk::new(pool.cidr(), pool.block_len(), self.owner.name()).ok()
    }

    fn pools(&self) -> impl Iterator<Item = &Pool> + '_ {
        self.pools.iter().filter_map(|index| self.resources.pools().get(*index))
    }

    /// The first usable block among all that `blocks` do not overlap, or is one of them and the owner's.
    ///
    /// Blocks are compared by overlap: after a pool's block length was changed the old ones are still there.
    pub(crate) fn usable(&self, blocks: &[(IpNet, Option<ReadBlock>)]) -> Found {
        let reserved = self.resources.reservations();
        let known: BTreeMap<IpNet, Option<&ReadBlock>> = blocks.iter().map(|(c, read)| (*c, read.as_ref())).collect();
        let cidrs: Vec<IpNet> = blocks.iter().map(|(cidr, _)| *cidr).collect();
        let mut idle = Vec::new();
        for pool in self.pools() {
            let Some(walk) = self.walk(pool) else { continue };
            let occupied = merge(&cidrs, IpVersion::of(&pool.cidr()));
            let shift = u32::from(IpVersion::of(&pool.cidr()).width().saturating_sub(pool.block_len()));
            let (start, last) = (walk.index_of_start(), walk.last_index());
            let mut gone = 0u128;
            // One turn per known block and per gap between reserved ranges at most.
            loop {
                let index = wrap(start, gone, last);
                let Some(cidr) = walk.block(index) else { break };
                let (first, end) = net::span(&cidr);
                let mut skip = 1;
                if let Some(reserved_to) = reserved.covered_to(&cidr) {
                    skip = (reserved_to.saturating_sub(first).checked_shr(shift).unwrap_or(0)).max(1);
                    skip = skip.min((last - index).saturating_add(1));
                } else {
                    match known.get(&cidr) {
                        None if count(&occupied, first, end) == 0 && self.has_room(&cidr) => return Found::Block(cidr),
                        Some(Some(read)) if read.block.num_free(reserved) > 0 => {
                            if read.block.affinity() == Some(self.owner) {
                                return Found::Block(cidr);
                            }
                            if read.block.is_empty() && self.old_enough(read) {
                                idle.push(Idle {
                                    cidr,
                                    owner: read.block.affinity().cloned(),
                                    sequence: read.block.sequence(),
                                    revision: read.revision,
                                });
                            }
                        }
                        _ => {}
                    }
                }
                match gone.checked_add(skip) {
                    Some(next) if next <= last => gone = next,
                    _ => break,
                }
            }
        }
        Found::Idle(idle)
    }

    /// Whether a new block would have an address to give out.
    fn has_room(&self, cidr: &IpNet) -> bool {
        let Some(HostReservation { start, end, .. }) = self.kept_back else { return true };
        let (first, last) = net::span(cidr);
        let (first, last) = (first.saturating_add((*start).into()), last.saturating_sub((*end).into()));
        first <= last && self.resources.reservations().count_between(cidr, first, last) <= last - first
    }

    fn old_enough(&self, read: &ReadBlock) -> bool {
        read.block.claim_time().is_none_or(|since| since.saturating_add_secs(MIN_AGE) <= self.now)
    }

    /// The blocks to borrow from, pool by pool in the order of the walk, each pool with its
    /// CIDR as it was given.
    pub(crate) fn borrowable(&self, blocks: &[(IpNet, Option<ReadBlock>)]) -> Vec<(IpNet, Vec<IpNet>)> {
        let reserved = self.resources.reservations();
        let mut pools = Vec::new();
        for pool in self.pools() {
            let Some(walk) = self.walk(pool) else { continue };
            let shift = u32::from(IpVersion::of(&pool.cidr()).width().saturating_sub(pool.block_len()));
            let network = net::bits(pool.cidr().network());
            let mut places: Vec<(u128, IpNet)> = blocks
                .iter()
                .filter(|(cidr, read)| {
                    pool.cidr().contains(cidr) && read.as_ref().is_some_and(|r| r.block.num_free(reserved) > 0)
                })
                .map(|(cidr, _)| {
                    let offset = net::bits(cidr.network()).saturating_sub(network);
                    let index = offset.checked_shr(shift).unwrap_or(0);
                    (distance(walk.index_of_start(), index, walk.last_index()), *cidr)
                })
                .collect();
            places.sort_unstable_by_key(|(place, cidr)| (*place, net::bits(cidr.network())));
            pools.push((pool.written_cidr(), places.into_iter().map(|(_, cidr)| cidr).collect()));
        }
        pools
    }
}

/// The index `gone` steps after `start` in a circle of `last` + 1.
fn wrap(start: u128, gone: u128, last: u128) -> u128 {
    let room = last - start.min(last);
    if gone <= room { start.saturating_add(gone) } else { gone - room - 1 }
}

/// The steps from `start` to `index` in a circle of `last` + 1.
fn distance(start: u128, index: u128, last: u128) -> u128 {
    if index >= start { index - start } else { (last - start.min(last)).saturating_add(1).saturating_add(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calico_1_7_the_walk_is_a_circle() {
        for start in 0..4 {
            let mut seen: Vec<u128> = (0..4).map(|gone| wrap(start, gone, 3)).collect();
            for (gone, index) in (0u128..).zip(&seen) {
                assert_eq!(distance(start, *index, 3), gone);
            }
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3]);
        }
    }
}

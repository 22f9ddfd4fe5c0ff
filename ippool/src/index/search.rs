//! The searches, each a walk over the few blocks that may be the answer.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use ipnet::IpNet;

use super::{Found, Goal, Index, MAX_IDLE, MIN_AGE, Place, Search, Space, at_time};
use crate::block::Block;
use crate::key::IpVersion;
use crate::net;
use crate::value::Value;
use crate::walk::BlockWalk;

impl Index {
    /// Answers a search.
    ///
    /// Looks at one range of taken or reserved space after the other, or at one candidate after the other: O(log n) each.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use ippool::index::{Goal, Index, Search};
    /// # use ippool::{IpVersion, Owner, Resources, UnixTime, walk::BlockWalk};
    /// let walk = BlockWalk::new("10.244.0.0/16".parse()?, 26, "k8s-node1")?;
    /// let search = Search::new(Goal::Claim(1), IpVersion::V4, Owner::host("k8s-node1"), Arc::default(), UnixTime::default());
    /// let found = Index::default().search(&search.with_pools(vec![walk]));
    /// assert_eq!(found[0].cidr, "10.244.36.64/26".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn search(&self, search: &Search) -> Vec<Found> {
        let space = self.space(search.version);
        let pools = || search.pools.iter().enumerate();
        match search.goal {
            Goal::Claim(limit) => {
                let mut all: Vec<Found> = Vec::new();
                for (pool, walk) in pools().take_while(|_| limit > 0) {
                    let left = limit.saturating_sub(all.len());
                    all.extend(space.claimable(search, walk, left).into_iter().map(|cidr| Found { pool, cidr }));
                    if all.len() >= limit {
                        break;
                    }
                }
                all
            }
            Goal::Idle => pools()
                .flat_map(|(pool, walk)| space.idle(search, walk).map(move |cidr| Found { pool, cidr }))
                .take(MAX_IDLE)
                .collect(),
            Goal::Borrow(limit) => pools()
                .flat_map(|(pool, walk)| space.lenders(search, walk).map(move |cidr| Found { pool, cidr }))
                .take(limit)
                .collect(),
            Goal::Overlap(ref cidrs) => {
                let mut all = Vec::new();
                for (pool, cidr) in cidrs.iter().enumerate() {
                    let (first, last) = net::span(cidr);
                    let found = space.overlapping(search.version, first, last);
                    all.extend(found.into_iter().map(|cidr| Found { pool, cidr }));
                }
                all
            }
        }
    }
}

impl Search {
    /// A search in no pool, with nothing kept back and no cooldown.
    #[must_use]
    pub fn new(
        goal: Goal,
        version: IpVersion,
        owner: crate::Owner,
        resources: Arc<crate::Resources>,
        now: crate::UnixTime,
    ) -> Search {
        Search { goal, version, pools: Vec::new(), owner, resources, kept_back: None, now, cooldown: 0 }
    }

    /// In these pools.
    #[must_use]
    pub fn with_pools(self, pools: Vec<BlockWalk>) -> Search {
        Search { pools, ..self }
    }

    /// The block if it has an address that automatic assignment may take.
    fn with_room(&self, space: &Space, place: Place) -> Option<Arc<Block>> {
        let Value::Block(block) = &space.blocks.get(&place)?.value else { return None };
        let (block, _) = at_time(block, self.cooldown, self.now);
        (block.num_free(self.resources.reservations()) > 0).then_some(block)
    }

    /// Whether a new block would have an address to give out.
    fn has_room(&self, first: u128, last: u128, cidr: &IpNet) -> bool {
        let Some(kept) = &self.kept_back else { return true };
        let (first, last) = (first.saturating_add(kept.start.into()), last.saturating_sub(kept.end.into()));
        first <= last && self.resources.reservations().count_between(cidr, first, last) <= last - first
    }
}

impl Space {
    /// The first `limit` blocks that are free, or the owner's with room, in the order of the walk.
    fn claimable(&self, search: &Search, walk: &BlockWalk, limit: usize) -> Vec<IpNet> {
        let (start, last) = (walk.index_of_start(), walk.last_index());
        let mut found: Vec<(u128, IpNet)> = Vec::new();
        let halves = [Some((start, last)), start.checked_sub(1).map(|end| (0, end))];
        for (from, to) in halves.into_iter().flatten() {
            let mut from = Some(from);
            while let Some((index, cidr)) = from.and_then(|from| self.free_between(search, walk, from, to)) {
                if found.len() >= limit {
                    break;
                }
                found.push((distance(start, index, last), cidr));
                from = index.checked_add(1);
            }
        }
        let own = self.owned.get(&search.owner).into_iter().flatten().filter_map(|place| {
            let (index, cidr) = walk.index_of(search.version, *place)?;
            self.room.contains(place).then_some(())?;
            search.with_room(self, *place)?;
            Some((distance(start, index, last), cidr))
        });
        let free = found.len();
        found.extend(own);
        if found.len() > free {
            found.sort_unstable_by_key(|(steps, _)| *steps);
        }
        found.into_iter().take(limit).map(|(_, cidr)| cidr).collect()
    }

    /// The first free block among those of two indexes: each turn jumps over a range that is taken or reserved.
    fn free_between(&self, search: &Search, walk: &BlockWalk, from: u128, to: u128) -> Option<(u128, IpNet)> {
        let reserved = search.resources.reservations();
        let mut index = from;
        loop {
            let cidr = walk.block(index).filter(|_| index <= to)?;
            let (first, last) = net::span(&cidr);
            let blocked = reserved.covered_to(&cidr).or_else(|| self.taken_in(first, last));
            match blocked {
                None if search.has_room(first, last, &cidr) => return Some((index, cidr)),
                None => index = index.checked_add(1)?,
                Some(end) => {
                    let blocks = end.saturating_sub(first).checked_shr(walk.shift()).unwrap_or(0);
                    index = index.checked_add(blocks)?;
                    // The block that the range ends in is of use only if the range is over before it begins.
                    let whole = net::span(&walk.block(index)?).1 <= end;
                    index = index.checked_add(u128::from(whole || blocks == 0))?;
                }
            }
        }
    }

    /// Empty blocks of the pool's length that are old enough and not wholly reserved.
    fn idle<'s>(&'s self, search: &'s Search, walk: &'s BlockWalk) -> impl Iterator<Item = IpNet> + 's {
        circle(&self.empty, search.version, walk).filter_map(|place| {
            let (_, cidr) = walk.index_of(search.version, place)?;
            let block = search.with_room(self, place)?;
            let old = block.claim_time().is_none_or(|since| since.saturating_add_secs(MIN_AGE) <= search.now);
            (old && block.is_empty()).then_some(cidr)
        })
    }

    /// Blocks of any length inside the pool with an address to give.
    fn lenders<'s>(&'s self, search: &'s Search, walk: &'s BlockWalk) -> impl Iterator<Item = IpNet> + 's {
        circle(&self.room, search.version, walk).filter_map(|place| {
            search.with_room(self, place)?;
            net::prefix(search.version, place.0, place.1)
        })
    }
}

/// The places inside a pool, from the start of a walk and round.
fn circle<'s>(
    places: &'s alloc::collections::BTreeSet<Place>,
    version: IpVersion,
    walk: &BlockWalk,
) -> impl Iterator<Item = Place> + use<'s> {
    let pool = walk.pool();
    let span = pool.filter(|pool| IpVersion::of(pool) == version).map(|pool| net::span(&pool));
    let start = walk.block(walk.index_of_start()).map(|block| net::bits(block.network()));
    let whole = pool.map_or(0, |pool| pool.prefix_len());
    span.zip(start).into_iter().flat_map(move |((first, last), start)| {
        let upper = (Bound::Included((start, 0)), Bound::Included((last, u8::MAX)));
        let lower = (Bound::Included((first, 0)), Bound::Excluded((start, 0)));
        places.range(upper).chain(places.range(lower)).copied().filter(move |(_, len)| *len >= whole)
    })
}

/// The steps from `start` to `index` in a circle of `last` + 1.
fn distance(start: u128, index: u128, last: u128) -> u128 {
    if index >= start { index - start } else { (last - start.min(last)).saturating_add(1).saturating_add(index) }
}

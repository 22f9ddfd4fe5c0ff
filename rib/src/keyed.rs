//! Keyed hashing and the index that stands on it: prefixes and attributes come from the network, so no hash without a seed.

use core::hash::{Hash, Hasher};

use alloc::vec::Vec;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use hashbrown::HashTable;

/// A hash function that its seed chooses.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    shared: SharedSeed,
    seed: u64,
}

impl Keyed {
    pub(crate) fn new(seed: u64) -> Keyed {
        Keyed { shared: SharedSeed::from_u64(seed), seed: seed.rotate_left(32) }
    }

    pub(crate) fn hash<T: Hash + ?Sized>(&self, value: &T) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        value.hash(&mut hasher);
        hasher.finish()
    }
}

/// How many tables share the load: a table that doubles moves only its part.
const SHARDS: usize = 16;

/// An open-addressing index from hash to arena id; the keys stay in their arena.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    shards: Vec<HashTable<u32>>,
}

impl Index {
    /// The id with this hash that `is` accepts.
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.shards.get(shard(hash))?.find(hash, |id| is(*id)).copied()
    }

    /// Adds `id`, which is not in the index; `hash_of` hashes the ids that move when a table grows.
    pub(crate) fn insert(&mut self, hash: u64, id: u32, hash_of: impl Fn(u32) -> u64) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        if let Some(table) = self.shards.get_mut(shard(hash)) {
            table.insert_unique(hash, id, |id| hash_of(*id));
        }
    }

    /// Takes `id` out.
    pub(crate) fn remove(&mut self, hash: u64, id: u32) {
        if let Some(entry) = self.shards.get_mut(shard(hash)).and_then(|t| t.find_entry(hash, |at| *at == id).ok()) {
            entry.remove();
        }
    }
}

/// Bits that the tables themselves use neither as tag (the top) nor as bucket (the bottom).
fn shard(hash: u64) -> usize {
    usize::try_from(hash >> 48 & 15).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Pages;

    #[test]
    fn finds_what_it_holds() {
        let keyed = Keyed::new(7);
        let (mut index, mut keys) = (Index::default(), Pages::default());
        for n in 0..5000_u64 {
            let id = keys.push(n * 3).unwrap();
            index.insert(keyed.hash(&(n * 3)), id, |id| keyed.hash(keys.get(id).unwrap()));
        }
        let find = |index: &Index, key: u64| index.find(keyed.hash(&key), |id| keys.get(id) == Some(&key));
        assert!((0..5000).all(|n| find(&index, n * 3).is_some() && find(&index, n * 3 + 1).is_none()));
        index.remove(keyed.hash(&9_u64), 3);
        assert_eq!(find(&index, 9), None);
    }

    /// Keys that share 16 low bits of their hash under one seed spread evenly under another.
    #[test]
    fn decision_5_collisions_do_not_survive_another_seed() {
        let (known, secret) = (Keyed::new(1), Keyed::new(0x9e37_79b9_7f4a_7c15));
        let flood: Vec<[u8; 18]> = (0_u64..)
            .map(|n| {
                let mut key = [0; 18];
                key[..8].copy_from_slice(&n.to_le_bytes());
                key
            })
            .filter(|key| known.hash(key) & 0x3ff == 0)
            .take(2048)
            .collect();
        let mut buckets = [0_u32; 1024];
        for key in &flood {
            buckets[usize::try_from(secret.hash(key) & 0x3ff).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|n| *n < 16), "2048 keys in 1024 buckets: {:?}", buckets.iter().max());
    }
}

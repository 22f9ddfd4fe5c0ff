//! A store in memory, and the reference for others.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashMap;
use ipnet::IpNet;

use super::{Answer, Request, Revision, Store, Stored, Write};
use crate::index::Index;
use crate::key::{CidrText, IpVersion, Key, Owner, Prefix};
use crate::value::Value;

/// A store in memory: reads and lists are of one moment, revisions count the writes.
///
/// Every object is found in constant time, blocks in O(log n); a list costs what it returns, and sorting that.
///
/// ```
/// use ippool::{Config, Key, MemoryStore, Value};
/// let mut store = MemoryStore::default();
/// store.put(Key::Config, Value::Config(Config::default()));
/// assert_eq!(store.iter().count(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStore {
    blocks: Index,
    claims: HashMap<Owner, Vec<(IpNet, Stored)>, SeedableRandomState>,
    handles: HashMap<String, Stored, SeedableRandomState>,
    hosts: BTreeMap<String, Stored>,
    config: Option<Stored>,
    revision: u64,
}

/// An empty store whose hash tables have the seed 0; see [`MemoryStore::with_seed`].
impl Default for MemoryStore {
    fn default() -> MemoryStore {
        MemoryStore::with_seed(0)
    }
}

/// The same objects and the same number of writes; seeds do not matter.
impl PartialEq for MemoryStore {
    fn eq(&self, other: &MemoryStore) -> bool {
        self.blocks == other.blocks
            && self.claims == other.claims
            && self.handles == other.handles
            && self.hosts == other.hosts
            && self.config == other.config
            && self.revision == other.revision
    }
}

impl Eq for MemoryStore {}

impl MemoryStore {
    /// An empty store with a seed for its hash tables: one that nobody can guess where names of owners and handles come
    /// from strangers. The seed has no influence on any answer.
    ///
    /// ```
    /// use ippool::MemoryStore;
    /// assert_eq!(MemoryStore::with_seed(7), MemoryStore::default());
    /// ```
    #[must_use]
    pub fn with_seed(seed: u64) -> MemoryStore {
        let state = || SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        MemoryStore {
            blocks: Index::default(),
            claims: HashMap::with_hasher(state()),
            handles: HashMap::with_hasher(state()),
            hosts: BTreeMap::new(),
            config: None,
            revision: 0,
        }
    }

    /// Writes an object whatever was there before.
    pub fn put(&mut self, key: Key, value: Value) -> Revision {
        let revision = self.next_revision();
        let stored = Stored { value, revision };
        match key {
            Key::Block(cidr) => drop(self.blocks.insert(cidr, stored)),
            Key::Affinity(owner, cidr) => {
                let claims = self.claims.entry(owner).or_default();
                match claims.binary_search_by_key(&cidr, |(cidr, _)| *cidr) {
                    Ok(place) => drop(claims.get_mut(place).map(|claim| claim.1 = stored)),
                    Err(place) => claims.insert(place, (cidr, stored)),
                }
            }
            Key::Handle(id) => drop(self.handles.insert(id, stored)),
            Key::Config => self.config = Some(stored),
            Key::Host(name) => drop(self.hosts.insert(name, stored)),
        }
        revision
    }

    /// The object at a key.
    #[must_use]
    pub fn object(&self, key: &Key) -> Option<&Stored> {
        match key {
            Key::Block(cidr) => self.blocks.get(cidr),
            Key::Affinity(owner, cidr) => {
                let claims = self.claims.get(owner)?;
                let place = claims.binary_search_by_key(cidr, |(cidr, _)| *cidr).ok()?;
                claims.get(place).map(|(_, stored)| stored)
            }
            Key::Handle(id) => self.handles.get(id),
            Key::Config => self.config.as_ref(),
            Key::Host(name) => self.hosts.get(name),
        }
    }

    /// All objects in key order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Value)> + '_ {
        let mut all: Vec<(Key, &Stored)> = Vec::new();
        for version in [IpVersion::V4, IpVersion::V6] {
            all.extend(self.blocks.iter(version).map(|(cidr, stored)| (Key::Block(cidr), stored)));
        }
        all.extend(self.config.as_ref().map(|stored| (Key::Config, stored)));
        all.extend(self.handles.iter().map(|(id, stored)| (Key::Handle(id.clone()), stored)));
        all.extend(self.hosts.iter().map(|(name, stored)| (Key::Host(name.clone()), stored)));
        all.extend(self.claims.iter().flat_map(|(owner, claims)| {
            claims.iter().map(|(cidr, stored)| (Key::Affinity(owner.clone(), *cidr), stored))
        }));
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all.into_iter().map(|(key, stored)| (key, &stored.value))
    }

    fn remove(&mut self, key: &Key) {
        match key {
            Key::Block(cidr) => drop(self.blocks.remove(cidr)),
            Key::Affinity(owner, cidr) => {
                let Some(claims) = self.claims.get_mut(owner) else { return };
                claims.retain(|(other, _)| other != cidr);
                if claims.is_empty() {
                    self.claims.remove(owner);
                }
            }
            Key::Handle(id) => drop(self.handles.remove(id)),
            Key::Config => self.config = None,
            Key::Host(name) => drop(self.hosts.remove(name)),
        }
    }

    fn has(&self, key: &Key, revision: Revision) -> bool {
        self.object(key).is_some_and(|stored| stored.revision == revision)
    }

    fn next_revision(&mut self) -> Revision {
        self.revision = self.revision.saturating_add(1);
        Revision(self.revision)
    }

    fn read(&self, keys: &[Key]) -> Vec<Option<Stored>> {
        keys.iter().map(|key| self.object(key).cloned()).collect()
    }

    fn list(&self, prefix: &Prefix) -> Vec<(Key, Stored)> {
        match prefix {
            Prefix::Blocks(version) => {
                let mut all: Vec<_> = self
                    .blocks
                    .iter(*version)
                    .map(|(cidr, stored)| (CidrText::of(cidr), cidr, stored.clone()))
                    .collect();
                all.sort_unstable_by_key(|(text, ..)| *text);
                all.into_iter().map(|(_, cidr, stored)| (Key::Block(cidr), stored)).collect()
            }
            Prefix::Affinities(owner, version) => {
                let claims = self.claims.get(owner).into_iter().flatten();
                let mut all: Vec<_> = claims
                    .filter(|(cidr, _)| IpVersion::of(cidr) == *version)
                    .map(|(cidr, stored)| (Key::Affinity(owner.clone(), *cidr), stored.clone()))
                    .collect();
                if all.len() > 1 {
                    all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                }
                all
            }
            Prefix::Hosts | Prefix::Virtuals => {
                let hosts = *prefix == Prefix::Hosts;
                let claims = self.claims.iter().filter(|(owner, _)| matches!(owner, Owner::Host(_)) == hosts);
                let records = self.hosts.iter().filter(|_| hosts);
                let mut all: Vec<(Key, Stored)> =
                    records.map(|(name, stored)| (Key::Host(name.clone()), stored.clone())).collect();
                all.extend(claims.flat_map(|(owner, claims)| {
                    claims.iter().map(|(cidr, stored)| (Key::Affinity(owner.clone(), *cidr), stored.clone()))
                }));
                all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                all
            }
            Prefix::Handles => {
                let mut all: Vec<(Key, Stored)> =
                    self.handles.iter().map(|(id, stored)| (Key::Handle(id.clone()), stored.clone())).collect();
                all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                all
            }
        }
    }
}

impl Store for MemoryStore {
    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Read(keys) => Answer::Objects(self.read(keys)),
            Request::List(prefix) => Answer::Listed(self.list(prefix)),
            Request::ReadAndList(keys, prefix) => Answer::ObjectsAndListed(self.read(keys), self.list(prefix)),
            Request::Search(search) => Answer::Found(self.blocks.search(search)),
            Request::Commit(Write::Create(key, value)) if self.object(key).is_none() => {
                Answer::Committed(self.put(key.clone(), value.clone()))
            }
            Request::Commit(Write::Update(key, value, revision)) if self.has(key, *revision) => {
                Answer::Committed(self.put(key.clone(), value.clone()))
            }
            Request::Commit(Write::Delete(key, revision)) if self.has(key, *revision) => {
                self.remove(key);
                Answer::Committed(self.next_revision())
            }
            Request::Commit(_) => Answer::Conflict,
        }
    }
}

//! The contract with a store: reads, lists and single compare-and-swap writes; and a store in memory.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::key::{Key, Prefix};
use crate::value::Value;

/// The version of a stored object: changes with each write of it.
///
/// Revisions of one store only grow, over all keys together (etcd's `mod_revision`, Kubernetes' `resourceVersion`):
/// that keeps the sequence numbers of a block that is deleted and made again from repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number with a meaning")]
pub struct Revision(pub u64);

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by every store")]
pub struct Stored {
    /// The object.
    pub value: Value,
    /// Its version.
    pub revision: Revision,
}

/// One compare-and-swap write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store must know all of them")]
pub enum Write {
    /// Fails if the key is there.
    Create(Key, Value),
    /// Fails unless the object has the revision.
    Update(Key, Value, Revision),
    /// Fails unless the object has the revision.
    Delete(Key, Revision),
}

/// What an operation asks of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store must know all of them")]
pub enum Request {
    /// The objects at these keys. They need not be read at one moment.
    Read(Vec<Key>),
    /// All objects whose keys begin so, in key order. They need not be read at one moment.
    List(Prefix),
    /// One write. Operations never need two writes to happen together, since most stores cannot do that.
    Commit(Write),
}

/// What the store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store must know all of them")]
pub enum Answer {
    /// To [`Request::Read`]: one entry per key, in that order.
    Objects(Vec<Option<Stored>>),
    /// To [`Request::List`].
    Listed(Vec<(Key, Stored)>),
    /// To [`Request::Commit`]: done; the object has this revision (of a deleted one it means nothing).
    Committed(Revision),
    /// To [`Request::Commit`]: nothing written, the object is not as it was expected.
    Conflict,
    /// The store does not work; nothing was written.
    Failed,
}

/// A store with compare-and-swap.
pub trait Store {
    /// Carries out one request.
    fn answer(&mut self, request: &Request) -> Answer;
}

/// A store in memory, and the reference for others: reads and lists are of one moment, revisions count the writes.
///
/// ```
/// use ippool::{Config, Key, MemoryStore, Value};
/// let mut store = MemoryStore::default();
/// store.put(Key::Config, Value::Config(Config::default()));
/// assert_eq!(store.iter().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryStore {
    objects: BTreeMap<String, (Key, Stored)>,
    revision: u64,
}

impl MemoryStore {
    /// Writes an object whatever was there before.
    pub fn put(&mut self, key: Key, value: Value) -> Revision {
        self.revision = self.revision.saturating_add(1);
        let revision = Revision(self.revision);
        self.objects.insert(key.to_string(), (key, Stored { value, revision }));
        revision
    }

    /// The object at a key.
    #[must_use]
    pub fn object(&self, key: &Key) -> Option<&Stored> {
        self.objects.get(&key.to_string()).map(|(_, stored)| stored)
    }

    /// All objects in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> + '_ {
        self.objects.values().map(|(key, stored)| (key, &stored.value))
    }

    fn has(&self, key: &Key, revision: Revision) -> bool {
        self.object(key).is_some_and(|stored| stored.revision == revision)
    }
}

impl Store for MemoryStore {
    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Read(keys) => Answer::Objects(keys.iter().map(|key| self.object(key).cloned()).collect()),
            Request::List(prefix) => {
                let prefix = prefix.to_string();
                let from = self.objects.range(prefix.clone()..);
                Answer::Listed(
                    from.take_while(|(text, _)| text.starts_with(&prefix)).map(|(_, object)| object.clone()).collect(),
                )
            }
            Request::Commit(Write::Create(key, value)) if self.object(key).is_none() => {
                Answer::Committed(self.put(key.clone(), value.clone()))
            }
            Request::Commit(Write::Update(key, value, revision)) if self.has(key, *revision) => {
                Answer::Committed(self.put(key.clone(), value.clone()))
            }
            Request::Commit(Write::Delete(key, revision)) if self.has(key, *revision) => {
                self.objects.remove(&key.to_string());
                self.revision = self.revision.saturating_add(1);
                Answer::Committed(Revision(self.revision))
            }
            Request::Commit(_) => Answer::Conflict,
        }
    }
}

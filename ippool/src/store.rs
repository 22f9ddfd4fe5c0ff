//! The contract with a store: reads, lists, searches and single compare-and-swap writes.

use alloc::vec::Vec;

use crate::index::{Found, Search};
use crate::key::{Key, Prefix};
use crate::value::Value;

pub use crate::value::{Revision, Stored};

mod memory;

pub use memory::MemoryStore;

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
    /// Both of the above in one round trip, where the store can.
    ReadAndList(Vec<Key>, Prefix),
    /// A search among blocks, answered out of an [`Index`](crate::Index). A store without one says so
    /// ([`Answer::NoIndex`]), and is asked for a list of all blocks instead.
    Search(Search),
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
    /// To [`Request::ReadAndList`].
    ObjectsAndListed(Vec<Option<Stored>>, Vec<(Key, Stored)>),
    /// To [`Request::Search`]: what [`Index::search`](crate::Index::search) gives.
    Found(Vec<Found>),
    /// To [`Request::Search`]: the store has no index.
    NoIndex,
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

impl<S: Store + ?Sized> Store for &mut S {
    fn answer(&mut self, request: &Request) -> Answer {
        (**self).answer(request)
    }
}

#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod audit;
#[cfg(feature = "json")]
mod base;
pub mod block;
pub mod change;
#[cfg(feature = "json")]
pub mod codec;
mod drive;
pub mod index;
pub mod invalid;
pub mod key;
mod net;
pub mod op;
pub mod pool;
pub mod reservation;
pub mod selector;
pub mod store;
pub mod time;
pub mod value;
pub mod walk;

pub use block::{Attributes, Block, BlockParts};
pub use drive::drive;
pub use index::Index;
pub use invalid::DecodeError;
pub use key::{IpVersion, Key, Owner};
pub use pool::{Pool, Resources, Use};
pub use reservation::Reservations;
pub use selector::Selector;
pub use store::{MemoryStore, Store};
pub use time::UnixTime;
pub use value::{Affinity, AffinityState, Config, Handle, Value, VmPersistence};

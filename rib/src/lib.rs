#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(test)]
extern crate std;

// What tables are made of.
mod bits;
mod dest;
mod keyed;
mod num;
mod pages;
mod tables;

// Routes.
mod config;
mod decision;
mod event;
mod facts;
mod import;
mod path;
mod peer;
pub mod policy;
mod rib;
mod routes;
mod rov;
mod store;
mod targets;

// What goes out.
mod export;
mod fib;
mod group;
mod reflect;

pub use config::{Config, DecisionOptions};
pub use decision::Step;
pub use event::{Explained, Exported, Outcome, PathRef, RibEvent, RowRef, Selected, UpdateOutcome, Withheld};
pub use fib::{Fib, FrozenFib};
pub use import::Ineligible;
pub use peer::{AddPathTx, LocalAs, PeerConfig, PeerId, PeerKind, PeerPolicy, PolicyId, Vantage};
pub use rib::{AddPeerError, OriginateError, Rib};
pub use rov::{Roa, RoaTable, RovState};

/// Where packets to a route's prefixes go; of bgp-wire, as it is in what this crate takes and gives.
pub use bgp_wire::attr::NextHop;
pub use store::{AttrId, AttrStore};

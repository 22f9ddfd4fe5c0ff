#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(test, feature = "std"))]
extern crate std;

mod address;
mod bpf;
mod checksum;
mod config;
mod counters;
mod ecn;
mod error;
mod fragments;
mod header;
mod icmp;
mod ident;
mod limit;
mod linux;
mod nesting;
mod options;
mod outer;
mod path;
mod peers;
mod reassembly;
#[cfg(feature = "serde")]
mod serde_impls;
#[cfg(test)]
mod testing;
mod tunnel;
#[cfg(feature = "v6")]
pub mod v6;

pub use bpf::{BpfConfig, BpfError};
pub use checksum::{checksum, checksum_update};
pub use config::{Config, Df, DscpDecap, Fragmentation, Mode, Tos, Ttl};
pub use counters::Counters;
pub use ecn::EcnMode;
pub use error::{Error, Reason};
pub use fragments::{Fragment, Fragments, OuterHeader};
pub use header::HEADER_LEN as HEADROOM;
pub use icmp::ICMP_MAX_LEN;
pub use ident::Ident;
pub use limit::TokenBucket;
pub use linux::{Endpoints, LinuxError, LinuxOptions};
pub use options::{OptionsError, OuterOptions};
pub use path::Path;
pub use peers::{AnyPeer, NoPeers, PeerBlocks, PeerPrefixes, PeerSet, PeerTable, SortedPeers};
pub use reassembly::Reassembly;
pub use tunnel::{Decapsulated, Encapsulated, Labelled, Notice, Tunnel};

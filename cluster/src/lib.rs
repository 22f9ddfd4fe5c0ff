#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod allocation;
mod cluster;
mod error;
mod kind;
pub mod lab;
mod name;
pub mod plan;
pub mod resource;
#[cfg(test)]
mod seed;
#[cfg(feature = "sim")]
pub mod sim;
pub mod status;
pub mod table;

pub use cluster::{Applied, Cluster, ClusterError};
pub use error::{FieldError, Problem};
pub use name::Name;

//! Behaviour of a Rib, one file per RFC, and a model of its export.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bench;
mod daemons;
mod export_model;
mod oracle;
mod policy;
mod rfc4271;
mod rfc4456;
mod rfc4684;
mod rfc4724;
mod rfc7313;
mod rfc7705;
mod rfc7911;
mod rfc9107;
mod rfc9234;
mod rows;
mod soft;

//! The speaker as its driver sees it: against a peer of octets, and against other speakers over simulated links.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod collision;
mod dynamic;
mod ending;
mod interval;
mod limits;
mod net;
mod one;
mod reflection;
mod restart;
mod rows;
mod storm;
mod streams;
mod update;

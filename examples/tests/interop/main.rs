//! The reflector on real TCP: with BIRD and FRR on loopback addresses, and with clients that misbehave.
//!
//! The tests start the daemons themselves, each with its own address out of 127/8 and its own directory. Where a daemon
//! is not installed its tests say so in one line and pass; with `CI=true` in the environment they fail.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod abuse;
mod add_path;
mod bird;
mod churn;
mod client;
mod collisions;
mod daemon;
mod exabgp;
mod frr;
mod gobgp;
mod openbgpd;
mod operator;
mod ours;
mod pairs;
mod program;
mod reflectors;
mod restart;
mod scale;
mod security;
mod sessions;
mod transport;

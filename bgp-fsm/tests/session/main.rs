//! Whole sessions, played by a driver that checks the rules of every state after each input.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod allocations;
mod capabilities;
mod driver;
mod exhaustive;
mod laws;
mod negotiation;
mod reconfigure;
mod rfc4271;
mod table;

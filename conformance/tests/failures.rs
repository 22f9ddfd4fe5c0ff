//! What made real implementations fail, one test for each: the octets as the advisory or issue describes them, through
//! the path that received octets take here: cut from the stream, into a session. Collisions and lock-step retries stand in
//! `bgp-fsm/tests/product`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "failures/peer.rs"]
mod peer;

#[path = "failures/liveness.rs"]
mod liveness;
#[path = "failures/open.rs"]
mod open;
#[path = "failures/update.rs"]
mod update;

//! Benchmarks of the crates, and the inputs that they share; the figures are in `docs/performance.md`.

pub mod codec;
pub mod collector;
pub mod input;
pub mod random;
pub mod tunnel;

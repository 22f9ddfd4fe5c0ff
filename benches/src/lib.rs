//! Benchmarks of the crates; the figures are in `docs/performance.md`.

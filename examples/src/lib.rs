//! Programs built from the crates.

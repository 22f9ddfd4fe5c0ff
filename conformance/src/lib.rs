//! Runs vector files against the public API of the crates.
//!
//! A suite turns one case, a JSON object, into the list of its [`Mismatch`]es; an empty list is a pass. The runner
//! reads the cases and never knows one: whatever it cannot interpret is a mismatch.

mod case;
#[cfg(feature = "corpus")]
pub mod corpus;
pub mod fuzz;
mod report;
pub mod suite;

pub use case::{Fields, Mismatch};
pub use report::{CaseResult, Report, Summary};
pub use suite::Suite;

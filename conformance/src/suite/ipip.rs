//! Not connected yet: every case fails.

use serde_json::Value;

use crate::Mismatch;

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    let _ = case;
    vec![Mismatch::unknown("suite")]
}

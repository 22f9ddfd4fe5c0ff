//! Runs a vector file and says what passed.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::{Mismatch, Suite};

/// What came of one line of a vector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The case's id, or `line N` where the line has none.
    pub id: String,
    /// The differences; none is a pass.
    pub mismatches: Vec<Mismatch>,
}

impl CaseResult {
    /// Whether the case passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// The line of the machine-readable report: id, result, key, expected, got (the last three of the first difference).
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self.mismatches.first() {
            None => json!({"id": self.id, "result": "passed", "key": null, "expected": null, "got": null}),
            Some(m) => {
                json!({"id": self.id, "result": "failed", "key": m.key, "expected": m.expected, "got": m.got})
            }
        }
    }
}

/// The line for people: `FAIL id: key: expected .. got ..` with the first difference; empty for a pass.
impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mismatches.first() {
            None => Ok(()),
            Some(mismatch) => write!(f, "FAIL {}: {mismatch}", self.id),
        }
    }
}

/// How many cases passed and failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Cases without a difference.
    pub passed: usize,
    /// All others.
    pub failed: usize,
}

impl Summary {
    /// The last line of the machine-readable report.
    #[must_use]
    pub fn to_json(self) -> Value {
        json!({"passed": self.passed, "failed": self.failed})
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The results of one vector file, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// One entry per line that is not blank.
    pub cases: Vec<CaseResult>,
}

impl Report {
    /// Runs every line of `text`. A line that cannot be read, a missing id, an id that was there before, and a case
    /// that makes a crate panic are failed cases.
    #[must_use]
    pub fn run(suite: Suite, text: &[u8]) -> Report {
        let mut seen = BTreeSet::new();
        let cases = text
            .split(|octet| *octet == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .map(|(index, line)| run_line(suite, index + 1, line, &mut seen))
            .collect();
        Report { cases }
    }

    /// How many passed and failed.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let passed = self.cases.iter().filter(|case| case.passed()).count();
        Summary { passed, failed: self.cases.len() - passed }
    }
}

fn run_line(suite: Suite, number: usize, line: &[u8], seen: &mut BTreeSet<String>) -> CaseResult {
    let here = format!("line {number}");
    let failed = |id: &str, mismatch| CaseResult { id: id.to_owned(), mismatches: vec![mismatch] };
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => return failed(&here, Mismatch::new("line", "a JSON object", error)),
    };
    let Some(id) = value.get("id").and_then(Value::as_str) else {
        return failed(&here, Mismatch::new("id", "a text", value.get("id").unwrap_or(&Value::Null)));
    };
    if !seen.insert(id.to_owned()) {
        return failed(id, Mismatch::new("id", "unique in the file", "seen before"));
    }
    let mismatches = catch_unwind(AssertUnwindSafe(|| suite.run(&value)))
        .unwrap_or_else(|_| vec![Mismatch::new("case", "an answer", "a panic")]);
    CaseResult { id: id.to_owned(), mismatches }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_lines_are_failed_cases() {
        let report = Report::run(Suite::Ipip, b"{\n\n{\"x\":1}\n\xff\n");
        assert_eq!(report.cases.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["line 1", "line 3", "line 4"]);
        assert_eq!(report.summary().to_string(), "0 passed, 3 failed");
    }

    #[test]
    fn a_repeated_id_is_a_failed_case() {
        let report = Report::run(Suite::Ipip, b"{\"id\":\"a\"}\n{\"id\":\"a\"}");
        assert_eq!(report.cases[1].to_string(), "FAIL a: id: expected unique in the file .. got seen before");
    }
}

//! Every vector file, against the ratchet of known failures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use conformance::{Report, Suite};

/// `known-failures.txt`: `suite id reason`, one a line; `#` begins a comment.
fn known_failures() -> BTreeMap<(String, String), String> {
    let mut known = BTreeMap::new();
    for line in include_str!("../known-failures.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut parts = line.splitn(3, ' ');
        let (suite, id, reason) = (parts.next(), parts.next(), parts.next());
        let (Some(suite), Some(id), Some(reason)) = (suite, id, reason) else {
            panic!("known-failures.txt: not `suite id reason`: {line}");
        };
        assert!(Suite::ALL.iter().any(|s| s.name() == suite), "known-failures.txt: no suite {suite}");
        assert!(known.insert((suite.into(), id.into()), reason.into()).is_none(), "known-failures.txt: twice: {line}");
    }
    known
}

fn check(suite: Suite) {
    let known = known_failures();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{suite}.jsonl"));
    let report = Report::run(suite, &std::fs::read(&file).unwrap());
    assert!(!report.cases.is_empty(), "{} has no cases", file.display());
    let mut wrong = Vec::new();
    for case in &report.cases {
        let listed = known.contains_key(&(suite.to_string(), case.id.clone()));
        match (case.passed(), listed) {
            (true, true) => wrong.push(format!("{} passes now: take it off known-failures.txt", case.id)),
            (false, false) => wrong.push(case.to_string()),
            _ => {}
        }
    }
    for (listed_suite, id) in known.keys() {
        if listed_suite == suite.name() && !report.cases.iter().any(|case| case.id == *id) {
            wrong.push(format!("{id} is on known-failures.txt and in no vector file"));
        }
    }
    assert!(wrong.is_empty(), "{suite}:\n{}", wrong.join("\n"));
}

#[test]
fn fsm() {
    check(Suite::Fsm);
}

#[test]
fn update_errors() {
    check(Suite::UpdateErrors);
}

#[test]
fn rib() {
    check(Suite::Rib);
}

#[test]
fn ipip() {
    check(Suite::Ipip);
}

#[test]
fn ipam() {
    check(Suite::Ipam);
}

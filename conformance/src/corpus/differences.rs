//! The list of cases where others read octets of the corpus differently: `id | who is right | RFC text`, one a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A list of differences that were looked at and decided; `#` begins a comment.
#[derive(Debug, Clone)]
pub struct Differences {
    name: &'static str,
    rows: BTreeMap<&'static str, Row>,
}

/// What was decided about one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    right: &'static str,
    rfc: &'static str,
}

impl Differences {
    /// Reads the list `name` of `text`.
    ///
    /// # Panics
    /// If a line is not of the form, or an id occurs twice.
    #[must_use]
    pub fn parse(name: &'static str, text: &'static str) -> Differences {
        let mut rows = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut parts = line.splitn(3, " | ").map(str::trim).filter(|part| !part.is_empty());
            let (Some(id), Some(right), Some(rfc)) = (parts.next(), parts.next(), parts.next()) else {
                unreachable!("{name}: not `id | who is right | RFC text`: {line}");
            };
            assert!(rows.insert(id, Row { right, rfc }).is_none(), "{name}: {id} is there twice");
        }
        Differences { name, rows }
    }

    /// Holds what a run found, ids and what differs, against the list.
    ///
    /// # Panics
    /// If a difference is not on the list, or one on the list was not found: it is to be taken off.
    pub fn settle(&self, found: &[(String, String)]) {
        let ids: BTreeSet<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        let mut wrong = String::new();
        for (id, what) in found.iter().filter(|(id, _)| !self.rows.contains_key(id.as_str())) {
            let _ = writeln!(wrong, "{id}: {what}");
        }
        for (id, row) in self.rows.iter().filter(|(id, _)| !ids.contains(*id)) {
            let _ = writeln!(wrong, "{id} ({}: {}) does not differ any more: take it off", row.right, row.rfc);
        }
        assert!(wrong.is_empty(), "{}:\n{wrong}", self.name);
        println!("{}: {} differences, all on the list", self.name, self.rows.len());
    }
}

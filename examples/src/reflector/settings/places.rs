//! Where in the TOML file something stands.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

/// The lines of a file's settings: `hold-time`, `peer 0`, `peer 0 as`.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, usize>);

impl Places {
    /// Of a file; nothing of one that cannot be read.
    pub(super) fn of(path: &Path) -> Places {
        std::fs::read_to_string(path).map(|text| Places::in_text(&text)).unwrap_or_default()
    }

    pub(super) fn in_text(text: &str) -> Places {
        let mut places = Places::default();
        if let Ok(table) = DeTable::parse(text) {
            places.add(text, "", table.get_ref());
        }
        places
    }

    fn add(&mut self, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = format!("{prefix}{}", key.get_ref());
            let line = line_of(text, key.span().start);
            if let DeValue::Array(tables) = value.get_ref() {
                for (number, one) in tables.iter().enumerate() {
                    if let DeValue::Table(table) = one.get_ref() {
                        self.0.insert(format!("{name} {number}"), line_of(text, one.span().start));
                        self.add(text, &format!("{name} {number} "), table);
                    }
                }
            }
            self.0.insert(name, line);
        }
    }

    /// The line of a setting, the first one being 1.
    pub(super) fn line(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_in_their_lines() {
        let places = Places::in_text("hold-time = 9\n\n[[peer]]\naddress = '::1'\nas = 1\n[[peer]]\nas = 2\n");
        let lines =
            ["hold-time", "peer 0", "peer 0 as", "peer 1", "peer 1 as", "local-as"].map(|name| places.line(name));
        assert_eq!(lines, [Some(1), Some(3), Some(5), Some(6), Some(7), None]);
        assert_eq!(Places::in_text("no = = toml").line("no"), None);
    }
}

//! A case's JSON object, read so that nothing in it is skipped silently.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

/// One difference between what a case expects and what the crates did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where in the case: a path such as `steps[2].expect.state`.
    pub key: String,
    /// What the case asks for.
    pub expected: String,
    /// What came out.
    pub got: String,
}

impl Mismatch {
    /// A difference at `key`.
    pub fn new(key: impl Into<String>, expected: impl fmt::Display, got: impl fmt::Display) -> Mismatch {
        Mismatch { key: key.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// A key, operation or option that the runner or the library does not know.
    pub fn unknown(key: impl Into<String>) -> Mismatch {
        Mismatch::new(key, "a known key, operation or option", "unknown")
    }

    /// A value that has not the form the vectors' README gives it.
    pub fn malformed(key: impl Into<String>, expected: impl fmt::Display, got: &Value) -> Mismatch {
        Mismatch::new(key, expected, got)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {} .. got {}", self.key, self.expected, self.got)
    }
}

/// The fields of one JSON object, with a note of which were read.
///
/// Reading goes through `take*`; [`Fields::unread`] then names every field that nobody asked for, so that a key the
/// runner does not know fails the case.
#[derive(Debug)]
pub struct Fields<'v> {
    path: String,
    map: &'v Map<String, Value>,
    read: RefCell<BTreeSet<&'v str>>,
}

impl<'v> Fields<'v> {
    /// The fields of `value`, which stands at `path` in the case.
    ///
    /// # Errors
    /// A [`Mismatch`] when `value` is no object.
    pub fn new(path: impl Into<String>, value: &'v Value) -> Result<Fields<'v>, Mismatch> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Fields { path, map, read: RefCell::new(BTreeSet::new()) }),
            other => Err(Mismatch::malformed(path, "an object", other)),
        }
    }

    /// The path of `key` below this object.
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of `key`, marked as read; `null` is a value.
    pub fn take(&self, key: &str) -> Option<&'v Value> {
        let (name, value) = self.map.get_key_value(key)?;
        self.read.borrow_mut().insert(name);
        Some(value)
    }

    /// The value of `key`, marked as read, where it must be there.
    ///
    /// # Errors
    /// A [`Mismatch`] when it is missing.
    pub fn need(&self, key: &str) -> Result<&'v Value, Mismatch> {
        self.take(key).ok_or_else(|| Mismatch::new(self.path(key), "a value", "nothing"))
    }

    /// The text at `key`.
    ///
    /// # Errors
    /// A [`Mismatch`] when the value is there and is no text.
    pub fn text(&self, key: &str) -> Result<Option<&'v str>, Mismatch> {
        self.typed(key, "a text", Value::as_str)
    }

    /// The unsigned integer at `key`.
    ///
    /// # Errors
    /// A [`Mismatch`] when the value is there and is no unsigned integer.
    pub fn number(&self, key: &str) -> Result<Option<u64>, Mismatch> {
        self.typed(key, "an unsigned integer", Value::as_u64)
    }

    /// The truth value at `key`.
    ///
    /// # Errors
    /// A [`Mismatch`] when the value is there and is neither `true` nor `false`.
    pub fn truth(&self, key: &str) -> Result<Option<bool>, Mismatch> {
        self.typed(key, "true or false", Value::as_bool)
    }

    /// The list at `key`.
    ///
    /// # Errors
    /// A [`Mismatch`] when the value is there and is no list.
    pub fn list(&self, key: &str) -> Result<Option<&'v [Value]>, Mismatch> {
        self.typed(key, "a list", |value| value.as_array().map(Vec::as_slice))
    }

    /// Marks fields that are for people and are never compared.
    pub fn ignore(&self, keys: &[&str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// A mismatch for every field that nobody read.
    pub fn unread(&self) -> Vec<Mismatch> {
        let read = self.read.borrow();
        self.map
            .keys()
            .filter(|key| !read.contains(key.as_str()))
            .map(|key| Mismatch::unknown(self.path(key)))
            .collect()
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'v Value) -> Option<T>,
    ) -> Result<Option<T>, Mismatch> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| Mismatch::malformed(self.path(key), expected, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_nobody_reads_is_unknown() {
        let value = json!({"a": 1, "b": null});
        let fields = Fields::new("expect", &value).unwrap();
        assert_eq!(fields.number("a"), Ok(Some(1)));
        assert_eq!(fields.unread(), vec![Mismatch::unknown("expect.b")]);
        assert_eq!(fields.take("b"), Some(&Value::Null));
        assert!(fields.unread().is_empty());
    }

    #[test]
    fn a_wrong_type_is_a_mismatch() {
        let value = json!({"a": "x"});
        let fields = Fields::new("", &value).unwrap();
        assert_eq!(fields.number("a").unwrap_err().to_string(), "a: expected an unsigned integer .. got \"x\"");
    }
}

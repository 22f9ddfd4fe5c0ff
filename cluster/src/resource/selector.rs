//! A label selector as a resource holds it: the text as it was written, and what it means.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{FieldError, Problem};

/// A parsed selector that is shown as it was written.
///
/// ```
/// use bgp_cluster::resource::LabelSelector;
///
/// let selector: LabelSelector = "route-reflector == 'true'".parse()?;
/// assert!(selector.matches(&[("route-reflector".into(), "true".into())].into()));
/// assert_eq!(selector.to_string(), "route-reflector == 'true'");
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelSelector {
    text: String,
    parsed: ippool::selector::Selector,
}

impl LabelSelector {
    /// The selector that matches everything, `all()`.
    #[must_use]
    pub fn all() -> Self {
        Self { text: "all()".into(), parsed: ippool::selector::Selector::all() }
    }

    /// Whether these labels satisfy the selector.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.parsed.matches(labels)
    }

    /// Whether the text is blank, which also selects everything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The meaning of the text.
    #[must_use]
    pub fn parsed(&self) -> &ippool::selector::Selector {
        &self.parsed
    }

    /// What a pool's selectors must also keep.
    pub(super) fn pool_rules(&self, field: &'static str) -> Result<(), FieldError> {
        if self.text.chars().count() > MAX_POOL_LEN {
            return Err(FieldError::new(field, &self.text, Problem::TooLong(MAX_POOL_LEN)));
        }
        if self.parsed.uses_global() {
            return Err(FieldError::new(field, &self.text, Problem::GlobalSelector));
        }
        Ok(())
    }
}

impl Default for LabelSelector {
    fn default() -> Self {
        Self::all()
    }
}

impl FromStr for LabelSelector {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        match ippool::selector::Selector::parse(text) {
            Ok(parsed) => Ok(Self { text: text.into(), parsed }),
            Err(error) => Err(FieldError::new("selector", text, Problem::Selector(error))),
        }
    }
}

impl TryFrom<String> for LabelSelector {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<LabelSelector> for String {
    fn from(selector: LabelSelector) -> Self {
        selector.text
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The longest selector of a pool, in characters (Calico's API server).
const MAX_POOL_LEN: usize = 1024;

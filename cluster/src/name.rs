//! Names of resources: lower-case DNS-1123 subdomains.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{FieldError, Problem};

/// The name of a resource: a lower-case DNS-1123 subdomain of at most 253 octets. A clone shares the text.
///
/// ```
/// use bgp_cluster::Name;
///
/// let name: Name = "k8s-master".parse()?;
/// assert_eq!(name.as_str(), "k8s-master");
/// assert!("K8s_Master".parse::<Name>().is_err());
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

impl Name {
    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        if is_subdomain(text) { Ok(Self(text.into())) } else { Err(FieldError::new("name", text, Problem::Name)) }
    }
}

impl TryFrom<String> for Name {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        Self::from(name.as_str())
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl core::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

fn is_subdomain(text: &str) -> bool {
    (1..=MAX_LEN).contains(&text.len()) && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let alphanumeric = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let octets = label.as_bytes();
    octets.first().is_some_and(alphanumeric)
        && octets.last().is_some_and(alphanumeric)
        && octets.iter().all(|octet| alphanumeric(octet) || *octet == b'-')
}

/// RFC 1123 2.1 and the Kubernetes API: the longest name of a resource, in octets.
const MAX_LEN: usize = 253;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_are_lower_case_subdomains() {
        for good in ["a", "k8s-master", "node.k8s-node1", "0", "a--b"] {
            assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        }
        for bad in ["", "A", "-a", "a-", "a..b", "a_b", ".a", "é", &"a".repeat(254)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}

//! What can be wrong with a resource, with the field and its value.
//!
//! These errors own text, unlike those of the wire: a person reads them, once, when a file is read.

use alloc::string::{String, ToString};
use core::fmt;

use ipnet::IpNet;

/// A field whose value cannot be: the field (or the kind of value, where a type serves many fields), the value, the rule.
///
/// ```
/// use bgp_cluster::resource::PoolCidr;
///
/// let error = "10.244.1.0/16".parse::<PoolCidr>().err().map(|e| e.to_string());
/// assert_eq!(error.as_deref(), Some(r#"cidr "10.244.1.0/16" has host bits set"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value:?} {problem}")]
pub struct FieldError {
    field: &'static str,
    value: String,
    problem: Problem,
}

impl FieldError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Display, problem: Problem) -> Self {
        Self { field, value: value.to_string(), problem }
    }

    /// The field's wire name (`cidr`, `peerIP`), or what its value should have been (`selector`).
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value as it was written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The rule that the value breaks.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// The rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not an address with a prefix length.
    #[error("is no CIDR")]
    Cidr,
    /// A pool or a block has bits set behind its prefix.
    #[error("has host bits set")]
    HostBits,
    /// The CIDR overlaps addresses that are never routed.
    #[error("overlaps the link-local addresses {0}")]
    LinkLocal(IpNet),
    /// A number outside its range, both ends included.
    #[error("is not in {min}..={max}")]
    Range {
        /// The least value.
        min: u32,
        /// The greatest value.
        max: u32,
    },
    /// The pool is longer than its blocks.
    #[error("is shorter than the pool {0}")]
    BlockLargerThanPool(IpNet),
    /// A selector with a syntax error, in the words of the parser.
    #[error("is no selector: {0}")]
    Selector(ippool::selector::Error),
    /// A selector longer than the API server takes.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// `global()` selects no node.
    #[error("must not use global()")]
    GlobalSelector,
    /// Neither a 32-bit number nor `high.low`.
    #[error("is no AS number")]
    AsNumber,
    /// Not an address.
    #[error("is no {0} address")]
    Address(&'static str),
    /// Not `address`, `v4:port` or `[v6]:port`.
    #[error("is no address with an optional port")]
    PeerIp,
    /// Not a duration as Go writes it.
    #[error("is no duration such as 120s")]
    Duration,
    /// Not `hh:mm:ss`.
    #[error("is no time of day hh:mm:ss")]
    TimeOfDay,
    /// Not a DNS-1123 subdomain in lower case.
    #[error("is no lower-case DNS-1123 name")]
    Name,
    /// Not `aa:nn` or `aa:nn:mm`.
    #[error("is no community aa:nn or aa:nn:mm")]
    Community,
    /// Not a glob of at most 15 characters, or the one that matches everything.
    #[error("is no interface pattern of 1 to 15 characters other than *")]
    InterfacePattern,
    /// Two fields exclude each other.
    #[error("cannot stand beside {0}")]
    Excludes(&'static str),
    /// One of several fields has to be there.
    #[error("is missing: give one of {0}")]
    Missing(&'static str),
    /// A field is of use only with another.
    #[error("needs {0}")]
    Needs(&'static str),
    /// An object that is there but says nothing.
    #[error("is empty")]
    Empty,
    /// A field that this name of a resource cannot have.
    #[error("is only allowed in the resource named default")]
    OnlyDefault,
    /// A BGPConfiguration is called `default` or `node.<name>`.
    #[error("is neither default nor node.<name>")]
    ConfigurationName,
    /// A kind of resource that is not read here.
    #[error("is no kind of resource that is known here")]
    UnknownKind,
    /// Not the version these types are of.
    #[error("is not {0}")]
    NotThis(&'static str),
}

//! Why a stored object is of no use: found by whoever decodes it, and told by the operation that needed it.

use alloc::sync::Arc;
use core::fmt;

use crate::block::InvalidBlock;
use crate::key::Key;

/// Why a stored value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not JSON.
    #[error("not JSON at line {line} column {column}")]
    Syntax {
        /// The line, counted from 1.
        line: u32,
        /// The column in octets, counted from 1.
        column: u32,
    },
    /// It is JSON, but no object, or one with a field twice.
    #[error("no JSON object with each field once")]
    NoObject,
    /// A field has the wrong type or a number out of range.
    #[error("field {0:?} has the wrong type")]
    Type(&'static str),
    /// A field is missing that has to be there.
    #[error("field {0:?} is missing")]
    Missing(&'static str),
    /// A CIDR is missing or is none.
    #[error("field {0:?}: missing or malformed CIDR")]
    Cidr(&'static str),
    /// The owner of a block is neither `host:NAME` nor `virtual:NAME`.
    #[error("field {0:?}: malformed affinity")]
    Owner(&'static str),
    /// A time is not in the form of RFC 3339.
    #[error("field {0:?}: malformed time")]
    Time(&'static str),
    /// A sequence number is filed under something else than an ordinal.
    #[error("field \"sequenceNumberForAllocation\": sequence number of no ordinal")]
    SequenceKey,
    /// A field has a value that is not among those that are known.
    #[error("field {0:?}: unknown value")]
    Unknown(&'static str),
    /// A handle has no addresses in a block that it lists.
    #[error("field \"block\": handle counts less than one address in a block")]
    HandleCount,
    /// The fields of a block contradict each other.
    #[error("inconsistent block: {0}")]
    Block(#[from] InvalidBlock),
    /// The object at the key is of another kind, or says that it belongs to another key.
    #[error("the object does not belong to the key")]
    Misplaced,
}

impl DecodeError {
    /// The field that is wrong as it is written, unless it is the whole value.
    ///
    /// ```
    /// use ippool::DecodeError;
    /// use ippool::block::InvalidBlock;
    /// assert_eq!(DecodeError::HandleCount.field(), Some("block"));
    /// assert_eq!(DecodeError::Block(InvalidBlock::FreeOrdinal(3)).field(), Some("unallocated"));
    /// assert_eq!(DecodeError::NoObject.field(), None);
    /// ```
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            DecodeError::Syntax { .. } | DecodeError::NoObject | DecodeError::Misplaced => None,
            DecodeError::Type(field)
            | DecodeError::Missing(field)
            | DecodeError::Cidr(field)
            | DecodeError::Owner(field)
            | DecodeError::Time(field)
            | DecodeError::Unknown(field) => Some(field),
            DecodeError::SequenceKey => Some("sequenceNumberForAllocation"),
            DecodeError::HandleCount => Some("block"),
            DecodeError::Block(problem) => Some(problem.field()),
        }
    }
}

/// A stored object that an operation needed and could not use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadValue {
    /// Where it is.
    pub key: Key,
    /// What is wrong with it.
    pub error: DecodeError,
}

impl BadValue {
    pub(crate) fn new(key: Key, error: DecodeError) -> Arc<BadValue> {
        Arc::new(BadValue { key, error })
    }
}

/// The key, a colon, and the error.
impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.error)
    }
}

impl core::error::Error for BadValue {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

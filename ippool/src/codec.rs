//! Calico's stored form, octet for octet: etcd keys, JSON values, and the names and labels of Kubernetes objects.
//!
//! A store's driver turns [`Key`] and [`Value`] into text and back with the functions here. Fields come in
//! Calico's order and without blanks; unknown fields are ignored and not written again.

mod base;
mod block;
mod json;
mod key;
mod name;
mod object;
#[cfg(test)]
mod tests;
mod time;

use alloc::string::String;
use alloc::sync::Arc;

use crate::block::InvalidBlock;
use crate::{Key, Value};

pub(crate) use base::base64_url;
pub use block::{decode_block, encode_block};
pub use key::{DecodedKey, UnnamedKey, decode_key, encode_key};
pub use name::{affinity_labels, affinity_name, cidr_name, handle_name};
pub use object::{decode_affinity, decode_config, decode_handle, encode_affinity, encode_config, encode_handle};

/// Why a stored value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not JSON.
    #[error("not JSON at line {line} column {column}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column in octets, counted from 1.
        column: usize,
    },
    /// It is JSON, but a field has the wrong type or a number out of range.
    #[error("field of the wrong type at line {line} column {column}")]
    Type {
        /// The line where the field ends, counted from 1.
        line: usize,
        /// The column in octets, counted from 1.
        column: usize,
    },
    /// A CIDR is missing or is none.
    #[error("missing or malformed CIDR")]
    Cidr,
    /// The owner of a block is neither `host:NAME` nor `virtual:NAME`.
    #[error("malformed affinity")]
    Owner,
    /// A time is not in the form of RFC 3339.
    #[error("malformed time")]
    Time,
    /// A sequence number is filed under something else than an ordinal.
    #[error("sequence number of no ordinal")]
    SequenceKey,
    /// The state of an affinity is not known.
    #[error("unknown affinity state")]
    AffinityState,
    /// The setting `kubeVirtVMAddressPersistence` is not known.
    #[error("unknown address persistence")]
    VmPersistence,
    /// A handle has no addresses in a block that it lists.
    #[error("handle counts less than one address in a block")]
    HandleCount,
    /// The fields of a block contradict each other.
    #[error("inconsistent block: {0}")]
    Block(#[from] InvalidBlock),
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if error.is_data() { Self::Type { line, column } } else { Self::Syntax { line, column } }
    }
}

/// Reads the value that is stored at a key.
///
/// # Errors
///
/// [`DecodeError`] for what is not Calico's form or contradicts itself.
///
/// # Examples
///
/// ```
/// use ippool::{Affinity, AffinityState, Key, Owner, Value, codec};
///
/// let key = Key::Affinity(Owner::host("n1"), "10.0.0.0/26".parse()?);
/// let value = codec::decode_value(&key, br#"{"state":"pending","deleted":false}"#)?;
/// assert_eq!(value, Value::Affinity(Affinity::new(AffinityState::Pending)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_value(key: &Key, value: &[u8]) -> Result<Value, DecodeError> {
    match key {
        Key::Block(_) => decode_block(value).map(|block| Value::Block(Arc::new(block))),
        Key::Affinity(..) => decode_affinity(value).map(Value::Affinity),
        Key::Handle(_) => decode_handle(value).map(Value::Handle),
        Key::Config => decode_config(value).map(Value::Config),
        Key::Host(_) => Ok(Value::Host),
    }
}

/// Writes a value as it is stored; `None` for [`Value::Invalid`], which must never be written.
///
/// # Examples
///
/// ```
/// use ippool::{Value, codec};
///
/// assert_eq!(codec::encode_value(&Value::Host).as_deref(), Some("{}"));
/// assert_eq!(codec::encode_value(&Value::Invalid), None);
/// ```
#[must_use]
pub fn encode_value(value: &Value) -> Option<String> {
    match value {
        Value::Block(block) => Some(encode_block(block)),
        Value::Affinity(affinity) => Some(encode_affinity(affinity)),
        Value::Handle(handle) => Some(encode_handle(handle)),
        Value::Config(config) => Some(encode_config(config)),
        Value::Host => Some("{}".into()),
        Value::Invalid => None,
    }
}

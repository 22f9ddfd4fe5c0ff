//! Calico's stored form, octet for octet: etcd keys, JSON values, and the names and labels of Kubernetes objects.
//!
//! A store's driver turns [`Key`] and [`Value`] into text and back with the functions here. Fields come in
//! Calico's order and without blanks; unknown fields are ignored and not written again.

mod block;
mod crd;
mod dump;
mod json;
mod key;
mod name;
mod object;
mod report;
#[cfg(test)]
mod tests;
mod time;

use alloc::string::String;
use alloc::sync::Arc;

use crate::{Key, Value};

pub use crate::invalid::DecodeError;

pub use block::{decode_block, encode_block};
pub use crd::{
    Api, Resource, decode_pool, decode_reservation, decode_resource, encode_pool, encode_reservation, encode_resource,
    upgrade_affinity,
};
pub use dump::decode_dump;
pub use key::{DecodedKey, UnnamedKey, decode_key, encode_key};
pub use name::{affinity_labels, affinity_name, cidr_name, handle_name};
pub use object::{decode_affinity, decode_config, decode_handle, encode_affinity, encode_config, encode_handle};
pub use report::{decode_report, encode_report};

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
/// assert_eq!(codec::encode_value(&Value::Invalid(codec::DecodeError::NoObject)), None);
/// ```
#[must_use]
pub fn encode_value(value: &Value) -> Option<String> {
    match value {
        Value::Block(block) => Some(encode_block(block)),
        Value::Affinity(affinity) => Some(encode_affinity(affinity)),
        Value::Handle(handle) => Some(encode_handle(handle)),
        Value::Config(config) => Some(encode_config(config)),
        Value::Host => Some("{}".into()),
        Value::Invalid(_) => None,
    }
}

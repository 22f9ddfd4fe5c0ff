//! Dumps of etcd as input: `etcdctl get --prefix` prints keys and values in turn, with `-w json` as base64.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::{decode_key, decode_value, object};
use crate::base;
use crate::invalid::DecodeError;
use crate::key::ROOT;
use crate::store::{Revision, Stored};
use crate::{Key, Value};

/// Reads the output of `etcdctl get --prefix /calico/ipam/`, plain or with `-w json`: the objects of the allocator, for
/// [`Snapshot::new`](crate::audit::Snapshot::new). Other keys are left out; a value that cannot be read is there as
/// [`Value::Invalid`]. In the plain form revisions are the places of the keys.
///
/// # Errors
/// [`DecodeError`] if the dump itself is none: JSON of another form, or a key without a value.
///
/// ```
/// use ippool::codec::decode_dump;
/// let dump = b"/calico/ipam/v2/handle/h\n{\"block\":{\"10.0.0.0/26\":1},\"deleted\":false}\n";
/// assert_eq!(decode_dump(dump)?.len(), 1);
/// # Ok::<(), ippool::DecodeError>(())
/// ```
#[doc(alias = "etcdctl")]
pub fn decode_dump(dump: &[u8]) -> Result<Vec<(Key, Stored)>, DecodeError> {
    match dump.iter().find(|octet| !octet.is_ascii_whitespace()) {
        Some(b'{') => json(dump),
        _ => plain(dump),
    }
}

/// A key is a line that begins like one; everything up to the next is its value, which may be empty or have several
/// lines.
fn plain(dump: &[u8]) -> Result<Vec<(Key, Stored)>, DecodeError> {
    let mut objects = Vec::new();
    let mut current: Option<(String, Vec<u8>)> = None;
    for line in dump.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"/") {
            push(&mut objects, current.take(), None);
            current = core::str::from_utf8(line).ok().map(|key| (key.into(), Vec::new()));
        } else if let Some((_, value)) = &mut current {
            if !value.is_empty() {
                value.push(b'\n');
            }
            value.extend_from_slice(line);
        } else if !line.is_empty() {
            return Err(DecodeError::Missing("key"));
        }
    }
    push(&mut objects, current, None);
    Ok(objects)
}

fn json(dump: &[u8]) -> Result<Vec<(Key, Stored)>, DecodeError> {
    let dump: Dump = object::from_json(dump, &["kvs"])?;
    let mut objects = Vec::new();
    for entry in dump.kvs.unwrap_or_default() {
        let key = base::from_base64(entry.key.as_deref().unwrap_or_default()).ok_or(DecodeError::Type("key"))?;
        let value = base::from_base64(entry.value.as_deref().unwrap_or_default()).ok_or(DecodeError::Type("value"))?;
        let current = String::from_utf8(key).ok().map(|key| (key, value));
        push(&mut objects, current, entry.mod_revision);
    }
    Ok(objects)
}

fn push(objects: &mut Vec<(Key, Stored)>, current: Option<(String, Vec<u8>)>, revision: Option<u64>) {
    let Some((text, mut value)) = current else { return };
    while value.last().is_some_and(u8::is_ascii_whitespace) {
        value.pop();
    }
    let Some(key) = any_key(&text) else { return };
    let place = u64::try_from(objects.len()).unwrap_or(u64::MAX).saturating_add(1);
    let value = decode_value(&key, &value).unwrap_or_else(Value::Invalid);
    objects.push((key, Stored { value, revision: Revision(revision.unwrap_or(place)) }));
}

/// Any key of the allocator, those included that are not found by listing.
fn any_key(text: &str) -> Option<Key> {
    if let Some(found) = decode_key(text) {
        return Some(found.key);
    }
    match text.strip_prefix(ROOT)? {
        "/config" => Some(Key::Config),
        rest => {
            let host = rest.strip_prefix("/host/").filter(|host| !host.is_empty() && !host.contains('/'))?;
            Some(Key::Host(host.into()))
        }
    }
}

/// As etcdctl prints it.
#[derive(Deserialize)]
struct Dump {
    kvs: Option<Vec<Entry>>,
}

/// As etcdctl prints it.
#[derive(Deserialize)]
struct Entry {
    key: Option<String>,
    value: Option<String>,
    mod_revision: Option<u64>,
}

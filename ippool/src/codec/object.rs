//! The values of affinities, handles and the configuration.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Affinity, AffinityState, Config, Handle, VmPersistence};

use super::{DecodeError, json, key};

/// Writes an affinity.
///
/// # Examples
///
/// ```
/// use ippool::{Affinity, AffinityState, codec};
///
/// let text = codec::encode_affinity(&Affinity::new(AffinityState::Confirmed));
/// assert_eq!(text, r#"{"state":"confirmed","deleted":false}"#);
/// ```
#[must_use]
pub fn encode_affinity(affinity: &Affinity) -> String {
    let mut text = String::from("{");
    json::string(state_name(affinity.state), json::member("state", &mut text));
    json::boolean(affinity.deleted, json::member("deleted", &mut text));
    text.push('}');
    text
}

/// Reads an affinity; an empty value is an old one, without state.
///
/// # Errors
///
/// [`DecodeError`] for malformed JSON and unknown states.
///
/// # Examples
///
/// ```
/// use ippool::{AffinityState, codec};
///
/// assert_eq!(codec::decode_affinity(b"")?.state, AffinityState::Unstated);
/// # Ok::<(), codec::DecodeError>(())
/// ```
pub fn decode_affinity(value: &[u8]) -> Result<Affinity, DecodeError> {
    let stored: StoredAffinity =
        if value.is_empty() { StoredAffinity::default() } else { from_json(value, &["state", "deleted"])? };
    let name = stored.state.as_deref().unwrap_or_default();
    let state = STATES.iter().find(|(_, known)| *known == name).ok_or(DecodeError::Unknown("state"))?.0;
    let mut affinity = Affinity::new(state);
    affinity.deleted = stored.deleted.unwrap_or(false);
    Ok(affinity)
}

/// Writes a handle, its blocks in the octet order of their text.
///
/// # Examples
///
/// ```
/// use ippool::{Handle, codec};
///
/// let mut handle = Handle::default();
/// handle.blocks.insert("10.0.0.4/30".parse()?, 2);
/// handle.blocks.insert("10.0.0.12/30".parse()?, 1);
/// assert_eq!(codec::encode_handle(&handle), r#"{"block":{"10.0.0.12/30":1,"10.0.0.4/30":2},"deleted":false}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn encode_handle(handle: &Handle) -> String {
    let blocks: BTreeMap<String, u64> = handle.blocks.iter().map(|(cidr, count)| (cidr.to_string(), *count)).collect();
    let mut text = String::from("{");
    let entries = blocks.iter().map(|(cidr, count)| (cidr.as_str(), *count));
    let entries = (!handle.null_blocks || !blocks.is_empty()).then_some(entries);
    json::map(entries, json::number, json::member("block", &mut text));
    json::boolean(handle.deleted, json::member("deleted", &mut text));
    text.push('}');
    text
}

/// Reads a handle.
///
/// # Errors
///
/// [`DecodeError`] for malformed JSON, malformed CIDRs and counts below 1.
///
/// # Examples
///
/// ```
/// use ippool::codec::{DecodeError, decode_handle};
///
/// assert_eq!(decode_handle(br#"{"block":{"10.0.0.0/26":3}}"#)?.blocks.len(), 1);
/// assert_eq!(decode_handle(br#"{"block":{"10.0.0.0":3}}"#), Err(DecodeError::Cidr("block")));
/// # Ok::<(), DecodeError>(())
/// ```
pub fn decode_handle(value: &[u8]) -> Result<Handle, DecodeError> {
    let stored: StoredHandle = from_json(value, &["block", "deleted"])?;
    let mut handle = Handle { null_blocks: stored.block.is_none(), ..Handle::default() };
    for (cidr, count) in stored.block.into_iter().flatten() {
        let count = u64::try_from(count).ok().filter(|count| *count > 0).ok_or(DecodeError::HandleCount)?;
        // Two spellings of one block would be one count too few.
        let total = handle.blocks.entry(key::cidr(&cidr).ok_or(DecodeError::Cidr("block"))?).or_default();
        *total = total.saturating_add(count);
    }
    handle.deleted = stored.deleted.unwrap_or(false);
    Ok(handle)
}

/// Writes the configuration; what is false, zero or not set is left out.
///
/// # Examples
///
/// ```
/// use ippool::{Config, codec};
///
/// let text = codec::encode_config(&Config::default());
/// assert_eq!(text, r#"{"auto_allocate_blocks":true,"kubeVirtVMAddressPersistence":"Enabled"}"#);
/// ```
#[must_use]
pub fn encode_config(config: &Config) -> String {
    let mut text = String::from("{");
    for (name, value) in
        [("strict_affinity", config.strict_affinity), ("auto_allocate_blocks", config.auto_allocate_blocks)]
    {
        if value {
            json::boolean(value, json::member(name, &mut text));
        }
    }
    config_rest(config, text)
}

/// The configuration as a resource has it: the two settings are always written.
pub(super) fn encode_config_spec(config: &Config) -> String {
    let mut text = String::from("{");
    json::boolean(config.strict_affinity, json::member("strictAffinity", &mut text));
    json::boolean(config.auto_allocate_blocks, json::member("autoAllocateBlocks", &mut text));
    config_rest(config, text)
}

/// What is written alike in both forms.
fn config_rest(config: &Config, mut text: String) -> String {
    if config.max_blocks_per_host > 0 {
        json::number(config.max_blocks_per_host.into(), json::member("maxBlocksPerHost", &mut text));
    }
    let persistence = PERSISTENCE.iter().find(|(value, _)| config.vm_persistence == Some(*value));
    if let Some((_, name)) = persistence {
        json::string(name, json::member("kubeVirtVMAddressPersistence", &mut text));
    }
    if config.cooldown_seconds > 0 {
        json::number(config.cooldown_seconds.into(), json::member("ipCooldownSeconds", &mut text));
    }
    text.push('}');
    text
}

/// Reads the configuration. What is missing is false or zero here; the defaults are in force only where no
/// configuration is stored at all.
///
/// # Errors
///
/// [`DecodeError`] for malformed JSON, negative numbers and unknown settings.
///
/// # Examples
///
/// ```
/// use ippool::codec::{DecodeError, decode_config};
///
/// assert!(!decode_config(b"{}")?.auto_allocate_blocks);
/// # Ok::<(), DecodeError>(())
/// ```
pub fn decode_config(value: &[u8]) -> Result<Config, DecodeError> {
    let stored: StoredConfig = from_json(value, CONFIG_FIELDS)?;
    let persistence = |name: String| PERSISTENCE.iter().find(|(_, known)| *known == name).map(|(value, _)| *value);
    Ok(Config {
        strict_affinity: stored.strict_affinity.unwrap_or(false),
        auto_allocate_blocks: stored.auto_allocate_blocks.unwrap_or(false),
        max_blocks_per_host: stored.max_blocks_per_host.unwrap_or(0),
        vm_persistence: match stored.vm_persistence {
            Some(name) => Some(persistence(name).ok_or(DecodeError::Unknown("kubeVirtVMAddressPersistence"))?),
            None => None,
        },
        cooldown_seconds: stored.cooldown_seconds.unwrap_or(0),
    })
}

/// The name of a state.
pub(super) fn state_name(state: AffinityState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("", |(_, name)| *name)
}

/// Reads JSON; a byte order mark or anything after the value is an error. All fields of `T` may be missing.
pub(super) fn from_json<T: DeserializeOwned>(value: &[u8], fields: &[&'static str]) -> Result<T, DecodeError> {
    serde_json::from_slice(value).map_err(|error| {
        if error.is_data() {
            return wrong_field::<T>(value, fields);
        }
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        DecodeError::Syntax { line: number(error.line()), column: number(error.column()) }
    })
}

/// Which field of an object is of the wrong type: each is read alone.
fn wrong_field<T: DeserializeOwned>(value: &[u8], fields: &[&'static str]) -> DecodeError {
    use serde_json::{Map, Value};
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(value) else { return DecodeError::NoObject };
    let is_wrong = |field: &&&'static str| {
        let Some(member) = members.get(**field) else { return false };
        serde_json::from_value::<T>(Value::Object(Map::from_iter([(String::from(**field), member.clone())]))).is_err()
    };
    fields.iter().find(is_wrong).map_or(DecodeError::NoObject, |field| DecodeError::Type(field))
}

/// The fields of the configuration.
const CONFIG_FIELDS: &[&str] = &[
    "strict_affinity",
    "auto_allocate_blocks",
    "maxBlocksPerHost",
    "kubeVirtVMAddressPersistence",
    "ipCooldownSeconds",
];

/// The states and their names.
const STATES: [(AffinityState, &str); 4] = [
    (AffinityState::Unstated, ""),
    (AffinityState::Pending, "pending"),
    (AffinityState::Confirmed, "confirmed"),
    (AffinityState::PendingDeletion, "pendingDeletion"),
];

/// The settings of address persistence and their names.
const PERSISTENCE: [(VmPersistence, &str); 2] =
    [(VmPersistence::Enabled, "Enabled"), (VmPersistence::Disabled, "Disabled")];

/// As stored; `null` is the same as missing everywhere.
#[derive(Default, Deserialize)]
struct StoredAffinity {
    state: Option<String>,
    deleted: Option<bool>,
}

/// As stored.
#[derive(Deserialize)]
struct StoredHandle {
    block: Option<BTreeMap<String, i64>>,
    deleted: Option<bool>,
}

/// As stored.
#[derive(Deserialize)]
struct StoredConfig {
    strict_affinity: Option<bool>,
    auto_allocate_blocks: Option<bool>,
    #[serde(rename = "maxBlocksPerHost")]
    max_blocks_per_host: Option<u32>,
    #[serde(rename = "kubeVirtVMAddressPersistence")]
    vm_persistence: Option<String>,
    #[serde(rename = "ipCooldownSeconds")]
    cooldown_seconds: Option<u32>,
}

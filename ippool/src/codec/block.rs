//! The values of blocks.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;

use crate::{Attributes, Block, BlockParts, Owner, UnixTime};

use super::object::from_json;
use super::{DecodeError, json, key, time};

/// Writes a block.
///
/// # Examples
///
/// ```
/// use ippool::{Block, codec};
///
/// let block = Block::new("10.0.0.0/31".parse()?, 7, None)?;
/// let text = codec::encode_block(&block);
/// assert!(text.starts_with(r#"{"cidr":"10.0.0.0/31","affinity":null,"allocations":[null,null],"#));
/// assert_eq!(codec::decode_block(text.as_bytes())?, block);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn encode_block(block: &Block) -> String {
    let parts = block.to_parts();
    let mut text = String::from("{");
    let out = &mut text;
    json::string(&parts.cidr.to_string(), json::member("cidr", out));
    match &parts.affinity {
        Some(owner) => json::string(&owner.to_string(), json::member("affinity", out)),
        None => json::member("affinity", out).push_str("null"),
    }
    if let Some(claimed) = parts.claim_time {
        json::string(&time::encode(claimed), json::member("affinity_claim_time", out));
    }
    write_rest(&parts, out);
    text.push('}');
    text
}

/// The block as a resource has it: no owner is no field; version 1 ends with an obsolete setting.
pub(super) fn encode_spec(block: &Block, obsolete: bool) -> String {
    let parts = block.to_parts();
    let mut text = String::from("{");
    let out = &mut text;
    json::string(&parts.cidr.to_string(), json::member("cidr", out));
    if let Some(owner) = &parts.affinity {
        json::string(&owner.to_string(), json::member("affinity", out));
    }
    if let Some(claimed) = parts.claim_time {
        json::string(&time::encode(claimed), json::member("affinityClaimTime", out));
    }
    write_rest(&parts, out);
    if obsolete {
        json::boolean(false, json::member("strictAffinity", out));
    }
    text.push('}');
    text
}

/// What is written alike in both forms.
fn write_rest(parts: &BlockParts, out: &mut String) {
    json::list(
        Some(&parts.allocations),
        |allocation, out| match allocation {
            Some(index) => json::number(u64::from(*index), out),
            None => out.push_str("null"),
        },
        json::member("allocations", out),
    );
    json::list(
        parts.free.as_ref(),
        |ordinal, out| json::number(u64::from(*ordinal), out),
        json::member("unallocated", out),
    );
    json::list(parts.attributes.as_ref(), write_attributes, json::member("attributes", out));
    json::number(parts.sequence, json::member("sequenceNumber", out));
    // In the order of the texts, where 10 comes before 2.
    let sequences: Option<BTreeMap<String, u64>> = parts
        .sequences
        .as_ref()
        .map(|sequences| sequences.iter().map(|(ordinal, sequence)| (ordinal.to_string(), *sequence)).collect());
    let entries = sequences.as_ref().map(|all| all.iter().map(|(ordinal, sequence)| (ordinal.as_str(), *sequence)));
    json::map(entries, json::number, json::member("sequenceNumberForAllocation", out));
    json::boolean(parts.deleted, json::member("deleted", out));
}

fn write_attributes(attributes: &Attributes, out: &mut String) {
    out.push('{');
    if let Some(handle) = &attributes.handle {
        json::string(handle, json::member("handle_id", out));
    }
    for (name, map) in [("secondary", &attributes.active), ("alternateOwnerAttrs", &attributes.alternate)] {
        if !map.is_empty() {
            let entries = map.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            json::map(Some(entries), json::string, json::member(name, out));
        }
    }
    if let Some(released) = attributes.released_at {
        json::string(&time::encode(released), json::member("releasedAt", out));
    }
    out.push('}');
}

/// Reads a block.
///
/// The owner of an old block may stand in `hostAffinity`; it is taken where `affinity` is missing, and written in the
/// new form. Unlike Calico this refuses blocks whose fields contradict each other.
///
/// # Errors
///
/// [`DecodeError`] for malformed JSON, texts and numbers, and [`DecodeError::Block`] for contradictions.
///
/// # Examples
///
/// ```
/// use ippool::block::InvalidBlock;
/// use ippool::codec::{DecodeError, decode_block};
///
/// let twice = br#"{"cidr":"10.0.0.0/31","allocations":[null,null],"unallocated":[0,0]}"#;
/// assert_eq!(decode_block(twice), Err(DecodeError::Block(InvalidBlock::FreeOrdinal(0))));
/// ```
pub fn decode_block(value: &[u8]) -> Result<Block, DecodeError> {
    let stored: StoredBlock = from_json(value, FIELDS)?;
    let affinity = match (stored.affinity, stored.host_affinity) {
        (Some(owner), _) => Some(Owner::parse(&owner).ok_or(DecodeError::Owner("affinity"))?),
        (None, Some(host)) => Some(Owner::host(host)),
        (None, None) => None,
    };
    let attributes = stored.attributes.map(|all| all.into_iter().map(attributes_of).collect::<Result<_, _>>());
    let sequences = stored.sequences.map(|all| {
        all.into_iter()
            .map(|(ordinal, sequence)| Ok((ordinal_of(&ordinal).ok_or(DecodeError::SequenceKey)?, sequence)))
            .collect::<Result<_, DecodeError>>()
    });
    Ok(Block::from_parts(BlockParts {
        cidr: stored.cidr.as_deref().and_then(key::cidr).ok_or(DecodeError::Cidr("cidr"))?,
        affinity,
        claim_time: stored.claim_time.map(|text| time_of(&text, "affinity_claim_time")).transpose()?,
        allocations: stored.allocations.unwrap_or_default(),
        free: stored.free,
        attributes: attributes.transpose()?,
        sequence: stored.sequence.unwrap_or(0),
        sequences: sequences.transpose()?,
        deleted: stored.deleted.unwrap_or(false),
    })?)
}

fn attributes_of(stored: Option<StoredAttributes>) -> Result<Attributes, DecodeError> {
    let stored = stored.unwrap_or_default();
    let map = |map: Option<BTreeMap<String, Option<String>>>| {
        map.into_iter().flatten().map(|(key, value)| (key, value.unwrap_or_default())).collect()
    };
    Ok(Attributes {
        handle: stored.handle,
        active: map(stored.active),
        alternate: map(stored.alternate),
        released_at: stored.released_at.map(|text| time_of(&text, "attributes")).transpose()?,
    })
}

fn time_of(text: &str, field: &'static str) -> Result<UnixTime, DecodeError> {
    time::decode(text).ok_or(DecodeError::Time(field))
}

/// The fields as they are written.
const FIELDS: &[&str] = &[
    "cidr",
    "affinity",
    "affinity_claim_time",
    "allocations",
    "unallocated",
    "attributes",
    "sequenceNumber",
    "sequenceNumberForAllocation",
    "deleted",
    "hostAffinity",
];

/// An ordinal as Calico writes it: no sign, no zeros in front.
fn ordinal_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|ordinal: &u16| ordinal.to_string() == text)
}

/// As stored; `null` is the same as missing everywhere.
#[derive(Deserialize)]
struct StoredBlock {
    cidr: Option<String>,
    affinity: Option<String>,
    #[serde(rename = "affinity_claim_time")]
    claim_time: Option<String>,
    allocations: Option<Vec<Option<u32>>>,
    #[serde(rename = "unallocated")]
    free: Option<Vec<u16>>,
    attributes: Option<Vec<Option<StoredAttributes>>>,
    #[serde(rename = "sequenceNumber")]
    sequence: Option<u64>,
    #[serde(rename = "sequenceNumberForAllocation")]
    sequences: Option<BTreeMap<String, u64>>,
    deleted: Option<bool>,
    #[serde(rename = "hostAffinity")]
    host_affinity: Option<String>,
}

/// As stored.
#[derive(Default, Deserialize)]
struct StoredAttributes {
    #[serde(rename = "handle_id")]
    handle: Option<String>,
    #[serde(rename = "secondary")]
    active: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "alternateOwnerAttrs")]
    alternate: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "releasedAt")]
    released_at: Option<String>,
}

//! serde form of attributes: by the names of their modules, communities as text, what has no row as hexadecimal octets.
//!
//! Binary formats carry the octets of the canonical block.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attr::raw::ELSEWHERE;
use crate::attr::{AttrBuilder, Attributes, read_form, slot, write_forms};
use crate::{AttrFlags, AttrType};

/// What the file of an attribute says of its human-readable form, which stands under the name of the file.
pub(crate) trait Text {
    /// The form; the octets can be made of it again.
    type Form: Serialize + DeserializeOwned;

    /// The form, if the attribute is there.
    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let _ = attributes;
        None
    }

    /// Adds the attribute of that form.
    fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
        let _ = form;
        builder
    }
}

/// The form of attributes that no canonical block has: there is none.
#[derive(Serialize, Deserialize)]
pub(crate) enum Elsewhere {}

/// As its attributes by name, and `other` for those without one.
impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_forms(self, &mut map)?;
        let (mut partial, mut other) = (Vec::new(), Vec::new());
        for raw in self.iter().filter(|raw| !ELSEWHERE.contains(raw.ty)) {
            let flags = AttrFlags(raw.canonical_flags());
            if slot(raw.ty).is_none() {
                other.push(Other { flags, ty: raw.ty, value: raw.value.to_vec() });
            } else if flags.contains(AttrFlags::PARTIAL) {
                partial.push(raw.ty);
            }
        }
        if !partial.is_empty() {
            map.serialize_entry(PARTIAL, &partial)?;
        }
        if !other.is_empty() {
            map.serialize_entry(OTHER, &other)?;
        }
        map.end()
    }
}

/// A canonical block. For `#[serde(with = "..")]`.
pub(crate) mod block {
    use super::{Attributes, Blocks, Deserializer, Serialize, Serializer, Vec};

    pub(crate) fn serialize<S: Serializer>(block: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return crate::hex::serialize(block, serializer);
        }
        Attributes::from_canonical(block).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_map(Blocks);
        }
        let block: Vec<u8> = crate::hex::deserialize(deserializer)?;
        Attributes::from_canonical(&block).map_err(serde::de::Error::custom)?;
        Ok(block)
    }
}

/// An attribute without a row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    flags: AttrFlags,
    #[serde(rename = "type")]
    ty: AttrType,
    #[serde(with = "crate::hex")]
    value: Vec<u8>,
}

/// Reads the human-readable form into a canonical block.
struct Blocks;

impl<'de> Visitor<'de> for Blocks {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("path attributes by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Vec<u8>, M::Error> {
        let mut builder = AttrBuilder::empty();
        let mut partial: Vec<AttrType> = Vec::new();
        let mut read: Vec<Cow<'de, str>> = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if read.contains(&name) {
                return Err(serde::de::Error::custom(format_args!("attribute `{name}` occurs again")));
            }
            builder = match &*name {
                PARTIAL => {
                    partial = map.next_value()?;
                    builder
                }
                OTHER => map
                    .next_value::<Vec<Other>>()?
                    .into_iter()
                    .fold(builder, |builder, other| builder.raw(other.flags, other.ty, &other.value)),
                _ => read_form(&name, &mut map, builder)?
                    .ok_or_else(|| serde::de::Error::custom(format_args!("no attribute is called `{name}`")))?,
            };
            read.push(name);
        }
        partial.into_iter().fold(builder, AttrBuilder::partial).build().map_err(serde::de::Error::custom)
    }
}

/// Types of the attributes with a row that carry the Partial bit.
const PARTIAL: &str = "partial";
/// The attributes without a row.
const OTHER: &str = "other";

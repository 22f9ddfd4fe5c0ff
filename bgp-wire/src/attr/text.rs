//! serde form of attributes: by name, communities as text, what has no name here as hexadecimal octets.
//!
//! Binary formats carry the octets of the canonical block.

use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attr::raw::ELSEWHERE;
use crate::attr::{Aggregator, AttrBuilder, AttrSet, Attributes, Origin, PathSegment, Segment};
use crate::community::Community;
use crate::community::ext::ExtCommunity;
use crate::community::ipv6_ext::Ipv6ExtCommunity;
use crate::community::large::LargeCommunity;
use crate::{Asn, AttrFlags, AttrType, BgpId, ClusterId, Error};

/// As its attributes by name, and `other` for those without one.
impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Text::from(self).serialize(serializer)
    }
}

/// The canonical block of an [`Update`]. For `#[serde(with = "..")]`.
pub(crate) mod block {
    use super::{Attributes, Deserialize, Deserializer, Serialize, Serializer, Text, Vec};

    pub(crate) fn serialize<S: Serializer>(block: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return crate::hex::serialize(block, serializer);
        }
        match Attributes::from_canonical(block) {
            Ok(attributes) => Text::from(&attributes).serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if deserializer.is_human_readable() {
            return Text::deserialize(deserializer)?.build().map_err(serde::de::Error::custom);
        }
        let block: Vec<u8> = crate::hex::deserialize(deserializer)?;
        Attributes::from_canonical(&block).map_err(serde::de::Error::custom)?;
        Ok(block)
    }
}

/// The human-readable form of attributes.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_path: Option<Vec<PathSegment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    med: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_pref: Option<u32>,
    #[serde(skip_serializing_if = "is_false")]
    atomic_aggregate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregator: Option<Aggregator>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    communities: Vec<Community>,
    #[serde(skip_serializing_if = "Option::is_none")]
    originator_id: Option<BgpId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cluster_list: Vec<ClusterId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ext_communities: Vec<ExtCommunity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ipv6_ext_communities: Vec<Ipv6ExtCommunity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    large_communities: Vec<LargeCommunity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otc: Option<Asn>,
    /// Types of the named ones that carry the Partial bit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partial: Vec<AttrType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other: Vec<Other>,
}

/// An attribute without a name of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    flags: AttrFlags,
    #[serde(rename = "type")]
    ty: AttrType,
    #[serde(with = "crate::hex")]
    value: Vec<u8>,
}

impl From<&Attributes<'_>> for Text {
    fn from(attributes: &Attributes<'_>) -> Text {
        let mut text = Text {
            origin: attributes.origin(),
            as_path: attributes.as_path().map(|path| {
                let owned = |segment: Segment<'_>| PathSegment { kind: segment.kind, asns: segment.asns.collect() };
                path.segments().map(owned).collect()
            }),
            med: attributes.med(),
            local_pref: attributes.local_pref(),
            atomic_aggregate: attributes.atomic_aggregate(),
            aggregator: attributes.aggregator(),
            communities: attributes.communities().collect(),
            originator_id: attributes.originator_id(),
            cluster_list: attributes.cluster_list().collect(),
            ext_communities: attributes.ext_communities().collect(),
            ipv6_ext_communities: attributes.ipv6_ext_communities().collect(),
            large_communities: attributes.large_communities().collect(),
            otc: attributes.otc(),
            partial: Vec::new(),
            other: Vec::new(),
        };
        for raw in attributes.iter().filter(|raw| !ELSEWHERE.contains(raw.ty)) {
            let flags = AttrFlags(raw.canonical_flags());
            if !NAMED.contains(raw.ty) {
                text.other.push(Other { flags, ty: raw.ty, value: raw.value.to_vec() });
            } else if flags.contains(AttrFlags::PARTIAL) {
                text.partial.push(raw.ty);
            }
        }
        text
    }
}

impl Text {
    fn build(self) -> Result<Vec<u8>, Error> {
        let mut builder = AttrBuilder::empty();
        if let Some(origin) = self.origin {
            builder = builder.origin(origin);
        }
        if let Some(segments) = self.as_path {
            builder = builder.segments(&segments);
        }
        if let Some(med) = self.med {
            builder = builder.med(med);
        }
        if let Some(local_pref) = self.local_pref {
            builder = builder.local_pref(local_pref);
        }
        if self.atomic_aggregate {
            builder = builder.atomic_aggregate();
        }
        if let Some(aggregator) = self.aggregator {
            builder = builder.aggregator(aggregator);
        }
        if let Some(id) = self.originator_id {
            builder = builder.originator_id(id);
        }
        if let Some(asn) = self.otc {
            builder = builder.otc(asn);
        }
        builder = builder
            .communities(&self.communities)
            .cluster_list(&self.cluster_list)
            .ext_communities(&self.ext_communities)
            .ipv6_ext_communities(&self.ipv6_ext_communities)
            .large_communities(&self.large_communities);
        for ty in self.partial {
            builder = builder.partial(ty);
        }
        for other in self.other {
            builder = builder.raw(other.flags, other.ty, &other.value);
        }
        builder.build()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The attributes that have a field of their own above; all others go by their octets.
const NAMED: AttrSet = AttrSet::EMPTY
    .with(AttrType::ORIGIN)
    .with(AttrType::AS_PATH)
    .with(AttrType::MED)
    .with(AttrType::LOCAL_PREF)
    .with(AttrType::ATOMIC_AGGREGATE)
    .with(AttrType::AGGREGATOR)
    .with(AttrType::COMMUNITIES)
    .with(AttrType::ORIGINATOR_ID)
    .with(AttrType::CLUSTER_LIST)
    .with(AttrType::EXTENDED_COMMUNITIES)
    .with(AttrType::IPV6_EXTENDED_COMMUNITIES)
    .with(AttrType::LARGE_COMMUNITIES)
    .with(AttrType::OTC);

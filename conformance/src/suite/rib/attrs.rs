//! Attributes of `rib.jsonl`: from a case to octets, from octets back to the case's form.

use std::net::{IpAddr, Ipv4Addr};

use bgp_wire::attr::{Aggregator, AttrBuilder, Attributes, NextHop, Origin, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::community::large::LargeCommunity;
use bgp_wire::{AttrFlags, AttrType, ClusterId};
use serde_json::{Map, Value, json};

use super::setup::{asn, parsed};
use crate::{Fields, Mismatch};

/// The canonical block and the next hop of a route in a step.
pub(super) fn parse(path: String, value: &Value, found: &mut Vec<Mismatch>) -> Result<(Vec<u8>, NextHop), Mismatch> {
    let fields = Fields::new(path.clone(), value)?;
    let mut builder = AttrBuilder::new().without(AttrType::ORIGIN).without(AttrType::AS_PATH);
    let next_hop: IpAddr = parsed(fields.path("next_hop"), fields.need("next_hop")?)?;
    if let Some(origin) = fields.text("origin")? {
        let known = ORIGINS.iter().find(|(name, _)| *name == origin);
        let (_, origin) = known.ok_or_else(|| Mismatch::unknown(fields.path("origin")))?;
        builder = builder.origin(*origin);
    }
    if let Some(segments) = fields.take("as_path") {
        builder = builder.segments(&as_path(&fields.path("as_path"), segments)?);
    }
    if let Some(value) = fields.take("local_pref") {
        builder = builder.local_pref(number(fields.path("local_pref"), value)?);
    }
    if let Some(value) = fields.take("med") {
        builder = builder.med(number(fields.path("med"), value)?);
    }
    if let Some(list) = fields.list("communities")? {
        let all = numbers(&fields.path("communities"), list)?;
        builder = builder.communities(&all.into_iter().map(Community).collect::<Vec<_>>());
    }
    if let Some(list) = fields.list("large_communities")? {
        let path = fields.path("large_communities");
        let large = |value: &Value| match numbers(&path, value.as_array().map_or(&[], Vec::as_slice))?.as_slice() {
            [global, a, b] => Ok(LargeCommunity { global: *global, local: [*a, *b] }),
            _ => Err(Mismatch::malformed(path.clone(), "three numbers", value)),
        };
        builder = builder.large_communities(&list.iter().map(large).collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(id) = fields.take("originator_id") {
        builder = builder.originator_id(parsed(fields.path("originator_id"), id)?);
    }
    if let Some(list) = fields.list("cluster_list")? {
        let ids = list.iter().map(|id| parsed::<ClusterId>(fields.path("cluster_list"), id));
        builder = builder.cluster_list(&ids.collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(value) = fields.take("otc") {
        builder = builder.otc(asn(fields.path("otc"), value)?);
    }
    match fields.truth("atomic_aggregate")? {
        Some(true) => builder = builder.atomic_aggregate(),
        Some(false) => found.push(Mismatch::unknown(fields.path("atomic_aggregate"))),
        None => {}
    }
    if let Some(value) = fields.take("aggregator") {
        let path = fields.path("aggregator");
        let Some([asn_value, id]) = value.as_array().map(Vec::as_slice) else {
            return Err(Mismatch::malformed(path, "[AS, address]", value));
        };
        builder = builder.aggregator(Aggregator { asn: asn(path.clone(), asn_value)?, bgp_id: parsed(path, id)? });
    }
    for (index, raw) in fields.list("unknown")?.unwrap_or_default().iter().enumerate() {
        let (ty, flags, value) = unknown(format!("{path}.unknown[{index}]"), raw, found)?;
        builder = builder.raw(AttrFlags(flags), AttrType(ty), &value);
    }
    found.extend(fields.unread());
    let block = builder.build().map_err(|error| Mismatch::new(path, "attributes that make a block", error))?;
    Ok((block, super::next_hop(next_hop)))
}

/// An expectation in the form that [`show`] gives: what has no order is sorted.
pub(super) fn normal(path: &str, value: &Value, found: &mut Vec<Mismatch>) -> Result<Value, Mismatch> {
    let (block, next_hop) = parse(path.to_owned(), value, found)?;
    let attributes = Attributes::from_canonical(&block);
    let attributes = attributes.map_err(|error| Mismatch::new(path, "attributes that make a block", error))?;
    let mut shown = show(&attributes, next_hop);
    // Flags of what is passed on are compared as they are given, and a list that is there but empty is not there.
    if let (Some(shown), Some(given)) = (shown.get_mut("unknown"), value.get("unknown")) {
        *shown = given.clone();
    }
    Ok(shown)
}

/// Attributes as a case writes them.
pub(super) fn show(attributes: &Attributes<'_>, next_hop: NextHop) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    if let Some(addr) = next_hop.addr() {
        put("next_hop", json!(addr.to_string()));
    }
    let mut unknown = Vec::new();
    for raw in attributes {
        match raw.ty {
            AttrType::ORIGIN => {
                let origin = ORIGINS.iter().find(|(_, origin)| Some(*origin) == attributes.origin());
                put("origin", json!(origin.map(|(name, _)| name)));
            }
            AttrType::AS_PATH => {
                put("as_path", path_of(attributes));
            }
            AttrType::MED => {
                put("med", json!(attributes.med()));
            }
            AttrType::LOCAL_PREF => {
                put("local_pref", json!(attributes.local_pref()));
            }
            AttrType::COMMUNITIES => {
                let mut all: Vec<u32> = attributes.communities().map(|community| community.0).collect();
                all.sort_unstable();
                put("communities", json!(all));
            }
            AttrType::LARGE_COMMUNITIES => {
                let mut all: Vec<_> =
                    attributes.large_communities().map(|c| [c.global, c.local[0], c.local[1]]).collect();
                all.sort_unstable();
                put("large_communities", json!(all));
            }
            AttrType::ORIGINATOR_ID => {
                put("originator_id", json!(attributes.originator_id().map(|id| id.to_string())));
            }
            AttrType::CLUSTER_LIST => {
                let ids: Vec<_> = attributes.cluster_list().map(|id| id.to_string()).collect();
                put("cluster_list", json!(ids));
            }
            AttrType::OTC => {
                put("otc", json!(attributes.otc().map(|asn| asn.0)));
            }
            AttrType::ATOMIC_AGGREGATE => {
                put("atomic_aggregate", json!(true));
            }
            AttrType::AGGREGATOR => {
                let shown = attributes.aggregator().map(|a| json!([a.asn.0, Ipv4Addr::from(a.bgp_id).to_string()]));
                put("aggregator", json!(shown));
            }
            // Said by `next_hop` and the prefixes.
            AttrType::NEXT_HOP | AttrType::MP_REACH_NLRI | AttrType::MP_UNREACH_NLRI => {}
            ty => unknown.push(json!({"type": ty.0, "flags": raw.flags.0 & !LENGTH, "value": hex::encode(raw.value)})),
        }
    }
    if !unknown.is_empty() {
        put("unknown", Value::Array(unknown));
    }
    Value::Object(shown)
}

fn path_of(attributes: &Attributes<'_>) -> Value {
    let segments = attributes.as_path().unwrap_or_default().segments().map(|segment| {
        let name = SEGMENTS.iter().find(|(_, kind)| *kind == segment.kind).map(|(name, _)| *name);
        let mut asns: Vec<u32> = segment.asns.map(|asn| asn.0).collect();
        if segment.kind.is_set() {
            asns.sort_unstable();
        }
        json!([name, asns])
    });
    segments.collect()
}

/// A list of AS numbers, one AS_SEQUENCE, or a list of segments.
fn as_path(path: &str, value: &Value) -> Result<Vec<PathSegment>, Mismatch> {
    let wrong = || Mismatch::malformed(path, "AS numbers or segments", value);
    let list = value.as_array().ok_or_else(wrong)?;
    let asns = |list: &[Value]| list.iter().map(|value| asn(path.to_owned(), value)).collect::<Result<Vec<_>, _>>();
    if list.iter().all(Value::is_number) {
        let segment = PathSegment { kind: SegmentKind::Sequence, asns: asns(list)? };
        return Ok(if list.is_empty() { Vec::new() } else { vec![segment] });
    }
    let segment = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([Value::String(kind), Value::Array(members)]) => {
            let (_, kind) = SEGMENTS.iter().find(|(name, _)| name == kind).ok_or_else(wrong)?;
            Ok(PathSegment { kind: *kind, asns: asns(members)? })
        }
        _ => Err(wrong()),
    };
    list.iter().map(segment).collect()
}

fn unknown(path: String, value: &Value, found: &mut Vec<Mismatch>) -> Result<(u8, u8, Vec<u8>), Mismatch> {
    let fields = Fields::new(path.clone(), value)?;
    let octet = |key| {
        let number = fields.number(key)?.and_then(|number| u8::try_from(number).ok());
        number.ok_or_else(|| Mismatch::malformed(fields.path(key), "an octet", value))
    };
    let octets = fields.text("value")?.and_then(|text| hex::decode(text).ok());
    let octets = octets.ok_or_else(|| Mismatch::malformed(path, "octets in hex", value))?;
    let read = (octet("type")?, octet("flags")?, octets);
    found.extend(fields.unread());
    Ok(read)
}

fn number(path: String, value: &Value) -> Result<u32, Mismatch> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Mismatch::malformed(path, "a 32-bit number", value))
}

fn numbers(path: &str, list: &[Value]) -> Result<Vec<u32>, Mismatch> {
    list.iter().map(|value| number(path.to_owned(), value)).collect()
}

const ORIGINS: [(&str, Origin); 3] = [("igp", Origin::Igp), ("egp", Origin::Egp), ("incomplete", Origin::Incomplete)];

const SEGMENTS: [(&str, SegmentKind); 4] = [
    ("seq", SegmentKind::Sequence),
    ("set", SegmentKind::Set),
    ("confed_seq", SegmentKind::ConfedSequence),
    ("confed_set", SegmentKind::ConfedSet),
];

/// The flag that says how long the length field is, and the bits that mean nothing.
const LENGTH: u8 = 0x1f;

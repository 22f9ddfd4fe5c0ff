//! Steps without a store: block operations, the walk, selectors, reservations, and the stored forms.

use std::collections::BTreeSet;

use ipnet::IpNet;
use ippool::block::{ReleaseItem, Released};
use ippool::op::Space;
use ippool::selector::Selector;
use ippool::walk::BlockWalk;
use ippool::{Affinity, Block, Key, Owner, UnixTime, codec};
use serde_json::{Map, Value};

use super::outcome::{Outcome, labels, list, object};
use super::{errors, ops, read, state};
use crate::{Fields, Mismatch};

/// The outcome of a pure step, or none if the step is not known.
pub(crate) fn run(op: &str, fields: &Fields<'_>, now: UnixTime) -> Result<Option<Outcome>, Mismatch> {
    Ok(Some(match op {
        "block_walk" => walk(fields)?,
        "block_new" => {
            let reservation = read::host_reservation(fields, "reserved")?;
            match Block::new(read::needed_net(fields, "cidr")?, now.as_nanos(), reservation.as_ref()) {
                Ok(block) => Outcome::ok().with("block", json_block(&block)?),
                Err(_) => Outcome::failed("invalid_argument"),
            }
        }
        "block_auto_assign"
        | "block_assign"
        | "block_release"
        | "block_release_by_handle"
        | "block_gc"
        | "block_info"
        | "block_attributes" => match codec::decode_block(json_text(fields, "block")?.as_bytes()) {
            Ok(block) => on_block(op, fields, block, now)?,
            Err(_) => Outcome::failed("bad_value"),
        },
        "selector_parse" => match Selector::parse(read::needed_text(fields, "text")?) {
            Ok(selector) => Outcome::ok()
                .with("canonical", selector.as_str())
                .with("id", selector.id())
                .with("bounds", bounds(&selector)),
            Err(_) => Outcome::failed("bad_selector"),
        },
        "selector_eval" => {
            let labels = read::map(fields, "labels")?.unwrap_or_default();
            match Selector::parse(read::needed_text(fields, "text")?) {
                Ok(selector) => Outcome::ok().with("matches", selector.matches(&labels)),
                Err(_) => Outcome::failed("bad_selector"),
            }
        }
        "reservation_parse" => Outcome::ok().with("cidrs", list(read::reservations(fields, "reservations")?.cidrs())),
        "reservation_covers" => {
            let reserved = read::reservations(fields, "reservations")?;
            let cidr = read::needed_net(fields, "cidr")?;
            Outcome::ok().with("whole", reserved.covers(&cidr)).with("some", reserved.touches(&cidr))
        }
        "count_space" => {
            let reserved = read::reservations(fields, "reservations")?;
            let space = Space::of(&read::needed_net(fields, "cidr")?, &reserved, &read::nets(fields, "pools")?);
            Outcome::ok()
                .with("capacity", space.capacity)
                .with("reserved", space.reserved)
                .with("available_outside_blocks", space.available_outside_blocks)
        }
        "encode_key" => match codec::encode_key(&key(fields)?) {
            Ok(path) => Outcome::ok().with("path", path),
            Err(_) => Outcome::failed("invalid_argument").with("path", Value::Null),
        },
        "decode_key" => decode_key(read::needed_text(fields, "path")?),
        "decode_block" => match codec::decode_block(text(fields)?.as_bytes()) {
            Ok(block) => decoded_block(&block),
            Err(_) => Outcome::failed("bad_value"),
        },
        "decode_affinity" => match codec::decode_affinity(text(fields)?.as_bytes()) {
            Ok(affinity) => decoded_affinity(affinity),
            Err(_) => Outcome::failed("bad_value"),
        },
        "decode_handle" => match codec::decode_handle(text(fields)?.as_bytes()) {
            Ok(handle) => Outcome::ok().with("reencoded", codec::encode_handle(&handle)),
            Err(_) => Outcome::failed("bad_value"),
        },
        "decode_config" => match codec::decode_config(text(fields)?.as_bytes()) {
            Ok(config) => Outcome::ok().with("reencoded", codec::encode_config(&config)),
            Err(_) => Outcome::failed("bad_value"),
        },
        "label_hash" => {
            let name = read::text(fields, "host")?.unwrap_or_default().to_owned();
            let owner = match read::text(fields, "type")? {
                None | Some("host" | "") => Owner::Host(name),
                Some("virtual") => Owner::Virtual(name),
                Some(other) => return Err(Mismatch::new(fields.path("type"), "host or virtual", other)),
            };
            let found = codec::affinity_labels(&owner, &read::needed_net(fields, "cidr")?);
            Outcome::ok().with("labels", object(found))
        }
        "cidr_name" => Outcome::ok().with("name", codec::cidr_name(&read::needed_net(fields, "cidr")?)),
        "affinity_name" => {
            let host = read::text(fields, "host")?.unwrap_or_default();
            Outcome::ok().with("name", codec::affinity_name(host, read::needed_text(fields, "cidr_name")?))
        }
        _ => return Ok(None),
    }))
}

fn on_block(op: &str, fields: &Fields<'_>, mut block: Block, now: UnixTime) -> Result<Outcome, Mismatch> {
    let outcome = match op {
        "block_auto_assign" => {
            let (attributes, owner) = (read::attributes(fields)?, checked_owner(fields)?);
            let reserved = read::reservations(fields, "reservations")?;
            match block.auto_assign(read::small(fields, "num", 0)?, attributes, owner.as_ref(), &reserved) {
                Ok(taken) => Outcome::ok().with("addresses", list(taken)),
                Err(error) => Outcome::failed(errors::block_assign(&error)).with("addresses", list::<IpNet>([])),
            }
        }
        "block_assign" => {
            let (attributes, owner) = (read::attributes(fields)?, checked_owner(fields)?);
            let result = block.assign(read::needed_ip(fields, "ip")?, attributes, owner.as_ref());
            Outcome::from_result(result, errors::block_assign)
        }
        "block_release" => {
            let items = release_items(fields)?;
            match block.release(&items, read::signed(fields, "cooldown", 0)?, now) {
                Ok(Released { not_allocated, counts, .. }) => Outcome { sets: &["not_allocated"], ..Outcome::ok() }
                    .with("not_allocated", list(not_allocated))
                    .with("counts", object(counts)),
                Err(error) => Outcome::failed(errors::block_release(&error)),
            }
        }
        "block_release_by_handle" => {
            let handle = read::text(fields, "handle")?.unwrap_or_default();
            let cooldown = read::signed(fields, "cooldown", 0)?;
            let count = block.release_by_handle(handle, fields.number("sequence")?, cooldown, now);
            Outcome::ok().with("count", count)
        }
        "block_gc" => {
            let changed = block.collect(read::signed(fields, "cooldown", 0)?, now);
            Outcome::ok().with("changed", changed)
        }
        "block_info" => {
            let reserved = read::reservations(fields, "reservations")?;
            let handle = read::text(fields, "handle")?;
            let in_use = block.allocations().filter_map(|(ordinal, _)| block.address(ordinal));
            return Ok(Outcome { sets: &["in_use", "by_handle"], ..Outcome::ok() }
                .with("empty", block.is_empty())
                .with("in_use", list(in_use))
                .with("free", block.num_free(&reserved))
                .with("reserved", block.num_reserved(&reserved))
                .with("by_handle", list(handle.map(|handle| block.by_handle(handle)).unwrap_or_default())));
        }
        _ => {
            return Ok(match block.allocation(read::needed_ip(fields, "ip")?) {
                Ok(found) => Outcome::ok()
                    .with("handle", found.handle.clone().map_or(Value::Null, Value::String))
                    .with("active", labels(&found.active))
                    .with("alternate", labels(&found.alternate)),
                Err(error) => Outcome::failed(errors::allocation(&error))
                    .with("handle", Value::Null)
                    .with("active", Value::Null)
                    .with("alternate", Value::Null),
            });
        }
    };
    Ok(outcome.with("block", json_block(&block)?))
}

/// The owner that the block must have, if that is to be checked.
fn checked_owner(fields: &Fields<'_>) -> Result<Option<Owner>, Mismatch> {
    let check = read::truth(fields, "check_affinity", false)?;
    let Some(text) = read::text(fields, "owner")? else { return Ok(None) };
    let owner = Owner::parse(text).ok_or_else(|| Mismatch::new(fields.path("owner"), "host:NAME", text))?;
    Ok(check.then_some(owner))
}

fn release_items(fields: &Fields<'_>) -> Result<Vec<ReleaseItem>, Mismatch> {
    let mut items = Vec::new();
    for (index, value) in read::needed_list(fields, "items")?.iter().enumerate() {
        let inner = Fields::new(fields.path(&format!("items[{index}]")), value)?;
        items.push(ops::release_item(&inner)?);
        read::all_read(&inner)?;
    }
    Ok(items)
}

fn walk(fields: &Fields<'_>) -> Result<Outcome, Mismatch> {
    let (pool, len) = (read::needed_net(fields, "cidr")?, read::small(fields, "block_size", 0)?);
    let host = read::text(fields, "host")?.unwrap_or_default();
    let take = read::small(fields, "take", 0)?;
    let Ok(walk) = BlockWalk::new(pool, len, host) else { return Ok(Outcome::failed("invalid_argument")) };
    let outcome = Outcome::ok().with("blocks", list(walk.clone().take(take)));
    if walk.last_index() >= 4096 {
        return Ok(outcome);
    }
    let all: Vec<IpNet> = walk.collect();
    let distinct: BTreeSet<&IpNet> = all.iter().collect();
    Ok(outcome
        .with("total", all.len())
        .with("distinct", distinct.len())
        .with("last", all.last().map_or(Value::Null, |block| Value::String(block.to_string()))))
}

fn bounds(selector: &Selector) -> Value {
    object(selector.bounds().into_iter().map(|(label, bound)| {
        let mut map = Map::new();
        if bound.present {
            map.insert("present".to_owned(), true.into());
        }
        if bound.absent {
            map.insert("absent".to_owned(), true.into());
        }
        if let Some(values) = bound.one_of {
            map.insert("one_of".to_owned(), list(values));
        }
        (label, Value::Object(map))
    }))
}

fn key(fields: &Fields<'_>) -> Result<Key, Mismatch> {
    let name = |key: &str| -> Result<String, Mismatch> { Ok(read::text(fields, key)?.unwrap_or_default().to_owned()) };
    Ok(match read::needed_text(fields, "type")? {
        "block" => Key::Block(read::needed_net(fields, "cidr")?),
        "affinity" => {
            let owner = match read::text(fields, "virtual")? {
                Some(owner) => Owner::Virtual(owner.to_owned()),
                None => Owner::Host(name("host")?),
            };
            Key::Affinity(owner, read::needed_net(fields, "cidr")?)
        }
        "handle" => Key::Handle(name("handle")?),
        "config" => Key::Config,
        "host" => Key::Host(name("host")?),
        other => return Err(Mismatch::new(fields.path("type"), "a type of key", other)),
    })
}

fn decode_key(path: &str) -> Outcome {
    let Some(found) = codec::decode_key(path) else {
        return ["type", "cidr", "host", "owner_type", "handle"]
            .iter()
            .fold(Outcome::ok(), |outcome, key| outcome.with(key, Value::Null));
    };
    let owner_type = found.owner_type.map_or(Value::Null, Value::from);
    match found.key {
        Key::Block(cidr) => Outcome::ok().with("type", "block").with("cidr", cidr.to_string()),
        Key::Affinity(owner, cidr) => Outcome::ok()
            .with("type", "affinity")
            .with("cidr", cidr.to_string())
            .with("host", owner.name())
            .with("owner_type", owner_type),
        Key::Handle(id) => Outcome::ok().with("type", "handle").with("handle", id),
        Key::Config => Outcome::ok().with("type", "config"),
        Key::Host(host) => Outcome::ok().with("type", "host").with("host", host),
        other => Outcome::ok().with("type", other.to_string()),
    }
}

fn decoded_block(block: &Block) -> Outcome {
    let owner = block.affinity();
    let text = |text: Option<String>| text.map_or(Value::Null, Value::String);
    Outcome::ok()
        .with("reencoded", codec::encode_block(block))
        .with("affinity", text(owner.map(ToString::to_string)))
        .with("owner_host", text(owner.map(|owner| owner.name().to_owned())))
        .with("owner_type", text(owner.map(|owner| owner.kind().to_owned())))
        .with("allocated", object(state::allocated_by_handle(block)))
        .with("free", read::ordinal_text(block.free_queue()))
        .with("cooling", state::cooling(block))
}

fn decoded_affinity(affinity: Affinity) -> Outcome {
    Outcome::ok().with("reencoded", codec::encode_affinity(&affinity)).with("state", state::state_name(affinity.state))
}

fn json_block(block: &Block) -> Result<Value, Mismatch> {
    let text = codec::encode_block(block);
    serde_json::from_str(&text).map_err(|error| Mismatch::new("block", "JSON", error))
}

fn json_text(fields: &Fields<'_>, key: &str) -> Result<String, Mismatch> {
    Ok(fields.need(key)?.to_string())
}

/// The stored text of the argument `value`.
fn text<'v>(fields: &Fields<'v>) -> Result<&'v str, Mismatch> {
    read::needed_text(fields, "value")
}

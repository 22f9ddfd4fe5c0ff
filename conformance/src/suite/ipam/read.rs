//! Arguments of steps as the allocator's types.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use ippool::block::HostReservation;
use ippool::{Attributes, Config, Owner, Pool, Reservations, UnixTime, Use};
use serde_json::Value;

use crate::{Fields, Mismatch};

pub(crate) fn needed_list<'v>(fields: &Fields<'v>, key: &str) -> Result<&'v [Value], Mismatch> {
    fields.list(key)?.ok_or_else(|| Mismatch::new(fields.path(key), "a list", "nothing"))
}

pub(crate) fn needed_text<'v>(fields: &Fields<'v>, key: &str) -> Result<&'v str, Mismatch> {
    text(fields, key)?.ok_or_else(|| Mismatch::new(fields.path(key), "a text", "nothing"))
}

/// A text; `null` is none.
pub(crate) fn text<'v>(fields: &Fields<'v>, key: &str) -> Result<Option<&'v str>, Mismatch> {
    match fields.take(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Mismatch::malformed(fields.path(key), "a text", other)),
    }
}

pub(crate) fn number(fields: &Fields<'_>, key: &str, default: u64) -> Result<u64, Mismatch> {
    Ok(fields.number(key)?.unwrap_or(default))
}

pub(crate) fn small<T: TryFrom<u64>>(fields: &Fields<'_>, key: &str, default: u64) -> Result<T, Mismatch> {
    let number = number(fields, key, default)?;
    T::try_from(number).map_err(|_| Mismatch::new(fields.path(key), "a smaller number", number))
}

pub(crate) fn signed(fields: &Fields<'_>, key: &str, default: i64) -> Result<i64, Mismatch> {
    match fields.take(key) {
        None => Ok(default),
        Some(value) => value.as_i64().ok_or_else(|| Mismatch::malformed(fields.path(key), "an integer", value)),
    }
}

pub(crate) fn truth(fields: &Fields<'_>, key: &str, default: bool) -> Result<bool, Mismatch> {
    Ok(fields.truth(key)?.unwrap_or(default))
}

pub(crate) fn net(text: &str, path: &str) -> Result<IpNet, Mismatch> {
    text.parse::<IpNet>().map(|net| net.trunc()).map_err(|_| Mismatch::new(path, "a CIDR", text))
}

pub(crate) fn needed_net(fields: &Fields<'_>, key: &str) -> Result<IpNet, Mismatch> {
    net(needed_text(fields, key)?, &fields.path(key))
}

pub(crate) fn needed_ip(fields: &Fields<'_>, key: &str) -> Result<IpAddr, Mismatch> {
    let text = needed_text(fields, key)?;
    text.parse().map_err(|_| Mismatch::new(fields.path(key), "an address", text))
}

pub(crate) fn texts<'v>(list: &'v [Value], path: &str) -> Result<Vec<&'v str>, Mismatch> {
    list.iter().map(|v| v.as_str().ok_or_else(|| Mismatch::malformed(path, "a text", v))).collect()
}

pub(crate) fn nets(fields: &Fields<'_>, key: &str) -> Result<Vec<IpNet>, Mismatch> {
    let path = fields.path(key);
    texts(fields.list(key)?.unwrap_or_default(), &path)?.into_iter().map(|text| net(text, &path)).collect()
}

pub(crate) fn reservations(fields: &Fields<'_>, key: &str) -> Result<Reservations, Mismatch> {
    Ok(Reservations::parse(texts(fields.list(key)?.unwrap_or_default(), &fields.path(key))?))
}

/// An object of texts.
pub(crate) fn map(fields: &Fields<'_>, key: &str) -> Result<Option<BTreeMap<String, String>>, Mismatch> {
    let value = match fields.take(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let bad = || Mismatch::malformed(fields.path(key), "an object of texts", value);
    let object = value.as_object().ok_or_else(bad)?;
    object
        .iter()
        .map(|(k, v)| Ok((k.clone(), v.as_str().ok_or_else(bad)?.to_owned())))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The arguments `handle` and `attrs`.
pub(crate) fn attributes(fields: &Fields<'_>) -> Result<Attributes, Mismatch> {
    let mut attributes = Attributes::default();
    attributes.handle = text(fields, "handle")?.map(str::to_owned);
    attributes.active = map(fields, "attrs")?.unwrap_or_default();
    Ok(attributes)
}

/// The argument `host` or `virtual`.
pub(crate) fn owner(fields: &Fields<'_>) -> Result<Owner, Mismatch> {
    match text(fields, "virtual")? {
        Some(name) => Ok(Owner::Virtual(name.to_owned())),
        None => Ok(Owner::Host(needed_text(fields, "host")?.to_owned())),
    }
}

pub(crate) fn used_for(fields: &Fields<'_>, key: &str) -> Result<Option<Use>, Mismatch> {
    text(fields, key)?.map(|text| use_named(text, &fields.path(key))).transpose()
}

fn use_named(text: &str, path: &str) -> Result<Use, Mismatch> {
    match text {
        "Workload" => Ok(Use::Workload),
        "Tunnel" => Ok(Use::Tunnel),
        "LoadBalancer" => Ok(Use::LoadBalancer),
        _ => Err(Mismatch::new(path, "Workload, Tunnel or LoadBalancer", text)),
    }
}

pub(crate) fn host_reservation(fields: &Fields<'_>, key: &str) -> Result<Option<HostReservation>, Mismatch> {
    let Some(value) = fields.take(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let inner = Fields::new(fields.path(key), value)?;
    let reservation = HostReservation::new(
        small(&inner, "start", 0)?,
        small(&inner, "end", 0)?,
        text(&inner, "handle")?.unwrap_or_default(),
        text(&inner, "note")?.unwrap_or_default(),
    );
    all_read(&inner)?;
    Ok(Some(reservation))
}

pub(crate) fn pool(value: &Value, path: &str) -> Result<Pool, Mismatch> {
    let fields = Fields::new(path, value)?;
    let cidr = needed_text(&fields, "cidr")?;
    let written = cidr.parse().map_err(|_| Mismatch::new(fields.path("cidr"), "a CIDR", cidr))?;
    let mut pool = Pool::new(needed_text(&fields, "name")?, written);
    if let Some(len) = fields.number("blockSize")? {
        let len = u8::try_from(len).map_err(|_| Mismatch::new(fields.path("blockSize"), "a block length", len))?;
        pool = pool
            .with_block_len(len)
            .map_err(|error| Mismatch::new(fields.path("blockSize"), "a block length", error))?;
    }
    if let Some(selector) = text(&fields, "nodeSelector")? {
        pool = pool.with_node_selector(selector);
    }
    if let Some(selector) = text(&fields, "namespaceSelector")? {
        pool = pool.with_namespace_selector(selector);
    }
    if let Some(uses) = fields.list("allowedUses")? {
        let path = fields.path("allowedUses");
        let uses = texts(uses, &path)?.into_iter().map(|text| use_named(text, &path));
        pool = pool.with_uses(uses.collect::<Result<Vec<_>, _>>()?);
    }
    match text(&fields, "assignmentMode")? {
        None | Some("Automatic") => {}
        Some("Manual") => pool = pool.with_automatic(false),
        Some(other) => return Err(Mismatch::new(fields.path("assignmentMode"), "Automatic or Manual", other)),
    }
    let disabled = truth(&fields, "disabled", false)?;
    all_read(&fields)?;
    Ok(pool.with_disabled(disabled))
}

pub(crate) fn config(value: &Value, path: &str) -> Result<Config, Mismatch> {
    let fields = Fields::new(path, value)?;
    let mut config = Config::default();
    config.strict_affinity = truth(&fields, "strictAffinity", false)?;
    config.auto_allocate_blocks = truth(&fields, "autoAllocateBlocks", true)?;
    config.max_blocks_per_host = small(&fields, "maxBlocksPerHost", 0)?;
    config.cooldown_seconds = small(&fields, "ipCooldownSeconds", 0)?;
    all_read(&fields)?;
    Ok(config)
}

pub(crate) fn all_read(fields: &Fields<'_>) -> Result<(), Mismatch> {
    fields.unread().into_iter().next().map_or(Ok(()), Err)
}

/// An RFC 3339 time in UTC with whole seconds.
pub(crate) fn time(fields: &Fields<'_>, key: &str) -> Result<UnixTime, Mismatch> {
    let text = needed_text(fields, key)?;
    seconds(text)
        .map(UnixTime::from_secs)
        .ok_or_else(|| Mismatch::new(fields.path(key), "a time such as 2026-01-01T00:00:00Z", text))
}

fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let three = |text: &str, by: char| -> Option<[i64; 3]> {
        let mut parts = text.split(by).map(|part| part.parse::<i64>().ok());
        let found = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(found)
    };
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(time, ':')?;
    // Days since 1970-03-01 of the civil calendar, counted in years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Ordinal ranges such as `0-3,7,5-6`, in their order.
pub(crate) fn ordinal_text(ordinals: &[u16]) -> String {
    let mut parts: Vec<(u16, u16)> = Vec::new();
    for ordinal in ordinals {
        match parts.last_mut() {
            Some((_, to)) if to.checked_add(1) == Some(*ordinal) => *to = *ordinal,
            _ => parts.push((*ordinal, *ordinal)),
        }
    }
    let texts: Vec<String> =
        parts.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect();
    texts.join(",")
}

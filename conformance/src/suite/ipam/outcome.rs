//! What a step did, and its comparison with an expectation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::world::World;
use super::{ops, read};
use crate::{Fields, Mismatch};

/// What a step did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// The error kind, if it failed.
    pub(crate) error: Option<String>,
    /// The answers by expectation key.
    pub(crate) values: Map<String, Value>,
    /// The addresses that were handed out.
    pub(crate) addresses: Vec<IpNet>,
    /// Whether those may be checked by `count` and the like.
    pub(crate) hands_out: bool,
    /// Blocks that were claimed by `claim_affinity`.
    pub(crate) claimed: Vec<IpNet>,
    /// Keys whose lists are compared as sets.
    pub(crate) sets: &'static [&'static str],
}

impl Outcome {
    pub(crate) fn ok() -> Outcome {
        Outcome::default()
    }

    pub(crate) fn failed(kind: &str) -> Outcome {
        Outcome { error: Some(kind.to_owned()), ..Outcome::default() }
    }

    pub(crate) fn from_result<E>(result: Result<(), E>, kind: impl Fn(&E) -> &'static str) -> Outcome {
        Outcome { error: result.err().map(|error| kind(&error).to_owned()), ..Outcome::default() }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.values.insert(key.to_owned(), value.into());
        self
    }

    /// Compares every key of the expectation.
    pub(crate) fn check(
        &self,
        expect: &Fields<'_>,
        world: &World,
        mismatches: &mut Vec<Mismatch>,
    ) -> Result<(), Mismatch> {
        let error = self.error.clone().map_or(Value::Null, Value::String);
        if let Some(expected) = expect.take("error")
            && *expected != error
        {
            mismatches.push(Mismatch::new(expect.path("error"), expected, &error));
        }
        if let Some(allowed) = expect.list("error_in")?
            && !allowed.contains(&error)
        {
            mismatches.push(Mismatch::new(expect.path("error_in"), Value::from(allowed), &error));
        }
        if self.hands_out {
            self.check_addresses(expect, world, mismatches)?;
        }
        if let Some(blocks) = self.values.get("blocks_of_host")
            && let Some(expected) = expect.take("same_blocks_as_step")
        {
            let index = expected.as_u64().and_then(|index| usize::try_from(index).ok());
            let other = index.and_then(|index| world.results.get(index)?.values.get("blocks_of_host"));
            if other != Some(blocks) {
                mismatches.push(Mismatch::new(expect.path("same_blocks_as_step"), expected, blocks));
            }
        }
        for (key, got) in &self.values {
            let Some(expected) = expect.take(key) else { continue };
            let (mut left, mut right) = (normal(expected), normal(got));
            if key == "config" {
                // Keys that are missing stand for the defaults.
                left = ops::config(&read::config(expected, &expect.path(key))?);
            }
            if self.sets.contains(&key.as_str()) {
                (left, right) = (sorted(left), sorted(right));
            }
            if left != right {
                mismatches.push(Mismatch::new(expect.path(key), expected, got));
            }
        }
        mismatches.extend(expect.unread());
        Ok(())
    }

    fn check_addresses(
        &self,
        expect: &Fields<'_>,
        world: &World,
        mismatches: &mut Vec<Mismatch>,
    ) -> Result<(), Mismatch> {
        let got: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let ips: Vec<IpAddr> = self.addresses.iter().map(IpNet::addr).collect();
        let mut wrong = |key: &str, expected: &Value| {
            mismatches.push(Mismatch::new(expect.path(key), expected, Value::from(got.clone())));
        };
        if let Some(expected) = expect.take("count")
            && expected.as_u64() != u64::try_from(ips.len()).ok()
        {
            wrong("count", expected);
        }
        if let Some(expected) = expect.take("within") {
            let nets = read::nets(expect, "within")?;
            if !ips.iter().all(|ip| nets.iter().any(|net| net.contains(ip))) {
                wrong("within", expected);
            }
        }
        if let Some(expected) = expect.take("not_addresses") {
            let texts = read::texts(read::needed_list(expect, "not_addresses")?, &expect.path("not_addresses"))?;
            let bare = |text: &str| text.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
            if texts.iter().any(|text| bare(text).is_none_or(|ip| ips.contains(&ip))) {
                wrong("not_addresses", expected);
            }
        }
        if let Some(expected) = expect.take("per_cidr") {
            let object = expected.as_object();
            let object = object.ok_or_else(|| Mismatch::malformed(expect.path("per_cidr"), "an object", expected))?;
            let mut left = ips.len();
            let mut right = true;
            for (cidr, number) in object {
                let cidr = read::net(cidr, &expect.path("per_cidr"))?;
                let count = ips.iter().filter(|ip| cidr.contains(*ip)).count();
                left = left.saturating_sub(count);
                right &= number.as_u64() == u64::try_from(count).ok();
            }
            if !right || left > 0 {
                wrong("per_cidr", expected);
            }
        }
        if let Some(expected) = expect.take("same_addresses_as_step") {
            let index = expected.as_u64().and_then(|index| usize::try_from(index).ok());
            let other = index.and_then(|index| world.results.get(index));
            let set = |addresses: &[IpNet]| addresses.iter().map(IpNet::addr).collect::<BTreeSet<_>>();
            if other.is_none_or(|other| set(&other.addresses) != set(&self.addresses)) {
                wrong("same_addresses_as_step", expected);
            }
        }
        for (key, known) in [("already_allocated", true), ("unique", false)] {
            if let Some(expected) = expect.take(key)
                && (expected != &Value::Bool(true) || ips.iter().any(|ip| world.handed_out.contains(ip) != known))
            {
                wrong(key, expected);
            }
        }
        Ok(())
    }
}

/// A value without the empty objects and the texts' forms that mean the same.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.is_empty() => Value::Null,
        other => other.clone(),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(mut list) => {
            list.sort_by_key(ToString::to_string);
            Value::Array(list)
        }
        other => other,
    }
}

/// A map of texts as JSON.
pub(crate) fn object<K: ToString, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_string(), value.into())).collect())
}

/// Texts of things as a JSON list.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(|item| Value::String(item.to_string())).collect())
}

/// A map of texts as JSON.
pub(crate) fn labels(map: &BTreeMap<String, String>) -> Value {
    object(map.iter().map(|(key, value)| (key, value.clone())))
}

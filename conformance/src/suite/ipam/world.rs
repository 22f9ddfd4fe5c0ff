//! What a case works on: resources, store, clock, and what happened so far.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ippool::{Affinity, AffinityState, Key, MemoryStore, Resources, UnixTime, Value as Object, codec};
use serde_json::Value;

use super::outcome::Outcome;
use super::{read, state};
use crate::{Fields, Mismatch};

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) resources: Arc<Resources>,
    pub(crate) store: MemoryStore,
    pub(crate) now: UnixTime,
    /// Sequence numbers by the name under which they were captured.
    pub(crate) sequences: BTreeMap<String, u64>,
    /// What the steps before did.
    pub(crate) results: Vec<Outcome>,
    /// All addresses that were ever handed out.
    pub(crate) handed_out: BTreeSet<IpAddr>,
}

impl World {
    pub(crate) fn new(now: UnixTime, setup: &Fields<'_>) -> Result<World, Mismatch> {
        let mut resources = Resources::default();
        for (index, pool) in setup.list("pools")?.unwrap_or_default().iter().enumerate() {
            resources = resources.with_pool(read::pool(pool, &setup.path(&format!("pools[{index}]")))?);
        }
        for (index, node) in setup.list("nodes")?.unwrap_or_default().iter().enumerate() {
            let fields = Fields::new(setup.path(&format!("nodes[{index}]")), node)?;
            let labels = read::map(&fields, "labels")?.unwrap_or_default();
            resources = resources.with_node(read::needed_text(&fields, "name")?, labels);
            read::all_read(&fields)?;
        }
        resources = resources.with_reservations(read::reservations(setup, "reservations")?);
        let mut store = MemoryStore::default();
        if let Some(config) = setup.take("config").filter(|config| !config.is_null()) {
            store.put(Key::Config, Object::Config(read::config(config, &setup.path("config"))?));
        }
        if let Some(objects) = setup.take("store") {
            let bad = || Mismatch::malformed(setup.path("store"), "an object", objects);
            for (path, value) in objects.as_object().ok_or_else(bad)? {
                let key = stored_key(path).ok_or_else(|| Mismatch::unknown(setup.path(&format!("store.{path}"))))?;
                let value = stored_value(&key, value);
                store.put(key, value);
            }
        }
        Ok(World {
            resources: Arc::new(resources),
            store,
            now,
            sequences: BTreeMap::new(),
            results: Vec::new(),
            handed_out: BTreeSet::new(),
        })
    }

    pub(crate) fn hand_out(&mut self, outcome: &Outcome) {
        self.handed_out.extend(outcome.addresses.iter().map(IpNet::addr));
    }

    fn with(&mut self, change: impl FnOnce(Resources) -> Resources) {
        self.resources = Arc::new(change(Resources::clone(&self.resources)));
    }

    /// The steps that change or read the world without an operation.
    pub(crate) fn change(&mut self, op: &str, fields: &Fields<'_>) -> Result<Option<Outcome>, Mismatch> {
        match op {
            "set_pool" => {
                let pool = read::pool(fields.need("pool")?, &fields.path("pool"))?;
                self.with(|resources| resources.with_pool(pool));
            }
            "delete_pool" => {
                let name = read::needed_text(fields, "name")?;
                self.with(|mut resources| {
                    resources.remove_pool(name);
                    resources
                });
            }
            "set_node" => {
                let name = read::needed_text(fields, "name")?;
                let labels = read::map(fields, "labels")?;
                self.with(|mut resources| match labels {
                    Some(labels) => resources.with_node(name, labels),
                    None => {
                        resources.remove_node(name);
                        resources
                    }
                });
            }
            "set_reservations" => {
                let reservations = read::reservations(fields, "reservations")?;
                self.with(|resources| resources.with_reservations(reservations));
            }
            "advance" => {
                let secs = read::signed(fields, "secs", 0)?;
                self.now = self.now.saturating_add_secs(secs);
            }
            "capture_sequence" => {
                let ip = read::needed_ip(fields, "ip")?;
                let name = read::needed_text(fields, "as")?;
                let sequence = state::sequence(&self.store, ip);
                let sequence = sequence.ok_or_else(|| Mismatch::new(fields.path("ip"), "an allocated address", ip))?;
                self.sequences.insert(name.to_owned(), sequence);
            }
            "state" => return Ok(Some(state::report(&self.store))),
            _ => return Ok(None),
        }
        Ok(Some(Outcome::ok()))
    }
}

/// The key of a path, also of those that are not found by listing.
fn stored_key(path: &str) -> Option<Key> {
    if path == Key::Config.to_string() {
        return Some(Key::Config);
    }
    if let Some(found) = codec::decode_key(path) {
        return Some(found.key);
    }
    let host = path.strip_prefix("/calico/ipam/v2/host/")?;
    (!host.contains('/')).then(|| Key::Host(host.to_owned()))
}

fn stored_value(key: &Key, value: &Value) -> Object {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match codec::decode_value(key, text.as_bytes()) {
        Ok(object) => object,
        Err(_) if matches!(key, Key::Affinity(..)) && text.is_empty() => {
            Object::Affinity(Affinity::new(AffinityState::Unstated))
        }
        Err(error) => Object::Invalid(error),
    }
}

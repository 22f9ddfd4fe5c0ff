//! What is stored, in the forms of the vectors, and the invariants over it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use ippool::{Affinity, AffinityState, Block, Handle, Key, MemoryStore, Owner, Value as Object};
use serde_json::{Map, Value, json};

use super::outcome::{Outcome, object};
use super::read;

/// The answer to the step `state`.
pub(crate) fn report(store: &MemoryStore) -> Outcome {
    let block_report = object(blocks(store).into_iter().map(|(cidr, block)| (cidr, block_json(block))));
    let mut owners: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (owner, cidr, affinity) in affinities(store) {
        owners.entry(owner.to_string()).or_default().insert(cidr.to_string(), state_name(affinity.state).into());
    }
    let counts = |handle: &Handle| object(handle.blocks.iter().map(|(cidr, count)| (cidr, *count)));
    let handles = object(stored_handles(store).into_iter().map(|(id, handle)| (id, counts(handle))));
    Outcome::ok()
        .with("blocks", block_report)
        .with("affinities", object(owners))
        .with("handles", handles)
        .with("handles_exact", handles_exact(store))
        .with("consistent", blocks_valid(store) && affinities_match_blocks(store))
        .with("no_allocations", blocks(store).iter().all(|(_, block)| block.is_empty()))
        .with("no_overlapping_blocks", no_overlapping_blocks(store))
}

/// The sequence number of an allocated address.
pub(crate) fn sequence(store: &MemoryStore, ip: IpAddr) -> Option<u64> {
    let (_, block) = blocks(store).into_iter().find(|(cidr, _)| cidr.contains(&ip))?;
    block.allocation(ip).ok()?;
    Some(block.sequence_of(block.ordinal(ip)?))
}

/// Whether an address is allocated.
pub(crate) fn is_allocated(store: &MemoryStore, ip: IpAddr) -> bool {
    blocks(store).iter().any(|(_, block)| block.allocation(ip).is_ok())
}

/// All allocated addresses, in text order.
pub(crate) fn allocated(store: &MemoryStore) -> Vec<String> {
    let of = |block: &Block| -> Vec<String> {
        let live = block.allocations().filter(|(_, attributes)| attributes.released_at.is_none());
        live.filter_map(|(ordinal, _)| Some(block.address(ordinal)?.to_string())).collect()
    };
    let mut all: Vec<String> = blocks(store).into_iter().flat_map(|(_, block)| of(block)).collect();
    all.sort();
    all
}

/// How many affinities an owner has, in whatever state.
pub(crate) fn affinity_count(store: &MemoryStore, owner: &str) -> usize {
    affinities(store).iter().filter(|(other, ..)| other.to_string() == owner).count()
}

/// The blocks that have an owner.
pub(crate) fn owned_blocks(store: &MemoryStore) -> Vec<IpNet> {
    blocks(store).into_iter().filter(|(_, block)| block.affinity().is_some()).map(|(cidr, _)| cidr).collect()
}

/// Whether each block is what its key says and has each ordinal exactly once.
pub(crate) fn blocks_valid(store: &MemoryStore) -> bool {
    store.iter().all(|(key, value)| match (key, value) {
        (Key::Block(cidr), Object::Block(block)) => block.cidr() == cidr && Block::from_parts(block.to_parts()).is_ok(),
        (Key::Block(_), _) => false,
        _ => true,
    })
}

/// Whether no block has two confirmed affinities.
pub(crate) fn at_most_one_owner(store: &MemoryStore) -> bool {
    let mut seen = BTreeSet::new();
    affinities(store).iter().filter(|(_, _, a)| a.state.is_confirmed()).all(|(_, cidr, _)| seen.insert(*cidr))
}

/// Whether confirmed affinities and the blocks' owners are the same.
pub(crate) fn affinities_match_blocks(store: &MemoryStore) -> bool {
    let claims: BTreeSet<(Owner, IpNet)> = affinities(store)
        .into_iter()
        .filter(|(_, _, affinity)| affinity.state.is_confirmed())
        .map(|(owner, cidr, _)| (owner, cidr))
        .collect();
    let owned: BTreeSet<(Owner, IpNet)> =
        blocks(store).into_iter().filter_map(|(cidr, block)| Some((block.affinity()?.clone(), cidr))).collect();
    claims == owned
}

/// Whether handles count what blocks hold; addresses that blocks keep back for their host have no stored handle.
pub(crate) fn handles_exact(store: &MemoryStore) -> bool {
    let mut counted: BTreeMap<String, BTreeMap<IpNet, u64>> = BTreeMap::new();
    for (cidr, block) in blocks(store) {
        for (_, attributes) in block.allocations() {
            let kept_back = attributes.active.keys().eq(["note"]);
            if let Some(handle) = attributes.handle.as_ref().filter(|_| !kept_back) {
                *counted.entry(handle.clone()).or_default().entry(cidr).or_default() += 1;
            }
        }
    }
    let stored = stored_handles(store).into_iter().map(|(id, handle)| (id, handle.blocks.clone()));
    stored.eq(counted)
}

fn no_overlapping_blocks(store: &MemoryStore) -> bool {
    let cidrs: Vec<IpNet> = blocks(store).into_iter().map(|(cidr, _)| cidr).collect();
    let overlap = |a: &IpNet, b: &IpNet| a.contains(b) || b.contains(a);
    cidrs.iter().enumerate().all(|(i, a)| cidrs.iter().skip(i + 1).all(|b| !overlap(a, b)))
}

/// A block in the short form of the vectors.
pub(crate) fn block_json(block: &Block) -> Value {
    let mut value = json!({
        "affinity": block.affinity().map(ToString::to_string),
        "allocated": object(allocated_by_handle(block)),
        "free": read::ordinal_text(block.free_queue()),
    });
    let cooling = cooling(block);
    if let (false, Value::Object(object)) = (cooling.is_empty(), &mut value) {
        object.insert("cooling".to_owned(), cooling.into());
    }
    value
}

/// Ordinal ranges by handle.
pub(crate) fn allocated_by_handle(block: &Block) -> BTreeMap<String, String> {
    let mut by_handle: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for (ordinal, attributes) in block.allocations().filter(|(_, attributes)| attributes.released_at.is_none()) {
        by_handle.entry(attributes.handle.clone().unwrap_or_default()).or_default().push(ordinal);
    }
    by_handle.into_iter().map(|(handle, ordinals)| (handle, read::ordinal_text(&ordinals))).collect()
}

pub(crate) fn cooling(block: &Block) -> String {
    let cooling = block.allocations().filter(|(_, attributes)| attributes.released_at.is_some());
    read::ordinal_text(&cooling.map(|(ordinal, _)| ordinal).collect::<Vec<_>>())
}

pub(crate) fn state_name(state: AffinityState) -> &'static str {
    match state {
        AffinityState::Pending => "pending",
        AffinityState::PendingDeletion => "pendingDeletion",
        _ => "confirmed",
    }
}

fn blocks(store: &MemoryStore) -> Vec<(IpNet, &Block)> {
    let mut found = Vec::new();
    for (key, value) in store.iter() {
        if let (Key::Block(cidr), Object::Block(block)) = (key, value) {
            found.push((cidr, block.as_ref()));
        }
    }
    found
}

fn affinities(store: &MemoryStore) -> Vec<(Owner, IpNet, Affinity)> {
    let mut found = Vec::new();
    for (key, value) in store.iter() {
        if let (Key::Affinity(owner, cidr), Object::Affinity(affinity)) = (key, value) {
            found.push((owner, cidr, *affinity));
        }
    }
    found
}

fn stored_handles(store: &MemoryStore) -> Vec<(String, &Handle)> {
    let mut found = Vec::new();
    for (key, value) in store.iter() {
        if let (Key::Handle(id), Object::Handle(handle)) = (key, value) {
            found.push((id, handle));
        }
    }
    found
}

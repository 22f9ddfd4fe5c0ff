//! GC takes back what belongs to no container that the runtime knows, and puts in order what killed commands have left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ippool::Owner;
use ippool::audit::{Collector, Inventory, Snapshot};
use ippool::block::ReleaseItem;
use ippool::op::{self, ReleaseIpsError};

use super::Session;
use super::config::Network;
use super::error::Error;
use crate::driver::now;

/// Only addresses that this network's ADD gave out on this node are judged: the runtime knows no others. Handles and
/// claims are looked at twice with some time between, since others may use the store.
pub(super) fn gc(network: &Network, session: &mut Session) -> Result<(), Error> {
    let valid: BTreeSet<String> = network
        .valid
        .iter()
        .flatten()
        .map(|attachment| network.handle(&attachment.container, &attachment.interface))
        .collect();
    let snapshot = look(session)?;
    let stale = stale(&snapshot, network, &valid);
    let resources = Arc::clone(&session.resources);
    // Each on its own, so that one that was given out again meanwhile stops no other.
    for item in stale {
        let released = session.drive(op::release_ips(&[item], &resources, now()));
        // What was given out again is no longer what was found.
        if let Some(ReleaseIpsError::Store(error)) = released.error {
            return Err(session.store(&error));
        }
    }
    put_in_order(network, session)
}

/// Handles, claims and blocks, whoever has left them so: what is wrong at two looks a grace period apart.
pub(super) fn put_in_order(network: &Network, session: &mut Session) -> Result<(), Error> {
    let resources = Arc::clone(&session.resources);
    let mut collector = Collector::new(network.ipam.grace.into());
    // A little more than the grace period.
    let pause = Duration::from_millis(u64::from(network.ipam.grace).saturating_mul(1000).saturating_add(2));
    observe(&mut collector, session)?;
    thread::sleep(pause);
    let cleaning = observe(&mut collector, session)?;
    let cleaned = session.drive(op::clean(cleaning, &resources, now()));
    match cleaned.error {
        Some(error) => Err(session.store(&error)),
        None => Ok(()),
    }
}

/// The addresses of this network and node whose handle no container has.
fn stale(snapshot: &Snapshot, network: &Network, valid: &BTreeSet<String>) -> Vec<ReleaseItem> {
    let node = network.ipam.node();
    let mut stale = Vec::new();
    for block in snapshot.blocks.values() {
        for (ordinal, attributes) in block.allocations() {
            let is = |key: &str, value: &str| attributes.active.get(key).is_some_and(|found| found == value);
            if let (Some(address), Some(handle)) = (block.address(ordinal), &attributes.handle)
                && attributes.released_at.is_none()
                && is("network", &network.name)
                && is("node", &node)
                && !valid.contains(handle)
            {
                let item = ReleaseItem::new(address).with_sequence(block.sequence_of(ordinal));
                stale.push(item.with_handle(handle.as_str()));
            }
        }
    }
    stale
}

/// A look at handles, claims and blocks: every address counts as used, every node as there.
fn observe(collector: &mut Collector, session: &mut Session) -> Result<ippool::audit::Cleaning, Error> {
    let snapshot = look(session)?;
    let mut inventory = Inventory::default();
    for block in snapshot.blocks.values() {
        if let Some(Owner::Host(node)) = block.affinity() {
            inventory.nodes.insert(node.clone());
        }
        for (ordinal, attributes) in block.allocations() {
            inventory.nodes.extend(attributes.active.get("node").cloned());
            inventory.used.extend(block.address(ordinal).map(|address| (address, vec![String::new()])));
        }
    }
    Ok(collector.observe(&snapshot, &inventory, now()))
}

fn look(session: &mut Session) -> Result<Snapshot, Error> {
    session.drive(op::snapshot(now())).map_err(|error| session.store(&error))
}

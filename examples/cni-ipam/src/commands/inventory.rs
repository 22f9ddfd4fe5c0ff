//! What a cluster uses, as a file says it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use ippool::Owner;
use ippool::audit::{Inventory, Snapshot};
use serde::Deserialize;

use super::Failure;

/// The file: `nodes: [NAME, ..]` and `used: {ADDRESS: [USER, ..]}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default)]
    nodes: BTreeSet<String>,
    #[serde(default)]
    used: BTreeMap<IpAddr, Vec<String>>,
}

/// What a file says; without one, that everything stored is in use: the stored objects are then only compared with
/// themselves. Known nodes exist in any case.
pub(super) fn read(file: Option<&Path>, nodes: &[String], snapshot: &Snapshot) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::default();
    inventory.nodes.extend(nodes.iter().cloned());
    match file {
        Some(file) => {
            let wrong = |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", file.display()));
            let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
            let told: Told = serde_yaml_ng::from_str(&text).map_err(|error| wrong(&error))?;
            inventory.nodes.extend(told.nodes);
            // Whoever lists an address without a user says that it is in use, all the same.
            let user = |users: Vec<String>| if users.is_empty() { vec![String::new()] } else { users };
            inventory.used = told.used.into_iter().map(|(address, users)| (address, user(users))).collect();
        }
        None => {
            for block in snapshot.blocks.values() {
                if nodes.is_empty()
                    && let Some(Owner::Host(node)) = block.affinity()
                {
                    inventory.nodes.insert(node.clone());
                }
                for (address, attributes) in allocated(block) {
                    let user = ["namespace", "pod"].map(|key| attributes.active.get(key).map_or("", String::as_str));
                    inventory = inventory.with_use(address, user.join("/"));
                }
            }
        }
    }
    Ok(inventory)
}

/// The allocated addresses of a block, without those that cool down.
pub(crate) fn allocated(block: &ippool::Block) -> impl Iterator<Item = (IpAddr, &ippool::Attributes)> + '_ {
    let live = block.allocations().filter(|(_, attributes)| attributes.released_at.is_none());
    live.filter_map(|(ordinal, attributes)| Some((block.address(ordinal)?, attributes)))
}

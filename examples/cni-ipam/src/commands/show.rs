//! `show`: how full pools are, who has an address, the configuration; tables as in `calicoctl ipam show`.

use std::net::IpAddr;

use clap::Args;
use ippool::op::{self, AttributesError, PoolUtilization};
use ippool::{Attributes, Owner};
use serde_json::{Value as Json, json};

use super::table::draw;
use super::{Context, Failure, inventory};
use crate::driver::now;

/// One of these; nothing: the pools.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Show {
    /// The blocks of each pool, too.
    #[arg(long)]
    show_blocks: bool,
    /// Addresses whose node is not their block's.
    #[arg(long)]
    show_borrowed: bool,
    /// The configuration.
    #[arg(long)]
    show_configuration: bool,
    /// Who has this address.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
}

impl Show {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        match self.ip {
            Some(address) => address_of(address, context),
            None if self.show_configuration => configuration(context),
            None if self.show_borrowed => borrowed(context),
            None => pools(self.show_blocks, context),
        }
    }
}

fn pools(blocks: bool, context: &mut Context<'_>) -> Result<bool, Failure> {
    let resources = context.resources.clone();
    let found = context.drive(op::utilization(None, &resources, now())).map_err(|error| context.store(&error))?;
    let found: Vec<PoolUtilization> =
        found.into_iter().filter(|pool| pool.name != op::ORPHANS || !pool.blocks.is_empty()).collect();
    let text = op::show(&found, blocks).to_string();
    let json: Vec<Json> = found.iter().map(|pool| pool_json(pool, blocks)).collect();
    context.options.print(context.out, &text, &Json::Array(json))?;
    Ok(true)
}

fn pool_json(pool: &PoolUtilization, blocks: bool) -> Json {
    let block = |block: &op::BlockUtilization| {
        json!({
            "cidr": block.cidr, "total": block.capacity, "inUse": block.in_use, "reserved": block.reserved,
            "free": block.available,
        })
    };
    json!({
        "name": pool.name, "cidr": pool.cidr, "total": pool.capacity, "inUse": pool.in_use,
        "reserved": pool.reserved, "free": pool.available,
        "blocks": blocks.then(|| pool.blocks.iter().map(block).collect::<Vec<_>>()),
    })
}

fn address_of(address: IpAddr, context: &mut Context<'_>) -> Result<bool, Failure> {
    let resources = context.resources.clone();
    let (text, json, known) = match context.drive(op::attributes(address, &resources, now())) {
        Ok(attributes) => {
            let mut text = format!("{address} is in use\n");
            if let Some(handle) = &attributes.handle {
                text.push_str(&format!("handle: {handle}\n"));
            }
            text.extend(attributes.active.iter().map(|(key, value)| format!("{key}: {value}\n")));
            let json = json!({ "ip": address, "handle": attributes.handle, "attributes": attributes.active });
            (text, json, true)
        }
        Err(AttributesError::Store(error)) => return Err(context.store(&error)),
        Err(error) => (format!("{address}: {error}\n"), json!({ "ip": address, "error": error.to_string() }), false),
    };
    context.options.print(context.out, &text, &json)?;
    Ok(known)
}

fn borrowed(context: &mut Context<'_>) -> Result<bool, Failure> {
    let snapshot = context.drive(op::snapshot(now())).map_err(|error| context.store(&error))?;
    let mut rows = Vec::new();
    for block in snapshot.blocks.values() {
        let owner = block.affinity().map(Owner::name);
        for (address, attributes) in inventory::allocated(block) {
            let node = attributes.active.get("node").map(String::as_str);
            if node.is_some() && node != owner {
                rows.push(vec![
                    address.to_string(),
                    node.unwrap_or_default().into(),
                    block.cidr().to_string(),
                    owner.unwrap_or_default().into(),
                    attributes.active.get("type").map_or("pod", String::as_str).into(),
                    allocated_to(attributes),
                ]);
            }
        }
    }
    let headings = ["IP", "BORROWING-NODE", "BLOCK", "BLOCK OWNER", "TYPE", "ALLOCATED-TO"];
    let keys = ["ip", "borrowingNode", "block", "blockOwner", "type", "allocatedTo"];
    let json: Vec<Json> =
        rows.iter().map(|row| keys.iter().zip(row).map(|(key, cell)| (*key, cell.as_str())).collect()).collect();
    context.options.print(context.out, &draw(&headings, &rows), &Json::Array(json))?;
    Ok(true)
}

fn allocated_to(attributes: &Attributes) -> String {
    match (attributes.active.get("namespace"), attributes.active.get("pod")) {
        (Some(namespace), Some(pod)) => format!("{namespace}/{pod}"),
        _ => attributes.handle.clone().unwrap_or_default(),
    }
}

fn configuration(context: &mut Context<'_>) -> Result<bool, Failure> {
    let found = context.drive(op::read_config()).map_err(|error| context.store(&error))?;
    let config = &found.config;
    let rows = [
        ("StrictAffinity", json!(config.strict_affinity)),
        ("AutoAllocateBlocks", json!(config.auto_allocate_blocks)),
        ("MaxBlocksPerHost", json!(config.max_blocks_per_host)),
        ("IPCooldownSeconds", json!(config.cooldown_seconds)),
    ];
    let json: Json = rows.iter().map(|(name, value)| (*name, value.clone())).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|(name, value)| vec![(*name).into(), value.to_string()]).collect();
    context.options.print(context.out, &draw(&["PROPERTY", "VALUE"], &rows), &json)?;
    Ok(true)
}

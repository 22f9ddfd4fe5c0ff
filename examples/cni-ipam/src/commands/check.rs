//! `check`: what is stored against what is in use and against itself.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ippool::audit::{self, AddressReport, Finding, Report, Snapshot};
use ippool::op;
use serde_json::{Value as Json, json};

use super::{Context, Failure, Options, inventory};
use crate::driver::now;
use crate::resources::Found;

/// What is compared with what.
#[derive(Debug, Args)]
pub struct Check {
    /// A file instead of the store: what `etcdctl get --prefix /calico/ipam/` prints, plain or with `-w json`.
    #[arg(long, value_name = "FILE")]
    pub(super) dump: Option<PathBuf>,
    /// What is in use, as YAML: `nodes: [NAME, ..]`, `used: {ADDRESS: [USER, ..]}`. Without it every address that is
    /// allocated counts as used.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let snapshot = context.drive(op::snapshot(now())).map_err(|error| context.store(&error))?;
        let inventory = inventory::read(self.inventory.as_deref(), &context.nodes, &snapshot)?;
        report(&audit::check(&snapshot, &inventory, &context.resources), context.options, context.out)
    }

    /// The same without a store.
    pub(super) fn over_dump(
        &self,
        dump: &Path,
        found: &Found,
        options: &Options,
        out: &mut dyn Write,
    ) -> Result<bool, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", dump.display()));
        let octets = std::fs::read(dump).map_err(|error| wrong(&error))?;
        let objects = ippool::codec::decode_dump(&octets).map_err(|error| wrong(&error))?;
        let snapshot = Snapshot::new(objects, now());
        let inventory = inventory::read(self.inventory.as_deref(), &found.nodes, &snapshot)?;
        report(&audit::check(&snapshot, &inventory, &found.resources), options, out)
    }
}

fn report(report: &Report, options: &Options, out: &mut dyn Write) -> Result<bool, Failure> {
    let findings: Vec<(&str, String)> = report.findings.iter().map(describe).collect();
    let mut text: String = findings.iter().map(|(kind, what)| format!("{kind}: {what}\n")).collect();
    let in_use = report.addresses.iter().filter(|address| address.in_use).count();
    text.push_str(&format!(
        "{} addresses, {in_use} in use, {} findings\n",
        report.addresses.len(),
        report.findings.len()
    ));
    let addresses: Vec<Json> = report.addresses.iter().map(address).collect();
    let findings: Vec<Json> = findings.iter().map(|(kind, what)| json!({ "kind": kind, "what": what })).collect();
    options.print(out, &text, &json!({ "addresses": addresses, "findings": findings }))?;
    Ok(report.is_clean())
}

/// An address as `calicoctl ipam check` reports it.
fn address(found: &AddressReport) -> Json {
    let attribute = |name: &str| found.attributes.get(name);
    json!({
        "ip": found.address,
        "block": found.block,
        "handle": found.handle,
        "sequenceNumber": found.sequence,
        "pod": attribute("pod"),
        "namespace": attribute("namespace"),
        "node": attribute("node"),
        "type": attribute("type"),
        "creationTimestamp": attribute("timestamp"),
        "inUse": found.in_use,
        "borrowed": found.borrowed,
        "coolingDown": found.cooling_down,
        "owners": found.users,
    })
}

/// The kind of a finding, and what it is about.
fn describe(finding: &Finding) -> (&'static str, String) {
    match finding {
        Finding::NotInUse { address, handle } => {
            ("allocated and not in use", format!("{address}, handle {}", handle.as_deref().unwrap_or("-")))
        }
        Finding::NotAllocated { address, in_pool: true } => ("used and not allocated", address.to_string()),
        Finding::NotAllocated { address, in_pool: false } => ("used outside all pools", address.to_string()),
        Finding::HandleCountsTooMuch { handle, block, counted, found } => {
            ("handle counts too much", format!("{handle}: {counted} in {block}, which has {found}"))
        }
        Finding::HandleCountsTooLittle { handle, block, counted, found } => {
            ("handle counts too little", format!("{handle}: {counted} in {block}, which has {found}"))
        }
        Finding::BadValue(bad) => ("unusable object", bad.to_string()),
        Finding::Overlap(one, other) => ("blocks share addresses", format!("{one} and {other}")),
        Finding::ClaimWithoutBlock { owner, cidr, state } => {
            ("claim without block", format!("{owner} on {cidr}, {state:?}"))
        }
        Finding::BlockWithoutClaim { owner, cidr } => ("block without claim", format!("{cidr} of {owner}")),
        Finding::UnknownNode { node, cidr } => ("block of an unknown node", format!("{cidr} of {node}")),
        Finding::OutsidePools(cidr) => ("block outside all pools", cidr.to_string()),
        other => ("finding", format!("{other:?}")),
    }
}

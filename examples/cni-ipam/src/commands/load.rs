//! `load`: assigns and releases as fast as the store goes; for measurements, and for tests that kill it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use ippool::block::ReleaseItem;
use ippool::op::{self, AutoAssign, AutoAssignError, HandleError, ReleaseIpsError, StoreError};
use ippool::{Attributes, Use};
use serde_json::json;

use super::{Context, Failure};
use crate::driver::now;

/// Assigns addresses one by one and releases each after some more were assigned.
///
/// The journal has one line for each step, written at once: `+ NAME ADDRESS` an address was assigned, `- NAME ADDRESS` it
/// is about to be released, `= NAME` it was released.
#[derive(Debug, Args)]
pub struct Load {
    /// The node.
    #[arg(long)]
    node: String,
    /// What the handles begin with; no two loads at the same time may have the same.
    #[arg(long, default_value = "load")]
    name: String,
    /// How many addresses are assigned and released.
    #[arg(long, default_value_t = 1000)]
    count: u32,
    /// How many are held at the same time.
    #[arg(long, default_value_t = 4)]
    held: usize,
    /// Where the journal is appended.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// More blocks than any load fills.
const MAX_BLOCKS: u32 = 100_000;

impl Load {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        if context.resources.node(&self.node).is_none() {
            let resources = (*context.resources).clone();
            context.resources = resources.with_node(self.node.as_str(), [("", ""); 0]).into();
        }
        let wrong = |error: std::io::Error| Failure::Input(format!("journal: {error}"));
        let open = |path: &PathBuf| OpenOptions::new().append(true).create(true).open(path).map_err(wrong);
        let mut journal = self.journal.as_ref().map(open).transpose()?;
        let (began, mut conflicts) = (Instant::now(), 0u32);
        let mut held: VecDeque<(IpAddr, String)> = VecDeque::new();
        for number in 0..self.count {
            let handle = format!("{}.{number}", self.name);
            let address = loop {
                match self.assign(&handle, context) {
                    Ok(address) => break address,
                    // Others were faster a hundred times; nothing says that they will be again.
                    Err(AutoAssignError::Store(StoreError::Conflict)) => conflicts = conflicts.saturating_add(1),
                    Err(AutoAssignError::Store(error)) => return Err(context.store(&error)),
                    Err(error) => return Err(Failure::Refused(error.to_string())),
                }
            };
            let address = address.ok_or_else(|| Failure::Refused("the pools are full".into()))?;
            note(&mut journal, format_args!("+ {} {address}", self.name))?;
            held.push_back((address, handle));
            let keep = if number.saturating_add(1) == self.count { 0 } else { self.held };
            while held.len() > keep
                && let Some((address, handle)) = held.pop_front()
            {
                note(&mut journal, format_args!("- {} {address}", self.name))?;
                conflicts = conflicts.saturating_add(release(number, address, &handle, context)?);
                note(&mut journal, format_args!("= {}", self.name))?;
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let rate = f64::from(self.count) / seconds.max(f64::MIN_POSITIVE);
        let text = format!(
            "{} addresses assigned and released in {seconds:.2} s, {rate:.0} a second; gave up after conflicts {conflicts} \
             times\n",
            self.count
        );
        let json = json!({ "count": self.count, "seconds": seconds, "perSecond": rate, "conflicts": conflicts });
        context.options.print(context.out, &text, &json)?;
        Ok(true)
    }

    fn assign(&self, handle: &str, context: &mut Context<'_>) -> Result<Option<IpAddr>, AutoAssignError> {
        let mut attributes = Attributes::with_handle(handle);
        let active = [("node", self.node.as_str()), ("pod", handle), ("namespace", "load")];
        attributes.active = active.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut request =
            AutoAssign::new(self.node.as_str(), Use::Workload, now()).with_counts(1, 0).with_attributes(attributes);
        request.max_blocks = MAX_BLOCKS;
        let resources = context.resources.clone();
        let assigned = context.drive(op::auto_assign(request, &resources));
        let address = assigned.addresses().next().map(|address| address.addr());
        match assigned.error {
            // The address is there whatever happened after.
            Some(error) if address.is_none() => Err(error),
            _ => Ok(address),
        }
    }
}

/// Releases by address and by handle in turn; how often others were faster a hundred times.
fn release(number: u32, address: IpAddr, handle: &str, context: &mut Context<'_>) -> Result<u32, Failure> {
    let resources = context.resources.clone();
    let mut conflicts = 0;
    loop {
        let error = if number.is_multiple_of(2) {
            let item = ReleaseItem::new(address).with_handle(handle);
            match context.drive(op::release_ips(&[item], &resources, now())).error {
                Some(ReleaseIpsError::Store(error)) => error,
                Some(error) => return Err(Failure::Refused(format!("{address}, {handle}: {error}"))),
                None => return Ok(conflicts),
            }
        } else {
            match context.drive(op::release_by_handle(handle, &resources, now())) {
                Err(HandleError::Store(error)) => error,
                Err(error) if conflicts == 0 => return Err(Failure::Refused(format!("{address}, {handle}: {error}"))),
                _ => return Ok(conflicts),
            }
        };
        if error != StoreError::Conflict {
            return Err(context.store(&error));
        }
        conflicts += 1;
    }
}

fn note(journal: &mut Option<File>, line: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    let Some(journal) = journal else { return Ok(()) };
    // One write: lines of several processes are never mixed, and stand in the order in which things happened.
    journal.write_all(format!("{line}\n").as_bytes()).map_err(|error| Failure::Input(format!("journal: {error}")))
}

//! `gc`: what was out of order for a whole grace period is put in order.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use ippool::audit::{Cleaning, Collector, Inventory};
use ippool::op;
use serde_json::json;

use super::{Context, Failure, inventory};
use crate::driver::now;

/// Looks twice for every half of the grace period, and acts on what all looks agree on.
#[derive(Debug, Args)]
pub struct Gc {
    /// The grace period in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    grace: u32,
    /// What is in use, as for `check`; read again at each look. Without it no address counts as leaked.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Only says what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Goes on for ever instead of ending after one grace period.
    #[arg(long)]
    forever: bool,
}

impl Gc {
    pub(super) fn run(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        let grace = i64::from(self.grace);
        let mut collector = Collector::new(grace);
        let first = now();
        let mut complete = true;
        loop {
            let (seen, cleaning) = self.look(&mut collector, context)?;
            let over = first.saturating_add_secs(grace) <= seen && first < seen;
            if over {
                complete &= self.clean(cleaning, context)?;
                if !self.forever {
                    return Ok(complete);
                }
            }
            // A little more than half, so that the third look is past the end.
            thread::sleep(Duration::from_millis(u64::from(self.grace).saturating_mul(500).saturating_add(10)));
        }
    }

    fn look(
        &self,
        collector: &mut Collector,
        context: &mut Context<'_>,
    ) -> Result<(ippool::UnixTime, Cleaning), Failure> {
        let at = now();
        let snapshot = context.drive(op::snapshot(at)).map_err(|error| context.store(&error))?;
        let inventory = self.read(context, &snapshot)?;
        Ok((at, collector.observe(&snapshot, &inventory, at)))
    }

    fn read(&self, context: &Context<'_>, snapshot: &ippool::audit::Snapshot) -> Result<Inventory, Failure> {
        inventory::read(self.inventory.as_deref(), &context.nodes, snapshot)
    }

    fn clean(&self, cleaning: Cleaning, context: &mut Context<'_>) -> Result<bool, Failure> {
        let cleaning = match &self.inventory {
            Some(_) => cleaning.still(&self.read(context, &ippool::audit::Snapshot::default())?),
            None => cleaning,
        };
        let leaks = cleaning.leaks.iter().map(|leak| leak.address).collect::<Vec<_>>();
        let claims = |claims: &[(ippool::Owner, ipnet::IpNet)]| -> Vec<String> {
            claims.iter().map(|(owner, cidr)| format!("{owner} {cidr}")).collect()
        };
        if self.dry_run {
            let handles: Vec<&str> = cleaning.handles.iter().map(|handle| handle.id.as_str()).collect();
            let (given_up, restored) = (claims(&cleaning.claims), claims(&cleaning.blocks));
            let json = json!({ "released": leaks, "claims": given_up, "blocks": restored, "handles": handles });
            context.options.print(context.out, &lines(&json), &json)?;
            return Ok(cleaning.is_empty());
        }
        let resources = context.resources.clone();
        let cleaned = context.drive(op::clean(cleaning, &resources, now()));
        let released: Vec<_> = cleaned.released.ok.iter().map(|item| item.address).collect();
        let (given_up, restored) = (claims(&cleaned.claims), claims(&cleaned.blocks));
        let json = json!({ "released": released, "claims": given_up, "blocks": restored, "handles": cleaned.handles });
        context.options.print(context.out, &lines(&json), &json)?;
        match (&cleaned.error, &cleaned.released.error) {
            (Some(error), _) | (None, Some(op::ReleaseIpsError::Store(error))) => Err(context.store(error)),
            // An address that was given out again meanwhile is none of ours.
            _ => Ok(true),
        }
    }
}

/// One line for each thing.
fn lines(done: &serde_json::Value) -> String {
    let mut text = String::new();
    for (key, name) in [("released", "address"), ("claims", "claim"), ("blocks", "block"), ("handles", "handle")] {
        for one in done.get(key).and_then(serde_json::Value::as_array).into_iter().flatten() {
            text.push_str(&format!("{name} {}\n", one.as_str().unwrap_or_default()));
        }
    }
    text
}

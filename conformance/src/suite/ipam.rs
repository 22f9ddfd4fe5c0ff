//! Address allocation: `ipam-format.md` beside the vectors' README.

mod drive;
mod errors;
mod ops;
mod outcome;
mod pure;
mod race;
mod read;
mod state;
mod world;

use serde_json::Value;

use crate::{Fields, Mismatch};
use outcome::Outcome;
use world::World;

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    if let Err(mismatch) = run_case(case, &mut mismatches) {
        mismatches.push(mismatch);
    }
    mismatches
}

fn run_case(case: &Value, mismatches: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
    let fields = Fields::new("", case)?;
    fields.ignore(&["id", "area", "why", "verified", "differs_from_calico", "note", "title", "from"]);
    let setup = Fields::new("setup", fields.need("setup")?)?;
    let mut world = World::new(read::time(&fields, "now")?, &setup)?;
    mismatches.extend(setup.unread());
    let steps = read::needed_list(&fields, "steps")?;
    mismatches.extend(fields.unread());
    for (index, step) in steps.iter().enumerate() {
        let outcome = run_step(step, &format!("steps[{index}]"), &mut world, Allowed::Everything, mismatches)?;
        world.results.push(outcome);
    }
    Ok(())
}

/// What a step may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Injected events and races.
    Everything,
    /// Neither: the step is itself injected.
    Plain,
}

/// Runs one step and checks its expectation.
pub(crate) fn run_step(
    step: &Value,
    path: &str,
    world: &mut World,
    allowed: Allowed,
    mismatches: &mut Vec<Mismatch>,
) -> Result<Outcome, Mismatch> {
    let fields = Fields::new(path, step)?;
    fields.ignore(&["calico"]);
    let op = fields.text("op")?.ok_or_else(|| Mismatch::new(fields.path("op"), "an operation", "nothing"))?;
    let inject = match (allowed, fields.list("inject")?) {
        (Allowed::Plain, Some(_)) => return Err(Mismatch::unknown(fields.path("inject"))),
        (_, inject) => drive::injections(inject.unwrap_or_default(), &fields.path("inject"))?,
    };
    let outcome = if op == "race" {
        if allowed == Allowed::Plain {
            return Err(Mismatch::unknown(fields.path("op")));
        }
        race::run(&fields, world, mismatches)?
    } else if let Some(operation) = ops::start(op, &fields, world)? {
        drive::run(operation, inject, world, mismatches)?
    } else if let Some(outcome) = world.change(op, &fields)? {
        outcome
    } else if let Some(outcome) = pure::run(op, &fields, world.now)? {
        outcome
    } else {
        return Err(Mismatch::unknown(format!("{} ({op})", fields.path("op"))));
    };
    if op != "race"
        && let Some(expect) = fields.take("expect")
    {
        outcome.check(&Fields::new(fields.path("expect"), expect)?, world, mismatches)?;
    }
    world.hand_out(&outcome);
    mismatches.extend(fields.unread());
    Ok(outcome)
}

//! Runs an operation over the world's store, with events injected before its writes.

use ippool::op::Poll;
use ippool::store::{Answer, Request, Write};
use ippool::{AffinityState, Key, Store, Value as Object};
use serde_json::Value;

use super::ops::Running;
use super::outcome::Outcome;
use super::world::World;
use super::{Allowed, read, run_step};
use crate::{Fields, Mismatch};

/// Something that happens just before a write.
#[derive(Debug)]
pub(crate) struct Injection<'v> {
    path: String,
    at: &'v str,
    nth: u64,
    steps: &'v [Value],
    fail: Option<Answer>,
}

pub(crate) fn injections<'v>(list: &'v [Value], path: &str) -> Result<Vec<Injection<'v>>, Mismatch> {
    let mut injections = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let fields = Fields::new(format!("{path}[{index}]"), value)?;
        let at = read::needed_text(&fields, "at")?;
        if !PLACES.contains(&at) {
            return Err(Mismatch::unknown(format!("{} ({at})", fields.path("at"))));
        }
        let fail = match read::text(&fields, "fail")? {
            None => None,
            Some("conflict") => Some(Answer::Conflict),
            Some("store_error") => Some(Answer::Failed),
            Some(other) => return Err(Mismatch::unknown(format!("{} ({other})", fields.path("fail")))),
        };
        let nth = read::number(&fields, "nth", 1)?;
        let steps = fields.list("steps")?.unwrap_or_default();
        read::all_read(&fields)?;
        injections.push(Injection { path: fields.path("steps"), at, nth, steps, fail });
    }
    Ok(injections)
}

/// Runs an operation to its end.
pub(crate) fn run(
    mut operation: Running,
    mut pending: Vec<Injection<'_>>,
    world: &mut World,
    mismatches: &mut Vec<Mismatch>,
) -> Result<Outcome, Mismatch> {
    let mut seen: Vec<&'static str> = Vec::new();
    loop {
        let request = match operation.poll() {
            Poll::Done(outcome) => {
                // The operation never did such a write.
                for injection in pending {
                    inject(&injection, world, mismatches)?;
                }
                return Ok(outcome);
            }
            Poll::Ask(request) => request,
        };
        let mut fail = None;
        if let Request::Commit(write) = &request
            && let Some(place) = place(write)
        {
            seen.push(place);
            let nth = u64::try_from(seen.iter().filter(|other| **other == place).count()).unwrap_or(u64::MAX);
            if let Some(index) = pending.iter().position(|injection| injection.at == place && injection.nth == nth) {
                let injection = pending.remove(index);
                inject(&injection, world, mismatches)?;
                fail = injection.fail;
            }
        }
        let answer = fail.unwrap_or_else(|| world.store.answer(&request));
        operation.handle(answer);
    }
}

fn inject(injection: &Injection<'_>, world: &mut World, mismatches: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
    for (index, step) in injection.steps.iter().enumerate() {
        let path = format!("{}[{index}]", injection.path);
        run_step(step, &path, world, Allowed::Plain, mismatches)?;
    }
    Ok(())
}

const PLACES: [&str; 10] = [
    "before_block_create",
    "before_block_update",
    "before_block_delete",
    "before_affinity_create",
    "before_affinity_update",
    "before_affinity_delete",
    "before_affinity_confirm",
    "before_handle_create",
    "before_handle_update",
    "before_handle_delete",
];

/// The name of a write in the vectors.
fn place(write: &Write) -> Option<&'static str> {
    let [bc, bu, bd, ac, au, ad, confirm, hc, hu, hd] = PLACES;
    match write {
        Write::Create(Key::Block(_), _) => Some(bc),
        Write::Update(Key::Block(_), ..) => Some(bu),
        Write::Delete(Key::Block(_), _) => Some(bd),
        Write::Create(Key::Affinity(..), _) => Some(ac),
        Write::Update(Key::Affinity(..), Object::Affinity(affinity), _)
            if affinity.state == AffinityState::Confirmed =>
        {
            Some(confirm)
        }
        Write::Update(Key::Affinity(..), ..) => Some(au),
        Write::Delete(Key::Affinity(..), _) => Some(ad),
        Write::Create(Key::Handle(_), _) => Some(hc),
        Write::Update(Key::Handle(_), ..) => Some(hu),
        Write::Delete(Key::Handle(_), _) => Some(hd),
        _ => None,
    }
}

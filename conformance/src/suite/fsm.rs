//! `fsm.jsonl`: one session step by step; cases that need tables or two connections run on a whole speaker.

mod capability;
mod expect;
mod message;
mod setup;
mod single;
mod subject;

use serde_json::Value;

use crate::{Fields, Mismatch};

use expect::Step;
use setup::Setup;
use single::Single;
use subject::Subject;

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    run_case(case).unwrap_or_else(|mismatches| mismatches)
}

fn run_case(case: &Value) -> Result<Vec<Mismatch>, Vec<Mismatch>> {
    let one = |mismatch| vec![mismatch];
    let fields = Fields::new("", case).map_err(one)?;
    fields.ignore(&["id", "rfc", "section", "title", "why", "note", "from", "verified", "known_differences"]);
    let setup = Setup::read(fields.need("setup").map_err(one)?)?;
    let steps = fields.list("steps").map_err(one)?.ok_or_else(|| one(Mismatch::unknown("steps")))?;
    let unread = fields.unread();
    if !unread.is_empty() {
        return Err(unread);
    }
    let mut subject: Box<dyn Subject> = Box::new(Single::new(setup));
    for (index, step) in steps.iter().enumerate() {
        match play(&format!("steps[{index}]"), step, subject.as_mut()).map_err(one)? {
            Played::Right => {}
            Played::Wrong(mismatches) => return Ok(mismatches),
        }
    }
    Ok(Vec::new())
}

/// How a step ended.
enum Played {
    Right,
    Wrong(Vec<Mismatch>),
}

fn play(path: &str, step: &Value, subject: &mut dyn Subject) -> Result<Played, Mismatch> {
    let fields = Fields::new(path, step)?;
    fields.ignore(&["why", "note", "title"]);
    let input = Fields::new(fields.path("input"), fields.need("input")?)?;
    input.ignore(&["why", "note", "title"]);
    let expect = fields.need("expect")?;
    let had_connection = subject.has_connection();
    let conn = input.text("conn")?;
    // Every event can be brought about here, so an injected one is compared like any other.
    input.truth("inject")?;
    let hex = input.text("rx")?;
    let event = input.text("event")?;
    let seconds = input.take("advance_secs");
    let mut lost = false;
    match (hex, event, seconds) {
        (Some(hex), None, None) => {
            let octets = hex::decode(hex).map_err(|error| Mismatch::new(input.path("rx"), "hex", error))?;
            subject.receive(conn, &octets)?;
        }
        (None, Some(event), None) => {
            lost = event == "TcpConnectionFails";
            subject.event(event, conn, &input)?;
        }
        (None, None, Some(seconds)) => {
            let number = seconds.as_f64().filter(|number| number.is_finite());
            subject.advance(number.ok_or_else(|| Mismatch::malformed(input.path("advance_secs"), "seconds", seconds))?);
        }
        _ => return Err(Mismatch::new(fields.path("input"), "one of event, rx, advance_secs", "none or several")),
    }
    let step = Step { outcome: subject.outcome(), had_connection: had_connection && !lost };
    let mut wrong = expect::check(&fields.path("expect"), expect, &step, subject);
    wrong.extend(input.unread());
    wrong.extend(fields.unread());
    Ok(if wrong.is_empty() { Played::Right } else { Played::Wrong(wrong) })
}

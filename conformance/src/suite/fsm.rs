//! `fsm.jsonl`: one session step by step; cases that need tables or two connections run on a whole speaker.

mod capability;
mod cease;
mod expect;
mod message;
mod setup;
mod single;
mod subject;
mod whole;

use serde_json::Value;

use crate::{Fields, Mismatch};

use expect::Step;
use setup::Setup;
use single::Single;
use subject::Subject;
use whole::Whole;

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
    let mut subject: Box<dyn Subject> = if setup.needs_speaker() || steps.iter().any(needs_speaker) {
        Box::new(Whole::new(&setup).map_err(one)?)
    } else {
        Box::new(Single::new(setup))
    };
    for (index, step) in steps.iter().enumerate() {
        match play(&format!("steps[{index}]"), step, subject.as_mut()).map_err(one)? {
            Played::Right => {}
            Played::Wrong(mismatches) => return Ok(mismatches),
            Played::Elsewhere => break,
        }
    }
    Ok(Vec::new())
}

/// Whether a step is about two connections or about tables. All other cases run on a session alone, where every event
/// of RFC 4271 can be brought about.
fn needs_speaker(step: &Value) -> bool {
    let has = |part: &str, key: &str| step.get(part).is_some_and(|part| part.get(key).is_some());
    let event = step.get("input").and_then(|input| input.get("event")).and_then(Value::as_str);
    has("input", "conn")
        || ["routes_in", "routes_in_count", "loc_rib", "conn_state", "peers_count"].iter().any(|key| has("expect", key))
        || matches!(event, Some("Incoming" | "QueueRoutes" | "InitialUpdateDone"))
}

/// How a step ended.
enum Played {
    Right,
    Wrong(Vec<Mismatch>),
    /// What was injected is not possible here, and the state is another one: the rest of the case says nothing.
    Elsewhere,
}

fn play(path: &str, step: &Value, subject: &mut dyn Subject) -> Result<Played, Mismatch> {
    let fields = Fields::new(path, step)?;
    fields.ignore(&["why", "note", "title"]);
    let input = Fields::new(fields.path("input"), fields.need("input")?)?;
    input.ignore(&["why", "note", "title"]);
    let expect = fields.need("expect")?;
    let had_connection = subject.has_connection();
    let conn = input.text("conn")?;
    let inject = input.truth("inject")? == Some(true);
    let before = snapshot(subject);
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
    let after = snapshot(subject);
    let step = Step { outcome: subject.outcome(), had_connection: had_connection && !lost };
    let mut wrong = expect::check(&fields.path("expect"), expect, &step, subject);
    wrong.extend(input.unread());
    wrong.extend(fields.unread());
    if wrong.is_empty() {
        return Ok(Played::Right);
    }
    // README: an injected event that nobody can bring about counts as passed. The session took no notice of this one.
    let ignored = inject && before == after && step.outcome.tx.is_empty() && step.outcome.tcp.is_empty();
    let here = expect.get("state").and_then(Value::as_str) == Some(subject.state().name());
    Ok(match (ignored, here) {
        (false, _) => Played::Wrong(wrong),
        (true, true) => Played::Right,
        (true, false) => Played::Elsewhere,
    })
}

/// What an event that is taken notice of changes.
fn snapshot(subject: &dyn Subject) -> (bgp_fsm::State, Option<(bgp_fsm::Timers, u32)>) {
    let session = subject.session().map(|session| (*session.timers(), session.connect_retry_counter()));
    (subject.state(), session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn case(setup: &Value, input: &Value, expect: &Value) -> Vec<String> {
        let mut all = json!({"local_as": 64512, "router_id": "10.0.0.1", "peer_as": 64513, "peer_addr": "192.0.2.2"});
        all.as_object_mut().unwrap().extend(setup.as_object().unwrap().clone());
        let case = json!({"id": "x", "setup": all, "steps": [{"input": input, "expect": expect}]});
        run(&case).into_iter().map(|mismatch| mismatch.key).collect()
    }

    #[test]
    fn whatever_is_not_known_fails() {
        let start = json!({"event": "ManualStart"});
        assert!(case(&json!({}), &start, &json!({"state": "Connect"})).is_empty());
        assert_eq!(case(&json!({"colour": 1}), &start, &json!({})), ["setup.colour"]);
        assert_eq!(case(&json!({"options": {"colour": 1}}), &start, &json!({})), ["setup.options.colour"]);
        assert_eq!(case(&json!({}), &json!({"event": "Colour"}), &json!({})), ["steps[0].input.event"]);
        assert_eq!(
            case(&json!({}), &json!({"event": "ManualStart", "colour": 1}), &json!({})),
            ["steps[0].input.colour"]
        );
        assert_eq!(case(&json!({}), &start, &json!({"colour": 1})), ["steps[0].expect.colour"]);
        assert_eq!(case(&json!({}), &start, &json!({"timers": {"Colour": 1}})), ["steps[0].expect.timers.Colour"]);
    }

    #[test]
    fn an_alternative_replaces_the_keys_that_it_names() {
        let start = json!({"event": "ManualStart"});
        let expect = |tcp: &str| json!({"state": "Connect", "tcp": ["close"], "any_of": [{"tcp": [tcp]}]});
        assert!(case(&json!({}), &start, &expect("connect")).is_empty());
        assert_eq!(case(&json!({}), &start, &expect("reject")), ["steps[0].expect.tcp"]);
        // Another state: only its own keys count.
        let other = json!({"state": "Active", "tcp": ["close"], "any_of": [{"state": "Connect"}]});
        assert!(case(&json!({}), &start, &other).is_empty());
        // The step itself says less than its alternatives, so it is no answer.
        let less = json!({"state": "Connect", "any_of": [{"tcp": ["reject"]}, {"tcp": ["close"]}]});
        assert!(!case(&json!({}), &start, &less).is_empty());
    }

    #[test]
    fn an_injected_event_that_nobody_can_bring_about_passes() {
        let expired = json!({"event": "IdleHoldTimer_Expires", "inject": true});
        assert!(case(&json!({}), &expired, &json!({"state": "Connect"})).is_empty());
        let start = json!({"event": "ManualStart", "inject": true});
        assert_eq!(case(&json!({}), &start, &json!({"state": "Active"})), ["steps[0].expect.state"]);
    }
}

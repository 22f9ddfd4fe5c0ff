//! `expect` of a step, compared with what the subject did.

use bgp_fsm::{Negotiated, Secret, Session, TcpAo, Timer, Transport};
use bgp_wire::capability::Role;
use bgp_wire::{Family, NotificationBuf, SessionKind};
use serde_json::{Map, Value, json};

use super::message::{Sent, compare};
use super::subject::{Outcome, Subject};
use crate::{Fields, Mismatch};

/// What one step did, with what must be known of the time before it.
#[derive(Debug)]
pub(super) struct Step {
    /// What came out.
    pub(super) outcome: Outcome,
    /// A connection was open or being opened before the step, and the step did not take it away.
    pub(super) had_connection: bool,
}

/// Compares a step; an alternative of `any_of` is enough.
pub(super) fn check(path: &str, expect: &Value, step: &Step, subject: &mut dyn Subject) -> Vec<Mismatch> {
    let Value::Object(map) = expect else { return vec![Mismatch::malformed(path, "an object", expect)] };
    let mut main = map.clone();
    let alternatives = main.remove("any_of");
    let wrong = check_one(path, &Value::Object(main.clone()), step, subject);
    let Some(alternatives) = alternatives else { return wrong };
    let Value::Array(alternatives) = alternatives else {
        return vec![Mismatch::malformed(format!("{path}.any_of"), "a list", &alternatives)];
    };
    // The step's own keys are an answer themselves if they say all that the alternatives say.
    let named = |key: &String| main.contains_key(key);
    let complete = alternatives.iter().filter_map(Value::as_object).flat_map(Map::keys).all(named);
    if wrong.is_empty() && complete {
        return wrong;
    }
    let mut first = None;
    for (index, alternative) in alternatives.iter().enumerate() {
        let Value::Object(keys) = alternative else {
            return vec![Mismatch::malformed(format!("{path}.any_of[{index}]"), "an object", alternative)];
        };
        let other_state = keys.get("state").is_some_and(|state| main.get("state") != Some(state));
        let mut merged = if other_state { Map::new() } else { main.clone() };
        if keys.contains_key("tx") || keys.contains_key("tx_last") {
            merged.retain(|key, _| !key.starts_with("tx"));
        }
        merged.extend(keys.clone());
        let wrong = check_one(&format!("{path}.any_of[{index}]"), &Value::Object(merged), step, subject);
        if wrong.is_empty() {
            return wrong;
        }
        first.get_or_insert(wrong);
    }
    if wrong.is_empty() { first.unwrap_or_default() } else { wrong }
}

fn check_one(path: &str, expect: &Value, step: &Step, subject: &mut dyn Subject) -> Vec<Mismatch> {
    compare_all(path, expect, step, subject).unwrap_or_else(|mismatch| vec![mismatch])
}

fn compare_all(path: &str, expect: &Value, step: &Step, subject: &mut dyn Subject) -> Result<Vec<Mismatch>, Mismatch> {
    let fields = Fields::new(path, expect)?;
    fields.ignore(&["why", "note", "title"]);
    let mut wrong = Vec::new();
    let outcome = &step.outcome;
    let mut same = |key: &str, got: Value| {
        if let Some(expected) = fields.take(key)
            && *expected != got
        {
            wrong.push(Mismatch::new(fields.path(key), expected, got));
        }
    };
    same("state", subject.state().name().into());
    if let Some(session) = subject.session() {
        same("connect_retry_counter", session.connect_retry_counter().into());
    }
    // A second connection belongs to a session of its own: this one keeps it if it does not have it refused.
    let refused = outcome.tcp.iter().any(|action| *action != "connect");
    same("second_connection", if refused { "refused" } else { "tracked" }.into());
    same("reset", if outcome.hard { "hard" } else { "drained" }.into());
    same("event_out", event_out(outcome));
    same("new_peer", outcome.new_peer.map_or(Value::Null, |peer| peer.to_string().into()));
    if let Some(count) = subject.peers_count() {
        same("peers_count", count.into());
    }
    if let Some(routes) = subject.routes() {
        same("routes", routes.name().into());
    }
    let count = |ty: &str| outcome.tx.iter().filter(|sent| sent.type_name() == ty).count();
    same("tx_count_notifications", count("NOTIFICATION").into());
    if (expect.get("routes_in").is_some() || expect.get("routes_in_count").is_some())
        && let Some(prefixes) = subject.routes_in()
    {
        same("routes_in_count", prefixes.len().into());
        wrong.extend(set(&fields, "routes_in", prefixes.into_iter().collect()));
    }
    if expect.get("loc_rib").is_some()
        && let Some(prefixes) = subject.loc_rib()
    {
        wrong.extend(set(&fields, "loc_rib", prefixes.into_iter().collect()));
    }
    if let Some(list) = fields.list("tx")? {
        wrong.extend(compare_messages(&fields.path("tx"), list, &outcome.tx));
    }
    if let Some(expected) = fields.take("tx_last") {
        match outcome.tx.last() {
            Some(last) => wrong.extend(compare(&fields.path("tx_last"), expected, last)),
            None => wrong.push(Mismatch::new(fields.path("tx_last"), expected, "nothing sent")),
        }
    }
    for ty in fields.list("tx_contains")?.unwrap_or_default() {
        if ty.as_str().is_none_or(|ty| count(ty) == 0) {
            wrong.push(Mismatch::new(fields.path("tx_contains"), ty, "none of that type"));
        }
    }
    if let Some(limit) = fields.number("tx_max_len")? {
        // The longest is as long as whole prefixes allow: the number is a limit.
        let longest = outcome.tx.iter().map(|sent| sent.octets.len()).max().unwrap_or(0);
        if longest == 0 || usize::try_from(limit).is_ok_and(|limit| longest > limit) {
            wrong.push(Mismatch::new(fields.path("tx_max_len"), limit, longest));
        }
    }
    if let Some(expected) = fields.take("tcp") {
        wrong.extend(tcp(&fields.path("tcp"), expected, step));
    }
    if let Some(value) = fields.take("conn_state") {
        let states = Fields::new(fields.path("conn_state"), value)?;
        for conn in value.as_object().into_iter().flat_map(Map::keys) {
            let (expected, got) = (states.text(conn)?, subject.conn_state(conn));
            if expected != got {
                wrong.push(Mismatch::new(states.path(conn), expected.unwrap_or("-"), got.unwrap_or("never opened")));
            }
        }
    }
    if let Some(value) = fields.take("timers") {
        wrong.extend(timers(&Fields::new(fields.path("timers"), value)?, value, subject));
    }
    if let Some(value) = fields.take("timers_range") {
        wrong.extend(timers_range(&Fields::new(fields.path("timers_range"), value)?, value, subject));
    }
    if let Some(value) = fields.take("negotiated") {
        match subject.session().and_then(Session::negotiated) {
            Some(agreed) => wrong.extend(negotiated(&Fields::new(fields.path("negotiated"), value)?, agreed)?),
            None => wrong.push(Mismatch::new(fields.path("negotiated"), value, "nothing negotiated")),
        }
    }
    match (fields.take("peer_down"), &outcome.peer_down) {
        (None, _) | (Some(Value::Null), None) => {}
        (Some(value), Some(notification)) if !value.is_null() => {
            wrong.extend(peer_down(&Fields::new(fields.path("peer_down"), value)?, notification));
        }
        (Some(value), got) => wrong.push(Mismatch::new(fields.path("peer_down"), value, format!("{got:?}"))),
    }
    if let Some(value) = fields.take("socket_options") {
        match subject.session() {
            Some(session) => {
                let options = Fields::new(fields.path("socket_options"), value)?;
                wrong.extend(socket_options(&options, &session.config().transport));
            }
            None => wrong.push(Mismatch::new(fields.path("socket_options"), value, "no session")),
        }
    }
    if let Some(secret) = fields.text("debug_output_excludes")?
        && subject.debug().contains(secret)
    {
        wrong.push(Mismatch::new(fields.path("debug_output_excludes"), "no such text", secret));
    }
    wrong.extend(fields.unread());
    Ok(wrong)
}

fn event_out(outcome: &Outcome) -> Value {
    if let Some(family) = outcome.refresh {
        format!("RouteRefresh {family}").into()
    } else if outcome.prefix_warning {
        "MaxPrefixWarning".into()
    } else {
        Value::Null
    }
}

fn compare_messages(path: &str, expected: &[Value], sent: &[Sent]) -> Vec<Mismatch> {
    // With two connections, the order counts for each of them.
    let conn = |value: &Value| value.get("conn").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut expected: Vec<&Value> = expected.iter().collect();
    let mut sent: Vec<&Sent> = sent.iter().collect();
    if expected.iter().any(|value| value.get("conn").is_some()) {
        expected.sort_by_key(|value| conn(value));
        sent.sort_by(|a, b| a.conn.cmp(&b.conn));
    }
    if expected.len() != sent.len() {
        let got: Vec<String> =
            sent.iter().map(|sent| format!("{} {}", sent.type_name(), hex::encode(&sent.octets))).collect();
        return vec![Mismatch::new(path, format!("{} messages", expected.len()), format!("[{}]", got.join(", ")))];
    }
    let pairs = expected.iter().zip(&sent).enumerate();
    pairs.flat_map(|(index, (expected, sent))| compare(&format!("{path}[{index}]"), expected, sent)).collect()
}

fn tcp(path: &str, expected: &Value, step: &Step) -> Option<Mismatch> {
    let got = json!(step.outcome.tcp);
    // README: `close` may be missing where there is no connection.
    let without: Vec<&Value> =
        expected.as_array().into_iter().flatten().filter(|action| action.as_str() != Some("close")).collect();
    if *expected == got || (!step.had_connection && json!(without) == got) {
        return None;
    }
    Some(Mismatch::new(path, expected, got))
}

fn set(fields: &Fields<'_>, key: &str, mut got: Vec<String>) -> Option<Mismatch> {
    let value = fields.take(key)?;
    let mut expected: Vec<String> =
        value.as_array()?.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    expected.sort();
    got.sort();
    (expected != got).then(|| Mismatch::new(fields.path(key), expected.join(" "), got.join(" ")))
}

/// Seconds left of a timer; `None` if it does not run. `Err` for a timer that the library does not have.
fn left(name: &str, subject: &mut dyn Subject) -> Result<Option<f64>, ()> {
    if name == "Restart" {
        return Ok(subject.restart_deadline().map(|at| (at - subject.now()).as_secs_f64()));
    }
    if let Some(family) = name.strip_prefix("LongLivedStale:") {
        let deadline = subject.long_lived_deadline(family.parse().map_err(|_| ())?);
        return Ok(deadline.map(|at| (at - subject.now()).as_secs_f64()));
    }
    let timer = Timer::ALL.iter().find(|timer| timer.name() == name).ok_or(())?;
    let deadline = subject.session().and_then(|session| session.timers().deadline(*timer));
    Ok(deadline.map(|at| (at - subject.now()).as_secs_f64()))
}

fn timers(fields: &Fields<'_>, value: &Value, subject: &mut dyn Subject) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    for (name, expected) in value.as_object().into_iter().flatten() {
        fields.take(name);
        let got = match left(name, subject) {
            Err(()) => {
                wrong.push(Mismatch::unknown(fields.path(name)));
                continue;
            }
            Ok(got) => got,
        };
        let right = match (expected.as_f64(), got) {
            (Some(expected), Some(got)) => (expected - got).abs() < 1e-6,
            (None, None) => expected.as_str() == Some("stopped"),
            _ => false,
        };
        if !right {
            let got = got.map_or("stopped".to_owned(), |got| got.to_string());
            wrong.push(Mismatch::new(fields.path(name), expected, got));
        }
    }
    wrong
}

fn timers_range(fields: &Fields<'_>, value: &Value, subject: &mut dyn Subject) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    for (name, range) in value.as_object().into_iter().flatten() {
        fields.take(name);
        let bound = |index: usize| range.get(index).and_then(Value::as_f64);
        let right = match (left(name, subject), bound(0), bound(1)) {
            (Err(()), ..) => {
                wrong.push(Mismatch::unknown(fields.path(name)));
                continue;
            }
            (Ok(Some(got)), Some(least), Some(most)) => got >= least - 1e-6 && got <= most + 1e-6,
            _ => false,
        };
        if !right {
            wrong.push(Mismatch::new(fields.path(name), range, format!("{:?}", left(name, subject))));
        }
    }
    wrong
}

fn negotiated(fields: &Fields<'_>, agreed: &Negotiated) -> Result<Vec<Mismatch>, Mismatch> {
    let mut wrong = Vec::new();
    let context = &agreed.context;
    let mut same = |key: &str, got: Value| {
        if let Some(expected) = fields.take(key)
            && *expected != got
        {
            wrong.push(Mismatch::new(fields.path(key), expected, got));
        }
    };
    same("hold_time", agreed.hold_time.into());
    same("keepalive", agreed.keepalive.into());
    same("as4", context.four_octet_as().into());
    same("route_refresh", agreed.route_refresh().into());
    same("peer_as", agreed.peer_as.0.into());
    same("role", agreed.role.map_or(Value::Null, role));
    let kind = match agreed.session {
        SessionKind::Ibgp => "internal",
        SessionKind::Ebgp => "external",
        SessionKind::ConfedExternal => "confed-external",
    };
    same("peer_type", kind.into());
    same("gr_restart_time", agreed.peer.graceful_restart().map_or(Value::Null, |gr| gr.restart_time.into()));
    wrong.extend(set(fields, "families", context.families().iter().map(|family| family.to_string()).collect()));
    let next_hops = context.ext_next_hop().iter().map(|family| format!("{family}/2")).collect();
    wrong.extend(set(fields, "ext_nexthop", next_hops));
    if let Some(value) = fields.take("addpath") {
        for (name, expected) in value.as_object().into_iter().flatten() {
            let got = name.parse::<Family>().ok().map(|family| {
                match (context.add_path_receive().contains(family), context.add_path_send().contains(family)) {
                    (true, true) => "both",
                    (true, false) => "rx",
                    (false, true) => "tx",
                    (false, false) => "none",
                }
            });
            if expected.as_str() != got {
                wrong.push(Mismatch::new(fields.path("addpath"), expected, got.unwrap_or("no family")));
            }
        }
    }
    wrong.extend(fields.unread());
    Ok(wrong)
}

fn socket_options(fields: &Fields<'_>, transport: &Transport) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    let text = |secret: &Secret| Value::from(String::from_utf8_lossy(secret.expose()));
    let tcp_ao = |key: &TcpAo| json!({"send_id": key.send_id, "recv_id": key.recv_id, "alg": key.algorithm, "key": text(&key.key)});
    for (name, got) in [
        ("ttl", transport.ttl().map(Value::from)),
        ("min_ttl", transport.min_ttl().map(Value::from)),
        ("md5_key", transport.md5_key.as_ref().map(text)),
        ("tcp_ao", transport.tcp_ao.as_ref().map(tcp_ao)),
    ] {
        let got = got.unwrap_or(Value::Null);
        if let Some(expected) = fields.take(name)
            && *expected != got
        {
            wrong.push(Mismatch::new(fields.path(name), expected, got));
        }
    }
    wrong.extend(fields.unread());
    wrong
}

fn role(role: Role) -> Value {
    role.to_string().into()
}

fn peer_down(fields: &Fields<'_>, notification: &NotificationBuf) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    let view = notification.view();
    let mut same = |key: &str, got: Value| {
        if let Some(expected) = fields.take(key)
            && *expected != got
        {
            wrong.push(Mismatch::new(fields.path(key), expected, got));
        }
    };
    same("code", view.code.code.into());
    same("subcode", view.code.subcode.into());
    same("communication", view.communication().map_or(Value::Null, Into::into));
    same("inner", view.inner().map_or(Value::Null, |inner| json!([inner.code.code, inner.code.subcode])));
    same("raw", hex::encode(view.data).into());
    wrong.extend(fields.unread());
    wrong
}

//! UPDATE messages and their RFC 7606 verdicts: decoded with the context that a case gives.

use std::collections::BTreeSet;
use std::fmt;

use bgp_wire::{Action, Asn, Context, Error, FamilySet, SessionKind, UpdateView};
use serde_json::Value;

use crate::{Fields, Mismatch};

/// Runs one case; an empty list is a pass.
#[must_use]
pub fn run(case: &Value) -> Vec<Mismatch> {
    check(case).unwrap_or_else(|mismatch| vec![mismatch])
}

fn check(case: &Value) -> Result<Vec<Mismatch>, Mismatch> {
    let fields = Fields::new("", case)?;
    fields.ignore(&["id", "rfc", "section", "title", "why", "note", "from", "verified", "known_differences"]);
    let text = fields.text("hex")?.ok_or_else(|| Mismatch::new("hex", "octets", "nothing"))?;
    let message = hex::decode(text).map_err(|error| Mismatch::new("hex", "octets in hexadecimal", error))?;
    let context = Fields::new("context", fields.need("context")?)?;
    let ctx = read_context(&context)?;
    let expected = Expected::read(&Fields::new("expected", fields.need("expected")?)?)?;
    let prefixes = fields.list("prefixes")?.map(|list| texts("prefixes", list)).transpose()?;

    let mut mismatches = context.unread();
    if let Some(length) = fields.number("length")?
        && usize::try_from(length) != Ok(message.len())
    {
        mismatches.push(Mismatch::new("length", length, message.len()));
    }
    mismatches.extend(fields.unread());

    let answer = Answer::of(&message, &ctx);
    mismatches.extend(expected.compare(&answer));
    if let (Answer::Taken { prefixes: got, .. }, Some(want)) = (&answer, prefixes)
        && *got != want
    {
        mismatches.push(Mismatch::new("prefixes", Set(&want), Set(got)));
    }
    if let Answer::Taken { action, still_announced: true, .. } = &answer
        && *action >= Action::TreatAsWithdraw
    {
        mismatches.push(Mismatch::new("prefixes", "all withdrawn", "some announced"));
    }
    Ok(mismatches)
}

/// What the decoder made of a message.
enum Answer {
    Taken { action: Action, discarded: BTreeSet<u8>, prefixes: BTreeSet<String>, still_announced: bool },
    Reset { code: u8, subcode: u8, data: Vec<u8> },
}

impl Answer {
    fn of(message: &[u8], ctx: &Context) -> Answer {
        let framed = bgp_wire::frame(message, usize::from(ctx.max_receive()));
        let whole = framed.and_then(|framed| match framed {
            Some((whole, [])) => UpdateView::decode(whole, ctx),
            // One message is given: what is cut off or has more behind it is decoded as it stands.
            _ => UpdateView::decode(message, ctx),
        });
        match whole {
            Ok(update) => Answer::taken(&update),
            Err(error) => Answer::reset(error, message),
        }
    }

    fn taken(update: &UpdateView<'_>) -> Answer {
        let verdict = update.verdict();
        let withdrawn = update.withdrawn().flat_map(|part| part.nlri).map(|nlri| nlri.nlri.to_string());
        let announced: Vec<String> =
            update.announced().flat_map(|part| part.nlri).map(|nlri| nlri.nlri.to_string()).collect();
        Answer::Taken {
            action: verdict.action,
            discarded: verdict.discarded.iter().map(|ty| ty.0).collect(),
            still_announced: !announced.is_empty(),
            prefixes: withdrawn.chain(announced).collect(),
        }
    }

    fn reset(error: Error, message: &[u8]) -> Answer {
        let notification = error.notification(message);
        let (code, data) = (notification.code, notification.data.to_vec());
        Answer::Reset { code: code.code, subcode: code.subcode, data }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Taken { action, .. } => f.write_str(name(*action)),
            Answer::Reset { code, subcode, .. } => write!(f, "session-reset {code}/{subcode}"),
        }
    }
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Accept => "ok",
        Action::AttributeDiscard => "attribute-discard",
        Action::TreatAsWithdraw => "treat-as-withdraw",
        Action::DisableFamily => "disable-family",
        Action::SessionReset => RESET,
    }
}

const ACTIONS: [&str; 4] = ["ok", "attribute-discard", "treat-as-withdraw", RESET];
const RESET: &str = "session-reset";

/// What a case allows.
struct Expected {
    action: String,
    code: Option<u64>,
    subcode: Option<u64>,
    data: Option<String>,
    discarded: Option<BTreeSet<u8>>,
    any_of: Vec<Allowed>,
}

/// One entry of `any_of`.
enum Allowed {
    Action(String),
    Reset(u64, u64),
}

impl Expected {
    fn read(fields: &Fields<'_>) -> Result<Expected, Mismatch> {
        let action = fields.need("action")?;
        let expected = Expected {
            action: known_action(&fields.path("action"), action)?,
            code: fields.number("code")?,
            subcode: fields.number("subcode")?,
            data: fields.text("data")?.map(str::to_owned),
            discarded: fields
                .list("discarded_attrs")?
                .map(|list| types("expected.discarded_attrs", list))
                .transpose()?,
            any_of: fields.list("any_of")?.unwrap_or_default().iter().map(allowed).collect::<Result<_, _>>()?,
        };
        fields.unread().into_iter().next().map_or(Ok(expected), Err)
    }

    fn compare(&self, answer: &Answer) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        match answer {
            Answer::Taken { action, discarded, .. } if name(*action) == self.action => {
                if let Some(want) = self.discarded.as_ref().filter(|want| *want != discarded) {
                    mismatches.push(Mismatch::new("expected.discarded_attrs", Set(want), Set(discarded)));
                }
            }
            Answer::Reset { code, subcode, data } if self.action == RESET && self.is_main(*code, *subcode) => {
                if let Some(want) = self.data.as_ref().filter(|want| **want != hex::encode(data)) {
                    mismatches.push(Mismatch::new("expected.data", want, hex::encode(data)));
                }
            }
            other if self.any_of.iter().any(|allowed| allowed.is(other)) => {}
            other => mismatches.push(Mismatch::new("expected.action", self, other)),
        }
        mismatches
    }

    fn is_main(&self, code: u8, subcode: u8) -> bool {
        self.code.is_none_or(|want| want == u64::from(code))
            && self.subcode.is_none_or(|want| want == u64::from(subcode))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.action)?;
        match (self.code, self.subcode) {
            (Some(code), Some(subcode)) => write!(f, " {code}/{subcode}"),
            _ => Ok(()),
        }
    }
}

impl Allowed {
    fn is(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Allowed::Action(want), Answer::Taken { action, .. }) => name(*action) == want,
            (Allowed::Action(want), Answer::Reset { .. }) => want == RESET,
            (Allowed::Reset(want, want_sub), Answer::Reset { code, subcode, .. }) => {
                (*want, *want_sub) == (u64::from(*code), u64::from(*subcode))
            }
            (Allowed::Reset(..), Answer::Taken { .. }) => false,
        }
    }
}

fn allowed(entry: &Value) -> Result<Allowed, Mismatch> {
    const KEY: &str = "expected.any_of";
    let Some(pair) = entry.as_array() else { return known_action(KEY, entry).map(Allowed::Action) };
    match pair.as_slice() {
        [code, subcode] => match (code.as_u64(), subcode.as_u64()) {
            (Some(code), Some(subcode)) => Ok(Allowed::Reset(code, subcode)),
            _ => Err(Mismatch::malformed(KEY, "[code, subcode]", entry)),
        },
        _ => Err(Mismatch::malformed(KEY, "[code, subcode]", entry)),
    }
}

fn known_action(key: &str, value: &Value) -> Result<String, Mismatch> {
    match value.as_str() {
        Some(action) if ACTIONS.contains(&action) => Ok(action.to_owned()),
        _ => Err(Mismatch::malformed(key, ACTIONS.join(", "), value)),
    }
}

/// The context of the session that a case describes.
fn read_context(fields: &Fields<'_>) -> Result<Context, Mismatch> {
    // What only a rib can answer: loops, leaks, own addresses.
    fields.ignore(&["route_usable", "role", "cluster_id"]);
    if let Some(role) = fields.take("role") {
        known(fields, "role", role, &["none", "provider", "customer", "rs", "rs-client", "peer"])?;
    }
    fields.truth("route_usable")?;
    let kind = fields.take("session_kind").or_else(|| fields.take("session"));
    fields.ignore(&["session"]);
    let kind = match kind.and_then(Value::as_str) {
        Some("ebgp") => SessionKind::Ebgp,
        Some("ibgp") => SessionKind::Ibgp,
        Some("confed-external") => SessionKind::ConfedExternal,
        _ => {
            let got = kind.unwrap_or(&Value::Null);
            return Err(Mismatch::malformed(fields.path("session"), "ebgp, ibgp or confed-external", got));
        }
    };
    let families = match fields.list("families")? {
        None => FamilySet::UNICAST,
        Some(list) => {
            let mut set = FamilySet::EMPTY;
            for text in texts("context.families", list)? {
                let family = text.parse().map_err(|error| Mismatch::new("context.families", "a family", error))?;
                if !set.insert(family) {
                    return Err(Mismatch::unknown(format!("context.families {text}")));
                }
            }
            set
        }
    };
    let truth = |key: &str, default: bool| fields.truth(key).map(|value| value.unwrap_or(default));
    let among = |all: bool| if all { families } else { FamilySet::EMPTY };
    let ipv4 = FamilySet::from(bgp_wire::Family::IPV4_UNICAST).intersection(families);
    let mut ctx = Context::new(kind)
        .with_families(families)
        .with_four_octet_as(truth("as4", true)?)
        .with_add_path_receive(among(truth("addpath", false)?))
        .with_ext_next_hop(if truth("ext_nexthop", false)? { ipv4 } else { FamilySet::EMPTY })
        .with_max_receive(if truth("extended_message", false)? { u16::MAX } else { 4096 })
        .with_enforce_first_as(truth("enforce_first_as", false)?)
        .with_reject_as_sets(truth("reject_as_sets", false)?);
    if let Some(asn) = as_number(fields, "peer_as")? {
        ctx = ctx.with_peer_as(asn);
    }
    if let Some(asn) = as_number(fields, "local_as")? {
        ctx = ctx.with_local_as(asn);
    }
    Ok(ctx)
}

fn as_number(fields: &Fields<'_>, key: &str) -> Result<Option<Asn>, Mismatch> {
    let error = |number: u64| Mismatch::new(fields.path(key), "an AS number", number);
    fields.number(key)?.map(|number| u32::try_from(number).map(Asn).map_err(|_| error(number))).transpose()
}

fn known(fields: &Fields<'_>, key: &str, value: &Value, names: &[&str]) -> Result<(), Mismatch> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if names.contains(&text.as_str()) => Ok(()),
        other => Err(Mismatch::malformed(fields.path(key), names.join(", "), other)),
    }
}

fn texts(key: &str, list: &[Value]) -> Result<BTreeSet<String>, Mismatch> {
    let text =
        |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| Mismatch::malformed(key, "a text", value));
    list.iter().map(text).collect()
}

fn types(key: &str, list: &[Value]) -> Result<BTreeSet<u8>, Mismatch> {
    let ty = |value: &Value| {
        let ty = value.as_u64().and_then(|number| u8::try_from(number).ok());
        ty.ok_or_else(|| Mismatch::malformed(key, "an attribute type", value))
    };
    list.iter().map(ty).collect()
}

/// A set for people.
struct Set<'s, T>(&'s BTreeSet<T>);

impl<T: fmt::Display> fmt::Display for Set<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", items.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn case(expected: &Value) -> Value {
        json!({
            "id": "x",
            "hex": "ffffffffffffffffffffffffffffffff00170200000000",
            "context": {"session": "ebgp", "families": ["1/1"]},
            "prefixes": [],
            "expected": expected,
        })
    }

    #[test]
    fn what_nobody_knows_fails_the_case() {
        assert_eq!(run(&case(&json!({"action": "ok"}))), []);
        assert_eq!(run(&case(&json!({"action": "ok", "x": 1}))), [Mismatch::unknown("expected.x")]);
        let mut strange = case(&json!({"action": "ok"}));
        strange["context"]["y"] = json!(true);
        assert_eq!(run(&strange), [Mismatch::unknown("context.y")]);
    }

    #[test]
    fn another_answer_fails_the_case() {
        let reset = run(&case(&json!({"action": "session-reset", "code": 3, "subcode": 1})));
        assert_eq!(reset, [Mismatch::new("expected.action", "session-reset 3/1", "ok")]);
        assert_eq!(run(&case(&json!({"action": "treat-as-withdraw", "any_of": ["ok", [3, 1]]}))), []);
        let mut more = case(&json!({"action": "ok"}));
        more["prefixes"] = json!(["10.0.0.0/8"]);
        assert_eq!(run(&more), [Mismatch::new("prefixes", "[10.0.0.0/8]", "[]")]);
    }
}

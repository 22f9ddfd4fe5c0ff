//! What a stream of messages holds, as text and as JSON: every message, its verdict and all reasons.

use std::fmt::Write;

use bgp_wire::{Action, Context, Error, Message, NotificationCode, frame};
use serde::Serialize;
use serde_json::Value;

/// One message, or why there is none.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Where it begins in the octets.
    pub offset: usize,
    /// Its octets.
    pub length: usize,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it says; nothing if it ends the session.
    pub message: Option<Value>,
    /// The strongest treatment (RFC 7606) that something in it asks for.
    pub verdict: Action,
    /// Everything that is wrong with it.
    pub reasons: Vec<Reason>,
}

/// Something that is wrong with a message.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// What and where.
    pub text: String,
    /// The treatment for it.
    pub action: Action,
    /// Code and subcode of the NOTIFICATION that answers it where the session ends.
    pub notification: String,
}

impl Report {
    fn new(octets: &[u8], offset: usize, result: Result<Message<'_>, Error>) -> Report {
        let reason = |error: &Error| {
            let NotificationCode { code, subcode } = error.notification(octets).code;
            Reason { text: error.to_string(), action: error.action(), notification: format!("{code}/{subcode}") }
        };
        let ty = bgp_wire::message_type(octets).map_or_else(|| "none".to_owned(), |ty| ty.to_string());
        let (message, verdict, reasons) = match result {
            Ok(message) => {
                let (verdict, reasons) = match &message {
                    Message::Update(update) => {
                        (update.verdict().action, update.reasons().map(|error| reason(&error)).collect())
                    }
                    _ => (Action::Accept, Vec::new()),
                };
                (serde_json::to_value(&message).ok(), verdict, reasons)
            }
            Err(error) => (None, error.action(), vec![reason(&error)]),
        };
        Report { offset, length: octets.len(), ty, message, verdict, reasons }
    }

    /// Whether nothing is wrong with it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.reasons.is_empty()
    }

    /// For people: a line of what it is, lines of what it says, a line for each reason.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            format!("octet {}: {} of {} octets, {}\n", self.offset, self.ty, self.length, name(self.verdict));
        if let Some(message) = &self.message {
            let inner = message.as_object().and_then(|object| object.values().next()).unwrap_or(message);
            lines(inner, 1, &mut text);
        }
        for reason in &self.reasons {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  ! {} ({}, {})", reason.text, name(reason.action), reason.notification);
        }
        text
    }
}

/// The messages of a stream. After one that is not framed, or at octets that are none, the rest of the stream is lost.
#[must_use]
pub fn reports(stream: &[u8], context: &Context) -> Vec<Report> {
    let (mut rest, mut reports) = (stream, Vec::new());
    while !rest.is_empty() {
        let offset = stream.len() - rest.len();
        match frame(rest, usize::from(context.max_receive())) {
            Ok(Some((message, behind))) => {
                reports.push(Report::new(message, offset, Message::decode(message, context)));
                rest = behind;
            }
            Ok(None) => {
                let mut report = Report::new(rest, offset, Ok(Message::Keepalive));
                let text = format!("message is cut off after {} octets", rest.len());
                (report.message, report.verdict) = (None, Action::SessionReset);
                report.reasons = vec![Reason { text, action: Action::SessionReset, notification: "1/2".to_owned() }];
                reports.push(report);
                break;
            }
            Err(error) => {
                reports.push(Report::new(rest, offset, Err(error)));
                break;
            }
        }
    }
    reports
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::AttributeDiscard => "attribute discard",
        Action::TreatAsWithdraw => "treat as withdraw",
        Action::DisableFamily => "disable family",
        Action::SessionReset => "session reset",
    }
}

/// `key: value`, what is nested further in; what is empty is left out.
fn lines(value: &Value, depth: usize, out: &mut String) {
    let Some(object) = value.as_object() else {
        if !value.is_null() && value.as_str() != Some("keepalive") {
            let _ = writeln!(out, "{:indent$}{}", "", plain(value), indent = 2 * depth);
        }
        return;
    };
    for (key, value) in object {
        match value {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Object(inner) if inner.is_empty() => {}
            Value::Object(_) => {
                let _ = writeln!(out, "{:indent$}{key}:", "", indent = 2 * depth);
                lines(value, depth + 1, out);
            }
            _ => {
                let _ = writeln!(out, "{:indent$}{key}: {}", "", plain(value), indent = 2 * depth);
            }
        }
    }
}

/// A value on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let parts: Vec<String> = object.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect();
            parts.join(" ")
        }
        _ => value.to_string(),
    }
}

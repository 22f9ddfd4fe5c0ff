//! Sent messages, and what a case expects of them.

use bgp_wire::{MessageType, Notification, Open, OpenView, message_type};
use serde_json::Value;

use super::capability;
use crate::{Fields, Mismatch};

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// On which connection: `out`, `in`, ..
    pub(super) conn: String,
    /// The whole message.
    pub(super) octets: Vec<u8>,
}

impl Sent {
    pub(super) fn type_name(&self) -> &'static str {
        match message_type(&self.octets) {
            Some(MessageType::OPEN) => "OPEN",
            Some(MessageType::UPDATE) => "UPDATE",
            Some(MessageType::NOTIFICATION) => "NOTIFICATION",
            Some(MessageType::KEEPALIVE) => "KEEPALIVE",
            Some(MessageType::ROUTE_REFRESH) => "ROUTE-REFRESH",
            _ => "unknown",
        }
    }
}

/// Compares `sent` with one entry of `tx`.
pub(super) fn compare(path: &str, expected: &Value, sent: &Sent) -> Vec<Mismatch> {
    compare_fields(path, expected, sent).unwrap_or_else(|mismatch| vec![mismatch])
}

fn compare_fields(path: &str, expected: &Value, sent: &Sent) -> Result<Vec<Mismatch>, Mismatch> {
    let fields = Fields::new(path, expected)?;
    let (mut wrong, mut sets) = (Vec::new(), Vec::new());
    let ty = fields.text("type")?.unwrap_or_default();
    if ty != sent.type_name() {
        let got = format!("{} {}", sent.type_name(), hex::encode(&sent.octets));
        return Ok(vec![Mismatch::new(fields.path("type"), ty, got)]);
    }
    let mut check = |key: &str, got: Value| {
        if let Some(expected) = fields.take(key)
            && *expected != got
        {
            wrong.push(Mismatch::new(fields.path(key), expected, got));
        }
    };
    check("conn", sent.conn.clone().into());
    // No RFC fixes the data then.
    let free = fields.take("data_optional") == Some(&Value::Bool(true));
    fields.ignore(if free { &["data", "hex"] } else { &[] });
    match ty {
        "OPEN" => {
            let open = OpenView::decode(&sent.octets).map_err(|error| Mismatch::new(path, "a readable OPEN", error))?;
            check("version", open.version().into());
            check("my_as", open.my_as().into());
            check("hold", open.hold_time().into());
            check("bgp_id", open.bgp_id().to_string().into());
            let extended = if open.is_extended() { "extended" } else { "plain" };
            check("encoding", extended.into());
            let capabilities = Open::from(open).capabilities;
            if let Some(list) = fields.take("caps_set").filter(|value| !value.is_null()) {
                let mut expected: Vec<String> =
                    list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
                let mut got: Vec<String> = capabilities.iter().flat_map(capability::names).collect();
                expected.sort();
                got.sort();
                if got != expected {
                    sets.push(Mismatch::new(fields.path("caps_set"), expected.join(" "), got.join(" ")));
                }
            }
        }
        "NOTIFICATION" => {
            let notification = Notification::decode(&sent.octets)
                .map_err(|error| Mismatch::new(path, "a readable NOTIFICATION", error))?;
            check("code", notification.code.code.into());
            check("subcode", notification.code.subcode.into());
            if !free {
                check("data", hex::encode(notification.data).into());
            }
            if let Some(list) = fields.list("subcode_any")?
                && !list.contains(&notification.code.subcode.into())
            {
                let expected = Value::from(list);
                sets.push(Mismatch::new(fields.path("subcode_any"), expected, notification.code.subcode));
            }
        }
        _ => {}
    }
    if !free {
        check("hex", hex::encode(&sent.octets).into());
    }
    wrong.extend(sets);
    wrong.extend(fields.unread());
    Ok(wrong)
}

//! One captured message of the corpus, with what others say of it.

use bgp_wire::{Context, FamilySet, SessionKind};
use serde_json::Value;

/// A captured message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The first 20 hexadecimal digits of the SHA-256 of the octets: unique in the corpus.
    pub id: String,
    /// The message; where it was too long for the corpus, its beginning.
    pub octets: Vec<u8>,
    /// The type octet.
    pub ty: u8,
    /// What the length field says.
    pub declared_len: usize,
    /// Fewer octets than declared, or fewer than 19 declared.
    pub truncated: bool,
    /// The size of AS numbers: 4 octets, 2, or not known.
    pub as4: Option<bool>,
    /// Path identifiers in some family, in none, or not known.
    pub add_path: Option<bool>,
    /// The relation of the two speakers.
    pub session: Session,
    /// tshark's opinion; none where it was not asked.
    pub well_formed: Option<bool>,
    /// tshark complains about something that it cannot read itself, not about an error.
    pub doubtful: bool,
    /// tshark's dissection, or null.
    pub tshark: Value,
    /// bgpdump's reading, or null.
    pub bgpdump: Value,
    /// ExaBGP's own expectation, or null.
    pub exabgp: Value,
    /// Where it was found.
    pub sources: Vec<String>,
}

/// The relation of the two speakers, where the capture tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the corpus has these three")]
pub enum Session {
    /// Different AS numbers.
    Ebgp,
    /// The same AS number.
    Ibgp,
    /// Not known.
    Unknown,
}

impl Message {
    pub(super) fn read(mut object: Value) -> Result<Message, String> {
        let text = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no text {key}"))
        };
        let number =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_u64).ok_or_else(|| format!("no number {key}"));
        let context = object.get("context").cloned().unwrap_or_default();
        let flag = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool);
        let session = match text(&context, "session")?.as_str() {
            "ebgp" => Session::Ebgp,
            "ibgp" => Session::Ibgp,
            "unknown" => Session::Unknown,
            other => return Err(format!("session {other}")),
        };
        let mut take = |key: &str| object.get_mut(key).map(Value::take).unwrap_or_default();
        Ok(Message {
            tshark: take("tshark"),
            bgpdump: take("bgpdump"),
            exabgp: take("expected").get_mut("exabgp").map(Value::take).unwrap_or_default(),
            sources: sources_of(take("sources")),
            id: text(&object, "id")?,
            octets: hex::decode(text(&object, "hex")?).map_err(|e| e.to_string())?,
            ty: u8::try_from(number(&object, "type")?).map_err(|e| e.to_string())?,
            declared_len: usize::try_from(number(&object, "declared_len")?).map_err(|e| e.to_string())?,
            truncated: flag(&object, "truncated").ok_or("no truncated")?,
            as4: flag(&context, "as4"),
            add_path: flag(&context, "addpath"),
            session,
            well_formed: flag(&object, "well_formed"),
            doubtful: flag(&object, "tshark_doubtful").unwrap_or(false),
        })
    }

    /// The context that the capture tells: all families, label stacks and extended messages are taken, and path identifiers are in
    /// every family or none. What is not known is as most sessions have it (4-octet AS numbers, no path identifiers,
    /// iBGP, which takes every attribute).
    #[must_use]
    pub fn context(&self) -> Context {
        let kind = match self.session {
            Session::Ebgp => SessionKind::Ebgp,
            Session::Ibgp | Session::Unknown => SessionKind::Ibgp,
        };
        let families = FamilySet::ALL;
        Context::new(kind)
            .with_families(families)
            .with_four_octet_as(self.as4 != Some(false))
            .with_add_path_receive(if self.add_path == Some(true) { families } else { FamilySet::EMPTY })
            .with_ext_next_hop(families)
            .with_multiple_labels(families)
            .with_max_receive(u16::MAX)
            .with_max_send(u16::MAX)
    }
}

/// `repository@commit:path` and what follows it.
fn sources_of(sources: Value) -> Vec<String> {
    let list = sources.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|source| source.get("src").and_then(Value::as_str)).map(str::to_owned).collect()
}

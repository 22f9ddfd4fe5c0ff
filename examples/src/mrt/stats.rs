//! What a file holds, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use bgp_wire::mrt::{Content, Record, Timestamp};
use bgp_wire::{Action, Message};

/// Counts of one file, or of several.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    records: BTreeMap<String, u64>,
    messages: BTreeMap<String, u64>,
    announced: BTreeMap<String, u64>,
    withdrawn: BTreeMap<String, u64>,
    treatments: BTreeMap<&'static str, u64>,
    peers: BTreeMap<IpAddr, u64>,
    routes: u64,
    octets: u64,
    malformed: u64,
    span: Option<(Timestamp, Timestamp)>,
}

impl Stats {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Stats {
        Stats::default()
    }

    /// Counts a record; false if it, or the message in it, is malformed.
    pub fn add(&mut self, record: &Record<'_>) -> bool {
        *self.records.entry(record.ty.to_string()).or_default() += 1;
        self.octets += u64::try_from(record.len()).unwrap_or(0);
        let (first, last) = self.span.unwrap_or((record.time, record.time));
        self.span = Some((first.min(record.time), last.max(record.time)));
        let good = self.content(record);
        self.malformed += u64::from(!good);
        good
    }

    fn content(&mut self, record: &Record<'_>) -> bool {
        match record.content() {
            Ok(Content::StateChange(change)) => *self.peers.entry(change.session.peer_addr).or_default() += 1,
            Ok(Content::Message(message)) => {
                *self.peers.entry(message.session.peer_addr).or_default() += 1;
                return self.message(message.decode_message(&message.context()));
            }
            Ok(Content::TableDump(dump)) => {
                *self.peers.entry(dump.peer_addr).or_default() += 1;
                self.routes += 1;
            }
            Ok(Content::PeerIndexTable(table)) => {
                table.peers.for_each(|peer| *self.peers.entry(peer.addr).or_default() += 0);
            }
            Ok(Content::Rib(rib)) => self.routes += u64::try_from(rib.entries.len()).unwrap_or(0),
            Ok(_) => {}
            Err(_) => return false,
        }
        true
    }

    fn message(&mut self, message: Result<Message<'_>, bgp_wire::Error>) -> bool {
        let Ok(message) = message else {
            *self.treatments.entry(treatment(Action::SessionReset)).or_default() += 1;
            return false;
        };
        *self.messages.entry(message.message_type().to_string()).or_default() += 1;
        if let Message::Update(update) = message {
            *self.treatments.entry(treatment(update.verdict().action)).or_default() += 1;
            for part in update.announced() {
                *self.announced.entry(name(part.family)).or_default() += count(part.nlri);
            }
            for part in update.withdrawn() {
                *self.withdrawn.entry(name(part.family)).or_default() += count(part.nlri);
            }
        }
        true
    }

    /// How many records were malformed.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}

fn count(nlris: impl Iterator) -> u64 {
    u64::try_from(nlris.count()).unwrap_or(0)
}

fn name(family: bgp_wire::Family) -> String {
    family.name().map_or_else(|| family.to_string(), str::to_owned)
}

fn treatment(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::AttributeDiscard => "attribute discard",
        Action::TreatAsWithdraw => "treat as withdraw",
        Action::DisableFamily => "disable family",
        Action::SessionReset => "session reset",
    }
}

/// One count a line, in groups.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((first, last)) = self.span {
            writeln!(f, "time        {first} to {last}")?;
        }
        writeln!(f, "octets      {}", self.octets)?;
        writeln!(f, "peers       {}", self.peers.len())?;
        writeln!(f, "routes      {} in tables", self.routes)?;
        writeln!(f, "malformed   {}", self.malformed)?;
        let text = |(key, count): (&&'static str, &u64)| ((*key).to_owned(), *count);
        let treatments: BTreeMap<String, u64> = self.treatments.iter().map(text).collect();
        for (title, counts) in [
            ("records", &self.records),
            ("messages", &self.messages),
            ("announced", &self.announced),
            ("withdrawn", &self.withdrawn),
            ("treatment", &treatments),
        ] {
            for (name, count) in counts {
                writeln!(f, "{title:11} {count} {name}")?;
            }
        }
        Ok(())
    }
}

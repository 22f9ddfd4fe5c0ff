//! Records as lines, in the form of `bgpdump -m`: one for each route, fields with `|` between them.
//!
//! ```text
//! BGP4MP|seconds|A|peer|peer's as|prefix|as path|origin|next hop|local pref|med|communities|AG or NAG|aggregator|
//! BGP4MP|seconds|W|peer|peer's as|prefix
//! BGP4MP|seconds|STATE|peer|peer's as|old|new
//! TABLE_DUMP2|seconds|B|peer|peer's as|prefix|as path|..
//! ```
//!
//! `_ET` (microseconds), `_LOCAL` (sent by the collector) and `_AP` (path identifiers, in a field behind the prefix) are
//! added to the first field. Only IPv4 and IPv6 unicast and multicast have lines; LOCAL_PREF is shown whoever sent it.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::{AsPath, Attributes, NextHop, Origin, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::mrt::{self, BgpMessage, Content, Peer, Record, Rib, StateChange, TableDump, Timestamp};
use bgp_wire::nlri::{NlriRef, Nlris, PathNlri};
use bgp_wire::{Asn, AttrType, Family, Message, SessionKind, UpdateView};

/// Writes lines; it knows the peers of the table that is being read.
#[derive(Debug, Clone, Default)]
pub struct Printer {
    peers: Vec<Peer>,
}

/// Why a record has no lines, or fewer than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The record is malformed.
    #[error(transparent)]
    Record(#[from] mrt::Error),
    /// The message in it is malformed.
    #[error("message: {0}")]
    Message(bgp_wire::Error),
    /// The attributes of a table's entry are malformed; its line has the others.
    #[error("attributes: {0}")]
    Attributes(bgp_wire::Error),
    /// An entry names a peer that the table before it does not have.
    #[error("peer {0} is not in the table of peers")]
    Peer(u16),
}

impl Printer {
    /// Without a table of peers.
    #[must_use]
    pub fn new() -> Printer {
        Printer::default()
    }

    /// Appends the lines of a record, none for what has none.
    ///
    /// # Errors
    /// What is wrong with the record; lines before it, and of the entries behind it, are there.
    pub fn print(&mut self, record: &Record<'_>, out: &mut String) -> Result<(), Problem> {
        // Writing to a string does not fail.
        match record.content()? {
            Content::StateChange(change) => {
                let _ = state(record.time, &change, out);
            }
            Content::Message(message) => self::message(record.time, &message, out)?,
            Content::PeerIndexTable(table) => self.peers = table.peers.collect(),
            Content::Rib(rib) => return self.rib(record.time, &rib, out),
            Content::TableDump(dump) => return table_dump(record.time, &dump, out),
            _ => {}
        }
        Ok(())
    }

    fn rib(&self, time: Timestamp, rib: &Rib<'_>, out: &mut String) -> Result<(), Problem> {
        if !has_lines(rib.family) {
            return Ok(());
        }
        let Some(prefix) = rib.nlri.nlri.prefix() else { return Ok(()) };
        let mut result = Ok(());
        for entry in rib.entries.clone() {
            let Some(peer) = self.peers.get(usize::from(entry.peer)) else {
                result = result.and(Err(Problem::Peer(entry.peer)));
                continue;
            };
            let read = entry.decode_attributes();
            if let Some(error) = read.worst() {
                result = result.and(Err(Problem::Attributes(error)));
            }
            let path_id = entry.path_id.or(rib.nlri.path_id);
            let nlri = PathNlri { path_id, nlri: prefix.into() };
            let mut form = String::from("TABLE_DUMP2");
            if rib.add_path {
                form.push_str("_AP");
            }
            let line = Line { form: &form, time, kind: 'B', peer: peer.addr, asn: peer.asn };
            let _ = line.announced(&nlri, &Route::new(&read.attributes(), read.next_hop()), out);
        }
        result
    }
}

fn table_dump(time: Timestamp, dump: &TableDump<'_>, out: &mut String) -> Result<(), Problem> {
    let read = dump.decode_attributes();
    let line = Line { form: "TABLE_DUMP", time, kind: 'B', peer: dump.peer_addr, asn: dump.peer_as };
    let _ = line.announced(&dump.prefix.into(), &Route::new(&read.attributes(), read.next_hop()), out);
    read.worst().map_or(Ok(()), |error| Err(Problem::Attributes(error)))
}

fn state(time: Timestamp, change: &StateChange, out: &mut String) -> fmt::Result {
    let session = &change.session;
    let line = Line { form: form(time, false, false), time, kind: 'S', peer: session.peer_addr, asn: session.peer_as };
    line.begin(out)?;
    writeln!(out, "{}|{}", change.old.0, change.new.0)
}

fn message(time: Timestamp, message: &BgpMessage<'_>, out: &mut String) -> Result<(), Problem> {
    let context = message.context();
    let update = match message.decode_message(&context).map_err(Problem::Message)? {
        Message::Update(update) => update,
        _ => return Ok(()),
    };
    // What an external peer must not send is shown all the same.
    let kept;
    let shown = if update.verdict().discarded.contains(AttrType::LOCAL_PREF) {
        kept = UpdateView::decode(update.as_bytes(), &context.with_kind(SessionKind::Ibgp)).unwrap_or(update);
        &kept
    } else {
        &update
    };
    let session = &message.session;
    let (peer, asn) = match message.local {
        false => (session.peer_addr, session.peer_as),
        true => (session.local_addr, session.local_as),
    };
    let form = form(time, message.local, message.add_path);
    let line = Line { form, time, kind: 'W', peer, asn };
    for part in update.withdrawn().filter(|part| has_lines(part.family)) {
        let _ = line.withdrawn(part.nlri, out);
    }
    let line = Line { kind: 'A', ..line };
    for part in update.announced().filter(|part| has_lines(part.family)) {
        let route = Route::new(shown.attributes(), Some(part.next_hop));
        for nlri in part.nlri {
            let _ = line.announced(&nlri, &route, out);
        }
    }
    Ok(())
}

fn has_lines(family: Family) -> bool {
    matches!(family, Family::IPV4_UNICAST | Family::IPV4_MULTICAST | Family::IPV6_UNICAST | Family::IPV6_MULTICAST)
}

/// The first field of a message's line.
fn form(time: Timestamp, local: bool, add_path: bool) -> &'static str {
    match (time.micros.is_some(), local, add_path) {
        (false, false, false) => "BGP4MP",
        (false, false, true) => "BGP4MP_AP",
        (false, true, false) => "BGP4MP_LOCAL",
        (false, true, true) => "BGP4MP_LOCAL_AP",
        (true, false, false) => "BGP4MP_ET",
        (true, false, true) => "BGP4MP_ET_AP",
        (true, true, false) => "BGP4MP_ET_LOCAL",
        (true, true, true) => "BGP4MP_ET_LOCAL_AP",
    }
}

/// The fields that every line begins with.
#[derive(Clone, Copy)]
struct Line<'f> {
    form: &'f str,
    time: Timestamp,
    kind: char,
    peer: IpAddr,
    asn: Asn,
}

impl Line<'_> {
    fn begin(&self, out: &mut String) -> fmt::Result {
        let kind = if self.kind == 'S' { "STATE" } else { "" };
        write!(out, "{}|{}|{kind}", self.form, self.time)?;
        if kind.is_empty() {
            out.push(self.kind);
        }
        write!(out, "|{}|{}|", Address(self.peer), self.asn.0)
    }

    fn withdrawn(&self, nlris: Nlris<'_>, out: &mut String) -> fmt::Result {
        for nlri in nlris {
            self.begin(out)?;
            prefix(&nlri.nlri, out)?;
            if let Some(path_id) = nlri.path_id {
                write!(out, "|{path_id}")?;
            }
            out.push('\n');
        }
        Ok(())
    }

    fn announced(&self, nlri: &PathNlri<'_>, route: &Route, out: &mut String) -> fmt::Result {
        self.begin(out)?;
        prefix(&nlri.nlri, out)?;
        out.push('|');
        if let Some(path_id) = nlri.path_id {
            write!(out, "{path_id}|")?;
        }
        writeln!(out, "{}", route.0)
    }
}

/// The fields of an announced line behind the prefix, made once for all prefixes of a message.
struct Route(String);

impl Route {
    fn new(attributes: &Attributes<'_>, next_hop: Option<NextHop>) -> Route {
        let mut text = String::new();
        let _ = Route::write(attributes, next_hop, &mut text);
        Route(text)
    }

    fn write(attributes: &Attributes<'_>, next_hop: Option<NextHop>, out: &mut String) -> fmt::Result {
        as_path(&attributes.as_path().unwrap_or_default(), out)?;
        out.push_str(match attributes.origin() {
            Some(Origin::Igp) => "|IGP|",
            Some(Origin::Egp) => "|EGP|",
            _ => "|INCOMPLETE|",
        });
        // What has no next hop has this one in bgpdump.
        let next_hop = next_hop.and_then(NextHop::addr).unwrap_or(IpAddr::V4(Ipv4Addr::BROADCAST));
        let (local_pref, med) = (attributes.local_pref().unwrap_or(0), attributes.med().unwrap_or(0));
        write!(out, "{}|{local_pref}|{med}|", Address(next_hop))?;
        for (index, community) in attributes.communities().enumerate() {
            if index > 0 {
                out.push(' ');
            }
            self::community(community, out)?;
        }
        out.push_str(if attributes.atomic_aggregate() { "|AG|" } else { "|NAG|" });
        if let Some(aggregator) = attributes.aggregator() {
            write!(out, "{} {}", aggregator.asn.0, aggregator.bgp_id)?;
        }
        out.push('|');
        Ok(())
    }
}

/// `1 2 {3,4} (5 6) [7,8]`: sequence, set, confederation sequence and set.
fn as_path(path: &AsPath<'_>, out: &mut String) -> fmt::Result {
    for (index, segment) in path.segments().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let (open, between, close) = match segment.kind {
            SegmentKind::Sequence => ("", ' ', ""),
            SegmentKind::Set => ("{", ',', "}"),
            SegmentKind::ConfedSequence => ("(", ' ', ")"),
            SegmentKind::ConfedSet => ("[", ',', "]"),
        };
        out.push_str(open);
        for (index, asn) in segment.asns.enumerate() {
            if index > 0 {
                out.push(between);
            }
            write!(out, "{}", asn.0)?;
        }
        out.push_str(close);
    }
    Ok(())
}

/// The names that bgpdump has; everything else as two numbers.
fn community(community: Community, out: &mut String) -> fmt::Result {
    match community {
        Community::NO_EXPORT => out.write_str("no-export"),
        Community::NO_ADVERTISE => out.write_str("no-advertise"),
        Community::NO_EXPORT_SUBCONFED => out.write_str("local-AS"),
        Community(value) => write!(out, "{}:{}", value >> 16, value & 0xffff),
    }
}

fn prefix(nlri: &NlriRef<'_>, out: &mut String) -> fmt::Result {
    match nlri.prefix() {
        Some(net) => write!(out, "{}/{}", Address(net.addr()), net.prefix_len()),
        None => write!(out, "{nlri}"),
    }
}

/// An address as bgpdump writes it: `::` stands for the first of the longest runs of zeros, even for a single one
/// (RFC 5952 section 4.2.2 asks for `0` there), and IPv4 addresses in IPv6 ones are dotted.
struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = match self.0 {
            IpAddr::V4(addr) => return addr.fmt(f),
            IpAddr::V6(addr) => addr,
        };
        if let Some(inner) = addr.to_ipv4_mapped() {
            return write!(f, "::ffff:{inner}");
        }
        match addr.to_bits() {
            0 => f.write_str("::"),
            1 => f.write_str("::1"),
            bits => match u32::try_from(bits) {
                Ok(inner) => write!(f, "::{}", Ipv4Addr::from_bits(inner)),
                Err(_) => groups(addr, f),
            },
        }
    }
}

fn groups(addr: Ipv6Addr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let groups = addr.segments();
    let run = |start: usize| groups.iter().skip(start).take_while(|group| **group == 0).count();
    // Of equal ones the first: `max_by_key` would take the last.
    let (start, len) = (0..8).rev().map(|start| (start, run(start))).max_by_key(|(_, len)| *len).unwrap_or((0, 0));
    let list = |f: &mut fmt::Formatter<'_>, part: &[u16]| {
        part.iter().enumerate().try_for_each(|(index, group)| {
            let colon = if index > 0 { ":" } else { "" };
            write!(f, "{colon}{group:x}")
        })
    };
    if len == 0 {
        return list(f, &groups);
    }
    list(f, groups.get(..start).unwrap_or_default())?;
    f.write_str("::")?;
    list(f, groups.get(start + len..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_bgpdump() {
        for text in
            ["2001:7f8:30::2:1:0:8447", "2001:db8::1", "::ffff:192.168.2.1", "::192.168.1.2", "fe80::", "::", "::1"]
        {
            let addr: IpAddr = text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            assert_eq!(Address(addr).to_string(), text);
        }
    }
}

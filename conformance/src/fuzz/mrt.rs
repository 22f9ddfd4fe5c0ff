//! MRT: framing, every record decoded and written again, messages and attributes inside.

use bgp_wire::mrt::{self, Buffer, Content, Record, RecordType, RibAttributes, Timestamp};
use bytes::BytesMut;

use super::check_error;

/// The first octet chooses a type, whose body the rest is, or else the rest is a stream.
///
/// # Panics
/// If a record is not the front of the stream, is cut elsewhere when the stream comes in pieces, is not written again
/// octet for octet, or what is read from what was written is something else.
pub fn mrt(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match RecordType::NAMED.get(usize::from(*first)) {
        Some(ty) => content(&Record::new(Timestamp::new(7), *ty, rest)),
        None => stream(rest),
    }
}

fn stream(octets: &[u8]) {
    let (mut rest, mut buffer, mut records) = (octets, Buffer::new(LIMIT), 0);
    // In pieces of 7 octets, each record is the same as in one piece.
    let mut pieces = octets.chunks(7);
    loop {
        match mrt::frame(rest, LIMIT) {
            Ok(Some((record, behind))) => {
                let whole = rest.get(..rest.len() - behind.len()).unwrap_or_default();
                let mut out = BytesMut::new();
                assert_eq!(record.encode(&mut out), Ok(()));
                assert_eq!(&out[..], whole);
                assert_eq!(record.len(), whole.len());
                loop {
                    match buffer.record() {
                        Ok(Some(again)) => break assert_eq!(again, record),
                        Ok(None) => buffer.feed(pieces.next().unwrap_or_default()),
                        Err(error) => unreachable!("{error} in pieces"),
                    }
                }
                content(&record);
                records += 1;
                assert!(records <= octets.len());
                rest = behind;
            }
            Ok(None) => return,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return;
            }
        }
    }
}

fn content(record: &Record<'_>) {
    let content = match record.content() {
        Ok(content) => content,
        Err(error) => {
            assert!(usize::try_from(error.offset).is_ok_and(|offset| offset <= record.len()), "{error}");
            return assert!(!error.to_string().is_empty());
        }
    };
    match &content {
        Content::Message(message) => {
            let context = message.context();
            match message.decode_message(&context) {
                Ok(decoded) => {
                    let _ = decoded.message_type();
                }
                Err(error) => check_error(&error, message.message, &[1, 2, 3, 5, 7]),
            }
        }
        Content::Rib(rib) => {
            for entry in rib.entries.clone() {
                assert_eq!(entry.path_id.is_some(), rib.add_path && !rib.generic);
                attributes(&entry.decode_attributes());
            }
        }
        Content::TableDump(dump) => {
            assert_eq!(dump.prefix, dump.prefix.trunc());
            attributes(&dump.decode_attributes());
        }
        Content::PeerIndexTable(table) => assert_eq!(table.peers.clone().count(), table.peers.len()),
        _ => {}
    }
    written(record, &content);
}

fn attributes(read: &RibAttributes<'_>) {
    let attributes = read.attributes();
    for raw in &attributes {
        assert!(!read.verdict().discarded.contains(raw.ty));
    }
    let _ = (attributes.origin(), attributes.med(), attributes.aggregator(), read.next_hop());
    let path = attributes.as_path().unwrap_or_default();
    assert_eq!(path.asns().count(), path.segments().map(|segment| segment.asns.count()).sum::<usize>());
    if read.worst().is_none() {
        let mut block = Vec::new();
        attributes.write_canonical(&mut block);
        assert!(bgp_wire::attr::Attributes::from_canonical(&block).is_ok());
    }
}

/// What is decoded is written as it was, but for bits that mean nothing; those are gone after one time.
fn written(record: &Record<'_>, content: &Content<'_>) {
    let (mut out, mut again) = (BytesMut::new(), BytesMut::new());
    let result = content.encode(record.time, &mut out);
    if matches!(content, Content::Unknown) {
        return assert!(result.is_err() && out.is_empty());
    }
    assert_eq!(result, Ok(()));
    let Ok(Some((back, []))) = mrt::frame(&out, LIMIT) else { unreachable!("not framed: {out:?}") };
    if !matches!(content, Content::TableDump(_)) {
        assert_eq!(back.body, record.body);
    }
    let Ok(content) = back.content() else { unreachable!("not decoded: {out:?}") };
    assert_eq!(content.encode(back.time, &mut again), Ok(()));
    assert_eq!(again, out);
}

const LIMIT: u32 = 1 << 18;

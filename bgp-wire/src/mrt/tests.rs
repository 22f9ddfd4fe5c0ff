//! Every form of record is written, read and written again.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::BytesMut;

use super::*;
use crate::attr::{AttrBuilder, NextHop};
use crate::{Asn, BgpId, Family, KEEPALIVE, Message, PathId};

fn session(wide: bool, v6: bool) -> Session {
    let addr = |v4: [u8; 4], v6_low: u16| {
        if v6 { IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, v6_low]) } else { IpAddr::from(v4) }
    };
    Session {
        peer_as: Asn(if wide { 4_200_000_000 } else { 64513 }),
        local_as: Asn(64512),
        interface: 3,
        peer_addr: addr([192, 0, 2, 1], 1),
        local_addr: addr([192, 0, 2, 2], 2),
    }
}

fn written(content: &Content<'_>, time: Timestamp) -> BytesMut {
    let mut out = BytesMut::new();
    content.encode(time, &mut out).unwrap();
    out
}

#[test]
fn rfc6396_4_4_and_rfc8050_3_every_form_of_message_is_read_back() {
    let micros = Timestamp { seconds: 1, micros: Some(999_999) };
    for (wide, local, add_path, v6) in (0..16).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0))
    {
        let message =
            BgpMessage { session: session(wide, v6), four_octet_as: wide, local, add_path, message: &KEEPALIVE };
        for time in [Timestamp::new(9), micros] {
            let out = written(&Content::Message(message), time);
            let (record, rest) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
            assert!(rest.is_empty());
            assert_eq!((record.time, record.ty.ty), (time, if time.micros.is_some() { 17 } else { 16 }));
            let Content::Message(again) = record.content().unwrap() else { panic!("{record:?}") };
            assert_eq!(again, message);
            let context = again.context();
            assert_eq!(context.four_octet_as(), wide);
            assert_eq!(context.add_path_receive().contains(Family::IPV4_UNICAST), add_path);
            assert!(matches!(again.decode_message(&context).unwrap(), Message::Keepalive));
        }
    }
}

#[test]
fn rfc6396_4_4_subtypes_have_their_numbers() {
    let ty = |wide, local, add_path| {
        let session = session(wide, false);
        Content::Message(BgpMessage { session, four_octet_as: wide, local, add_path, message: &[] }).record_type()
    };
    for (subtype, forms) in [
        (1, (false, false, false)),
        (4, (true, false, false)),
        (6, (false, true, false)),
        (7, (true, true, false)),
        (8, (false, false, true)),
        (9, (true, false, true)),
        (10, (false, true, true)),
        (11, (true, true, true)),
    ] {
        assert_eq!(ty(forms.0, forms.1, forms.2), Some(RecordType::new(16, subtype)));
    }
}

#[test]
fn rfc6396_4_4_1_state_changes_are_read_back() {
    for (wide, v6) in [(false, false), (true, false), (false, true), (true, true)] {
        let (old, new) = (PeerState::OPEN_CONFIRM, PeerState::ESTABLISHED);
        let change = StateChange { session: session(wide, v6), four_octet_as: wide, old, new };
        let out = written(&Content::StateChange(change), Timestamp::new(9));
        let (record, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
        let Content::StateChange(again) = record.content().unwrap() else { panic!("{record:?}") };
        assert_eq!(again, change);
    }
}

#[test]
fn an_as_number_is_never_cut() {
    let session = session(true, false);
    let (old, new) = (PeerState::IDLE, PeerState::CONNECT);
    let change = StateChange { session, four_octet_as: false, old, new };
    let mut out = BytesMut::from(&b"before"[..]);
    let error = Content::StateChange(change).encode(Timestamp::new(9), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "as number 4200000000 does not fit into 2 octets");
    assert_eq!(&out[..], b"before");
    let mixed = Session { local_addr: "2001:db8::1".parse().unwrap(), ..self::session(true, false) };
    let change = StateChange { session: mixed, four_octet_as: true, old, new };
    assert_eq!(Content::StateChange(change).encode(Timestamp::new(9), &mut out), Err(EncodeError::Addresses));
}

#[test]
fn rfc6396_4_3_and_rfc8050_4_every_form_of_table_is_read_back() {
    let (v4, v6) = ("203.0.113.0/24".parse().unwrap(), "2001:db8:1::/48".parse().unwrap());
    let block = AttrBuilder::new().as_path(&[Asn(4_200_000_000)]).build().unwrap();
    for (subtype, family, net, add_path) in [
        (2, Family::IPV4_UNICAST, v4, false),
        (3, Family::IPV4_MULTICAST, v4, false),
        (4, Family::IPV6_UNICAST, v6, false),
        (5, Family::IPV6_MULTICAST, v6, false),
        (8, Family::IPV4_UNICAST, v4, true),
        (9, Family::IPV4_MULTICAST, v4, true),
        (10, Family::IPV6_UNICAST, v6, true),
        (11, Family::IPV6_MULTICAST, v6, true),
    ] {
        let next_hop: NextHop = if net == v4 { "192.0.2.1" } else { "2001:db8::1" }.parse().unwrap();
        let mut attributes = Vec::new();
        write_rib_attributes(&block, next_hop, &mut attributes);
        let mut builder = RibBuilder::prefix(7, family, net, add_path).unwrap();
        for peer in 0..3 {
            let path_id = add_path.then_some(PathId(peer));
            builder.push(&RibEntry { peer: 1, originated: 5, path_id, attributes: &attributes }).unwrap();
        }
        let refused = RibEntry { peer: 0, originated: 0, path_id: (!add_path).then_some(PathId(1)), attributes: &[] };
        assert_eq!(builder.push(&refused), Err(EncodeError::PathId));
        let out = written(&Content::Rib(builder.rib()), Timestamp::new(9));
        let (record, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
        assert_eq!(record.ty, RecordType::new(13, subtype));
        let Content::Rib(rib) = record.content().unwrap() else { panic!("{record:?}") };
        assert_eq!((rib.sequence, rib.family, rib.nlri.nlri.prefix()), (7, family, Some(net)));
        assert_eq!(rib.entries.len(), 3);
        for (index, entry) in rib.entries.clone().enumerate() {
            assert_eq!(entry.path_id, add_path.then_some(PathId(u32::try_from(index).unwrap())));
            let read = entry.decode_attributes();
            assert_eq!((read.next_hop(), read.worst()), (Some(next_hop), None));
            assert_eq!(read.attributes().as_path().unwrap().to_string(), "4200000000");
        }
        assert_eq!(written(&Content::Rib(rib), Timestamp::new(9)), out);
    }
    assert!(RibBuilder::prefix(0, Family::IPV6_UNICAST, v4, false).is_err());
}

#[test]
fn rfc6396_4_3_3_and_rfc8050_4_generic_tables_have_the_path_identifier_in_front_of_the_nlri() {
    for path_id in [None, Some(PathId(9))] {
        let mut builder = RibBuilder::generic(7, Family::IPV4_UNICAST, path_id, &[24, 203, 0, 113]).unwrap();
        builder.push(&RibEntry { peer: 1, originated: 5, path_id: None, attributes: &[0x40, 1, 1, 0] }).unwrap();
        let out = written(&Content::Rib(builder.rib()), Timestamp::new(9));
        let (record, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
        let mut expected = vec![0, 0, 0, 7, 0, 1, 1];
        if path_id.is_some() {
            expected.extend([0, 0, 0, 9]);
        }
        expected.extend([24, 203, 0, 113, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 0x40, 1, 1, 0]);
        assert_eq!(record.body, expected);
        assert_eq!(record.ty, RecordType::new(13, if path_id.is_some() { 12 } else { 6 }));
        let Content::Rib(rib) = record.content().unwrap() else { panic!("{record:?}") };
        assert_eq!((rib.nlri.path_id, rib.nlri_octets()), (path_id, &[24, 203, 0, 113][..]));
    }
    let unknown = [0, 0, 0, 7, 0, 99, 1, 1, 2, 3, 0, 0];
    let error = Record::new(Timestamp::new(0), RecordType::RIB_GENERIC, &unknown).content().unwrap_err();
    assert_eq!(error.to_string(), "family 99/1 is not known, so the end of its nlri is not either at octet 16");
}

#[test]
fn rfc6396_4_3_4_both_forms_of_mp_reach_have_a_next_hop() {
    let short = [0x80, 14, 17, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut whole = vec![0x80, 14, 21, 0, 2, 1, 16];
    whole.extend(&short[4..]);
    whole.push(0);
    for block in [&short[..], &whole] {
        let read = RibAttributes::decode(block, true);
        assert_eq!(read.next_hop().unwrap().to_string(), "2001:db8::1", "{block:?}");
        assert_eq!(read.worst(), None);
    }
    let broken = RibAttributes::decode(&[0x80, 14, 3, 16, 1, 2], true);
    assert!(broken.next_hop().is_none() && broken.worst().is_some());
}

#[test]
fn rfc6396_4_2_old_tables_are_read_back_with_as_numbers_of_2_octets() {
    let block = [0x40, 2, 4, 2, 1, 0xfc, 1];
    for (prefix, peer) in [("203.0.113.0/24", "192.0.2.1"), ("2001:db8:1::/48", "2001:db8::1")] {
        let dump = TableDump {
            view: 1,
            sequence: 2,
            prefix: prefix.parse().unwrap(),
            status: 1,
            originated: 3,
            peer_addr: peer.parse().unwrap(),
            peer_as: Asn(64513),
            attributes: &block,
        };
        let out = written(&Content::TableDump(dump), Timestamp::new(9));
        let (record, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
        let Content::TableDump(again) = record.content().unwrap() else { panic!("{record:?}") };
        assert_eq!(again, dump);
        assert_eq!(again.decode_attributes().attributes().as_path().unwrap().to_string(), "64513");
    }
}

#[test]
fn rfc6396_4_3_1_peers_have_addresses_and_as_numbers_of_both_sizes() {
    let mut builder = PeerIndexBuilder::new();
    let mut peers = Vec::new();
    for (addr, four_octet_as) in
        [("192.0.2.1", false), ("192.0.2.1", true), ("2001:db8::1", false), ("2001:db8::1", true)]
    {
        let peer = Peer { bgp_id: BgpId(7), addr: addr.parse().unwrap(), asn: Asn(64513), four_octet_as };
        assert_eq!(usize::from(builder.push(peer).unwrap()), peers.len());
        peers.push(peer);
    }
    let out = written(&Content::PeerIndexTable(builder.table(BgpId(1), b"view")), Timestamp::new(9));
    let (record, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
    let Content::PeerIndexTable(table) = record.content().unwrap() else { panic!("{record:?}") };
    assert_eq!((table.collector, table.view), (BgpId(1), &b"view"[..]));
    assert!(table.peers.eq(peers));
}

#[test]
fn what_is_cut_off_is_told_with_its_part() {
    let change = StateChange {
        session: session(true, false),
        four_octet_as: true,
        old: PeerState::IDLE,
        new: PeerState::CONNECT,
    };
    let out = written(&Content::StateChange(change), Timestamp::new(9));
    let whole = &out[HEADER_LEN..];
    let ty = RecordType::STATE_CHANGE_AS4;
    for end in 0..whole.len() {
        let error = Record::new(Timestamp::new(9), ty, &whole[..end]).content().unwrap_err();
        let part = if end < 20 { Part::Session } else { Part::States };
        assert_eq!(error.kind, ErrorKind::Ends(part), "{end}");
        assert!(usize::try_from(error.offset).unwrap() <= HEADER_LEN + end);
    }
    let longer = [whole, &[0]].concat();
    let error = Record::new(Timestamp::new(9), ty, &longer).content().unwrap_err();
    assert_eq!(error.to_string(), "1 octets are left over at octet 36");
    let mut wrong = whole.to_vec();
    wrong[11] = 3;
    let error = Record::new(Timestamp::new(9), ty, &wrong).content().unwrap_err();
    assert_eq!(error.to_string(), "address family 3 has no addresses here at octet 22");
}

#[test]
fn a_record_that_is_too_long_is_told_before_it_is_there() {
    let header = [0, 0, 0, 0, 0, 16, 0, 4, 0, 0, 0, 9];
    assert_eq!(frame(&header, 9), Ok(None));
    let error = frame(&header, 8).unwrap_err();
    assert_eq!(error.to_string(), "record of 9 octets is longer than 8 at octet 8");
    let mut buffer = Buffer::new(8);
    buffer.feed(&header);
    assert_eq!(buffer.record(), Err(error));
    assert_eq!(buffer.record(), Err(error));
}

#[test]
fn an_extended_record_without_microseconds_is_passed_over() {
    let broken = [0, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 3, 1, 2, 3];
    let good = [0, 0, 0, 0, 0, 16, 0, 99, 0, 0, 0, 0];
    let mut buffer = Buffer::new(DEFAULT_LIMIT);
    buffer.feed(&broken);
    buffer.feed(&good);
    assert_eq!(buffer.record().unwrap_err().to_string(), "header of a record is cut off at octet 15");
    assert_eq!(buffer.record().unwrap().unwrap().ty, RecordType::new(16, 99));
    assert_eq!((buffer.position(), buffer.finish()), (27, Ok(())));
}

#[test]
fn types_have_text_that_is_read_back() {
    for (ty, text) in [
        (RecordType::RIB_GENERIC, "rib-generic"),
        (RecordType::new(17, 4), "message-as4-et"),
        (RecordType::new(48, 0), "48/0"),
    ] {
        assert_eq!(ty.to_string(), text);
        assert_eq!(text.parse(), Ok(ty));
    }
    assert!("rib-generic-et".parse::<RecordType>().is_err());
    assert_eq!(Timestamp { seconds: 9, micros: Some(12) }.to_string(), "9.000012");
}

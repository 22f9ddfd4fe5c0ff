//! Every type of message is written, read and written again.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::*;
use crate::capability::{AddPath, AddPathMode, Capability};
use crate::{Asn, BgpId, Family, FamilySet, KEEPALIVE, Notification, NotificationCode, Open, SessionKind};

fn peer() -> PeerHeader {
    let addr = "192.0.2.1".parse().unwrap();
    PeerHeader { seconds: 7, micros: 8, ..PeerHeader::new(addr, Asn(64513), BgpId(2)) }
}

/// What is read back is the same; the octets are given back.
fn through(message: &Message<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(&mut out).unwrap();
    let (frame, rest) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
    assert!(rest.is_empty());
    assert_eq!(frame.ty, message.message_type());
    assert_eq!(frame.message().unwrap(), *message);
    for end in 0..out.len() {
        assert_eq!(super::frame(&out[..end], DEFAULT_LIMIT), Ok(None));
    }
    out
}

fn open(asn: u32, id: u32, add_path: AddPathMode) -> BytesMut {
    let mut out = BytesMut::new();
    let path_ids = AddPath { family: Family::IPV4_UNICAST, mode: add_path };
    let open = Open {
        capabilities: vec![
            Capability::MultiProtocol(Family::IPV4_UNICAST),
            Capability::FourOctetAs(Asn(asn)),
            Capability::AddPath(vec![path_ids]),
        ],
        ..Open::new(Asn(asn), 90, BgpId(id))
    };
    open.encode(&mut out).unwrap();
    out
}

#[test]
fn rfc7854_4_every_type_is_read_back() {
    let mut cease = BytesMut::new();
    Notification::new(NotificationCode::ADMIN_SHUTDOWN, &[]).encode(&mut cease);
    let mut name = Vec::new();
    write_tlv(InformationType::VRF_TABLE_NAME.0, b"global", &mut name).unwrap();
    let mut numbers = Vec::new();
    for ty in 0..20 {
        let value = match ty {
            0..=6 | 11..=13 => StatisticValue::Counter(9),
            7 | 8 | 14 | 15 => StatisticValue::Gauge(1 << 40),
            9 | 10 | 16 | 17 => StatisticValue::FamilyGauge(Family::IPV6_UNICAST, 1 << 40),
            _ => StatisticValue::Octets(b"later"),
        };
        Statistic { ty: StatisticType(ty), value }.write(&mut numbers).unwrap();
    }
    let mut mirrored = Vec::new();
    write_tlv(MirroringType::BGP_MESSAGE.0, &KEEPALIVE, &mut mirrored).unwrap();
    let information = Tlvs::new(&name).unwrap();
    through(&Message::RouteMonitoring(RouteMonitoring { peer: peer(), update: &KEEPALIVE }));
    let statistics = Statistics::new(&numbers).unwrap();
    assert_eq!(statistics.map(|statistic| statistic.ty.0).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert!(statistics.filter(|statistic| matches!(statistic.value, StatisticValue::Octets(_))).count() == 2);
    let out = through(&Message::StatisticsReport(StatisticsReport { peer: peer(), statistics }));
    assert_eq!(&out[48..52], [0, 0, 0, 20]);
    for reason in [
        Reason::LocalNotification(&cease),
        Reason::LocalEvent(24),
        Reason::RemoteNotification(&cease),
        Reason::Remote,
        Reason::NotMonitored,
        Reason::LocalSystemClosed(information),
        Reason::Unknown { reason: 9, data: b"later" },
    ] {
        through(&Message::PeerDown(PeerDown { peer: peer(), reason }));
    }
    through(&Message::Initiation(information));
    through(&Message::Termination(Tlvs::new(&[0, 1, 0, 2, 0, 3]).unwrap()));
    let mirrored = Tlvs::new(&mirrored).unwrap();
    through(&Message::RouteMirroring(RouteMirroring { peer: peer(), mirrored }));
    through(&Message::Unknown(Frame { ty: MessageType(9), body: b"later" }));
    let (sent, received) = (open(64512, 1, AddPathMode::BOTH), open(64513, 2, AddPathMode::SEND));
    through(&Message::PeerUp(PeerUp {
        peer: peer(),
        local_address: [0; 16],
        local_port: 179,
        remote_port: 40000,
        sent: &sent,
        received: &received,
        information,
    }));
}

#[test]
fn rfc7854_4_10_the_context_comes_of_both_opens_and_of_the_header() {
    let (sent, received) = (open(64512, 1, AddPathMode::RECEIVE), open(64513, 2, AddPathMode::BOTH));
    let information = Tlvs::new(&[]).unwrap();
    let (local_address, local_port, remote_port) = ([0; 16], 179, 179);
    let up =
        PeerUp { peer: peer(), local_address, local_port, remote_port, sent: &sent, received: &received, information };
    let flags = |flags| PeerHeader { flags, ..peer() };
    let v4: FamilySet = Family::IPV4_UNICAST.into();
    let incoming = up.context(&peer()).unwrap();
    assert_eq!((incoming.kind(), incoming.families()), (SessionKind::Ebgp, v4));
    // The router takes path identifiers and sends none.
    assert_eq!((incoming.add_path_receive(), incoming.four_octet_as()), (v4, true));
    let outgoing = up.context(&flags(PeerFlags::ADJ_RIB_OUT.with(PeerFlags::POST_POLICY))).unwrap();
    assert_eq!(outgoing.add_path_receive(), FamilySet::EMPTY);
    // RFC 7854 section 4.2: the flag counts, not the session.
    assert!(!up.context(&flags(PeerFlags::TWO_OCTET_AS)).unwrap().four_octet_as());
    let broken = PeerUp { sent: &KEEPALIVE, ..up };
    assert!(broken.context(&peer()).is_err());
}

#[test]
fn rfc8671_and_rfc9069_flags_tell_the_table() {
    let with = |ty, flags| PeerHeader { ty, flags, ..peer() }.view();
    let (out, post) = (PeerFlags::ADJ_RIB_OUT, PeerFlags::POST_POLICY);
    assert_eq!(with(PeerType::GLOBAL, PeerFlags(0)), View::AdjRibInPre);
    assert_eq!(with(PeerType::GLOBAL, post), View::AdjRibInPost);
    assert_eq!(with(PeerType::DISTINGUISHED, out), View::AdjRibOutPre);
    assert_eq!(with(PeerType::LOCAL, out.with(post)), View::AdjRibOutPost);
    assert_eq!(with(PeerType::LOC_RIB, PeerFlags::FILTERED), View::LocRib);
    // RFC 9069 section 4.2: the bit is another one there, and the address is not used.
    let loc_rib = PeerHeader { ty: PeerType::LOC_RIB, flags: PeerFlags::FILTERED, address: [0; 16], ..peer() };
    assert_eq!(loc_rib.addr().to_string(), "0.0.0.0");
    assert!(PeerHeader { flags: PeerFlags::TWO_OCTET_AS, ..loc_rib }.four_octet_as());
}

#[test]
fn what_is_cut_off_is_told_with_its_part() {
    let (sent, received) = (open(64512, 1, AddPathMode::BOTH), open(64513, 2, AddPathMode::SEND));
    let information = [0, 0, 0, 1, b'x'];
    let mut out = BytesMut::new();
    let up = PeerUp {
        peer: peer(),
        local_address: [0; 16],
        local_port: 179,
        remote_port: 40000,
        sent: &sent,
        received: &received,
        information: Tlvs::new(&information).unwrap(),
    };
    Message::PeerUp(up).encode(&mut out).unwrap();
    let body = &out[HEADER_LEN..];
    for end in 0..body.len() {
        let result = Frame { ty: MessageType::PEER_UP, body: &body[..end] }.message();
        // Without its information it is whole.
        if end == body.len() - information.len() {
            assert!(result.is_ok());
            continue;
        }
        let part = match end {
            0..42 => Part::Peer,
            42..62 => Part::Connection,
            _ if end < 62 + sent.len() + received.len() => Part::Bgp,
            _ => Part::Tlv,
        };
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ends(part), "{end}");
        assert!(usize::try_from(error.offset).unwrap() <= HEADER_LEN + end);
    }
    let cut = PeerUp { sent: &sent[..20], ..up };
    let mut before = BytesMut::from(&b"before"[..]);
    assert_eq!(Message::PeerUp(cut).encode(&mut before), Err(EncodeError::NotFramed));
    assert_eq!(&before[..], b"before");
}

#[test]
fn rfc7854_4_8_as_many_statistics_as_counted() {
    let statistics = Statistics::new(&[0, 7, 0, 1, 9]).unwrap();
    let mut out = BytesMut::new();
    Message::StatisticsReport(StatisticsReport { peer: peer(), statistics }).encode(&mut out).unwrap();
    out[51] = 2;
    let (frame, _) = frame(&out, DEFAULT_LIMIT).unwrap().unwrap();
    assert_eq!(frame.message().unwrap_err().to_string(), "1 statistics are there, not 2 at octet 48");
    let longer = [&out[HEADER_LEN..48], &[4, 0]].concat();
    let error = Frame { ty: MessageType::PEER_DOWN, body: &longer }.message().unwrap_err();
    assert_eq!(error.to_string(), "1 octets are left over at octet 49");
}

#[test]
fn rfc7854_4_1_lengths_are_bounded() {
    let error = |octets: &[u8]| frame(octets, 100).unwrap_err().to_string();
    assert_eq!(error(&[3, 0, 0, 0, 5]), "message length 5 is outside 6 to 100 at octet 1");
    assert_eq!(error(&[3, 0, 0, 0, 101]), "message length 101 is outside 6 to 100 at octet 1");
    assert_eq!(error(&[1]), "version 1 is not 3 at octet 0");
    assert_eq!(frame(&[], 100), Ok(None));
}

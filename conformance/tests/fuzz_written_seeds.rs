//! The seeds of the MRT and BMP targets are what the writers make of one value of each form.
//!
//! `WRITE_SEEDS=1 cargo test -p conformance --test fuzz_written_seeds` writes them again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use bgp_wire::attr::AttrBuilder;
use bgp_wire::bmp::{self, PeerDown, PeerFlags, PeerHeader, PeerUp, Reason, Statistics, StatisticsReport, Tlvs};
use bgp_wire::mrt::{self, Content, Peer, PeerState, RibBuilder, RibEntry, Session, StateChange, TableDump, Timestamp};
use bgp_wire::{Asn, BgpId, Context, Family, KEEPALIVE, Notification, NotificationCode, Open, Packer, PathId};
use bgp_wire::{SessionKind, mrt::BgpMessage};
use bytes::BytesMut;

fn update(four_octet_as: bool, add_path: bool) -> BytesMut {
    let path_ids = if add_path { Family::IPV4_UNICAST.into() } else { bgp_wire::FamilySet::EMPTY };
    let context = Context::new(SessionKind::Ebgp).with_four_octet_as(four_octet_as).with_add_path_send(path_ids);
    let block = AttrBuilder::new().as_path(&[Asn(64513), Asn(4_200_000_000)]).med(7).build().unwrap();
    let mut nlri: bgp_wire::nlri::PathNlri<'_> = "203.0.113.0/24".parse::<ipnet::IpNet>().unwrap().into();
    nlri.path_id = add_path.then_some(PathId(1));
    let mut out = BytesMut::new();
    let next_hop = "192.0.2.1".parse().unwrap();
    Packer::new(&context).announce(&mut out, &block, next_hop, Family::IPV4_UNICAST, [nlri]).unwrap();
    out
}

fn record(content: &Content<'_>, micros: Option<u32>) -> Vec<u8> {
    let mut out = BytesMut::from(&[0xff][..]);
    content.encode(Timestamp { seconds: 1_400_000_000, micros }, &mut out).unwrap();
    out.to_vec()
}

fn mrt_seeds() -> BTreeMap<String, Vec<u8>> {
    let session = |v6: bool| Session {
        peer_as: Asn(64513),
        local_as: Asn(64512),
        interface: 0,
        peer_addr: if v6 { "2001:db8::1" } else { "192.0.2.1" }.parse().unwrap(),
        local_addr: if v6 { "2001:db8::2" } else { "192.0.2.2" }.parse().unwrap(),
    };
    let mut seeds = BTreeMap::new();
    for (four_octet_as, local, add_path) in (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)) {
        let message = update(four_octet_as, add_path);
        let message = BgpMessage { session: session(local), four_octet_as, local, add_path, message: &message };
        let content = Content::Message(message);
        let name = content.record_type().unwrap().to_string();
        let octets = record(&content, local.then_some(5));
        // The body alone, behind its place in the table of types, and the stream.
        let place = mrt::RecordType::NAMED.iter().position(|ty| Some(*ty) == content.record_type()).unwrap();
        let body = octets.get(if local { 17 } else { 13 }..).unwrap();
        seeds.insert(format!("{name}-body"), [&[u8::try_from(place).unwrap()][..], body].concat());
        seeds.insert(name, octets);
    }
    let (old, new) = (PeerState::OPEN_CONFIRM, PeerState::ESTABLISHED);
    for four_octet_as in [false, true] {
        let change = Content::StateChange(StateChange { session: session(four_octet_as), four_octet_as, old, new });
        seeds.insert(change.record_type().unwrap().to_string(), record(&change, None));
    }
    let mut peers = mrt::PeerIndexBuilder::new();
    for (addr, four_octet_as) in [("192.0.2.1", true), ("2001:db8::1", false)] {
        peers.push(Peer { bgp_id: BgpId(1), addr: addr.parse().unwrap(), asn: Asn(64513), four_octet_as }).unwrap();
    }
    let table = record(&Content::PeerIndexTable(peers.table(BgpId(9), b"view")), None);
    let block = AttrBuilder::new().as_path(&[Asn(64513)]).build().unwrap();
    for (family, net, hop) in [
        (Family::IPV4_UNICAST, "203.0.113.0/24", "192.0.2.1"),
        (Family::IPV6_MULTICAST, "2001:db8:1::/48", "2001:db8::1"),
    ] {
        for add_path in [false, true] {
            let mut rib = RibBuilder::prefix(0, family, net.parse().unwrap(), add_path).unwrap();
            let mut attributes = Vec::new();
            mrt::write_rib_attributes(&block, hop.parse().unwrap(), &mut attributes);
            for peer in 0..2 {
                let path_id = add_path.then_some(PathId(peer.into()));
                rib.push(&RibEntry { peer, originated: 1, path_id, attributes: &attributes }).unwrap();
            }
            let content = Content::Rib(rib.rib());
            let rib = record(&content, None);
            seeds.insert(content.record_type().unwrap().to_string(), [&table[..], rib.get(1..).unwrap()].concat());
        }
    }
    for path_id in [None, Some(PathId(3))] {
        let mut rib = RibBuilder::generic(0, Family::IPV4_UNICAST, path_id, &[24, 203, 0, 113]).unwrap();
        rib.push(&RibEntry { peer: 0, originated: 1, path_id: None, attributes: &block }).unwrap();
        let content = Content::Rib(rib.rib());
        seeds.insert(content.record_type().unwrap().to_string(), record(&content, None));
    }
    for (prefix, peer) in [("203.0.113.0/24", "192.0.2.1"), ("2001:db8:1::/48", "2001:db8::1")] {
        let (view, sequence, status, originated, peer_as) = (0, 1, 1, 2, Asn(64513));
        let (prefix, peer_addr) = (prefix.parse().unwrap(), peer.parse().unwrap());
        let attributes = &[0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfc, 1, 0x40, 3, 4, 192, 0, 2, 1];
        let dump = TableDump { view, sequence, prefix, status, originated, peer_addr, peer_as, attributes };
        let content = Content::TableDump(dump);
        seeds.insert(content.record_type().unwrap().to_string(), record(&content, None));
    }
    seeds
}

fn bmp_seeds() -> BTreeMap<String, Vec<u8>> {
    let peer = PeerHeader::new("192.0.2.1".parse().unwrap(), Asn(64513), BgpId(2));
    let (mut sent, mut received, mut cease) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    Open::new(Asn(64512), 90, BgpId(1)).encode(&mut sent).unwrap();
    Open::new(Asn(64513), 90, BgpId(2)).encode(&mut received).unwrap();
    Notification::new(NotificationCode::ADMIN_SHUTDOWN, &[]).encode(&mut cease);
    let (mut names, mut mirrored, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    bmp::write_tlv(bmp::InformationType::SYS_NAME.0, b"edge1", &mut names).unwrap();
    bmp::write_tlv(bmp::MirroringType::BGP_MESSAGE.0, &KEEPALIVE, &mut mirrored).unwrap();
    for (ty, value) in [
        (bmp::StatisticType::REJECTED_PREFIXES, bmp::StatisticValue::Counter(1)),
        (bmp::StatisticType::LOC_RIB_ROUTES, bmp::StatisticValue::Gauge(2)),
        (bmp::StatisticType::FAMILY_LOC_RIB_ROUTES, bmp::StatisticValue::FamilyGauge(Family::IPV6_UNICAST, 3)),
    ] {
        bmp::Statistic { ty, value }.write(&mut numbers).unwrap();
    }
    let information = Tlvs::new(&names).unwrap();
    let (local_address, local_port, remote_port) = ([0; 16], 179, 40000);
    let up = PeerUp { peer, local_address, local_port, remote_port, sent: &sent, received: &received, information };
    let (wide, narrow) = (update(true, false), update(false, false));
    let flags = PeerFlags::TWO_OCTET_AS.with(PeerFlags::ADJ_RIB_OUT);
    let outgoing = PeerHeader { flags, ..peer };
    let route = |peer, update| bmp::Message::RouteMonitoring(bmp::RouteMonitoring { peer, update });
    let down = |reason| bmp::Message::PeerDown(PeerDown { peer, reason });
    let mut seeds = BTreeMap::new();
    for (name, messages) in [
        ("session", vec![bmp::Message::PeerUp(up), route(peer, &wide), route(outgoing, &narrow), down(Reason::Remote)]),
        ("down", vec![down(Reason::LocalNotification(&cease)), down(Reason::LocalEvent(24))]),
        ("names", vec![bmp::Message::Initiation(information), down(Reason::LocalSystemClosed(information))]),
        ("end", vec![bmp::Message::Termination(Tlvs::new(&[0, 1, 0, 2, 0, 3]).unwrap())]),
        ("statistics", {
            let statistics = Statistics::new(&numbers).unwrap();
            vec![bmp::Message::StatisticsReport(StatisticsReport { peer, statistics })]
        }),
        ("mirroring", {
            let mirrored = Tlvs::new(&mirrored).unwrap();
            vec![bmp::Message::RouteMirroring(bmp::RouteMirroring { peer, mirrored })]
        }),
    ] {
        let mut out = BytesMut::from(&[0xff][..]);
        for message in &messages {
            message.encode(&mut out).unwrap();
        }
        let mut body = BytesMut::from(&[messages.first().unwrap().message_type().0][..]);
        body.extend_from_slice(out.get(7..).unwrap());
        if messages.len() == 1 {
            seeds.insert(format!("{name}-body"), body.to_vec());
        }
        seeds.insert(name.to_owned(), out.to_vec());
    }
    seeds
}

#[test]
fn seeds_are_what_the_writers_make() {
    for (target, seeds) in [("mrt", mrt_seeds()), ("bmp", bmp_seeds())] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        if std::env::var_os("WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            seeds.iter().for_each(|(name, octets)| std::fs::write(folder.join(name), octets).unwrap());
        }
        for (name, octets) in seeds {
            assert!(std::fs::read(folder.join(&name)).unwrap() == octets, "{target}/{name} is another one");
        }
    }
}

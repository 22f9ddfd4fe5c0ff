//! The tunnels with IPv6, by sections of RFC 2473 and RFC 4213.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use proptest::prelude::*;
use std::vec::Vec;

use super::header::{self, Header};
use super::icmp::message_checksum;
use super::*;
use crate::testing::{datagram, fix_checksum, udp};
use crate::{Reason, checksum};

mod fragments;
mod peers;

const NEAR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const FAR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const HOST: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 5);
const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 9);
const NEAR4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FAR4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const NOW: Duration = Duration::from_secs(1000);

/// Both ends of a tunnel, over IPv4 or IPv6.
fn pair(v4: bool) -> [Tunnel; 2] {
    let ends = if v4 {
        [Ends::V4 { local: NEAR4, remote: FAR4 }, Ends::V4 { local: FAR4, remote: NEAR4 }]
    } else {
        [Ends::V6 { local: NEAR, remote: FAR }, Ends::V6 { local: FAR, remote: NEAR }]
    };
    ends.map(|ends| Tunnel::new(Config::new(ends, EcnMode::Normal)))
}

fn near(v4: bool) -> Tunnel {
    let [near, _] = pair(v4);
    near
}

fn six(class: u8, next: u8, source: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    let payload_len = u16::try_from(payload.len()).unwrap();
    let mut octets = std::vec![0; 40];
    Header { class, flow: 0x12345, payload_len, next, hop_limit: 64, source, destination: OTHER }.write(&mut octets);
    octets.extend(payload);
    octets
}

fn buffer(inner: &[u8]) -> Vec<u8> {
    [&[0xaa; HEADROOM][..], inner].concat()
}

fn sent(tunnel: &mut Tunnel, inner: &[u8]) -> Result<Vec<u8>, (Reason, u16)> {
    let mut buffer = buffer(inner);
    let result = tunnel.encap(NOW, &mut buffer).map(|sent| sent.octets().to_vec());
    result.map_err(|error| {
        assert_eq!(buffer[HEADROOM..], *inner, "a refused datagram stays as it is");
        (error.reason, error.offset)
    })
}

fn taken(tunnel: &mut Tunnel, packet: &[u8]) -> Result<Vec<u8>, (Reason, u16)> {
    let mut octets = packet.to_vec();
    let result = tunnel.decap(&mut octets).map(|decapsulated| decapsulated.inner.to_vec());
    result.map_err(|error| {
        assert_eq!(octets, packet, "a refused datagram stays as it is");
        (error.reason, error.offset)
    })
}

#[test]
fn rfc2473_3_1_outer_header_of_4in6_and_6in6() {
    for (inner, next) in [(datagram(udp(), b"hello"), 4), (six(0xb9, 17, HOST, b"hello"), 41)] {
        let mut tunnel = near(false);
        let octets = sent(&mut tunnel, &inner).unwrap();
        let outer = Header::read(&octets).unwrap();
        assert_eq!((outer.source, outer.destination, outer.hop_limit), (NEAR, FAR, 64));
        assert_eq!((outer.next, outer.total(), outer.flow), (60, octets.len(), 0));
        assert_eq!(outer.class, if next == 41 { 0xb9 } else { 0 });
        // RFC 2473 section 6.6: the option has type 4, length 1 and 4 more tunnels.
        assert_eq!(octets[40..48], [next, 0, 4, 1, 4, 1, 1, 0]);
        tunnel.config.encap_limit = None;
        let octets = sent(&mut tunnel, &inner).unwrap();
        assert_eq!((Header::read(&octets).unwrap().next, octets.len()), (next, 40 + inner.len()));
    }
}

#[test]
fn rfc4213_3_5_outer_header_of_6in4() {
    let inner = six(0x02, 17, HOST, b"hello");
    let mut tunnel = near(true);
    let octets = sent(&mut tunnel, &inner).unwrap();
    assert_eq!((octets.len(), octets[0], octets[1], octets[8], octets[9]), (20 + inner.len(), 0x45, 2, 64, 41));
    assert_eq!((checksum(&octets[..20]), &octets[4..8]), (0, &[0, 0, 0x40, 0][..]));
    tunnel.config.static_mtu = true;
    assert_eq!(sent(&mut tunnel, &inner).unwrap()[6..8], [0, 0], "RFC 4213 section 3.2.1: DF is clear");
    assert_eq!(sent(&mut tunnel, &datagram(udp(), &[])), Err((Reason::InnerNotIp, 0)));
}

#[test]
fn rfc2473_4_1_1_limit_is_taken_from_the_inner_datagram() {
    let with = |limit| six(0, 60, HOST, &[59, 0, 1, 0, 4, 1, limit, 0]);
    let mut tunnel = near(false);
    assert_eq!(sent(&mut tunnel, &with(3)).unwrap()[44], 2);
    assert_eq!(sent(&mut tunnel, &with(0)), Err((Reason::EncapLimit, 46)));
    let mut space = [0; ICMP_MAX_LEN];
    let error = Error { reason: Reason::EncapLimit, offset: 46 };
    let told = tunnel.icmp_reply(&error, NOW, &with(0), &mut space).unwrap();
    // Parameter Problem, erroneous header field, pointer to the limit.
    assert_eq!((told[40], told[41], &told[44..48]), (4, 0, &[0, 0, 0, 46][..]));
    assert_eq!(message_checksum(&Header::read(told).unwrap(), &told[40..]), 0);
    // Behind hop-by-hop options too, and one's own limit holds where there is none.
    let behind = six(0, 0, HOST, &[60, 0, 1, 4, 0, 0, 0, 0, 59, 0, 4, 1, 1, 1, 1, 0]);
    assert_eq!(sent(&mut tunnel, &behind).unwrap()[44], 0);
    assert_eq!(sent(&mut tunnel, &six(0, 60, HOST, &[59, 0, 1, 4, 0, 0, 0, 0])).unwrap()[44], 4);
}

#[test]
fn rfc2473_7_1_ipv6_above_1280_is_told_and_below_is_fragmented() {
    let mut tunnel = near(false);
    tunnel.config.mtu = 1300;
    let long = six(0, 17, HOST, &[7; 1241]);
    assert_eq!(sent(&mut tunnel, &long), Err((Reason::TooBig, 4)));
    let mut space = [0; ICMP_MAX_LEN];
    let told = tunnel.icmp_reply(&Error { reason: Reason::TooBig, offset: 4 }, NOW, &long, &mut space).unwrap();
    assert_eq!((told[40], &told[44..48], told.len()), (2, &1280_u32.to_be_bytes()[..], 1280));
    let mut octets = buffer(&six(0, 17, HOST, &[7; 1240]));
    let sent = tunnel.encap(NOW, &mut octets).unwrap();
    let parts: Vec<_> = sent.fragments().collect();
    assert_eq!(parts.len(), 2);
    let mut payload = Vec::new();
    for (part, more) in parts.iter().zip([1, 0]) {
        let header = Header::read(part.header()).unwrap();
        assert_eq!((header.next, header.total()), (60, part.header().len() + part.payload().len()));
        assert!(header.total() <= 1300);
        // The options name the fragment header, and that the inner datagram.
        assert_eq!((part.header()[40], part.header()[48]), (44, 41));
        let field = u16::from_be_bytes([part.header()[50], part.header()[51]]);
        assert_eq!((usize::from(field >> 3) * 8, field & 7), (payload.len(), more));
        payload.extend_from_slice(&sent.inner()[part.payload()]);
    }
    assert_eq!(payload, sent.inner());
}

#[test]
fn rfc2473_7_2_ipv4_with_df_is_told_and_without_is_fragmented() {
    let mut tunnel = near(false);
    tunnel.config.icmp_source = Some(Ipv4Addr::new(10, 244, 0, 1));
    let mut inner = datagram(udp(), &[7; 1440]);
    assert_eq!(tunnel.tunnel_mtu(NOW), 1452);
    let mut octets = buffer(&inner);
    let sent_whole = tunnel.encap(NOW, &mut octets).unwrap();
    assert!(sent_whole.is_fragmented() && sent_whole.fragments().count() == 2);
    inner[6] = 0x40;
    fix_checksum(&mut inner);
    assert_eq!(sent(&mut tunnel, &inner), Err((Reason::TooBig, 2)));
    let mut space = [0; ICMP_MAX_LEN];
    let told = tunnel.icmp_reply(&Error { reason: Reason::TooBig, offset: 2 }, NOW, &inner, &mut space).unwrap();
    assert_eq!((told[20], told[21], &told[26..28]), (3, 4, &1452_u16.to_be_bytes()[..]));
}

#[test]
fn rfc4213_3_2_2_small_paths_fragment_outside() {
    let mut tunnel = near(true);
    tunnel.config.mtu = 1000;
    assert_eq!(sent(&mut tunnel, &six(0, 17, HOST, &[7; 1241])), Err((Reason::TooBig, 4)));
    let mut octets = buffer(&six(0, 17, HOST, &[7; 1240]));
    let sent = tunnel.encap(NOW, &mut octets).unwrap();
    let headers: Vec<_> = sent.fragments().map(|part| part.header().to_vec()).collect();
    assert_eq!(headers.iter().map(|header| checksum(header)).collect::<Vec<_>>(), [0, 0]);
    assert_eq!((headers[0][6], headers[1][6..8].to_vec()), (0x20, (976_u16 / 8).to_be_bytes().to_vec()));
}

#[test]
fn rfc2473_8_1_errors_are_relayed_when_they_are_about_our_datagrams() {
    let inner = six(0, 17, HOST, &[7; 1400]);
    let quoted = sent(&mut near(false), &inner).unwrap();
    let message = |kind: u8, code: u8, rest: u32, quoted: &[u8]| {
        let body = [&[kind, code, 0, 0][..], &rest.to_be_bytes(), &quoted[..quoted.len().min(1192)]].concat();
        let payload_len = u16::try_from(body.len()).unwrap();
        let header =
            Header { class: 0, flow: 0, payload_len, next: 58, hop_limit: 61, source: OTHER, destination: NEAR };
        let mut octets = std::vec![0; 40];
        header.write(&mut octets);
        octets.extend(body);
        let sum = message_checksum(&header, &octets[40..]).to_be_bytes();
        octets[42..44].copy_from_slice(&sum);
        octets
    };
    for (kind, code, rest, told) in [
        (1, 0, 0, Some((1, 3, 0))),
        (1, 4, 0, Some((1, 3, 0))),
        (2, 0, 1400, Some((2, 0, 1352))),
        (2, 0, 1300, Some((2, 0, 1280))),
        (2, 0, 1500, Some((2, 0, 1452))),
        (2, 0, 9000, None),
        (3, 0, 0, Some((1, 3, 0))),
        (4, 0, 44, Some((1, 3, 0))),
        (4, 0, 7, None),
        (4, 1, 44, None),
    ] {
        let mut tunnel = near(false);
        let mut space = [0; ICMP_MAX_LEN];
        let reply = tunnel.relay(NOW, &message(kind, code, rest, &quoted), &mut space).unwrap();
        let reply = reply.map(|octets| {
            let header = Header::read(octets).unwrap();
            assert_eq!((header.source, header.destination), (NEAR, HOST));
            assert_eq!(octets[48..88], near_sent(&inner)[..40]);
            (octets[40], octets[41], u32::from_be_bytes([octets[44], octets[45], octets[46], octets[47]]))
        });
        assert_eq!(reply, told, "{kind}/{code} {rest}");
    }
    let mut tunnel = near(false);
    let foreign = message(2, 0, 1280, &six(0, 41, HOST, &quoted));
    assert_eq!(tunnel.relay(NOW, &foreign, &mut []).unwrap_err().reason, Reason::IcmpForeignQuote);
    let mut broken = message(2, 0, 1280, &quoted);
    broken[60] ^= 1;
    assert_eq!(tunnel.relay(NOW, &broken, &mut []).unwrap_err().reason, Reason::IcmpChecksum);
    assert_eq!(tunnel.path_mtu(NOW), 1500, "neither poisons the path MTU");
    tunnel.relay(NOW, &message(2, 0, 600, &quoted), &mut []).unwrap();
    assert_eq!(tunnel.path_mtu(NOW), 1280);
    assert_eq!(tunnel.path_mtu(NOW + crate::Path::MTU_AGE), 1500);
}

/// The inner datagram as the tunnel sends it.
fn near_sent(inner: &[u8]) -> Vec<u8> {
    let mut inner = inner.to_vec();
    header::decrement_hops(&mut inner);
    inner
}

#[test]
fn rfc4213_3_4_icmp_of_6in4_is_learned_and_told() {
    let mut tunnel = near(true);
    tunnel.config.icmpv6_source = Some(NEAR);
    let inner = six(0, 17, HOST, &[7; 1400]);
    let quoted = sent(&mut tunnel, &inner).unwrap();
    let mut body = [&[3, 4, 0, 0, 0, 0][..], &1400_u16.to_be_bytes(), &quoted[..528]].concat();
    let sum = checksum(&body).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    let router = Ipv4Addr::new(198, 51, 100, 1);
    let message =
        datagram(crate::header::Header { ttl: 9, protocol: 1, ..crate::header::Header::new(router, NEAR4) }, &body);
    let mut space = [0; ICMP_MAX_LEN];
    let told = tunnel.relay(NOW, &message, &mut space).unwrap().unwrap();
    assert_eq!((told[40], &told[44..48]), (2, &1380_u32.to_be_bytes()[..]));
    assert_eq!(tunnel.path_mtu(NOW), 1400);
}

#[test]
fn vu199397_only_the_other_end_and_sane_sources() {
    let inner = six(0, 17, HOST, b"hello");
    for v4 in [true, false] {
        let [mut near, mut far] = pair(v4);
        let packet = sent(&mut near, &inner).unwrap();
        assert!(taken(&mut far, &packet).is_ok());
        assert_eq!(taken(&mut near, &packet).unwrap_err().0, Reason::NotLocal);
        let mut forged = packet.clone();
        forged[if v4 { 15 } else { 23 }] = 0x66;
        if v4 {
            fix_checksum(&mut forged);
        }
        assert_eq!(taken(&mut far, &forged).unwrap_err().0, Reason::SourceNotAllowed);
        let end: Ipv6Addr = if v4 { Ipv6Addr::LOCALHOST } else { FAR };
        let mapped = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201);
        let compatible = Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0xc000, 0x0201);
        let multicast = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        for source in [Ipv6Addr::LOCALHOST, mapped, compatible, multicast, end] {
            near.config.forwarded = false;
            let packet = sent(&mut near, &six(0, 17, source, b"hello")).unwrap();
            assert_eq!(taken(&mut far, &packet).unwrap_err().0, Reason::InnerMartian, "{source}");
        }
        near.config.nested = true;
        let packet = sent(&mut near, &six(0, 41, HOST, &inner)).unwrap();
        assert_eq!(taken(&mut far, &packet).unwrap_err().0, Reason::Nesting);
    }
}

#[test]
fn rfc8200_4_2_unknown_options_outside_are_not_passed_over() {
    let [mut near, mut far] = pair(false);
    let mut packet = sent(&mut near, &six(0, 17, HOST, b"hello")).unwrap();
    packet[42] = 0x84;
    assert_eq!(taken(&mut far, &packet), Err((Reason::OuterBadHeader, 40)));
    packet[42] = 0x04;
    packet[6] = 44;
    assert_eq!(taken(&mut far, &packet), Err((Reason::OuterFragment, 6)));
    packet[6] = 47;
    assert_eq!(taken(&mut far, &packet), Err((Reason::NotIpip, 6)));
}

#[test]
fn rfc2473_4_1_2_loops() {
    let mut tunnel = near(false);
    assert_eq!(sent(&mut tunnel, &six(0, 17, NEAR, &[])), Err((Reason::Loop, 8)));
    let mut to_exit = six(0, 17, HOST, &[]);
    to_exit[24..40].copy_from_slice(&FAR.octets());
    assert_eq!(sent(&mut tunnel, &to_exit), Err((Reason::Loop, 24)));
    let mut last = six(0, 17, HOST, &[]);
    last[7] = 1;
    assert_eq!(sent(&mut tunnel, &last), Err((Reason::TtlExceeded, 7)));
}

#[test]
fn rfc6040_4_2_marks_come_out() {
    for (v4, inner) in [
        (true, six(0xba, 17, HOST, &[])),
        (false, six(0xba, 17, HOST, &[])),
        (false, datagram(crate::header::Header { tos: 0xba, ..udp() }, &[])),
    ] {
        let [mut near, mut far] = pair(v4);
        let mut packet = sent(&mut near, &inner).unwrap();
        header::set_class(&mut packet, 0xbb);
        let out = taken(&mut far, &packet).unwrap();
        let mut expected = near_sent(&inner);
        header::set_class(&mut expected, 0xbb);
        assert_eq!(out, expected);
    }
}

proptest! {
    #[test]
    fn decapsulation_gives_what_was_encapsulated(
        class: u8, payload in proptest::collection::vec(any::<u8>(), 0..1300), v4: bool, four: bool, limit: Option<u8>, pad in 0_usize..9,
    ) {
        let [mut near, mut far] = pair(v4);
        near.config.encap_limit = limit;
        let four = four && !v4;
        let inner = if four {
            datagram(crate::header::Header { tos: class, ..udp() }, &payload)
        } else {
            six(class, 17, HOST, &payload)
        };
        let mut packet = sent(&mut near, &[&inner[..], &[0xee; 8][..pad]].concat()).unwrap();
        packet.extend([0xdd; 8].iter().take(pad));
        prop_assert_eq!(taken(&mut far, &packet).unwrap(), near_sent(&inner));
    }

    #[test]
    fn never_panics_and_refuses_without_a_trace(
        octets in proptest::collection::vec(any::<u8>(), 0..200), v4: bool, change in any::<prop::sample::Index>(), to: u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let [mut near, mut far] = pair(v4);
        let mut packet = sent(&mut near, &six(0, 60, HOST, &[59, 0, 4, 1, 7, 1, 1, 0])).unwrap();
        let at = change.index(packet.len());
        packet[at] = to;
        packet.truncate(cut.index(packet.len() + 1));
        let mut space = [0; ICMP_MAX_LEN];
        for packet in [packet, octets] {
            let _ = taken(&mut far, &packet);
            let _ = near.relay(NOW, &packet, &mut space).map(|told| told.is_some());
            if let Err((reason, offset)) = sent(&mut near, &packet) {
                let told = near.icmp_reply(&Error { reason, offset }, NOW, &packet, &mut space);
                prop_assert!(told.is_none_or(|told| told.len() <= ICMP_MAX_LEN));
            }
        }
    }
}

#[test]
fn rfc5969_9_2_sources_embed_the_exit_they_come_from() {
    let far4 = Ipv4Addr::new(198, 51, 100, 7);
    let relay = Ipv4Addr::new(192, 0, 2, 99);
    let of = |exit: Ipv4Addr| Ipv6Addr::from_bits(0x2002 << 112 | u128::from(exit.to_bits()) << 80 | 5);
    let end = |local| {
        let mut config = Config::new(Ends::V4 { local, remote: relay }, EcnMode::Normal);
        config.embedding = Some(Embedding::six_to_four());
        Tunnel::new(config)
    };
    let datagram = |source, destination| {
        let mut octets = six(0, 17, source, &[0; 12]);
        octets[24..40].copy_from_slice(&Ipv6Addr::octets(&destination));
        octets
    };
    let sent = |source, destination| {
        let mut buffer = [&[0; HEADROOM][..], &datagram(source, destination)].concat();
        end(NEAR4).encap(NOW, &mut buffer).map(|sent| sent.octets().to_vec())
    };
    // From site to site without the relay, to the rest of the world by it.
    let direct = sent(of(NEAR4), of(far4)).unwrap();
    assert_eq!((&direct[16..20], end(far4).decap(&mut direct.clone()).unwrap().inner.len()), (&far4.octets()[..], 52));
    assert_eq!(sent(of(NEAR4), OTHER).unwrap()[16..20], relay.octets());
    for nowhere in [NEAR4, Ipv4Addr::LOCALHOST, Ipv4Addr::new(224, 0, 0, 1)] {
        assert_eq!(sent(of(NEAR4), of(nowhere)).unwrap_err().reason, Reason::Loop, "{nowhere}");
    }
    let taken = |from: Ipv4Addr, source| {
        let inner = datagram(source, of(NEAR4));
        let total_len = u16::try_from(20 + inner.len()).unwrap();
        let outer = crate::header::Header { total_len, ttl: 9, ..super::header::outer_v4(from, NEAR4) };
        end(NEAR4)
            .decap(&mut [&outer.write()[..], &inner].concat())
            .map(|_| ())
            .map_err(|error| (error.reason, error.offset))
    };
    assert_eq!(taken(far4, of(far4)), Ok(()));
    assert_eq!(taken(relay, OTHER), Ok(()));
    assert_eq!(taken(far4, of(FAR4)), Err((Reason::InnerSourceNotAllowed, 28)));
    assert_eq!(taken(relay, of(FAR4)), Err((Reason::InnerSourceNotAllowed, 28)));
    assert_eq!(taken(far4, OTHER), Err((Reason::SourceNotAllowed, 12)));
    let mut plain = end(NEAR4);
    plain.config.embedding = None;
    let error = plain.decap(&mut sent(of(NEAR4), of(far4)).unwrap()).unwrap_err();
    assert_eq!(error.reason, Reason::NotLocal);
}

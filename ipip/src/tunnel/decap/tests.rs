//! Decapsulation: what is refused, and that what comes out is what went in.

use core::net::Ipv4Addr;
use proptest::prelude::*;
use std::vec::Vec;

use crate::header::Header;
use crate::testing::{FAR, NEAR, NOW, OTHER, POD, datagram, far, fix_checksum, inners, near, udp, with_headroom};
use crate::{AnyPeer, Config, DscpDecap, EcnMode, NoPeers, Path, PeerSet, Reason, SortedPeers, Tunnel};

/// An outer datagram from [`NEAR`] to [`FAR`].
fn outer(inner: &[u8]) -> Vec<u8> {
    datagram(Header { ttl: 61, ..Header::new(NEAR, FAR) }, inner)
}

fn reason<P: PeerSet>(tunnel: &mut Tunnel<P>, packet: &[u8]) -> Option<(Reason, u16)> {
    let mut octets = packet.to_vec();
    let error = tunnel.decap(&mut octets).err()?;
    assert_eq!(octets, packet, "a refused datagram stays as it is");
    assert!(tunnel.counters().dropped(error.reason) > 0);
    Some((error.reason, error.offset))
}

#[test]
fn vu636397_only_configured_peers_and_our_address() {
    let packet = outer(&datagram(udp(), &[]));
    let config = Config::new(FAR, EcnMode::Normal);
    assert_eq!(reason(&mut far(), &packet), None);
    assert_eq!(reason(&mut Tunnel::new(config, NoPeers::new()), &packet), Some((Reason::SourceNotAllowed, 12)));
    assert_eq!(reason(&mut Tunnel::new(config, POD), &packet), Some((Reason::SourceNotAllowed, 12)));
    let mut any = Tunnel::new(config, AnyPeer::accept_every_source());
    assert_eq!(reason(&mut any, &packet), None);
    for source in [Ipv4Addr::new(224, 0, 0, 1), Ipv4Addr::BROADCAST, Ipv4Addr::LOCALHOST, FAR] {
        let packet = datagram(Header { ttl: 9, ..Header::new(source, FAR) }, &datagram(udp(), &[]));
        assert_eq!(reason(&mut any, &packet), Some((Reason::SourceNotAllowed, 12)), "{source}");
    }
    for destination in [POD, Ipv4Addr::new(224, 0, 0, 1), Ipv4Addr::BROADCAST] {
        let packet = datagram(Header { ttl: 9, ..Header::new(NEAR, destination) }, &datagram(udp(), &[]));
        assert_eq!(reason(&mut far(), &packet), Some((Reason::NotLocal, 16)), "{destination}");
    }
}

#[test]
fn rfc2003_3_1_outer_header_is_checked() {
    let packet = outer(&datagram(udp(), &[1, 2, 3]));
    let with = |at: usize, octet: u8, fix: bool| {
        let mut octets = packet.clone();
        octets[at] = octet;
        if fix {
            fix_checksum(&mut octets);
        }
        octets
    };
    for (packet, refused) in [
        (packet[..19].to_vec(), (Reason::OuterTruncated, 0)),
        (packet[..42].to_vec(), (Reason::OuterTruncated, 2)),
        (with(0, 0x65, false), (Reason::OuterNotIpv4, 0)),
        (with(0, 0x44, false), (Reason::OuterBadHeader, 0)),
        (with(3, 19, true), (Reason::OuterBadHeader, 2)),
        (with(8, 3, false), (Reason::OuterChecksum, 10)),
        (with(9, 94, true), (Reason::NotIpip, 9)),
        (with(6, 0x20, true), (Reason::OuterFragment, 6)),
        (with(7, 0x01, true), (Reason::OuterFragment, 6)),
        (with(3, 20, true), (Reason::InnerTruncated, 20)),
    ] {
        assert_eq!(reason(&mut far(), &packet), Some(refused));
    }
    let mut config = Config::new(FAR, EcnMode::Normal);
    config.verify_outer_checksum = false;
    assert_eq!(reason(&mut Tunnel::new(config, NEAR), &with(8, 3, false)), None);
}

#[test]
fn rfc2003_3_1_padding_is_trimmed_on_both_levels_and_options_skipped() {
    let inner = datagram(udp(), &[1, 2, 3]);
    let mut packet = outer(&[&[1_u8; 8][..], &inner[..], &[0xee; 5]].concat());
    packet[0] = 0x47;
    fix_checksum(&mut packet);
    packet.extend([0xdd; 6]);
    let mut tunnel = far();
    let decapsulated = tunnel.decap(&mut packet).unwrap();
    assert_eq!((decapsulated.offset, decapsulated.peer, decapsulated.outer_ttl), (28, NEAR, 61));
    assert_eq!(decapsulated.inner, inner);
    assert_eq!(tunnel.counters().decapsulated, 1);
}

#[test]
fn rfc1812_5_3_7_martians_inside() {
    for (source, destination, offset) in [
        (Ipv4Addr::new(0, 1, 2, 3), OTHER, 32),
        (Ipv4Addr::UNSPECIFIED, OTHER, 32),
        (Ipv4Addr::LOCALHOST, OTHER, 32),
        (Ipv4Addr::new(239, 1, 1, 1), OTHER, 32),
        (Ipv4Addr::new(240, 0, 0, 1), OTHER, 32),
        (Ipv4Addr::BROADCAST, OTHER, 32),
        (NEAR, OTHER, 32),
        (FAR, OTHER, 32),
        (POD, Ipv4Addr::LOCALHOST, 36),
        (POD, Ipv4Addr::UNSPECIFIED, 36),
    ] {
        let packet = outer(&datagram(Header { source, destination, ..udp() }, &[]));
        assert_eq!(reason(&mut far(), &packet), Some((Reason::InnerMartian, offset)), "{source} {destination}");
    }
    // RFC 1812 section 4.2.2.11: a DHCP client has no address yet.
    let dhcp = Header { source: Ipv4Addr::UNSPECIFIED, destination: Ipv4Addr::BROADCAST, ..udp() };
    assert_eq!(reason(&mut far(), &outer(&datagram(dhcp, &[0, 68, 0, 67]))), None);
    assert_eq!(reason(&mut far(), &outer(&datagram(dhcp, &[0, 67, 0, 68]))), Some((Reason::InnerMartian, 32)));
}

#[test]
fn vu199397_inner_addresses_by_peer_and_nesting() {
    struct Strict;
    impl PeerSet for Strict {
        fn contains(&self, source: Ipv4Addr) -> bool {
            source == NEAR
        }
        fn allows_source(&self, peer: Ipv4Addr, inner: Ipv4Addr) -> bool {
            peer == NEAR && inner == POD
        }
        fn allows_destination(&self, inner: Ipv4Addr) -> bool {
            inner == OTHER
        }
        fn is_own(&self, address: Ipv4Addr) -> bool {
            address == Ipv4Addr::new(10, 244, 9, 9)
        }
    }
    let mut tunnel = Tunnel::new(Config::new(FAR, EcnMode::Normal), Strict);
    let mut with =
        |source, destination| reason(&mut tunnel, &outer(&datagram(Header { source, destination, ..udp() }, &[])));
    assert_eq!(with(POD, OTHER), None);
    assert_eq!(with(OTHER, OTHER), Some((Reason::InnerSourceNotAllowed, 32)));
    assert_eq!(with(POD, POD), Some((Reason::InnerDestinationNotAllowed, 36)));
    assert_eq!(with(Ipv4Addr::new(10, 244, 9, 9), OTHER), Some((Reason::InnerMartian, 32)));
    let nested = outer(&datagram(Header { protocol: 4, ..udp() }, &datagram(udp(), &[])));
    assert_eq!(reason(&mut tunnel, &nested), Some((Reason::Nesting, 29)));
    let gre = outer(&datagram(Header { protocol: 47, ..udp() }, &[]));
    assert_eq!(reason(&mut tunnel, &gre), None);
    tunnel.config_mut().count_gre = true;
    assert_eq!(reason(&mut tunnel, &gre), Some((Reason::Nesting, 29)));
}

#[test]
fn rfc6040_4_2_fields_combine_and_the_checksum_follows() {
    for dscp in [DscpDecap::Pipe, DscpDecap::Uniform] {
        for tos in 0..=u8::MAX {
            for outer_ecn in 0..4 {
                let outer_tos = 0x48 | outer_ecn;
                let packet = datagram(
                    Header { tos: outer_tos, ttl: 9, ..Header::new(NEAR, FAR) },
                    &datagram(Header { tos, ..udp() }, &[]),
                );
                let mut config = Config::new(FAR, EcnMode::Normal);
                config.dscp_decap = dscp;
                let mut tunnel = Tunnel::new(config, NEAR);
                let mut octets = packet.clone();
                let combined = crate::ecn::combine(tos, outer_tos);
                let result = tunnel.decap(&mut octets);
                match (combined.inner, result) {
                    (Some(ecn), Ok(decapsulated)) => {
                        let high = if dscp == DscpDecap::Pipe { tos & 0xfc } else { 0x48 };
                        assert_eq!(decapsulated.inner, datagram(Header { tos: high | ecn, ..udp() }, &[]));
                        assert_eq!(decapsulated.ecn_anomaly, combined.anomaly);
                    }
                    (None, Err(error)) => assert_eq!(error.reason, Reason::EcnDrop),
                    (expected, result) => panic!("{tos} {outer_ecn}: {expected:?} {result:?}"),
                }
                assert_eq!(tunnel.counters().ecn_anomalies, u64::from(combined.anomaly));
            }
        }
    }
}

proptest! {
    #[test]
    fn rfc2003_3_decapsulation_gives_what_was_encapsulated(inner in inners()) {
        let mut config = near();
        config.mtu = u16::MAX;
        let mut buffer = with_headroom(&inner);
        Tunnel::new(config, NoPeers::new()).encap(&Path::new(FAR), NOW, &mut buffer).unwrap();
        let mut tunnel = far();
        let decapsulated = tunnel.decap(&mut buffer).unwrap();
        prop_assert_eq!(decapsulated.inner, &inner[..]);
        prop_assert!(!decapsulated.ecn_anomaly);
    }

    #[test]
    fn the_short_way_is_the_long_way(
        inner in inners(), change in any::<prop::sample::Index>(), to: u8, fix: bool, cut in 0_usize..3, outer_tos: u8, uniform: bool,
    ) {
        let mut packet = datagram(Header { tos: outer_tos, ttl: 61, ..Header::new(NEAR, FAR) }, &inner);
        let at = change.index(packet.len().min(44));
        packet[at] = to;
        if fix && packet[0] == 0x45 {
            fix_checksum(&mut packet);
        }
        packet.truncate(packet.len() - cut);
        let (mut short, mut long) = (far(), far());
        let dscp = if uniform { DscpDecap::Uniform } else { DscpDecap::Pipe };
        (short.config_mut().dscp_decap, long.config_mut().dscp_decap) = (dscp, dscp);
        let (mut one, mut other) = (packet.clone(), packet);
        prop_assert_eq!(short.decap(&mut one), long.decap_in_detail(&mut other));
        prop_assert_eq!(one, other);
        prop_assert_eq!(short.counters(), long.counters());
    }

    #[test]
    fn never_panics_and_gives_a_part_of_the_packet(
        octets in proptest::collection::vec(any::<u8>(), 0..200), inner in inners(), cut in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(), to: u8,
    ) {
        let mut changed = outer(&inner);
        let at = change.index(changed.len().min(44));
        changed[at] = to;
        changed.truncate(cut.index(changed.len() + 1));
        for mut packet in [octets, changed] {
            let before = packet.clone();
            let range = packet.as_ptr_range();
            let mut tunnel = far();
            tunnel.config_mut().verify_outer_checksum = false;
            match tunnel.decap(&mut packet) {
                Ok(decapsulated) => {
                    let part = decapsulated.inner.as_ptr_range();
                    prop_assert!(range.start <= part.start && part.end <= range.end);
                    prop_assert!(!decapsulated.inner.is_empty());
                    let at = decapsulated.offset;
                    prop_assert_eq!(&before[at + 12..at + decapsulated.inner.len()], &decapsulated.inner[12..]);
                }
                Err(_) => prop_assert_eq!(packet, before),
            }
        }
    }
}

proptest! {
    /// The short way and the long way say the same of any datagram, under any configuration.
    #[test]
    fn rfc2003_3_1_the_short_way_is_the_long_way(
        inner in inners(), marks in prop::array::uniform2(0_u8..4), peer in 0_u8..8, verify: (bool, bool), uniform: bool,
        change: Option<(prop::sample::Index, u8)>, padding in 0_usize..3, repair in 0_u8..3, remote: bool,
    ) {
        let source = match peer {
            0 => FAR,
            1 => Ipv4Addr::new(127, 0, 0, 1),
            2 => Ipv4Addr::new(198, 51, 100, 1),
            _ => NEAR,
        };
        let total_len = u16::try_from(20 + inner.len()).unwrap();
        let outer = Header { tos: marks[0], total_len, ttl: 9, ..Header::new(source, FAR) };
        let mut packet = [&outer.write()[..], &inner[..]].concat();
        packet[21] = (packet[21] & 0xfc) | marks[1];
        fix_checksum(&mut packet[20..]);
        if let Some((at, octet)) = change {
            let at = at.index(40);
            packet[at] = octet;
            // A right checksum lets the checks behind it speak.
            if repair > 0 && packet[0] == 0x45 && packet[20] & 15 >= 5 {
                fix_checksum(&mut packet);
                if usize::from(packet[20] & 15) * 4 <= packet.len() - 20 {
                    fix_checksum(&mut packet[20..]);
                }
            }
        }
        packet.extend(&[0xdd; 3][..padding]);
        let mut config = Config::new(FAR, EcnMode::Normal);
        config.remote = remote.then_some(NEAR);
        (config.verify_outer_checksum, config.verify_inner_checksum) = verify;
        config.dscp_decap = if uniform { DscpDecap::Uniform } else { DscpDecap::Pipe };
        let peers = [Ipv4Addr::new(127, 0, 0, 1), NEAR, FAR];
        let peers = SortedPeers::new(&peers).unwrap();
        let (mut short, mut long) = (packet.clone(), packet.clone());
        let mut tunnel = Tunnel::new(config, peers);
        prop_assert_eq!(tunnel.clone().decap(&mut short), tunnel.decap_in_detail(&mut long));
        prop_assert_eq!(short, long);
    }
}

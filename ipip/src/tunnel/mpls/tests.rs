//! MPLS in IP, by sections of RFC 4023.

use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::testing::{FAR, NEAR, NOW, datagram, far, near, udp, with_headroom};
use crate::{Config, Mode, NoPeers, Reassembly};

/// Label 100 with traffic class 5 and TTL 64 over label 16, the bottom, and a payload.
const PACKET: [u8; 11] = [0x00, 0x06, 0x4a, 64, 0x00, 0x01, 0x01, 3, b'p', b'a', b'y'];

fn mpls(config: Config) -> Config {
    Config { mode: Mode::Mplsip, ..config }
}

fn sent(config: Config, packet: &[u8]) -> Result<Vec<Vec<u8>>, Reason> {
    let mut buffer = with_headroom(packet);
    let mut tunnel = Tunnel::new(config, NoPeers::new());
    match tunnel.encap_mpls(&Path::new(FAR), NOW, &mut buffer) {
        Ok(sent) => {
            let whole = |fragment: crate::Fragment| [fragment.header(), &sent.inner()[fragment.payload()]].concat();
            Ok(sent.fragments().map(whole).collect())
        }
        Err(error) => {
            assert_eq!(tunnel.counters().dropped(error.reason), 1);
            assert_eq!(buffer, with_headroom(packet), "a refused packet stays as it is");
            Err(error.reason)
        }
    }
}

fn exit(mode: Mode) -> Tunnel<Ipv4Addr> {
    let mut tunnel = far();
    tunnel.config_mut().mode = mode;
    tunnel
}

fn got(tunnel: &mut Tunnel<Ipv4Addr>, packet: &[u8]) -> Result<(Vec<u8>, usize), Reason> {
    let mut packet = packet.to_vec();
    tunnel.decap_mpls(&mut packet).map(|got| (got.packet.to_vec(), got.stack_len)).map_err(|error| error.reason)
}

fn outer(with: Header, packet: &[u8]) -> Vec<u8> {
    datagram(Header { protocol: PROTOCOL_MPLS, ttl: 9, ..with }, packet)
}

#[test]
fn rfc4023_3_protocol_137_there_and_back() {
    let out = sent(mpls(near()), &PACKET).unwrap();
    // Class selector 5, DF, TTL 64; the checksum is checked at the exit.
    assert_eq!(out[0][..10], [0x45, 0xa0, 0, 31, 0, 0, 0x40, 0, 64, 137]);
    assert_eq!(got(&mut exit(Mode::Any), &out[0]), Ok((PACKET.to_vec(), 8)));
    let mut config = mpls(near());
    (config.tos, config.ttl) = (Tos::Fixed(0xbb), Ttl::Inherit);
    assert_eq!(sent(config, &[0, 6, 0x4b, 17]).unwrap()[0][..10], [0x45, 0xb8, 0, 24, 0, 0, 0x40, 0, 17, 137]);
}

#[test]
fn rfc4023_the_mode_says_what_is_carried() {
    assert_eq!(sent(near(), &PACKET), Err(Reason::NotCarried));
    let ip = datagram(udp(), b"pay");
    let labelled = outer(Header::new(NEAR, FAR), &PACKET);
    let plain = datagram(Header { ttl: 9, ..Header::new(NEAR, FAR) }, &ip);
    for (mode, takes_ip, takes_mpls) in
        [(Mode::Ipip, true, false), (Mode::Mplsip, false, true), (Mode::Any, true, true)]
    {
        let mut tunnel = exit(mode);
        // Twice: what is prepared with the first one must not let the second one through.
        for _ in 0..2 {
            let result = tunnel.decap(&mut plain.clone()).map(|_| ()).map_err(|error| error.reason);
            assert_eq!(result, if takes_ip { Ok(()) } else { Err(Reason::NotIpip) }, "{mode:?}");
            let result = got(&mut tunnel, &labelled).map(|_| ());
            assert_eq!(result, if takes_mpls { Ok(()) } else { Err(Reason::NotIpip) }, "{mode:?}");
            assert_eq!(tunnel.decap(&mut labelled.clone()).unwrap_err().reason, Reason::NotIpip);
            assert_eq!(got(&mut tunnel, &plain), Err(Reason::NotIpip));
            let result = tunnel.encap(&Path::new(NEAR), NOW, &mut with_headroom(&ip)).map(|_| ());
            assert_eq!(result.map_err(|error| error.reason), if takes_ip { Ok(()) } else { Err(Reason::NotCarried) });
        }
    }
}

#[test]
fn rfc3032_2_1_a_stack_has_a_bottom_and_no_implicit_null() {
    for (packet, refused) in [
        (&PACKET[..], None),
        (&PACKET[..8], None),
        (&PACKET[..7], Some(Reason::LabelStack)),
        (&PACKET[..4], Some(Reason::LabelStack)),
        (&[], Some(Reason::LabelStack)),
        (&[0, 0, 1, 1], None),
        (&[0, 0, 0x31, 1], Some(Reason::LabelStack)),
        (&[0, 6, 0x40, 1, 0, 0, 0x31, 1], Some(Reason::LabelStack)),
    ] {
        assert_eq!(sent(mpls(near()), packet).err(), refused, "{packet:?}");
        assert_eq!(got(&mut exit(Mode::Mplsip), &outer(Header::new(NEAR, FAR), packet)).err(), refused, "{packet:?}");
    }
    assert_eq!(sent(mpls(near()), &[0, 6, 0x41, 0]), Err(Reason::TtlExceeded));
    let mut tunnel = Tunnel::new(mpls(near()), NoPeers::new());
    let error = tunnel.encap_mpls(&Path::new(NEAR), NOW, &mut with_headroom(&PACKET)).unwrap_err();
    assert_eq!(error.reason, Reason::Loop);
    assert_eq!(tunnel.encap_mpls(&Path::new(FAR), NOW, &mut [0; 19]).unwrap_err().reason, Reason::NoHeadroom);
}

#[test]
fn rfc4023_5_1_fragments_only_where_df_is_never_set() {
    let packet = [&PACKET[..], &[7; 600]].concat();
    let mut config = mpls(near());
    config.mtu = 600;
    for (df, how, count) in [
        (Df::Inherit, Fragmentation::Outer, Err(Reason::TooBig)),
        (Df::Always, Fragmentation::Outer, Err(Reason::TooBig)),
        (Df::Never, Fragmentation::Inner, Err(Reason::TooBig)),
        (Df::Never, Fragmentation::Outer, Ok(2)),
    ] {
        (config.df, config.fragmentation) = (df, how);
        assert_eq!(sent(config, &packet).map(|sent| sent.len()), count);
    }
    let mut space = [0; 2000];
    let mut reassembly = Reassembly::new(&mut space);
    let mut tunnel = exit(Mode::Mplsip);
    let fragments = sent(config, &packet).unwrap();
    assert_eq!(got(&mut tunnel, &fragments[0]), Err(Reason::OuterFragment));
    assert_eq!(tunnel.reassemble(&mut reassembly, NOW, &fragments[1]), Ok(None));
    let whole = tunnel.reassemble(&mut reassembly, NOW, &fragments[0]).unwrap().unwrap();
    assert_eq!(tunnel.decap_mpls(whole).unwrap().packet, packet);
    config.df = Df::Never;
    config.mtu = 65535;
    assert_eq!(sent(config, &[&PACKET[..], &[0; 65600]].concat()), Err(Reason::TooBig), "no length says so much");
}

#[test]
fn rfc4023_5_2_and_5_3_the_tail_may_take_ttl_and_class_but_never_raises() {
    for (ttl, dscp, outer_ttl, top) in [
        (Ttl::Fixed(64), DscpDecap::Pipe, 9, [0, 6, 0x4a, 64]),
        (Ttl::Inherit, DscpDecap::Pipe, 9, [0, 6, 0x4a, 9]),
        (Ttl::Inherit, DscpDecap::Uniform, 200, [0, 6, 0x44, 64]),
    ] {
        let mut tunnel = exit(Mode::Any);
        (tunnel.config_mut().ttl, tunnel.config_mut().dscp_decap) = (ttl, dscp);
        let header = Header { protocol: PROTOCOL_MPLS, ttl: outer_ttl, tos: 0x48, ..Header::new(NEAR, FAR) };
        let (packet, _) = got(&mut tunnel, &datagram(header, &PACKET)).unwrap();
        assert_eq!((&packet[..4], &packet[4..]), (&top[..], &PACKET[4..]));
    }
}

#[test]
fn rfc6040_4_2_ce_has_no_place_in_a_label_stack() {
    let mut tunnel = exit(Mode::Mplsip);
    for (tos, result) in [(0, true), (1, true), (2, true), (3, false)] {
        let packet = outer(Header { tos, ..Header::new(NEAR, FAR) }, &PACKET);
        assert_eq!(got(&mut tunnel, &packet).is_ok(), result, "{tos}");
    }
    assert_eq!(tunnel.counters().dropped(Reason::EcnDrop), 1);
}

#[test]
fn vu636397_labels_are_taken_from_peers_alone() {
    let mut tunnel = exit(Mode::Any);
    let stranger = Ipv4Addr::new(192, 0, 2, 66);
    assert_eq!(got(&mut tunnel, &outer(Header::new(stranger, FAR), &PACKET)), Err(Reason::SourceNotAllowed));
    assert_eq!(got(&mut tunnel, &outer(Header::new(NEAR, stranger), &PACKET)), Err(Reason::NotLocal));
}

proptest! {
    #[test]
    fn what_went_in_comes_out(labels in prop::collection::vec(0_u32.., 0..20), last: u32, payload: Vec<u8>) {
        let not_null = |entry: u32| if entry >> 12 == IMPLICIT_NULL { entry | 1 << 20 } else { entry };
        let mut packet: Vec<u8> =
            labels.iter().flat_map(|entry| (not_null(*entry | 1) & !0x100).to_be_bytes()).collect();
        packet.extend((not_null(last | 1) | 0x100).to_be_bytes());
        let stack_len = packet.len();
        packet.extend(payload);
        let out = sent(mpls(near()), &packet).unwrap();
        prop_assert_eq!(got(&mut exit(Mode::Any), &out[0]), Ok((packet, stack_len)));
    }

    #[test]
    fn any_octets_are_taken_or_stay_as_they_are(octets: Vec<u8>) {
        let mut packet = outer(Header::new(NEAR, FAR), &octets);
        let before = packet.clone();
        match exit(Mode::Mplsip).decap_mpls(&mut packet) {
            Ok(got) => prop_assert!(got.stack_len >= 4 && got.stack_len <= got.packet.len() && got.packet == octets),
            Err(_) => prop_assert_eq!(packet, before),
        }
    }
}

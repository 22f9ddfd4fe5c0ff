//! The tunnels with IPv6 on one side or on both: encapsulation, decapsulation, ICMP.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipip::v6::{Config, Embedding, Ends, HEADROOM, ICMP_MAX_LEN, Tunnel};
use ipip::{DscpDecap, EcnMode, Reason, Reassembly, Tos, Ttl, checksum};

use super::Input;

const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const HERE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const THERE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// Three octets choose the configuration, the next what is done: the rest is an inner datagram, an outer one, an ICMP
/// datagram that came to our end, or outer fragments, each after an octet with its length.
///
/// # Panics
/// If a refused datagram was changed, fragments do not make up the datagram, in reassembly neither, or are too long, the
/// far end does not get back what went in, or the path MTU is raised or falls below what every link carries.
pub fn tunnel6(data: &[u8]) {
    let mut input = Input(data);
    let (config, back) = config(&mut input);
    match input.u8() % 4 {
        0 => encap(config, back, input.rest()),
        1 => decap(config, input.rest()),
        2 => relay(config, input.rest()),
        _ => reassemble(config, &mut input),
    }
}

fn encap(config: Config, back: Config, inner: &[u8]) {
    let mut tunnel = Tunnel::new(config);
    let mut buffer = [&[0xaa; HEADROOM][..], inner].concat();
    let before = buffer.clone();
    let mtu = usize::from(tunnel.path_mtu(Duration::ZERO));
    let mut fragments = Vec::new();
    let mut outer = match tunnel.encap(Duration::ZERO, &mut buffer) {
        Ok(sent) => {
            let mut payload = Vec::new();
            for fragment in sent.fragments() {
                let part = sent.inner().get(fragment.payload()).unwrap_or_default();
                assert!(fragment.header().len() + part.len() <= mtu);
                payload.extend_from_slice(part);
                fragments.push([fragment.header(), part].concat());
            }
            assert_eq!(payload, sent.inner());
            sent.octets().to_vec()
        }
        Err(error) => {
            assert_eq!(buffer.get(HEADROOM..), before.get(HEADROOM..), "{error}");
            assert_eq!(tunnel.counters().dropped(error.reason), 1);
            let mut out = [0; ICMP_MAX_LEN];
            if let Some(reply) = tunnel.icmp_reply(&error, Duration::ZERO, inner, &mut out) {
                check_icmp(reply);
            }
            return;
        }
    };
    let mut exit = Tunnel::new(back);
    if fragments.len() > 1 {
        outer = whole(&mut exit, &fragments).unwrap_or(outer);
    }
    match exit.decap(&mut outer) {
        Ok(got) => {
            let expected = inner.get(..got.inner.len()).unwrap_or_default();
            let changed: &[usize] =
                if expected.first().is_some_and(|first| first >> 4 == 4) { &[1, 8, 10, 11] } else { &[0, 1, 7] };
            for (at, (is, was)) in got.inner.iter().zip(expected).enumerate() {
                assert!(is == was || changed.contains(&at), "octet {at} is {is}, was {was}");
            }
        }
        // What the entry need not look at.
        Err(error) => {
            let elsewhere = matches!(error.reason, Reason::NotLocal | Reason::InnerSourceNotAllowed);
            let allowed = matches!(error.reason, Reason::InnerMartian | Reason::EcnDrop | Reason::Nesting);
            assert!(allowed || (elsewhere && config.embedding.is_some()), "{error}");
        }
    }
}

/// What the far end puts together, last fragment first; nothing where the datagram is for another exit.
fn whole(exit: &mut Tunnel, fragments: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut space = vec![0; 65536];
    let mut reassembly = Reassembly::new(&mut space);
    for (left, fragment) in fragments.iter().enumerate().rev() {
        match exit.reassemble(&mut reassembly, Duration::ZERO, fragment) {
            Ok(Some(whole)) => {
                assert_eq!(left, 0);
                return Some(whole.to_vec());
            }
            Ok(None) => assert_ne!(left, 0),
            Err(error) => {
                assert_eq!(error.reason, Reason::NotLocal);
                return None;
            }
        }
    }
    None
}

fn reassemble(config: Config, input: &mut Input<'_>) {
    let mut tunnel = Tunnel::new(config);
    let mut space = [0; 1024];
    let mut reassembly = Reassembly::new(&mut space);
    let mut rest = input.rest();
    while let [len, behind @ ..] = rest {
        let (packet, next) = behind.split_at_checked(usize::from(*len)).unwrap_or((behind, &[]));
        rest = next;
        let taken = match tunnel.reassemble(&mut reassembly, Duration::ZERO, packet) {
            Ok(Some(whole)) => whole.to_vec(),
            Ok(None) => continue,
            Err(error) => {
                assert!(tunnel.counters().dropped(error.reason) > 0);
                continue;
            }
        };
        assert!(taken.len() <= 1024 && !reassembly.is_waiting());
        // What came together is no fragment.
        let again = tunnel.decap(&mut taken.clone()).err();
        assert!(again.is_none_or(|error| error.reason != Reason::OuterFragment));
    }
}

fn decap(config: Config, packet: &[u8]) {
    let mut tunnel = Tunnel::new(config);
    let mut buffer = packet.to_vec();
    match tunnel.decap(&mut buffer) {
        Ok(got) => assert!(got.offset >= 20 && got.offset + got.inner.len() <= packet.len()),
        Err(error) => {
            assert_eq!(buffer, packet, "{error}");
            assert_eq!(tunnel.counters().dropped(error.reason), 1);
        }
    }
}

fn relay(config: Config, datagram: &[u8]) {
    let mut tunnel = Tunnel::new(config);
    let now = Duration::from_secs(1);
    let before = tunnel.path_mtu(now);
    let mut out = [0; ICMP_MAX_LEN];
    match tunnel.relay(now, datagram, &mut out) {
        Ok(Some(told)) => check_icmp(told),
        Ok(None) => {}
        Err(error) => assert_eq!(tunnel.counters().dropped(error.reason), 1),
    }
    let floor = if matches!(config.ends, Ends::V4 { .. }) { 68 } else { 1280 };
    let learned = tunnel.path_mtu(now);
    assert!(learned <= before && learned >= floor.min(before), "{before} became {learned}");
}

fn check_icmp(datagram: &[u8]) {
    assert!(datagram.len() <= ICMP_MAX_LEN);
    match datagram.first().map(|first| first >> 4) {
        Some(4) => {
            assert_eq!(datagram.split_at_checked(20).map(|(ip, icmp)| (checksum(ip), checksum(icmp))), Some((0, 0)));
        }
        version => assert_eq!((version, datagram.get(6)), (Some(6), Some(&58))),
    }
}

/// Our end, and the other one.
fn config(input: &mut Input<'_>) -> (Config, Config) {
    let [a, b, c] = [input.u8(), input.u8(), input.u8()];
    let (here, there) = if a & 1 == 0 {
        (Ends::V4 { local: HERE, remote: THERE }, Ends::V4 { local: THERE, remote: HERE })
    } else {
        (Ends::V6 { local: HERE_6, remote: THERE_6 }, Ends::V6 { local: THERE_6, remote: HERE_6 })
    };
    let mut config = Config::new(here, if a & 2 == 0 { EcnMode::Normal } else { EcnMode::Compat });
    config.hop_limit = if a & 4 == 0 { Ttl::Fixed(64) } else { Ttl::Inherit };
    config.traffic_class = if a & 8 == 0 { Tos::Inherit } else { Tos::Fixed(b) };
    config.dscp_decap = if a & 16 == 0 { DscpDecap::Pipe } else { DscpDecap::Uniform };
    config.forwarded = a & 32 == 0;
    config.nested = a & 64 == 0;
    config.static_mtu = a & 128 != 0;
    config.encap_limit = if b & 1 == 0 { Some(b >> 4) } else { None };
    config.flow_label = u32::from(b) << 12;
    config.mtu = 1280 + u16::from(c) * 8;
    let rd = "2001:db8::/32".parse().ok().and_then(|prefix| Embedding::six_rd(prefix, 16));
    config.embedding = match (b >> 1) & 3 {
        1 => Some(Embedding::six_to_four()),
        2 => rd,
        3 => Some(Embedding::isatap()),
        _ => None,
    };
    let mut back = Config::new(there, config.ecn);
    back.embedding = config.embedding;
    back.nested = config.nested;
    (config, back)
}

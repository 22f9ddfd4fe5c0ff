//! The tunnels with IPv6 on one side or on both: encapsulation, decapsulation, ICMP.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipip::v6::{Config, Ends, HEADROOM, ICMP_MAX_LEN, Tunnel};
use ipip::{DscpDecap, EcnMode, Reason, Tos, Ttl, checksum};

use super::Input;

const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const HERE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const THERE_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// Three octets choose the configuration, the next what is done: the rest is an inner datagram, an outer one, or an
/// ICMP datagram that came to our end.
///
/// # Panics
/// If a refused datagram was changed, fragments do not make up the datagram or are too long, the far end does not get
/// back what went in, or the path MTU is raised or falls below what every link carries.
pub fn tunnel6(data: &[u8]) {
    let mut input = Input(data);
    let (config, back) = config(&mut input);
    match input.u8() % 3 {
        0 => encap(config, back, input.rest()),
        1 => decap(config, input.rest()),
        _ => relay(config, input.rest()),
    }
}

fn encap(config: Config, back: Config, inner: &[u8]) {
    let mut tunnel = Tunnel::new(config);
    let mut buffer = [&[0xaa; HEADROOM][..], inner].concat();
    let before = buffer.clone();
    let mtu = usize::from(tunnel.path_mtu(Duration::ZERO));
    let mut outer = match tunnel.encap(Duration::ZERO, &mut buffer) {
        Ok(sent) => {
            let mut payload = Vec::new();
            for fragment in sent.fragments() {
                let part = sent.inner().get(fragment.payload()).unwrap_or_default();
                assert!(fragment.header().len() + part.len() <= mtu);
                payload.extend_from_slice(part);
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
    match Tunnel::new(back).decap(&mut outer) {
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
            assert!(matches!(error.reason, Reason::InnerMartian | Reason::EcnDrop | Reason::Nesting), "{error}");
        }
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
            assert_eq!(datagram.split_at_checked(20).map(|(ip, icmp)| (checksum(ip), checksum(icmp))), Some((0, 0)))
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
    let mut back = Config::new(there, config.ecn);
    back.nested = config.nested;
    (config, back)
}

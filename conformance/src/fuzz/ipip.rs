//! The tunnel: encapsulation, decapsulation, ICMP.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipip::{
    AnyPeer, Config, Df, DscpDecap, EcnMode, Fragmentation, ICMP_MAX_LEN, Mode, OuterOptions, Path, PeerSet, Reason,
    Reassembly, Tos, Ttl, Tunnel, checksum,
};

use super::Input;

const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Four octets choose the configuration, the rest is the inner datagram.
///
/// # Panics
/// If a refused datagram was changed, an outer header is wrong, fragments do not fit or do not make up the datagram, or
/// the far end does not get back what went in.
pub fn encap(data: &[u8]) {
    let mut input = Input(data);
    let config = config(&mut input);
    let inner = input.rest();
    let mut tunnel = Tunnel::new(config, REMOTE);
    let path = Path::new(REMOTE);
    if config.mode == Mode::Any {
        labelled(&config, inner);
    }
    let headroom = tunnel.headroom();
    let mut buffer = [&vec![0xaa; headroom], inner].concat();
    let before = buffer.clone();
    let error = match tunnel.encap(&path, Duration::ZERO, &mut buffer) {
        Ok(sent) => {
            let total = sent.inner().len();
            assert!(total <= inner.len() && sent.octets().len() == total + headroom);
            let mut payload = Vec::new();
            for fragment in sent.fragments() {
                let part = sent.inner().get(fragment.payload()).unwrap_or_default();
                assert!(fragment.header().len() + part.len() <= usize::from(path.mtu(&config, Duration::ZERO)));
                // Of one or of two headers, each with a sum of 0.
                assert_eq!(checksum(fragment.header()), 0);
                payload.extend_from_slice(part);
            }
            // Where the inner datagram is fragmented, its header is part of each fragment's.
            let inside = sent.is_fragmented() && config.fragmentation == Fragmentation::Inner;
            let skip = if inside { usize::from(inner.first().unwrap_or(&0) & 15) * 4 } else { 0 };
            assert_eq!(Some(&payload[..]), sent.inner().get(skip..));
            let mut outer = sent.octets().to_vec();
            return far_end(&config, inner, sent.is_fragmented(), &mut outer);
        }
        Err(error) => error,
    };
    assert_eq!(buffer, before, "{error}");
    assert_eq!(tunnel.counters().dropped(error.reason), 1);
    let mut out = [0; ICMP_MAX_LEN];
    if let Some(reply) = tunnel.icmp_reply(&error, &path, Duration::ZERO, inner, &mut out) {
        check_icmp(reply);
        assert!(matches!(error.reason, Reason::TooBig | Reason::TtlExceeded));
    }
}

/// What the exit makes of it: the datagram that went in, but for the TTL, the TOS octet and the checksum.
fn far_end(config: &Config, inner: &[u8], fragmented: bool, outer: &mut [u8]) {
    if fragmented {
        return;
    }
    let headroom = config.headroom();
    assert_eq!(outer.get(..headroom).map(checksum), Some(0));
    let mut exit = Config::new(REMOTE, config.ecn);
    exit.max_nesting = config.max_nesting;
    exit.count_gre = config.count_gre;
    exit.verify_inner_checksum = config.verify_inner_checksum;
    let mut exit = Tunnel::new(exit, LOCAL);
    match exit.decap(outer) {
        Ok(got) => {
            assert_eq!((got.peer, got.offset), (LOCAL, headroom));
            let expected = inner.get(..got.inner.len()).unwrap_or_default();
            for (at, (is, was)) in got.inner.iter().zip(expected).enumerate() {
                assert!(is == was || matches!(at, 1 | 8 | 10 | 11), "octet {at} is {is}, was {was}");
            }
        }
        // What the entry need not look at.
        Err(error) => assert!(matches!(error.reason, Reason::InnerMartian | Reason::EcnDrop), "{error}"),
    }
}

/// A labelled packet through the tunnel, in fragments too, comes out as it went in.
fn labelled(config: &Config, packet: &[u8]) {
    let mut tunnel = Tunnel::new(*config, REMOTE);
    let headroom = tunnel.headroom();
    let mut buffer = [&vec![0xaa; headroom], packet].concat();
    let before = buffer.clone();
    let path = Path::new(REMOTE);
    let sent = match tunnel.encap_mpls(&path, Duration::ZERO, &mut buffer) {
        Ok(sent) => sent,
        Err(error) => {
            assert_eq!(buffer, before, "{error}");
            return assert_eq!(tunnel.counters().dropped(error.reason), 1);
        }
    };
    let mut back = Config::new(REMOTE, config.ecn);
    back.mode = Mode::Mplsip;
    let mut exit = Tunnel::new(back, LOCAL);
    let mut space = vec![0; 65536];
    let mut reassembly = Reassembly::new(&mut space);
    let mut got = None;
    for fragment in sent.fragments() {
        let part = sent.inner().get(fragment.payload()).unwrap_or_default();
        assert!(fragment.header().len() + part.len() <= usize::from(path.mtu(config, Duration::ZERO)));
        let mut datagram = [fragment.header(), part].concat();
        if let Ok(taken) = exit.decap_mpls(&mut datagram) {
            got = Some(taken.packet.to_vec());
        } else if let Ok(Some(whole)) = exit.reassemble(&mut reassembly, Duration::ZERO, &datagram) {
            got = exit.decap_mpls(whole).ok().map(|taken| taken.packet.to_vec());
        }
    }
    assert_eq!(got.as_deref(), Some(packet));
}

/// Four octets choose the configuration, the rest is the outer datagram.
///
/// # Panics
/// If a refused datagram was changed, or one is taken that no peer sent to us.
pub fn decap(data: &[u8]) {
    let mut input = Input(data);
    let config = config(&mut input);
    let packet = input.rest();
    take(&mut Tunnel::new(config, REMOTE), packet);
    take(&mut Tunnel::new(config, AnyPeer::accept_every_source()), packet);
}

fn take<P: PeerSet>(tunnel: &mut Tunnel<P>, packet: &[u8]) {
    let mut buffer = packet.to_vec();
    match tunnel.decap(&mut buffer) {
        Ok(got) => {
            let (offset, len, peer) = (got.offset, got.inner.len(), got.peer);
            assert!(len >= 20 && offset >= 20 && offset + len <= packet.len());
            assert!(tunnel.config().verify_inner_checksum || len > 0);
            assert!(tunnel.peers().contains(peer));
            assert_eq!(packet.get(16..20), Some(&LOCAL.octets()[..]));
            for (at, (is, was)) in buffer.iter().zip(packet).enumerate() {
                assert!(is == was || [offset + 1, offset + 10, offset + 11].contains(&at), "octet {at} was changed");
            }
            assert!(Reason::ALL.iter().all(|reason| tunnel.counters().dropped(*reason) == 0));
        }
        Err(error) => {
            assert_eq!(buffer, packet, "{error}");
            assert_eq!(tunnel.counters().dropped(error.reason), 1);
            assert!(!error.to_string().is_empty());
        }
    }
    match tunnel.decap_mpls(&mut buffer) {
        Ok(got) => {
            assert!(got.stack_len >= 4 && got.stack_len <= got.packet.len() && got.offset >= 20);
            assert_eq!((tunnel.config().mode, packet.get(9)), (Mode::Any, Some(&137)));
        }
        Err(error) => assert!(tunnel.counters().dropped(error.reason) > 0),
    }
}

/// Four octets choose the configuration, the rest is an ICMP datagram that came to us.
///
/// # Panics
/// If a path MTU is raised by it or set below the least, or what is told to the sender is no good ICMP error.
pub fn icmp(data: &[u8]) {
    let mut input = Input(data);
    let mut config = config(&mut input);
    config.remote = Some(REMOTE);
    let datagram = input.rest();
    let mut tunnel = Tunnel::new(config, REMOTE);
    let mut path = Path::new(REMOTE);
    let now = Duration::from_secs(1);
    let before = path.mtu(&config, now);
    let notice = match tunnel.notice(datagram) {
        Ok(notice) => notice,
        Err(error) => return assert_eq!(tunnel.counters().dropped(error.reason), 1),
    };
    assert_eq!(notice.remote(), REMOTE);
    let mut out = [0; ICMP_MAX_LEN];
    if let Some(reply) = tunnel.relay(&notice, &mut path, now, &mut out) {
        check_icmp(reply);
    }
    let learned = path.mtu(&config, now);
    assert!(learned <= before && learned >= Path::MIN_MTU.min(before), "{before} became {learned}");
    if let Some(reply) = tunnel.answer_next(&mut path, now, datagram, &mut out) {
        check_icmp(reply);
    }
    let later = now + Path::MTU_AGE + Duration::from_secs(1);
    assert_eq!(path.mtu(&config, later), before);
    assert_eq!(path.unreachable(later), None);
}

fn check_icmp(datagram: &[u8]) {
    let Some((header, body)) = datagram.split_at_checked(20) else { unreachable!("{datagram:?}") };
    assert!(datagram.len() <= ICMP_MAX_LEN && body.len() >= 8 + 20);
    assert_eq!((checksum(header), checksum(body)), (0, 0));
    assert_eq!((header.first(), header.get(9)), (Some(&0x45), Some(&1)));
}

fn config(input: &mut Input<'_>) -> Config {
    let [a, b, c, d] = [input.u8(), input.u8(), input.u8(), input.u8()];
    let ecn = match a & 3 {
        0 | 1 => EcnMode::Normal,
        2 => EcnMode::Compat,
        _ => EcnMode::Rfc3168,
    };
    let mut config = Config::new(LOCAL, ecn);
    config.ttl = if a & 4 == 0 { Ttl::Fixed(64) } else { Ttl::Inherit };
    config.tos = if a & 8 == 0 { Tos::Inherit } else { Tos::Fixed(b) };
    config.dscp_decap = if a & 16 == 0 { DscpDecap::Pipe } else { DscpDecap::Uniform };
    config.df = match a >> 6 {
        1 => Df::Always,
        2 => Df::Never,
        _ => Df::Inherit,
    };
    config.fragmentation = match b & 3 {
        1 => Fragmentation::Inner,
        2 => Fragmentation::Refuse,
        _ => Fragmentation::Outer,
    };
    config.forwarded = a & 32 == 0;
    config.max_nesting = b >> 6;
    config.count_gre = b & 4 != 0;
    config.verify_inner_checksum = b & 8 == 0;
    config.verify_outer_checksum = b & 16 == 0;
    config.mtu = 68 + u16::from(c) * 8;
    config.ident = u16::from(d);
    if b & 32 != 0 {
        config.mode = Mode::Any;
        // Router alert with the copied flag, an experimental option without it: 0 to 40 octets.
        let words = usize::from(d % 11) * 4;
        let options = [[148, 4, 0, 0], [30, 4, 7, 7]].concat().repeat(5);
        config.options = OuterOptions::new(options.get(..words).unwrap_or_default()).unwrap_or_default();
    }
    config
}

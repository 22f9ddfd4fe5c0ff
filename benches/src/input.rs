//! Inputs of the benchmarks, made here and not read from anywhere.

use std::error::Error;
use std::net::Ipv4Addr;

use bgp_fsm::{Event, Instant, PeerAs, Session, State};
use bgp_rib::Fib;
use bgp_wire::attr::{AttrBuilder, NextHop, Origin};
use bgp_wire::community::Community;
use bgp_wire::nlri::PathNlri;
use bgp_wire::{Asn, BgpId, Context, Family, KEEPALIVE, Open, Packer, SessionKind, frame};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net};

pub use crate::random::Random;

/// One tunnel end.
pub const ENTRY: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 102);
/// The other.
pub const EXIT: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 103);
/// The next hop of the routes.
pub const NEXT_HOP: NextHop = NextHop::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The context of a plain eBGP session.
#[must_use]
pub fn context() -> Context {
    Context::new(SessionKind::Ebgp)
}

/// The attributes of the mean UPDATE of a route collector: ORIGIN, five ASes, six communities.
///
/// # Errors
/// None, unless the builder is broken.
pub fn attributes() -> Result<Vec<u8>, Box<dyn Error>> {
    let path = [64513, 3356, 174, 6939, 4_200_000_001].map(Asn);
    let communities: Vec<Community> = (0..6).map(|value| Community(64513 << 16 | value)).collect();
    Ok(AttrBuilder::new().origin(Origin::Igp).as_path(&path).communities(&communities).build()?)
}

/// Five /24 prefixes.
#[must_use]
pub fn routes() -> [PathNlri<'static>; 5] {
    [1, 2, 3, 4, 5].map(|third| Ipv4Net::new_assert(Ipv4Addr::new(203, 0, third, 0), 24).into())
}

/// The mean UPDATE of a route collector: 106 octets, 5 prefixes.
///
/// # Errors
/// If the packer makes something else of it.
pub fn update() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut out = BytesMut::new();
    Packer::new(&context()).announce(&mut out, &attributes()?, NEXT_HOP, Family::IPV4_UNICAST, routes())?;
    if out.len() == 106 { Ok(out.to_vec()) } else { Err(format!("the update has {} octets", out.len()).into()) }
}

/// An UPDATE of `count` /24 routes from `first` on, as one or more messages.
///
/// # Errors
/// None, unless the packer is broken.
pub fn table(first: u32, count: u32) -> Result<BytesMut, Box<dyn Error>> {
    let mut out = BytesMut::new();
    let block = AttrBuilder::new().local_pref(100).build()?;
    let routes = prefixes(first, count).map(PathNlri::from);
    Packer::new(&Context::new(SessionKind::Ibgp)).announce(&mut out, &block, NEXT_HOP, Family::IPV4_UNICAST, routes)?;
    Ok(out)
}

/// `count` /24 prefixes from the `first` on.
pub fn prefixes(first: u32, count: u32) -> impl Iterator<Item = IpNet> {
    (first..first.saturating_add(count))
        .map(|index| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from_bits(0x0a00_0000 | index << 8), 24)))
}

/// An Established session.
///
/// # Errors
/// If it does not get there.
pub fn established() -> Result<Session, Box<dyn Error>> {
    let config = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::External).with_jitter(false);
    let mut session = Session::new(config, 1);
    let now = Instant::from_secs(1);
    session.handle(now, Event::ManualStart);
    session.handle(now, Event::TcpCrAcked);
    let mut octets = BytesMut::new();
    Open::new(Asn(64513), 90, BgpId(2)).encode(&mut octets)?;
    octets.extend_from_slice(&KEEPALIVE);
    let mut rest = &octets[..];
    while let Some((message, behind)) = frame(rest, session.receive_limit())? {
        let _ = session.receive(now, message);
        rest = behind;
    }
    let mut out = BytesMut::new();
    while session.poll_transmit(&mut out) {}
    while session.poll_action().is_some() {}
    while session.poll_event().is_some() {}
    if session.state() == State::Established { Ok(session) } else { Err("not established".into()) }
}

/// An IPv4 datagram of 100 octets (TTL 64, UDP, payload of zeros) with 20 octets of headroom before it.
#[must_use]
pub fn datagram() -> [u8; 120] {
    let mut buffer = [0; 120];
    let mut header = [0x45, 0, 0, 100, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 244, 36, 65, 10, 244, 169, 130];
    let sum = ipip::checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    buffer[20..40].copy_from_slice(&header);
    buffer
}

/// A tunnel from one end to the other.
#[must_use]
pub fn tunnel(local: Ipv4Addr, peer: Ipv4Addr) -> ipip::Tunnel<Ipv4Addr> {
    ipip::Tunnel::new(ipip::Config::new(local, ipip::EcnMode::Normal), peer)
}

/// A forwarding table with 10,000 routes: one in a hundred is a /16, the others are /24 and /26.
#[must_use]
pub fn fib() -> Fib<u32> {
    let mut fib = Fib::new();
    let mut random = Random(1);
    for index in 0..10_000 {
        let len = if index % 100 == 0 { 16 } else { 24 + (index % 2) * 2 };
        let net = Ipv4Net::new_assert(Ipv4Addr::from_bits(random.next()), u8::try_from(len).unwrap_or(24));
        fib.insert(IpNet::V4(net.trunc()), index);
    }
    fib
}

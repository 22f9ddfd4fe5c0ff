//! Datagrams and tunnels for the unit tests.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::vec::Vec;

use proptest::prelude::*;

use crate::header::Header;
use crate::{Config, EcnMode, HEADROOM, Tunnel};

pub(crate) const NEAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const POD: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 5);
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(10, 244, 2, 9);
pub(crate) const NOW: Duration = Duration::from_secs(1000);

/// A sane inner datagram: the fields of `with` count, but for lengths and checksum.
pub(crate) fn datagram(with: Header, payload: &[u8]) -> Vec<u8> {
    let total_len = u16::try_from(20 + payload.len()).unwrap();
    [&Header { total_len, ..with }.write()[..], payload].concat()
}

/// A UDP datagram from pod to pod with TTL 64.
pub(crate) fn udp() -> Header {
    Header { ttl: 64, protocol: 17, ..Header::new(POD, OTHER) }
}

pub(crate) fn near() -> Config {
    let mut config = Config::new(NEAR, EcnMode::Normal);
    config.remote = Some(FAR);
    config.forwarded = false;
    config
}

/// The end at [`FAR`] that takes from [`NEAR`].
pub(crate) fn far() -> Tunnel<Ipv4Addr> {
    let mut config = Config::new(FAR, EcnMode::Normal);
    config.remote = Some(NEAR);
    Tunnel::new(config, NEAR)
}

pub(crate) fn with_headroom(inner: &[u8]) -> Vec<u8> {
    [&[0xaa; HEADROOM][..], inner].concat()
}

prop_compose! {
    /// Inner datagrams that may travel from [`NEAR`] to [`FAR`], options included.
    pub(crate) fn inners()(
        tos: u8, ident: u16, df: bool, mf: bool, offset in 0_u16..100, ttl in 2_u8.., source in 0x0a00_0000_u32..0x0aff_ffff,
        destination in 0x0b00_0000_u32..0x0bff_ffff, options in 0_usize..=10,
        payload in proptest::collection::vec(any::<u8>(), 0..2000),
    ) -> Vec<u8> {
        let fragment = crate::header::fragment_field(df, mf, offset);
        let header = Header { tos, ident, fragment, ttl, protocol: 17, ..Header::new(source.into(), destination.into()) };
        let mut octets = datagram(header, &[&[1].repeat(options * 4)[..], &payload[..]].concat());
        octets[0] = 0x45 + u8::try_from(options).unwrap();
        fix_checksum(&mut octets);
        octets
    }
}

/// Makes the header checksum right after a change by hand.
pub(crate) fn fix_checksum(octets: &mut [u8]) {
    crate::header::put_checksum(octets, 0);
    let len = Header::read(octets).unwrap().len();
    let sum = crate::checksum(&octets[..len]);
    crate::header::put_checksum(octets, sum);
}

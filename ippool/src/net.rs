//! Arithmetic on prefixes and addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::key::IpVersion;

/// The address as a number.
pub(crate) fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// The address `number` of a version; bits beyond the width are dropped.
pub(crate) fn address(version: IpVersion, number: u128) -> IpAddr {
    match version {
        IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number & u128::from(u32::MAX)).unwrap_or(0))),
        IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}

/// First and last address of a prefix as numbers.
pub(crate) fn span(net: &IpNet) -> (u128, u128) {
    (bits(net.network()), bits(net.broadcast()))
}

/// The prefix of `len` bits at address `number`.
pub(crate) fn prefix(version: IpVersion, number: u128, len: u8) -> Option<IpNet> {
    IpNet::new(address(version, number), len).ok().map(|net| net.trunc())
}

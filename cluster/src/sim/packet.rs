//! IPv4 datagrams of the simulated hosts: ICMP echo, TTL, and nothing else.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

/// Octets of an IPv4 header without options.
const HEADER: usize = 20;
/// Octets of an ICMP echo header.
const ECHO: usize = 8;
/// Octets that `ping` sends unless told otherwise.
pub(crate) const PING_OCTETS: u16 = 56;
/// The protocol number of ICMP (RFC 792).
const ICMP: u8 = 1;
/// The protocol number of IP in IP (RFC 2003).
pub(crate) const IPIP: u8 = 4;
/// The TTL a host gives its own datagrams.
pub(crate) const HOST_TTL: u8 = 64;

/// Whether an echo datagram asks or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    Request,
    Reply,
}

/// An ICMP echo datagram (RFC 792) with `headroom` octets before it, so that a tunnel header fits in place.
pub(crate) fn echo(kind: Echo, source: Ipv4Addr, destination: Ipv4Addr, sequence: u16, headroom: usize) -> Vec<u8> {
    let total = HEADER + ECHO + usize::from(PING_OCTETS);
    let mut octets = Vec::with_capacity(headroom + total);
    octets.resize(headroom, 0);
    let length = u16::try_from(total).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(&[0x45, 0]);
    header.extend_from_slice(&length);
    // Identification 0 and DF: `ping` of Linux sends atomic datagrams.
    header.extend_from_slice(&[0, 0, 0x40, 0, HOST_TTL, ICMP, 0, 0]);
    header.extend_from_slice(&source.octets());
    header.extend_from_slice(&destination.octets());
    put_checksum(&mut header, 10);
    octets.extend_from_slice(&header);
    let mut message = Vec::with_capacity(ECHO + usize::from(PING_OCTETS));
    message.extend_from_slice(&[if kind == Echo::Request { 8 } else { 0 }, 0, 0, 0, 0, 1]);
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend((0..PING_OCTETS).map(|octet| u8::try_from(octet).unwrap_or(0)));
    put_checksum(&mut message, 2);
    octets.extend_from_slice(&message);
    octets
}

/// What a host needs to see of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) ttl: u8,
    pub(crate) protocol: u8,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
}

/// Reads an IPv4 header; `None` where there is none, or its checksum is wrong.
pub(crate) fn header(datagram: &[u8]) -> Option<Header> {
    let header = datagram.get(..HEADER)?;
    let [0x45, _, _, _, _, _, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header else { return None };
    (ipip::checksum(header) == 0).then_some(Header {
        ttl,
        protocol,
        source: Ipv4Addr::new(s0, s1, s2, s3),
        destination: Ipv4Addr::new(d0, d1, d2, d3),
    })
}

/// Whether a datagram is an ICMP echo request or reply with a good checksum.
pub(crate) fn echo_kind(datagram: &[u8]) -> Option<Echo> {
    if header(datagram)?.protocol != ICMP {
        return None;
    }
    let message = datagram.get(HEADER..)?;
    match (message.first()?, ipip::checksum(message)) {
        (8, 0) => Some(Echo::Request),
        (0, 0) => Some(Echo::Reply),
        _ => None,
    }
}

/// Takes one off the TTL (RFC 1624 arithmetic); false = it expired here and the datagram is dropped.
pub(crate) fn forward_ttl(datagram: &mut [u8]) -> bool {
    let Some([ttl, protocol, high, low]) = datagram.get(8..12).and_then(|part| <[u8; 4]>::try_from(part).ok()) else {
        return false;
    };
    if ttl <= 1 {
        return false;
    }
    let (old, new) = (u16::from_be_bytes([ttl, protocol]), u16::from_be_bytes([ttl - 1, protocol]));
    let [high, low] = ipip::checksum_update(u16::from_be_bytes([high, low]), old, new).to_be_bytes();
    if let Some(part) = datagram.get_mut(8..12) {
        part.copy_from_slice(&[ttl - 1, protocol, high, low]);
    }
    true
}

fn put_checksum(octets: &mut [u8], at: usize) {
    let sum = ipip::checksum(octets).to_be_bytes();
    if let Some(field) = octets.get_mut(at..at + 2) {
        field.copy_from_slice(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_datagram_is_read_back_and_its_ttl_runs_out() {
        let (a, b) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut datagram = echo(Echo::Request, a, b, 7, 0);
        assert_eq!(datagram.len(), 84);
        assert_eq!(echo_kind(&datagram), Some(Echo::Request));
        for left in (1..HOST_TTL).rev() {
            assert!(forward_ttl(&mut datagram));
            assert_eq!(header(&datagram), Some(Header { ttl: left, protocol: ICMP, source: a, destination: b }));
        }
        assert!(!forward_ttl(&mut datagram));
    }
}

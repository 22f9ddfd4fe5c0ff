//! Which IPv4 addresses may stand where (RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7).

use core::net::Ipv4Addr;

use crate::header::{Header, PROTOCOL_UDP, word_at};

/// Whether the address names a single host: not 0/8, not loopback, not multicast, not class E, not broadcast.
#[inline]
pub(crate) fn is_host(address: Ipv4Addr) -> bool {
    class(address) & HOST != 0
}

/// Whether the address can be the destination of a datagram that comes out of a tunnel: not 0/8, not loopback.
#[inline]
pub(crate) fn is_destination(address: Ipv4Addr) -> bool {
    class(address) & DESTINATION != 0
}

/// Whether ICMP errors may be sent about datagrams to this address: unicast only.
#[inline]
pub(crate) fn is_unicast(address: Ipv4Addr) -> bool {
    !matches!(first(address), 224..=255)
}

/// Whether this is a DHCP client's broadcast, whose source is rightly 0.0.0.0 (RFC 1812 section 4.2.2.11).
#[inline]
pub(crate) fn is_dhcp(header: &Header, datagram: &[u8]) -> bool {
    header.source == Ipv4Addr::UNSPECIFIED
        && header.destination == Ipv4Addr::BROADCAST
        && header.protocol == PROTOCOL_UDP
        && !header.is_fragment()
        && word_at(datagram, header.len()) == Some(68)
        && word_at(datagram, header.len() + 2) == Some(67)
}

#[inline]
fn first(address: Ipv4Addr) -> u8 {
    let [first, ..] = address.octets();
    first
}

#[inline]
fn class(address: Ipv4Addr) -> u8 {
    CLASSES.get(usize::from(first(address))).copied().unwrap_or_default()
}

const HOST: u8 = 1;
const DESTINATION: u8 = 2;

/// What addresses may be, by their first octet: a table, because it is asked up to four times for each datagram.
#[expect(clippy::indexing_slicing, reason = "a constant: an index beyond the end does not compile")]
const CLASSES: [u8; 256] = {
    let mut table = [DESTINATION; 256];
    (table[0], table[127]) = (0, 0);
    let mut first = 1;
    while first < 224 {
        if first != 127 {
            table[first] = HOST | DESTINATION;
        }
        first += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc1812_5_3_7_classes() {
        for (address, host, destination, unicast) in [
            ([0, 1, 2, 3], false, false, true),
            ([10, 0, 0, 1], true, true, true),
            ([127, 0, 0, 1], false, false, true),
            ([223, 255, 255, 255], true, true, true),
            ([224, 0, 0, 1], false, true, false),
            ([240, 0, 0, 1], false, true, false),
            ([255, 255, 255, 255], false, true, false),
        ] {
            let address = Ipv4Addr::from(address);
            assert_eq!((is_host(address), is_destination(address), is_unicast(address)), (host, destination, unicast));
        }
    }
}

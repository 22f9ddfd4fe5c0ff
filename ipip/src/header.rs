//! The IPv4 header (RFC 791): the one place that reads and writes its octets.

use core::net::Ipv4Addr;

use crate::checksum::{checksum, checksum_update};
use crate::{Error, Reason};

/// Octets of an IPv4 header without options, and so of the outer header this crate writes.
pub const HEADER_LEN: usize = 20;
/// The same as a length that is taken off MTUs.
pub(crate) const OVERHEAD: u16 = 20;
/// The longest IPv4 header: IHL 15.
pub(crate) const MAX_HEADER_LEN: usize = 60;

pub(crate) const PROTOCOL_ICMP: u8 = 1;
pub(crate) const PROTOCOL_IPIP: u8 = 4;
pub(crate) const PROTOCOL_UDP: u8 = 17;
pub(crate) const PROTOCOL_IPV6: u8 = 41;

const DF: u16 = 0x4000;
const MF: u16 = 0x2000;
pub(crate) const OFFSET_MASK: u16 = 0x1fff;

/// The fixed part of an IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u8,
    /// Octets of the header: IHL times four, 0 to 60.
    pub(crate) header_len: u8,
    pub(crate) tos: u8,
    pub(crate) total_len: u16,
    pub(crate) ident: u16,
    /// Flags and fragment offset as they stand.
    pub(crate) fragment: u16,
    pub(crate) ttl: u8,
    pub(crate) protocol: u8,
    pub(crate) checksum: u16,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
}

impl Header {
    /// A header from `source` to `destination` with protocol 4 and all else 0, to be filled in.
    pub(crate) fn new(source: Ipv4Addr, destination: Ipv4Addr) -> Header {
        Header {
            version: 4,
            header_len: 20,
            tos: 0,
            total_len: 0,
            ident: 0,
            fragment: 0,
            ttl: 0,
            protocol: PROTOCOL_IPIP,
            checksum: 0,
            source,
            destination,
        }
    }

    /// The first 20 octets, unchecked; `None` when there are fewer.
    pub(crate) fn read(octets: &[u8]) -> Option<Header> {
        let &[vi, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] =
            octets.first_chunk::<HEADER_LEN>()?;
        Some(Header {
            version: vi >> 4,
            header_len: (vi & 0x0f) * 4,
            tos,
            total_len: u16::from_be_bytes([l0, l1]),
            ident: u16::from_be_bytes([i0, i1]),
            fragment: u16::from_be_bytes([f0, f1]),
            ttl,
            protocol,
            checksum: u16::from_be_bytes([c0, c1]),
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
        })
    }

    /// The header as 20 octets with version 4, IHL 5 and the right checksum, whatever those fields hold.
    pub(crate) fn write(&self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.total_len.to_be_bytes();
        let [i0, i1] = self.ident.to_be_bytes();
        let [f0, f1] = self.fragment.to_be_bytes();
        let [s0, s1, s2, s3] = self.source.octets();
        let [d0, d1, d2, d3] = self.destination.octets();
        let mut octets =
            [0x45, self.tos, l0, l1, i0, i1, f0, f1, self.ttl, self.protocol, 0, 0, s0, s1, s2, s3, d0, d1, d2, d3];
        let sum = checksum(&octets);
        put_checksum(&mut octets, sum);
        octets
    }

    pub(crate) fn dont_fragment(&self) -> bool {
        self.fragment & DF != 0
    }

    pub(crate) fn more_fragments(&self) -> bool {
        self.fragment & MF != 0
    }

    /// In units of 8 octets.
    pub(crate) fn offset(&self) -> u16 {
        self.fragment & OFFSET_MASK
    }

    /// MF or an offset: VPP looks at MF only and misses the last fragment of a set.
    pub(crate) fn is_fragment(&self) -> bool {
        self.fragment & (MF | OFFSET_MASK) != 0
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.header_len)
    }

    pub(crate) fn total(&self) -> usize {
        usize::from(self.total_len)
    }
}

/// The flags and offset field.
pub(crate) fn fragment_field(dont_fragment: bool, more_fragments: bool, offset: u16) -> u16 {
    (if dont_fragment { DF } else { 0 }) | (if more_fragments { MF } else { 0 }) | (offset & OFFSET_MASK)
}

/// Which header is looked at: the reasons differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Outer,
    Inner,
}

impl Layer {
    fn pick(self, outer: Reason, inner: Reason) -> Reason {
        match self {
            Layer::Outer => outer,
            Layer::Inner => inner,
        }
    }
}

/// Reads and checks a header: `head` holds at least the header, the datagram has `available` octets in all.
/// The checksum is verified when `verify` is set. Afterwards 20 <= header <= total length <= available.
pub(crate) fn parse(head: &[u8], available: usize, layer: Layer, verify: bool) -> Result<Header, Error> {
    let truncated = layer.pick(Reason::OuterTruncated, Reason::InnerTruncated);
    let malformed = layer.pick(Reason::OuterBadHeader, Reason::InnerBadHeader);
    let Some(header) = Header::read(head) else {
        return Err(Error::octets(truncated, 0, head.len()));
    };
    if header.version != 4 {
        return Err(Error::new(layer.pick(Reason::OuterNotIpv4, Reason::InnerNotIpv4), 0, header.version));
    }
    if header.len() < HEADER_LEN {
        return Err(Error::new(malformed, 0, header.header_len / 4));
    }
    if header.total() < header.len() {
        return Err(Error::new(malformed, 2, header.total_len));
    }
    if available < header.total() {
        return Err(Error::octets(truncated, 2, available));
    }
    let Some(octets) = head.get(..header.len()) else {
        return Err(Error::octets(truncated, 0, head.len()));
    };
    if verify && checksum(octets) != 0 {
        return Err(Error::new(layer.pick(Reason::OuterChecksum, Reason::InnerChecksum), 10, header.checksum));
    }
    Ok(header)
}

/// Writes the TOS octet and updates the checksum; nothing happens when it is the same or there is no header.
pub(crate) fn set_tos(octets: &mut [u8], tos: u8) {
    let Some([vi, field, _, _, _, _, _, _, _, _, c0, c1, ..]) = octets.first_chunk_mut::<HEADER_LEN>() else {
        return;
    };
    if *field == tos {
        return;
    }
    let old = u16::from_be_bytes([*vi, *field]);
    let new = u16::from_be_bytes([*vi, tos]);
    [*c0, *c1] = checksum_update(u16::from_be_bytes([*c0, *c1]), old, new).to_be_bytes();
    *field = tos;
}

/// Writes the TTL and updates the checksum; nothing happens when there is no header.
pub(crate) fn set_ttl(octets: &mut [u8], ttl: u8) {
    let Some([_, _, _, _, _, _, _, _, field, protocol, c0, c1, ..]) = octets.first_chunk_mut::<HEADER_LEN>() else {
        return;
    };
    let old = u16::from_be_bytes([*field, *protocol]);
    let new = u16::from_be_bytes([ttl, *protocol]);
    [*c0, *c1] = checksum_update(u16::from_be_bytes([*c0, *c1]), old, new).to_be_bytes();
    *field = ttl;
}

/// Writes the header checksum field as given.
pub(crate) fn put_checksum(octets: &mut [u8], sum: u16) {
    if let Some([_, _, _, _, _, _, _, _, _, _, c0, c1, ..]) = octets.first_chunk_mut::<HEADER_LEN>() {
        [*c0, *c1] = sum.to_be_bytes();
    }
}

/// The big-endian word at `at`.
pub(crate) fn word_at(octets: &[u8], at: usize) -> Option<u16> {
    let word = octets.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn headers()(words in prop::array::uniform5(any::<u16>()), ttl: u8, tos: u8, source: u32, destination: u32)
            -> Header {
            Header {
                version: 4, header_len: 20, tos, total_len: words[0], ident: words[1], fragment: words[2], ttl,
                protocol: 4, checksum: 0, source: source.into(), destination: destination.into(),
            }
        }
    }

    proptest! {
        #[test]
        fn rfc791_3_1_read_gives_what_write_wrote(header in headers()) {
            let octets = header.write();
            prop_assert_eq!(checksum(&octets), 0);
            let read = Header::read(&octets).unwrap();
            prop_assert_eq!(Header { checksum: 0, ..read }, header);
        }

        #[test]
        fn rfc1624_3_setters_are_the_full_computation(header in headers(), tos: u8, ttl: u8) {
            let mut octets = header.write();
            set_tos(&mut octets, tos);
            set_ttl(&mut octets, ttl);
            prop_assert_eq!(octets, Header { tos, ttl, ..header }.write());
        }
    }
}

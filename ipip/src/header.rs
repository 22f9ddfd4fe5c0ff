//! The IPv4 header (RFC 791): the one place that reads and writes its octets.

use core::net::Ipv4Addr;

use crate::checksum::{add, checksum, checksum_update, fold, is_right, sum_header};
use crate::{Error, Reason};

pub use crate::checksum::HEADER_LEN;
/// The same as a length that is taken off MTUs.
pub(crate) const OVERHEAD: u16 = 20;
/// The longest IPv4 header: IHL 15.
pub(crate) const MAX_HEADER_LEN: usize = 60;

pub(crate) const PROTOCOL_ICMP: u8 = 1;
pub(crate) const PROTOCOL_IPIP: u8 = 4;
pub(crate) const PROTOCOL_UDP: u8 = 17;
pub(crate) const PROTOCOL_IPV6: u8 = 41;
pub(crate) const PROTOCOL_MPLS: u8 = 137;

pub(crate) const DF: u16 = 0x4000;
pub(crate) const MF: u16 = 0x2000;
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
    #[inline]
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
    #[inline]
    pub(crate) fn read(octets: &[u8]) -> Option<Header> {
        octets.first_chunk().map(Header::of)
    }

    /// The header in 20 octets, unchecked.
    #[inline]
    pub(crate) fn of(octets: &[u8; HEADER_LEN]) -> Header {
        let &[vi, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] = octets;
        Header {
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
        }
    }

    /// The header as 20 octets with version 4, IHL 5 and the right checksum, whatever those fields hold.
    #[inline]
    pub(crate) fn write(&self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.total_len.to_be_bytes();
        let [i0, i1] = self.ident.to_be_bytes();
        let [f0, f1] = self.fragment.to_be_bytes();
        let [s0, s1, s2, s3] = self.source.octets();
        let [d0, d1, d2, d3] = self.destination.octets();
        let first = u64::from_ne_bytes([0x45, self.tos, l0, l1, i0, i1, f0, f1]);
        let second = u64::from_ne_bytes([self.ttl, self.protocol, 0, 0, s0, s1, s2, s3]);
        let third = u32::from_ne_bytes([d0, d1, d2, d3]);
        let sum = !fold(add(add(first, second), third.into()));
        let [c0, c1] = sum.to_ne_bytes();
        [0x45, self.tos, l0, l1, i0, i1, f0, f1, self.ttl, self.protocol, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3]
    }

    /// Writes the header with `options` behind it, whose length is a multiple of 4; gives the octets of both. `None` when
    /// there are more than 40.
    pub(crate) fn write_with(&self, options: &[u8], octets: &mut [u8; MAX_HEADER_LEN]) -> Option<usize> {
        let (fixed, room) = octets.split_first_chunk_mut::<HEADER_LEN>()?;
        *fixed = self.write();
        if !options.is_empty() {
            room.get_mut(..options.len())?.copy_from_slice(options);
            let len = HEADER_LEN + options.len();
            *fixed.first_mut()? = 0x40 | u8::try_from(len / 4).ok()?;
            put_checksum(fixed, 0);
            let sum = checksum(octets.get(..len)?);
            put_checksum(octets, sum);
        }
        Some(HEADER_LEN + options.len())
    }

    #[inline]
    pub(crate) fn dont_fragment(&self) -> bool {
        self.fragment & DF != 0
    }

    #[inline]
    pub(crate) fn more_fragments(&self) -> bool {
        self.fragment & MF != 0
    }

    /// In units of 8 octets.
    #[inline]
    pub(crate) fn offset(&self) -> u16 {
        self.fragment & OFFSET_MASK
    }

    /// MF or an offset: VPP looks at MF only and misses the last fragment of a set.
    #[inline]
    pub(crate) fn is_fragment(&self) -> bool {
        self.fragment & (MF | OFFSET_MASK) != 0
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.header_len)
    }

    #[inline]
    pub(crate) fn total(&self) -> usize {
        usize::from(self.total_len)
    }
}

/// The flags and offset field.
#[inline]
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
#[inline]
pub(crate) fn parse(head: &[u8], available: usize, layer: Layer, verify: bool) -> Result<Header, Error> {
    // Nearly every header has no options and no faults; only what is not so is looked at in detail.
    if let Some(octets @ [0x45, ..]) = head.first_chunk::<HEADER_LEN>() {
        let header = Header { version: 4, header_len: 20, ..Header::of(octets) };
        let fits = HEADER_LEN <= header.total() && header.total() <= available;
        if fits && (!verify || is_right(sum_header(octets))) {
            return Ok(header);
        }
    }
    parse_in_detail(head, available, layer, verify)
}

#[cold]
#[inline(never)]
fn parse_in_detail(head: &[u8], available: usize, layer: Layer, verify: bool) -> Result<Header, Error> {
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

/// Takes one off the TTL, which is not 0, and updates the checksum.
#[inline]
pub(crate) fn decrement_ttl(octets: &mut [u8; HEADER_LEN]) {
    let [_, _, _, _, _, _, _, _, ttl, _, c0, c1, ..] = octets;
    *ttl = ttl.wrapping_sub(1);
    // RFC 1624 equation 3 for one less in the high half of a word; 0xffff, the other zero, is never written.
    let step = u16::from_ne_bytes([1, 0]);
    let old = u16::from_ne_bytes([*c0, *c1]);
    [*c0, *c1] = old.wrapping_add(step).wrapping_add(u16::from(old >= !step)).to_ne_bytes();
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
        fn rfc1624_3_setters_are_the_full_computation(header in headers(), tos: u8, ttl in 1_u8..) {
            let header = Header { ttl, ..header };
            let mut octets = header.write();
            set_tos(&mut octets, tos);
            decrement_ttl(&mut octets);
            prop_assert_eq!(octets, Header { tos, ttl: ttl - 1, ..header }.write());
        }
    }
}

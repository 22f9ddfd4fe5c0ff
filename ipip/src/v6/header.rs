//! The IPv6 header (RFC 8200 section 3), and what a tunnel looks at of an inner datagram of either version.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{is_destination, is_host};
use crate::header::{self, Layer};
use crate::{Reason, header::set_tos};

use super::Error;

pub(super) const LEN: usize = 40;
pub(super) const HOP_BY_HOP: u8 = 0;
pub(super) const IPV4: u8 = 4;
pub(super) const IPV6: u8 = 41;
pub(super) const FRAGMENT: u8 = 44;
pub(super) const ICMPV6: u8 = 58;
pub(super) const DESTINATION_OPTIONS: u8 = 60;

/// The header of an IPv6 datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) class: u8,
    pub(super) flow: u32,
    pub(super) payload_len: u16,
    pub(super) next: u8,
    pub(super) hop_limit: u8,
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
}

impl Header {
    /// The first 40 octets, if they are there and say version 6.
    pub(super) fn read(octets: &[u8]) -> Option<Header> {
        let (&[v, c, f0, f1, l0, l1, next, hop_limit], rest) = octets.split_first_chunk::<8>()?;
        let (source, rest) = rest.split_first_chunk::<16>()?;
        let destination = rest.first_chunk::<16>()?;
        (v >> 4 == 6).then(|| Header {
            class: (v << 4) | (c >> 4),
            flow: u32::from_be_bytes([0, c & 15, f0, f1]),
            payload_len: u16::from_be_bytes([l0, l1]),
            next,
            hop_limit,
            source: (*source).into(),
            destination: (*destination).into(),
        })
    }

    /// Writes the header at the beginning of `octets`; `None` when there is no room.
    pub(super) fn write(&self, octets: &mut [u8]) -> Option<()> {
        let (first, rest) = octets.split_first_chunk_mut::<8>()?;
        let (source, rest) = rest.split_first_chunk_mut::<16>()?;
        let [_, f0, f1, f2] = self.flow.to_be_bytes();
        let [l0, l1] = self.payload_len.to_be_bytes();
        let c = (self.class << 4) | (f0 & 15);
        *first = [0x60 | (self.class >> 4), c, f1, f2, l0, l1, self.next, self.hop_limit];
        *source = self.source.octets();
        *rest.first_chunk_mut()? = self.destination.octets();
        Some(())
    }

    /// Octets of the datagram.
    pub(super) fn total(&self) -> usize {
        LEN + usize::from(self.payload_len)
    }
}

/// The fragment header (RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragmented {
    pub(super) next: u8,
    /// Offset in units of 8 octets, 2 reserved bits, and whether more follow.
    pub(super) field: u16,
    pub(super) ident: u32,
    /// Where it begins, and where the header before says so.
    pub(super) at: usize,
    pub(super) announced_at: usize,
}

impl Fragmented {
    pub(super) const LEN: usize = 8;

    pub(super) fn read(datagram: &[u8], at: usize, announced_at: usize) -> Option<Fragmented> {
        let &[next, _, o0, o1, i0, i1, i2, i3] = datagram.get(at..)?.first_chunk()?;
        let (field, ident) = (u16::from_be_bytes([o0, o1]), u32::from_be_bytes([i0, i1, i2, i3]));
        Some(Fragmented { next, field, ident, at, announced_at })
    }

    /// Where in the whole payload it begins, in octets.
    pub(super) fn start(&self) -> usize {
        usize::from(self.field & !7)
    }

    pub(super) fn more(&self) -> bool {
        self.field & 1 == 1
    }

    /// The only one of its datagram, which is whole therefore (RFC 6946).
    pub(super) fn is_atomic(&self) -> bool {
        self.start() == 0 && !self.more()
    }
}

/// What a tunnel looks at of an inner datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inner {
    pub(super) version: u8,
    pub(super) total: usize,
    pub(super) class: u8,
    pub(super) hops: u8,
    /// An IPv6 datagram is never fragmented on the way.
    pub(super) dont_fragment: bool,
    pub(super) next: u8,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
}

impl Inner {
    /// Reads and checks the header; offsets count from the inner datagram.
    pub(super) fn parse(octets: &[u8]) -> Result<Inner, Error> {
        match octets.first().map(|first| first >> 4) {
            None => Err(Error::new(Reason::InnerTruncated, 0)),
            Some(4) => {
                let header = header::parse(octets, octets.len(), Layer::Inner, true)?;
                Ok(Inner {
                    version: 4,
                    total: header.total(),
                    class: header.tos,
                    hops: header.ttl,
                    dont_fragment: header.dont_fragment(),
                    next: header.protocol,
                    source: header.source.into(),
                    destination: header.destination.into(),
                })
            }
            Some(6) => {
                let header = Header::read(octets).ok_or(Error::new(Reason::InnerTruncated, 0))?;
                if header.total() > octets.len() {
                    return Err(Error::new(Reason::InnerTruncated, 4));
                }
                Ok(Inner {
                    version: 6,
                    total: header.total(),
                    class: header.class,
                    hops: header.hop_limit,
                    dont_fragment: true,
                    next: header.next,
                    source: header.source.into(),
                    destination: header.destination.into(),
                })
            }
            Some(_) => Err(Error::new(Reason::InnerNotIp, 0)),
        }
    }

    /// The octet of TTL or hop limit.
    pub(super) fn hops_at(&self) -> usize {
        if self.version == 4 { 8 } else { 7 }
    }

    /// Where source and destination begin.
    pub(super) fn addresses_at(&self) -> (usize, usize) {
        if self.version == 4 { (12, 16) } else { (8, 24) }
    }

    /// Whether the addresses can come out of a tunnel (RFC 1812 section 5.3.7, RFC 4213 section 3.6).
    pub(super) fn has_sane_source(&self) -> bool {
        match self.source {
            IpAddr::V4(source) => is_host(source),
            IpAddr::V6(source) => {
                let mapped_or_compatible = matches!(source.segments(), [0, 0, 0, 0, 0, 0 | 0xffff, _, _]);
                // The unspecified address is that of a host that looks for its own (RFC 4862 section 5.4.2).
                !source.is_multicast() && (source.is_unspecified() || !mapped_or_compatible)
            }
        }
    }

    pub(super) fn has_sane_destination(&self) -> bool {
        match self.destination {
            IpAddr::V4(destination) => is_destination(destination),
            IpAddr::V6(destination) => !destination.is_loopback() && !destination.is_unspecified(),
        }
    }

    /// Whether another tunnel header follows.
    pub(super) fn is_nested(&self) -> bool {
        matches!(self.next, IPV4 | IPV6)
    }
}

/// Writes TOS or traffic class; the checksum of IPv4 follows.
pub(super) fn set_class(octets: &mut [u8], class: u8) {
    match octets {
        [first, second, ..] if *first >> 4 == 6 => {
            *first = 0x60 | (class >> 4);
            *second = (class << 4) | (*second & 15);
        }
        _ => set_tos(octets, class),
    }
}

/// Takes one off TTL or hop limit, which is not 0.
pub(super) fn decrement_hops(octets: &mut [u8]) {
    match octets {
        [first, _, _, _, _, _, _, hop_limit, ..] if *first >> 4 == 6 => *hop_limit = hop_limit.wrapping_sub(1),
        _ => {
            if let Some(octets) = octets.first_chunk_mut() {
                header::decrement_ttl(octets);
            }
        }
    }
}

/// An IPv4 header with protocol 41.
pub(super) fn outer_v4(local: Ipv4Addr, remote: Ipv4Addr) -> header::Header {
    header::Header { protocol: IPV6, ..header::Header::new(local, remote) }
}

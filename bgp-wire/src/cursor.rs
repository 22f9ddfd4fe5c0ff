//! A reader that knows how far it is: what the formats around messages (MRT, BMP) are read with.

#[cfg(feature = "mrt")]
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::reader::Reader;

/// Octets not yet read, and how many were before them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'m> {
    reader: Reader<'m>,
    /// Octets in all, those in front of the reader's first included.
    end: usize,
}

impl<'m> Cursor<'m> {
    /// Over `octets`, which begin at offset `start`.
    pub(crate) const fn new(octets: &'m [u8], start: usize) -> Self {
        Self { reader: Reader::new(octets), end: start.saturating_add(octets.len()) }
    }

    /// The offset of the next octet; larger ones stay at the largest number.
    pub(crate) fn at(&self) -> u32 {
        u32::try_from(self.end - self.reader.len()).unwrap_or(u32::MAX)
    }

    #[cfg(feature = "bmp")]
    pub(crate) const fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    pub(crate) const fn rest(&self) -> &'m [u8] {
        self.reader.rest()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'m [u8]> {
        self.reader.take(len)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.reader.u8()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.reader.u16()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.reader.u32()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.reader.array()
    }

    /// As many octets as the 2-octet length before them says.
    pub(crate) fn prefixed_u16(&mut self) -> Option<&'m [u8]> {
        self.reader.prefixed_u16()
    }

    /// An address of 4 octets, or of 16.
    #[cfg(feature = "mrt")]
    pub(crate) fn addr(&mut self, v6: bool) -> Option<IpAddr> {
        if v6 {
            self.array::<16>().map(|octets| Ipv6Addr::from(octets).into())
        } else {
            self.array::<4>().map(|octets| Ipv4Addr::from(octets).into())
        }
    }

    /// An AS number of 4 octets, or of 2.
    #[cfg(feature = "mrt")]
    pub(crate) fn asn(&mut self, wide: bool) -> Option<crate::Asn> {
        if wide { self.u32().map(crate::Asn) } else { self.u16().map(|asn| crate::Asn(asn.into())) }
    }
}

/// Appends the 4 or 16 octets of an address.
#[cfg(all(feature = "mrt", feature = "alloc"))]
pub(crate) fn put_addr(out: &mut bytes::BytesMut, addr: IpAddr) {
    match addr {
        IpAddr::V4(addr) => out.extend_from_slice(&addr.octets()),
        IpAddr::V6(addr) => out.extend_from_slice(&addr.octets()),
    }
}

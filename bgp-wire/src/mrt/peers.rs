//! `PEER_INDEX_TABLE`: the peers that the entries of a table name by their place (RFC 6396 section 4.3.1).

use core::iter::FusedIterator;
use core::net::IpAddr;

use super::error::ends;
use super::{Error, ErrorKind, Part};
use crate::cursor::Cursor;
use crate::{Asn, BgpId};

/// The table of peers: collector's identifier (4 octets), length of the view's name (2), name, number of peers (2), peers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerIndexTable<'m> {
    /// The identifier of the collector.
    pub collector: BgpId,
    /// The name of the view, which is UTF-8 in all but broken files; mostly empty.
    pub view: &'m [u8],
    /// The peers, in the order that the entries count.
    pub peers: Peers<'m>,
}

/// A peer of the collector: type (1 octet), identifier (4), address (4 or 16), AS number (2 or 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.3.1 has these fields")]
pub struct Peer {
    /// Its identifier.
    pub bgp_id: BgpId,
    /// Its address.
    pub addr: IpAddr,
    /// Its AS number.
    pub asn: Asn,
    /// Whether the AS number has 4 octets in the table.
    pub four_octet_as: bool,
}

impl Peer {
    fn decode(cursor: &mut Cursor<'_>) -> Option<Peer> {
        let ty = cursor.u8()?;
        let bgp_id = BgpId(cursor.u32()?);
        let addr = cursor.addr(ty & IPV6 != 0)?;
        let four_octet_as = ty & AS4 != 0;
        Some(Peer { bgp_id, addr, asn: cursor.asn(four_octet_as)?, four_octet_as })
    }
}

impl<'m> PeerIndexTable<'m> {
    pub(super) fn decode(cursor: &mut Cursor<'m>) -> Result<PeerIndexTable<'m>, Error> {
        let collector = BgpId(cursor.u32().ok_or_else(|| ends(Part::Index, cursor))?);
        let view = cursor.prefixed_u16().ok_or_else(|| ends(Part::Index, cursor))?;
        let count = cursor.u16().ok_or_else(|| ends(Part::Index, cursor))?;
        let octets = cursor.rest();
        for _ in 0..count {
            let at = *cursor;
            if Peer::decode(cursor).is_none() {
                return Err(ends(Part::Peer, &at));
            }
        }
        let octets = octets.get(..octets.len() - cursor.rest().len()).unwrap_or_default();
        Ok(PeerIndexTable { collector, view, peers: Peers { octets, left: count } })
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        let count = self.view.len();
        let len = u16::try_from(count).map_err(|_| super::EncodeError::TooMany { what: Part::Index, count })?;
        out.extend_from_slice(&self.collector.0.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(self.view);
        out.extend_from_slice(&self.peers.left.to_be_bytes());
        out.extend_from_slice(self.peers.octets);
        Ok(())
    }
}

/// An infallible iterator over the peers of a table.
#[derive(Clone, Debug)]
pub struct Peers<'m> {
    octets: &'m [u8],
    left: u16,
}

impl Iterator for Peers<'_> {
    type Item = Peer;

    fn next(&mut self) -> Option<Peer> {
        let mut cursor = Cursor::new(self.octets, 0);
        self.left = self.left.checked_sub(1)?;
        let peer = Peer::decode(&mut cursor)?;
        self.octets = cursor.rest();
        Some(peer)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Peers<'_> {}
impl FusedIterator for Peers<'_> {}

/// The octets of a table of peers that is being made.
///
/// ```
/// use bgp_wire::mrt::{self, Content, Peer, PeerIndexBuilder, Timestamp};
/// use bgp_wire::{Asn, BgpId};
///
/// let peer = Peer { bgp_id: BgpId(1), addr: "192.0.2.1".parse()?, asn: Asn(64512), four_octet_as: true };
/// let mut peers = PeerIndexBuilder::new();
/// assert_eq!(peers.push(peer)?, 0);
/// let mut out = bytes::BytesMut::new();
/// Content::PeerIndexTable(peers.table(BgpId(9), b"")).encode(Timestamp::new(7), &mut out)?;
/// let (record, _) = mrt::frame(&out, mrt::DEFAULT_LIMIT)?.ok_or("a whole record")?;
/// let Content::PeerIndexTable(table) = record.content()? else { return Ok(()) };
/// assert!(table.peers.eq([peer]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default)]
pub struct PeerIndexBuilder {
    octets: bytes::BytesMut,
    count: u16,
}

#[cfg(feature = "alloc")]
impl PeerIndexBuilder {
    /// Without peers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a peer and says its place.
    ///
    /// # Errors
    /// If there are 65535 already, or its AS number does not fit the size it asks for.
    pub fn push(&mut self, peer: Peer) -> Result<u16, super::EncodeError> {
        let too_many = super::EncodeError::TooMany { what: Part::Index, count: 65536 };
        let count = self.count.checked_add(1).ok_or(too_many)?;
        let mut octets = bytes::BytesMut::new();
        let ty = if peer.addr.is_ipv6() { IPV6 } else { 0 } | if peer.four_octet_as { AS4 } else { 0 };
        octets.extend_from_slice(&[ty]);
        octets.extend_from_slice(&peer.bgp_id.0.to_be_bytes());
        crate::cursor::put_addr(&mut octets, peer.addr);
        put_asn(peer.asn, peer.four_octet_as, &mut octets)?;
        self.octets.extend_from_slice(&octets);
        self.count = count;
        Ok(count - 1)
    }

    /// The table of what was added, for [`Content::encode`](super::Content::encode).
    #[must_use]
    pub fn table<'m>(&'m self, collector: BgpId, view: &'m [u8]) -> PeerIndexTable<'m> {
        PeerIndexTable { collector, view, peers: Peers { octets: &self.octets, left: self.count } }
    }
}

/// Appends an AS number of 4 octets, or of 2.
#[cfg(feature = "alloc")]
pub(super) fn put_asn(asn: Asn, wide: bool, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
    if wide {
        out.extend_from_slice(&asn.0.to_be_bytes());
    } else {
        let narrow = u16::try_from(asn.0).map_err(|_| super::EncodeError::AsNumber(asn))?;
        out.extend_from_slice(&narrow.to_be_bytes());
    }
    Ok(())
}

/// A table of at least one octet that is left over is not one.
pub(super) fn nothing_left(cursor: &Cursor<'_>) -> Result<(), Error> {
    match cursor.rest().len() {
        0 => Ok(()),
        left => Err(Error::new(ErrorKind::LeftOver { left: u32::try_from(left).unwrap_or(u32::MAX) }, cursor.at())),
    }
}

const IPV6: u8 = 1;
const AS4: u8 = 2;

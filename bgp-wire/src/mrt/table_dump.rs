//! `TABLE_DUMP`: one route, in the form before `TABLE_DUMP_V2` (RFC 6396 section 4.2).

use core::net::IpAddr;

use ipnet::IpNet;

use super::error::ends;
use super::{Error, ErrorKind, Part, RecordType, RibAttributes};
use crate::Asn;
use crate::cursor::Cursor;

/// A route: view (2 octets), sequence number (2), prefix (4 or 16), its length (1), status (1, always 1), when it came
/// (4), peer's address (4 or 16), peer's AS number (2), length of the attributes (2), attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.2 has these fields")]
pub struct TableDump<'m> {
    /// The number of the view.
    pub view: u16,
    /// Counts the records of a table.
    pub sequence: u16,
    /// The prefix.
    pub prefix: IpNet,
    /// Not used; 1 by RFC 6396.
    pub status: u8,
    /// When the route came, in seconds since 1970.
    pub originated: u32,
    /// The peer's address, of the family of the prefix.
    pub peer_addr: IpAddr,
    /// The peer's AS number, at most 65535.
    pub peer_as: Asn,
    /// The octets of the attributes; [`TableDump::decode_attributes`] reads them.
    pub attributes: &'m [u8],
}

impl<'m> TableDump<'m> {
    pub(super) fn decode(cursor: &mut Cursor<'m>, v6: bool) -> Result<TableDump<'m>, Error> {
        let short = |cursor: &Cursor<'_>| ends(Part::Entry, cursor);
        let view = cursor.u16().ok_or_else(|| short(cursor))?;
        let sequence = cursor.u16().ok_or_else(|| short(cursor))?;
        let addr = cursor.addr(v6).ok_or_else(|| short(cursor))?;
        let at = cursor.at();
        let bits = cursor.u8().ok_or_else(|| short(cursor))?;
        let prefix = IpNet::new(addr, bits).map_err(|_| Error::new(ErrorKind::Prefix, at))?.trunc();
        let status = cursor.u8().ok_or_else(|| short(cursor))?;
        let originated = cursor.u32().ok_or_else(|| short(cursor))?;
        let peer_addr = cursor.addr(v6).ok_or_else(|| short(cursor))?;
        let peer_as = cursor.asn(false).ok_or_else(|| short(cursor))?;
        let attributes = cursor.prefixed_u16().ok_or_else(|| ends(Part::Attributes, cursor))?;
        Ok(TableDump { view, sequence, prefix, status, originated, peer_addr, peer_as, attributes })
    }

    /// The attributes, whose AS numbers have 2 octets.
    #[must_use]
    pub fn decode_attributes(&self) -> RibAttributes<'m> {
        RibAttributes::decode(self.attributes, false)
    }

    pub(super) fn record_type(&self) -> RecordType {
        if self.peer_addr.is_ipv6() { RecordType::TABLE_DUMP_IPV6 } else { RecordType::TABLE_DUMP_IPV4 }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        use super::EncodeError;
        let addr = self.prefix.addr();
        if addr.is_ipv6() != self.peer_addr.is_ipv6() {
            return Err(EncodeError::Addresses);
        }
        let count = self.attributes.len();
        let len = u16::try_from(count).map_err(|_| EncodeError::TooMany { what: Part::Attributes, count })?;
        out.extend_from_slice(&self.view.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        crate::cursor::put_addr(out, addr);
        out.extend_from_slice(&[self.prefix.prefix_len(), self.status]);
        out.extend_from_slice(&self.originated.to_be_bytes());
        crate::cursor::put_addr(out, self.peer_addr);
        super::peers::put_asn(self.peer_as, false, out)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(self.attributes);
        Ok(())
    }
}

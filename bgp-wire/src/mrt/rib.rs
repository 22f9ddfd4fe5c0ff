//! The RIB records of `TABLE_DUMP_V2`: a prefix and what each peer says of it (RFC 6396 section 4.3, RFC 8050 section 4).

use core::iter::FusedIterator;

#[cfg(feature = "alloc")]
use ipnet::IpNet;

use super::error::ends;
use super::{Error, ErrorKind, Part, RecordType, RibAttributes};
use crate::cursor::Cursor;
use crate::nlri::{NlriRef, Nlris, PathNlri};
use crate::{Family, PathId, prefix};

/// The routes to one prefix: sequence number (4 octets), family (only in the generic form: AFI 2, SAFI 1), NLRI, number
/// of entries (2), entries.
///
/// Path identifiers are in the entries. The generic form with path identifiers has one in front of its NLRI instead
/// (RFC 8050 section 4); GoBGP and OpenBGPD write such records in another form, which cannot be told apart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rib<'m> {
    /// Counts the records of a table.
    pub sequence: u32,
    /// The family.
    pub family: Family,
    /// Whether the record has the generic form.
    pub generic: bool,
    /// Whether the record has a form with path identifiers.
    pub add_path: bool,
    /// What the routes lead to; with a path identifier only in the generic form.
    pub nlri: PathNlri<'m>,
    /// The octets of the NLRI, without a path identifier.
    octets: &'m [u8],
    /// What the peers say of it.
    pub entries: RibEntries<'m>,
}

/// What one peer says: its place in the table of peers (2 octets), when it said so (4), path identifier (4, only in the
/// forms with them), length of the attributes (2), attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 6396 section 4.3.4 and RFC 8050 section 4 have these fields")]
pub struct RibEntry<'m> {
    /// The place of the peer in the [`PeerIndexTable`](super::PeerIndexTable).
    pub peer: u16,
    /// When the route came, in seconds since 1970.
    pub originated: u32,
    /// The path identifier.
    pub path_id: Option<PathId>,
    /// The octets of the attributes; [`RibEntry::decode_attributes`] reads them.
    pub attributes: &'m [u8],
}

impl<'m> RibEntry<'m> {
    fn decode(cursor: &mut Cursor<'m>, path_ids: bool) -> Result<RibEntry<'m>, Part> {
        let peer = cursor.u16().ok_or(Part::Entry)?;
        let originated = cursor.u32().ok_or(Part::Entry)?;
        let path_id = if path_ids { Some(PathId(cursor.u32().ok_or(Part::Entry)?)) } else { None };
        let attributes = cursor.prefixed_u16().ok_or(Part::Attributes)?;
        Ok(RibEntry { peer, originated, path_id, attributes })
    }

    /// The attributes, whose AS numbers have 4 octets in every record of this kind.
    #[must_use]
    pub fn decode_attributes(&self) -> RibAttributes<'m> {
        RibAttributes::decode(self.attributes, true)
    }
}

impl<'m> Rib<'m> {
    /// The record of a type that has a family; `None` for others.
    pub(super) fn decode(cursor: &mut Cursor<'m>, ty: RecordType) -> Option<Result<Rib<'m>, Error>> {
        if let Some((_, family, add_path)) = TYPES.iter().find(|(row, ..)| *row == ty) {
            return Some(Rib::decode_plain(cursor, *family, *add_path));
        }
        match ty {
            RecordType::RIB_GENERIC => Some(Rib::decode_generic(cursor, false)),
            RecordType::RIB_GENERIC_ADDPATH => Some(Rib::decode_generic(cursor, true)),
            _ => None,
        }
    }

    fn decode_plain(cursor: &mut Cursor<'m>, family: Family, add_path: bool) -> Result<Rib<'m>, Error> {
        let sequence = cursor.u32().ok_or_else(|| ends(Part::Prefix, cursor))?;
        let field = cursor.rest();
        let (nlri, behind) = match family {
            Family::IPV4_UNICAST | Family::IPV4_MULTICAST => {
                prefix::decode_v4(field).map(|(net, behind)| (NlriRef::Ipv4(net), behind))
            }
            _ => prefix::decode_v6(field).map(|(net, behind)| (NlriRef::Ipv6(net), behind)),
        }
        .ok_or(Error::new(ErrorKind::Prefix, cursor.at()))?;
        let octets = cursor.take(field.len() - behind.len()).unwrap_or_default();
        let entries = RibEntries::decode(cursor, add_path)?;
        let nlri = PathNlri { path_id: None, nlri };
        Ok(Rib { sequence, family, generic: false, add_path, nlri, octets, entries })
    }

    fn decode_generic(cursor: &mut Cursor<'m>, add_path: bool) -> Result<Rib<'m>, Error> {
        let sequence = cursor.u32().ok_or_else(|| ends(Part::Prefix, cursor))?;
        let at = cursor.at();
        let (afi, safi) = match (cursor.u16(), cursor.u8()) {
            (Some(afi), Some(safi)) => (afi, safi),
            _ => return Err(ends(Part::Prefix, cursor)),
        };
        let family = Family::new(afi, safi);
        let at_nlri = cursor.at();
        let path_id = match add_path {
            true => Some(PathId(cursor.u32().ok_or_else(|| ends(Part::Prefix, cursor))?)),
            false => None,
        };
        let field = cursor.rest();
        let mut nlris = Nlris::new(family, false, field);
        let nlri = nlris.next().ok_or(Error::new(ErrorKind::Prefix, at_nlri))?.nlri;
        if matches!(nlri, NlriRef::Opaque(_)) {
            return Err(Error::new(ErrorKind::Family(family), at));
        }
        let octets = cursor.take(field.len() - nlris.as_bytes().len()).unwrap_or_default();
        let entries = RibEntries::decode(cursor, false)?;
        Ok(Rib { sequence, family, generic: true, add_path, nlri: PathNlri { path_id, nlri }, octets, entries })
    }

    /// The octets of the NLRI, without a path identifier.
    #[must_use]
    pub fn nlri_octets(&self) -> &'m [u8] {
        self.octets
    }

    pub(super) fn record_type(&self) -> Option<RecordType> {
        match (self.generic, self.add_path) {
            (true, false) => Some(RecordType::RIB_GENERIC),
            (true, true) => Some(RecordType::RIB_GENERIC_ADDPATH),
            (false, add_path) => plain_type(self.family, add_path),
        }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut bytes::BytesMut) {
        out.extend_from_slice(&self.sequence.to_be_bytes());
        if self.generic {
            out.extend_from_slice(&self.family.afi.0.to_be_bytes());
            out.extend_from_slice(&[self.family.safi.0]);
            if let Some(path_id) = self.nlri.path_id {
                out.extend_from_slice(&path_id.0.to_be_bytes());
            }
        }
        out.extend_from_slice(self.octets);
        out.extend_from_slice(&self.entries.left.to_be_bytes());
        out.extend_from_slice(self.entries.octets);
    }
}

/// An infallible iterator over the entries of a record.
#[derive(Clone, Debug)]
pub struct RibEntries<'m> {
    octets: &'m [u8],
    left: u16,
    path_ids: bool,
}

impl<'m> RibEntries<'m> {
    fn decode(cursor: &mut Cursor<'m>, path_ids: bool) -> Result<RibEntries<'m>, Error> {
        let left = cursor.u16().ok_or_else(|| ends(Part::Prefix, cursor))?;
        let octets = cursor.rest();
        for _ in 0..left {
            RibEntry::decode(cursor, path_ids).map_err(|part| ends(part, cursor))?;
        }
        let octets = octets.get(..octets.len() - cursor.rest().len()).unwrap_or_default();
        Ok(RibEntries { octets, left, path_ids })
    }
}

impl<'m> Iterator for RibEntries<'m> {
    type Item = RibEntry<'m>;

    fn next(&mut self) -> Option<RibEntry<'m>> {
        let mut cursor = Cursor::new(self.octets, 0);
        self.left = self.left.checked_sub(1)?;
        let entry = RibEntry::decode(&mut cursor, self.path_ids).ok()?;
        self.octets = cursor.rest();
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for RibEntries<'_> {}
impl FusedIterator for RibEntries<'_> {}

/// The octets of the routes to one prefix that are being collected.
///
/// ```
/// use bgp_wire::attr::AttrBuilder;
/// use bgp_wire::mrt::{self, Content, RibBuilder, RibEntry, Timestamp, write_rib_attributes};
/// use bgp_wire::{Asn, Family};
///
/// let mut attributes = Vec::new();
/// let block = AttrBuilder::new().as_path(&[Asn(64513)]).build()?;
/// write_rib_attributes(&block, "2001:db8::1".parse()?, &mut attributes);
/// let mut rib = RibBuilder::prefix(0, Family::IPV6_UNICAST, "2001:db8:1::/48".parse()?, false)?;
/// rib.push(&RibEntry { peer: 0, originated: 7, path_id: None, attributes: &attributes })?;
///
/// let mut out = bytes::BytesMut::new();
/// Content::Rib(rib.rib()).encode(Timestamp::new(7), &mut out)?;
/// let (record, _) = mrt::frame(&out, mrt::DEFAULT_LIMIT)?.ok_or("a whole record")?;
/// let Content::Rib(rib) = record.content()? else { return Ok(()) };
/// for entry in rib.entries {
///     let attributes = entry.decode_attributes();
///     assert_eq!(attributes.next_hop().map(|next_hop| next_hop.to_string()).as_deref(), Some("2001:db8::1"));
///     assert_eq!(attributes.attributes().as_path().unwrap_or_default().to_string(), "64513");
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct RibBuilder {
    sequence: u32,
    family: Family,
    generic: bool,
    add_path: bool,
    path_id: Option<PathId>,
    octets: alloc::vec::Vec<u8>,
    entries: alloc::vec::Vec<u8>,
    count: u16,
}

#[cfg(feature = "alloc")]
impl RibBuilder {
    /// The routes to a prefix of IPv4 or IPv6 unicast or multicast, in the form made for that family; `add_path` says
    /// whether each entry has a path identifier.
    ///
    /// # Errors
    /// If the prefix is of another family, or the family has no form of its own.
    pub fn prefix(sequence: u32, family: Family, net: IpNet, add_path: bool) -> Result<RibBuilder, super::EncodeError> {
        let fits = matches!(
            (family, net),
            (Family::IPV4_UNICAST | Family::IPV4_MULTICAST, IpNet::V4(_))
                | (Family::IPV6_UNICAST | Family::IPV6_MULTICAST, IpNet::V6(_))
        );
        if !fits {
            return Err(super::EncodeError::Family(family));
        }
        let octets = prefix_octets(net);
        Ok(RibBuilder {
            sequence,
            family,
            generic: false,
            add_path,
            path_id: None,
            octets,
            entries: [].into(),
            count: 0,
        })
    }

    /// The routes to an NLRI of any typed family, as octets without a path identifier, in the generic form.
    ///
    /// # Errors
    /// If the octets are not one NLRI of the family, or the family's NLRI are not typed.
    pub fn generic(
        sequence: u32,
        family: Family,
        path_id: Option<PathId>,
        nlri: &[u8],
    ) -> Result<RibBuilder, super::EncodeError> {
        let mut nlris = Nlris::new(family, false, nlri);
        match nlris.next() {
            Some(PathNlri { nlri: NlriRef::Opaque(_), .. }) | None => return Err(super::EncodeError::Family(family)),
            Some(_) if !nlris.is_empty() => return Err(super::EncodeError::Family(family)),
            Some(_) => {}
        }
        let (add_path, octets) = (path_id.is_some(), nlri.to_vec());
        Ok(RibBuilder { sequence, family, generic: true, add_path, path_id, octets, entries: [].into(), count: 0 })
    }

    /// Adds what a peer says.
    ///
    /// # Errors
    /// If there are 65535 entries already, the attributes are too long, or a path identifier is there or missing against
    /// the form of the record.
    pub fn push(&mut self, entry: &RibEntry<'_>) -> Result<(), super::EncodeError> {
        use super::EncodeError;
        if entry.path_id.is_some() != (self.add_path && !self.generic) {
            return Err(EncodeError::PathId);
        }
        let count = entry.attributes.len();
        let len = u16::try_from(count).map_err(|_| EncodeError::TooMany { what: Part::Attributes, count })?;
        let entries = self.count.checked_add(1).ok_or(EncodeError::TooMany { what: Part::Entry, count: 65536 })?;
        self.entries.extend_from_slice(&entry.peer.to_be_bytes());
        self.entries.extend_from_slice(&entry.originated.to_be_bytes());
        if let Some(path_id) = entry.path_id {
            self.entries.extend_from_slice(&path_id.0.to_be_bytes());
        }
        self.entries.extend_from_slice(&len.to_be_bytes());
        self.entries.extend_from_slice(entry.attributes);
        self.count = entries;
        Ok(())
    }

    /// The record of what was added, for [`Content::encode`](super::Content::encode).
    #[must_use]
    pub fn rib(&self) -> Rib<'_> {
        let nlri = match self.family {
            Family::IPV4_UNICAST | Family::IPV4_MULTICAST if !self.generic => {
                prefix::decode_v4(&self.octets).map(|(net, _)| NlriRef::Ipv4(net))
            }
            _ if !self.generic => prefix::decode_v6(&self.octets).map(|(net, _)| NlriRef::Ipv6(net)),
            family => Nlris::new(family, false, &self.octets).next().map(|nlri| nlri.nlri),
        };
        Rib {
            sequence: self.sequence,
            family: self.family,
            generic: self.generic,
            add_path: self.add_path,
            nlri: PathNlri { path_id: self.path_id, nlri: nlri.unwrap_or(NlriRef::Opaque(&self.octets)) },
            octets: &self.octets,
            entries: RibEntries { octets: &self.entries, left: self.count, path_ids: self.add_path && !self.generic },
        }
    }
}

/// Length in bits, and as many octets as hold them.
#[cfg(feature = "alloc")]
fn prefix_octets(net: IpNet) -> alloc::vec::Vec<u8> {
    let mut octets = alloc::vec![net.prefix_len()];
    let len = usize::from(net.prefix_len().div_ceil(8));
    match net.trunc() {
        IpNet::V4(net) => octets.extend(net.addr().octets().iter().take(len)),
        IpNet::V6(net) => octets.extend(net.addr().octets().iter().take(len)),
    }
    octets
}

fn plain_type(family: Family, add_path: bool) -> Option<RecordType> {
    TYPES.iter().find(|(_, of, path_ids)| (*of, *path_ids) == (family, add_path)).map(|(ty, ..)| *ty)
}

/// The forms made for one family: type, family, path identifiers.
const TYPES: &[(RecordType, Family, bool)] = &[
    (RecordType::RIB_IPV4_UNICAST, Family::IPV4_UNICAST, false),
    (RecordType::RIB_IPV4_MULTICAST, Family::IPV4_MULTICAST, false),
    (RecordType::RIB_IPV6_UNICAST, Family::IPV6_UNICAST, false),
    (RecordType::RIB_IPV6_MULTICAST, Family::IPV6_MULTICAST, false),
    (RecordType::RIB_IPV4_UNICAST_ADDPATH, Family::IPV4_UNICAST, true),
    (RecordType::RIB_IPV4_MULTICAST_ADDPATH, Family::IPV4_MULTICAST, true),
    (RecordType::RIB_IPV6_UNICAST_ADDPATH, Family::IPV6_UNICAST, true),
    (RecordType::RIB_IPV6_MULTICAST_ADDPATH, Family::IPV6_MULTICAST, true),
];

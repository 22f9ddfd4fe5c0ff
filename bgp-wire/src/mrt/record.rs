//! The record: timestamp (4 octets), type (2), subtype (2), length (4), body (RFC 6396 section 2).

use core::fmt;

use super::{Error, ErrorKind, Part};
use crate::registry::pairs;

/// Octets of the header that every record begins with.
pub const HEADER_LEN: usize = 12;

/// A limit for the length of a record that no real one comes near: 2^24 octets.
pub const DEFAULT_LIMIT: u32 = 1 << 24;

/// Type and subtype of a record (RFC 6396 section 4, RFC 8050).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "the header has these two")]
pub struct RecordType {
    /// The type.
    pub ty: u16,
    /// The subtype.
    pub subtype: u16,
}

impl RecordType {
    /// From the two numbers.
    #[must_use]
    pub const fn new(ty: u16, subtype: u16) -> Self {
        Self { ty, subtype }
    }

    const fn numbers(self) -> (u16, u16) {
        (self.ty, self.subtype)
    }

    /// True if microseconds follow the header: `BGP4MP_ET`, `ISIS_ET` and `OSPFv3_ET`.
    #[must_use]
    pub const fn is_extended(self) -> bool {
        matches!(self.ty, BGP4MP_ET | 33 | 49)
    }

    /// The same without the extension: BGP4MP for `BGP4MP_ET`.
    pub(super) const fn plain(self) -> Self {
        if self.ty == BGP4MP_ET { Self::new(BGP4MP, self.subtype) } else { self }
    }
}

pairs! { RecordType {
    12/1 => TABLE_DUMP_IPV4 "table-dump-ipv4",
    12/2 => TABLE_DUMP_IPV6 "table-dump-ipv6",
    13/1 => PEER_INDEX_TABLE "peer-index-table",
    13/2 => RIB_IPV4_UNICAST "rib-ipv4-unicast",
    13/3 => RIB_IPV4_MULTICAST "rib-ipv4-multicast",
    13/4 => RIB_IPV6_UNICAST "rib-ipv6-unicast",
    13/5 => RIB_IPV6_MULTICAST "rib-ipv6-multicast",
    13/6 => RIB_GENERIC "rib-generic",
    13/7 => GEO_PEER_TABLE "geo-peer-table",
    13/8 => RIB_IPV4_UNICAST_ADDPATH "rib-ipv4-unicast-addpath",
    13/9 => RIB_IPV4_MULTICAST_ADDPATH "rib-ipv4-multicast-addpath",
    13/10 => RIB_IPV6_UNICAST_ADDPATH "rib-ipv6-unicast-addpath",
    13/11 => RIB_IPV6_MULTICAST_ADDPATH "rib-ipv6-multicast-addpath",
    13/12 => RIB_GENERIC_ADDPATH "rib-generic-addpath",
    16/0 => STATE_CHANGE "state-change",
    16/1 => MESSAGE "message",
    16/4 => MESSAGE_AS4 "message-as4",
    16/5 => STATE_CHANGE_AS4 "state-change-as4",
    16/6 => MESSAGE_LOCAL "message-local",
    16/7 => MESSAGE_AS4_LOCAL "message-as4-local",
    16/8 => MESSAGE_ADDPATH "message-addpath",
    16/9 => MESSAGE_AS4_ADDPATH "message-as4-addpath",
    16/10 => MESSAGE_LOCAL_ADDPATH "message-local-addpath",
    16/11 => MESSAGE_AS4_LOCAL_ADDPATH "message-as4-local-addpath",
} }

/// The name, or the numbers as `16/4`.
impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.plain().name() {
            Some(name) if self.is_extended() => write!(f, "{name}-et"),
            Some(name) => f.write_str(name),
            None => write!(f, "{}/{}", self.ty, self.subtype),
        }
    }
}

/// The name of a type without the `-et` of the extended one, or the numbers.
impl core::str::FromStr for RecordType {
    type Err = crate::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ERROR: crate::ParseError = crate::ParseError::new("record type");
        if let Some(named) = Self::named(text) {
            return Ok(named);
        }
        if let Some(named) = text.strip_suffix("-et").and_then(Self::named).filter(|named| named.ty == BGP4MP) {
            return Ok(Self::new(BGP4MP_ET, named.subtype));
        }
        let (ty, subtype) = text.split_once('/').ok_or(ERROR)?;
        match (ty.parse(), subtype.parse()) {
            (Ok(ty), Ok(subtype)) => Ok(Self::new(ty, subtype)),
            _ => Err(ERROR),
        }
    }
}

/// When something was recorded: seconds since 1970, and microseconds where the record has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "the header has these two")]
pub struct Timestamp {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: u32,
    /// Microseconds of the extended form, as they stand there.
    pub micros: Option<u32>,
}

impl Timestamp {
    /// Without microseconds.
    #[must_use]
    pub const fn new(seconds: u32) -> Self {
        Self { seconds, micros: None }
    }
}

/// `1445565678`, or `1445565678.009481` with microseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.micros {
            None => write!(f, "{}", self.seconds),
            Some(micros) => write!(f, "{}.{micros:06}", self.seconds),
        }
    }
}

/// One record, as [`frame`] cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Record<'m> {
    /// When it was written.
    pub time: Timestamp,
    /// Type and subtype.
    pub ty: RecordType,
    /// What is behind the header, and behind the microseconds where the type has them.
    pub body: &'m [u8],
}

impl<'m> Record<'m> {
    /// A record of these parts; `time` has microseconds exactly if the type is an extended one.
    #[must_use]
    pub const fn new(time: Timestamp, ty: RecordType, body: &'m [u8]) -> Self {
        Self { time, ty, body }
    }

    /// Octets in front of the body: 12, or 16 with microseconds.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        if self.ty.is_extended() { HEADER_LEN + 4 } else { HEADER_LEN }
    }

    /// Octets of the whole record.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no record is empty")]
    pub const fn len(&self) -> usize {
        self.header_len() + self.body.len()
    }

    /// Appends the record.
    ///
    /// ```
    /// use bgp_wire::mrt::{self, Record, RecordType, Timestamp};
    /// let mut out = bytes::BytesMut::new();
    /// let record = Record::new(Timestamp::new(7), RecordType::new(48, 0), b"ospf");
    /// record.encode(&mut out)?;
    /// assert_eq!(mrt::frame(&out, mrt::DEFAULT_LIMIT)?, Some((record, &[][..])));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the body has more octets than the length field can say.
    #[cfg(feature = "alloc")]
    pub fn encode(&self, out: &mut bytes::BytesMut) -> Result<(), super::EncodeError> {
        let body = self.len() - HEADER_LEN;
        let length = u32::try_from(body).map_err(|_| super::EncodeError::TooLong { length: body })?;
        out.extend_from_slice(&self.time.seconds.to_be_bytes());
        out.extend_from_slice(&self.ty.ty.to_be_bytes());
        out.extend_from_slice(&self.ty.subtype.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        if self.ty.is_extended() {
            out.extend_from_slice(&self.time.micros.unwrap_or(0).to_be_bytes());
        }
        out.extend_from_slice(self.body);
        Ok(())
    }
}

/// Cuts the first record off `octets`: the record and what follows it, or `None` if more octets are needed. At the end
/// of a file, octets that are left and are no whole record are a record that was cut off.
///
/// MRT has no mark to find the next record by: a length is believed or the stream is lost, so `limit` (octets of the
/// record behind its header) is to be chosen by the caller. What is wrong inside a record does not concern its
/// successors.
///
/// # Errors
/// [`ErrorKind::TooLong`], as soon as the header is there; [`ErrorKind::Ends`] for an extended record without room for
/// its microseconds: it can be passed over by its length.
///
/// ```
/// use bgp_wire::mrt::{self, RecordType};
/// let stream = [0, 0, 0, 9, 0, 16, 0, 4, 0, 0, 0, 2, 0xaa, 0xbb, 0];
/// let (record, rest) = mrt::frame(&stream, mrt::DEFAULT_LIMIT)?.ok_or("a whole record")?;
/// assert_eq!((record.ty, record.time.seconds, record.body), (RecordType::MESSAGE_AS4, 9, &[0xaa, 0xbb][..]));
/// assert_eq!(mrt::frame(rest, mrt::DEFAULT_LIMIT)?, None);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn frame(octets: &[u8], limit: u32) -> Result<Option<(Record<'_>, &[u8])>, Error> {
    let Some((header, behind)) = octets.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [s0, s1, s2, s3, t0, t1, u0, u1, length @ ..] = *header;
    let length = u32::from_be_bytes(length);
    if length > limit {
        return Err(Error::new(ErrorKind::TooLong { length, limit }, 8));
    }
    let ty = RecordType::new(u16::from_be_bytes([t0, t1]), u16::from_be_bytes([u0, u1]));
    let body = usize::try_from(length).ok().and_then(|length| behind.split_at_checked(length));
    let Some((body, rest)) = body else { return Ok(None) };
    let mut time = Timestamp::new(u32::from_be_bytes([s0, s1, s2, s3]));
    if !ty.is_extended() {
        return Ok(Some((Record { time, ty, body }, rest)));
    }
    let end = u32::try_from(HEADER_LEN + body.len()).unwrap_or(u32::MAX);
    let (micros, body) = body.split_first_chunk().ok_or(Error::new(ErrorKind::Ends(Part::Header), end))?;
    time.micros = Some(u32::from_be_bytes(*micros));
    Ok(Some((Record { time, ty, body }, rest)))
}

pub(super) const BGP4MP: u16 = 16;
pub(super) const BGP4MP_ET: u16 = 17;

//! What can be wrong with a record, and where.

use crate::{Afi, Family};

/// What is wrong with a record, and where.
///
/// ```
/// use bgp_wire::mrt;
/// let header = [0, 0, 0, 0, 0, 16, 0, 4, 0xff, 0, 0, 0]; // a record of 4 GiB
/// let error = mrt::frame(&header, mrt::DEFAULT_LIMIT).unwrap_err();
/// assert_eq!(error.to_string(), "record of 4278190080 octets is longer than 16777216 at octet 8");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind} at octet {offset}")]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where: the octet of the record, counted from 0 at its timestamp.
    pub offset: u32,
}

const _: () = assert!(size_of::<Error>() <= 16);

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The length field is above the caller's limit.
    #[error("record of {length} octets is longer than {limit}")]
    TooLong {
        /// The length field.
        length: u32,
        /// The caller's limit.
        limit: u32,
    },
    /// The record, or the stream, ends within a field.
    #[error("{0} is cut off")]
    Ends(Part),
    /// Octets are left behind the last field.
    #[error("{left} octets are left over")]
    LeftOver {
        /// How many.
        left: u32,
    },
    /// An address family that the record's form does not have.
    #[error("address family {afi} has no addresses here")]
    Afi {
        /// The family.
        afi: Afi,
    },
    /// A prefix is longer than its family's addresses, or its NLRI is malformed.
    #[error("prefix is malformed")]
    Prefix,
    /// A `RIB_GENERIC` record of a family whose NLRI are not typed: where they end is not known.
    #[error("family {0} is not known, so the end of its nlri is not either")]
    Family(Family),
}

/// A part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The header: timestamp, type, subtype, length, and the microseconds of the extended form.
    Header,
    /// What is behind the header, as long as that says.
    Body,
    /// The two speakers of a session.
    Session,
    /// The states of a state change.
    States,
    /// The header of a table: collector, name of the view, number of peers.
    Index,
    /// A peer in the table of peers.
    Peer,
    /// Sequence number, family and prefix of a table's record.
    Prefix,
    /// An entry of a table's record.
    Entry,
    /// The path attributes of an entry.
    Attributes,
}

impl core::fmt::Display for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Header => "header of a record",
            Self::Body => "record",
            Self::Session => "description of a session",
            Self::States => "state change",
            Self::Index => "header of a table",
            Self::Peer => "peer of a table",
            Self::Prefix => "prefix of a table",
            Self::Entry => "entry of a table",
            Self::Attributes => "attribute block",
        })
    }
}

/// Why a record cannot be written.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More octets than the 4 octets of the length field can say.
    #[error("record would have {length} octets")]
    TooLong {
        /// Its length without the header.
        length: usize,
    },
    /// More of something than the 2 octets before it can count.
    #[error("{what} has {count} octets or members, which is more than 65535")]
    TooMany {
        /// What it is.
        what: Part,
        /// How many.
        count: usize,
    },
    /// The two addresses of a session are not of one family.
    #[error("addresses of a session are of two families")]
    Addresses,
    /// A number that needs 4 octets where the record has 2.
    #[error("as number {} does not fit into 2 octets", .0.0)]
    AsNumber(crate::Asn),
    /// Path identifiers where the record has none, or none where it must have them.
    #[error("path identifiers do not fit the form of the record")]
    PathId,
    /// A family without a record of its form: a prefix of another family, or an opaque NLRI.
    #[error("family {0} has no such record")]
    Family(Family),
    /// The content is not known, so there is nothing to write.
    #[error("content of an unknown type has no octets")]
    Unknown,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind, offset: u32) -> Self {
        Self { kind, offset }
    }
}

/// A part that ends too early, at the cursor.
pub(super) fn ends(part: Part, cursor: &crate::cursor::Cursor<'_>) -> Error {
    Error::new(ErrorKind::Ends(part), cursor.at())
}

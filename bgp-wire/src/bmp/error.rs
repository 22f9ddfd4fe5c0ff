//! What can be wrong with a message, and where.

/// What is wrong with a message, and where.
///
/// ```
/// use bgp_wire::bmp;
/// let error = bmp::frame(&[9, 0, 0, 0, 6, 4], bmp::DEFAULT_LIMIT).unwrap_err();
/// assert_eq!(error.to_string(), "version 9 is not 3 at octet 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind} at octet {offset}")]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where: the octet of the message, counted from 0 at its version.
    pub offset: u32,
}

const _: () = assert!(size_of::<Error>() <= 16);

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not version 3: no BMP, or octets in the middle of a message.
    #[error("version {version} is not 3")]
    Version {
        /// The version.
        version: u8,
    },
    /// The length is below that of the header, or above the caller's limit.
    #[error("message length {length} is outside 6 to {limit}")]
    Length {
        /// The length field.
        length: u32,
        /// The caller's limit.
        limit: u32,
    },
    /// The message ends within a field.
    #[error("{0} is cut off")]
    Ends(Part),
    /// Octets are left behind the last field.
    #[error("{left} octets are left over")]
    LeftOver {
        /// How many.
        left: u32,
    },
    /// What should be a BGP message has no header of one.
    #[error("bgp message is not framed")]
    NotFramed,
    /// More or fewer statistics than counted.
    #[error("{present} statistics are there, not {count}")]
    Count {
        /// How many should be there.
        count: u32,
        /// How many are.
        present: u32,
    },
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The per-peer header.
    Peer,
    /// Addresses and ports of a Peer Up.
    Connection,
    /// The reason of a Peer Down, or what belongs to it.
    Reason,
    /// The number of statistics.
    Count,
    /// A type-length-value.
    Tlv,
    /// A BGP message.
    Bgp,
}

impl core::fmt::Display for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Peer => "per-peer header",
            Self::Connection => "description of a connection",
            Self::Reason => "reason",
            Self::Count => "number of statistics",
            Self::Tlv => "type-length-value",
            Self::Bgp => "bgp message",
        })
    }
}

/// Why a message cannot be written.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More octets than the 4 octets of the length field can say.
    #[error("message would have {length} octets")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// More octets than the 2 octets of a length field can say.
    #[error("value of type {ty} has {length} octets, which is more than 65535")]
    Value {
        /// The type.
        ty: u16,
        /// The length.
        length: usize,
    },
    /// What should be one BGP message is none.
    #[error("octets are not one whole bgp message")]
    NotFramed,
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

//! MRT, the form in which collectors keep BGP messages and tables (RFC 6396, RFC 8050); feature `mrt`.
//!
//! [`frame`] cuts a stream into [`Record`]s, which borrow; [`Record::content`] says what one holds. The AS numbers'
//! size and the path identifiers are told by the record and never guessed. A table is a
//! [`PeerIndexTable`] and, after it, one [`Rib`] for each prefix, whose entries name peers by their place in it.
//!
//! ```
//! use bgp_wire::mrt::{self, Content};
//!
//! let mut file = vec![0; 4]; // 1970-01-01
//! file.extend([0, 16, 0, 5, 0, 0, 0, 24]); // BGP4MP, STATE_CHANGE_AS4, 24 octets
//! file.extend([0, 0, 0xfc, 1, 0, 0, 0xfc, 0, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2, 0, 5, 0, 6]);
//! let (record, rest) = mrt::frame(&file, mrt::DEFAULT_LIMIT)?.ok_or("a whole record")?;
//! let Content::StateChange(change) = record.content()? else { return Ok(()) };
//! assert_eq!((change.session.peer_as.0, change.new.name()), (64513, Some("established")));
//! assert!(rest.is_empty());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! With feature `alloc` everything is written, too: [`Content::encode`], [`RibBuilder`], [`PeerIndexBuilder`].

mod attributes;
mod bgp4mp;
#[cfg(feature = "alloc")]
mod buffer;
mod content;
mod error;
mod peers;
mod record;
mod rib;
mod table_dump;

pub use attributes::RibAttributes;
#[cfg(feature = "alloc")]
pub use attributes::write_rib_attributes;
pub use bgp4mp::{BgpMessage, PeerState, Session, StateChange};
#[cfg(feature = "alloc")]
pub use buffer::Buffer;
pub use content::Content;
#[cfg(feature = "alloc")]
pub use error::EncodeError;
pub use error::{Error, ErrorKind, Part};
#[cfg(feature = "alloc")]
pub use peers::PeerIndexBuilder;
pub use peers::{Peer, PeerIndexTable, Peers};
pub use record::{DEFAULT_LIMIT, HEADER_LEN, Record, RecordType, Timestamp, frame};
#[cfg(feature = "alloc")]
pub use rib::RibBuilder;
pub use rib::{Rib, RibEntries, RibEntry};
pub use table_dump::TableDump;

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;

//! The BGP Monitoring Protocol (RFC 7854, RFC 8671, RFC 9069): what a router tells a collector; feature `bmp`.
//!
//! [`frame`] cuts a stream into messages, which borrow. [`PeerUp`] has both OPENs of a session; the [`Context`](crate::Context) in which its
//! UPDATEs are read comes of them and of the header that each message has: [`PeerUp::context`].
//!
//! ```
//! use bgp_wire::bmp::{self, InformationType, Message, Tlvs, write_tlv};
//!
//! let mut information = Vec::new();
//! write_tlv(InformationType::SYS_NAME.0, b"edge1", &mut information)?;
//! let mut stream = bytes::BytesMut::new();
//! Message::Initiation(Tlvs::new(&information)?).encode(&mut stream)?;
//!
//! let (frame, rest) = bmp::frame(&stream, bmp::DEFAULT_LIMIT)?.ok_or("a whole message")?;
//! let Message::Initiation(mut information) = frame.message()? else { return Ok(()) };
//! assert_eq!(information.next().map(|tlv| tlv.value), Some(&b"edge1"[..]));
//! assert!(rest.is_empty());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod error;
mod frame;
mod message;
mod peer;
mod peer_down;
mod peer_up;
mod statistics;
mod tlv;

#[cfg(feature = "alloc")]
pub use error::EncodeError;
pub use error::{Error, ErrorKind, Part};
pub use frame::{DEFAULT_LIMIT, Frame, HEADER_LEN, MessageType, VERSION, frame};
pub use message::{Message, RouteMirroring, RouteMonitoring, StatisticsReport};
pub use peer::{PeerFlags, PeerHeader, PeerType, View};
pub use peer_down::{PeerDown, Reason};
pub use peer_up::PeerUp;
pub use statistics::{Statistic, StatisticType, StatisticValue, Statistics};
#[cfg(feature = "alloc")]
pub use tlv::write_tlv;
pub use tlv::{InformationType, MirroringType, TerminationReason, TerminationType, Tlv, Tlvs};

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;

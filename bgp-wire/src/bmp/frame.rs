//! The common header: version (1 octet, 3), length of the whole message (4), type (1) (RFC 7854 section 4.1).

use super::{Error, ErrorKind};
use crate::registry::numbers;

/// Octets of the common header.
pub const HEADER_LEN: usize = 6;

/// The version that RFC 7854 describes.
pub const VERSION: u8 = 3;

/// A limit for the length of a message that no real one comes near: 2^20 octets.
pub const DEFAULT_LIMIT: u32 = 1 << 20;

numbers! {
    /// The type of a message.
    pub struct MessageType(u8) "message type" {
        0 => ROUTE_MONITORING "route-monitoring",
        1 => STATISTICS_REPORT "statistics-report",
        2 => PEER_DOWN "peer-down",
        3 => PEER_UP "peer-up",
        4 => INITIATION "initiation",
        5 => TERMINATION "termination",
        6 => ROUTE_MIRRORING "route-mirroring",
    }
}

/// One message, as [`frame`] cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Frame<'m> {
    /// The type.
    pub ty: MessageType,
    /// What is behind the common header.
    pub body: &'m [u8],
}

/// Cuts the first message off `octets`: the message and what follows it, or `None` if more octets are needed.
///
/// # Errors
/// As soon as the octets show it: another version, a length below 6 or above `limit` (octets of the whole message). The
/// stream is lost then: BMP has no mark to find the next message by. What is wrong inside a message does not concern
/// its successors.
///
/// ```
/// use bgp_wire::bmp::{self, MessageType};
/// let stream = [3, 0, 0, 0, 6, 4, 3, 0];
/// let (frame, rest) = bmp::frame(&stream, bmp::DEFAULT_LIMIT)?.ok_or("a whole message")?;
/// assert_eq!((frame.ty, frame.body), (MessageType::INITIATION, &[][..]));
/// assert_eq!(bmp::frame(rest, bmp::DEFAULT_LIMIT)?, None);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn frame(octets: &[u8], limit: u32) -> Result<Option<(Frame<'_>, &[u8])>, Error> {
    let Some(version) = octets.first() else { return Ok(None) };
    if *version != VERSION {
        return Err(Error::new(ErrorKind::Version { version: *version }, 0));
    }
    let Some(length) = octets.get(1..).and_then(|octets| octets.first_chunk()) else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    if length < 6 || length > limit {
        return Err(Error::new(ErrorKind::Length { length, limit }, 1));
    }
    let message = usize::try_from(length).ok().and_then(|length| octets.split_at_checked(length));
    let Some((message, rest)) = message else { return Ok(None) };
    let Some((header, body)) = message.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [.., ty] = *header;
    Ok(Some((Frame { ty: MessageType(ty), body }, rest)))
}

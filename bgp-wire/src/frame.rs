//! Cutting a stream of octets into messages (RFC 4271 sections 4.1 and 6.1).

use crate::reader::{to_u16, u16_at};
use crate::{Error, ErrorKind, MessageType};

/// Octets of the header that every message begins with: marker (16), length (2), type (1).
pub const HEADER_LEN: usize = 19;

/// The largest message without extended messages, and of OPEN and KEEPALIVE always.
pub const MAX_LEN: usize = 4096;

/// The largest message with extended messages (RFC 8654).
pub const MAX_LEN_EXTENDED: usize = 65535;

/// Cuts the first message off `octets`: the message (header included) and what follows it, or `None` if more octets are
/// needed.
///
/// `limit` is the largest message that the session allows us to receive: [`MAX_LEN`] or [`MAX_LEN_EXTENDED`]. What is
/// wrong is told as soon as the octets that show it are there, before the rest of the message is waited for.
///
/// # Errors
/// RFC 4271 section 6.1, in this order: the marker (1/1), the length (1/2), the type (1/3), the length by the type (1/2).
/// OPEN has 29 to 4096 octets, KEEPALIVE exactly 19, UPDATE at least 23, NOTIFICATION at least 21. The length of a
/// ROUTE-REFRESH is judged by [`RouteRefresh::decode`](crate::RouteRefresh::decode), because it has an error code of its
/// own.
///
/// ```
/// use bgp_wire::{KEEPALIVE, MAX_LEN, frame};
/// let stream = [&KEEPALIVE[..], &KEEPALIVE[..5]].concat();
/// let (message, rest) = frame(&stream, MAX_LEN)?.ok_or("a whole message")?;
/// assert_eq!(message, KEEPALIVE);
/// assert_eq!(frame(rest, MAX_LEN)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
#[expect(clippy::type_complexity, reason = "a name for two slices would hide them")]
pub fn frame(octets: &[u8], limit: usize) -> Result<Option<(&[u8], &[u8])>, Error> {
    let Some((header, _)) = octets.split_first_chunk::<HEADER_LEN>() else {
        return incomplete_header(octets, limit).map(|()| None);
    };
    let [marker @ .., length_high, length_low, ty] = header;
    let length = u16::from_be_bytes([*length_high, *length_low]);
    if marker != &MARKER || !allowed(MessageType(*ty), length, limit) {
        return Err(header_error(MessageType(*ty), marker == &MARKER, length, limit));
    }
    Ok(octets.split_at_checked(usize::from(length)))
}

/// The type of a message; `None` if the header is not whole.
///
/// ```
/// use bgp_wire::{KEEPALIVE, MessageType, message_type};
/// assert_eq!(message_type(&KEEPALIVE), Some(MessageType::KEEPALIVE));
/// assert_eq!(message_type(&KEEPALIVE[..18]), None);
/// ```
#[must_use]
pub fn message_type(message: &[u8]) -> Option<MessageType> {
    message.get(18).map(|ty| MessageType(*ty))
}

/// The octets behind the header of `message`, which [`frame`] cut and which has type `ty`.
pub(crate) fn body(message: &[u8], ty: MessageType) -> Result<&[u8], Error> {
    let whole = u16_at(message, 16).is_some_and(|length| usize::from(length) == message.len());
    match message.split_at_checked(HEADER_LEN) {
        Some((_, body)) if whole && message_type(message) == Some(ty) => Ok(body),
        _ => Err(not_framed(ty)),
    }
}

/// Writes the header of a message of `length` octets.
#[cfg(feature = "alloc")]
pub(crate) fn put_header(out: &mut bytes::BytesMut, length: u16, ty: MessageType) {
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[ty.0]);
}

#[cold]
fn not_framed(ty: MessageType) -> Error {
    Error::new(ErrorKind::NotFramed { ty }, 0)
}

#[inline]
fn allowed(ty: MessageType, length: u16, limit: usize) -> bool {
    let length = usize::from(length);
    match ty {
        MessageType::UPDATE => length >= 23 && length <= limit,
        MessageType::KEEPALIVE => length == HEADER_LEN,
        // RFC 8654 section 4: extended messages do not change OPEN.
        MessageType::OPEN => length >= 29 && length <= MAX_LEN.min(limit),
        MessageType::NOTIFICATION => length >= 21 && length <= limit,
        MessageType::ROUTE_REFRESH => length >= HEADER_LEN && length <= limit,
        _ => false,
    }
}

#[cold]
fn header_error(ty: MessageType, marker: bool, length: u16, limit: usize) -> Error {
    if !marker {
        return Error::new(ErrorKind::Marker, 0);
    }
    if usize::from(length) < HEADER_LEN || usize::from(length) > limit {
        return Error::new(ErrorKind::Length { length, limit: to_u16(limit) }, 16);
    }
    if matches!(ty.0, 1..=5) {
        Error::new(ErrorKind::TypeLength { ty, length }, 16)
    } else {
        Error::new(ErrorKind::Type { ty }, 18)
    }
}

/// Judges the octets of a header that is not whole yet, so that nobody waits for the rest of something impossible.
#[cold]
fn incomplete_header(octets: &[u8], limit: usize) -> Result<(), Error> {
    if octets.iter().take(MARKER.len()).any(|octet| *octet != 0xff) {
        return Err(Error::new(ErrorKind::Marker, 0));
    }
    match u16_at(octets, 16) {
        Some(length) if usize::from(length) < HEADER_LEN || usize::from(length) > limit => {
            Err(Error::new(ErrorKind::Length { length, limit: to_u16(limit) }, 16))
        }
        _ => Ok(()),
    }
}

const MARKER: [u8; 16] = [0xff; 16];

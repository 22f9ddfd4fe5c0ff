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

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::{KEEPALIVE, NotificationCode};

    /// A message of `length` octets that says so.
    fn message(ty: u8, length: u16) -> Vec<u8> {
        let mut message = vec![0; usize::from(length).max(HEADER_LEN)];
        message[..16].copy_from_slice(&MARKER);
        message[16..18].copy_from_slice(&length.to_be_bytes());
        message[18] = ty;
        message
    }

    fn answer(octets: &[u8], limit: usize) -> (NotificationCode, Vec<u8>, String) {
        let error = frame(octets, limit).unwrap_err();
        let notification = error.notification(octets);
        (notification.code, notification.data.to_vec(), error.to_string())
    }

    #[test]
    fn rfc4271_6_1_marker_that_is_not_ones_is_not_synchronized() {
        for at in 0..16 {
            let mut octets = KEEPALIVE;
            octets[at] = 0xfe;
            let text = "marker is not all ones at octet 0".to_string();
            assert_eq!(answer(&octets, MAX_LEN), (NotificationCode::CONNECTION_NOT_SYNCHRONIZED, vec![], text));
            // Seen as soon as it is there.
            assert!(frame(&octets[..=at], MAX_LEN).is_err());
            assert_eq!(frame(&octets[..at], MAX_LEN), Ok(None));
        }
    }

    #[test]
    fn rfc4271_6_1_marker_is_judged_before_length_and_length_before_type() {
        assert_eq!(answer(&[0; 19], MAX_LEN).0, NotificationCode::CONNECTION_NOT_SYNCHRONIZED);
        assert_eq!(answer(&message(9, 18), MAX_LEN).0, NotificationCode::BAD_MESSAGE_LENGTH);
        assert_eq!(answer(&message(9, 19), MAX_LEN).0, NotificationCode::BAD_MESSAGE_TYPE);
    }

    #[test]
    fn rfc4271_6_1_length_outside_the_limits_is_answered_with_the_field() {
        for (length, limit) in [(0, MAX_LEN), (18, MAX_LEN), (4097, MAX_LEN), (65535, MAX_LEN), (18, MAX_LEN_EXTENDED)]
        {
            for ty in 0..=6 {
                let octets = message(ty, length);
                let text = alloc::format!("message length {length} is outside 19 to {limit} at octet 16");
                let expected = (NotificationCode::BAD_MESSAGE_LENGTH, length.to_be_bytes().to_vec(), text);
                assert_eq!(answer(&octets, limit), expected);
                // The octets behind the length are not needed to see it, nor is the type.
                assert_eq!(answer(&octets[..18], limit), expected);
                assert_eq!(answer(&octets[..19], limit), expected);
                assert_eq!(frame(&octets[..17], limit), Ok(None));
            }
        }
    }

    #[test]
    fn rfc4271_6_1_each_type_has_its_lengths() {
        let allowed = |ty, length, limit| frame(&message(ty, length), limit).is_ok();
        for (ty, least, most) in [(1, 29, 4096), (2, 23, 4096), (3, 21, 4096), (4, 19, 19), (5, 19, 4096)] {
            assert!(allowed(ty, least, MAX_LEN) && allowed(ty, most, MAX_LEN));
            assert!(!allowed(ty, least - 1, MAX_LEN) && !allowed(ty, most + 1, MAX_LEN));
        }
        let text = "keepalive message has length 20 at octet 16".to_string();
        let expected = (NotificationCode::BAD_MESSAGE_LENGTH, vec![0, 20], text);
        assert_eq!(answer(&message(4, 20), MAX_LEN), expected);
        let text = "open message has length 28 at octet 16".to_string();
        assert_eq!(answer(&message(1, 28), MAX_LEN), (NotificationCode::BAD_MESSAGE_LENGTH, vec![0, 28], text));
    }

    #[test]
    fn rfc8654_4_only_open_and_keepalive_keep_their_limit() {
        for ty in [2, 3, 5] {
            for length in [4097, 65535] {
                let octets = message(ty, length);
                assert_eq!(frame(&octets, MAX_LEN_EXTENDED), Ok(Some((&octets[..], &[][..]))));
            }
        }
        let text = "open message has length 4097 at octet 16".to_string();
        let expected = (NotificationCode::BAD_MESSAGE_LENGTH, vec![0x10, 1], text);
        assert_eq!(answer(&message(1, 4097), MAX_LEN_EXTENDED), expected);
        assert_eq!(answer(&message(4, 4097), MAX_LEN_EXTENDED).0, NotificationCode::BAD_MESSAGE_LENGTH);
    }

    #[test]
    fn rfc4271_6_1_unknown_type_is_answered_with_it() {
        for ty in [0, 6, 9, 255] {
            let text = alloc::format!("message type {ty} is unknown at octet 18");
            assert_eq!(answer(&message(ty, 19), MAX_LEN), (NotificationCode::BAD_MESSAGE_TYPE, vec![ty], text));
        }
    }

    #[test]
    fn a_message_is_cut_when_its_last_octet_is_there() {
        let stream = [&message(2, 23)[..], &KEEPALIVE].concat();
        for end in 0..23 {
            assert_eq!(frame(&stream[..end], MAX_LEN), Ok(None), "{end}");
        }
        assert_eq!(frame(&stream[..23], MAX_LEN), Ok(Some((&stream[..23], &[][..]))));
        assert_eq!(frame(&stream, MAX_LEN), Ok(Some((&stream[..23], &KEEPALIVE[..]))));
    }
}

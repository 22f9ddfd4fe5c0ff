//! A stream of octets: framing, then every message decoded.

use bgp_wire::{Error, MAX_LEN, MAX_LEN_EXTENDED, Message, frame as next, message_type};

use super::{check_error, context};

/// The first octet chooses the context of the messages, the rest is the stream.
///
/// # Panics
/// If a message is not the front of the stream, is cut elsewhere when fewer or more octets are there, or an error
/// depends on what comes behind it.
pub fn frame(data: &[u8]) {
    let Some((bits, mut stream)) = data.split_first() else { return };
    let context = context(*bits);
    let limit = usize::from(context.max_receive());
    assert!(limit == MAX_LEN || limit == MAX_LEN_EXTENDED);
    loop {
        match next(stream, limit) {
            Ok(Some((message, rest))) => {
                check_message(stream, message, rest, limit);
                match Message::decode(message, &context) {
                    Ok(decoded) => assert_eq!(Some(decoded.message_type()), message_type(message)),
                    Err(error) => check_error(&error, message, &[1, 2, 3, 5, 7]),
                }
                stream = rest;
            }
            Ok(None) => return check_incomplete(stream, limit),
            Err(error) => return check_broken(error, stream, limit),
        }
    }
}

fn check_message(stream: &[u8], message: &[u8], rest: &[u8], limit: usize) {
    assert_eq!(stream.len(), message.len() + rest.len());
    assert!(stream.starts_with(message) && stream.ends_with(rest));
    assert!((19..=limit).contains(&message.len()));
    assert_eq!(next(message, limit), Ok(Some((message, &[][..]))));
    for len in [0, 1, 15, 16, 17, 18, 19, message.len() / 2, message.len() - 1] {
        if let Some(part) = message.get(..len).filter(|part| part.len() < message.len()) {
            assert_eq!(next(part, limit), Ok(None), "{len} octets of {}", message.len());
        }
    }
}

/// More octets never turn "not yet" into a message that ends where the stream ended.
fn check_incomplete(stream: &[u8], limit: usize) {
    assert!(stream.len() < limit);
    let more = [stream, &[0]].concat();
    if let Ok(Some((message, rest))) = next(&more, limit) {
        assert_eq!((message, rest), (&more[..], &[][..]));
    }
}

fn check_broken(error: Error, stream: &[u8], limit: usize) {
    check_error(&error, stream, &[1]);
    for more in [0, 0xff] {
        let longer = [stream, &[more; 24]].concat();
        assert_eq!(next(&longer, limit), Err(error));
    }
}

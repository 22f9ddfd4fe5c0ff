//! Base32 and URL-safe base64 (RFC 4648 sections 5 and 6) without padding, to write digests.

use alloc::string::String;
use alloc::vec::Vec;

/// Appends the base32 text of some octets.
pub(crate) fn base32(octets: &[u8], text: &mut String) {
    write(octets, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, text);
}

/// Appends the URL-safe base64 text of some octets.
pub(crate) fn base64_url(octets: &[u8], text: &mut String) {
    write(octets, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, text);
}

/// Reads base64 (RFC 4648 section 4) with or without padding; none for what is no base64.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut octets = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut pending, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let group = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        pending = pending << 6 | u32::from(group);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(pending >> bits & 0xff).ok()?);
        }
    }
    Some(octets)
}

/// Cuts the octets into groups of `width` bits, the highest first; the last group is filled up with zeros.
fn write(octets: &[u8], alphabet: &[u8], width: u32, text: &mut String) {
    let mask = u32::MAX.checked_shr(32_u32.saturating_sub(width)).unwrap_or(0);
    let (mut pending, mut bits) = (0_u32, 0_u32);
    let mut put = |group: u32| {
        let letter = usize::try_from(group & mask).ok().and_then(|index| alphabet.get(index));
        text.extend(letter.map(|letter| char::from(*letter)));
    };
    for octet in octets {
        // At most 5 bits are pending, so that nothing that counts is shifted out.
        pending = pending << 8 | u32::from(*octet);
        bits = bits.saturating_add(8);
        while bits >= width {
            bits = bits.saturating_sub(width);
            put(pending >> bits);
        }
    }
    if bits > 0 {
        put(pending << width.saturating_sub(bits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(octets: &[u8]) -> (String, String) {
        let (mut five, mut six) = (String::new(), String::new());
        base32(octets, &mut five);
        base64_url(octets, &mut six);
        (five, six)
    }

    #[test]
    fn rfc4648_10_test_vectors_without_padding() {
        for (octets, five, six) in [
            ("", "", ""),
            ("f", "MY", "Zg"),
            ("fo", "MZXQ", "Zm8"),
            ("foo", "MZXW6", "Zm9v"),
            ("foob", "MZXW6YQ", "Zm9vYg"),
            ("fooba", "MZXW6YTB", "Zm9vYmE"),
            ("foobar", "MZXW6YTBOI", "Zm9vYmFy"),
        ] {
            assert_eq!(texts(octets.as_bytes()), (five.into(), six.into()));
        }
    }

    #[test]
    fn rfc4648_4_base64_is_read_back() {
        for (text, octets) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba")] {
            assert_eq!(from_base64(text).as_deref(), Some(octets.as_bytes()));
        }
        assert_eq!(from_base64("-_8"), None);
    }

    #[test]
    fn rfc4648_5_url_alphabet() {
        assert_eq!(texts(&[0xfb, 0xff]).1, "-_8");
    }
}

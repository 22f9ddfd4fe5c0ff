//! Parts of keys as names of files.

use std::fmt::Write as _;

/// A name that no file system takes for anything else, and that begins like the text if the text does; none if it would
/// be too long.
pub(super) fn escape(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for (place, octet) in text.bytes().enumerate() {
        match octet {
            b'.' if place > 0 => name.push('.'),
            b'-' | b'_' | b':' | b'@' => name.push(char::from(octet)),
            _ if octet.is_ascii_alphanumeric() => name.push(char::from(octet)),
            _ => write!(name, "%{octet:02X}").ok()?,
        }
    }
    Some(name).filter(|name| !name.is_empty() && name.len() <= MAX_NAME)
}

/// The text of a name that [`escape`] made.
pub(super) fn unescape(name: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let digits = [rest.next()?, rest.next()?];
            octets.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            octets.push(octet);
        }
    }
    let text = String::from_utf8(octets).ok()?;
    // A name that is written otherwise would be a second file for the same key.
    (escape(&text).as_deref() == Some(name)).then_some(text)
}

/// The longest name of a file on Linux, in octets.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_the_keys_as_far_as_they_can_be() {
        assert_eq!(escape("k8s-pod-network.abc").as_deref(), Some("k8s-pod-network.abc"));
        assert_eq!(escape("n1/ipv6/block/fd00::40-122").as_deref(), Some("n1%2Fipv6%2Fblock%2Ffd00::40-122"));
        assert_eq!(escape("..").as_deref(), Some("%2E."));
        assert_eq!(escape(""), None);
        assert_eq!(escape(&"a".repeat(256)), None);
    }

    #[test]
    fn another_way_to_write_a_name_is_no_name() {
        for name in ["%61", "%2f", "%+1", "%2", "a b", ".a"] {
            assert_eq!(unescape(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn escaped_names_come_back(text in "\\PC{1,60}") {
            if let Some(name) = escape(&text) {
                prop_assert!(!name.contains(['/', '\0']) && name != "." && name != "..");
                prop_assert_eq!(unescape(&name), Some(text));
            }
        }
    }
}

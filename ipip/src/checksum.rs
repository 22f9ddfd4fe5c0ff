//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// The Internet checksum of `octets`: the one's complement of their one's complement sum (RFC 1071).
///
/// An odd last octet counts as the high half of a word. Over a header that holds its checksum the result is 0 exactly
/// when the checksum is right.
///
/// ```
/// let header = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
/// assert_eq!(ipip::checksum(&header), 0);
/// ```
#[must_use]
pub fn checksum(octets: &[u8]) -> u16 {
    let (words, odd) = octets.as_chunks::<2>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    if let [last] = odd {
        sum += u64::from(u16::from_be_bytes([*last, 0]));
    }
    !fold(sum)
}

/// The checksum after one word of the sum changed from `old` to `new` (RFC 1624 equation 3).
///
/// Gives what a full computation gives for any data with a word that is not 0, such as an IP header; RFC 1141's form
/// would give 0xffff where 0 is right.
///
/// ```
/// // The TTL of a datagram with protocol 17 goes from 64 to 63.
/// assert_eq!(ipip::checksum_update(0xfeff, 0x4011, 0x3f11), 0x0000);
/// ```
#[must_use]
pub fn checksum_update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

fn fold(mut sum: u64) -> u16 {
    loop {
        match u16::try_from(sum) {
            Ok(folded) => return folded,
            Err(_) => sum = (sum & 0xffff) + (sum >> 16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn rfc1071_3_example() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn rfc1624_4_example() {
        assert_eq!(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    proptest! {
        #[test]
        fn rfc1624_3_update_is_the_full_computation(
            mut words in proptest::collection::vec(any::<u16>(), 1..30), at in any::<prop::sample::Index>(), new: u16,
        ) {
            // An IP header is never all zero: its first octet is the version.
            words.push(0x4500);
            let octets = |words: &[u16]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
            let before = checksum(&octets(&words));
            let at = at.index(words.len() - 1);
            let old = std::mem::replace(&mut words[at], new);
            prop_assert_eq!(checksum_update(before, old, new), checksum(&octets(&words)));
        }
    }
}

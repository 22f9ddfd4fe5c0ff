//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/// Octets of an IPv4 header without options, and so of the outer header this crate writes.
pub const HEADER_LEN: usize = 20;

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
    let (quads, rest) = octets.as_chunks::<8>();
    let mut last = [0; 8];
    if let Some(room) = last.get_mut(..rest.len()) {
        room.copy_from_slice(rest);
    }
    let sum = quads.iter().fold(u64::from_ne_bytes(last), |sum, quad| add(sum, u64::from_ne_bytes(*quad)));
    u16::from_be_bytes((!fold(sum)).to_ne_bytes())
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

/// The one's complement sum of two sums.
///
/// Sums are of words of 16, 32 or 64 bits alike, in the octet order of memory: folded, they are the same, and nothing
/// is swapped on the way (RFC 1071 section 2).
#[inline]
pub(crate) fn add(sum: u64, word: u64) -> u64 {
    let (sum, carry) = sum.overflowing_add(word);
    sum.wrapping_add(u64::from(carry))
}

/// The sum in 16 bits; 0 only for a sum of 0.
#[inline]
pub(crate) fn fold(sum: u64) -> u16 {
    // The upper half of x + (x with its halves swapped) is the sum of the halves with the carry added.
    let sum = u32::try_from(sum.wrapping_add(sum.rotate_left(32)) >> 32).unwrap_or_default();
    u16::try_from(sum.wrapping_add(sum.rotate_left(16)) >> 16).unwrap_or_default()
}

/// The sum of an IPv4 header without options.
#[inline]
pub(crate) fn sum_header(octets: &[u8; HEADER_LEN]) -> u64 {
    let (first, second, last) = words(octets);
    sum_words(first, second, last)
}

/// The sum of three words that are an IPv4 header without options.
#[inline]
pub(crate) fn sum_words(first: u64, second: u64, last: u32) -> u64 {
    let (sum, carry) = first.carrying_add(second, false);
    let (sum, carry) = sum.carrying_add(last.into(), carry);
    sum.wrapping_add(u64::from(carry))
}

/// Whether a sum that holds its checksum is right: a multiple of 0xffff.
#[inline]
pub(crate) fn is_right(sum: u64) -> bool {
    Verify::new(true).passes(sum)
}

/// The inverse of 0xffff among the numbers of 64 bits, which is minus `0x0001_0001_0001_0001`. It is kept in memory, one
/// for each use: as a constant it is made again for each datagram, and one of two uses takes a register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inverse(u64);

impl Inverse {
    #[inline]
    pub(crate) const fn new() -> Inverse {
        const INVERSE: u64 = 0xfffe_fffe_fffe_ffff;
        const _: () = assert!(INVERSE.wrapping_mul(0xffff) == 1);
        Inverse(INVERSE)
    }
}

/// The checksum of words that sum up to less than 2^33, and not to 0.
///
/// The highest of four digits of `sum * 0x0001_0001_0001_0001` is the sum of all its digits, with the carry of the next
/// lower, which sums up the same: that is how the carry goes round. With minus that number it is the complement, as the
/// lower digits are not all 0.
#[inline]
pub(crate) fn checksum_of(sum: u64, minus: Inverse) -> u16 {
    u16::try_from(sum.wrapping_mul(minus.0) >> 48).unwrap_or_default()
}

/// Whether sums are to be right, as numbers that ask nothing for each of them.
///
/// A multiple of 0xffff times the inverse of 0xffff is the quotient, all else is above every quotient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verify {
    inverse: Inverse,
    greatest: u64,
}

impl Verify {
    #[inline]
    pub(crate) const fn new(verify: bool) -> Verify {
        Verify { inverse: Inverse::new(), greatest: if verify { u64::MAX / 0xffff } else { u64::MAX } }
    }

    #[inline]
    pub(crate) fn passes(self, sum: u64) -> bool {
        sum.wrapping_mul(self.inverse.0) <= self.greatest
    }
}

/// The 20 octets as three words.
#[inline]
pub(crate) fn words(octets: &[u8; HEADER_LEN]) -> (u64, u64, u32) {
    // Chunk by chunk: octet by octet is loaded octet by octet.
    let ([first, second], last) = octets.as_chunks::<8>() else { return (0, 0, 0) };
    let last = last.first_chunk().copied().unwrap_or_default();
    (u64::from_ne_bytes(*first), u64::from_ne_bytes(*second), u32::from_ne_bytes(last))
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

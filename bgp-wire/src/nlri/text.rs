//! Parts that the text forms of several families share.

use alloc::vec::Vec;
use core::str::FromStr;

/// Names with a word behind each, in a given order.
pub(super) struct Named<'t>(&'t str);

impl<'t> Named<'t> {
    pub(super) fn new(text: &'t str) -> Named<'t> {
        Named(text.trim())
    }

    /// The word behind `name`, which comes next.
    pub(super) fn word(&mut self, name: &str) -> Option<&'t str> {
        let rest = self.0.strip_prefix(name)?.strip_prefix(' ')?.trim_start();
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        self.0 = rest.trim_start();
        Some(word)
    }

    /// The value behind `name`, which comes next.
    pub(super) fn value<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.word(name)?.parse().ok()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'t str {
        core::mem::take(&mut self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The octets of pairs of hexadecimal digits.
pub(super) fn octets_of_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

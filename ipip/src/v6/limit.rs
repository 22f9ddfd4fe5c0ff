//! The Tunnel Encapsulation Limit (RFC 2473 section 4.1.1): how many more tunnels a datagram may go into.

use super::header::{DESTINATION_OPTIONS, HOP_BY_HOP, LEN};

/// Octets of a destination options header that holds the limit alone.
pub(super) const OPTION_LEN: usize = 8;

/// The destination options header with `limit` before `next`: the option of type 4 and length 1, and padding.
pub(super) fn write(next: u8, limit: u8) -> [u8; OPTION_LEN] {
    [next, 0, OPTION, 1, limit, PAD_N, 1, 0]
}

/// The limit in the destination options of an IPv6 datagram, and the octet where it stands. `first` is its next header.
pub(super) fn find(datagram: &[u8], first: u8) -> Option<(usize, u8)> {
    let (mut next, mut at) = (first, LEN);
    // Hop-by-hop options may come before, and each header but the limit's once: there is no need to look farther.
    for _ in 0..2 {
        let header = Options::read(datagram, at)?;
        match next {
            DESTINATION_OPTIONS => {
                return header.options().find(|option| option.kind == OPTION && option.len == 1).and_then(|option| {
                    let at = at + option.at + 2;
                    datagram.get(at).map(|limit| (at, *limit))
                });
            }
            HOP_BY_HOP => (next, at) = (header.next, at + header.octets.len()),
            _ => return None,
        }
    }
    None
}

/// An options header (RFC 8200 section 4.2).
pub(super) struct Options<'a> {
    pub(super) next: u8,
    pub(super) octets: &'a [u8],
}

/// An option, where in the header it begins, and the octets of its data.
pub(super) struct TypeLength {
    pub(super) kind: u8,
    pub(super) at: usize,
    pub(super) len: usize,
}

impl<'a> Options<'a> {
    /// The options header at `at` of a datagram, if all of it is there.
    pub(super) fn read(datagram: &'a [u8], at: usize) -> Option<Options<'a>> {
        let rest = datagram.get(at..)?;
        let &[next, len, ..] = rest else { return None };
        Some(Options { next, octets: rest.get(..(usize::from(len) + 1) * 8)? })
    }

    /// The options, without padding; those that do not parse end the list.
    pub(super) fn options(&self) -> impl Iterator<Item = TypeLength> + use<'a> {
        let octets = self.octets;
        let mut at = 2;
        core::iter::from_fn(move || {
            loop {
                match octets.get(at..)? {
                    [PAD_1, ..] => at += 1,
                    [kind, len, ..] => {
                        let option = TypeLength { kind: *kind, at, len: usize::from(*len) };
                        at += 2 + option.len;
                        if option.kind != PAD_N {
                            return Some(option);
                        }
                    }
                    _ => return None,
                }
            }
        })
    }

    /// Whether an option is there that whoever does not know it must not pass over (RFC 8200 section 4.2).
    pub(super) fn has_unknown(&self) -> bool {
        self.options().any(|option| option.kind != OPTION && option.kind >> 6 != 0)
    }
}

const PAD_1: u8 = 0;
const PAD_N: u8 = 1;
const OPTION: u8 = 4;

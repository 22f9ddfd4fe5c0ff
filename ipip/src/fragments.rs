//! The outer header of a datagram, and fragments as headers over the caller's octets (RFC 791, RFC 4459 section 3).

use core::ops::Range;

use crate::header::{HEADER_LEN, Header, MAX_HEADER_LEN, fragment_field};
use crate::{Ident, OuterOptions};

/// What goes before an inner datagram: one outer header, or one or two headers for each fragment. Nothing is copied
/// of the payload, so it fits scatter/gather output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OuterHeader {
    pub(crate) octets: [u8; HEADER_LEN],
    pub(crate) options: OuterOptions,
    pub(crate) inner_len: u16,
    pub(crate) plan: Plan,
}

/// How an inner datagram is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Whole,
    /// Outer fragments that carry so many octets of the inner datagram each, the last one fewer.
    Outer(u16),
    /// Inner fragments that carry so many octets of the inner payload each, the last one fewer; each takes an ID.
    Inner(u16, Ident),
}

impl OuterHeader {
    /// The 20 octets before [`OuterHeader::options`] and the whole inner datagram; when
    /// [`OuterHeader::is_fragmented`], what the fragments are of.
    #[must_use]
    #[inline]
    pub fn octets(&self) -> [u8; HEADER_LEN] {
        self.octets
    }

    /// What follows the 20 octets: [`Config::options`](crate::Config::options), none by default.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        self.options.as_bytes()
    }

    /// Octets of the inner datagram, its total length: what lies behind is link padding and is not sent.
    #[must_use]
    #[inline]
    pub fn inner_len(&self) -> usize {
        usize::from(self.inner_len)
    }

    /// Whether the datagram does not fit the path MTU and goes out as [`OuterHeader::fragments`].
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.plan != Plan::Whole
    }

    /// What to send: one item for a datagram that fits, else one per fragment, in order.
    ///
    /// `inner` begins with the inner header as it is after encapsulation; the payload need not be there.
    ///
    /// ```
    /// use core::{net::Ipv4Addr, time::Duration};
    /// use ipip::{Config, EcnMode, NoPeers, Path, Tunnel};
    ///
    /// let mut tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), NoPeers::new());
    /// let path = Path::new(Ipv4Addr::new(192, 0, 2, 2));
    /// let mut inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    /// let outer = tunnel.header(&path, Duration::ZERO, &mut inner, 20)?;
    /// for fragment in outer.fragments(&inner) {
    ///     let octets = [fragment.header(), &inner[fragment.payload()]].concat();
    ///     assert_eq!(octets.len(), 40);
    /// }
    /// # Ok::<(), ipip::Error>(())
    /// ```
    #[must_use]
    pub fn fragments<'i>(&self, inner: &'i [u8]) -> Fragments<'i> {
        Fragments::new(Header::of(&self.octets), self.options, self.plan, inner, self.inner_len())
    }
}

/// The fragments of a datagram, from [`OuterHeader::fragments`].
#[derive(Debug, Clone)]
pub struct Fragments<'i> {
    outer: Header,
    options: OuterOptions,
    plan: Plan,
    inner: &'i [u8],
    inner_len: usize,
    /// Where in the inner datagram the next payload begins.
    next: Option<usize>,
}

/// One datagram to send: a header to write, and the octets of the inner datagram that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    octets: [u8; 2 * MAX_HEADER_LEN],
    len: usize,
    payload: Range<usize>,
}

impl Fragment {
    /// The outer header with its options, and behind it the new inner header when the inner datagram is what is fragmented.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// The octets of the inner datagram that follow the header.
    #[must_use]
    pub fn payload(&self) -> Range<usize> {
        self.payload.clone()
    }

    /// Behind `header` with `options`, whose total length becomes what there is.
    fn new(header: Header, options: &[u8], payload: Range<usize>) -> Option<Fragment> {
        let mut octets = [0; 2 * MAX_HEADER_LEN];
        let total = HEADER_LEN + options.len() + payload.len();
        let header = Header { total_len: u16::try_from(total).ok()?, ..header };
        let len = header.write_with(options, octets.first_chunk_mut()?)?;
        Some(Fragment { octets, len, payload })
    }
}

impl Iterator for Fragments<'_> {
    type Item = Fragment;

    fn next(&mut self) -> Option<Fragment> {
        let start = self.next.take()?;
        let end = self.inner_len;
        match &mut self.plan {
            Plan::Whole => Fragment::new(self.outer, self.options.as_bytes(), start..end),
            Plan::Outer(size) => {
                let stop = end.min(start.checked_add(usize::from(*size))?);
                self.next = (stop < end).then_some(stop);
                let fragment = fragment_field(false, stop < end, u16::try_from(start / 8).ok()?);
                let header = Header { fragment, ..self.outer };
                if start == 0 {
                    return Fragment::new(header, self.options.as_bytes(), start..stop);
                }
                let mut options = [0; MAX_HEADER_LEN];
                let len = copied_options(self.options.as_bytes(), &mut options)?;
                Fragment::new(header, options.get(..len)?, start..stop)
            }
            Plan::Inner(size, idents) => {
                let stop = end.min(start.checked_add(usize::from(*size))?);
                let ident = if self.outer.dont_fragment() { self.outer.ident } else { idents.take() };
                self.next = (stop < end).then_some(stop);
                let mut inner = [0; MAX_HEADER_LEN];
                let len = self.inner_header(start, stop, &mut inner)?;
                let inner = inner.get(..len)?;
                // The inner header is payload to the outer one, but it is not among the caller's octets.
                let behind = start.checked_sub(len)?..stop;
                let mut fragment = Fragment::new(Header { ident, ..self.outer }, self.options.as_bytes(), behind)?;
                fragment.octets.get_mut(fragment.len..)?.get_mut(..len)?.copy_from_slice(inner);
                fragment.len += len;
                fragment.payload = start..stop;
                Some(fragment)
            }
        }
    }
}

impl<'i> Fragments<'i> {
    pub(crate) fn new(
        outer: Header,
        options: OuterOptions,
        plan: Plan,
        inner: &'i [u8],
        inner_len: usize,
    ) -> Fragments<'i> {
        let start = match plan {
            Plan::Inner(..) => Header::read(inner).map_or(0, |header| header.len()),
            _ => 0,
        };
        Fragments { outer, options, plan, inner, inner_len, next: Some(start) }
    }

    /// Writes the inner header of the inner fragment that carries `start..stop`; gives its length.
    fn inner_header(&self, start: usize, stop: usize, octets: &mut [u8; MAX_HEADER_LEN]) -> Option<usize> {
        let original = Header::read(self.inner)?;
        let position = start.checked_sub(original.len())?;
        let all = self.inner.get(HEADER_LEN..original.len())?;
        let mut options = [0; MAX_HEADER_LEN];
        let options = if position == 0 {
            all
        } else {
            let len = copied_options(all, &mut options)?;
            options.get(..len)?
        };
        let header = Header {
            total_len: u16::try_from(HEADER_LEN + options.len() + stop - start).ok()?,
            fragment: fragment_field(
                false,
                original.more_fragments() || stop < self.inner_len,
                original.offset().checked_add(u16::try_from(position / 8).ok()?)?,
            ),
            ..original
        };
        header.write_with(options, octets)
    }
}

/// Copies the options with the copied flag (RFC 791 section 3.1) and gives their octets, padded to words with
/// End of Option List, which is 0. Options that do not parse end the list.
fn copied_options(options: &[u8], into: &mut [u8]) -> Option<usize> {
    let mut rest = options;
    let mut written = 0_usize;
    loop {
        let len = match rest {
            [] | [0, ..] => break,
            [1, ..] => 1,
            [_, len, ..] if *len >= 2 => usize::from(*len),
            _ => break,
        };
        let Some((option, behind)) = rest.split_at_checked(len) else { break };
        if option.first().is_some_and(|kind| kind & 0x80 != 0) {
            let end = written.checked_add(len)?;
            into.get_mut(written..end)?.copy_from_slice(option);
            written = end;
        }
        rest = behind;
    }
    Some(written.next_multiple_of(4))
}

/// The IDs that a plan for an inner payload of `len` octets takes.
pub(crate) fn idents_for(plan: Plan, payload: usize) -> usize {
    match plan {
        Plan::Inner(size, _) => payload.div_ceil(usize::from(size).max(1)),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc791_3_1_only_copied_options_go_into_later_fragments() {
        let mut into = [0; 40];
        // Record route (7, not copied), no operation, loose source route (131, copied), end.
        let options = [7, 3, 4, 1, 131, 7, 4, 10, 0, 0, 1, 0];
        assert_eq!(copied_options(&options, &mut into), Some(8));
        assert_eq!(into[..8], [131, 7, 4, 10, 0, 0, 1, 0]);
        for broken in [&[131, 1][..], &[131, 9, 0], &[131]] {
            assert_eq!(copied_options(broken, &mut [0; 40]), Some(0));
        }
    }
}

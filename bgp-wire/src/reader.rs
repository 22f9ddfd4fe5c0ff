//! The only place that touches network octets: checked takes from the front of a slice.

/// Octets not yet read. Every take either advances or returns `None` and leaves everything in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reader<'m> {
    octets: &'m [u8],
}

impl<'m> Reader<'m> {
    pub(crate) const fn new(octets: &'m [u8]) -> Self {
        Self { octets }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Octets left.
    pub(crate) const fn len(&self) -> usize {
        self.octets.len()
    }

    /// Everything that is left, without taking it.
    pub(crate) const fn rest(&self) -> &'m [u8] {
        self.octets
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'m [u8]> {
        let (head, tail) = self.octets.split_at_checked(len)?;
        self.octets = tail;
        Some(head)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.octets.split_first_chunk::<N>()?;
        self.octets = tail;
        Some(*head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// As many octets as the length octet before them says.
    #[inline]
    pub(crate) fn prefixed_u8(&mut self) -> Option<&'m [u8]> {
        let mut ahead = *self;
        let len = ahead.u8()?;
        let octets = ahead.take(usize::from(len))?;
        *self = ahead;
        Some(octets)
    }

    /// As many octets as the 2-octet length before them says.
    #[inline]
    pub(crate) fn prefixed_u16(&mut self) -> Option<&'m [u8]> {
        let mut ahead = *self;
        let len = ahead.u16()?;
        let octets = ahead.take(usize::from(len))?;
        *self = ahead;
        Some(octets)
    }
}

/// A length or an offset inside a message, which has at most 65535 octets; larger values stay at 65535.
#[inline]
pub(crate) fn to_u16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// The low 16 bits, where that is all there is.
#[inline]
pub(crate) const fn low_u16(len: usize) -> u16 {
    let [a, b, ..] = len.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The 2-octet number at `at`.
#[inline]
pub(crate) fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

/// The 4-octet number at `at`.
#[inline]
pub(crate) fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_take_advances_or_leaves_everything() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(reader.u8(), Some(1));
        assert_eq!(reader.u16(), Some(0x0203));
        assert_eq!(reader.array(), Some([4, 5, 6]));
        assert_eq!(reader.len(), 4);
        assert_eq!(reader.take(5), None);
        assert_eq!(reader.u32(), Some(0x0708_090a));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), None);
    }

    #[test]
    fn a_length_beyond_the_end_takes_nothing() {
        let mut reader = Reader::new(&[3, 1, 2]);
        assert_eq!(reader.prefixed_u8(), None);
        assert_eq!(reader.rest(), &[3, 1, 2]);
        assert_eq!(reader.prefixed_u16(), None);
        assert_eq!(reader.take(4), None);
        assert_eq!(reader.len(), 3);
        assert_eq!(Reader::new(&[2, 1, 2]).prefixed_u8(), Some(&[1, 2][..]));
        assert_eq!(Reader::new(&[0, 1, 9]).prefixed_u16(), Some(&[9][..]));
    }

    #[test]
    fn numbers_are_read_in_place() {
        assert_eq!(u16_at(&[0, 1, 2], 1), Some(0x0102));
        assert_eq!(u16_at(&[0, 1, 2], 2), None);
        assert_eq!(u16_at(&[0, 1, 2], 9), None);
        assert_eq!(u32_at(&[0, 0, 1, 2], 0), Some(0x0102));
        assert_eq!(to_u16(70_000), u16::MAX);
    }
}

//! Identification of outer datagrams (RFC 6864).

/// A source of outer IDs: counts through a range of the 65536 values and around.
///
/// Only datagrams without DF need one, and it must not come back within the time fragments may live (RFC 6864 section
/// 4.2: 120 s), which bounds their rate: 65536 in 120 s are about 6.5 Mbit/s of 1500-octet datagrams to one exit. Set DF
/// where that is too little. Cores that share a tunnel take one [`Ident::shard`] each, so that they never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ident {
    first: u16,
    last: u16,
    next: u16,
}

impl Ident {
    /// All values, `first` being the first.
    ///
    /// ```
    /// let mut ident = ipip::Ident::new(0xffff);
    /// assert_eq!([ident.take(), ident.take()], [0xffff, 0]);
    /// ```
    #[must_use]
    pub fn new(first: u16) -> Ident {
        Ident { first: 0, last: u16::MAX, next: first }
    }

    /// Part `index` of `of` equal parts of the values; `None` unless `index < of`.
    ///
    /// ```
    /// let mut second = ipip::Ident::shard(1, 2).ok_or("no such shard")?;
    /// assert_eq!(second.take(), 0x8000);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn shard(index: u16, of: u16) -> Option<Ident> {
        if index >= of {
            return None;
        }
        let (index, of) = (u32::from(index), u32::from(of));
        let first = u16::try_from(index * 0x1_0000 / of).ok()?;
        let last = u16::try_from((index + 1) * 0x1_0000 / of - 1).ok()?;
        Some(Ident { first, last, next: first })
    }

    /// The next ID.
    ///
    /// ```
    /// assert_eq!(ipip::Ident::new(7).take(), 7);
    /// ```
    #[inline]
    pub fn take(&mut self) -> u16 {
        let ident = self.next;
        self.next = if ident == self.last { self.first } else { ident.wrapping_add(1) };
        ident
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6864_4_2_shards_cover_all_values_once() {
        for of in [1_u16, 3, 7, 64] {
            let mut next = 0_u32;
            for index in 0..of {
                let shard = Ident::shard(index, of).unwrap();
                assert_eq!(u32::from(shard.first), next);
                next = u32::from(shard.last) + 1;
            }
            assert_eq!(next, 0x1_0000);
        }
        assert_eq!(Ident::shard(2, 2), None);
        assert_eq!(Ident::shard(0, 0), None);
        let mut last = Ident::shard(u16::MAX - 1, u16::MAX).unwrap();
        assert_eq!([last.take(), last.take(), last.take()], [0xfffe, 0xffff, 0xfffe]);
    }
}

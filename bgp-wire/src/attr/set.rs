//! A set of attribute types: 256 bits.

use core::fmt;

use crate::AttrType;

/// A set of path attribute types.
///
/// ```
/// use bgp_wire::attr::AttrSet;
/// use bgp_wire::AttrType;
///
/// let set: AttrSet = [AttrType::LOCAL_PREF, AttrType::ORIGIN].into_iter().collect();
/// assert!(set.contains(AttrType::ORIGIN));
/// assert!(set.iter().eq([AttrType::ORIGIN, AttrType::LOCAL_PREF]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AttrSet([u64; 4]);

impl AttrSet {
    /// The set without a member.
    pub const EMPTY: AttrSet = AttrSet([0; 4]);

    /// The set of those types below 64 whose bits are 1.
    #[inline]
    pub(crate) const fn below_64(bits: u64) -> AttrSet {
        AttrSet([bits, 0, 0, 0])
    }

    /// The members below 64, a bit for each.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) const fn low(self) -> u64 {
        let [low, ..] = self.0;
        low
    }

    /// Whether `ty` is a member.
    #[must_use]
    #[inline]
    pub fn contains(self, ty: AttrType) -> bool {
        self.0.get(word(ty)).is_some_and(|bits| bits & bit(ty) != 0)
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == AttrSet::EMPTY
    }

    /// Adds `ty`; says whether it was new.
    pub fn insert(&mut self, ty: AttrType) -> bool {
        match self.0.get_mut(word(ty)) {
            Some(bits) => {
                let new = *bits & bit(ty) == 0;
                *bits |= bit(ty);
                new
            }
            None => false,
        }
    }

    /// Takes `ty` out.
    pub fn remove(&mut self, ty: AttrType) {
        if let Some(bits) = self.0.get_mut(word(ty)) {
            *bits &= !bit(ty);
        }
    }

    /// The set with `ty` added.
    #[must_use]
    pub const fn with(self, ty: AttrType) -> AttrSet {
        let [a, b, c, d] = self.0;
        let bit = bit(ty);
        AttrSet(match word(ty) {
            0 => [a | bit, b, c, d],
            1 => [a, b | bit, c, d],
            2 => [a, b, c | bit, d],
            _ => [a, b, c, d | bit],
        })
    }

    /// The members that `other` does not have.
    #[must_use]
    pub const fn difference(self, other: AttrSet) -> AttrSet {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        AttrSet([a & !e, b & !f, c & !g, d & !h])
    }

    /// All types that are no members.
    #[must_use]
    pub const fn complement(self) -> AttrSet {
        AttrSet([u64::MAX; 4]).difference(self)
    }

    /// The members of either.
    #[must_use]
    pub const fn union(self, other: AttrSet) -> AttrSet {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        AttrSet([a | e, b | f, c | g, d | h])
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = AttrType> {
        (0..=u8::MAX).map(AttrType).filter(move |ty| self.contains(*ty))
    }
}

impl fmt::Debug for AttrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<AttrType> for AttrSet {
    fn from_iter<I: IntoIterator<Item = AttrType>>(types: I) -> AttrSet {
        types.into_iter().fold(AttrSet::EMPTY, AttrSet::with)
    }
}

const fn word(ty: AttrType) -> usize {
    (ty.0 >> 6) as usize
}

const fn bit(ty: AttrType) -> u64 {
    1 << (ty.0 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_goes_in_and_out() {
        let mut set = AttrSet::EMPTY;
        for ty in (0..=u8::MAX).map(AttrType) {
            assert!(!set.contains(ty) && set.insert(ty) && set.contains(ty) && !set.insert(ty));
        }
        for ty in (0..=u8::MAX).map(AttrType) {
            assert_eq!(AttrSet::EMPTY.with(ty).iter().collect::<alloc::vec::Vec<_>>(), [ty]);
            set.remove(ty);
            assert!(!set.contains(ty));
        }
        assert!(set.is_empty());
    }
}

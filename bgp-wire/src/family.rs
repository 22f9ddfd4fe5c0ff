//! Families (AFI and SAFI, RFC 4760) and sets of them.

use core::fmt;
use core::str::FromStr;

use crate::registry::pairs;
use crate::{Afi, ParseError, Safi};

/// An address family: AFI and SAFI (RFC 4760).
///
/// Text is `1/1`; names (`ipv4-unicast`) are read too.
///
/// ```
/// use bgp_wire::Family;
/// let family: Family = "ipv6-unicast".parse()?;
/// assert_eq!((family, family.to_string()), (Family::IPV6_UNICAST, "2/1".to_owned()));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Family {
    /// The address family identifier.
    pub afi: Afi,
    /// The subsequent address family identifier.
    pub safi: Safi,
}

impl Family {
    /// From the two numbers.
    #[must_use]
    pub const fn new(afi: u16, safi: u8) -> Self {
        Self { afi: Afi(afi), safi: Safi(safi) }
    }

    const fn numbers(self) -> (u16, u8) {
        (self.afi.0, self.safi.0)
    }
}

pairs! { Family {
    1/1 => IPV4_UNICAST "ipv4-unicast",
    1/2 => IPV4_MULTICAST "ipv4-multicast",
    1/4 => IPV4_LABELED "ipv4-labeled",
    1/5 => IPV4_MCAST_VPN "ipv4-mcast-vpn",
    1/7 => IPV4_ENCAPSULATION "ipv4-encapsulation",
    1/66 => IPV4_MDT "ipv4-mdt",
    1/73 => IPV4_SR_POLICY "ipv4-sr-policy",
    1/74 => IPV4_SD_WAN "ipv4-sd-wan",
    1/75 => IPV4_RPD "ipv4-rpd",
    1/76 => IPV4_CLASSFUL_TRANSPORT "ipv4-classful-transport",
    1/83 => IPV4_CAR "ipv4-car",
    1/84 => IPV4_VPN_CAR "ipv4-vpn-car",
    1/85 => IPV4_MUP "ipv4-mup",
    1/128 => IPV4_VPN "ipv4-vpn",
    1/129 => IPV4_MULTICAST_VPN "ipv4-multicast-vpn",
    1/132 => RT_CONSTRAIN "rt-constrain",
    1/133 => IPV4_FLOWSPEC "ipv4-flowspec",
    1/134 => IPV4_FLOWSPEC_VPN "ipv4-flowspec-vpn",
    2/1 => IPV6_UNICAST "ipv6-unicast",
    2/2 => IPV6_MULTICAST "ipv6-multicast",
    2/4 => IPV6_LABELED "ipv6-labeled",
    2/5 => IPV6_MCAST_VPN "ipv6-mcast-vpn",
    2/7 => IPV6_ENCAPSULATION "ipv6-encapsulation",
    2/73 => IPV6_SR_POLICY "ipv6-sr-policy",
    2/74 => IPV6_SD_WAN "ipv6-sd-wan",
    2/75 => IPV6_RPD "ipv6-rpd",
    2/76 => IPV6_CLASSFUL_TRANSPORT "ipv6-classful-transport",
    2/83 => IPV6_CAR "ipv6-car",
    2/84 => IPV6_VPN_CAR "ipv6-vpn-car",
    2/85 => IPV6_MUP "ipv6-mup",
    2/128 => IPV6_VPN "ipv6-vpn",
    2/129 => IPV6_MULTICAST_VPN "ipv6-multicast-vpn",
    2/133 => IPV6_FLOWSPEC "ipv6-flowspec",
    2/134 => IPV6_FLOWSPEC_VPN "ipv6-flowspec-vpn",
    25/65 => L2VPN_VPLS "l2vpn-vpls",
    25/70 => L2VPN_EVPN "l2vpn-evpn",
    25/134 => L2VPN_FLOWSPEC "l2vpn-flowspec",
    16388/71 => BGP_LS "bgp-ls",
    16388/72 => BGP_LS_VPN "bgp-ls-vpn",
    16388/80 => BGP_LS_SPF "bgp-ls-spf",
} }

// A set has one bit for each row.
const _: () = assert!(Family::NAMED.len() <= 64);

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.afi.0, self.safi.0)
    }
}

impl FromStr for Family {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseError::new("family");
        match text.split_once('/') {
            None => Self::named(text).ok_or(error),
            Some((afi, safi)) => Ok(Self::new(afi.parse().map_err(|_| error)?, safi.parse().map_err(|_| error)?)),
        }
    }
}

/// A set of the families that this crate has a name for ([`Family::NAMED`]).
///
/// Any other family is never a member: a session cannot negotiate what nothing here knows.
///
/// ```
/// use bgp_wire::{Family, FamilySet};
/// let ours = FamilySet::EMPTY.with(Family::IPV6_UNICAST).with(Family::IPV4_UNICAST);
/// let theirs = FamilySet::from_iter([Family::IPV4_UNICAST, Family::IPV4_VPN]);
/// assert_eq!(ours.intersection(theirs).iter().collect::<Vec<_>>(), [Family::IPV4_UNICAST]);
/// assert_eq!(ours.to_string(), "1/1 2/1");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FamilySet(u64);

impl FamilySet {
    /// No family.
    pub const EMPTY: Self = Self(0);

    /// IPv4 and IPv6 unicast.
    pub const UNICAST: Self = Self::EMPTY.with(Family::IPV4_UNICAST).with(Family::IPV6_UNICAST);

    /// All families of [`Family::NAMED`].
    pub const ALL: Self = Self(u64::MAX >> (64 - Family::NAMED.len()));

    /// True if no family is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many families are in it.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True if `family` is in it.
    #[inline]
    #[must_use]
    pub const fn contains(self, family: Family) -> bool {
        self.0 & bit(family) != 0
    }

    /// Adds `family`; false if it was there, or has no row in [`Family::NAMED`].
    pub const fn insert(&mut self, family: Family) -> bool {
        let before = self.0;
        self.0 |= bit(family);
        self.0 != before
    }

    /// Takes `family` out; false if it was not there.
    pub const fn remove(&mut self, family: Family) -> bool {
        let before = self.0;
        self.0 &= !bit(family);
        self.0 != before
    }

    /// With `family` added.
    #[must_use]
    pub const fn with(self, family: Family) -> Self {
        Self(self.0 | bit(family))
    }

    /// With `family` taken out.
    #[must_use]
    pub const fn without(self, family: Family) -> Self {
        Self(self.0 & !bit(family))
    }

    /// The families of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The families of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The families of this set that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The families in the order of [`Family::NAMED`], which is that of their numbers.
    #[must_use]
    pub const fn iter(self) -> Families {
        Families(self.0)
    }
}

impl fmt::Debug for FamilySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for FamilySet {
    /// The families with blanks between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, family) in self.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}{family}")?;
        }
        Ok(())
    }
}

impl FromIterator<Family> for FamilySet {
    fn from_iter<I: IntoIterator<Item = Family>>(families: I) -> Self {
        families.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl Extend<Family> for FamilySet {
    fn extend<I: IntoIterator<Item = Family>>(&mut self, families: I) {
        *self = families.into_iter().fold(*self, Self::with);
    }
}

impl From<Family> for FamilySet {
    fn from(family: Family) -> Self {
        Self::EMPTY.with(family)
    }
}

impl IntoIterator for FamilySet {
    type Item = Family;
    type IntoIter = Families;

    fn into_iter(self) -> Families {
        self.iter()
    }
}

/// The families of a [`FamilySet`] in the order of their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Families(u64);

impl Iterator for Families {
    type Item = Family;

    fn next(&mut self) -> Option<Family> {
        let family = Family::NAMED.get(usize::try_from(self.0.trailing_zeros()).ok()?)?;
        self.0 &= self.0.wrapping_sub(1);
        Some(*family)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = usize::try_from(self.0.count_ones()).unwrap_or(0);
        (len, Some(len))
    }
}

impl ExactSizeIterator for Families {}
impl core::iter::FusedIterator for Families {}

/// The bit of `family`: that of its row in [`Family::NAMED`]; 0 without a row.
#[inline]
const fn bit(family: Family) -> u64 {
    let Some(column) = column(family.afi) else { return 0 };
    // The column and any `u8` are inside: no check remains in the machine code.
    #[expect(clippy::indexing_slicing, reason = "both indices are below the lengths of the arrays")]
    BITS[column][family.safi.0 as usize]
}

#[inline]
const fn column(afi: Afi) -> Option<usize> {
    match afi {
        Afi::IPV4 => Some(0),
        Afi::IPV6 => Some(1),
        Afi::L2VPN => Some(2),
        Afi::BGP_LS => Some(3),
        _ => None,
    }
}

static BITS: [[u64; 256]; 4] = {
    let mut bits = [[0; 256]; 4];
    let mut row = 0;
    while row < Family::NAMED.len() {
        #[expect(clippy::indexing_slicing, reason = "the row is below the length; evaluated at compile time")]
        let family = Family::NAMED[row];
        // A row with a new AFI does not compile before `column` knows it.
        let Some(column) = column(family.afi) else { unreachable!() };
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            bits[column][family.safi.0 as usize] = 1 << row;
        }
        row += 1;
    }
    bits
};

/// Text as in `Display`; in binary formats the two numbers.
#[cfg(feature = "serde")]
impl serde::Serialize for Family {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.numbers().serialize(serializer) }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Family {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            crate::hex::from_text(deserializer)
        } else {
            <(u16, u8)>::deserialize(deserializer).map(|(afi, safi)| Self::new(afi, safi))
        }
    }
}

/// The list of the families.
#[cfg(feature = "serde")]
impl serde::Serialize for FamilySet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(*self)
    }
}

/// A list of families; one without a row in [`Family::NAMED`] is an error.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for FamilySet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = FamilySet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of families")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<FamilySet, A::Error> {
                let mut set = FamilySet::EMPTY;
                while let Some(family) = list.next_element::<Family>()? {
                    if bit(family) == 0 {
                        return Err(serde::de::Error::custom(format_args!("family {family} has no name here")));
                    }
                    set.insert(family);
                }
                Ok(set)
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

/// Any subset of [`FamilySet::ALL`].
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for FamilySet {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u64::arbitrary(u).map(|bits| Self(bits & Self::ALL.0))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn rfc4760_every_named_family_is_a_member_of_its_own() {
        assert!(Family::NAMED.is_sorted());
        for family in Family::NAMED {
            let set = FamilySet::from(*family);
            assert_eq!(set.iter().collect::<Vec<_>>(), [*family]);
            assert!(set.contains(*family) && FamilySet::ALL.contains(*family));
            assert_eq!(family.to_string().parse(), Ok(*family));
            assert_eq!(family.name().unwrap().parse(), Ok(*family));
        }
        assert_eq!(FamilySet::ALL.iter().len(), Family::NAMED.len());
        assert_eq!(FamilySet::ALL.iter().collect::<FamilySet>(), FamilySet::ALL);
    }

    #[test]
    fn a_family_without_a_name_is_never_a_member() {
        let other = Family::new(1, 200);
        let mut set = FamilySet::ALL;
        assert!(!set.insert(other) && !set.contains(other) && !set.remove(other));
        assert!(!set.contains(Family::new(77, 1)));
        assert_eq!(other.to_string(), "1/200");
        assert_eq!("1/256".parse::<Family>().unwrap_err().to_string(), "not a family");
    }

    #[test]
    fn sets_know_their_algebra() {
        let mut set = FamilySet::EMPTY;
        assert!(set.insert(Family::IPV6_UNICAST) && !set.insert(Family::IPV6_UNICAST));
        assert_eq!(set.union(Family::IPV4_UNICAST.into()), FamilySet::UNICAST);
        assert_eq!(FamilySet::UNICAST.difference(set), Family::IPV4_UNICAST.into());
        assert_eq!(FamilySet::UNICAST.without(Family::IPV4_UNICAST), set);
        assert!(set.remove(Family::IPV6_UNICAST) && set.is_empty());
        assert_eq!(FamilySet::UNICAST.to_string(), "1/1 2/1");
    }
}

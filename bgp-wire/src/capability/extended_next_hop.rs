//! Extended next hop encoding (RFC 8950 section 4): entries of AFI (2 octets), SAFI (2), next hop AFI (2).

use crate::reader::Reader;
use crate::{Afi, Family, FamilySet, Params};

/// Routes of `family` may have a next hop of `next_hop`.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 8950 section 4 has these fields")]
pub struct ExtendedNextHop {
    /// The family of the routes.
    pub family: Family,
    /// The address family of the next hop.
    pub next_hop: Afi,
}

/// Families of IPv4 whose next hops may be IPv6: the only combination that RFC 8950 defines.
pub(crate) type Learned = FamilySet;

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let mut reader = Reader::new(value);
    while let Some((family, next_hop)) = entry(&mut reader) {
        if let (Some(family @ Family { afi: Afi::IPV4, .. }), Afi::IPV6) = (family, next_hop) {
            learned.insert(family);
        }
    }
    reader.is_empty()
}

/// An entry; without a family if the SAFI does not exist (it has two octets here).
fn entry(reader: &mut Reader<'_>) -> Option<(Option<Family>, Afi)> {
    let [afi_high, afi_low, safi_high, safi, next_hop_high, next_hop_low] = reader.array()?;
    let family = Family::new(u16::from_be_bytes([afi_high, afi_low]), safi);
    Some(((safi_high == 0).then_some(family), Afi(u16::from_be_bytes([next_hop_high, next_hop_low]))))
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<ExtendedNextHop>> {
    let mut reader = Reader::new(value);
    let mut entries = alloc::vec::Vec::with_capacity(value.len() / 6);
    while !reader.is_empty() {
        let (family, next_hop) = entry(&mut reader)?;
        entries.push(ExtendedNextHop { family: family?, next_hop });
    }
    Some(entries)
}

#[cfg(feature = "alloc")]
pub(super) fn encode(entries: &[ExtendedNextHop], out: &mut alloc::vec::Vec<u8>) {
    for entry in entries {
        out.extend_from_slice(&entry.family.afi.0.to_be_bytes());
        out.extend_from_slice(&[0, entry.family.safi.0]);
        out.extend_from_slice(&entry.next_hop.0.to_be_bytes());
    }
}

impl Params {
    /// The families of IPv4 whose next hops may be IPv6 addresses (RFC 8950).
    #[must_use]
    pub const fn ext_next_hop(&self) -> FamilySet {
        self.slots.extended_next_hop
    }

    /// With these families; those of other address families mean nothing.
    #[must_use]
    pub const fn with_ext_next_hop(mut self, families: FamilySet) -> Self {
        self.slots.extended_next_hop = families;
        self
    }
}

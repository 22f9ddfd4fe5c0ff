//! LARGE_COMMUNITY (RFC 8092): values of 12 octets.

use crate::attr::{Attribute, Attributes, Length, Values};
use crate::community::large::LargeCommunity;

/// The row of LARGE_COMMUNITY.
pub(crate) enum LargeCommunities {}

impl Attribute for LargeCommunities {
    // RFC 8092 section 6.
    const LENGTH: Length = Length::Multiple(12);
}

impl<'a> Attributes<'a> {
    /// The large communities, in their order; a canonical block has no duplicates (RFC 8092 section 5).
    #[must_use]
    #[inline]
    pub fn large_communities(&self) -> Values<'a, LargeCommunity, 12> {
        Values::new(self.value::<LargeCommunities>().unwrap_or_default())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for LargeCommunities {
    type Form = alloc::vec::Vec<LargeCommunity>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let values = attributes.large_communities();
        (values.len() != 0).then(|| values.collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.large_communities(&form)
    }
}

/// Appends the values of `value` without duplicates (RFC 8092 section 5). Lists without duplicates, which nearly all
/// are, keep their order; so do short ones. A long list is sorted instead, to stay below quadratic work.
#[cfg(feature = "alloc")]
pub(crate) fn write_unique(value: &[u8], out: &mut alloc::vec::Vec<u8>) {
    let values = value.as_chunks::<12>().0;
    if values.is_sorted_by(|a, b| a < b) {
        out.extend_from_slice(value);
    } else if values.len() <= SHORT {
        let start = out.len();
        for community in values {
            let written = out.get(start..).unwrap_or_default().as_chunks::<12>().0;
            if !written.contains(community) {
                out.extend_from_slice(community);
            }
        }
    } else {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        out.extend_from_slice(if sorted.len() == values.len() { value } else { sorted.as_flattened() });
    }
}

/// Values that are compared each with each.
#[cfg(feature = "alloc")]
const SHORT: usize = 32;

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn rfc8092_5_duplicates_go() {
        let octets = |ids: &[u8]| ids.iter().flat_map(|id| [*id; 12]).collect::<Vec<u8>>();
        let unique = |ids: &[u8]| {
            let mut out = Vec::new();
            write_unique(&octets(ids), &mut out);
            out
        };
        assert_eq!(unique(&[2, 1, 2, 3, 1]), octets(&[2, 1, 3]));
        let long: Vec<u8> = (0..100).rev().collect();
        assert_eq!(unique(&long), octets(&long));
        let doubled: Vec<u8> = (0..100).chain(0..100).collect();
        assert_eq!(unique(&doubled), octets(&(0..100).collect::<Vec<u8>>()));
    }
}

//! IPv6 Address Specific Extended Communities (RFC 5701): values of 20 octets.

use crate::attr::{Attribute, Attributes, Length, Values};
use crate::community::ipv6_ext::Ipv6ExtCommunity;

/// The row of the IPv6 Address Specific Extended Communities.
pub(crate) enum Ipv6ExtCommunities {}

impl Attribute for Ipv6ExtCommunities {
    // RFC 7606 section 7.15.
    const LENGTH: Length = Length::Multiple(20);
}

impl<'a> Attributes<'a> {
    /// The IPv6 Address Specific Extended Communities, in their order.
    #[must_use]
    pub fn ipv6_ext_communities(&self) -> Values<'a, Ipv6ExtCommunity, 20> {
        Values::new(self.value::<Ipv6ExtCommunities>().unwrap_or_default())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Ipv6ExtCommunities {
    type Form = alloc::vec::Vec<Ipv6ExtCommunity>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let values = attributes.ipv6_ext_communities();
        (values.len() != 0).then(|| values.collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.ipv6_ext_communities(&form)
    }
}

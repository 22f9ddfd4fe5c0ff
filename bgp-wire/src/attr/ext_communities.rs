//! EXTENDED_COMMUNITIES (RFC 4360): values of 8 octets.

use crate::attr::{Attribute, Attributes, Length, Values};
use crate::community::ext::ExtCommunity;

/// The row of EXTENDED_COMMUNITIES.
pub(crate) enum ExtCommunities {}

impl Attribute for ExtCommunities {
    // RFC 7606 section 7.14.
    const LENGTH: Length = Length::Multiple(8);
}

impl<'a> Attributes<'a> {
    /// The EXTENDED_COMMUNITIES, in their order.
    #[must_use]
    #[inline]
    pub fn ext_communities(&self) -> Values<'a, ExtCommunity, 8> {
        Values::new(self.value::<ExtCommunities>().unwrap_or_default())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for ExtCommunities {
    type Form = alloc::vec::Vec<ExtCommunity>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let values = attributes.ext_communities();
        (values.len() != 0).then(|| values.collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.ext_communities(&form)
    }
}

//! COMMUNITIES (RFC 1997): values of 4 octets.

use crate::attr::{Attribute, Attributes, Length, Values};
use crate::community::Community;

/// The row of COMMUNITIES.
pub(crate) enum Communities {}

impl Attribute for Communities {
    // RFC 7606 section 7.8.
    const LENGTH: Length = Length::Multiple(4);
}

impl<'a> Attributes<'a> {
    /// The COMMUNITIES, in their order.
    #[must_use]
    #[inline]
    pub fn communities(&self) -> Values<'a, Community, 4> {
        Values::new(self.value::<Communities>().unwrap_or_default())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Communities {
    type Form = alloc::vec::Vec<Community>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let values = attributes.communities();
        (values.len() != 0).then(|| values.collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.communities(&form)
    }
}

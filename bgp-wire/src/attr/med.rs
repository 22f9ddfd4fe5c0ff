//! MULTI_EXIT_DISC (RFC 4271 section 5.1.4): 4 octets, lower is preferred.

use crate::attr::{Attribute, Attributes, Length};
use crate::reader::u32_at;

/// The row of MULTI_EXIT_DISC.
pub(crate) enum Med {}

impl Attribute for Med {
    const LENGTH: Length = Length::Exact(4);
}

impl Attributes<'_> {
    /// MULTI_EXIT_DISC.
    #[must_use]
    #[doc(alias = "multi_exit_disc")]
    #[inline]
    pub fn med(&self) -> Option<u32> {
        u32_at(self.value::<Med>()?, 0)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Med {
    type Form = u32;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.med()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.med(form)
    }
}

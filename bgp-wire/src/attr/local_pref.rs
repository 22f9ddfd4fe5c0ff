//! LOCAL_PREF (RFC 4271 section 5.1.5): 4 octets, higher is preferred; within an AS or confederation only.

use crate::attr::{Attribute, Attributes, Length, Source};
use crate::reader::u32_at;

/// The row of LOCAL_PREF.
pub(crate) enum LocalPref {}

impl Attribute for LocalPref {
    const LENGTH: Length = Length::Exact(4);
    // RFC 7606 section 7.5: from an external neighbour it is discarded; RFC 5065 section 4 carries it between members.
    const TAKEN_FROM: Source = Source::Confederation;
}

impl Attributes<'_> {
    /// LOCAL_PREF; external peers' is discarded (RFC 7606 section 7.5).
    #[must_use]
    #[inline]
    pub fn local_pref(&self) -> Option<u32> {
        u32_at(self.value::<LocalPref>()?, 0)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for LocalPref {
    type Form = u32;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.local_pref()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.local_pref(form)
    }
}

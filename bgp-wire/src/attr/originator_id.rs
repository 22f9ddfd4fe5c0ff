//! ORIGINATOR_ID (RFC 4456 section 8): the BGP Identifier of the router that brought the route into the AS.

use crate::BgpId;
use crate::attr::{Attribute, Attributes, Length, Source};
use crate::reader::u32_at;

/// The row of ORIGINATOR_ID.
pub(crate) enum OriginatorId {}

impl Attribute for OriginatorId {
    const LENGTH: Length = Length::Exact(4);
    // RFC 7606 section 7.9: from an external neighbour it is discarded.
    const TAKEN_FROM: Source = Source::Internal;
}

impl Attributes<'_> {
    /// ORIGINATOR_ID.
    #[must_use]
    #[inline]
    pub fn originator_id(&self) -> Option<BgpId> {
        u32_at(self.value::<OriginatorId>()?, 0).map(BgpId)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for OriginatorId {
    type Form = BgpId;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.originator_id()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.originator_id(form)
    }
}

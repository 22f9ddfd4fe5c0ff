//! OTC, Only to Customer (RFC 9234 section 5): the AS that brought the route to customers or peers.

use crate::Asn;
use crate::attr::{Attribute, Attributes, Length};
use crate::reader::u32_at;

/// The row of OTC.
pub(crate) enum Otc {}

impl Attribute for Otc {
    // RFC 9234 section 5: any other length is treat-as-withdraw.
    const LENGTH: Length = Length::Exact(4);
}

impl Attributes<'_> {
    /// OTC, Only to Customer.
    #[must_use]
    #[doc(alias = "only_to_customer")]
    #[inline]
    pub fn otc(&self) -> Option<Asn> {
        u32_at(self.value::<Otc>()?, 0).map(Asn)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Otc {
    type Form = Asn;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.otc()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.otc(form)
    }
}

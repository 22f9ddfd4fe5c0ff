//! ATOMIC_AGGREGATE (RFC 4271 section 5.1.6): no octets.

use crate::Action;
use crate::attr::{Attribute, Attributes, Length};

/// The row of ATOMIC_AGGREGATE.
pub(crate) enum AtomicAggregate {}

impl Attribute for AtomicAggregate {
    const LENGTH: Length = Length::Exact(0);
    // RFC 7606 section 7.6.
    const MALFORMED: Action = Action::AttributeDiscard;
}

impl Attributes<'_> {
    /// Whether ATOMIC_AGGREGATE is there.
    #[must_use]
    #[inline]
    pub fn atomic_aggregate(&self) -> bool {
        self.value::<AtomicAggregate>().is_some()
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for AtomicAggregate {
    type Form = bool;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.atomic_aggregate().then_some(true)
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        if form { builder.atomic_aggregate() } else { builder }
    }
}

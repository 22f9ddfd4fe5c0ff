//! AS4_AGGREGATOR (RFC 6793 section 3): AGGREGATOR for sessions with 2-octet AS numbers.

use crate::attr::aggregator::check_asn;
use crate::attr::{Attribute, Length, Source};
use crate::error::AttrProblem;
use crate::{Action, Context};

/// The row of AS4_AGGREGATOR; its value is read by [`Attributes::aggregator`](crate::attr::Attributes::aggregator).
pub(crate) enum As4Aggregator {}

impl Attribute for As4Aggregator {
    const LENGTH: Length = Length::Exact(8);
    // RFC 6793 section 6.
    const MALFORMED: Action = Action::AttributeDiscard;
    // RFC 6793 section 4.1: discarded between speakers that both know 4-octet AS numbers.
    const TAKEN_FROM: Source = Source::TwoOctet;

    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        check_asn(value)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for As4Aggregator {
    type Form = crate::attr::text::Elsewhere;
}

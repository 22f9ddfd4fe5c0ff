//! AGGREGATOR (RFC 4271 section 5.1.7): an AS number of 2 or 4 octets and a BGP Identifier.

use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::{Action, Asn, AttrType, BgpId, Context};

/// Who formed an aggregate route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Aggregator {
    /// Its AS.
    pub asn: Asn,
    /// Its BGP Identifier.
    pub bgp_id: BgpId,
}

impl Aggregator {
    /// The 8 octets of the form with a 4-octet AS number.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.asn.0.to_be_bytes(), self.bgp_id.0.to_be_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// Either form, told apart by its length.
    #[inline]
    pub(crate) fn decode(value: &[u8]) -> Option<Aggregator> {
        match *value {
            [a, b, e, f, g, h] => Some(Aggregator::new([0, 0, a, b], [e, f, g, h])),
            [a, b, c, d, e, f, g, h] => Some(Aggregator::new([a, b, c, d], [e, f, g, h])),
            _ => None,
        }
    }

    fn new(asn: [u8; 4], bgp_id: [u8; 4]) -> Aggregator {
        Aggregator { asn: Asn(u32::from_be_bytes(asn)), bgp_id: BgpId(u32::from_be_bytes(bgp_id)) }
    }
}

/// RFC 7607 section 2: AS 0 is malformed.
pub(crate) fn check_asn(value: &[u8]) -> Result<(), AttrProblem> {
    match Aggregator::decode(value) {
        Some(aggregator) if aggregator.asn.0 == 0 => Err(AttrProblem::AsZero),
        Some(_) => Ok(()),
        None => Err(AttrProblem::Length),
    }
}

impl Attribute for Aggregator {
    const LENGTH: Length = Length::ByAsWidth(6, 8);
    // RFC 7606 section 7.7.
    const MALFORMED: Action = Action::AttributeDiscard;

    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        check_asn(value)
    }
}

impl Attributes<'_> {
    /// AGGREGATOR; on a 2-octet session with the AS of AS4_AGGREGATOR where that applies (RFC 6793 section 4.2.3).
    #[must_use]
    #[inline]
    pub fn aggregator(&self) -> Option<Aggregator> {
        let aggregator = Aggregator::decode(self.value::<Aggregator>()?)?;
        Some(if aggregator.asn == Asn::TRANS { self.as4_aggregator().unwrap_or(aggregator) } else { aggregator })
    }

    #[cold]
    fn as4_aggregator(&self) -> Option<Aggregator> {
        self.get(AttrType::AS4_AGGREGATOR).and_then(|raw| Aggregator::decode(raw.value))
    }

    /// RFC 6793 section 4.2.3: an AGGREGATOR with another AS than AS_TRANS beside an AS4_AGGREGATOR says that somebody
    /// changed the route after the AS4 attributes were made, so both are ignored.
    pub(crate) fn as4_ignored(&self) -> bool {
        self.contains(AttrType::AS4_AGGREGATOR)
            && self
                .get(AttrType::AGGREGATOR)
                .and_then(|raw| Aggregator::decode(raw.value))
                .is_some_and(|aggregator| aggregator.asn != Asn::TRANS)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Aggregator {
    type Form = Aggregator;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.aggregator()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.aggregator(form)
    }
}

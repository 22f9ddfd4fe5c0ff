//! AIGP, the accumulated IGP metric (RFC 7311): a list of type (1 octet), length of the whole (2), value.

use crate::attr::tlv::{Layout, Tlv, Tlvs};
use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::{Action, Context};

/// AIGP as it stands in a block.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes};
///
/// let block = AttrBuilder::new().aigp_metric(1_000_000).build()?;
/// let aigp = Attributes::from_canonical(&block)?.aigp().unwrap_or_default();
/// assert_eq!(aigp.metric(), Some(1_000_000));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Aigp<'a>(&'a [u8]);

impl<'a> Aigp<'a> {
    /// The accumulated metric: of several the first (RFC 7311 section 3).
    #[must_use]
    pub fn metric(&self) -> Option<u64> {
        Some(u64::from_be_bytes(*self.tlvs().find(METRIC)?.first_chunk()?))
    }

    /// Everything that is in it; what is no metric is passed along unchanged (RFC 7311 section 3).
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(Layout::Whole, self.0)
    }
}

impl Attribute for Aigp<'_> {
    const LENGTH: Length = Length::Any;
    // RFC 7311 section 3.2: as if it were an unrecognized non-transitive attribute; so with the Transitive bit.
    const MALFORMED: Action = Action::AttributeDiscard;
    const WRONG_FLAGS: Action = Action::AttributeDiscard;

    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        let right = |tlv: Tlv<'_>| tlv.ty != METRIC || tlv.value.len() == 8;
        if Aigp(value).tlvs().all_whole(right) { Ok(()) } else { Err(AttrProblem::Syntax) }
    }
}

impl<'a> Attributes<'a> {
    /// AIGP. Whether it may be used on a session is for its owner to say (RFC 7311 section 3.1: `AIGP_SESSION`).
    #[must_use]
    pub fn aigp(&self) -> Option<Aigp<'a>> {
        self.value::<Aigp<'_>>().map(Aigp)
    }
}

/// The type of the metric.
const METRIC: u16 = 1;

#[cfg(feature = "alloc")]
pub use self::owned::AigpTlv;

#[cfg(feature = "alloc")]
mod owned {
    //! The values, and the builder.

    use alloc::vec::Vec;
    use core::fmt;
    use core::str::FromStr;

    use super::{Aigp, METRIC};
    use crate::attr::AttrBuilder;
    use crate::attr::tlv::{Layout, Tlv, parse_text, write, write_joined, write_text};
    use crate::registry::text_form;
    use crate::{AttrType, ParseError};

    /// A part of AIGP; text is `metric:7`, or `tlv:TYPE:0xHEX`.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
    #[non_exhaustive]
    pub enum AigpTlv {
        /// The accumulated metric (type 1).
        Metric(u64),
        /// Any other type.
        Unknown {
            /// The type.
            ty: u8,
            /// The value.
            value: Vec<u8>,
        },
    }

    impl From<Tlv<'_>> for AigpTlv {
        fn from(tlv: Tlv<'_>) -> AigpTlv {
            match (tlv.ty, <[u8; 8]>::try_from(tlv.value)) {
                (METRIC, Ok(metric)) => AigpTlv::Metric(u64::from_be_bytes(metric)),
                (ty, _) => AigpTlv::Unknown { ty: ty.to_be_bytes()[1], value: tlv.value.into() },
            }
        }
    }

    impl fmt::Display for AigpTlv {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                AigpTlv::Metric(metric) => write!(f, "metric:{metric}"),
                AigpTlv::Unknown { ty, value } => write_text(u16::from(*ty), value, f),
            }
        }
    }

    impl FromStr for AigpTlv {
        type Err = ParseError;

        fn from_str(text: &str) -> Result<AigpTlv, ParseError> {
            let read = || match text.split_once(':')? {
                ("metric", metric) => Some(AigpTlv::Metric(metric.parse().ok()?)),
                ("tlv", rest) => {
                    let (ty, value) = parse_text(rest)?;
                    Some(AigpTlv::Unknown { ty: u8::try_from(ty).ok()?, value })
                }
                _ => None,
            };
            read().ok_or(ParseError::new("AIGP value"))
        }
    }

    text_form!(AigpTlv);

    impl fmt::Display for Aigp<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_joined(self.tlvs().map(AigpTlv::from), ' ', f)
        }
    }

    impl AttrBuilder {
        /// AIGP with a metric and nothing else.
        pub fn aigp_metric(self, metric: u64) -> AttrBuilder {
            self.aigp(&[AigpTlv::Metric(metric)])
        }

        /// AIGP.
        pub fn aigp(self, tlvs: &[AigpTlv]) -> AttrBuilder {
            let mut octets = Vec::new();
            for tlv in tlvs {
                match tlv {
                    AigpTlv::Metric(metric) => write(Layout::Whole, METRIC, &metric.to_be_bytes(), &mut octets),
                    AigpTlv::Unknown { ty, value } => write(Layout::Whole, u16::from(*ty), value, &mut octets),
                }
            }
            self.with(AttrType::AIGP, octets)
        }
    }

    #[cfg(feature = "serde")]
    impl crate::attr::text::Text for Aigp<'_> {
        type Form = Vec<AigpTlv>;

        fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Self::Form> {
            Some(attributes.aigp()?.tlvs().map(AigpTlv::from).collect())
        }

        fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
            builder.aigp(&form)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{Judgement, RawAttr, judge};
    use crate::{AttrFlags, AttrType, SessionKind};

    fn judged(flags: u8, value: &[u8]) -> Option<Action> {
        let raw = RawAttr { flags: AttrFlags(flags), ty: AttrType::AIGP, value };
        match judge(&raw, &Context::new(SessionKind::Ibgp)) {
            Judgement::Good(_) => None,
            Judgement::Malformed { action, flags_fit: true, .. } => Some(action),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rfc7311_3_2_malformed_or_transitive_is_discarded() {
        let metric = [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(judged(0x80, &metric), None);
        assert_eq!(judged(0x80, &[9, 0, 4, 1]), None);
        assert_eq!(judged(0xc0, &metric), Some(Action::AttributeDiscard));
        for len in 1..11 {
            assert_eq!(judged(0x80, metric.get(..len).unwrap()), Some(Action::AttributeDiscard), "{len}");
        }
        for value in [&[1, 0, 3][..], &[1, 0, 0], &[1, 0, 2], &[9, 0xff, 0xff], &[1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 7, 0]] {
            assert_eq!(judged(0x80, value), Some(Action::AttributeDiscard), "{value:?}");
        }
    }

    #[test]
    fn rfc7311_3_the_first_metric_counts_and_the_rest_is_kept() {
        let value = [2, 0, 3, 1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 8];
        assert_eq!((Aigp(&value).metric(), Aigp(&value).tlvs().count()), (Some(7), 3));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn rfc7311_3_text_is_read_back() {
        use alloc::string::ToString;
        for tlv in [AigpTlv::Metric(u64::MAX), AigpTlv::Unknown { ty: 9, value: alloc::vec![0, 255] }] {
            assert_eq!(tlv.to_string().parse(), Ok(tlv));
        }
        assert_eq!("tlv:256:0x".parse::<AigpTlv>().unwrap_err().to_string(), "not an AIGP value");
    }
}

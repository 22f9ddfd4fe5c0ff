//! BGP Prefix-SID (RFC 8669) and the SRv6 services in it (RFC 9252): a list of type (1 octet), length (2), value.

pub use self::srv6::{SidStructure, Srv6Sid, Srv6Sids};

use crate::attr::tlv::{Layout, Tlv, Tlvs};
use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::reader::u32_at;
use crate::{Action, Context};

/// BGP Prefix-SID as it stands in a block.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes};
///
/// let block = AttrBuilder::new().prefix_sid(&["label-index:7".parse()?]).build()?;
/// let sid = Attributes::from_canonical(&block)?.prefix_sid().unwrap_or_default();
/// assert_eq!((sid.label_index(), sid.to_string().as_str()), (Some(7), "label-index:7"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PrefixSid<'a>(&'a [u8]);

impl<'a> PrefixSid<'a> {
    /// Everything that is in it. Unknown types are kept; of known ones that may occur once, the first counts (RFC 8669
    /// section 6, RFC 9252 section 7).
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(Layout::Short, self.0)
    }

    /// The index into the SRGB (RFC 8669 section 3.1).
    #[must_use]
    pub fn label_index(&self) -> Option<u32> {
        u32_at(self.tlvs().find(LABEL_INDEX)?, 3)
    }

    /// The blocks of labels of the originator, first label and size (RFC 8669 section 3.2).
    pub fn originator_srgb(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let value = self.tlvs().find(ORIGINATOR_SRGB).unwrap_or_default();
        let ranges = value.get(2..).unwrap_or_default().as_chunks::<6>().0;
        let number = |a, b, c| u32::from_be_bytes([0, a, b, c]);
        ranges.iter().map(move |[a, b, c, d, e, f]| (number(*a, *b, *c), number(*d, *e, *f)))
    }

    /// The SIDs of the layer 3 service (RFC 9252 section 2).
    #[must_use]
    pub fn srv6_l3(&self) -> Srv6Sids<'a> {
        Srv6Sids::new(self.tlvs().find(SRV6_L3).unwrap_or_default())
    }

    /// The SIDs of the layer 2 service (RFC 9252 section 2).
    #[must_use]
    pub fn srv6_l2(&self) -> Srv6Sids<'a> {
        Srv6Sids::new(self.tlvs().find(SRV6_L2).unwrap_or_default())
    }
}

impl Attribute for PrefixSid<'_> {
    // RFC 8669 section 6: shorter than the header of a TLV is malformed.
    const LENGTH: Length = Length::AtLeast(3);
    // RFC 8669 section 6.
    const MALFORMED: Action = Action::AttributeDiscard;

    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        let mut tlvs = PrefixSid(value).tlvs();
        let mut found = Ok(());
        for Tlv { ty, value } in tlvs.by_ref() {
            let len = value.len();
            let right = match ty {
                LABEL_INDEX => len == 7,
                // RFC 8669 section 3.2: flags (2 octets), at least one range of first label and size (3 octets each).
                ORIGINATOR_SRGB => len > 2 && (len - 2).is_multiple_of(6),
                SRV6_L3 | SRV6_L2 if !Srv6Sids::are_whole(value) => return Err(AttrProblem::Srv6Service),
                _ => true,
            };
            if !right {
                found = Err(AttrProblem::Syntax);
            }
        }
        match tlvs.next_type() {
            None => found,
            // RFC 9252 section 7: a service that reaches beyond the attribute is malformed as well.
            Some(SRV6_L3 | SRV6_L2) => Err(AttrProblem::Srv6Service),
            Some(_) => Err(AttrProblem::Syntax),
        }
    }

    // RFC 9252 section 7: a route without its service would go elsewhere.
    fn treatment(problem: AttrProblem) -> Action {
        if problem == AttrProblem::Srv6Service { Action::TreatAsWithdraw } else { Self::MALFORMED }
    }
}

impl<'a> Attributes<'a> {
    /// BGP Prefix-SID. Whether it may be taken from a neighbour outside the SR domain is for its owner to say
    /// (RFC 8669 section 4).
    #[must_use]
    pub fn prefix_sid(&self) -> Option<PrefixSid<'a>> {
        self.value::<PrefixSid<'_>>().map(PrefixSid)
    }
}

// Types, RFC 8669 section 8.2 and RFC 9252 section 8.1.
const LABEL_INDEX: u16 = 1;
const ORIGINATOR_SRGB: u16 = 3;
const SRV6_L3: u16 = 5;
const SRV6_L2: u16 = 6;

mod srv6;

#[cfg(feature = "alloc")]
mod owned;
#[cfg(feature = "alloc")]
pub use self::owned::PrefixSidTlv;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{Judgement, RawAttr, judge};
    use crate::{AttrFlags, AttrType, SessionKind};

    fn judged(value: &[u8]) -> Action {
        let raw = RawAttr { flags: AttrFlags(0xc0), ty: AttrType::PREFIX_SID, value };
        match judge(&raw, &Context::new(SessionKind::Ebgp)) {
            Judgement::Malformed { action, .. } => action,
            _ => Action::Accept,
        }
    }

    #[test]
    fn rfc8669_6_malformed_is_discarded() {
        assert_eq!(judged(&[1, 0, 7, 0, 0, 0, 0, 0, 0, 7]), Action::Accept);
        assert_eq!(judged(&[3, 0, 8, 0, 0, 0, 0x3e, 0x80, 0, 0x1f, 0x40]), Action::Accept);
        // An unknown type is kept; the attribute of all zeroes of 2025-05-20 is a list of such where the length fits.
        assert_eq!(judged(&[0; 6]), Action::Accept);
        for value in [
            &[][..],
            &[0],
            &[0, 0],
            &[0; 4],
            &[0; 8],
            &[1, 0, 7, 0],
            &[1, 0, 6, 0, 0, 0, 0, 0, 0],
            &[1, 0, 8, 0, 0, 0, 0, 0, 0, 7, 0],
            &[3, 0, 2, 0, 0],
            &[3, 0, 7, 0, 0, 0, 0, 0, 0, 0],
            &[9, 0xff, 0xff],
        ] {
            assert_eq!(judged(value), Action::AttributeDiscard, "{value:?}");
        }
    }

    #[test]
    fn rfc9252_7_a_malformed_service_withdraws() {
        let mut value = [0; 34];
        // Reserved (1 octet), SID information: reserved (1), SID (16), flags (1), behaviour (2), reserved (1).
        value[..4].copy_from_slice(&[5, 0, 31, 0]);
        value[4..7].copy_from_slice(&[1, 0, 27]);
        value[28..31].copy_from_slice(&[1, 0, 3]);
        assert_eq!(judged(&value), Action::Accept);
        for (at, wrong) in [(2, 30), (2, 32), (6, 26), (6, 28), (6, 20), (30, 2), (30, 4)] {
            let mut value = value;
            value[at] = wrong;
            assert_eq!(judged(&value), Action::TreatAsWithdraw, "{at} {wrong}");
        }
        assert_eq!(judged(&[6, 0, 0]), Action::TreatAsWithdraw);
        // The stronger one counts, whatever stands first.
        assert_eq!(judged(&[1, 0, 0, 6, 0, 0]), Action::TreatAsWithdraw);
    }
}

//! MP_REACH_NLRI (RFC 4760 section 3): AFI (2 octets), SAFI (1), length of the next hop (1), next hop, reserved (1), NLRI.

use crate::attr::{Attribute, Length};
use crate::error::AttrProblem;
use crate::next_hop::NextHop;
use crate::reader::Reader;
use crate::{Action, Context, Family, nlri};

/// MP_REACH_NLRI, cut into its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MpReach<'m> {
    pub(crate) family: Family,
    pub(crate) next_hop: &'m [u8],
    pub(crate) nlri: &'m [u8],
}

impl<'m> MpReach<'m> {
    /// `None`: too short for what its lengths say.
    pub(crate) fn split(value: &'m [u8]) -> Option<MpReach<'m>> {
        let mut reader = Reader::new(value);
        let family = Family::new(reader.u16()?, reader.u8()?);
        let next_hop = reader.prefixed_u8()?;
        reader.u8()?;
        Some(MpReach { family, next_hop, nlri: reader.rest() })
    }
}

impl Attribute for MpReach<'_> {
    const LENGTH: Length = Length::AtLeast(5);
    // RFC 7606 section 7.11: without its NLRI there is nothing to withdraw.
    const MALFORMED: Action = Action::SessionReset;

    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        let parts = MpReach::split(value).ok_or(AttrProblem::Syntax)?;
        // RFC 4760 section 7: a family that was not negotiated is ignored.
        if !ctx.families().contains(parts.family) {
            return Ok(());
        }
        let extended = ctx.ext_next_hop().contains(parts.family);
        let next_hop =
            nlri::next_hop(parts.family, parts.next_hop, extended).ok_or(AttrProblem::NextHopLength)?;
        nlri::check_reach(ctx, parts.family, parts.nlri).map_err(|_| AttrProblem::Syntax)?;
        match next_hop {
            NextHop::V4(addr) if !NextHop::is_host_v4(&addr.octets()) && nlri::goes_to_hosts(parts.family) => {
                Err(AttrProblem::NextHop)
            }
            _ => Ok(()),
        }
    }

    // The NLRI are there: they are withdrawn.
    fn treatment(problem: AttrProblem) -> Action {
        if problem == AttrProblem::NextHop { Action::TreatAsWithdraw } else { Self::MALFORMED }
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for MpReach<'_> {
    type Form = crate::attr::text::Elsewhere;
}

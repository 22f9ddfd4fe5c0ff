//! MP_UNREACH_NLRI (RFC 4760 section 4): AFI (2 octets), SAFI (1), NLRI.

use crate::attr::{Attribute, Length};
use crate::error::AttrProblem;
use crate::{Action, Context, Family, nlri};

/// MP_UNREACH_NLRI, cut into its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MpUnreach<'m> {
    pub(crate) family: Family,
    pub(crate) nlri: &'m [u8],
}

impl<'m> MpUnreach<'m> {
    /// `None`: too short.
    pub(crate) fn split(value: &'m [u8]) -> Option<MpUnreach<'m>> {
        let ([a, b, safi], nlri) = value.split_first_chunk::<3>()?;
        Some(MpUnreach { family: Family::new(u16::from_be_bytes([*a, *b]), *safi), nlri })
    }
}

impl Attribute for MpUnreach<'_> {
    const LENGTH: Length = Length::AtLeast(3);
    // RFC 7606 section 7.12: without its NLRI there is nothing to withdraw.
    const MALFORMED: Action = Action::SessionReset;

    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        let parts = MpUnreach::split(value).ok_or(AttrProblem::Syntax)?;
        if !ctx.families().contains(parts.family) {
            return Ok(());
        }
        nlri::check_unreach(ctx, parts.family, parts.nlri).map_err(|_| AttrProblem::Syntax)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for MpUnreach<'_> {
    type Form = crate::attr::text::Elsewhere;
}

//! AS4_PATH (RFC 6793 section 3): AS_PATH for sessions with 2-octet AS numbers.

use crate::attr::as_path::check_segments;
use crate::attr::{Attribute, Length, Source};
use crate::error::AttrProblem;
use crate::{Action, Context};

/// The row of AS4_PATH; its value is read by [`Attributes::as_path`](crate::attr::Attributes::as_path).
pub(crate) enum As4Path {}

impl Attribute for As4Path {
    const LENGTH: Length = Length::Any;
    // RFC 6793 section 6.
    const MALFORMED: Action = Action::AttributeDiscard;
    // RFC 6793 section 4.1: discarded between speakers that both know 4-octet AS numbers.
    const TAKEN_FROM: Source = Source::TwoOctet;

    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        let kinds = check_segments(value, true)?;
        // RFC 9774 section 3 names AS4_PATH as well.
        if ctx.reject_as_sets() && kinds.sets() {
            return Err(AttrProblem::AsSet);
        }
        // RFC 6793 section 6: a value without a segment is too short to be one.
        if kinds.none() { Err(AttrProblem::Length) } else { Ok(()) }
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for As4Path {
    type Form = crate::attr::text::Elsewhere;
}

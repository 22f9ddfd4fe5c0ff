//! NEXT_HOP (RFC 4271 section 5.1.3): an IPv4 address.

use crate::Context;
use crate::attr::{Attribute, Length};
use crate::error::AttrProblem;
pub(crate) use crate::next_hop::NextHop;

impl Attribute for NextHop {
    const LENGTH: Length = Length::Exact(4);

    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        if NextHop::is_host_v4(value) { Ok(()) } else { Err(AttrProblem::NextHop) }
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for NextHop {
    type Form = crate::attr::text::Elsewhere;
}

//! NEXT_HOP (RFC 4271 section 5.1.3): an IPv4 address.

use crate::Context;
use crate::attr::{Attribute, Length};
use crate::error::AttrProblem;
pub(crate) use crate::next_hop::NextHop;

impl Attribute for NextHop {
    const LENGTH: Length = Length::Exact(4);

    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        // RFC 4271 section 6.3: the address of a host, so not 0/8, not 127/8, no multicast and no class E.
        match value.first() {
            Some(0 | 127 | 224..) | None => Err(AttrProblem::NextHop),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for NextHop {
    type Form = crate::attr::text::Elsewhere;
}

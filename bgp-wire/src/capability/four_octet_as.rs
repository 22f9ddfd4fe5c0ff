//! 4-octet AS numbers (RFC 6793): the speaker's own AS number in 4 octets.

use crate::{Asn, Params};

pub(crate) type Learned = Option<Asn>;

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let Some(asn) = decode(value) else { return false };
    *learned = Some(asn);
    true
}

pub(super) fn decode(value: &[u8]) -> Option<Asn> {
    <[u8; 4]>::try_from(value).ok().map(|octets| Asn(u32::from_be_bytes(octets)))
}

#[cfg(feature = "alloc")]
pub(super) fn encode(asn: &Asn, out: &mut alloc::vec::Vec<u8>) {
    out.extend_from_slice(&asn.0.to_be_bytes());
}

impl Params {
    /// The AS number: that of the capability, else that of the fixed part (RFC 6793 section 4.1).
    #[must_use]
    pub const fn asn(&self) -> Asn {
        match self.slots.four_octet_as {
            Some(asn) => asn,
            None => self.fixed_as(),
        }
    }

    /// True if AS numbers of 4 octets are understood (RFC 6793).
    #[must_use]
    pub const fn four_octet_as(&self) -> bool {
        self.slots.four_octet_as.is_some()
    }

    /// With the capability (the number is [`asn`](Self::asn)), or without it.
    #[must_use]
    pub const fn with_four_octet_as(mut self, said: bool) -> Self {
        self.slots.four_octet_as = if said { Some(self.asn()) } else { None };
        self
    }
}

//! BFD strict mode (draft-ietf-idr-bgp-bfd-strict-mode): no value.

use crate::Params;

pub(crate) type Learned = bool;

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    *learned |= value.is_empty();
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<()> {
    value.is_empty().then_some(())
}

#[cfg(feature = "alloc")]
pub(super) fn encode(_out: &mut alloc::vec::Vec<u8>) {}

impl Params {
    /// True if the session is to wait for BFD (draft-ietf-idr-bgp-bfd-strict-mode).
    #[must_use]
    pub const fn bfd_strict(&self) -> bool {
        self.slots.bfd_strict
    }

    /// With or without it.
    #[must_use]
    pub const fn with_bfd_strict(mut self, said: bool) -> Self {
        self.slots.bfd_strict = said;
        self
    }
}

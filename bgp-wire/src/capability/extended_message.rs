//! Extended messages (RFC 8654): no value.

use crate::Params;

pub(crate) type Learned = bool;

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    *learned |= value.is_empty();
    value.is_empty()
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<()> {
    value.is_empty().then_some(())
}

#[cfg(feature = "alloc")]
pub(super) fn encode(_out: &mut alloc::vec::Vec<u8>) {}

impl Params {
    /// True if messages of up to 65535 octets can be received (RFC 8654).
    #[must_use]
    pub const fn extended_message(&self) -> bool {
        self.slots.extended_message
    }

    /// With or without it.
    #[must_use]
    pub const fn with_extended_message(mut self, said: bool) -> Self {
        self.slots.extended_message = said;
        self
    }
}

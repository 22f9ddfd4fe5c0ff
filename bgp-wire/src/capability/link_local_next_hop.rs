//! Link-local next hops (draft-ietf-idr-linklocal-capability): no value.

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
    /// True if a next hop may be a link-local address and nothing else (draft-ietf-idr-linklocal-capability).
    #[must_use]
    pub const fn link_local_next_hop(&self) -> bool {
        self.slots.link_local_next_hop
    }

    /// With or without it.
    #[must_use]
    pub const fn with_link_local_next_hop(mut self, said: bool) -> Self {
        self.slots.link_local_next_hop = said;
        self
    }
}

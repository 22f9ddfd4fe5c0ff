//! Enhanced route refresh (RFC 7313): no value.

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
    /// True if ROUTE-REFRESH has a beginning and an end (RFC 7313).
    #[must_use]
    pub const fn enhanced_route_refresh(&self) -> bool {
        self.slots.enhanced_route_refresh
    }

    /// With or without it.
    #[must_use]
    pub const fn with_enhanced_route_refresh(mut self, said: bool) -> Self {
        self.slots.enhanced_route_refresh = said;
        self
    }
}

//! Route refresh under the number that Cisco used before RFC 2918: no value.

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
    /// True if the old number of route refresh was sent; some peers send both.
    #[must_use]
    pub const fn cisco_route_refresh(&self) -> bool {
        self.slots.cisco_route_refresh
    }

    /// With or without it.
    #[must_use]
    pub const fn with_cisco_route_refresh(mut self, said: bool) -> Self {
        self.slots.cisco_route_refresh = said;
        self
    }
}

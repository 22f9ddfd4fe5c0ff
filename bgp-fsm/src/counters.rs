//! How many messages went through a session.

use bgp_wire::MessageType;

/// How many messages of each type went through a session since it was made.
///
/// Sent UPDATEs are not among them: the session does not see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    received: [u64; 5],
    sent: [u64; 5],
}

impl Counters {
    /// How many messages of this type came in whole.
    #[must_use]
    pub fn received(&self, ty: MessageType) -> u64 {
        slot(ty).and_then(|slot| self.received.get(slot)).copied().unwrap_or(0)
    }

    /// How many messages of this type the session gave out to be sent.
    #[must_use]
    pub fn sent(&self, ty: MessageType) -> u64 {
        slot(ty).and_then(|slot| self.sent.get(slot)).copied().unwrap_or(0)
    }

    pub(crate) fn count_received(&mut self, ty: MessageType) {
        if let Some(count) = slot(ty).and_then(|slot| self.received.get_mut(slot)) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn count_sent(&mut self, ty: MessageType) {
        if let Some(count) = slot(ty).and_then(|slot| self.sent.get_mut(slot)) {
            *count = count.saturating_add(1);
        }
    }
}

/// OPEN to ROUTE-REFRESH are 1 to 5.
fn slot(ty: MessageType) -> Option<usize> {
    usize::from(ty.0).checked_sub(1)
}

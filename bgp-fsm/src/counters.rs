//! How many messages went through a session.

use bgp_wire::MessageType;

/// How many messages of each type went through a session since it was made. UPDATEs and KEEPALIVEs that came
/// in have 64 bits, which no session lives to fill; all others stay at 2^32 - 1.
///
/// Sent UPDATEs are not among them: the session does not see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    updates: u64,
    keepalives: u64,
    /// OPEN, NOTIFICATION, ROUTE-REFRESH.
    received: [u32; 3],
    /// OPEN, NOTIFICATION, ROUTE-REFRESH, KEEPALIVE.
    sent: [u32; 4],
}

impl Counters {
    /// How many messages of this type came in whole.
    #[must_use]
    pub fn received(&self, ty: MessageType) -> u64 {
        match ty {
            MessageType::UPDATE => self.updates,
            MessageType::KEEPALIVE => self.keepalives,
            other => slot(other).and_then(|slot| self.received.get(slot)).map_or(0, |count| u64::from(*count)),
        }
    }

    /// How many messages of this type the session gave out to be sent.
    #[must_use]
    pub fn sent(&self, ty: MessageType) -> u64 {
        slot(ty).and_then(|slot| self.sent.get(slot)).map_or(0, |count| u64::from(*count))
    }

    pub(crate) fn count_received(&mut self, ty: MessageType) {
        match ty {
            MessageType::UPDATE => self.updates = self.updates.wrapping_add(1),
            MessageType::KEEPALIVE => self.count_keepalive(),
            other => {
                if let Some(count) = slot(other).and_then(|slot| self.received.get_mut(slot)) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    #[inline]
    pub(crate) const fn count_keepalive(&mut self) {
        self.keepalives = self.keepalives.wrapping_add(1);
    }

    pub(crate) fn count_sent(&mut self, ty: MessageType) {
        if let Some(count) = slot(ty).and_then(|slot| self.sent.get_mut(slot)) {
            *count = count.saturating_add(1);
        }
    }
}

fn slot(ty: MessageType) -> Option<usize> {
    match ty {
        MessageType::OPEN => Some(0),
        MessageType::NOTIFICATION => Some(1),
        MessageType::ROUTE_REFRESH => Some(2),
        MessageType::KEEPALIVE => Some(3),
        _ => None,
    }
}

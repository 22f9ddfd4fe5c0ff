//! What a tunnel counts: datagrams, drops per reason, ECN anomalies, ICMP.

use crate::Reason;

/// Counters of one [`Tunnel`](crate::Tunnel), of 64 bits; sums saturate. Octets are the caller's to count, where they
/// matter: it has each datagram in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Inner datagrams encapsulated.
    pub encapsulated: u64,
    /// Inner datagrams decapsulated.
    pub decapsulated: u64,
    /// Inner datagrams that had to be sent as fragments.
    pub fragmented: u64,
    /// Combinations of inner and outer ECN that RFC 6040 section 4.2 asks to log, delivered or dropped.
    pub ecn_anomalies: u64,
    /// ICMP messages written for inner sources.
    pub icmp_sent: u64,
    /// ICMP messages that the rate limit held back.
    pub icmp_limited: u64,
    /// ICMP errors from inside the tunnel that were accepted as ours.
    pub icmp_received: u64,
    drops: [u64; Reason::COUNT],
}

impl Counters {
    /// All counters 0.
    ///
    /// ```
    /// assert_eq!(ipip::Counters::new().dropped(ipip::Reason::TooBig), 0);
    /// ```
    #[must_use]
    pub fn new() -> Counters {
        Counters {
            encapsulated: 0,
            fragmented: 0,
            decapsulated: 0,
            ecn_anomalies: 0,
            icmp_sent: 0,
            icmp_limited: 0,
            icmp_received: 0,
            drops: [0; Reason::COUNT],
        }
    }

    /// Datagrams dropped for `reason`.
    #[must_use]
    pub fn dropped(&self, reason: Reason) -> u64 {
        self.drops.get(reason.index()).copied().unwrap_or(0)
    }

    /// Every reason with its count, in the order of [`Reason::ALL`].
    ///
    /// ```
    /// assert_eq!(ipip::Counters::new().drops().map(|(_, count)| count).sum::<u64>(), 0);
    /// ```
    pub fn drops(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.iter().copied().zip(self.drops.iter().copied())
    }

    /// Adds the counts of `other`, such as those of another core's tunnel.
    ///
    /// ```
    /// let (mut sum, mut other) = (ipip::Counters::new(), ipip::Counters::new());
    /// other.encapsulated = 2;
    /// sum.add(&other);
    /// assert_eq!(sum.encapsulated, 2);
    /// ```
    pub fn add(&mut self, other: &Counters) {
        let pairs = [
            (&mut self.encapsulated, other.encapsulated),
            (&mut self.fragmented, other.fragmented),
            (&mut self.decapsulated, other.decapsulated),
            (&mut self.ecn_anomalies, other.ecn_anomalies),
            (&mut self.icmp_sent, other.icmp_sent),
            (&mut self.icmp_limited, other.icmp_limited),
            (&mut self.icmp_received, other.icmp_received),
        ];
        for (mine, theirs) in pairs {
            *mine = mine.saturating_add(theirs);
        }
        for (mine, theirs) in self.drops.iter_mut().zip(other.drops) {
            *mine = mine.saturating_add(theirs);
        }
    }

    pub(crate) fn drop_for(&mut self, reason: Reason) {
        if let Some(count) = self.drops.get_mut(reason.index()) {
            count_one(count);
        }
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters::new()
    }
}

#[inline]
pub(crate) fn count_one(counter: &mut u64) {
    *counter = counter.wrapping_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate_and_keep_reasons_apart() {
        let mut sum = Counters::new();
        sum.drop_for(Reason::Loop);
        sum.icmp_sent = u64::MAX;
        let mut other = Counters::new();
        other.drop_for(Reason::Loop);
        other.drop_for(Reason::EcnDrop);
        other.icmp_sent = 1;
        sum.add(&other);
        assert_eq!((sum.dropped(Reason::Loop), sum.dropped(Reason::EcnDrop)), (2, 1));
        assert_eq!(sum.icmp_sent, u64::MAX);
        assert_eq!(sum.drops().filter(|(_, count)| *count > 0).count(), 2);
    }
}

//! A token bucket: how many ICMP messages may go out (RFC 1812 section 4.3.2.8).

use core::time::Duration;

/// Lets `rate` events a second pass, and up to `burst` at once.
///
/// Time is the driver's, from its epoch; a clock that goes back gives no tokens and takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBucket {
    rate: u32,
    burst: u32,
    /// Tokens in billionths.
    level: u64,
    filled: Duration,
}

impl TokenBucket {
    /// A full bucket. A `rate` of 0 lets `burst` events pass in all, a `burst` of 0 none.
    ///
    /// ```
    /// use core::time::Duration;
    /// let mut bucket = ipip::TokenBucket::new(2, 1);
    /// assert!(bucket.take(Duration::ZERO) && !bucket.take(Duration::ZERO));
    /// assert!(bucket.take(Duration::from_millis(500)));
    /// ```
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> TokenBucket {
        TokenBucket { rate, burst, level: u64::from(burst) * TOKEN, filled: Duration::ZERO }
    }

    /// Whether an event may happen at `now`; takes a token if so.
    ///
    /// ```
    /// assert!(!ipip::TokenBucket::new(10, 0).take(core::time::Duration::MAX));
    /// ```
    pub fn take(&mut self, now: Duration) -> bool {
        if let Some(elapsed) = now.checked_sub(self.filled) {
            let gained = elapsed.as_nanos().saturating_mul(u128::from(self.rate));
            let full = u64::from(self.burst) * TOKEN;
            let gained = u64::try_from(gained).unwrap_or(u64::MAX);
            self.level = self.level.saturating_add(gained).min(full);
            self.filled = now;
        }
        match self.level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

/// Linux's defaults (`icmp_msgs_per_sec`, `icmp_msgs_burst`): 1000 a second, 50 at once.
impl Default for TokenBucket {
    fn default() -> TokenBucket {
        TokenBucket::new(1000, 50)
    }
}

const TOKEN: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc1812_4_3_2_8_rate_and_burst_hold() {
        let mut bucket = TokenBucket::new(10, 3);
        let at = Duration::from_millis;
        assert_eq!((0..5).filter(|_| bucket.take(at(0))).count(), 3);
        assert!(!bucket.take(at(99)) && bucket.take(at(100)) && !bucket.take(at(100)));
        assert!(!bucket.take(at(50)), "a clock that goes back gives nothing");
        assert_eq!((0..9).filter(|_| bucket.take(Duration::MAX)).count(), 3);
    }
}

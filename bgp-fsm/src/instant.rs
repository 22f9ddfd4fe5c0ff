//! Time as the driver sees it: nanoseconds since an epoch of its own.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: nanoseconds since the driver's epoch, which may be anything (its start, the boot of the machine).
///
/// An `Option<Instant>` is 8 octets: the nanosecond 0 is the same as 1. The last instant is 584 years after the epoch;
/// arithmetic stays there.
///
/// ```
/// use core::time::Duration;
/// use bgp_fsm::Instant;
/// let start = Instant::from_secs(5);
/// let later = start + Duration::from_millis(1500);
/// assert_eq!(later - start, Duration::from_millis(1500));
/// assert_eq!(start - later, Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Instant(NonZeroU64);

impl Instant {
    /// The first instant there is.
    pub const EPOCH: Self = Self(NonZeroU64::MIN);
    /// The last instant there is.
    pub const MAX: Self = Self(NonZeroU64::MAX);

    /// From nanoseconds since the epoch; 0 is taken for 1.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        match NonZeroU64::new(nanos) {
            Some(nanos) => Self(nanos),
            None => Self::EPOCH,
        }
    }

    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_nanos(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch, at least 1.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0.get()
    }

    /// The sooner of two, of which any may be never.
    #[inline]
    pub(crate) fn sooner(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        // None is the nanosecond 0 in memory: one less, and it is the last.
        let rank = |at: Option<Self>| at.map_or(0, Self::as_nanos).wrapping_sub(1);
        NonZeroU64::new(rank(a).min(rank(b)).wrapping_add(1)).map(Self)
    }

    /// `seconds` later; `None` beyond [`MAX`](Self::MAX).
    #[inline]
    pub(crate) fn after_secs(self, seconds: u16) -> Option<Self> {
        self.0.checked_add(u64::from(seconds) * 1_000_000_000).map(Self)
    }

    /// `duration` later; `None` beyond [`MAX`](Self::MAX).
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.checked_add(nanos).map(Self)
    }

    /// `duration` later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self::MAX)
    }

    /// `duration` earlier, at least [`EPOCH`](Self::EPOCH).
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self::from_nanos(self.as_nanos().saturating_sub(nanos))
    }

    /// The time since `earlier`; zero if that is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.as_nanos().saturating_sub(earlier.as_nanos()))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// Seconds since the epoch: `12.500000000`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.as_nanos() / 1_000_000_000, self.as_nanos() % 1_000_000_000)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instant({self})")
    }
}

#[cfg(test)]
mod tests {
    extern crate alloc;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_option_costs_nothing() {
        assert_eq!(size_of::<Option<Instant>>(), 8);
    }

    #[test]
    fn arithmetic_stays_within_the_range() {
        assert_eq!(Instant::from_nanos(0), Instant::EPOCH);
        assert_eq!(Instant::MAX + Duration::from_secs(1), Instant::MAX);
        assert_eq!(Instant::EPOCH + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::from_secs(1).saturating_sub(Duration::MAX), Instant::EPOCH);
        assert_eq!(Instant::from_secs(u64::MAX), Instant::MAX);
        assert_eq!(Instant::MAX.checked_add(Duration::from_nanos(1)), None);
    }

    #[test]
    fn text_is_seconds() {
        assert_eq!(Instant::from_nanos(12_500_000_000).to_string(), "12.500000000");
    }
}

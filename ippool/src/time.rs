//! Wall-clock time, which is stored in blocks.

/// A point in wall-clock time: seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// It is an argument of every operation that needs it; stored values keep whole seconds only.
///
/// ```
/// use ippool::UnixTime;
/// let t = UnixTime::new(1_767_225_600, 5);
/// assert_eq!((t.secs(), t.nanos()), (1_767_225_600, 5));
/// assert_eq!(t.whole_secs(), UnixTime::from_secs(1_767_225_600));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime {
    secs: i64,
    nanos: u32,
}

impl UnixTime {
    /// `secs` seconds and `nanos` nanoseconds since the epoch; nanoseconds beyond 999 999 999 are cut to that.
    #[must_use]
    pub fn new(secs: i64, nanos: u32) -> UnixTime {
        UnixTime { secs, nanos: nanos.min(999_999_999) }
    }

    /// `secs` whole seconds since the epoch; negative before it.
    #[must_use]
    pub fn from_secs(secs: i64) -> UnixTime {
        UnixTime { secs, nanos: 0 }
    }

    /// The whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.secs
    }

    /// The nanoseconds within the second, 0..=999 999 999.
    #[must_use]
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// This time without its fraction of a second: how a store keeps it.
    #[must_use]
    pub fn whole_secs(self) -> UnixTime {
        UnixTime::from_secs(self.secs)
    }

    /// Nanoseconds since the epoch; 0 before it, `u64::MAX` after the year 2554.
    #[must_use]
    pub fn as_nanos(self) -> u64 {
        u64::try_from(self.secs).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(u64::from(self.nanos))
    }

    /// This time `secs` seconds later (earlier if negative), saturating.
    #[must_use]
    pub fn saturating_add_secs(self, secs: i64) -> UnixTime {
        UnixTime { secs: self.secs.saturating_add(secs), nanos: self.nanos }
    }
}

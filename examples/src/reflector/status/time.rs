//! Instants of the loop as times of the calendar.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bgp_fsm::Instant;
use serde::{Serialize, Serializer};

/// Seconds since 1970; shown as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// `now` of a clock whose epoch was at `epoch`.
    pub(super) fn new(epoch: SystemTime, now: Instant) -> Stamp {
        let since = epoch.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO) + (now - Instant::EPOCH);
        Stamp(since.as_secs())
    }

    /// The second of the day.
    pub(super) fn of_day(self) -> u32 {
        u32::try_from(self.0 % DAY).unwrap_or(0)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Days are counted from 1 March of year 0, in eras of 400 years: leap days then end years and eras.
        let days = self.0 / DAY + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + next;
        let second = self.0 % DAY;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Seconds of a day.
const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Stamp(seconds).to_string(), text);
        }
    }
}

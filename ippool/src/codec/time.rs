//! Times as RFC 3339 writes them, in UTC and whole seconds.

use alloc::format;
use alloc::string::String;

use crate::UnixTime;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;

/// Days from 0000-03-01 to the epoch.
const EPOCH: i64 = 719_468;

/// The text of a time without its fraction of a second. Years before 0000 and after 9999, which the form cannot
/// write, become the nearest second that it can.
pub(super) fn encode(time: UnixTime) -> String {
    let secs = time.secs().clamp(-62_167_219_200, 253_402_300_799);
    let (days, second) = (secs.div_euclid(DAY), secs.rem_euclid(DAY));
    // Years are counted from March, so that the day that some of them have more is the last one.
    let since_march = days.saturating_add(EPOCH);
    let (era, day) = (since_march.div_euclid(ERA), since_march.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// Reads a time; its fraction of a second is dropped. `None` if it is not in the form, or not in the calendar.
pub(super) fn decode(text: &str) -> Option<UnixTime> {
    let (date, clock) = text.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let (clock, zone) = clock.split_at(clock.find(['Z', '+', '-'])?);
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    if fraction.is_some_and(|fraction| fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (digits(clock.next()?, 2)?, digits(clock.next()?, 2)?, digits(clock.next()?, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days_of_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (march_year, march_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let year_of_era = march_year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = march_year.div_euclid(400) * ERA + day_of_era - EPOCH;
    Some(UnixTime::from_secs(days * DAY + hour * 3_600 + minute * 60 + second - offset(zone)?))
}

/// The seconds by which a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, zone) = zone.strip_prefix('+').map(|zone| (1, zone)).or_else(|| Some((-1, zone.strip_prefix('-')?)))?;
    let (hours, minutes) = zone.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// A number of exactly so many digits (at most 4).
fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc3339_5_6_both_ways() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (1_795_402_754, "2026-11-23T02:59:14Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(encode(UnixTime::from_secs(secs)), text);
            assert_eq!(decode(text), Some(UnixTime::from_secs(secs)), "{text}");
        }
        assert_eq!(encode(UnixTime::from_secs(i64::MAX)), "9999-12-31T23:59:59Z");
        assert_eq!(encode(UnixTime::from_secs(i64::MIN)), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn rfc3339_5_6_fractions_and_zones_are_resolved() {
        let wanted = Some(UnixTime::from_secs(1_795_402_754));
        for text in [
            "2026-11-23T02:59:14.987654321Z",
            "2026-11-23T03:59:14+01:00",
            "2026-11-22T22:29:14.5-04:30",
            "2026-11-23T02:59:14-00:00",
        ] {
            assert_eq!(decode(text), wanted, "{text}");
        }
    }

    #[test]
    fn rfc3339_5_6_malformed_times_are_refused() {
        for text in [
            "",
            "T",
            "2026-11-23",
            "2026-11-23T02:59:14",
            "2026-11-23T02:59:14.Z",
            "2026-11-23T02:59:14.aZ",
            "2026-11-23t02:59:14Z",
            "2026-11-23T02:59:14z",
            "2026-11-23 02:59:14Z",
            "2026-11-23T2:59:14Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+0100",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Zx",
            "2026-01-01T00:00:00:00Z",
            "2026-01-01-01T00:00:00Z",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_comes_back(secs in -62_167_219_200_i64..=253_402_300_799) {
            let time = UnixTime::from_secs(secs);
            prop_assert_eq!(decode(&encode(time)), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:+.-]{0,30}") {
            decode(&text);
        }
    }
}

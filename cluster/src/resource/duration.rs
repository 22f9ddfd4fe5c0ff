//! Durations as Go writes them: `120s`, `1m30s`, `1.5h`, `100ms`.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{FieldError, Problem};

/// A duration that is not negative, read and written in Go's form.
///
/// ```
/// use bgp_cluster::resource::GoDuration;
///
/// let restart: GoDuration = "120s".parse()?;
/// assert_eq!(restart.get().as_secs(), 120);
/// assert_eq!(restart.to_string(), "2m0s");
/// # Ok::<(), bgp_cluster::FieldError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GoDuration(Duration);

impl GoDuration {
    /// The duration.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for GoDuration {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        parse(text).map(Self).ok_or_else(|| FieldError::new("duration", text, Problem::Duration))
    }
}

impl TryFrom<String> for GoDuration {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<GoDuration> for String {
    fn from(duration: GoDuration) -> Self {
        duration.to_string()
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let whole = |f: &mut fmt::Formatter<'_>, value: u128, unit: u128, name: &str| {
            write!(f, "{}", value / unit)?;
            let mut rest = value % unit;
            if rest != 0 {
                f.write_str(".")?;
                let mut digit = unit / 10;
                while rest != 0 && digit != 0 {
                    write!(f, "{}", rest / digit)?;
                    rest %= digit;
                    digit /= 10;
                }
            }
            f.write_str(name)
        };
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => whole(f, nanos, 1, "ns"),
            1_000..1_000_000 => whole(f, nanos, 1_000, "µs"),
            1_000_000..1_000_000_000 => whole(f, nanos, 1_000_000, "ms"),
            _ => {
                let (hours, minutes) = (nanos / HOUR, nanos % HOUR / MINUTE);
                if hours != 0 {
                    write!(f, "{hours}h")?;
                }
                if hours != 0 || minutes != 0 {
                    write!(f, "{minutes}m")?;
                }
                whole(f, nanos % MINUTE, SECOND, "s")
            }
        }
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let (name, unit) = UNITS.into_iter().find(|(name, _)| tail.starts_with(name))?;
        rest = tail.get(name.len()..)?;
        total = total.checked_add(scale(number, unit)?)?;
    }
    // Go counts in 63 bits of nanoseconds.
    u64::try_from(total).ok().filter(|nanos| *nanos <= u64::MAX >> 1).map(Duration::from_nanos)
}

/// A decimal number times a unit, in nanoseconds, rounded down.
fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |part: &str| if part.is_empty() { Some(0) } else { part.parse::<u64>().ok().map(u128::from) };
    let mut total = digits(whole)?.checked_mul(unit)?;
    let mut weight = unit;
    for digit in fraction.chars() {
        weight /= 10;
        total = total.checked_add(u128::from(digit.to_digit(10)?).checked_mul(weight)?)?;
    }
    Some(total)
}

const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// Longer names first where one is the beginning of another.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write_as_in_go() {
        for (text, shown) in [
            ("120s", "2m0s"),
            ("1m30s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("100ms", "100ms"),
            ("1.25s", "1.25s"),
            ("0", "0s"),
            ("1500us", "1.5ms"),
            (".5s", "500ms"),
            ("7ns", "7ns"),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "1", "s", "-1s", "1x", ".s", "1.2.3s", "99999999999999999999h", "5000000h"] {
            assert!(bad.parse::<GoDuration>().is_err(), "{bad}");
        }
    }
}

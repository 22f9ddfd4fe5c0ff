//! Route distinguishers (RFC 4364 section 4.2): type (2 octets), administrator and number (6).

use core::fmt;
use core::net::Ipv4Addr;

use crate::{Asn, ParseError};

/// A route distinguisher: it makes the prefixes of different VPNs different.
///
/// Text is `64512:1` (type 0), `192.0.2.1:1` (type 1) and `4200000000:1` (type 2); a type 2 whose AS number would fit into
/// 2 octets is written `64512L:1`. Other types are `0x` and 16 hexadecimal digits.
///
/// ```
/// use bgp_wire::nlri::RouteDistinguisher;
/// use bgp_wire::Asn;
/// let rd: RouteDistinguisher = "64512:100".parse()?;
/// assert_eq!(rd, RouteDistinguisher::of_asn(Asn(64512), 100));
/// assert_eq!(rd.octets(), [0, 0, 0xfc, 0, 0, 0, 0, 100]);
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct RouteDistinguisher([u8; 8]);

impl RouteDistinguisher {
    /// Octets of a route distinguisher.
    pub(crate) const LEN: usize = 8;

    /// From the octets; any type is kept.
    #[must_use]
    pub const fn new(octets: [u8; 8]) -> RouteDistinguisher {
        RouteDistinguisher(octets)
    }

    /// Type 0 where AS number and number allow, else type 2, whose number has 16 bits; more are cut off.
    #[must_use]
    pub fn of_asn(asn: Asn, number: u32) -> RouteDistinguisher {
        let [a, b, c, d] = number.to_be_bytes();
        match u16::try_from(asn.0) {
            Ok(asn) => {
                let [high, low] = asn.to_be_bytes();
                RouteDistinguisher([0, 0, high, low, a, b, c, d])
            }
            Err(_) => {
                let [e, f, g, h] = asn.0.to_be_bytes();
                RouteDistinguisher([0, 2, e, f, g, h, c, d])
            }
        }
    }

    /// Type 1.
    #[must_use]
    pub fn of_address(address: Ipv4Addr, number: u16) -> RouteDistinguisher {
        let ([a, b, c, d], [high, low]) = (address.octets(), number.to_be_bytes());
        RouteDistinguisher([0, 1, a, b, c, d, high, low])
    }

    /// The octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 8] {
        self.0
    }

    /// The type: 0, 1 and 2 have a text form of their own.
    #[must_use]
    pub const fn kind(self) -> u16 {
        let [high, low, ..] = self.0;
        u16::from_be_bytes([high, low])
    }

    /// In front of `octets`.
    pub(crate) fn split(octets: &[u8]) -> Option<(RouteDistinguisher, &[u8])> {
        octets.split_first_chunk().map(|(rd, rest)| (RouteDistinguisher(*rd), rest))
    }
}

impl From<[u8; 8]> for RouteDistinguisher {
    fn from(octets: [u8; 8]) -> RouteDistinguisher {
        RouteDistinguisher(octets)
    }
}

impl fmt::Display for RouteDistinguisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, _, a, b, c, d, e, g] = self.0;
        match self.kind() {
            0 => write!(f, "{}:{}", u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, g])),
            1 => write!(f, "{}:{}", Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([e, g])),
            2 => {
                let asn = u32::from_be_bytes([a, b, c, d]);
                let mark = if asn > u32::from(u16::MAX) { "" } else { "L" };
                write!(f, "{asn}{mark}:{}", u16::from_be_bytes([e, g]))
            }
            _ => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

/// The text of [`Display`](fmt::Display) is read back.
impl core::str::FromStr for RouteDistinguisher {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<RouteDistinguisher, ParseError> {
        parse(text).ok_or(ParseError::new("route distinguisher"))
    }
}

fn parse(text: &str) -> Option<RouteDistinguisher> {
    if let Some(digits) = text.strip_prefix("0x") {
        let fits = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let octets = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
        return if fits { Some(RouteDistinguisher(octets)) } else { None };
    }
    let (administrator, number) = text.split_once(':')?;
    if administrator.contains('.') {
        return Some(RouteDistinguisher::of_address(administrator.parse().ok()?, number.parse().ok()?));
    }
    let (asn, long) = administrator.strip_suffix('L').map_or((administrator, false), |asn| (asn, true));
    let asn: u32 = asn.parse().ok()?;
    if long || asn > u32::from(u16::MAX) {
        let ([a, b, c, d], [high, low]) = (asn.to_be_bytes(), number.parse::<u16>().ok()?.to_be_bytes());
        return Some(RouteDistinguisher([0, 2, a, b, c, d, high, low]));
    }
    Some(RouteDistinguisher::of_asn(Asn(asn), number.parse().ok()?))
}

/// Text as in `Display`; in binary formats 8 octets.
#[cfg(feature = "serde")]
impl serde::Serialize for RouteDistinguisher {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for RouteDistinguisher {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            crate::hex::from_text(deserializer)
        } else {
            <[u8; 8]>::deserialize(deserializer).map(RouteDistinguisher)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc4364_4_2_each_type_has_a_text_that_is_read_back() {
        for (octets, text) in [
            ([0, 0, 0xfc, 0, 0, 1, 0, 0], "64512:65536"),
            ([0, 1, 192, 0, 2, 1, 0xff, 0xff], "192.0.2.1:65535"),
            ([0, 2, 0, 1, 0, 0, 0, 7], "65536:7"),
            ([0, 2, 0, 0, 0xfc, 0, 0, 7], "64512L:7"),
            ([0, 9, 1, 2, 3, 4, 5, 6], "0x0009010203040506"),
        ] {
            let rd = RouteDistinguisher::new(octets);
            assert_eq!((rd.to_string().as_str(), text.parse()), (text, Ok(rd)));
        }
        for wrong in ["", "1", "1:", ":1", "65536:65536", "1.2.3.4:65536", "0x12", "1:4294967296", "1.2.3:1"] {
            assert_eq!(wrong.parse::<RouteDistinguisher>().unwrap_err().to_string(), "not a route distinguisher");
        }
    }
}

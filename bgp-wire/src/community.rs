//! COMMUNITIES values (RFC 1997), their well-known names and text form; the other kinds are in the modules below.

pub mod ext;
pub mod ipv6_ext;
pub mod large;

use core::fmt;
use core::str::FromStr;

use crate::ParseError;
use crate::registry::text_form;

/// A community of RFC 1997: a 32-bit number, written `high:low` in decimal or by its well-known name.
///
/// ```
/// use bgp_wire::community::Community;
///
/// let community: Community = "64512:100".parse()?;
/// assert_eq!(community, Community::new(64512, 100));
/// assert_eq!(Community::NO_EXPORT.to_string(), "no-export");
/// assert_eq!("no-export".parse(), Ok(Community::NO_EXPORT));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Community(pub u32);

impl Community {
    /// `GRACEFUL_SHUTDOWN` (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Community = Community(0xffff_0000);
    /// `ACCEPT_OWN` (RFC 7611).
    pub const ACCEPT_OWN: Community = Community(0xffff_0001);
    /// Route filter translated, VPN-IPv4 (draft-l3vpn-legacy-rtc).
    pub const ROUTE_FILTER_TRANSLATED_V4: Community = Community(0xffff_0002);
    /// Route filter, VPN-IPv4 (draft-l3vpn-legacy-rtc).
    pub const ROUTE_FILTER_V4: Community = Community(0xffff_0003);
    /// Route filter translated, VPN-IPv6 (draft-l3vpn-legacy-rtc).
    pub const ROUTE_FILTER_TRANSLATED_V6: Community = Community(0xffff_0004);
    /// Route filter, VPN-IPv6 (draft-l3vpn-legacy-rtc).
    pub const ROUTE_FILTER_V6: Community = Community(0xffff_0005);
    /// LLGR_STALE (RFC 9494): the route is in the long-lived stale phase.
    pub const LLGR_STALE: Community = Community(0xffff_0006);
    /// NO_LLGR (RFC 9494): the route must not be kept in the long-lived stale phase.
    pub const NO_LLGR: Community = Community(0xffff_0007);
    /// `accept-own-nexthop` (draft-agrewal-idr-accept-own-nexthop).
    pub const ACCEPT_OWN_NEXT_HOP: Community = Community(0xffff_0008);
    /// Standby PE (RFC 9026).
    pub const STANDBY_PE: Community = Community(0xffff_0009);
    /// BLACKHOLE (RFC 7999).
    pub const BLACKHOLE: Community = Community(0xffff_029a);
    /// NO_EXPORT (RFC 1997): not outside the AS or confederation.
    pub const NO_EXPORT: Community = Community(0xffff_ff01);
    /// NO_ADVERTISE (RFC 1997): to no peer.
    pub const NO_ADVERTISE: Community = Community(0xffff_ff02);
    /// NO_EXPORT_SUBCONFED (RFC 1997): to no external peer, members of the confederation included.
    pub const NO_EXPORT_SUBCONFED: Community = Community(0xffff_ff03);
    /// NOPEER (RFC 3765).
    pub const NOPEER: Community = Community(0xffff_ff04);

    /// The community `high:low`.
    #[must_use]
    pub fn new(high: u16, low: u16) -> Community {
        Community(u32::from(high) << 16 | u32::from(low))
    }

    /// The well-known name, where there is one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
    }
}

impl From<[u8; 4]> for Community {
    fn from(octets: [u8; 4]) -> Community {
        Community(u32::from_be_bytes(octets))
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff),
        }
    }
}

impl FromStr for Community {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Community, ParseError> {
        if let Some((value, _)) = NAMES.iter().find(|(_, name)| *name == text) {
            return Ok(*value);
        }
        let (high, low) = text.split_once(':').ok_or(ERROR)?;
        Ok(Community::new(decimal(high)?, decimal(low)?))
    }
}

text_form!(Community);

/// A decimal number as RFC 1997 and RFC 8092 texts write it: digits only, no sign.
fn decimal<T: FromStr>(text: &str) -> Result<T, ParseError> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(ERROR);
    }
    text.parse().map_err(|_| ERROR)
}

/// Exactly `N` octets in hexadecimal behind `0x`.
fn hexadecimal<const N: usize>(text: &str) -> Result<[u8; N], ParseError> {
    let digits = text.strip_prefix("0x").ok_or(ERROR)?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let mut octets = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return Err(ERROR);
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(ERROR) };
        *octet = high << 4 | low;
    }
    Ok(octets)
}

fn write_hexadecimal(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

const ERROR: ParseError = ParseError::new("community");

const NAMES: [(Community, &str); 15] = [
    (Community::GRACEFUL_SHUTDOWN, "graceful-shutdown"),
    (Community::ACCEPT_OWN, "accept-own"),
    (Community::ROUTE_FILTER_TRANSLATED_V4, "route-filter-translated-v4"),
    (Community::ROUTE_FILTER_V4, "route-filter-v4"),
    (Community::ROUTE_FILTER_TRANSLATED_V6, "route-filter-translated-v6"),
    (Community::ROUTE_FILTER_V6, "route-filter-v6"),
    (Community::LLGR_STALE, "llgr-stale"),
    (Community::NO_LLGR, "no-llgr"),
    (Community::ACCEPT_OWN_NEXT_HOP, "accept-own-nexthop"),
    (Community::STANDBY_PE, "standby-pe"),
    (Community::BLACKHOLE, "blackhole"),
    (Community::NO_EXPORT, "no-export"),
    (Community::NO_ADVERTISE, "no-advertise"),
    (Community::NO_EXPORT_SUBCONFED, "no-export-subconfed"),
    (Community::NOPEER, "no-peer"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    proptest::proptest! {
        #[test]
        fn rfc1997_every_text_is_read_back(value: u32) {
            for community in [Community(value), Community(0xffff_0000 | value)] {
                proptest::prop_assert_eq!(community.to_string().parse(), Ok(community));
            }
        }
    }

    #[test]
    fn rfc1997_text_form_is_read_back() {
        for (value, name) in NAMES {
            assert_eq!(value.to_string(), name);
            assert_eq!(name.parse(), Ok(value));
        }
        assert_eq!("65535:65281".parse(), Ok(Community::NO_EXPORT));
        assert_eq!(Community(0xfbf0_0001).to_string(), "64496:1");
    }

    #[test]
    fn rfc1997_text_that_is_no_community_is_an_error() {
        for text in ["", "1", "1:", ":1", "65536:1", "1:65536", "+1:1", "1:1:1", "no-Export", "１:1"] {
            assert_eq!(text.parse::<Community>(), Err(ERROR), "{text}");
        }
    }
}

//! EXTENDED_COMMUNITIES values (RFC 4360, RFC 5668) and the text of the common ones.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use super::{ERROR, decimal, hexadecimal, write_hexadecimal};
use crate::ParseError;
use crate::registry::text_form;

/// An extended community: 8 octets, type and sub-type first.
///
/// Route targets and route origins are written `rt:ADMIN:NUMBER` and `soo:ADMIN:NUMBER`, where ADMIN is an AS number
/// or an IPv4 address. A 4-octet AS number that would fit 2 octets ends in `L`, so that the octets can be read back.
/// All others are `0x` and 16 hexadecimal digits.
///
/// ```
/// use bgp_wire::community::ext::ExtCommunity;
///
/// let target: ExtCommunity = "rt:64512:100".parse()?;
/// assert_eq!(target.0, [0x00, 0x02, 0xfc, 0x00, 0, 0, 0, 100]);
/// assert_eq!(ExtCommunity([0x03, 0x0c, 0, 0, 0, 0, 0, 8]).to_string(), "0x030c000000000008");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ExtCommunity(pub [u8; 8]);

impl ExtCommunity {
    /// Whether the community is passed on to other ASes (RFC 4360 section 2: the T bit is clear).
    #[must_use]
    pub fn is_transitive(self) -> bool {
        self.0[0] & 0x40 == 0
    }
}

impl From<[u8; 8]> for ExtCommunity {
    fn from(octets: [u8; 8]) -> ExtCommunity {
        ExtCommunity(octets)
    }
}

impl fmt::Display for ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, sub, a, b, c, d, e, g] = self.0;
        let Some((_, name)) = SUB_TYPES.iter().find(|(value, _)| *value == sub) else {
            return write_hexadecimal(&self.0, f);
        };
        let low = u16::from_be_bytes([e, g]);
        match kind {
            TWO_OCTET_AS => {
                write!(f, "{name}:{}:{}", u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, g]))
            }
            IPV4_ADDRESS => write!(f, "{name}:{}:{low}", Ipv4Addr::from([a, b, c, d])),
            FOUR_OCTET_AS => {
                let asn = u32::from_be_bytes([a, b, c, d]);
                let long = if asn <= u32::from(u16::MAX) { "L" } else { "" };
                write!(f, "{name}:{asn}{long}:{low}")
            }
            _ => write_hexadecimal(&self.0, f),
        }
    }
}

impl FromStr for ExtCommunity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<ExtCommunity, ParseError> {
        let mut parts = text.split(':');
        let (Some(name), Some(admin), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return hexadecimal(text).map(ExtCommunity);
        };
        let (sub, _) = SUB_TYPES.iter().find(|(_, known)| *known == name).ok_or(ERROR)?;
        if let Ok(address) = admin.parse::<Ipv4Addr>() {
            let [a, b, c, d] = address.octets();
            let [e, g] = decimal::<u16>(number)?.to_be_bytes();
            return Ok(ExtCommunity([IPV4_ADDRESS, *sub, a, b, c, d, e, g]));
        }
        let asn: u32 = decimal(admin.strip_suffix('L').unwrap_or(admin))?;
        match u16::try_from(asn) {
            Ok(asn) if !admin.ends_with('L') => {
                let ([a, b], [c, d, e, g]) = (asn.to_be_bytes(), decimal::<u32>(number)?.to_be_bytes());
                Ok(ExtCommunity([TWO_OCTET_AS, *sub, a, b, c, d, e, g]))
            }
            _ => {
                let ([a, b, c, d], [e, g]) = (asn.to_be_bytes(), decimal::<u16>(number)?.to_be_bytes());
                Ok(ExtCommunity([FOUR_OCTET_AS, *sub, a, b, c, d, e, g]))
            }
        }
    }
}

text_form!(ExtCommunity);

const TWO_OCTET_AS: u8 = 0x00;
const IPV4_ADDRESS: u8 = 0x01;
const FOUR_OCTET_AS: u8 = 0x02;
/// Sub-types with a text: route target and route origin (RFC 4360 sections 4 and 5).
const SUB_TYPES: [(u8, &str); 2] = [(0x02, "rt"), (0x03, "soo")];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc4360_text_is_read_back() {
        for (octets, text) in [
            ([0, 2, 0xfc, 0, 0, 1, 0, 0], "rt:64512:65536"),
            ([1, 3, 10, 0, 0, 1, 0, 7], "soo:10.0.0.1:7"),
            ([2, 2, 0xfa, 0x56, 0xea, 0, 0, 1], "rt:4200000000:1"),
            ([2, 2, 0, 0, 0xfc, 0, 0, 1], "rt:64512L:1"),
            ([0x40, 2, 0, 1, 0, 0, 0, 1], "0x4002000100000001"),
            ([0, 9, 0, 1, 0, 0, 0, 1], "0x0009000100000001"),
        ] {
            assert_eq!(ExtCommunity(octets).to_string(), text);
            assert_eq!(text.parse(), Ok(ExtCommunity(octets)));
        }
        assert!(ExtCommunity([0; 8]).is_transitive());
        assert!(!ExtCommunity([0x40; 8]).is_transitive());
    }

    #[test]
    fn rfc4360_text_that_is_no_community_is_an_error() {
        for text in ["", "rt:1", "rt:1:2:3", "xx:1:2", "rt:65536:65536", "rt:10.0.0.1:65536", "0x12", "0xzz"] {
            assert_eq!(text.parse::<ExtCommunity>(), Err(ERROR), "{text}");
        }
    }
}

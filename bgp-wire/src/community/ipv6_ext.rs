//! IPv6 address specific extended community values (RFC 5701), kept as 20 octets.

use core::fmt;
use core::str::FromStr;

use super::{hexadecimal, write_hexadecimal};
use crate::ParseError;
use crate::registry::text_form;

/// An IPv6 address specific extended community: type, sub-type, 16 octets of address, 2 octets of local number.
/// Its text is `0x` and 40 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv6ExtCommunity(pub [u8; 20]);

impl From<[u8; 20]> for Ipv6ExtCommunity {
    fn from(octets: [u8; 20]) -> Ipv6ExtCommunity {
        Ipv6ExtCommunity(octets)
    }
}

impl fmt::Display for Ipv6ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(&self.0, f)
    }
}

impl FromStr for Ipv6ExtCommunity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Ipv6ExtCommunity, ParseError> {
        hexadecimal(text).map(Ipv6ExtCommunity)
    }
}

text_form!(Ipv6ExtCommunity);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc5701_text_is_read_back() {
        let community = Ipv6ExtCommunity(core::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(community.to_string(), "0x000102030405060708090a0b0c0d0e0f10111213");
        assert_eq!(community.to_string().parse(), Ok(community));
    }
}

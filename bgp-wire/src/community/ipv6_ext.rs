//! IPv6 address specific extended community values (RFC 5701), their kinds as a table, and their text.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::{ERROR, decimal, hexadecimal, write_hexadecimal};
use crate::ParseError;
use crate::registry::text_form;

/// An IPv6 address specific extended community: type, sub-type, 16 octets of address, 2 octets of local number.
///
/// Text is `NAME:[ADDRESS]:NUMBER`; what has no kind here is `0x` and 40 hexadecimal digits.
///
/// ```
/// use bgp_wire::community::ipv6_ext::Ipv6ExtCommunity;
///
/// let target: Ipv6ExtCommunity = "rt:[2001:db8::1]:7".parse()?;
/// assert_eq!((target.name(), target.address(), target.number()), (Some("rt"), "2001:db8::1".parse()?, 7));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv6ExtCommunity(pub [u8; 20]);

impl Ipv6ExtCommunity {
    /// Type and sub-type.
    #[must_use]
    pub const fn kind(self) -> (u8, u8) {
        (self.0[0], self.0[1])
    }

    /// The name of its kind.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        KINDS.iter().find(|(ty, sub, _)| (*ty, *sub) == self.kind()).map(|(_, _, name)| *name)
    }

    /// The address: who assigned the number.
    #[must_use]
    pub fn address(self) -> Ipv6Addr {
        let [_, _, address @ .., _, _] = self.0;
        Ipv6Addr::from(address)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        let [.., high, low] = self.0;
        u16::from_be_bytes([high, low])
    }

    /// Whether the community is passed on to other ASes (RFC 4360 section 2: the T bit is clear).
    #[must_use]
    pub fn is_transitive(self) -> bool {
        self.0[0] & 0x40 == 0
    }
}

impl From<[u8; 20]> for Ipv6ExtCommunity {
    fn from(octets: [u8; 20]) -> Ipv6ExtCommunity {
        Ipv6ExtCommunity(octets)
    }
}

impl fmt::Display for Ipv6ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}:[{}]:{}", self.address(), self.number()),
            None => write_hexadecimal(&self.0, f),
        }
    }
}

impl FromStr for Ipv6ExtCommunity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Ipv6ExtCommunity, ParseError> {
        if text.starts_with("0x") {
            return hexadecimal(text).map(Ipv6ExtCommunity);
        }
        let (name, rest) = text.split_once(":[").ok_or(ERROR)?;
        let (address, number) = rest.split_once("]:").ok_or(ERROR)?;
        let (ty, sub, _) = KINDS.iter().find(|(_, _, known)| *known == name).ok_or(ERROR)?;
        let address: Ipv6Addr = address.parse().map_err(|_| ERROR)?;
        let mut octets = [0; 20];
        let [to_ty, to_sub, to_address @ .., high, low] = &mut octets;
        (*to_ty, *to_sub, *to_address) = (*ty, *sub, address.octets());
        [*high, *low] = decimal::<u16>(number)?.to_be_bytes();
        Ok(Ipv6ExtCommunity(octets))
    }
}

text_form!(Ipv6ExtCommunity);

/// Type, sub-type, name, in the order of their numbers: RFC 5701 section 3, RFC 6515 section 2, RFC 8956 section 7, and
/// draft-ietf-idr-flowspec-redirect-ip, where bit 0 of the number asks for a copy.
const KINDS: &[(u8, u8, &str)] =
    &[(0x00, 0x02, "rt"), (0x00, 0x03, "soo"), (0x00, 0x0b, "vrf-route-import"), (0x00, 0x0d, "redirect")];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc5701_text_is_read_back() {
        let community = Ipv6ExtCommunity(core::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(community.to_string(), "0x000102030405060708090a0b0c0d0e0f10111213");
        assert_eq!(community.to_string().parse(), Ok(community));
        for (_, _, name) in KINDS {
            let text = alloc::format!("{name}:[2001:db8::ffff]:65535");
            assert_eq!(text.parse::<Ipv6ExtCommunity>().unwrap().to_string(), text);
        }
        for text in ["", "rt:2001:db8::1:7", "rt:[::1]:65536", "rt:[::1]", "xx:[::1]:1", "rt:[1]:1"] {
            assert_eq!(text.parse::<Ipv6ExtCommunity>(), Err(ERROR), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn rfc5701_every_text_is_read_back(row in 0..KINDS.len() + 1, random: [u8; 20]) {
            let mut octets = random;
            if let Some((ty, sub, _)) = KINDS.get(row) {
                (octets[0], octets[1]) = (*ty, *sub);
            }
            let community = Ipv6ExtCommunity(octets);
            proptest::prop_assert_eq!(community.to_string().parse(), Ok(community));
        }
    }
}

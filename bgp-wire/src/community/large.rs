//! LARGE_COMMUNITY values (RFC 8092) and their text form (section 5).

use core::fmt;
use core::str::FromStr;

use super::{ERROR, decimal};
use crate::ParseError;
use crate::registry::text_form;

/// A large community: three 32-bit numbers, written `global:first:second` in decimal.
///
/// ```
/// use bgp_wire::community::large::LargeCommunity;
///
/// let community: LargeCommunity = "64512:1:2".parse()?;
/// assert_eq!(community, LargeCommunity { global: 64512, local: [1, 2] });
/// assert_eq!(community.to_string(), "64512:1:2");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct LargeCommunity {
    /// Global Administrator: the AS that gives the other two their meaning.
    pub global: u32,
    /// Local Data Part 1 and 2.
    pub local: [u32; 2],
}

impl LargeCommunity {
    /// The 12 octets of the wire form.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 12] {
        let mut octets = [0; 12];
        let fields = [self.global, self.local[0], self.local[1]];
        for (to, field) in octets.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *to = field.to_be_bytes();
        }
        octets
    }
}

impl From<[u8; 12]> for LargeCommunity {
    fn from(octets: [u8; 12]) -> LargeCommunity {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = octets;
        LargeCommunity {
            global: u32::from_be_bytes([a, b, c, d]),
            local: [u32::from_be_bytes([e, f, g, h]), u32::from_be_bytes([i, j, k, l])],
        }
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.local[0], self.local[1])
    }
}

impl FromStr for LargeCommunity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<LargeCommunity, ParseError> {
        let mut parts = text.split(':');
        let mut next = || decimal(parts.next().ok_or(ERROR)?);
        let community = LargeCommunity { global: next()?, local: [next()?, next()?] };
        if parts.next().is_some() { Err(ERROR) } else { Ok(community) }
    }
}

text_form!(LargeCommunity);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8092_5_octets_and_text_are_read_back() {
        let community = LargeCommunity { global: 0xffff_ffff, local: [0, 0x0102_0304] };
        assert_eq!(community.to_bytes(), [255, 255, 255, 255, 0, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(LargeCommunity::from(community.to_bytes()), community);
        assert_eq!("4294967295:0:16909060".parse(), Ok(community));
        for text in ["1:2", "1:2:3:4", "1:2:-3", "4294967296:1:1", ""] {
            assert_eq!(text.parse::<LargeCommunity>(), Err(ERROR), "{text}");
        }
    }
}

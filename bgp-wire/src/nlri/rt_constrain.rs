//! Route target membership (1/132; RFC 4684 section 4): length in bits (1 octet, 0 or 32 to 96), origin AS (4), route
//! target (8), of which the last octets may be missing.

use core::fmt;

use crate::community::ext::ExtCommunity;
use crate::next_hop::NextHop;
use crate::nlri::{Form, NlriValue, Rules, Shape, TypedNlri};
use crate::{Asn, ParseError};

/// Which route targets a speaker wants routes of: a prefix of origin AS and route target.
///
/// Text is `default` (all), `origin 64512` (all of an AS), `origin 64512 rt:64512:100` and, for parts of a route target,
/// `origin 64512 0002fc0000000000/48`, which counts the bits of the route target alone.
///
/// ```
/// use bgp_wire::Asn;
/// use bgp_wire::nlri::RtConstrain;
/// let wanted = RtConstrain::of_target(Asn(64512), [0, 2, 0xfc, 0, 0, 0, 0, 100]);
/// assert_eq!(wanted.to_string().parse(), Ok(wanted));
/// assert_eq!("default".parse(), Ok(RtConstrain::DEFAULT));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RtConstrain {
    origin: u32,
    target: u64,
    /// 0, or 32 to 96.
    bits: u8,
}

impl RtConstrain {
    /// All route targets (RFC 4684 section 6).
    pub const DEFAULT: RtConstrain = RtConstrain { origin: 0, target: 0, bits: 0 };

    /// One route target.
    #[must_use]
    pub const fn of_target(origin: Asn, target: [u8; 8]) -> RtConstrain {
        RtConstrain { origin: origin.0, target: u64::from_be_bytes(target), bits: 96 }
    }

    /// Those that begin with the first `bits` bits of `target`; `None`: more than 64.
    #[must_use]
    pub fn of_part(origin: Asn, target: [u8; 8], bits: u8) -> Option<RtConstrain> {
        let target = u64::from_be_bytes(target) & !u64::MAX.unbounded_shr(bits.into());
        if bits <= 64 { Some(RtConstrain { origin: origin.0, target, bits: 32 + bits }) } else { None }
    }

    /// The AS that wants them; `None`: the default.
    #[must_use]
    pub fn origin(self) -> Option<Asn> {
        if self.bits == 0 { None } else { Some(Asn(self.origin)) }
    }

    /// The route target, and how many of its bits count: 0 to 64.
    #[must_use]
    pub fn target(self) -> ([u8; 8], u8) {
        (self.target.to_be_bytes(), self.bits.saturating_sub(32))
    }

    /// Appends the octets.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(self, out: &mut alloc::vec::Vec<u8>) {
        out.push(self.bits);
        let octets = self.origin.to_be_bytes().into_iter().chain(self.target.to_be_bytes());
        out.extend(octets.take(usize::from(self.bits.div_ceil(8))));
    }
}

impl fmt::Display for RtConstrain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            0 => f.write_str("default"),
            32 => write!(f, "origin {}", self.origin),
            96 => write!(f, "origin {} {}", self.origin, ExtCommunity::from(self.target.to_be_bytes())),
            bits => write!(f, "origin {} {:016x}/{}", self.origin, self.target, bits.saturating_sub(32)),
        }
    }
}

/// The text of [`Display`](fmt::Display) is read back.
impl core::str::FromStr for RtConstrain {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<RtConstrain, ParseError> {
        parse(text).ok_or(ParseError::new("route target membership"))
    }
}

fn parse(text: &str) -> Option<RtConstrain> {
    if text == "default" {
        return Some(RtConstrain::DEFAULT);
    }
    let rest = text.strip_prefix("origin ")?;
    let Some((origin, target)) = rest.split_once(' ') else {
        return RtConstrain::of_part(rest.parse().ok()?, [0; 8], 0);
    };
    let origin = origin.parse().ok()?;
    match target.split_once('/') {
        Some((digits, bits)) if digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            let target = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
            RtConstrain::of_part(origin, target, bits.parse().ok()?)
        }
        _ => Some(RtConstrain::of_target(origin, target.parse::<ExtCommunity>().ok()?.0)),
    }
}

/// How the NLRI of 1/132 are read.
pub(crate) enum Rows {}

impl Rules for Rows {
    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        let (bits, rest) = octets.split_first()?;
        let body = rest.get(..usize::from(bits.div_ceil(8)))?;
        if matches!(bits, 0 | 32..=96) { Some(Shape::unlabeled(1 + body.len())) } else { None }
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        let (bits, rest) = nlri.as_bytes().split_first()?;
        let mut octets = [0; 12];
        octets.get_mut(..rest.len())?.copy_from_slice(rest);
        let ([a, b, c, d], target) = octets.split_first_chunk::<4>()?;
        let mask = !u64::MAX.unbounded_shr(u32::from(*bits).saturating_sub(32));
        let target = u64::from_be_bytes(*target.first_chunk()?) & mask;
        let value = RtConstrain { origin: u32::from_be_bytes([*a, *b, *c, *d]), target, bits: *bits };
        Some(NlriValue::RtConstrain(value))
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        if let Some(NlriValue::RtConstrain(value)) = Self::value(nlri) {
            value.encode(out);
        }
    }

    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::of_either(octets)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for RtConstrain {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let part = RtConstrain::of_part(Asn(u.arbitrary()?), u.arbitrary()?, u.int_in_range(0..=64)?);
        Ok(if u.ratio(1, 16)? { RtConstrain::DEFAULT } else { part.unwrap_or(RtConstrain::DEFAULT) })
    }
}

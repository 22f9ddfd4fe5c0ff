//! VPN prefixes (1/128 of RFC 4364, 2/128 of RFC 4659): length in bits (1 octet), labels (3 octets each), route
//! distinguisher (8), prefix.

use core::fmt;

use ipnet::IpNet;

use crate::next_hop::NextHop;
use crate::nlri::{Form, Labels, NlriValue, RouteDistinguisher, Rules, Shape, TypedNlri, labeled};
use crate::{ParseError, prefix};

/// An IP prefix of a VPN with its labels.
///
/// ```
/// use bgp_wire::nlri::Vpn;
/// let route: Vpn = "rd 64512:1 10.0.0.0/8 label 100".parse()?;
/// assert_eq!((route.rd.to_string(), route.prefix.to_string()), ("64512:1".to_owned(), "10.0.0.0/8".to_owned()));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 4364 section 4.3.4 has these fields")]
pub struct Vpn {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The labels; none where the route is withdrawn.
    pub labels: Labels,
    /// The prefix.
    pub prefix: IpNet,
}

impl Vpn {
    /// Appends the octets; `false` and nothing where they would have more than 255 bits.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) -> bool {
        let labels = self.labels.encoded_len();
        let Ok(bits) = u8::try_from(8 * (labels + RouteDistinguisher::LEN) + usize::from(self.prefix.prefix_len()))
        else {
            return false;
        };
        out.push(bits);
        self.labels.encode(out);
        out.extend_from_slice(&self.rd.octets());
        prefix::write_bits(&self.prefix, out);
        true
    }
}

/// `rd 64512:1 10.0.0.0/8`, and `label 100/200` behind it where there are labels.
impl fmt::Display for Vpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rd {} {}", self.rd, self.prefix)?;
        if self.labels.is_empty() { Ok(()) } else { write!(f, " label {}", self.labels) }
    }
}

/// The text of [`Display`](fmt::Display) is read back; bits behind the prefix length are cleared.
impl core::str::FromStr for Vpn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Vpn, ParseError> {
        let error = ParseError::new("VPN prefix");
        let (rd, rest) = text.strip_prefix("rd ").and_then(|text| text.split_once(' ')).ok_or(error)?;
        let labeled::Labeled { labels, prefix } = rest.parse().map_err(|_| error)?;
        let fits = 24 * labels.len() + 64 + usize::from(prefix.prefix_len()) <= 255;
        if fits { Ok(Vpn { rd: rd.parse()?, labels, prefix }) } else { Err(error) }
    }
}

/// IPv4 (1/128).
pub(crate) enum Ipv4 {}

impl Rules for Ipv4 {
    #[cfg(feature = "alloc")]
    const NEXT_HOP_RD: bool = true;

    fn measure(octets: &[u8], form: Form) -> Option<Shape> {
        labeled::measure(octets, form, RouteDistinguisher::LEN, 32)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        value(nlri, prefix::v4_of_bits).map(NlriValue::Vpn)
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        labeled::write_key(nlri, out);
    }

    fn next_hop(octets: &[u8], extended: bool) -> Option<NextHop> {
        match octets.len() {
            12 => NextHop::v4_behind_rd(octets),
            // RFC 5549, which RFC 8950 section 1.1 corrects, had no route distinguisher there; such routes are still sent.
            16 | 32 if extended => NextHop::v6(octets),
            _ if extended => NextHop::v6_behind_rd(octets),
            _ => None,
        }
    }
}

/// IPv6 (2/128); the next hop may be an IPv4-mapped address (RFC 4659 section 3.2.1.2).
pub(crate) enum Ipv6 {}

impl Rules for Ipv6 {
    #[cfg(feature = "alloc")]
    const NEXT_HOP_RD: bool = true;

    fn measure(octets: &[u8], form: Form) -> Option<Shape> {
        labeled::measure(octets, form, RouteDistinguisher::LEN, 128)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        value(nlri, prefix::v6_of_bits).map(NlriValue::Vpn)
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        labeled::write_key(nlri, out);
    }

    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::v6_behind_rd(octets)
    }
}

fn value(nlri: &TypedNlri<'_>, prefix: impl Fn(u8, &[u8]) -> Option<IpNet>) -> Option<Vpn> {
    let (bits, rest) = nlri.as_bytes().split_first()?;
    let (labels, rest) = nlri.labels().split(rest)?;
    let (rd, rest) = RouteDistinguisher::split(rest)?;
    let bits = usize::from(*bits).checked_sub(8 * (nlri.labels().len() + RouteDistinguisher::LEN))?;
    Some(Vpn { rd, labels, prefix: prefix(u8::try_from(bits).ok()?, rest)? })
}

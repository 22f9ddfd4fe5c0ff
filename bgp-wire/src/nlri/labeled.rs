//! Labelled prefixes (1/4, 2/4; RFC 8277): length in bits (1 octet), labels (3 octets each), prefix.

use core::fmt;

use ipnet::IpNet;

use crate::next_hop::NextHop;
use crate::nlri::{Form, LabelFields, Labels, NlriValue, Rules, Shape, TypedNlri};
use crate::{ParseError, prefix};

/// An IP prefix with its labels.
///
/// ```
/// use bgp_wire::nlri::Labeled;
/// let route: Labeled = "203.0.113.0/24 label 100/200".parse()?;
/// assert_eq!((route.labels.len(), route.to_string().as_str()), (2, "203.0.113.0/24 label 100/200"));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 8277 section 2 has these fields")]
pub struct Labeled {
    /// The labels; none where the route is withdrawn.
    pub labels: Labels,
    /// The prefix.
    pub prefix: IpNet,
}

impl Labeled {
    /// Appends the octets; `false` and nothing where the labels and the prefix have more than 255 bits.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) -> bool {
        let Ok(bits) = u8::try_from(8 * self.labels.encoded_len() + usize::from(self.prefix.prefix_len())) else {
            return false;
        };
        out.push(bits);
        self.labels.encode(out);
        prefix::write_bits(&self.prefix, out);
        true
    }
}

/// The prefix, and `label 100/200` behind it where there are labels.
impl fmt::Display for Labeled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.prefix.fmt(f)?;
        if self.labels.is_empty() { Ok(()) } else { write!(f, " label {}", self.labels) }
    }
}

/// The text of [`Display`](fmt::Display) is read back; bits behind the prefix length are cleared.
impl core::str::FromStr for Labeled {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Labeled, ParseError> {
        let error = ParseError::new("labeled prefix");
        let (prefix, labels) = match text.split_once(" label ") {
            Some((prefix, labels)) if !labels.is_empty() => (prefix, labels.parse()?),
            Some(_) => return Err(error),
            None => (text, Labels::NONE),
        };
        let prefix = prefix.parse::<IpNet>().map_err(|_| error)?.trunc();
        let fits = 24 * labels.len() + usize::from(prefix.prefix_len()) <= 255;
        if fits { Ok(Labeled { labels, prefix }) } else { Err(error) }
    }
}

/// IPv4 (1/4).
pub(crate) enum Ipv4 {}

impl Rules for Ipv4 {
    fn measure(octets: &[u8], form: Form) -> Option<Shape> {
        measure(octets, form, 0, 32)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        value(nlri, prefix::v4_of_bits).map(NlriValue::Labeled)
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        write_key(nlri, out);
    }

    fn next_hop(octets: &[u8], extended: bool) -> Option<NextHop> {
        NextHop::of_ipv4(octets, extended)
    }
}

/// IPv6 (2/4); the next hop may be an IPv4-mapped address (RFC 4798 section 2).
pub(crate) enum Ipv6 {}

impl Rules for Ipv6 {
    fn measure(octets: &[u8], form: Form) -> Option<Shape> {
        measure(octets, form, 0, 128)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        value(nlri, prefix::v6_of_bits).map(NlriValue::Labeled)
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        write_key(nlri, out);
    }

    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::v6(octets)
    }
}

/// Checks labels, `between` octets and a prefix of at most `max` bits, all of which the length counts. What is shorter
/// than a label and `between` is malformed.
pub(super) fn measure(octets: &[u8], form: Form, between: usize, max: usize) -> Option<Shape> {
    let (bits, rest) = octets.split_first()?;
    let bits = usize::from(*bits);
    let body = rest.get(..bits.div_ceil(8))?;
    let labels = LabelFields::measure(body, form.labels)?;
    let prefix = bits.checked_sub(8 * (labels.len() + between))?;
    if prefix <= max { Some(Shape { len: 1 + body.len(), labels }) } else { None }
}

fn value(nlri: &TypedNlri<'_>, prefix: impl Fn(u8, &[u8]) -> Option<IpNet>) -> Option<Labeled> {
    let (bits, rest) = nlri.as_bytes().split_first()?;
    let (labels, rest) = nlri.labels().split(rest)?;
    let bits = usize::from(*bits).checked_sub(8 * nlri.labels().len())?;
    Some(Labeled { labels, prefix: prefix(u8::try_from(bits).ok()?, rest)? })
}

/// Appends the NLRI with the one label field of a withdrawal, and without the bits behind the prefix length.
#[cfg(feature = "alloc")]
pub(super) fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
    let Some((bits, rest)) = nlri.as_bytes().split_first() else { return };
    let fields = nlri.labels().len();
    let bits = usize::from(*bits).saturating_sub(8 * fields);
    // A withdrawn NLRI has bits for one label; an announced one had at least as many.
    out.push(u8::try_from(24 + bits).unwrap_or(u8::MAX));
    out.extend_from_slice(&super::label::WITHDRAWN);
    out.extend_from_slice(rest.get(fields..).unwrap_or_default());
    if let (Some(last), used @ 1..) = (out.last_mut(), bits % 8) {
        *last &= !(u8::MAX >> used);
    }
}

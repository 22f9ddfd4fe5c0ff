//! IPv4 and IPv6 prefixes: unicast (1/1, 2/1) and multicast (1/2, 2/2) of RFC 4760.
//!
//! The next hop of IPv4 has 4 octets, with RFC 8950 also 16 or 32; that of IPv6 has 16 or 32 (RFC 2545 section 3).

use crate::next_hop::NextHop;
use crate::nlri::{Form, NlriRef, NlriValue, Rules, Shape, TypedNlri};
use crate::{Family, prefix};

/// IPv4 prefixes.
pub(crate) enum Ipv4 {}

impl Rules for Ipv4 {
    /// RFC 4760 section 3: the next hop is under the rules of NEXT_HOP, and as NEXT_HOP it is sent again.
    const HOSTS: bool = true;

    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        prefix::skip(octets, 32).map(|behind| Shape::unlabeled(octets.len() - behind.len()))
    }

    fn decode(_: Family, _: Form, octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
        prefix::decode_v4(octets).map(|(net, behind)| (NlriRef::Ipv4(net), behind))
    }

    fn value<'m>(_: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        None
    }

    fn next_hop(octets: &[u8], extended: bool) -> Option<NextHop> {
        NextHop::of_ipv4(octets, extended)
    }
}

/// IPv6 prefixes.
pub(crate) enum Ipv6 {}

impl Rules for Ipv6 {
    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        prefix::skip(octets, 128).map(|behind| Shape::unlabeled(octets.len() - behind.len()))
    }

    fn decode(_: Family, _: Form, octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
        prefix::decode_v6(octets).map(|(net, behind)| (NlriRef::Ipv6(net), behind))
    }

    fn value<'m>(_: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        None
    }

    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::v6(octets)
    }
}

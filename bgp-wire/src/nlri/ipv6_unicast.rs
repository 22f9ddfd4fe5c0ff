//! IPv6 unicast (2/1): prefixes; next hops of 16 or 32 octets (RFC 2545 section 3).

use crate::next_hop::NextHop;
#[cfg(feature = "alloc")]
use crate::nlri::Encoded;
use crate::nlri::NlriRef;
use crate::prefix;

#[inline]
pub(crate) fn skip(octets: &[u8]) -> Option<&[u8]> {
    prefix::skip(octets, 128)
}

#[inline]
pub(crate) fn decode(octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
    prefix::decode_v6(octets).map(|(net, behind)| (NlriRef::Ipv6(net), behind))
}

#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn encode(nlri: &NlriRef<'_>) -> Option<Encoded> {
    match nlri {
        NlriRef::Ipv6(net) => Some(Encoded::prefix(net.prefix_len(), net.network().octets())),
        _ => None,
    }
}

pub(crate) fn next_hop(octets: &[u8], _extended: bool) -> Option<NextHop> {
    NextHop::v6(octets)
}

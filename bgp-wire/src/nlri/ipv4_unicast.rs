//! IPv4 unicast (1/1): prefixes; next hops of 4 octets, with RFC 8950 also of 16 or 32.

use crate::next_hop::NextHop;
#[cfg(feature = "alloc")]
use crate::nlri::Encoded;
use crate::nlri::NlriRef;
use crate::prefix;

#[inline]
pub(crate) fn skip(octets: &[u8]) -> Option<&[u8]> {
    prefix::skip(octets, 32)
}

#[inline]
pub(crate) fn decode(octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
    prefix::decode_v4(octets).map(|(net, behind)| (NlriRef::Ipv4(net), behind))
}

#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn encode(nlri: &NlriRef<'_>) -> Option<Encoded> {
    match nlri {
        NlriRef::Ipv4(net) => Some(Encoded::prefix(net.prefix_len(), net.network().octets())),
        _ => None,
    }
}

pub(crate) fn next_hop(octets: &[u8], extended: bool) -> Option<NextHop> {
    match octets.len() {
        4 => NextHop::v4(octets),
        _ if extended => NextHop::v6(octets),
        _ => None,
    }
}

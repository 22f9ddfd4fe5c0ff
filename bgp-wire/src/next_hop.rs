//! Next hops, as NEXT_HOP and the families of MP_REACH_NLRI have them (RFC 4760 section 3, RFC 2545, RFC 8950).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ParseError;

/// Where packets to a route's prefixes go.
///
/// ```
/// use bgp_wire::attr::NextHop;
/// use core::net::{IpAddr, Ipv4Addr};
///
/// let next_hop = NextHop::from(Ipv4Addr::new(192, 0, 2, 1));
/// assert_eq!(next_hop.addr(), Some(IpAddr::from([192, 0, 2, 1])));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum NextHop {
    /// None is given, as families that carry no reachability do (RFC 8955 section 4).
    None,
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// A global IPv6 address and the link-local one on a shared link (RFC 2545 section 3).
    V6LinkLocal {
        /// The global address.
        global: Ipv6Addr,
        /// The link-local address.
        link_local: Ipv6Addr,
    },
}

impl NextHop {
    /// The address; the global one where there are two.
    #[must_use]
    pub fn addr(self) -> Option<IpAddr> {
        match self {
            NextHop::None => None,
            NextHop::V4(addr) => Some(IpAddr::V4(addr)),
            NextHop::V6(addr) | NextHop::V6LinkLocal { global: addr, .. } => Some(IpAddr::V6(addr)),
        }
    }

    /// RFC 4271 section 6.3: whether it can be the address of a host, so not 0/8, not 127/8, no multicast and no class E.
    #[inline]
    pub(crate) fn is_host_v4(octets: &[u8]) -> bool {
        !matches!(octets.first(), Some(0 | 127 | 224..) | None)
    }

    /// 4 octets.
    pub(crate) fn v4(octets: &[u8]) -> Option<NextHop> {
        <[u8; 4]>::try_from(octets).ok().map(|octets| NextHop::V4(octets.into()))
    }

    /// 16 or 32 octets.
    pub(crate) fn v6(octets: &[u8]) -> Option<NextHop> {
        match octets.as_chunks::<16>() {
            ([addr], []) => Some(NextHop::V6((*addr).into())),
            ([global, link_local], []) => {
                Some(NextHop::V6LinkLocal { global: (*global).into(), link_local: (*link_local).into() })
            }
            _ => None,
        }
    }

    /// Of IPv4 routes: 4 octets; `extended` (RFC 8950): 16 or 32 too.
    pub(crate) fn of_ipv4(octets: &[u8], extended: bool) -> Option<NextHop> {
        if extended && octets.len() != 4 { NextHop::v6(octets) } else { NextHop::v4(octets) }
    }

    /// An address of either kind.
    pub(crate) fn of_either(octets: &[u8]) -> Option<NextHop> {
        NextHop::of_ipv4(octets, true)
    }

    /// Behind a route distinguisher of 8 octets, an IPv4 address (RFC 4364 section 4.3.2).
    pub(crate) fn v4_behind_rd(octets: &[u8]) -> Option<NextHop> {
        NextHop::v4(octets.get(8..)?)
    }

    /// Behind a route distinguisher of 8 octets each, one or two IPv6 addresses (RFC 4659 section 3.2.1).
    pub(crate) fn v6_behind_rd(octets: &[u8]) -> Option<NextHop> {
        match octets.as_chunks::<24>() {
            ([[_, _, _, _, _, _, _, _, addr @ ..]], []) => Some(NextHop::V6((*addr).into())),
            ([[_, _, _, _, _, _, _, _, global @ ..], [_, _, _, _, _, _, _, _, link_local @ ..]], []) => {
                Some(NextHop::V6LinkLocal { global: (*global).into(), link_local: (*link_local).into() })
            }
            _ => None,
        }
    }

    /// By length alone: an address, one behind a route distinguisher of 8 octets (RFC 4364, RFC 4659), or nothing.
    pub(crate) fn of_any_family(octets: &[u8]) -> Option<NextHop> {
        match octets.len() {
            0 => Some(NextHop::None),
            4 => NextHop::v4(octets),
            12 => NextHop::v4_behind_rd(octets),
            16 | 32 => NextHop::v6(octets),
            24 | 48 => NextHop::v6_behind_rd(octets),
            _ => None,
        }
    }

    /// The octets and how many of them count; `distinguished`: with a route distinguisher of 0 in front of each address.
    #[cfg(feature = "alloc")]
    pub(crate) fn to_bytes(self, distinguished: bool) -> ([u8; NextHop::MAX], u8) {
        let mut octets = [0; NextHop::MAX];
        let (before, mut len) = (if distinguished { 8 } else { 0 }, 0_u8);
        let mut put = |address: &[u8]| {
            let start = usize::from(len) + before;
            let end = start + address.len();
            if let Some(place) = octets.get_mut(start..end) {
                place.copy_from_slice(address);
            }
            len = u8::try_from(end).unwrap_or(0);
        };
        match self {
            NextHop::None => {}
            NextHop::V4(addr) => put(&addr.octets()),
            NextHop::V6(addr) => put(&addr.octets()),
            NextHop::V6LinkLocal { global, link_local } => {
                put(&global.octets());
                put(&link_local.octets());
            }
        }
        (octets, len)
    }

    /// The longest: two route distinguishers and two IPv6 addresses.
    #[cfg(feature = "alloc")]
    const MAX: usize = 48;
}

impl From<Ipv4Addr> for NextHop {
    fn from(addr: Ipv4Addr) -> NextHop {
        NextHop::V4(addr)
    }
}

impl From<Ipv6Addr> for NextHop {
    fn from(addr: Ipv6Addr) -> NextHop {
        NextHop::V6(addr)
    }
}

impl From<IpAddr> for NextHop {
    fn from(addr: IpAddr) -> NextHop {
        match addr {
            IpAddr::V4(addr) => NextHop::V4(addr),
            IpAddr::V6(addr) => NextHop::V6(addr),
        }
    }
}

/// The address; two with a blank between them.
impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextHop::None => f.write_str("none"),
            NextHop::V4(addr) => addr.fmt(f),
            NextHop::V6(addr) => addr.fmt(f),
            NextHop::V6LinkLocal { global, link_local } => write!(f, "{global} {link_local}"),
        }
    }
}

/// The text of [`Display`](fmt::Display) is read back.
impl core::str::FromStr for NextHop {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<NextHop, ParseError> {
        let error = |_| ParseError::new("next hop");
        if text == "none" {
            return Ok(NextHop::None);
        }
        match text.split_once(' ') {
            None => text.parse::<IpAddr>().map(NextHop::from).map_err(error),
            Some((global, link_local)) => Ok(NextHop::V6LinkLocal {
                global: global.parse().map_err(error)?,
                link_local: link_local.parse().map_err(error)?,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "alloc")]
    use alloc::string::ToString;

    #[cfg(feature = "alloc")]
    #[test]
    fn rfc2545_3_two_addresses_are_read_back() {
        let text = "2001:db8::1 fe80::1";
        let next_hop: NextHop = text.parse().unwrap();
        let (octets, len) = next_hop.to_bytes(false);
        assert_eq!((next_hop.to_string().as_str(), NextHop::v6(&octets[..usize::from(len)])), (text, Some(next_hop)));
        assert_eq!(next_hop.addr(), "2001:db8::1".parse().ok());
    }

    #[test]
    fn rfc4659_3_2_a_route_distinguisher_before_the_address_is_skipped() {
        let octets: [u8; 48] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let addr = |from: u8| Ipv6Addr::from(core::array::from_fn::<u8, 16, _>(|i| from + u8::try_from(i).unwrap()));
        assert_eq!(NextHop::of_any_family(&octets[..24]), Some(NextHop::V6(addr(8))));
        let both = NextHop::V6LinkLocal { global: addr(8), link_local: addr(32) };
        assert_eq!(NextHop::of_any_family(&octets), Some(both));
        assert_eq!(NextHop::of_any_family(&octets[..12]), Some(NextHop::V4([8, 9, 10, 11].into())));
        assert_eq!(NextHop::of_any_family(&octets[..5]), None);
    }
}

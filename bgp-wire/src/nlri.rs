//! Network layer reachability information: the table of families whose NLRI are typed, and the iterator over them.
//!
//! All other families are carried as opaque octets.

use core::fmt;
use core::iter::FusedIterator;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::next_hop::NextHop;
use crate::registry::families;
use crate::{Family, PathId};

// family in file; in the order of the numbers.
families! {
    IPV4_UNICAST in ipv4_unicast,
    IPV6_UNICAST in ipv6_unicast,
}

/// One NLRI. Addresses have no bits behind the prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NlriRef<'m> {
    /// An IPv4 prefix.
    Ipv4(Ipv4Net),
    /// An IPv6 prefix.
    Ipv6(Ipv6Net),
    /// All NLRI of a family that has no row in the table, path identifiers included.
    Opaque(&'m [u8]),
}

impl NlriRef<'_> {
    /// The IP prefix, where it is one.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            NlriRef::Ipv4(net) => Some(IpNet::V4(*net)),
            NlriRef::Ipv6(net) => Some(IpNet::V6(*net)),
            NlriRef::Opaque(_) => None,
        }
    }
}

/// Bits behind the prefix length are cleared.
impl From<Ipv4Net> for NlriRef<'_> {
    fn from(net: Ipv4Net) -> Self {
        NlriRef::Ipv4(net.trunc())
    }
}

/// Bits behind the prefix length are cleared.
impl From<Ipv6Net> for NlriRef<'_> {
    fn from(net: Ipv6Net) -> Self {
        NlriRef::Ipv6(net.trunc())
    }
}

/// Bits behind the prefix length are cleared.
impl From<IpNet> for NlriRef<'_> {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(net) => net.into(),
            IpNet::V6(net) => net.into(),
        }
    }
}

/// The prefix, or the octets in hexadecimal.
impl fmt::Display for NlriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NlriRef::Ipv4(net) => net.fmt(f),
            NlriRef::Ipv6(net) => net.fmt(f),
            NlriRef::Opaque(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}

/// An NLRI with its path identifier where ADD-PATH (RFC 7911) is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathNlri<'m> {
    /// The path identifier; none on families without ADD-PATH.
    pub path_id: Option<PathId>,
    /// The NLRI.
    pub nlri: NlriRef<'m>,
}

/// Without a path identifier.
impl<'m, N: Into<NlriRef<'m>>> From<N> for PathNlri<'m> {
    fn from(nlri: N) -> Self {
        PathNlri { path_id: None, nlri: nlri.into() }
    }
}

/// The NLRI, and `#7` behind it for path identifier 7.
impl fmt::Display for PathNlri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nlri.fmt(f)?;
        self.path_id.map_or(Ok(()), |path_id| write!(f, "#{path_id}"))
    }
}

/// An infallible iterator over the NLRI of one validated field.
#[derive(Debug, Clone)]
pub struct Nlris<'m> {
    octets: &'m [u8],
    family: Family,
    add_path: bool,
}

impl<'m> Nlris<'m> {
    pub(crate) fn new(family: Family, add_path: bool, octets: &'m [u8]) -> Nlris<'m> {
        Nlris { octets, family, add_path: add_path && is_typed(family) }
    }

    /// The family of all of them.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whether there is none left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The octets of those that are still to come.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.octets
    }
}

impl<'m> Iterator for Nlris<'m> {
    type Item = PathNlri<'m>;

    #[inline]
    fn next(&mut self) -> Option<PathNlri<'m>> {
        if self.octets.is_empty() {
            return None;
        }
        let (path_id, octets) = if self.add_path {
            let (path_id, rest) = self.octets.split_first_chunk::<4>()?;
            (Some(PathId(u32::from_be_bytes(*path_id))), rest)
        } else {
            (None, self.octets)
        };
        let (nlri, behind) = decode(self.family, octets)?;
        self.octets = behind;
        Some(PathNlri { path_id, nlri })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.octets.is_empty()), Some(self.octets.len()))
    }
}

impl FusedIterator for Nlris<'_> {}

/// Checks the NLRI of one family, one loop for each; an error is where the first malformed one begins, at its path
/// identifier where there is one.
#[inline]
fn check_with(skip: impl Fn(&[u8]) -> Option<&[u8]>, add_path: bool, octets: &[u8]) -> Result<(), usize> {
    let id = if add_path { PATH_ID_LEN } else { 0 };
    let mut rest = octets;
    while !rest.is_empty() {
        rest = rest.get(id..).and_then(&skip).ok_or(octets.len() - rest.len())?;
    }
    Ok(())
}

/// The octets of one NLRI.
#[cfg(feature = "alloc")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded {
    octets: [u8; Encoded::MAX],
    /// Whether the path identifier in front counts.
    start: u8,
    end: u8,
}

#[cfg(feature = "alloc")]
impl Encoded {
    /// The longest NLRI of a typed family: path identifier, length and 16 octets of an IPv6 host.
    pub(crate) const MAX: usize = 21;
    const PATH_ID: u8 = 4;

    /// The prefix of `bits` bits of `address`.
    #[inline]
    pub(crate) fn prefix<const N: usize>(bits: u8, address: [u8; N]) -> Encoded {
        let mut octets = [0; Encoded::MAX];
        let [_, _, _, _, first, rest @ ..] = &mut octets;
        *first = bits;
        if let Some(place) = rest.first_chunk_mut::<N>() {
            *place = address;
        }
        Encoded { octets, start: Encoded::PATH_ID, end: Encoded::PATH_ID + 1 + bits.div_ceil(8) }
    }

    /// With a path identifier in front (RFC 7911 section 3).
    #[inline]
    pub(crate) fn with_path_id(mut self, path_id: PathId) -> Encoded {
        if let Some(place) = self.octets.first_chunk_mut::<4>() {
            *place = path_id.0.to_be_bytes();
        }
        Encoded { start: 0, ..self }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.octets.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// Octets of a path identifier (RFC 7911 section 3).
pub(crate) const PATH_ID_LEN: usize = 4;

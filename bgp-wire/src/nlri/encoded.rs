//! The octets of one prefix, without memory of their own.

use crate::nlri::NlriRef;
use crate::{Family, PathId};

/// The octets of one prefix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded {
    octets: [u8; Encoded::MAX],
    /// Whether the path identifier in front counts.
    start: u8,
    end: u8,
}

impl Encoded {
    /// The longest prefix: path identifier, length and 16 octets of an IPv6 host.
    const MAX: usize = 21;
    const PATH_ID: u8 = 4;

    /// The octets of a prefix; `None`: it is something else, or not of the family.
    #[inline]
    pub(crate) fn of(family: Family, nlri: &NlriRef<'_>) -> Option<Encoded> {
        match (nlri, family) {
            (NlriRef::Ipv4(net), Family::IPV4_UNICAST | Family::IPV4_MULTICAST) => {
                Some(Encoded::prefix(net.prefix_len(), net.network().octets()))
            }
            (NlriRef::Ipv6(net), Family::IPV6_UNICAST | Family::IPV6_MULTICAST) => {
                Some(Encoded::prefix(net.prefix_len(), net.network().octets()))
            }
            _ => None,
        }
    }

    /// The prefix of `bits` bits of `address`.
    #[inline]
    fn prefix<const N: usize>(bits: u8, address: [u8; N]) -> Encoded {
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

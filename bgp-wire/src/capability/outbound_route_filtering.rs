//! Outbound route filtering (RFC 5291 section 4): entries of AFI (2 octets), reserved (1), SAFI (1), number of filters
//! (1), and as many of type (1), send/receive (1).

/// The filters that a speaker can send or receive for a family.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 5291 section 4 has these fields")]
pub struct OutboundRouteFiltering {
    /// The family.
    pub family: crate::Family,
    /// The types of filters; at most 255 are sent.
    pub filters: alloc::vec::Vec<FilterType>,
}

/// A type of outbound route filter.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 5291 section 4 has these fields")]
pub struct FilterType {
    /// The type: 64 is the one of address prefixes (RFC 5292).
    pub ty: u8,
    /// 1: it can receive such filters, 2: send them, 3: both.
    pub mode: u8,
}

/// Nothing of the codec depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<OutboundRouteFiltering>> {
    let mut reader = crate::reader::Reader::new(value);
    let mut entries = alloc::vec::Vec::new();
    while !reader.is_empty() {
        let [afi_high, afi_low, _reserved, safi, number] = reader.array()?;
        let filters = reader.take(usize::from(number) * 2)?;
        entries.push(OutboundRouteFiltering {
            family: crate::Family::new(u16::from_be_bytes([afi_high, afi_low]), safi),
            filters: filters.as_chunks().0.iter().map(|[ty, mode]| FilterType { ty: *ty, mode: *mode }).collect(),
        });
    }
    Some(entries)
}

#[cfg(feature = "alloc")]
pub(super) fn encode(entries: &[OutboundRouteFiltering], out: &mut alloc::vec::Vec<u8>) {
    for OutboundRouteFiltering { family, filters } in entries {
        let number = u8::try_from(filters.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[0, family.safi.0, number]);
        filters.iter().take(usize::from(number)).for_each(|filter| out.extend_from_slice(&[filter.ty, filter.mode]));
    }
}

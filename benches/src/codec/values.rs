//! What is done with one UPDATE: every value of it handed over, or only its lengths gone through.

use std::hint::black_box;

use bgp_wire::UpdateView;
use bgp_wire::nlri::{NlriRef, PathNlri};

/// Hands over every value of an UPDATE of the mixture.
#[inline]
pub fn hand_over(view: &UpdateView<'_>) {
    let attributes = view.attributes();
    attributes.origin().map(black_box);
    if let Some(path) = attributes.as_path() {
        path.asns().for_each(|asn| _ = black_box(asn));
    }
    attributes.med().map(black_box);
    attributes.local_pref().map(black_box);
    black_box(attributes.atomic_aggregate());
    attributes.aggregator().map(black_box);
    attributes.communities().for_each(|community| _ = black_box(community));
    attributes.originator_id().map(black_box);
    attributes.cluster_list().for_each(|cluster| _ = black_box(cluster));
    attributes.ext_communities().for_each(|community| _ = black_box(community));
    attributes.large_communities().for_each(|community| _ = black_box(community));
    view.withdrawn().for_each(|part| part.nlri.for_each(|route| route_over(&route)));
    view.announced().for_each(|part| {
        black_box(part.next_hop);
        part.nlri.for_each(|route| route_over(&route));
    });
}

#[inline]
fn route_over(route: &PathNlri<'_>) {
    match &route.nlri {
        NlriRef::Ipv4(net) => _ = black_box((net.addr(), net.prefix_len())),
        NlriRef::Ipv6(net) => _ = black_box((net.addr(), net.prefix_len())),
        other => _ = black_box(other),
    }
}

/// A walk over the lengths, without a look at any value: how many there are.
#[must_use]
pub fn walked(message: &[u8]) -> Option<usize> {
    let mut found = 0;
    let (withdrawn, rest) = split(message.get(19..)?)?;
    let (mut attrs, nlri) = split(rest)?;
    while let Some(([flags, _, len], rest)) = attrs.split_first_chunk::<3>() {
        let (len, rest) = if flags & 0x10 == 0 {
            (usize::from(*len), rest)
        } else {
            let (low, rest) = rest.split_first()?;
            (usize::from(u16::from_be_bytes([*len, *low])), rest)
        };
        attrs = rest.get(len..)?;
        found += 1;
    }
    for mut prefixes in [withdrawn, nlri] {
        while let Some((bits, rest)) = prefixes.split_first() {
            prefixes = rest.get(usize::from(*bits).div_ceil(8)..)?;
            found += 1;
        }
    }
    Some(found)
}

fn split(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = octets.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*len).into())
}

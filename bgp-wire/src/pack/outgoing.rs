//! A canonical attribute block in the form that a session takes (RFC 6793 section 4.2.2).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::attr::raw::{write_attr, write_attr_with};
use crate::attr::{Aggregator, AsPath, RawAttr, RawAttrs, Segment};
use crate::{AttrFlags, AttrType};

/// Appends the attributes, with NEXT_HOP where it is given, in the order of their types.
pub(super) fn write_outgoing(raws: RawAttrs<'_>, next_hop: Option<Ipv4Addr>, four_octet_as: bool, out: &mut Vec<u8>) {
    let mut next_hop = next_hop;
    let mut narrow = Narrow::default();
    for raw in raws {
        if raw.ty > AttrType::AS_PATH {
            write_next_hop(next_hop.take(), out);
        }
        if raw.ty > AttrType::AS4_PATH {
            narrow.write_as4(out);
        }
        match raw.ty {
            AttrType::AS_PATH if !four_octet_as => narrow.write_path(raw, out),
            AttrType::AGGREGATOR if !four_octet_as => narrow.write_aggregator(raw, out),
            _ => write_attr(raw.canonical_flags(), raw.ty, raw.value, out),
        }
    }
    write_next_hop(next_hop, out);
    narrow.write_as4(out);
}

fn write_next_hop(next_hop: Option<Ipv4Addr>, out: &mut Vec<u8>) {
    if let Some(addr) = next_hop {
        write_attr(AttrFlags::TRANSITIVE.0, AttrType::NEXT_HOP, &addr.octets(), out);
    }
}

/// What the 2-octet attributes cannot say.
#[derive(Default)]
struct Narrow<'a> {
    path: Option<AsPath<'a>>,
    aggregator: Option<RawAttr<'a>>,
}

impl<'a> Narrow<'a> {
    fn write_path(&mut self, raw: RawAttr<'a>, out: &mut Vec<u8>) {
        let path = AsPath::new(raw.value, true);
        // RFC 6793 section 3: confederation segments stay out of AS4_PATH, so they alone are no reason for one.
        let carried = path.segments().filter(|segment| !segment.kind.is_confed());
        if carried.flat_map(|segment| segment.asns).any(|asn| asn.0 > u32::from(u16::MAX)) {
            self.path = Some(path);
        }
        write_attr_with(raw.canonical_flags(), raw.ty, out, |out| {
            for segment in path.segments() {
                write_head(&segment, out);
                out.extend(segment.asns.flat_map(|asn| asn.to_2_octets().to_be_bytes()));
            }
        });
    }

    fn write_aggregator(&mut self, raw: RawAttr<'a>, out: &mut Vec<u8>) {
        let Some(Aggregator { asn, bgp_id }) = Aggregator::decode(raw.value) else { return };
        if asn.0 > u32::from(u16::MAX) {
            self.aggregator = Some(raw);
        }
        let ([a, b], [c, d, e, f]) = (asn.to_2_octets().to_be_bytes(), bgp_id.0.to_be_bytes());
        write_attr(raw.canonical_flags(), raw.ty, &[a, b, c, d, e, f], out);
    }

    /// AS4_PATH and AS4_AGGREGATOR, where they are needed and not yet written.
    fn write_as4(&mut self, out: &mut Vec<u8>) {
        let flags = (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0;
        if let Some(path) = self.path.take() {
            write_attr_with(flags, AttrType::AS4_PATH, out, |out| {
                for segment in path.segments().filter(|segment| !segment.kind.is_confed()) {
                    write_head(&segment, out);
                    out.extend(segment.asns.flat_map(|asn| asn.0.to_be_bytes()));
                }
            });
        }
        if let Some(raw) = self.aggregator.take() {
            write_attr(flags, AttrType::AS4_AGGREGATOR, raw.value, out);
        }
    }
}

fn write_head(segment: &Segment<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[segment.kind.code(), u8::try_from(segment.asns.len()).unwrap_or(u8::MAX)]);
}

//! The path attributes of a table's entry: an UPDATE's, but for MP_REACH_NLRI (RFC 6396 section 4.3.4).

use crate::attr::mp_reach::MpReach;
use crate::attr::raw::split;
use crate::attr::scan::{Scan, Step};
use crate::attr::{Attributes, NextHop, RawAttr};
use crate::{Action, AttrType, Context, Error, FamilySet, SessionKind, Verdict};

/// The attributes of an entry, checked as those of an UPDATE are, and the next hop.
///
/// MP_REACH_NLRI is there in its short form, the next hop behind its length alone; the whole one of older files is
/// taken as well. What an entry lacks is not judged: a table also holds routes that no UPDATE brought.
#[derive(Clone, Copy, Debug)]
pub struct RibAttributes<'m> {
    attributes: Attributes<'m>,
    next_hop: Option<NextHop>,
    verdict: Verdict,
    worst: Option<Error>,
}

impl<'m> RibAttributes<'m> {
    /// Reads a block of at most 65535 octets; `four_octet_as` is the size of the AS numbers in it.
    ///
    /// ```
    /// use bgp_wire::mrt::RibAttributes;
    /// let block = [0x40, 1, 1, 0, 0x80, 14, 5, 4, 192, 0, 2, 1];
    /// let read = RibAttributes::decode(&block, true);
    /// assert_eq!(read.next_hop().map(|next_hop| next_hop.to_string()).as_deref(), Some("192.0.2.1"));
    /// assert!(read.attributes().origin().is_some() && read.worst().is_none());
    /// ```
    #[must_use]
    pub fn decode(block: &'m [u8], four_octet_as: bool) -> RibAttributes<'m> {
        let block = block.get(..usize::from(u16::MAX)).unwrap_or(block);
        // Whatever the peer was, iBGP takes every attribute.
        let ctx = Context::new(SessionKind::Ibgp)
            .with_four_octet_as(four_octet_as)
            .with_families(FamilySet::ALL)
            .with_ext_next_hop(FamilySet::ALL);
        let mut scan = Scan::new(block, 0, block.len());
        let (mut worst, mut reached): (Option<Error>, _) = (None, None);
        loop {
            let raw = split(block.get(scan.at()..).unwrap_or_default()).map(|(raw, _)| raw);
            let short = raw.filter(|raw| raw.ty == AttrType::MP_REACH_NLRI && !scan.seen.contains(raw.ty));
            let short = short.and_then(|raw| next_hop_alone(&raw));
            match scan.step(&ctx) {
                Step::Done => break,
                Step::Error(_) | Step::Fine if short.is_some() => reached = short,
                Step::Fine => {}
                Step::Error(error) => {
                    if worst.is_none_or(|worst| worst.action() < error.action()) {
                        worst = Some(error);
                    }
                }
            }
        }
        let end = crate::reader::to_u16(block.len());
        let types = (scan.seen.difference(scan.left_out), scan.unknown);
        let attributes = Attributes::new(block, (0, end), scan.index, types, four_octet_as);
        let whole = || attributes.get(AttrType::MP_REACH_NLRI).and_then(|raw| MpReach::split(raw.value));
        let classic = || attributes.get(AttrType::NEXT_HOP).and_then(|raw| NextHop::v4(raw.value));
        let next_hop =
            reached.or_else(|| whole().and_then(|parts| NextHop::of_any_family(parts.next_hop))).or_else(classic);
        let action = worst.map_or(Action::Accept, |worst| worst.action());
        RibAttributes { attributes, next_hop, verdict: Verdict { action, discarded: scan.left_out }, worst }
    }

    /// The attributes without those that are malformed.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'m> {
        self.attributes
    }

    /// The next hop: that of MP_REACH_NLRI, or else NEXT_HOP.
    #[must_use]
    pub fn next_hop(&self) -> Option<NextHop> {
        self.next_hop
    }

    /// The strongest treatment that RFC 7606 has for the block in an UPDATE, and what is left out.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What that treatment is for; offsets count from the first octet of the block.
    #[must_use]
    pub fn worst(&self) -> Option<Error> {
        self.worst
    }
}

/// The short form: length and next hop, and nothing else.
fn next_hop_alone(raw: &RawAttr<'_>) -> Option<NextHop> {
    let (len, next_hop) = raw.value.split_first()?;
    // The whole form begins with a family, whose first octet is no length of a next hop that fills the rest.
    if usize::from(*len) == next_hop.len() { NextHop::of_any_family(next_hop) } else { None }
}

/// Appends the attributes of a table's entry: a canonical block with the next hop in its place, an IPv4 one as
/// NEXT_HOP, others as the short MP_REACH_NLRI.
#[cfg(feature = "alloc")]
pub fn write_rib_attributes(canonical: &[u8], next_hop: NextHop, out: &mut alloc::vec::Vec<u8>) {
    use crate::AttrFlags;
    use crate::attr::RawAttrs;
    use crate::attr::raw::write_attr;

    let (octets, len) = next_hop.to_bytes(false);
    let octets = octets.get(..usize::from(len)).unwrap_or_default();
    let ty = if octets.len() == 4 { AttrType::NEXT_HOP } else { AttrType::MP_REACH_NLRI };
    let write_next_hop = |out: &mut alloc::vec::Vec<u8>| {
        if ty == AttrType::NEXT_HOP {
            write_attr(AttrFlags::TRANSITIVE.0, ty, octets, out);
        } else if !octets.is_empty() {
            out.extend_from_slice(&[AttrFlags::OPTIONAL.0, ty.0, len + 1, len]);
            out.extend_from_slice(octets);
        }
    };
    let mut waiting = true;
    for raw in RawAttrs::all(canonical) {
        if waiting && raw.ty > ty {
            write_next_hop(out);
            waiting = false;
        }
        write_attr(raw.flags.0 & !AttrFlags::EXTENDED_LENGTH.0, raw.ty, raw.value, out);
    }
    if waiting {
        write_next_hop(out);
    }
}

//! SRv6 service SIDs (RFC 9252 sections 2 and 3): reserved (1 octet), sub-TLVs of type (1), length (2), value.

use core::iter::FusedIterator;
use core::net::Ipv6Addr;

use crate::attr::tlv::{Layout, Tlv, Tlvs};
use crate::reader::Reader;

/// A service SID (RFC 9252 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 9252 section 3.1 has these fields")]
pub struct Srv6Sid {
    /// The SID; where bits of it are in the label, they are 0 here.
    pub sid: Ipv6Addr,
    /// The flags octet.
    pub flags: u8,
    /// The endpoint behaviour (RFC 8986 section 10.2).
    pub behavior: u16,
    /// How the SID is cut.
    pub structure: Option<SidStructure>,
}

/// How a SID is cut, in bits (RFC 9252 section 3.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 9252 section 3.2.1 has these fields")]
pub struct SidStructure {
    /// Locator block.
    pub block: u8,
    /// Locator node.
    pub node: u8,
    /// Function.
    pub function: u8,
    /// Argument.
    pub argument: u8,
    /// Bits that stand in the label instead.
    pub transposed: u8,
    /// Where those would stand in the SID.
    pub transposed_at: u8,
}

impl SidStructure {
    /// Whether the parts fit into a SID, and the bits in the label into a label (RFC 9252 section 3.2.1). A SID with a
    /// structure that does not is no valid SID, but no error of the attribute.
    ///
    /// ```
    /// use bgp_wire::attr::prefix_sid::SidStructure;
    /// let cut = SidStructure { block: 32, node: 16, function: 16, argument: 0, transposed: 16, transposed_at: 48 };
    /// assert!(cut.is_valid(20));
    /// assert!(!SidStructure { node: 96, ..cut }.is_valid(20));
    /// ```
    #[must_use]
    pub fn is_valid(&self, label_bits: u8) -> bool {
        let parts = [self.block, self.node, self.function, self.argument];
        let total: u16 = parts.into_iter().map(u16::from).sum();
        total <= 128
            && self.transposed <= label_bits
            && if self.transposed == 0 {
                self.transposed_at == 0
            } else {
                u16::from(self.transposed_at) + u16::from(self.transposed) <= total
            }
    }
}

/// An infallible iterator over the SIDs of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Srv6Sids<'a>(Tlvs<'a>);

impl<'a> Srv6Sids<'a> {
    pub(super) fn new(value: &'a [u8]) -> Srv6Sids<'a> {
        Srv6Sids(Tlvs::new(Layout::Short, value.get(1..).unwrap_or_default()))
    }

    /// RFC 9252 section 7: whether all lengths are consistent.
    pub(super) fn are_whole(value: &[u8]) -> bool {
        !value.is_empty()
            && Srv6Sids::new(value).0.all_whole(|sub| {
                sub.ty != SID_INFORMATION
                    || sub.value.get(SID_LEN..).is_some_and(|rest| Tlvs::new(Layout::Short, rest).all_whole(|_| true))
            })
    }
}

impl Iterator for Srv6Sids<'_> {
    type Item = Srv6Sid;

    fn next(&mut self) -> Option<Srv6Sid> {
        let sub = self.0.by_ref().find(|sub| sub.ty == SID_INFORMATION)?;
        read(sub.value)
    }
}

impl FusedIterator for Srv6Sids<'_> {}

fn read(value: &[u8]) -> Option<Srv6Sid> {
    let mut reader = Reader::new(value);
    reader.u8()?;
    let sid = Ipv6Addr::from(reader.array::<16>()?);
    let (flags, behavior) = (reader.u8()?, reader.u16()?);
    reader.u8()?;
    let structure = Tlvs::new(Layout::Short, reader.rest()).find_map(|Tlv { ty, value }| match (ty, value) {
        (SID_STRUCTURE, [block, node, function, argument, transposed, transposed_at]) => Some(SidStructure {
            block: *block,
            node: *node,
            function: *function,
            argument: *argument,
            transposed: *transposed,
            transposed_at: *transposed_at,
        }),
        _ => None,
    });
    Some(Srv6Sid { sid, flags, behavior, structure })
}

/// Appends the service with these SIDs.
#[cfg(feature = "alloc")]
pub(super) fn write(sids: &[Srv6Sid], out: &mut alloc::vec::Vec<u8>) {
    use crate::attr::tlv::write;
    out.push(0);
    for Srv6Sid { sid, flags, behavior, structure } in sids {
        let mut value = alloc::vec![0];
        value.extend(sid.octets());
        value.push(*flags);
        value.extend(behavior.to_be_bytes());
        value.push(0);
        if let Some(cut) = structure {
            let cut = [cut.block, cut.node, cut.function, cut.argument, cut.transposed, cut.transposed_at];
            write(Layout::Short, SID_STRUCTURE, &cut, &mut value);
        }
        write(Layout::Short, SID_INFORMATION, &value, out);
    }
}

const SID_INFORMATION: u16 = 1;
const SID_STRUCTURE: u16 = 1;
/// Reserved (1 octet), SID (16), flags (1), behaviour (2), reserved (1).
const SID_LEN: usize = 21;

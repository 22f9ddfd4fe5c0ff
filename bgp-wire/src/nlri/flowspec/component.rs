//! Components of a flow specification (RFC 8955 section 4.2, RFC 8956 section 3): type (1 octet) and what matches.

use core::iter::FusedIterator;

use ipnet::IpNet;

use super::ComponentType;
use crate::prefix;
use crate::reader::Reader;

/// A component: what it looks at and what matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Component<'m> {
    /// What it looks at.
    pub ty: ComponentType,
    /// What matches.
    pub matches: Match<'m>,
    /// The octets behind the type.
    pub(super) octets: &'m [u8],
}

/// What a component matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Match<'m> {
    /// Addresses whose bits from `offset` up to the prefix length are those of the prefix.
    Prefix {
        /// The prefix; its bits before the offset are 0.
        prefix: IpNet,
        /// How many bits in front do not count; 0 in IPv4.
        offset: u8,
    },
    /// Numbers.
    Numeric(Operations<'m>),
    /// Bits.
    Bitmask(Operations<'m>),
}

/// The components of a flow specification, in the order of their types.
#[derive(Debug, Clone)]
pub struct Components<'m> {
    rest: &'m [u8],
    ipv6: bool,
    /// The type before the next one.
    last: u8,
}

impl<'m> Components<'m> {
    pub(super) fn new(octets: &'m [u8], ipv6: bool) -> Components<'m> {
        Components { rest: octets, ipv6, last: 0 }
    }

    /// Whether all octets were read: the iterator ends before one that is malformed.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'m> Iterator for Components<'m> {
    type Item = Component<'m>;

    fn next(&mut self) -> Option<Component<'m>> {
        let (ty, octets) = self.rest.split_first()?;
        // RFC 8955 section 4.2: in ascending order, each at most once.
        if *ty <= self.last {
            return None;
        }
        let mut reader = Reader::new(octets);
        let matches = read(ComponentType(*ty), self.ipv6, &mut reader)?;
        (self.rest, self.last) = (reader.rest(), *ty);
        let octets = octets.get(..octets.len() - reader.len()).unwrap_or_default();
        Some(Component { ty: ComponentType(*ty), matches, octets })
    }
}

impl FusedIterator for Components<'_> {}

/// What a component matches; `None`: malformed.
fn read<'m>(ty: ComponentType, ipv6: bool, reader: &mut Reader<'m>) -> Option<Match<'m>> {
    // The widest values of a type, as a power of 2.
    let (bitmask, widest) = match ty {
        ComponentType::DESTINATION | ComponentType::SOURCE if ipv6 => return ipv6_pattern(reader),
        ComponentType::DESTINATION | ComponentType::SOURCE => return ipv4_prefix(reader),
        // RFC 8955 sections 4.2.2.9, 4.2.2.11 and 4.2.2.12.
        ComponentType::TCP_FLAGS => (true, 1),
        ComponentType::FRAGMENT => (true, 0),
        ComponentType::DSCP => (false, 0),
        ComponentType::PROTOCOL
        | ComponentType::PORT
        | ComponentType::DESTINATION_PORT
        | ComponentType::SOURCE_PORT
        | ComponentType::ICMP_TYPE
        | ComponentType::ICMP_CODE
        | ComponentType::LENGTH => (false, 3),
        ComponentType::FLOW_LABEL if ipv6 => (false, 3),
        _ => return None,
    };
    let start = reader.rest();
    loop {
        let operator = reader.u8()?;
        let width = operator >> 4 & 3;
        if width > widest {
            return None;
        }
        reader.take(1 << width)?;
        if operator & END != 0 {
            break;
        }
    }
    let octets = start.get(..start.len() - reader.len())?;
    let operations = Operations { rest: octets, first: true };
    Some(if bitmask { Match::Bitmask(operations) } else { Match::Numeric(operations) })
}

fn ipv4_prefix<'m>(reader: &mut Reader<'m>) -> Option<Match<'m>> {
    let bits = reader.u8()?;
    let prefix = prefix::v4_of_bits(bits, reader.take(usize::from(bits.div_ceil(8)))?)?;
    Some(Match::Prefix { prefix, offset: 0 })
}

/// RFC 8956 section 3.1: length and offset in bits, and the bits between them.
fn ipv6_pattern<'m>(reader: &mut Reader<'m>) -> Option<Match<'m>> {
    let (length, offset) = (reader.u8()?, reader.u8()?);
    let bits = length.checked_sub(offset)?;
    if length > 128 || (bits == 0 && length != 0) {
        return None;
    }
    let IpNet::V6(pattern) = prefix::v6_of_bits(bits, reader.take(usize::from(bits.div_ceil(8)))?)? else {
        return None;
    };
    let address = u128::from(pattern.network()).unbounded_shr(offset.into());
    let prefix = ipnet::Ipv6Net::new(address.into(), length).ok()?.into();
    Some(Match::Prefix { prefix, offset })
}

impl Component<'_> {
    /// Appends the octets in canonical form: what means nothing is 0.
    #[cfg(feature = "alloc")]
    pub(super) fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        out.push(self.ty.0);
        match &self.matches {
            Match::Prefix { prefix: prefix @ IpNet::V4(_), .. } => {
                out.push(prefix.prefix_len());
                prefix::write_bits(prefix, out);
            }
            Match::Prefix { prefix: IpNet::V6(net), offset } => {
                out.extend_from_slice(&[net.prefix_len(), *offset]);
                let pattern = u128::from(net.network()).unbounded_shl((*offset).into());
                let len = usize::from(net.prefix_len().saturating_sub(*offset).div_ceil(8));
                out.extend(pattern.to_be_bytes().iter().take(len));
            }
            Match::Numeric(operations) => encode_all(*operations, 7, out),
            Match::Bitmask(operations) => encode_all(*operations, 3, out),
        }
    }
}

/// With the bits of operators that mean something.
#[cfg(feature = "alloc")]
fn encode_all(mut operations: Operations<'_>, mask: u8, out: &mut alloc::vec::Vec<u8>) {
    while let Some(operation) = operations.next() {
        let operation = Operation { operator: operation.operator & mask, ..operation };
        operation.encode(operations.is_empty(), out);
    }
}

/// One comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub struct Operation {
    /// Whether it and the one before must both match; otherwise one of the two.
    pub and: bool,
    /// How it compares. Numbers: 4 is less than, 2 greater than, 1 equal, and sums of these. Bits: 2 is not, 1 all of
    /// them, and their sum.
    pub operator: u8,
    /// What it compares with.
    pub value: u64,
    /// Octets of the value: 1, 2, 4 or 8.
    pub width: u8,
}

impl Operation {
    /// In as few octets as hold the value.
    #[must_use]
    pub fn new(and: bool, operator: u8, value: u64) -> Operation {
        let width = match value {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        };
        Operation { and, operator: operator & 7, value, width }
    }

    /// Appends the octets.
    #[cfg(feature = "alloc")]
    pub(super) fn encode(self, last: bool, out: &mut alloc::vec::Vec<u8>) {
        let (code, width) = match self.width {
            ..=1 => (0, 1),
            2 => (1, 2),
            3 | 4 => (2, 4),
            _ => (3, 8),
        };
        let (end, and) = (if last { END } else { 0 }, if self.and { AND } else { 0 });
        out.push(end | and | code << 4 | self.operator & 7);
        let octets = self.value.to_be_bytes();
        out.extend(octets.iter().skip(octets.len() - width));
    }
}

/// The comparisons of a component: a list of alternatives, each of which is a list of what must match together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operations<'m> {
    rest: &'m [u8],
    first: bool,
}

impl Operations<'_> {
    /// Whether none is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Iterator for Operations<'_> {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let mut reader = Reader::new(self.rest);
        let operator = reader.u8()?;
        let width = 1 << (operator >> 4 & 3);
        let value = reader.take(width)?.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
        // RFC 8955 section 4.2.1.1: the first one has none to go together with.
        let and = operator & AND != 0 && !self.first;
        (self.rest, self.first) = (reader.rest(), false);
        Some(Operation { and, operator: operator & 7, value, width: u8::try_from(width).unwrap_or(8) })
    }
}

impl FusedIterator for Operations<'_> {}

/// The last comparison of a list.
const END: u8 = 0x80;
/// Together with the one before.
const AND: u8 = 0x40;

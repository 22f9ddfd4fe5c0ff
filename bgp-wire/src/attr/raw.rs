//! One path attribute as octets (RFC 4271 section 4.3): flags (1 octet), type (1), length (1 or 2), value.

use core::iter::FusedIterator;

use crate::attr::AttrSet;
#[cfg(feature = "alloc")]
use crate::reader::to_u16;
use crate::{AttrFlags, AttrType};

/// One path attribute as it stands in the octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawAttr<'a> {
    /// The flags octet, low bits included.
    pub flags: AttrFlags,
    /// The type.
    pub ty: AttrType,
    /// The value.
    pub value: &'a [u8],
}

impl RawAttr<'_> {
    /// Whether the length field has two octets.
    pub(super) fn is_extended(&self) -> bool {
        self.flags.0 & AttrFlags::EXTENDED_LENGTH.0 != 0
    }

    /// The flags of the canonical form, without the Extended Length bit: Partial means something only on optional
    /// transitive attributes (RFC 4271 section 4.3).
    pub(crate) fn canonical_flags(&self) -> u8 {
        let known = self.flags.0 & (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0;
        let partial = if known == (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0 {
            self.flags.0 & AttrFlags::PARTIAL.0
        } else {
            0
        };
        known | partial
    }

    /// Whether it stands here as a canonical block has it.
    pub(super) fn is_canonical(&self) -> bool {
        let extended = if self.value.len() > 255 { AttrFlags::EXTENDED_LENGTH.0 } else { 0 };
        self.flags.0 == self.canonical_flags() | extended && !ELSEWHERE.contains(self.ty)
    }
}

/// An infallible iterator over the attributes of a block.
#[derive(Debug, Clone)]
pub struct RawAttrs<'a> {
    octets: &'a [u8],
    /// Those that are still to come.
    left: AttrSet,
}

impl<'a> RawAttrs<'a> {
    /// The first of each type in `wanted`.
    pub(super) fn new(octets: &'a [u8], wanted: AttrSet) -> RawAttrs<'a> {
        RawAttrs { octets, left: wanted }
    }

    /// All attributes of a canonical block.
    pub(crate) fn all(block: &'a [u8]) -> RawAttrs<'a> {
        RawAttrs { octets: block, left: AttrSet::EMPTY.complement() }
    }
}

impl<'a> Iterator for RawAttrs<'a> {
    type Item = RawAttr<'a>;

    fn next(&mut self) -> Option<RawAttr<'a>> {
        loop {
            let (raw, len) = split(self.octets)?;
            self.octets = self.octets.get(len..).unwrap_or_default();
            if self.left.contains(raw.ty) {
                self.left.remove(raw.ty);
                return Some(raw);
            }
        }
    }
}

impl FusedIterator for RawAttrs<'_> {}

/// The attribute in front of `octets` and its length: flags (1 octet), type (1), length (1 or 2), value.
#[inline]
pub(crate) fn split(octets: &[u8]) -> Option<(RawAttr<'_>, usize)> {
    let ([flags, ty, short], rest) = octets.split_first_chunk::<3>()?;
    let (head, len, rest) = if flags & AttrFlags::EXTENDED_LENGTH.0 == 0 {
        (3, usize::from(*short), rest)
    } else {
        let (low, rest) = rest.split_first()?;
        (4, usize::from(u16::from_be_bytes([*short, *low])), rest)
    };
    let value = rest.get(..len)?;
    Some((RawAttr { flags: AttrFlags(*flags), ty: AttrType(*ty), value }, head + len))
}

/// Appends an attribute with a length field of minimal size; `flags` is without the Extended Length bit.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn write_attr(flags: u8, ty: AttrType, value: &[u8], out: &mut alloc::vec::Vec<u8>) {
    write_head(flags, ty, value.len(), out);
    out.extend_from_slice(value);
}

/// Appends flags, type and length of an attribute whose value has `len` octets.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn write_head(flags: u8, ty: AttrType, len: usize, out: &mut alloc::vec::Vec<u8>) {
    match u8::try_from(len) {
        Ok(len) => out.extend_from_slice(&[flags, ty.0, len]),
        Err(_) => {
            let [high, low] = to_u16(len).to_be_bytes();
            out.extend_from_slice(&[flags | AttrFlags::EXTENDED_LENGTH.0, ty.0, high, low]);
        }
    }
}

/// The same with a value that `write` appends.
#[cfg(feature = "alloc")]
pub(crate) fn write_attr_with(
    flags: u8,
    ty: AttrType,
    out: &mut alloc::vec::Vec<u8>,
    write: impl FnOnce(&mut alloc::vec::Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[flags, ty.0, 0]);
    write(out);
    let len = out.len() - start - 3;
    if len > usize::from(u8::MAX) {
        out.insert(start + 3, 0);
    }
    let Some(head) = out.get_mut(start..) else { return };
    match (u8::try_from(len), head) {
        (Ok(len), [_, _, short, ..]) => *short = len,
        (Err(_), [flags, _, high, low, ..]) => {
            *flags |= AttrFlags::EXTENDED_LENGTH.0;
            [*high, *low] = to_u16(len).to_be_bytes();
        }
        _ => {}
    }
}

/// Attributes that no canonical block has: those that say what is reachable, and those that are merged into others.
pub(crate) const ELSEWHERE: AttrSet = AttrSet::EMPTY
    .with(AttrType::NEXT_HOP)
    .with(AttrType::MP_REACH_NLRI)
    .with(AttrType::MP_UNREACH_NLRI)
    .with(AttrType::AS4_PATH)
    .with(AttrType::AS4_AGGREGATOR);

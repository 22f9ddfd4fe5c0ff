//! Lists of type, length and value, as the attributes that grow carry them.

use core::iter::FusedIterator;

use crate::reader::Reader;

/// A value with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a type and a value")]
pub struct Tlv<'a> {
    /// The type; of one octet in most attributes.
    pub ty: u16,
    /// The value, not looked at.
    pub value: &'a [u8],
}

/// How type and length are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Layout {
    /// Type 1 octet, length 2 octets, that of the value.
    Short,
    /// Type 1 octet, length 2 octets, that of type, length and value (RFC 7311 section 3).
    Whole,
    /// Type 2 octets, length 2 octets, that of the value.
    Long,
    /// Type 1 octet, length of the value in 1 octet below type 128 and in 2 from there on (RFC 9012 section 2).
    Sub,
}

/// An infallible iterator over the values of a list, in its order.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes};
///
/// let block = AttrBuilder::new().aigp_metric(7).build()?;
/// let aigp = Attributes::from_canonical(&block)?.aigp().unwrap_or_default();
/// assert!(aigp.tlvs().map(|tlv| (tlv.ty, tlv.value.len())).eq([(1, 8)]));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tlvs<'a> {
    rest: Reader<'a>,
    layout: Layout,
}

impl<'a> Tlvs<'a> {
    pub(crate) const fn new(layout: Layout, octets: &'a [u8]) -> Tlvs<'a> {
        Tlvs { rest: Reader::new(octets), layout }
    }

    /// The octets that are still to come.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.rest.rest()
    }

    /// The first value of that type.
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes};
    ///
    /// let block = AttrBuilder::new().aigp_metric(7).build()?;
    /// let tlvs = Attributes::from_canonical(&block)?.aigp().unwrap_or_default().tlvs();
    /// assert_eq!(tlvs.find(1), Some(&[0, 0, 0, 0, 0, 0, 0, 7][..]));
    /// assert_eq!(tlvs.find(2), None);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn find(mut self, ty: u16) -> Option<&'a [u8]> {
        Iterator::find(&mut self, |tlv| tlv.ty == ty).map(|tlv| tlv.value)
    }

    /// Whether every value is right and the last one ends where the octets do.
    pub(crate) fn all_whole(mut self, right: impl Fn(Tlv<'a>) -> bool) -> bool {
        self.by_ref().all(right) && self.rest.is_empty()
    }

    /// The type that stands in front, of a value that need not be whole.
    pub(crate) fn next_type(&self) -> Option<u16> {
        let mut ahead = self.rest;
        if self.layout == Layout::Long { ahead.u16() } else { ahead.u8().map(u16::from) }
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let mut ahead = self.rest;
        let (ty, value) = match self.layout {
            Layout::Long => (ahead.u16()?, ahead.prefixed_u16()?),
            Layout::Short => (u16::from(ahead.u8()?), ahead.prefixed_u16()?),
            Layout::Whole => {
                let (ty, len) = (ahead.u8()?, ahead.u16()?);
                (u16::from(ty), ahead.take(usize::from(len).checked_sub(3)?)?)
            }
            Layout::Sub => {
                let ty = u16::from(ahead.u8()?);
                (ty, if ty < LONG_SUB { ahead.prefixed_u8()? } else { ahead.prefixed_u16()? })
            }
        };
        self.rest = ahead;
        Some(Tlv { ty, value })
    }
}

impl FusedIterator for Tlvs<'_> {}

/// Appends a value with its type and length. What a length field cannot count is cut off.
#[cfg(feature = "alloc")]
pub(crate) fn write(layout: Layout, ty: u16, value: &[u8], out: &mut alloc::vec::Vec<u8>) {
    let [high, low] = ty.to_be_bytes();
    let most = match layout {
        Layout::Sub if ty < LONG_SUB => usize::from(u8::MAX),
        Layout::Whole => usize::from(u16::MAX) - 3,
        _ => usize::from(u16::MAX),
    };
    let value = value.get(..most).unwrap_or(value);
    let len = crate::reader::to_u16(value.len());
    let [len_high, len_low] = if layout == Layout::Whole { len + 3 } else { len }.to_be_bytes();
    match layout {
        Layout::Long => out.extend_from_slice(&[high, low, len_high, len_low]),
        Layout::Sub if ty < LONG_SUB => out.extend_from_slice(&[low, len_low]),
        _ => out.extend_from_slice(&[low, len_high, len_low]),
    }
    out.extend_from_slice(value);
}

/// The text of a value without a name: `tlv:TYPE:0xHEX`.
#[cfg(feature = "alloc")]
pub(crate) fn write_text(ty: u16, value: &[u8], f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    write!(f, "tlv:{ty}:0x")?;
    value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

/// The inverse of [`write_text`], without the `tlv:`.
#[cfg(feature = "alloc")]
pub(crate) fn parse_text(text: &str) -> Option<(u16, alloc::vec::Vec<u8>)> {
    let (ty, value) = text.split_once(':')?;
    Some((ty.parse().ok()?, octets(value)?))
}

/// Octets in hexadecimal behind `0x`.
#[cfg(feature = "alloc")]
pub(crate) fn octets(text: &str) -> Option<alloc::vec::Vec<u8>> {
    let (pairs, []) = text.strip_prefix("0x")?.as_bytes().as_chunks::<2>() else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}

/// A number in hexadecimal behind `0x`.
#[cfg(feature = "alloc")]
pub(crate) fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Writes `items` with a blank between them.
#[cfg(feature = "alloc")]
pub(crate) fn write_joined<T: core::fmt::Display>(
    items: impl IntoIterator<Item = T>,
    separator: char,
    f: &mut core::fmt::Formatter<'_>,
) -> core::fmt::Result {
    for (place, item) in items.into_iter().enumerate() {
        if place != 0 {
            core::fmt::Write::write_char(f, separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// From here on a sub-TLV has a length of 2 octets.
const LONG_SUB: u16 = 128;

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const LAYOUTS: [Layout; 4] = [Layout::Short, Layout::Whole, Layout::Long, Layout::Sub];

    #[test]
    fn what_is_written_is_read_in_every_layout() {
        for layout in LAYOUTS {
            for (ty, len) in [(0, 0), (1, 1), (127, 255), (128, 300), (255, 65_532)] {
                let (mut out, value) = (Vec::new(), alloc::vec![7; len]);
                write(layout, ty, &value, &mut out);
                write(layout, 9, &[], &mut out);
                let tlvs = Tlvs::new(layout, &out);
                assert!(tlvs.eq([Tlv { ty, value: &value }, Tlv { ty: 9, value: &[] }]), "{layout:?} {ty}");
                assert!(tlvs.all_whole(|_| true));
                out.pop();
                assert!(!Tlvs::new(layout, &out).all_whole(|_| true));
            }
        }
    }

    #[test]
    fn a_length_below_that_of_its_own_header_ends_the_list() {
        for len in 0..3 {
            assert_eq!(Tlvs::new(Layout::Whole, &[1, 0, len]).next(), None);
        }
    }
}

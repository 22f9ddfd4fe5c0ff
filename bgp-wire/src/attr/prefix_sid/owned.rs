//! The values of a BGP Prefix-SID, their text, and the builder.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::{LABEL_INDEX, ORIGINATOR_SRGB, PrefixSid, SRV6_L2, SRV6_L3, SidStructure, Srv6Sid, Srv6Sids, srv6};
use crate::attr::tlv::{Layout, Tlv, hexadecimal, parse_text, write, write_joined, write_text};
use crate::attr::AttrBuilder;
use crate::reader::{u16_at, u32_at};
use crate::registry::text_form;
use crate::{AttrType, ParseError};

/// A part of a BGP Prefix-SID.
///
/// Text is `label-index:7`, `srgb:16000+8000,24000+100`, `srv6-l3:SID/BEHAVIOR/FLAGS[/CUT];..` (and `srv6-l2`) where CUT is
/// the six numbers of [`SidStructure`] with `-` between them, or `tlv:TYPE:0xHEX`. Flags that are not 0 stand behind the
/// first two as `/0xFLAGS`.
///
/// ```
/// use bgp_wire::attr::prefix_sid::PrefixSidTlv;
///
/// let service: PrefixSidTlv = "srv6-l3:2001:db8:0:1::/19/0x00/32-16-16-0-16-48".parse()?;
/// assert_eq!(service.to_string(), "srv6-l3:2001:db8:0:1::/19/0x00/32-16-16-0-16-48");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum PrefixSidTlv {
    /// The index into the SRGB (RFC 8669 section 3.1).
    LabelIndex {
        /// The flags field.
        flags: u16,
        /// The index.
        index: u32,
    },
    /// The blocks of labels of the originator (RFC 8669 section 3.2).
    OriginatorSrgb {
        /// The flags field.
        flags: u16,
        /// First label and size, 24 bits each.
        ranges: Vec<(u32, u32)>,
    },
    /// The SIDs of a layer 3 service (RFC 9252 section 2).
    Srv6L3(Vec<Srv6Sid>),
    /// The SIDs of a layer 2 service (RFC 9252 section 2).
    Srv6L2(Vec<Srv6Sid>),
    /// Any other type, and a known one in a form that the variants above do not have.
    Unknown {
        /// The type.
        ty: u8,
        /// The value.
        value: Vec<u8>,
    },
}

impl PrefixSidTlv {
    fn ty(&self) -> u16 {
        match self {
            PrefixSidTlv::LabelIndex { .. } => LABEL_INDEX,
            PrefixSidTlv::OriginatorSrgb { .. } => ORIGINATOR_SRGB,
            PrefixSidTlv::Srv6L3(_) => SRV6_L3,
            PrefixSidTlv::Srv6L2(_) => SRV6_L2,
            PrefixSidTlv::Unknown { ty, .. } => u16::from(*ty),
        }
    }

    fn value(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            PrefixSidTlv::LabelIndex { flags, index } => {
                out.push(0);
                out.extend(flags.to_be_bytes());
                out.extend(index.to_be_bytes());
            }
            PrefixSidTlv::OriginatorSrgb { flags, ranges } => {
                out.extend(flags.to_be_bytes());
                for number in ranges.iter().flat_map(|(first, size)| [first, size]) {
                    let [_, a, b, c] = number.to_be_bytes();
                    out.extend([a, b, c]);
                }
            }
            PrefixSidTlv::Srv6L3(sids) | PrefixSidTlv::Srv6L2(sids) => srv6::write(sids, &mut out),
            PrefixSidTlv::Unknown { value, .. } => out.extend(value),
        }
        out
    }
}

impl From<Tlv<'_>> for PrefixSidTlv {
    fn from(Tlv { ty, value }: Tlv<'_>) -> PrefixSidTlv {
        let typed = match ty {
            LABEL_INDEX => u16_at(value, 1)
                .zip(u32_at(value, 3))
                .map(|(flags, index)| PrefixSidTlv::LabelIndex { flags, index }),
            ORIGINATOR_SRGB => u16_at(value, 0).map(|flags| {
                let mut one = Vec::new();
                write(Layout::Short, ty, value, &mut one);
                PrefixSidTlv::OriginatorSrgb { flags, ranges: PrefixSid(&one).originator_srgb().collect() }
            }),
            SRV6_L3 => Some(PrefixSidTlv::Srv6L3(Srv6Sids::new(value).collect())),
            SRV6_L2 => Some(PrefixSidTlv::Srv6L2(Srv6Sids::new(value).collect())),
            _ => None,
        };
        // Whatever the variants cannot say is kept as octets.
        typed
            .filter(|typed| typed.value() == value)
            .unwrap_or_else(|| PrefixSidTlv::Unknown { ty: ty.to_be_bytes()[1], value: value.into() })
    }
}

impl fmt::Display for PrefixSidTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrefixSidTlv::LabelIndex { flags, index } => {
                write!(f, "label-index:{index}")?;
                write_flags(*flags, f)
            }
            PrefixSidTlv::OriginatorSrgb { flags, ranges } => {
                f.write_str("srgb:")?;
                write_joined(ranges.iter().map(|(first, size)| alloc::format!("{first}+{size}")), ',', f)?;
                write_flags(*flags, f)
            }
            PrefixSidTlv::Srv6L3(sids) => {
                f.write_str("srv6-l3:")?;
                write_joined(sids, ';', f)
            }
            PrefixSidTlv::Srv6L2(sids) => {
                f.write_str("srv6-l2:")?;
                write_joined(sids, ';', f)
            }
            PrefixSidTlv::Unknown { ty, value } => write_text(u16::from(*ty), value, f),
        }
    }
}

impl FromStr for PrefixSidTlv {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<PrefixSidTlv, ParseError> {
        let read = || match text.split_once(':')? {
            ("label-index", rest) => {
                let (index, flags) = read_flags(rest)?;
                Some(PrefixSidTlv::LabelIndex { flags, index: index.parse().ok()? })
            }
            ("srgb", rest) => {
                let (ranges, flags) = read_flags(rest)?;
                let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number < 1 << 24);
                let ranges = ranges.split(',').filter(|range| !range.is_empty()).map(|range| {
                    let (first, size) = range.split_once('+')?;
                    Some((number(first)?, number(size)?))
                });
                Some(PrefixSidTlv::OriginatorSrgb { flags, ranges: ranges.collect::<Option<_>>()? })
            }
            ("srv6-l3", sids) => read_sids(sids).map(PrefixSidTlv::Srv6L3),
            ("srv6-l2", sids) => read_sids(sids).map(PrefixSidTlv::Srv6L2),
            ("tlv", rest) => {
                let (ty, value) = parse_text(rest)?;
                Some(PrefixSidTlv::Unknown { ty: u8::try_from(ty).ok()?, value })
            }
            _ => None,
        };
        read().ok_or(ParseError::new("prefix sid value"))
    }
}

text_form!(PrefixSidTlv);

impl fmt::Display for Srv6Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{:#04x}", self.sid, self.behavior, self.flags)?;
        if let Some(SidStructure { block, node, function, argument, transposed, transposed_at }) = self.structure {
            write!(f, "/{block}-{node}-{function}-{argument}-{transposed}-{transposed_at}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PrefixSid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(self.tlvs().map(PrefixSidTlv::from), ' ', f)
    }
}

impl AttrBuilder {
    /// BGP Prefix-SID.
    pub fn prefix_sid(self, tlvs: &[PrefixSidTlv]) -> AttrBuilder {
        let mut octets = Vec::new();
        tlvs.iter().for_each(|tlv| write(Layout::Short, tlv.ty(), &tlv.value(), &mut octets));
        self.with(AttrType::PREFIX_SID, octets)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for PrefixSid<'_> {
    type Form = Vec<PrefixSidTlv>;

    fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Self::Form> {
        Some(attributes.prefix_sid()?.tlvs().map(PrefixSidTlv::from).collect())
    }

    fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
        builder.prefix_sid(&form)
    }
}

fn write_flags(flags: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if flags == 0 { Ok(()) } else { write!(f, "/{flags:#06x}") }
}

fn read_flags(text: &str) -> Option<(&str, u16)> {
    match text.split_once('/') {
        None => Some((text, 0)),
        Some((rest, flags)) => Some((rest, u16::try_from(hexadecimal(flags)?).ok()?)),
    }
}

fn read_sids(text: &str) -> Option<Vec<Srv6Sid>> {
    text.split(';').filter(|sid| !sid.is_empty()).map(read_sid).collect()
}

fn read_sid(text: &str) -> Option<Srv6Sid> {
    let mut parts = text.split('/');
    let (sid, behavior) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let flags = u8::try_from(hexadecimal(parts.next()?)?).ok()?;
    let structure = match parts.next() {
        None => None,
        Some(cut) => {
            let mut numbers = cut.split('-').map(|number| number.parse::<u8>().ok());
            let mut next = || numbers.next().flatten();
            let cut = SidStructure {
                block: next()?,
                node: next()?,
                function: next()?,
                argument: next()?,
                transposed: next()?,
                transposed_at: next()?,
            };
            numbers.next().is_none().then_some(cut).map(Some)?
        }
    };
    parts.next().is_none().then_some(Srv6Sid { sid, flags, behavior, structure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc8669_3_text_is_read_back() {
        for text in [
            "label-index:4294967295",
            "label-index:7/0x8001",
            "srgb:16000+8000",
            "srgb:16777215+0,1+2/0x0001",
            "srv6-l3:2001:db8::/19/0x00",
            "srv6-l2:2001:db8::1/65535/0xff/32-16-16-0-16-48;::/0/0x00",
            "srv6-l3:",
            "tlv:4:0x00ff",
            "tlv:255:0x",
        ] {
            let tlv: PrefixSidTlv = text.parse().unwrap();
            assert_eq!(tlv.to_string(), text);
            let value = tlv.value();
            assert_eq!(PrefixSidTlv::from(Tlv { ty: tlv.ty(), value: &value }), tlv);
        }
        for text in ["", "label-index:", "srgb:16777216+1", "srv6-l3:::/1", "srv6-l3:::/1/0x00/1-2-3-4-5", "tlv:256:0x", "x:1"] {
            assert_eq!(text.parse::<PrefixSidTlv>(), Err(ParseError::new("prefix sid value")), "{text}");
        }
    }

    #[test]
    fn rfc9252_2_what_the_variants_cannot_say_is_kept() {
        // A reserved octet that is not 0.
        let tlv = PrefixSidTlv::from(Tlv { ty: 5, value: &[1] });
        assert_eq!(tlv, PrefixSidTlv::Unknown { ty: 5, value: [1].into() });
    }
}

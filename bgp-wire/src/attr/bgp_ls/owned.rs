//! The values of the BGP-LS attribute, their text by a table, and the builder.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::{self, FromStr};

use super::{BgpLs, address};
use crate::attr::tlv::{Layout, Tlv, octets, parse_text, write, write_joined, write_text};
use crate::attr::AttrBuilder;
use crate::registry::text_form;
use crate::{AttrType, ParseError};

/// A value of the BGP-LS attribute with its type.
///
/// Text is the name of the type and what the value says: `node-name:core 1`, `igp-metric:10`, `max-bandwidth:1250000000`
/// (octets per second), `srlg:1,2`; a type without a name, and a value of another form than its type has, is
/// `tlv:TYPE:0xHEX`.
///
/// ```
/// use bgp_wire::attr::bgp_ls::LsTlv;
///
/// let tlv: LsTlv = "te-metric:100".parse()?;
/// assert_eq!((tlv.ty, tlv.value.as_slice()), (1092, &[0, 0, 0, 100][..]));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "a type and a value")]
pub struct LsTlv {
    /// The type.
    pub ty: u16,
    /// The octets.
    pub value: Vec<u8>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// UTF-8.
    Name,
    /// One number of so many octets, in decimal.
    Number(usize),
    /// One number of so many octets, in hexadecimal.
    Bits(usize),
    /// A number of 1 octet (`9/1`), 2 (`9/2`) or 3 (`9`).
    Metric,
    /// An address of either kind.
    Address,
    /// Numbers of 4 octets.
    Numbers,
    /// IEEE 754 numbers of 4 octets.
    Floats,
    /// Hexadecimal octets.
    Octets,
}

impl LsTlv {
    fn row(&self) -> Option<&'static (u16, &'static str, Form)> {
        TABLE.iter().find(|(ty, _, _)| *ty == self.ty)
    }
}

impl From<Tlv<'_>> for LsTlv {
    fn from(tlv: Tlv<'_>) -> LsTlv {
        LsTlv { ty: tlv.ty, value: tlv.value.into() }
    }
}

impl Form {
    /// The text of a value; `None`: it does not have this form.
    fn text(self, value: &[u8]) -> Option<alloc::string::String> {
        let words = || {
            let (words, rest) = value.as_chunks::<4>();
            (rest.is_empty() && !words.is_empty()).then(|| words.iter().map(|octets| u32::from_be_bytes(*octets)))
        };
        let number = || value.iter().fold(0, |number: u64, octet| number << 8 | u64::from(*octet));
        Some(match self {
            Form::Name => str::from_utf8(value).ok()?.into(),
            Form::Number(len) if value.len() == len => number().to_string(),
            Form::Bits(len) if value.len() == len => alloc::format!("{:#0width$x}", number(), width = 2 + 2 * len),
            Form::Metric if value.len() == 3 => number().to_string(),
            Form::Metric if matches!(value.len(), 1 | 2) => alloc::format!("{}/{}", number(), value.len()),
            Form::Address => address(value)?.to_string(),
            Form::Numbers => words()?.map(|number| number.to_string()).collect::<Vec<_>>().join(","),
            Form::Floats => {
                let floats: Vec<f32> = words()?.map(f32::from_bits).collect();
                if floats.iter().any(|float| float.is_nan()) {
                    return None;
                }
                floats.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
            }
            Form::Octets => value.iter().fold("0x".to_string(), |text, octet| alloc::format!("{text}{octet:02x}")),
            Form::Number(_) | Form::Bits(_) | Form::Metric => return None,
        })
    }

    fn value(self, text: &str) -> Option<Vec<u8>> {
        let narrow = |number: u64, len: usize| {
            let octets = number.to_be_bytes();
            let (high, low) = octets.split_at_checked(octets.len().checked_sub(len)?)?;
            high.iter().all(|octet| *octet == 0).then(|| low.to_vec())
        };
        match self {
            Form::Name => Some(text.as_bytes().into()),
            Form::Number(len) => narrow(text.parse().ok()?, len),
            Form::Bits(len) => narrow(u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()?, len),
            Form::Metric => match text.split_once('/') {
                None => narrow(text.parse().ok()?, 3),
                Some((number, "1")) => narrow(number.parse().ok()?, 1),
                Some((number, "2")) => narrow(number.parse().ok()?, 2),
                Some(_) => None,
            },
            Form::Address => Some(match text.parse().ok()? {
                IpAddr::V4(address) => address.octets().into(),
                IpAddr::V6(address) => address.octets().into(),
            }),
            Form::Numbers => {
                let numbers = text.split(',').map(|number| number.parse().ok().map(u32::to_be_bytes));
                numbers.collect::<Option<Vec<_>>>().map(|numbers| numbers.concat())
            }
            Form::Floats => {
                let numbers = text.split(',').map(|number| number.parse().ok().map(f32::to_be_bytes));
                numbers.collect::<Option<Vec<_>>>().map(|numbers| numbers.concat())
            }
            Form::Octets => octets(text),
        }
    }
}

impl fmt::Display for LsTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row().and_then(|(_, name, form)| Some((name, form.text(&self.value)?))) {
            Some((name, text)) => write!(f, "{name}:{text}"),
            None => write_text(self.ty, &self.value, f),
        }
    }
}

impl FromStr for LsTlv {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<LsTlv, ParseError> {
        let read = || {
            let (name, rest) = text.split_once(':')?;
            if name == "tlv" {
                let (ty, value) = parse_text(rest)?;
                return Some(LsTlv { ty, value });
            }
            let (ty, _, form) = TABLE.iter().find(|(_, known, _)| *known == name)?;
            Some(LsTlv { ty: *ty, value: form.value(rest)? })
        };
        read().ok_or(ParseError::new("BGP-LS value"))
    }
}

text_form!(LsTlv);

/// The values with a blank between them.
impl fmt::Display for BgpLs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(self.tlvs().map(LsTlv::from), ' ', f)
    }
}

impl AttrBuilder {
    /// The BGP-LS attribute.
    pub fn bgp_ls(self, tlvs: &[LsTlv]) -> AttrBuilder {
        let mut octets = Vec::new();
        tlvs.iter().for_each(|tlv| write(Layout::Long, tlv.ty, &tlv.value, &mut octets));
        self.with(AttrType::BGP_LS, octets)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for BgpLs<'_> {
    type Form = Vec<LsTlv>;

    fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Self::Form> {
        Some(attributes.bgp_ls()?.tlvs().map(LsTlv::from).collect())
    }

    fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
        builder.bgp_ls(&form)
    }
}

/// The types that have a name: RFC 9552 sections 5.3.1 to 5.3.3, RFC 8571 (performance), RFC 8814 (MSD), RFC 9085 (SR),
/// RFC 9104 (extended groups), RFC 9351 (algorithms), RFC 9514 (SRv6).
const TABLE: &[(u16, &str, Form)] = &[
    (263, "multi-topology", Form::Octets),
    (266, "node-msd", Form::Octets),
    (267, "link-msd", Form::Octets),
    (1024, "node-flags", Form::Bits(1)),
    (1025, "opaque-node", Form::Octets),
    (1026, "node-name", Form::Name),
    (1027, "isis-area", Form::Octets),
    (1028, "router-id-4", Form::Address),
    (1029, "router-id-6", Form::Address),
    (1030, "remote-router-id-4", Form::Address),
    (1031, "remote-router-id-6", Form::Address),
    (1034, "sr-capabilities", Form::Octets),
    (1035, "sr-algorithm", Form::Octets),
    (1036, "sr-local-block", Form::Octets),
    (1038, "srv6-capabilities", Form::Octets),
    (1039, "flexible-algorithm", Form::Octets),
    (1088, "admin-group", Form::Bits(4)),
    (1089, "max-bandwidth", Form::Floats),
    (1090, "max-reservable-bandwidth", Form::Floats),
    (1091, "unreserved-bandwidth", Form::Floats),
    (1092, "te-metric", Form::Number(4)),
    (1093, "link-protection", Form::Bits(2)),
    (1094, "mpls-protocols", Form::Bits(1)),
    (1095, "igp-metric", Form::Metric),
    (1096, "srlg", Form::Numbers),
    (1097, "opaque-link", Form::Octets),
    (1098, "link-name", Form::Name),
    (1099, "adjacency-sid", Form::Octets),
    (1100, "lan-adjacency-sid", Form::Octets),
    (1101, "peer-node-sid", Form::Octets),
    (1102, "peer-adjacency-sid", Form::Octets),
    (1103, "peer-set-sid", Form::Octets),
    (1106, "srv6-end-x-sid", Form::Octets),
    (1114, "delay", Form::Bits(4)),
    (1115, "delay-min-max", Form::Octets),
    (1116, "delay-variation", Form::Number(4)),
    (1117, "loss", Form::Bits(4)),
    (1118, "residual-bandwidth", Form::Floats),
    (1119, "available-bandwidth", Form::Floats),
    (1120, "utilized-bandwidth", Form::Floats),
    (1122, "application-attributes", Form::Octets),
    (1152, "igp-flags", Form::Bits(1)),
    (1153, "route-tags", Form::Numbers),
    (1154, "extended-route-tags", Form::Octets),
    (1155, "prefix-metric", Form::Number(4)),
    (1156, "forwarding-address", Form::Address),
    (1157, "opaque-prefix", Form::Octets),
    (1158, "prefix-sid", Form::Octets),
    (1159, "range", Form::Octets),
    (1162, "srv6-locator", Form::Octets),
    (1170, "prefix-flags", Form::Octets),
    (1171, "source-router-id", Form::Address),
    (1173, "extended-admin-group", Form::Octets),
    (1250, "srv6-endpoint-behavior", Form::Octets),
    (1252, "srv6-sid-structure", Form::Octets),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9552_5_3_the_table_is_in_order_and_its_names_are_unique() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        let mut names: Vec<_> = TABLE.iter().map(|(_, name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    proptest::proptest! {
        #[test]
        fn rfc9552_5_3_text_is_read_back(
            row in 0..TABLE.len() + 1,
            value in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
            len in 0_usize..20,
        ) {
            let ty = TABLE.get(row).map_or(9, |row| row.0);
            let value = value.get(..len).unwrap_or(&value).to_vec();
            let tlv = LsTlv { ty, value };
            proptest::prop_assert_eq!(tlv.to_string().parse(), Ok(tlv));
        }
    }

    #[test]
    fn rfc9552_5_3_values_have_the_text_of_their_kind() {
        for (ty, value, text) in [
            (1026, &b"a b"[..], "node-name:a b"),
            (1026, &[0xff], "tlv:1026:0xff"),
            (1089, &[0x4e, 0x95, 0x02, 0xf9], "max-bandwidth:1250000000"),
            (1095, &[0, 0, 10], "igp-metric:10"),
            (1095, &[10], "igp-metric:10/1"),
            (1096, &[0, 0, 0, 1, 0, 0, 0, 2], "srlg:1,2"),
            (1088, &[0, 0, 0, 3], "admin-group:0x00000003"),
            (1028, &[10, 0, 0, 1], "router-id-4:10.0.0.1"),
            (1092, &[1], "tlv:1092:0x01"),
        ] {
            let tlv = LsTlv { ty, value: value.into() };
            assert_eq!(tlv.to_string(), text);
            assert_eq!(text.parse(), Ok(tlv));
        }
        for text in ["", "igp-metric:16777216", "te-metric:x", "tlv:65536:0x", "srlg:", "x:1"] {
            assert!(text.parse::<LsTlv>().is_err(), "{text}");
        }
    }
}

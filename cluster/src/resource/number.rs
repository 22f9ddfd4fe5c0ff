//! AS numbers and cluster identifiers as resources write them.

use alloc::string::String;
use core::fmt;
use core::net::Ipv4Addr;

use bgp_wire::{Asn, ClusterId};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

use crate::error::{FieldError, Problem};

/// `asNumber`: a number of 32 bits, or text with such a number or with two of 16 bits, `high.low`; written as a number.
pub(super) mod asn {
    use super::{Asn, AsnText, Deserialize, Deserializer, Serializer};

    pub(in crate::resource) fn serialize<S: Serializer>(asn: &Option<Asn>, serializer: S) -> Result<S::Ok, S::Error> {
        match asn {
            Some(asn) => serializer.serialize_u32(asn.0),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::resource) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Asn>, D::Error> {
        Ok(Option::<AsnText>::deserialize(deserializer)?.map(|text| text.0))
    }
}

/// `routeReflectorClusterID`: a dotted quad; empty text stands for none, as in Go.
pub(super) mod cluster_id {
    use super::{ClusterId, Deserialize, Deserializer, Error, FieldError, Ipv4Addr, Problem, Serializer, String};

    pub(in crate::resource) fn serialize<S: Serializer>(
        id: &Option<ClusterId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.collect_str(&Ipv4Addr::from(id.0)),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::resource) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ClusterId>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match text.parse::<Ipv4Addr>() {
            Ok(addr) if !addr.is_unspecified() => Ok(Some(ClusterId(u32::from(addr)))),
            _ => {
                let error = FieldError::new("routeReflectorClusterID", text, Problem::Address("IPv4"));
                Err(D::Error::custom(error))
            }
        }
    }
}

struct AsnText(Asn);

impl<'de> Deserialize<'de> for AsnText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsnVisitor)
    }
}

struct AsnVisitor;

impl Visitor<'_> for AsnVisitor {
    type Value = AsnText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AS number: 0..=4294967295 or text \"high.low\"")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<AsnText, E> {
        let number =
            u32::try_from(number).map_err(|_| E::custom(FieldError::new("asNumber", number, Problem::AsNumber)))?;
        Ok(AsnText(Asn(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<AsnText, E> {
        let number =
            u32::try_from(number).map_err(|_| E::custom(FieldError::new("asNumber", number, Problem::AsNumber)))?;
        Ok(AsnText(Asn(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<AsnText, E> {
        // 1.10 without quotes is the number 1.1 in YAML: what was meant cannot be known any more.
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AsnText, E> {
        parse_asn(text).map(AsnText).ok_or_else(|| E::custom(FieldError::new("asNumber", text, Problem::AsNumber)))
    }
}

fn parse_asn(text: &str) -> Option<Asn> {
    // Rust's numbers may have a sign, AS numbers not.
    let plain = text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// The text of a value that a BGP community can be: `aa:nn` of 16 bits each, or `aa:nn:mm` of 32 bits each.
pub(super) fn is_community(text: &str) -> bool {
    let parts = text.split(':').count();
    let number = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit()).then(|| part.parse::<u32>().ok());
    let max = match parts {
        2 => u32::from(u16::MAX),
        3 => u32::MAX,
        _ => return false,
    };
    text.split(':').all(|part| number(part).flatten().is_some_and(|number| number <= max))
}

/// A number in its range, or the error that names the range.
pub(super) fn in_range(field: &'static str, value: u32, min: u32, max: u32) -> Result<(), FieldError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(FieldError::new(field, value, Problem::Range { min, max })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_numbers_are_decimal_or_two_halves() {
        assert_eq!(parse_asn("64512"), Some(Asn(64512)));
        assert_eq!(parse_asn("1.10"), Some(Asn(65546)));
        assert_eq!(parse_asn("65535.65535"), Some(Asn(u32::MAX)));
        for bad in ["", "1.", ".1", "65536.0", "1.2.3", "+1", "4294967296", "x"] {
            assert_eq!(parse_asn(bad), None, "{bad}");
        }
    }

    #[test]
    fn communities_have_two_or_three_parts() {
        for good in ["65000:1", "65535:65535", "4294967295:0:1"] {
            assert!(is_community(good), "{good}");
        }
        for bad in ["", "1", "65536:1", "1:2:3:4", "1:", "a:b", "4294967296:0:1", "-1:2"] {
            assert!(!is_community(bad), "{bad}");
        }
    }
}

//! serde forms of TTL and TOS: a number or the word `inherit`; of options: digits. Written by hand because serde's untagged enums allocate.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{OuterOptions, Tos, Ttl};

impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Ttl::Fixed(ttl) => serializer.serialize_u8(*ttl),
            Ttl::Inherit => serializer.serialize_str(INHERIT),
        }
    }
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ttl, D::Error> {
        Ok(deserializer.deserialize_any(NumberOrInherit)?.map_or(Ttl::Inherit, Ttl::Fixed))
    }
}

impl Serialize for Tos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tos::Fixed(tos) => serializer.serialize_u8(*tos),
            Tos::Inherit => serializer.serialize_str(INHERIT),
        }
    }
}

impl<'de> Deserialize<'de> for Tos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tos, D::Error> {
        Ok(deserializer.deserialize_any(NumberOrInherit)?.map_or(Tos::Inherit, Tos::Fixed))
    }
}

impl Serialize for OuterOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OuterOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OuterOptions, D::Error> {
        deserializer.deserialize_str(Hexadecimal)
    }
}

struct Hexadecimal;

impl Visitor<'_> for Hexadecimal {
    type Value = OuterOptions;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("options as hexadecimal digits")
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<OuterOptions, E> {
        digits.parse().map_err(E::custom)
    }
}

struct NumberOrInherit;

impl Visitor<'_> for NumberOrInherit {
    type Value = Option<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 255 or \"inherit\"")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<u8>, E> {
        u8::try_from(number).map(Some).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<u8>, E> {
        u8::try_from(number).map(Some).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Option<u8>, E> {
        if word == INHERIT { Ok(None) } else { Err(E::invalid_value(Unexpected::Str(word), &self)) }
    }
}

const INHERIT: &str = "inherit";

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, MapDeserializer, StrDeserializer, U64Deserializer};
    use serde::forward_to_deserialize_any;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;
    use crate::{Config, Df, DscpDecap, EcnMode, Fragmentation, Mode};

    /// A value of a configuration file.
    #[derive(Clone, Copy)]
    enum Field {
        Number(u64),
        Word(&'static str),
        Truth(bool),
    }

    impl<'de> Deserializer<'de> for Field {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Field::Number(number) => visitor.visit_u64(number),
                Field::Word(word) => visitor.visit_str(word),
                Field::Truth(truth) => visitor.visit_bool(truth),
            }
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_some(self)
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            name: &'static str,
            variants: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            match self {
                Field::Word(word) => StrDeserializer::new(word).deserialize_enum(name, variants, visitor),
                _ => Err(serde::de::Error::custom("no word")),
            }
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
            newtype_struct seq tuple tuple_struct map struct identifier ignored_any
        }
    }

    impl<'de> IntoDeserializer<'de, Error> for Field {
        type Deserializer = Field;

        fn into_deserializer(self) -> Field {
            self
        }
    }

    fn config(changes: &[(&'static str, Field)]) -> Result<Config, Error> {
        let mut fields = Vec::from([
            ("local", Field::Word("192.0.2.1")),
            ("ttl", Field::Word("inherit")),
            ("tos", Field::Number(136)),
            ("ecn", Field::Word("rfc3168")),
            ("dscp_decap", Field::Word("uniform")),
            ("df", Field::Word("always")),
            ("mtu", Field::Number(1460)),
            ("fragmentation", Field::Word("inner")),
            ("ident", Field::Number(7)),
            ("forwarded", Field::Truth(false)),
            ("verify_inner_checksum", Field::Truth(true)),
            ("verify_outer_checksum", Field::Truth(true)),
            ("max_nesting", Field::Number(1)),
            ("count_gre", Field::Truth(false)),
        ]);
        for (name, value) in changes {
            fields.retain(|(other, _)| other != name);
            fields.push((name, *value));
        }
        Config::deserialize(MapDeserializer::new(fields.into_iter()))
    }

    #[test]
    fn a_configuration_reads_by_the_names_of_its_fields() {
        let mut expected = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Rfc3168);
        (expected.ttl, expected.tos, expected.mtu, expected.ident) = (Ttl::Inherit, Tos::Fixed(136), 1460, 7);
        (expected.dscp_decap, expected.df) = (DscpDecap::Uniform, Df::Always);
        (expected.fragmentation, expected.forwarded, expected.max_nesting) = (Fragmentation::Inner, false, 1);
        assert_eq!(config(&[]), Ok(expected));
        expected.remote = Some(Ipv4Addr::new(192, 0, 2, 2));
        assert_eq!(config(&[("remote", Field::Word("192.0.2.2"))]), Ok(expected));
        (expected.mode, expected.options) = (Mode::Mplsip, OuterOptions::router_alert());
        let more = [("mode", Field::Word("mplsip")), ("options", Field::Word("94040000"))];
        assert_eq!(config(&[&more[..], &[("remote", Field::Word("192.0.2.2"))]].concat()), Ok(expected));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for (name, value) in [
            ("news", Field::Number(1)),
            ("ttl", Field::Number(256)),
            ("ttl", Field::Word("inherited")),
            ("tos", Field::Truth(true)),
            ("mtu", Field::Number(65536)),
            ("ecn", Field::Word("Normal")),
            ("mode", Field::Word("gre")),
            ("options", Field::Word("8307")),
            ("local", Field::Word("192.0.2")),
        ] {
            assert!(config(&[(name, value)]).is_err(), "{name}");
        }
        let error = Ttl::deserialize(U64Deserializer::<Error>::new(300)).unwrap_err();
        assert_eq!(error.to_string(), "invalid value: integer `300`, expected a number from 0 to 255 or \"inherit\"");
    }

    #[test]
    fn what_is_written_reads_back() {
        struct Text<T>(T);
        impl<T: Serialize> fmt::Display for Text<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.serialize(f)
            }
        }
        let written: [String; 5] = [
            Text(OuterOptions::router_alert()).to_string(),
            Text(Ttl::Inherit).to_string(),
            Text(Ttl::Fixed(9)).to_string(),
            Text(Tos::Inherit).to_string(),
            Text(Tos::Fixed(136)).to_string(),
        ];
        assert_eq!(written, ["94040000", "inherit", "9", "inherit", "136"]);
        assert_eq!(Tos::deserialize(StrDeserializer::<Error>::new("inherit")), Ok(Tos::Inherit));
        assert_eq!(Ttl::deserialize(U64Deserializer::<Error>::new(9)), Ok(Ttl::Fixed(9)));
    }
}

//! serde forms of TTL and TOS: a number or the word `inherit`. Written by hand because serde's untagged enums allocate.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{Tos, Ttl};

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

//! Text forms of serde.

/// A value by its `Display` and `FromStr`.
pub(crate) mod display {
    use core::fmt::Display;

    use serde::Serializer;

    pub(crate) use crate::hex::from_text as deserialize;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }
}

//! ORIGIN (RFC 4271 section 5.1.1): one octet.

use core::fmt;

use crate::Context;
use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;

/// How a route came to be; smaller is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 4271 closes the set; any other value is an error")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Origin {
    /// IGP (0): interior to the originating AS.
    Igp,
    /// EGP (1): learned by EGP (RFC 904).
    Egp,
    /// INCOMPLETE (2): by other means.
    Incomplete,
}

impl Origin {
    /// The octet.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Origin::Igp => 0,
            Origin::Egp => 1,
            Origin::Incomplete => 2,
        }
    }

    #[inline]
    fn from_code(code: u8) -> Option<Origin> {
        match code {
            0 => Some(Origin::Igp),
            1 => Some(Origin::Egp),
            2 => Some(Origin::Incomplete),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Igp => "igp",
            Origin::Egp => "egp",
            Origin::Incomplete => "incomplete",
        })
    }
}

impl Attribute for Origin {
    const LENGTH: Length = Length::Exact(1);

    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        // RFC 7606 section 7.1: an undefined value is malformed.
        match value {
            [code] if Origin::from_code(*code).is_some() => Ok(()),
            _ => Err(AttrProblem::Origin),
        }
    }
}

impl Attributes<'_> {
    /// ORIGIN.
    #[must_use]
    #[inline]
    pub fn origin(&self) -> Option<Origin> {
        self.value::<Origin>()?.first().copied().and_then(Origin::from_code)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for Origin {
    type Form = Origin;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        attributes.origin()
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.origin(form)
    }
}

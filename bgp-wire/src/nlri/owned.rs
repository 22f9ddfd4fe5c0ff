//! An NLRI of a typed family that owns its octets.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::nlri::link_state::LinkStateType;
use crate::nlri::{LabelForm, NlriValue, TypedNlri, evpn, flowspec, link_state};
use crate::nlri::{Labeled, RtConstrain, Vpn};
use crate::{Family, ParseError};

/// An NLRI of a family with a row in the table, other than prefixes, that owns its octets.
///
/// It is in canonical form: bits that mean nothing are 0. Its text is that of the family and names it:
/// `10.0.0.0/8 label 100`, `rd 64512:1 10.0.0.0/8 label 100`, `[3]:[0]:[32]:[192.0.2.1] rd 64512:1`,
/// `flow4 { dst 10.0.0.0/8; proto 6; }`, `origin 64512 rt:64512:1`, `node isis-l2 0 local { as 64512; }`.
///
/// ```
/// use bgp_wire::Family;
/// use bgp_wire::nlri::NlriBuf;
/// let route: NlriBuf = "flow4 { dst 203.0.113.0/24; proto 17; dport 53; }".parse()?;
/// assert_eq!(route.family(), Family::IPV4_FLOWSPEC);
/// assert_eq!(NlriBuf::decode(route.family(), route.as_bytes()), Some(route));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NlriBuf {
    family: Family,
    /// Whether it withdraws a route with labels.
    withdrawn: bool,
    octets: Vec<u8>,
}

impl NlriBuf {
    /// With this value. `None`: the family cannot have it.
    ///
    /// ```
    /// use bgp_wire::Family;
    /// use bgp_wire::nlri::{Label, Labeled, NlriBuf, NlriValue};
    /// let route = Labeled { labels: Label::new(100).unwrap().into(), prefix: "10.0.0.0/8".parse()? };
    /// assert!(NlriBuf::new(Family::IPV4_LABELED, &NlriValue::Labeled(route)).is_some());
    /// assert!(NlriBuf::new(Family::IPV6_LABELED, &NlriValue::Labeled(route)).is_none());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(family: Family, value: &NlriValue<'_>) -> Option<NlriBuf> {
        if value.family().is_none_or(|of| of != family) {
            return None;
        }
        let (mut octets, mut withdrawn) = (Vec::new(), false);
        let fits = match value {
            NlriValue::Labeled(value) => {
                withdrawn = value.labels.is_empty();
                value.encode(&mut octets)
            }
            NlriValue::Vpn(value) => {
                withdrawn = value.labels.is_empty();
                value.encode(&mut octets)
            }
            NlriValue::RtConstrain(value) => {
                value.encode(&mut octets);
                true
            }
            NlriValue::Evpn(value) => value.encode(&mut octets),
            NlriValue::FlowSpec(value) => value.encode(&mut octets),
            NlriValue::LinkState(value) => value.encode(&mut octets),
            NlriValue::Opaque(_) => false,
        };
        let nlri = NlriBuf { family, withdrawn, octets };
        if fits && TypedNlri::decode(family, nlri.label_form(), &nlri.octets).is_some() { Some(nlri) } else { None }
    }

    /// One whole announced NLRI, whose labels end with the one that has the bottom-of-stack bit. `None`: it is malformed,
    /// or the family has no row in the table or is one of prefixes.
    #[must_use]
    pub fn decode(family: Family, octets: &[u8]) -> Option<NlriBuf> {
        TypedNlri::decode(family, LabelForm::Stack, octets).map(NlriBuf::from)
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The octets, without a path identifier.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_ref(&self) -> TypedNlri<'_> {
        TypedNlri::decode(self.family, self.label_form(), &self.octets).unwrap_or(TypedNlri::new(
            self.family,
            crate::nlri::LabelFields::NONE,
            &self.octets,
        ))
    }

    fn label_form(&self) -> LabelForm {
        if self.withdrawn { LabelForm::Withdrawn } else { LabelForm::Stack }
    }
}

/// In canonical form.
impl From<TypedNlri<'_>> for NlriBuf {
    fn from(nlri: TypedNlri<'_>) -> NlriBuf {
        NlriBuf::new(nlri.family(), &nlri.value()).unwrap_or_else(|| NlriBuf {
            family: nlri.family(),
            withdrawn: nlri.labels().is_withdrawn(),
            octets: nlri.as_bytes().to_vec(),
        })
    }
}

impl fmt::Display for NlriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for NlriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NlriBuf({} {self})", self.family)
    }
}

/// The text of [`Display`](fmt::Display) is read back.
impl FromStr for NlriBuf {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<NlriBuf, ParseError> {
        let of = |value: NlriValue<'_>| {
            let family = value.family().ok_or(ERROR)?;
            NlriBuf::new(family, &value).ok_or(ERROR)
        };
        let first = text.split([' ', ':']).next().unwrap_or_default();
        match first {
            "default" | "origin" => of(NlriValue::RtConstrain(text.parse::<RtConstrain>()?)),
            "flow4" | "flow6" => flowspec::parse(text),
            "link-state" => link_state::parse(text),
            "rd" => of(NlriValue::Vpn(text.parse::<Vpn>()?)),
            _ if first.starts_with('[') => evpn::parse(text),
            _ if first.parse::<LinkStateType>().is_ok_and(|ty| ty.name() == Some(first)) => link_state::parse(text),
            _ => of(NlriValue::Labeled(text.parse::<Labeled>()?)),
        }
    }
}

const ERROR: ParseError = ParseError::new("NLRI");

/// Text as in `Display`; in binary formats family, whether it withdraws a label, and octets.
#[cfg(feature = "serde")]
impl serde::Serialize for NlriBuf {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.family, self.withdrawn, &self.octets).serialize(serializer)
        }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for NlriBuf {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return crate::hex::from_text(deserializer);
        }
        let (family, withdrawn, octets) = <(Family, bool, Vec<u8>)>::deserialize(deserializer)?;
        let nlri = NlriBuf { family, withdrawn, octets };
        let whole = TypedNlri::decode(family, nlri.label_form(), &nlri.octets).map(NlriBuf::from);
        whole.ok_or_else(|| serde::de::Error::custom("not a whole nlri of its family"))
    }
}

//! An NLRI of a typed family as its octets, and what it says.

use core::fmt;

use crate::Family;
use crate::nlri::evpn::Evpn;
use crate::nlri::flowspec::FlowSpec;
use crate::nlri::link_state::LinkState;
#[cfg(feature = "alloc")]
use crate::nlri::write_key_of;
use crate::nlri::{Form, LabelFields, LabelForm, Labeled, RtConstrain, Vpn, is_usable_row, measure_row, value_of};

/// One checked NLRI of a family with a row in the table, other than prefixes: its octets without a path identifier.
///
/// [`value`](Self::value) says what it means; [`write_key`](Self::write_key) gives what identifies the route.
///
/// ```
/// use bgp_wire::Family;
/// use bgp_wire::nlri::{NlriBuf, NlriValue};
/// let route: NlriBuf = "rd 64512:1 10.0.0.0/8 label 100".parse()?;
/// let NlriValue::Vpn(vpn) = route.as_ref().value() else { unreachable!() };
/// assert_eq!((route.family(), vpn.labels.to_string().as_str()), (Family::IPV4_VPN, "100"));
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypedNlri<'m> {
    family: Family,
    labels: LabelFields,
    octets: &'m [u8],
}

/// What an NLRI of a typed family says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NlriValue<'m> {
    /// A prefix with labels (RFC 8277).
    Labeled(Labeled),
    /// A prefix of a VPN (RFC 4364, RFC 4659).
    Vpn(Vpn),
    /// A route target membership (RFC 4684).
    RtConstrain(RtConstrain),
    /// A flow specification (RFC 8955, RFC 8956), with a route distinguisher in its VPN form.
    FlowSpec(FlowSpec<'m>),
    /// A route of an Ethernet VPN (RFC 7432).
    Evpn(Evpn<'m>),
    /// An object of a link-state database (RFC 9552), with a route distinguisher in its VPN form.
    LinkState(LinkState<'m>),
    /// Octets; a later version may know more.
    Opaque(&'m [u8]),
}

impl<'m> TypedNlri<'m> {
    pub(crate) fn new(family: Family, labels: LabelFields, octets: &'m [u8]) -> TypedNlri<'m> {
        TypedNlri { family, labels, octets }
    }

    /// The NLRI of a key that [`write_key`](Self::write_key) made: the withdrawal of the route.
    ///
    /// ```
    /// use bgp_wire::nlri::{NlriBuf, TypedNlri};
    /// let mut key = Vec::new();
    /// let route: NlriBuf = "10.0.0.0/8 label 100".parse()?;
    /// route.as_ref().write_key(&mut key);
    /// let withdrawal = TypedNlri::from_key(route.family(), &key).map(|nlri| nlri.to_string());
    /// assert_eq!(withdrawal.as_deref(), Some("10.0.0.0/8"));
    /// # Ok::<(), bgp_wire::ParseError>(())
    /// ```
    #[must_use]
    pub fn from_key(family: Family, key: &'m [u8]) -> Option<TypedNlri<'m>> {
        TypedNlri::decode(family, LabelForm::Withdrawn, key)
    }

    /// One whole NLRI; `None`: it is malformed, a prefix, or cannot be used.
    pub(crate) fn decode(family: Family, labels: LabelForm, octets: &'m [u8]) -> Option<TypedNlri<'m>> {
        let shape = measure_row(family, Form { add_path: false, labels }, octets)?;
        let nlri = TypedNlri::new(family, shape.labels, octets);
        // Prefixes have no value here.
        let whole = shape.len == octets.len() && value_of(&nlri).is_some();
        if whole && is_usable_row(&nlri) { Some(nlri) } else { None }
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The octets, without a path identifier.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.octets
    }

    /// What it says.
    #[must_use]
    pub fn value(&self) -> NlriValue<'m> {
        value_of(self).unwrap_or(NlriValue::Opaque(self.octets))
    }

    /// Appends the octets that identify the route among those of its family: what the RFC of the family takes for the
    /// key, in the form that withdraws the route. Labels are the one field of RFC 8277 section 2.4, what does not count is
    /// 0, and bits behind a prefix length are cleared, so that two NLRI of one route have the same octets.
    #[cfg(feature = "alloc")]
    pub fn write_key(&self, out: &mut alloc::vec::Vec<u8>) {
        write_key_of(self, out);
    }

    /// Whether its labels are those of an announcement, in a session that allows more than one or not.
    #[cfg(feature = "alloc")]
    pub(crate) fn can_be_announced(&self, many_labels: bool) -> bool {
        !self.labels.is_withdrawn() && (many_labels || self.labels.count() <= 1)
    }

    pub(crate) fn labels(&self) -> LabelFields {
        self.labels
    }
}

impl NlriValue<'_> {
    /// The family whose NLRI say such things; `None`: any could.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        let of_prefix = |prefix: &ipnet::IpNet, v4, v6| if prefix.addr().is_ipv4() { v4 } else { v6 };
        match self {
            NlriValue::Labeled(value) => Some(of_prefix(&value.prefix, Family::IPV4_LABELED, Family::IPV6_LABELED)),
            NlriValue::Vpn(value) => Some(of_prefix(&value.prefix, Family::IPV4_VPN, Family::IPV6_VPN)),
            NlriValue::RtConstrain(_) => Some(Family::RT_CONSTRAIN),
            NlriValue::Evpn(_) => Some(Family::L2VPN_EVPN),
            NlriValue::FlowSpec(value) => Some(value.family()),
            NlriValue::LinkState(value) => Some(value.family()),
            NlriValue::Opaque(_) => None,
        }
    }
}

impl fmt::Display for TypedNlri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl fmt::Display for NlriValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NlriValue::Labeled(value) => value.fmt(f),
            NlriValue::Vpn(value) => value.fmt(f),
            NlriValue::RtConstrain(value) => value.fmt(f),
            NlriValue::FlowSpec(value) => value.fmt(f),
            NlriValue::Evpn(value) => value.fmt(f),
            NlriValue::LinkState(value) => value.fmt(f),
            NlriValue::Opaque(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}

/// The text of `Display`.
#[cfg(feature = "serde")]
impl serde::Serialize for TypedNlri<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

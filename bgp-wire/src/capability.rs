//! Capabilities (RFC 5492): the table, and the value of each in a file of its own.

use crate::CapabilityCode;
use crate::reader::Reader;
use crate::registry::capabilities;

capabilities! {
    /// Routes of a family can be exchanged (RFC 4760).
    1 => MultiProtocol(family: crate::Family) in multi_protocol,
    /// ROUTE-REFRESH is understood (RFC 2918).
    2 => RouteRefresh in route_refresh,
    /// Filters that the peer applies for us (RFC 5291).
    3 => OutboundRouteFiltering(entries: alloc::vec::Vec<OutboundRouteFiltering>) in outbound_route_filtering,
    /// IPv6 next hops for IPv4 routes, by family (RFC 8950).
    5 => ExtendedNextHop(entries: alloc::vec::Vec<ExtendedNextHop>) in extended_next_hop,
    /// Messages of up to 65535 octets can be received (RFC 8654).
    6 => ExtendedMessage in extended_message,
    /// Signed paths, one direction of an address family (RFC 8205).
    7 => Bgpsec(value: Bgpsec) in bgpsec,
    /// Several labels for a route, by family (RFC 8277).
    8 => MultipleLabels(entries: alloc::vec::Vec<MultipleLabels>) in multiple_labels,
    /// Our role on the session (RFC 9234).
    9 => Role(role: Role) in role,
    /// Graceful restart (RFC 4724, RFC 8538).
    64 => GracefulRestart(value: GracefulRestart) in graceful_restart,
    /// The AS number with 4 octets (RFC 6793).
    65 => FourOctetAs(asn: crate::Asn) in four_octet_as,
    /// Several paths for a prefix, by family and direction (RFC 7911).
    69 => AddPath(entries: alloc::vec::Vec<AddPath>) in add_path,
    /// ROUTE-REFRESH with a beginning and an end (RFC 7313).
    70 => EnhancedRouteRefresh in enhanced_route_refresh,
    /// Long-lived graceful restart, by family (RFC 9494).
    71 => LongLivedGracefulRestart(families: alloc::vec::Vec<LongLivedFamily>) in long_lived_graceful_restart,
    /// Host and domain name (draft-walton-bgp-hostname-capability).
    73 => Fqdn(name: Fqdn) in fqdn,
    /// The session waits for BFD (draft-ietf-idr-bgp-bfd-strict-mode).
    74 => BfdStrict in bfd_strict,
    /// What software the speaker runs (draft-abraitis-bgp-version-capability).
    75 => SoftwareVersion(version: SoftwareVersion) in software_version,
    /// How many paths for a prefix are wanted, by family (draft-abraitis-idr-addpath-paths-limit).
    76 => PathsLimit(entries: alloc::vec::Vec<PathsLimit>) in paths_limit,
    /// Next hops that are a link-local address and nothing else (draft-ietf-idr-linklocal-capability).
    77 => LinkLocalNextHop in link_local_next_hop,
    /// ROUTE-REFRESH as Cisco numbered it before RFC 2918.
    128 => CiscoRouteRefresh in cisco_route_refresh,
}

pub(crate) mod params;
#[cfg(feature = "alloc")]
mod text;

#[cfg(feature = "alloc")]
pub use add_path::AddPath;
pub use add_path::AddPathMode;
#[cfg(feature = "alloc")]
pub use bgpsec::Bgpsec;
#[cfg(feature = "alloc")]
pub use extended_next_hop::ExtendedNextHop;
#[cfg(feature = "alloc")]
pub use fqdn::Fqdn;
pub use graceful_restart::GracefulRestartParams;
#[cfg(feature = "alloc")]
pub use graceful_restart::{GracefulRestart, GracefulRestartFamily};
pub use long_lived_graceful_restart::{LongLivedFamily, LongLivedParams};
#[cfg(feature = "alloc")]
pub use multiple_labels::MultipleLabels;
#[cfg(feature = "alloc")]
pub use outbound_route_filtering::{FilterType, OutboundRouteFiltering};
#[cfg(feature = "alloc")]
pub use paths_limit::PathsLimit;
pub use role::{Role, RoleParam};
#[cfg(feature = "alloc")]
pub use software_version::SoftwareVersion;

/// A capability as it stands in an OPEN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "RFC 5492 section 4: a code and a value")]
pub struct CapabilityView<'m> {
    /// The code.
    pub code: CapabilityCode,
    /// The value, not looked at.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::hex::serialize"))]
    pub value: &'m [u8],
}

/// A capability that is kept as octets.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 5492 section 4: a code and a value")]
pub struct UnknownCapability {
    /// The code.
    pub code: CapabilityCode,
    /// The value; an OPEN has room for at most 255 octets.
    #[cfg_attr(feature = "serde", serde(with = "crate::hex"))]
    pub value: alloc::vec::Vec<u8>,
}

#[cfg(feature = "alloc")]
impl Capability {
    /// The capability of that code and value. Never fails: see [`Unknown`](Self::Unknown).
    ///
    /// ```
    /// use bgp_wire::{CapabilityCode, Family, capability::Capability};
    /// let family = Capability::decode(CapabilityCode::MULTI_PROTOCOL, &[0, 2, 0, 1]);
    /// assert_eq!(family, Capability::MultiProtocol(Family::IPV6_UNICAST));
    /// assert!(matches!(Capability::decode(CapabilityCode(200), &[7]), Capability::Unknown(_)));
    /// ```
    #[must_use]
    pub fn decode(code: CapabilityCode, value: &[u8]) -> Self {
        Self::decode_known(code.0, value)
            .unwrap_or_else(|| Self::Unknown(UnknownCapability { code, value: value.into() }))
    }

    /// The octets of the value, without code and length.
    ///
    /// ```
    /// use bgp_wire::{Asn, capability::Capability};
    /// assert_eq!(Capability::FourOctetAs(Asn(65546)).value(), [0, 1, 0, 10]);
    /// ```
    #[must_use]
    pub fn value(&self) -> alloc::vec::Vec<u8> {
        let mut value = alloc::vec::Vec::new();
        self.encode_value(&mut value);
        value
    }
}

#[cfg(feature = "alloc")]
impl From<CapabilityView<'_>> for Capability {
    fn from(view: CapabilityView<'_>) -> Self {
        Self::decode(view.code, view.value)
    }
}

/// The capabilities of one optional parameter, or of the value of any list with 1-octet codes and lengths. Ends before
/// one that does not fit; [`rest`](Self::rest) is then not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tlvs<'m>(Reader<'m>);

impl<'m> Tlvs<'m> {
    pub(crate) const fn new(octets: &'m [u8]) -> Self {
        Self(Reader::new(octets))
    }

    pub(crate) const fn rest(&self) -> &'m [u8] {
        self.0.rest()
    }
}

impl<'m> Iterator for Tlvs<'m> {
    type Item = CapabilityView<'m>;

    fn next(&mut self) -> Option<CapabilityView<'m>> {
        let mut ahead = self.0;
        let capability = CapabilityView { code: CapabilityCode(ahead.u8()?), value: ahead.prefixed_u8()? };
        self.0 = ahead;
        Some(capability)
    }
}

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;

//! Announcements that are well-formed and yet mean nothing: they are treated as withdrawn.

use super::{AutoDiscovery, EthernetSegmentId, Evpn, IpPrefix, MAX_TAG, MacIp};

/// What the extended communities of an UPDATE bring to its Ethernet VPN routes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Companions {
    /// An ESI label (RFC 7432 section 7.5).
    esi_label: bool,
    /// An import route target of an Ethernet segment (RFC 7432 section 7.6).
    es_import: bool,
    /// A router's MAC address that is not 0 (RFC 9135 section 8.1).
    router_mac: bool,
}

impl Companions {
    /// Of all extended communities of an UPDATE.
    pub(crate) fn of(communities: impl Iterator<Item = [u8; 8]>) -> Companions {
        communities.fold(Companions::default(), |found, community| match community {
            [0x06, 0x01, ..] => Companions { esi_label: true, ..found },
            [0x06, 0x02, ..] => Companions { es_import: true, ..found },
            [0x06, 0x03, mac @ ..] if mac != [0; 6] => Companions { router_mac: true, ..found },
            _ => found,
        })
    }
}

impl Evpn<'_> {
    /// Whether an announcement means something.
    pub(crate) fn has_meaning(&self, with: Companions) -> bool {
        match self {
            Evpn::AutoDiscovery(route) => auto_discovery(route, with),
            Evpn::MacIp(route) => mac_ip(route),
            // RFC 7432 section 8.1.1: it is about a segment, and its import route target tells whom it concerns.
            Evpn::EthernetSegment(route) => names_a_segment(route.esi) && with.es_import,
            Evpn::IpPrefix(route) => ip_prefix(route, with),
            Evpn::InclusiveMulticast(_) | Evpn::SelectiveMulticast(_) | Evpn::Other { .. } => true,
        }
    }
}

/// RFC 7432 section 8.2.1: per segment, the label is 0 and the ESI label comes with it. Per instance there may be no
/// segment (RFC 8214 section 3.1).
fn auto_discovery(route: &AutoDiscovery, with: Companions) -> bool {
    route.tag != MAX_TAG || (names_a_segment(route.esi) && route.label.vni() == 0 && with.esi_label)
}

/// RFC 9135 section 5.1: the second label is that of the IP address's VRF.
fn mac_ip(route: &MacIp) -> bool {
    route.ip.is_some() || route.label2.is_none()
}

/// RFC 9136 sections 3.1 and 3.2: at most one of segment and gateway, and without a label one of segment, gateway and
/// router's MAC address.
fn ip_prefix(route: &IpPrefix, with: Companions) -> bool {
    let (segment, gateway) = (route.esi != EthernetSegmentId::ZERO, !route.gateway.is_unspecified());
    !(segment && gateway) && (segment || gateway || with.router_mac || route.label.vni() != 0)
}

/// RFC 7432 section 5: all zeros is no segment, all ones is reserved.
fn names_a_segment(esi: EthernetSegmentId) -> bool {
    esi != EthernetSegmentId::ZERO && esi != EthernetSegmentId::MAX
}

//! Tunnel Encapsulation (RFC 9012): tunnels of type (2 octets), length (2), sub-TLVs of type (1), length (1 below type 128,
//! else 2), value.

use core::iter::FusedIterator;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::attr::tlv::{Layout, Tlv, Tlvs};
use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::reader::{Reader, u16_at, u32_at};
use crate::registry::numbers;
use crate::Context;

numbers! {
    /// What kind of tunnel (RFC 9012 section 15.2 and the IANA registry).
    pub struct TunnelType(u16) "tunnel type" {
        1 => L2TPV3 "l2tpv3",
        2 => GRE "gre",
        3 => TRANSMIT_ENDPOINT "transmit-endpoint",
        4 => IPSEC_TUNNEL_MODE "ipsec-tunnel-mode",
        5 => IP_IN_IP_IPSEC "ip-in-ip-ipsec",
        6 => MPLS_IN_IP_IPSEC "mpls-in-ip-ipsec",
        7 => IP_IN_IP "ip-in-ip",
        8 => VXLAN "vxlan",
        9 => NVGRE "nvgre",
        10 => MPLS "mpls",
        11 => MPLS_IN_GRE "mpls-in-gre",
        12 => VXLAN_GPE "vxlan-gpe",
        13 => MPLS_IN_UDP "mpls-in-udp",
        14 => IPV6_TUNNEL "ipv6-tunnel",
        15 => SR_POLICY "sr-policy",
        16 => BARE "bare",
        17 => SR_TUNNEL "sr-tunnel",
        18 => CLOUD_SECURITY "cloud-security",
        19 => GENEVE "geneve",
        20 => ANY_ENCAPSULATION "any-encapsulation",
        21 => GTP "gtp",
        22 => DYNAMIC_PATH_SELECTION "dynamic-path-selection",
        23 => ORIGINATING_PE "originating-pe",
        24 => DYNAMIC_PATH_SELECTION_POLICY "dynamic-path-selection-policy",
        25 => SDWAN_HYBRID "sdwan-hybrid",
    }
}

/// Tunnel Encapsulation as it stands in a block.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes, tunnel_encapsulation::TunnelType};
///
/// let tunnel = "vxlan endpoint:192.0.2.1 color:100".parse()?;
/// let block = AttrBuilder::new().tunnel_encapsulation(&[tunnel]).build()?;
/// let tunnels = Attributes::from_canonical(&block)?.tunnel_encapsulation().unwrap_or_default();
/// let first = tunnels.tunnels().next().ok_or("none")?;
/// assert_eq!((first.ty, first.color()), (TunnelType::VXLAN, Some(100)));
/// assert_eq!(tunnels.to_string(), "vxlan endpoint:192.0.2.1 color:100");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TunnelEncapsulation<'a>(&'a [u8]);

impl<'a> TunnelEncapsulation<'a> {
    /// The tunnels that may be used, in their order: those with a malformed endpoint are passed over, but stay in the
    /// attribute (RFC 9012 section 13).
    #[must_use]
    pub fn tunnels(&self) -> Tunnels<'a> {
        Tunnels(self.tlvs())
    }

    /// All tunnels as octets.
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(Layout::Long, self.0)
    }
}

/// A tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9012 section 2: a type and sub-TLVs")]
pub struct Tunnel<'a> {
    /// What kind of tunnel.
    pub ty: TunnelType,
    /// What is said of it; of sub-TLVs that may occur once, the first counts (RFC 9012 section 13).
    pub sub_tlvs: Tlvs<'a>,
}

impl<'a> Tunnel<'a> {
    fn new(tlv: Tlv<'a>) -> Tunnel<'a> {
        Tunnel { ty: TunnelType(tlv.ty), sub_tlvs: Tlvs::new(Layout::Sub, tlv.value) }
    }

    /// The end of the tunnel (RFC 9012 section 3.1): `None` where there is none, [`Endpoint::NextHop`] where it is the
    /// next hop of the route.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        read_endpoint(self.sub_tlvs.find(ENDPOINT)?)
    }

    /// The color of routes that may use it (RFC 9012 section 3.4.2).
    #[must_use]
    pub fn color(&self) -> Option<u32> {
        let value = self.sub_tlvs.find(COLOR)?;
        if value.len() == 8 && value.starts_with(&[3, 0x0b]) { u32_at(value, 4) } else { None }
    }

    /// The port that encapsulated packets go to (RFC 9012 section 3.3.2).
    #[must_use]
    pub fn udp_port(&self) -> Option<u16> {
        u16_at(self.sub_tlvs.find(UDP_PORT).filter(|value| value.len() == 2)?, 0)
    }

    /// RFC 9012 section 13: whether the endpoint, if there is one, is well-formed and the only one.
    fn is_valid(&self) -> bool {
        let mut endpoints = self.sub_tlvs.filter(|sub| sub.ty == ENDPOINT);
        let first = endpoints.next();
        first.is_none_or(|sub| read_endpoint(sub.value).is_some()) && endpoints.next().is_none()
    }
}

/// Where a tunnel ends (RFC 9012 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9012 section 3.1 closes the set")]
pub enum Endpoint {
    /// At the next hop of the route.
    NextHop,
    /// At an address.
    Address(IpAddr),
}

/// An infallible iterator over tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tunnels<'a>(Tlvs<'a>);

impl<'a> Iterator for Tunnels<'a> {
    type Item = Tunnel<'a>;

    fn next(&mut self) -> Option<Tunnel<'a>> {
        self.0.by_ref().map(Tunnel::new).find(Tunnel::is_valid)
    }
}

impl FusedIterator for Tunnels<'_> {}

impl Attribute for TunnelEncapsulation<'_> {
    const LENGTH: Length = Length::AtLeast(4);

    // RFC 9012 section 13: a list that does not end where the attribute does, in it one that does not end where the tunnel
    // does, or no valid tunnel at all, withdraws. Unknown types are no errors.
    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        let attribute = TunnelEncapsulation(value);
        let framed = attribute.tlvs().all_whole(|tlv| Tunnel::new(tlv).sub_tlvs.all_whole(|_| true));
        if framed && attribute.tunnels().next().is_some() { Ok(()) } else { Err(AttrProblem::Syntax) }
    }
}

impl<'a> Attributes<'a> {
    /// Tunnel Encapsulation. Whether it may be taken from an external neighbour is for its owner to say (RFC 9012
    /// section 11).
    #[must_use]
    pub fn tunnel_encapsulation(&self) -> Option<TunnelEncapsulation<'a>> {
        self.value::<TunnelEncapsulation<'_>>().map(TunnelEncapsulation)
    }
}

/// Reserved (4 octets), address family (2), address.
fn read_endpoint(value: &[u8]) -> Option<Endpoint> {
    let mut reader = Reader::new(value);
    reader.u32()?;
    let endpoint = match reader.u16()? {
        0 => Endpoint::NextHop,
        1 => Endpoint::Address(Ipv4Addr::from(reader.array::<4>()?).into()),
        2 => Endpoint::Address(Ipv6Addr::from(reader.array::<16>()?).into()),
        _ => return None,
    };
    reader.is_empty().then_some(endpoint)
}

// Sub-TLVs, RFC 9012 section 15.3.
const COLOR: u16 = 4;
const ENDPOINT: u16 = 6;
const UDP_PORT: u16 = 8;

#[cfg(feature = "alloc")]
mod owned;
#[cfg(feature = "alloc")]
pub use self::owned::{SubTlv, TunnelBuf};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionKind;

    fn is_good(value: &[u8]) -> bool {
        Length::AtLeast(4).allows(value.len(), true)
            && TunnelEncapsulation::check(value, &Context::new(SessionKind::Ebgp)).is_ok()
    }

    #[test]
    fn rfc9012_13_lists_end_where_the_list_around_them_does() {
        for value in [&[0, 8, 0, 0][..], &[0xff, 0, 0, 2, 200, 0, 0, 8, 0, 3, 200, 0, 0], &[0, 8, 0, 2, 99, 0]] {
            assert!(is_good(value) || value.len() == 13, "{value:?}");
        }
        for value in [
            &[][..],
            &[0, 8],
            &[0, 8, 0, 1],
            &[0, 8, 0, 0, 0],
            &[0, 8, 0, 4, 1, 255, 0, 0],
            &[0, 8, 0, 1, 1],
            &[0, 8, 0, 3, 1, 0, 0],
            &[0, 8, 0, 2, 128, 0],
            // VU#347067: a corrupt tail.
            &[0, 8, 0, 2, 99, 0, 0xff, 0xff, 0xff],
        ] {
            assert!(!is_good(value), "{value:?}");
        }
    }

    #[test]
    fn rfc9012_13_a_tunnel_with_a_malformed_endpoint_is_passed_over() {
        let bad = [0, 8, 0, 8, 6, 6, 0, 0, 0, 0, 0, 1];
        let good = [0, 2, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];
        assert!(!is_good(&bad));
        let both = [&bad[..], &good].concat();
        assert!(is_good(&both));
        let tunnels = TunnelEncapsulation(&both);
        assert!(tunnels.tunnels().map(|tunnel| tunnel.ty).eq([TunnelType::GRE]));
        assert_eq!(tunnels.tlvs().count(), 2);
        let twice = [&[0, 2, 0, 24][..], &good[4..], &good[4..]].concat();
        assert!(!is_good(&twice));
    }
}

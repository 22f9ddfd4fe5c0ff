//! Link-state (16388/71; with a route distinguisher 16388/72; RFC 9552): type (2 octets), length (2), protocol (1),
//! identifier (8), descriptors as TLVs.

mod text;
mod tlv;

#[cfg(feature = "alloc")]
pub(crate) use self::text::parse;
pub use self::tlv::{Tlv, Tlvs};

use crate::Family;
use crate::next_hop::NextHop;
use crate::nlri::{Form, NlriValue, RouteDistinguisher, Rules, Shape, TypedNlri};
use crate::reader::Reader;
use crate::registry::numbers;

numbers! {
    /// The type of a link-state NLRI (RFC 9552 section 5.2).
    pub struct LinkStateType(u16) "link-state type" {
        1 => NODE "node",
        2 => LINK "link",
        3 => IPV4_PREFIX "prefix4",
        4 => IPV6_PREFIX "prefix6",
        6 => SRV6_SID "srv6-sid",
    }

    /// Where link-state information is from (RFC 9552 section 5.2).
    pub struct Protocol(u8) "link-state protocol" {
        1 => ISIS_LEVEL_1 "isis-l1",
        2 => ISIS_LEVEL_2 "isis-l2",
        3 => OSPFV2 "ospfv2",
        4 => DIRECT "direct",
        5 => STATIC "static",
        6 => OSPFV3 "ospfv3",
        7 => BGP "bgp",
    }

    /// The type of a descriptor (RFC 9552 section 5.2, RFC 9086, RFC 9514).
    pub struct TlvType(u16) "link-state descriptor" {
        256 => LOCAL_NODE "local",
        257 => REMOTE_NODE "remote",
        258 => LINK_IDS "link-ids",
        259 => IPV4_INTERFACE "ipv4",
        260 => IPV4_NEIGHBOR "ipv4-neighbor",
        261 => IPV6_INTERFACE "ipv6",
        262 => IPV6_NEIGHBOR "ipv6-neighbor",
        263 => MULTI_TOPOLOGY "topologies",
        264 => OSPF_ROUTE_TYPE "route-type",
        265 => IP_REACHABILITY "prefix",
        512 => AS_NUMBER "as",
        513 => BGP_LS_ID "bgp-ls-id",
        514 => OSPF_AREA "area",
        515 => IGP_ROUTER_ID "router-id",
        516 => BGP_ROUTER_ID "bgp-router-id",
        517 => CONFEDERATION_MEMBER "member-as",
        518 => SRV6_SID "sid",
    }
}

/// A node, link or prefix of a link-state database.
///
/// Text is `node isis-l2 0 { local { as 64512; router-id 0000.0000.0001; } }`, and `node rd 64512:1 isis-l2 ..` in the VPN
/// form. A descriptor without a name is a number and octets in hexadecimal, an NLRI of another type all the more.
///
/// ```
/// use bgp_wire::nlri::link_state::{LinkStateType, Protocol, TlvType};
/// use bgp_wire::nlri::{NlriBuf, NlriValue};
/// let route: NlriBuf = "node isis-l2 0 { local { as 64512; router-id 0000.0000.0001; } }".parse()?;
/// let NlriValue::LinkState(node) = route.as_ref().value() else { unreachable!() };
/// assert_eq!((node.ty(), node.protocol()), (LinkStateType::NODE, Some(Protocol::ISIS_LEVEL_2)));
/// assert_eq!(node.local_node().map(|tlv| tlv.ty).collect::<Vec<_>>(), [TlvType::AS_NUMBER, TlvType::IGP_ROUTER_ID]);
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkState<'m> {
    ty: LinkStateType,
    vpn: bool,
    rd: RouteDistinguisher,
    octets: &'m [u8],
}

impl<'m> LinkState<'m> {
    /// The type.
    #[must_use]
    pub fn ty(&self) -> LinkStateType {
        self.ty
    }

    /// The route distinguisher of the VPN form.
    #[must_use]
    pub fn rd(&self) -> Option<RouteDistinguisher> {
        if self.vpn { Some(self.rd) } else { None }
    }

    /// Where the information is from; `None`: a type that is not known.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        if self.ty.name().is_some() { self.octets.first().copied().map(Protocol) } else { None }
    }

    /// The instance of the protocol; `None`: a type that is not known.
    #[must_use]
    pub fn identifier(&self) -> Option<u64> {
        self.protocol()?;
        self.octets.get(1..)?.first_chunk().map(|octets| u64::from_be_bytes(*octets))
    }

    /// The descriptors; none of a type that is not known.
    #[must_use]
    pub fn descriptors(&self) -> Tlvs<'m> {
        let known = self.ty.name().is_some();
        Tlvs::new(if known { self.octets.get(FIXED..).unwrap_or_default() } else { &[] })
    }

    /// The descriptors of the node, or of the local end of the link.
    #[must_use]
    pub fn local_node(&self) -> Tlvs<'m> {
        self.node(TlvType::LOCAL_NODE)
    }

    /// The descriptors of the remote end of the link.
    #[must_use]
    pub fn remote_node(&self) -> Tlvs<'m> {
        self.node(TlvType::REMOTE_NODE)
    }

    fn node(&self, ty: TlvType) -> Tlvs<'m> {
        Tlvs::new(self.descriptors().find(|tlv| tlv.ty == ty).map(|tlv| tlv.value).unwrap_or_default())
    }

    /// What is behind the route distinguisher.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.octets
    }

    pub(crate) fn family(&self) -> Family {
        if self.vpn { Family::BGP_LS_VPN } else { Family::BGP_LS }
    }

    /// Whether it is as RFC 9552 section 8.2.2 asks: descriptors that fill it, in ascending order, and a local node.
    fn is_well_formed(&self) -> bool {
        if self.ty.name().is_none() {
            return true;
        }
        let nodes = [TlvType::LOCAL_NODE, TlvType::REMOTE_NODE];
        let in_order = |octets| Tlvs::new(octets).are_well_formed();
        self.octets.get(FIXED..).is_some_and(in_order)
            && self.descriptors().all(|tlv| !nodes.contains(&tlv.ty) || in_order(tlv.value))
            && self.descriptors().any(|tlv| tlv.ty == TlvType::LOCAL_NODE)
    }

    /// Appends the octets; `false` where they are more than 65535.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) -> bool {
        let len = self.octets.len() + if self.vpn { RouteDistinguisher::LEN } else { 0 };
        let Ok(len) = u16::try_from(len) else { return false };
        out.extend_from_slice(&self.ty.0.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend(self.rd().iter().flat_map(|rd| rd.octets()));
        out.extend_from_slice(self.octets);
        true
    }
}

/// How the NLRI of 16388/71 are read.
pub(crate) enum Rows {}

impl Rules for Rows {
    #[cfg(feature = "alloc")]
    const SHORT: bool = false;

    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        measure(octets, false)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        read(nlri.as_bytes(), false).map(NlriValue::LinkState)
    }

    fn is_usable(nlri: &TypedNlri<'_>) -> bool {
        read(nlri.as_bytes(), false).is_some_and(|value| value.is_well_formed())
    }

    /// RFC 9552 section 5.5: an address of either kind.
    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::of_either(octets)
    }
}

/// How the NLRI of 16388/72 are read.
pub(crate) enum VpnRows {}

impl Rules for VpnRows {
    #[cfg(feature = "alloc")]
    const NEXT_HOP_RD: bool = true;
    #[cfg(feature = "alloc")]
    const SHORT: bool = false;

    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        measure(octets, true)
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        read(nlri.as_bytes(), true).map(NlriValue::LinkState)
    }

    fn is_usable(nlri: &TypedNlri<'_>) -> bool {
        read(nlri.as_bytes(), true).is_some_and(|value| value.is_well_formed())
    }

    /// RFC 9552 section 5.5: with a route distinguisher of 0 in front.
    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::v6_behind_rd(octets).or_else(|| NextHop::v4_behind_rd(octets))
    }
}

fn measure(octets: &[u8], vpn: bool) -> Option<Shape> {
    let mut reader = Reader::new(octets);
    reader.u16()?;
    let body = reader.prefixed_u16()?;
    let fits = !vpn || body.len() >= RouteDistinguisher::LEN;
    if fits { Some(Shape::unlabeled(octets.len() - reader.len())) } else { None }
}

fn read(octets: &[u8], vpn: bool) -> Option<LinkState<'_>> {
    let mut reader = Reader::new(octets);
    let ty = LinkStateType(reader.u16()?);
    let body = reader.prefixed_u16()?;
    let (rd, octets) = if vpn { RouteDistinguisher::split(body)? } else { (RouteDistinguisher::default(), body) };
    Some(LinkState { ty, vpn, rd, octets })
}

/// Octets of protocol and identifier.
const FIXED: usize = 9;

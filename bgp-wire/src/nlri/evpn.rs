//! Ethernet VPN (25/70): route type (1 octet), length (1), route (RFC 7432 section 7, RFC 9136, RFC 9251).

mod address;
mod meaning;
mod text;

use core::net::IpAddr;

pub use self::address::{EthernetSegmentId, LabelField, MacAddress};
pub(crate) use self::meaning::Companions;
#[cfg(feature = "alloc")]
pub(crate) use self::text::parse;

use crate::next_hop::NextHop;
use crate::nlri::{Form, NlriValue, RouteDistinguisher, Rules, Shape, TypedNlri};
use crate::reader::Reader;

/// A route of an Ethernet VPN.
///
/// Text begins with the key in brackets, as routers print it, and goes on with what is not part of the key:
/// `[2]:[0]:[48]:[00:00:5e:00:53:01]:[32]:[192.0.2.1] rd 64512:1 esi 0 label 100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Evpn<'m> {
    /// Type 1 (RFC 7432 section 7.1).
    AutoDiscovery(AutoDiscovery),
    /// Type 2 (RFC 7432 section 7.2).
    MacIp(MacIp),
    /// Type 3 (RFC 7432 section 7.3).
    InclusiveMulticast(InclusiveMulticast),
    /// Type 4 (RFC 7432 section 7.4).
    EthernetSegment(EthernetSegment),
    /// Type 5 (RFC 9136 section 3.1).
    IpPrefix(IpPrefix),
    /// Type 6 (RFC 9251 section 9.1).
    SelectiveMulticast(SelectiveMulticast),
    /// Any other type; a later version may know it.
    Other {
        /// The route type.
        route_type: u8,
        /// What is behind the length.
        octets: &'m [u8],
    },
}

/// Ethernet auto-discovery (RFC 7432 section 7.1), per Ethernet segment where the tag is [`MAX_TAG`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7432 section 7.1 has these fields")]
pub struct AutoDiscovery {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet segment.
    pub esi: EthernetSegmentId,
    /// The Ethernet tag.
    pub tag: u32,
    /// The label or VNI; not part of the key.
    pub label: LabelField,
}

/// A MAC address and perhaps an IP address of a host (RFC 7432 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7432 section 7.2 has these fields")]
pub struct MacIp {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet segment; not part of the key.
    pub esi: EthernetSegmentId,
    /// The Ethernet tag.
    pub tag: u32,
    /// The MAC address.
    pub mac: MacAddress,
    /// The IP address.
    pub ip: Option<IpAddr>,
    /// The label or VNI of the bridge domain; not part of the key.
    pub label1: LabelField,
    /// The label or VNI of the IP VRF (RFC 9135); not part of the key.
    pub label2: Option<LabelField>,
}

/// Inclusive multicast Ethernet tag (RFC 7432 section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7432 section 7.3 has these fields")]
pub struct InclusiveMulticast {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet tag.
    pub tag: u32,
    /// The originating router.
    pub originator: IpAddr,
}

/// An Ethernet segment (RFC 7432 section 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7432 section 7.4 has these fields")]
pub struct EthernetSegment {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet segment.
    pub esi: EthernetSegmentId,
    /// The originating router.
    pub originator: IpAddr,
}

/// An IP prefix (RFC 9136 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9136 section 3.1 has these fields")]
pub struct IpPrefix {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet segment as overlay index; not part of the key.
    pub esi: EthernetSegmentId,
    /// The Ethernet tag.
    pub tag: u32,
    /// The prefix.
    pub prefix: ipnet::IpNet,
    /// The gateway as overlay index, of the prefix's kind, unspecified where there is none; not part of the key.
    pub gateway: IpAddr,
    /// The label or VNI; not part of the key.
    pub label: LabelField,
}

/// Selective multicast Ethernet tag (RFC 9251 section 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 9251 section 9.1 has these fields")]
pub struct SelectiveMulticast {
    /// The route distinguisher.
    pub rd: RouteDistinguisher,
    /// The Ethernet tag.
    pub tag: u32,
    /// The source; none: any.
    pub source: Option<IpAddr>,
    /// The group; none: any.
    pub group: Option<IpAddr>,
    /// The originating router.
    pub originator: IpAddr,
    /// IGMP or MLD versions and the kind of filter; not part of the key.
    pub flags: u8,
}

/// The Ethernet tag of auto-discovery routes per Ethernet segment (RFC 7432 section 8.2.1).
pub const MAX_TAG: u32 = u32::MAX;

/// How the NLRI of 25/70 are read.
pub(crate) enum Rows {}

impl Rules for Rows {
    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        let (route_type, body) = split(octets)?;
        Evpn::of(route_type, body).map(|_| Shape::unlabeled(HEAD + body.len()))
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        let (route_type, body) = split(nlri.as_bytes())?;
        Evpn::of(route_type, body).map(NlriValue::Evpn)
    }

    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        let start = out.len();
        let written = match Self::value(nlri) {
            Some(NlriValue::Evpn(route)) => route.key().encode(out),
            _ => false,
        };
        if !written {
            out.truncate(start);
            out.extend_from_slice(nlri.as_bytes());
        }
    }

    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        NextHop::of_either(octets)
    }
}

impl<'m> Evpn<'m> {
    /// The route type.
    #[must_use]
    pub fn route_type(&self) -> u8 {
        match self {
            Evpn::AutoDiscovery(_) => 1,
            Evpn::MacIp(_) => 2,
            Evpn::InclusiveMulticast(_) => 3,
            Evpn::EthernetSegment(_) => 4,
            Evpn::IpPrefix(_) => 5,
            Evpn::SelectiveMulticast(_) => 6,
            Evpn::Other { route_type, .. } => *route_type,
        }
    }

    /// The route distinguisher; `None`: a type that is not known.
    #[must_use]
    pub fn rd(&self) -> Option<RouteDistinguisher> {
        match self {
            Evpn::AutoDiscovery(route) => Some(route.rd),
            Evpn::MacIp(route) => Some(route.rd),
            Evpn::InclusiveMulticast(route) => Some(route.rd),
            Evpn::EthernetSegment(route) => Some(route.rd),
            Evpn::IpPrefix(route) => Some(route.rd),
            Evpn::SelectiveMulticast(route) => Some(route.rd),
            Evpn::Other { .. } => None,
        }
    }

    /// With 0 for what is not part of the key.
    #[must_use]
    pub fn key(self) -> Evpn<'m> {
        let (no_esi, no_label) = (EthernetSegmentId::ZERO, LabelField::default());
        match self {
            Evpn::AutoDiscovery(route) => Evpn::AutoDiscovery(AutoDiscovery { label: no_label, ..route }),
            Evpn::MacIp(route) => Evpn::MacIp(MacIp { esi: no_esi, label1: no_label, label2: None, ..route }),
            Evpn::IpPrefix(route) => {
                let gateway = unspecified(route.prefix.addr());
                Evpn::IpPrefix(IpPrefix { esi: no_esi, gateway, label: no_label, ..route })
            }
            Evpn::SelectiveMulticast(route) => Evpn::SelectiveMulticast(SelectiveMulticast { flags: 0, ..route }),
            Evpn::InclusiveMulticast(_) | Evpn::EthernetSegment(_) | Evpn::Other { .. } => self,
        }
    }

    /// Reads a route; `None`: malformed.
    fn of(route_type: u8, body: &'m [u8]) -> Option<Evpn<'m>> {
        let mut reader = Reader::new(body);
        let route = match route_type {
            1 => auto_discovery(&mut reader).map(Evpn::AutoDiscovery),
            2 => mac_ip(&mut reader).map(Evpn::MacIp),
            3 => inclusive_multicast(&mut reader).map(Evpn::InclusiveMulticast),
            4 => ethernet_segment(&mut reader).map(Evpn::EthernetSegment),
            5 => ip_prefix(&mut reader).map(Evpn::IpPrefix),
            6 => selective_multicast(&mut reader).map(Evpn::SelectiveMulticast),
            _ => return Some(Evpn::Other { route_type, octets: body }),
        }?;
        if reader.is_empty() { Some(route) } else { None }
    }

    /// Appends the octets; `false` where they do not fit an NLRI.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) -> bool {
        let start = out.len();
        out.extend_from_slice(&[self.route_type(), 0]);
        let fits = match self {
            Evpn::AutoDiscovery(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.esi.0);
                out.extend_from_slice(&route.tag.to_be_bytes());
                out.extend_from_slice(&route.label.octets());
                true
            }
            Evpn::MacIp(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.esi.0);
                out.extend_from_slice(&route.tag.to_be_bytes());
                out.push(MAC_BITS);
                out.extend_from_slice(&route.mac.0);
                write_address(route.ip, out);
                out.extend_from_slice(&route.label1.octets());
                out.extend(route.label2.iter().flat_map(|label| label.octets()));
                true
            }
            Evpn::InclusiveMulticast(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.tag.to_be_bytes());
                write_address(Some(route.originator), out);
                true
            }
            Evpn::EthernetSegment(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.esi.0);
                write_address(Some(route.originator), out);
                true
            }
            Evpn::IpPrefix(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.esi.0);
                out.extend_from_slice(&route.tag.to_be_bytes());
                out.push(route.prefix.prefix_len());
                put_address(route.prefix.network(), out);
                put_address(route.gateway, out);
                out.extend_from_slice(&route.label.octets());
                // RFC 9136 section 3.1: both of one kind.
                route.prefix.addr().is_ipv4() == route.gateway.is_ipv4()
            }
            Evpn::SelectiveMulticast(route) => {
                out.extend_from_slice(&route.rd.octets());
                out.extend_from_slice(&route.tag.to_be_bytes());
                write_address(route.source, out);
                write_address(route.group, out);
                write_address(Some(route.originator), out);
                out.push(route.flags);
                true
            }
            Evpn::Other { octets, .. } => {
                out.extend_from_slice(octets);
                true
            }
        };
        let Ok(len) = u8::try_from(out.len() - start - HEAD) else { return false };
        if let Some(place) = out.get_mut(start + 1) {
            *place = len;
        }
        fits
    }
}

/// The route type, and what the length behind it counts.
fn split(octets: &[u8]) -> Option<(u8, &[u8])> {
    let mut reader = Reader::new(octets);
    Some((reader.u8()?, reader.prefixed_u8()?))
}

fn auto_discovery(reader: &mut Reader<'_>) -> Option<AutoDiscovery> {
    Some(AutoDiscovery {
        rd: reader.array()?.into(),
        esi: EthernetSegmentId(reader.array()?),
        tag: reader.u32()?,
        label: LabelField::from(reader.array()?),
    })
}

fn mac_ip(reader: &mut Reader<'_>) -> Option<MacIp> {
    let (rd, esi, tag) = (reader.array()?.into(), EthernetSegmentId(reader.array()?), reader.u32()?);
    // RFC 7432 section 7.2: other lengths of MAC addresses are outside of it.
    if reader.u8()? != MAC_BITS {
        return None;
    }
    let (mac, ip) = (MacAddress(reader.array()?), address_or_none(reader)?);
    let label1 = LabelField::from(reader.array()?);
    let label2 = if reader.is_empty() { None } else { Some(LabelField::from(reader.array()?)) };
    Some(MacIp { rd, esi, tag, mac, ip, label1, label2 })
}

fn inclusive_multicast(reader: &mut Reader<'_>) -> Option<InclusiveMulticast> {
    let (rd, tag) = (reader.array()?.into(), reader.u32()?);
    Some(InclusiveMulticast { rd, tag, originator: address_or_none(reader)?? })
}

fn ethernet_segment(reader: &mut Reader<'_>) -> Option<EthernetSegment> {
    let (rd, esi) = (reader.array()?.into(), EthernetSegmentId(reader.array()?));
    Some(EthernetSegment { rd, esi, originator: address_or_none(reader)?? })
}

fn ip_prefix(reader: &mut Reader<'_>) -> Option<IpPrefix> {
    let (rd, esi, tag) = (reader.array()?.into(), EthernetSegmentId(reader.array()?), reader.u32()?);
    let bits = reader.u8()?;
    // RFC 9136 section 3.1: the length of the whole tells the kind of both addresses.
    let (prefix, gateway) = if reader.len() == 4 + 4 + LABEL_LEN {
        (IpAddr::from(reader.array::<4>()?), IpAddr::from(reader.array::<4>()?))
    } else {
        (IpAddr::from(reader.array::<16>()?), IpAddr::from(reader.array::<16>()?))
    };
    let prefix = ipnet::IpNet::new(prefix, bits).ok()?.trunc();
    Some(IpPrefix { rd, esi, tag, prefix, gateway, label: LabelField::from(reader.array()?) })
}

fn selective_multicast(reader: &mut Reader<'_>) -> Option<SelectiveMulticast> {
    let (rd, tag) = (reader.array()?.into(), reader.u32()?);
    let (source, group) = (address_or_none(reader)?, address_or_none(reader)?);
    let originator = address_or_none(reader)??;
    Some(SelectiveMulticast { rd, tag, source, group, originator, flags: reader.u8()? })
}

/// An address behind its length in bits, which is 0 where there is none.
fn address_or_none(reader: &mut Reader<'_>) -> Option<Option<IpAddr>> {
    match reader.u8()? {
        0 => Some(None),
        32 => Some(Some(IpAddr::from(reader.array::<4>()?))),
        128 => Some(Some(IpAddr::from(reader.array::<16>()?))),
        _ => None,
    }
}

/// Appends an address behind its length in bits.
#[cfg(feature = "alloc")]
fn write_address(address: Option<IpAddr>, out: &mut alloc::vec::Vec<u8>) {
    match address {
        None => out.push(0),
        Some(address) => {
            out.push(if address.is_ipv4() { 32 } else { 128 });
            put_address(address, out);
        }
    }
}

#[cfg(feature = "alloc")]
fn put_address(address: IpAddr, out: &mut alloc::vec::Vec<u8>) {
    match address {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
    }
}

/// The unspecified address of the same kind.
fn unspecified(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => core::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => core::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Octets of route type and length.
const HEAD: usize = 2;
/// Bits of a MAC address.
const MAC_BITS: u8 = 48;
/// Octets of a label.
const LABEL_LEN: usize = 3;

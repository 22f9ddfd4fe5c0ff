//! Flow specifications (1/133, 2/133; with a route distinguisher 1/134, 2/134; RFC 8955, RFC 8956): length (1 octet below
//! 240, else 2 with the upper 4 bits set), components in the order of their types.

#[cfg(feature = "alloc")]
mod builder;
mod component;
mod order;
mod text;

#[cfg(feature = "alloc")]
pub use self::builder::FlowSpecBuilder;
pub use self::component::{Component, Components, Match, Operation, Operations};
#[cfg(feature = "alloc")]
pub(crate) use self::text::parse;

use crate::Family;
use crate::next_hop::NextHop;
use crate::nlri::{Form, NlriValue, RouteDistinguisher, Rules, Shape, TypedNlri};
use crate::registry::numbers;

numbers! {
    /// The type of a component (RFC 8955 section 4.2.2, RFC 8956 section 3).
    pub struct ComponentType(u8) "flow specification component" {
        1 => DESTINATION "dst",
        2 => SOURCE "src",
        3 => PROTOCOL "proto",
        4 => PORT "port",
        5 => DESTINATION_PORT "dport",
        6 => SOURCE_PORT "sport",
        7 => ICMP_TYPE "icmp-type",
        8 => ICMP_CODE "icmp-code",
        9 => TCP_FLAGS "tcp-flags",
        10 => LENGTH "length",
        11 => DSCP "dscp",
        12 => FRAGMENT "fragment",
        13 => FLOW_LABEL "label",
    }
}

/// A flow specification: all of its components must match.
///
/// Text is `flow4 { dst 203.0.113.0/24; proto 17; dport 53, >= 1024 && < 2000; }`, `flow6 { .. }`, and with a route
/// distinguisher `flow4 rd 64512:1 { .. }`. A list has `,` for or, `&&` for and. Numbers are compared by `<`, `<=`, `>`,
/// `>=`, `!=` and nothing for equal (`true 0` and `false 0` match all and none); bits by nothing (any), `=` (all), `!`
/// (none) and `!=` (not all). `53:2` is 53 in 2 octets where 1 would do. An IPv6 pattern that begins behind the first bits
/// is written `dst ::1200:0:0:0/72 offset 64`.
///
/// ```
/// use bgp_wire::nlri::flowspec::ComponentType;
/// use bgp_wire::nlri::{NlriBuf, NlriValue};
/// let route: NlriBuf = "flow4 { dst 203.0.113.0/24; dport 53, >= 1024 && < 2000; }".parse()?;
/// let NlriValue::FlowSpec(rule) = route.as_ref().value() else { unreachable!() };
/// let types: Vec<_> = rule.components().map(|component| component.ty).collect();
/// assert_eq!(types, [ComponentType::DESTINATION, ComponentType::DESTINATION_PORT]);
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowSpec<'m> {
    rd: Option<RouteDistinguisher>,
    ipv6: bool,
    octets: &'m [u8],
}

impl<'m> FlowSpec<'m> {
    /// The route distinguisher of the VPN form.
    #[must_use]
    pub fn rd(&self) -> Option<RouteDistinguisher> {
        self.rd
    }

    /// Whether it is about IPv6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.ipv6
    }

    /// The components, in the order of their types.
    #[must_use]
    pub fn components(&self) -> Components<'m> {
        Components::new(self.octets, self.ipv6)
    }

    /// The family whose NLRI say this.
    #[must_use]
    pub fn family(&self) -> Family {
        match (self.ipv6, self.rd) {
            (false, None) => Family::IPV4_FLOWSPEC,
            (false, Some(_)) => Family::IPV4_FLOWSPEC_VPN,
            (true, None) => Family::IPV6_FLOWSPEC,
            (true, Some(_)) => Family::IPV6_FLOWSPEC_VPN,
        }
    }

    /// Appends the octets; `false` where they are more than 4095.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) -> bool {
        let mut body = alloc::vec::Vec::new();
        body.extend(self.rd.iter().flat_map(|rd| rd.octets()));
        self.components().for_each(|component| component.encode(&mut body));
        match u16::try_from(body.len()) {
            Ok(len @ ..SHORT) => out.extend(len.to_be_bytes().last()),
            Ok(len @ ..=0x0fff) => out.extend_from_slice(&(0xf000 | len).to_be_bytes()),
            _ => return false,
        }
        out.extend_from_slice(&body);
        true
    }
}

/// What is shorter has 1 octet of length.
const SHORT: u16 = 240;

/// How the NLRI of 1/133 are read.
pub(crate) enum Ipv4 {}
/// How the NLRI of 1/134 are read.
pub(crate) enum Ipv4Vpn {}
/// How the NLRI of 2/133 are read.
pub(crate) enum Ipv6 {}
/// How the NLRI of 2/134 are read.
pub(crate) enum Ipv6Vpn {}

/// One of the four families.
trait Kind {
    const IPV6: bool;
    const VPN: bool;
}

impl Kind for Ipv4 {
    const IPV6: bool = false;
    const VPN: bool = false;
}

impl Kind for Ipv4Vpn {
    const IPV6: bool = false;
    const VPN: bool = true;
}

impl Kind for Ipv6 {
    const IPV6: bool = true;
    const VPN: bool = false;
}

impl Kind for Ipv6Vpn {
    const IPV6: bool = true;
    const VPN: bool = true;
}

impl<K: Kind> Rules for K {
    #[cfg(feature = "alloc")]
    const SHORT: bool = false;

    fn measure(octets: &[u8], _: Form) -> Option<Shape> {
        let (body, len) = cut(octets)?;
        let rule = rule(body, K::IPV6, K::VPN)?;
        // RFC 8955 section 4.2: unknown types, other orders and a rule without components are malformed.
        let mut components = rule.components();
        let found = components.by_ref().count();
        if found > 0 && components.is_empty() { Some(Shape::unlabeled(len)) } else { None }
    }

    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>> {
        let (body, _) = cut(nlri.as_bytes())?;
        rule(body, K::IPV6, K::VPN).map(NlriValue::FlowSpec)
    }

    /// RFC 8955 section 4: none is sent, and what is received means nothing.
    fn next_hop(octets: &[u8], _: bool) -> Option<NextHop> {
        Some(NextHop::of_any_family(octets).unwrap_or(NextHop::None))
    }
}

/// What the length in front counts, and the octets of both.
fn cut(octets: &[u8]) -> Option<(&[u8], usize)> {
    let (first, rest) = octets.split_first()?;
    let (head, len) = if u16::from(*first) < SHORT {
        (1, usize::from(*first))
    } else {
        (2, usize::from(u16::from_be_bytes([first & 0x0f, *rest.first()?])))
    };
    Some((octets.get(head..head + len)?, head + len))
}

fn rule(body: &[u8], ipv6: bool, vpn: bool) -> Option<FlowSpec<'_>> {
    if !vpn {
        return Some(FlowSpec { rd: None, ipv6, octets: body });
    }
    let (rd, octets) = RouteDistinguisher::split(body)?;
    Some(FlowSpec { rd: Some(rd), ipv6, octets })
}

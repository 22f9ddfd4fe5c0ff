//! Makes flow specifications.

use alloc::vec::Vec;

use ipnet::IpNet;

use super::{Component, ComponentType, Components, FlowSpec, Match, Operation};
use crate::nlri::{NlriBuf, NlriValue, RouteDistinguisher};

/// Makes a flow specification; components come in the order of their types.
///
/// ```
/// use bgp_wire::nlri::flowspec::{ComponentType, FlowSpecBuilder, Operation};
/// let rule = FlowSpecBuilder::ipv4()
///     .prefix(ComponentType::DESTINATION, "203.0.113.0/24".parse()?, 0)
///     .operations(ComponentType::DESTINATION_PORT, &[Operation::new(false, 1, 53)])
///     .build();
/// assert_eq!(rule.map(|rule| rule.to_string()).as_deref(), Some("flow4 { dst 203.0.113.0/24; dport 53; }"));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlowSpecBuilder {
    ipv6: bool,
    rd: Option<RouteDistinguisher>,
    octets: Vec<u8>,
    /// Whether a component was not possible.
    broken: bool,
}

impl FlowSpecBuilder {
    /// One about IPv4.
    #[must_use]
    pub fn ipv4() -> FlowSpecBuilder {
        FlowSpecBuilder { ipv6: false, rd: None, octets: Vec::new(), broken: false }
    }

    /// One about IPv6.
    #[must_use]
    pub fn ipv6() -> FlowSpecBuilder {
        FlowSpecBuilder { ipv6: true, ..FlowSpecBuilder::ipv4() }
    }

    /// In the VPN form.
    #[must_use]
    pub fn rd(mut self, rd: RouteDistinguisher) -> FlowSpecBuilder {
        self.rd = Some(rd);
        self
    }

    /// With a destination or source; in IPv6 the first `offset` bits do not count.
    #[must_use]
    pub fn prefix(mut self, ty: ComponentType, prefix: IpNet, offset: u8) -> FlowSpecBuilder {
        let prefix = clear_before(prefix.trunc(), offset);
        self.broken |= prefix.addr().is_ipv6() != self.ipv6 || (offset != 0 && !self.ipv6);
        Component { ty, matches: Match::Prefix { prefix, offset }, octets: &[] }.encode(&mut self.octets);
        self
    }

    /// With a list of comparisons.
    #[must_use]
    pub fn operations(mut self, ty: ComponentType, operations: &[Operation]) -> FlowSpecBuilder {
        self.broken |= operations.is_empty();
        self.octets.push(ty.0);
        for (at, operation) in operations.iter().enumerate() {
            operation.encode(at + 1 == operations.len(), &mut self.octets);
        }
        self
    }

    /// The NLRI; `None`: no component, components in another order, of another family, or with values that are too wide,
    /// or more than 4095 octets.
    #[must_use]
    pub fn build(self) -> Option<NlriBuf> {
        let mut components = Components::new(&self.octets, self.ipv6);
        components.by_ref().for_each(drop);
        let rule = FlowSpec { rd: self.rd, ipv6: self.ipv6, octets: &self.octets };
        if self.broken || !components.is_empty() {
            return None;
        }
        NlriBuf::new(rule.family(), &NlriValue::FlowSpec(rule))
    }
}

/// Without the bits in front that do not count.
fn clear_before(prefix: IpNet, offset: u8) -> IpNet {
    let IpNet::V6(net) = prefix else { return prefix };
    let address = u128::from(net.network()) & u128::MAX.unbounded_shr(offset.into());
    ipnet::Ipv6Net::new(address.into(), net.prefix_len()).map_or(prefix, IpNet::from)
}

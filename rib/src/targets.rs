//! Route targets that a peer wants (RFC 4684): what its memberships come to.

use alloc::collections::BTreeSet;

use bgp_wire::Family;
use bgp_wire::attr::Attributes;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::nlri::RtConstrain;

/// Route targets by prefix: of each the number of bits that count, and the bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Targets {
    wanted: BTreeSet<(u8, u64)>,
}

impl Targets {
    /// Whether routes of `family` go only to who wants their route targets.
    pub(crate) fn apply_to(family: Family) -> bool {
        matches!(
            family,
            Family::IPV4_VPN
                | Family::IPV6_VPN
                | Family::IPV4_FLOWSPEC_VPN
                | Family::IPV6_FLOWSPEC_VPN
                | Family::IPV4_MCAST_VPN
                | Family::IPV6_MCAST_VPN
                | Family::IPV4_MULTICAST_VPN
                | Family::IPV6_MULTICAST_VPN
                | Family::L2VPN_EVPN
                | Family::L2VPN_VPLS
        )
    }

    /// With one more membership; the AS that wants it does not matter.
    pub(crate) fn add(&mut self, membership: RtConstrain) {
        let (target, bits) = membership.target();
        self.wanted.insert((bits, u64::from_be_bytes(target)));
    }

    /// Whether one of the route targets of a route is wanted. Who wants all wants routes without one too.
    pub(crate) fn want(&self, attributes: &Attributes<'_>) -> bool {
        if self.wanted.contains(&(0, 0)) {
            return true;
        }
        let targets = || attributes.ext_communities().filter(is_route_target);
        self.wanted.iter().any(|(bits, wanted)| {
            let mask = !u64::MAX.unbounded_shr(u32::from(*bits));
            targets().any(|target| u64::from_be_bytes(target.0) & mask == *wanted)
        })
    }
}

/// RFC 4360 section 4: subtype 2 of the types with an AS of two octets, an IPv4 address or an AS of four.
fn is_route_target(community: &ExtCommunity) -> bool {
    matches!(community.0, [0..=2, 2, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use bgp_wire::attr::AttrBuilder;

    fn targets(texts: &[&str]) -> Targets {
        let mut targets = Targets::default();
        texts.iter().for_each(|text| targets.add(text.parse().unwrap()));
        targets
    }

    fn wants(targets: &Targets, communities: &[&str]) -> bool {
        let communities: Vec<ExtCommunity> = communities.iter().map(|text| text.parse().unwrap()).collect();
        let block = AttrBuilder::new().ext_communities(&communities).build().unwrap();
        targets.want(&Attributes::from_canonical(&block).unwrap())
    }

    #[test]
    fn rfc4684_4_a_membership_is_a_prefix_of_route_targets() {
        let one = targets(&["origin 64512 rt:64512:1"]);
        assert!(wants(&one, &["rt:64512:9", "rt:64512:1"]) && !wants(&one, &["rt:64512:2"]) && !wants(&one, &[]));
        assert!(!wants(&one, &["soo:64512:1"]));
        let part = targets(&["origin 64512 0002fc0000000000/32"]);
        assert!(wants(&part, &["rt:64512:77"]) && !wants(&part, &["rt:64513:77"]));
        for all in ["default", "origin 64512"] {
            assert!(wants(&targets(&[all]), &["rt:1:1"]) && wants(&targets(&[all]), &[]));
        }
        assert!(!wants(&targets(&[]), &["rt:1:1"]));
    }
}

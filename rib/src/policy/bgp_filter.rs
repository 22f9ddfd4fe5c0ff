//! Calico's BGPFilter as a policy: ordered rules for each direction and address family, the first that matches decides.

use alloc::vec::Vec;

use bgp_wire::Asn;
use bgp_wire::community::Community;
use bgp_wire::community::large::LargeCommunity;
use ipnet::IpNet;

use super::{Policy, Route, Verdict};
use crate::peer::PeerKind;

/// The rules of one BGPFilter; where none matches, the next part of the policy decides.
///
/// Rules of routes that are not IPv4 or IPv6 unicast are never asked.
///
/// ```
/// use bgp_rib::policy::{BgpFilter, BgpFilterRule, MatchOperator, Verdict};
///
/// let filter = BgpFilter::new()
///     .export_v4(BgpFilterRule::new(Verdict::Accept).cidr("10.244.0.0/16".parse()?, MatchOperator::In))
///     .export_v4(BgpFilterRule::new(Verdict::Reject));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[doc(alias = "BGPFilter")]
pub struct BgpFilter {
    import_v4: Vec<BgpFilterRule>,
    import_v6: Vec<BgpFilterRule>,
    export_v4: Vec<BgpFilterRule>,
    export_v6: Vec<BgpFilterRule>,
}

impl BgpFilter {
    /// No rule.
    #[must_use]
    pub fn new() -> BgpFilter {
        BgpFilter::default()
    }

    /// With one more rule of `importV4`.
    #[must_use]
    pub fn import_v4(mut self, rule: BgpFilterRule) -> BgpFilter {
        self.import_v4.push(rule);
        self
    }

    /// With one more rule of `importV6`.
    #[must_use]
    pub fn import_v6(mut self, rule: BgpFilterRule) -> BgpFilter {
        self.import_v6.push(rule);
        self
    }

    /// With one more rule of `exportV4`.
    #[must_use]
    pub fn export_v4(mut self, rule: BgpFilterRule) -> BgpFilter {
        self.export_v4.push(rule);
        self
    }

    /// With one more rule of `exportV6`.
    #[must_use]
    pub fn export_v6(mut self, rule: BgpFilterRule) -> BgpFilter {
        self.export_v6.push(rule);
        self
    }
}

impl Policy for BgpFilter {
    fn import(&self, route: &mut Route<'_>) -> Verdict {
        decide(route, &self.import_v4, &self.import_v6)
    }

    fn export(&self, route: &mut Route<'_>) -> Verdict {
        decide(route, &self.export_v4, &self.export_v6)
    }
}

fn decide(route: &mut Route<'_>, v4: &[BgpFilterRule], v6: &[BgpFilterRule]) -> Verdict {
    let rules = match route.nlri().prefix() {
        Some(IpNet::V4(_)) if route.is_unicast() => v4,
        Some(IpNet::V6(_)) if route.is_unicast() => v6,
        _ => return Verdict::Next,
    };
    let Some(rule) = rules.iter().find(|rule| rule.matches(route)) else { return Verdict::Next };
    if rule.verdict == Verdict::Accept {
        rule.operations.iter().for_each(|operation| operation.apply(route));
    }
    rule.verdict
}

/// How a rule's CIDR compares with a route's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Calico's API has these four")]
pub enum MatchOperator {
    /// It is the prefix.
    Equal,
    /// It is another.
    NotEqual,
    /// The prefix is in it, or is it.
    In,
    /// It is not.
    NotIn,
}

/// Where a route must have come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteSource {
    /// It was learned by BGP.
    RemotePeers,
}

/// Of which type the session must be: with the sender on import, with the receiver on export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a session is one or the other")]
pub enum PeerType {
    /// With another AS.
    Ebgp,
    /// Inside the AS.
    Ibgp,
}

/// A community as Calico writes it: `65000:100` or `65000:100:200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Calico's API has these two")]
pub enum AnyCommunity {
    /// Of RFC 1997.
    Standard(Community),
    /// Of RFC 8092.
    Large(LargeCommunity),
}

/// What a rule that accepts may change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Adds a community where it is missing.
    AddCommunity(AnyCommunity),
    /// Puts these in front of AS_PATH, which begins with them then.
    PrependAsPath(Vec<Asn>),
    /// Sets LOCAL_PREF to 2147483647 minus the priority: the lower the priority, the better the route.
    SetPriority(u32),
}

impl Operation {
    fn apply(&self, route: &mut Route<'_>) {
        match self {
            Operation::AddCommunity(AnyCommunity::Standard(community)) => route.add_community(*community),
            Operation::AddCommunity(AnyCommunity::Large(community)) => route.add_large_community(*community),
            Operation::PrependAsPath(asns) => asns.iter().rev().for_each(|asn| route.prepend(*asn, 1)),
            Operation::SetPriority(priority) => route.set_local_pref(MOST.saturating_sub(*priority)),
        }
    }
}

/// LOCAL_PREF of a route of priority 0.
const MOST: u32 = 2_147_483_647;

/// One rule: all that it asks for has to hold; without anything it matches every route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpFilterRule {
    verdict: Verdict,
    cidr: Option<(IpNet, MatchOperator)>,
    lengths: Option<(u8, u8)>,
    source: Option<RouteSource>,
    peer_type: Option<PeerType>,
    community: Option<AnyCommunity>,
    as_path_prefix: Vec<Asn>,
    priority: Option<u32>,
    operations: Vec<Operation>,
}

impl BgpFilterRule {
    /// A rule that matches every route.
    #[must_use]
    pub fn new(verdict: Verdict) -> BgpFilterRule {
        BgpFilterRule {
            verdict,
            cidr: None,
            lengths: None,
            source: None,
            peer_type: None,
            community: None,
            as_path_prefix: Vec::new(),
            priority: None,
            operations: Vec::new(),
        }
    }

    /// `cidr` and `matchOperator`.
    #[must_use]
    pub fn cidr(mut self, cidr: IpNet, operator: MatchOperator) -> BgpFilterRule {
        self.cidr = Some((cidr.trunc(), operator));
        self
    }

    /// `prefixLength`: where there is a CIDR, only from its length on.
    #[must_use]
    pub fn prefix_length(mut self, min: Option<u8>, max: Option<u8>) -> BgpFilterRule {
        self.lengths = Some((min.unwrap_or(0), max.unwrap_or(u8::MAX)));
        self
    }

    /// `source`.
    #[must_use]
    pub fn source(mut self, source: RouteSource) -> BgpFilterRule {
        self.source = Some(source);
        self
    }

    /// `peerType`.
    #[must_use]
    pub fn peer_type(mut self, peer_type: PeerType) -> BgpFilterRule {
        self.peer_type = Some(peer_type);
        self
    }

    /// `communities`.
    #[must_use]
    pub fn community(mut self, community: AnyCommunity) -> BgpFilterRule {
        self.community = Some(community);
        self
    }

    /// `asPathPrefix`: AS_PATH begins with these.
    #[must_use]
    pub fn as_path_prefix(mut self, asns: impl IntoIterator<Item = Asn>) -> BgpFilterRule {
        self.as_path_prefix = asns.into_iter().collect();
        self
    }

    /// `priority`: LOCAL_PREF is 2147483647 minus that.
    #[must_use]
    pub fn priority(mut self, priority: u32) -> BgpFilterRule {
        self.priority = Some(priority);
        self
    }

    /// With one more of `operations`; they act where the rule accepts.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> BgpFilterRule {
        self.operations.push(operation);
        self
    }

    fn matches(&self, route: &Route<'_>) -> bool {
        let Some(prefix) = route.prefix() else { return false };
        let path = || route.attributes().as_path().unwrap_or_default();
        self.cidr.is_none_or(|(cidr, operator)| match operator {
            MatchOperator::Equal => prefix == cidr,
            MatchOperator::NotEqual => prefix != cidr,
            MatchOperator::In => cidr.contains(&prefix),
            MatchOperator::NotIn => !cidr.contains(&prefix),
        }) && self.lengths.is_none_or(|(min, max)| {
            let least = self.cidr.map_or(min, |(cidr, _)| min.max(cidr.prefix_len()));
            (least..=max).contains(&prefix.prefix_len())
        }) && self.source.is_none_or(|RouteSource::RemotePeers| route.from().is_some())
            && self.peer_type.is_none_or(|peer_type| {
                let kind = route.to().or(route.from().map(|from| from.kind));
                kind.is_some_and(|kind| PeerType::of(kind) == peer_type)
            })
            && self.community.is_none_or(|community| match community {
                AnyCommunity::Standard(one) => route.attributes().communities().any(|other| other == one),
                AnyCommunity::Large(one) => route.attributes().large_communities().any(|other| other == one),
            })
            && self.as_path_prefix.iter().copied().eq(path().asns().take(self.as_path_prefix.len()))
            && self
                .priority
                .is_none_or(|priority| route.attributes().local_pref() == Some(MOST.saturating_sub(priority)))
    }
}

impl PeerType {
    fn of(kind: PeerKind) -> PeerType {
        if kind.is_internal() { PeerType::Ibgp } else { PeerType::Ebgp }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::route;
    use super::*;
    use bgp_wire::attr::AttrBuilder;

    fn verdict(filter: &BgpFilter, prefix: &str, builder: AttrBuilder) -> Verdict {
        let block = builder.build().unwrap();
        filter.import(&mut route(prefix, &block, PeerKind::Ebgp, None))
    }

    fn plain() -> AttrBuilder {
        AttrBuilder::new().as_path(&[Asn(65001), Asn(65002)])
    }

    fn one(rule: BgpFilterRule) -> BgpFilter {
        BgpFilter::new().import_v4(rule)
    }

    #[test]
    fn the_first_rule_that_matches_decides_and_without_one_nothing_is_decided() {
        let cidr: IpNet = "10.244.0.0/16".parse().unwrap();
        let filter = one(BgpFilterRule::new(Verdict::Accept).cidr(cidr, MatchOperator::In))
            .import_v4(BgpFilterRule::new(Verdict::Reject).cidr("10.0.0.0/8".parse().unwrap(), MatchOperator::In));
        assert_eq!(verdict(&filter, "10.244.1.0/26", plain()), Verdict::Accept);
        assert_eq!(verdict(&filter, "10.1.0.0/16", plain()), Verdict::Reject);
        assert_eq!(verdict(&filter, "192.0.2.0/24", plain()), Verdict::Next);
        assert_eq!(verdict(&filter, "2001:db8::/32", plain()), Verdict::Next, "IPv6 has rules of its own");
    }

    #[test]
    fn each_operator_and_the_lengths() {
        use MatchOperator::{Equal, In, NotEqual, NotIn};
        let cidr: IpNet = "10.244.0.0/16".parse().unwrap();
        for (operator, same, inside, outside) in [
            (Equal, true, false, false),
            (NotEqual, false, true, true),
            (In, true, true, false),
            (NotIn, false, false, true),
        ] {
            let filter = one(BgpFilterRule::new(Verdict::Reject).cidr(cidr, operator));
            for (prefix, matches) in [("10.244.0.0/16", same), ("10.244.1.0/24", inside), ("10.0.0.0/8", outside)] {
                assert_eq!(verdict(&filter, prefix, plain()) == Verdict::Reject, matches, "{operator:?} {prefix}");
            }
        }
        let blocks = BgpFilterRule::new(Verdict::Reject).cidr(cidr, In).prefix_length(Some(8), Some(26));
        for (prefix, matches) in [("10.244.0.0/16", true), ("10.244.0.64/26", true), ("10.244.0.64/27", false)] {
            assert_eq!(verdict(&one(blocks.clone()), prefix, plain()) == Verdict::Reject, matches, "{prefix}");
        }
    }

    #[test]
    fn all_conditions_of_a_rule_have_to_hold() {
        let community = AnyCommunity::Standard(Community::new(65001, 80));
        let rule = BgpFilterRule::new(Verdict::Reject)
            .source(RouteSource::RemotePeers)
            .peer_type(PeerType::Ebgp)
            .community(community)
            .as_path_prefix([Asn(65001)])
            .priority(512);
        let full = plain().communities(&[Community::new(65001, 80)]).local_pref(MOST - 512);
        assert_eq!(verdict(&one(rule.clone()), "10.0.0.0/8", full.clone()), Verdict::Reject);
        for other in [full.clone().local_pref(100), full.clone().communities(&[]), full.clone().as_path(&[Asn(65002)])]
        {
            assert_eq!(verdict(&one(rule.clone()), "10.0.0.0/8", other), Verdict::Next);
        }
        assert_eq!(verdict(&one(rule.peer_type(PeerType::Ibgp)), "10.0.0.0/8", full), Verdict::Next);
    }

    #[test]
    fn operations_act_where_the_rule_accepts_in_the_order_as_written() {
        let community = Community::new(65001, 80);
        let rule = |verdict| {
            BgpFilterRule::new(verdict)
                .operation(Operation::AddCommunity(AnyCommunity::Standard(community)))
                .operation(Operation::PrependAsPath([Asn(1), Asn(2)].into()))
                .operation(Operation::SetPriority(512))
        };
        let block = plain().build().unwrap();
        let mut accepted = route("10.0.0.0/8", &block, PeerKind::Ebgp, None);
        assert_eq!(one(rule(Verdict::Accept)).import(&mut accepted), Verdict::Accept);
        let attributes = accepted.attributes();
        assert!(attributes.as_path().unwrap().asns().eq([Asn(1), Asn(2), Asn(65001), Asn(65002)]));
        assert!(attributes.communities().eq([community]));
        assert_eq!(attributes.local_pref(), Some(2_147_483_135));
        let mut rejected = route("10.0.0.0/8", &block, PeerKind::Ebgp, None);
        one(rule(Verdict::Reject)).import(&mut rejected);
        assert!(rejected.into_changed().is_none());
    }
}

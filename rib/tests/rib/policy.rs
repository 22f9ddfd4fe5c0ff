//! Policies at the edge: RFC 4271 section 9 leaves them to the operator.

use bgp_rib::policy::{Action, Condition, Policy, PrefixList, Route, Rule, Rules, Verdict};
use bgp_rib::{Config, Ineligible, PeerConfig, PeerKind, PeerPolicy, PolicyId};
use bgp_wire::attr::{AttrBuilder, Attributes};
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId, Context, FamilySet, Packer, SessionKind, UpdateView};

use crate::bench::Bench;

const AS: Asn = Asn(64512);
const P: &str = "10.244.36.64/26";
const Q: &str = "192.0.2.0/24";
const TAG: Community = Community(0xfde8_0050);

fn bench() -> Bench {
    Bench::new(Config::new(AS, BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn ebgp(bench: &mut Bench, last: u8, policy: PolicyId) -> usize {
    let config = PeerConfig::new(PeerKind::Ebgp, Asn(65000 + u32::from(last)), [192, 0, 2, last].into());
    bench.add(config.with_policy(PeerPolicy::Use(policy)), SessionKind::Ebgp)
}

fn ibgp(bench: &mut Bench, last: u8) -> usize {
    bench.add(PeerConfig::new(PeerKind::Ibgp, AS, [192, 0, 2, last].into()), SessionKind::Ibgp)
}

fn block(asns: &[u32]) -> Vec<u8> {
    AttrBuilder::new().as_path(&asns.iter().map(|asn| Asn(*asn)).collect::<Vec<_>>()).build().unwrap()
}

fn pods() -> Condition {
    Condition::Prefix(PrefixList::new().or_longer("10.244.0.0/16".parse().unwrap()))
}

fn reject() -> Rule {
    Rule::new(Verdict::Reject)
}

#[test]
fn rfc4271_9_1_1_import_policy_sets_the_degree_of_preference_per_prefix() {
    let mut bench = bench();
    let rules = Rules::new().import(Rule::new(Verdict::Accept).when(pods()).then(Action::LocalPref(300)));
    let policy = bench.rib.add_policy(rules);
    let (from, to) = (ebgp(&mut bench, 1, policy), ibgp(&mut bench, 2));
    let prefixes = [P.parse().unwrap(), Q.parse().unwrap()];
    bench.announce_all(from, &prefixes, &block(&[65001]), "192.0.2.1".parse().unwrap());
    bench.settle();
    let local_pref = |prefix| {
        let held = bench.holds(to, prefix).unwrap();
        Attributes::from_canonical(&held.0).unwrap().local_pref()
    };
    assert_eq!((local_pref(P), local_pref(Q)), (Some(300), Some(100)));
}

#[test]
fn rfc4271_9_1_what_policy_rejects_leaves_nothing_of_what_it_replaces() {
    let mut bench = bench();
    let rules = Rules::new().import(reject().when(Condition::AsPathContains(Asn(65009))));
    let policy = bench.rib.add_policy(rules);
    let (from, to) = (ebgp(&mut bench, 1, policy), ibgp(&mut bench, 2));
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.settle();
    assert!(bench.holds(to, P).is_some());
    let mut out = bytes::BytesMut::new();
    let context = Context::new(SessionKind::Ebgp);
    let routes = [P, Q].map(|text| text.parse::<ipnet::IpNet>().unwrap().into());
    let next_hop = "192.0.2.1".parse().unwrap();
    let family = bgp_wire::Family::IPV4_UNICAST;
    Packer::new(&context).announce(&mut out, &block(&[65001, 65009]), next_hop, family, routes).unwrap();
    let id = bench.peers[from].id;
    let outcome = bench.rib.update(&mut bench.store, id, &UpdateView::decode(&out, &context).unwrap());
    assert_eq!((outcome.announced, outcome.rejected, outcome.reason), (0, 2, Some(Ineligible::Policy)));
    bench.settle();
    assert_eq!((bench.rib.path_count(id), bench.holds(to, P)), (0, None));
}

#[test]
fn rfc4271_9_1_3_export_policy_is_asked_once_for_a_group_and_sees_what_goes_out() {
    let mut bench = bench();
    let rules = Rules::new()
        .export(reject().when(Condition::Not(Box::new(pods()))))
        .export(Rule::new(Verdict::Next).when(Condition::NeighborAs(AS)).then(Action::Prepend(AS, 2)))
        .export(Rule::new(Verdict::Accept).then(Action::Med(Some(9))).then(Action::AddCommunity(TAG)));
    let policy = bench.rib.add_policy(rules);
    let from = ibgp(&mut bench, 1);
    let [first, second] = [2, 3].map(|last| ebgp(&mut bench, last, policy));
    let internal = AttrBuilder::new().as_path(&[]).med(4).local_pref(100).build().unwrap();
    let prefixes = [P.parse().unwrap(), Q.parse().unwrap()];
    bench.announce_all(from, &prefixes, &internal, "192.0.2.1".parse().unwrap());
    bench.settle();
    assert_eq!(bench.rib.group_count(), 2);
    let expected = AttrBuilder::new().as_path(&[AS, AS, AS]).med(9).communities(&[TAG]).build().unwrap();
    for to in [first, second] {
        assert_eq!(bench.holds(to, P).map(|held| &held.0), Some(&expected));
        assert_eq!(bench.holds(to, Q), None);
    }
}

#[test]
fn rfc4271_9_2_1_a_changed_policy_is_sent_without_a_session_reset() {
    let mut bench = bench();
    let policy = bench.rib.add_policy(Rules::new());
    let (from, to) = (ibgp(&mut bench, 1), ebgp(&mut bench, 2, policy));
    let internal = AttrBuilder::new().as_path(&[]).local_pref(100).build().unwrap();
    let prefixes = [P.parse().unwrap(), Q.parse().unwrap()];
    bench.announce_all(from, &prefixes, &internal, "192.0.2.1".parse().unwrap());
    bench.settle();
    assert_eq!(bench.peers[to].table.len(), 2);
    let messages = bench.peers[to].messages;
    assert!(bench.rib.replace_policy(policy, Rules::new().export(reject().when(pods()))));
    assert_eq!(bench.rib.policy_changed(bench.peers[to].id), FamilySet::UNICAST);
    assert_eq!(bench.rib.policy_changed(bench.peers[from].id), FamilySet::EMPTY, "it has none");
    bench.settle();
    assert_eq!((bench.holds(to, P), bench.peers[to].table.len()), (None, 1));
    assert_eq!(bench.peers[to].messages, messages + 1, "one withdrawal, and nothing of what stays");
    assert_eq!(bench.peers[to].end_of_rib.len(), 2);
    bench.down(to);
    assert_eq!(bench.rib.policy_changed(bench.peers[to].id), FamilySet::EMPTY);
}

#[test]
fn rfc8212_2_the_policy_of_another_rib_is_none() {
    let mut other = bench();
    let policy = other.rib.add_policy(Rules::new());
    let mut bench = bench();
    let (from, inner) = (ebgp(&mut bench, 1, policy), ibgp(&mut bench, 2));
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.announce(inner, Q, &AttrBuilder::new().local_pref(100).build().unwrap(), "192.0.2.2");
    bench.settle();
    assert!(bench.peers[inner].table.is_empty() && bench.peers[from].table.is_empty());
    assert!(!bench.rib.replace_policy(policy, Rules::new()));
}

#[test]
fn a_policy_knows_who_sent_a_route_and_what_the_receivers_are() {
    /// Tags what goes from one kind of peer to another with both numbers of the AS path of the sender.
    #[derive(Debug)]
    struct FromTo;

    impl Policy for FromTo {
        fn import(&self, route: &mut Route<'_>) -> Verdict {
            let from = route.from().unwrap();
            assert_eq!((from.kind, from.asn, route.to()), (PeerKind::Ebgp, Asn(65001), None));
            Verdict::Next
        }

        fn export(&self, route: &mut Route<'_>) -> Verdict {
            match (route.from().map(|from| (from.kind, from.router_id.0)), route.to()) {
                (Some((PeerKind::Ebgp, id)), Some(PeerKind::Ebgp)) => route.set_med(Some(id)),
                _ => return Verdict::Reject,
            }
            Verdict::Accept
        }
    }

    let mut bench = bench();
    let policy = bench.rib.add_policy(FromTo);
    let from = ebgp(&mut bench, 1, policy);
    let open = bench.rib.add_policy(Rules::new());
    let to = ebgp(&mut bench, 2, policy);
    let other = ebgp(&mut bench, 3, open);
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.rib.originate(&mut bench.store, Q.parse().unwrap(), &block(&[]), None).unwrap();
    bench.settle();
    let sent = AttrBuilder::new().as_path(&[AS, Asn(65001)]);
    let tagged = sent.clone().med(bench.peers[from].bgp_id.0).build().unwrap();
    assert_eq!(bench.holds(to, P).map(|held| &held.0), Some(&tagged));
    assert_eq!(bench.holds(other, P).map(|held| &held.0), Some(&sent.build().unwrap()));
    assert!(bench.holds(to, Q).is_none() && bench.holds(other, Q).is_some());
}

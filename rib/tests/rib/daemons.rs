//! What other daemons do differently, case by case: each test is named by the daemon and says what is right.

use bgp_rib::{Config, DecisionOptions, Ineligible, NextHop, Outcome, PeerConfig, PeerKind, PeerPolicy, Step};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::{Asn, AttrFlags, AttrType, BgpId, ClusterId, SessionKind, UpdateView};

use crate::bench::Bench;

const AS: Asn = Asn(64512);
const CLUSTER: ClusterId = ClusterId(0xf400_0001);
const P: &str = "203.0.113.0/24";

fn bench() -> Bench {
    Bench::new(config())
}

fn config() -> Config {
    Config::new(AS, BgpId(1)).with_cluster_id(CLUSTER).with_local_v4("192.0.2.254".parse().unwrap())
}

fn peer(bench: &mut Bench, kind: PeerKind, last: u8) -> usize {
    let (asn, session) = match kind {
        PeerKind::Ebgp => (Asn(65000 + u32::from(last)), SessionKind::Ebgp),
        PeerKind::Confed => (Asn(64600 + u32::from(last)), SessionKind::ConfedExternal),
        _ => (AS, SessionKind::Ibgp),
    };
    bench.add(PeerConfig::new(kind, asn, [192, 0, 2, last].into()), session)
}

/// A route as an internal peer sends it.
fn internal() -> AttrBuilder {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(100)
}

/// A route as the external peer at `.last` sends it.
fn external(last: u8) -> AttrBuilder {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[Asn(65000 + u32::from(last))])
}

fn announce(bench: &mut Bench, index: usize, builder: AttrBuilder) {
    let hop = bench.peers[index].config.addr().to_string();
    bench.announce(index, P, &builder.build().unwrap(), &hop);
    bench.settle();
}

fn held(bench: &Bench, index: usize) -> Option<Attributes<'_>> {
    bench.holds(index, P).map(|held| Attributes::from_canonical(&held.0).unwrap())
}

fn has_reflection(bench: &Bench, index: usize) -> bool {
    let held = held(bench, index).unwrap();
    held.originator_id().is_some() || held.cluster_list().next().is_some()
}

fn outcome(bench: &Bench, index: usize) -> Outcome {
    let all = bench.rib.explain(&bench.store, P.parse().unwrap());
    all.iter().find(|one| one.path.peer == Some(bench.peers[index].id)).unwrap().outcome
}

fn lost(step: Step, bench: &Bench, against: usize) -> Outcome {
    Outcome::Lost { step, against: Some(bench.peers[against].id) }
}

#[test]
fn gobgp_a_clients_route_goes_to_a_non_client_with_reflection_attributes() {
    let mut bench = bench();
    let (client, other) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::Ibgp, 2));
    announce(&mut bench, client, internal());
    let held = held(&bench, other).unwrap();
    assert_eq!(held.originator_id(), Some(bench.peers[client].bgp_id));
    assert_eq!(held.cluster_list().collect::<Vec<_>>(), [CLUSTER]);
}

#[test]
fn gobgp_openbgpd_external_and_own_routes_go_to_a_client_without_reflection_attributes() {
    let mut bench = bench();
    let (from, client) = (peer(&mut bench, PeerKind::Ebgp, 1), peer(&mut bench, PeerKind::RrClient, 2));
    announce(&mut bench, from, external(1));
    assert!(!has_reflection(&bench, client));
    let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).build().unwrap();
    bench.rib.originate(&mut bench.store, P.parse().unwrap(), &block, None).unwrap();
    bench.settle();
    assert!(!has_reflection(&bench, client));
    assert_eq!(held(&bench, client).unwrap().as_path().unwrap_or_default().hops(), 0);
}

#[test]
fn gobgp_well_known_communities_are_honoured() {
    for (community, to_internal) in [(Community::NO_EXPORT, true), (Community::NO_ADVERTISE, false)] {
        let mut bench = bench();
        let from = peer(&mut bench, PeerKind::RrClient, 1);
        let (client, out) = (peer(&mut bench, PeerKind::RrClient, 2), peer(&mut bench, PeerKind::Ebgp, 3));
        announce(&mut bench, from, internal().communities(&[community]));
        assert_eq!((held(&bench, client).is_some(), held(&bench, out).is_some()), (to_internal, false), "{community}");
    }
}

#[test]
fn gobgp_originator_id_stands_in_for_the_bgp_identifier_in_the_decision() {
    let mut bench = bench();
    let (low, high) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::RrClient, 2));
    announce(&mut bench, low, internal().originator_id(BgpId(0x0b00_0000)));
    announce(&mut bench, high, internal().originator_id(BgpId(0x0900_0000)));
    assert_eq!(bench.best(P), Some(high));
    assert_eq!(outcome(&bench, low), lost(Step::BgpIdentifier, &bench, high));
}

#[test]
fn gobgp_a_shorter_cluster_list_decides() {
    let mut bench = bench();
    let (long, short) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::RrClient, 2));
    let reflected = |clusters: &[ClusterId]| internal().originator_id(BgpId(9)).cluster_list(clusters);
    announce(&mut bench, long, reflected(&[ClusterId(7), ClusterId(8)]));
    announce(&mut bench, short, reflected(&[ClusterId(7)]));
    assert_eq!(bench.best(P), Some(short));
    assert_eq!(outcome(&bench, long), lost(Step::ClusterListLength, &bench, short));
}

/// Paths of two ASes of which the middle one is put out by MED alone.
fn med_triangle(order: [usize; 3], options: DecisionOptions) -> usize {
    let mut bench = Bench::new(config().with_decision(options));
    let peers = [1, 2, 3].map(|last| peer(&mut bench, PeerKind::Ibgp, last));
    let paths = [(65001, 10, 30), (65001, 20, 10), (65002, 15, 20)];
    for at in order {
        let (asn, med, id) = paths[at];
        let path = AttrBuilder::new().origin(Origin::Igp).as_path(&[Asn(asn)]).local_pref(100);
        announce(&mut bench, peers[at], path.med(med).originator_id(BgpId(id)));
    }
    let best = bench.best(P).unwrap();
    peers.iter().position(|one| *one == best).unwrap()
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn gobgp_frr_bird_cisco_med_does_not_depend_on_the_order_of_arrival() {
    for order in ORDERS {
        assert_eq!(med_triangle(order, DecisionOptions::new()), 2, "{order:?}");
        let always = DecisionOptions::new().with_always_compare_med(true);
        assert_eq!(med_triangle(order, always), 0, "{order:?}");
    }
}

#[test]
fn gobgp_bird_own_cluster_id_is_a_loop_from_clients_and_from_non_clients() {
    for kind in [PeerKind::RrClient, PeerKind::Ibgp] {
        let mut bench = bench();
        let (from, out) = (peer(&mut bench, kind, 1), peer(&mut bench, PeerKind::Ebgp, 2));
        announce(&mut bench, from, internal().originator_id(BgpId(9)).cluster_list(&[ClusterId(5), CLUSTER]));
        assert_eq!((bench.best(P), held(&bench, out).is_some()), (None, false), "{kind:?}");
    }
}

#[test]
fn gobgp_when_the_best_moves_to_a_non_client_other_non_clients_are_told() {
    let mut bench = bench();
    let client = peer(&mut bench, PeerKind::RrClient, 1);
    let [one, two] = [2, 3].map(|last| peer(&mut bench, PeerKind::Ibgp, last));
    announce(&mut bench, client, internal());
    assert!(held(&bench, one).is_some() && held(&bench, two).is_some());
    announce(&mut bench, one, internal().local_pref(200));
    assert!(held(&bench, two).is_none(), "what a non-client brought does not go to another");
    assert!(held(&bench, one).is_none(), "who brings the best gets the withdrawal of the one before");
    assert_eq!(held(&bench, client).unwrap().local_pref(), Some(200));
}

#[test]
fn gobgp_unknown_transitive_attributes_go_on_with_the_partial_bit() {
    let mut bench = bench();
    let (from, to) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::RrClient, 2));
    let attributes = [
        &[0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 100][..],
        // Unknown: optional transitive 0xf0, optional non-transitive 0xf1.
        &[0xc0, 0xf0, 2, 1, 2, 0x80, 0xf1, 1, 7],
    ]
    .concat();
    let mut message = vec![0xff; 16];
    message.extend(u16::try_from(23 + attributes.len() + 4).unwrap().to_be_bytes());
    message.extend([2, 0, 0, 0, u8::try_from(attributes.len()).unwrap()]);
    message.extend(attributes);
    message.extend([24, 203, 0, 113]);
    UpdateView::decode(&message, &bench.peers[from].context).unwrap();
    bench.receive(from, &message);
    bench.settle();
    let held = held(&bench, to).unwrap();
    let unknown = held.get(AttrType(0xf0)).unwrap();
    assert!(unknown.flags.contains(AttrFlags::PARTIAL) && held.get(AttrType(0xf1)).is_none());
}

#[test]
fn gobgp_local_pref_of_an_external_peer_does_not_count() {
    let mut bench = bench();
    let [one, two] = [1, 2].map(|last| peer(&mut bench, PeerKind::Ebgp, last));
    let client = peer(&mut bench, PeerKind::RrClient, 3);
    announce(&mut bench, one, external(1));
    announce(&mut bench, two, external(2).local_pref(900));
    assert_eq!(bench.best(P), Some(one));
    assert_eq!(held(&bench, client).unwrap().local_pref(), Some(100));
}

#[test]
fn gobgp_frr_openbgpd_own_ids_in_what_an_external_peer_sends_are_discarded_and_the_route_is_used() {
    let mut bench = bench();
    let (from, client) = (peer(&mut bench, PeerKind::Ebgp, 1), peer(&mut bench, PeerKind::RrClient, 2));
    announce(&mut bench, from, external(1).originator_id(BgpId(1)).cluster_list(&[CLUSTER]));
    assert_eq!(bench.best(P), Some(from));
    assert!(!has_reflection(&bench, client));
}

#[test]
fn gobgp_a_confederation_peer_gets_local_pref_med_and_next_hop_as_they_are() {
    let mut bench = Bench::new(config().with_confederation(Asn(65500)));
    let (from, to) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::Confed, 2));
    announce(&mut bench, from, internal().local_pref(300).med(7));
    let (attributes, next_hop) = (held(&bench, to).unwrap(), bench.holds(to, P).unwrap().1);
    assert_eq!((attributes.local_pref(), attributes.med()), (Some(300), Some(7)));
    assert_eq!(next_hop, NextHop::V4([192, 0, 2, 1].into()));
    assert!(!has_reflection(&bench, to));
    let path = attributes.as_path().unwrap();
    assert!(path.segments().all(|segment| segment.kind.is_confed()) && path.asns().eq([AS]));
}

#[test]
fn gobgp_openbgpd_interior_cost_decides() {
    let mut bench = bench();
    let [far, near] = [1, 2].map(|last| peer(&mut bench, PeerKind::RrClient, last));
    bench.rib.set_igp_cost("192.0.2.1".parse().unwrap(), 50);
    bench.rib.set_igp_cost("192.0.2.2".parse().unwrap(), 5);
    announce(&mut bench, far, internal());
    announce(&mut bench, near, internal());
    assert_eq!(bench.best(P), Some(near));
    assert_eq!(outcome(&bench, far), lost(Step::InteriorCost, &bench, near));
}

#[test]
fn frr_nothing_goes_back_to_its_sender_though_it_shares_a_group() {
    let mut bench = bench();
    let peers: Vec<_> = (1..=4).map(|last| peer(&mut bench, PeerKind::RrClient, last)).collect();
    assert_eq!(bench.rib.group_count(), 1);
    for (round, from) in peers.iter().enumerate() {
        announce(&mut bench, *from, internal().local_pref(100 + u32::try_from(round).unwrap()));
        for to in &peers {
            assert_eq!(held(&bench, *to).is_none(), to == from, "{from} to {to}");
        }
    }
}

#[test]
fn frr_no_med_is_made_up() {
    let mut bench = bench();
    let (from, to) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::Ibgp, 2));
    announce(&mut bench, from, internal());
    assert_eq!(held(&bench, to).unwrap().med(), None);
}

#[test]
fn frr_cisco_the_older_external_path_wins_only_where_that_is_asked_for() {
    for oldest in [false, true] {
        let options = DecisionOptions::new().with_prefer_oldest_external(oldest);
        let mut bench = Bench::new(config().with_decision(options));
        let [low, high] = [1, 2].map(|last| peer(&mut bench, PeerKind::Ebgp, last));
        announce(&mut bench, high, external(2));
        announce(&mut bench, low, external(1));
        let (best, other) = if oldest { (high, low) } else { (low, high) };
        let step = if oldest { Step::OldestExternal } else { Step::BgpIdentifier };
        assert_eq!((bench.best(P), outcome(&bench, other)), (Some(best), lost(step, &bench, best)));
    }
}

#[test]
fn frr_cisco_the_cluster_list_counts_after_the_bgp_identifier() {
    let mut bench = bench();
    let [long, short] = [1, 2].map(|last| peer(&mut bench, PeerKind::RrClient, last));
    announce(&mut bench, long, internal().originator_id(BgpId(8)).cluster_list(&[ClusterId(7), ClusterId(6)]));
    announce(&mut bench, short, internal().originator_id(BgpId(9)).cluster_list(&[ClusterId(7)]));
    assert_eq!(bench.best(P), Some(long));
    assert_eq!(outcome(&bench, short), lost(Step::BgpIdentifier, &bench, long));
}

#[test]
fn openbgpd_members_of_a_confederation_are_not_external() {
    let mut bench = Bench::new(config().with_confederation(Asn(65500)));
    let (confed, outside) = (peer(&mut bench, PeerKind::Confed, 1), peer(&mut bench, PeerKind::Ebgp, 2));
    let segments = [
        PathSegment { kind: SegmentKind::ConfedSequence, asns: vec![Asn(64601)] },
        PathSegment { kind: SegmentKind::Sequence, asns: vec![Asn(65009)] },
    ];
    announce(&mut bench, confed, AttrBuilder::new().origin(Origin::Igp).segments(&segments).local_pref(100));
    announce(&mut bench, outside, external(2));
    assert_eq!(bench.best(P), Some(outside));
    assert_eq!(outcome(&bench, confed), lost(Step::External, &bench, outside));
}

#[test]
fn bird_one_cluster_id_is_prepended_once() {
    let mut bench = bench();
    let (from, to) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::RrClient, 2));
    announce(&mut bench, from, internal().originator_id(BgpId(9)).cluster_list(&[ClusterId(5)]));
    assert_eq!(held(&bench, to).unwrap().cluster_list().collect::<Vec<_>>(), [CLUSTER, ClusterId(5)]);
    assert_eq!(held(&bench, to).unwrap().originator_id(), Some(BgpId(9)));
}

#[test]
fn bird_rfc8212_an_external_session_without_policy_takes_and_gives_nothing() {
    let mut bench = bench();
    let config = PeerConfig::new(PeerKind::Ebgp, Asn(65001), [192, 0, 2, 1].into()).with_policy(PeerPolicy::None);
    let (bare, client) = (bench.add(config, SessionKind::Ebgp), peer(&mut bench, PeerKind::RrClient, 2));
    announce(&mut bench, bare, external(1));
    assert_eq!(bench.best(P), None);
    announce(&mut bench, client, internal());
    assert!(held(&bench, bare).is_none());
    let again = external(1).build().unwrap();
    let mut out = bytes::BytesMut::new();
    let prefix: ipnet::IpNet = P.parse().unwrap();
    let (hop, family) = (NextHop::V4([192, 0, 2, 1].into()), bgp_wire::Family::IPV4_UNICAST);
    let context = bench.peers[bare].context;
    bgp_wire::Packer::new(&context).announce(&mut out, &again, hop, family, [prefix.into()]).unwrap();
    let update = UpdateView::decode(&out, &context).unwrap();
    let outcome = bench.rib.update(&mut bench.store, bench.peers[bare].id, &update);
    assert_eq!((outcome.announced, outcome.reason), (0, Some(Ineligible::NoPolicy)));
}

#[test]
fn cisco_nothing_comes_before_local_pref() {
    let mut bench = bench();
    let (client, outside) = (peer(&mut bench, PeerKind::RrClient, 1), peer(&mut bench, PeerKind::Ebgp, 2));
    let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).build().unwrap();
    bench.rib.originate(&mut bench.store, P.parse().unwrap(), &block, None).unwrap();
    announce(&mut bench, outside, external(2));
    announce(&mut bench, client, internal().local_pref(101).as_path(&[Asn(1), Asn(2), Asn(3)]));
    assert_eq!(bench.best(P), Some(client), "an own route has 100 too");
    assert_eq!(outcome(&bench, outside), lost(Step::LocalPref, &bench, client));
}

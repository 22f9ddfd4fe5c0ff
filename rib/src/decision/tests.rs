//! Tests of the decision process: each step by its rule, MED groups, independence of order.

use super::*;
use alloc::vec::Vec;
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::{BgpId, ClusterId};
use proptest::prelude::*;

const AS: Asn = Asn(64512);

/// A candidate; `peer` gives the last octet of its address and its BGP Identifier.
fn candidate(kind: PeerKind, peer: u8, asn: u32, build: impl Fn(AttrBuilder) -> AttrBuilder) -> Candidate {
    let block = build(AttrBuilder::new().origin(Origin::Igp).as_path(&[Asn(asn)])).build().unwrap();
    let facts = Facts::of(&Attributes::from_canonical(&block).unwrap());
    let source =
        Source { kind: Some(kind), asn: Asn(asn), router_id: BgpId(peer.into()), addr: [192, 0, 2, peer].into() };
    Candidate { facts, source, interior_cost: 0, path_id: 0 }
}

fn ebgp(peer: u8, asn: u32, build: impl Fn(AttrBuilder) -> AttrBuilder) -> Candidate {
    candidate(PeerKind::Ebgp, peer, asn, build)
}

fn rules(options: DecisionOptions) -> Rules {
    Rules { options, local_as: AS, current: None }
}

fn plain() -> Rules {
    rules(DecisionOptions::new())
}

/// `better` beats `worse` at `step`, in both orders.
fn decides(step: Step, better: Candidate, worse: Candidate, rules: Rules) {
    assert_eq!(explain(&[better, worse], rules), [None, Some((step, 0))]);
    assert_eq!(explain(&[worse, better], rules), [Some((step, 1)), None]);
    assert_eq!((best(&[better, worse], rules), best(&[worse, better], rules)), (Some(0), Some(1)));
}

#[test]
fn rfc9494_4_3_llgr_stale_loses_before_all_else() {
    let stale = ebgp(1, 65001, |b| b.local_pref(900).communities(&[Community::LLGR_STALE]));
    decides(Step::LlgrStale, ebgp(2, 65002, |b| b.local_pref(1)), stale, plain());
}

#[test]
fn rfc4271_9_1_1_highest_local_pref_wins_and_100_is_the_default() {
    decides(Step::LocalPref, ebgp(2, 65001, |b| b.local_pref(101)), ebgp(1, 65001, |b| b), plain());
    decides(Step::LocalPref, ebgp(2, 65001, |b| b), ebgp(1, 65001, |b| b.local_pref(99)), plain());
}

#[test]
fn own_routes_win_after_local_pref() {
    let mut own = ebgp(9, 64512, |b| b.as_path(&[Asn(1), Asn(2)]));
    own.source.kind = None;
    decides(Step::Local, own, ebgp(1, 65001, |b| b), plain());
    decides(Step::LocalPref, ebgp(1, 65001, |b| b.local_pref(200)), own, plain());
}

#[test]
fn rfc4271_9_1_2_2_a_shortest_as_path_wins() {
    decides(Step::AsPathLength, ebgp(2, 65001, |b| b), ebgp(1, 65001, |b| b.as_path(&[AS, AS])), plain());
}

#[test]
fn rfc4271_9_1_2_2_b_lowest_origin_wins() {
    decides(Step::Origin, ebgp(2, 65001, |b| b), ebgp(1, 65001, |b| b.origin(Origin::Egp)), plain());
    let incomplete = ebgp(1, 65001, |b| b.origin(Origin::Incomplete));
    decides(Step::Origin, ebgp(2, 65001, |b| b.origin(Origin::Egp)), incomplete, plain());
}

#[test]
fn rfc4271_9_1_2_2_c_med_compares_within_one_neighbour_as() {
    let (low, high) = (ebgp(2, 65001, |b| b.med(10)), ebgp(1, 65001, |b| b.med(20)));
    decides(Step::Med, low, high, plain());
    decides(Step::BgpIdentifier, ebgp(1, 65002, |b| b.med(20)), low, plain());
    decides(Step::Med, low, ebgp(1, 65002, |b| b.med(20)), rules(DecisionOptions::new().with_always_compare_med(true)));
}

#[test]
fn rfc4271_9_1_2_2_c_missing_med_is_the_lowest_unless_configured() {
    let (one, missing) = (ebgp(1, 65001, |b| b.med(1)), ebgp(2, 65001, |b| b));
    decides(Step::Med, missing, one, plain());
    decides(Step::Med, one, missing, rules(DecisionOptions::new().with_med_missing_as_worst(true)));
    decides(Step::BgpIdentifier, ebgp(1, 65001, |b| b.med(0)), missing, plain());
}

#[test]
fn rfc4271_9_1_2_2_c_internal_neighbour_as_is_the_paths_or_the_local_one() {
    let internal =
        |peer, path: &'static [Asn], med| candidate(PeerKind::Ibgp, peer, AS.0, |b| b.as_path(path).med(med));
    decides(Step::Med, internal(2, &[Asn(7)], 1), internal(1, &[Asn(7)], 2), plain());
    decides(Step::Med, internal(2, &[], 1), internal(1, &[], 2), plain());
    decides(Step::BgpIdentifier, internal(1, &[Asn(8)], 2), internal(2, &[Asn(7)], 1), plain());
    // MED comes before the kind of the session.
    decides(Step::Med, internal(2, &[Asn(65001)], 1), ebgp(1, 65001, |b| b.med(2)), plain());
}

#[test]
fn rfc4271_9_1_2_2_d_external_wins_and_confederation_members_are_internal() {
    let confed = candidate(PeerKind::Confed, 1, 65100, |b| b.as_path(&[Asn(7)]));
    decides(Step::External, ebgp(2, 65001, |b| b), confed, plain());
    decides(Step::BgpIdentifier, confed, candidate(PeerKind::Ibgp, 2, AS.0, |b| b.as_path(&[Asn(7)])), plain());
}

#[test]
fn rfc4271_9_1_2_2_e_lowest_interior_cost_wins() {
    let (near, far) = (ebgp(2, 65001, |b| b), Candidate { interior_cost: 5, ..ebgp(1, 65002, |b| b) });
    decides(Step::InteriorCost, near, far, plain());
}

#[test]
fn rfc5004_the_current_external_best_stays() {
    let set = [ebgp(1, 65001, |b| b), ebgp(2, 65002, |b| b)];
    let options = DecisionOptions::new().with_prefer_oldest_external(true);
    assert_eq!(best(&set, Rules { current: Some(1), ..rules(options) }), Some(1));
    assert_eq!(best(&set, Rules { current: Some(1), ..plain() }), Some(0));
    assert_eq!(best(&set, rules(options)), Some(0));
    let internal = set.map(|c| Candidate { source: Source { kind: Some(PeerKind::Ibgp), ..c.source }, ..c });
    assert_eq!(best(&internal, Rules { current: Some(1), ..rules(options) }), Some(0));
}

#[test]
fn rfc4271_9_1_2_2_f_lowest_identifier_wins_with_originator_id_in_its_place() {
    decides(Step::BgpIdentifier, ebgp(1, 65001, |b| b), ebgp(2, 65002, |b| b), plain());
    let reflected = candidate(PeerKind::Ibgp, 9, AS.0, |b| b.originator_id(BgpId(3)).cluster_list(&[ClusterId(7)]));
    decides(Step::BgpIdentifier, reflected, candidate(PeerKind::Ibgp, 4, AS.0, |b| b), plain());
}

#[test]
fn rfc4456_9_shortest_cluster_list_wins() {
    let with = |peer, clusters: &'static [ClusterId]| {
        candidate(PeerKind::Ibgp, peer, AS.0, move |b| b.originator_id(BgpId(3)).cluster_list(clusters))
    };
    decides(Step::ClusterListLength, with(2, &[ClusterId(7)]), with(1, &[ClusterId(8), ClusterId(9)]), plain());
}

#[test]
fn rfc4271_9_1_2_2_g_lowest_address_then_path_identifier_wins() {
    let same_id = |peer| Candidate {
        source: Source { router_id: BgpId(5), ..ebgp(peer, 1, |b| b).source },
        ..ebgp(peer, 1, |b| b)
    };
    decides(Step::PeerAddress, same_id(9), same_id(10), plain());
    let v6 = Candidate { source: Source { addr: "2001:db8::1".parse().unwrap(), ..same_id(1).source }, ..same_id(1) };
    decides(Step::PeerAddress, same_id(200), v6, plain());
    decides(Step::PathId, same_id(1), Candidate { path_id: 1, ..same_id(1) }, plain());
}

/// The triangle: a1 beats a2 by MED, a2 beats b1 and b1 beats a1 by identifier. Pairwise, the last to come would win.
#[test]
fn rfc4271_9_1_2_2_c_med_is_no_order() {
    let a1 = ebgp(3, 65001, |b| b.med(10));
    let b1 = ebgp(2, 65002, |b| b.med(50));
    let a2 = ebgp(1, 65001, |b| b.med(20));
    for set in [[a1, b1, a2], [a1, a2, b1], [b1, a1, a2], [b1, a2, a1], [a2, a1, b1], [a2, b1, a1]] {
        let winner = best(&set, plain()).unwrap();
        assert_eq!(set[winner].source.router_id, BgpId(2));
        let loser = set.iter().position(|c| c.source.router_id == BgpId(1)).unwrap();
        assert_eq!(explain(&set, plain())[loser].unwrap().0, Step::Med);
    }
}

/// RFC 4271 section 9.1.2.2 as it is written, path by path: remove whoever some other path removes.
fn by_the_book(set: &[Candidate], rules: Rules) -> Vec<usize> {
    let mut left: Vec<usize> = (0..set.len()).collect();
    let least = |left: &mut Vec<usize>, key: &dyn Fn(&Candidate) -> u128| {
        let least = left.iter().map(|at| key(&set[*at])).min();
        left.retain(|at| Some(key(&set[*at])) == least);
    };
    least(&mut left, &|c| u128::from(c.facts.carries(Community::LLGR_STALE)));
    least(&mut left, &|c| u128::from(u32::MAX - c.facts.local_pref));
    least(&mut left, &|c| u128::from(c.facts.hops));
    least(&mut left, &|c| u128::from(c.facts.origin));
    let all = left.clone();
    let med = |c: &Candidate| c.facts.med().unwrap_or(if rules.options.med_missing_as_worst { u32::MAX } else { 0 });
    left.retain(|r| {
        !all.iter().any(|s| {
            let same = set[*r].neighbor(AS) == set[*s].neighbor(AS) || rules.options.always_compare_med;
            same && med(&set[*s]) < med(&set[*r])
        })
    });
    least(&mut left, &|c| u128::from(c.source.kind != Some(PeerKind::Ebgp)));
    least(&mut left, &|c| u128::from(c.interior_cost));
    least(&mut left, &|c| u128::from(c.facts.originator().unwrap_or(c.source.router_id).0));
    least(&mut left, &|c| u128::from(c.facts.clusters));
    least(&mut left, &|c| numeric(c.source.addr));
    left
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let kind =
        prop_oneof![Just(PeerKind::Ebgp), Just(PeerKind::Ibgp), Just(PeerKind::RrClient), Just(PeerKind::Confed)];
    (kind, 1_u8..60, 0_u32..3, prop::option::of(0_u32..3), 0_u32..2, 0_u8..3, 0_u32..2, any::<[bool; 3]>()).prop_map(
        |(kind, peer, neighbor, med, local_pref, hops, cost, [stale, originator, reflected])| {
            let asn = if kind == PeerKind::Ebgp { 65001 + neighbor } else { AS.0 };
            let path: Vec<_> = [Asn(65001 + neighbor), Asn(1), Asn(2)].into_iter().take(usize::from(hops)).collect();
            let mut candidate = candidate(kind, peer, asn, |b| {
                let b = b.as_path(&path).local_pref(100 + local_pref);
                let b = if let Some(med) = med { b.med(med) } else { b };
                let b = if stale && peer % 4 == 0 { b.communities(&[Community::LLGR_STALE]) } else { b };
                let b = if originator { b.originator_id(BgpId(u32::from(peer % 3))) } else { b };
                if reflected { b.cluster_list(&[ClusterId(1)]) } else { b }
            });
            candidate.interior_cost = cost;
            candidate
        },
    )
}

proptest! {
    #[test]
    fn order_never_matters_and_the_book_agrees(
        set in prop::collection::vec(any_candidate(), 1..9),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 8),
        always in any::<bool>(),
        worst in any::<bool>(),
    ) {
        let mut set = set;
        set.sort_by_key(|c| c.source.addr);
        set.dedup_by_key(|c| c.source.addr);
        let options = DecisionOptions::new().with_always_compare_med(always).with_med_missing_as_worst(worst);
        let winner = set[best(&set, rules(options)).unwrap()].source.addr;
        prop_assert_eq!(by_the_book(&set, rules(options)).iter().map(|at| set[*at].source.addr).collect::<Vec<_>>(), [winner]);
        let mut shuffled = set.clone();
        for (at, turn) in (0..shuffled.len()).zip(&turns) {
            let other = turn.index(shuffled.len());
            shuffled.swap(at, other);
        }
        let log = explain(&shuffled, rules(options));
        let survivor = log.iter().position(Option::is_none).unwrap();
        prop_assert_eq!(shuffled[survivor].source.addr, winner);
        prop_assert_eq!(log.iter().filter(|fate| fate.is_none()).count(), 1);
        // Whoever beat a path left no earlier than it did.
        for (step, by) in log.iter().flatten() {
            prop_assert!(log[*by].is_none_or(|(later, _)| later >= *step));
        }
    }
}

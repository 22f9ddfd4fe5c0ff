//! The ready-made parts, each against what it says.

use alloc::boxed::Box;
use alloc::vec;

use bgp_wire::attr::{AttrBuilder, NextHop, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::community::large::LargeCommunity;
use bgp_wire::{Asn, AttrFlags, AttrType, BgpId};

use super::*;
use ipnet::IpNet;

const TAG: Community = Community(0xfde8_0050);
const LARGE: LargeCommunity = LargeCommunity { global: 65000, local: [1, 2] };

/// A route of a peer of that kind on its way in, or to peers of another kind.
pub(super) fn route<'b>(prefix: &str, block: &'b [u8], kind: PeerKind, to: Option<PeerKind>) -> Route<'b> {
    let from = Party { kind, asn: Asn(65001), addr: [192, 0, 2, 2].into(), router_id: BgpId(2) };
    let prefix = Dest::Net(prefix.parse().unwrap());
    let nlri = prefix.net().unwrap().into();
    Route::new((prefix.family(), nlri), block, NextHop::V4([192, 0, 2, 2].into()), Some(from), to).unwrap()
}

fn sent(block: &[u8], to: Option<PeerKind>, rule: Rule) -> (Verdict, Option<(Vec<u8>, NextHop)>) {
    let addr = [192, 0, 2, 2].into();
    let from = Party { kind: PeerKind::Ebgp, asn: Asn(65001), addr, router_id: BgpId(2) };
    let prefix = "10.244.36.64/26".parse().unwrap();
    let mut route = Route::new(
        (Dest::Net(prefix).family(), prefix.into()),
        block,
        NextHop::V4([192, 0, 2, 2].into()),
        Some(from),
        to,
    )
    .unwrap();
    let verdict = Policy::import(&Rules::new().import(rule), &mut route);
    (verdict, route.into_changed())
}

fn applied(block: &[u8], to: Option<PeerKind>, action: Action) -> Vec<u8> {
    let rule = Rule::new(Verdict::Accept).then(action);
    let changed = sent(block, to, rule).1;
    changed.map_or_else(|| block.to_vec(), |(block, _)| block)
}

fn holds(block: &[u8], condition: Condition) -> bool {
    let addr = [192, 0, 2, 2].into();
    let from = Party { kind: PeerKind::Ebgp, asn: Asn(65001), addr, router_id: BgpId(2) };
    let prefix = "10.244.36.64/26".parse().unwrap();
    condition.holds(
        &Route::new((Dest::Net(prefix).family(), prefix.into()), block, NextHop::None, Some(from), None).unwrap(),
    )
}

#[test]
fn a_prefix_list_knows_exact_ge_and_le() {
    let p = |text: &str| text.parse::<IpNet>().unwrap();
    let list = PrefixList::new().exact(p("10.0.0.0/8")).range(p("10.0.0.0/8"), 24..=26).or_longer(p("::/0"));
    for (prefix, is_in) in [
        ("10.0.0.0/8", true),
        ("10.0.0.0/9", false),
        ("10.1.0.0/16", false),
        ("10.1.1.0/23", false),
        ("10.1.1.0/24", true),
        ("10.1.1.64/26", true),
        ("10.1.1.64/27", false),
        ("11.1.1.0/24", false),
        ("0.0.0.0/0", false),
        ("::/0", true),
        ("2001:db8::1/128", true),
    ] {
        assert_eq!(list.contains(p(prefix)), is_in, "{prefix}");
    }
    assert!(!PrefixList::new().contains(p("0.0.0.0/0")));
    assert!(PrefixList::from_iter([p("10.1.0.0/16")]).contains(p("10.1.0.0/16")));
}

#[test]
fn conditions_hold_where_they_say() {
    let segments = [
        PathSegment { kind: SegmentKind::ConfedSequence, asns: vec![Asn(64600)] },
        PathSegment { kind: SegmentKind::Sequence, asns: vec![Asn(65001), Asn(65002), Asn(65003)] },
    ];
    let builder = AttrBuilder::new().segments(&segments).communities(&[TAG]).large_communities(&[LARGE]);
    let (block, empty) = (builder.build().unwrap(), AttrBuilder::new().build().unwrap());
    for condition in [
        Condition::Community(TAG),
        Condition::LargeCommunity(LARGE),
        Condition::AsPathContains(Asn(65002)),
        Condition::AsPathContains(Asn(64600)),
        Condition::NeighborAs(Asn(65001)),
        Condition::OriginAs(Asn(65003)),
    ] {
        assert!(holds(&block, condition.clone()), "{condition:?}");
        assert!(!holds(&empty, condition.clone()), "{condition:?}");
        assert!(holds(&empty, Condition::Not(Box::new(condition))));
    }
    for condition in [
        Condition::AsPathContains(Asn(65004)),
        Condition::NeighborAs(Asn(65003)),
        Condition::OriginAs(Asn(65001)),
        Condition::From(None),
        Condition::To(PeerKind::Ebgp),
    ] {
        assert!(!holds(&block, condition.clone()), "{condition:?}");
    }
    assert!(holds(&block, Condition::From(Some(PeerKind::Ebgp))));
    assert!(holds(&block, Condition::Prefix(PrefixList::new().or_longer("10.244.0.0/16".parse().unwrap()))));
}

#[test]
fn rfc4271_5_1_5_local_pref_is_set_on_import_and_towards_internal_peers_only() {
    let block = AttrBuilder::new().build().unwrap();
    let set = AttrBuilder::new().local_pref(7).build().unwrap();
    assert_eq!(applied(&block, None, Action::LocalPref(7)), set);
    assert_eq!(applied(&block, Some(PeerKind::RrClient), Action::LocalPref(7)), set);
    for to in [PeerKind::Ebgp, PeerKind::RouteServerClient] {
        assert_eq!(applied(&block, Some(to), Action::LocalPref(7)), block);
    }
}

#[test]
fn med_is_set_and_taken_off() {
    let (block, set) = (AttrBuilder::new().build().unwrap(), AttrBuilder::new().med(7).build().unwrap());
    assert_eq!(applied(&block, None, Action::Med(Some(7))), set);
    assert_eq!(applied(&set, None, Action::Med(None)), block);
}

#[test]
fn rfc5065_4_prepending_goes_into_a_confederation_segment_where_there_is_one() {
    let path = |kind, asns: &[u32]| {
        let asns = asns.iter().map(|asn| Asn(*asn)).collect();
        AttrBuilder::new().segments(&[PathSegment { kind, asns }]).build().unwrap()
    };
    let twice = Action::Prepend(Asn(64512), 2);
    let sequence = path(SegmentKind::Sequence, &[65001]);
    assert_eq!(applied(&sequence, None, twice.clone()), path(SegmentKind::Sequence, &[64512, 64512, 65001]));
    let confed = path(SegmentKind::ConfedSequence, &[64600]);
    assert_eq!(applied(&confed, None, twice.clone()), path(SegmentKind::ConfedSequence, &[64512, 64512, 64600]));
    let empty = AttrBuilder::new().build().unwrap();
    let (to, own) = (Some(PeerKind::Confed), path(SegmentKind::ConfedSequence, &[64512, 64512]));
    assert_eq!(applied(&empty, to, twice), own);
    assert_eq!(applied(&empty, None, Action::Prepend(Asn(64512), 0)), empty);
}

#[test]
fn communities_are_added_once_and_taken_off() {
    let other = Community(1);
    let build = |communities: &[Community]| AttrBuilder::new().communities(communities).build().unwrap();
    let empty = AttrBuilder::new().build().unwrap();
    assert_eq!(applied(&build(&[other]), None, Action::AddCommunity(TAG)), build(&[other, TAG]));
    assert_eq!(applied(&build(&[TAG]), None, Action::AddCommunity(TAG)), build(&[TAG]));
    assert_eq!(applied(&build(&[TAG, other]), None, Action::RemoveCommunity(TAG)), build(&[other]));
    assert_eq!(applied(&build(&[TAG]), None, Action::RemoveCommunity(TAG)), empty);
    assert_eq!(applied(&build(&[other]), None, Action::RemoveCommunity(TAG)), build(&[other]));
    let large = AttrBuilder::new().large_communities(&[LARGE]).build().unwrap();
    assert_eq!(applied(&empty, None, Action::AddLargeCommunity(LARGE)), large);
    assert_eq!(applied(&large, None, Action::AddLargeCommunity(LARGE)), large);
    assert_eq!(applied(&large, None, Action::RemoveLargeCommunity(LARGE)), empty);
}

#[test]
fn rfc4271_5_a_partial_bit_survives_the_change() {
    let flags = AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE | AttrFlags::PARTIAL;
    let octets = |all: &[Community]| all.iter().flat_map(|one| one.0.to_be_bytes()).collect::<Vec<u8>>();
    let build = |all| AttrBuilder::new().raw(flags, AttrType::COMMUNITIES, &octets(all)).build().unwrap();
    assert_eq!(applied(&build(&[TAG, Community(1)]), None, Action::RemoveCommunity(TAG)), build(&[Community(1)]));
}

#[test]
fn a_next_hop_alone_is_a_change() {
    let block = AttrBuilder::new().build().unwrap();
    let next_hop = NextHop::V4([192, 0, 2, 9].into());
    let rule = Rule::new(Verdict::Accept).then(Action::NextHop(next_hop));
    assert_eq!(sent(&block, None, rule), (Verdict::Accept, Some((block.clone(), next_hop))));
    assert_eq!(sent(&block, None, Rule::new(Verdict::Next)), (Verdict::Next, None));
}

#[test]
fn the_first_verdict_of_a_chain_counts_and_changes_before_it_are_seen() {
    let tag = Rules::new().import(Rule::new(Verdict::Next).then(Action::AddCommunity(TAG)));
    let reject = Rules::new().import(Rule::new(Verdict::Reject).when(Condition::Community(TAG)));
    let accept = Rules::new().import(Rule::new(Verdict::Accept));
    let block = AttrBuilder::new().build().unwrap();
    let ask = |chain: &Chain| {
        let prefix = "10.0.0.0/8".parse().unwrap();
        chain.import(
            &mut Route::new((Dest::Net(prefix).family(), prefix.into()), &block, NextHop::None, None, None).unwrap(),
        )
    };
    assert_eq!(ask(&Chain::new()), Verdict::Next);
    assert_eq!(ask(&Chain::new().with(tag.clone()).with(reject.clone()).with(accept.clone())), Verdict::Reject);
    assert_eq!(ask(&Chain::new().with(reject.clone()).with(accept.clone()).with(reject)), Verdict::Accept);
    assert_eq!(ask(&Chain::new().with(tag)), Verdict::Next);
}

#[test]
fn the_other_parts_do_what_they_say() {
    use bgp_wire::community::ext::ExtCommunity;
    let target: ExtCommunity = "rt:64512:1".parse().unwrap();
    let build = |builder: AttrBuilder| builder.build().unwrap();
    let plain = || AttrBuilder::new().as_path(&[Asn(1), Asn(2)]).local_pref(100).med(5);
    for (action, want) in [
        (Action::AddLocalPref(-20), plain().local_pref(80)),
        (Action::AddLocalPref(i64::MAX), plain().local_pref(u32::MAX)),
        (Action::AddMed(-9), plain().med(0)),
        (Action::AddMed(4), plain().med(9)),
        (Action::SetCommunities([TAG].into()), plain().communities(&[TAG])),
        (Action::AddExtCommunity(target), plain().ext_communities(&[target])),
    ] {
        assert_eq!(applied(&build(plain()), None, action.clone()), build(want), "{action:?}");
    }
    let tagged = build(plain().ext_communities(&[target]).communities(&[TAG]));
    let without = applied(&tagged, None, Action::RemoveExtCommunity(target));
    assert_eq!(applied(&without, None, Action::SetCommunities([].into())), build(plain()));
    for (condition, is) in [
        (Condition::ExtCommunity(target), true),
        (Condition::Med(5), true),
        (Condition::Med(6), false),
        (Condition::LocalPref(100), true),
        (Condition::LocalPref(0), false),
        (Condition::AsPathLength(1..=2), true),
        (Condition::AsPathLength(3..=9), false),
        (Condition::Family(Family::IPV4_UNICAST), true),
        (Condition::Rov(crate::rov::RovState::NotFound), true),
    ] {
        assert_eq!(holds(&tagged, condition.clone()), is, "{condition:?}");
    }
}

//! Export groups against a naive model: what every peer was sent, replayed, is what a computation for it alone gives.

use std::collections::BTreeMap;

use bgp_rib::policy::{Action, Condition, PrefixList, Rule, Rules, Verdict};
use bgp_rib::{AddPathTx, Config, NextHop, PathRef, PeerConfig, PeerKind, PeerPolicy};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::community::Community;
use bgp_wire::{Asn, AttrType, BgpId, ClusterId, Context, Family, FamilySet, PathId, SessionKind};
use ipnet::IpNet;
use proptest::prelude::*;

use crate::bench::{Bench, Held, Peer};

const AS: Asn = Asn(64512);
const CLUSTER: ClusterId = ClusterId(0xf400_0001);
const OWN: NextHop = NextHop::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));
const OWN6: NextHop = NextHop::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe));

/// Two of each kind that share groups, one with a next hop of our own.
fn bench(ring_octets: u32) -> Bench {
    let config = Config::new(AS, BgpId(1))
        .with_cluster_id(CLUSTER)
        .with_local_v4("192.0.2.254".parse().unwrap())
        .with_local_v6("2001:db8::fe".parse().unwrap())
        .with_ring_octets(ring_octets);
    let mut bench = Bench::new(config);
    let kinds = [PeerKind::RrClient, PeerKind::RrClient, PeerKind::RrClient, PeerKind::Ibgp, PeerKind::Ibgp];
    for (number, kind) in (1_u8..).zip(kinds) {
        bench.add(PeerConfig::new(kind, AS, [192, 0, 2, number].into()), SessionKind::Ibgp);
    }
    for number in [6_u8, 7] {
        let asn = Asn(65000 + u32::from(number));
        bench.add(PeerConfig::new(PeerKind::Ebgp, asn, [192, 0, 2, number].into()), SessionKind::Ebgp);
    }
    bench.add(PeerConfig::new(PeerKind::Ibgp, AS, [192, 0, 2, 8].into()).with_next_hop_self(true), SessionKind::Ibgp);
    let both = Context::new(SessionKind::Ibgp);
    let both = both.with_add_path_send(FamilySet::UNICAST).with_add_path_receive(FamilySet::UNICAST);
    // IPv6 goes without identifiers.
    let v4 = Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::EMPTY.with(Family::IPV4_UNICAST));
    let external = Context::new(SessionKind::Ebgp).with_add_path_send(FamilySet::UNICAST);
    let paths = [
        (9, PeerKind::RrClient, AS, both, AddPathTx::All),
        (10, PeerKind::RrClient, AS, both, AddPathTx::All),
        (11, PeerKind::Ibgp, AS, v4, AddPathTx::Best(2)),
        (12, PeerKind::Ibgp, AS, v4, AddPathTx::Best(2)),
        (13, PeerKind::Ebgp, Asn(65013), external, AddPathTx::Best(3)),
    ];
    for (number, kind, asn, context, tx) in paths {
        bench.add_with(PeerConfig::new(kind, asn, [192, 0, 2, number].into()).with_add_path_tx(tx), context);
    }
    let policy = bench.rib.add_policy(rules(0));
    bench.policy = Some((policy, 0));
    for (number, context) in [(14, Context::new(SessionKind::Ibgp)), (15, Context::new(SessionKind::Ibgp)), (16, both)]
    {
        let config = PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, number].into());
        bench.add_with(config.with_add_path_tx(AddPathTx::All).with_policy(PeerPolicy::Use(policy)), context);
    }
    bench
}

const TAG: Community = Community(0xfde8_0050);

/// The policy of some peers, by how often it was replaced.
fn rules(replaced: usize) -> Rules {
    let short = PrefixList::new().range("10.0.0.0/8".parse().unwrap(), 0..=20);
    match replaced % 3 {
        0 => Rules::new(),
        1 => Rules::new().export(Rule::new(Verdict::Reject).when(Condition::Prefix(short))),
        _ => Rules::new().export(Rule::new(Verdict::Accept).then(Action::AddCommunity(TAG))),
    }
}

/// What these rules make of what would go out.
fn ruled(replaced: usize, prefix: IpNet, (block, next_hop): Held) -> Option<Held> {
    let attributes = Attributes::from_canonical(&block).unwrap();
    let tagged: Vec<_> = attributes.communities().chain([TAG]).collect();
    match replaced % 3 {
        1 if prefix.addr().is_ipv4() && prefix.prefix_len() <= 20 => None,
        2 => Some((AttrBuilder::from_attributes(&attributes).communities(&tagged).build().unwrap(), next_hop)),
        _ => Some((block, next_hop)),
    }
}

fn prefix(number: u8) -> IpNet {
    match number % 12 {
        n @ 0..9 => IpNet::new([10, n, 0, 0].into(), 16 + n).unwrap(),
        n => IpNet::new([0x2001, 0xdb8, u16::from(n), 0, 0, 0, 0, 0].into(), 48).unwrap(),
    }
}

fn block(peer: &Peer, number: u8) -> Vec<u8> {
    let first = if peer.config.kind() == PeerKind::Ebgp { vec![peer.config.asn()] } else { Vec::new() };
    let tail = [Asn(65100), Asn(65101)];
    let path: Vec<Asn> = first.into_iter().chain(tail.into_iter().take(usize::from(number % 3))).collect();
    let builder = AttrBuilder::new().origin(Origin::Igp).as_path(&path);
    let builder = match number / 3 % 6 {
        0 => builder.med(u32::from(number)),
        1 => builder.communities(&[Community::NO_EXPORT]),
        2 => builder.communities(&[Community::NO_ADVERTISE]),
        3 => builder.originator_id(BgpId(7)).cluster_list(&[ClusterId(9)]),
        _ => builder,
    };
    let internal = peer.config.kind() != PeerKind::Ebgp;
    let builder = if internal { builder.local_pref(100 + u32::from(number % 4)) } else { builder };
    let external = builder.clone().without(AttrType::ORIGINATOR_ID).without(AttrType::CLUSTER_LIST);
    if internal { builder } else { external }.build().unwrap()
}

/// What `to` ought to hold for a route of `from` (`None`: our own), written down once more, straight from the RFCs.
fn export(from: Option<&Peer>, to: &Peer, held: &Held, v6: bool) -> Option<Held> {
    let attributes = Attributes::from_canonical(&held.0).unwrap();
    let has = |community| attributes.communities().any(|one| one == community);
    let (source, target) = (from.map(|peer| peer.config.kind()), to.config.kind());
    let internal = |kind| matches!(kind, PeerKind::Ibgp | PeerKind::RrClient);
    if from.is_some_and(|peer| peer.id == to.id)
        || (source, target) == (Some(PeerKind::Ibgp), PeerKind::Ibgp)
        || has(Community::NO_ADVERTISE)
        || has(Community::NO_EXPORT) && !internal(target)
    {
        return None;
    }
    let mut builder = AttrBuilder::from_attributes(&attributes);
    let mut next_hop = held.1;
    if internal(target) {
        builder = builder.local_pref(attributes.local_pref().unwrap_or(100));
        if let Some(peer) = from.filter(|peer| internal(peer.config.kind())) {
            builder = builder.originator_id(attributes.originator_id().unwrap_or(peer.bgp_id));
            let clusters: Vec<_> = [CLUSTER].into_iter().chain(attributes.cluster_list()).collect();
            builder = builder.cluster_list(&clusters);
        }
        let own = to.config.addr() == std::net::IpAddr::from([192, 0, 2, 8]) && source == Some(PeerKind::Ebgp);
        if own || next_hop == NextHop::None {
            next_hop = if v6 { OWN6 } else { OWN };
        }
    } else {
        let path: Vec<_> = [AS].into_iter().chain(attributes.as_path().unwrap_or_default().asns()).collect();
        builder = builder.as_path(&path);
        for ty in [AttrType::LOCAL_PREF, AttrType::ORIGINATOR_ID, AttrType::CLUSTER_LIST] {
            builder = builder.without(ty);
        }
        builder = if from.is_some() { builder.without(AttrType::MED) } else { builder };
        next_hop = if v6 { OWN6 } else { OWN };
    }
    Some((builder.build().unwrap(), next_hop))
}

/// What becomes of a path towards a peer.
fn exported(bench: &Bench, to: &Peer, path: &PathRef) -> Option<Held> {
    let held = (bench.store.canonical(path.attr)?.to_vec(), bench.store.next_hop(path.attr)?);
    let held = export(sender(bench, path), to, &held, path.prefix.addr().is_ipv6())?;
    match (to.config.policy(), bench.policy) {
        (PeerPolicy::Use(_), Some((_, replaced))) => ruled(replaced, path.prefix, held),
        _ => Some(held),
    }
}

fn sender<'b>(bench: &'b Bench, path: &PathRef) -> Option<&'b Peer> {
    bench.peers.iter().find(|peer| Some(peer.id) == path.peer)
}

/// All that a peer ought to hold now in families without path identifiers.
fn model(bench: &Bench, to: &Peer) -> BTreeMap<IpNet, Held> {
    let routes = bench.rib.loc_rib().filter(|path| !has_paths(to, path.prefix));
    routes.filter_map(|path| Some((path.prefix, exported(bench, to, &path)?))).collect()
}

/// Likewise with path identifiers: for each prefix, in any order.
fn model_paths(bench: &Bench, to: &Peer) -> BTreeMap<IpNet, Vec<Held>> {
    let mut all = BTreeMap::new();
    for prefix in (0..12).map(prefix).filter(|prefix| has_paths(to, *prefix)) {
        let mut left: Vec<_> = bench.rib.explain(&bench.store, prefix).into_iter().map(|one| one.path).collect();
        let count = match to.config.add_path_tx() {
            Some(AddPathTx::Best(count)) => usize::from(count),
            _ => left.len(),
        };
        let mut held = Vec::new();
        for _ in 0..count.min(left.len()) {
            let best = left.remove(best(bench, &left));
            held.extend(exported(bench, to, &best));
        }
        held.sort();
        if !held.is_empty() {
            all.insert(prefix, held);
        }
    }
    all
}

fn has_paths(peer: &Peer, prefix: IpNet) -> bool {
    peer.context.add_path_send().contains(crate::bench::family(prefix))
}

/// The decision process once more, as far as the routes here can differ.
fn best(bench: &Bench, paths: &[PathRef]) -> usize {
    let mut left: Vec<usize> = (0..paths.len()).collect();
    let attributes = |at: usize| bench.store.attributes(paths[at].attr).unwrap();
    let from = |at: usize| sender(bench, &paths[at]);
    let external = |at: usize| from(at).is_none_or(|peer| peer.config.kind() == PeerKind::Ebgp);
    let neighbor = |at: usize| match from(at) {
        Some(peer) if peer.config.kind() == PeerKind::Ebgp => peer.config.asn(),
        _ => attributes(at).as_path().unwrap_or_default().first().unwrap_or(AS),
    };
    let keep = |left: &mut Vec<usize>, key: &dyn Fn(usize) -> u128| {
        let least = left.iter().map(|at| key(*at)).min().unwrap();
        left.retain(|at| key(*at) == least);
    };
    keep(&mut left, &|at| u128::from(u32::MAX - attributes(at).local_pref().unwrap_or(100)));
    keep(&mut left, &|at| u128::from(from(at).is_some()));
    keep(&mut left, &|at| u128::from(attributes(at).as_path().unwrap_or_default().hops()));
    let med = |at: usize| attributes(at).med().unwrap_or(0);
    let all = left.clone();
    left.retain(|at| all.iter().all(|other| neighbor(*other) != neighbor(*at) || med(*other) >= med(*at)));
    keep(&mut left, &|at| u128::from(!external(at)));
    let id = |at: usize| attributes(at).originator_id().or(from(at).map(|peer| peer.bgp_id)).unwrap_or(BgpId(1));
    keep(&mut left, &|at| u128::from(id(at).0));
    keep(&mut left, &|at| u128::try_from(attributes(at).cluster_list().count()).unwrap());
    keep(&mut left, &|at| match from(at).map(|peer| peer.config.addr()) {
        Some(std::net::IpAddr::V4(addr)) => u128::from(u32::from(addr)),
        _ => 0,
    });
    keep(&mut left, &|at| u128::from(paths[at].path_id.0));
    assert_eq!(left.len(), 1);
    left[0]
}

fn check(bench: &Bench) -> Result<(), TestCaseError> {
    for (index, peer) in bench.peers.iter().enumerate().filter(|(_, peer)| peer.up) {
        let expected = model(bench, peer);
        prop_assert_eq!(&peer.table, &expected, "peer {}", index);
        let out = bench.rib.adj_rib_out(peer.id).map(|(prefix, attr)| {
            (prefix, (bench.store.canonical(attr).unwrap().to_vec(), bench.store.next_hop(attr).unwrap()))
        });
        let out = out.filter(|(prefix, _)| !has_paths(peer, *prefix));
        prop_assert_eq!(out.collect::<BTreeMap<_, _>>(), expected);
        let expected = model_paths(bench, peer);
        let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((prefix, _), one) in &peer.paths {
            held.entry(*prefix).or_default().push(one.clone());
        }
        held.values_mut().for_each(|all| all.sort());
        prop_assert_eq!(held, expected, "peer {}", index);
        let out = bench.rib.adj_rib_out_paths(peer.id).filter_map(|(prefix, path_id, attr)| {
            let held = (bench.store.canonical(attr).unwrap().to_vec(), bench.store.next_hop(attr).unwrap());
            Some(((prefix, path_id?), held))
        });
        prop_assert_eq!(out.collect::<BTreeMap<_, _>>(), peer.paths.clone(), "peer {}", index);
        prop_assert_eq!(peer.needless, 0, "peer {}", index);
        prop_assert_eq!(peer.end_of_rib.len(), 2);
        prop_assert!(peer.stale.is_empty());
    }
    Ok(())
}

fn step(bench: &mut Bench, (op, peer, number, block_number): (u8, u8, u8, u8)) {
    let index = usize::from(peer) % bench.peers.len();
    let prefix = prefix(number);
    let next_hop = match (prefix, peer % 16) {
        (IpNet::V4(_), last) => NextHop::V4([192, 0, 2, last + 1].into()),
        (IpNet::V6(_), last) => NextHop::V6([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last) + 1].into()),
    };
    let has_ids = bench.peers[index].context.add_path_receive() != FamilySet::EMPTY;
    let path_id = has_ids.then_some(PathId(u32::from(block_number) % 3));
    match op % 16 {
        0..6 if bench.peers[index].up => {
            let block = block(&bench.peers[index], block_number);
            bench.announce_path(index, &[prefix], path_id, &block, next_hop);
        }
        6..9 if bench.peers[index].up => bench.withdraw_path(index, prefix, path_id),
        9 if number % 2 == 0 => bench.down(index),
        9 => bench.restart(index),
        10 => {
            // Some come back under another identifier.
            let is_renamed = !bench.peers[index].up && number % 2 == 0;
            bench.peers[index].bgp_id.0 += u32::from(is_renamed) << 8;
            bench.up(index);
        }
        11 => {
            let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).med(5).build().unwrap();
            bench.rib.originate(&mut bench.store, prefix, &block, None).unwrap();
        }
        12 => {
            bench.rib.withdraw_local(&mut bench.store, prefix);
        }
        13 if number % 4 == 0 => {
            let (policy, replaced) = bench.policy.map(|(policy, replaced)| (policy, replaced + 1)).unwrap();
            bench.policy = Some((policy, replaced));
            bench.rib.replace_policy(policy, rules(replaced));
            for peer in &bench.peers {
                let _ = bench.rib.policy_changed(peer.id);
            }
        }
        13 => {
            bench.rib.process(&mut bench.store, 3);
        }
        14 => {
            bench.pull(index);
        }
        15 if number % 4 == 0 && bench.peers[index].up => {
            let (id, family) = (bench.peers[index].id, crate::bench::family(prefix));
            bench.rib.refresh(&mut bench.store, id, family);
        }
        15 if number % 4 == 1 => bench.settle(),
        15 if number % 4 == 2 && bench.peers[index].up => {
            let (id, family) = (bench.peers[index].id, crate::bench::family(prefix));
            bench.rib.refresh_enhanced(&mut bench.store, id, family);
        }
        _ => {
            bench.rib.process(&mut bench.store, 1000);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_groups_send_is_what_each_peer_alone_would_get(
        ring in prop_oneof![Just(1_u32 << 20), Just(64), Just(700), Just(2100)],
        ops in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..120),
    ) {
        let mut bench = bench(ring);
        for op in ops {
            step(&mut bench, op);
        }
        bench.settle();
        check(&bench)?;
        for peer in &bench.peers {
            bench.rib.sweep_stale(&mut bench.store, peer.id, Family::IPV4_UNICAST);
        }
        bench.settle();
        check(&bench)?;
        // Nothing is left behind when all is gone.
        for index in 0..bench.peers.len() {
            bench.down(index);
        }
        for number in 0..12 {
            bench.rib.withdraw_local(&mut bench.store, prefix(number));
        }
        bench.settle();
        prop_assert!(bench.store.is_empty(), "{} blocks are left", bench.store.len());
        prop_assert_eq!(bench.rib.group_count(), 0);
    }
}

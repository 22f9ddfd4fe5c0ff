//! RFC 7911: several paths of a prefix towards one peer.

use bgp_rib::{AddPathTx, Config, PeerConfig, PeerKind};
use bgp_wire::attr::AttrBuilder;
use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, PathId, SessionKind};
use ipnet::IpNet;

use crate::bench::Bench;

const AS: Asn = Asn(64512);
const P: &str = "10.244.36.64/26";

/// Clients 0 to 2 without path identifiers, client 3 with.
fn bench(tx: AddPathTx, context: Context) -> Bench {
    let mut bench = Bench::new(Config::new(AS, BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()));
    for number in 1..=3 {
        bench.add(PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, number].into()), SessionKind::Ibgp);
    }
    let config = PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, 4].into()).with_add_path_tx(tx);
    bench.add_with(config, context);
    bench
}

fn both() -> Context {
    let context = Context::new(SessionKind::Ibgp);
    context.with_add_path_send(FamilySet::UNICAST).with_add_path_receive(FamilySet::UNICAST)
}

fn block(local_pref: u32) -> Vec<u8> {
    AttrBuilder::new().as_path(&[]).local_pref(local_pref).build().unwrap()
}

/// The path identifiers that a peer holds, each with the LOCAL_PREF of its path.
fn paths(bench: &Bench, index: usize) -> Vec<(PathId, u32)> {
    let held = bench.peers[index].paths.iter().map(|((_, id), (block, _))| {
        let attributes = bgp_wire::attr::Attributes::from_canonical(block).unwrap();
        (*id, attributes.local_pref().unwrap())
    });
    held.collect()
}

fn local_prefs(bench: &Bench, index: usize) -> Vec<u32> {
    let mut all: Vec<_> = paths(bench, index).into_iter().map(|(_, local_pref)| local_pref).collect();
    all.sort_unstable();
    all
}

fn announce_three(bench: &mut Bench) {
    for (index, local_pref) in [(0, 100), (1, 300), (2, 200)] {
        bench.announce(index, P, &block(local_pref), &format!("192.0.2.{}", index + 1));
    }
    bench.settle();
}

#[test]
fn rfc7911_2_all_paths_are_sent_and_a_peer_without_gets_the_best() {
    let mut bench = bench(AddPathTx::All, both());
    announce_three(&mut bench);
    assert_eq!(local_prefs(&bench, 3), [100, 200, 300]);
    assert!(bench.peers[3].table.is_empty() && bench.peers[0].paths.is_empty());
    assert!(bench.holds(0, P).is_some() && bench.holds(1, P).is_none());
}

#[test]
fn rfc7911_3_a_path_keeps_its_identifier_and_is_withdrawn_by_it() {
    let mut bench = bench(AddPathTx::All, both());
    announce_three(&mut bench);
    let id = |bench: &Bench, local_pref| paths(bench, 3).into_iter().find(|(_, lp)| *lp == local_pref).unwrap().0;
    let (first, second) = (id(&bench, 100), id(&bench, 200));
    // A new best path, and new attributes for an old one: no identifier moves.
    bench.announce(0, P, &block(400), "192.0.2.1");
    bench.withdraw(1, P);
    bench.settle();
    assert_eq!((id(&bench, 400), id(&bench, 200)), (first, second));
    assert_eq!(local_prefs(&bench, 3), [200, 400]);
    bench.down(0);
    bench.settle();
    assert_eq!(paths(&bench, 3), [(second, 200)]);
    assert_eq!(bench.peers[3].needless, 0);
}

#[test]
fn rfc7911_2_the_best_of_a_number_are_sent() {
    let mut bench = bench(AddPathTx::Best(2), both());
    announce_three(&mut bench);
    assert_eq!(local_prefs(&bench, 3), [200, 300]);
    bench.withdraw(1, P);
    bench.settle();
    assert_eq!(local_prefs(&bench, 3), [100, 200]);
    bench.announce(1, P, &block(150), "192.0.2.2");
    bench.settle();
    assert_eq!(local_prefs(&bench, 3), [150, 200]);
}

#[test]
fn a_peer_is_not_sent_its_own_paths_and_others_are() {
    let mut bench = bench(AddPathTx::All, both());
    let config = PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, 5].into()).with_add_path_tx(AddPathTx::All);
    bench.add_with(config, both());
    assert_eq!(bench.rib.group_count(), 2);
    let prefix: IpNet = P.parse().unwrap();
    for (id, local_pref) in [(7, 100), (8, 200)] {
        bench.announce_path(3, &[prefix], Some(PathId(id)), &block(local_pref), "192.0.2.4".parse().unwrap());
    }
    bench.announce(0, P, &block(50), "192.0.2.1");
    bench.settle();
    assert_eq!((local_prefs(&bench, 3), local_prefs(&bench, 4)), (vec![50], vec![50, 100, 200]));
    bench.withdraw_path(3, prefix, Some(PathId(8)));
    bench.settle();
    assert_eq!((local_prefs(&bench, 3), local_prefs(&bench, 4)), (vec![50], vec![50, 100]));
}

#[test]
fn rfc7911_4_only_families_that_were_negotiated_have_several_paths() {
    let context = Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::EMPTY.with(Family::IPV6_UNICAST));
    let mut bench = bench(AddPathTx::All, context);
    announce_three(&mut bench);
    assert!(bench.peers[3].paths.is_empty());
    for index in 0..3 {
        bench.announce(index, "2001:db8::/32", &block(100), "2001:db8::1");
    }
    bench.settle();
    assert_eq!((bench.peers[3].paths.len(), bench.peers[3].table.len()), (3, 1));
    assert!(bench.holds(3, P).is_some());
}

#[test]
fn rfc7911_3_without_more_paths_asked_for_the_best_goes_with_an_identifier() {
    let mut bench = Bench::new(Config::new(AS, BgpId(1)));
    bench.add(PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, 1].into()), SessionKind::Ibgp);
    bench.add(PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, 2].into()), SessionKind::Ibgp);
    bench.add_with(PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, 3].into()), both());
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.announce(1, P, &block(200), "192.0.2.2");
    bench.settle();
    assert_eq!(local_prefs(&bench, 2), [200]);
}

#[test]
fn rfc7911_2_a_late_joiner_and_a_refresh_get_all_paths() {
    let mut bench = bench(AddPathTx::All, both());
    announce_three(&mut bench);
    let before = bench.peers[3].paths.clone();
    bench.peers[3].paths.clear();
    bench.rib.refresh(&mut bench.store, bench.peers[3].id, Family::IPV4_UNICAST);
    bench.settle();
    assert_eq!(bench.peers[3].paths, before);
    bench.down(3);
    bench.up(3);
    bench.settle();
    assert_eq!(local_prefs(&bench, 3), [100, 200, 300]);
}

//! RFC 4456: route reflection, and that nothing comes back to its sender.

use crate::bench::Bench;
use bgp_rib::{Config, PeerConfig, PeerKind};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::{Asn, BgpId, ClusterId, SessionKind};

const P: &str = "10.244.36.64/26";
const OWN: ClusterId = ClusterId(0xf400_0001);

/// Clients 0 to 2, non-clients 3 and 4, an external peer 5.
fn bench(config: Config) -> Bench {
    let mut bench = Bench::new(config.with_local_v4("192.0.2.254".parse().unwrap()));
    for number in 1..=5 {
        let kind = if number < 4 { PeerKind::RrClient } else { PeerKind::Ibgp };
        bench.add(PeerConfig::new(kind, Asn(64512), [192, 0, 2, number].into()), SessionKind::Ibgp);
    }
    bench.add(PeerConfig::new(PeerKind::Ebgp, Asn(65001), [192, 0, 2, 6].into()), SessionKind::Ebgp);
    bench
}

fn reflector() -> Config {
    Config::new(Asn(64512), BgpId(1)).with_cluster_id(OWN)
}

fn block(local_pref: u32) -> Vec<u8> {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(local_pref).build().unwrap()
}

/// Who holds the prefix, with the BGP Identifier in ORIGINATOR_ID and the length of the CLUSTER_LIST.
fn holders(bench: &Bench) -> Vec<(usize, Option<u32>, usize)> {
    let held = (0..bench.peers.len()).filter_map(|index| Some((index, bench.holds(index, P)?)));
    held.map(|(index, held)| {
        let attributes = Attributes::from_canonical(&held.0).unwrap();
        let list: Vec<_> = attributes.cluster_list().collect();
        assert!(list.is_empty() || list[0] == OWN);
        (index, attributes.originator_id().map(|id| id.0), list.len())
    })
    .collect()
}

fn id(bench: &Bench, index: usize) -> Option<u32> {
    Some(bench.peers[index].bgp_id.0)
}

#[test]
fn rfc4456_6_client_route_goes_to_all_but_its_sender() {
    let mut bench = bench(reflector());
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.settle();
    let from = id(&bench, 0);
    assert_eq!(holders(&bench), [(1, from, 1), (2, from, 1), (3, from, 1), (4, from, 1), (5, None, 0)]);
}

#[test]
fn rfc4456_6_non_client_route_goes_to_clients() {
    let mut bench = bench(reflector());
    bench.announce(3, P, &block(100), "192.0.2.4");
    bench.settle();
    let from = id(&bench, 3);
    assert_eq!(holders(&bench), [(0, from, 1), (1, from, 1), (2, from, 1), (5, None, 0)]);
}

#[test]
fn rfc4456_6_external_and_own_routes_carry_no_reflection_attributes() {
    let mut bench = bench(reflector());
    let external = AttrBuilder::new().as_path(&[Asn(65001)]).build().unwrap();
    bench.announce(5, P, &external, "192.0.2.6");
    bench.settle();
    assert_eq!(holders(&bench), (0..5).map(|index| (index, None, 0)).collect::<Vec<_>>());
    bench.rib.originate(&mut bench.store, P.parse().unwrap(), &block(100), None).unwrap();
    bench.settle();
    assert_eq!(holders(&bench), (0..6).map(|index| (index, None, 0)).collect::<Vec<_>>());
}

#[test]
fn rfc4456_8_originator_id_is_never_overwritten_and_the_list_grows_in_front() {
    let mut bench = bench(reflector());
    let reflected = AttrBuilder::new().as_path(&[]).local_pref(100).originator_id(BgpId(99));
    let reflected = reflected.cluster_list(&[ClusterId(5), ClusterId(6)]).build().unwrap();
    bench.announce(0, P, &reflected, "192.0.2.1");
    bench.settle();
    let attributes = Attributes::from_canonical(&bench.holds(3, P).unwrap().0).unwrap();
    assert_eq!(attributes.originator_id(), Some(BgpId(99)));
    assert_eq!(attributes.cluster_list().collect::<Vec<_>>(), [OWN, ClusterId(5), ClusterId(6)]);
}

#[test]
fn rfc4456_8_own_ids_from_clients_and_non_clients_are_loops() {
    let mut bench = bench(reflector());
    for from in [0, 3] {
        for own in [
            AttrBuilder::new().as_path(&[]).local_pref(100).originator_id(BgpId(1)),
            AttrBuilder::new().as_path(&[]).local_pref(100).cluster_list(&[ClusterId(5), OWN]),
        ] {
            bench.announce(from, P, &block(100), "192.0.2.1");
            bench.announce(from, P, &own.build().unwrap(), "192.0.2.1");
            assert_eq!(bench.rib.path_count(bench.peers[from].id), 0);
        }
    }
    bench.settle();
    assert!(holders(&bench).is_empty());
}

#[test]
fn rfc4456_7_a_new_cluster_id_is_for_sessions_that_come_up_later() {
    let mut bench = bench(reflector());
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.settle();
    bench.rib.set_cluster_id(ClusterId(77));
    bench.down(1);
    bench.up(1);
    bench.announce(0, P, &block(101), "192.0.2.1");
    bench.settle();
    let list = |bench: &Bench, index| {
        let attributes = Attributes::from_canonical(&bench.holds(index, P).unwrap().0).unwrap();
        attributes.cluster_list().collect::<Vec<_>>()
    };
    assert_eq!((list(&bench, 1), list(&bench, 2)), (vec![ClusterId(77)], vec![OWN]));
}

#[test]
fn rfc4456_9_without_client_to_client_only_others_hear() {
    let mut bench = bench(reflector().with_no_client_to_client(true));
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.settle();
    assert_eq!(holders(&bench).iter().map(|held| held.0).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn rfc4456_6_best_moves_between_clients_of_one_group() {
    let mut bench = bench(reflector());
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.settle();
    bench.announce(1, P, &block(200), "192.0.2.2");
    bench.settle();
    let from = id(&bench, 1);
    assert_eq!(holders(&bench), [(0, from, 1), (2, from, 1), (3, from, 1), (4, from, 1), (5, None, 0)]);
    bench.withdraw(1, P);
    bench.settle();
    let from = id(&bench, 0);
    assert_eq!(holders(&bench), [(1, from, 1), (2, from, 1), (3, from, 1), (4, from, 1), (5, None, 0)]);
    assert!(bench.peers.iter().all(|peer| peer.needless == 0));
}

#[test]
fn rfc4456_6_best_moves_from_client_to_non_client_and_back() {
    let mut bench = bench(reflector());
    bench.announce(0, P, &block(100), "192.0.2.1");
    bench.settle();
    bench.announce(3, P, &block(200), "192.0.2.4");
    bench.settle();
    assert_eq!(holders(&bench).iter().map(|held| held.0).collect::<Vec<_>>(), [0, 1, 2, 5]);
    bench.down(3);
    bench.settle();
    assert_eq!(holders(&bench).iter().map(|held| held.0).collect::<Vec<_>>(), [1, 2, 4, 5]);
}

#[test]
fn best_external_goes_to_internal_peers_that_may_not_have_the_best() {
    let mut bench = bench(reflector());
    let asked = PeerConfig::new(PeerKind::Ibgp, Asn(64512), [192, 0, 2, 9].into()).with_best_external(true);
    let asked = bench.add(asked, SessionKind::Ibgp);
    let external = |med| AttrBuilder::new().as_path(&[Asn(65001)]).med(med).build().unwrap();
    bench.announce(3, P, &block(200), "192.0.2.4");
    bench.announce(5, P, &external(1), "192.0.2.6");
    bench.settle();
    assert_eq!((bench.best(P), bench.holds(4, P)), (Some(3), None));
    let med = |bench: &Bench| {
        let held = bench.holds(asked, P)?;
        Attributes::from_canonical(&held.0).unwrap().med()
    };
    assert_eq!(med(&bench), Some(1));
    // The best stays, the best external changes.
    bench.announce(5, P, &external(2), "192.0.2.6");
    bench.settle();
    assert_eq!(med(&bench), Some(2));
    bench.withdraw(5, P);
    bench.settle();
    assert_eq!(bench.holds(asked, P), None);
    // What may go there goes there.
    bench.announce(5, P, &external(3), "192.0.2.6");
    bench.announce(0, P, &block(300), "192.0.2.1");
    bench.settle();
    assert_eq!(bench.holds(asked, P).map(|held| held.1), Some("192.0.2.1".parse().unwrap()));
}

#[test]
fn clients_of_one_kind_share_a_group_and_its_messages() {
    let mut bench = bench(reflector());
    bench.settle();
    assert_eq!(bench.rib.group_count(), 3);
    let id = bench.peers[0].id;
    bench.announce(1, P, &block(100), "192.0.2.2");
    while bench.rib.process(&mut bench.store, 10) {}
    let one = bench.rib.pull(&mut bench.store, id).unwrap();
    let two = bench.rib.pull(&mut bench.store, bench.peers[2].id).unwrap();
    assert_eq!(one.as_ptr(), two.as_ptr(), "the same octets, not a copy");
}

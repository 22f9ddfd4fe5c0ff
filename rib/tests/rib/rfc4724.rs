//! RFC 4724 and RFC 2918: End-of-RIB, restarts, refresh; and members that read slowly.

use crate::bench::Bench;
use bgp_rib::{Config, PeerConfig, PeerKind};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::nlri::PathNlri;
use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, Packer, PathId, SessionKind};
use bytes::BytesMut;
use ipnet::IpNet;

const P: &str = "10.0.0.0/8";

fn bench(clients: u8, ring_octets: u32) -> Bench {
    let config = Config::new(Asn(64512), BgpId(1)).with_ring_octets(ring_octets);
    let mut bench = Bench::new(config.with_local_v4("192.0.2.254".parse().unwrap()));
    for number in 1..=clients {
        let peer = PeerConfig::new(PeerKind::RrClient, Asn(64512), [192, 0, 2, number].into());
        bench.add(peer, SessionKind::Ibgp);
    }
    bench
}

fn block(med: u32) -> Vec<u8> {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(100).med(med).build().unwrap()
}

fn prefixes(count: u16) -> Vec<IpNet> {
    (0..count).map(|n| IpNet::new([10, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]].into(), 32).unwrap()).collect()
}

#[test]
fn rfc4724_2_end_of_rib_follows_the_first_table_once() {
    let mut bench = bench(2, 1 << 20);
    bench.settle();
    assert_eq!(bench.peers[0].end_of_rib, [Family::IPV4_UNICAST, Family::IPV6_UNICAST]);
    bench.announce(0, P, &block(1), "192.0.2.1");
    bench.settle();
    bench.down(1);
    bench.up(1);
    // The table first.
    assert!(bench.pull(1));
    assert!(bench.holds(1, P).is_some() && bench.peers[1].end_of_rib.is_empty());
    bench.settle();
    assert_eq!(bench.peers[1].end_of_rib.len(), 2);
}

#[test]
fn rfc4724_4_2_routes_of_a_restarting_peer_stay_until_swept() {
    let mut bench = bench(2, 1 << 20);
    bench.announce_all(0, &prefixes(3), &block(1), "192.0.2.1".parse().unwrap());
    bench.settle();
    bench.restart(0);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3);
    assert!(bench.rib.adj_rib_in(bench.peers[0].id).all(|path| path.stale));
    bench.up(0);
    bench.announce_all(0, &prefixes(1), &block(1), "192.0.2.1".parse().unwrap());
    let id = bench.peers[0].id;
    bench.rib.sweep_stale(&mut bench.store, id, Family::IPV6_UNICAST);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3);
    bench.rib.sweep_stale(&mut bench.store, id, Family::IPV4_UNICAST);
    bench.settle();
    assert_eq!((bench.peers[1].table.len(), bench.peers[0].table.len()), (1, 0));
}

#[test]
fn rfc4724_4_2_a_second_restart_removes_what_was_stale() {
    let mut bench = bench(2, 1 << 20);
    bench.announce_all(0, &prefixes(3), &block(1), "192.0.2.1".parse().unwrap());
    bench.restart(0);
    bench.up(0);
    bench.announce_all(0, &prefixes(1), &block(2), "192.0.2.1".parse().unwrap());
    bench.restart(0);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 1);
}

#[test]
fn rfc4724_4_2_a_peer_that_comes_back_is_not_sent_what_is_kept_of_it() {
    let mut bench = bench(3, 1 << 20);
    bench.announce_all(0, &prefixes(3), &block(1), "192.0.2.1".parse().unwrap());
    bench.settle();
    bench.restart(0);
    // A new group, to which the sender is unknown; another member walks over its table, which is made into messages
    // for whoever else does.
    bench.down(1);
    bench.down(2);
    bench.up(1);
    while bench.rib.process(&mut bench.store, 10) {}
    bench.up(2);
    assert!(bench.pull(2));
    bench.up(0);
    bench.settle();
    assert_eq!(bench.peers.iter().map(|peer| peer.table.len()).collect::<Vec<_>>(), [0, 3, 3]);
}

#[test]
fn rfc7911_3_paths_of_one_peer_live_side_by_side() {
    let mut bench = bench(2, 1 << 20);
    bench.peers[0].context = Context::new(SessionKind::Ibgp).with_add_path_receive(FamilySet::UNICAST);
    bench.down(0);
    bench.up(0);
    let mut packer = Packer::new(&Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::UNICAST));
    let nlri = |id| PathNlri { path_id: Some(PathId(id)), nlri: P.parse::<IpNet>().unwrap().into() };
    let (family, next_hop) = (Family::IPV4_UNICAST, "192.0.2.1".parse().unwrap());
    let mut out = BytesMut::new();
    for (id, med) in [(5, 2), (4, 1), (9, 3)] {
        packer.announce(&mut out, &block(med), next_hop, family, [nlri(id)]).unwrap();
    }
    bench.receive(0, &out);
    bench.settle();
    let id = bench.peers[0].id;
    let ids = |bench: &Bench| bench.rib.adj_rib_in(id).map(|path| path.path_id.0).collect::<Vec<_>>();
    assert_eq!((ids(&bench), bench.rib.path_count(id)), (vec![4, 5, 9], 3));
    let med = |bench: &Bench| Attributes::from_canonical(&bench.holds(1, P).unwrap().0).unwrap().med();
    assert_eq!(med(&bench), Some(1));
    let mut out = BytesMut::new();
    packer.withdraw(&mut out, family, [nlri(4), nlri(7)]).unwrap();
    bench.receive(0, &out);
    bench.settle();
    assert_eq!((ids(&bench), med(&bench)), (vec![5, 9], Some(2)));
    bench.down(0);
    bench.settle();
    assert!(bench.peers[1].table.is_empty() && bench.store.is_empty());
}

#[test]
fn an_update_of_a_peer_that_is_down_does_nothing() {
    let mut bench = bench(2, 1 << 20);
    bench.down(0);
    bench.announce(0, P, &block(1), "192.0.2.1");
    bench.settle();
    assert_eq!((bench.best(P), bench.rib.path_count(bench.peers[0].id)), (None, 0));
}

#[test]
fn rfc2918_a_refresh_sends_the_family_again() {
    let mut bench = bench(2, 1 << 20);
    bench.announce_all(0, &prefixes(3), &block(1), "192.0.2.1".parse().unwrap());
    bench.settle();
    let (id, sent) = (bench.peers[1].id, bench.peers[1].messages);
    bench.rib.refresh(&mut bench.store, id, Family::IPV6_UNICAST);
    bench.settle();
    assert_eq!(bench.peers[1].messages, sent);
    bench.peers[1].table.clear();
    bench.rib.refresh(&mut bench.store, id, Family::IPV4_UNICAST);
    bench.settle();
    assert_eq!((bench.peers[1].table.len(), bench.peers[1].messages), (3, sent + 1));
}

#[test]
fn a_flush_takes_one_family_and_leaves_the_session() {
    let mut bench = bench(2, 1 << 20);
    bench.announce(0, P, &block(1), "192.0.2.1");
    bench.announce(0, "2001:db8::/32", &block(1), "2001:db8::1");
    let id = bench.peers[0].id;
    bench.rib.flush(&mut bench.store, id, Family::IPV4_UNICAST);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 1);
    assert_eq!(bench.rib.path_count(id), 1);
}

#[test]
fn a_member_that_falls_behind_gets_the_state_and_not_the_history() {
    let mut bench = bench(3, 4096);
    bench.settle();
    let all = prefixes(500);
    for round in 0..50 {
        bench.announce_all(0, &all, &block(round), "192.0.2.1".parse().unwrap());
        while bench.rib.process(&mut bench.store, 1000) {}
        while bench.pull(1) {}
    }
    let before = bench.peers[2].messages;
    bench.settle();
    assert_eq!(bench.peers[2].table, bench.peers[1].table);
    assert_eq!(bench.peers[2].messages - before, 1, "500 routes of one block are one message");
    assert_eq!(bench.store.len(), 2, "one block in, one out");
}

#[test]
fn a_member_that_owes_many_withdrawals_of_its_own_walks() {
    let mut bench = bench(3, 4096);
    let all = prefixes(200);
    let better = AttrBuilder::new().as_path(&[]).local_pref(300).build().unwrap();
    bench.announce_all(0, &all, &block(1), "192.0.2.1".parse().unwrap());
    bench.settle();
    bench.announce_all(1, &all, &better, "192.0.2.2".parse().unwrap());
    bench.settle();
    assert_eq!(bench.peers.iter().map(|peer| peer.table.len()).collect::<Vec<_>>(), [200, 0, 200]);
    assert!(bench.peers.iter().all(|peer| peer.needless == 0));
}

#[test]
fn a_route_whose_attributes_fit_no_message_is_withdrawn() {
    let mut bench = bench(2, 1 << 20);
    let path = |len| AttrBuilder::new().as_path(&vec![Asn(7); len]).local_pref(100).build().unwrap();
    bench.announce(0, P, &path(3), "192.0.2.1");
    bench.settle();
    assert!(bench.holds(1, P).is_some());
    // It comes in 4095 octets; ORIGINATOR_ID and CLUSTER_LIST do not fit.
    bench.announce(0, P, &path(1010), "192.0.2.1");
    bench.settle();
    assert!(bench.holds(1, P).is_none() && bench.best(P).is_some());
    assert_eq!(bench.rib.adj_rib_out(bench.peers[1].id).count(), 0);
}

#[test]
fn peer_ids_and_everything_else_come_back() {
    let mut bench = bench(3, 1 << 20);
    bench.announce_all(0, &prefixes(100), &block(1), "192.0.2.1".parse().unwrap());
    bench.settle();
    let id = bench.peers[0].id;
    bench.rib.remove_peer(&mut bench.store, id);
    let peer = PeerConfig::new(PeerKind::RrClient, Asn(64512), [192, 0, 2, 77].into());
    assert_eq!(bench.rib.add_peer(peer), Ok(id));
    bench.rib.process(&mut bench.store, 1000);
    bench.rib.clear(&mut bench.store);
    assert!(bench.store.is_empty() && bench.rib.loc_rib().next().is_none() && bench.rib.poll_ready().is_none());
}

#[test]
fn rfc4456_8_a_peer_that_comes_back_with_another_identifier_is_the_originator_of_what_is_kept() {
    let mut bench = bench(2, 1 << 20);
    bench.announce(0, P, &block(1), "192.0.2.1");
    bench.settle();
    bench.restart(0);
    bench.peers[0].bgp_id = BgpId(77);
    bench.up(0);
    bench.settle();
    let held = bench.holds(1, P).unwrap();
    assert_eq!(Attributes::from_canonical(&held.0).unwrap().originator_id(), Some(BgpId(77)));
}

//! RFC 7313: enhanced route refresh, both ways.

use bgp_rib::{Config, PeerConfig, PeerKind};
use bgp_wire::attr::AttrBuilder;
use bgp_wire::{Asn, BgpId, Family, FamilySet, RefreshSubtype, RouteRefresh, SessionKind};

use crate::bench::Bench;

const AS: Asn = Asn(64512);
const P: &str = "10.244.36.64/26";
const Q: &str = "192.0.2.0/24";
const V6: &str = "2001:db8::/32";
const V4: Family = Family::IPV4_UNICAST;

fn bench() -> Bench {
    let mut bench = Bench::new(Config::new(AS, BgpId(1)));
    for number in 1..=3 {
        bench.add(PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, number].into()), SessionKind::Ibgp);
    }
    bench
}

fn block() -> Vec<u8> {
    AttrBuilder::new().as_path(&[]).local_pref(100).build().unwrap()
}

fn announce_all(bench: &mut Bench) {
    for (prefix, next_hop) in [(P, "192.0.2.1"), (Q, "192.0.2.1"), (V6, "2001:db8::1")] {
        bench.announce(0, prefix, &block(), next_hop);
    }
    bench.settle();
}

fn markers() -> [RouteRefresh; 2] {
    [RefreshSubtype::BEGIN, RefreshSubtype::END].map(|subtype| RouteRefresh::new(V4, subtype))
}

#[test]
fn rfc7313_4_2_what_was_not_sent_again_goes_at_the_end() {
    let mut bench = bench();
    announce_all(&mut bench);
    let id = bench.peers[0].id;
    let messages = bench.peers[1].messages;
    bench.rib.begin_refresh(id, V4);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3, "stale routes stay in use");
    bench.announce(0, P, &block(), "192.0.2.1");
    bench.settle();
    assert_eq!(bench.peers[1].messages, messages, "what is sent again as it was is no change");
    bench.rib.end_refresh(&mut bench.store, id, V4);
    bench.settle();
    assert!(bench.holds(1, P).is_some() && bench.holds(1, Q).is_none());
    assert!(bench.holds(1, V6).is_some(), "another family");
}

#[test]
fn rfc7313_4_2_a_second_begin_marks_everything_anew() {
    let mut bench = bench();
    announce_all(&mut bench);
    let id = bench.peers[0].id;
    bench.rib.begin_refresh(id, V4);
    bench.announce(0, P, &block(), "192.0.2.1");
    bench.rib.begin_refresh(id, V4);
    bench.announce(0, Q, &block(), "192.0.2.1");
    bench.rib.end_refresh(&mut bench.store, id, V4);
    bench.settle();
    assert!(bench.holds(1, P).is_none() && bench.holds(1, Q).is_some());
}

#[test]
fn rfc7313_4_2_an_end_without_begin_does_nothing() {
    let mut bench = bench();
    announce_all(&mut bench);
    let id = bench.peers[0].id;
    bench.rib.end_refresh(&mut bench.store, id, V4);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3);
    bench.rib.begin_refresh(id, V4);
    bench.rib.end_refresh(&mut bench.store, id, Family::IPV6_UNICAST);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3);
}

#[test]
fn rfc4724_4_2_a_session_that_ends_within_a_refresh_keeps_all_routes_once() {
    let mut bench = bench();
    announce_all(&mut bench);
    let id = bench.peers[0].id;
    bench.rib.begin_refresh(id, V4);
    bench.restart(0);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3);
    assert!(bench.rib.adj_rib_in(id).all(|path| path.stale));
    bench.up(0);
    bench.rib.end_refresh(&mut bench.store, id, V4);
    bench.settle();
    assert_eq!(bench.peers[1].table.len(), 3, "no end belongs to the new session");
    bench.rib.mark_stale(&mut bench.store, id, FamilySet::UNICAST);
    assert_eq!(bench.rib.path_count(id), 0, "a second restart");
}

#[test]
fn rfc7313_4_1_the_routes_go_between_begin_and_end() {
    let mut bench = bench();
    announce_all(&mut bench);
    let (id, before) = (bench.peers[1].id, bench.peers[1].table.clone());
    bench.rib.refresh_enhanced(&mut bench.store, id, V4);
    bench.settle();
    assert_eq!(bench.peers[1].markers, markers());
    assert_eq!((&bench.peers[1].table, bench.peers[1].stale.len()), (&before, 0));
    assert!(bench.peers[2].markers.is_empty());
}

#[test]
fn rfc7313_4_1_an_empty_table_has_begin_and_end_too() {
    let mut bench = bench();
    bench.settle();
    bench.rib.refresh_enhanced(&mut bench.store, bench.peers[1].id, V4);
    bench.settle();
    assert_eq!(bench.peers[1].markers, markers());
}

#[test]
fn rfc7313_4_1_no_begin_before_the_end_of_rib() {
    let mut bench = bench();
    announce_all(&mut bench);
    bench.down(1);
    bench.up(1);
    let id = bench.peers[1].id;
    bench.rib.refresh_enhanced(&mut bench.store, id, V4);
    assert!(bench.pull(1) && bench.peers[1].markers.is_empty());
    // That the begin comes behind End-of-RIB is what the peer itself asserts.
    bench.settle();
    assert_eq!((bench.peers[1].markers.as_slice(), bench.peers[1].table.len()), (&markers()[..], 3));
}

#[test]
fn rfc2918_4_a_family_that_was_not_negotiated_is_not_sent() {
    let mut bench = bench();
    bench.settle();
    let id = bench.peers[1].id;
    bench.rib.refresh_enhanced(&mut bench.store, id, Family::IPV4_MULTICAST);
    bench.rib.refresh(&mut bench.store, id, Family::IPV4_MULTICAST);
    bench.settle();
    assert!(bench.peers[1].markers.is_empty());
}

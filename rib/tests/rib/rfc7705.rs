//! RFC 7705: another AS than our own on one session.

use bgp_rib::{Config, LocalAs, PeerConfig, PeerKind, PeerPolicy};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::capability::Role;
use bgp_wire::{Asn, BgpId, SessionKind};

use crate::bench::Bench;

const P: &str = "203.0.113.0/24";
const OLD: Asn = Asn(64999);

fn bench() -> Bench {
    Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn ebgp(asn: u32, last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::Ebgp, Asn(asn), [192, 0, 2, last].into()).with_policy(PeerPolicy::AcceptAll)
}

fn path(asns: &[u32]) -> Vec<u8> {
    AttrBuilder::new()
        .origin(Origin::Igp)
        .as_path(&asns.iter().map(|asn| Asn(*asn)).collect::<Vec<_>>())
        .build()
        .unwrap()
}

fn sent(bench: &Bench, index: usize) -> Vec<u32> {
    let held = bench.holds(index, P).map(|held| held.0.clone()).unwrap_or_default();
    let attributes = Attributes::from_canonical(&held).unwrap();
    attributes.as_path().unwrap_or_default().asns().map(|asn| asn.0).collect()
}

#[test]
fn rfc7705_3_1_both_ases_are_in_front_of_what_goes_out() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let to = bench.add(ebgp(65002, 2).with_local_as(Some(LocalAs::new(OLD))), SessionKind::Ebgp);
    bench.announce(from, P, &path(&[65001]), "192.0.2.1");
    bench.settle();
    assert_eq!(sent(&bench, to), [64999, 64512, 65001]);
}

#[test]
fn rfc7705_3_2_replace_as_leaves_our_own_out() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let local_as = LocalAs::new(OLD).with_replace_as(true);
    let to = bench.add(ebgp(65002, 2).with_local_as(Some(local_as)), SessionKind::Ebgp);
    bench.announce(from, P, &path(&[65001]), "192.0.2.1");
    bench.settle();
    assert_eq!(sent(&bench, to), [64999, 65001]);
}

#[test]
fn rfc7705_3_1_it_is_in_front_of_what_comes_in_unless_told_otherwise() {
    for (no_prepend, want) in [(false, vec![64512, 64999, 65001]), (true, vec![64512, 65001])] {
        let mut bench = bench();
        let local_as = LocalAs::new(OLD).with_no_prepend(no_prepend);
        let from = bench.add(ebgp(65001, 1).with_local_as(Some(local_as)), SessionKind::Ebgp);
        let to = bench.add(ebgp(65002, 2), SessionKind::Ebgp);
        bench.announce(from, P, &path(&[65001]), "192.0.2.1");
        bench.settle();
        assert_eq!(sent(&bench, to), want);
    }
}

#[test]
fn rfc7705_3_1_it_is_a_loop_where_it_comes_back_on_its_session() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1).with_local_as(Some(LocalAs::new(OLD))), SessionKind::Ebgp);
    bench.announce(from, P, &path(&[65001, 64999]), "192.0.2.1");
    assert_eq!(bench.rib.path_count(bench.peers[from].id), 0);
    let other = bench.add(ebgp(65002, 2), SessionKind::Ebgp);
    bench.announce(other, P, &path(&[65002, 64999]), "192.0.2.2");
    assert_eq!(bench.rib.path_count(bench.peers[other].id), 1, "elsewhere it is an AS like others");
}

#[test]
fn rfc9234_5_otc_is_the_as_that_the_peer_knows() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let to = ebgp(65002, 2).with_local_as(Some(LocalAs::new(OLD))).with_role(Role::PROVIDER);
    let to = bench.add(to, SessionKind::Ebgp);
    bench.announce(from, P, &path(&[65001]), "192.0.2.1");
    bench.settle();
    let held = bench.holds(to, P).unwrap().0.clone();
    assert_eq!(Attributes::from_canonical(&held).unwrap().otc(), Some(OLD));
}

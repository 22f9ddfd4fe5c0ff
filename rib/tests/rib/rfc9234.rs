//! RFC 9234 (OTC) and RFC 9494 (LLGR_STALE).

use crate::bench::Bench;
use bgp_rib::{Config, PeerConfig, PeerKind};
use bgp_wire::attr::{AttrBuilder, Attributes};
use bgp_wire::capability::Role;
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId, Family, SessionKind};

const P: &str = "203.0.113.0/24";

/// Peers by our role towards each: 0 customer, 1 provider, 2 peer, 3 route server, 4 its client; 5 has no role, 6 is
/// internal, 7 another customer of ours.
fn bench() -> Bench {
    let mut bench = Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()));
    let roles = [Role::CUSTOMER, Role::PROVIDER, Role::PEER, Role::ROUTE_SERVER, Role::ROUTE_SERVER_CLIENT];
    for (number, role) in (1_u8..).zip(roles) {
        bench.add(peer(number).with_role(role), SessionKind::Ebgp);
    }
    bench.add(peer(6), SessionKind::Ebgp);
    bench.add(PeerConfig::new(PeerKind::Ibgp, Asn(64512), [192, 0, 2, 7].into()), SessionKind::Ibgp);
    bench.add(peer(8).with_role(Role::PROVIDER), SessionKind::Ebgp);
    bench
}

fn peer(number: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::Ebgp, Asn(65000 + u32::from(number)), [192, 0, 2, number].into())
}

fn announce(bench: &mut Bench, from: usize, otc: Option<u32>) {
    let builder = AttrBuilder::new().as_path(&[bench.peers[from].config.asn()]);
    let builder = if let Some(otc) = otc { builder.otc(Asn(otc)) } else { builder };
    bench.announce(from, P, &builder.build().unwrap(), "192.0.2.99");
    bench.settle();
}

/// Who holds the prefix, with OTC.
fn holders(bench: &Bench) -> Vec<(usize, Option<u32>)> {
    let held = (0..bench.peers.len()).filter_map(|index| Some((index, bench.holds(index, P)?)));
    held.map(|(index, held)| (index, Attributes::from_canonical(&held.0).unwrap().otc().map(|asn| asn.0))).collect()
}

#[test]
fn rfc9234_5_customer_routes_get_our_as_downwards_and_sideways() {
    let mut bench = bench();
    announce(&mut bench, 1, None);
    let own = Some(64512);
    assert_eq!(holders(&bench), [(0, None), (2, own), (3, own), (4, None), (5, None), (6, None), (7, own)]);
}

#[test]
fn rfc9234_5_provider_peer_and_server_routes_get_their_as_and_go_to_customers() {
    for from in [0, 2, 4] {
        let mut bench = bench();
        let theirs = Some(bench.peers[from].config.asn().0);
        announce(&mut bench, from, None);
        assert_eq!(holders(&bench), [1, 3, 5, 6, 7].map(|index| (index, theirs)), "from {from}");
        bench.down(from);
        bench.up(from);
        announce(&mut bench, from, theirs);
        assert_eq!(holders(&bench), [1, 3, 5, 6, 7].map(|index| (index, theirs)));
    }
}

#[test]
fn rfc9234_5_leaks_are_not_used() {
    for (from, otc) in [(1, 65002), (3, 65004), (2, 65099)] {
        let mut bench = bench();
        announce(&mut bench, from, Some(otc));
        assert_eq!(bench.rib.path_count(bench.peers[from].id), 0, "from {from}");
    }
    // What a provider marked is no leak, whoever's mark it is.
    let mut bench = bench();
    announce(&mut bench, 0, Some(7));
    assert_eq!(holders(&bench), [1, 3, 5, 6, 7].map(|index| (index, Some(7))));
}

#[test]
fn rfc9234_5_otc_goes_through_internal_sessions_unchanged() {
    let mut bench = bench();
    let block = AttrBuilder::new().as_path(&[Asn(65001)]).local_pref(100).otc(Asn(65001)).build().unwrap();
    bench.announce(6, P, &block, "192.0.2.1");
    bench.settle();
    assert_eq!(holders(&bench), [1, 3, 5, 7].map(|index| (index, Some(65001))));
}

#[test]
fn rfc9494_4_3_llgr_stale_goes_to_capable_peers_only() {
    let mut bench = Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()));
    let from = bench.add(peer(1), SessionKind::Ebgp);
    let plain = bench.add(peer(2), SessionKind::Ebgp);
    let capable = bench.add(peer(3).with_llgr(true), SessionKind::Ebgp);
    let fresh = AttrBuilder::new().as_path(&[Asn(65001)]);
    let stale = fresh.clone().communities(&[Community::LLGR_STALE]).build().unwrap();
    bench.announce(from, P, &fresh.build().unwrap(), "192.0.2.1");
    bench.settle();
    assert!(bench.holds(plain, P).is_some());
    bench.announce(from, P, &stale, "192.0.2.1");
    bench.settle();
    assert_eq!(bench.holds(plain, P), None);
    let held = &bench.holds(capable, P).unwrap().0;
    assert!(Attributes::from_canonical(held).unwrap().communities().any(|c| c == Community::LLGR_STALE));
}

#[test]
fn rfc9494_4_3_the_long_lived_phase_marks_stale_routes_and_drops_no_llgr() {
    const Q: &str = "198.51.100.0/24";
    let mut bench = Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()));
    let from = bench.add(peer(1), SessionKind::Ebgp);
    let capable = bench.add(peer(3).with_llgr(true), SessionKind::Ebgp);
    let fresh = AttrBuilder::new().as_path(&[Asn(65001)]);
    bench.announce(from, P, &fresh.clone().build().unwrap(), "192.0.2.1");
    bench.announce(from, Q, &fresh.communities(&[Community::NO_LLGR]).build().unwrap(), "192.0.2.1");
    bench.restart(from);
    bench.settle();
    assert_eq!(bench.peers[capable].table.len(), 2);
    let id = bench.peers[from].id;
    bench.rib.mark_long_lived_stale(&mut bench.store, id, Family::IPV4_UNICAST);
    bench.settle();
    assert_eq!(bench.holds(capable, Q), None);
    let held = &bench.holds(capable, P).unwrap().0;
    assert!(Attributes::from_canonical(held).unwrap().communities().any(|c| c == Community::LLGR_STALE));
    bench.rib.sweep_stale(&mut bench.store, id, Family::IPV4_UNICAST);
    bench.settle();
    assert!(bench.peers[capable].table.is_empty());
    bench.rib.clear(&mut bench.store);
    assert!(bench.store.is_empty());
}

#[test]
fn rfc1997_well_known_communities_are_honoured() {
    let mut bench = bench();
    let cases = [
        (Community::NO_EXPORT, vec![6]),
        (Community::NO_ADVERTISE, vec![]),
        (Community::NO_EXPORT_SUBCONFED, vec![6]),
        (Community::NOPEER, vec![0, 1, 2, 3, 4, 6, 7]),
    ];
    for (community, to) in cases {
        let block = AttrBuilder::new().as_path(&[Asn(65006)]).communities(&[community]).build().unwrap();
        bench.announce(5, P, &block, "192.0.2.6");
        bench.settle();
        assert_eq!(holders(&bench).iter().map(|held| held.0).collect::<Vec<_>>(), to, "{community}");
    }
}

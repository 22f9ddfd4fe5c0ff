//! RFC 9107: each client is sent the path that is best from where it is.

use bgp_rib::{AddPathTx, Config, PeerConfig, PeerKind, Vantage};
use bgp_wire::attr::{AttrBuilder, Origin};
use bgp_wire::{Asn, BgpId, Context, FamilySet, SessionKind};

use crate::bench::Bench;

const P: &str = "203.0.113.0/24";
const WEST: Vantage = Vantage(1);
const EAST: Vantage = Vantage(2);

fn client(last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::RrClient, Asn(64512), [192, 0, 2, last].into())
}

fn bench() -> Bench {
    Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn block() -> Vec<u8> {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[Asn(65001)]).local_pref(100).build().unwrap()
}

fn hop(bench: &Bench, index: usize) -> String {
    bench.holds(index, P).map_or_else(String::new, |held| held.1.to_string())
}

#[test]
fn rfc9107_3_1_cost_is_that_of_the_clients_place_and_one_group_serves_each() {
    let mut bench = bench();
    let exits = [1, 2].map(|last| bench.add(client(last), SessionKind::Ibgp));
    let west = [11, 12].map(|last| bench.add(client(last).with_vantage(Some(WEST)), SessionKind::Ibgp));
    let east = [21, 22].map(|last| bench.add(client(last).with_vantage(Some(EAST)), SessionKind::Ibgp));
    let here = bench.add(client(31), SessionKind::Ibgp);
    assert_eq!(bench.rib.group_count(), 3);
    for (exit, (from_west, from_east)) in [("192.0.2.1", (10, 90)), ("192.0.2.2", (90, 10))] {
        let exit = exit.parse().unwrap();
        bench.rib.set_vantage_cost(WEST, exit, Some(from_west));
        bench.rib.set_vantage_cost(EAST, exit, Some(from_east));
    }
    bench.rib.set_igp_cost("192.0.2.2".parse().unwrap(), 5);
    bench.announce(exits[0], P, &block(), "192.0.2.1");
    bench.announce(exits[1], P, &block(), "192.0.2.2");
    bench.settle();
    for (index, best) in
        west.map(|index| (index, "192.0.2.1")).into_iter().chain(east.map(|index| (index, "192.0.2.2")))
    {
        assert_eq!(hop(&bench, index), best);
    }
    assert_eq!(hop(&bench, here), "192.0.2.1");
    // The other path goes, and comes back; costs change.
    bench.rib.set_vantage_cost(WEST, "192.0.2.1".parse().unwrap(), Some(100));
    bench.settle();
    assert_eq!((hop(&bench, west[0]), hop(&bench, here)), ("192.0.2.2".to_owned(), "192.0.2.1".to_owned()));
    bench.withdraw(exits[1], P);
    bench.settle();
    assert!(west.iter().chain(&east).all(|index| hop(&bench, *index) == "192.0.2.1"));
    bench.rib.set_vantage_cost(WEST, "192.0.2.1".parse().unwrap(), None);
    bench.settle();
    bench.down(exits[0]);
    bench.settle();
    assert!(west.iter().chain(&east).all(|index| bench.holds(*index, P).is_none()));
}

#[test]
fn rfc9107_3_1_the_best_few_paths_are_ranked_from_the_clients_place_too() {
    let mut bench = bench();
    let exits = [1, 2, 3].map(|last| bench.add(client(last), SessionKind::Ibgp));
    let context = Context::new(SessionKind::Ibgp).with_add_path_send(FamilySet::UNICAST);
    let west = client(11).with_vantage(Some(WEST)).with_add_path_tx(AddPathTx::Best(2));
    let west = bench.add_with(west, context);
    for (index, cost) in exits.into_iter().zip([30, 20, 10]) {
        let addr = bench.peers[index].config.addr();
        bench.rib.set_vantage_cost(WEST, addr, Some(cost));
        bench.announce(index, P, &block(), &addr.to_string());
    }
    bench.settle();
    let mut hops: Vec<_> = bench.peers[west].paths.values().map(|held| held.1.to_string()).collect();
    hops.sort();
    assert_eq!(hops, ["192.0.2.2", "192.0.2.3"]);
}

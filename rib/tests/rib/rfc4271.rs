//! RFC 4271 section 9: receiving, deciding and passing on.

use crate::bench::Bench;
use bgp_rib::{Config, Ineligible, NextHop, Outcome, PeerConfig, PeerKind, PeerPolicy, RibEvent, Step};
use bgp_wire::attr::{AttrBuilder, Attributes, Origin};
use bgp_wire::{Asn, AttrFlags, AttrType, BgpId, Family, SessionKind, UpdateView};

const P: &str = "203.0.113.0/24";

fn bench() -> Bench {
    Bench::new(Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn ebgp(asn: u32, last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::Ebgp, Asn(asn), [192, 0, 2, last].into())
}

fn ibgp(last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::Ibgp, Asn(64512), [192, 0, 2, last].into())
}

fn path(asns: &[u32]) -> AttrBuilder {
    AttrBuilder::new().origin(Origin::Igp).as_path(&asns.iter().map(|asn| Asn(*asn)).collect::<Vec<_>>())
}

fn block(asns: &[u32]) -> Vec<u8> {
    path(asns).build().unwrap()
}

#[test]
fn rfc4271_9_1_an_announcement_replaces_the_one_before() {
    let mut bench = bench();
    let (from, to) = (bench.add(ebgp(65001, 1), SessionKind::Ebgp), bench.add(ebgp(65002, 2), SessionKind::Ebgp));
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.announce(from, P, &block(&[65001, 65009]), "192.0.2.1");
    bench.settle();
    assert_eq!(bench.rib.adj_rib_in(bench.peers[from].id).count(), 1);
    assert_eq!(bench.holds(to, P).unwrap().0, block(&[64512, 65001, 65009]));
    assert_eq!(bench.peers[to].messages, 1 + 2, "one UPDATE for the last state, and End-of-RIB twice");
}

#[test]
fn rfc4271_9_1_2_a_loop_is_an_implicit_withdrawal() {
    let mut bench = bench();
    let (from, to) = (bench.add(ebgp(65001, 1), SessionKind::Ebgp), bench.add(ebgp(65002, 2), SessionKind::Ebgp));
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.settle();
    assert!(bench.holds(to, P).is_some());
    bench.announce(from, P, &block(&[65001, 64512]), "192.0.2.1");
    bench.settle();
    assert_eq!((bench.holds(to, P), bench.rib.path_count(bench.peers[from].id)), (None, 0));
}

#[test]
fn rfc4271_9_1_2_own_as_may_occur_as_often_as_allowed() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1).with_allowas_in(1), SessionKind::Ebgp);
    bench.announce(from, P, &block(&[65001, 64512]), "192.0.2.1");
    assert_eq!(bench.rib.path_count(bench.peers[from].id), 1);
    bench.announce(from, P, &block(&[65001, 64512, 64512]), "192.0.2.1");
    assert_eq!(bench.rib.path_count(bench.peers[from].id), 0);
}

#[test]
fn rfc4271_5_1_3_own_address_as_next_hop_is_not_used() {
    let mut bench = bench();
    let from = bench.add(ibgp(1), SessionKind::Ibgp);
    bench.announce(from, P, &path(&[]).local_pref(100).build().unwrap(), "192.0.2.254");
    assert_eq!(bench.rib.path_count(bench.peers[from].id), 0);
}

#[test]
fn rfc4271_4_3_an_announcement_wins_over_a_withdrawal_in_one_message() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    // Withdraws and announces 10.0.0.0/8.
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 192, 0, 2, 1];
    let mut message = vec![0xff; 16];
    message.extend([0, 47, 2, 0, 2, 8, 10, 0, 20]);
    message.extend(attributes);
    message.extend([8, 10]);
    let peer = &bench.peers[from];
    let outcome = bench.rib.update(&mut bench.store, peer.id, &UpdateView::decode(&message, &peer.context).unwrap());
    assert_eq!((outcome.withdrawn, outcome.announced, outcome.rejected), (1, 1, 0));
    assert_eq!(bench.rib.path_count(peer.id), 1);
}

#[test]
fn rfc7606_2_treat_as_withdraw_removes_the_routes() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    // ORIGIN with value 9.
    let mut message = vec![0xff; 16];
    message
        .extend([0, 47, 2, 0, 0, 0, 20, 0x40, 1, 1, 9, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 192, 0, 2, 1]);
    message.extend([24, 203, 0, 113]);
    let peer = &bench.peers[from];
    let outcome = bench.rib.update(&mut bench.store, peer.id, &UpdateView::decode(&message, &peer.context).unwrap());
    assert_eq!((outcome.withdrawn, outcome.announced), (1, 0));
    assert_eq!(bench.rib.path_count(peer.id), 0);
}

#[test]
fn rfc4271_6_7_prefixes_count_once_and_by_family() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let id = bench.peers[from].id;
    for _ in 0..2 {
        bench.announce(from, P, &block(&[65001]), "192.0.2.1");
        bench.announce(from, "198.51.100.0/24", &block(&[65001]), "192.0.2.1");
        bench.announce(from, "2001:db8::/32", &block(&[65001]), "2001:db8::1");
    }
    let count = |bench: &Bench| [Family::IPV4_UNICAST, Family::IPV6_UNICAST].map(|f| bench.rib.prefix_count(id, f));
    assert_eq!(count(&bench), [2, 1]);
    bench.withdraw(from, P);
    bench.withdraw(from, P);
    assert_eq!(count(&bench), [1, 1]);
    bench.rib.flush(&mut bench.store, id, Family::IPV6_UNICAST);
    assert_eq!(count(&bench), [1, 0]);
    bench.rib.peer_down(&mut bench.store, id);
    assert_eq!(count(&bench), [0, 0]);
}

#[test]
fn rfc8212_without_policy_nothing_goes_in_or_out() {
    let mut bench = bench();
    let closed = bench.add(ebgp(65001, 1).with_policy(PeerPolicy::None), SessionKind::Ebgp);
    let open = bench.add(ebgp(65002, 2), SessionKind::Ebgp);
    let inner = bench.add(ibgp(3).with_policy(PeerPolicy::None), SessionKind::Ibgp);
    bench.announce(closed, P, &block(&[65001]), "192.0.2.1");
    bench.announce(open, "198.51.100.0/24", &block(&[65002]), "192.0.2.2");
    bench.settle();
    assert!(bench.peers[closed].table.is_empty() && bench.peers[open].table.is_empty());
    assert!(bench.holds(inner, "198.51.100.0/24").is_some(), "RFC 8212 is about eBGP only");
    let id = bench.peers[closed].id;
    assert!(bench.rib.adj_rib_in(id).next().is_none());
}

#[test]
fn rfc4271_5_1_4_med_goes_inside_and_not_to_another_as() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let (out, inner) = (bench.add(ebgp(65002, 2), SessionKind::Ebgp), bench.add(ibgp(3), SessionKind::Ibgp));
    bench.announce(from, P, &path(&[65001]).med(7).build().unwrap(), "192.0.2.1");
    bench.settle();
    assert_eq!(bench.holds(out, P).unwrap(), &(block(&[64512, 65001]), "192.0.2.254".parse().unwrap()));
    let inside = path(&[65001]).med(7).local_pref(100).build().unwrap();
    assert_eq!(bench.holds(inner, P).unwrap(), &(inside, "192.0.2.1".parse().unwrap()));
}

#[test]
fn rfc4271_5_unknown_attributes_go_on_with_partial_or_not_at_all() {
    let mut bench = bench();
    let (from, to) = (bench.add(ebgp(65001, 1), SessionKind::Ebgp), bench.add(ibgp(3), SessionKind::Ibgp));
    let transitive = AttrFlags(AttrFlags::OPTIONAL.0 | AttrFlags::TRANSITIVE.0);
    let unknown = path(&[65001]).raw(transitive, AttrType(200), &[1]).raw(AttrFlags::OPTIONAL, AttrType(201), &[2]);
    bench.announce(from, P, &unknown.build().unwrap(), "192.0.2.1");
    bench.settle();
    let held = bench.holds(to, P).unwrap();
    let attributes = Attributes::from_canonical(&held.0).unwrap();
    let passed = attributes.get(AttrType(200)).unwrap();
    assert_eq!((passed.flags.0 & 0xe0, passed.value), (0xe0, &[1][..]));
    assert!(attributes.get(AttrType(201)).is_none());
}

#[test]
fn rfc5065_a_confederation_member_sees_the_confederation_sequence() {
    let config = Config::new(Asn(65100), BgpId(1)).with_confederation(Asn(64512));
    let mut bench = Bench::new(config.with_local_v4("192.0.2.254".parse().unwrap()));
    let member = PeerConfig::new(PeerKind::Confed, Asn(65101), [192, 0, 2, 1].into());
    let member = bench.add(member, SessionKind::ConfedExternal);
    let (from, out) = (bench.add(ebgp(65001, 2), SessionKind::Ebgp), bench.add(ebgp(65002, 3), SessionKind::Ebgp));
    bench.announce(from, P, &path(&[65001]).med(7).build().unwrap(), "192.0.2.2");
    bench.settle();
    let held = bench.holds(member, P).unwrap();
    let attributes = Attributes::from_canonical(&held.0).unwrap();
    assert_eq!(attributes.as_path().unwrap().to_string(), "(65100) 65001");
    assert_eq!((attributes.local_pref(), attributes.med()), (Some(100), Some(7)));
    assert_eq!(held.1, "192.0.2.2".parse().unwrap());
    assert_eq!(bench.holds(out, P).unwrap().0, block(&[64512, 65001]));
    // The confederation's own number from outside is a loop.
    bench.announce(from, P, &block(&[65001, 64512]), "192.0.2.2");
    assert_eq!(bench.rib.path_count(bench.peers[from].id), 0);
}

#[test]
fn rfc7947_a_route_server_leaves_no_trace() {
    let mut bench = bench();
    let client = |asn, last: u8| PeerConfig::new(PeerKind::RouteServerClient, Asn(asn), [192, 0, 2, last].into());
    let from = bench.add(client(65001, 1), SessionKind::Ebgp);
    let to = bench.add(client(65002, 2), SessionKind::Ebgp);
    let sent = path(&[65001]).med(3).build().unwrap();
    bench.announce(from, P, &sent, "192.0.2.1");
    bench.settle();
    assert_eq!(bench.holds(to, P).unwrap(), &(sent, "192.0.2.1".parse().unwrap()));
    assert_eq!(bench.holds(from, P), None);
}

#[test]
fn own_routes_go_out_with_our_address_in_both_families() {
    let config = Config::new(Asn(64512), BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap());
    let mut bench = Bench::new(config.with_local_v6("2001:db8::fe".parse().unwrap()));
    let to = bench.add(ibgp(1), SessionKind::Ibgp);
    let other = bench.add(ibgp(2).with_local_v4("198.51.100.1".parse().unwrap()), SessionKind::Ibgp);
    for prefix in [P, "2001:db8:1::/48"] {
        bench.rib.originate(&mut bench.store, prefix.parse().unwrap(), &block(&[]), None).unwrap();
    }
    bench.settle();
    assert_eq!(bench.holds(to, P).unwrap().1, "192.0.2.254".parse().unwrap());
    assert_eq!(bench.holds(to, "2001:db8:1::/48").unwrap().1, "2001:db8::fe".parse().unwrap());
    assert_eq!(bench.holds(other, P).unwrap().1, "198.51.100.1".parse().unwrap());
    assert!(bench.rib.withdraw_local(&mut bench.store, P.parse().unwrap()));
    assert!(!bench.rib.withdraw_local(&mut bench.store, P.parse().unwrap()));
    bench.settle();
    assert_eq!(bench.holds(to, P), None);
}

#[test]
fn rfc4271_9_1_2_unreachable_next_hops_do_not_compete_until_they_can_be_reached() {
    let mut bench = bench();
    let (one, two) = (bench.add(ibgp(1), SessionKind::Ibgp), bench.add(ibgp(2), SessionKind::Ibgp));
    let sent = path(&[]).local_pref(100).build().unwrap();
    bench.announce(one, P, &sent, "192.0.2.31");
    bench.announce(two, P, &sent, "192.0.2.32");
    bench.settle();
    assert_eq!(bench.best(P), Some(one));
    bench.rib.set_unreachable("192.0.2.31".parse().unwrap(), true);
    bench.settle();
    assert_eq!(bench.best(P), Some(two));
    assert_eq!(bench.rib.explain(&bench.store, P.parse().unwrap())[1].outcome, Outcome::Unreachable);
    bench.rib.set_unreachable("192.0.2.31".parse().unwrap(), false);
    bench.rib.set_igp_cost("192.0.2.31".parse().unwrap(), 9);
    bench.settle();
    assert_eq!(bench.best(P), Some(two));
    let lost = bench.rib.explain(&bench.store, P.parse().unwrap())[1].outcome;
    assert_eq!(lost, Outcome::Lost { step: Step::InteriorCost, against: Some(bench.peers[two].id) });
}

#[test]
fn fib_events_tell_the_last_state_only() {
    let mut bench = bench();
    let from = bench.add(ibgp(1), SessionKind::Ibgp);
    let sent = |med| path(&[]).local_pref(100).med(med).build().unwrap();
    let event = |bench: &mut Bench| {
        let RibEvent::Fib { prefix, route } = bench.rib.poll_event()? else { return None };
        Some((prefix.to_string(), route.map(|route| route.next_hop)))
    };
    bench.announce(from, P, &sent(1), "192.0.2.31");
    bench.settle();
    bench.announce(from, P, &sent(1), "192.0.2.32");
    bench.settle();
    let next_hop: NextHop = "192.0.2.32".parse().unwrap();
    assert_eq!(event(&mut bench), Some((P.to_owned(), Some(next_hop))));
    bench.announce(from, P, &sent(2), "192.0.2.32");
    bench.settle();
    assert_eq!(event(&mut bench), None, "the way is the same");
    bench.withdraw(from, P);
    bench.settle();
    bench.announce(from, P, &sent(3), "192.0.2.32");
    bench.settle();
    assert_eq!(event(&mut bench), None, "it is back before anyone asked");
    bench.down(from);
    bench.settle();
    assert_eq!((event(&mut bench), event(&mut bench)), (Some((P.to_owned(), None)), None));
}

#[test]
fn the_longest_prefix_in_use_is_looked_up() {
    let mut bench = bench();
    let from = bench.add(ibgp(1), SessionKind::Ibgp);
    let sent = path(&[]).local_pref(100).build().unwrap();
    bench.announce(from, "10.0.0.0/8", &sent, "192.0.2.31");
    bench.announce(from, "10.1.0.0/16", &sent, "192.0.2.32");
    bench.settle();
    let found = |bench: &Bench| bench.rib.lookup(&bench.store, "10.1.2.3".parse().unwrap()).map(|f| f.0.to_string());
    assert_eq!(found(&bench), Some("10.1.0.0/16".to_owned()));
    bench.rib.set_unreachable("192.0.2.32".parse().unwrap(), true);
    bench.settle();
    assert_eq!(found(&bench), Some("10.0.0.0/8".to_owned()));
}

#[test]
fn the_same_update_again_sends_nothing() {
    let mut bench = bench();
    let (from, to) = (bench.add(ebgp(65001, 1), SessionKind::Ebgp), bench.add(ebgp(65002, 2), SessionKind::Ebgp));
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.settle();
    let before = bench.peers[to].messages;
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.withdraw(from, P);
    bench.announce(from, P, &block(&[65001]), "192.0.2.1");
    bench.settle();
    assert_eq!(bench.peers[to].messages, before);
}

#[test]
fn the_outcome_of_an_update_names_the_reason() {
    let mut bench = bench();
    let from = bench.add(ebgp(65001, 1), SessionKind::Ebgp);
    let mut message = vec![0xff; 16];
    message.extend([0, 49, 2, 0, 0, 0, 24, 0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0xfc, 0]);
    message.extend([0x40, 3, 4, 192, 0, 2, 1, 8, 10]);
    let peer = &bench.peers[from];
    let outcome = bench.rib.update(&mut bench.store, peer.id, &UpdateView::decode(&message, &peer.context).unwrap());
    assert_eq!((outcome.announced, outcome.rejected, outcome.reason), (0, 1, Some(Ineligible::AsLoop)));
}

#[test]
fn rfc4271_5_1_3_a_next_hop_on_a_shared_subnet_is_kept_but_for_the_peers_own() {
    let mut bench = bench();
    let from = bench.add(ibgp(1), SessionKind::Ibgp);
    let shared = |last| {
        let config = PeerConfig::new(PeerKind::Ebgp, Asn(65000 + u32::from(last)), [198, 51, 100, last].into());
        config.with_shared_subnet("198.51.100.0/24".parse().unwrap())
    };
    let [first, second] = [2, 3].map(|last| bench.add(shared(last), SessionKind::Ebgp));
    let other = bench.add(ebgp(65004, 4), SessionKind::Ebgp);
    let internal = AttrBuilder::new().as_path(&[]).local_pref(100).build().unwrap();
    let own: NextHop = "192.0.2.254".parse().unwrap();
    for (next_hop, kept) in [("198.51.100.9", [true, true]), ("198.51.100.2", [false, true]), ("192.0.2.9", [false; 2])]
    {
        bench.announce(from, P, &internal, next_hop);
        bench.settle();
        let next_hop = next_hop.parse().unwrap();
        let expected = kept.map(|kept| if kept { next_hop } else { own });
        assert_eq!([first, second].map(|peer| bench.holds(peer, P).unwrap().1), expected);
        assert_eq!(bench.holds(other, P).unwrap().1, own);
    }
    bench.rib.originate(&mut bench.store, P.parse().unwrap(), &block(&[]), None).unwrap();
    bench.settle();
    assert_eq!(bench.holds(first, P).unwrap().1, own);
}

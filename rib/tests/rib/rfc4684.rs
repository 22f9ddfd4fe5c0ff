//! RFC 4684: VPN routes go to those who want their route targets.

use bgp_rib::{Config, NextHop, PeerConfig, PeerKind};
use bgp_wire::attr::{AttrBuilder, Origin};
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::nlri::{NlriBuf, NlriRef, PathNlri};
use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, Packer, SessionKind};
use bytes::BytesMut;

use crate::bench::Bench;

const AS: Asn = Asn(64512);
const HOP: &str = "192.0.2.77";

fn context() -> Context {
    let families = FamilySet::EMPTY.with(Family::IPV4_UNICAST).with(Family::IPV4_VPN).with(Family::RT_CONSTRAIN);
    Context::new(SessionKind::Ibgp).with_families(families)
}

fn bench() -> Bench {
    Bench::new(Config::new(AS, BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn peer(kind: PeerKind, last: u8) -> PeerConfig {
    PeerConfig::new(kind, AS, [192, 0, 2, last].into())
}

fn send(bench: &mut Bench, index: usize, text: &str, target: Option<&str>) {
    let communities: Vec<ExtCommunity> = target.iter().map(|text| text.parse().unwrap()).collect();
    let builder = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(100);
    let builder = if communities.is_empty() { builder } else { builder.ext_communities(&communities) };
    let (mut out, nlri) = (BytesMut::new(), text.parse::<NlriBuf>().unwrap());
    let next_hop: NextHop = HOP.parse().unwrap();
    let path = PathNlri { path_id: None, nlri: NlriRef::Typed(nlri.as_ref()) };
    let mut packer = Packer::new(&bench.peers[index].mirror());
    packer.announce(&mut out, &builder.build().unwrap(), next_hop, nlri.family(), [path]).unwrap();
    bench.receive(index, &out);
}

fn withdraw(bench: &mut Bench, index: usize, text: &str) {
    let (mut out, nlri) = (BytesMut::new(), text.parse::<NlriBuf>().unwrap());
    let path = PathNlri { path_id: None, nlri: NlriRef::Typed(nlri.as_ref()) };
    Packer::new(&bench.peers[index].mirror()).withdraw(&mut out, nlri.family(), [path]).unwrap();
    bench.receive(index, &out);
}

fn settle(bench: &mut Bench) {
    while bench.rib.process(&mut bench.store, 100) {}
    while let Some(id) = bench.rib.poll_ready() {
        while bench.rib.pull(&mut bench.store, id).is_some() {}
    }
}

fn sent(bench: &Bench, index: usize, family: Family) -> Vec<String> {
    let rows = bench.rib.adj_rib_out_nlri(&bench.store, bench.peers[index].id);
    let mut all: Vec<_> = rows.filter(|row| row.0.family() == family).map(|row| row.0.to_string()).collect();
    all.sort();
    all
}

#[test]
fn rfc4684_5_vpn_routes_go_only_to_peers_that_announced_a_route_target_of_theirs() {
    let mut bench = bench();
    let [from, one, two, all] = [1, 2, 3, 4].map(|last| bench.add_with(peer(PeerKind::RrClient, last), context()));
    let plain = bench.add_with(
        peer(PeerKind::RrClient, 5),
        Context::new(SessionKind::Ibgp).with_families(FamilySet::EMPTY.with(Family::IPV4_VPN)),
    );
    send(&mut bench, from, "rd 64512:1 10.1.0.0/16 label 1", Some("rt:64512:1"));
    send(&mut bench, from, "rd 64512:2 10.2.0.0/16 label 1", Some("rt:64512:2"));
    settle(&mut bench);
    assert!([one, two, all].iter().all(|index| sent(&bench, *index, Family::IPV4_VPN).is_empty()));
    assert_eq!(sent(&bench, plain, Family::IPV4_VPN).len(), 2, "it said nothing of route targets");
    send(&mut bench, one, "origin 64512 rt:64512:1", None);
    send(&mut bench, two, "origin 64512 rt:64512:2", None);
    send(&mut bench, all, "default", None);
    settle(&mut bench);
    assert_eq!(sent(&bench, one, Family::IPV4_VPN), ["rd 64512:1 10.1.0.0/16 label 1"]);
    assert_eq!(sent(&bench, two, Family::IPV4_VPN), ["rd 64512:2 10.2.0.0/16 label 1"]);
    assert_eq!(sent(&bench, all, Family::IPV4_VPN).len(), 2);
    // Interest comes and goes; the route is sent and withdrawn.
    send(&mut bench, one, "origin 64512 rt:64512:2", None);
    settle(&mut bench);
    assert_eq!(sent(&bench, one, Family::IPV4_VPN).len(), 2);
    withdraw(&mut bench, one, "origin 64512 rt:64512:1");
    settle(&mut bench);
    assert_eq!(sent(&bench, one, Family::IPV4_VPN), ["rd 64512:2 10.2.0.0/16 label 1"]);
    // A session that begins again begins with no interest.
    bench.down(one);
    bench.up(one);
    settle(&mut bench);
    assert!(sent(&bench, one, Family::IPV4_VPN).is_empty());
}

#[test]
fn rfc4684_3_2_who_shares_an_interest_learns_of_the_others() {
    let mut bench = bench();
    let [one, two] = [1, 2].map(|last| bench.add_with(peer(PeerKind::RrClient, last), context()));
    send(&mut bench, one, "origin 64512 rt:64512:1", None);
    settle(&mut bench);
    assert!(sent(&bench, one, Family::RT_CONSTRAIN).is_empty(), "its own alone does not come back");
    send(&mut bench, two, "origin 64512 rt:64512:1", None);
    settle(&mut bench);
    for index in [one, two] {
        assert_eq!(sent(&bench, index, Family::RT_CONSTRAIN), ["origin 64512 rt:64512:1"], "peer {index}");
    }
    withdraw(&mut bench, two, "origin 64512 rt:64512:1");
    settle(&mut bench);
    assert!(sent(&bench, one, Family::RT_CONSTRAIN).is_empty());
}

#[test]
fn rfc4684_3_2_a_non_client_learns_of_clients_though_another_non_client_is_best() {
    let mut bench = bench();
    let client = bench.add_with(peer(PeerKind::RrClient, 9), context());
    let [best, other] = [1, 2].map(|last| bench.add_with(peer(PeerKind::Ibgp, last), context()));
    bench.peers[best].bgp_id = BgpId(2);
    bench.down(best);
    bench.up(best);
    send(&mut bench, best, "origin 64512 rt:64512:1", None);
    settle(&mut bench);
    assert!(sent(&bench, other, Family::RT_CONSTRAIN).is_empty());
    send(&mut bench, client, "origin 64512 rt:64512:1", None);
    settle(&mut bench);
    for index in [client, best, other] {
        assert_eq!(sent(&bench, index, Family::RT_CONSTRAIN), ["origin 64512 rt:64512:1"], "peer {index}");
    }
}

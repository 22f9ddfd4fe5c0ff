//! Families other than unicast: labels, keys, reflection, ADD-PATH, policies, all through one table.

use bgp_rib::policy::{Condition, PrefixList, Rule, Rules, Verdict};
use bgp_rib::{AddPathTx, Config, NextHop, PeerConfig, PeerKind, PeerPolicy, RowRef};
use bgp_wire::attr::{AttrBuilder, Origin};
use bgp_wire::nlri::{NlriBuf, NlriRef, PathNlri};
use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, Packer, PathId, SessionKind, UpdateView};
use bytes::BytesMut;
use std::collections::BTreeMap;

use crate::bench::{Bench, Held, messages};

const AS: Asn = Asn(64512);

fn context() -> Context {
    Context::new(SessionKind::Ibgp).with_families(FamilySet::ALL.without(Family::RT_CONSTRAIN))
}

fn bench() -> Bench {
    Bench::new(Config::new(AS, BgpId(1)).with_local_v4("192.0.2.254".parse().unwrap()))
}

fn client(last: u8) -> PeerConfig {
    PeerConfig::new(PeerKind::RrClient, AS, [192, 0, 2, last].into())
}

fn block() -> Vec<u8> {
    AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(100).build().unwrap()
}

fn nlri(text: &str) -> NlriBuf {
    text.parse().unwrap()
}

fn announce(bench: &mut Bench, index: usize, text: &str, path_id: Option<PathId>) {
    announce_with(bench, index, text, path_id, &block());
}

fn announce_with(bench: &mut Bench, index: usize, text: &str, path_id: Option<PathId>, block: &[u8]) {
    let (mut out, nlri) = (BytesMut::new(), nlri(text));
    let next_hop = next_hop(&nlri);
    let context = bench.peers[index].mirror().with_multiple_labels(FamilySet::ALL);
    let path = PathNlri { path_id, nlri: NlriRef::Typed(nlri.as_ref()) };
    Packer::new(&context).announce(&mut out, block, next_hop, nlri.family(), [path]).unwrap();
    bench.receive(index, &out);
}

fn next_hop(nlri: &NlriBuf) -> NextHop {
    match nlri.family() {
        Family::IPV4_FLOWSPEC | Family::IPV6_FLOWSPEC => NextHop::None,
        Family::IPV6_LABELED | Family::IPV6_VPN => "2001:db8::77".parse().unwrap(),
        _ => "192.0.2.77".parse().unwrap(),
    }
}

fn withdraw(bench: &mut Bench, index: usize, text: &str, path_id: Option<PathId>) {
    let (mut out, nlri) = (BytesMut::new(), nlri(text));
    let path = PathNlri { path_id, nlri: NlriRef::Typed(nlri.as_ref()) };
    Packer::new(&bench.peers[index].mirror()).withdraw(&mut out, nlri.family(), [path]).unwrap();
    bench.receive(index, &out);
}

type Key = (Family, Vec<u8>, Option<PathId>);

/// What a peer has been sent: for each key and path identifier the text of the NLRI, with the block.
#[derive(Debug, Default, PartialEq)]
struct Table {
    held: BTreeMap<Key, (String, Held)>,
    ends: Vec<Family>,
    messages: usize,
}

impl Table {
    fn texts(&self) -> Vec<&str> {
        self.held.values().map(|(text, _)| text.as_str()).collect()
    }

    fn learn(&mut self, message: &[u8], context: &Context) {
        let update = UpdateView::decode(message, context).unwrap();
        self.messages += 1;
        self.ends.extend(update.end_of_rib());
        let key = |family, nlri: &NlriRef<'_>| {
            let mut key = Vec::new();
            match nlri {
                NlriRef::Typed(nlri) => nlri.write_key(&mut key),
                NlriRef::Opaque(octets) => key.extend_from_slice(octets),
                nlri => key.extend(nlri.to_string().bytes()),
            }
            (family, key)
        };
        for part in update.withdrawn() {
            for path in part.nlri {
                let (family, key) = key(part.family, &path.nlri);
                assert!(self.held.remove(&(family, key, path.path_id)).is_some(), "a needless withdrawal");
            }
        }
        let mut block = Vec::new();
        update.write_canonical(&mut block);
        for part in update.announced() {
            for path in part.nlri {
                let (family, key) = key(part.family, &path.nlri);
                let held = (block.clone(), part.next_hop);
                self.held.insert((family, key, path.path_id), (path.nlri.to_string(), held));
            }
        }
    }
}

fn settle(bench: &mut Bench, tables: &mut BTreeMap<usize, Table>) {
    while bench.rib.process(&mut bench.store, 1000) {}
    while let Some(id) = bench.rib.poll_ready() {
        let index = bench.peers.iter().position(|peer| peer.id == id).unwrap();
        while let Some(octets) = bench.rib.pull(&mut bench.store, id) {
            let context = bench.peers[index].mirror();
            for message in messages(&octets) {
                tables.entry(index).or_default().learn(message, &context);
            }
        }
    }
}

const ONE_OF_EACH: [&str; 11] = [
    "10.0.0.0/8 label 100",
    "2001:db8::/32 label 17",
    "rd 64512:1 10.0.0.0/8 label 100",
    "rd 64512:1 2001:db8::/32 label 99",
    "flow4 { dst 203.0.113.0/24; proto 17; }",
    "flow6 { dst 2001:db8::/32; proto 17; }",
    "[3]:[0]:[32]:[192.0.2.1] rd 64512:1",
    "[1]:[0]:[00:11:22:33:44:55:66:77:88:99] rd 64512:1 label 9",
    "[2]:[0]:[48]:[00:00:5e:00:53:01]:[32]:[192.0.2.9] rd 64512:1 esi 00:11:22:33:44:55:66:77:88:99 label 9/10",
    "[5]:[0]:[24]:[10.1.1.0] rd 64512:1 esi 00:00:00:00:00:00:00:00:00:00 gateway 0.0.0.0 label 11",
    "node isis-l2 0 { local { as 64512; } }",
];

#[test]
fn rfc4456_every_family_is_reflected_with_what_its_nlri_say() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let other = bench.add_with(PeerConfig::new(PeerKind::Ibgp, AS, [192, 0, 2, 3].into()), context());
    let mut tables = BTreeMap::new();
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].ends.len(), context().families().iter().count());
    for text in ONE_OF_EACH {
        announce(&mut bench, from, text, None);
    }
    settle(&mut bench, &mut tables);
    let mut texts: Vec<String> = ONE_OF_EACH.into_iter().map(|text| nlri(text).to_string()).collect();
    texts.sort();
    for index in [to, other] {
        let mut sent: Vec<_> = tables[&index].texts();
        sent.sort();
        assert_eq!(sent, texts);
        for (text, (block, hop)) in tables[&index].held.values() {
            let attributes = bgp_wire::attr::Attributes::from_canonical(block).unwrap();
            assert_eq!(attributes.originator_id(), Some(bench.peers[from].bgp_id), "{text}");
            assert_eq!(*hop, next_hop(&nlri(text)), "{text}");
        }
    }
    assert!(tables[&from].held.is_empty(), "an echo");
    assert_eq!(bench.rib.adj_rib_in_nlri(&bench.store, bench.peers[from].id).count(), texts.len());
    assert_eq!(bench.rib.adj_rib_out_nlri(&bench.store, bench.peers[to].id).count(), texts.len());
    for text in &texts {
        withdraw(&mut bench, from, text, None);
    }
    settle(&mut bench, &mut tables);
    assert!(tables[&to].held.is_empty() && tables[&other].held.is_empty());
    assert!(bench.store.is_empty());
}

#[test]
fn rfc8277_2_4_a_new_label_replaces_the_old_one_and_any_withdraws_it() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let mut tables = BTreeMap::new();
    for label in [100, 200] {
        announce(&mut bench, from, &format!("rd 64512:1 10.0.0.0/8 label {label}"), None);
        settle(&mut bench, &mut tables);
        assert_eq!(tables[&to].texts(), [format!("rd 64512:1 10.0.0.0/8 label {label}")]);
    }
    assert_eq!(bench.rib.prefix_count(bench.peers[from].id, Family::IPV4_VPN), 1);
    assert_eq!(bench.rib.prefix_count(bench.peers[from].id, Family::IPV4_UNICAST), 0);
    withdraw(&mut bench, from, "rd 64512:1 10.0.0.0/8 label 3", None);
    settle(&mut bench, &mut tables);
    assert!(tables[&to].held.is_empty());
    assert_eq!(bench.rib.prefix_count(bench.peers[from].id, Family::IPV4_VPN), 0);
}

#[test]
fn routes_with_one_block_and_one_label_go_in_one_message() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let mut tables = BTreeMap::new();
    settle(&mut bench, &mut tables);
    let before = tables[&to].messages;
    for n in 0..50 {
        announce(&mut bench, from, &format!("rd 64512:{n} 10.{n}.0.0/16 label 100"), None);
    }
    settle(&mut bench, &mut tables);
    assert_eq!((tables[&to].held.len(), tables[&to].messages - before), (50, 1));
}

#[test]
fn rfc4271_9_1_2_the_decision_is_that_of_unicast() {
    let mut bench = bench();
    let peers: Vec<_> = (1..=3).map(|last| bench.add_with(client(last), context())).collect();
    let block = |pref| AttrBuilder::new().origin(Origin::Igp).as_path(&[]).local_pref(pref).build().unwrap();
    announce_with(&mut bench, peers[0], "rd 64512:1 10.0.0.0/8 label 1", None, &block(100));
    announce_with(&mut bench, peers[1], "rd 64512:1 10.0.0.0/8 label 2", None, &block(200));
    let mut tables = BTreeMap::new();
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&peers[2]].texts(), ["rd 64512:1 10.0.0.0/8 label 2"]);
    assert_eq!(tables[&peers[0]].texts(), ["rd 64512:1 10.0.0.0/8 label 2"]);
    assert!(tables[&peers[1]].held.is_empty());
    let best = bench.rib.best_nlri(&bench.store, &nlri("rd 64512:1 10.0.0.0/8 label 7")).unwrap();
    assert_eq!(best.peer, Some(bench.peers[peers[1]].id));
    bench.down(peers[1]);
    tables.remove(&peers[1]);
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&peers[2]].texts(), ["rd 64512:1 10.0.0.0/8 label 1"]);
    assert!(tables[&peers[0]].held.is_empty());
}

#[test]
fn rfc7911_several_paths_of_a_vpn_route() {
    let both = context().with_add_path_receive(FamilySet::ALL).with_add_path_send(FamilySet::ALL);
    let mut bench = bench();
    let from = bench.add_with(client(1), both);
    let to = bench.add_with(client(2).with_add_path_tx(AddPathTx::All), both);
    let mut tables = BTreeMap::new();
    for n in 1..=3 {
        announce(&mut bench, from, &format!("rd 64512:1 10.0.0.0/8 label {n}"), Some(PathId(n)));
    }
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].held.len(), 3);
    withdraw(&mut bench, from, "rd 64512:1 10.0.0.0/8 label 9", Some(PathId(2)));
    settle(&mut bench, &mut tables);
    let mut left = tables[&to].texts();
    left.sort();
    assert_eq!(left, ["rd 64512:1 10.0.0.0/8 label 1", "rd 64512:1 10.0.0.0/8 label 3"]);
    bench.down(from);
    settle(&mut bench, &mut tables);
    assert!(tables[&to].held.is_empty() && bench.store.is_empty());
}

#[test]
fn rfc4724_stale_vpn_routes_stay_until_the_end_of_rib() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let mut tables = BTreeMap::new();
    announce(&mut bench, from, "rd 64512:1 10.0.0.0/8 label 1", None);
    announce(&mut bench, from, "rd 64512:1 11.0.0.0/8 label 1", None);
    settle(&mut bench, &mut tables);
    let id = bench.peers[from].id;
    bench.rib.mark_stale(&mut bench.store, id, FamilySet::EMPTY.with(Family::IPV4_VPN));
    bench.peers[from].up = false;
    bench.up(from);
    announce(&mut bench, from, "rd 64512:1 10.0.0.0/8 label 1", None);
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].held.len(), 2);
    bench.rib.sweep_stale(&mut bench.store, id, Family::IPV4_VPN);
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].texts(), ["rd 64512:1 10.0.0.0/8 label 1"]);
}

#[test]
fn rfc2918_a_refresh_sends_one_family_again() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let mut tables = BTreeMap::new();
    for text in ONE_OF_EACH {
        announce(&mut bench, from, text, None);
    }
    settle(&mut bench, &mut tables);
    let before = tables[&to].messages;
    let id = bench.peers[to].id;
    bench.rib.refresh(&mut bench.store, id, Family::IPV4_VPN);
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].messages - before, 1);
}

#[test]
fn a_policy_sees_the_prefix_of_a_vpn_route_and_none_of_others() {
    let mut bench = bench();
    let ten = PrefixList::new().or_longer("10.0.0.0/8".parse().unwrap());
    let rules = Rules::new().export(Rule::new(Verdict::Reject).when(Condition::Prefix(ten.clone())));
    let policy = bench.rib.add_policy(rules.import(Rule::new(Verdict::Reject).when(Condition::Family(Family::BGP_LS))));
    let (from, to) = (
        bench.add_with(client(1).with_policy(PeerPolicy::Use(policy)), context()),
        bench.add_with(client(2).with_policy(PeerPolicy::Use(policy)), context()),
    );
    for text in ONE_OF_EACH {
        announce(&mut bench, from, text, None);
    }
    let mut tables = BTreeMap::new();
    settle(&mut bench, &mut tables);
    let sent = tables[&to].texts();
    assert!(sent.iter().all(|text| !text.contains("10.0.0.0/8") && !text.starts_with("node")), "{sent:?}");
    assert!(sent.iter().any(|text| text.starts_with("flow4")));
}

#[test]
fn ipv6_multicast_and_families_without_a_codec_are_carried() {
    let mut bench = bench();
    let (from, to) = (bench.add_with(client(1), context()), bench.add_with(client(2), context()));
    let mut tables = BTreeMap::new();
    let context = bench.peers[from].mirror();
    let mut out = BytesMut::new();
    let prefix: ipnet::IpNet = "2001:db8::/32".parse().unwrap();
    let (hop, mut packer) = ("2001:db8::1".parse().unwrap(), Packer::new(&context));
    packer.announce(&mut out, &block(), hop, Family::IPV6_MULTICAST, [prefix.into()]).unwrap();
    let opaque = || [PathNlri { path_id: None, nlri: NlriRef::Opaque(b"abc") }];
    packer.announce(&mut out, &block(), hop, Family::IPV4_MUP, opaque()).unwrap();
    bench.receive(from, &out);
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].texts(), ["616263", "2001:db8::/32"]);
    out.clear();
    packer.withdraw(&mut out, Family::IPV6_MULTICAST, [prefix.into()]).unwrap();
    packer.withdraw(&mut out, Family::IPV4_MUP, opaque()).unwrap();
    bench.receive(from, &out);
    settle(&mut bench, &mut tables);
    assert!(tables[&to].held.is_empty());
}

#[test]
fn own_routes_of_other_families_go_out_and_are_withdrawn() {
    let mut bench = bench();
    let to = bench.add_with(client(2), context());
    let mut tables = BTreeMap::new();
    let one = nlri("rd 64512:1 10.0.0.0/8 label 1");
    bench.rib.originate_nlri(&mut bench.store, &one, &block(), None).unwrap();
    settle(&mut bench, &mut tables);
    assert_eq!(tables[&to].held.values().next().unwrap().1.1, "192.0.2.254".parse().unwrap());
    let rows: Vec<RowRef> = bench.rib.loc_rib_nlri(&bench.store, Family::IPV4_VPN).collect();
    assert_eq!((rows.len(), rows[0].peer), (1, None));
    assert!(bench.rib.withdraw_local_nlri(&mut bench.store, &one));
    settle(&mut bench, &mut tables);
    assert!(tables[&to].held.is_empty());
}

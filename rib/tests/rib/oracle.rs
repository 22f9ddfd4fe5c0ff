//! A Rib and a naive one, which is computed anew from what was received, get the same random announcements, withdrawals,
//! flaps, restarts, costs and policies; at every quiet point every peer holds what the naive one says, and nothing was
//! echoed or withdrawn needlessly.
//!
//! `ORACLE_CASES` (default 60) cases of `ORACLE_STEPS` (default 150) steps from `ORACLE_SEED` (default 1) on; a failure
//! names the seed of its case.
mod convert;
mod naive;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bgp_rib::policy::{Action, Condition, PrefixList, Rule, Rules, Verdict};
use bgp_rib::{AddPathTx, Config, DecisionOptions, NextHop, PeerConfig, PeerKind, PeerPolicy, PolicyId, Vantage};
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId, ClusterId, Context, Family, FamilySet, PathId, SessionKind, capability};
use ipnet::IpNet;

use self::convert::{attrs_of, block};
use self::naive::{Attrs, CONFED_SEQUENCE, Naive, Received, Role, SEQUENCE, SET};
use crate::bench::{Bench, family};

const LOCAL_AS: u32 = 64512;
const CONFEDERATION: u32 = 65500;
const ROUTER_ID: u32 = 0x0a00_0063;
const CLUSTER: u32 = 0xf400_0001;
const OWN: NextHop = NextHop::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));
const OWN6: NextHop = NextHop::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe));

/// A generator of the test's own, so that a seed means the same for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

struct World {
    bench: Bench,
    naive: Naive,
    export: PolicyId,
    import: PolicyId,
    dice: Dice,
}

fn setup(seed: u64) -> World {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    dice.below(9);
    let has_confederation = dice.one_in(2);
    let naive = Naive {
        local_as: LOCAL_AS,
        confederation: has_confederation.then_some(CONFEDERATION),
        router_id: ROUTER_ID,
        cluster: CLUSTER,
        own_v4: OWN,
        own_v6: OWN6,
        always_compare_med: dice.one_in(4),
        missing_as_worst: dice.one_in(4),
        no_client_to_client: dice.one_in(6),
        peers: Vec::new(),
        own: BTreeMap::new(),
        costs: BTreeMap::new(),
        seen_from: BTreeMap::new(),
        unreachable: Default::default(),
        export_rules: 0,
        import_rules: 0,
    };
    let options = DecisionOptions::new()
        .with_always_compare_med(naive.always_compare_med)
        .with_med_missing_as_worst(naive.missing_as_worst);
    let config = Config::new(Asn(LOCAL_AS), BgpId(ROUTER_ID))
        .with_cluster_id(ClusterId(CLUSTER))
        .with_local_v4("192.0.2.254".parse().unwrap())
        .with_local_v6("2001:db8::fe".parse().unwrap())
        .with_no_client_to_client(naive.no_client_to_client)
        .with_decision(options)
        .with_ring_octets(dice.of(&[1 << 20, 64, 700, 2100]));
    let config = if has_confederation { config.with_confederation(Asn(CONFEDERATION)) } else { config };
    let mut bench = Bench::new(config);
    let export = bench.rib.add_policy(export_rules(0));
    let import = bench.rib.add_policy(import_rules(0));
    let mut world = World { bench, naive, export, import, dice };
    for number in 1..=14 {
        world.add(number);
    }
    world
}

fn export_rules(replaced: usize) -> Rules {
    let short = PrefixList::new().range("10.0.0.0/8".parse().unwrap(), 0..=17);
    match replaced % 3 {
        0 => Rules::new(),
        1 => Rules::new().export(Rule::new(Verdict::Reject).when(Condition::Prefix(short))),
        _ => Rules::new().export(Rule::new(Verdict::Accept).then(Action::AddCommunity(Community(naive::TAG)))),
    }
}

fn import_rules(replaced: usize) -> Rules {
    match replaced % 3 {
        0 => Rules::new(),
        1 => Rules::new().import(Rule::new(Verdict::Reject).when(Condition::AsPathContains(Asn(65100)))),
        _ => Rules::new().import(Rule::new(Verdict::Accept).then(Action::LocalPref(150))),
    }
}

impl World {
    /// A peer of a random kind with random options.
    fn add(&mut self, number: u8) {
        use PeerKind::{Confed, Ebgp, Ibgp, RouteServerClient, RrClient};
        let dice = &mut self.dice;
        let kinds = [Ibgp, RrClient, RrClient, Ebgp, Ebgp, RouteServerClient, Ibgp, Confed];
        let mut kind = dice.of(&kinds);
        if kind == Confed && self.naive.confederation.is_none() {
            kind = RrClient;
        }
        let (asn, session) = match kind {
            Ibgp | RrClient => (LOCAL_AS, SessionKind::Ibgp),
            Confed => (64600 + u32::from(number), SessionKind::ConfedExternal),
            _ => (65000 + u32::from(number % 5), SessionKind::Ebgp),
        };
        let is_internal = session == SessionKind::Ibgp;
        let tx = [AddPathTx::All, AddPathTx::Best(2), AddPathTx::Best(3), AddPathTx::GroupBest];
        let peer = naive::Peer {
            kind,
            asn,
            addr: [192, 0, 2, number].into(),
            id: 0x0a00_0001 + u32::from(number - 1),
            up: true,
            role: (kind == Ebgp && dice.one_in(2)).then(|| dice.of(&[Role::Provider, Role::Customer, Role::Peer])),
            llgr: dice.one_in(2),
            allowas_in: usize::from(dice.one_in(4)),
            best_external: is_internal && dice.one_in(3),
            next_hop_self: is_internal && dice.one_in(4),
            force: is_internal && dice.one_in(6),
            tx: dice.one_in(3).then(|| dice.of(&tx)),
            vantage: (is_internal && dice.one_in(4)).then(|| u16::try_from(dice.below(2)).unwrap()),
            filtered: dice.one_in(4),
            judged: false,
            received: BTreeMap::new(),
        };
        let peer = naive::Peer { judged: !peer.filtered && dice.one_in(4), ..peer };
        let mut config = PeerConfig::new(kind, Asn(asn), peer.addr)
            .with_llgr(peer.llgr)
            .with_allowas_in(u32::try_from(peer.allowas_in).unwrap())
            .with_best_external(peer.best_external)
            .with_next_hop_self(peer.next_hop_self)
            .with_vantage(peer.vantage.map(Vantage))
            .with_soft_reconfiguration(peer.judged);
        if peer.force {
            config = config.with_next_hop_self_force(true);
        }
        if let Some(role) = peer.role {
            config = config.with_role(match role {
                Role::Provider => capability::Role::PROVIDER,
                Role::Customer => capability::Role::CUSTOMER,
                Role::Peer => capability::Role::PEER,
            });
        }
        if peer.filtered {
            config = config.with_policy(PeerPolicy::Use(self.export));
        }
        if peer.judged {
            config = config.with_policy(PeerPolicy::Use(self.import));
        }
        let mut context = Context::new(session);
        if let Some(tx) = peer.tx {
            config = config.with_add_path_tx(tx);
            let v4 = FamilySet::EMPTY.with(Family::IPV4_UNICAST);
            context = context.with_add_path_send(dice.of(&[FamilySet::UNICAST, v4]));
        }
        if dice.one_in(4) {
            context = context.with_add_path_receive(FamilySet::UNICAST);
        }
        let index = self.bench.add_with(config, context);
        assert_eq!(self.bench.peers[index].bgp_id.0, peer.id);
        self.naive.peers.push(peer);
    }

    fn prefix(&mut self) -> IpNet {
        let number = u8::try_from(self.dice.below(8)).unwrap();
        match number {
            0..6 => IpNet::new([10, number, 0, 0].into(), 16 + number).unwrap(),
            _ => IpNet::new([0x2001, 0xdb8, u16::from(number), 0, 0, 0, 0, 0].into(), 48).unwrap(),
        }
    }

    fn next_hop(&mut self, prefix: IpNet) -> NextHop {
        let last = u8::try_from(self.dice.below(5)).unwrap() + 1;
        match prefix {
            _ if self.dice.one_in(40) => {
                if prefix.addr().is_ipv4() {
                    OWN
                } else {
                    OWN6
                }
            }
            IpNet::V4(_) => NextHop::V4([198, 51, 100, last].into()),
            IpNet::V6(_) => NextHop::V6([0x2001, 0xdb8, 0, 0, 0, 0, 1, u16::from(last)].into()),
        }
    }

    fn attrs(&mut self, from: usize, prefix: IpNet) -> Attrs {
        let next_hop = self.next_hop(prefix);
        let (dice, peer) = (&mut self.dice, &self.naive.peers[from]);
        let is_external = matches!(peer.kind, PeerKind::Ebgp | PeerKind::RouteServerClient);
        let mut path = Vec::new();
        match peer.kind {
            PeerKind::Confed => path.push((CONFED_SEQUENCE, vec![peer.asn])),
            PeerKind::Ebgp | PeerKind::RouteServerClient => path.push((SEQUENCE, vec![peer.asn])),
            _ if self.naive.confederation.is_some() && dice.one_in(4) => path.push((CONFED_SEQUENCE, vec![64699])),
            _ => {}
        }
        let asns = [65000, 65001, 65002, 65100, LOCAL_AS, CONFEDERATION];
        let tail = |dice: &mut Dice| match dice.below(12) {
            0..11 => dice.of(&asns[..4]),
            _ => dice.of(&asns),
        };
        match dice.below(6) {
            0 | 1 => {}
            2 => path.push((SET, vec![65101, 65102])),
            _ => {
                let more: Vec<u32> = (0..dice.below(2) + 1).map(|_| tail(dice)).collect();
                match path.last_mut() {
                    Some((SEQUENCE, asns)) => asns.extend(more),
                    _ => path.push((SEQUENCE, more)),
                }
            }
        }
        let wild =
            [naive::NO_EXPORT, naive::NO_ADVERTISE, naive::NO_EXPORT_SUBCONFED, naive::NO_LLGR, naive::LLGR_STALE];
        let reflected = dice.one_in(3);
        Attrs {
            origin: u8::try_from(dice.below(8)).unwrap().saturating_sub(5),
            path,
            next_hop,
            med: dice.one_in(2).then(|| u32::try_from(dice.below(3)).unwrap()),
            local_pref: (!is_external || dice.one_in(8)).then(|| dice.of(&[100, 100, 100, 150, 90])),
            communities: if dice.one_in(4) { vec![dice.of(&wild)] } else { vec![0x0001_0001] },
            originator: reflected.then(|| dice.of(&[7, 8, 0x0a00_0002, ROUTER_ID, 9, 9, 9, 9])),
            clusters: if reflected {
                vec![dice.of(&[5, 6, 6, 6, 6, 6, CLUSTER]); dice.of(&[1, 1, 2])]
            } else {
                Vec::new()
            },
            otc: dice.one_in(8).then(|| dice.of(&[peer.asn, 65001])),
        }
    }

    fn step(&mut self) {
        let from = usize::try_from(self.dice.below(self.naive.peers.len() as u64)).unwrap();
        let prefix = self.prefix();
        let up = self.naive.peers[from].up;
        let has_ids = self.bench.peers[from].context.add_path_receive() != FamilySet::EMPTY;
        let path_id = if has_ids { u32::try_from(self.dice.below(3)).unwrap() } else { 0 };
        let sent_id = has_ids.then_some(PathId(path_id));
        let id = self.bench.peers[from].id;
        match self.dice.below(34) {
            0..10 if up => {
                let attrs = self.attrs(from, prefix);
                self.bench.announce_path(from, &[prefix], sent_id, &block(&attrs), attrs.next_hop);
                let received = Received { attrs, stale: false, refreshing: false };
                self.naive.peers[from].received.insert((prefix, path_id), received);
            }
            10..14 if up => {
                self.bench.withdraw_path(from, prefix, sent_id);
                self.naive.peers[from].received.remove(&(prefix, path_id));
            }
            14 if up => {
                self.bench.down(from);
                let peer = &mut self.naive.peers[from];
                peer.up = false;
                peer.received.clear();
            }
            15 if up && !self.naive.peers[from].judged => {
                self.bench.restart(from);
                let peer = &mut self.naive.peers[from];
                peer.up = false;
                peer.received.retain(|_, one| !one.stale);
                peer.received.values_mut().for_each(|one| (one.stale, one.refreshing) = (true, false));
            }
            14..19 if !up => {
                if self.dice.one_in(3) {
                    self.bench.peers[from].bgp_id.0 += 0x100;
                    self.naive.peers[from].id += 0x100;
                }
                self.bench.up(from);
                self.naive.peers[from].up = true;
            }
            19 => {
                self.bench.rib.sweep_stale(&mut self.bench.store, id, family(prefix));
                let gone = |(one, _): &(IpNet, u32), r: &mut Received| family(*one) == family(prefix) && r.stale;
                self.naive.peers[from].received.retain(|key, one| !gone(key, one));
            }
            20 if !up => {
                self.bench.rib.mark_long_lived_stale(&mut self.bench.store, id, family(prefix));
                let received = &mut self.naive.peers[from].received;
                let is_stale = |key: &(IpNet, u32), one: &Received| family(key.0) == family(prefix) && one.stale;
                received.retain(|key, one| !(is_stale(key, one) && one.attrs.communities.contains(&naive::NO_LLGR)));
                for (key, one) in received.iter_mut() {
                    if is_stale(key, one) && !one.attrs.communities.contains(&naive::LLGR_STALE) {
                        one.attrs.communities.push(naive::LLGR_STALE);
                    }
                }
            }
            21 => {
                let next_hop = if self.dice.one_in(2) { NextHop::None } else { self.next_hop(prefix) };
                let attrs = Attrs {
                    origin: 0,
                    path: Vec::new(),
                    next_hop,
                    med: Some(5),
                    local_pref: None,
                    communities: Vec::new(),
                    originator: None,
                    clusters: Vec::new(),
                    otc: None,
                };
                let hop = Some(next_hop).filter(|hop| *hop != NextHop::None);
                self.bench.rib.originate(&mut self.bench.store, prefix, &block(&attrs), hop).unwrap();
                self.naive.own.insert(prefix, attrs);
            }
            22 => {
                self.bench.rib.withdraw_local(&mut self.bench.store, prefix);
                self.naive.own.remove(&prefix);
            }
            23 => self.track(prefix),
            24 => {
                self.naive.export_rules += 1;
                self.bench.rib.replace_policy(self.export, export_rules(self.naive.export_rules));
                self.tell_policies();
            }
            25 => {
                self.naive.import_rules += 1;
                self.bench.rib.replace_policy(self.import, import_rules(self.naive.import_rules));
                self.tell_policies();
            }
            26 if up => self.bench.rib.refresh(&mut self.bench.store, id, family(prefix)),
            27 if up => self.bench.rib.refresh_enhanced(&mut self.bench.store, id, family(prefix)),
            28 if up => {
                self.bench.rib.begin_refresh(id, family(prefix));
                let of_family = |key: &(IpNet, u32)| family(key.0) == family(prefix);
                let received = self.naive.peers[from].received.iter_mut().filter(|(key, _)| of_family(key));
                received.for_each(|(_, one)| one.refreshing = true);
            }
            29 => {
                self.bench.rib.end_refresh(&mut self.bench.store, id, family(prefix));
                let gone = |key: &(IpNet, u32), one: &Received| family(key.0) == family(prefix) && one.refreshing;
                self.naive.peers[from].received.retain(|key, one| !gone(key, one));
            }
            30 => {
                self.bench.rib.process(&mut self.bench.store, 3);
            }
            31 => {
                self.bench.rib.process(&mut self.bench.store, 1000);
            }
            32 if up => {
                self.bench.pull(from);
            }
            33 => {
                self.bench.settle();
                self.check();
            }
            _ => {}
        }
    }

    /// Something new about a next hop.
    fn track(&mut self, prefix: IpNet) {
        let Some(addr) = self.next_hop(prefix).addr() else { return };
        let cost = u32::try_from(self.dice.below(3)).unwrap();
        let (rib, naive): (_, &mut Naive) = (&mut self.bench.rib, &mut self.naive);
        match self.dice.below(4) {
            0 => {
                let is_out = naive.unreachable.contains(&addr);
                if is_out {
                    naive.unreachable.remove(&addr)
                } else {
                    naive.unreachable.insert(addr)
                };
                rib.set_unreachable(addr, !is_out);
            }
            1 => {
                naive.costs.insert(addr, cost);
                rib.set_igp_cost(addr, cost);
            }
            2 => {
                naive.seen_from.insert((1, addr), cost);
                rib.set_vantage_cost(Vantage(1), addr, Some(cost));
            }
            _ => {
                naive.seen_from.remove(&(1, addr));
                rib.set_vantage_cost(Vantage(1), addr, None);
            }
        }
    }

    fn tell_policies(&mut self) {
        for peer in &self.bench.peers {
            let _ = self.bench.rib.policy_changed(peer.id);
        }
    }

    fn check(&self) {
        let prefixes: Vec<IpNet> = (0..6_u8)
            .map(|number| IpNet::new([10, number, 0, 0].into(), 16 + number).unwrap())
            .chain([6_u16, 7].map(|n| IpNet::new(IpAddr::from([0x2001, 0xdb8, n, 0, 0, 0, 0, 0]), 48).unwrap()))
            .collect();
        for prefix in &prefixes {
            let best = self.bench.rib.best(&self.bench.store, *prefix).map(|best| best.peer);
            let want = self.naive.best(self.naive.candidates(*prefix), None);
            let want = want.map(|best| best.from.map(|from| self.bench.peers[from].id));
            assert_eq!(best, want, "the best path of {prefix}: {:#?}", self.naive.candidates(*prefix));
        }
        for (index, peer) in self.bench.peers.iter().enumerate().filter(|(_, peer)| peer.up) {
            assert_eq!((peer.needless, peer.stale.len()), (0, 0), "peer {index}");
            let mut views = BTreeMap::<IpNet, Vec<Attrs>>::new();
            for (prefix, attr) in self.bench.rib.adj_rib_out(peer.id) {
                let held =
                    (self.bench.store.canonical(attr).unwrap().to_vec(), self.bench.store.next_hop(attr).unwrap());
                views.entry(prefix).or_default().push(attrs_of(&held));
            }
            for prefix in &prefixes {
                let has_paths = peer.context.add_path_send().contains(family(*prefix));
                let want = self.naive.out(index, *prefix, has_paths);
                let one = peer.table.get(prefix).into_iter();
                let many = peer.paths.range((*prefix, PathId(0))..=(*prefix, PathId(u32::MAX))).map(|(_, held)| held);
                let mut held: Vec<_> = one.chain(many).map(attrs_of).collect();
                held.sort();
                assert_eq!(held, want, "peer {index} {prefix}: {:#?}", self.naive.peers[index]);
                let mut view = views.remove(prefix).unwrap_or_default();
                view.sort();
                assert_eq!(view, want, "the view of peer {index} {prefix}");
            }
        }
    }

    /// When all is gone nothing is left behind.
    fn end(mut self) {
        for index in 0..self.bench.peers.len() {
            self.bench.down(index);
        }
        for prefix in self.naive.own.keys() {
            self.bench.rib.withdraw_local(&mut self.bench.store, *prefix);
        }
        self.bench.settle();
        assert!(self.bench.store.is_empty(), "{} blocks are left", self.bench.store.len());
        assert_eq!(self.bench.rib.group_count(), 0);
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn every_adj_rib_out_is_what_a_naive_rib_says() {
    let (cases, steps) = (number("ORACLE_CASES", 60), number("ORACLE_STEPS", 150));
    let first = number("ORACLE_SEED", 1);
    for seed in first..first + cases {
        let run = || {
            let mut world = setup(seed);
            for _ in 0..steps {
                world.step();
            }
            world.bench.settle();
            world.check();
            world.end();
        };
        if let Err(error) = std::panic::catch_unwind(run) {
            eprintln!("ORACLE_SEED={seed} ORACLE_CASES=1 ORACLE_STEPS={steps} shows it again");
            std::panic::resume_unwind(error);
        }
    }
}

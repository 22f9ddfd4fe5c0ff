//! Whatever happens in whatever order: nobody panics, and after quiet everything is as configured.

use std::time::Duration;

use bgp_fsm::State;
use bgp_rib::PeerKind;
use bgp_speaker::Event;
use proptest::prelude::*;

use crate::net::{Net, prefix};
use crate::one::seconds;

/// A full mesh of external peers, each of its own AS.
fn mesh(seed: u64, hosts: usize, latency: u64) -> Net {
    let mut net = Net::new(seed);
    net.latency = latency;
    for asn in (64512..).take(hosts) {
        net.host(asn, |rib| rib);
    }
    for host in 0..hosts {
        for peer in (0..hosts).filter(|peer| *peer != host) {
            net.peer(host, peer, PeerKind::Ebgp);
        }
    }
    net
}

fn pairs(hosts: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..hosts).flat_map(move |a| (0..hosts).filter(move |b| *b != a).map(move |b| (a, b)))
}

fn quiet(net: &mut Net, hosts: usize) {
    net.run(seconds(400));
    for (host, peer) in pairs(hosts) {
        assert_eq!(net.state(host, peer), State::Established, "{host} to {peer}");
        let (pipe, end) = net.pipe(host, peer).unwrap();
        assert_eq!(net.pipe(peer, host), Some((pipe, 1 - end)), "both ends keep the same connection");
    }
    assert_eq!(net.open(), hosts * (hosts - 1) / 2, "and no other");
}

#[test]
fn rfc4271_6_8_simultaneous_dials_end_in_one_session() {
    for seed in 0..300 {
        let mut net = mesh(seed, 2, 1 + seed % 40);
        net.run(seconds(1));
        assert!(net.pipes() >= 1);
        quiet(&mut net, 2);
    }
}

#[test]
fn rfc4271_6_8_with_equal_latency_simultaneous_dials_lose_no_session() {
    for seed in 0..20 {
        let mut net = mesh(seed, 2, 1);
        net.run(seconds(1));
        for (host, peer) in pairs(2) {
            assert_eq!(net.state(host, peer), State::Established);
        }
        assert_eq!((net.pipes(), net.open()), (2, 1), "two connections, of which one is left");
        let ups = |host: usize| net.hosts[host].events.iter().filter(|e| matches!(e, Event::Up { .. })).count();
        assert_eq!((ups(0), ups(1)), (1, 1));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Run(u64),
    Cut(usize),
    Silence(usize),
    Stop(usize, usize),
    Start(usize, usize),
    Originate(usize, u32),
    Withdraw(usize, u32),
    Deaf(usize),
    Hears(usize),
    Garbage(usize, Vec<u8>),
}

const HOSTS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    // Each host has numbers of its own.
    let route = || (0u32..60).prop_map(|number| ([0, 1, 2][(number % 3) as usize], number));
    let pair = || (0..HOSTS, 1..HOSTS).prop_map(|(a, further)| (a, (a + further) % HOSTS));
    prop_oneof![
        6 => (1u64..20_000).prop_map(Step::Run),
        2 => any::<usize>().prop_map(Step::Cut),
        1 => any::<usize>().prop_map(Step::Silence),
        1 => pair().prop_map(|(a, b)| Step::Stop(a, b)),
        1 => pair().prop_map(|(a, b)| Step::Start(a, b)),
        3 => route().prop_map(|(host, number)| Step::Originate(host, number)),
        2 => route().prop_map(|(host, number)| Step::Withdraw(host, number)),
        1 => (0..HOSTS).prop_map(Step::Deaf),
        1 => (0..HOSTS).prop_map(Step::Hears),
        1 => (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..60)).prop_map(|(p, o)| Step::Garbage(p, o)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn after_any_storm_every_session_is_up_and_every_route_is_everywhere(
        seed in any::<u64>(),
        latency in 1u64..2000,
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let mut net = mesh(seed, HOSTS, latency);
        let mut routes = std::collections::BTreeSet::new();
        for step in steps {
            let pipes = net.pipes().max(1);
            match step {
                Step::Run(time) => net.run(Duration::from_millis(time)),
                Step::Cut(pipe) if net.pipes() > 0 => net.cut(pipe % pipes),
                Step::Silence(pipe) if net.pipes() > 0 => net.silence(pipe % pipes),
                Step::Garbage(pipe, octets) if net.pipes() > 0 => net.inject(pipe % pipes, octets),
                Step::Cut(_) | Step::Silence(_) | Step::Garbage(..) => {}
                Step::Stop(host, peer) => net.stop(host, peer),
                Step::Start(host, peer) => net.start(host, peer),
                Step::Originate(host, number) => {
                    net.originate(host, number);
                    routes.insert(number);
                }
                Step::Withdraw(host, number) => {
                    net.withdraw(host, number);
                    routes.remove(&(number));
                }
                Step::Deaf(host) => net.hosts[host].deaf = true,
                Step::Hears(host) => net.hears(host),
            }
        }
        net.latency = net.latency.min(50);
        (0..HOSTS).for_each(|host| net.hears(host));
        pairs(HOSTS).for_each(|(host, peer)| net.start(host, peer));
        quiet(&mut net, HOSTS);
        for host in 0..HOSTS {
            let has: std::collections::BTreeSet<_> =
                net.hosts[host].speaker.rib().loc_rib().map(|path| path.prefix).collect();
            prop_assert_eq!(has, routes.iter().map(|number| prefix(*number)).collect());
        }
        // Nothing is left behind.
        for host in 0..HOSTS {
            net.hosts[host].speaker.clear(&mut net.store);
        }
        prop_assert!(net.store.is_empty());
    }
}

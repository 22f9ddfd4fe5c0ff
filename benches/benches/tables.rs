//! A reflector with 100 clients that gets 1000 routes from one of them; look-ups in a forwarding table.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use benches::input;
use bgp_rib::{AttrStore, Config, PeerConfig, PeerId, PeerKind, Rib};
use bgp_wire::{Asn, BgpId, Context, MAX_LEN, SessionKind, UpdateView, frame};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const CLIENTS: u32 = 100;

fn reflector(context: &Context) -> (AttrStore, Rib, Vec<PeerId>) {
    let mut store = AttrStore::new(1);
    let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(input::ENTRY), 2);
    let mut peers = Vec::new();
    for number in 1..=CLIENTS {
        let addr = Ipv4Addr::from_bits(0xac10_0000 + number);
        let id = rib.add_peer(PeerConfig::new(PeerKind::RrClient, Asn(64512), IpAddr::V4(addr))).unwrap();
        rib.peer_up(&mut store, id, context, BgpId::from(addr));
        peers.push(id);
    }
    (store, rib, peers)
}

/// Decode, tables, decision, reflection; the octets for every client are taken. Gives how many.
fn reflect(store: &mut AttrStore, rib: &mut Rib, from: PeerId, context: &Context, octets: &[u8]) -> usize {
    let mut rest = octets;
    while let Some((message, behind)) = frame(rest, MAX_LEN).unwrap() {
        rib.update(store, from, &UpdateView::decode(message, context).unwrap());
        rest = behind;
    }
    while rib.process(store, 1024) {}
    let mut sent = 0;
    while let Some(id) = rib.poll_ready() {
        while let Some(chunk) = rib.pull(store, id) {
            sent += chunk.len();
        }
    }
    sent
}

fn rib(c: &mut Criterion) {
    let context = Context::new(SessionKind::Ibgp);
    let octets = input::table(0, 1000).unwrap();
    let mut group = c.benchmark_group("rib");
    group.sample_size(20).throughput(Throughput::Elements(1000));
    group.bench_function("1000 routes to 100 clients", |b| {
        b.iter_batched_ref(
            || reflector(&context),
            |(store, rib, peers)| {
                let sent = reflect(store, rib, *peers.first().unwrap(), &context, &octets);
                assert!(sent > 99 * 4000);
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn fib(c: &mut Criterion) {
    let fib = input::fib();
    // The numbers that the routes were made of, so that each address is inside of one.
    let mut random = input::Random(1);
    let addresses: Vec<IpAddr> = (0..10_000).map(|_| random.addr()).collect();
    let mut addresses = addresses.iter().cycle();
    let mut group = c.benchmark_group("fib");
    group.throughput(Throughput::Elements(1));
    group.bench_function("look-up in 10000 routes", |b| {
        b.iter(|| fib.lookup(black_box(*addresses.next().unwrap())).unwrap().0);
    });
    group.finish();
}

criterion_group!(tables, rib, fib);
criterion_main!(tables);

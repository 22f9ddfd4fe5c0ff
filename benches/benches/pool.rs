//! Address allocation over the store in memory, and label selectors.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ippool::op::{AutoAssign, auto_assign, release_by_handle};
use ippool::{Attributes, Block, MemoryStore, Pool, Reservations, Resources, Selector, UnixTime, Use, drive};

fn now() -> UnixTime {
    UnixTime::from_secs(1_767_225_600)
}

fn cluster(hosts: usize) -> Arc<Resources> {
    let pool = Resources::default().with_pool(Pool::new("default-ipv4-ippool", "10.0.0.0/8".parse().unwrap()));
    Arc::new((0..hosts).fold(pool, |all, host| all.with_node(format!("node-{host}"), [("zone", "a")])))
}

fn request(host: usize, number: usize, handle: String) -> AutoAssign {
    AutoAssign::new(format!("node-{host}"), Use::Workload, now())
        .with_counts(number, 0)
        .with_attributes(Attributes::with_handle(handle))
}

/// Hosts with a pod each.
fn running(hosts: usize, resources: &Arc<Resources>) -> MemoryStore {
    let mut store = MemoryStore::default();
    for host in 0..hosts {
        drive(auto_assign(request(host, 1, format!("pod-{host}")), resources), &mut store);
    }
    store
}

fn block(c: &mut Criterion) {
    let (none, attributes) =
        (Reservations::default(), Arc::new(Attributes::with_handle("k8s-pod-network.0123456789abcdef")));
    let mut group = c.benchmark_group("block take + release");
    for used in [0u8, 32] {
        let mut block = Block::new("10.0.0.0/26".parse().unwrap(), 7, None).unwrap();
        for other in 0..used {
            let other = Attributes::with_handle(format!("k8s-pod-network.{other:016x}"));
            block.auto_assign(1, other, None, &none).unwrap();
        }
        group.bench_function(BenchmarkId::new("others", used), |b| {
            b.iter(|| {
                let address = block.take_next(&attributes, None, &none).unwrap().unwrap();
                block.give_back(black_box(address), attributes.handle.as_deref(), None, 0, now())
            });
        });
    }
    group.finish();
}

fn assign(c: &mut Criterion) {
    let mut group = c.benchmark_group("auto_assign");
    for hosts in [1000, 10_000] {
        let resources = cluster(hosts + 1);
        let store = running(hosts, &resources);
        group.bench_function(BenchmarkId::new("first address of a host, others", hosts), |b| {
            b.iter_batched(
                || (store.clone(), request(hosts, 1, "new".into())),
                |(mut store, request)| (drive(auto_assign(request, &resources), &mut store), store),
                BatchSize::LargeInput,
            );
        });
        let mut store = store;
        group.bench_function(BenchmarkId::new("next address and its release, others", hosts), |b| {
            b.iter(|| {
                drive(auto_assign(request(5, 1, "next".into()), &resources), &mut store);
                drive(release_by_handle("next", &resources, now()), &mut store)
            });
        });
    }
    group.finish();
}

/// A cluster from nothing: 110 addresses for each host.
fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("110 addresses for each host");
    group.sample_size(10);
    for hosts in [1000usize, 10_000, 100_000] {
        let resources = cluster(hosts);
        group.throughput(Throughput::Elements(u64::try_from(hosts).unwrap() * 110));
        group.bench_function(BenchmarkId::from_parameter(hosts), |b| {
            b.iter(|| {
                let mut store = MemoryStore::default();
                for host in 0..hosts {
                    let assigned =
                        drive(auto_assign(request(host, 110, format!("node-{host}")), &resources), &mut store);
                    assert_eq!(assigned.addresses().count(), 110);
                }
                store
            });
        });
    }
    group.finish();
}

fn selector(c: &mut Criterion) {
    let labels = [("kubernetes.io/hostname", "n1"), ("rack", "r2"), ("role", "core"), ("zone", "a")];
    for (name, text) in
        [("one test", "zone == 'a'"), ("three tests", "rack in {'r1', 'r2'} && has(zone) && role != 'edge'")]
    {
        let selector = Selector::parse(text).unwrap();
        c.bench_function(&format!("selector of {name}, evaluation"), |b| {
            b.iter(|| selector.matches(black_box(&labels)));
        });
        c.bench_function(&format!("selector of {name}, parse"), |b| b.iter(|| Selector::parse(black_box(text))));
    }
}

criterion_group!(pool, block, assign, whole, selector);
criterion_main!(pool);

//! Address allocation over the store in memory, and label selectors.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ippool::op::{AutoAssign, auto_assign};
use ippool::{MemoryStore, Pool, Resources, Selector, UnixTime, Use, drive};

fn assign(c: &mut Criterion) {
    let pool = Pool::new("default-ipv4-ippool", "10.244.0.0/16".parse().unwrap());
    let resources = Resources::default().with_pool(pool).with_node("n1", [("zone", "a")]);
    let resources = Arc::new(resources);
    let request = || AutoAssign::new("n1", Use::Workload, UnixTime::from_secs(1)).with_counts(1, 0);
    let mut used = MemoryStore::default();
    drive(auto_assign(request(), &resources), &mut used);

    let mut group = c.benchmark_group("auto_assign");
    group.bench_function("first address of a host", |b| {
        b.iter_batched_ref(
            MemoryStore::default,
            |store| drive(auto_assign(request(), &resources), store),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("next address of a block", |b| {
        b.iter_batched_ref(
            || used.clone(),
            |store| drive(auto_assign(request(), &resources), store),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn selector(c: &mut Criterion) {
    let selector = Selector::parse("rack in {'r1', 'r2'} && has(zone) && role != 'edge'").unwrap();
    let labels = [("kubernetes.io/hostname", "n1"), ("rack", "r2"), ("role", "core"), ("zone", "a")];
    c.bench_function("selector of three tests", |b| b.iter(|| selector.matches(black_box(&labels))));
}

criterion_group!(pool, assign, selector);
criterion_main!(pool);

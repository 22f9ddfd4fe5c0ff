//! UPDATE of 106 octets with 5 prefixes: decode, iterate, own, pack.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;

use benches::input;
use bgp_wire::{Family, Packer, Update, UpdateView};
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn update(c: &mut Criterion) {
    let (octets, context) = (input::update().unwrap(), input::context());
    let mut group = c.benchmark_group("update");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |b| b.iter(|| UpdateView::decode(black_box(&octets), &context)));
    group.bench_function("owned", |b| {
        b.iter(|| UpdateView::decode(black_box(&octets), &context).map(|view| Update::from(&view)));
    });
    group.finish();
}

fn packer(c: &mut Criterion) {
    let block = input::attributes().unwrap();
    let routes: Vec<_> = input::prefixes(0, 1000).collect();
    let mut packer = Packer::new(&input::context());
    let mut out = BytesMut::new();
    let mut group = c.benchmark_group("packer");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000 routes, one attribute set", |b| {
        b.iter(|| {
            out.clear();
            let routes = routes.iter().map(|net| (*net).into());
            packer.announce(&mut out, black_box(&block), input::NEXT_HOP, Family::IPV4_UNICAST, routes).unwrap()
        });
    });
    group.finish();
}

criterion_group!(codec, update, packer);
criterion_main!(codec);

//! 100 octets into an IPIP tunnel and out of it.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::time::Duration;

use benches::input;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn ipip(c: &mut Criterion) {
    let (path, datagram) = (ipip::Path::new(input::EXIT), input::datagram());
    let mut entry = input::tunnel(input::ENTRY, input::EXIT);
    let mut exit = input::tunnel(input::EXIT, input::ENTRY);
    let mut sent = datagram;
    entry.encap(&path, Duration::ZERO, &mut sent).unwrap();

    let mut group = c.benchmark_group("ipip");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encap", |b| {
        b.iter(|| {
            let mut buffer = datagram;
            entry.encap(&path, Duration::ZERO, black_box(&mut buffer)).is_ok()
        });
    });
    group.bench_function("decap", |b| b.iter(|| exit.decap(black_box(&mut sent)).is_ok()));
    group.finish();
}

criterion_group!(tunnel, ipip);
criterion_main!(tunnel);

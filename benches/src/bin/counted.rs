//! `counted SCENARIO ITERATIONS [FILE]`: one scenario over and over, for an instruction count by difference of two runs;
//! `counted` alone lists the scenarios. `.ci/instructions` runs them all.
//!
//! The scenarios of the codec go through generated UPDATEs, or through those of an MRT file that is not compressed;
//! `counted updates 0 FILE` says how many these are.

use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use benches::{codec, collector, input, tunnel};
use bgp_fsm::{Instant, Received};
use bgp_wire::KEEPALIVE;
use bytes::BytesMut;
use ippool::walk::BlockWalk;
use ippool::{Attributes, Block, Reservations, Selector, UnixTime};

/// What a scenario does so many times.
type Scenario = fn(u64) -> Result<(), Box<dyn Error>>;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("session-keepalive", session_keepalive),
    ("fib-lookup", fib_lookup),
    ("ipip-loop", tunnel::floor),
    ("ipip-copy", tunnel::copy),
    ("ipip-encap-64", |iterations| tunnel::encap(iterations, 64)),
    ("ipip-encap-1440", |iterations| tunnel::encap(iterations, 1440)),
    ("ipip-batch-loop", tunnel::batch_floor),
    ("ipip-batch-64", |iterations| tunnel::encap_batch(iterations, 64)),
    ("ipip-batch-1440", |iterations| tunnel::encap_batch(iterations, 1440)),
    ("ipip-decap-loop", tunnel::decap_floor),
    ("ipip-decap-64", |iterations| tunnel::decap_1000_peers(iterations, 64)),
    ("ipip-decap-1440", |iterations| tunnel::decap_1000_peers(iterations, 1440)),
    ("ipip-debatch-loop", tunnel::decap_batch_floor),
    ("ipip-debatch-64", |iterations| tunnel::decap_batch(iterations, 64)),
    ("ipip-debatch-1440", |iterations| tunnel::decap_batch(iterations, 1440)),
    ("block-take-release", block_take_release),
    ("selector-match", selector_match),
    ("selector-match-one", selector_match_one),
    ("selector-parse", selector_parse),
    ("block-walk-first", block_walk_first),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, iterations, file @ ..] = &arguments[..] else {
        codec::SCENARIOS.iter().for_each(|(name, _)| println!("{name}"));
        SCENARIOS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    match run(name, iterations, file.first()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, iterations: &str, file: Option<&String>) -> Result<(), Box<dyn Error>> {
    let iterations = iterations.parse()?;
    if let Some((_, scenario)) = SCENARIOS.iter().find(|(known, _)| *known == name) {
        return scenario(iterations);
    }
    let samples = match file {
        Some(file) => collector::recorded(&std::fs::read(file)?),
        None => collector::generated(),
    };
    match codec::SCENARIOS.iter().find(|(known, _)| *known == name) {
        Some((_, scenario)) => scenario(&samples, iterations),
        None if name == "updates" => {
            println!("{}", samples.len());
            Ok(())
        }
        None => Err("no such scenario".into()),
    }
}

/// A KEEPALIVE in Established, cut off the stream, taken, and the polls that follow it.
fn session_keepalive(iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut session = input::established()?;
    let mut out = BytesMut::new();
    let now = Instant::from_secs(2);
    for _ in 0..iterations {
        let Some((message, _)) = session.frame(black_box(&KEEPALIVE))? else { return Err("it is whole".into()) };
        let received = session.receive(black_box(now), message);
        if !matches!(received, Received::Nothing) || session.poll_transmit(&mut out) {
            return Err("a KEEPALIVE has an answer".into());
        }
        if session.poll_action().is_some() || session.poll_event().is_some() {
            return Err("a KEEPALIVE changes nothing".into());
        }
        black_box(session.poll_timeout());
    }
    Ok(())
}

/// A longest prefix match in 10,000 routes.
fn fib_lookup(iterations: u64) -> Result<(), Box<dyn Error>> {
    let fib = input::fib();
    // The numbers that the routes were made of, so that each address is inside of one.
    let mut random = input::Random(1);
    for _ in 0..iterations {
        black_box(fib.lookup(black_box(random.addr())));
    }
    Ok(())
}

/// A selector of three tests on four labels.
fn selector_match(iterations: u64) -> Result<(), Box<dyn Error>> {
    let selector = Selector::parse("rack in {'r1', 'r2'} && has(zone) && role != 'edge'")?;
    let labels = [("kubernetes.io/hostname", "n1"), ("rack", "r2"), ("role", "core"), ("zone", "a")];
    for _ in 0..iterations {
        if !selector.matches(black_box(&labels)) {
            return Err("no match".into());
        }
    }
    Ok(())
}

/// A selector of one test on four labels.
fn selector_match_one(iterations: u64) -> Result<(), Box<dyn Error>> {
    let selector = Selector::parse("zone == 'a'")?;
    let labels = [("kubernetes.io/hostname", "n1"), ("rack", "r2"), ("role", "core"), ("zone", "a")];
    for _ in 0..iterations {
        if !selector.matches(black_box(&labels)) {
            return Err("no match".into());
        }
    }
    Ok(())
}

/// A selector of three tests from its text.
fn selector_parse(iterations: u64) -> Result<(), Box<dyn Error>> {
    for _ in 0..iterations {
        black_box(Selector::parse(black_box("rack in {'r1', 'r2'} && has(zone) && role != 'edge'"))?);
    }
    Ok(())
}

/// An address taken out of a block with 32 others and given back, with a handle.
fn block_take_release(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (none, attributes) =
        (Reservations::default(), Arc::new(Attributes::with_handle("k8s-pod-network.0123456789abcdef")));
    let mut block = Block::new(ipnet::IpNet::new(Ipv4Addr::new(10, 244, 0, 0).into(), 26)?, 7, None)?;
    for other in 0..32 {
        block.auto_assign(1, Attributes::with_handle(format!("k8s-pod-network.{other:016x}")), None, &none)?;
    }
    for _ in 0..iterations {
        let address = block.take_next(&attributes, None, &none)?.ok_or("the block is full")?;
        block.give_back(black_box(address), attributes.handle.as_deref(), None, 0, UnixTime::default())?;
    }
    Ok(())
}

/// The first block of a host in a /16.
fn block_walk_first(iterations: u64) -> Result<(), Box<dyn Error>> {
    let pool = ipnet::IpNet::new(Ipv4Addr::new(10, 244, 0, 0).into(), 16)?;
    for _ in 0..iterations {
        black_box(BlockWalk::new(pool, 26, black_box("k8s-node1"))?.next());
    }
    Ok(())
}

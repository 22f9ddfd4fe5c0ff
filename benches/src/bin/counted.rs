//! `counted SCENARIO ITERATIONS`: one scenario over and over, for an instruction count by difference of two runs;
//! `counted` alone lists the scenarios. `.ci/instructions` runs them all.

use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use benches::{input, tunnel};
use bgp_fsm::{Instant, Received};
use bgp_wire::{
    AsPathEdit, Asn, BgpId, ClusterId, ClusterListEdit, Edit, Family, KEEPALIVE, Packer, Rewrite, Update, UpdateView,
    rewrite,
};
use bytes::BytesMut;
use ippool::Selector;
use ippool::walk::BlockWalk;

/// What a scenario does so many times.
type Scenario = fn(u64) -> Result<(), Box<dyn Error>>;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("update-decode", update_decode),
    ("update-iterate", update_iterate),
    ("update-owned", update_owned),
    ("update-canonical", update_canonical),
    ("update-encode", update_encode),
    ("forward-reflect", forward_reflect),
    ("forward-ebgp", forward_ebgp),
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
    ("selector-match", selector_match),
    ("block-walk-first", block_walk_first),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, iterations) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok()));
    let scenario = SCENARIOS.iter().find(|(known, _)| name.as_deref() == Some(known));
    match (scenario, iterations) {
        (Some((name, run)), Some(iterations)) => match run(iterations) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{name}: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            SCENARIOS.iter().for_each(|(name, _)| println!("{name}"));
            if name.is_none() { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
    }
}

/// One validating pass over an UPDATE of 106 octets with 5 prefixes.
fn update_decode(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (octets, context) = (input::update()?, input::context());
    for _ in 0..iterations {
        black_box(UpdateView::decode(black_box(&octets), &context)?);
    }
    Ok(())
}

/// The same, and every value is handed over.
fn update_iterate(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (octets, context) = (input::update()?, input::context());
    for _ in 0..iterations {
        let view = UpdateView::decode(black_box(&octets), &context)?;
        let attributes = view.attributes();
        black_box(attributes.origin());
        black_box(attributes.med());
        black_box(attributes.local_pref());
        if let Some(path) = attributes.as_path() {
            for asn in path.asns() {
                black_box(asn);
            }
        }
        for community in attributes.communities() {
            black_box(community);
        }
        for part in view.withdrawn() {
            for nlri in part.nlri {
                black_box(nlri);
            }
        }
        for part in view.announced() {
            black_box(part.next_hop);
            for nlri in part.nlri {
                black_box(nlri);
            }
        }
    }
    Ok(())
}

/// The same as an owned value.
fn update_owned(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (octets, context) = (input::update()?, input::context());
    for _ in 0..iterations {
        black_box(Update::from(&UpdateView::decode(black_box(&octets), &context)?));
    }
    Ok(())
}

/// The attribute block that a rib interns, into a buffer that is used again; without the decoding.
fn update_canonical(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (octets, context) = (input::update()?, input::context());
    let view = UpdateView::decode(&octets, &context)?;
    let mut out = Vec::new();
    for _ in 0..iterations {
        out.clear();
        black_box(&view).write_canonical(&mut out);
        black_box(&out);
    }
    Ok(())
}

/// The UPDATE of 106 octets from its attribute block and prefixes, into a buffer that is used again.
fn update_encode(iterations: u64) -> Result<(), Box<dyn Error>> {
    let (block, routes) = (input::attributes()?, input::routes());
    let mut packer = Packer::new(&input::context());
    let mut out = BytesMut::with_capacity(4096);
    for _ in 0..iterations {
        out.clear();
        let routes = black_box(&routes).iter().copied();
        packer.announce(&mut out, black_box(&block), input::NEXT_HOP, Family::IPV4_UNICAST, routes)?;
        black_box(&out);
    }
    Ok(())
}

/// What a route reflector changes in an attribute block.
fn forward_reflect(iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut edits = Rewrite::new();
    edits.originator_id = Edit::SetIfMissing(BgpId(1));
    edits.cluster_list = ClusterListEdit::Prepend(ClusterId(2));
    edits.pass_on = true;
    forward(&edits, iterations)
}

/// What goes to a peer in another AS.
fn forward_ebgp(iterations: u64) -> Result<(), Box<dyn Error>> {
    let mut edits = Rewrite::new();
    edits.as_path = AsPathEdit::Prepend { asn: Asn(64512), strip_confed: false };
    edits.local_pref = Edit::Remove;
    edits.med = Edit::Remove;
    edits.pass_on = true;
    forward(&edits, iterations)
}

fn forward(edits: &Rewrite<'_>, iterations: u64) -> Result<(), Box<dyn Error>> {
    let block = input::attributes()?;
    let mut out = Vec::new();
    for _ in 0..iterations {
        out.clear();
        rewrite(black_box(&block), edits, &mut out);
        black_box(&out);
    }
    Ok(())
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

/// The first block of a host in a /16.
fn block_walk_first(iterations: u64) -> Result<(), Box<dyn Error>> {
    let pool = ipnet::IpNet::new(Ipv4Addr::new(10, 244, 0, 0).into(), 16)?;
    for _ in 0..iterations {
        black_box(BlockWalk::new(pool, 26, black_box("k8s-node1"))?.next());
    }
    Ok(())
}

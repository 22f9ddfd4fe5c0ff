//! `codec LIBRARY ITERATIONS [FILE]`: an UPDATE of a mixture like that of route collectors, decoded, and every value handed
//! over; `FILE` has recorded ones (MRT, not compressed). `codec times` gives nanoseconds for each library, `codec
//! allocations` how often each allocates for one UPDATE.
//!
//! Libraries that decode into owned values hand these over whole, which costs them nothing; the lazy one is asked for each.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bgp_wire::UpdateView;
use bgpkit_parser::models::AsnLength;
use bytes::Bytes;
use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;
use routecore::bgp::message::update::{FourOctetAsns, SessionConfig, UpdateMessage};
use zettabgp::message::update::BgpUpdateMessage;
use zettabgp::prelude::{BgpMessage as _, BgpSessionParams, BgpTransportMode};

#[path = "../../../src/collector.rs"]
mod collector;
#[path = "../../../src/random.rs"]
mod random;
#[path = "../../../src/codec/values.rs"]
mod values;

use collector::Sample;

/// Counts what the system allocator is asked for.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is left to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Library = fn(&Sample) -> bool;

const LIBRARIES: [(&str, Library); 7] = [
    ("walk", |sample| black_box(values::walked(&sample.message)).is_some()),
    ("bgp-wire", bgp_wire),
    ("netgauze-bgp-pkt", netgauze),
    ("routecore", routecore),
    ("bgpkit-parser", bgpkit),
    ("zettabgp", zettabgp),
    ("rustbgpd-wire", rustbgpd),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let samples = match arguments.get(2) {
        Some(file) => collector::recorded(&std::fs::read(file).expect("a file")),
        None => collector::generated(),
    };
    match arguments.first().map(String::as_str) {
        Some("times") => {
            LIBRARIES.iter().for_each(|(name, run)| println!("{name:<18} {:>8.1} ns", time(&samples, *run)))
        }
        Some("allocations") => LIBRARIES.iter().for_each(|(name, run)| allocations(name, &samples, *run)),
        Some(name) => {
            let run = LIBRARIES.iter().find(|(known, _)| *known == name).expect("a library").1;
            let iterations = arguments[1].parse().expect("a number");
            samples.iter().cycle().take(iterations).for_each(|sample| _ = run(black_box(sample)));
        }
        None => LIBRARIES.iter().for_each(|(name, _)| println!("{name}")),
    }
}

/// The median of many short rounds, most of which nothing else on the machine interrupts.
fn time(samples: &[Sample], run: Library) -> f64 {
    let round = |_| {
        let start = Instant::now();
        samples.iter().for_each(|sample| _ = run(black_box(sample)));
        start.elapsed().as_nanos() as f64 / samples.len() as f64
    };
    let mut rounds: Vec<f64> = (0..(1_000_000 / samples.len()).max(9)).map(round).collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn allocations(name: &str, samples: &[Sample], run: Library) {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let read = samples.iter().filter(|sample| run(sample)).count();
    let each = (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / samples.len() as f64;
    println!("{name:<18} {each:>8.2} allocations, {read} of {} UPDATEs read", samples.len());
}

fn bgp_wire(sample: &Sample) -> bool {
    let view = UpdateView::decode(&sample.message, &sample.context);
    view.as_ref().map(values::hand_over).is_ok()
}

fn netgauze(sample: &Sample) -> bool {
    let mut context = BgpParsingContext::new(
        sample.context.four_octet_as(),
        Default::default(),
        Default::default(),
        true,
        true,
        true,
        true,
    );
    let read = BgpMessage::parse(&mut SliceReader::new(&sample.message), &mut context);
    black_box(&read).is_ok()
}

fn routecore(sample: &Sample) -> bool {
    let mut config = SessionConfig::modern();
    config.set_four_octet_asns(FourOctetAsns(sample.context.four_octet_as()));
    let Ok(update) = UpdateMessage::from_octets(&sample.message[..], &config) else { return false };
    let Ok(attributes) = update.path_attributes() else { return false };
    for attribute in attributes.flatten() {
        black_box(attribute.to_owned().ok());
    }
    let (Ok(announced), Ok(withdrawn)) = (update.announcements(), update.withdrawals()) else { return false };
    announced.for_each(|route| _ = black_box(route));
    withdrawn.for_each(|route| _ = black_box(route));
    true
}

fn bgpkit(sample: &Sample) -> bool {
    let width = if sample.context.four_octet_as() { AsnLength::Bits32 } else { AsnLength::Bits16 };
    let mut octets = Bytes::copy_from_slice(&sample.message);
    black_box(&bgpkit_parser::parser::bgp::parse_bgp_message(&mut octets, false, &width)).is_ok()
}

fn zettabgp(sample: &Sample) -> bool {
    let mut session = BgpSessionParams::new(64512, 90, BgpTransportMode::IPv4, Ipv4Addr::LOCALHOST, Vec::new());
    (session.has_as32bit, session.fuzzy_pathid) = (sample.context.four_octet_as(), false);
    let mut update = BgpUpdateMessage::new();
    let read = update.decode_from(&session, &sample.message[19..]);
    black_box(&update);
    read.is_ok()
}

fn rustbgpd(sample: &Sample) -> bool {
    let mut octets = Bytes::copy_from_slice(&sample.message);
    let Ok(rustbgpd_wire::Message::Update(update)) = rustbgpd_wire::decode_message(&mut octets, 4096) else {
        return false;
    };
    black_box(&update.parse(sample.context.four_octet_as(), false, &[])).is_ok()
}

//! A program without the standard library that runs a piece of every library: exit code 0, or the number of the piece
//! that went wrong.
#![no_std]
#![no_main]

extern crate alloc;

mod heap;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::panic::PanicInfo;
use core::time::Duration;

use bgp_fsm::{Event, Instant, PeerAs, Session, State};
use bgp_rib::{AttrStore, PeerKind, Rib};
use bgp_speaker::Speaker;
use bgp_wire::attr::{AttrBuilder, NextHop};
use bgp_wire::{
    Asn, BgpId, Context, Family, MAX_LEN, MessageType, Open, OpenView, Packer, SessionKind, UpdateView, frame,
};
use bytes::BytesMut;
use ipnet::IpNet;
use ippool::op::{AutoAssign, auto_assign};
use ippool::{MemoryStore, Pool, Resources, UnixTime, Use, drive};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

// `memcpy` and its like, and the `_start` that calls `main`.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { abort() }
}

// The prebuilt `alloc` refers to these two for unwinding, which `panic = "abort"` rules out.
// SAFETY: nothing else in this program defines them, since nothing of it unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { abort() }
}

// SAFETY: no other symbol of this program is called `main`.
#[unsafe(no_mangle)]
extern "C" fn main(_: i32, _: *const *const u8) -> i32 {
    let pieces: [fn() -> Option<()>; 7] = [open, update, session, rib, speaker, pool, tunnel];
    pieces.iter().zip(1..).find(|(piece, _)| piece().is_none()).map_or(0, |(_, number)| number)
}

const ADDR: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 102);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 103);
const AS: Asn = Asn(64512);

fn check(holds: bool) -> Option<()> {
    holds.then_some(())
}

fn open() -> Option<()> {
    let mut octets = BytesMut::new();
    Open::new(AS, 90, BgpId::from(PEER)).encode(&mut octets).ok()?;
    let (message, rest) = frame(&octets, MAX_LEN).ok()??;
    let view = OpenView::decode(message).ok()?;
    check(rest.is_empty() && view.params().asn() == AS && view.hold_time() == 90)
}

/// An UPDATE of the peer's with one route.
fn message(context: &Context) -> Option<BytesMut> {
    let mut octets = BytesMut::new();
    let block = AttrBuilder::new().local_pref(100).build().ok()?;
    let route = prefix(36)?;
    Packer::new(context).announce(&mut octets, &block, NextHop::V4(PEER), Family::IPV4_UNICAST, [route.into()]).ok()?;
    Some(octets)
}

fn prefix(third: u8) -> Option<IpNet> {
    IpNet::new(IpAddr::V4(Ipv4Addr::new(10, 244, third, 64)), 26).ok()
}

fn update() -> Option<()> {
    let context = Context::new(SessionKind::Ibgp);
    let octets = message(&context)?;
    let view = UpdateView::decode(&octets, &context).ok()?;
    let part = view.announced().next()?;
    check(part.next_hop == NextHop::V4(PEER) && part.nlri.count() == 1)
}

fn session() -> Option<()> {
    let config = bgp_fsm::Config::new(AS, BgpId::from(ADDR), PeerAs::Internal);
    let mut session = Session::new(config, 1);
    let now = Instant::from_secs(1);
    session.handle(now, Event::ManualStart);
    session.handle(now, Event::TcpCrAcked);
    let mut out = BytesMut::new();
    check(session.poll_transmit(&mut out) && session.state() == State::OpenSent)?;
    check(bgp_wire::message_type(&out) == Some(MessageType::OPEN))
}

fn rib() -> Option<()> {
    let (context, mut store) = (Context::new(SessionKind::Ibgp), AttrStore::new(1));
    let mut rib = Rib::new(bgp_rib::Config::new(AS, BgpId::from(ADDR)).with_local_v4(ADDR), 2);
    let client = |addr| bgp_rib::PeerConfig::new(PeerKind::RrClient, AS, IpAddr::V4(addr));
    let from = rib.add_peer(client(PEER)).ok()?;
    let to = rib.add_peer(client(Ipv4Addr::new(192, 168, 179, 104))).ok()?;
    rib.peer_up(&mut store, from, &context, BgpId::from(PEER));
    rib.peer_up(&mut store, to, &context, BgpId(4));
    let octets = message(&context)?;
    let outcome = rib.update(&mut store, from, &UpdateView::decode(&octets, &context).ok()?);
    while rib.process(&mut store, 100) {}
    check(outcome.announced == 1 && rib.best(&store, prefix(36)?)?.next_hop == NextHop::V4(PEER))?;
    let reflected = rib.pull(&mut store, to)?;
    let (message, _) = frame(&reflected, MAX_LEN).ok()??;
    let view = UpdateView::decode(message, &context).ok()?;
    check(view.attributes().originator_id() == Some(BgpId::from(PEER)))
}

fn speaker() -> Option<()> {
    let now = Instant::from_secs(1);
    let mut store = AttrStore::new(1);
    let mut speaker = Speaker::new(bgp_speaker::Config::new(bgp_rib::Config::new(AS, BgpId::from(ADDR))), 3);
    let session = bgp_fsm::Config::new(AS, BgpId::from(ADDR), PeerAs::Internal);
    let rib = bgp_rib::PeerConfig::new(PeerKind::Ibgp, AS, IpAddr::V4(PEER));
    let peer = speaker.add_peer(now, bgp_speaker::PeerConfig::new(IpAddr::V4(PEER), session, rib)).ok()?;
    speaker.start(&mut store, now, peer);
    match speaker.poll_event()? {
        bgp_speaker::Event::Dial { remote, .. } => check(remote.ip() == IpAddr::V4(PEER)),
        _ => None,
    }
}

fn pool() -> Option<()> {
    let cidr = IpNet::new(IpAddr::V4(Ipv4Addr::new(10, 244, 0, 0)), 16).ok()?;
    let resources = Arc::new(
        Resources::default().with_pool(Pool::new("default-ipv4-ippool", cidr)).with_node("k8s-node1", [("zone", "a")]),
    );
    let request = AutoAssign::new("k8s-node1", Use::Workload, UnixTime::from_secs(1)).with_counts(2, 0);
    let given: Vec<IpNet> = drive(auto_assign(request, &resources), &mut MemoryStore::default()).addresses().collect();
    check(given.len() == 2 && given.iter().all(|addr| prefix(36).is_some_and(|block| block.contains(&addr.addr()))))
}

fn tunnel() -> Option<()> {
    let config = |local| ipip::Config::new(local, ipip::EcnMode::Normal);
    let mut entry = ipip::Tunnel::new(config(ADDR), PEER);
    let mut exit = ipip::Tunnel::new(config(PEER), ADDR);
    let inner = [0x45, 0, 0, 0x14, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x4f, 0xb0, 10, 244, 1, 5, 10, 244, 2, 9];
    let mut buffer = [0; ipip::HEADROOM + 20];
    buffer.get_mut(ipip::HEADROOM..)?.copy_from_slice(&inner);
    let sent = entry.encap(&ipip::Path::new(PEER), Duration::ZERO, &mut buffer).ok()?;
    check(sent.octets().len() == 40)?;
    let got = exit.decap(&mut buffer).ok()?;
    check(got.inner.get(12..) == inner.get(12..) && got.inner.get(8) == Some(&63))
}

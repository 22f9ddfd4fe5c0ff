//! How often the tables allocate: for messages and for blocks, never for a path that is known already; and what they hold
//! for each.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr};

use allocation_counter::measure;
use bgp_rib::{AttrStore, Config, PeerConfig, PeerId, PeerKind, Rib};
use bgp_wire::attr::{AttrBuilder, NextHop, Origin};
use bgp_wire::{Asn, BgpId, Context, Family, MAX_LEN, Packer, SessionKind, UpdateView, frame};
use bytes::BytesMut;
use ipnet::Ipv4Net;

/// Routes, in messages of a hundred with a block each.
const ROUTES: u32 = 20_000;
const EACH: u32 = 100;

struct Reflector {
    store: AttrStore,
    rib: Rib,
    peers: Vec<PeerId>,
}

fn reflector(clients: u32) -> Reflector {
    let config = Config::new(Asn(64512), BgpId(1)).with_fib_events(false);
    let (mut store, mut rib) = (AttrStore::new(1), Rib::new(config, 2));
    let mut peers = Vec::new();
    for number in 1..=clients {
        let addr = Ipv4Addr::from_bits(0xac10_0000 + number);
        let id = rib.add_peer(PeerConfig::new(PeerKind::RrClient, Asn(64512), IpAddr::V4(addr))).unwrap();
        rib.peer_up(&mut store, id, &Context::new(SessionKind::Ibgp), BgpId::from(addr));
        peers.push(id);
    }
    let mut reflector = Reflector { store, rib, peers };
    reflector.settle(|_| true);
    reflector
}

impl Reflector {
    fn play(&mut self, octets: &[u8], reads: impl Fn(PeerId) -> bool) {
        let (context, sender) = (Context::new(SessionKind::Ibgp), *self.peers.first().unwrap());
        let mut rest = octets;
        while let Some((message, behind)) = frame(rest, MAX_LEN).unwrap() {
            self.rib.update(&mut self.store, sender, &UpdateView::decode(message, &context).unwrap());
            rest = behind;
        }
        self.settle(reads);
    }

    fn settle(&mut self, reads: impl Fn(PeerId) -> bool) {
        loop {
            let more = self.rib.process(&mut self.store, 4096);
            while let Some(id) = self.rib.poll_ready() {
                while reads(id) && self.rib.pull(&mut self.store, id).is_some() {}
            }
            if !more {
                return;
            }
        }
    }
}

/// All routes with this MULTI_EXIT_DISC.
fn table(med: u32) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut packer = Packer::new(&Context::new(SessionKind::Ibgp));
    for node in 0..ROUTES / EACH {
        let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).med(med).local_pref(100).build().unwrap();
        let hop = NextHop::V4(Ipv4Addr::from_bits(0xac20_0000 + node));
        let prefixes =
            (0..EACH).map(|at| Ipv4Net::new_assert(Ipv4Addr::from_bits(0x0a00_0000 + (node * EACH + at) * 64), 26));
        packer.announce(&mut out, &block, hop, Family::IPV4_UNICAST, prefixes.map(Into::into)).unwrap();
    }
    out.to_vec()
}

#[test]
fn a_path_that_changes_its_block_allocates_nothing() {
    let mut reflector = reflector(3);
    reflector.play(&table(1), |_| true);
    reflector.play(&table(2), |_| true);
    for med in [3, 4, 4] {
        let octets = table(med);
        let info = measure(|| reflector.play(&octets, |_| true));
        // A few for each message and block, and for each batch.
        assert!(info.count_total < u64::from(20 * ROUTES / EACH), "{} for {ROUTES} routes", info.count_total);
    }
}

#[test]
fn a_path_takes_at_most_64_octets_in_the_tables_with_one_group() {
    let mut reflector = reflector(2);
    let octets = table(1);
    let info = measure(|| reflector.play(&octets, |_| true));
    assert!(info.bytes_current < 64 * i64::from(ROUTES), "{} octets for {ROUTES} routes", info.bytes_current);
    assert!(info.bytes_max < 160 * u64::from(ROUTES), "{} at the peak", info.bytes_max);
}

#[test]
fn a_peer_that_does_not_read_costs_no_more_than_the_ring() {
    let mut reflector = reflector(3);
    let stuck = *reflector.peers.last().unwrap();
    reflector.play(&table(1), |id| id != stuck);
    let tables: Vec<_> = (2..40).map(table).collect();
    let info = measure(|| {
        for octets in &tables {
            reflector.play(octets, |id| id != stuck);
        }
    });
    // The ring with its index, and a bit for each route it has to look at again; 38 tables are 4 MB.
    assert!(info.bytes_current < 3 << 20, "{} octets", info.bytes_current);
    let mut got = 0;
    while let Some(octets) = reflector.rib.pull(&mut reflector.store, stuck) {
        got += octets.len();
    }
    assert!(got > 4 * 20_000 && got < 3 << 20, "the last state, not all of them: {got} octets");
}

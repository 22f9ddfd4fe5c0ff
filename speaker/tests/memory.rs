//! How much memory idle peers take: resident, with everything that the allocator adds.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use bgp_fsm::{Instant, PeerAs, State};
use bgp_rib::PeerKind;
use bgp_speaker::{AttrStore, PeerConfig, Speaker};
use bgp_wire::{Asn, BgpId};

/// Resident octets of this process, in pages of 4096.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn a_hundred_thousand_idle_peers_fit_into_64_mb() {
    const PEERS: u32 = 100_000;
    let now = Instant::from_secs(1);
    let (mut store, rib) = (AttrStore::new(1), bgp_rib::Config::new(Asn(64512), BgpId(1)));
    let session = bgp_fsm::Config::new(Asn(64512), BgpId(1), PeerAs::Internal).with_passive(true).with_never_dial(true);
    let session = Arc::new(session);
    let mut speaker = Speaker::new(bgp_speaker::Config::new(rib), 2);
    let before = resident();
    for number in 0..PEERS {
        let address = Ipv4Addr::from(0x0a00_0000 + number).into();
        let routes = bgp_rib::PeerConfig::new(PeerKind::RrClient, Asn(64512), address);
        let peer = speaker.add_peer(now, PeerConfig::new(address, session.clone(), routes)).unwrap();
        // It waits for the peer to connect, and its ConnectRetryTimer runs.
        speaker.start(&mut store, now, peer);
    }
    let taken = resident() - before;
    println!("{PEERS} peers that wait: {taken} octets, {} each", taken / 100_000);
    assert_eq!(speaker.peer_at(Ipv4Addr::new(10, 0, 1, 7).into()).map(|peer| peer.0), Some(263));
    assert!(speaker.peers().all(|peer| peer.state == State::Active));
    assert!(taken <= 64_000_000, "{taken} octets");
}

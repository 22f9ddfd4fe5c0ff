//! Every injection of VU#636397 (2020) and VU#199397 (2025) against the default configuration.
//!
//! A check of addresses is no authentication: whoever can forge a peer's address passes it, which
//! `a_forged_peer_passes_because_addresses_are_no_authentication` states as a fact.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use core::net::Ipv4Addr;
use core::time::Duration;

use ipip::{Config, EcnMode, NoPeers, PeerBlocks, PeerSet, Reason, Tunnel, checksum};

const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const ATTACKER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);
const VICTIM: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const POD: Ipv4Addr = Ipv4Addr::new(10, 244, 1, 5);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 244, 2, 9);

fn datagram(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut octets = vec![0x45, 0, total[0], total[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    octets.extend(source.octets());
    octets.extend(destination.octets());
    let sum = checksum(&octets).to_be_bytes();
    octets[10..12].copy_from_slice(&sum);
    octets.extend(payload);
    octets
}

fn config() -> Config {
    Config::new(HERE, EcnMode::Normal)
}

fn refused<P: PeerSet>(peers: P, packet: &[u8]) -> Option<Reason> {
    Tunnel::new(config(), peers).decap(&mut packet.to_vec()).err().map(|error| error.reason)
}

fn udp(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    datagram(source, destination, 17, &[0x30, 0x39, 0, 53, 0, 8, 0, 0])
}

#[test]
fn vu636397_a_stranger_cannot_relay_spoofed_traffic() {
    // The reflector of CVE-2020-10136: inner source = the victim, inner destination = anyone.
    let packet = datagram(ATTACKER, HERE, 4, &udp(VICTIM, OTHER));
    assert_eq!(refused(PEER, &packet), Some(Reason::SourceNotAllowed));
    assert_eq!(refused(NoPeers::new(), &packet), Some(Reason::SourceNotAllowed));
}

#[test]
fn vu636397_a_stranger_cannot_reach_the_inside() {
    // Access past the filter: inner destination = a host behind us.
    let packet = datagram(ATTACKER, HERE, 4, &udp(ATTACKER, OTHER));
    assert_eq!(refused(PEER, &packet), Some(Reason::SourceNotAllowed));
}

#[test]
fn vu636397_nothing_is_accepted_without_peers() {
    let packet = datagram(PEER, HERE, 4, &udp(POD, OTHER));
    assert_eq!(refused(NoPeers::new(), &packet), Some(Reason::SourceNotAllowed));
}

#[test]
fn vu636397_nothing_for_other_addresses_broadcast_or_multicast() {
    for destination in [VICTIM, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1), Ipv4Addr::LOCALHOST] {
        let packet = datagram(PEER, destination, 4, &udp(POD, OTHER));
        assert_eq!(refused(PEER, &packet), Some(Reason::NotLocal), "{destination}");
    }
}

#[test]
fn vu199397_cve_2024_7595_gre_is_not_taken() {
    for protocol in [47, 94, 55, 98, 137] {
        let packet = datagram(PEER, HERE, protocol, &udp(POD, OTHER));
        assert_eq!(refused(PEER, &packet), Some(Reason::NotIpip), "{protocol}");
    }
}

#[test]
fn vu199397_cve_2024_7596_gue_over_udp_is_not_taken() {
    let inner = udp(POD, OTHER);
    let gue = [&[0x17, 0xc0, 0x17, 0xc0, 0, 0, 0, 0, 0, 4, 0, 0][..], &inner[..]].concat();
    assert_eq!(refused(PEER, &datagram(PEER, HERE, 17, &gue)), Some(Reason::NotIpip));
}

#[test]
fn vu199397_cve_2025_23018_ip4in6_and_ip6in6_are_not_taken() {
    for next_header in [4, 41] {
        let mut packet = vec![0x60, 0, 0, 0, 0, 28, next_header, 64];
        packet.extend([0x20; 32]);
        packet.extend(udp(POD, OTHER));
        assert_eq!(refused(PEER, &packet), Some(Reason::OuterNotIpv4));
    }
}

#[test]
fn vu199397_cve_2025_23019_ipv6_in_ipv4_is_not_taken() {
    let packet = datagram(PEER, HERE, 41, &[0x60; 40]);
    assert_eq!(refused(PEER, &packet), Some(Reason::NotIpip));
    let disguised = datagram(PEER, HERE, 4, &[0x60; 40]);
    assert_eq!(refused(PEER, &disguised), Some(Reason::InnerNotIpv4));
}

#[test]
fn vu199397_ping_pong_between_tunnels_ends() {
    // A datagram within a datagram that two hosts would hand to each other.
    let innermost = udp(PEER, OTHER);
    let packet = datagram(PEER, HERE, 4, &datagram(POD, PEER, 4, &innermost));
    assert_eq!(refused(PEER, &packet), Some(Reason::Nesting));
    for protocol in [4, 41] {
        let packet = datagram(PEER, HERE, 4, &datagram(POD, OTHER, protocol, &innermost));
        assert_eq!(refused(PEER, &packet), Some(Reason::Nesting), "{protocol}");
    }
}

#[test]
fn vu199397_temporal_lensing_chains_are_not_followed() {
    let mut packet = udp(POD, OTHER);
    for _ in 0..8 {
        packet = datagram(POD, OTHER, 4, &packet);
    }
    assert_eq!(refused(PEER, &datagram(PEER, HERE, 4, &packet)), Some(Reason::Nesting));
}

#[test]
fn vu199397_inner_sources_of_this_host_and_of_the_tunnel_are_forged() {
    for source in [HERE, PEER, Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST] {
        let packet = datagram(PEER, HERE, 4, &udp(source, OTHER));
        assert_eq!(refused(PEER, &packet), Some(Reason::InnerMartian), "{source}");
    }
}

#[test]
fn vu199397_fragments_do_not_slip_past_the_checks() {
    let inner = udp(POD, OTHER);
    for flags in [[0x20, 0], [0, 1], [0x20, 7]] {
        let mut packet = datagram(ATTACKER, HERE, 4, &inner);
        packet[6..8].copy_from_slice(&flags);
        packet[10..12].copy_from_slice(&[0, 0]);
        let sum = checksum(&packet[..20]).to_be_bytes();
        packet[10..12].copy_from_slice(&sum);
        assert_eq!(refused(PEER, &packet), Some(Reason::OuterFragment));
        let mut tunnel = Tunnel::new(config(), PEER);
        let mut buffer = [0; 256];
        let mut reassembly = ipip::Reassembly::new(&mut buffer);
        let error = tunnel.reassemble(&mut reassembly, Duration::ZERO, &packet).map(|_| ()).unwrap_err();
        assert_eq!(error.reason, Reason::SourceNotAllowed);
    }
}

#[test]
fn vu199397_a_peer_sends_only_from_its_own_blocks() {
    let blocks = [(PEER, "10.244.1.0/26".parse().unwrap())];
    let peers = PeerBlocks::new(&blocks).unwrap();
    assert_eq!(refused(peers, &datagram(PEER, HERE, 4, &udp(POD, OTHER))), None);
    let foreign = datagram(PEER, HERE, 4, &udp(VICTIM, OTHER));
    assert_eq!(refused(peers, &foreign), Some(Reason::InnerSourceNotAllowed));
}

#[test]
fn a_forged_peer_passes_because_addresses_are_no_authentication() {
    let forged_by_anyone = datagram(PEER, HERE, 4, &udp(POD, OTHER));
    assert_eq!(refused(PEER, &forged_by_anyone), None);
}

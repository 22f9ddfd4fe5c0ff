//! `peers SCENARIO ITERATIONS`: an IP-in-IP header before a datagram, or off it, with three other libraries. None of them
//! checks peers, loops, nesting, MTU or ECN; both header checksums are made and verified, as ours are.
//!
//! The cost of one is (count of 2n - count of n) / n, less the same of `loop`, as in `.ci/instructions`. `rustbgpd-keepalive` is
//! another library's session.

mod session;

use std::hint::black_box;
use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4Header, Ipv4HeaderSlice};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, Ipv4Flags, Ipv4Packet as PnetPacket, MutableIpv4Packet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv4Repr};

const ENTRY: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 102);
const EXIT: Ipv4Addr = Ipv4Addr::new(192, 168, 179, 103);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, scenario, iterations] = &arguments[..] else { panic!("peers SCENARIO ITERATIONS") };
    if scenario == "rustbgpd-keepalive" {
        return session::keepalive(iterations.parse().expect("a number"));
    }
    let run: fn(&mut [u8]) = match scenario.as_str() {
        "loop" => |_| (),
        "etherparse-encap" => etherparse_encap,
        "etherparse-decap" => etherparse_decap,
        "smoltcp-encap" => smoltcp_encap,
        "smoltcp-decap" => smoltcp_decap,
        "pnet-encap" => pnet_encap,
        "pnet-decap" => pnet_decap,
        other => panic!("no scenario {other}"),
    };
    let mut buffer = vec![0; 84];
    buffer[20..40]
        .copy_from_slice(&[0x45, 0, 0, 64, 0, 1, 0x40, 0, 64, 17, 0x2f, 0x2d, 10, 244, 36, 65, 10, 244, 169, 130]);
    let inner = PnetPacket::new(&buffer[20..]).expect("a header");
    let sum = ipv4::checksum(&inner).to_be_bytes();
    buffer[30..32].copy_from_slice(&sum);
    smoltcp_encap(&mut buffer);
    for _ in 0..iterations.parse::<u64>().expect("a number") {
        run(black_box(&mut buffer));
        black_box(&buffer);
    }
}

fn etherparse_encap(buffer: &mut [u8]) {
    let inner = Ipv4HeaderSlice::from_slice(&buffer[20..]).expect("a header");
    let mut header =
        Ipv4Header::new(inner.total_len(), 64, IpNumber::IPV4, ENTRY.octets(), EXIT.octets()).expect("a length");
    header.dont_fragment = inner.dont_fragment();
    header.header_checksum = header.calc_header_checksum();
    buffer[..20].copy_from_slice(&header.to_bytes());
}

fn etherparse_decap(buffer: &mut [u8]) {
    let outer = Ipv4HeaderSlice::from_slice(buffer).expect("a header").to_header();
    assert!(outer.header_checksum == outer.calc_header_checksum() && outer.protocol == IpNumber::IPV4);
    let inner = Ipv4HeaderSlice::from_slice(&buffer[20..]).expect("a header").to_header();
    assert!(inner.header_checksum == inner.calc_header_checksum());
    black_box(&buffer[20..20 + usize::from(inner.total_len)]);
}

fn smoltcp_encap(buffer: &mut [u8]) {
    let inner = Ipv4Packet::new_checked(&buffer[20..]).expect("a header");
    let header = Ipv4Repr {
        src_addr: ENTRY,
        dst_addr: EXIT,
        next_header: IpProtocol::Unknown(4),
        payload_len: usize::from(inner.total_len()),
        hop_limit: 64,
    };
    header.emit(&mut Ipv4Packet::new_unchecked(buffer), &ChecksumCapabilities::default());
}

fn smoltcp_decap(buffer: &mut [u8]) {
    let outer = Ipv4Packet::new_checked(&*buffer).expect("a header");
    assert!(outer.verify_checksum() && outer.next_header() == IpProtocol::Unknown(4));
    let inner = Ipv4Packet::new_checked(outer.payload()).expect("a header");
    assert!(inner.verify_checksum());
    black_box(&outer.payload()[..usize::from(inner.total_len())]);
}

fn pnet_encap(buffer: &mut [u8]) {
    let total = PnetPacket::new(&buffer[20..]).expect("a header").get_total_length();
    let mut header = MutableIpv4Packet::new(buffer).expect("room");
    header.set_version(4);
    header.set_header_length(5);
    header.set_dscp(0);
    header.set_ecn(0);
    header.set_total_length(total + 20);
    header.set_identification(0);
    header.set_flags(Ipv4Flags::DontFragment);
    header.set_fragment_offset(0);
    header.set_ttl(64);
    header.set_next_level_protocol(IpNextHeaderProtocol::new(4));
    header.set_source(ENTRY);
    header.set_destination(EXIT);
    let sum = ipv4::checksum(&header.to_immutable());
    header.set_checksum(sum);
}

fn pnet_decap(buffer: &mut [u8]) {
    let outer = PnetPacket::new(buffer).expect("a header");
    assert!(ipv4::checksum(&outer) == outer.get_checksum());
    assert!(outer.get_next_level_protocol() == IpNextHeaderProtocol::new(4));
    let inner = PnetPacket::new(&buffer[20..]).expect("a header");
    assert!(ipv4::checksum(&inner) == inner.get_checksum());
    black_box(&buffer[20..20 + usize::from(inner.get_total_length())]);
}

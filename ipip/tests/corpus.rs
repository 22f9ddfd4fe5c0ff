//! Packets that nobody here made: captured tunnels and generated ones, of `shared/corpus/ipip` beside the workspace.

use core::net::Ipv4Addr;
#[cfg(feature = "v6")]
use core::net::Ipv6Addr;
use std::path::Path as File;

use ipip::{AnyPeer, Config, EcnMode, Reason, Tunnel};

/// The lines of a corpus file; `None` where there is no corpus, which a CI run does not accept.
fn lines(name: &str) -> Option<Vec<String>> {
    let file = File::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/ipip").join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text.lines().map(str::to_owned).collect()),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{}: {error}", file.display());
            eprintln!("skipped: no corpus at {}", file.display());
            None
        }
    }
}

/// The text of a field of a flat JSON object: the corpus writes `"key": "value"` without escapes in these fields.
fn field<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("\"{key}\": "))?;
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => rest.split([',', '}']).next(),
    }
}

/// A tunnel whose end is the packet's destination, and that lets every source and every depth pass.
fn tunnel(packet: &[u8]) -> Tunnel<AnyPeer> {
    let local = packet
        .get(16..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(Ipv4Addr::UNSPECIFIED, |&octets| Ipv4Addr::from(octets));
    let mut config = Config::new(local, EcnMode::Normal);
    (config.verify_outer_checksum, config.verify_inner_checksum) = (false, false);
    config.max_nesting = u8::MAX;
    Tunnel::new(config, AnyPeer::accept_every_source())
}

#[test]
fn captured_packets_give_the_inner_datagram_that_was_captured() {
    let Some(lines) = lines("tunnel-packets.jsonl") else { return };
    let mut carried = 0;
    for line in &lines {
        let packet = hex::decode(field(line, "packet").unwrap()).unwrap();
        let inner = hex::decode(field(line, "inner").unwrap()).unwrap();
        let mut octets = packet.clone();
        let mut tunnel = tunnel(&packet);
        match (field(line, "outer_version"), field(line, "inner_proto"), field(line, "outer_fragment")) {
            (Some("4"), Some("4"), Some("false")) => {
                let decapsulated = tunnel.decap(&mut octets).unwrap();
                carried += 1;
                assert_eq!(decapsulated.inner.len(), inner.len(), "{line}");
                // All but the TOS octet and the checksum it moves.
                assert_eq!(decapsulated.inner[2..10], inner[2..10], "{line}");
                assert_eq!(decapsulated.inner[12..], inner[12..], "{line}");
            }
            (Some("4"), Some("4"), Some("true")) => {
                assert_eq!(tunnel.decap(&mut octets).unwrap_err().reason, Reason::OuterFragment, "{line}");
            }
            (Some("4"), Some(_), _) => {
                let reason = tunnel.decap(&mut octets).unwrap_err().reason;
                assert!([Reason::NotIpip, Reason::OuterTruncated].contains(&reason), "{reason}: {line}");
            }
            (Some("6"), ..) => {
                assert_eq!(tunnel.decap(&mut octets).unwrap_err().reason, Reason::OuterNotIpv4, "{line}");
            }
            other => panic!("{other:?}: {line}"),
        }
    }
    assert!(carried > 0, "none of {} packets is IPv4 in IPv4", lines.len());
}

#[test]
fn generated_packets_are_judged_by_their_case() {
    let Some(lines) = lines("generated-scapy.jsonl") else { return };
    for line in &lines {
        let packet = hex::decode(field(line, "packet").unwrap()).unwrap();
        let case = field(line, "case").unwrap();
        let mut tunnel = tunnel(&packet);
        (tunnel.config_mut().verify_outer_checksum, tunnel.config_mut().verify_inner_checksum) = (true, true);
        let result = tunnel.decap(&mut packet.clone()).map(|_| ()).map_err(|error| error.reason);
        let expected = match case {
            "BAD inner version 5" => Err(Reason::InnerNotIpv4),
            "BAD inner ihl 4" | "BAD inner ihl beyond packet" | "BAD inner total length below header" => {
                Err(Reason::InnerBadHeader)
            }
            "BAD inner checksum wrong" => Err(Reason::InnerChecksum),
            "BAD outer checksum wrong" => Err(Reason::OuterChecksum),
            "BAD no inner at all" | "BAD cut inside outer header" => Err(Reason::OuterTruncated),
            "BAD inner total length beyond outer" => Err(Reason::InnerTruncated),
            // The length was changed after the checksum was made, so that shows first.
            "BAD outer total length ends inside inner header" => Err(Reason::OuterChecksum),
            "outer fragment" => Err(Reason::OuterFragment),
            "6in4" => Err(Reason::NotIpip),
            // RFC 6040 section 4.2: congestion outside of a transport that knows no ECN.
            "inner tos 0xb8 outer ecn 3" => Err(Reason::EcnDrop),
            bad if bad.starts_with("BAD") => panic!("a fault that is not judged here: {bad}"),
            _ => Ok(()),
        };
        assert_eq!(result, expected, "{case}");
    }
}

/// The length field of an IPv6 header.
#[cfg(feature = "v6")]
fn length_at(datagram: &[u8]) -> usize {
    datagram
        .get(4..6)
        .and_then(|length| length.first_chunk())
        .map_or(0, |length| usize::from(u16::from_be_bytes(*length)))
}

#[cfg(feature = "v6")]
/// What tshark saw of the second header, which is the inner one where there is one layer.
fn seen_inside(line: &str) -> Option<&str> {
    line.split_once("\"tshark\": ")?.1.split("{\"proto\": \"").nth(2).filter(|layer| layer.starts_with("ip"))
}

#[cfg(feature = "v6")]
#[test]
fn captured_packets_with_ipv6_outside_or_inside_give_what_tshark_saw() {
    use ipip::v6::{Config, Ends, Tunnel};
    let Some(lines) = lines("tunnel-packets.jsonl") else { return };
    let mut carried = 0;
    for line in &lines {
        let packet = hex::decode(field(line, "packet").unwrap()).unwrap();
        let inner = hex::decode(field(line, "inner").unwrap()).unwrap();
        let six = field(line, "inner_proto") == Some("41");
        let header = field(line, "outer_header_len").unwrap().parse::<usize>().unwrap();
        let ends = match packet[0] >> 4 {
            4 if six => {
                let [remote, local] = [12, 16].map(|at| Ipv4Addr::from(*packet[at..].first_chunk::<4>().unwrap()));
                Ends::V4 { local, remote }
            }
            6 => {
                let [remote, local] = [8, 24].map(|at| Ipv6Addr::from(*packet[at..].first_chunk::<16>().unwrap()));
                Ends::V6 { local, remote }
            }
            _ => continue,
        };
        let mut config = Config::new(ends, EcnMode::Normal);
        config.nested = true;
        let result = Tunnel::new(config).decap(&mut packet.clone()).map(|got| got.inner.to_vec());
        let version = inner.first().map(|first| first >> 4);
        let outer_is_plain = header == if packet[0] >> 4 == 4 { 20 } else { 40 };
        match result {
            Ok(got) => {
                carried += 1;
                assert_eq!(Some(got[0] >> 4), version, "{line}");
                assert_eq!(got[8..], inner[8..got.len()], "{line}");
                let layer = seen_inside(line).unwrap();
                if six {
                    let source = Ipv6Addr::from(*got[8..].first_chunk::<16>().unwrap());
                    assert_eq!(field(layer, "ipv6.src"), Some(&*source.to_string()), "{line}");
                    assert_eq!(field(layer, "ipv6.plen"), Some(&*(got.len() - 40).to_string()), "{line}");
                } else {
                    let source = Ipv4Addr::from(*got[12..].first_chunk::<4>().unwrap());
                    assert_eq!(field(layer, "ip.src"), Some(&*source.to_string()), "{line}");
                    assert_eq!(field(layer, "ip.len"), Some(&*got.len().to_string()), "{line}");
                }
            }
            Err(error) => {
                let rightly = match error.reason {
                    Reason::OuterTruncated => packet[0] >> 4 == 6 && 40 + length_at(&packet) > packet.len(),
                    // Multicast.
                    Reason::SourceNotAllowed => packet[0] >> 4 == 6 && packet[8] == 0xff,
                    Reason::NotLocal => packet[0] >> 4 == 6 && packet[24] == 0xff,
                    Reason::InnerTtlZero => inner[7] == 0,
                    Reason::InnerNotIp => version != Some(if six { 6 } else { 4 }),
                    Reason::InnerTruncated => inner.len() < 40 || (six && 40 + length_at(&inner) > inner.len()),
                    // A routing header, which is not for us to pass over.
                    Reason::NotIpip => !outer_is_plain,
                    Reason::InnerMartian => inner[8] == 0xff || inner[8..20] == [0; 12] || inner[24..39] == [0; 15],
                    _ => false,
                };
                assert!(rightly, "{error}: {line}");
            }
        }
    }
    assert!(carried > 70, "{carried} of {} packets", lines.len());
}

#[cfg(feature = "v6")]
#[test]
fn the_generated_packet_with_ipv6_inside_is_taken() {
    use ipip::v6::{Config, Ends, Tunnel};
    let Some(lines) = lines("generated-scapy.jsonl") else { return };
    let line = lines.iter().find(|line| field(line, "case") == Some("6in4")).unwrap();
    let packet = hex::decode(field(line, "packet").unwrap()).unwrap();
    let [remote, local] = [12, 16].map(|at| Ipv4Addr::from(*packet[at..].first_chunk::<4>().unwrap()));
    let mut tunnel = Tunnel::new(Config::new(Ends::V4 { local, remote }, EcnMode::Normal));
    assert_eq!(tunnel.decap(&mut packet.clone()).unwrap().inner, &packet[20..]);
}

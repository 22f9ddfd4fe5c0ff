//! The program `decode`, run: digits and captures in, verdicts out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use etherparse::PacketBuilder;

/// An announcement of 203.0.113.0/24 that is as it should be from an external peer.
const GOOD: &str = "ffffffffffffffffffffffffffffffff002f0200000014\
                    4001010040020602010000fc01400304c000020218cb0071";
/// The same with COMMUNITIES without a value.
const WITHDRAWN: &str = "ffffffffffffffffffffffffffffffff00320200000017\
                         4001010040020602010000fc01400304c0000202c0080018cb0071";

fn decode(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_decode"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever has its messages as arguments may be gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

#[test]
fn a_good_message_is_told_and_exits_with_0() {
    for (arguments, input) in [(&[GOOD][..], ""), (&[], GOOD)] {
        let output = decode(arguments, input);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with("octet 0: update of 47 octets, accept\n"), "{output:?}");
        assert!(text(&output.stdout).contains("203.0.113.0/24"));
    }
}

#[test]
fn every_reason_is_told_and_exits_with_1() {
    let output = decode(&["--json", WITHDRAWN], "");
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "treat-as-withdraw");
    assert_eq!(report["reasons"][0]["text"], "attribute 8 has an impossible length at octet 43");
    let cut = decode(&[&GOOD[..60]], "");
    assert_eq!(cut.status.code(), Some(1));
    assert!(text(&cut.stdout).contains("message is cut off after 30 octets"), "{cut:?}");
}

#[test]
fn the_context_decides() {
    let output = decode(&["--context", "ibgp", GOOD], "");
    assert!(text(&output.stdout).contains("attribute 5 is missing"), "{output:?}");
    let output = decode(&["--context", "ebgp,as2", GOOD], "");
    assert!(text(&output.stdout).contains("attribute 2 has as 0"), "{output:?}");
}

#[test]
fn wrong_arguments_exit_with_2() {
    for arguments in [&["--context", "nobody"][..], &["xyz"], &["--file", "/nothing/here"], &["--unknown"]] {
        assert_eq!(decode(arguments, "").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn segments_of_a_capture_are_put_in_order() {
    let octets = hex::decode([GOOD, GOOD].concat()).unwrap();
    let packet = |at: u32, part: &[u8]| {
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(
            40000,
            179,
            1000 + at,
            1024,
        );
        let mut out = Vec::new();
        builder.write(&mut out, part).unwrap();
        out
    };
    // Out of order, and the first part twice.
    let packets =
        [packet(0, &octets[..30]), packet(60, &octets[60..]), packet(0, &octets[..30]), packet(30, &octets[30..60])];
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0];
    for packet in packets {
        let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
        file.extend([0; 8]);
        file.extend(len);
        file.extend(len);
        file.extend(packet);
    }
    let path = std::env::temp_dir().join(format!("decode-{}.pcap", std::process::id()));
    std::fs::write(&path, &file).unwrap();
    let output = decode(&["--file", path.to_str().unwrap()], "");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = text(&output.stdout);
    assert!(shown.starts_with("192.0.2.1:40000 -> 192.0.2.2:179\n"), "{shown}");
    assert_eq!(shown.matches("update of 47 octets, accept").count(), 2, "{shown}");
}

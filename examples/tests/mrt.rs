//! The program `mrt`, run: packed and cut files, lines, counts and UPDATEs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use bgp_wire::attr::AttrBuilder;
use bgp_wire::mrt::{Content, Peer, PeerIndexBuilder, RibBuilder, RibEntry, Timestamp, write_rib_attributes};
use bgp_wire::{Asn, BgpId, Context, Family, SessionKind, UpdateView, frame};
use bytes::BytesMut;

/// A table of two peers and three prefixes.
fn table() -> BytesMut {
    let mut out = BytesMut::new();
    let mut peers = PeerIndexBuilder::new();
    for (index, addr) in ["192.0.2.1", "192.0.2.2"].iter().enumerate() {
        let bgp_id = BgpId(u32::try_from(index).unwrap() + 1);
        peers.push(Peer { bgp_id, addr: addr.parse().unwrap(), asn: Asn(64513), four_octet_as: true }).unwrap();
    }
    let time = Timestamp::new(1_400_000_000);
    Content::PeerIndexTable(peers.table(BgpId(9), b"")).encode(time, &mut out).unwrap();
    let block = AttrBuilder::new().as_path(&[Asn(64513), Asn(64514)]).build().unwrap();
    let mut attributes = Vec::new();
    write_rib_attributes(&block, "192.0.2.9".parse().unwrap(), &mut attributes);
    for (sequence, prefix) in (0..).zip(["10.0.0.0/8", "10.1.0.0/16", "203.0.113.0/24"]) {
        let mut rib = RibBuilder::prefix(sequence, Family::IPV4_UNICAST, prefix.parse().unwrap(), false).unwrap();
        for peer in 0..if sequence == 0 { 2 } else { 1 } {
            rib.push(&RibEntry { peer, originated: 0, path_id: None, attributes: &attributes }).unwrap();
        }
        Content::Rib(rib.rib()).encode(time, &mut out).unwrap();
    }
    out
}

fn file(name: &str, octets: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mrt-{}-{name}", std::process::id()));
    std::fs::write(&path, octets).unwrap();
    path
}

fn mrt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mrt")).args(arguments).output().unwrap()
}

const LINE: &str = "TABLE_DUMP2|1400000000|B|192.0.2.1|64513|10.0.0.0/8|64513 64514|IGP|192.0.2.9|0|0||NAG||\n";

#[test]
fn packed_files_have_the_same_lines() {
    let plain = table();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&plain).unwrap();
    let mut shown = Vec::new();
    for (name, octets) in [("plain", plain.to_vec()), ("gz", gzip.finish().unwrap()), ("bz2", bzip2.finish().unwrap())]
    {
        let path = file(name, &octets);
        let output = mrt(&["show", path.to_str().unwrap()]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        shown.push(String::from_utf8(output.stdout).unwrap());
    }
    assert!(shown[0].starts_with(LINE) && shown[0].lines().count() == 4, "{}", shown[0]);
    assert!(shown.iter().all(|text| *text == shown[0]));
}

#[test]
fn a_file_that_is_cut_off_gives_what_there_is_and_an_exact_error() {
    let plain = table();
    let path = file("cut", &plain[..plain.len() - 3]);
    let output = mrt(&["show", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with(LINE) && shown.lines().count() == 3, "{shown}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(": record 4, at octet 183: record is cut off at octet 51"), "{error}");
}

#[test]
fn a_table_becomes_updates_that_are_packed() {
    let (path, to) = (file("table", &table()), file("updates", &[]));
    let output = mrt(&["to-updates", path.to_str().unwrap(), "--output", to.to_str().unwrap()]);
    let octets = std::fs::read(&to).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(&to).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let context = Context::new(SessionKind::Ebgp);
    let (first, rest) = frame(&octets, 4096).unwrap().unwrap();
    let update = UpdateView::decode(first, &context).unwrap();
    assert_eq!(update.announced().flat_map(|part| part.nlri).count(), 3);
    let (end, rest) = frame(rest, 4096).unwrap().unwrap();
    assert_eq!(UpdateView::decode(end, &context).unwrap().end_of_rib(), Some(Family::IPV4_UNICAST));
    assert!(rest.is_empty());
}

#[test]
fn what_there_is_is_counted_and_wrong_arguments_exit_with_2() {
    let path = file("stats", &table());
    let output = mrt(&["stats", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("routes      4 in tables") && shown.contains("records     3 rib-ipv4-unicast"), "{shown}");
    assert_eq!(mrt(&["show"]).status.code(), Some(2));
    assert_eq!(mrt(&["unknown"]).status.code(), Some(2));
    assert_eq!(mrt(&["show", "/nothing/here"]).status.code(), Some(1));
}

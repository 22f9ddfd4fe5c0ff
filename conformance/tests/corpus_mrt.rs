//! Every MRT file of the corpus against the text that bgpdump makes of it, and written again octet for octet.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;

use bgp_wire::mrt::{self, Content};
use bytes::BytesMut;
use conformance::corpus::{Corpus, Differences};
use examples::mrt::lines::Printer;

/// The unpacked file: what there is of it, where it ends in the middle of a stream.
fn unpacked(name: &str, packed: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut input: Box<dyn Read> = match name.rsplit('.').next() {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        Some("bz2") => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
        _ => Box::new(packed),
    };
    let result = input.read_to_end(&mut octets);
    assert!(result.is_ok() || name.contains("firstMB"), "{name}: {result:?}");
    octets
}

/// The names of the files that have a text.
fn files(corpus: &Corpus) -> Vec<String> {
    let names = corpus.files("mrt").unwrap();
    names.iter().filter_map(|name| name.strip_suffix(".bgpdump.zst")).map(str::to_owned).collect()
}

/// The lines of one text that the other lacks, as `first-last` of the other's numbers from 1: both are in the same order.
fn differences(ours: &[&str], theirs: &[&str]) -> Vec<(String, String)> {
    let (mut a, mut b, mut found) = (0, 0, Vec::new());
    while a < ours.len() || b < theirs.len() {
        if ours.get(a) == theirs.get(b) {
            (a, b) = (a + 1, b + 1);
            continue;
        }
        // The nearest place where they agree again for some lines.
        let agree = |x: usize, y: usize| (0..4).all(|step| ours.get(a + x + step) == theirs.get(b + y + step));
        let (x, y) = (1..400)
            .flat_map(|sum| (0..=sum).map(move |x| (x, sum - x)))
            .find(|(x, y)| agree(*x, *y))
            .unwrap_or((ours.len() - a, theirs.len() - b));
        let first = ours.get(a).filter(|_| x > 0).unwrap_or(&"nothing");
        let other = theirs.get(b).filter(|_| y > 0).unwrap_or(&"nothing");
        found.push((format!("{}-{}", b + 1, b + y), format!("ours {first}\n    theirs {other}")));
        (a, b) = (a + x, b + y);
    }
    found
}

#[test]
fn every_file_has_the_lines_of_its_text() {
    let Some(corpus) = Corpus::for_test("every_file_has_the_lines_of_its_text") else { return };
    let mut found = Vec::new();
    let (mut files, mut lines) = (0, 0);
    for name in self::files(&corpus) {
        let octets = unpacked(&name, &corpus.read(&format!("mrt/{name}")).unwrap());
        let theirs = String::from_utf8(corpus.read(&format!("mrt/{name}.bgpdump.zst")).unwrap()).unwrap();
        let (mut printer, mut ours, mut rest) = (Printer::new(), String::new(), &octets[..]);
        while let Some((record, behind)) = mrt::frame(rest, mrt::DEFAULT_LIMIT).unwrap() {
            // What is wrong with a record shows as a difference, where bgpdump has lines of it.
            let _ = printer.print(&record, &mut ours);
            rest = behind;
        }
        assert!(rest.is_empty() || name.contains("firstMB"), "{name}: {} octets are no record", rest.len());
        let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.lines().collect(), theirs.lines().collect());
        (files, lines) = (files + 1, lines + theirs.len());
        found.extend(differences(&ours, &theirs).into_iter().map(|(at, what)| (format!("{name}:{at}"), what)));
    }
    assert!(files > 10);
    println!("{files} files, {lines} lines");
    Differences::parse("differences-mrt.txt", include_str!("../differences-mrt.txt")).settle(&found);
}

#[test]
fn every_record_is_written_again_octet_for_octet() {
    let Some(corpus) = Corpus::for_test("every_record_is_written_again_octet_for_octet") else { return };
    let (mut records, mut typed) = (0, 0);
    for name in files(&corpus) {
        let octets = unpacked(&name, &corpus.read(&format!("mrt/{name}")).unwrap());
        let (mut rest, mut out) = (&octets[..], BytesMut::new());
        while let Some((record, behind)) = mrt::frame(rest, mrt::DEFAULT_LIMIT).unwrap() {
            let whole = &rest[..rest.len() - behind.len()];
            out.clear();
            record.encode(&mut out).unwrap();
            assert!(out == whole, "{name}: record {records}");
            if let Ok(content) = record.content()
                && !matches!(content, Content::Unknown)
            {
                out.clear();
                content.encode(record.time, &mut out).unwrap();
                assert!(out == whole, "{name}: record {records}: {:?}", record.ty);
                typed += 1;
            }
            records += 1;
            rest = behind;
        }
    }
    println!("{records} records, {typed} of them by their content");
}

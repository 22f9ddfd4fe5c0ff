//! The vectors of FRR's unit tests: attributes, capabilities, communities, paths, whole attribute blocks.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/parts.rs"]
mod parts;

use bgp_wire::attr::{AsPath, Segment, SegmentKind};
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::{Action, Asn, AttrType, OpenView, SessionKind, UpdateView};
use conformance::corpus::{Corpus, Differences};
use serde_json::Value;

use crate::parts::{attribute, context, judge, judge_attribute, message, update};

#[test]
fn vectors_of_frr() {
    let Some(corpus) = Corpus::for_test("vectors_of_frr") else { return };
    let vectors = corpus.objects("vectors/frr-vectors.jsonl").unwrap();
    assert!(!vectors.is_empty());
    let found: Vec<_> =
        vectors.iter().filter_map(|vector| Some((text(vector, "id").to_owned(), differs(vector)?))).collect();
    Differences::parse("differences-frr.txt", include_str!("../differences-frr.txt")).settle(&found);
}

/// What differs from what FRR expects.
fn differs(vector: &Value) -> Option<String> {
    if vector["array"].is_string() {
        return part_differs(vector);
    }
    match vector["k"].as_str() {
        Some("segment") => path_differs(vector),
        Some("attr") => merge_differs(vector),
        None if vector["session"].is_string() => block_differs(vector),
        None if vector["expect"].is_string() => community_differs(vector),
        _ => panic!("{vector}: no form that is known here"),
    }
}

/// A value of an attribute, or a capability.
fn part_differs(vector: &Value) -> Option<String> {
    let (array, octets) = (text(vector, "array"), octets(vector, "hex"));
    let resets = match array {
        "mp_reach_segments" | "mp_unreach_segments" => {
            let ty = if array == "mp_reach_segments" { AttrType::MP_REACH_NLRI } else { AttrType::MP_UNREACH_NLRI };
            let error = judge_attribute(ty, &attribute(ty, &octets), &context(SessionKind::Ibgp));
            error.is_some_and(|error| error.action() >= Action::DisableFamily)
        }
        // Capabilities, and optional parameters.
        "mp_segments" | "misc_segments" => !open_is_taken(&[&[2, len(&octets)][..], &octets].concat()),
        "opt_params" => !open_is_taken(&octets),
        _ => panic!("{vector}: no array that is known here"),
    };
    let expected = number(vector, "verdict") < 0;
    (resets != expected).then(|| format!("session reset: {resets}, FRR {expected}"))
}

/// Whether an OPEN with these optional parameters is well-formed.
fn open_is_taken(parameters: &[u8]) -> bool {
    let body = [&[4, 0xfc, 0, 0, 90, 192, 0, 2, 1, len(parameters)][..], parameters].concat();
    OpenView::decode(&message(1, &body)).is_ok()
}

fn community_differs(vector: &Value) -> Option<String> {
    let octets: [u8; 8] = octets(vector, "hex").try_into().unwrap();
    // FRR has a blank behind the kind, and AS numbers of 4 octets without a mark.
    let ours = ExtCommunity(octets).to_string().replacen(':', " ", 1).replace("L:", ":").to_lowercase();
    let theirs = text(vector, "expect").to_lowercase();
    (ours != theirs).then(|| format!("{ours}, FRR {theirs}"))
}

/// A value of AS_PATH, and what is said of it.
fn path_differs(vector: &Value) -> Option<String> {
    let value = octets(vector, "hex");
    let ctx = context(SessionKind::Ibgp).with_four_octet_as(text(vector, "asn_size") == "4");
    let expect = &vector["expect"];
    let message = update(&[&[0x40, 1, 1, 0][..], &attribute(AttrType::AS_PATH, &value)].concat(), &[]);
    let error = judge_attribute(AttrType::AS_PATH, &attribute(AttrType::AS_PATH, &value), &ctx);
    let view = UpdateView::decode(&message, &ctx);
    let path = match &view {
        Ok(view) if error.is_none() => view.attributes().as_path().unwrap_or_default(),
        _ => return (!expect["path"].is_null()).then(|| format!("{error:?}, FRR {}", expect["path"])),
    };
    let count = |confed: bool| {
        let segments = path.segments().filter(|segment| segment.kind.is_confed() == confed);
        segments.map(|segment| if segment.kind.is_set() { 1 } else { segment.asns.count() }).sum::<usize>()
    };
    let first = path.segments().next().filter(|segment| segment.kind == SegmentKind::Sequence);
    let ours = [
        ("path", Value::from(frr_text(&path, false))),
        ("path_confed_removed", Value::from(frr_text(&path, true))),
        ("hops", Value::from(count(false))),
        ("confeds", Value::from(count(true))),
        ("first", Value::from(first.and_then(|mut segment| segment.asns.next()).map_or(0, |asn| asn.0))),
    ];
    let mut wrong: Vec<String> = ours
        .iter()
        .filter(|(key, ours)| &expect[key] != ours)
        .map(|(key, ours)| format!("{key}: {ours}, FRR {}", expect[key]))
        .collect();
    for (key, there) in [("loops_on", true), ("no_loop_on", false)] {
        let asn = Asn(u32::try_from(number(expect, key)).unwrap());
        // 0 is what FRR's table has where it does not say.
        if asn.0 != 0 && (path.count(asn) > 0) != there {
            wrong.push(format!("{key}: {asn}"));
        }
    }
    assert!(u64::from(path.hops()) == u64::try_from(count(false)).unwrap(), "hops of {path}");
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// AS_PATH and AS4_PATH of a speaker with 2-octet AS numbers.
fn merge_differs(vector: &Value) -> Option<String> {
    let segments = octets(vector, "segment_hex");
    let wide = number(vector, "as4") == 1;
    let value = if wide { widened(&segments) } else { segments };
    let mut attributes = octets(vector, "attr_header_hex");
    attributes.extend(&value);
    if vector["old_segment_hex"].is_string() {
        let old = octets(vector, "old_segment_hex");
        attributes.extend([0x40, 2, len(&old)]);
        attributes.extend(&old);
    }
    attributes.extend([0x40, 5, 4, 0, 0, 0, 100]);
    let ctx = context(SessionKind::Ibgp).with_four_octet_as(number(vector, "peer_cap_as4") == 1);
    let message = update(&attributes, &[24, 203, 0, 113]);
    let (action, _) = judge(&message, &ctx);
    let bad = action > Action::AttributeDiscard;
    if bad || number(vector, "verdict") != 0 {
        return (bad != (number(vector, "verdict") != 0)).then(|| format!("{action:?}, FRR {}", vector["verdict"]));
    }
    let view = UpdateView::decode(&message, &ctx).unwrap();
    let ours = frr_text(&view.attributes().as_path().unwrap_or_default(), false);
    let theirs = vector["expect_path"].as_str().unwrap_or_default();
    (ours != theirs).then(|| format!("{ours}, FRR {theirs}"))
}

/// A whole block of attributes, under RFC 7606.
fn block_differs(vector: &Value) -> Option<String> {
    let kind = match text(vector, "session") {
        "ebgp" => SessionKind::Ebgp,
        "ibgp" => SessionKind::Ibgp,
        "confed" => SessionKind::ConfedExternal,
        other => panic!("session {other}"),
    };
    let nlri: &[u8] = if number(vector, "has_nlri") == 1 { &[24, 203, 0, 113] } else { &[] };
    let (action, _) = judge(&update(&octets(vector, "hex"), nlri), &context(kind));
    let agree = match number(vector, "verdict") {
        0 => action <= Action::AttributeDiscard,
        -1 | -4 => action == Action::SessionReset,
        // A missing mandatory attribute withdraws as well (RFC 7606 section 3 d).
        -2 | -3 | -5 => action == Action::TreatAsWithdraw,
        other => panic!("verdict {other}"),
    };
    (!agree).then(|| format!("{action:?}, FRR {}", vector["verdict"]))
}

/// A path as FRR writes it: sets in order, without repeated members.
fn frr_text(path: &AsPath<'_>, without_confed: bool) -> String {
    let one = |segment: Segment<'_>| {
        let mut asns: Vec<u32> = segment.asns.map(|asn| asn.0).collect();
        if segment.kind.is_set() {
            asns.sort_unstable();
            asns.dedup();
        }
        let separator = if segment.kind.is_set() { "," } else { " " };
        let inner = asns.iter().map(u32::to_string).collect::<Vec<_>>().join(separator);
        match segment.kind {
            SegmentKind::Sequence => inner,
            SegmentKind::Set => format!("{{{inner}}}"),
            SegmentKind::ConfedSequence => format!("({inner})"),
            SegmentKind::ConfedSet => format!("[{inner}]"),
        }
    };
    let segments = path.segments().filter(|segment| !(without_confed && segment.kind.is_confed()));
    segments.map(one).collect::<Vec<_>>().join(" ")
}

/// Segments with AS numbers of 2 octets, with 4.
fn widened(mut segments: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [kind, count, rest @ ..] = segments {
        let (asns, behind) = rest.split_at(2 * usize::from(*count));
        out.extend([*kind, *count]);
        asns.as_chunks::<2>().0.iter().for_each(|[a, b]| out.extend([0, 0, *a, *b]));
        segments = behind;
    }
    out
}

fn len(octets: &[u8]) -> u8 {
    u8::try_from(octets.len()).unwrap()
}

fn text<'v>(vector: &'v Value, key: &str) -> &'v str {
    vector[key].as_str().unwrap_or_else(|| panic!("{vector}: no text {key}"))
}

fn number(vector: &Value, key: &str) -> i64 {
    vector[key].as_i64().unwrap_or_else(|| panic!("{vector}: no number {key}"))
}

fn octets(vector: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(vector, key)).unwrap()
}

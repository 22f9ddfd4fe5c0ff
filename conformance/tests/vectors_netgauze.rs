//! The wires of NetGauze's tests: parts of messages that it takes or refuses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/parts.rs"]
mod parts;

use bgp_wire::capability::Capability;
use bgp_wire::{AttrType, CapabilityCode, Family, FamilySet, MAX_LEN_EXTENDED, Message, SessionKind, frame};
use conformance::corpus::{Corpus, Differences};
use serde_json::Value;

use crate::parts::{attribute, context, judge_attribute, message};

#[test]
fn wires_of_netgauze() {
    let Some(corpus) = Corpus::for_test("wires_of_netgauze") else { return };
    let wires = corpus.objects("vectors/netgauze-wires.jsonl").unwrap();
    assert!(!wires.is_empty());
    let found: Vec<_> = wires.iter().filter_map(differs).collect();
    Differences::parse("differences-netgauze.txt", include_str!("../differences-netgauze.txt")).settle(&found);
}

/// The id of a wire that is judged otherwise than by NetGauze, and how.
fn differs(wire: &Value) -> Option<(String, String)> {
    let text = |key: &str| wire[key].as_str().unwrap_or_else(|| panic!("{wire}: no text {key}"));
    let octets = hex::decode(text("hex")).unwrap();
    let taken = match text("test_file") {
        "bgp_ls.rs" | "path_attribute.rs" => attribute_is_taken(text("test"), &octets),
        "capabilities.rs" => capability_is_taken(text("test"), &octets),
        "community.rs" => community_is_taken(text("test"), &octets),
        "mod.rs" | "open.rs" | "update.rs" | "route_refresh.rs" => message_is_taken(&octets),
        "nlri.rs" => nlri_is_taken(text("test"), &octets),
        "notification.rs" => notification_is_taken(text("test"), &octets),
        file => panic!("{wire}: a wire of {file}, which nobody here reads"),
    };
    let expected = text("verdict") == "accept";
    (taken != expected).then(|| (text("id").to_owned(), format!("{}: taken {taken}", text("test"))))
}

/// The attribute that a test is about.
fn type_of(test: &str) -> AttrType {
    const TYPES: &[(&str, AttrType)] = &[
        ("bgp_ls_vpn_mp_reach", AttrType::MP_REACH_NLRI),
        ("bgp_ls_mp_reach", AttrType::MP_REACH_NLRI),
        ("mp_unreach", AttrType::MP_UNREACH_NLRI),
        ("mp_reach", AttrType::MP_REACH_NLRI),
        ("bgp_ls", AttrType::BGP_LS),
        ("origin", AttrType::ORIGIN),
        ("as4_path_transitional", AttrType::AS4_PATH),
        ("as2_path", AttrType::AS_PATH),
        ("as4_path", AttrType::AS_PATH),
        ("as_path", AttrType::AS_PATH),
        ("next_hop", AttrType::NEXT_HOP),
        ("med", AttrType::MED),
        ("multi_exit", AttrType::MED),
        ("local_preference", AttrType::LOCAL_PREF),
        ("atomic_aggregate", AttrType::ATOMIC_AGGREGATE),
        ("aggregator", AttrType::AGGREGATOR),
        ("large_communit", AttrType::LARGE_COMMUNITIES),
        ("extended_communit", AttrType::EXTENDED_COMMUNITIES),
        ("communit", AttrType::COMMUNITIES),
        ("originator", AttrType::ORIGINATOR_ID),
        ("cluster", AttrType::CLUSTER_LIST),
        ("aigp", AttrType::AIGP),
        ("otc", AttrType::OTC),
        ("only_to_customer", AttrType::OTC),
        ("prefix_sid", AttrType::PREFIX_SID),
    ];
    let row = TYPES.iter().find(|(part, _)| test.contains(part));
    row.unwrap_or_else(|| panic!("{test}: of an attribute that nobody here names")).1
}

/// A whole attribute, a length and a value, or a value.
fn attribute_is_taken(test: &str, octets: &[u8]) -> bool {
    let ty = type_of(test);
    let narrow = test.contains("as2") || ty == AttrType::AS4_PATH;
    let ctx = context(SessionKind::Ibgp).with_four_octet_as(!narrow);
    let whole = match octets {
        [_, code, ..] if test.contains("path_attribute") && *code == ty.0 => octets.to_vec(),
        // A segment has no length in front.
        _ if test.contains("segment") => attribute(ty, octets),
        [len, rest @ ..] if usize::from(*len) == rest.len() => attribute(ty, rest),
        [high, low, rest @ ..] if usize::from(u16::from_be_bytes([*high, *low])) == rest.len() => attribute(ty, rest),
        _ => return false,
    };
    judge_attribute(ty, &whole, &ctx).is_none()
}

/// A capability with code and length, or a part of its value.
fn capability_is_taken(test: &str, octets: &[u8]) -> bool {
    let (code, value) = match octets {
        [code, len, value @ ..] if usize::from(*len) == value.len() => (*code, value),
        _ if test.contains("extended_next_hop") => (5, octets),
        _ => return false,
    };
    // A malformed value is kept as octets.
    let known = Capability::decode(CapabilityCode(code), value);
    !matches!(known, Capability::Unknown(_)) || CapabilityCode(code).name().is_none()
}

/// A community, an extended one without its type octet where the test names a type.
fn community_is_taken(test: &str, octets: &[u8]) -> bool {
    let (ty, len, value) = if test.contains("large") {
        (AttrType::LARGE_COMMUNITIES, 12, octets.to_vec())
    } else if test.contains("ipv6") {
        let missing = usize::from(octets.len() == 19);
        (AttrType::IPV6_EXTENDED_COMMUNITIES, 20, [&vec![0; missing][..], octets].concat())
    } else if test.contains("extended") {
        let missing = usize::from(octets.len() == 7);
        (AttrType::EXTENDED_COMMUNITIES, 8, [&vec![0; missing][..], octets].concat())
    } else {
        (AttrType::COMMUNITIES, 4, octets.to_vec())
    };
    let error = judge_attribute(ty, &attribute(ty, &value), &context(SessionKind::Ibgp));
    error.is_none() && value.len() == len
}

/// A whole message; path identifiers where it cannot be read without.
fn message_is_taken(octets: &[u8]) -> bool {
    let Ok(Some((message, []))) = frame(octets, MAX_LEN_EXTENDED) else { return false };
    let plain = context(SessionKind::Ibgp);
    let add_path = plain.with_add_path_receive(FamilySet::ALL);
    [plain, plain.with_four_octet_as(false), add_path, add_path.with_four_octet_as(false)].iter().any(|ctx| {
        match Message::decode(message, ctx) {
            Ok(Message::Update(update)) => update.verdict().action == bgp_wire::Action::Accept,
            other => other.is_ok(),
        }
    })
}

/// An EVPN route, with its type and length or without; as a withdrawal, which only asks for its form.
fn nlri_is_taken(test: &str, octets: &[u8]) -> bool {
    let ty = match test {
        "test_ethernet_auto_discovery" => Some(1),
        "test_mac_ip_advertisement" => Some(2),
        "test_inclusive_multicast_ethernet_tag_route" => Some(3),
        "test_ethernet_segment_route" => Some(4),
        "test_l2_evpn_route" => None,
        _ => panic!("{test}: of a family that nobody here names"),
    };
    let route = match ty {
        Some(ty) => [&[ty, u8::try_from(octets.len()).unwrap()][..], octets].concat(),
        None => octets.to_vec(),
    };
    let Family { afi, safi } = Family::L2VPN_EVPN;
    let value = [&afi.0.to_be_bytes()[..], &[safi.0], &route].concat();
    let ty = AttrType::MP_UNREACH_NLRI;
    judge_attribute(ty, &attribute(ty, &value), &context(SessionKind::Ibgp)).is_none()
}

/// A NOTIFICATION without the header; without the code where the test names it.
fn notification_is_taken(test: &str, octets: &[u8]) -> bool {
    let code = [
        ("test_message_header_error", 1),
        ("test_open_message_error", 2),
        ("test_update_message_error", 3),
        ("test_hold_timer_error", 4),
        ("test_finite_state_machine_error", 5),
        ("test_cease_error", 6),
        ("test_route_refresh_error", 7),
    ];
    let code = code.iter().find(|(name, _)| *name == test).map(|(_, code)| *code);
    let body: Vec<u8> = code.into_iter().chain(octets.iter().copied()).collect();
    message_is_taken(&message(3, &body))
}

//! NLRI of every typed family: text and octets, what identifies a route, malformed shapes with their class of RFC 7606.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use bgp_wire::attr::NextHop;
use bgp_wire::nlri::{NlriBuf, NlriRef, TypedNlri};
use bgp_wire::{AttrType, Family, FamilySet, Packer, PathId, UpdateView};
use bytes::BytesMut;

#[path = "support/families.rs"]
mod support;
use support::{block, ctx, octets, reach, update};

/// Text and octets of one route of each family, withdrawals included.
const ROUTES: &[(Family, &str, &str)] = &[
    (Family::IPV4_LABELED, "203.0.113.0/24 label 100", "30000641cb0071"),
    (Family::IPV4_LABELED, "203.0.113.0/24 label 100/200", "48000640000c81cb0071"),
    (Family::IPV4_LABELED, "203.0.113.0/24", "30800000cb0071"),
    (Family::IPV6_LABELED, "2001:db8::/32 label 1048575", "38fffff120010db8"),
    (Family::IPV4_VPN, "rd 64512:1 10.0.0.0/8 label 3", "600000310000fc00000000010a"),
    (Family::IPV4_VPN, "rd 192.0.2.1:7 0.0.0.0/0 label 16", "580001010001c00002010007"),
    (Family::IPV6_VPN, "rd 4200000000:9 2001:db8::/32 label 16", "780001010002fa56ea00000920010db8"),
    (Family::IPV6_VPN, "rd 1:1 2001:db8::/32", "78800000000000010000000120010db8"),
    (Family::RT_CONSTRAIN, "default", "00"),
    (Family::RT_CONSTRAIN, "origin 64512", "200000fc00"),
    (Family::RT_CONSTRAIN, "origin 64512 rt:64512:100", "600000fc000002fc0000000064"),
    (Family::RT_CONSTRAIN, "origin 64512 0002fc0000000000/32", "400000fc000002fc00"),
    (
        Family::IPV4_FLOWSPEC,
        "flow4 { dst 192.0.2.0/24; src 203.0.113.0/24; dport 22; }",
        "0d0118c000020218cb0071058116",
    ),
    (
        Family::IPV4_FLOWSPEC,
        "flow4 { dst 192.0.2.0/24; proto 6; port 25, >= 137 && <= 139, 8080; }",
        "120118c000020381060401190389458b911f90",
    ),
    (Family::IPV4_FLOWSPEC, "flow4 { proto < 6 && != 17, true 0; dscp false 63; }", "0a030406461187000b803f"),
    (
        Family::IPV4_FLOWSPEC,
        "flow4 { icmp-type > 8; icmp-code 0; tcp-flags = 0x12, ! 0x1; length 64:2; fragment != 0x2 && 0xc; }",
        "1407820808810009011282010a9100400c0302c00c",
    ),
    (Family::IPV4_FLOWSPEC_VPN, "flow4 rd 64512:1 { sport 53; }", "0b0000fc0000000001068135"),
    (Family::IPV6_FLOWSPEC, "flow6 { dst 2001:db8::/32; proto 17; label 7:4; }", "1001200020010db80381110da100000007"),
    (Family::IPV6_FLOWSPEC, "flow6 { dst ::1234:5678:9a00:0/104 offset 64; }", "08016840123456789a"),
    (Family::IPV6_FLOWSPEC_VPN, "flow6 rd 1:2 { src ::/0; }", "0b0000000100000002020000"),
    (
        Family::L2VPN_EVPN,
        "[1]:[7]:[00:01:02:03:04:05:06:07:08:09] rd 64512:1 label 1600",
        "01190000fc00000000010001020304050607080900000007000640",
    ),
    (
        Family::L2VPN_EVPN,
        "[2]:[0]:[48]:[00:00:5e:00:53:01]:[32]:[192.0.2.1] rd 64512:1 esi 0 label 100/200",
        "02280000fc000000000100000000000000000000000000003000005e00530120c00002010000640000c8",
    ),
    (
        Family::L2VPN_EVPN,
        "[2]:[4294967295]:[48]:[00:00:5e:00:53:01] rd 64512:1 esi 0 label 16",
        "02210000fc000000000100000000000000000000ffffffff3000005e00530100000010",
    ),
    (Family::L2VPN_EVPN, "[3]:[0]:[32]:[192.0.2.1] rd 64512:1", "03110000fc00000000010000000020c0000201"),
    (
        Family::L2VPN_EVPN,
        "[4]:[00:01:02:03:04:05:06:07:08:09]:[128]:[2001:db8::1] rd 64512:1",
        "04230000fc0000000001000102030405060708098020010db8000000000000000000000001",
    ),
    (
        Family::L2VPN_EVPN,
        "[5]:[0]:[24]:[203.0.113.0] rd 64512:1 esi 0 gateway 0.0.0.0 label 16",
        "05220000fc0000000001000000000000000000000000000018cb00710000000000000010",
    ),
    (
        Family::L2VPN_EVPN,
        "[6]:[0]:[0]:[*]:[32]:[232.1.1.1]:[32]:[192.0.2.1] rd 64512:1 flags 4",
        "06180000fc0000000001000000000020e801010120c000020104",
    ),
    (Family::L2VPN_EVPN, "[11] 0102ff", "0b030102ff"),
    (
        Family::BGP_LS,
        "node isis-l2 0 { local { as 64512; bgp-ls-id 0; router-id 0000.0000.0001; } }",
        "000100270200000000000000000100001a020000040000fc00020100040000000002030006000000000001",
    ),
    (
        Family::BGP_LS,
        "link ospfv2 7 { local { router-id 192.0.2.1; } remote { router-id 192.0.2.1/10.0.0.1; } link-ids 1/2; ipv4 10.0.0.1; 999 0xabcd; }",
        "0002003f0300000000000000070100000802030004c00002010101000c02030008c00002010a000001010200080000000100000002010300040a00000103e70002abcd",
    ),
    (
        Family::BGP_LS,
        "prefix6 ospfv3 0 { local { area 0.0.0.0; } topologies 0,2; route-type 1; prefix 2001:db8::/32; }",
        "0004002b06000000000000000001000008020200040000000001070004000000020108000101010900052020010db8",
    ),
    (Family::BGP_LS, "link-state 99 0102", "006300020102"),
    (
        Family::BGP_LS_VPN,
        "node rd 64512:1 direct 0 { local { as 1; } }",
        "0001001d0000fc0000000001040000000000000000010000080200000400000001",
    ),
];

#[test]
fn each_route_has_a_text_that_is_read_back_and_octets_of_its_rfc() {
    let mut wrong = Vec::new();
    for (family, text, hex) in ROUTES {
        let route: NlriBuf = text.parse().expect(text);
        assert_eq!((route.family(), route.to_string().as_str()), (*family, *text));
        if hex::encode(route.as_bytes()) != *hex {
            wrong.push(format!("{text}\n  {}\n  {hex}", hex::encode(route.as_bytes())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wrong_texts_are_told() {
    for (_, text, _) in ROUTES {
        for wrong in [format!("{text} x"), format!("x{text}"), text[..text.len() - 1].replace("label 20", "label ")] {
            let Ok(read) = wrong.parse::<NlriBuf>() else { continue };
            assert_ne!(&read.to_string(), text, "{wrong}");
        }
    }
    for wrong in [
        "",
        "[",
        "[]",
        "[2]",
        "[2]:[0] rd",
        "flow4",
        "flow4 { }",
        "flow4 { dport 1; dst 10.0.0.0/8; }",
        "flow4 { label 1; }",
        "flow4 { dst 2001:db8::/32; }",
        "flow6 { dst 10.0.0.0/8; }",
        "flow4 { dscp 256; }",
        "flow4 { dport 1:3; }",
        "flow4 { dport ; }",
        "10.0.0.0/8 label",
        "10.0.0.0/8 label 1048576",
        "10.0.0.0/8 label 1/2/3/4/5/6/7/8/9/10/11",
        "rd 1:1",
        "origin",
        "origin 1 0002fc0000000000/65",
        "node isis-l2 0 { ",
        "node isis-l9 0 { }",
        "link-state",
    ] {
        assert!(wrong.parse::<NlriBuf>().is_err(), "{wrong}");
    }
}

#[test]
fn announced_routes_are_packed_and_read_again() {
    for add_path in [FamilySet::EMPTY, FamilySet::ALL] {
        let ctx = ctx().with_add_path_send(add_path).with_add_path_receive(add_path);
        let path_id = if add_path.is_empty() { None } else { Some(PathId(9)) };
        for (family, text, _) in ROUTES {
            let route: NlriBuf = text.parse().unwrap();
            let path = || bgp_wire::nlri::PathNlri { path_id, nlri: route.as_ref().into() };
            let next_hop: NextHop = if family.afi.0 == 2 { "2001:db8::1" } else { "192.0.2.1" }.parse().unwrap();
            let shown = path_id.map_or(text.to_string(), |_| format!("{text}#9"));
            let mut out = BytesMut::new();
            let announced = Packer::new(&ctx).announce(&mut out, &block(), next_hop, *family, [path()]);
            let labels = text.contains("label") || !matches!(family.safi.0, 4 | 128);
            let alone = *family == Family::L2VPN_EVPN && text.starts_with("[4]"); // its communities are missing
            assert_eq!(announced.is_ok(), labels, "{text}: {announced:?}");
            if announced.is_ok() && !alone {
                let view = UpdateView::decode(&out, &ctx).unwrap();
                let part = view.announced().next().map(|part| (part.next_hop, part.nlri.map(|nlri| nlri.to_string())));
                let (hop, mut routes) = part.unwrap_or_else(|| panic!("{text} is withdrawn"));
                assert_eq!((hop, routes.next(), routes.next()), (next_hop, Some(shown), None));
            }
            out.clear();
            Packer::new(&ctx).withdraw(&mut out, *family, [path()]).unwrap();
            let view = UpdateView::decode(&out, &ctx).unwrap();
            let part = view.withdrawn().next().unwrap();
            assert_eq!(part.family, *family);
            let mut nlri = part.nlri;
            let first = nlri.next().unwrap();
            assert_eq!((first.path_id, nlri.next()), (path_id, None));
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            route.as_ref().write_key(&mut ours);
            let NlriRef::Typed(nlri) = first.nlri else { panic!("{first}") };
            nlri.write_key(&mut theirs);
            assert_eq!(ours, theirs, "{text}");
        }
    }
}

fn key(text: &str) -> (Family, Vec<u8>) {
    let route: NlriBuf = text.parse().expect(text);
    let mut key = Vec::new();
    route.as_ref().write_key(&mut key);
    let again = TypedNlri::from_key(route.family(), &key).expect(text);
    let mut second = Vec::new();
    again.write_key(&mut second);
    assert_eq!(key, second, "{text}");
    (route.family(), key)
}

#[test]
fn keys_leave_out_what_does_not_identify_a_route() {
    for (same, other) in [
        // RFC 8277 section 2: labels do not.
        (["10.0.0.0/8 label 1", "10.0.0.0/8 label 2/3", "10.0.0.0/8"], "10.0.0.0/9 label 1"),
        (
            ["rd 1:1 10.0.0.0/8 label 1", "rd 1:1 10.0.0.0/8 label 2/3", "rd 1:1 10.0.0.0/8"],
            "rd 1:2 10.0.0.0/8 label 1",
        ),
        // RFC 7432 section 7.2: segment and labels do not.
        (
            [
                "[2]:[0]:[48]:[00:00:5e:00:53:01] rd 1:1 esi 0 label 1",
                "[2]:[0]:[48]:[00:00:5e:00:53:01] rd 1:1 esi 00:00:00:00:00:00:00:00:00:01 label 1",
                "[2]:[0]:[48]:[00:00:5e:00:53:01] rd 1:1 esi 0 label 2/3",
            ],
            "[2]:[0]:[48]:[00:00:5e:00:53:01]:[32]:[192.0.2.1] rd 1:1 esi 0 label 1",
        ),
        // RFC 7432 section 7.1: the label does not, the segment does.
        (
            [
                "[1]:[0]:[00:00:00:00:00:00:00:00:00:01] rd 1:1 label 1",
                "[1]:[0]:[00:00:00:00:00:00:00:00:00:01] rd 1:1 label 2",
                "[1]:[0]:[00:00:00:00:00:00:00:00:00:01] rd 1:1 label 0",
            ],
            "[1]:[0]:[00:00:00:00:00:00:00:00:00:02] rd 1:1 label 1",
        ),
        // RFC 9136 section 3.1: segment, gateway and label do not.
        (
            [
                "[5]:[0]:[24]:[203.0.113.0] rd 1:1 esi 0 gateway 0.0.0.0 label 1",
                "[5]:[0]:[24]:[203.0.113.0] rd 1:1 esi 0 gateway 192.0.2.1 label 0",
                "[5]:[0]:[24]:[203.0.113.0] rd 1:1 esi 00:00:00:00:00:00:00:00:00:01 gateway 0.0.0.0 label 0",
            ],
            "[5]:[1]:[24]:[203.0.113.0] rd 1:1 esi 0 gateway 0.0.0.0 label 1",
        ),
        // RFC 9251 section 9.1: flags do not.
        (
            [
                "[6]:[0]:[0]:[*]:[32]:[232.1.1.1]:[32]:[192.0.2.1] rd 1:1 flags 4",
                "[6]:[0]:[0]:[*]:[32]:[232.1.1.1]:[32]:[192.0.2.1] rd 1:1 flags 2",
                "[6]:[0]:[0]:[*]:[32]:[232.1.1.1]:[32]:[192.0.2.1] rd 1:1 flags 0",
            ],
            "[6]:[0]:[0]:[*]:[32]:[232.1.1.1]:[32]:[192.0.2.2] rd 1:1 flags 4",
        ),
    ] {
        let [first, second, third] = same.map(key);
        assert_eq!(first, second);
        assert_eq!(first, third);
        assert_ne!(first, key(other), "{other}");
    }
    // Bits behind the prefix length do not count.
    let clean = NlriBuf::decode(Family::IPV4_LABELED, &octets("2100001 10a80")).unwrap();
    let noisy = NlriBuf::decode(Family::IPV4_LABELED, &octets("2100001 10aff")).unwrap();
    assert_eq!(clean, noisy);
}

#[test]
fn next_hops_have_the_lengths_of_their_family() {
    let plain = ctx().with_ext_next_hop(FamilySet::EMPTY);
    let extended = ctx();
    for (family, without, with) in [
        (Family::IPV4_MULTICAST, &[4][..], &[4, 16, 32][..]),
        (Family::IPV4_LABELED, &[4], &[4, 16, 32]),
        (Family::IPV4_VPN, &[12], &[12, 16, 24, 32, 48]),
        (Family::IPV6_MULTICAST, &[16, 32], &[16, 32]),
        (Family::IPV6_LABELED, &[16, 32], &[16, 32]),
        (Family::IPV6_VPN, &[24, 48], &[24, 48]),
        (Family::RT_CONSTRAIN, &[4, 16, 32], &[4, 16, 32]),
        (Family::L2VPN_EVPN, &[4, 16, 32], &[4, 16, 32]),
        (Family::BGP_LS, &[4, 16, 32], &[4, 16, 32]),
        (Family::BGP_LS_VPN, &[12, 24, 48], &[12, 24, 48]),
    ] {
        for (ctx, right) in [(&plain, without), (&extended, with)] {
            for len in 0..=49 {
                let value = reach(family, &vec![1; len], &[]);
                let message = update(AttrType::MP_REACH_NLRI, &value, &[]);
                assert_eq!(UpdateView::decode(&message, ctx).is_ok(), right.contains(&len), "{family} {len}");
            }
        }
    }
    // RFC 8955 section 4: what is there means nothing.
    for len in 0..=49 {
        let value = reach(Family::IPV4_FLOWSPEC, &vec![1; len], &octets("03058116"));
        let message = update(AttrType::MP_REACH_NLRI, &value, &[]);
        assert_eq!(UpdateView::decode(&message, &plain).unwrap().announced().count(), 1, "{len}");
    }
}

#[test]
fn rfc4724_2_both_markers_for_every_family() {
    for family in Family::NAMED {
        let mut out = BytesMut::new();
        Packer::new(&ctx()).end_of_rib(&mut out, *family);
        assert_eq!(out.len(), if *family == Family::IPV4_UNICAST { 23 } else { 29 });
        assert_eq!(UpdateView::decode(&out, &ctx()).unwrap().end_of_rib(), Some(*family));
    }
    // RFC 4724 section 2 has the short form for IPv4 unicast, yet some send the other one for it, too.
    let message = update(AttrType::MP_UNREACH_NLRI, &[0, 1, 1], &[]);
    assert_eq!(UpdateView::decode(&message, &ctx()).unwrap().end_of_rib(), Some(Family::IPV4_UNICAST));
}

#[test]
fn rfc8955_5_1_the_more_specific_rule_comes_first() {
    let rules = [
        "flow4 { dst 10.0.1.0/24; dport 80; }",
        "flow4 { dst 10.0.1.0/24; }",
        "flow4 { dst 10.0.0.0/8; proto 6; }",
        "flow4 { dst 10.0.0.0/8; proto 17; }",
        "flow4 { dst 10.0.0.0/8; dport 80; }",
        "flow4 { dst 192.0.2.0/24; }",
        "flow4 { src 10.0.0.0/8; }",
        "flow4 { proto 6; }",
    ]
    .map(|text| text.parse::<NlriBuf>().unwrap());
    for (i, first) in rules.iter().enumerate() {
        for (j, second) in rules.iter().enumerate() {
            let (bgp_wire::nlri::NlriValue::FlowSpec(a), bgp_wire::nlri::NlriValue::FlowSpec(b)) =
                (first.as_ref().value(), second.as_ref().value())
            else {
                panic!("{first} {second}")
            };
            assert_eq!(a.compare(&b), i.cmp(&j), "{first} {second}");
        }
    }
}

#[test]
fn all_public_types_of_nlri_are_send_and_sync() {
    use bgp_wire::nlri::{Label, Labeled, Labels, NlriValue, RouteDistinguisher, RtConstrain, Vpn};
    use bgp_wire::nlri::{evpn::*, flowspec::*, link_state::*};

    fn send_sync<T: Send + Sync>() {}
    macro_rules! all {
        ($($Type:ty),* $(,)?) => { $( send_sync::<$Type>(); )* };
    }
    all! {
        Label, Labels, Labeled, NlriBuf, NlriRef<'_>, NlriValue<'_>, TypedNlri<'_>, RouteDistinguisher, RtConstrain, Vpn,
        AutoDiscovery, EthernetSegment, EthernetSegmentId, Evpn<'_>, InclusiveMulticast, IpPrefix, LabelField,
        MacAddress, MacIp, SelectiveMulticast,
        Component<'_>, Components<'_>, ComponentType, FlowSpec<'_>, FlowSpecBuilder, Match<'_>, Operation, Operations<'_>,
        LinkState<'_>, LinkStateType, Protocol, Tlv<'_>, Tlvs<'_>, TlvType,
    }
}

#[cfg(feature = "serde")]
#[test]
fn the_text_is_what_serde_writes_and_reads() {
    for (_, text, _) in ROUTES {
        let route: NlriBuf = text.parse().unwrap();
        let json = serde_json::to_value(&route).unwrap();
        assert_eq!(json, serde_json::json!(text));
        assert_eq!(serde_json::from_value::<NlriBuf>(json).unwrap(), route);
        assert_eq!(serde_json::to_value(route.as_ref()).unwrap(), serde_json::json!(text));
    }
    assert!(serde_json::from_str::<NlriBuf>("\"flow4 { }\"").is_err());
}

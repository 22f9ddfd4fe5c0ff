//! NLRI of every typed family that are malformed, or mean nothing, with their class of RFC 7606.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use bgp_wire::attr::NextHop;
use bgp_wire::nlri::{NlriBuf, NlriRef};
use bgp_wire::{Action, AttrType, Context, Error, Family, FamilySet, Packer, UpdateView};
use bytes::BytesMut;

#[path = "support/families.rs"]
mod support;
use support::{block, ctx, octets, reach, update};

fn announce(ctx: &Context, family: Family, nlri: &[u8]) -> Result<(Action, Vec<String>), Error> {
    announce_with(ctx, family, nlri, &[])
}

fn announce_with(
    ctx: &Context,
    family: Family,
    nlri: &[u8],
    communities: &[[u8; 8]],
) -> Result<(Action, Vec<String>), Error> {
    let next_hop: &[u8] = match family {
        Family::IPV4_VPN => &[0; 12],
        Family::IPV6_VPN | Family::BGP_LS_VPN => &[0; 24],
        Family::IPV4_FLOWSPEC | Family::IPV4_FLOWSPEC_VPN | Family::IPV6_FLOWSPEC | Family::IPV6_FLOWSPEC_VPN => &[],
        _ if family.afi == Family::IPV6_UNICAST.afi => &[0; 16],
        _ => &[192, 0, 2, 1],
    };
    let message = update(AttrType::MP_REACH_NLRI, &reach(family, next_hop, nlri), communities);
    let view = UpdateView::decode(&message, ctx)?;
    let announced = view.announced().flat_map(|part| part.nlri).map(|nlri| nlri.to_string());
    let withdrawn = view.withdrawn().flat_map(|part| part.nlri).map(|nlri| nlri.to_string());
    let action = view.verdict().action;
    Ok((action, if action == Action::Accept { announced.collect() } else { withdrawn.collect() }))
}

fn withdraw(ctx: &Context, family: Family, nlri: &[u8]) -> Result<Vec<String>, Error> {
    let mut value = family.afi.0.to_be_bytes().to_vec();
    value.push(family.safi.0);
    value.extend(nlri);
    let message = update(AttrType::MP_UNREACH_NLRI, &value, &[]);
    let view = UpdateView::decode(&message, ctx)?;
    Ok(view.withdrawn().flat_map(|part| part.nlri).map(|nlri| nlri.to_string()).collect())
}

fn resets(result: Result<impl std::fmt::Debug, Error>) -> bool {
    matches!(result, Err(error) if error.action() == Action::SessionReset)
}

#[test]
fn rfc8277_2_2_one_label_whatever_its_bottom_of_stack_bit_is() {
    let ctx = ctx().with_multiple_labels(FamilySet::EMPTY);
    let family = Family::IPV4_LABELED;
    for bottom in ["300006 40cb0071", "30000641cb0071"] {
        let routes = announce(&ctx, family, &octets(bottom)).unwrap();
        assert_eq!(routes, (Action::Accept, vec!["203.0.113.0/24 label 100".to_owned()]));
    }
    // RFC 8277 section 2.1: more than one may not be sent then.
    let route: NlriBuf = "10.0.0.0/8 label 1/2".parse().unwrap();
    let next_hop: NextHop = "192.0.2.1".parse().unwrap();
    let sent = Packer::new(&ctx).announce(
        &mut BytesMut::new(),
        &block(),
        next_hop,
        family,
        [NlriRef::from(route.as_ref()).into()],
    );
    assert_eq!(sent, Err(bgp_wire::PackError::Nlri { family }));
}

#[test]
fn rfc8277_2_3_a_stack_ends_with_the_bottom_of_stack_bit() {
    let family = Family::IPV4_LABELED;
    let routes = announce(&ctx(), family, &octets("48000640000c81cb0071")).unwrap();
    assert_eq!(routes, (Action::Accept, vec!["203.0.113.0/24 label 100/200".to_owned()]));
    // The stack does not end within the NLRI.
    assert!(resets(announce(&ctx(), family, &octets("30000640cb0070"))));
}

#[test]
fn rfc8277_2_4_the_field_of_a_withdrawal_means_nothing() {
    for field in ["800000", "000000", "000640", "ffffff"] {
        let routes = withdraw(&ctx(), Family::IPV4_LABELED, &octets(&format!("30{field}cb0071"))).unwrap();
        assert_eq!(routes, ["203.0.113.0/24"]);
        let routes = withdraw(&ctx(), Family::IPV4_VPN, &octets(&format!("60{field}0000fc00000000010a"))).unwrap();
        assert_eq!(routes, ["rd 64512:1 10.0.0.0/8"]);
    }
}

#[test]
fn rfc7606_5_3_malformed_nlri_of_every_family_reset_the_session() {
    for (family, shapes) in [
        // Shorter than a label (CVE-2023-38407), longer than an address, cut off.
        (Family::IPV4_LABELED, &["00", "08aa", "17000011", "39000011cb007100ff", "30000011cb00", "30"][..]),
        (Family::IPV6_LABELED, &["00", "9900001120010db80000000000000000000000000000", "38000011"]),
        (
            Family::IPV4_VPN,
            &["00", "18000011", "5700001100000001000000", "79000011000000010000000a0a0a0a0a", "60000011"],
        ),
        (Family::IPV6_VPN, &["00", "58000011", "d9"]),
        (Family::IPV4_MULTICAST, &["21c0000201ff", "18c000"]),
        (Family::IPV6_MULTICAST, &["81", "2020010d"]),
        (Family::RT_CONSTRAIN, &["01ff", "1f00000000", "61", "610000fc000002fc000000006400", "60"]),
        // Length 0 (CVE-2023-38406), beyond the end, order, repetition, unknown type, no end of a list, too wide.
        (
            Family::IPV4_FLOWSPEC,
            &[
                "00",
                "05",
                "f0",
                "f000",
                "0401200a00",
                "0305811602",
                "0a05811 60118c0000201",
                "06058116058117",
                "0214",
                "020d81",
                "0c",
                "03050116",
                "020581",
                "060121c0000201",
                "040b910016",
                "040c910002",
                "0609a100000002",
            ],
        ),
        (Family::IPV4_FLOWSPEC_VPN, &["00", "080000fc0000000001", "070000fc00000000", "0a0000fc00000000010c81"]),
        (Family::IPV6_FLOWSPEC, &["00", "0401200020", "0301 2021", "03014040", "03018100", "0401828020"]),
        (Family::IPV6_FLOWSPEC_VPN, &["00", "080000fc0000000001"]),
        (
            Family::L2VPN_EVPN,
            &[
                "01",
                "0119",
                "01180000fc00000000010001020304050607080900000007000640",
                "02220000fc000000000100000000000000000000000000003000005e0053010000001000",
                "02210000fc000000000100000000000000000000000000002f00005e00530100000010",
                "03110000fc00000000010000000018c0000201",
                "030d0000fc0000000001000000 0000",
                "0422",
                "05220000fc0000000001000000000000000000000000000021cb00710000000000000010",
                "05210000fc0000000001000000000000000000000000000018cb007100000000000000",
                "06170000fc000000000100000000 0020e801010120c0000201",
            ],
        ),
        (Family::BGP_LS, &["00", "0001", "000100", "00010009", "000100020102030405"]),
        (Family::BGP_LS_VPN, &["000100070000fc00000000", "0001"]),
    ] {
        for shape in shapes {
            let shape = octets(shape);
            assert!(resets(announce(&ctx(), family, &shape)), "{family} {shape:x?}");
            assert!(resets(withdraw(&ctx(), family, &shape)), "{family} {shape:x?}");
        }
    }
}

#[test]
fn rfc9552_8_2_2_malformed_link_state_is_passed_over() {
    let object = |body: &str| {
        let body = octets(body);
        [&[0, 1][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), &body].concat()
    };
    let fixed = "02 0000000000000000"; // IS-IS level 2, identifier 0
    let node = "01000008 02000004 00000001"; // local node: AS 1
    let good = object(&format!("{fixed}{node}"));
    for broken in [
        fixed.to_owned(),                                                // no local node
        format!("{fixed} 01010000 {node}"),                              // remote before local
        format!("{fixed} 01000010 02010004 00000000 02000004 00000001"), // BGP-LS identifier before AS
        format!("{fixed} {node} 03e7"),                                  // a descriptor that is cut off
        format!("{fixed} 01000008 02000009 00000001"),                   // one inside of a node
        "02".to_owned(),
    ] {
        let nlri = [&object(&broken)[..], &good, &object(&broken)].concat();
        let (action, routes) = announce(&ctx(), Family::BGP_LS, &nlri).unwrap();
        assert_eq!(
            (action, routes),
            (Action::Accept, vec!["node isis-l2 0 { local { as 1; } }".to_owned()]),
            "{broken}"
        );
        assert_eq!(withdraw(&ctx(), Family::BGP_LS, &nlri).unwrap().len(), 1);
    }
}

#[test]
fn rfc7606_5_4_unknown_types_are_kept() {
    for (family, nlri, text) in [
        (Family::L2VPN_EVPN, "0700", "[7] "),
        (Family::L2VPN_EVPN, "ff020102", "[255] 0102"),
        (Family::BGP_LS, "00630000", "link-state 99 "),
    ] {
        assert_eq!(announce(&ctx(), family, &octets(nlri)).unwrap(), (Action::Accept, vec![text.to_owned()]));
    }
}

/// Extended communities: ESI label, import route target of a segment, router's MAC.
const ESI_LABEL: [u8; 8] = [6, 1, 0, 0, 0, 0, 0, 1];
const ES_IMPORT: [u8; 8] = [6, 2, 1, 2, 3, 4, 5, 6];
const ROUTER_MAC: [u8; 8] = [6, 3, 0, 0, 0x5e, 0, 0x53, 1];

#[test]
fn evpn_announcements_that_mean_nothing_are_withdrawn() {
    let segment = "00:01:02:03:04:05:06:07:08:09";
    let host = "[2]:[0]:[48]:[00:00:5e:00:53:01]";
    let prefix = "[5]:[0]:[24]:[203.0.113.0] rd 1:1";
    for (rfc, text, communities, means) in [
        ("7432 8.2.1", format!("[1]:[4294967295]:[{segment}] rd 1:1 label 0"), &[ESI_LABEL][..], true),
        ("7432 8.2.1", format!("[1]:[4294967295]:[{segment}] rd 1:1 label 0"), &[], false),
        ("7432 8.2.1", format!("[1]:[4294967295]:[{segment}] rd 1:1 label 1"), &[ESI_LABEL], false),
        ("7432 8.4.1", format!("[1]:[7]:[{segment}] rd 1:1 label 1"), &[], true),
        ("8214 3.1", "[1]:[7]:[0] rd 1:1 label 1".to_owned(), &[], true),
        ("7432 5", "[1]:[4294967295]:[0] rd 1:1 label 0".to_owned(), &[ESI_LABEL], false),
        ("7432 5", "[1]:[4294967295]:[ff:ff:ff:ff:ff:ff:ff:ff:ff:ff] rd 1:1 label 0".to_owned(), &[ESI_LABEL], false),
        ("7432 8.1.1", format!("[4]:[{segment}]:[32]:[192.0.2.1] rd 1:1"), &[ES_IMPORT], true),
        ("7432 8.1.1", format!("[4]:[{segment}]:[32]:[192.0.2.1] rd 1:1"), &[ESI_LABEL], false),
        ("7432 8.1.1", "[4]:[0]:[32]:[192.0.2.1] rd 1:1".to_owned(), &[ES_IMPORT], false),
        ("9135 5.1", format!("{host}:[32]:[192.0.2.1] rd 1:1 esi 0 label 1/2"), &[], true),
        ("9135 5.1", format!("{host} rd 1:1 esi 0 label 1/2"), &[], false),
        ("9135 5.1", format!("{host} rd 1:1 esi 0 label 1"), &[], true),
        ("9136 3.1", format!("{prefix} esi 0 gateway 0.0.0.0 label 1"), &[], true),
        ("9136 3.1", format!("{prefix} esi 0 gateway 0.0.0.0 label 0"), &[], false),
        ("9136 3.1", format!("{prefix} esi 0 gateway 0.0.0.0 label 0"), &[ROUTER_MAC], true),
        ("9136 3.1", format!("{prefix} esi 0 gateway 0.0.0.0 label 0"), &[[6, 3, 0, 0, 0, 0, 0, 0]], false),
        ("9136 3.2", format!("{prefix} esi 0 gateway 192.0.2.1 label 0"), &[], true),
        ("9136 3.2", format!("{prefix} esi {segment} gateway 0.0.0.0 label 0"), &[], true),
        ("9136 3.2", format!("{prefix} esi {segment} gateway 192.0.2.1 label 0"), &[], false),
    ] {
        let route: NlriBuf = text.parse().expect(&text);
        let (action, routes) = announce_with(&ctx(), Family::L2VPN_EVPN, route.as_bytes(), communities).unwrap();
        assert_eq!(action, if means { Action::Accept } else { Action::TreatAsWithdraw }, "RFC {rfc}: {text}");
        assert_eq!(routes, [text.as_str()], "RFC {rfc}");
        // Withdrawals carry no attributes to be held against.
        assert_eq!(withdraw(&ctx(), Family::L2VPN_EVPN, route.as_bytes()).unwrap(), [text.as_str()]);
    }
}

#[test]
fn evpn_reasons_name_the_attribute() {
    let route: NlriBuf = "[4]:[0]:[32]:[192.0.2.1] rd 1:1".parse().unwrap();
    let value = reach(Family::L2VPN_EVPN, &[192, 0, 2, 1], route.as_bytes());
    let message = update(AttrType::MP_REACH_NLRI, &value, &[]);
    let view = UpdateView::decode(&message, &ctx()).unwrap();
    let reasons: Vec<_> = view.reasons().map(|reason| reason.to_string()).collect();
    assert_eq!(reasons, ["attribute 14 announces a route that means nothing at octet 43"]);
}

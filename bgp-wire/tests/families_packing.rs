//! Packing NLRI of any family: as few messages as there can be, and nothing lost.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::NextHop;
use bgp_wire::nlri::evpn::{EthernetSegmentId, Evpn, LabelField, MacAddress, MacIp};
use bgp_wire::nlri::flowspec::{ComponentType, FlowSpecBuilder, Operation};
use bgp_wire::nlri::{Label, Labeled, NlriBuf, NlriRef, NlriValue, PathNlri, RouteDistinguisher, Vpn};
use bgp_wire::{Asn, Context, Family, FamilySet, Packer, PathId, SessionKind, UpdateView};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

fn ctx(limit: u16) -> Context {
    Context::new(SessionKind::Ebgp)
        .with_families(FamilySet::ALL)
        .with_multiple_labels(FamilySet::ALL)
        .with_max_send(limit)
        .with_max_receive(limit)
}

/// A route of a family, of a size and with octets that `seed` chooses.
fn route(family: Family, seed: u32) -> NlriBuf {
    let rd = RouteDistinguisher::of_asn(Asn(64512), seed % 7);
    let v4 = Ipv4Net::new(Ipv4Addr::from(seed.wrapping_mul(2_654_435_761)), u8::try_from(seed % 33).unwrap());
    let v6 = Ipv6Net::new(
        Ipv6Addr::from(u128::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        u8::try_from(seed % 129).unwrap(),
    );
    let (v4, v6) = (v4.unwrap().trunc(), v6.unwrap().trunc());
    let prefix: IpNet = if family.afi.0 == 2 { v6.into() } else { v4.into() };
    let labels = Label::new(seed % (1 << 20)).unwrap().into();
    let value = match family {
        Family::IPV4_LABELED | Family::IPV6_LABELED => NlriValue::Labeled(Labeled { labels, prefix }),
        Family::IPV4_VPN | Family::IPV6_VPN => NlriValue::Vpn(Vpn { rd, labels, prefix }),
        Family::L2VPN_EVPN => {
            let mut mac = MacAddress([0; 6]);
            mac.0[..4].copy_from_slice(&seed.to_be_bytes());
            NlriValue::Evpn(Evpn::MacIp(MacIp {
                rd,
                esi: EthernetSegmentId::ZERO,
                tag: 0,
                mac,
                ip: match seed % 3 {
                    0 => None,
                    1 => Some(IpAddr::V4(v4.addr())),
                    _ => Some(IpAddr::V6(v6.addr())),
                },
                label1: LabelField::of_vni(7).unwrap(),
                label2: None,
            }))
        }
        _ => {
            let mut rule = FlowSpecBuilder::ipv4().prefix(ComponentType::DESTINATION, v4.into(), 0);
            let count = usize::try_from(seed % 17).unwrap().pow(2) * 3;
            let ports: Vec<_> = (0..=count).map(|at| Operation::new(false, 1, at as u64 + 1000)).collect();
            rule = rule.operations(ComponentType::DESTINATION_PORT, &ports);
            return rule.build().unwrap();
        }
    };
    NlriBuf::new(family, &value).unwrap()
}

fn next_hop(family: Family) -> NextHop {
    match family {
        Family::IPV4_FLOWSPEC => NextHop::None,
        _ if family.afi.0 == 2 => NextHop::V6(Ipv6Addr::LOCALHOST),
        _ => NextHop::V4(Ipv4Addr::new(192, 0, 2, 1)),
    }
}

const FAMILIES: [Family; 6] = [
    Family::IPV4_LABELED,
    Family::IPV6_LABELED,
    Family::IPV4_VPN,
    Family::IPV6_VPN,
    Family::L2VPN_EVPN,
    Family::IPV4_FLOWSPEC,
];

/// Octets for NLRI in a message: all but header, lengths, other attributes and what precedes the NLRI in MP_REACH_NLRI.
fn room(limit: u16, family: Family) -> usize {
    let next_hop = match family {
        Family::IPV4_FLOWSPEC => 0,
        Family::IPV4_VPN => 12,
        Family::IPV6_VPN => 24,
        _ if family.afi.0 == 2 => 16,
        _ => 4,
    };
    usize::from(limit) - 23 - BLOCK.len() - (4 + 5 + next_hop)
}

/// ORIGIN and an AS_PATH of one AS.
const BLOCK: [u8; 13] = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0];

/// The routes of all messages as text, in order, and how many messages there are.
fn unpack(octets: &[u8], ctx: &Context) -> (Vec<String>, usize) {
    let (mut routes, mut count, mut rest) = (Vec::new(), 0, octets);
    while let Some((message, behind)) = bgp_wire::frame(rest, ctx.max_receive().into()).unwrap() {
        let view = UpdateView::decode(message, ctx).unwrap();
        routes.extend(view.announced().flat_map(|part| part.nlri).map(|nlri| nlri.to_string()));
        (rest, count) = (behind, count + 1);
    }
    routes.sort();
    (routes, count)
}

#[test]
fn one_size_takes_exactly_as_many_messages_as_it_must() {
    for family in FAMILIES {
        for limit in [4096, 65535] {
            for add_path in [false, true] {
                let set = if add_path { FamilySet::ALL } else { FamilySet::EMPTY };
                let ctx = ctx(limit).with_add_path_send(set).with_add_path_receive(set);
                let one = route(family, 7);
                let k = room(limit, family) / (one.as_bytes().len() + if add_path { 4 } else { 0 });
                for n in [1, k, k + 1, 3 * k, 3 * k + 1] {
                    let routes = std::iter::repeat_n(PathNlri::from(NlriRef::from(one.as_ref())), n);
                    let mut out = BytesMut::new();
                    let count = Packer::new(&ctx).announce(&mut out, &BLOCK, next_hop(family), family, routes).unwrap();
                    assert_eq!((count, unpack(&out, &ctx).1), (n.div_ceil(k), n.div_ceil(k)), "{family} {limit} {n}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn mixed_sizes_take_at_most_one_message_more_than_their_octets(
        family in prop::sample::select(&FAMILIES[..5]),
        seeds in prop::collection::vec(any::<u32>(), 1..3000),
        extended in any::<bool>(),
    ) {
        let ctx = ctx(if extended { 65535 } else { 4096 });
        let routes: Vec<_> = seeds.iter().map(|seed| route(family, *seed)).collect();
        let mut out = BytesMut::new();
        let nlri = routes.iter().map(|route| PathNlri::from(NlriRef::from(route.as_ref())));
        let count = Packer::new(&ctx).announce(&mut out, &BLOCK, next_hop(family), family, nlri).unwrap();
        let octets: usize = routes.iter().map(|route| route.as_bytes().len()).sum();
        // No packing takes fewer than all octets do.
        prop_assert!(count <= octets.div_ceil(room(ctx.max_send(), family)) + 1, "{count} for {octets} octets");
        let mut expected: Vec<_> = routes.iter().map(ToString::to_string).collect();
        expected.sort();
        prop_assert_eq!(unpack(&out, &ctx), (expected, count));
    }

    /// Sizes of up to half a message: the fewest cannot be computed, so the octets and the large ones are the measure.
    #[test]
    fn large_rules_are_packed_without_loss(seeds in prop::collection::vec(any::<u32>(), 1..400)) {
        let (ctx, family) = (ctx(4096), Family::IPV4_FLOWSPEC);
        let routes: Vec<_> = seeds.iter().map(|seed| route(family, *seed)).collect();
        let mut out = BytesMut::new();
        let nlri = routes.iter().map(|route| PathNlri::from(NlriRef::from(route.as_ref())));
        let count = Packer::new(&ctx).announce(&mut out, &BLOCK, NextHop::None, family, nlri).unwrap();
        let octets: usize = routes.iter().map(|route| route.as_bytes().len()).sum();
        let half = routes.iter().filter(|route| route.as_bytes().len() > room(4096, family) / 2).count();
        prop_assert!(count <= octets.div_ceil(room(4096, family)).max(half) + 1, "{count} for {octets} octets, {half} large");
        let mut expected: Vec<_> = routes.iter().map(ToString::to_string).collect();
        expected.sort();
        prop_assert_eq!(unpack(&out, &ctx), (expected, count));
    }

    #[test]
    fn path_identifiers_and_withdrawals_come_back(
        family in prop::sample::select(&FAMILIES[..]),
        seeds in prop::collection::vec(any::<u32>(), 1..200),
    ) {
        let ctx = ctx(4096).with_add_path_send(FamilySet::ALL).with_add_path_receive(FamilySet::ALL);
        let routes: Vec<_> = seeds.iter().map(|seed| (PathId(*seed), route(family, *seed))).collect();
        let mut out = BytesMut::new();
        let nlri = routes.iter().map(|(id, route)| PathNlri { path_id: Some(*id), nlri: route.as_ref().into() });
        Packer::new(&ctx).withdraw(&mut out, family, nlri).unwrap();
        let key = |nlri: &NlriRef<'_>| {
            let mut key = Vec::new();
            if let NlriRef::Typed(nlri) = nlri {
                nlri.write_key(&mut key);
            }
            key
        };
        let mut expected: Vec<_> = routes.iter().map(|(id, route)| (Some(*id), key(&route.as_ref().into()))).collect();
        let (mut found, mut rest) = (Vec::new(), &out[..]);
        while let Some((message, behind)) = bgp_wire::frame(rest, 4096).unwrap() {
            let view = UpdateView::decode(message, &ctx).unwrap();
            found.extend(view.withdrawn().flat_map(|part| part.nlri).map(|path| (path.path_id, key(&path.nlri))));
            rest = behind;
        }
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    /// Text, key and canonical form of whatever is accepted.
    #[test]
    fn any_octets_that_are_nlri_keep_their_meaning(
        family in prop::sample::select(Family::NAMED),
        octets in prop::collection::vec(prop_oneof![0_u8..8, any::<u8>()], 0..80),
        length in any::<bool>(),
    ) {
        let mut octets = octets;
        if let (true, Some(len)) = (length, u8::try_from(octets.len()).ok().and_then(|len| len.checked_sub(2))) {
            octets[1] = len;
        }
        let prefixes = matches!(family.safi.0, 1 | 2);
        if let Some(route) = NlriBuf::decode(family, &octets) {
            prop_assert!(!prefixes);
            let text = route.to_string();
            let read = text.parse::<NlriBuf>();
            prop_assert_eq!(read.as_ref(), Ok(&route), "{}", text);
            let (mut key, mut again) = (Vec::new(), Vec::new());
            route.as_ref().write_key(&mut key);
            let withdrawal = bgp_wire::nlri::TypedNlri::from_key(family, &key).unwrap();
            withdrawal.write_key(&mut again);
            prop_assert_eq!(key, again);
        }
    }
}

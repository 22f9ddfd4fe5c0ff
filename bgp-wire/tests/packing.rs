//! Packing: as few messages as the limit allows, in the right fields.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::{AttrBuilder, NextHop};
use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{
    Asn, AttrFlags, AttrType, Context, Family, FamilySet, PackError, Packer, PathId, SessionKind, UpdateView,
};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv6Net};

fn ctx() -> Context {
    Context::new(SessionKind::Ebgp)
}

fn block() -> Vec<u8> {
    AttrBuilder::new().as_path(&[Asn(64512)]).build().unwrap()
}

fn messages(mut octets: &[u8], limit: usize) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((message, rest)) = bgp_wire::frame(octets, limit).unwrap() {
        messages.push(message);
        octets = rest;
    }
    assert!(octets.is_empty());
    messages
}

fn v6(index: u32, bits: u8) -> PathNlri<'static> {
    let address = Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(index) << 80);
    Ipv6Net::new(address, bits).unwrap().into()
}

#[test]
fn a_hundred_thousand_routes_fill_their_messages() {
    let mut out = BytesMut::new();
    let next_hop = NextHop::V6(Ipv6Addr::LOCALHOST);
    let routes = (0..100_000_u32).map(|index| {
        let address = Ipv6Addr::from(0x2000_u128 << 112 | u128::from(index) << 80);
        PathNlri::from(Ipv6Net::new(address, 48).unwrap())
    });
    let block = AttrBuilder::new().as_path(&[Asn(64512)]).build().unwrap();
    let count = Packer::new(&ctx()).announce(&mut out, &block, next_hop, Family::IPV6_UNICAST, routes).unwrap();
    assert!((174..=175).contains(&count), "{count}");
    let messages = messages(&out, 4096);
    assert_eq!(messages.len(), count);
    // k = floor((limit - 23 - attributes - MP_REACH_NLRI header) / size of an NLRI)
    let k = (4096 - 23 - block.len() - (4 + 5 + 16)) / 7;
    assert_eq!(count, 100_000_usize.div_ceil(k));
    let mut seen = 0;
    for message in messages {
        // MP_REACH_NLRI is the first attribute (RFC 7606 section 5.1).
        assert_eq!(message[24], 14);
        let update = UpdateView::decode(message, &ctx()).unwrap();
        for announced in update.announced() {
            assert_eq!(announced.next_hop, next_hop);
            seen += announced.nlri.count();
        }
    }
    assert_eq!(seen, 100_000);
}

#[test]
fn one_size_takes_exactly_as_many_messages_as_it_must() {
    for limit in [4096, u16::MAX] {
        for add_path in [false, true] {
            let ctx = ctx().with_max_send(limit).with_max_receive(limit);
            let ctx = if add_path { ctx.with_add_path_send(FamilySet::UNICAST) } else { ctx };
            for bits in [0_u8, 8, 24, 32] {
                let size = usize::from(bits) / 8 + 1 + if add_path { 4 } else { 0 };
                let k = (usize::from(limit) - 23 - block().len() - 7) / size;
                for n in [1, k, k + 1, 3 * k, 3 * k + 1] {
                    let net: IpNet = format!("0.0.0.0/{bits}").parse().unwrap();
                    let routes = std::iter::repeat_n(PathNlri::from(net), n);
                    let mut out = BytesMut::new();
                    let next_hop = NextHop::V4(Ipv4Addr::LOCALHOST);
                    let mut packer = Packer::new(&ctx);
                    let family = Family::IPV4_UNICAST;
                    let count = packer.announce(&mut out, &block(), next_hop, family, routes.clone()).unwrap();
                    assert_eq!((count, messages(&out, limit.into()).len()), (n.div_ceil(k), n.div_ceil(k)));
                    out.clear();
                    let k = (usize::from(limit) - 23) / size;
                    assert_eq!(packer.withdraw(&mut out, family, routes).unwrap(), n.div_ceil(k));
                }
            }
        }
    }
}

#[test]
fn mixed_sizes_leave_no_gaps() {
    let next_hop = NextHop::V6(Ipv6Addr::LOCALHOST);
    for sizes in [&[48, 32, 56, 64, 127, 24, 40][..], &[128, 48], &[64, 0]] {
        let routes: Vec<PathNlri<'_>> =
            (0..20_000).zip(sizes.iter().cycle()).map(|(index, bits)| v6(index, *bits)).collect();
        let total: usize = sizes.iter().cycle().take(20_000).map(|bits| 1 + usize::from(bits.div_ceil(8))).sum();
        let room = 4096 - 23 - block().len() - 25;
        let mut out = BytesMut::new();
        let count = Packer::new(&ctx()).announce(&mut out, &block(), next_hop, Family::IPV6_UNICAST, routes).unwrap();
        assert!(count <= total.div_ceil(room) + 1, "{count} for {total} octets in {room}");
    }
}

#[test]
fn rfc4760_3_fields_and_lengths_of_a_short_message() {
    let mut out = BytesMut::new();
    let family = Family::IPV6_UNICAST;
    let link_local =
        NextHop::V6LinkLocal { global: "2001:db8::1".parse().unwrap(), link_local: "fe80::1".parse().unwrap() };
    let routes = [v6(1, 48)];
    assert_eq!(Packer::new(&ctx()).announce(&mut out, &block(), link_local, family, routes), Ok(1));
    // Lengths of minimal size.
    assert_eq!(&out[23..30], &[0x80, 14, 5 + 32 + 7, 0, 2, 1, 32]);
    let update = UpdateView::decode(&out, &ctx()).unwrap();
    assert_eq!(update.announced().next().unwrap().next_hop, link_local);
    out.clear();
    assert_eq!(Packer::new(&ctx()).withdraw(&mut out, family, routes), Ok(1));
    assert_eq!(&out[19..], &[0, 0, 0, 13, 0x80, 15, 10, 0, 2, 1, 48, 0x20, 1, 0xd, 0xb8, 0, 1]);
}

#[test]
fn rfc8950_4_ipv4_routes_with_ipv6_next_hops_go_into_mp_reach() {
    let (family, next_hop) = (Family::IPV4_UNICAST, NextHop::V6(Ipv6Addr::LOCALHOST));
    let route: IpNet = "10.0.0.0/8".parse().unwrap();
    let mut out = BytesMut::new();
    let without = Packer::new(&ctx()).announce(&mut out, &block(), next_hop, family, [route.into()]);
    assert_eq!(without, Err(PackError::NextHop { family }));
    let extended = ctx().with_ext_next_hop(family.into());
    assert_eq!(Packer::new(&extended).announce(&mut out, &block(), next_hop, family, [route.into()]), Ok(1));
    let update = UpdateView::decode(&out, &extended).unwrap();
    assert_eq!(update.announced().next().unwrap().next_hop, next_hop);
    assert!(!update.attributes().contains(AttrType::NEXT_HOP));
}

#[test]
fn rfc4724_2_end_of_rib_is_read_back() {
    for family in [Family::IPV4_UNICAST, Family::IPV6_UNICAST] {
        let mut out = BytesMut::new();
        Packer::new(&ctx()).end_of_rib(&mut out, family);
        assert_eq!(UpdateView::decode(&out, &ctx()).unwrap().end_of_rib(), Some(family));
    }
}

#[test]
fn rfc7911_3_path_identifiers_go_out_where_they_were_negotiated() {
    let both = ctx().with_add_path_send(FamilySet::UNICAST).with_add_path_receive(FamilySet::UNICAST);
    let net: IpNet = "10.0.0.0/8".parse().unwrap();
    let route = PathNlri { path_id: Some(PathId(7)), nlri: net.into() };
    let next_hop = NextHop::V4(Ipv4Addr::LOCALHOST);
    for (ctx, want) in [(both, "10.0.0.0/8#7"), (ctx(), "10.0.0.0/8")] {
        let mut out = BytesMut::new();
        Packer::new(&ctx).withdraw(&mut out, Family::IPV4_UNICAST, [route]).unwrap();
        let update = UpdateView::decode(&out, &ctx).unwrap();
        assert_eq!(update.withdrawn().next().unwrap().nlri.next().unwrap().to_string(), want);
        Packer::new(&ctx).announce(&mut out, &block(), next_hop, Family::IPV4_UNICAST, [route]).unwrap();
    }
}

#[test]
fn what_cannot_be_sent_is_an_error_and_leaves_the_buffer() {
    let mut out = BytesMut::from(&b"before"[..]);
    let (ipv4, ipv6) = (Family::IPV4_UNICAST, Family::IPV6_UNICAST);
    let net: IpNet = "10.0.0.0/8".parse().unwrap();
    let next_hop = NextHop::from(IpAddr::from([192, 0, 2, 1]));
    let mut packer = Packer::new(&ctx());
    let wrong = [net.into(), v6(1, 48)];
    assert_eq!(packer.announce(&mut out, &block(), next_hop, ipv4, wrong), Err(PackError::Nlri { family: ipv4 }));
    assert_eq!(
        packer.withdraw(&mut out, ipv4, [PathNlri::from(NlriRef::Opaque(&[1]))]),
        Err(PackError::Nlri { family: ipv4 })
    );
    assert_eq!(
        packer.announce(&mut out, &block(), next_hop, ipv6, [v6(1, 48)]),
        Err(PackError::NextHop { family: ipv6 })
    );
    let vpn = Family::IPV4_VPN;
    assert_eq!(packer.withdraw(&mut out, vpn, []), Err(PackError::Family { family: vpn }));
    let flags = AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE;
    let room = 4096 - 23 - block().len() - 7 - 4;
    for (len, fits) in [(room - 2, true), (room - 1, false), (5000, false)] {
        let long = AttrBuilder::new().as_path(&[Asn(64512)]).raw(flags, AttrType(200), &vec![0; len]).build().unwrap();
        let result = packer.announce(&mut out, &long, next_hop, ipv4, [net.into()]);
        assert_eq!(result.is_ok(), fits, "{len} {result:?}");
        if fits {
            assert_eq!(out.len(), 6 + 4096);
            out.truncate(6);
        }
    }
    assert_eq!(packer.announce(&mut out, &block(), next_hop, ipv4, []), Ok(0));
    assert_eq!(&out[..], b"before");
}

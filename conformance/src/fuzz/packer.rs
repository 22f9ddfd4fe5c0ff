//! The packer: any attributes, next hop and routes that a program may ask it to send.

use std::net::{Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::{AttrBuilder, NextHop, Origin, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::nlri::PathNlri;
use bgp_wire::{
    Action, Asn, AttrFlags, AttrType, BgpId, ClusterId, Context, Family, PackError, Packer, PathId, SessionKind,
    UpdateView, frame,
};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Input, context};

/// The input is read as a context, attributes, a next hop and routes.
///
/// # Panics
/// If a message is longer than the peer takes, cannot be read, or the messages do not hold exactly the routes, in their
/// order, with the attributes that were given.
pub fn packer(data: &[u8]) {
    let mut input = Input(data);
    let context = context(input.u8());
    let Ok(canonical) = attributes(&mut input, context.kind()).build() else { return };
    let family = if input.u8() & 1 == 0 { Family::IPV4_UNICAST } else { Family::IPV6_UNICAST };
    let next_hop = next_hop(&mut input);
    let path_ids = context.add_path_send().contains(family);
    let routes = routes(&mut input, family, path_ids);
    let mut packer = Packer::new(&context);

    let mut out = BytesMut::from(&b"before"[..]);
    match packer.announce(&mut out, &canonical, next_hop, family, routes.iter().copied()) {
        Ok(messages) => {
            let sent = out.get(6..).unwrap_or_default();
            let seen = read(sent, messages, &context, |view, seen| {
                for part in view.announced() {
                    assert_eq!((part.family, part.next_hop), (family, next_hop));
                    seen.extend(part.nlri);
                }
                let mut again = Vec::new();
                view.write_canonical(&mut again);
                assert_eq!(again, canonical);
            });
            assert_eq!(sorted(seen), sorted(routes.clone()));
        }
        Err(error) => {
            assert_eq!(out, &b"before"[..]);
            let limit = usize::from(context.max_send());
            match error {
                PackError::TooLong { .. } => assert!(canonical.len() * 2 + 128 > limit, "{error}"),
                PackError::NextHop { .. } => {
                    assert!(family != Family::IPV4_UNICAST || !matches!(next_hop, NextHop::V4(_)), "{error}");
                }
                PackError::Family { .. } => assert!(!context.families().contains(family), "{error}"),
                _ => unreachable!("{error}"),
            }
        }
    }

    let mut out = BytesMut::new();
    if let Ok(messages) = packer.withdraw(&mut out, family, routes.iter().copied()) {
        let seen = read(&out, messages, &context, |view, seen| {
            assert_eq!(view.announced().count(), 0);
            for part in view.withdrawn() {
                assert_eq!(part.family, family);
                seen.extend(part.nlri);
            }
        });
        assert_eq!(sorted(seen), sorted(routes));
    }
    if context.families().contains(family) {
        out.clear();
        packer.end_of_rib(&mut out, family);
        assert_eq!(UpdateView::decode(&out, &context).map(|view| view.end_of_rib()), Ok(Some(family)));
    }
}

/// What `messages` messages hold; none but the last may leave room for its successor's first route.
fn read<'s>(
    mut sent: &'s [u8],
    messages: usize,
    context: &Context,
    mut each: impl FnMut(&UpdateView<'s>, &mut Vec<PathNlri<'s>>),
) -> Vec<PathNlri<'s>> {
    let (mut seen, mut count) = (Vec::new(), 0);
    while !sent.is_empty() {
        let Ok(Some((message, rest))) = frame(sent, usize::from(context.max_send())) else {
            unreachable!("not framed: {sent:?}")
        };
        (sent, count) = (rest, count + 1);
        let view = match UpdateView::decode(message, context) {
            Ok(view) => view,
            Err(error) => unreachable!("sent what cannot be read: {error}"),
        };
        assert_eq!(view.verdict().action, Action::Accept, "{:?}", view.reasons().collect::<Vec<_>>());
        each(&view, &mut seen);
    }
    assert_eq!(count, messages);
    seen
}

fn sorted(mut routes: Vec<PathNlri<'_>>) -> Vec<PathNlri<'_>> {
    routes.sort_unstable();
    routes
}

/// The AS_PATH begins with the peer's AS and every session finds what it needs: the mirror of a good sender.
fn attributes(input: &mut Input<'_>, kind: SessionKind) -> AttrBuilder {
    let bits = input.u8();
    let mut path = vec![Asn(64513)];
    path.extend((0..input.u8()).map(|_| Asn(input.u32() | 1)));
    // RFC 5065 section 4: what another member sends begins with the members it went through.
    let through = PathSegment { kind: SegmentKind::ConfedSequence, asns: vec![Asn(64513)] };
    let segments = [through, PathSegment { kind: SegmentKind::Sequence, asns: path.clone() }];
    let mut builder = if kind == SessionKind::ConfedExternal {
        AttrBuilder::new().segments(&segments)
    } else {
        AttrBuilder::new().as_path(&path)
    };
    if kind != SessionKind::Ebgp {
        builder = builder.local_pref(100);
    }
    if bits & 1 != 0 {
        builder = builder.origin(Origin::Incomplete).med(input.u32());
    }
    if bits & 2 != 0 {
        let count = input.u16() % 1200;
        let communities: Vec<Community> = (0..count).map(|_| Community(input.u32())).collect();
        builder = builder.communities(&communities);
    }
    if bits & 4 != 0 && kind == SessionKind::Ibgp {
        let clusters: Vec<ClusterId> = (0..input.u8()).map(|_| ClusterId(input.u32())).collect();
        builder = builder.originator_id(BgpId(input.u32() | 1)).cluster_list(&clusters);
    }
    if bits & 8 != 0 {
        let ty = AttrType(input.u8() | 0x80);
        let len = usize::from(input.u16());
        let flags = AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE;
        builder = builder.raw(flags, ty, input.take(len));
    }
    builder
}

fn next_hop(input: &mut Input<'_>) -> NextHop {
    let v6 = |low: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, low);
    match input.u8() & 3 {
        0 | 1 => NextHop::V4(Ipv4Addr::new(192, 0, 2, 1)),
        2 => NextHop::V6(v6(input.u16())),
        _ => NextHop::V6LinkLocal {
            global: v6(input.u16()),
            link_local: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, input.u16()),
        },
    }
}

fn routes(input: &mut Input<'_>, family: Family, path_ids: bool) -> Vec<PathNlri<'static>> {
    let mut routes = Vec::new();
    // A prefix may be repeated by one octet, so that a short input makes many messages.
    while !input.is_empty() && routes.len() < 2000 {
        let len = input.u8();
        let bits = input.u32();
        for index in 0..u32::from(input.u8()) + 1 {
            let bits = bits.wrapping_add(index);
            let net = if family == Family::IPV4_UNICAST {
                Ipv4Net::new(Ipv4Addr::from_bits(bits), len % 33).map(IpNet::V4)
            } else {
                Ipv6Net::new(Ipv6Addr::from_bits(u128::from(bits) << (len & 96)), len % 129).map(IpNet::V6)
            };
            let Ok(net) = net else { continue };
            let mut nlri = PathNlri::from(net);
            nlri.path_id = path_ids.then_some(PathId(index));
            routes.push(nlri);
        }
    }
    routes
}

//! UPDATE under any octets and any values: no panic, and what goes out comes back.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::{Aggregator, AttrBuilder, Attributes, NextHop, Origin, PathSegment, SegmentKind};
use bgp_wire::community::Community;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::community::large::LargeCommunity;
use bgp_wire::nlri::PathNlri;
use bgp_wire::{
    Action, AsPathEdit, Asn, AttrFlags, AttrType, BgpId, ClusterId, ClusterListEdit, Context, Edit, Family, FamilySet,
    MAX_LEN, Message, Packer, PathId, Rewrite, SessionKind, UpdateView, frame, rewrite,
};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::prelude::*;

fn context() -> impl Strategy<Value = Context> {
    let kind = prop_oneof![Just(SessionKind::Ebgp), Just(SessionKind::Ibgp), Just(SessionKind::ConfedExternal)];
    (kind, any::<[bool; 6]>()).prop_map(|(kind, [as4, add_path, next_hop, sets, first, opaque])| {
        let among = |yes| if yes { FamilySet::UNICAST } else { FamilySet::EMPTY };
        let families = if opaque { FamilySet::ALL } else { FamilySet::UNICAST };
        Context::new(kind)
            .with_families(families)
            .with_four_octet_as(as4)
            .with_add_path_receive(among(add_path))
            .with_add_path_send(among(add_path))
            .with_ext_next_hop(among(next_hop))
            .with_reject_as_sets(sets)
            .with_enforce_first_as(first)
            .with_peer_as(Asn(64513))
    })
}

/// Sections that fit, with attributes that often have a true type.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let ty = prop_oneof![1..=18_u8, Just(25), Just(32), Just(35), any::<u8>()];
    let flags = prop_oneof![Just(0x40), Just(0x80), Just(0xc0), Just(0xd0), Just(0xe0), any::<u8>()];
    let value = prop_oneof![vec(0..6_u8, 0..20), vec(any::<u8>(), 0..40)];
    let attr = (flags, ty, value, any::<bool>()).prop_map(|(flags, ty, value, honest)| {
        let len = u8::try_from(value.len()).unwrap().wrapping_add(u8::from(!honest));
        let mut attr = if flags & 0x10 == 0 { vec![flags, ty, len] } else { vec![flags, ty, 0, len] };
        attr.extend(value);
        attr
    });
    let field = prop_oneof![Just(vec![]), vec(0..34_u8, 0..12), Just(vec![24, 10, 0, 0])];
    (field.clone(), vec(attr, 0..8), field, any::<bool>()).prop_map(|(withdrawn, attrs, nlri, mandatory)| {
        let mut block = if mandatory { vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 0, 0, 1] } else { vec![] };
        block.extend(attrs.concat());
        let len = |len: usize| u16::try_from(len).unwrap().to_be_bytes();
        let mut message = vec![0xff; 16];
        message.extend(len(23 + withdrawn.len() + block.len() + nlri.len()));
        message.push(2);
        message.extend(len(withdrawn.len()));
        message.extend(withdrawn);
        message.extend(len(block.len()));
        message.extend(block);
        message.extend(nlri);
        message
    })
}

fn builder() -> impl Strategy<Value = AttrBuilder> {
    let kind = prop_oneof![
        Just(SegmentKind::Set),
        Just(SegmentKind::Sequence),
        Just(SegmentKind::ConfedSequence),
        Just(SegmentKind::ConfedSet)
    ];
    let asn = prop_oneof![1..100_u32, 1..=u32::MAX].prop_map(Asn);
    let segment = (kind, vec(asn, 1..5)).prop_map(|(kind, asns)| PathSegment { kind, asns });
    let origin = prop_oneof![Just(Origin::Igp), Just(Origin::Egp), Just(Origin::Incomplete)];
    let numbers = any::<[Option<u32>; 4]>();
    let communities = (vec(any::<u32>(), 0..4), vec(any::<[u8; 8]>(), 0..3), vec(any::<[u32; 3]>(), 0..3));
    let raw = proptest::option::of((any::<bool>(), vec(any::<u8>(), 0..300)));
    (origin, vec(segment, 0..4), numbers, communities, vec(any::<u32>(), 0..3), raw).prop_map(
        |(origin, segments, [med, local_pref, aggregator, otc], (plain, ext, large), clusters, raw)| {
            let plain: Vec<Community> = plain.into_iter().map(Community).collect();
            let ext: Vec<ExtCommunity> = ext.into_iter().map(ExtCommunity).collect();
            let large: Vec<LargeCommunity> =
                large.into_iter().map(|[global, a, b]| LargeCommunity { global, local: [a, b] }).collect();
            let clusters: Vec<ClusterId> = clusters.into_iter().map(ClusterId).collect();
            let mut builder = AttrBuilder::new().origin(origin).segments(&segments).communities(&plain);
            builder = builder.ext_communities(&ext).large_communities(&large).cluster_list(&clusters);
            builder = builder.local_pref(local_pref.unwrap_or(100));
            if let Some(med) = med {
                builder = builder.med(med);
            }
            if let Some(asn) = aggregator {
                builder = builder.aggregator(Aggregator { asn: Asn(asn.max(1)), bgp_id: BgpId(7) }).atomic_aggregate();
            }
            if let Some(asn) = otc {
                builder = builder.otc(Asn(asn)).originator_id(BgpId(asn));
            }
            if let Some((transitive, value)) = raw {
                let flags = if transitive { AttrFlags(0xc0) } else { AttrFlags::OPTIONAL };
                builder = builder.raw(flags, AttrType(200), &value);
            }
            builder
        },
    )
}

fn routes() -> impl Strategy<Value = (Family, NextHop, Vec<(PathId, IpNet)>)> {
    let v4 = vec((any::<u32>(), any::<u32>(), 0..=32_u8), 1..50).prop_map(|routes| {
        let net = |addr: u32, bits| IpNet::from(Ipv4Net::new(Ipv4Addr::from(addr), bits).unwrap()).trunc();
        let routes = routes.into_iter().map(|(id, addr, bits)| (PathId(id), net(addr, bits))).collect();
        (Family::IPV4_UNICAST, NextHop::V4(Ipv4Addr::new(192, 0, 2, 1)), routes)
    });
    let v6 = vec((any::<u32>(), any::<u128>(), 0..=128_u8), 1..50).prop_map(|routes| {
        let net = |addr: u128, bits| IpNet::from(Ipv6Net::new(Ipv6Addr::from(addr), bits).unwrap()).trunc();
        let routes = routes.into_iter().map(|(id, addr, bits)| (PathId(id), net(addr, bits))).collect();
        (Family::IPV6_UNICAST, NextHop::V6(Ipv6Addr::LOCALHOST), routes)
    });
    prop_oneof![v4, v6]
}

/// Everything that a view can be asked.
fn read_all(octets: &[u8], ctx: &Context) {
    let Ok(update) = UpdateView::decode(octets, ctx) else {
        let error = UpdateView::decode(octets, ctx).unwrap_err();
        assert_eq!(error.action(), Action::SessionReset);
        assert!(usize::from(error.offset) <= octets.len(), "{error} in {} octets", octets.len());
        let _ = error.notification(octets);
        return;
    };
    assert!(update.verdict().action < Action::SessionReset);
    let strongest = update.reasons().map(|reason| reason.action()).max().unwrap_or(Action::Accept);
    assert_eq!(strongest, update.verdict().action);
    for reason in update.reasons() {
        assert!(usize::from(reason.offset) <= octets.len(), "{reason} in {} octets", octets.len());
    }
    for part in update.withdrawn() {
        part.nlri.for_each(drop);
    }
    if update.verdict().action >= Action::TreatAsWithdraw {
        assert_eq!(update.announced().count(), 0);
    }
    for part in update.announced() {
        assert!(part.nlri.count() > 0);
    }
    let attributes = update.attributes();
    let _ = (attributes.origin(), attributes.med(), attributes.local_pref(), attributes.aggregator());
    let _ = (attributes.originator_id(), attributes.otc(), update.end_of_rib());
    let path = attributes.as_path().unwrap_or_default();
    let _ = (path.to_string(), path.hops(), path.neighbor(), path.origin(), path.has_set());
    attributes.communities().for_each(drop);
    attributes.cluster_list().for_each(drop);
    attributes.ext_communities().for_each(drop);
    attributes.ipv6_ext_communities().for_each(drop);
    attributes.large_communities().for_each(drop);
    let mut block = Vec::new();
    update.write_canonical(&mut block);
    let canonical = Attributes::from_canonical(&block).unwrap();
    let mut again = Vec::new();
    canonical.write_canonical(&mut again);
    assert_eq!(again, block, "the canonical form is a fixpoint");
    assert_eq!(canonical.as_path().map(|path| path.to_string()), attributes.as_path().map(|path| path.to_string()));
    assert_eq!(canonical.aggregator(), attributes.aggregator());
    assert_eq!(AttrBuilder::from_attributes(attributes).build().unwrap(), block);
}

proptest! {
    #[test]
    fn any_octets_are_decoded_without_panic(octets in vec(any::<u8>(), 0..100), ctx in context()) {
        read_all(&octets, &ctx);
        let mut message = vec![0xff; 16];
        message.extend(u16::try_from(octets.len() + 19).unwrap().to_be_bytes());
        message.push(2);
        message.extend(octets);
        read_all(&message, &ctx);
    }

    #[test]
    fn any_attributes_are_decoded_without_panic(message in message(), ctx in context()) {
        read_all(&message, &ctx);
    }

    #[test]
    fn mutated_messages_are_decoded_without_panic(
        message in message(), ctx in context(), edits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<prop::sample::Index>())
    ) {
        let mut message = message;
        for (at, octet) in edits {
            let at = at.index(message.len());
            message[at] = octet;
        }
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
            if let Some([high, low]) = message.get(..18).map(|_| u16::try_from(message.len()).unwrap().to_be_bytes()) {
                (message[16], message[17]) = (high, low);
            }
        }
        read_all(&message, &ctx);
        // As a stream sees it, and as any other type of message.
        for ty in 0..=6 {
            if let Some(place) = message.get_mut(18) {
                *place = ty;
            }
            for error in [frame(&message, MAX_LEN).err(), Message::decode(&message, &ctx).err()].into_iter().flatten() {
                prop_assert!(usize::from(error.offset) <= message.len(), "{} in {} octets", error, message.len());
            }
        }
    }

    #[test]
    fn any_block_is_read_as_canonical_without_panic(block in vec(any::<u8>(), 0..60)) {
        match Attributes::from_canonical(&block) {
            Ok(attributes) => {
                let mut again = Vec::new();
                attributes.write_canonical(&mut again);
                prop_assert_eq!(again, block);
            }
            Err(error) => prop_assert!(usize::from(error.offset) <= block.len()),
        }
    }

    #[test]
    fn what_is_packed_is_decoded(builder in builder(), (family, next_hop, routes) in routes(), ctx in context()) {
        let ctx = ctx.with_kind(SessionKind::Ibgp).with_reject_as_sets(false);
        let block = builder.build().unwrap();
        let add_path = ctx.add_path_send().contains(family);
        let mut want: Vec<(Option<PathId>, IpNet)> =
            routes.iter().map(|(id, net)| (add_path.then_some(*id), *net)).collect();
        let nlri = routes.iter().map(|(id, net)| PathNlri { path_id: Some(*id), nlri: (*net).into() });
        let mut out = BytesMut::new();
        let count = Packer::new(&ctx).announce(&mut out, &block, next_hop, family, nlri).unwrap();
        prop_assert_eq!(count, 1);
        let update = UpdateView::decode(&out, &ctx).unwrap();
        prop_assert_eq!(update.verdict().action, Action::Accept);
        let mut got = Vec::new();
        for part in update.announced() {
            prop_assert_eq!((part.family, part.next_hop), (family, next_hop));
            got.extend(part.nlri.map(|nlri| (nlri.path_id, nlri.nlri.prefix().unwrap())));
        }
        got.sort();
        want.sort();
        prop_assert_eq!(got, want);
        let mut again = Vec::new();
        update.write_canonical(&mut again);
        let (again, block) = (Attributes::from_canonical(&again).unwrap(), Attributes::from_canonical(&block).unwrap());
        if ctx.four_octet_as() {
            prop_assert_eq!(again.as_bytes(), block.as_bytes());
        } else {
            // RFC 6793 cannot carry where a path with confederation segments between was cut: all else comes back.
            prop_assert_eq!(again.types(), block.types());
            prop_assert_eq!(again.aggregator(), block.aggregator());
            prop_assert_eq!(again.as_path().unwrap().hops(), block.as_path().unwrap().hops());
        }
    }

    #[test]
    fn what_is_rewritten_is_canonical(
        builder in builder(), asn in 1..=u32::MAX, id in any::<u32>(), strip in any::<bool>(), pass_on in any::<bool>()
    ) {
        let block = builder.build().unwrap();
        for as_path in [
            AsPathEdit::Keep,
            AsPathEdit::StripConfed,
            AsPathEdit::Prepend { asn: Asn(asn), strip_confed: strip },
            AsPathEdit::PrependConfed(Asn(asn)),
        ] {
            let mut edits = Rewrite::new();
            edits.as_path = as_path;
            edits.pass_on = pass_on;
            edits.local_pref = Edit::SetIfMissing(id);
            edits.med = if strip { Edit::Remove } else { Edit::Set(id) };
            edits.originator_id = Edit::SetIfMissing(BgpId(id));
            edits.cluster_list = ClusterListEdit::Prepend(ClusterId(id));
            edits.otc = Edit::SetIfMissing(Asn(id));
            let added = [Community(id)];
            edits.add_communities = &added;
            let mut out = Vec::new();
            rewrite(&block, &edits, &mut out);
            let (old, new) = (Attributes::from_canonical(&block).unwrap(), Attributes::from_canonical(&out).unwrap());
            prop_assert_eq!(new.cluster_list().next(), Some(ClusterId(id)));
            prop_assert_eq!(new.cluster_list().len(), old.cluster_list().len() + 1);
            prop_assert!(new.communities().any(|community| community == Community(id)));
            prop_assert_eq!(new.originator_id(), old.originator_id().or(Some(BgpId(id))));
            let added = u32::from(matches!(as_path, AsPathEdit::Prepend { .. }));
            prop_assert_eq!(new.as_path().unwrap().hops(), old.as_path().unwrap().hops() + added);
            if matches!(as_path, AsPathEdit::StripConfed | AsPathEdit::Prepend { strip_confed: true, .. }) {
                prop_assert!(new.as_path().unwrap().segments().all(|segment| !segment.kind.is_confed()));
            }
        }
    }
}

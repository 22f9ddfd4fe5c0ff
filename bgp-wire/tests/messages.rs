//! Properties of framing, OPEN, NOTIFICATION and ROUTE-REFRESH over random octets and values.
#![cfg(feature = "alloc")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bgp_wire::capability::{
    AddPath, AddPathMode, Capability, ExtendedNextHop, Fqdn, GracefulRestart, GracefulRestartFamily, LongLivedFamily,
    Role, SoftwareVersion,
};
use bgp_wire::{
    Afi, Asn, BgpId, CapabilityCode, Context, Family, FamilySet, HEADER_LEN, KEEPALIVE, MAX_LEN, MAX_LEN_EXTENDED,
    Message, Notification, NotificationBuf, NotificationCode, Open, OpenView, Params, RefreshSubtype, RouteRefresh,
    SessionKind, ShutdownCommunication, frame, message_type,
};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![3 => select(Family::NAMED), 1 => (any::<u16>(), any::<u8>()).prop_map(|(afi, safi)| Family::new(afi, safi))]
}

fn capability() -> impl Strategy<Value = Capability> {
    let restart = (0..4096_u16, any::<bool>(), any::<bool>(), vec((family(), any::<bool>()), 0..10));
    prop_oneof![
        family().prop_map(Capability::MultiProtocol),
        Just(Capability::RouteRefresh),
        vec((family(), 0..3_u16), 0..10).prop_map(|entries| {
            let entry = |(family, afi)| ExtendedNextHop { family, next_hop: Afi(afi) };
            Capability::ExtendedNextHop(entries.into_iter().map(entry).collect())
        }),
        Just(Capability::ExtendedMessage),
        any::<u8>().prop_map(|role| Capability::Role(Role(role))),
        restart.prop_map(|(restart_time, restarting, notification, families)| {
            let entry = |(family, forwarding)| GracefulRestartFamily { family, forwarding };
            let families = families.into_iter().map(entry).collect();
            Capability::GracefulRestart(GracefulRestart { restart_time, restarting, notification, families })
        }),
        (1..=u32::MAX).prop_map(|asn| Capability::FourOctetAs(Asn(asn))),
        vec((family(), any::<u8>()), 0..10).prop_map(|entries| {
            let entry = |(family, mode)| AddPath { family, mode: AddPathMode(mode) };
            Capability::AddPath(entries.into_iter().map(entry).collect())
        }),
        Just(Capability::EnhancedRouteRefresh),
        vec((family(), any::<bool>(), 0..1_u32 << 24), 0..10).prop_map(|entries| {
            let entry = |(family, forwarding, stale_time)| LongLivedFamily { family, forwarding, stale_time };
            Capability::LongLivedGracefulRestart(entries.into_iter().map(entry).collect())
        }),
        ("\\PC{0,20}", "\\PC{0,20}").prop_map(|(host, domain)| Capability::Fqdn(Fqdn { host, domain })),
        Just(Capability::BfdStrict),
        "\\PC{0,16}".prop_map(|text| Capability::SoftwareVersion(SoftwareVersion(text))),
        Just(Capability::CiscoRouteRefresh),
        (130..=255_u8, vec(any::<u8>(), 0..=255))
            .prop_map(|(code, value)| Capability::decode(CapabilityCode(code), &value)),
    ]
}

fn open() -> impl Strategy<Value = Open> {
    let hold_time = prop_oneof![Just(0), 3..=u16::MAX];
    (1..=u32::MAX, hold_time, 1..=u32::MAX, vec(capability(), 0..14)).prop_map(
        |(asn, hold_time, id, mut capabilities)| {
            // The last 4-octet AS capability names the AS; without one the number has to fit into two octets.
            let said = capabilities.iter().rev().find_map(|capability| match capability {
                Capability::FourOctetAs(asn) => Some(*asn),
                _ => None,
            });
            if said.is_none() && asn > 65535 {
                capabilities.push(Capability::FourOctetAs(Asn(asn)));
            }
            capabilities.iter_mut().for_each(|capability| {
                if let Capability::FourOctetAs(other) = capability {
                    *other = said.unwrap_or(Asn(asn));
                }
            });
            let mut open = Open::new(said.unwrap_or(Asn(asn)), hold_time, BgpId(id));
            open.capabilities = capabilities;
            open
        },
    )
}

/// A message of any type with any body, and a header that fits it.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    (1..=5_u8, vec(any::<u8>(), 0..200)).prop_map(|(ty, body)| {
        let mut message = vec![0xff; 16];
        message.extend_from_slice(&u16::try_from(HEADER_LEN + body.len()).unwrap().to_be_bytes());
        message.push(ty);
        message.extend_from_slice(&body);
        message
    })
}

fn params() -> impl Strategy<Value = Params> {
    let set = || vec(family(), 0..5).prop_map(FamilySet::from_iter);
    (any::<[bool; 4]>(), set(), set(), set(), set()).prop_map(|(said, families, receive, send, next_hop)| {
        let [named, wide, large, refresh] = said;
        let params = Params::new(Asn(64512), BgpId(1))
            .with_four_octet_as(wide)
            .with_extended_message(large)
            .with_route_refresh(refresh)
            .with_add_path_receive(receive)
            .with_add_path_send(send)
            .with_ext_next_hop(next_hop);
        if named { params.with_families(families) } else { params }
    })
}

proptest! {
    #[test]
    fn rfc4271_4_1_messages_are_cut_alike_however_the_stream_arrives(
        refreshes in vec((family(), any::<u8>()), 1..8),
        cuts in vec(1..40_usize, 1..40),
    ) {
        let mut stream = Vec::new();
        for (family, subtype) in &refreshes {
            stream.extend_from_slice(&RouteRefresh::new(*family, RefreshSubtype(*subtype)).to_bytes());
            stream.extend_from_slice(&KEEPALIVE);
        }
        let (mut buffer, mut types, mut pieces) = (Vec::new(), Vec::new(), cuts.iter().cycle());
        let mut left = &stream[..];
        while !left.is_empty() {
            let (piece, rest) = left.split_at((*pieces.next().unwrap()).min(left.len()));
            left = rest;
            buffer.extend_from_slice(piece);
            while let Some((message, rest)) = frame(&buffer, MAX_LEN).unwrap() {
                types.push(message_type(message).unwrap().0);
                buffer = rest.to_vec();
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(types, [5, 4].repeat(refreshes.len()));
    }

    #[test]
    fn framing_never_panics_and_gives_what_it_was_given(octets in vec(any::<u8>(), 0..100), ones in 0..=20_usize, extended: bool) {
        let mut octets = octets;
        octets.iter_mut().take(ones).for_each(|octet| *octet = 0xff);
        let limit = if extended { MAX_LEN_EXTENDED } else { MAX_LEN };
        match frame(&octets, limit) {
            Ok(Some((message, rest))) => {
                prop_assert!(message.len() >= HEADER_LEN && message.len() <= limit);
                prop_assert_eq!([message, rest].concat(), octets);
            }
            Ok(None) => prop_assert!(octets.len() < limit),
            Err(error) => {
                let notification = error.notification(&octets);
                prop_assert_eq!(notification.code.code, 1);
                prop_assert!(notification.data.len() <= 2);
            }
        }
    }

    #[test]
    fn a_header_is_judged_alike_with_and_without_what_follows(octets in vec(any::<u8>(), 19..60)) {
        let mut octets = octets;
        octets[..16].fill(0xff);
        match (frame(&octets[..HEADER_LEN], MAX_LEN), frame(&octets, MAX_LEN)) {
            (Err(before), after) => prop_assert_eq!(after, Err(before)),
            (Ok(_), after) => prop_assert!(after.is_ok()),
        }
    }

    #[test]
    fn messages_with_any_body_never_panic_and_answers_stay_inside_them(message in framed()) {
        let context = Context::new(SessionKind::Ebgp);
        match Message::decode(&message, &context) {
            Ok(Message::Open(open)) => {
                let owned = Open::from(open);
                prop_assert_eq!(owned.params().families(), open.params().families());
                prop_assert_eq!(owned.capabilities.len(), open.capabilities().count());
            }
            Ok(decoded) => prop_assert_eq!(Some(decoded.message_type()), message_type(&message)),
            Err(error) => {
                let mut out = BytesMut::new();
                error.notification(&message).encode(&mut out);
                prop_assert!(matches!(frame(&out, MAX_LEN), Ok(Some((_, [])))));
                prop_assert!(usize::from(error.offset) <= message.len());
            }
        }
    }

    #[test]
    fn octets_that_were_never_framed_never_panic(octets in vec(any::<u8>(), 0..64)) {
        let context = Context::new(SessionKind::Ibgp);
        prop_assert!(Message::decode(&octets, &context).is_err() || octets.len() >= HEADER_LEN);
    }

    #[test]
    fn rfc4271_4_2_an_open_is_read_as_it_was_written(open in open()) {
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        prop_assert_eq!(frame(&out, MAX_LEN), Ok(Some((&out[..], &[][..]))));
        let view = OpenView::decode(&out).unwrap();
        prop_assert_eq!(view.params(), open.params());
        prop_assert_eq!(Open::from(view), open);
    }

    #[test]
    fn rfc9072_2_a_damaged_open_never_panics(open in open(), at in any::<prop::sample::Index>(), octet: u8, cut in any::<prop::sample::Index>()) {
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        let mut message = out.to_vec();
        let at = at.index(message.len());
        message[at] = octet;
        message.truncate(20 + cut.index(message.len() - 19));
        let length = u16::try_from(message.len()).unwrap();
        message[16..18].copy_from_slice(&length.to_be_bytes());
        match OpenView::decode(&message) {
            Ok(view) => {
                let octets = view.capabilities().map(|capability| capability.value.len() + 2).sum::<usize>();
                prop_assert!(octets <= message.len() - 29);
            }
            Err(error) => prop_assert!(usize::from(error.offset) <= message.len()),
        }
    }

    #[test]
    fn a_capability_value_is_kept_or_understood_in_full(code: u8, value in vec(any::<u8>(), 0..=255)) {
        // Reserved bits aside, what is understood is written as a value that means the same.
        let capability = Capability::decode(CapabilityCode(code), &value);
        prop_assert_eq!(capability.code(), CapabilityCode(code));
        if matches!(capability, Capability::Unknown(_)) {
            prop_assert_eq!(capability.value(), value);
        } else {
            prop_assert_eq!(Capability::decode(CapabilityCode(code), &capability.value()), capability);
        }
    }

    #[test]
    fn rfc4271_4_5_a_notification_is_read_as_it_was_written(code: u8, subcode: u8, data in vec(any::<u8>(), 0..300)) {
        let sent = NotificationBuf::new(NotificationCode::new(code, subcode), data);
        let mut out = BytesMut::new();
        sent.view().encode(&mut out);
        let received = Notification::decode(&out).unwrap();
        prop_assert_eq!(received, sent.view());
        prop_assert!(!received.to_string().contains(char::is_control));
        let _ = (received.inner(), received.prefix_limit());
    }

    #[test]
    fn rfc9003_2_any_text_arrives_as_far_as_it_fits(text: String) {
        let communication = ShutdownCommunication::new(&text);
        prop_assert!(communication.data().len() <= 256);
        prop_assert!(text.starts_with(communication.text()));
        // Nothing is cut that would have fitted.
        let next = text[communication.text().len()..].chars().next();
        prop_assert!(next.is_none_or(|next| communication.text().len() + next.len_utf8() > 255));
        let received = Notification::new(NotificationCode::ADMIN_SHUTDOWN, communication.data());
        prop_assert_eq!(received.communication(), Some(communication.text()).filter(|text| !text.is_empty()));
    }

    #[test]
    fn negotiation_is_the_same_from_both_sides(ours in params(), theirs in params()) {
        let here = Context::negotiate(&ours, &theirs, SessionKind::Ibgp);
        let there = Context::negotiate(&theirs, &ours, SessionKind::Ibgp);
        prop_assert_eq!(here.families(), there.families());
        prop_assert_eq!(here.four_octet_as(), there.four_octet_as());
        prop_assert_eq!(here.ext_next_hop(), there.ext_next_hop());
        prop_assert_eq!((here.add_path_receive(), here.add_path_send()), (there.add_path_send(), there.add_path_receive()));
        prop_assert_eq!((here.max_receive(), here.max_send()), (there.max_send(), there.max_receive()));
        let extra = here.add_path_receive().union(here.add_path_send()).union(here.ext_next_hop());
        prop_assert!(extra.difference(here.families()).is_empty());
    }
}

//! The text forms of the values, which are part of the version promise.
#![cfg(feature = "serde")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bgp_wire::capability::{
    AddPath, AddPathMode, Capability, ExtendedNextHop, Fqdn, GracefulRestart, GracefulRestartFamily, LongLivedFamily,
    Role, SoftwareVersion,
};
use bgp_wire::{
    Action, Afi, Asn, AttrType, BgpId, CapabilityCode, ClusterId, Context, Family, FamilySet, KEEPALIVE, Message,
    MessageType, Notification, NotificationBuf, NotificationCode, Open, OpenView, PathId, RefreshSubtype, RouteRefresh,
    SessionKind,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[track_caller]
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(value: T, text: Value) {
    assert_eq!(serde_json::to_value(&value).unwrap(), text);
    assert_eq!(serde_json::from_value::<T>(text).unwrap(), value);
}

#[test]
fn identifiers_and_families_are_text_and_numbers_are_numbers() {
    both_ways(Asn(4_200_000_000), json!(4_200_000_000_u32));
    both_ways(BgpId(0xc0a8_b366), json!("192.168.179.102"));
    both_ways(ClusterId(0xf400_0001), json!("244.0.0.1"));
    both_ways(PathId(7), json!(7));
    both_ways(Family::IPV6_UNICAST, json!("2/1"));
    both_ways(FamilySet::UNICAST, json!(["1/1", "2/1"]));
    both_ways(NotificationCode::ADMIN_SHUTDOWN, json!("6/2"));
    both_ways((MessageType::OPEN, AttrType(99), CapabilityCode(65), Afi::IPV6), json!([1, 99, 65, 2]));
    both_ways([Action::Accept, Action::TreatAsWithdraw], json!(["accept", "treat-as-withdraw"]));
    both_ways(SessionKind::ConfedExternal, json!("confed-external"));
}

#[test]
fn names_of_families_are_read_too() {
    assert_eq!(serde_json::from_value::<Family>(json!("ipv4-unicast")).unwrap(), Family::IPV4_UNICAST);
    for wrong in [json!("1"), json!("1/256"), json!(1), json!("ipv4")] {
        assert!(serde_json::from_value::<Family>(wrong.clone()).is_err(), "{wrong}");
    }
    let error = serde_json::from_value::<FamilySet>(json!(["1/1", "1/250"])).unwrap_err();
    assert_eq!(error.to_string(), "family 1/250 has no name here");
}

#[test]
fn messages_go_both_ways_and_views_have_the_form_of_their_values() {
    let v4 = Family::IPV4_UNICAST;
    let families = vec![GracefulRestartFamily { family: v4, forwarding: true }];
    let restart = GracefulRestart { restart_time: 120, families, ..GracefulRestart::default() };
    let mut open = Open::new(Asn(64512), 90, BgpId(1));
    open.capabilities = vec![
        Capability::MultiProtocol(v4),
        Capability::RouteRefresh,
        Capability::ExtendedNextHop(vec![ExtendedNextHop { family: v4, next_hop: Afi::IPV6 }]),
        Capability::ExtendedMessage,
        Capability::Role(Role::PEER),
        Capability::GracefulRestart(restart),
        Capability::FourOctetAs(Asn(64512)),
        Capability::AddPath(vec![AddPath { family: v4, mode: AddPathMode::BOTH }]),
        Capability::EnhancedRouteRefresh,
        Capability::LongLivedGracefulRestart(vec![LongLivedFamily { family: v4, forwarding: false, stale_time: 60 }]),
        Capability::Fqdn(Fqdn { host: "node1".into(), domain: String::new() }),
        Capability::BfdStrict,
        Capability::SoftwareVersion(SoftwareVersion("1.0".into())),
        Capability::CiscoRouteRefresh,
        Capability::decode(CapabilityCode(200), &[0, 0xff]),
    ];
    let text = json!({
        "asn": 64512, "hold_time": 90, "bgp_id": "0.0.0.1",
        "capabilities": [
            {"multi-protocol": "1/1"},
            "route-refresh",
            {"extended-next-hop": [{"family": "1/1", "next_hop": 2}]},
            "extended-message",
            {"role": 4},
            {"graceful-restart": {
                "restart_time": 120, "restarting": false, "notification": false,
                "families": [{"family": "1/1", "forwarding": true}],
            }},
            {"four-octet-as": 64512},
            {"add-path": [{"family": "1/1", "mode": 3}]},
            "enhanced-route-refresh",
            {"long-lived-graceful-restart": [{"family": "1/1", "forwarding": false, "stale_time": 60}]},
            {"fqdn": {"host": "node1", "domain": ""}},
            "bfd-strict",
            {"software-version": "1.0"},
            "cisco-route-refresh",
            {"unknown": {"code": 200, "value": "00ff"}},
        ],
    });
    let mut octets = bytes::BytesMut::new();
    open.encode(&mut octets).unwrap();
    assert_eq!(serde_json::to_value(OpenView::decode(&octets).unwrap()).unwrap(), text);
    both_ways(open, text);

    let notification = NotificationBuf::with_communication(NotificationCode::ADMIN_RESET, "bye");
    let text = json!({"code": "6/4", "data": "03627965"});
    assert_eq!(serde_json::to_value(Notification::new(notification.code, &notification.data)).unwrap(), text);
    both_ways(notification, text);

    both_ways(RouteRefresh::new(v4, RefreshSubtype::BEGIN), json!({"family": "1/1", "subtype": 1}));
}

#[test]
fn a_message_has_the_form_of_what_is_in_it() {
    let text = |octets: &[u8]| {
        let message = Message::decode(octets, &Context::new(SessionKind::Ebgp)).unwrap();
        serde_json::to_value(message).unwrap()
    };
    let whole =
        |ty: u8, body: &[u8]| [&[0xff; 16][..], &[0, 19 + u8::try_from(body.len()).unwrap(), ty], body].concat();
    assert_eq!(text(&KEEPALIVE), json!("keepalive"));
    assert_eq!(text(&whole(3, &[6, 4])), json!({"notification": {"code": "6/4", "data": ""}}));
    assert_eq!(text(&whole(5, &[0, 2, 0, 1])), json!({"route-refresh": {"family": "2/1", "subtype": 0}}));
    let body = [4, 0xfc, 0, 0, 90, 10, 0, 0, 1, 0];
    let open = json!({"asn": 64512, "hold_time": 90, "bgp_id": "10.0.0.1", "capabilities": []});
    assert_eq!(text(&whole(1, &body)), json!({"open": open}));
    let attrs = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1, 0x40, 3, 4, 192, 0, 2, 2, 0xc0, 99, 1, 7];
    let body = [&[0, 0, 0, 24][..], &attrs, &[24, 203, 0, 113]].concat();
    let update = json!({
        "withdrawn": [],
        "announced": [{"family": "1/1", "next_hop": "192.0.2.2", "nlri": [{"prefix": "203.0.113.0/24"}]}],
        "attributes": {
            "origin": "igp",
            "as_path": [{"kind": "sequence", "asns": [64513]}],
            "other": [{"flags": 192, "type": 99, "value": "07"}],
        },
    });
    assert_eq!(text(&whole(2, &body)), json!({"update": update}));
}

#[test]
fn octets_that_are_not_hex_are_refused() {
    for data in [json!("0"), json!("0g"), json!("ä"), json!(7)] {
        let text = json!({"code": "6/4", "data": data});
        assert!(serde_json::from_value::<NotificationBuf>(text.clone()).is_err(), "{text}");
    }
}

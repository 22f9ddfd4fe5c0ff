//! What two sets of capabilities make of a session, one test for each standard.
use bgp_fsm::{Config, Event, PeerAs, State};
use bgp_wire::capability::{AddPath, AddPathMode, Capability, ExtendedNextHop};
use bgp_wire::{Afi, Asn, BgpId, Context, Family, FamilySet, Open};
use bytes::BytesMut;

use crate::driver::{Driver, config, message, notification, open};

fn with(capabilities: &[Capability]) -> Config {
    config().with_capabilities(capabilities)
}

/// A session after the peer's OPEN.
fn after(config: Config, id: u32, capabilities: &[Capability]) -> Driver {
    let mut open = Open::new(Asn(64513), 90, BgpId(id));
    open.capabilities = capabilities.to_vec();
    let mut octets = BytesMut::new();
    open.encode(&mut octets).unwrap();
    let mut driver = Driver::new(config);
    driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(&octets);
    driver
}

fn context(ours: &[Capability], theirs: &[Capability]) -> Context {
    after(with(ours), 2, theirs).session.negotiated().unwrap().context
}

#[test]
fn rfc4271_8_1_4_requests_are_taken_or_refused_only_where_they_are_tracked() {
    for track in [true, false] {
        let mut driver = Driver::new(config().with_track_tcp_state(track));
        driver.event(Event::ManualStart);
        driver.event(Event::TcpConnectionValid);
        assert!(driver.actions.is_empty() && driver.session.state() == State::Connect);
        driver.event(Event::TcpCrInvalid);
        assert_eq!(driver.actions.len(), usize::from(track));
        // Its own dial is not concerned.
        assert_eq!(driver.event(Event::TcpCrAcked).session.state(), State::OpenSent);
    }
}

#[test]
fn rfc7607_2_as_0_is_bad_peer_as_whoever_is_expected() {
    for peer_as in [PeerAs::Any, PeerAs::External, PeerAs::Exact(Asn(0))] {
        for parameters in ["00", "0802064104 00000000"] {
            let fields =
                format!("0104 {} 005a 0a000002 {parameters}", if parameters == "00" { "0000" } else { "5ba0" });
            let body = fields.replace(' ', "");
            let length = 16 + 2 + body.len() / 2;
            let mut config = config();
            config.peer_as = peer_as;
            let mut driver = Driver::new(config);
            driver.event(Event::ManualStart).event(Event::TcpCrAcked);
            driver.message(&message(&format!("{length:04x}{body}")));
            assert_eq!(driver.notification(), Some((2, 2)), "{peer_as:?} {parameters}");
        }
    }
}

#[test]
fn rfc6286_2_1_any_identifier_but_0_is_good() {
    for id in [1, 0xe000_0001, 0x7f00_0001, u32::MAX] {
        assert_eq!(after(config(), id, &[]).session.state(), State::OpenConfirm, "{id:x}");
    }
    let mut driver = Driver::new(config());
    driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(&message("001d0104fc01005a0000000000"));
    assert_eq!(driver.notification(), Some((2, 3)));
}

#[test]
fn rfc5492_3_unknown_and_repeated_capabilities_change_nothing() {
    let twice = [Capability::RouteRefresh, Capability::RouteRefresh];
    assert!(after(with(&twice[..1]), 2, &twice).session.negotiated().unwrap().route_refresh());
    // Code 239, experimental.
    let driver = {
        let mut driver = Driver::new(config());
        driver.event(Event::ManualStart).event(Event::TcpCrAcked);
        driver.message(&message("00240104fc01005a0a000002070205ef03010203"));
        driver
    };
    assert_eq!(driver.session.state(), State::OpenConfirm);
}

#[test]
fn rfc4760_8_families_are_those_of_both_and_ipv4_unicast_without_any() {
    let mp = Capability::MultiProtocol;
    let (v4, v6) = (Family::IPV4_UNICAST, Family::IPV6_UNICAST);
    for (ours, theirs, families) in [
        (&[][..], &[][..], FamilySet::from(v4)),
        (&[mp(v4), mp(v6)], &[mp(v6)], v6.into()),
        (&[mp(v4), mp(v6)], &[], v4.into()),
        (&[mp(v6)], &[mp(v4)], FamilySet::EMPTY),
        (&[mp(v6)], &[], FamilySet::EMPTY),
    ] {
        assert_eq!(context(ours, theirs).families(), families, "{ours:?} {theirs:?}");
    }
}

#[test]
fn rfc7911_4_paths_go_where_one_sends_and_the_other_receives() {
    let family = Family::IPV4_UNICAST;
    let said = |mode: Option<u8>| {
        let entry = mode.map(|mode| AddPath { family, mode: AddPathMode(mode) });
        let mut capabilities = vec![Capability::MultiProtocol(family)];
        capabilities.extend(entry.map(|entry| Capability::AddPath(vec![entry])));
        capabilities
    };
    let modes = [None, Some(0), Some(1), Some(2), Some(3), Some(4)];
    let (receives, sends) = (|m| matches!(m, Some(1 | 3)), |m| matches!(m, Some(2 | 3)));
    for ours in modes {
        for theirs in modes {
            let context = context(&said(ours), &said(theirs));
            let (send, receive) =
                (context.add_path_send().contains(family), context.add_path_receive().contains(family));
            assert_eq!(send, sends(ours) && receives(theirs), "{ours:?} {theirs:?}");
            assert_eq!(receive, receives(ours) && sends(theirs), "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn rfc8654_4_each_direction_by_what_the_receiver_said() {
    let extended = [Capability::ExtendedMessage];
    for (ours, theirs, receive, send) in [
        (&extended[..], &extended[..], 65535, 65535),
        (&extended, &[], 65535, 4096),
        (&[], &extended, 4096, 65535),
        (&[], &[], 4096, 4096),
    ] {
        let context = context(ours, theirs);
        assert_eq!((context.max_receive(), context.max_send()), (receive, send));
    }
}

#[test]
fn rfc8950_4_next_hops_of_another_family_need_both() {
    let family = Family::IPV4_UNICAST;
    let entry = Capability::ExtendedNextHop(vec![ExtendedNextHop { family, next_hop: Afi::IPV6 }]);
    let other = Capability::ExtendedNextHop(vec![ExtendedNextHop { family: Family::IPV4_VPN, next_hop: Afi::IPV6 }]);
    let mp = Capability::MultiProtocol(family);
    for (theirs, has) in [(entry.clone(), true), (other, false), (mp.clone(), false)] {
        let context = context(&[mp.clone(), entry.clone()], &[mp.clone(), theirs.clone()]);
        assert_eq!(context.ext_next_hop().contains(family), has, "{theirs:?}");
    }
}

#[test]
fn rfc4271_4_2_a_hold_time_of_3_is_kept_by_a_keepalive_each_second() {
    let mut driver = Driver::new(config().with_hold_time(3));
    driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(&open(90));
    let negotiated = driver.session.negotiated().unwrap();
    assert_eq!((negotiated.hold_time, negotiated.keepalive), (3, 1));
}

#[test]
fn rfc7705_4_the_other_as_number_is_asked_for_only_by_bad_peer_as() {
    let config = config().with_local_as_override(Some(Asn(7))).with_dual_as(true);
    for (code, second) in
        [(bgp_wire::NotificationCode::BAD_PEER_AS, true), (bgp_wire::NotificationCode::BAD_BGP_IDENTIFIER, false)]
    {
        let mut driver = Driver::new(config.clone());
        driver.event(Event::ManualStart).event(Event::TcpCrAcked).message(&notification(code));
        driver.event(Event::ManualStart).event(Event::TcpCrAcked);
        let sent = Open::from(bgp_wire::OpenView::decode(&driver.octets).unwrap());
        assert_eq!(sent.asn, if second { Asn(64512) } else { Asn(7) });
    }
}

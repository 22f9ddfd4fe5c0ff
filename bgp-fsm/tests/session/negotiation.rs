//! What the OPENs must say, what becomes of refused ones, and what is agreed on.
use core::time::Duration;

use bgp_fsm::{Cease, Confederation, Config, Down, Event, Expired, PeerAs, Received, Restart, SessionEvent, State};
use bgp_wire::capability::{Capability, GracefulRestart, GracefulRestartFamily, LongLivedFamily, Role};
use bgp_wire::{Asn, BgpId, Family, FamilySet, Notification, NotificationCode, Open, OpenView, SessionKind};
use bytes::BytesMut;

use crate::driver::{Driver, Input, config, message, notification};

fn encode(open: &Open) -> Vec<u8> {
    let mut out = BytesMut::new();
    open.encode(&mut out).unwrap();
    out.to_vec()
}

fn peer_open(asn: u32, id: u32, capabilities: &[Capability]) -> Vec<u8> {
    let open = Open::new(Asn(asn), 90, BgpId(id)).with_capability(Capability::FourOctetAs(Asn(asn)));
    encode(&capabilities.iter().fold(open, |open, capability| open.with_capability(capability.clone())))
}

/// Our OPEN, and the session after the peer's.
fn exchange(config: Config, open: &[u8]) -> (Open, Driver) {
    let mut driver = Driver::new(config);
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    let ours = Open::from(OpenView::decode(&driver.octets).unwrap());
    driver.message(open);
    (ours, driver)
}

fn answer(config: Config, open: &[u8]) -> Result<State, (u8, u8)> {
    let (_, driver) = exchange(config, open);
    driver.notification().map_or(Ok(driver.session.state()), Err)
}

fn down(driver: &Driver) -> &Down {
    match driver.events.last() {
        Some(SessionEvent::Down(down)) => down,
        other => panic!("{other:?}"),
    }
}

const CONFIRMED: Result<State, (u8, u8)> = Ok(State::OpenConfirm);

#[test]
fn rfc4271_6_2_the_peers_as_number_must_be_the_configured_one() {
    let config = |peer_as| Config::new(Asn(64512), BgpId(1), peer_as);
    let exact = |asn| PeerAs::Exact(Asn(asn));
    for (peer_as, asn, expected) in [
        (exact(64513), 64513, CONFIRMED),
        (exact(64513), 64999, Err((2, 2))),
        (exact(4_200_000_001), 4_200_000_001, CONFIRMED),
        (PeerAs::Any, 64999, CONFIRMED),
        (PeerAs::External, 64999, CONFIRMED),
        (PeerAs::External, 64512, Err((2, 2))),
        (PeerAs::Internal, 64512, CONFIRMED),
        (PeerAs::Internal, 64513, Err((2, 2))),
    ] {
        assert_eq!(answer(config(peer_as), &peer_open(asn, 2, &[])), expected, "{peer_as:?} {asn}");
    }
}

#[test]
fn rfc6286_2_2_identifiers_are_unique_within_an_as_only() {
    let ibgp = Config::new(Asn(64512), BgpId(7), PeerAs::Internal);
    let ebgp = Config::new(Asn(64512), BgpId(7), PeerAs::External);
    assert_eq!(answer(ibgp.clone(), &peer_open(64512, 7, &[])), Err((2, 3)));
    assert_eq!(answer(ibgp, &peer_open(64512, 8, &[])), CONFIRMED);
    assert_eq!(answer(ebgp.clone(), &peer_open(64513, 7, &[])), CONFIRMED);
    assert_eq!(answer(ebgp, &peer_open(64513, u32::MAX, &[])), CONFIRMED);
}

#[test]
fn rfc5492_3_a_missing_capability_is_named_as_it_stands_in_an_open() {
    let required = [Capability::MultiProtocol(Family::IPV6_UNICAST), Capability::RouteRefresh];
    let config = config().with_require_capabilities(required.clone());
    assert_eq!(answer(config.clone(), &peer_open(64513, 2, &required)), CONFIRMED);
    let other = [Capability::MultiProtocol(Family::IPV4_UNICAST)];
    let (_, driver) = exchange(config, &peer_open(64513, 2, &other));
    let cause = down(&driver).notification().unwrap();
    assert_eq!(cause.code, NotificationCode::UNSUPPORTED_CAPABILITY);
    assert_eq!(cause.data, [1, 4, 0, 2, 0, 1, 2, 0]);
}

#[test]
fn rfc6793_3_a_large_as_number_shows_as_trans() {
    let config = Config::new(Asn(4_200_000_000), BgpId(1), PeerAs::Exact(Asn(64513)));
    let (ours, _) = exchange(config, &peer_open(64513, 2, &[]));
    assert_eq!((ours.asn, ours.asn.to_2_octets()), (Asn(4_200_000_000), 23456));
}

#[test]
fn rfc9234_4_2_roles_must_fit() {
    let role = |role| [Capability::Role(role)];
    let ours = |role| config().with_role(Some(role));
    for (us, them, fits) in [
        (Role::PROVIDER, Role::CUSTOMER, true),
        (Role::CUSTOMER, Role::PROVIDER, true),
        (Role::ROUTE_SERVER, Role::ROUTE_SERVER_CLIENT, true),
        (Role::PEER, Role::PEER, true),
        (Role::PEER, Role::CUSTOMER, false),
        (Role::PROVIDER, Role::PROVIDER, false),
        (Role::PROVIDER, Role(77), false),
    ] {
        let expected = if fits { CONFIRMED } else { Err((2, 11)) };
        assert_eq!(answer(ours(us), &peer_open(64513, 2, &role(them))), expected, "{us} {them}");
    }
    assert_eq!(answer(ours(Role::PEER), &peer_open(64513, 2, &[])), CONFIRMED);
    assert_eq!(answer(ours(Role::PEER).with_role_strict(true), &peer_open(64513, 2, &[])), Err((2, 11)));
    // Two different ones, and one twice.
    let two = [Capability::Role(Role::PROVIDER), Capability::Role(Role::CUSTOMER)];
    assert_eq!(answer(ours(Role::CUSTOMER), &peer_open(64513, 2, &two)), Err((2, 11)));
    let twice = [Capability::Role(Role::PEER), Capability::Role(Role::PEER)];
    assert_eq!(answer(ours(Role::PEER), &peer_open(64513, 2, &twice)), CONFIRMED);
    // Within an AS there are no roles.
    let ibgp = Config::new(Asn(64512), BgpId(1), PeerAs::Internal).with_role(Some(Role::PEER));
    let (open, driver) = exchange(ibgp, &peer_open(64512, 2, &role(Role::CUSTOMER)));
    assert!(!open.capabilities.contains(&Capability::Role(Role::PEER)));
    assert_eq!(driver.session.negotiated().unwrap().role, None);
}

#[test]
fn rfc7705_4_the_other_as_number_is_tried_after_bad_peer_as() {
    let config = config().with_local_as_override(Some(Asn(64600))).with_dual_as(true);
    let mut driver = Driver::new(config.clone());
    let refused = notification(NotificationCode::BAD_PEER_AS);
    for expected in [64600, 64512, 64600] {
        driver.event(Event::ManualStart).event(Event::TcpCrAcked);
        let open = Open::from(OpenView::decode(&driver.octets).unwrap());
        assert_eq!(open.asn, Asn(expected));
        assert!(open.capabilities.contains(&Capability::FourOctetAs(Asn(expected))));
        driver.message(&refused);
    }
    let (open, _) = exchange(config.with_dual_as(false), &refused);
    assert_eq!(open.asn, Asn(64600));
}

#[test]
fn rfc5065_4_the_relation_to_a_member_as() {
    let confederation = Confederation::new(Asn(64512), [Asn(65001), Asn(65002)]);
    for (peer, shown, kind) in [
        (65001, 65001, SessionKind::Ibgp),
        (65002, 65001, SessionKind::ConfedExternal),
        (64999, 64512, SessionKind::Ebgp),
    ] {
        let config =
            Config::new(Asn(65001), BgpId(1), PeerAs::Exact(Asn(peer))).with_confederation(Some(confederation.clone()));
        let (open, driver) = exchange(config, &peer_open(peer, 2, &[]));
        assert_eq!((open.asn, driver.session.negotiated().unwrap().session), (Asn(shown), kind));
    }
}

#[test]
fn rfc8654_4_we_receive_what_our_own_open_promises() {
    let (_, driver) = exchange(config(), &peer_open(64513, 2, &[Capability::ExtendedMessage]));
    assert_eq!(driver.session.receive_limit(), 4096);
    assert_eq!(driver.session.negotiated().unwrap().context.max_send(), 65535);
    let config = config().with_capabilities([Capability::ExtendedMessage]);
    let (_, driver) = exchange(config, &peer_open(64513, 2, &[]));
    assert_eq!(driver.session.receive_limit(), 65535);
    assert_eq!(driver.session.negotiated().unwrap().context.max_send(), 4096);
}

fn restart(notification: bool) -> Capability {
    let families = vec![GracefulRestartFamily { family: Family::IPV4_UNICAST, forwarding: true }];
    Capability::GracefulRestart(GracefulRestart { restart_time: 120, restarting: false, notification, families })
}

/// Established with graceful restart on both sides; whether each has the N bit.
fn graceful(ours: bool, theirs: bool) -> Driver {
    let config = config().with_capabilities([Capability::RouteRefresh, restart(ours)]);
    let (_, mut driver) = exchange(config, &peer_open(64513, 2, &[Capability::RouteRefresh, restart(theirs)]));
    driver.message(&message("001304"));
    assert_eq!(driver.session.state(), State::Established);
    driver
}

#[test]
fn rfc4724_4_2_and_rfc8538_4_what_may_be_retained() {
    let kept = FamilySet::from(Family::IPV4_UNICAST);
    for (ours, theirs) in [(false, false), (true, false), (false, true), (true, true)] {
        let with_both = if ours && theirs { kept } else { FamilySet::EMPTY };
        let after = |input: &dyn Fn(&mut Driver)| {
            let mut driver = graceful(ours, theirs);
            input(&mut driver);
            down(&driver).retained
        };
        assert_eq!(
            after(&|driver| {
                driver.event(Event::TcpConnectionFails);
            }),
            kept
        );
        assert_eq!(
            after(&|driver| {
                driver.event(Event::HoldTimerExpires);
            }),
            with_both
        );
        let shutdown = notification(NotificationCode::ADMIN_SHUTDOWN);
        assert_eq!(
            after(&|driver| {
                driver.message(&shutdown);
            }),
            with_both
        );
        assert_eq!(
            after(&|driver| {
                driver.message(&message("00170306090602"));
            }),
            FamilySet::EMPTY
        );
        assert_eq!(
            after(&|driver| {
                driver.event(Event::ManualStop);
            }),
            FamilySet::EMPTY
        );
    }
    let mut driver = Driver::established(config());
    driver.event(Event::TcpConnectionFails);
    assert!(down(&driver).retained.is_empty());
}

#[test]
fn rfc4724_4_2_stale_routes_wait_for_the_peer_and_its_end_of_rib() {
    let v4 = Family::IPV4_UNICAST;
    let kept = FamilySet::from(v4);
    let mut driver = graceful(false, false);
    let up = *driver.session.negotiated().unwrap();
    let without = {
        let (_, driver) = exchange(config(), &peer_open(64513, 2, &[]));
        *driver.session.negotiated().unwrap()
    };
    let now = driver.now;
    driver.event(Event::TcpConnectionFails);
    let down = down(&driver);
    let mut away = Restart::new();
    assert_eq!(away.down(now, down), kept);
    assert_eq!(away.restart_deadline(), Some(now + Duration::from_secs(120)));
    // It does not come back in time.
    let mut late = away;
    assert_eq!(late.handle_timeout(now + Duration::from_secs(119)), Expired::default());
    assert_eq!(late.handle_timeout(now + Duration::from_secs(120)).gone, kept);
    assert_eq!((late.stale(), late.poll_timeout()), (FamilySet::EMPTY, None));
    // It comes back without the capability.
    let mut other = away;
    assert_eq!((other.up(now, &without), other.stale()), (kept, FamilySet::EMPTY));
    // It comes back, and sends its table.
    let mut back = away;
    assert_eq!((back.up(now, &up), back.stale(), back.restart_deadline()), (FamilySet::EMPTY, kept, None));
    let mut done = back;
    assert!(done.end_of_rib(v4) && !done.end_of_rib(v4));
    assert_eq!(done.poll_timeout(), None);
    // It never sends End-of-RIB.
    let mut silent = back;
    assert_eq!(silent.handle_timeout(now + Duration::from_secs(360)).gone, kept);
    // It fails again: what is still stale goes, what came since stays.
    let mut again = back;
    assert_eq!(again.down(now, down), FamilySet::EMPTY);
    back.announced(v4);
    assert_eq!(back.down(now, down), kept);
}

#[test]
fn rfc9494_4_2_what_the_restart_time_does_not_bring_back_waits_longer() {
    let v4 = Family::IPV4_UNICAST;
    let long = |stale_time| {
        Capability::LongLivedGracefulRestart(vec![LongLivedFamily { family: v4, forwarding: true, stale_time }])
    };
    for (ours, theirs, expected) in [(true, 3600, true), (false, 3600, false), (true, 0, false)] {
        let mut capabilities = vec![restart(false)];
        if ours {
            capabilities.push(long(1));
        }
        let open = peer_open(64513, 2, &[restart(false), long(theirs)]);
        let (_, mut driver) = exchange(config().with_capabilities(capabilities), &open);
        driver.message(&message("001304"));
        let up = *driver.session.negotiated().unwrap();
        let now = driver.now;
        driver.event(Event::TcpConnectionFails);
        let mut away = Restart::new();
        away.up(now, &up);
        away.down(now, down(&driver));
        let expired = away.handle_timeout(now + Duration::from_secs(120));
        assert_eq!((expired.long_lived.contains(v4), expired.gone.contains(v4)), (expected, !expected));
        assert_eq!(away.stale().contains(v4), expected);
        if expected {
            let end = now + Duration::from_secs(120 + 3600);
            assert_eq!((away.long_lived_deadline(v4), away.poll_timeout()), (Some(end), Some(end)));
            // Back before the end: the time runs on until End-of-RIB.
            let mut back = away;
            assert_eq!((back.up(now, &up), back.poll_timeout()), (FamilySet::EMPTY, Some(end)));
            assert!(back.end_of_rib(v4));
            assert_eq!(back.poll_timeout(), None);
            assert_eq!(away.handle_timeout(end).gone, FamilySet::from(v4));
            assert!(away.stale().is_empty());
        }
    }
}

#[test]
fn rfc2918_4_and_rfc7313_5_only_what_was_negotiated_is_told() {
    let refresh = |driver: &mut Driver, hex: &str| {
        let octets = message(hex);
        match driver.session.receive(driver.now, &octets) {
            Received::RouteRefresh(refresh) => Some((refresh.family, refresh.subtype.0)),
            _ => None,
        }
    };
    let plain = [Capability::RouteRefresh];
    let enhanced = [Capability::RouteRefresh, Capability::EnhancedRouteRefresh];
    for (ours, theirs, begin) in [(&plain[..], &enhanced[..], 0), (&enhanced[..], &enhanced[..], 1)] {
        let (_, mut driver) = exchange(config().with_capabilities(ours), &peer_open(64513, 2, theirs));
        driver.message(&message("001304"));
        assert_eq!(refresh(&mut driver, "00170500010001"), Some((Family::IPV4_UNICAST, 0)));
        assert_eq!(refresh(&mut driver, "00170500020001"), None, "a family that was not negotiated");
        assert_eq!(refresh(&mut driver, "00170500010101"), Some((Family::IPV4_UNICAST, begin)));
        assert_eq!(refresh(&mut driver, "00170500014d01"), (begin == 0).then_some((Family::IPV4_UNICAST, 0)));
        assert!(driver.session.request_refresh(Family::IPV4_UNICAST));
        assert!(!driver.session.request_refresh(Family::IPV6_UNICAST));
        let mut out = BytesMut::new();
        assert!(driver.session.poll_transmit(&mut out));
        assert_eq!(out, message("00170500010001"));
        let bad = message("0018050001010100");
        driver.message(&bad);
        assert_eq!(driver.notification(), Some((7, 1)));
        assert_eq!(down(&driver).notification().unwrap().data, bad);
    }
    let (_, mut driver) = exchange(config().with_capabilities([]), &peer_open(64513, 2, &plain));
    driver.message(&message("001304"));
    assert_eq!(refresh(&mut driver, "00170500010001"), None, "we never said that we understand it");
}

#[test]
fn rfc4486_4_and_rfc9003_2_every_cease_has_its_subcode_and_text() {
    let limit = Cease::too_many_prefixes(Family::IPV4_UNICAST, 1000);
    for (cease, code, data) in [
        (limit, (6, 1), &[0, 1, 1, 0, 0, 3, 0xe8][..]),
        (Cease::shutdown(), (6, 2), &[]),
        (Cease::shutdown().with_communication("bye"), (6, 2), b"\x03bye"),
        (Cease::deconfigured(), (6, 3), &[]),
        (Cease::reset().with_communication("x"), (6, 4), b"\x01x"),
        (Cease::rejected(), (6, 5), &[]),
        (Cease::configuration_change().with_communication("has none"), (6, 6), &[]),
        (Cease::out_of_resources(), (6, 8), &[]),
        (Cease::reset().with_communication("x").hard().hard(), (6, 9), b"\x06\x04\x01x"),
        (Cease::bfd_down(), (6, 10), &[]),
    ] {
        let mut driver = Driver::established(config());
        driver.input(&Input::Cease(cease));
        let sent = Notification::decode(&driver.octets).unwrap();
        assert_eq!(((sent.code.code, sent.code.subcode), sent.data), (code, data));
    }
    let long = Cease::shutdown().with_communication(&"ä".repeat(200));
    assert_eq!(long.notification().data.len(), 1 + 254);
    let mut driver = Driver::established(config());
    driver.message(&message("001703060205ff"));
    assert_eq!(down(&driver).to_string(), "received 6/2 administrative shutdown in Established");
    assert_eq!(down(&driver).notification().unwrap().communication(), None);
}

#[test]
fn rfc9072_2_capabilities_that_fit_no_open_end_the_attempt() {
    let many = vec![Capability::decode(bgp_wire::CapabilityCode(200), &[0; 255]); 20];
    let mut driver = Driver::new(config().with_capabilities(many));
    driver.event(Event::ManualStart).event(Event::TcpCrAcked);
    assert_eq!(driver.session.state(), State::Idle);
    assert_eq!(down(&driver).to_string(), "capabilities do not fit into an open in Connect");
}

//! Tests of the capability values: octets, meaning, and what is malformed.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::{Afi, Asn, BgpId, Family, FamilySet, Params};

const V4: Family = Family::IPV4_UNICAST;
const V6: Family = Family::IPV6_UNICAST;

/// Reads `value` as capability `code` and writes it again.
#[track_caller]
fn both_ways(code: u8, value: &[u8], expected: Capability) {
    let capability = Capability::decode(CapabilityCode(code), value);
    assert_eq!(capability, expected);
    assert_eq!((capability.code(), capability.value()), (CapabilityCode(code), value.to_vec()));
}

#[track_caller]
fn kept(code: u8, value: &[u8]) {
    let unknown = UnknownCapability { code: CapabilityCode(code), value: value.to_vec() };
    both_ways(code, value, Capability::Unknown(unknown));
}

/// What capabilities say, in the order given.
fn learned(capabilities: &[(u8, &[u8])]) -> Params {
    let mut params = Params::new(Asn(64512), BgpId(1));
    for (code, value) in capabilities {
        params.learn(CapabilityView { code: CapabilityCode(*code), value });
    }
    params
}

#[test]
fn capabilities_without_a_value_go_both_ways() {
    both_ways(2, &[], Capability::RouteRefresh);
    both_ways(6, &[], Capability::ExtendedMessage);
    both_ways(70, &[], Capability::EnhancedRouteRefresh);
    both_ways(74, &[], Capability::BfdStrict);
    both_ways(77, &[], Capability::LinkLocalNextHop);
    both_ways(128, &[], Capability::CiscoRouteRefresh);
    for code in [2, 6, 70, 74, 77, 128] {
        kept(code, &[0]);
    }
    let params = learned(&[(2, &[]), (6, &[]), (70, &[]), (74, &[]), (77, &[]), (128, &[])]);
    assert!(params.route_refresh() && params.extended_message() && params.enhanced_route_refresh());
    assert!(params.link_local_next_hop() && params.bfd_strict() && params.cisco_route_refresh());
}

#[test]
fn rfc4760_8_multiprotocol_goes_both_ways() {
    both_ways(1, &[0, 2, 0, 1], Capability::MultiProtocol(V6));
    both_ways(1, &[0x40, 4, 0, 71], Capability::MultiProtocol(Family::BGP_LS));
    kept(1, &[0, 1, 0]);
    kept(1, &[0, 1, 0, 1, 0]);
    // The reserved octet is 0 when sent and ignored when received.
    assert_eq!(Capability::decode(CapabilityCode(1), &[0, 1, 9, 1]).value(), [0, 1, 0, 1]);
}

#[test]
fn rfc4760_8_only_the_families_named_count_once_one_is_named() {
    assert_eq!(learned(&[]).families(), V4.into());
    assert_eq!(learned(&[(1, &[0, 2, 0, 1])]).families(), V6.into());
    assert_eq!(learned(&[(1, &[0, 2, 0, 1]), (1, &[0, 1, 0, 1])]).families(), FamilySet::UNICAST);
    // A family that nobody here knows is still a multiprotocol capability.
    assert_eq!(learned(&[(1, &[0, 1, 0, 250])]).families(), FamilySet::EMPTY);
}

#[test]
fn rfc8950_4_extended_next_hop_goes_both_ways() {
    let entry = ExtendedNextHop { family: V4, next_hop: Afi::IPV6 };
    let vpn = ExtendedNextHop { family: Family::IPV4_VPN, next_hop: Afi::IPV6 };
    both_ways(5, &[0, 1, 0, 1, 0, 2, 0, 1, 0, 128, 0, 2], Capability::ExtendedNextHop(vec![entry, vpn]));
    both_ways(5, &[], Capability::ExtendedNextHop(vec![]));
    kept(5, &[0, 1, 0, 1, 0]);
    kept(5, &[0, 1, 1, 1, 0, 2]); // SAFI 257
}

#[test]
fn rfc8950_4_only_ipv6_next_hops_of_ipv4_count() {
    let value = [0, 1, 0, 1, 0, 2, 0, 1, 0, 128, 0, 1, 0, 2, 0, 1, 0, 1, 0, 1, 1, 1, 0, 2];
    assert_eq!(learned(&[(5, &value)]).ext_next_hop(), V4.into());
}

#[test]
fn rfc8277_2_1_families_with_more_than_one_label() {
    let value = [0, 1, 4, 2, 0, 2, 4, 1, 0, 1, 128, 255, 0, 1, 4, 3];
    assert_eq!(
        learned(&[(8, &value)]).multiple_labels(),
        FamilySet::from_iter([Family::IPV4_LABELED, Family::IPV4_VPN])
    );
    // The last entry of a family counts, and the last capability.
    assert_eq!(learned(&[(8, &[0, 1, 4, 2, 0, 1, 4, 1])]).multiple_labels(), FamilySet::EMPTY);
    assert_eq!(learned(&[(8, &value), (8, &[0, 2, 4, 2])]).multiple_labels(), Family::IPV6_LABELED.into());
    // A malformed one is none.
    assert_eq!(learned(&[(8, &[0, 1, 4, 2, 0])]).multiple_labels(), FamilySet::EMPTY);
}

#[test]
fn rfc9234_4_1_role_goes_both_ways_and_conflicts_are_seen() {
    both_ways(9, &[3], Capability::Role(Role::CUSTOMER));
    both_ways(9, &[200], Capability::Role(Role(200)));
    kept(9, &[]);
    kept(9, &[0, 0]);
    assert_eq!(learned(&[]).role(), RoleParam::None);
    assert_eq!(learned(&[(9, &[0]), (9, &[0])]).role(), RoleParam::One(Role::PROVIDER));
    assert_eq!(learned(&[(9, &[0]), (9, &[3])]).role(), RoleParam::Conflict);
    assert_eq!(learned(&[(9, &[0]), (9, &[3]), (9, &[0])]).role(), RoleParam::Conflict);
}

#[test]
fn rfc9234_4_2_exactly_five_pairs_of_roles_match() {
    let pairs: Vec<(u8, u8)> =
        (0..8).flat_map(|a| (0..8).map(move |b| (a, b))).filter(|(a, b)| Role(*a).matches(Role(*b))).collect();
    assert_eq!(pairs, [(0, 3), (1, 2), (2, 1), (3, 0), (4, 4)]);
}

#[test]
fn rfc4724_3_graceful_restart_goes_both_ways() {
    let value = GracefulRestart {
        restart_time: 120,
        restarting: true,
        notification: false,
        families: vec![
            GracefulRestartFamily { family: V4, forwarding: true },
            GracefulRestartFamily { family: V6, forwarding: false },
        ],
    };
    both_ways(64, &[0x80, 120, 0, 1, 1, 0x80, 0, 2, 1, 0], Capability::GracefulRestart(value));
    // RFC 8538: N, and a value without families.
    let value = GracefulRestart { restart_time: 4095, notification: true, ..GracefulRestart::default() };
    both_ways(64, &[0x4f, 0xff], Capability::GracefulRestart(value));
    for value in [&[][..], &[0], &[0, 1, 0], &[0, 1, 0, 1, 1]] {
        kept(64, value);
    }
    let long = GracefulRestart { restart_time: 5000, ..GracefulRestart::default() };
    assert_eq!(Capability::GracefulRestart(long).value(), [0x0f, 0xff]);
}

#[test]
fn rfc4724_3_of_several_the_last_one_counts() {
    let params = learned(&[(64, &[0x80, 9, 0, 1, 1, 0x80]), (64, &[0x40, 120, 0, 2, 1, 0x80])]);
    let said = params.graceful_restart().unwrap();
    assert_eq!((said.restart_time, said.restarting, said.notification), (120, false, true));
    assert_eq!((said.families, said.forwarding), (V6.into(), V6.into()));
    // A malformed one is none.
    assert_eq!(learned(&[(64, &[0, 9]), (64, &[0, 10, 0])]).graceful_restart().unwrap().restart_time, 9);
    assert_eq!(learned(&[]).graceful_restart(), None);
}

#[test]
fn rfc6793_3_as_number_goes_both_ways() {
    both_ways(65, &[0, 6, 0x1a, 0x80], Capability::FourOctetAs(Asn(400_000)));
    kept(65, &[0, 1]);
    kept(65, &[0, 0, 0, 1, 0]);
}

#[test]
fn rfc7911_4_add_path_goes_both_ways_and_unknown_modes_mean_nothing() {
    let entry = |family, mode| AddPath { family, mode: AddPathMode(mode) };
    let value = [0, 1, 1, 3, 0, 2, 1, 1, 0, 1, 4, 2, 0, 2, 4, 0, 0, 1, 128, 4];
    both_ways(
        69,
        &value,
        Capability::AddPath(vec![
            entry(V4, 3),
            entry(V6, 1),
            entry(Family::IPV4_LABELED, 2),
            entry(Family::IPV6_LABELED, 0),
            entry(Family::IPV4_VPN, 4),
        ]),
    );
    kept(69, &[0, 1, 1]);
    let params = learned(&[(69, &value)]);
    assert_eq!(params.add_path_receive(), FamilySet::from_iter([V4, V6]));
    assert_eq!(params.add_path_send(), FamilySet::from_iter([V4, Family::IPV4_LABELED]));
}

#[test]
fn rfc9494_3_1_long_lived_restart_goes_both_ways() {
    let entry = |family, forwarding, stale_time| LongLivedFamily { family, forwarding, stale_time };
    let value = [0, 1, 1, 0x80, 1, 0x51, 0x80, 0, 2, 1, 0, 0, 0, 60];
    let families = vec![entry(V4, true, 86_400), entry(V6, false, 60)];
    both_ways(71, &value, Capability::LongLivedGracefulRestart(families));
    kept(71, &[0, 1, 1, 0, 0, 0]);
    let long = Capability::LongLivedGracefulRestart(vec![entry(V4, false, u32::MAX)]);
    assert_eq!(long.value(), [0, 1, 1, 0, 0xff, 0xff, 0xff]);
    let said = learned(&[(71, &value)]).long_lived_graceful_restart().unwrap();
    assert_eq!(said.family(V6), Some(entry(V6, false, 60)));
    assert_eq!(said.family(Family::IPV4_VPN), None);
}

#[test]
fn rfc9494_families_beyond_the_capacity_count_as_not_said() {
    let value: Vec<u8> = (1..=20).flat_map(|safi| [0, 1, safi, 0, 0, 0, safi]).collect();
    let said = learned(&[(71, &value)]).long_lived_graceful_restart().unwrap();
    assert_eq!(said.iter().count(), LongLivedParams::CAPACITY);
    assert!(said.family(Family::new(1, 8)).is_some() && said.family(Family::new(1, 9)).is_none());
    // What is said again about a family replaces the first, room or not.
    let mut said = said;
    let again = LongLivedFamily { family: V4, forwarding: true, stale_time: 9 };
    assert!(said.insert(again));
    assert_eq!(said.family(V4), Some(again));
    assert_eq!(said.iter().count(), LongLivedParams::CAPACITY);
}

#[test]
fn names_and_versions_go_both_ways_and_are_cut_between_characters() {
    let fqdn = Fqdn { host: "node1".into(), domain: "example".into() };
    both_ways(73, b"\x05node1\x07example", Capability::Fqdn(fqdn));
    both_ways(75, b"\x04FRR9", Capability::SoftwareVersion(SoftwareVersion("FRR9".into())));
    for value in [&b"\x05node"[..], b"\x01a", b"\x01a\x00x", b"\x01\xff\x00", b""] {
        kept(73, value);
    }
    for value in [&b"\x05node"[..], b"\x01ab", b"\x01\xff", b""] {
        kept(75, value);
    }
    let long = Capability::Fqdn(Fqdn { host: "ä".repeat(200), domain: "b".repeat(9) }).value();
    assert_eq!((long.len(), long[0], long[253..].to_vec()), (255, 252, vec![1, b'b']));
    let long = Capability::SoftwareVersion(SoftwareVersion("€".repeat(40))).value();
    assert_eq!((long.len(), long[0]), (64, 63));
}

#[test]
fn rfc5291_4_filters_go_both_ways() {
    let entry = |family, filters: &[(u8, u8)]| OutboundRouteFiltering {
        family,
        filters: filters.iter().map(|(ty, mode)| FilterType { ty: *ty, mode: *mode }).collect(),
    };
    let value = [0, 1, 0, 1, 2, 64, 3, 128, 1, 0, 2, 0, 1, 0];
    let entries = vec![entry(V4, &[(64, 3), (128, 1)]), entry(V6, &[])];
    both_ways(3, &value, Capability::OutboundRouteFiltering(entries));
    for value in [&[0, 1, 0, 1][..], &[0, 1, 0, 1, 1], &[0, 1, 0, 1, 1, 64], &[0, 1, 0, 1, 255, 64, 3]] {
        kept(3, value);
    }
    let many = Capability::OutboundRouteFiltering(vec![entry(V4, &[(64, 3); 300])]);
    assert_eq!((many.value().len(), many.value()[4]), (5 + 510, 255));
}

#[test]
fn rfc8205_2_1_bgpsec_goes_both_ways() {
    both_ways(7, &[0x08, 0, 1], Capability::Bgpsec(Bgpsec { version: 0, send: true, afi: Afi::IPV4 }));
    both_ways(7, &[0xf0, 0, 2], Capability::Bgpsec(Bgpsec { version: 15, send: false, afi: Afi::IPV6 }));
    kept(7, &[0, 0]);
    kept(7, &[0, 0, 1, 0]);
}

#[test]
fn rfc8277_2_1_and_paths_limit_go_both_ways() {
    let family = Family::IPV4_LABELED;
    let entries = vec![MultipleLabels { family, count: 3 }, MultipleLabels { family: V6, count: 255 }];
    both_ways(8, &[0, 1, 4, 3, 0, 2, 1, 255], Capability::MultipleLabels(entries));
    kept(8, &[0, 1, 4]);
    let entries = vec![PathsLimit { family: V4, limit: 258 }, PathsLimit { family: V6, limit: 0 }];
    both_ways(76, &[0, 1, 1, 1, 2, 0, 2, 1, 0, 0], Capability::PathsLimit(entries));
    kept(76, &[0, 1, 1, 1]);
}

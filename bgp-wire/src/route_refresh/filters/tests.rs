//! Tests of outbound route filters: octets, malformed shapes, what a rule matches.

use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn message(afi: u8, behind: &[u8]) -> Vec<u8> {
    let mut message = [0xff; 19].to_vec();
    message.extend([0, afi, 0, 1]);
    message.extend(behind);
    let len = u16::try_from(message.len()).unwrap();
    message[16..18].copy_from_slice(&len.to_be_bytes());
    message[18] = 5;
    message
}

/// The filters of the only group, and whether it is malformed.
fn only(afi: u8, behind: &[u8]) -> (Vec<PrefixFilter>, bool) {
    let message = message(afi, behind);
    let filters = OutboundFilters::decode(&message).unwrap().unwrap();
    let groups: Vec<_> = filters.groups().collect();
    let [group] = groups[..] else { panic!("{groups:?}") };
    (group.prefixes().collect(), group.is_malformed())
}

#[test]
fn rfc5292_3_entries_are_read() {
    let entries = [0x80, 0, 0, 0, 0, 5, 0, 24, 8, 10, 0x60, 0, 0, 0, 6, 16, 0, 8, 10];
    let mut behind = alloc::vec![1, 64, 0, 19];
    behind.extend(entries);
    let (filters, malformed) = only(1, &behind);
    assert!(!malformed);
    assert_eq!(
        filters,
        [
            PrefixFilter::RemoveAll,
            PrefixFilter::Add("seq 5 permit 10.0.0.0/8 le 24".parse().unwrap()),
            PrefixFilter::Remove("seq 6 deny 10.0.0.0/8 ge 16".parse().unwrap()),
        ]
    );
}

#[test]
fn rfc5291_5_a_request_without_filters_has_none() {
    assert_eq!(OutboundFilters::decode(&message(1, &[])), Ok(None));
    let mut unknown = message(1, &[1]);
    unknown[21] = 9;
    assert_eq!(OutboundFilters::decode(&unknown), Ok(None));
    let deferred = message(1, &[2]);
    let filters = OutboundFilters::decode(&deferred).unwrap().unwrap();
    assert_eq!((filters.when(), filters.family()), (RefreshWhen::DEFER, Family::IPV4_UNICAST));
    assert_eq!(filters.groups().count(), 0);
}

#[test]
fn rfc5291_5_malformed_groups_are_told_and_never_hurt() {
    // FRR issue 22828: malformed entries crashed the receiver.
    for behind in [
        &[1, 64][..],
        &[1, 64, 0],
        &[1, 64, 0xff, 0xff],
        &[1, 64, 0, 1],
        &[1, 64, 0, 1, 0],
        &[1, 64, 0, 1, 0xc0],
        &[1, 64, 0, 8, 0, 0, 0, 0, 5, 0, 0, 8],
        &[1, 64, 0, 8, 0, 0, 0, 0, 5, 0, 0, 33],
        &[1, 64, 0, 13, 0, 0, 0, 0, 5, 0, 0, 33, 1, 2, 3, 4, 5],
        &[1, 64, 0, 8, 0, 0, 0, 0, 5, 0, 33, 0],
        &[1, 64, 0, 9, 0, 0, 0, 0, 5, 7, 0, 8, 10],
        &[1, 64, 0, 9, 0, 0, 0, 0, 5, 24, 16, 8, 10],
        &[1, 64, 0, 8, 0, 0, 0, 0, 5, 0, 0, 255],
    ] {
        let (filters, malformed) = only(1, behind);
        assert!(malformed && filters.is_empty(), "{behind:?}");
    }
    // Those in front of the malformed one are still there.
    assert_eq!(only(1, &[1, 64, 0, 2, 0x80, 0xc0]), ([PrefixFilter::RemoveAll].into(), true));
    assert_eq!(only(1, &[1, 128, 0, 1, 0x80]), ([PrefixFilter::RemoveAll].into(), false));
    // A type that nobody here knows is whole or not, and no more.
    assert_eq!(only(1, &[1, 3, 0, 2, 0xff, 0xff]), (Vec::new(), false));
    assert_eq!(only(1, &[1, 3, 0, 3, 0xff, 0xff]), (Vec::new(), true));
    // Prefixes of a family that has none.
    assert_eq!(only(25, &[1, 64, 0, 8, 0, 0, 0, 0, 5, 0, 0, 0]), (Vec::new(), true));
}

#[test]
fn rfc5292_5_lengths_decide_what_matches() {
    let table = [
        ("10.0.0.0/8", [true, false, false, false]),
        ("10.0.0.0/8 ge 16", [false, true, true, false]),
        ("10.0.0.0/8 le 16", [true, true, false, false]),
        ("10.0.0.0/8 ge 16 le 16", [false, true, false, false]),
        ("0.0.0.0/0 le 32", [true, true, true, true]),
    ];
    for (rule, expected) in table {
        let rule: PrefixRule = alloc::format!("seq 1 permit {rule}").parse().unwrap();
        let matched =
            ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "11.0.0.0/16"].map(|net| rule.matches(&net.parse().unwrap()));
        assert_eq!(matched, expected, "{rule}");
        assert!(!rule.matches(&"2001:db8::/32".parse().unwrap()));
    }
}

#[test]
fn rfc5292_3_text_that_is_no_rule_is_an_error() {
    for text in [
        "",
        "seq 1 permit",
        "seq 1 allow 10.0.0.0/8",
        "seq 1 permit 10.0.0.1/8",
        "seq 1 permit 10.0.0.0/8 ge 7",
        "seq 1 permit 10.0.0.0/8 le 33",
        "seq 1 permit 10.0.0.0/8 le 16 ge 9",
        "seq 1 permit 10.0.0.0/8 ge",
        "seq 1 permit 10.0.0.0/8 ge 0",
        "permit 10.0.0.0/8",
    ] {
        assert_eq!(text.parse::<PrefixRule>(), Err(ParseError::new("prefix rule")), "{text}");
    }
}

#[test]
fn rfc5291_5_more_than_a_message_holds_is_an_error() {
    let filters = [PrefixFilter::RemoveAll; 5000];
    let mut out = bytes::BytesMut::new();
    let wrong = OutboundFilters::encode_prefixes(Family::IPV4_UNICAST, RefreshWhen::DEFER, &filters, &mut out);
    assert_eq!((wrong, out.len()), (Err(crate::EncodeError::TooLong { length: 5027 }), 0));
}

prop_compose! {
    fn rules()(sequence: u32, permit: bool, v6: bool, bits: u128, len in 0_u8..=128, min in 0_u8..=128, max in 0_u8..=128) -> PrefixRule {
        let prefix = if v6 {
            IpNet::new(Ipv6Addr::from_bits(bits).into(), len)
        } else {
            IpNet::new(Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()).into(), len % 33)
        };
        let rule = PrefixRule::new(sequence, permit, prefix.unwrap());
        rule.with_lengths(min, max).unwrap_or(rule)
    }
}

proptest! {
    #[test]
    fn rfc5292_3_octets_and_text_are_read_back(rule in rules(), remove: bool) {
        prop_assert_eq!(rule.to_string().parse(), Ok(rule));
        let family = if matches!(rule.prefix(), IpNet::V4(_)) { Family::IPV4_UNICAST } else { Family::IPV6_UNICAST };
        let filter = if remove { PrefixFilter::Remove(rule) } else { PrefixFilter::Add(rule) };
        let mut out = bytes::BytesMut::new();
        OutboundFilters::encode_prefixes(family, RefreshWhen::DEFER, &[filter, PrefixFilter::RemoveAll], &mut out).unwrap();
        let read = OutboundFilters::decode(&out).unwrap().unwrap();
        let group = read.groups().next().unwrap();
        prop_assert!(group.prefixes().eq([filter, PrefixFilter::RemoveAll]) && !group.is_malformed());
    }

    #[test]
    fn rfc5291_5_no_octets_hurt(behind: Vec<u8>, afi in 0_u8..3) {
        let message = message(afi, &behind);
        if let Some(filters) = OutboundFilters::decode(&message).unwrap() {
            for group in filters.groups() {
                let _ = (group.prefixes().count(), group.is_malformed());
            }
        }
    }
}

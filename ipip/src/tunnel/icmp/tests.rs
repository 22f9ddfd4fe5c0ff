//! ICMP at the tunnel, by the table of RFC 2003 section 4.

use core::net::Ipv4Addr;
use core::time::Duration;
use proptest::prelude::*;
use std::vec::Vec;

use crate::header::{Header, fragment_field};
use crate::testing::{FAR, NEAR, NOW, OTHER, POD, datagram, near, udp};
use crate::{Df, ICMP_MAX_LEN, NoPeers, Path, Reason, TokenBucket, Tos, Ttl, Tunnel};

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

fn tunnel() -> Tunnel<NoPeers> {
    Tunnel::new(near(), NoPeers::new())
}

/// An ICMP datagram from a router in the tunnel with `quote` behind its header.
fn icmp(kind: u8, code: u8, rest: [u8; 4], quote: &[u8]) -> Vec<u8> {
    let mut body = [&[kind, code, 0, 0][..], &rest, quote].concat();
    let sum = crate::checksum(&body).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    datagram(Header { protocol: 1, ttl: 9, ..Header::new(ROUTER, NEAR) }, &body)
}

/// An outer datagram of ours around `inner`.
fn ours(inner: &[u8]) -> Vec<u8> {
    datagram(Header { fragment: 0x4000, ttl: 9, ..Header::new(NEAR, FAR) }, inner)
}

/// Type, code and the last four octets of the header of what is relayed.
fn relayed(tunnel: &mut Tunnel<NoPeers>, path: &mut Path, message: &[u8]) -> Option<(u8, u8, [u8; 4])> {
    let notice = tunnel.notice(message).unwrap();
    assert_eq!((notice.remote(), notice.reporter()), (FAR, ROUTER));
    let mut out = [0; ICMP_MAX_LEN];
    let sent = tunnel.relay(&notice, path, NOW, &mut out)?;
    assert_eq!((crate::checksum(&sent[..20]), crate::checksum(&sent[20..])), (0, 0));
    assert_eq!(Header::read(sent).unwrap().destination, POD);
    assert_eq!(sent[28..48], datagram(udp(), &[7; 8])[..20]);
    Some((sent[20], sent[21], [sent[24], sent[25], sent[26], sent[27]]))
}

#[test]
fn rfc2003_4_what_is_told_to_the_sender() {
    let quote = ours(&datagram(udp(), &[7; 8]));
    for (kind, code, told) in [
        (3, 0, Some((3, 0))),
        (3, 1, Some((3, 1))),
        (3, 2, Some((3, 0))),
        (3, 3, None),
        (3, 5, None),
        (3, 6, Some((3, 0))),
        (3, 13, Some((3, 1))),
        (4, 0, None),
        (5, 1, None),
        (11, 0, Some((3, 1))),
        (11, 1, Some((3, 1))),
    ] {
        let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
        let sent = relayed(&mut tunnel, &mut path, &icmp(kind, code, [0; 4], &quote));
        assert_eq!(sent, told.map(|(kind, code)| (kind, code, [0; 4])), "{kind}/{code}");
        assert_eq!(path.unreachable(NOW), told.map(|(_, code)| code));
        assert_eq!(path.is_ttl_short(NOW), kind == 11);
        assert_eq!(path.mtu(tunnel.config(), NOW), 1500);
        assert_eq!(tunnel.counters().icmp_received, 1);
    }
}

#[test]
fn rfc2003_4_1_too_big_is_relayed_less_20_and_remembered() {
    let quote = ours(&datagram(udp(), &[7; 1400]));
    let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
    let mut told = |told: u16| {
        let [high, low] = told.to_be_bytes();
        let message = icmp(3, 4, [0, 0, high, low], &quote);
        let sent = tunnel.notice(&message).unwrap();
        let mut out = [0; ICMP_MAX_LEN];
        let mtu = tunnel.relay(&sent, &mut path, NOW, &mut out).map(|sent| u16::from_be_bytes([sent[26], sent[27]]));
        (mtu, path.mtu(tunnel.config(), NOW))
    };
    assert_eq!(told(9000), (None, 1500), "it would raise the path mtu");
    assert_eq!(told(1500), (Some(1480), 1500));
    assert_eq!(told(1430), (Some(1410), 1430));
    assert_eq!(told(1450), (None, 1430));
    assert_eq!(told(0), (Some(986), 1006), "a plateau below the 1440 octets quoted");
    assert_eq!(told(1), (Some(48), 68));
}

#[test]
fn rfc2003_4_6_parameter_problem_only_about_copied_fields() {
    let quote = ours(&datagram(udp(), &[7; 8]));
    let told = |code, pointer, inherit: bool| {
        let mut tunnel = tunnel();
        if inherit {
            tunnel.config_mut().ttl = Ttl::Inherit;
        } else {
            (tunnel.config_mut().tos, tunnel.config_mut().df) = (Tos::Fixed(0), Df::Always);
        }
        relayed(&mut tunnel, &mut Path::new(FAR), &icmp(12, code, [pointer, 0, 0, 0], &quote))
            .map(|(_, _, rest)| rest[0])
    };
    for own in [0, 2, 4, 9, 10, 12, 16] {
        assert_eq!(told(0, own, true), None, "{own}");
    }
    assert_eq!([told(0, 1, true), told(0, 6, true), told(0, 8, true)], [Some(1), Some(6), Some(8)]);
    assert_eq!([told(0, 1, false), told(0, 6, false), told(0, 8, false)], [None; 3]);
    assert_eq!((told(0, 28, true), told(1, 28, true)), (Some(8), None));
}

#[test]
fn rfc2003_4_a_short_quote_answers_the_next_datagram() {
    let inner = datagram(udp(), &[7; 8]);
    let quote = ours(&inner);
    let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
    let mut out = [0; ICMP_MAX_LEN];
    assert_eq!(relayed(&mut tunnel, &mut path, &icmp(3, 1, [0; 4], &quote[..28])), None);
    assert_eq!(path.unreachable(NOW), Some(1));
    let sent = tunnel.answer_next(&mut path, NOW, &inner, &mut out).unwrap();
    assert_eq!((sent[20], sent[21], &sent[28..]), (3, 1, &inner[..]));
    assert_eq!(tunnel.answer_next(&mut path, NOW, &inner, &mut out), None, "one answer for one error");
    assert_eq!(relayed(&mut tunnel, &mut path, &icmp(3, 1, [0; 4], &quote[..28])), None);
    let later = NOW + Path::UNREACHABLE_AGE;
    assert_eq!(tunnel.answer_next(&mut path, later, &inner, &mut out), None);
}

#[test]
fn rfc2003_4_a_short_quote_still_teaches_the_path_mtu() {
    let quote = ours(&datagram(udp(), &[7; 1400]));
    let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
    assert_eq!(relayed(&mut tunnel, &mut path, &icmp(3, 4, [0, 0, 5, 0], &quote[..28])), None);
    assert_eq!((path.mtu(tunnel.config(), NOW), path.unreachable(NOW)), (1280, None));
    assert_eq!(path.mtu(tunnel.config(), NOW + Duration::from_secs(600)), 1500);
}

#[test]
fn rfc5927_7_a_foreign_quote_teaches_nothing() {
    let inner = datagram(udp(), &[7; 8]);
    let quote = ours(&inner);
    let foreign = |with: Header| icmp(3, 4, [0, 0, 2, 88], &datagram(with, &inner));
    let right = Header { ttl: 9, ..Header::new(NEAR, FAR) };
    let mut cut = icmp(3, 4, [0; 4], &quote[..19]);
    let mut broken = icmp(3, 4, [0; 4], &quote);
    broken[30] ^= 1;
    let mut elsewhere = icmp(3, 4, [0; 4], &quote);
    elsewhere[19] = 99;
    crate::testing::fix_checksum(&mut elsewhere);
    let mut fragment = icmp(3, 4, [0; 4], &quote);
    fragment[6] = 0x20;
    crate::testing::fix_checksum(&mut fragment);
    for (message, reason) in [
        (foreign(Header { source: POD, ..right }), Reason::IcmpForeignQuote),
        (foreign(Header { destination: OTHER, ..right }), Reason::IcmpForeignQuote),
        (foreign(Header { protocol: 17, ..right }), Reason::IcmpForeignQuote),
        (icmp(8, 0, [0; 4], &quote), Reason::IcmpNotError),
        (std::mem::take(&mut cut), Reason::IcmpMalformed),
        (broken, Reason::IcmpChecksum),
        (elsewhere, Reason::NotLocal),
        (fragment, Reason::IcmpMalformed),
        (datagram(Header { ttl: 9, ..Header::new(ROUTER, NEAR) }, &quote), Reason::IcmpMalformed),
    ] {
        let mut tunnel = tunnel();
        assert_eq!(tunnel.notice(&message).map_err(|error| error.reason), Err(reason));
        assert_eq!(tunnel.counters().dropped(reason), 1);
    }
    // A notice about one exit says nothing about another.
    let (mut tunnel, mut path) = (tunnel(), Path::new(OTHER));
    let message = icmp(3, 4, [0, 0, 2, 88], &quote);
    let notice = tunnel.notice(&message).unwrap();
    assert_eq!(tunnel.relay(&notice, &mut path, NOW, &mut [0; ICMP_MAX_LEN]), None);
    assert_eq!(path, Path::new(OTHER));
    // NBMA: any peer may be the exit, nobody else.
    let mut config = near();
    config.remote = None;
    let message = icmp(3, 1, [0; 4], &quote);
    assert!(Tunnel::new(config, FAR).notice(&message).is_ok());
    assert_eq!(Tunnel::new(config, POD).notice(&message).unwrap_err().reason, Reason::IcmpForeignQuote);
}

#[test]
fn rfc4884_4_extensions_are_not_quoted_on() {
    let inner = datagram(udp(), &[7; 108]);
    let mut quote = ours(&inner);
    quote.truncate(128);
    quote.extend([0x20, 0, 0, 0]);
    let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
    let message = icmp(11, 0, [0, 32, 0, 0], &quote);
    let notice = tunnel.notice(&message).unwrap();
    let mut out = [0; ICMP_MAX_LEN];
    let sent = tunnel.relay(&notice, &mut path, NOW, &mut out).unwrap();
    assert_eq!(sent[28..], inner[..108]);
}

#[test]
fn rfc1122_3_2_2_no_error_about_errors_and_the_rate_is_limited() {
    let error = datagram(Header { protocol: 1, ..udp() }, &[3, 1, 0, 0, 0, 0, 0, 0]);
    let (mut tunnel, mut path) = (tunnel().with_icmp_limit(TokenBucket::new(0, 1)), Path::new(FAR));
    assert_eq!(relayed(&mut tunnel, &mut path, &icmp(3, 1, [0; 4], &ours(&error))), None);
    let message = icmp(3, 1, [0; 4], &ours(&datagram(udp(), &[7; 8])));
    assert!(relayed(&mut tunnel, &mut path, &message).is_some());
    assert!(relayed(&mut tunnel, &mut path, &message).is_none());
    assert_eq!((tunnel.counters().icmp_sent, tunnel.counters().icmp_limited), (1, 1));
}

#[test]
fn rfc1812_4_3_3_3_too_big_is_signalled_where_df_stands_in_the_way() {
    let big = |df| datagram(Header { fragment: fragment_field(df, false, 0), ..udp() }, &[0; 600]);
    let reply = |inner: &[u8], df| {
        let mut tunnel = tunnel();
        (tunnel.config_mut().mtu, tunnel.config_mut().df) = (576, df);
        tunnel.config_mut().fragmentation = crate::Fragmentation::Refuse;
        let path = Path::new(FAR);
        let error = tunnel.header(&path, NOW, &mut inner.to_vec(), inner.len()).unwrap_err();
        let mut out = [0; ICMP_MAX_LEN];
        tunnel.icmp_reply(&error, &path, NOW, inner, &mut out).map(|sent| (sent[20], sent[21], sent[26], sent[27]))
    };
    let told = Some((3, 4, 0x02, 0x2c));
    assert_eq!(
        [reply(&big(true), Df::Inherit), reply(&big(true), Df::Never), reply(&big(false), Df::Always)],
        [told; 3]
    );
    assert_eq!(reply(&big(false), Df::Inherit), None);
}

proptest! {
    #[test]
    fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..200), kind in 3_u8..13, code in 0_u8..16,
        rest: [u8; 4], cut in 0_usize..60, room in 0_usize..600) {
        let (mut tunnel, mut path) = (tunnel(), Path::new(FAR));
        prop_assert!(tunnel.notice(&octets).is_err());
        let mut quote = ours(&octets);
        quote.truncate(20 + cut);
        let mut out = [0; ICMP_MAX_LEN + 24];
        let message = icmp(kind, code, rest, &quote);
        let notice = tunnel.notice(&message).ok();
        if let Some(sent) = notice.and_then(|notice| tunnel.relay(&notice, &mut path, NOW, &mut out[..room])) {
            prop_assert!(sent.len() <= ICMP_MAX_LEN);
            prop_assert_eq!((crate::checksum(&sent[..20]), crate::checksum(&sent[20..])), (0, 0));
        }
        prop_assert!((68..=1500).contains(&path.mtu(tunnel.config(), NOW)));
    }
}

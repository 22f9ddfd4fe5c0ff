//! Tests of NOTIFICATION: RFC 4271 sections 4.5 and 6.4, RFC 4486, RFC 8538, RFC 9003.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::BytesMut;

use super::*;

fn encoded(notification: Notification<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    notification.encode(&mut out);
    out.to_vec()
}

fn text_of(data: &[u8]) -> Option<&str> {
    Notification::new(NotificationCode::ADMIN_SHUTDOWN, data).communication()
}

#[test]
fn rfc4271_4_5_any_code_goes_both_ways() {
    for code in 0..=255 {
        let sent = Notification::new(NotificationCode::new(code, code ^ 0x55), &[1, 2, 3]);
        let octets = encoded(sent);
        assert_eq!(octets[16..21], [0, 24, 3, code, code ^ 0x55]);
        assert_eq!(crate::frame(&octets, 4096), Ok(Some((&octets[..], &[][..]))));
        assert_eq!(Notification::decode(&octets), Ok(sent));
    }
    let bare = encoded(Notification::new(NotificationCode::HOLD_TIMER_EXPIRED, &[]));
    assert_eq!(bare.len(), 21);
    assert!(Notification::decode(&bare).unwrap().data.is_empty());
}

#[test]
fn rfc4271_6_4_what_is_no_whole_notification_is_an_error() {
    let mut short = encoded(Notification::new(NotificationCode::CEASE, &[]));
    short.pop();
    let not_framed = Notification::decode(&short).unwrap_err();
    assert_eq!(not_framed.to_string(), "octets are not one whole notification message at octet 0");
    short[17] = 20;
    let error = Notification::decode(&short).unwrap_err();
    assert_eq!(error.to_string(), "notification message has length 20 at octet 16");
    assert_eq!(error.notification(&short).data, [0, 20]);
    assert!(Notification::decode(&crate::KEEPALIVE).is_err());
}

#[test]
fn rfc9003_2_text_is_cut_between_characters() {
    for (text, octets) in
        [("a".repeat(300), 255), ("ä".repeat(128), 254), ("€".repeat(90), 255), ("😀".repeat(64), 252)]
    {
        let communication = ShutdownCommunication::new(&text);
        assert_eq!(communication.text().len(), octets);
        assert_eq!(communication.data().len(), octets + 1);
        assert!(text.starts_with(communication.text()));
    }
    let buf = NotificationBuf::with_communication(NotificationCode::ADMIN_SHUTDOWN, &"é".repeat(200));
    assert_eq!(buf.view().communication().map(str::len), Some(254));
}

#[test]
fn rfc9003_2_text_that_cannot_be_read_is_no_error() {
    assert_eq!(text_of(b"\x03bye"), Some("bye"));
    assert_eq!(text_of(b"\x03byebye"), Some("bye"));
    for data in [&b""[..], b"\x00", b"\x00abc", b"\x04bye", b"\x02\xc3\x28", b"\xff"] {
        assert_eq!(text_of(data), None, "{data:?}");
        let octets = encoded(Notification::new(NotificationCode::ADMIN_RESET, data));
        assert_eq!(Notification::decode(&octets).unwrap().data, data);
    }
    // 255 octets: RFC 9003 allows more than the 128 of RFC 8203.
    let long = [&[255][..], &[b'x'; 255]].concat();
    assert_eq!(text_of(&long).map(str::len), Some(255));
}

#[test]
fn rfc9003_2_only_shutdown_and_reset_carry_text() {
    for code in NotificationCode::NAMED {
        let carries = matches!(*code, NotificationCode::ADMIN_SHUTDOWN | NotificationCode::ADMIN_RESET);
        assert_eq!(Notification::new(*code, b"\x03bye").communication().is_some(), carries, "{code}");
    }
}

#[test]
fn rfc8538_3_1_hard_reset_shows_its_reason() {
    let inner = NotificationBuf::with_communication(NotificationCode::ADMIN_SHUTDOWN, "bye");
    let hard = NotificationBuf::hard_reset(inner.view());
    assert_eq!(hard.data, b"\x06\x02\x03bye");
    assert_eq!(hard.view().inner(), Some(inner.view()));
    assert_eq!(hard.view().communication(), Some("bye"));
    for data in [&[][..], &[6]] {
        assert_eq!(Notification::new(NotificationCode::HARD_RESET, data).inner(), None);
    }
    assert_eq!(Notification::new(NotificationCode::CEASE, &[6, 2]).inner(), None);
    // One level: a Hard Reset within a Hard Reset is its reason, and says no more.
    let nested = NotificationBuf::hard_reset(hard.view());
    assert_eq!(nested.view().inner(), Some(hard.view()));
    assert_eq!(nested.view().communication(), None);
}

#[test]
fn rfc4486_4_prefix_limit_is_optional() {
    let data = Notification::prefix_limit_data(Family::IPV6_UNICAST, 0x0102_0304);
    assert_eq!(data, [0, 2, 1, 1, 2, 3, 4]);
    let limit = |code, data| Notification::new(code, data).prefix_limit();
    assert_eq!(limit(NotificationCode::MAX_PREFIXES, &data), Some((Family::IPV6_UNICAST, 0x0102_0304)));
    assert_eq!(limit(NotificationCode::MAX_PREFIXES, &data[..6]), None);
    assert_eq!(limit(NotificationCode::MAX_PREFIXES, &[]), None);
    assert_eq!(limit(NotificationCode::ADMIN_SHUTDOWN, &data), None);
}

#[test]
fn data_are_cut_to_the_limit() {
    let data = [7; 70_000];
    let long = Notification::new(NotificationCode::ATTRIBUTE_LENGTH_ERROR, &data);
    assert_eq!(encoded(long).len(), 4096);
    for (limit, length) in [(0, 21), (21, 21), (22, 22), (4096, 4096), (65535, 65535), (usize::MAX, 65535)] {
        let mut out = BytesMut::from(&b"before"[..]);
        long.encode_up_to(limit, &mut out);
        assert_eq!(out.len(), 6 + length);
        let read = Notification::decode(&out[6..]).unwrap();
        assert_eq!((read.code, read.data.len()), (long.code, length - 21));
    }
}

#[test]
fn text_shows_code_name_and_communication_with_controls_escaped() {
    let show = |code, data: &[u8]| -> String { Notification::new(code, data).to_string() };
    assert_eq!(show(NotificationCode::HOLD_TIMER_EXPIRED, &[]), "4/0 hold timer expired");
    assert_eq!(show(NotificationCode::new(99, 7), &[1]), "99/7");
    assert_eq!(show(NotificationCode::ADMIN_RESET, b"\x05a\nb\x1bc"), "6/4 administrative reset \"a\\nb\\u{1b}c\"");
    assert_eq!(show(NotificationCode::HARD_RESET, &[6, 3]), "6/9 hard reset: 6/3 peer de-configured");
}

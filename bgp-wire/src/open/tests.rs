//! Tests of OPEN: RFC 4271 section 6.2, RFC 5492, RFC 9072, and the shapes that broke other implementations.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::*;
use crate::capability::{Capability, CapabilityView, UnknownCapability};
use crate::{
    Asn, BgpId, CapabilityCode, EncodeError, Error, ErrorKind, Family, FamilySet, MessageType, NotificationCode, Params,
};

/// A message whose body is `body`.
fn message(body: &[u8]) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend_from_slice(&u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    message.push(1);
    message.extend_from_slice(body);
    message
}

/// An OPEN of AS 64513, hold time 90, identifier 10.0.0.2, and what stands from octet 28 on.
fn open(parameters: &[u8]) -> Vec<u8> {
    message(&[&[4, 0xfc, 1, 0, 90, 10, 0, 0, 2], parameters].concat())
}

fn codes(message: &[u8]) -> Vec<u8> {
    OpenView::decode(message).unwrap().capabilities().map(|capability| capability.code.0).collect()
}

/// Code and data of the answer, and the error's text.
#[track_caller]
fn refused(message: &[u8]) -> (NotificationCode, Vec<u8>, alloc::string::String) {
    let error = OpenView::decode(message).unwrap_err();
    assert_eq!(error.action(), crate::Action::SessionReset);
    let notification = error.notification(message);
    (notification.code, notification.data.to_vec(), error.to_string())
}

#[track_caller]
fn malformed(message: &[u8], text: &str) {
    assert_eq!(refused(message), (NotificationCode::OPEN_MESSAGE_ERROR, vec![], text.to_string()));
}

#[test]
fn rfc4271_4_2_fields_are_where_they_belong() {
    let message = open(&[0]);
    let open = OpenView::decode(&message).unwrap();
    assert_eq!((open.version(), open.my_as(), open.hold_time()), (4, 64513, 90));
    assert_eq!((open.bgp_id(), open.is_extended(), open.as_bytes()), (BgpId(0x0a00_0002), false, &message[..]));
    let params = open.params();
    assert_eq!((params.asn(), params.hold_time(), params.bgp_id()), (Asn(64513), 90, BgpId(0x0a00_0002)));
    assert_eq!(params.families(), Family::IPV4_UNICAST.into());
    assert!(!params.four_octet_as() && !params.route_refresh());
}

#[test]
fn rfc4271_6_2_version_is_answered_with_ours() {
    let message = message(&[3, 0xfc, 1, 0, 90, 10, 0, 0, 2, 0]);
    let expected = "version 3 is not supported at octet 19".to_string();
    assert_eq!(refused(&message), (NotificationCode::UNSUPPORTED_VERSION, vec![0, 4], expected));
}

#[test]
fn rfc4271_6_2_hold_time_of_one_or_two_seconds_is_refused() {
    for hold_time in 0..=4 {
        let message = message(&[4, 0xfc, 1, 0, hold_time, 10, 0, 0, 2, 0]);
        if matches!(hold_time, 1 | 2) {
            let (code, data, text) = refused(&message);
            assert_eq!((code, data), (NotificationCode::UNACCEPTABLE_HOLD_TIME, vec![]));
            assert_eq!(text, alloc::format!("hold time {hold_time} is not acceptable at octet 22"));
        } else {
            assert_eq!(OpenView::decode(&message).unwrap().hold_time(), u16::from(hold_time));
        }
    }
}

#[test]
fn rfc6286_2_2_identifier_zero_is_refused_and_any_other_is_fine() {
    let zero = message(&[4, 0xfc, 1, 0, 90, 0, 0, 0, 0, 0]);
    let expected = "bgp identifier is 0 at octet 24".to_string();
    assert_eq!(refused(&zero), (NotificationCode::BAD_BGP_IDENTIFIER, vec![], expected));
    let broadcast = message(&[4, 0xfc, 1, 0, 90, 255, 255, 255, 255, 0]);
    assert_eq!(OpenView::decode(&broadcast).unwrap().bgp_id(), BgpId(u32::MAX));
}

#[test]
fn rfc7607_2_as_zero_is_bad_peer_as_in_either_place() {
    for message in [
        message(&[4, 0, 0, 0, 90, 10, 0, 0, 2, 0]),
        message(&[4, 0, 0, 0, 90, 10, 0, 0, 2, 8, 2, 6, 65, 4, 0, 0, 0xfc, 1]),
        open(&[8, 2, 6, 65, 4, 0, 0, 0, 0]),
    ] {
        let expected = "as number is 0 at octet 20".to_string();
        assert_eq!(refused(&message), (NotificationCode::BAD_PEER_AS, vec![], expected));
    }
}

#[test]
fn rfc6793_4_1_the_capability_is_authoritative() {
    let message = open(&[8, 2, 6, 65, 4, 0xfa, 0x56, 0xea, 1]);
    let params = OpenView::decode(&message).unwrap().params();
    assert_eq!((params.asn(), params.my_as(), params.four_octet_as()), (Asn(0xfa56_ea01), 64513, true));
}

#[test]
fn rfc4271_6_2_lengths_that_do_not_fit_are_malformed() {
    malformed(
        &open(&[200, 2, 6, 1, 4, 0, 1, 0, 1]),
        "optional parameters have length 200, 8 octets are there at octet 28",
    );
    malformed(&open(&[0, 2, 0]), "optional parameters have length 0, 2 octets are there at octet 28");
    malformed(&open(&[1, 2]), "optional parameter 2 does not fit into 1 octets at octet 29");
    malformed(&open(&[3, 2, 2, 1]), "optional parameter 2 does not fit into 3 octets at octet 29");
    malformed(&open(&[4, 2, 0, 2, 9]), "optional parameter 2 does not fit into 2 octets at octet 31");
}

#[test]
fn rfc4271_6_2_unknown_parameters_are_unsupported() {
    for ty in [0, 1, 3, 254] {
        let (code, data, text) = refused(&open(&[4, 2, 0, ty, 0]));
        assert_eq!((code, data), (NotificationCode::UNSUPPORTED_OPTIONAL_PARAMETER, vec![]));
        assert_eq!(text, alloc::format!("optional parameter {ty} is not supported at octet 31"));
    }
    // RFC 9072: 255 is the mark of the extended form only at the first place.
    assert_eq!(refused(&open(&[4, 2, 0, 255, 0])).0, NotificationCode::UNSUPPORTED_OPTIONAL_PARAMETER);
    assert_eq!(refused(&open(&[6, 255, 0, 3, 255, 0, 0])).0, NotificationCode::UNSUPPORTED_OPTIONAL_PARAMETER);
}

#[test]
fn rfc5492_4_capabilities_may_come_in_one_parameter_or_in_many() {
    assert_eq!(codes(&open(&[0x0c, 2, 6, 1, 4, 0, 1, 0, 1, 2, 2, 2, 0])), [1, 2]);
    assert_eq!(codes(&open(&[10, 2, 8, 1, 4, 0, 1, 0, 1, 2, 0])), [1, 2]);
    assert_eq!(codes(&open(&[6, 2, 0, 2, 2, 6, 0])), [6]);
    assert_eq!(codes(&open(&[2, 2, 0])), [] as [u8; 0]);
}

#[test]
fn rfc5492_4_duplicates_are_fine() {
    let message = open(&[22, 2, 20, 1, 4, 0, 1, 0, 1, 1, 4, 0, 1, 0, 1, 2, 0, 2, 0, 70, 0, 70, 0]);
    let params = OpenView::decode(&message).unwrap().params();
    assert_eq!(params.families(), Family::IPV4_UNICAST.into());
    assert!(params.route_refresh() && params.enhanced_route_refresh());
}

#[test]
fn rfc5492_3_unknown_capabilities_are_kept_byte_for_byte() {
    let message = open(&[0x0b, 2, 9, 200, 3, 1, 2, 3, 201, 2, 0, 0xff]);
    let view = OpenView::decode(&message).unwrap();
    let first = view.capabilities().next().unwrap();
    assert_eq!(first, CapabilityView { code: CapabilityCode(200), value: &[1, 2, 3] });
    let owned = Open::from(view);
    let kept = UnknownCapability { code: CapabilityCode(201), value: vec![0, 0xff] };
    assert_eq!(owned.capabilities[1], Capability::Unknown(kept));
    let mut again = BytesMut::new();
    owned.encode(&mut again).unwrap();
    assert_eq!(again, message);
}

#[test]
fn rfc5492_4_a_capability_beyond_its_parameter_is_malformed() {
    let text = "capability 65 does not fit into 3 octets at octet 37";
    malformed(&open(&[0x0b, 2, 9, 1, 4, 0, 1, 0, 1, 65, 4, 0]), text);
    malformed(&open(&[3, 2, 1, 6]), "capability 6 does not fit into 1 octets at octet 31");
    // What follows the parameter does not help.
    malformed(&open(&[7, 2, 1, 6, 2, 2, 2, 0]), "capability 6 does not fit into 1 octets at octet 31");
}

#[test]
fn rfc4271_6_2_a_malformed_value_that_later_messages_need_is_refused() {
    malformed(&open(&[13, 2, 11, 1, 3, 0, 1, 0, 65, 4, 0, 0, 0xfc, 1]), "capability 1 has length 3 at octet 31");
    malformed(&open(&[7, 2, 5, 65, 3, 0, 0, 1]), "capability 65 has length 3 at octet 31");
    malformed(&open(&[7, 2, 5, 69, 3, 0, 1, 1]), "capability 69 has length 3 at octet 31");
    malformed(&open(&[5, 2, 3, 6, 1, 0]), "capability 6 has length 1 at octet 31");
    malformed(&open(&[4, 2, 2, 9, 0]), "capability 9 has length 0 at octet 31");
    malformed(&open(&[7, 2, 5, 5, 3, 0, 1, 0]), "capability 5 has length 3 at octet 31");
}

#[test]
fn a_malformed_value_that_nothing_needs_is_passed_over_and_kept() {
    for capability in
        [&[2, 1, 0][..], &[64, 1, 0], &[64, 3, 0, 1, 0], &[70, 1, 0], &[71, 2, 0, 1], &[73, 1, 9], &[75, 0]]
    {
        let len = u8::try_from(capability.len()).unwrap();
        let message = open(&[&[len + 2, 2, len], capability].concat());
        let view = OpenView::decode(&message).unwrap();
        assert_eq!(view.params(), OpenView::decode(&open(&[0])).unwrap().params(), "{capability:?}");
        assert!(matches!(Open::from(view).capabilities[..], [Capability::Unknown(_)]), "{capability:?}");
    }
}

#[test]
fn rfc9072_2_the_type_marks_the_extended_form_whatever_the_length_says() {
    for length in [1, 4, 19, 254, 255] {
        let capabilities = [1, 4, 0, 1, 0, 1, 65, 4, 0, 0, 0xfc, 1];
        let message = open(&[&[length, 255, 0, 15, 2, 0, 12], &capabilities[..]].concat());
        let open = OpenView::decode(&message).unwrap();
        assert!(open.is_extended());
        assert_eq!(codes(&message), [1, 65]);
    }
    assert_eq!(codes(&open(&[255, 255, 0, 0])), [] as [u8; 0]);
    // A parameter longer than 255 octets.
    let many: Vec<u8> = (0..100_u8).flat_map(|code| [100 + code, 1, code]).collect();
    let message = open(&[&[255, 255, 1, 47, 2, 1, 44], &many[..]].concat());
    assert_eq!(codes(&message).len(), 100);
}

#[test]
fn rfc9072_2_a_length_of_zero_has_no_extended_form() {
    malformed(&open(&[0, 255, 0, 0]), "optional parameters have length 0, 3 octets are there at octet 28");
}

#[test]
fn rfc9072_2_extended_lengths_that_do_not_fit_are_malformed() {
    let text = "optional parameters have length 4000, 17 octets are there at octet 30";
    malformed(&open(&[&[255, 255, 0x0f, 0xa0, 2, 0, 14], &[0; 14][..]].concat()), text);
    let text = "optional parameter 2 does not fit into 9 octets at octet 32";
    malformed(&open(&[255, 255, 0, 9, 2, 0, 80, 1, 4, 0, 1, 0, 1]), text);
    malformed(&open(&[255, 255, 0, 2, 2, 0]), "optional parameter 2 does not fit into 2 octets at octet 32");
    malformed(&open(&[255, 255, 0, 0, 9]), "optional parameters have length 0, 1 octets are there at octet 30");
}

#[test]
fn cve_2022_40302_type_255_and_no_length_behind_it() {
    malformed(&open(&[255, 255]), "optional parameters have length 255, 1 octets are there at octet 28");
    malformed(&open(&[1, 255]), "optional parameters have length 1, 1 octets are there at octet 28");
}

#[test]
fn cve_2022_40318_two_octets_left_where_three_are_read() {
    malformed(&open(&[255, 255, 0]), "optional parameters have length 255, 2 octets are there at octet 28");
    malformed(&open(&[2, 255, 255]), "optional parameters have length 2, 2 octets are there at octet 28");
    malformed(&open(&[255, 255, 0, 2, 2, 0]), "optional parameter 2 does not fit into 2 octets at octet 32");
}

#[test]
fn cve_2022_43681_the_message_ends_after_the_option_length() {
    malformed(&open(&[255]), "optional parameters have length 255, 0 octets are there at octet 28");
    malformed(&open(&[1]), "optional parameters have length 1, 0 octets are there at octet 28");
}

#[test]
fn cve_2023_31489_31490_capability_texts_are_read_within_their_value() {
    // A length octet inside the value that points behind it, and no length octet at all.
    for capability in [
        &[75, 1, 200][..],
        &[75, 0],
        &[73, 2, 200, 0],
        &[73, 0],
        &[73, 3, 1, b'a', 9],
        &[64, 0],
        &[71, 6, 0, 1, 1, 0, 0, 0],
    ] {
        let len = u8::try_from(capability.len()).unwrap();
        let message = open(&[&[len + 4, 2, len + 2], capability, &[2, 0]].concat());
        let view = OpenView::decode(&message).unwrap();
        assert!(view.params().route_refresh());
        assert!(matches!(Open::from(view).capabilities[..], [Capability::Unknown(_), Capability::RouteRefresh]));
    }
}

#[test]
fn quagga_2018_1975_every_step_over_capabilities_advances() {
    let empty: Vec<u8> = [99, 0].repeat(100);
    assert_eq!(codes(&open(&[&[202, 2, 200], &empty[..]].concat())).len(), 100);
    let parameters: Vec<u8> = [2, 0].repeat(100);
    assert_eq!(codes(&open(&[&[200], &parameters[..]].concat())).len(), 0);
}

#[test]
fn octets_that_are_no_whole_open_are_told_apart() {
    let not_framed = Error::new(ErrorKind::NotFramed { ty: MessageType::OPEN }, 0);
    let whole = open(&[0]);
    assert_eq!(OpenView::decode(&whole[..28]), Err(not_framed));
    assert_eq!(OpenView::decode(&crate::KEEPALIVE), Err(not_framed));
    assert_eq!(OpenView::decode(&[]), Err(not_framed));
    assert_eq!(not_framed.to_string(), "octets are not one whole open message at octet 0");
    let short = message(&[4, 0xfc, 1, 0, 90, 10, 0, 0, 2]);
    assert_eq!(OpenView::decode(&short).unwrap_err().to_string(), "open message has length 28 at octet 16");
}

fn unknown(code: u8, len: usize) -> Capability {
    Capability::Unknown(UnknownCapability { code: CapabilityCode(code), value: vec![code; len] })
}

#[test]
fn rfc9072_2_the_extended_form_is_sent_only_when_needed() {
    for (len, extended) in [(251, false), (252, true), (255, true)] {
        let open = Open::new(Asn(64512), 90, BgpId(1)).with_capability(unknown(200, len));
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        assert_eq!(out[28..30] == [255, 255], extended, "{len}");
        let view = OpenView::decode(&out).unwrap();
        assert_eq!(view.is_extended(), extended);
        assert_eq!(Open::from(view), open);
        assert_eq!(crate::frame(&out, crate::MAX_LEN), Ok(Some((&out[..], &[][..]))));
    }
}

#[test]
fn rfc8654_4_an_open_never_has_more_than_4096_octets() {
    let mut out = BytesMut::from(&b"before"[..]);
    let mut open = Open::new(Asn(64512), 90, BgpId(1));
    open.capabilities = vec![unknown(200, 255); 15];
    open.capabilities.push(unknown(201, 204));
    open.encode(&mut out).unwrap();
    assert_eq!(out.len(), 6 + 4096);
    OpenView::decode(&out[6..]).unwrap();
    open.capabilities.push(Capability::RouteRefresh);
    let error = open.encode(&mut out).unwrap_err();
    assert_eq!((error, out.len()), (EncodeError::TooLong { length: 4098 }, 6 + 4096));
    assert_eq!(error.to_string(), "message would have 4098 octets");
    let long = Open::new(Asn(1), 90, BgpId(1)).with_capability(unknown(200, 256));
    assert_eq!(long.encode(&mut out).unwrap_err().to_string(), "capability 200 would have length 256");
}

#[test]
fn rfc6793_4_2_as_trans_stands_for_a_number_that_does_not_fit() {
    let asn = Asn(4_200_000_000);
    let open = Open::new(asn, 180, BgpId(1)).with_capability(Capability::FourOctetAs(asn));
    let mut out = BytesMut::new();
    open.encode(&mut out).unwrap();
    let view = OpenView::decode(&out).unwrap();
    assert_eq!((view.my_as(), view.params().asn()), (23456, asn));
    assert_eq!(Open::from(view), open);
}

#[test]
fn params_of_values_are_those_of_their_octets() {
    let open = Open::new(Asn(64512), 9, BgpId(7))
        .with_capability(Capability::MultiProtocol(Family::IPV6_UNICAST))
        .with_capability(Capability::MultiProtocol(Family::new(1, 250)))
        .with_capability(Capability::ExtendedMessage)
        .with_capability(Capability::FourOctetAs(Asn(64512)));
    let mut out = BytesMut::new();
    open.encode(&mut out).unwrap();
    let params = OpenView::decode(&out).unwrap().params();
    assert_eq!(open.params(), params);
    assert_eq!(params.families(), FamilySet::from(Family::IPV6_UNICAST));
    let said = Params::new(Asn(64512), BgpId(7))
        .with_hold_time(9)
        .with_families(Family::IPV6_UNICAST.into())
        .with_extended_message(true)
        .with_asn(Asn(64512));
    assert_eq!(said, params);
}

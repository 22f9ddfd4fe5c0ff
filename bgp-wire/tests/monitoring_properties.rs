//! MRT and BMP: whatever octets come, what is read is written again; a stream may come in pieces of any size.
#![cfg(all(feature = "mrt", feature = "bmp", feature = "alloc"))]

use bgp_wire::bmp::{self, PeerFlags, PeerHeader, PeerType};
use bgp_wire::mrt::{self, Buffer, Content, PeerState, Record, RecordType, Session, StateChange, Timestamp};
use bgp_wire::{Asn, BgpId};
use bytes::BytesMut;
use proptest::prelude::*;

fn record_types() -> impl Strategy<Value = RecordType> {
    let any = (any::<u16>(), any::<u16>()).prop_map(|(ty, subtype)| RecordType::new(ty, subtype));
    prop_oneof![4 => proptest::sample::select(RecordType::NAMED), 1 => any]
}

fn sessions() -> impl Strategy<Value = Session> {
    let addrs = prop_oneof![
        any::<[[u8; 4]; 2]>().prop_map(|[peer, local]| (peer.into(), local.into())),
        any::<[[u8; 16]; 2]>().prop_map(|[peer, local]| (peer.into(), local.into())),
    ];
    (any::<(u16, u16, u16)>(), addrs).prop_map(|((peer_as, local_as, interface), (peer_addr, local_addr))| Session {
        peer_as: Asn(peer_as.into()),
        local_as: Asn(local_as.into()),
        interface,
        peer_addr,
        local_addr,
    })
}

proptest! {
    #[test]
    fn any_body_of_any_type_is_written_again_or_refused(
        ty in record_types(),
        body in proptest::collection::vec(any::<u8>(), 0..120),
        seconds in any::<u32>(),
    ) {
        let micros = ty.is_extended().then_some(7);
        let record = Record::new(Timestamp { seconds, micros }, ty, &body);
        let mut out = BytesMut::new();
        prop_assert_eq!(record.encode(&mut out), Ok(()));
        prop_assert_eq!(mrt::frame(&out, mrt::DEFAULT_LIMIT), Ok(Some((record, &[][..]))));
        match record.content() {
            Err(error) => prop_assert!(error.offset as usize <= record.len()),
            Ok(Content::Unknown | Content::TableDump(_)) => {}
            Ok(content) => {
                let mut again = BytesMut::new();
                prop_assert_eq!(content.encode(record.time, &mut again), Ok(()));
                prop_assert_eq!(again, out);
            }
        }
    }

    #[test]
    fn state_changes_are_read_back(
        session in sessions(),
        four_octet_as in any::<bool>(),
        states in any::<[u16; 2]>(),
        seconds in any::<u32>(),
        micros in proptest::option::of(any::<u32>()),
    ) {
        let [old, new] = states.map(PeerState);
        let change = StateChange { session, four_octet_as, old, new };
        let (mut out, time) = (BytesMut::new(), Timestamp { seconds, micros });
        prop_assert_eq!(Content::StateChange(change).encode(time, &mut out), Ok(()));
        let Ok(Some((record, []))) = mrt::frame(&out, mrt::DEFAULT_LIMIT) else { panic!("not framed: {out:?}") };
        prop_assert_eq!(record.time, time);
        let Ok(Content::StateChange(again)) = record.content() else { panic!("not read: {record:?}") };
        prop_assert_eq!(again, change);
    }

    #[test]
    fn records_are_the_same_in_pieces(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
        piece in 1usize..50,
        cut in 0usize..20,
    ) {
        let mut stream = BytesMut::new();
        let ty = RecordType::new(99, 0);
        for body in &bodies {
            let _ = Record::new(Timestamp::new(7), ty, body).encode(&mut stream);
        }
        let stream = &stream[..stream.len().saturating_sub(cut)];
        let (mut buffer, mut found) = (Buffer::new(100), Vec::new());
        for octets in stream.chunks(piece) {
            buffer.feed(octets);
            while let Ok(Some(record)) = buffer.record() {
                found.push(record.body.to_vec());
            }
        }
        prop_assert_eq!(&found[..], &bodies[..found.len()]);
        let whole: usize = found.iter().map(|body| body.len() + mrt::HEADER_LEN).sum();
        prop_assert_eq!(buffer.position(), whole as u64);
        prop_assert_eq!(buffer.finish().is_ok(), whole == stream.len());
    }

    #[test]
    fn any_bmp_body_is_written_again_or_refused(
        ty in 0u8..9,
        body in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let length = u32::try_from(bmp::HEADER_LEN + body.len()).unwrap_or(0).to_be_bytes();
        let stream = [&[bmp::VERSION][..], &length, &[ty], &body].concat();
        let Ok(Some((frame, []))) = bmp::frame(&stream, bmp::DEFAULT_LIMIT) else { panic!("not framed: {stream:?}") };
        match frame.message() {
            Err(error) => prop_assert!(error.offset as usize <= stream.len()),
            Ok(message) => {
                let mut out = BytesMut::new();
                prop_assert_eq!(message.encode(&mut out), Ok(()));
                prop_assert_eq!(&out[..], &stream[..]);
            }
        }
    }

    #[test]
    fn per_peer_headers_are_read_back(
        octets in any::<([u8; 8], [u8; 16])>(),
        numbers in any::<[u32; 4]>(),
        ty in any::<u8>(),
        flags in any::<u8>(),
    ) {
        let ((distinguisher, address), [asn, bgp_id, seconds, micros]) = (octets, numbers);
        let (ty, flags, asn, bgp_id) = (PeerType(ty), PeerFlags(flags), Asn(asn), BgpId(bgp_id));
        let peer = PeerHeader { ty, flags, distinguisher, address, asn, bgp_id, seconds, micros };
        let message = bmp::Message::RouteMonitoring(bmp::RouteMonitoring { peer, update: b"" });
        let mut out = BytesMut::new();
        prop_assert_eq!(message.encode(&mut out), Ok(()));
        let Ok(Some((frame, []))) = bmp::frame(&out, bmp::DEFAULT_LIMIT) else { panic!("not framed: {out:?}") };
        prop_assert_eq!(frame.message(), Ok(message));
    }
}

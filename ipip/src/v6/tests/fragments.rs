//! Outer fragments come together, by RFC 8200 section 4.5 and RFC 5722.

use proptest::prelude::*;
use std::vec::Vec;

use super::{FAR, FAR4, NEAR, NEAR4, NOW, buffer, pair, six};
use crate::testing::{datagram, udp};
use crate::v6::header::Header;
use crate::v6::{PeerSet, Tunnel};
use crate::{Reason, Reassembly};

/// The fragments in which `tunnel` sends `inner`.
fn fragments(tunnel: &mut Tunnel, inner: &[u8]) -> Vec<Vec<u8>> {
    let mut buffer = buffer(inner);
    let sent = tunnel.encap(NOW, &mut buffer).unwrap();
    sent.fragments().map(|fragment| [fragment.header(), &sent.inner()[fragment.payload()]].concat()).collect()
}

/// A fragment by hand: octets before the fragment header, offset in octets.
fn fragment(class: u8, before: &[u8], ident: u32, start: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let [i0, i1, i2, i3] = ident.to_be_bytes();
    let [o0, o1] = (start | u16::from(more)).to_be_bytes();
    let behind = [before, &[41, 0, o0, o1, i0, i1, i2, i3], payload].concat();
    let next = if before.is_empty() { 44 } else { 60 };
    let payload_len = u16::try_from(behind.len()).unwrap();
    let mut octets = std::vec![0; 40];
    let header = Header { class, flow: 0, payload_len, next, hop_limit: 9, source: NEAR, destination: FAR };
    header.write(&mut octets);
    octets.extend(behind);
    octets
}

/// What comes out of the last of `packets`; all others wait.
fn last<P: PeerSet>(
    tunnel: &mut Tunnel<P>,
    room: usize,
    packets: &[Vec<u8>],
) -> Result<Option<Vec<u8>>, (Reason, u16)> {
    let mut space = std::vec![0; room];
    let mut reassembly = Reassembly::new(&mut space);
    let (last, first) = packets.split_last().unwrap();
    for packet in first {
        assert_eq!(tunnel.decap(&mut packet.clone()).unwrap_err().reason, Reason::OuterFragment);
        assert_eq!(tunnel.reassemble(&mut reassembly, NOW, packet), Ok(None));
    }
    let result = tunnel.reassemble(&mut reassembly, NOW, last);
    result.map(|whole| whole.map(|whole| whole.to_vec())).map_err(|error| (error.reason, error.offset))
}

#[test]
fn rfc5722_4_overlaps_and_wrong_lengths_drop_the_datagram() {
    let start = fragment(0, &[], 1, 0, true, &[1; 16]);
    for (refused, packet) in [
        (None, start.clone()),
        (Some((Reason::OuterOverlap, 42)), fragment(0, &[], 1, 0, true, &[2; 16])),
        (Some((Reason::OuterOverlap, 42)), fragment(0, &[], 1, 8, true, &[1; 16])),
        (Some((Reason::OuterOverlap, 42)), fragment(0, &[], 1, 8, false, &[1; 3])),
        (Some((Reason::OuterBadHeader, 4)), fragment(0, &[], 1, 16, true, &[1; 7])),
        (Some((Reason::OuterBadHeader, 4)), fragment(0, &[], 1, 16, true, &[])),
        (Some((Reason::OuterTooLong, 4)), fragment(0, &[], 1, 64, true, &[1; 8])),
        (Some((Reason::OuterTooLong, 4)), fragment(0, &[], 1, 65528, false, &[1; 100])),
        (None, fragment(0, &[], 2, 8, true, &[1; 16])),
        (None, fragment(0, &[], 0x0001_0001, 8, true, &[1; 16])),
    ] {
        let [_, mut far] = pair(false);
        assert_eq!(last(&mut far, 100, &[start.clone(), packet]).err(), refused);
        let dropped = refused.map_or(0, |(reason, _)| far.counters().dropped(reason));
        assert_eq!(dropped, u64::from(refused.is_some()));
    }
    let end = fragment(0, &[], 1, 16, false, &[1; 4]);
    let [_, mut far] = pair(false);
    for packet in [fragment(0, &[], 1, 24, true, &[1; 8]), fragment(0, &[], 1, 24, false, &[1; 4])] {
        assert_eq!(last(&mut far, 100, &[end.clone(), packet]), Err((Reason::OuterOverlap, 42)));
    }
    // No datagram is longer, whatever the room.
    let far_out = fragment(0, &[], 1, 65528, false, &[1; 8]);
    assert_eq!(last(&mut far, 100_000, &[far_out]), Err((Reason::OuterTooLong, 4)));
}

#[test]
fn rfc8200_4_5_options_before_and_behind_the_fragment_header() {
    let inner = six(0, 17, super::HOST, &[5; 30]);
    let limit = [44, 0, 4, 1, 4, 1, 1, 0];
    let [_, mut far] = pair(false);
    let packets = [fragment(2, &limit, 1, 0, true, &inner[..32]), fragment(3, &[], 1, 32, false, &inner[32..])];
    let mut whole = last(&mut far, 200, &packets).unwrap().unwrap();
    let header = Header::read(&whole).unwrap();
    assert_eq!((header.next, header.class, header.total()), (41, 3, 40 + inner.len()), "the mark of one is of all");
    let got = far.decap(&mut whole).map(|got| got.inner.to_vec());
    assert_eq!(got.map_err(|error| error.reason), Err(Reason::EcnDrop), "CE over an inner datagram without ECN");
    // Options that are to be passed over by no one.
    let unknown = [44, 0, 0xc1, 1, 0, 1, 1, 0];
    let packet = fragment(0, &unknown, 1, 0, true, &[0; 8]);
    assert_eq!(last(&mut far, 200, &[packet]), Err((Reason::OuterBadHeader, 40)));
    // A header that is cut short.
    let mut packet = fragment(0, &[], 1, 0, true, &[]);
    packet[5] = 7;
    assert_eq!(last(&mut far, 200, &[packet]), Err((Reason::OuterTruncated, 40)));
}

#[test]
fn rfc6946_4_a_fragment_that_is_whole_is_taken_at_once() {
    let inner = six(0, 17, super::HOST, &[5; 30]);
    let [_, mut far] = pair(false);
    let mut packet = fragment(0, &[44, 0, 4, 1, 4, 1, 1, 0], 1, 0, false, &inner);
    assert_eq!(last(&mut far, 200, &[packet.clone()]), Err((Reason::NotIpip, 6)), "there is nothing to wait for");
    let got = far.decap(&mut packet).unwrap();
    assert_eq!((got.offset, &got.inner[..]), (56, &inner[..]));
    // Twice there is no such header.
    let twice = fragment(0, &[], 1, 0, false, &[41, 0, 0, 0, 0, 0, 0, 1]);
    let mut twice = [&twice[..40], &[44, 0, 0, 0, 0, 0, 0, 1], &twice[48..]].concat();
    assert_eq!(far.decap(&mut twice).unwrap_err().reason, Reason::NotIpip);
}

#[test]
fn vu199397_fragments_of_nobody_else_are_taken() {
    let [mut near, _] = pair(false);
    let packet = fragment(0, &[], 1, 0, true, &[1; 16]);
    assert_eq!(last(&mut near, 100, core::slice::from_ref(&packet)), Err((Reason::NotLocal, 24)));
    let [_, mut far] = pair(false);
    let mut foreign = packet;
    foreign[23] = 99;
    assert_eq!(last(&mut far, 100, &[foreign]), Err((Reason::SourceNotAllowed, 8)));
    let [_, mut far] = pair(true);
    let header = crate::header::Header {
        protocol: 41,
        ttl: 9,
        fragment: 0x2000,
        ..crate::header::Header::new(core::net::Ipv4Addr::new(192, 0, 2, 66), FAR4)
    };
    assert_eq!(last(&mut far, 100, &[datagram(header, &[0; 8])]), Err((Reason::SourceNotAllowed, 12)));
    let from_peer = crate::header::Header { source: NEAR4, ..header };
    assert_eq!(last(&mut far, 100, &[datagram(from_peer, &[0; 8])]), Ok(None));
}

#[test]
fn rfc8200_4_5_an_unfinished_datagram_times_out_after_a_minute() {
    let [mut near, mut far] = pair(false);
    near.config.mtu = 1280;
    let packets = fragments(&mut near, &six(0, 17, super::HOST, &[5; 1240]));
    let mut space = [0; 2000];
    let mut reassembly = Reassembly::new(&mut space);
    let late = NOW + Reassembly::TIMEOUT_V6;
    assert_eq!(far.reassemble(&mut reassembly, NOW, &packets[0]), Ok(None));
    assert_eq!(far.reassemble(&mut reassembly, late, &packets[1]), Ok(None));
    assert!(far.reassemble(&mut reassembly, late, &packets[0]).unwrap().is_some());
}

proptest! {
    #[test]
    fn any_order_gives_the_datagram(
        v4: bool, inside_v4: bool, limit: bool, payload in proptest::collection::vec(any::<u8>(), 1200..1240), order: u64,
    ) {
        let [mut near, mut far] = pair(v4);
        // What must get through: IPv6 of up to 1280 octets, and IPv4 without DF.
        near.config.mtu = if v4 { 300 } else { 200 };
        near.config.encap_limit = limit.then_some(4);
        near.config.forwarded = false;
        let inner = if inside_v4 && !v4 { datagram(udp(), &payload) } else { six(0xb8, 17, super::HOST, &payload) };
        let mut packets = fragments(&mut near, &inner);
        prop_assert!(packets.len() > 1);
        let count = u64::try_from(packets.len()).unwrap();
        for at in (1..packets.len()).rev() {
            packets.swap(at, usize::try_from(order.rotate_left(u32::try_from(at).unwrap()) % count).unwrap().min(at));
        }
        let mut whole = last(&mut far, 2000, &packets).unwrap().unwrap();
        let got = far.decap(&mut whole).unwrap();
        prop_assert_eq!(&got.inner[..], &inner[..]);
    }

    #[test]
    fn never_panics(
        packets in proptest::collection::vec(
            (any::<u8>(), 0_u32..2, 0_u16..9000, any::<bool>(), 0_usize..50, any::<bool>()), 0..20), room in 0_usize..300,
    ) {
        let mut space = std::vec![0; room];
        let mut reassembly = Reassembly::new(&mut space);
        let [_, mut far] = pair(false);
        for (class, ident, start, more, len, limit) in packets {
            let before = if limit { &[44, 0, 4, 1, 4, 1, 1, 0][..] } else { &[] };
            let packet = fragment(class, before, ident, start.wrapping_mul(8), more, &std::vec![1; len]);
            if let Ok(Some(whole)) = far.reassemble(&mut reassembly, NOW, &packet) {
                prop_assert!(whole.len() <= room && Header::read(whole).unwrap().total() == whole.len());
            }
        }
    }
}

//! Reassembly: any order gives the datagram, and nothing else does.

use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::header::fragment_field;
use crate::testing::{FAR, NEAR, NOW, datagram, far, inners, near, udp, with_headroom};
use crate::{NoPeers, Path, Tunnel};

/// The outer fragments of an inner datagram.
fn fragments(inner: &[u8], mtu: u16) -> Vec<Vec<u8>> {
    let mut config = near();
    config.mtu = mtu;
    let mut buffer = with_headroom(inner);
    let mut tunnel = Tunnel::new(config, NoPeers::new());
    let sent = tunnel.encap(&Path::new(FAR), NOW, &mut buffer).unwrap();
    sent.fragments().map(|fragment| [fragment.header(), &sent.inner()[fragment.payload()]].concat()).collect()
}

/// A fragment by hand: offset in octets.
fn fragment(tos: u8, ident: u16, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let fragment = fragment_field(false, more, offset / 8);
    datagram(Header { tos, ident, fragment, ttl: 9, ..Header::new(NEAR, FAR) }, payload)
}

/// The reason that the last of `packets` is refused for, `None` when none is; all others are taken.
fn last(room: usize, packets: &[Vec<u8>]) -> Option<Reason> {
    let mut buffer = std::vec![0; room];
    let mut reassembly = Reassembly::new(&mut buffer);
    let mut tunnel = far();
    let (last, first) = packets.split_last().unwrap();
    for packet in first {
        assert_eq!(tunnel.reassemble(&mut reassembly, NOW, packet), Ok(None));
    }
    let reason = tunnel.reassemble(&mut reassembly, NOW, last).err()?.reason;
    assert!(!reassembly.is_waiting() && tunnel.counters().dropped(reason) == 1);
    Some(reason)
}

#[test]
fn rfc791_3_2_overlaps_and_wrong_lengths_drop_the_datagram() {
    let start = fragment(0, 1, 0, true, &[1; 16]);
    for (refused, packet) in [
        (None, start.clone()),
        (Some(Reason::OuterOverlap), fragment(0, 1, 0, true, &[2; 16])),
        (Some(Reason::OuterOverlap), fragment(0, 1, 8, true, &[1; 16])),
        (Some(Reason::OuterOverlap), fragment(0, 1, 8, false, &[1; 3])),
        (Some(Reason::OuterBadHeader), fragment(0, 1, 16, true, &[1; 7])),
        (Some(Reason::OuterBadHeader), fragment(0, 1, 16, true, &[])),
        (Some(Reason::OuterTooLong), fragment(0, 1, 40, true, &[1; 8])),
        (Some(Reason::OuterTooLong), fragment(0, 1, 65528, false, &[1; 100])),
        (None, fragment(0, 2, 8, true, &[1; 16])),
    ] {
        assert_eq!(last(60, &[start.clone(), packet]), refused);
    }
    let end = fragment(0, 1, 16, false, &[1; 4]);
    assert_eq!(last(60, &[end.clone(), fragment(0, 1, 24, false, &[1; 4])]), Some(Reason::OuterOverlap));
    assert_eq!(last(60, &[end.clone(), fragment(0, 1, 24, true, &[1; 8])]), Some(Reason::OuterOverlap));
    assert_eq!(last(60, &[fragment(0, 1, 24, true, &[1; 8]), end]), Some(Reason::OuterOverlap));
}

#[test]
fn vu636397_fragments_of_nobody_else_are_taken() {
    let mut foreign = fragment(0, 1, 0, true, &[1; 16]);
    foreign[15] = 99;
    crate::testing::fix_checksum(&mut foreign);
    assert_eq!(last(60, &[foreign]), Some(Reason::SourceNotAllowed));
}

#[test]
fn rfc3168_5_3_marks_of_fragments_are_marks_of_the_datagram() {
    let inner = datagram(Header { tos: 2, ..udp() }, &[7; 12]);
    let tos = |first, second| {
        let mut buffer = [0; 100];
        let mut reassembly = Reassembly::new(&mut buffer);
        let mut tunnel = far();
        let packets = [fragment(first, 1, 0, true, &inner[..16]), fragment(second, 1, 16, false, &inner[16..])];
        assert_eq!(tunnel.reassemble(&mut reassembly, NOW, &packets[0]), Ok(None));
        match tunnel.reassemble(&mut reassembly, NOW, &packets[1]) {
            Ok(whole) => Ok(whole.unwrap()[1]),
            Err(error) => Err(error.reason),
        }
    };
    assert_eq!((tos(2, 2), tos(2, 3), tos(0xbb, 2)), (Ok(2), Ok(3), Ok(0xbb)));
    assert_eq!((tos(0, 3), tos(3, 0)), (Err(Reason::EcnDrop), Err(Reason::EcnDrop)));
}

#[test]
fn rfc1122_3_3_2_an_unfinished_datagram_times_out() {
    let packets = fragments(&datagram(udp(), &[7; 100]), 100);
    let mut buffer = [0; 200];
    let mut reassembly = Reassembly::new(&mut buffer);
    let mut tunnel = far();
    let late = NOW + Reassembly::TIMEOUT;
    assert_eq!(tunnel.reassemble(&mut reassembly, NOW, &packets[0]), Ok(None));
    assert_eq!(tunnel.reassemble(&mut reassembly, late, &packets[1]), Ok(None));
    assert!(tunnel.reassemble(&mut reassembly, late, &packets[0]).unwrap().is_some());
}

proptest! {
    #[test]
    fn rfc791_3_2_any_order_and_repeats_give_the_datagram(
        mut inner in inners(), mtu in 28_u16..700, order: u64, repeat in any::<prop::sample::Index>(),
    ) {
        inner[6] &= 0x3f;
        crate::testing::fix_checksum(&mut inner);
        let mut packets = fragments(&inner, mtu);
        let count = packets.len();
        // Any order: by a hash of the position; one fragment comes twice, before the last one.
        packets.sort_by_key(|packet| {
            u64::from(Header::read(packet).unwrap().offset() + 1).wrapping_mul(order | 1).rotate_left(17)
        });
        if count > 1 {
            let again = packets[repeat.index(count - 1)].clone();
            packets.insert(count - 1, again);
        }
        let mut buffer = [0; 4096];
        let mut reassembly = Reassembly::new(&mut buffer);
        let mut tunnel = far();
        let (last, first) = packets.split_last().unwrap();
        for packet in first {
            prop_assert_eq!(tunnel.reassemble(&mut reassembly, NOW, packet), Ok(None));
        }
        let whole = tunnel.reassemble(&mut reassembly, NOW, last).unwrap().unwrap();
        prop_assert_eq!(far().decap(whole).unwrap().inner, &inner[..]);
        prop_assert!(!reassembly.is_waiting());
    }

    #[test]
    fn never_panics(
        packets in proptest::collection::vec(
            (any::<u8>(), 0_u16..2, 0_u16..9000, any::<bool>(), 0_usize..50), 0..20), room in 0_usize..300,
    ) {
        let mut buffer = std::vec![0; room];
        let mut reassembly = Reassembly::new(&mut buffer);
        let mut tunnel = far();
        for (tos, ident, offset, more, len) in packets {
            let packet = fragment(tos, ident, offset.saturating_mul(8), more, &std::vec![1; len]);
            if let Ok(Some(whole)) = tunnel.reassemble(&mut reassembly, NOW, &packet) {
                prop_assert!(whole.len() <= room);
                prop_assert_eq!(crate::checksum(&whole[..20]), 0);
            }
        }
    }
}

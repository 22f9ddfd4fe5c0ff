//! Rules of a block.

use alloc::string::ToString;

use super::*;
use crate::reservation::Reservations;

fn block(cidr: &str) -> Block {
    Block::new(cidr.parse().unwrap(), 7, None).unwrap()
}

#[test]
fn calico_1_3_the_free_queue_is_first_in_first_out() {
    let mut block = block("10.0.0.0/30");
    let one = |block: &mut Block, handle: &str| {
        let attributes = Attributes::with_handle(handle);
        block.auto_assign(1, attributes, None, &Reservations::default()).unwrap()[0].addr().to_string()
    };
    for last in 0..4u8 {
        assert_eq!(one(&mut block, "a"), alloc::format!("10.0.0.{last}"));
        block.release_by_handle("a", None, 0, UnixTime::default());
    }
    assert_eq!(one(&mut block, "a"), "10.0.0.0");
}

#[test]
fn calico_1_3_cooling_addresses_keep_a_block_non_empty_until_their_time_is_over() {
    let mut block = block("10.0.0.0/30");
    block.assign("10.0.0.1".parse().unwrap(), Attributes::with_handle("a"), None).unwrap();
    let t = UnixTime::from_secs(100);
    assert_eq!(block.release_by_handle("a", None, 30, t), 1);
    assert!(!block.is_empty());
    assert!(!block.collect(30, UnixTime::from_secs(129)));
    assert!(block.collect(30, UnixTime::from_secs(131)));
    assert_eq!(block.free_queue(), [0, 2, 3, 1]);
    assert!(block.is_empty() && block.to_parts().attributes.as_ref().unwrap().is_empty());
}

#[test]
fn calico_1_3_every_change_keeps_the_invariants() {
    let mut block = Block::new("10.0.0.0/28".parse().unwrap(), 7, Some(&HostReservation::new(3, 1, "r", "n"))).unwrap();
    for step in 0..200u64 {
        let handle = alloc::format!("h{}", step % 5);
        let attributes = Attributes::with_handle(handle.as_str());
        match step * 2_654_435_761 % 7 {
            0..=3 => {
                block
                    .auto_assign(1 + usize::try_from(step % 3).unwrap(), attributes, None, &Reservations::default())
                    .unwrap();
            }
            _ => {
                block.release_by_handle(&handle, None, 5, UnixTime::from_secs(i64::try_from(step).unwrap()));
            }
        }
        assert_eq!(Block::from_parts(block.to_parts()).as_ref(), Ok(&block), "step {step}");
    }
}

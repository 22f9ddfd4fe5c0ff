//! The free queue: first in, first out, and always one slice.

use alloc::vec::Vec;

/// Ordinals in the order in which they are to be given out.
///
/// What was taken from the head stays in front of it until the buffer is full; then the rest moves to the front. The
/// buffer has room for the block twice, so that this happens once per block's worth of addresses and nothing allocates.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: Vec<u16>,
    head: usize,
}

impl Queue {
    pub(super) fn new(ordinals: impl Iterator<Item = u16>, size: usize) -> Queue {
        let mut items = Vec::with_capacity(size.saturating_mul(2));
        items.extend(ordinals);
        Queue { items, head: 0 }
    }

    pub(super) fn as_slice(&self) -> &[u16] {
        self.items.get(self.head..).unwrap_or_default()
    }

    pub(super) fn pop(&mut self) -> Option<u16> {
        let first = self.items.get(self.head).copied()?;
        self.head += 1;
        Some(first)
    }

    pub(super) fn push(&mut self, ordinal: u16) {
        if self.items.len() == self.items.capacity() && self.head > 0 {
            self.items.drain(..self.head);
            self.head = 0;
        }
        self.items.push(ordinal);
    }

    /// Takes the ordinal at a place out, counted from the head.
    pub(super) fn remove(&mut self, place: usize) -> Option<u16> {
        if place == 0 {
            return self.pop();
        }
        let place = self.head.checked_add(place).filter(|place| *place < self.items.len())?;
        Some(self.items.remove(place))
    }
}

/// With as much room as the original has.
impl Clone for Queue {
    fn clone(&self) -> Queue {
        let mut items = Vec::with_capacity(self.items.capacity());
        items.extend_from_slice(self.as_slice());
        Queue { items, head: 0 }
    }
}

impl PartialEq for Queue {
    fn eq(&self, other: &Queue) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Queue {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calico_1_3_the_queue_keeps_its_order_through_turns_of_the_buffer() {
        let mut queue = Queue::new(0..4, 4);
        let room = queue.items.capacity();
        for turn in 0..100u16 {
            assert_eq!(queue.pop(), Some(turn % 4));
            queue.push(turn % 4);
        }
        assert_eq!((queue.as_slice().len(), queue.items.capacity()), (4, room), "nothing allocated");
        assert_eq!((queue.remove(1), queue.remove(0), queue.remove(5)), (Some(1), Some(0), None));
        assert_eq!(queue.clone().as_slice(), [2, 3]);
    }
}

//! A heap in a static array that never gives anything back.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 16 << 20;

#[repr(C, align(64))]
pub(crate) struct Heap {
    octets: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

impl Heap {
    pub(crate) const fn new() -> Self {
        Self { octets: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) }
    }
}

// SAFETY: the octets are only handed out in pieces, and the atomic counter hands out no octet twice.
unsafe impl Sync for Heap {}

// SAFETY: every piece lies inside the array, is aligned, has the size that was asked for, and overlaps no other.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > align_of::<Self>() {
            return null_mut();
        }
        let place = |used: usize| used.checked_next_multiple_of(layout.align());
        let claim = |used| place(used)?.checked_add(layout.size()).filter(|end| *end <= SIZE);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim) {
            // SAFETY: `claim` has checked that the piece ends inside the array.
            Ok(used) => place(used).map_or(null_mut(), |start| unsafe { self.octets.get().cast::<u8>().add(start) }),
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

//! Runs operations over stores.

use crate::op::{Operation, Poll};
use crate::store::Store;

/// Runs an operation to its end over a store.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let found = drive(op::ips_by_handle("h", UnixTime::default()), &mut MemoryStore::default());
/// assert_eq!(found, Err(op::HandleError::NotFound));
/// ```
pub fn drive<O: Operation>(mut operation: O, store: &mut impl Store) -> O::Output {
    loop {
        match operation.poll() {
            Poll::Ask(request) => operation.handle(store.answer(&request)),
            Poll::Done(output) => return output,
        }
    }
}

//! What the programs want of a store beyond reads and writes: a deadline, and a word on what went wrong.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ippool::{Store, UnixTime};

/// A store behind a file system or a network.
pub trait Driver: Store {
    /// Until when requests are worth while; one that is not done by then is answered by `Failed`.
    fn set_deadline(&mut self, deadline: Option<Instant>);

    /// What went wrong with the last request that was answered by `Failed`.
    fn failure(&self) -> Option<String>;

    /// The pools, nodes and reservations that the datastore itself holds, as texts of resources.
    ///
    /// # Errors
    /// What went wrong.
    fn resources(&mut self) -> Result<Vec<Vec<u8>>, String> {
        Ok(Vec::new())
    }
}

/// The time of the system's clock.
#[must_use]
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

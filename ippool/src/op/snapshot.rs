//! Reading everything that is stored.

use alloc::vec::Vec;

use super::Operation;
use super::tape::{Flow, Halt, Run, Script, StoreError, Tape};
use crate::audit::Snapshot;
use crate::key::{IpVersion, Key, Prefix};
use crate::store::Stored;
use crate::time::UnixTime;

/// Reads everything that is stored, for [`check`](crate::audit::check), the [`Collector`](crate::audit::Collector) and
/// [`forecast`](crate::audit::forecast()). The parts are not of one moment.
///
/// Handles are listed before blocks: an address that is being assigned shows as counted too much at worst.
///
/// Cost: R 1, L 5.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let snapshot = drive(op::snapshot(UnixTime::default()), &mut MemoryStore::default());
/// assert!(snapshot.is_ok_and(|snapshot| snapshot.blocks.is_empty()));
/// ```
///
/// # Errors
/// The output is a [`StoreError`]; objects that cannot be used are no error but in [`Snapshot::bad`].
pub fn snapshot(
    now: UnixTime,
) -> impl Operation<Output = Result<Snapshot, StoreError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Look { now }, ())
}

#[derive(Debug, Clone)]
struct Look {
    now: UnixTime,
}

impl Script for Look {
    type State = ();
    type Output = Result<Snapshot, StoreError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        let config = io.read(Vec::from([Key::Config]))?.pop().flatten();
        let mut objects: Vec<(Key, Stored)> = config.into_iter().map(|config| (Key::Config, config)).collect();
        for prefix in [
            Prefix::Handles,
            Prefix::Hosts,
            Prefix::Virtuals,
            Prefix::Blocks(IpVersion::V4),
            Prefix::Blocks(IpVersion::V6),
        ] {
            objects.extend(io.list(|| prefix)?);
        }
        Ok(Flow::Done(Ok(Snapshot::new(objects, self.now))))
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error)
    }
}

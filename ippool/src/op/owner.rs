//! The attributes of an address: reading them, and handing the address from one owner to another.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::net::IpAddr;

use ipnet::IpNet;

use super::release::{Located, locate};
use super::tape::{CONFLICT, Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape};
use super::{Operation, RETRIES};
use crate::block::{AllocationError, Attributes};
use crate::pool::Resources;
use crate::time::UnixTime;

/// Why an address has no attributes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributesError {
    /// The address lies in no enabled pool, or is not assigned.
    #[error("address is not assigned")]
    NotFound,
    /// The address was released and is not free yet.
    #[error("address is cooling down")]
    CoolingDown,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The handle and the owners of an assigned address.
///
/// Cost: R 2; S 1, R 1 more if there is no block of the pool's length.
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Resources, UnixTime};
/// let read = op::attributes([10, 0, 0, 1].into(), &Arc::new(Resources::default()), UnixTime::default());
/// assert_eq!(drive(read, &mut MemoryStore::default()), Err(op::AttributesError::NotFound));
/// ```
///
/// # Errors
/// The output is an [`AttributesError`].
#[doc(alias = "GetAssignmentAttributes")]
pub fn attributes(
    address: IpAddr,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Result<Attributes, AttributesError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Get { address, resources: Arc::clone(resources), now }, ())
}

#[derive(Debug, Clone)]
struct Get {
    address: IpAddr,
    resources: Arc<Resources>,
    now: UnixTime,
}

impl Script for Get {
    type State = ();
    type Output = Result<Attributes, AttributesError>;

    fn step(&self, (): &(), io: &mut Tape) -> Result<Flow<(), Self::Output>, Halt> {
        let found = match find(io, &self.resources, self.address, self.now)? {
            None | Some((_, Err(Missing::NotFound))) => Err(AttributesError::NotFound),
            Some((_, Err(Missing::CoolingDown))) => Err(AttributesError::CoolingDown),
            Some((_, Ok(attributes))) => Ok(attributes),
        };
        Ok(Flow::Done(found))
    }

    fn fault(&self, (): &(), error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

enum Missing {
    NotFound,
    CoolingDown,
}

/// The block and the attributes of an address; none if it is in no enabled pool.
#[expect(clippy::type_complexity, reason = "an optional pair of block and attributes")]
fn find(
    io: &mut Tape,
    resources: &Arc<Resources>,
    address: IpAddr,
    now: UnixTime,
) -> Result<Option<(Option<ReadBlock>, Result<Attributes, Missing>)>, Halt> {
    if resources.enabled_pool_of(&IpNet::from(address)).is_none() {
        return Ok(None);
    }
    let clock = Clock::new(now, &io.config()?);
    let Located::Block(read) = locate(io, clock, resources, address)? else {
        return Ok(Some((None, Err(Missing::NotFound))));
    };
    let attributes = match read.block.allocation(address) {
        Ok(attributes) => Ok(attributes.clone()),
        Err(AllocationError::CoolingDown) => Err(Missing::CoolingDown),
        Err(AllocationError::NotAssigned | AllocationError::OutOfBlock) => Err(Missing::NotFound),
    };
    Ok(Some((Some(read), attributes)))
}

/// What to do with the attributes of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Patch {
    /// Leave them.
    #[default]
    Keep,
    /// Replace them.
    Set(BTreeMap<String, String>),
    /// Remove them.
    Clear,
}

/// What the attributes of one owner must be beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Condition {
    /// Anything.
    #[default]
    Any,
    /// Those of this pod.
    Pod {
        /// The attribute `namespace`.
        namespace: String,
        /// The attribute `pod`.
        name: String,
    },
    /// None.
    Empty,
}

/// A change of the owners of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetOwner {
    /// The address.
    pub address: IpAddr,
    /// The handle that it must have.
    pub handle: String,
    /// What becomes of the active owner.
    pub active: Patch,
    /// What becomes of the alternate owner.
    pub alternate: Patch,
    /// What the active owner must be.
    pub if_active: Condition,
    /// What the alternate owner must be.
    pub if_alternate: Condition,
    /// The time.
    pub now: UnixTime,
}

impl SetOwner {
    /// No change yet of an address with this handle.
    pub fn new(address: IpAddr, handle: impl Into<String>, now: UnixTime) -> SetOwner {
        SetOwner {
            address,
            handle: handle.into(),
            active: Patch::Keep,
            alternate: Patch::Keep,
            if_active: Condition::Any,
            if_alternate: Condition::Any,
            now,
        }
    }
}

/// Why the owners of an address were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetOwnerError {
    /// No enabled pool holds the address.
    #[error("address is not in a configured pool")]
    NotInPool,
    /// The address is not assigned.
    #[error("address is not assigned")]
    NotFound,
    /// The address was released and is not free yet.
    #[error("address is cooling down")]
    CoolingDown,
    /// The address has another handle.
    #[error("address has another handle")]
    BadHandle,
    /// A condition does not hold.
    #[error("address has another owner")]
    OwnerMismatch,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the owners of an address, all or nothing; addresses that shared its attributes keep theirs.
///
/// Cost: R 2, W 1; R 2 if nothing changes.
///
/// ```
/// use std::sync::Arc;
/// use ippool::op::{self, SetOwner};
/// use ippool::{drive, MemoryStore, Resources, UnixTime};
/// let change = SetOwner::new([10, 0, 0, 1].into(), "vm", UnixTime::default());
/// let set = op::set_owner_attributes(change, &Arc::new(Resources::default()));
/// assert_eq!(drive(set, &mut MemoryStore::default()), Err(op::SetOwnerError::NotInPool));
/// ```
///
/// # Errors
/// The output is a [`SetOwnerError`].
pub fn set_owner_attributes(
    change: SetOwner,
    resources: &Arc<Resources>,
) -> impl Operation<Output = Result<(), SetOwnerError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    Run::new(Set { change, resources: Arc::clone(resources) }, 0)
}

#[derive(Debug, Clone)]
struct Set {
    change: SetOwner,
    resources: Arc<Resources>,
}

impl Script for Set {
    /// How often the write was lost.
    type State = u32;
    type Output = Result<(), SetOwnerError>;

    fn step(&self, tries: &u32, io: &mut Tape) -> Result<Flow<u32, Self::Output>, Halt> {
        let change = &self.change;
        let Some((read, found)) = find(io, &self.resources, change.address, change.now)? else {
            return Ok(Flow::Done(Err(SetOwnerError::NotInPool)));
        };
        let old = match found {
            Ok(old) => old,
            Err(Missing::NotFound) => return Ok(Flow::Done(Err(SetOwnerError::NotFound))),
            Err(Missing::CoolingDown) => return Ok(Flow::Done(Err(SetOwnerError::CoolingDown))),
        };
        if old.handle.as_deref() != Some(change.handle.as_str()) {
            return Ok(Flow::Done(Err(SetOwnerError::BadHandle)));
        }
        if !change.if_active.holds(&old.active) || !change.if_alternate.holds(&old.alternate) {
            return Ok(Flow::Done(Err(SetOwnerError::OwnerMismatch)));
        }
        let mut new = old.clone();
        change.active.apply(&mut new.active);
        change.alternate.apply(&mut new.alternate);
        let Some(read) = read.filter(|_| new != old) else { return Ok(Flow::Done(Ok(()))) };
        let mut block = Arc::unwrap_or_clone(read.block);
        if let Some(ordinal) = block.ordinal(change.address) {
            block.replace_attributes(ordinal, new);
        }
        if io.update_block(block, read.revision)?.is_some() {
            return Ok(Flow::Done(Ok(())));
        }
        if *tries >= RETRIES {
            return Err(CONFLICT);
        }
        Ok(Flow::Next(tries + 1))
    }

    fn fault(&self, _: &u32, error: StoreError) -> Self::Output {
        Err(error.into())
    }
}

impl Condition {
    fn holds(&self, attributes: &BTreeMap<String, String>) -> bool {
        match self {
            Condition::Any => true,
            Condition::Empty => attributes.is_empty(),
            Condition::Pod { namespace, name } => {
                attributes.get("namespace") == Some(namespace) && attributes.get("pod") == Some(name)
            }
        }
    }
}

impl Patch {
    fn apply(&self, attributes: &mut BTreeMap<String, String>) {
        match self {
            Patch::Keep => {}
            Patch::Set(new) => attributes.clone_from(new),
            Patch::Clear => attributes.clear(),
        }
    }
}

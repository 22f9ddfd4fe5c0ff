//! Assigning one given address.

use alloc::string::String;
use alloc::sync::Arc;
use core::net::IpAddr;

use ipnet::IpNet;

use super::claim::{Claim, claim};
use super::handle::{Counted, decrement, increment};
use super::release::{Located, locate};
use super::tape::{CONFLICT, Clock, Flow, Halt, ReadBlock, Run, Script, StoreError, Tape, Written};
use super::{Operation, RETRIES};
use crate::block::{AssignError, Attributes};
use crate::key::Owner;
use crate::pool::{Resources, Use};
use crate::time::UnixTime;

/// A request for one given address.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AssignIp {
    /// The address; reservations do not matter.
    pub address: IpAddr,
    /// The host; it gets the block if nobody has it.
    pub host: String,
    /// What the address is for, if its pool is to be asked.
    pub used_for: Option<Use>,
    /// What is stored with the address: handle and owner.
    pub attributes: Arc<Attributes>,
    /// At most this many addresses for the handle and IP version; 0: any.
    pub max_alloc: u32,
    /// The time.
    pub now: UnixTime,
}

impl AssignIp {
    /// A request of `host` for `address`.
    pub fn new(address: IpAddr, host: impl Into<String>, now: UnixTime) -> AssignIp {
        AssignIp { address, host: host.into(), used_for: None, attributes: Arc::default(), max_alloc: 0, now }
    }

    /// With this handle and these attributes.
    #[must_use]
    pub fn with_attributes(self, attributes: impl Into<Arc<Attributes>>) -> AssignIp {
        AssignIp { attributes: attributes.into(), ..self }
    }
}

/// Why an address was not assigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignIpError {
    /// No enabled pool holds the address.
    #[error("the provided IP address is not in a configured pool")]
    NotInPool,
    /// The pool does not allow the use.
    #[error("the pool does not allow this use")]
    UseNotAllowed,
    /// The address is allocated, or released and still cooling down.
    #[error("address is already assigned")]
    AlreadyAssigned,
    /// Affinity is strict and the block is another's or nobody's.
    #[error("block has another owner")]
    AffinityMismatch,
    /// The handle would have more addresses than it may have.
    #[error("handle would have too many addresses")]
    MaxAlloc,
    /// Blocks of another length are in the way of the address's block.
    #[error("blocks of another length overlap the block of the address")]
    Overlap,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Assigns one given address; a missing block is claimed for the host.
///
/// Cost: R 2, W 2; with a new block R 3, S 1, W 5. Without a handle W 1 less, with one that exists already R 1, W 1 more.
///
/// ```
/// use std::sync::Arc;
/// use ippool::op::{self, AssignIp, AssignIpError};
/// use ippool::{drive, MemoryStore, Pool, Resources, UnixTime};
/// let resources = Arc::new(Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?)));
/// let mut store = MemoryStore::default();
/// let mut assign = || {
///     let request = AssignIp::new([10, 0, 0, 1].into(), "n1", UnixTime::default());
///     drive(op::assign_ip(request, &resources), &mut store)
/// };
/// assert_eq!(assign(), Ok(()));
/// assert_eq!(assign(), Err(AssignIpError::AlreadyAssigned));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
///
/// # Errors
/// The output is an [`AssignIpError`].
pub fn assign_ip(
    request: AssignIp,
    resources: &Arc<Resources>,
) -> impl Operation<Output = Result<(), AssignIpError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let owner = Owner::Host(request.host.clone());
    Run::new(Assign { request, owner, resources: Arc::clone(resources) }, State { config: None, tries: 0 })
}

#[derive(Debug, Clone)]
struct Assign {
    request: AssignIp,
    owner: Owner,
    resources: Arc<Resources>,
}

#[derive(Debug, Clone)]
struct State {
    /// The cooldown and whether affinity is strict, once known.
    config: Option<(Clock, bool)>,
    tries: u32,
}

type Outcome = Result<(), AssignIpError>;

impl Script for Assign {
    type State = State;
    type Output = Outcome;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, Outcome>, Halt> {
        let request = &self.request;
        let Some((clock, strict)) = state.config else {
            let Some(pool) = self.resources.enabled_pool_of(&IpNet::from(request.address)) else {
                return Ok(Flow::Done(Err(AssignIpError::NotInPool)));
            };
            if request.used_for.is_some_and(|used_for| !pool.allows(used_for)) {
                return Ok(Flow::Done(Err(AssignIpError::UseNotAllowed)));
            }
            let config = io.config()?;
            let config = Some((Clock::new(request.now, &config), config.strict_affinity));
            return Ok(Flow::Next(State { config, ..*state }));
        };
        let read = match locate(io, clock, &self.resources, request.address)? {
            Located::Block(read) => Some(read),
            Located::Nowhere => return Ok(Flow::Done(Err(AssignIpError::Overlap))),
            Located::Room(cidr) => match claim(io, clock, &self.owner, cidr, None, false)? {
                Claim::Ours(read) => Some(read),
                Claim::Theirs | Claim::Gone => None,
            },
        };
        if let Some(read) = read
            && let Some(outcome) = self.take(io, read, strict)?
        {
            return Ok(Flow::Done(outcome));
        }
        if state.tries >= RETRIES {
            return Err(CONFLICT);
        }
        Ok(Flow::Next(State { tries: state.tries + 1, ..*state }))
    }

    fn fault(&self, _: &State, error: StoreError) -> Outcome {
        Err(error.into())
    }
}

impl Assign {
    /// Takes the address; none is a lost compare-and-swap.
    fn take(&self, io: &mut Tape, read: ReadBlock, strict: bool) -> Result<Option<Outcome>, Halt> {
        let AssignIp { address, attributes, max_alloc, .. } = &self.request;
        let mut block = Arc::unwrap_or_clone(read.block);
        match block.assign(*address, Arc::clone(attributes), strict.then_some(&self.owner)) {
            Ok(()) => {}
            Err(AssignError::AffinityMismatch) => return Ok(Some(Err(AssignIpError::AffinityMismatch))),
            Err(AssignError::AlreadyAssigned | AssignError::OutOfBlock) => {
                let held = attributes.handle.is_some()
                    && block.allocation(*address).is_ok_and(|stored| stored.handle == attributes.handle);
                let outcome = if *max_alloc > 0 && held { Ok(()) } else { Err(AssignIpError::AlreadyAssigned) };
                return Ok(Some(outcome));
            }
        }
        let cidr = block.cidr();
        if let Some(id) = &attributes.handle {
            let limit = (*max_alloc > 0).then_some(u64::from(*max_alloc));
            if increment(io, id, cidr, 1, limit, limit.is_none())? == Counted::TooMany {
                return Ok(Some(Err(AssignIpError::MaxAlloc)));
            }
        }
        let (_, written) = io.try_update_block(block, read.revision)?;
        if let (Some(id), Written::Conflict | Written::Failed) = (&attributes.handle, written) {
            decrement(io, id, cidr, 1)?;
        }
        match written {
            Written::Done(_) => Ok(Some(Ok(()))),
            Written::Conflict => Ok(None),
            Written::Failed => Err(Halt::Fault(StoreError::Failed)),
        }
    }
}

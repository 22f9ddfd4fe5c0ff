//! Claiming ranges of blocks, and giving up the blocks of a range, a host or a pool.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::claim::{Claim, Release, claim, release};
use super::combine::Mapped;
use super::tape::{CONFLICT, Clock, Flow, Halt, Run, Script, StoreError, Tape};
use super::{Operation, RETRIES};
use crate::index::{Goal, Search};
use crate::key::{IpVersion, Key, Owner};
use crate::net;
use crate::pool::{Pool, Resources, nth_block};
use crate::reservation::{count, merge};
use crate::store::Write;
use crate::time::UnixTime;

/// At most this many blocks are claimed by one operation.
pub const MAX_CLAIM: u32 = 1 << 16;

/// Why blocks were not claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// No enabled pool holds the range.
    #[error("the requested CIDR ({0}) is not within any configured pools")]
    NotInPool(IpNet),
    /// The range is smaller than a block of its pool.
    #[error("the requested CIDR ({0}) is smaller than the minimum")]
    TooSmall(IpNet),
    /// The range has more than [`MAX_CLAIM`] blocks.
    #[error("the requested CIDR ({0}) has too many blocks")]
    TooLarge(IpNet),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a claim of a range did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Claimed {
    /// Blocks that are the owner's now, ascending.
    pub claimed: Vec<IpNet>,
    /// Blocks that are others', ascending.
    pub failed: Vec<IpNet>,
    /// What ended the claim early.
    pub error: Option<ClaimError>,
}

/// Claims every block of a range for an owner.
///
/// Cost: R 1, S 1, then per block R 1, W 3 (a block that is the owner's already: R 1).
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Owner, Pool, Resources, UnixTime};
/// let resources = Arc::new(Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?)));
/// let claim = op::claim_affinity("10.0.0.0/25".parse()?, Owner::host("n1"), &resources, UnixTime::default());
/// assert_eq!(drive(claim, &mut MemoryStore::default()).claimed.len(), 2);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
pub fn claim_affinity(
    cidr: IpNet,
    owner: Owner,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Claimed> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let script = ClaimRange { cidr: cidr.trunc(), owner, resources: Arc::clone(resources), now };
    Run::new(script, ClaimState::default())
}

#[derive(Debug, Clone)]
struct ClaimRange {
    cidr: IpNet,
    owner: Owner,
    resources: Arc<Resources>,
    now: UnixTime,
}

#[derive(Debug, Clone, Default)]
struct ClaimState {
    /// The clock and the blocks still to claim, last first, once known.
    todo: Option<(Clock, Vec<IpNet>)>,
    done: Claimed,
}

impl Script for ClaimRange {
    type State = ClaimState;
    type Output = Claimed;

    fn step(&self, state: &ClaimState, io: &mut Tape) -> Result<Flow<ClaimState, Claimed>, Halt> {
        let mut next = state.clone();
        let Some((clock, todo)) = &mut next.todo else {
            let blocks = match self.blocks() {
                Ok(blocks) => blocks,
                Err(error) => return Ok(Flow::Done(Claimed { error: Some(error), ..Claimed::default() })),
            };
            let clock = Clock::new(self.now, &io.config()?);
            let goal = Goal::Overlap(vec![self.cidr]);
            let version = IpVersion::of(&self.cidr);
            let others = Search::new(goal, version, self.owner.clone(), Arc::clone(&self.resources), self.now);
            // Blocks of the same length are equal or apart, others that overlap are in the way of all that they touch.
            let len = blocks.first().map_or(0, IpNet::prefix_len);
            let others: Vec<IpNet> = io.search(others)?.into_iter().map(|found| found.cidr).collect();
            let others: Vec<IpNet> = others.into_iter().filter(|other| other.prefix_len() != len).collect();
            let taken = merge(&others, version);
            let in_the_way = |cidr: &IpNet| {
                let (first, last) = net::span(cidr);
                count(&taken, first, last) > 0
            };
            let (failed, todo) = blocks.into_iter().partition(in_the_way);
            next.done.failed = failed;
            next.todo = Some((clock, todo));
            return Ok(Flow::Next(next));
        };
        let Some(cidr) = todo.pop() else {
            next.done.failed.sort_unstable();
            return Ok(Flow::Done(next.done));
        };
        match claim(io, *clock, &self.owner, cidr, None, false)? {
            Claim::Ours(_) => next.done.claimed.push(cidr),
            Claim::Theirs | Claim::Gone => next.done.failed.push(cidr),
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, state: &ClaimState, error: StoreError) -> Claimed {
        Claimed { error: Some(error.into()), ..state.done.clone() }
    }
}

impl ClaimRange {
    /// The blocks of the range, last first.
    fn blocks(&self) -> Result<Vec<IpNet>, ClaimError> {
        let pool = self.resources.enabled_pool_of(&self.cidr).ok_or(ClaimError::NotInPool(self.cidr))?;
        let bits = pool.block_len().checked_sub(self.cidr.prefix_len()).ok_or(ClaimError::TooSmall(self.cidr))?;
        let number = 1u32.checked_shl(bits.into()).filter(|number| *number <= MAX_CLAIM);
        let number = number.ok_or(ClaimError::TooLarge(self.cidr))?;
        Ok((0..number).rev().filter_map(|n| nth_block(&self.cidr, pool.block_len(), n.into())).collect())
    }
}

/// Why the blocks of a range were not given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseAffinityError {
    /// No enabled pool holds the range.
    #[error("the requested CIDR ({0}) is not within any configured pools")]
    NotInPool(IpNet),
    /// The range is smaller than a block of its pool.
    #[error("the requested CIDR ({0}) is smaller than the minimum")]
    TooSmall(IpNet),
    /// A block has addresses in use and was to be empty.
    #[error("block ({0}) is not empty")]
    NotEmpty(IpNet),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a block was not given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseBlockError {
    /// There is no such block.
    #[error("block ({0}) does not exist")]
    NotFound(IpNet),
    /// The block has addresses in use and was to be empty.
    #[error("block ({0}) is not empty")]
    NotEmpty(IpNet),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why some blocks of a host were not given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseHostError {
    /// The block has addresses in use and was to be empty.
    #[error("block ({0}) is not empty")]
    NotEmpty(IpNet),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives up an owner's blocks in a range; blocks that are not the owner's are passed over.
///
/// Empty blocks are deleted; others stay, without owner, until their last address is released.
///
/// Cost: R 1, L 1, then per block R 1, W 3.
///
/// ```
/// use std::sync::Arc;
/// use ippool::{drive, op, MemoryStore, Owner, Pool, Resources, UnixTime};
/// let resources = Arc::new(Resources::default().with_pool(Pool::new("p", "10.0.0.0/24".parse()?)));
/// let range = "10.0.0.0/25".parse()?;
/// let release = op::release_affinity(range, Owner::host("n1"), true, &resources, UnixTime::default());
/// assert_eq!(drive(release, &mut MemoryStore::default()), Ok(()));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
///
/// # Errors
/// The output is a [`ReleaseAffinityError`]; blocks before the failed one are given up.
pub fn release_affinity(
    cidr: IpNet,
    owner: Owner,
    must_be_empty: bool,
    resources: &Arc<Resources>,
    now: UnixTime,
) -> impl Operation<Output = Result<(), ReleaseAffinityError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let cidr = cidr.trunc();
    let block_len = resources.enabled_pool_of(&cidr).map(Pool::block_len);
    let script = GiveUp { which: Which::Range { cidr, owner, block_len }, must_be_empty, go_on: false, now };
    Mapped::new(Run::new(script, GiveUpState::default()), |output| {
        output.map_err(|problem| match problem {
            Problem::NotInPool(cidr) | Problem::NotFound(cidr) => ReleaseAffinityError::NotInPool(cidr),
            Problem::TooSmall(cidr) => ReleaseAffinityError::TooSmall(cidr),
            Problem::NotEmpty(cidr) => ReleaseAffinityError::NotEmpty(cidr),
            Problem::Store(error) => ReleaseAffinityError::Store(error),
        })
    })
}

/// Gives up one block, whoever owns it; a block without owner stays as it is.
///
/// Cost: R 3, W 3.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let block = "10.0.0.0/26".parse()?;
/// let release = op::release_block_affinity(block, true, UnixTime::default());
/// assert_eq!(drive(release, &mut MemoryStore::default()), Err(op::ReleaseBlockError::NotFound(block)));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
///
/// # Errors
/// The output is a [`ReleaseBlockError`].
pub fn release_block_affinity(
    cidr: IpNet,
    must_be_empty: bool,
    now: UnixTime,
) -> impl Operation<Output = Result<(), ReleaseBlockError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let script = GiveUp { which: Which::Block(cidr.trunc()), must_be_empty, go_on: false, now };
    Mapped::new(Run::new(script, GiveUpState::default()), |output| {
        output.map_err(|problem| match problem {
            Problem::NotInPool(cidr) | Problem::TooSmall(cidr) | Problem::NotFound(cidr) => {
                ReleaseBlockError::NotFound(cidr)
            }
            Problem::NotEmpty(cidr) => ReleaseBlockError::NotEmpty(cidr),
            Problem::Store(error) => ReleaseBlockError::Store(error),
        })
    })
}

/// Gives up all blocks of an owner, of both IP versions; goes on after an error.
///
/// Cost: R 1, L 2, then per block R 1, W 3.
///
/// ```
/// use ippool::{drive, op, MemoryStore, Owner, UnixTime};
/// let release = op::release_host_affinities(Owner::host("n1"), true, UnixTime::default());
/// assert_eq!(drive(release, &mut MemoryStore::default()), Ok(()));
/// ```
///
/// # Errors
/// The output is the last [`ReleaseHostError`].
pub fn release_host_affinities(
    owner: Owner,
    must_be_empty: bool,
    now: UnixTime,
) -> impl Operation<Output = Result<(), ReleaseHostError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let script = GiveUp { which: Which::Owner(owner), must_be_empty, go_on: true, now };
    Mapped::new(Run::new(script, GiveUpState::default()), |output| {
        output.map_err(|problem| match problem {
            Problem::NotInPool(cidr) | Problem::TooSmall(cidr) | Problem::NotFound(cidr) | Problem::NotEmpty(cidr) => {
                ReleaseHostError::NotEmpty(cidr)
            }
            Problem::Store(error) => ReleaseHostError::Store(error),
        })
    })
}

/// Gives up all blocks in a pool's CIDR, whoever owns them, empty or not; again while somebody claims anew. The pool
/// should be disabled before.
///
/// Cost: R 2, L 4, then per block R 1, W 3.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// let release = op::release_pool_affinities("10.0.0.0/16".parse()?, UnixTime::default());
/// assert_eq!(drive(release, &mut MemoryStore::default()), Ok(()));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
///
/// # Errors
/// The output is a [`StoreError`].
pub fn release_pool_affinities(
    cidr: IpNet,
    now: UnixTime,
) -> impl Operation<Output = Result<(), StoreError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let script = GiveUp { which: Which::Pool(cidr.trunc()), must_be_empty: false, go_on: true, now };
    Mapped::new(Run::new(script, GiveUpState::default()), store_error)
}

/// Gives up all blocks of a node, empty or not, then deletes its record; a missing one is no error.
///
/// Cost: R 2, L 2, W 1, then per block R 1, W 3.
///
/// ```
/// use ippool::{drive, op, MemoryStore, UnixTime};
/// assert_eq!(drive(op::remove_host("n1", UnixTime::default()), &mut MemoryStore::default()), Ok(()));
/// ```
///
/// # Errors
/// The output is a [`StoreError`].
pub fn remove_host(
    host: &str,
    now: UnixTime,
) -> impl Operation<Output = Result<(), StoreError>> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let script = GiveUp { which: Which::Node(Owner::host(host)), must_be_empty: false, go_on: true, now };
    Mapped::new(Run::new(script, GiveUpState::default()), store_error)
}

fn store_error(output: Result<(), Problem>) -> Result<(), StoreError> {
    output.map_err(|problem| match problem {
        Problem::Store(error) => error,
        // Nothing was to be empty, in a pool, or there.
        _ => StoreError::Failed,
    })
}

#[derive(Debug, Clone)]
struct GiveUp {
    which: Which,
    must_be_empty: bool,
    /// Whether to go on after an error.
    go_on: bool,
    now: UnixTime,
}

#[derive(Debug, Clone)]
enum Which {
    Range { cidr: IpNet, owner: Owner, block_len: Option<u8> },
    Block(IpNet),
    Owner(Owner),
    Pool(IpNet),
    Node(Owner),
}

/// All that can go wrong; each operation has its own enum with what it can give.
#[derive(Debug, Clone)]
enum Problem {
    NotInPool(IpNet),
    TooSmall(IpNet),
    NotFound(IpNet),
    NotEmpty(IpNet),
    Store(StoreError),
}

#[derive(Debug, Clone, Default)]
struct GiveUpState {
    /// The clock and the claims still to give up, last first, once known.
    todo: Option<(Clock, Vec<(Owner, IpNet)>)>,
    problem: Option<Problem>,
    rounds: u32,
}

impl Script for GiveUp {
    type State = GiveUpState;
    type Output = Result<(), Problem>;

    fn step(&self, state: &GiveUpState, io: &mut Tape) -> Result<Flow<GiveUpState, Self::Output>, Halt> {
        let mut next = state.clone();
        let Some((clock, todo)) = &mut next.todo else {
            let clock = Clock::new(self.now, &io.config()?);
            let mut todo = match self.targets(io, clock)? {
                Ok(todo) => todo,
                Err(problem) => return Ok(Flow::Done(Err(problem))),
            };
            if todo.is_empty() || (state.rounds > 0 && state.problem.is_some()) {
                return self.finish(io, state);
            }
            todo.reverse();
            next.todo = Some((clock, todo));
            return Ok(Flow::Next(next));
        };
        let Some((owner, cidr)) = todo.pop() else {
            if !matches!(self.which, Which::Pool(_)) {
                return self.finish(io, state);
            }
            if state.rounds >= RETRIES {
                return Err(CONFLICT);
            }
            return Ok(Flow::Next(GiveUpState { todo: None, rounds: state.rounds + 1, ..next }));
        };
        let problem = match release(io, *clock, &owner, cidr, self.must_be_empty, None) {
            Ok(Release::NotEmpty) => Problem::NotEmpty(cidr),
            Ok(_) => return Ok(Flow::Next(next)),
            Err(Halt::Fault(error)) => Problem::Store(error),
            Err(Halt::Wait) => return Err(Halt::Wait),
        };
        if !self.go_on {
            return Ok(Flow::Done(Err(problem)));
        }
        next.problem = Some(problem);
        Ok(Flow::Next(next))
    }

    fn fault(&self, _: &GiveUpState, error: StoreError) -> Self::Output {
        Err(Problem::Store(error))
    }
}

impl GiveUp {
    fn targets(&self, io: &mut Tape, clock: Clock) -> Result<Result<Vec<(Owner, IpNet)>, Problem>, Halt> {
        let of = |io: &mut Tape, owner: &Owner, version| -> Result<Vec<(Owner, IpNet)>, Halt> {
            Ok(io.list_affinities(owner, version)?.into_iter().map(|cidr| (owner.clone(), cidr)).collect())
        };
        Ok(Ok(match &self.which {
            Which::Range { cidr, owner, block_len } => {
                match block_len {
                    None => return Ok(Err(Problem::NotInPool(*cidr))),
                    Some(len) if *len < cidr.prefix_len() => return Ok(Err(Problem::TooSmall(*cidr))),
                    Some(_) => {}
                }
                let mut claims = of(io, owner, IpVersion::of(cidr))?;
                claims.retain(|(_, block)| cidr.contains(block));
                claims.sort_unstable();
                claims
            }
            Which::Block(cidr) => match io.block(*cidr, clock)? {
                None => return Ok(Err(Problem::NotFound(*cidr))),
                Some(read) => read.block.affinity().map(|owner| vec![(owner.clone(), *cidr)]).unwrap_or_default(),
            },
            Which::Owner(owner) | Which::Node(owner) => {
                let mut claims = of(io, owner, IpVersion::V4)?;
                claims.extend(of(io, owner, IpVersion::V6)?);
                claims
            }
            Which::Pool(cidr) => {
                let mut claims = io.list_all_affinities(true)?;
                claims.extend(io.list_all_affinities(false)?);
                claims.retain(|(_, block)| cidr.contains(block));
                claims
            }
        }))
    }

    fn finish(&self, io: &mut Tape, state: &GiveUpState) -> Result<Flow<GiveUpState, Result<(), Problem>>, Halt> {
        if let (Which::Node(owner), None) = (&self.which, &state.problem) {
            for _ in 0..RETRIES {
                let key = Key::Host(owner.name().into());
                let Some(stored) = io.read(vec![key.clone()])?.pop().flatten() else { break };
                if io.write(Write::Delete(key, stored.revision))?.is_some() {
                    break;
                }
            }
        }
        Ok(Flow::Done(state.problem.clone().map_or(Ok(()), Err)))
    }
}

//! Automatic assignment for one IP version: the host's own blocks, new ones, idle ones, borrowed addresses.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::auto::{AutoAssign, AutoAssignError, Message};
use super::claim::{Claim, Release, claim, release};
use super::handle::{Counted, addresses, count, decrement, increment};
use super::tape::{CONFLICT, Clock, Halt, ReadBlock, StoreError, Tape, Written, ignore_fault};
use super::{RETRIES, auto};
use crate::block::HostReservation;
use crate::index::{Goal, MIN_AGE, Search};
use crate::key::{IpVersion, Key, Owner};
use crate::pool::{Chosen, Pool, Resources, Wanted};
use crate::store::Write;
use crate::value::Config;
use crate::walk::BlockWalk;

/// The part of a request that concerns one IP version.
#[derive(Debug, Clone)]
pub(crate) struct FamilyRequest {
    pub(crate) version: IpVersion,
    pub(crate) num: usize,
    pub(crate) pools: Vec<IpNet>,
    pub(crate) reservation: Option<HostReservation>,
    /// The prefix length of new blocks, where it is not the pool's.
    pub(crate) block_len: Option<u8>,
    /// Only see to it that the owner has a block with a free address.
    pub(crate) ensure: bool,
}

/// What both versions share.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) request: AutoAssign,
    pub(crate) owner: Owner,
    pub(crate) resources: Arc<Resources>,
}

/// How far the assignment has got.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    stage: Stage,
    config: Config,
    usable: Vec<usize>,
    /// The owner's blocks that were not tried yet.
    affine: VecDeque<IpNet>,
    /// The owner's blocks whose pool no longer selects it.
    stale: Vec<IpNet>,
    /// How many blocks the owner has in usable pools.
    owned: usize,
    /// Blocks that were found for this request and not claimed yet, the next one last.
    found: Vec<IpNet>,
    tries: u32,
    pub(crate) taken: Vec<IpNet>,
    pub(crate) messages: Vec<Message>,
    /// The block that was made sure of.
    pub(crate) block: Option<IpNet>,
}

#[derive(Debug, Clone)]
enum Stage {
    Load,
    Limit,
    Stale,
    Affine,
    Retry { cidr: IpNet, borrow: bool },
    Find,
    Idle,
    TakeOver(Vec<IpNet>),
    Claim(IpNet),
    StartBorrow,
    Borrow { todo: Vec<Step>, exhausted: Vec<IpNet>, again: bool },
}

/// A step of borrowing, kept in reverse order.
#[derive(Debug, Clone)]
enum Step {
    Block(IpNet),
    EndOfPool(IpNet),
}

/// Where a step of the assignment leads.
pub(crate) enum Next {
    On(Family),
    Done(Family, Option<AutoAssignError>),
}

enum Took {
    Some(Vec<IpNet>),
    None,
    Conflict,
    TooMany,
}

impl Family {
    pub(crate) fn new() -> Family {
        Family {
            stage: Stage::Load,
            config: Config::default(),
            usable: Vec::new(),
            affine: VecDeque::new(),
            stale: Vec::new(),
            owned: 0,
            found: Vec::new(),
            tries: 0,
            taken: Vec::new(),
            messages: Vec::new(),
            block: None,
        }
    }

    pub(crate) fn step(&self, common: &Common, wanted: &FamilyRequest, io: &mut Tape) -> Result<Next, Halt> {
        let mut next = self.clone();
        let clock = Clock::new(common.request.now, &self.config);
        let owner = &common.owner;
        match &self.stage {
            Stage::Load => return next.load(common, wanted, io),
            Stage::Limit => return next.limit(common, wanted, io, clock),
            Stage::Stale => match next.stale.pop() {
                None => next.stage = Stage::Affine,
                Some(cidr) => {
                    ignore_fault(release(io, clock, owner, cidr, true, None))?;
                }
            },
            Stage::Affine => return next.own(common, wanted, io, clock),
            Stage::Retry { cidr, borrow } => match io.block(*cidr, clock)? {
                Some(read) if *borrow || read.block.affinity() == Some(owner) => {
                    return next.take(common, wanted, io, read, *borrow);
                }
                _ => next.stage = Stage::Affine,
            },
            Stage::Find => {
                if next.found.is_empty() {
                    let missing = wanted.num.saturating_sub(self.taken.len()).max(1);
                    let found = io.search(next.search(common, wanted, clock, Goal::Claim(missing)))?;
                    next.found = found.into_iter().rev().map(|found| found.cidr).collect();
                }
                next.stage = next.found.pop().map_or(Stage::Idle, Stage::Claim);
            }
            Stage::Idle => {
                let idle = io.search(next.search(common, wanted, clock, Goal::Idle))?;
                next.stage = Stage::TakeOver(idle.into_iter().rev().map(|found| found.cidr).collect());
            }
            Stage::TakeOver(idle) => {
                let mut idle = idle.clone();
                match idle.pop() {
                    None if self.config.strict_affinity => {
                        next.say(Message::StrictAffinity);
                        return Ok(Next::Done(next, None));
                    }
                    None => next.stage = Stage::StartBorrow,
                    Some(cidr) if take_over(io, clock, cidr)? => next.stage = Stage::Claim(cidr),
                    Some(_) => next.stage = Stage::TakeOver(idle),
                }
            }
            Stage::Claim(cidr) => match claim(io, clock, owner, *cidr, wanted.reservation.as_ref(), false)? {
                Claim::Ours(read) => {
                    next.owned += 1;
                    return next.take(common, wanted, io, read, false);
                }
                Claim::Theirs | Claim::Gone => {
                    next.again()?;
                    next.found.clear();
                    next.stage = Stage::Find;
                }
            },
            Stage::StartBorrow => {
                let limit = wanted.num.saturating_sub(self.taken.len()).max(1);
                let found = io.search(next.search(common, wanted, clock, Goal::Borrow(limit)))?;
                let cut = found.len() >= limit;
                let last = found.last().map_or(0, |found| found.pool);
                let mut todo = Vec::new();
                for (index, pool) in next.pools(common).enumerate() {
                    todo.extend(found.iter().filter(|found| found.pool == index).map(|found| Step::Block(found.cidr)));
                    if !cut || index < last {
                        todo.push(Step::EndOfPool(pool.written_cidr()));
                    }
                }
                todo.reverse();
                next.stage = Stage::Borrow { todo, exhausted: Vec::new(), again: cut };
            }
            Stage::Borrow { .. } => return next.borrow(common, wanted, io, clock),
        }
        Ok(Next::On(next))
    }

    fn pools<'a>(&'a self, common: &'a Common) -> impl Iterator<Item = &'a Pool> + 'a {
        self.usable.iter().filter_map(|index| common.resources.pools().get(*index))
    }

    fn search(&self, common: &Common, wanted: &FamilyRequest, clock: Clock, goal: Goal) -> Search {
        let walk = |pool: &Pool| {
            let len = wanted.block_len.unwrap_or(pool.block_len());
            if len == wanted.version.width() {
                return BlockWalk::with_seed(pool.cidr(), len, common.request.seed).ok();
            }
            BlockWalk::new(pool.cidr(), len, common.owner.name()).ok()
        };
        let resources = Arc::clone(&common.resources);
        let mut search = Search::new(goal, wanted.version, common.owner.clone(), resources, clock.now);
        // A pool that is smaller than a block has none, and keeps its place.
        let none = || BlockWalk::none(wanted.version);
        search.pools = self.pools(common).map(|pool| walk(pool).unwrap_or_else(none)).collect();
        search.kept_back = wanted.reservation.clone();
        search.cooldown = clock.cooldown;
        search
    }

    fn say(&mut self, message: Message) {
        if !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }

    fn again(&mut self) -> Result<(), Halt> {
        self.tries += 1;
        if self.tries > RETRIES { Err(CONFLICT) } else { Ok(()) }
    }

    fn load(mut self, common: &Common, wanted: &FamilyRequest, io: &mut Tape) -> Result<Next, Halt> {
        let (resources, request) = (&common.resources, &common.request);
        let node = match &common.owner {
            Owner::Virtual(_) => None,
            Owner::Host(name) => match resources.node(name) {
                None => return Ok(Next::Done(self, Some(AutoAssignError::UnknownNode(name.clone())))),
                labels => labels,
            },
        };
        let reservation = wanted.reservation.as_ref();
        let kept_back = reservation.map(|r| u32::from(r.start) + u32::from(r.end));
        let chosen = resources.choose(&Wanted {
            version: wanted.version,
            used_for: request.used_for,
            explicit: &wanted.pools,
            host: &request.host,
            node,
            namespace: request.namespace.as_ref(),
            kept_back: kept_back.or(request.windows.then_some(auto::WINDOWS_KEPT_BACK)),
        });
        let Chosen { selected, usable } = match chosen {
            Ok(chosen) => chosen,
            Err(error) => return Ok(Next::Done(self, Some(error.into()))),
        };
        let (config, claims) = io.config_and_claims(&common.owner, wanted.version)?;
        self.config = config;
        if request.windows && !self.config.strict_affinity {
            return Ok(Next::Done(self, Some(AutoAssignError::StrictAffinityRequired)));
        }
        for cidr in claims {
            if resources.holds(&usable, &cidr) {
                self.affine.push_back(cidr);
            } else if !resources.holds(&selected, &cidr) && node.is_some() && resources.deselected(&request.host, &cidr)
            {
                self.stale.push(cidr);
            }
        }
        self.usable = usable;
        self.owned = self.affine.len();
        let limited = request.max_alloc > 0 && request.attributes.handle.is_some() && !wanted.ensure;
        self.stage = if limited { Stage::Limit } else { Stage::Stale };
        Ok(Next::On(self))
    }

    /// The handle must not get more addresses than it may have.
    fn limit(mut self, common: &Common, wanted: &FamilyRequest, io: &mut Tape, clock: Clock) -> Result<Next, Halt> {
        let max = u64::from(common.request.max_alloc);
        let num = as_count(wanted.num);
        let id = common.request.attributes.handle.as_deref().unwrap_or_default();
        let handle = io.handle(id)?.map(|(handle, _)| handle).unwrap_or_default();
        if self.taken.is_empty() && count(&handle, wanted.version).saturating_add(num) <= max {
            self.stage = Stage::Stale;
            return Ok(Next::On(self));
        }
        let existing = addresses(io, clock, id, &handle, Some(wanted.version))?;
        if existing.len() >= wanted.num {
            let masks: BTreeSet<IpNet> = handle.blocks.keys().copied().collect();
            let with_mask = |address| {
                let block = masks.iter().find(|cidr| cidr.contains(&address))?;
                IpNet::new(address, block.prefix_len()).ok()
            };
            self.taken = existing.into_iter().filter_map(with_mask).take(wanted.num).collect();
            return Ok(Next::Done(self, None));
        }
        // Another process has counted addresses that it has not taken yet, or there is no hope.
        self.tries += 1;
        if self.tries > RETRIES || num > max {
            return Ok(Next::Done(self, Some(AutoAssignError::MaxAlloc)));
        }
        Ok(Next::On(self))
    }

    /// The next of the owner's blocks, or what comes after them.
    fn own(mut self, common: &Common, wanted: &FamilyRequest, io: &mut Tape, clock: Clock) -> Result<Next, Halt> {
        let reserved = common.resources.reservations();
        if let Some(cidr) = self.affine.pop_front() {
            if reserved.covers(&cidr) {
                return Ok(Next::On(self));
            }
            return match claim(io, clock, &common.owner, cidr, wanted.reservation.as_ref(), true)? {
                Claim::Ours(read) if read.block.num_free(reserved) > 0 => self.take(common, wanted, io, read, false),
                _ => Ok(Next::On(self)),
            };
        }
        let cap = match (common.request.max_blocks, self.config.max_blocks_per_host) {
            (0, 0) => auto::DEFAULT_MAX_BLOCKS,
            (0, config) => config,
            (request, 0) => request,
            (request, config) => request.min(config),
        };
        if as_count(self.owned) >= u64::from(cap) {
            self.say(Message::BlockLimit(cap));
            return Ok(Next::Done(self, Some(AutoAssignError::BlockLimit(cap))));
        }
        if !self.config.auto_allocate_blocks {
            return Ok(Next::Done(self, Some(AutoAssignError::AutoAllocateDisabled)));
        }
        self.stage = Stage::Find;
        Ok(Next::On(self))
    }

    /// Takes what is still missing from a block: handle first, then the block.
    fn take(
        mut self,
        common: &Common,
        wanted: &FamilyRequest,
        io: &mut Tape,
        read: ReadBlock,
        borrow: bool,
    ) -> Result<Next, Halt> {
        let cidr = read.block.cidr();
        if wanted.ensure {
            self.block = Some(cidr);
            return Ok(Next::Done(self, None));
        }
        let owner = self.config.strict_affinity.then_some(&common.owner);
        let missing = wanted.num.saturating_sub(self.taken.len());
        let new_handle = self.taken.is_empty() && self.tries == 0 && common.request.max_alloc == 0;
        match take(io, common, read, missing, owner.filter(|_| !borrow), new_handle)? {
            Took::Some(taken) => self.taken.extend(taken),
            Took::None => {}
            Took::TooMany => {
                self.again()?;
                self.stage = Stage::Limit;
                return Ok(Next::On(self));
            }
            Took::Conflict if borrow => {
                if let Stage::Borrow { todo, .. } = &mut self.stage {
                    todo.push(Step::Block(cidr));
                }
                self.again()?;
                return Ok(Next::On(self));
            }
            Took::Conflict => {
                self.again()?;
                self.stage = Stage::Retry { cidr, borrow };
                return Ok(Next::On(self));
            }
        }
        if self.taken.len() >= wanted.num {
            if let Stage::Borrow { exhausted, .. } = &mut self.stage
                && !exhausted.is_empty()
            {
                let exhausted = core::mem::take(exhausted);
                self.say(Message::PoolsExhausted(exhausted));
            }
            return Ok(Next::Done(self, None));
        }
        if !borrow {
            self.stage = Stage::Affine;
        }
        Ok(Next::On(self))
    }

    fn borrow(mut self, common: &Common, wanted: &FamilyRequest, io: &mut Tape, clock: Clock) -> Result<Next, Halt> {
        let Stage::Borrow { todo, exhausted, again } = &mut self.stage else { return Ok(Next::On(self)) };
        match todo.pop() {
            Some(Step::Block(cidr)) => match io.block(cidr, clock)? {
                Some(read) => return self.take(common, wanted, io, read, true),
                None => *again = true,
            },
            Some(Step::EndOfPool(pool)) => exhausted.push(pool),
            None if *again => {
                // There may be more lenders than were asked for, or a block was deleted and there is room for a new one.
                self.again()?;
                self.found.clear();
                self.stage = Stage::Find;
            }
            None => {
                let exhausted = core::mem::take(exhausted);
                self.say(Message::PoolsExhausted(exhausted));
                return Ok(Next::Done(self, None));
            }
        }
        Ok(Next::On(self))
    }
}

fn take(
    io: &mut Tape,
    common: &Common,
    read: ReadBlock,
    num: usize,
    owner: Option<&Owner>,
    new_handle: bool,
) -> Result<Took, Halt> {
    let request = &common.request;
    let mut block = Arc::unwrap_or_clone(read.block);
    let reserved = common.resources.reservations();
    let taken = match block.auto_assign(num, Arc::clone(&request.attributes), owner, reserved) {
        Ok(taken) if !taken.is_empty() => taken,
        // Full, or given to another owner since: on to the next one.
        _ => return Ok(Took::None),
    };
    let (cidr, counted) = (block.cidr(), as_count(taken.len()));
    if let Some(id) = &request.attributes.handle {
        let limit = (request.max_alloc > 0).then_some(u64::from(request.max_alloc));
        if increment(io, id, cidr, counted, limit, new_handle)? == Counted::TooMany {
            return Ok(Took::TooMany);
        }
    }
    let (_, written) = io.try_update_block(block, read.revision)?;
    if let (Some(id), Written::Conflict | Written::Failed) = (&request.attributes.handle, written) {
        decrement(io, id, cidr, counted)?;
    }
    match written {
        Written::Done(_) => Ok(Took::Some(taken)),
        Written::Conflict => Ok(Took::Conflict),
        Written::Failed => Err(Halt::Fault(StoreError::Failed)),
    }
}

/// Takes an empty block away from its owner, unless it is used meanwhile; any failure leaves it alone.
fn take_over(io: &mut Tape, clock: Clock, cidr: IpNet) -> Result<bool, Halt> {
    let Some(Some(read)) = ignore_fault(io.block(cidr, clock))? else { return Ok(false) };
    let old = read.block.claim_time().is_none_or(|since| since.saturating_add_secs(MIN_AGE) <= clock.now);
    if !old || !read.block.is_empty() {
        return Ok(false);
    }
    match read.block.affinity() {
        None => Ok(matches!(io.try_write(Write::Delete(Key::Block(cidr), read.revision))?, Written::Done(_))),
        Some(owner) => {
            let released = release(io, clock, owner, cidr, true, Some(read.block.sequence()));
            Ok(matches!(ignore_fault(released)?, Some(Release::Released)))
        }
    }
}

fn as_count(num: usize) -> u64 {
    u64::try_from(num).unwrap_or(u64::MAX)
}

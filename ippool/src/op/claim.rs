//! Claiming a block and giving it up, safe against every other operation at every moment.
//!
//! Both sides write the affinity first: a claim makes it pending, a release pendingDeletion, and each finishes only if
//! nobody wrote it since. Between those two writes the block itself is written, so that whoever read it before loses.

use alloc::sync::Arc;

use ipnet::IpNet;

use super::RETRIES;
use super::tape::{CONFLICT, Clock, Halt, ReadBlock, StoreError, Tape, Written};
use crate::block::{Block, HostReservation};
use crate::invalid::BadValue;
use crate::key::{Key, Owner};
use crate::store::{Revision, Write};
use crate::value::{Affinity, AffinityState, Value};

/// What became of a claim.
#[derive(Debug, Clone)]
pub(crate) enum Claim {
    /// The block is the owner's and confirmed.
    Ours(ReadBlock),
    /// The block is somebody else's, or nobody's and not empty.
    Theirs,
    /// There was no affinity to confirm.
    Gone,
}

/// Makes `cidr` the owner's block: creates what is missing, confirms what is not confirmed. With `existing` only if
/// the affinity is there.
///
/// Cost of a new block: R 1, W 3; of one that is confirmed: R 1.
pub(crate) fn claim(
    io: &mut Tape,
    clock: Clock,
    owner: &Owner,
    cidr: IpNet,
    reservation: Option<&HostReservation>,
    existing: bool,
) -> Result<Claim, Halt> {
    for _ in 0..RETRIES {
        let (affinity, read) = io.claimed(owner, cidr, clock)?;
        if existing && affinity.is_none() {
            return Ok(Claim::Gone);
        }
        if let Some(read) = &read
            && read.block.affinity() != Some(owner)
        {
            if let Some((_, revision)) = affinity {
                // Best effort: whoever finds it next removes it.
                io.try_write(Write::Delete(Key::Affinity(owner.clone(), cidr), revision))?;
            }
            return Ok(Claim::Theirs);
        }
        if let (Some((state, _)), Some(read)) = (affinity, &read)
            && state.is_confirmed()
        {
            return Ok(Claim::Ours(read.clone()));
        }
        let revision = affinity.map(|(_, revision)| revision);
        let Some(pending) = io.write_affinity(owner, cidr, AffinityState::Pending, revision)? else { continue };
        let existed = read.is_some();
        let (block, written) = match read {
            Some(read) => io.try_update_block(Arc::unwrap_or_clone(read.block), read.revision)?,
            None => create(io, clock, owner, cidr, reservation, pending)?,
        };
        let revision = match written {
            Written::Done(revision) => revision,
            Written::Conflict => continue,
            Written::Failed if existed => return Err(Halt::Fault(StoreError::Failed)),
            Written::Failed => return undo(io, owner, cidr, pending, None),
        };
        let confirmed = Value::Affinity(Affinity::new(AffinityState::Confirmed));
        match io.try_write(Write::Update(Key::Affinity(owner.clone(), cidr), confirmed, pending))? {
            Written::Done(_) => return Ok(Claim::Ours(ReadBlock { block, revision, freed: false })),
            Written::Conflict => {}
            Written::Failed if existed => return Err(Halt::Fault(StoreError::Failed)),
            Written::Failed => return undo(io, owner, cidr, pending, Some(revision)),
        }
    }
    Err(CONFLICT)
}

fn create(
    io: &mut Tape,
    clock: Clock,
    owner: &Owner,
    cidr: IpNet,
    reservation: Option<&HostReservation>,
    pending: Revision,
) -> Result<(Arc<Block>, Written), Halt> {
    // The clock alone could repeat numbers of an earlier block at this place; the revision of the affinity written just
    // now has grown at least as much as they did.
    let sequence = clock.now.as_nanos().wrapping_add(pending.0);
    let mut block = Block::new(cidr, sequence, reservation)
        .map_err(|error| Halt::Fault(StoreError::BadValue(BadValue::new(Key::Block(cidr), error.into()))))?;
    block.set_affinity(Some(owner.clone()), clock.now);
    let block = Arc::new(block);
    let written = io.try_write(Write::Create(Key::Block(cidr), Value::Block(Arc::clone(&block))))?;
    Ok((block, written))
}

/// After the store failed: removes the new block, if it was made, and then its affinity, as far as the store lets it.
/// What stays pending is repaired by the owner's next request.
fn undo(io: &mut Tape, owner: &Owner, cidr: IpNet, pending: Revision, made: Option<Revision>) -> Result<Claim, Halt> {
    let gone = match made {
        None => true,
        Some(revision) => matches!(io.try_write(Write::Delete(Key::Block(cidr), revision))?, Written::Done(_)),
    };
    if gone {
        io.try_write(Write::Delete(Key::Affinity(owner.clone(), cidr), pending))?;
    }
    Err(Halt::Fault(StoreError::Failed))
}

/// What became of giving a block up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// The owner has no claim on it any more.
    Released,
    /// The owner had none.
    Missing,
    /// It has addresses in use and was to be empty; it stays with the owner.
    NotEmpty,
    /// It was written since the caller looked; it stays with the owner.
    Changed,
    /// It is somebody else's; a stale claim was removed.
    Theirs,
}

/// Takes the owner's claim off a block; an empty block is deleted. With `sequence` only if the block still has it.
///
/// Cost: R 1, W 3.
pub(crate) fn release(
    io: &mut Tape,
    clock: Clock,
    owner: &Owner,
    cidr: IpNet,
    must_be_empty: bool,
    sequence: Option<u64>,
) -> Result<Release, Halt> {
    let key = || Key::Affinity(owner.clone(), cidr);
    for _ in 0..RETRIES {
        let (affinity, read) = io.claimed(owner, cidr, clock)?;
        let Some((state, revision)) = affinity else { return Ok(Release::Missing) };
        let stale = if read.is_some() { Release::Theirs } else { Release::Released };
        let Some(read) = read.filter(|read| read.block.affinity() == Some(owner)) else {
            if io.write(Write::Delete(key(), revision))?.is_some() {
                return Ok(stale);
            }
            continue;
        };
        let refused = if sequence.is_some_and(|sequence| sequence != read.block.sequence()) {
            Some(Release::Changed)
        } else if must_be_empty && !read.block.is_empty() {
            Some(Release::NotEmpty)
        } else {
            None
        };
        if let Some(refused) = refused {
            if state.is_confirmed() || restore(io, owner, cidr, revision, read)? {
                return Ok(refused);
            }
            continue;
        }
        // Written even if it is in this state already, so that a claim that began meanwhile notices.
        let Some(deleting) = io.write_affinity(owner, cidr, AffinityState::PendingDeletion, Some(revision))? else {
            continue;
        };
        let written = if read.block.is_empty() {
            io.try_write(Write::Delete(Key::Block(cidr), read.revision))?
        } else {
            let mut block = Arc::unwrap_or_clone(read.block.clone());
            block.set_affinity(None, clock.now);
            io.try_update_block(block, read.revision)?.1
        };
        match written {
            Written::Done(_) => {
                for _ in 0..RETRIES {
                    if io.write(Write::Delete(key(), deleting))?.is_some() {
                        break;
                    }
                    // Another revision: the owner claims the block anew, which is a later event.
                    let (affinity, _) = io.claimed(owner, cidr, clock)?;
                    if affinity.is_none_or(|(_, revision)| revision != deleting) {
                        break;
                    }
                }
                return Ok(Release::Released);
            }
            Written::Conflict => {}
            Written::Failed => {
                restore(io, owner, cidr, deleting, read)?;
                return Err(Halt::Fault(StoreError::Failed));
            }
        }
    }
    Err(CONFLICT)
}

/// Confirms the claim on a block that stays with its owner; false when somebody else wrote meanwhile.
fn restore(io: &mut Tape, owner: &Owner, cidr: IpNet, revision: Revision, read: ReadBlock) -> Result<bool, Halt> {
    let key = || Key::Affinity(owner.clone(), cidr);
    let value = |state| Value::Affinity(Affinity::new(state));
    let pending = io.try_write(Write::Update(key(), value(AffinityState::Pending), revision))?;
    let Written::Done(pending) = pending else { return Ok(false) };
    let (_, block) = io.try_update_block(Arc::unwrap_or_clone(read.block), read.revision)?;
    let Written::Done(_) = block else { return Ok(false) };
    let confirmed = io.try_write(Write::Update(key(), value(AffinityState::Confirmed), pending))?;
    Ok(matches!(confirmed, Written::Done(_)))
}

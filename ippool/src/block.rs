//! A block: an aligned part of a pool, the unit of compare-and-swap and of route advertisement.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::key::{IpVersion, Owner};
use crate::net;
use crate::time::UnixTime;

mod assign;
mod info;
mod release;
#[cfg(test)]
mod tests;

pub use assign::AssignError;
pub use info::AllocationError;
pub use release::{ReleaseError, ReleaseItem, Released};

/// What is stored about allocated addresses; addresses with equal ones share an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub struct Attributes {
    /// The handle of the allocation (`handle_id`).
    pub handle: Option<String>,
    /// The attributes of the (active) owner (`secondary`).
    pub active: BTreeMap<String, String>,
    /// The attributes of the alternate owner (`alternateOwnerAttrs`).
    pub alternate: BTreeMap<String, String>,
    /// When the address was released; it is cooling down (`releasedAt`).
    pub released_at: Option<UnixTime>,
}

/// The first and last addresses of each new block that are never given out, as Windows hosts need them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HostReservation {
    /// Addresses at the start of the block.
    pub start: u16,
    /// Addresses at its end.
    pub end: u16,
    /// The handle that the addresses get.
    pub handle: String,
    /// The text that they get as the attribute `note`.
    pub note: String,
}

impl HostReservation {
    /// `start` addresses at the beginning and `end` at the end of each block.
    ///
    /// ```
    /// use ippool::block::{HostReservation, WINDOWS_HANDLE};
    /// let windows = HostReservation::new(3, 1, WINDOWS_HANDLE, "windows host rsvd");
    /// assert_eq!(windows.start + windows.end, 4);
    /// ```
    pub fn new(start: u16, end: u16, handle: impl Into<String>, note: impl Into<String>) -> HostReservation {
        HostReservation { start, end, handle: handle.into(), note: note.into() }
    }
}

/// The handle of the addresses that every block of a Windows host keeps back; they do not make a block non-empty.
pub const WINDOWS_HANDLE: &str = "windows-reserved-ipam-handle";

/// The fields of a block as they are stored, unchecked; [`Block::from_parts`] checks them.
///
/// `None` in `free`, `attributes` and `sequences` is the `null` that Calico writes for an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the stored form; a new field must be noticed by every codec")]
pub struct BlockParts {
    /// The addresses (`cidr`).
    pub cidr: IpNet,
    /// Who claims the block (`affinity`).
    pub affinity: Option<Owner>,
    /// Since when (`affinity_claim_time`), in whole seconds.
    pub claim_time: Option<UnixTime>,
    /// Per ordinal the index of its attributes, or none where it is free (`allocations`).
    pub allocations: Vec<Option<u32>>,
    /// The free queue, head first (`unallocated`).
    pub free: Option<Vec<u16>>,
    /// The attributes (`attributes`).
    pub attributes: Option<Vec<Attributes>>,
    /// Raised by one with each write (`sequenceNumber`).
    pub sequence: u64,
    /// Per allocated ordinal the block's sequence number at that time (`sequenceNumberForAllocation`).
    pub sequences: Option<BTreeMap<u16, u64>>,
    /// Being deleted in a store without compare-and-delete (`deleted`).
    pub deleted: bool,
}

/// A block whose fields fit together.
///
/// Invariants: the length is 20..=32 or 116..=128, each allocation has attributes, and each ordinal is either allocated
/// or once in the free queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    parts: BlockParts,
}

/// Why stored fields make no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBlock {
    /// A prefix shorter than /20 or /116.
    #[error("block length {0} is too short")]
    Length(u8),
    /// Not one allocation per address.
    #[error("block has {got} allocations for {size} addresses")]
    Allocations {
        /// Entries found.
        got: usize,
        /// Entries needed.
        size: usize,
    },
    /// An allocation names attributes that are not there.
    #[error("ordinal {0} has no attributes")]
    AttributeIndex(u16),
    /// The free queue holds an ordinal beyond the block, twice, or one that is allocated.
    #[error("free queue holds ordinal {0} wrongly")]
    FreeOrdinal(u16),
    /// An ordinal is neither free nor allocated.
    #[error("ordinal {0} is neither free nor allocated")]
    Lost(u16),
    /// A sequence number of an ordinal beyond the block.
    #[error("sequence number of ordinal {0} beyond the block")]
    SequenceOrdinal(u16),
}

impl Block {
    /// An empty block: all addresses in the free queue in ascending order, no owner, the sequence number `sequence`
    /// (Calico: the clock in nanoseconds, so that a block made again repeats no number).
    ///
    /// With a reservation its addresses are allocated to the reservation's handle at once.
    ///
    /// ```
    /// use ippool::Block;
    /// let block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// assert_eq!(block.free_queue(), [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidBlock::Length`].
    pub fn new(cidr: IpNet, sequence: u64, reservation: Option<&HostReservation>) -> Result<Block, InvalidBlock> {
        let cidr = cidr.trunc();
        let size = size_of_prefix(&cidr)?;
        let mut parts = BlockParts {
            cidr,
            affinity: None,
            claim_time: None,
            allocations: vec![None; usize::from(size)],
            free: None,
            attributes: None,
            sequence,
            sequences: Some(BTreeMap::new()),
            deleted: false,
        };
        let (first, end) = match reservation {
            Some(r) if r.start > 0 || r.end > 0 => {
                let active = BTreeMap::from([(String::from("note"), r.note.clone())]);
                parts.attributes =
                    Some(vec![Attributes { handle: Some(r.handle.clone()), active, ..Attributes::default() }]);
                let first = r.start.min(size);
                (first, size.saturating_sub(r.end).max(first))
            }
            _ => (0, size),
        };
        for (allocation, ordinal) in parts.allocations.iter_mut().zip(0..size) {
            if ordinal < first || ordinal >= end {
                *allocation = Some(0);
            }
        }
        parts.free = Some((first..end).collect());
        Ok(Block { parts })
    }

    /// Checks stored fields.
    ///
    /// # Errors
    /// [`InvalidBlock`] with the first contradiction.
    ///
    /// ```
    /// use ippool::Block;
    /// use ippool::block::InvalidBlock;
    /// let mut parts = Block::new("10.0.0.0/30".parse()?, 7, None)?.into_parts();
    /// parts.free = Some(vec![0, 1, 2, 2]);
    /// assert_eq!(Block::from_parts(parts), Err(InvalidBlock::FreeOrdinal(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_parts(mut parts: BlockParts) -> Result<Block, InvalidBlock> {
        parts.cidr = parts.cidr.trunc();
        let size = size_of_prefix(&parts.cidr)?;
        if parts.allocations.len() != usize::from(size) {
            return Err(InvalidBlock::Allocations { got: parts.allocations.len(), size: size.into() });
        }
        let attributes = parts.attributes.as_ref().map_or(0, Vec::len);
        let mut seen = BTreeSet::new();
        for (allocation, ordinal) in parts.allocations.iter().zip(0..size) {
            if let Some(index) = allocation {
                if usize::try_from(*index).map_or(true, |index| index >= attributes) {
                    return Err(InvalidBlock::AttributeIndex(ordinal));
                }
                seen.insert(ordinal);
            }
        }
        for ordinal in parts.free.iter().flatten() {
            if *ordinal >= size || !seen.insert(*ordinal) {
                return Err(InvalidBlock::FreeOrdinal(*ordinal));
            }
        }
        if let Some(lost) = (0..size).find(|ordinal| !seen.contains(ordinal)) {
            return Err(InvalidBlock::Lost(lost));
        }
        if let Some(ordinal) = parts.sequences.iter().flatten().map(|(ordinal, _)| *ordinal).find(|o| *o >= size) {
            return Err(InvalidBlock::SequenceOrdinal(ordinal));
        }
        Ok(Block { parts })
    }

    /// The fields, to encode them.
    #[must_use]
    pub fn parts(&self) -> &BlockParts {
        &self.parts
    }

    /// The fields, to change them.
    #[must_use]
    pub fn into_parts(self) -> BlockParts {
        self.parts
    }

    /// The addresses of the block.
    #[must_use]
    pub fn cidr(&self) -> IpNet {
        self.parts.cidr
    }

    /// How many addresses the block has, 1..=4096.
    #[must_use]
    pub fn size(&self) -> usize {
        self.parts.allocations.len()
    }

    /// Who claims the block.
    #[must_use]
    pub fn affinity(&self) -> Option<&Owner> {
        self.parts.affinity.as_ref()
    }

    /// Since when the block is claimed.
    #[must_use]
    pub fn claim_time(&self) -> Option<UnixTime> {
        self.parts.claim_time
    }

    /// The sequence number, raised by one with each write.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.parts.sequence
    }

    /// The free ordinals, the next to be given out first.
    #[must_use]
    pub fn free_queue(&self) -> &[u16] {
        self.parts.free.as_deref().unwrap_or_default()
    }

    /// Whether the block is being deleted in a store without compare-and-delete.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.parts.deleted
    }

    /// The address of an ordinal, or none beyond the block.
    ///
    /// ```
    /// use ippool::Block;
    /// let block = Block::new("10.0.0.4/30".parse()?, 7, None)?;
    /// assert_eq!(block.address(3), Some("10.0.0.7".parse()?));
    /// assert_eq!(block.address(4), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn address(&self, ordinal: u16) -> Option<IpAddr> {
        (usize::from(ordinal) < self.size()).then(|| self.at(ordinal))
    }

    /// The ordinal of an address, or none outside the block.
    ///
    /// ```
    /// use ippool::Block;
    /// let block = Block::new("10.0.0.4/30".parse()?, 7, None)?;
    /// assert_eq!(block.ordinal("10.0.0.7".parse()?), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ordinal(&self, address: IpAddr) -> Option<u16> {
        if !self.parts.cidr.contains(&address) {
            return None;
        }
        u16::try_from(net::bits(address).wrapping_sub(net::bits(self.parts.cidr.network()))).ok()
    }

    /// Gives the block to `owner` since `now`, or to nobody.
    pub(crate) fn set_affinity(&mut self, owner: Option<Owner>, now: UnixTime) {
        self.parts.claim_time = owner.is_some().then(|| now.whole_secs());
        self.parts.affinity = owner;
    }

    /// Whether some address was released and is not free yet.
    pub(crate) fn has_cooling(&self) -> bool {
        self.parts.attributes.iter().flatten().any(|attributes| attributes.released_at.is_some())
    }

    /// Counts a write to the store.
    pub(crate) fn bump(&mut self) {
        self.parts.sequence = self.parts.sequence.wrapping_add(1);
    }

    /// The attributes of an ordinal.
    pub(crate) fn attributes_of(&self, ordinal: u16) -> Option<&Attributes> {
        let index = (*self.parts.allocations.get(usize::from(ordinal))?)?;
        self.parts.attributes.as_ref()?.get(usize::try_from(index).ok()?)
    }

    fn at(&self, ordinal: u16) -> IpAddr {
        net::address(IpVersion::of(&self.parts.cidr), net::bits(self.parts.cidr.network()).wrapping_add(ordinal.into()))
    }

    /// The index of an entry equal to `attributes`, made if there is none.
    fn intern(&mut self, attributes: Attributes) -> u32 {
        let entries = self.parts.attributes.get_or_insert_default();
        let index = entries.iter().position(|entry| *entry == attributes).unwrap_or(entries.len());
        if index == entries.len() {
            entries.push(attributes);
        }
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn point(&mut self, ordinal: u16, index: Option<u32>) {
        if let Some(allocation) = self.parts.allocations.get_mut(usize::from(ordinal)) {
            *allocation = index;
        }
    }

    /// Drops attributes that nothing names and renumbers the rest; whether there were any.
    fn sweep_attributes(&mut self) -> bool {
        let Some(entries) = self.parts.attributes.as_mut() else { return false };
        let used: BTreeSet<u32> = self.parts.allocations.iter().filter_map(|index| *index).collect();
        if used.len() == entries.len() {
            return false;
        }
        let renumbered: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
        for allocation in &mut self.parts.allocations {
            *allocation = allocation.and_then(|index| renumbered.get(&index).copied());
        }
        let mut index = 0;
        entries.retain(|_| {
            let keep = used.contains(&index);
            index += 1;
            keep
        });
        true
    }
}

fn size_of_prefix(cidr: &IpNet) -> Result<u16, InvalidBlock> {
    let bits = IpVersion::of(cidr).width().saturating_sub(cidr.prefix_len());
    if bits > 12 { Err(InvalidBlock::Length(cidr.prefix_len())) } else { Ok(1 << bits) }
}

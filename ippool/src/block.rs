//! A block: an aligned part of a pool, the unit of compare-and-swap and of route advertisement.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::key::{IpVersion, Owner};
use crate::time::UnixTime;

mod assign;
mod info;
mod queue;
mod release;
mod table;
#[cfg(test)]
mod tests;

pub use assign::AssignError;
pub use info::AllocationError;
pub use release::{ReleaseError, ReleaseItem, Released};

use queue::Queue;
use table::Table;

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
    cidr: IpNet,
    affinity: Option<Owner>,
    claim_time: Option<UnixTime>,
    table: Table,
    free: Queue,
    sequence: u64,
    nulls: Nulls,
    deleted: bool,
}

/// What is `null` in the stored form while it is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nulls {
    free: bool,
    attributes: bool,
    sequences: bool,
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

impl InvalidBlock {
    /// The field that is wrong, as it is stored.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            InvalidBlock::Length(_) => "cidr",
            InvalidBlock::Allocations { .. } | InvalidBlock::AttributeIndex(_) => "allocations",
            InvalidBlock::FreeOrdinal(_) | InvalidBlock::Lost(_) => "unallocated",
            InvalidBlock::SequenceOrdinal(_) => "sequenceNumberForAllocation",
        }
    }
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
        let mut table = Table::new(size);
        let mut nulls = Nulls { free: false, attributes: true, sequences: false };
        let (first, end) = match reservation {
            Some(r) if r.start > 0 || r.end > 0 => {
                let active = BTreeMap::from([(String::from("note"), r.note.clone())]);
                nulls.attributes = false;
                let kept = Attributes { handle: Some(r.handle.clone()), active, ..Attributes::default() };
                let index = table.push(Arc::new(kept));
                let first = r.start.min(size);
                let end = size.saturating_sub(r.end).max(first);
                for ordinal in (0..first).chain(end..size) {
                    table.point(ordinal, Some(index));
                }
                (first, end)
            }
            _ => (0, size),
        };
        let free = Queue::new(first..end, size.into());
        Ok(Block { cidr, affinity: None, claim_time: None, table, free, sequence, nulls, deleted: false })
    }

    /// Checks stored fields.
    ///
    /// # Errors
    /// [`InvalidBlock`] with the first contradiction.
    ///
    /// ```
    /// use ippool::Block;
    /// use ippool::block::InvalidBlock;
    /// let mut parts = Block::new("10.0.0.0/30".parse()?, 7, None)?.to_parts();
    /// parts.free = Some(vec![0, 1, 2, 2]);
    /// assert_eq!(Block::from_parts(parts), Err(InvalidBlock::FreeOrdinal(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_parts(parts: BlockParts) -> Result<Block, InvalidBlock> {
        let cidr = parts.cidr.trunc();
        let size = size_of_prefix(&cidr)?;
        if parts.allocations.len() != usize::from(size) {
            return Err(InvalidBlock::Allocations { got: parts.allocations.len(), size: size.into() });
        }
        let nulls = Nulls {
            free: parts.free.is_none(),
            attributes: parts.attributes.is_none(),
            sequences: parts.sequences.is_none(),
        };
        let mut table = Table::new(size);
        for attributes in parts.attributes.into_iter().flatten() {
            table.push(Arc::new(attributes));
        }
        let attributes = table.entries().len();
        for (allocation, ordinal) in parts.allocations.iter().zip(0..size) {
            if let Some(index) = allocation {
                if usize::try_from(*index).map_or(true, |index| index >= attributes) {
                    return Err(InvalidBlock::AttributeIndex(ordinal));
                }
                table.point(ordinal, Some(*index));
            }
        }
        let mut queued = alloc::vec![false; size.into()];
        for ordinal in parts.free.iter().flatten() {
            let seen = queued.get_mut(usize::from(*ordinal)).ok_or(InvalidBlock::FreeOrdinal(*ordinal))?;
            if core::mem::replace(seen, true) || table.index(*ordinal).is_some() {
                return Err(InvalidBlock::FreeOrdinal(*ordinal));
            }
        }
        for (queued, ordinal) in queued.iter().zip(0..size) {
            if !queued && table.index(ordinal).is_none() {
                return Err(InvalidBlock::Lost(ordinal));
            }
        }
        for (ordinal, sequence) in parts.sequences.into_iter().flatten() {
            if ordinal >= size {
                return Err(InvalidBlock::SequenceOrdinal(ordinal));
            }
            table.set_sequence(ordinal, Some(sequence));
        }
        Ok(Block {
            cidr,
            affinity: parts.affinity,
            claim_time: parts.claim_time,
            table,
            free: Queue::new(parts.free.into_iter().flatten(), size.into()),
            sequence: parts.sequence,
            nulls,
            deleted: parts.deleted,
        })
    }

    /// The fields as they are stored, to encode or change them.
    #[must_use]
    pub fn to_parts(&self) -> BlockParts {
        let ordinals = || (0..=u16::MAX).take(self.size());
        let numbered = |ordinal| self.table.sequence(ordinal).map(|sequence| (ordinal, sequence));
        BlockParts {
            cidr: self.cidr,
            affinity: self.affinity.clone(),
            claim_time: self.claim_time,
            allocations: ordinals().map(|ordinal| self.table.index(ordinal)).collect(),
            free: (!self.nulls.free).then(|| self.free.as_slice().to_vec()),
            attributes: (!self.nulls.attributes)
                .then(|| self.table.entries().map(|attributes| Attributes::clone(attributes)).collect()),
            sequence: self.sequence,
            sequences: (!self.nulls.sequences).then(|| ordinals().filter_map(numbered).collect()),
            deleted: self.deleted,
        }
    }

    /// The addresses of the block.
    #[must_use]
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// How many addresses the block has, 1..=4096.
    #[must_use]
    pub fn size(&self) -> usize {
        self.table.size()
    }

    /// Who claims the block.
    #[must_use]
    pub fn affinity(&self) -> Option<&Owner> {
        self.affinity.as_ref()
    }

    /// Since when the block is claimed.
    #[must_use]
    pub fn claim_time(&self) -> Option<UnixTime> {
        self.claim_time
    }

    /// The sequence number, raised by one with each write.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The free ordinals, the next to be given out first.
    #[must_use]
    pub fn free_queue(&self) -> &[u16] {
        self.free.as_slice()
    }

    /// Whether the block is being deleted in a store without compare-and-delete.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted
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
        match (address, self.cidr.addr()) {
            (IpAddr::V4(address), IpAddr::V4(first)) => {
                u16::try_from(address.to_bits().wrapping_sub(first.to_bits())).ok()
            }
            (IpAddr::V6(address), IpAddr::V6(first)) => {
                u16::try_from(address.to_bits().wrapping_sub(first.to_bits())).ok()
            }
            _ => None,
        }
        .filter(|ordinal| usize::from(*ordinal) < self.size())
    }

    /// Gives the block to `owner` since `now`, or to nobody.
    pub(crate) fn set_affinity(&mut self, owner: Option<Owner>, now: UnixTime) {
        self.claim_time = owner.is_some().then(|| now.whole_secs());
        self.affinity = owner;
    }

    /// Whether some address was released and is not free yet.
    pub(crate) fn has_cooling(&self) -> bool {
        self.table.has_cooling()
    }

    /// Counts a write to the store.
    pub(crate) fn bump(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// The attributes of an ordinal.
    pub(crate) fn attributes_of(&self, ordinal: u16) -> Option<&Arc<Attributes>> {
        self.table.attributes(ordinal)
    }

    fn at(&self, ordinal: u16) -> IpAddr {
        // The CIDR has no host bits.
        match self.cidr.addr() {
            IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits().wrapping_add(ordinal.into())).into(),
            IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits().wrapping_add(ordinal.into())).into(),
        }
    }

    fn intern(&mut self, attributes: &Arc<Attributes>) -> u32 {
        self.nulls.attributes = false;
        self.table.intern(attributes)
    }

    fn number(&mut self, ordinal: u16) {
        self.nulls.sequences = false;
        self.table.set_sequence(ordinal, Some(self.sequence));
    }
}

fn size_of_prefix(cidr: &IpNet) -> Result<u16, InvalidBlock> {
    let bits = IpVersion::of(cidr).width().saturating_sub(cidr.prefix_len());
    if bits > 12 { Err(InvalidBlock::Length(cidr.prefix_len())) } else { Ok(1 << bits) }
}

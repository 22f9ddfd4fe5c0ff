//! Taking addresses out of a block.

use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::{Attributes, Block};
use crate::key::Owner;
use crate::reservation::Reservations;

/// Why no address could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignError {
    /// The block must be the caller's and is another's or nobody's.
    #[error("block has another owner")]
    AffinityMismatch,
    /// The address lies outside the block.
    #[error("address is outside the block")]
    OutOfBlock,
    /// The address is allocated, or released and still cooling down.
    #[error("address is already assigned")]
    AlreadyAssigned,
}

impl Block {
    /// Takes up to `num` addresses from the head of the free queue and stores `attributes` for them; reserved ones are
    /// stepped over and keep their place. With `owner` the block must be theirs.
    ///
    /// The result carries the block's prefix length, and may be shorter than `num`, or empty.
    ///
    /// ```
    /// use ippool::{Attributes, Block, Reservations};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// let taken = block.auto_assign(2, &Attributes::default(), None, &Reservations::parse(["10.0.0.1"]))?;
    /// assert_eq!(taken, ["10.0.0.0/30".parse()?, "10.0.0.2/30".parse()?]);
    /// assert_eq!(block.free_queue(), [1, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError::AffinityMismatch`].
    pub fn auto_assign(
        &mut self,
        num: usize,
        attributes: &Attributes,
        owner: Option<&Owner>,
        reserved: &Reservations,
    ) -> Result<Vec<IpNet>, AssignError> {
        self.check_owner(owner)?;
        let some_reserved = reserved.touches(&self.parts.cidr);
        let mut taken = Vec::new();
        let mut kept = Vec::new();
        for ordinal in self.free_queue() {
            if taken.len() < num && !(some_reserved && reserved.contains(self.at(*ordinal))) {
                taken.push(*ordinal);
            } else {
                kept.push(*ordinal);
            }
        }
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        self.parts.free = Some(kept);
        let index = self.intern(attributes.clone());
        for ordinal in &taken {
            self.take(*ordinal, index);
        }
        let len = self.parts.cidr.prefix_len();
        Ok(taken.into_iter().filter_map(|ordinal| IpNet::new(self.at(ordinal), len).ok()).collect())
    }

    /// Takes one address, reserved or not. With `owner` the block must be theirs. An error changes nothing.
    ///
    /// ```
    /// use ippool::block::AssignError;
    /// use ippool::{Attributes, Block};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.2".parse()?, &Attributes::default(), None)?;
    /// let again = block.assign("10.0.0.2".parse()?, &Attributes::default(), None);
    /// assert_eq!(again, Err(AssignError::AlreadyAssigned));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError`].
    pub fn assign(
        &mut self,
        address: IpAddr,
        attributes: &Attributes,
        owner: Option<&Owner>,
    ) -> Result<(), AssignError> {
        self.check_owner(owner)?;
        let ordinal = self.ordinal(address).ok_or(AssignError::OutOfBlock)?;
        let free = self.parts.free.get_or_insert_default();
        let Some(place) = free.iter().position(|other| *other == ordinal) else {
            return Err(AssignError::AlreadyAssigned);
        };
        free.remove(place);
        let index = self.intern(attributes.clone());
        self.take(ordinal, index);
        Ok(())
    }

    fn check_owner(&self, owner: Option<&Owner>) -> Result<(), AssignError> {
        if owner.is_some_and(|owner| self.parts.affinity.as_ref() != Some(owner)) {
            return Err(AssignError::AffinityMismatch);
        }
        Ok(())
    }

    fn take(&mut self, ordinal: u16, index: u32) {
        self.point(ordinal, Some(index));
        self.parts.sequences.get_or_insert_default().insert(ordinal, self.parts.sequence);
    }
}

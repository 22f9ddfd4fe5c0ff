//! Taking addresses out of a block.

use alloc::sync::Arc;
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
    /// let taken = block.auto_assign(2, Attributes::default(), None, &Reservations::parse(["10.0.0.1"]))?;
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
        attributes: impl Into<Arc<Attributes>>,
        owner: Option<&Owner>,
        reserved: &Reservations,
    ) -> Result<Vec<IpNet>, AssignError> {
        self.check_owner(owner)?;
        let (attributes, len) = (attributes.into(), self.cidr.prefix_len());
        let some_reserved = reserved.touches(&self.cidr);
        let mut taken = Vec::with_capacity(num.min(self.free_queue().len()));
        let mut index = None;
        let mut place = 0;
        while taken.len() < num {
            let Some(ordinal) = self.free_queue().get(place).copied() else { break };
            let address = self.at(ordinal);
            if some_reserved && reserved.contains(address) {
                place += 1;
                continue;
            }
            self.free.remove(place);
            let index = *index.get_or_insert_with(|| self.intern(&attributes));
            self.take(ordinal, index);
            taken.extend(IpNet::new(address, len));
        }
        Ok(taken)
    }

    /// Takes the first address of the free queue that is not reserved, as [`auto_assign`](Block::auto_assign) does for
    /// one; none if there is none. Allocates only where the table of attributes grows.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ippool::{Attributes, Block, Reservations};
    /// let (mut block, attributes) = (Block::new("10.0.0.0/30".parse()?, 7, None)?, Arc::new(Attributes::with_handle("h")));
    /// let taken = block.take_next(&attributes, None, &Reservations::default())?;
    /// assert_eq!(taken, Some("10.0.0.0".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError::AffinityMismatch`].
    pub fn take_next(
        &mut self,
        attributes: &Arc<Attributes>,
        owner: Option<&Owner>,
        reserved: &Reservations,
    ) -> Result<Option<IpAddr>, AssignError> {
        self.check_owner(owner)?;
        let mut place = 0;
        if reserved.touches(&self.cidr) {
            let free = |ordinal: &u16| !reserved.contains(self.at(*ordinal));
            let Some(first) = self.free_queue().iter().position(free) else { return Ok(None) };
            place = first;
        }
        let Some(ordinal) = self.free.remove(place) else { return Ok(None) };
        let index = self.intern(attributes);
        self.take(ordinal, index);
        Ok(Some(self.at(ordinal)))
    }

    /// Takes one address, reserved or not. With `owner` the block must be theirs. An error changes nothing.
    ///
    /// ```
    /// use ippool::block::AssignError;
    /// use ippool::{Attributes, Block};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.2".parse()?, Attributes::default(), None)?;
    /// let again = block.assign("10.0.0.2".parse()?, Attributes::default(), None);
    /// assert_eq!(again, Err(AssignError::AlreadyAssigned));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AssignError`].
    pub fn assign(
        &mut self,
        address: IpAddr,
        attributes: impl Into<Arc<Attributes>>,
        owner: Option<&Owner>,
    ) -> Result<(), AssignError> {
        self.check_owner(owner)?;
        let ordinal = self.ordinal(address).ok_or(AssignError::OutOfBlock)?;
        let Some(place) = self.free_queue().iter().position(|other| *other == ordinal) else {
            return Err(AssignError::AlreadyAssigned);
        };
        self.free.remove(place);
        let index = self.intern(&attributes.into());
        self.take(ordinal, index);
        Ok(())
    }

    fn check_owner(&self, owner: Option<&Owner>) -> Result<(), AssignError> {
        if owner.is_some_and(|owner| self.affinity.as_ref() != Some(owner)) {
            return Err(AssignError::AffinityMismatch);
        }
        Ok(())
    }

    fn take(&mut self, ordinal: u16, index: u32) {
        self.table.point(ordinal, Some(index));
        self.number(ordinal);
    }
}

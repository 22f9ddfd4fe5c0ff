//! What a block says about its addresses.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::release::clean_handle;
use super::{Attributes, Block, WINDOWS_HANDLE};
use crate::reservation::Reservations;

/// Why an address has no attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocationError {
    /// The address lies outside the block.
    #[error("address is outside the block")]
    OutOfBlock,
    /// The address is free.
    #[error("address is not assigned")]
    NotAssigned,
    /// The address was released and is not free yet.
    #[error("address is cooling down")]
    CoolingDown,
}

impl Attributes {
    /// Those of `handle`, without owners.
    pub fn with_handle(handle: impl Into<alloc::string::String>) -> Attributes {
        Attributes { handle: Some(handle.into()), ..Attributes::default() }
    }
}

impl Attributes {
    /// The handle as it was meant: old versions stored text after a carriage return.
    pub(crate) fn clean_handle(&self) -> Option<&str> {
        self.handle.as_deref().filter(|_| self.released_at.is_none()).map(clean_handle)
    }

    /// Whether these are the addresses that Windows hosts keep back.
    pub(crate) fn is_windows(&self) -> bool {
        is_windows(self)
    }
}

impl Block {
    /// Whether a handle is only that of addresses that the block keeps back for its host, which is stored nowhere else.
    pub(crate) fn is_reservation(&self, handle: &str) -> bool {
        self.table.used().all(|attributes| {
            attributes.handle.as_deref() != Some(handle)
                || (attributes.active.len() == 1 && attributes.active.contains_key("note"))
        })
    }

    /// The attributes of an allocated address.
    ///
    /// ```
    /// use ippool::block::AllocationError;
    /// use ippool::Block;
    /// let block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// assert_eq!(block.allocation("10.0.0.1".parse()?), Err(AllocationError::NotAssigned));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AllocationError`].
    pub fn allocation(&self, address: IpAddr) -> Result<&Attributes, AllocationError> {
        let ordinal = self.ordinal(address).ok_or(AllocationError::OutOfBlock)?;
        match self.attributes_of(ordinal) {
            None => Err(AllocationError::NotAssigned),
            Some(attributes) if attributes.released_at.is_some() => Err(AllocationError::CoolingDown),
            Some(attributes) => Ok(attributes),
        }
    }

    /// Every address that is allocated or cooling down, ascending, with its attributes.
    pub fn allocations(&self) -> impl Iterator<Item = (u16, &Attributes)> + '_ {
        (0..=u16::MAX)
            .take(self.size())
            .filter_map(|ordinal| self.attributes_of(ordinal).map(|attributes| (ordinal, &**attributes)))
    }

    /// The addresses of `handle`, ascending.
    ///
    /// ```
    /// use ippool::{Attributes, Block};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.2".parse()?, Attributes::with_handle("h"), None)?;
    /// assert_eq!(block.by_handle("h"), ["10.0.0.2".parse::<std::net::IpAddr>()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn by_handle(&self, handle: &str) -> Vec<IpAddr> {
        self.ordinals_of(handle).map(|ordinal| self.at(ordinal)).collect()
    }

    /// Whether nothing is allocated or cooling down, apart from what Windows hosts keep back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.used().all(|attributes| is_windows(attributes))
    }

    /// Whether nothing is allocated; addresses that cool down do not count.
    pub(crate) fn is_empty_but_for_cooling(&self) -> bool {
        self.table.used().all(|attributes| attributes.released_at.is_some() || is_windows(attributes))
    }

    /// How many addresses are allocated or cooling down.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.size().saturating_sub(self.free_queue().len())
    }

    /// How many addresses automatic assignment could still take.
    #[must_use]
    pub fn num_free(&self, reserved: &Reservations) -> usize {
        if !reserved.touches(&self.cidr) {
            return self.free_queue().len();
        }
        self.free_queue().iter().filter(|ordinal| !reserved.contains(self.at(**ordinal))).count()
    }

    /// How many addresses are reserved, allocated or not.
    #[must_use]
    pub fn num_reserved(&self, reserved: &Reservations) -> usize {
        usize::try_from(reserved.count_in(&self.cidr)).unwrap_or(usize::MAX)
    }

    /// The sequence number stored for an ordinal, 0 if there is none.
    #[must_use]
    pub fn sequence_of(&self, ordinal: u16) -> u64 {
        self.table.sequence(ordinal).unwrap_or(0)
    }

    /// Replaces the attributes of an allocated ordinal; others that shared them keep theirs.
    pub(crate) fn replace_attributes(&mut self, ordinal: u16, attributes: Attributes) {
        let index = self.intern(&Arc::new(attributes));
        self.table.point(ordinal, Some(index));
        self.table.sweep();
    }

    pub(super) fn ordinals_of<'b>(&'b self, handle: &'b str) -> impl Iterator<Item = u16> + 'b {
        self.allocations()
            .filter(move |(_, a)| a.released_at.is_none() && a.handle.as_deref().map(clean_handle) == Some(handle))
            .map(|(ordinal, _)| ordinal)
    }
}

/// Whether these are the addresses that Windows hosts keep back.
fn is_windows(attributes: &Attributes) -> bool {
    attributes.handle.as_deref().is_some_and(|handle| handle.eq_ignore_ascii_case(WINDOWS_HANDLE))
}

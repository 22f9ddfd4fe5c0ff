//! Giving addresses back to a block.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Attributes, Block};
use crate::time::UnixTime;

/// An address to release, and what must be stored for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseItem {
    /// The address.
    pub address: IpAddr,
    /// The handle it must have, if that matters.
    pub handle: Option<String>,
    /// The sequence number it must have, if that matters.
    pub sequence: Option<u64>,
}

impl ReleaseItem {
    /// The address, whatever is stored for it.
    #[must_use]
    pub fn new(address: IpAddr) -> ReleaseItem {
        ReleaseItem { address, handle: None, sequence: None }
    }

    /// Only if it has this handle.
    #[must_use]
    pub fn with_handle(self, handle: impl Into<String>) -> ReleaseItem {
        ReleaseItem { handle: Some(handle.into()), ..self }
    }

    /// Only if it has this sequence number.
    #[must_use]
    pub fn with_sequence(self, sequence: u64) -> ReleaseItem {
        ReleaseItem { sequence: Some(sequence), ..self }
    }
}

/// What a release did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Released {
    /// Addresses that were free or cooling down already, ascending.
    pub not_allocated: Vec<IpAddr>,
    /// Released addresses per handle; those without handle are not counted.
    pub counts: BTreeMap<String, u64>,
    /// Whether an address was released.
    pub changed: bool,
}

/// Why nothing was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The address lies outside the block.
    #[error("address is outside the block")]
    OutOfBlock,
    /// The address has another sequence number, or none: it was given out again since.
    #[error("address has another sequence number")]
    BadSequence,
    /// The address has another handle.
    #[error("address has another handle")]
    BadHandle,
}

impl Block {
    /// Releases addresses: all of them, or none when one of them fails a check.
    ///
    /// They cool down for `cooldown` seconds (none if 0 or negative), then go to the tail of the free queue. An address
    /// that is listed twice is released once.
    ///
    /// ```
    /// use ippool::block::ReleaseItem;
    /// use ippool::{Attributes, Block, UnixTime};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.0".parse()?, Attributes::default(), None)?;
    /// block.release(&[ReleaseItem::new("10.0.0.0".parse()?)], 0, UnixTime::default())?;
    /// assert_eq!(block.free_queue(), [1, 2, 3, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReleaseError`]; the block is as it was.
    pub fn release(&mut self, items: &[ReleaseItem], cooldown: i64, now: UnixTime) -> Result<Released, ReleaseError> {
        let mut ordinals = Vec::with_capacity(items.len());
        let mut released = Released::default();
        for item in items {
            let (ordinal, allocated) = self.releasable(item.address, item.handle.as_deref(), item.sequence)?;
            if allocated {
                ordinals.push(ordinal);
            } else {
                released.not_allocated.push(item.address);
            }
        }
        released.not_allocated.sort_unstable();
        released.not_allocated.dedup();
        ordinals.sort_unstable();
        ordinals.dedup();
        for ordinal in &ordinals {
            if let Some(handle) = self.attributes_of(*ordinal).and_then(|stored| stored.handle.as_deref()) {
                *released.counts.entry(clean_handle(handle).into()).or_default() += 1;
            }
        }
        released.changed = !ordinals.is_empty();
        self.cool(&ordinals, cooldown, now);
        Ok(released)
    }

    /// Releases one address as [`release`](Block::release) does, checking its handle and sequence number if they are
    /// given; false if it was not allocated. Without cooldown nothing is allocated.
    ///
    /// ```
    /// use ippool::{Attributes, Block, UnixTime};
    /// let (mut block, address) = (Block::new("10.0.0.0/30".parse()?, 7, None)?, "10.0.0.0".parse()?);
    /// block.assign(address, Attributes::default(), None)?;
    /// assert!(block.give_back(address, None, Some(7), 0, UnixTime::default())?);
    /// assert!(!block.give_back(address, None, None, 0, UnixTime::default())?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReleaseError`]; the block is as it was.
    pub fn give_back(
        &mut self,
        address: IpAddr,
        handle: Option<&str>,
        sequence: Option<u64>,
        cooldown: i64,
        now: UnixTime,
    ) -> Result<bool, ReleaseError> {
        let (ordinal, allocated) = self.releasable(address, handle, sequence)?;
        if allocated {
            self.cool(&[ordinal], cooldown, now);
        }
        Ok(allocated)
    }

    /// The ordinal of an address that passes the checks, and whether it is allocated.
    pub(crate) fn releasable(
        &self,
        address: IpAddr,
        handle: Option<&str>,
        sequence: Option<u64>,
    ) -> Result<(u16, bool), ReleaseError> {
        let ordinal = self.ordinal(address).ok_or(ReleaseError::OutOfBlock)?;
        if sequence.is_some_and(|sequence| sequence != self.sequence_of(ordinal)) {
            return Err(ReleaseError::BadSequence);
        }
        let Some(stored) = self.attributes_of(ordinal).filter(|a| a.released_at.is_none()) else {
            return Ok((ordinal, false));
        };
        let has = stored.handle.as_deref();
        if handle.is_some() && has != handle && has.map(clean_handle) != handle {
            return Err(ReleaseError::BadHandle);
        }
        Ok((ordinal, true))
    }

    /// Releases every address of `handle` (with `sequence`: only those that have it) and returns how many.
    ///
    /// ```
    /// use ippool::{Attributes, Block, UnixTime};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.2".parse()?, Attributes::with_handle("h"), None)?;
    /// assert_eq!(block.release_by_handle("h", None, 0, UnixTime::default()), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn release_by_handle(&mut self, handle: &str, sequence: Option<u64>, cooldown: i64, now: UnixTime) -> u64 {
        let ordinals: Vec<u16> = self
            .ordinals_of(handle)
            .filter(|ordinal| sequence.is_none_or(|sequence| sequence == self.sequence_of(*ordinal)))
            .collect();
        self.cool(&ordinals, cooldown, now);
        u64::try_from(ordinals.len()).unwrap_or(u64::MAX)
    }

    /// Puts addresses whose cooldown of `cooldown` seconds is over back into the free queue, ascending; with 0 or a
    /// negative number all that were released. Attributes that no address has any more are dropped. Returns whether the
    /// block changed.
    ///
    /// ```
    /// use ippool::{Block, UnixTime};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// assert!(!block.collect(0, UnixTime::default()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "garbage_collect")]
    pub fn collect(&mut self, cooldown: i64, now: UnixTime) -> bool {
        if self.has_cooling() {
            let due = now.saturating_add_secs(cooldown.saturating_neg());
            let over = |at: UnixTime| cooldown <= 0 || at < due;
            let mut freed = false;
            for ordinal in (0..=u16::MAX).take(self.size()) {
                if self.attributes_of(ordinal).and_then(|attributes| attributes.released_at).is_some_and(over) {
                    self.set_free(ordinal);
                    freed = true;
                }
            }
            return self.table.sweep() || freed;
        }
        self.table.sweep()
    }

    /// Lets ascending ordinals cool down, then frees what is due.
    fn cool(&mut self, ordinals: &[u16], cooldown: i64, now: UnixTime) {
        if cooldown <= 0 && !self.has_cooling() {
            // Nothing would cool at all, here or elsewhere in the block.
            for ordinal in ordinals {
                self.nulls.attributes = false;
                self.nulls.sequences = false;
                self.set_free(*ordinal);
            }
            self.table.sweep();
            return;
        }
        if !ordinals.is_empty() {
            let released = Attributes { released_at: Some(now.whole_secs()), ..Attributes::default() };
            let index = self.intern(&Arc::new(released));
            for ordinal in ordinals {
                self.table.point(*ordinal, Some(index));
                self.number(*ordinal);
            }
        }
        self.collect(cooldown, now);
    }

    fn set_free(&mut self, ordinal: u16) {
        self.table.point(ordinal, None);
        self.table.set_sequence(ordinal, None);
        self.nulls.free = false;
        self.free.push(ordinal);
    }
}

/// A handle as it was meant: old versions stored text after a carriage return.
pub(crate) fn clean_handle(handle: &str) -> &str {
    handle.split('\r').next().unwrap_or(handle)
}

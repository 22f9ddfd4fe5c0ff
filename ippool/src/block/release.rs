//! Giving addresses back to a block.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
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
    /// block.assign("10.0.0.0".parse()?, &Attributes::default(), None)?;
    /// block.release(&[ReleaseItem::new("10.0.0.0".parse()?)], 0, UnixTime::default())?;
    /// assert_eq!(block.free_queue(), [1, 2, 3, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReleaseError`]; the block is as it was.
    pub fn release(&mut self, items: &[ReleaseItem], cooldown: i64, now: UnixTime) -> Result<Released, ReleaseError> {
        let mut ordinals = BTreeSet::new();
        let mut not_allocated = BTreeSet::new();
        let mut released = Released::default();
        for item in items {
            let ordinal = self.ordinal(item.address).ok_or(ReleaseError::OutOfBlock)?;
            if item.sequence.is_some_and(|sequence| sequence != self.sequence_of(ordinal)) {
                return Err(ReleaseError::BadSequence);
            }
            let Some(stored) = self.attributes_of(ordinal).filter(|a| a.released_at.is_none()) else {
                not_allocated.insert(item.address);
                continue;
            };
            if let Some(handle) = &item.handle
                && stored.handle.as_deref().map(clean_handle) != Some(handle.as_str())
            {
                return Err(ReleaseError::BadHandle);
            }
            if ordinals.insert(ordinal)
                && let Some(handle) = &stored.handle
            {
                *released.counts.entry(clean_handle(handle).into()).or_default() += 1;
            }
        }
        released.not_allocated = not_allocated.into_iter().collect();
        released.changed = !ordinals.is_empty();
        self.cool(&ordinals, cooldown, now);
        Ok(released)
    }

    /// Releases every address of `handle` (with `sequence`: only those that have it) and returns how many.
    ///
    /// ```
    /// use ippool::{Attributes, Block, UnixTime};
    /// let mut block = Block::new("10.0.0.0/30".parse()?, 7, None)?;
    /// block.assign("10.0.0.2".parse()?, &Attributes::with_handle("h"), None)?;
    /// assert_eq!(block.release_by_handle("h", None, 0, UnixTime::default()), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn release_by_handle(&mut self, handle: &str, sequence: Option<u64>, cooldown: i64, now: UnixTime) -> u64 {
        let ordinals: BTreeSet<u16> = self
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
        let due = now.saturating_add_secs(cooldown.saturating_neg());
        let over: Vec<u16> = (0..=u16::MAX)
            .take(self.size())
            .filter(|ordinal| {
                let released = self.attributes_of(*ordinal).and_then(|attributes| attributes.released_at);
                released.is_some_and(|at| cooldown <= 0 || at < due)
            })
            .collect();
        for ordinal in &over {
            self.point(*ordinal, None);
            if let Some(sequences) = self.parts.sequences.as_mut() {
                sequences.remove(ordinal);
            }
        }
        if !over.is_empty() {
            self.parts.free.get_or_insert_default().extend(&over);
        }
        let swept = self.sweep_attributes();
        swept || !over.is_empty()
    }

    fn cool(&mut self, ordinals: &BTreeSet<u16>, cooldown: i64, now: UnixTime) {
        if !ordinals.is_empty() {
            let index = self.intern(Attributes { released_at: Some(now.whole_secs()), ..Attributes::default() });
            for ordinal in ordinals {
                self.point(*ordinal, Some(index));
                self.parts.sequences.get_or_insert_default().insert(*ordinal, self.parts.sequence);
            }
        }
        self.collect(cooldown, now);
    }
}

/// A handle as it was meant: old versions stored text after a carriage return.
pub(crate) fn clean_handle(handle: &str) -> &str {
    handle.split('\r').next().unwrap_or(handle)
}

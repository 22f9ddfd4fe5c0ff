//! Long-lived graceful restart (RFC 9494 section 3.1): entries of AFI (2 octets), SAFI (1), flags (1), stale time (3).

use crate::reader::Reader;
use crate::{Family, Params};

/// A family whose routes are kept for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 9494 section 3.1 has these fields")]
pub struct LongLivedFamily {
    /// The family.
    pub family: Family,
    /// F: forwarding went on while the speaker restarted.
    pub forwarding: bool,
    /// How long stale routes are kept, in seconds: 24 bits, larger values are sent as 16777215.
    pub stale_time: u32,
}

/// What an OPEN says about long-lived graceful restart: at most [`CAPACITY`](Self::CAPACITY) families, those beyond
/// count as not said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LongLivedParams {
    entries: [Option<LongLivedFamily>; Self::CAPACITY],
}

impl LongLivedParams {
    /// The most families that are noted.
    pub const CAPACITY: usize = 8;

    /// Adds a family, or replaces what was said about it; false if there is no room.
    pub fn insert(&mut self, entry: LongLivedFamily) -> bool {
        let place = self.entries.iter().position(|slot| slot.is_none_or(|other| other.family == entry.family));
        let Some(slot) = place.and_then(|place| self.entries.get_mut(place)) else { return false };
        *slot = Some(entry);
        true
    }

    /// What is said about `family`.
    #[must_use]
    pub fn family(&self, family: Family) -> Option<LongLivedFamily> {
        self.iter().find(|entry| entry.family == family)
    }

    /// The families in the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = LongLivedFamily> {
        self.entries.iter().flatten().copied()
    }
}

impl core::fmt::Debug for LongLivedParams {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

pub(crate) type Learned = Option<LongLivedParams>;

/// A malformed value is passed over: the session works without.
pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let mut reader = Reader::new(value);
    let mut params = LongLivedParams::default();
    while let Some(entry) = entry(&mut reader) {
        params.insert(entry);
    }
    if reader.is_empty() {
        *learned = Some(params);
    }
    true
}

fn entry(reader: &mut Reader<'_>) -> Option<LongLivedFamily> {
    let [afi_high, afi_low, safi, flags, high, middle, low] = reader.array()?;
    Some(LongLivedFamily {
        family: Family::new(u16::from_be_bytes([afi_high, afi_low]), safi),
        forwarding: flags & FORWARDING != 0,
        stale_time: u32::from_be_bytes([0, high, middle, low]),
    })
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<LongLivedFamily>> {
    let mut reader = Reader::new(value);
    let mut families = alloc::vec::Vec::with_capacity(value.len() / 7);
    while !reader.is_empty() {
        families.push(entry(&mut reader)?);
    }
    Some(families)
}

#[cfg(feature = "alloc")]
pub(super) fn encode(families: &[LongLivedFamily], out: &mut alloc::vec::Vec<u8>) {
    for LongLivedFamily { family, forwarding, stale_time } in families {
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[family.safi.0, if *forwarding { FORWARDING } else { 0 }]);
        let [_, time @ ..] = (*stale_time).min(0x00ff_ffff).to_be_bytes();
        out.extend_from_slice(&time);
    }
}

impl Params {
    /// What is said about long-lived graceful restart, if it is supported. It counts only together with
    /// [`graceful_restart`](Self::graceful_restart) (RFC 9494 section 3.1).
    #[must_use]
    pub const fn long_lived_graceful_restart(&self) -> Option<LongLivedParams> {
        self.slots.long_lived_graceful_restart
    }

    /// With these statements.
    #[must_use]
    pub const fn with_long_lived_graceful_restart(mut self, said: Option<LongLivedParams>) -> Self {
        self.slots.long_lived_graceful_restart = said;
        self
    }
}

const FORWARDING: u8 = 0x80;

//! ADD-PATH (RFC 7911 section 4): entries of AFI (2 octets), SAFI (1), send/receive (1).

use crate::reader::Reader;
use crate::registry::numbers;
use crate::{Family, FamilySet, Params};

numbers! {
    /// What a speaker can do with several paths of a family (RFC 7911); any other value is ignored by receivers.
    pub struct AddPathMode(u8) "add-path mode" {
        1 => RECEIVE "receive",
        2 => SEND "send",
        3 => BOTH "both",
    }
}

/// Several paths for each prefix of `family`.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7911 section 4 has these fields")]
pub struct AddPath {
    /// The family.
    pub family: Family,
    /// The direction, from the side of the OPEN's sender.
    pub mode: AddPathMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    receive: FamilySet,
    send: FamilySet,
}

pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let mut reader = Reader::new(value);
    while let Some((family, mode)) = entry(&mut reader) {
        if matches!(mode, AddPathMode::RECEIVE | AddPathMode::BOTH) {
            learned.receive.insert(family);
        }
        if matches!(mode, AddPathMode::SEND | AddPathMode::BOTH) {
            learned.send.insert(family);
        }
    }
    reader.is_empty()
}

fn entry(reader: &mut Reader<'_>) -> Option<(Family, AddPathMode)> {
    let [afi_high, afi_low, safi, mode] = reader.array()?;
    Some((Family::new(u16::from_be_bytes([afi_high, afi_low]), safi), AddPathMode(mode)))
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<alloc::vec::Vec<AddPath>> {
    let mut reader = Reader::new(value);
    let mut entries = alloc::vec::Vec::with_capacity(value.len() / 4);
    while !reader.is_empty() {
        let (family, mode) = entry(&mut reader)?;
        entries.push(AddPath { family, mode });
    }
    Some(entries)
}

#[cfg(feature = "alloc")]
pub(super) fn encode(entries: &[AddPath], out: &mut alloc::vec::Vec<u8>) {
    for AddPath { family, mode } in entries {
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[family.safi.0, mode.0]);
    }
}

impl Params {
    /// The families for which the sender of the OPEN can receive several paths (RFC 7911).
    #[must_use]
    pub const fn add_path_receive(&self) -> FamilySet {
        self.slots.add_path.receive
    }

    /// The families for which the sender of the OPEN can send several paths (RFC 7911).
    #[must_use]
    pub const fn add_path_send(&self) -> FamilySet {
        self.slots.add_path.send
    }

    /// With these families to receive.
    #[must_use]
    pub const fn with_add_path_receive(mut self, families: FamilySet) -> Self {
        self.slots.add_path.receive = families;
        self
    }

    /// With these families to send.
    #[must_use]
    pub const fn with_add_path_send(mut self, families: FamilySet) -> Self {
        self.slots.add_path.send = families;
        self
    }
}

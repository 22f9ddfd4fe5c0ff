//! Graceful restart (RFC 4724 section 3, RFC 8538): R and N bits and restart time (2 octets), then entries of AFI (2),
//! SAFI (1), flags (1).

use crate::reader::Reader;
use crate::{Family, FamilySet, Params};

/// The value of the capability.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 4724 section 3 and RFC 8538 section 2 have these fields")]
pub struct GracefulRestart {
    /// How long the session may be away, in seconds: 0 to 4095, larger values are sent as 4095.
    pub restart_time: u16,
    /// R: the speaker has restarted.
    pub restarting: bool,
    /// N: NOTIFICATIONs do not end graceful restart (RFC 8538).
    pub notification: bool,
    /// The families whose routes are to be kept.
    pub families: alloc::vec::Vec<GracefulRestartFamily>,
}

/// A family whose routes are to be kept.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 4724 section 3 has these fields")]
pub struct GracefulRestartFamily {
    /// The family.
    pub family: Family,
    /// F: forwarding went on while the speaker restarted.
    pub forwarding: bool,
}

/// What an OPEN says about graceful restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GracefulRestartParams {
    /// How long the session may be away, in seconds: 0 to 4095.
    pub restart_time: u16,
    /// R: the speaker has restarted.
    pub restarting: bool,
    /// N: NOTIFICATIONs do not end graceful restart (RFC 8538).
    pub notification: bool,
    /// The families whose routes are to be kept.
    pub families: FamilySet,
    /// F: those whose forwarding went on while the speaker restarted.
    pub forwarding: FamilySet,
}

pub(crate) type Learned = Option<GracefulRestartParams>;

/// A malformed value is passed over: the session works without.
pub(crate) fn learn(learned: &mut Learned, value: &[u8]) -> bool {
    let mut reader = Reader::new(value);
    let Some(head) = reader.u16() else { return true };
    let mut params = GracefulRestartParams {
        restart_time: head & TIME,
        restarting: head & RESTARTING != 0,
        notification: head & NOTIFICATION != 0,
        ..GracefulRestartParams::default()
    };
    while let Some((family, flags)) = entry(&mut reader) {
        params.families.insert(family);
        if flags & FORWARDING != 0 {
            params.forwarding.insert(family);
        }
    }
    if reader.is_empty() {
        // RFC 4724 section 3: of several, the last one counts.
        *learned = Some(params);
    }
    true
}

fn entry(reader: &mut Reader<'_>) -> Option<(Family, u8)> {
    let [afi_high, afi_low, safi, flags] = reader.array()?;
    Some((Family::new(u16::from_be_bytes([afi_high, afi_low]), safi), flags))
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<GracefulRestart> {
    let mut reader = Reader::new(value);
    let head = reader.u16()?;
    let mut families = alloc::vec::Vec::with_capacity(value.len() / 4);
    while !reader.is_empty() {
        let (family, flags) = entry(&mut reader)?;
        families.push(GracefulRestartFamily { family, forwarding: flags & FORWARDING != 0 });
    }
    Some(GracefulRestart {
        restart_time: head & TIME,
        restarting: head & RESTARTING != 0,
        notification: head & NOTIFICATION != 0,
        families,
    })
}

#[cfg(feature = "alloc")]
pub(super) fn encode(value: &GracefulRestart, out: &mut alloc::vec::Vec<u8>) {
    let bit = |set, bit| if set { bit } else { 0 };
    let head = value.restart_time.min(TIME) | bit(value.restarting, RESTARTING) | bit(value.notification, NOTIFICATION);
    out.extend_from_slice(&head.to_be_bytes());
    for GracefulRestartFamily { family, forwarding } in &value.families {
        out.extend_from_slice(&family.afi.0.to_be_bytes());
        out.extend_from_slice(&[family.safi.0, if *forwarding { FORWARDING } else { 0 }]);
    }
}

impl Params {
    /// What is said about graceful restart, if it is supported (RFC 4724).
    #[must_use]
    pub const fn graceful_restart(&self) -> Option<GracefulRestartParams> {
        self.slots.graceful_restart
    }

    /// With these statements.
    #[must_use]
    pub const fn with_graceful_restart(mut self, said: Option<GracefulRestartParams>) -> Self {
        self.slots.graceful_restart = said;
        self
    }
}

const RESTARTING: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const TIME: u16 = 0x0fff;
const FORWARDING: u8 = 0x80;

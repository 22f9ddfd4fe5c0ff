//! BGPsec (RFC 8205 section 2.1): version (4 bits), direction (1 bit), 3 bits unused, AFI (2 octets).

/// A direction in which a speaker can do BGPsec for an address family.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 8205 section 2.1 has these fields")]
pub struct Bgpsec {
    /// The version, 4 bits; 0 is the only one.
    pub version: u8,
    /// The direction: it can send (true) or receive (false) BGPsec UPDATEs.
    pub send: bool,
    /// The address family.
    pub afi: crate::Afi,
}

/// Nothing of the codec depends on it.
pub(crate) type Learned = ();

pub(crate) fn learn(_learned: &mut Learned, _value: &[u8]) -> bool {
    true
}

#[cfg(feature = "alloc")]
pub(super) fn decode(value: &[u8]) -> Option<Bgpsec> {
    let [flags, afi_high, afi_low] = value else { return None };
    let afi = crate::Afi(u16::from_be_bytes([*afi_high, *afi_low]));
    Some(Bgpsec { version: flags >> 4, send: flags & SEND != 0, afi })
}

#[cfg(feature = "alloc")]
pub(super) fn encode(value: &Bgpsec, out: &mut alloc::vec::Vec<u8>) {
    out.push((value.version << 4) | if value.send { SEND } else { 0 });
    out.extend_from_slice(&value.afi.0.to_be_bytes());
}

#[cfg(feature = "alloc")]
const SEND: u8 = 0x08;

//! Type-length-values: type (2 octets), length (2), value (RFC 7854 section 4.4).

use core::iter::FusedIterator;

use super::error::ends;
use super::{Error, Part};
use crate::cursor::Cursor;
use crate::registry::numbers;

numbers! {
    /// What a value in an Initiation or Peer Up is (RFC 7854 section 4.4, RFC 9069 section 5.3).
    pub struct InformationType(u16) "type of information" {
        0 => STRING "string",
        1 => SYS_DESCR "sys-descr",
        2 => SYS_NAME "sys-name",
        3 => VRF_TABLE_NAME "vrf-table-name",
        4 => ADMIN_LABEL "admin-label",
    }

    /// What a value in a Termination is (RFC 7854 section 4.5).
    pub struct TerminationType(u16) "type of termination information" {
        0 => STRING "string",
        1 => REASON "reason",
    }

    /// Why a router ends the monitoring: the value of [`TerminationType::REASON`].
    pub struct TerminationReason(u16) "reason of termination" {
        0 => ADMINISTRATIVELY_CLOSED "administratively-closed",
        1 => UNSPECIFIED "unspecified",
        2 => OUT_OF_RESOURCES "out-of-resources",
        3 => REDUNDANT_CONNECTION "redundant-connection",
        4 => PERMANENTLY_CLOSED "permanently-administratively-closed",
    }

    /// What a value in a Route Mirroring is (RFC 7854 section 4.7).
    pub struct MirroringType(u16) "type of mirrored information" {
        0 => BGP_MESSAGE "bgp-message",
        1 => INFORMATION "information",
    }
}

/// A type-length-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7854 section 4.4 has these fields")]
pub struct Tlv<'m> {
    /// The type, which means something else in each kind of message.
    pub ty: u16,
    /// The value.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::hex::serialize"))]
    pub value: &'m [u8],
}

impl<'m> Tlv<'m> {
    /// The value as text, where it is some.
    #[must_use]
    pub fn text(&self) -> Option<&'m str> {
        core::str::from_utf8(self.value).ok()
    }

    /// The value as a number of 2 octets, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        <[u8; 2]>::try_from(self.value).ok().map(u16::from_be_bytes)
    }
}

/// An infallible iterator over checked type-length-values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tlvs<'m> {
    octets: &'m [u8],
}

impl<'m> Tlvs<'m> {
    /// Checks them.
    ///
    /// # Errors
    /// If the last is cut off; the offset counts from the first octet.
    ///
    /// ```
    /// use bgp_wire::bmp::Tlvs;
    /// let mut tlvs = Tlvs::new(&[0, 2, 0, 1, b'x'])?;
    /// assert_eq!(tlvs.next().and_then(|tlv| tlv.text()), Some("x"));
    /// assert_eq!(Tlvs::new(&[0, 2, 0, 2, b'x']).unwrap_err().to_string(), "type-length-value is cut off at octet 0");
    /// # Ok::<(), bgp_wire::bmp::Error>(())
    /// ```
    pub fn new(octets: &'m [u8]) -> Result<Tlvs<'m>, Error> {
        Tlvs::decode(&mut Cursor::new(octets, 0))
    }

    /// Takes all that is left.
    pub(super) fn decode(cursor: &mut Cursor<'m>) -> Result<Tlvs<'m>, Error> {
        let octets = cursor.rest();
        while !cursor.is_empty() {
            let before = *cursor;
            if next(cursor).is_none() {
                return Err(ends(Part::Tlv, &before));
            }
        }
        Ok(Tlvs { octets })
    }

    /// The octets of those that are still to come.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.octets
    }
}

impl<'m> Iterator for Tlvs<'m> {
    type Item = Tlv<'m>;

    fn next(&mut self) -> Option<Tlv<'m>> {
        let mut cursor = Cursor::new(self.octets, 0);
        let tlv = next(&mut cursor)?;
        self.octets = cursor.rest();
        Some(tlv)
    }
}

impl FusedIterator for Tlvs<'_> {}

fn next<'m>(cursor: &mut Cursor<'m>) -> Option<Tlv<'m>> {
    Some(Tlv { ty: cursor.u16()?, value: cursor.prefixed_u16()? })
}

/// Appends a type-length-value.
///
/// ```
/// use bgp_wire::bmp::{TerminationReason, TerminationType, write_tlv};
/// let mut out = Vec::new();
/// write_tlv(TerminationType::REASON.0, &TerminationReason::UNSPECIFIED.0.to_be_bytes(), &mut out)?;
/// assert_eq!(out, [0, 1, 0, 2, 0, 1]);
/// # Ok::<(), bgp_wire::bmp::EncodeError>(())
/// ```
///
/// # Errors
/// If the value has more than 65535 octets.
#[cfg(feature = "alloc")]
pub fn write_tlv(ty: u16, value: &[u8], out: &mut alloc::vec::Vec<u8>) -> Result<(), super::EncodeError> {
    let length = value.len();
    let len = u16::try_from(length).map_err(|_| super::EncodeError::Value { ty, length })?;
    out.extend_from_slice(&ty.to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

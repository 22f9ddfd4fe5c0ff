//! OPEN as values, and its encoding.

use alloc::vec::Vec;

use bytes::BytesMut;

use super::view::{CAPABILITIES, EXTENDED};
use crate::capability::{Capability, CapabilityView};
use crate::frame::{MAX_LEN, put_header};
use crate::reader::to_u16;
use crate::{Asn, BgpId, EncodeError, MessageType, OpenView, Params};

/// An OPEN message as values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub struct Open {
    /// The AS number. The 2-octet field is made from it; the 4-octet AS capability stands in the list like any other.
    pub asn: Asn,
    /// The proposed hold time in seconds: 0 (none), or at least 3.
    pub hold_time: u16,
    /// The BGP Identifier.
    pub bgp_id: BgpId,
    /// The capabilities in their order.
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// An OPEN without capabilities.
    #[must_use]
    pub const fn new(asn: Asn, hold_time: u16, bgp_id: BgpId) -> Self {
        Self { asn, hold_time, bgp_id, capabilities: Vec::new() }
    }

    /// With one more capability.
    #[must_use]
    pub fn with_capability(mut self, capability: Capability) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// Appends the message to `out`: all capabilities in one optional parameter, in the extended form of RFC 9072 only
    /// if they need it.
    ///
    /// # Errors
    /// A value with more than 255 octets, or more capabilities than 4096 octets hold; `out` is then as before.
    ///
    /// ```
    /// use bgp_wire::{Asn, BgpId, Open, OpenView};
    /// let open = Open::new(Asn(400_000), 90, BgpId(1));
    /// let mut out = bytes::BytesMut::new();
    /// open.encode(&mut out)?;
    /// assert_eq!(out.len(), 29);
    /// assert_eq!(OpenView::decode(&out)?.my_as(), 23456);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let mut capabilities = Vec::new();
        for capability in &self.capabilities {
            let value = capability.value();
            let length = u8::try_from(value.len())
                .map_err(|_| EncodeError::CapabilityTooLong { code: capability.code(), length: value.len() })?;
            capabilities.extend_from_slice(&[capability.code().0, length]);
            capabilities.extend_from_slice(&value);
        }
        let length = u8::try_from(capabilities.len()).ok().filter(|length| *length <= 253);
        let header: Vec<u8> = match length {
            Some(0) => alloc::vec![0],
            Some(length) => alloc::vec![length + 2, CAPABILITIES, length],
            None => {
                // RFC 9072 section 2.
                let length = to_u16(capabilities.len());
                let [all_high, all_low] = length.saturating_add(3).to_be_bytes();
                let [high, low] = length.to_be_bytes();
                alloc::vec![255, EXTENDED, all_high, all_low, CAPABILITIES, high, low]
            }
        };
        let length = FIXED + header.len() + capabilities.len();
        if length > MAX_LEN {
            return Err(EncodeError::TooLong { length });
        }
        out.reserve(length);
        put_header(out, to_u16(length), MessageType::OPEN);
        out.extend_from_slice(&[4]);
        out.extend_from_slice(&self.asn.to_2_octets().to_be_bytes());
        out.extend_from_slice(&self.hold_time.to_be_bytes());
        out.extend_from_slice(&self.bgp_id.0.to_be_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(&capabilities);
        Ok(())
    }

    /// What it says, as its receiver would read it.
    #[must_use]
    pub fn params(&self) -> Params {
        let mut params = Params::of_open(self.asn.to_2_octets(), self.hold_time, self.bgp_id);
        for capability in &self.capabilities {
            params.learn(CapabilityView { code: capability.code(), value: &capability.value() });
        }
        params
    }
}

impl From<OpenView<'_>> for Open {
    fn from(view: OpenView<'_>) -> Self {
        Self {
            asn: view.params().asn(),
            hold_time: view.hold_time(),
            bgp_id: view.bgp_id(),
            capabilities: view.capabilities().map(Capability::from).collect(),
        }
    }
}

/// Octets of an OPEN before the length of its parameters.
const FIXED: usize = 28;

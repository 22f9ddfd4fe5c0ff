//! OPEN as octets: version (1), AS (2), hold time (2), BGP Identifier (4), length of the parameters (1), parameters.

use crate::capability::{CapabilityView, Tlvs};
use crate::frame::body;
use crate::reader::{Reader, to_u16};
use crate::{BgpId, Error, ErrorKind, MessageType, Params};

/// A checked OPEN message.
///
/// ```
/// use bgp_wire::{BgpId, Family, OpenView};
/// let mut message = vec![0xff; 16];
/// message.extend([0, 37, 1, 4, 0xfc, 0, 0, 90, 10, 0, 0, 1]); // length, type, version, AS, hold time, identifier
/// message.extend([8, 2, 6, 1, 4, 0, 2, 0, 1]); // one parameter with one capability
/// let open = OpenView::decode(&message)?;
/// assert_eq!((open.my_as(), open.hold_time(), open.bgp_id()), (64512, 90, BgpId(0x0a00_0001)));
/// assert_eq!(open.capabilities().count(), 1);
/// assert_eq!(open.params().families(), Family::IPV6_UNICAST.into());
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpenView<'m> {
    message: &'m [u8],
    my_as: u16,
    hold_time: u16,
    bgp_id: BgpId,
    parameters: Parameters<'m>,
}

impl<'m> OpenView<'m> {
    /// Checks a whole OPEN message.
    ///
    /// The optional parameters may have either form of RFC 9072: the extended one is told by the type 255 at its place,
    /// whatever the 1-octet length says.
    ///
    /// # Errors
    /// RFC 4271 section 6.2, in the order of the octets: the version (2/1), AS number 0 (2/2, RFC 7607), hold time 1 or
    /// 2 (2/6), BGP Identifier 0 (2/3, RFC 6286), the parameters (2/4 one that is not capabilities, 2/0 anything that
    /// does not fit). A malformed value refuses the session (2/0) only if later messages are read by it (multiprotocol,
    /// extended next hop, extended messages, role, 4-octet AS, ADD-PATH); others are passed over.
    pub fn decode(message: &'m [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body(message, MessageType::OPEN)?);
        let fixed = (reader.u8(), reader.u16(), reader.u16(), reader.u32(), reader.u8());
        let (Some(version), Some(my_as), Some(hold_time), Some(bgp_id), Some(length)) = fixed else {
            return Err(Error::new(ErrorKind::TypeLength { ty: MessageType::OPEN, length: to_u16(message.len()) }, 16));
        };
        if version != 4 {
            return Err(Error::new(ErrorKind::Version { version }, 19));
        }
        if my_as == 0 {
            return Err(Error::new(ErrorKind::OpenAsZero, 20));
        }
        if matches!(hold_time, 1 | 2) {
            return Err(Error::new(ErrorKind::HoldTime { hold_time }, 22));
        }
        if bgp_id == 0 {
            return Err(Error::new(ErrorKind::BgpIdZero, 24));
        }
        let parameters = Parameters::decode(length, reader)?;
        let open = Self { message, my_as, hold_time, bgp_id: BgpId(bgp_id), parameters };
        open.check(parameters)?;
        Ok(open)
    }

    /// The version: always 4.
    #[must_use]
    pub const fn version(&self) -> u8 {
        4
    }

    /// The 2-octet AS field; [`Params::asn`] is the AS number.
    #[must_use]
    pub const fn my_as(&self) -> u16 {
        self.my_as
    }

    /// The proposed hold time in seconds: 0 (none), or at least 3.
    #[must_use]
    pub const fn hold_time(&self) -> u16 {
        self.hold_time
    }

    /// The BGP Identifier.
    #[must_use]
    pub const fn bgp_id(&self) -> BgpId {
        self.bgp_id
    }

    /// True if the optional parameters have the extended form (RFC 9072).
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.parameters.extended
    }

    /// The capabilities of all optional parameters, in their order.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities<'m> {
        Capabilities { parameters: self.parameters, tlvs: Tlvs::new(&[]) }
    }

    /// What it says.
    #[must_use]
    pub fn params(&self) -> Params {
        let mut params = Params::of_open(self.my_as, self.hold_time, self.bgp_id);
        for capability in self.capabilities() {
            params.learn(capability);
        }
        params
    }

    /// The whole message.
    #[must_use]
    pub const fn as_bytes(&self) -> &'m [u8] {
        self.message
    }

    /// Walks all parameters and capabilities.
    fn check(&self, mut parameters: Parameters<'m>) -> Result<(), Error> {
        let at = |left: usize| to_u16(self.message.len().saturating_sub(left));
        let mut params = Params::of_open(self.my_as, self.hold_time, self.bgp_id);
        while !parameters.reader.is_empty() {
            let left = parameters.reader.len();
            let Some((ty, value)) = parameters.next() else {
                let ty = parameters.reader.u8().unwrap_or(0);
                return Err(Error::new(ErrorKind::ParameterOverrun { ty, left: to_u16(left) }, at(left)));
            };
            if ty != CAPABILITIES {
                return Err(Error::new(ErrorKind::ParameterType { ty }, at(left)));
            }
            let behind = parameters.reader.len();
            let mut tlvs = Tlvs::new(value);
            loop {
                let inside = tlvs.rest().len();
                let Some(capability) = tlvs.next() else { break };
                if !params.learn(capability) {
                    let length = u8::try_from(capability.value.len()).unwrap_or(u8::MAX);
                    let kind = ErrorKind::CapabilityLength { code: capability.code.0, length };
                    return Err(Error::new(kind, at(behind + inside)));
                }
            }
            if let [code, ..] = tlvs.rest() {
                let left = tlvs.rest().len();
                let kind = ErrorKind::CapabilityOverrun { code: *code, left: to_u16(left) };
                return Err(Error::new(kind, at(behind + left)));
            }
        }
        // RFC 7607 section 2.
        if params.asn().0 == 0 { Err(Error::new(ErrorKind::OpenAsZero, 20)) } else { Ok(()) }
    }
}

/// The form of [`Open`](crate::Open).
#[cfg(feature = "serde")]
impl serde::Serialize for OpenView<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::Open::from(*self).serialize(serializer)
    }
}

impl core::fmt::Debug for OpenView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenView")
            .field("my_as", &self.my_as)
            .field("hold_time", &self.hold_time)
            .field("bgp_id", &self.bgp_id)
            .field("capabilities", &self.capabilities())
            .finish()
    }
}

/// The capabilities of an OPEN, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capabilities<'m> {
    parameters: Parameters<'m>,
    tlvs: Tlvs<'m>,
}

impl<'m> Iterator for Capabilities<'m> {
    type Item = CapabilityView<'m>;

    fn next(&mut self) -> Option<CapabilityView<'m>> {
        loop {
            if let Some(capability) = self.tlvs.next() {
                return Some(capability);
            }
            self.tlvs = Tlvs::new(self.parameters.next()?.1);
        }
    }
}

impl core::iter::FusedIterator for Capabilities<'_> {}

impl core::fmt::Debug for Capabilities<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The optional parameters: type (1 octet), length (1, or 2 in the extended form), value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Parameters<'m> {
    reader: Reader<'m>,
    extended: bool,
}

impl<'m> Parameters<'m> {
    /// `reader` stands behind the 1-octet length, octet 29 of the message.
    fn decode(length: u8, reader: Reader<'m>) -> Result<Self, Error> {
        let wrong = |length, present, offset| {
            Err(Error::new(ErrorKind::ParametersLength { length, present: to_u16(present) }, offset))
        };
        let mut ahead = reader;
        // RFC 9072 section 2: any length but 0, then the type 255 where the first parameter would be.
        if length != 0 && ahead.u8() == Some(EXTENDED) {
            let Some(length) = ahead.u16() else { return wrong(u16::from(length), reader.len(), 28) };
            if usize::from(length) != ahead.len() {
                return wrong(length, ahead.len(), 30);
            }
            return Ok(Self { reader: ahead, extended: true });
        }
        if usize::from(length) != reader.len() {
            return wrong(u16::from(length), reader.len(), 28);
        }
        Ok(Self { reader, extended: false })
    }

    /// Type and value of the next parameter; `None` at the end, or where one does not fit.
    fn next(&mut self) -> Option<(u8, &'m [u8])> {
        let mut ahead = self.reader;
        let ty = ahead.u8()?;
        let value = if self.extended { ahead.prefixed_u16()? } else { ahead.prefixed_u8()? };
        self.reader = ahead;
        Some((ty, value))
    }
}

/// The type of the parameter that holds capabilities (RFC 5492), the only one there is.
pub(super) const CAPABILITIES: u8 = 2;
/// The type that marks the extended form (RFC 9072).
pub(super) const EXTENDED: u8 = 255;

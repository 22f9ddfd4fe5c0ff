//! NOTIFICATION (RFC 4271 section 4.5): code (1 octet), subcode (1), data.

mod communication;
#[cfg(feature = "alloc")]
mod owned;

pub use communication::ShutdownCommunication;
#[cfg(feature = "alloc")]
pub(crate) use communication::cut;
#[cfg(feature = "alloc")]
pub use owned::NotificationBuf;

use core::fmt;

use crate::error::Data;
use crate::frame::body;
use crate::reader::{Reader, to_u16};
use crate::{Error, ErrorKind, Family, MessageType, NotificationCode};

/// A NOTIFICATION message: why a session ends.
///
/// ```
/// use bgp_wire::{Notification, NotificationCode, ShutdownCommunication};
/// let text = ShutdownCommunication::new("maintenance until 06:00");
/// let cease = Notification::new(NotificationCode::ADMIN_SHUTDOWN, text.data());
/// assert_eq!(cease.communication(), Some("maintenance until 06:00"));
/// assert_eq!(cease.to_string(), "6/2 administrative shutdown \"maintenance until 06:00\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "RFC 4271 section 4.5 has these fields")]
pub struct Notification<'m> {
    /// Code and subcode.
    pub code: NotificationCode,
    /// The data.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::hex::serialize"))]
    pub data: &'m [u8],
}

impl<'m> Notification<'m> {
    /// With these data, which may be empty.
    #[must_use]
    pub const fn new(code: NotificationCode, data: &'m [u8]) -> Self {
        Self { code, data }
    }

    /// Reads a whole NOTIFICATION message. Codes are not judged: RFC 4271 section 6.4 has no answer to a NOTIFICATION.
    ///
    /// # Errors
    /// Only if the octets are not one whole message.
    ///
    /// ```
    /// use bgp_wire::{Notification, NotificationCode};
    /// let mut message = [0xff; 21];
    /// message[16..].copy_from_slice(&[0, 21, 3, 4, 0]); // length, type, code, subcode
    /// assert_eq!(Notification::decode(&message)?.code, NotificationCode::HOLD_TIMER_EXPIRED);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn decode(message: &'m [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body(message, MessageType::NOTIFICATION)?);
        match (reader.u8(), reader.u8()) {
            (Some(code), Some(subcode)) => Ok(Self::new(NotificationCode::new(code, subcode), reader.rest())),
            _ => {
                let kind = ErrorKind::TypeLength { ty: MessageType::NOTIFICATION, length: to_u16(message.len()) };
                Err(Error::new(kind, 16))
            }
        }
    }

    /// Appends the message to `out`. Data beyond 4096 octets of message are cut.
    #[cfg(feature = "alloc")]
    pub fn encode(&self, out: &mut bytes::BytesMut) {
        self.encode_up_to(crate::MAX_LEN, out);
    }

    /// Appends the message to `out`; data beyond `limit` octets of message (at least 21, at most 65535) are cut. The
    /// data are there for people: a cut one tells more than none.
    ///
    /// ```
    /// use bgp_wire::{Notification, NotificationCode};
    /// let mut out = bytes::BytesMut::new();
    /// Notification::new(NotificationCode::ROUTE_REFRESH_LENGTH, &[7; 5000]).encode_up_to(4096, &mut out);
    /// assert_eq!(out.len(), 4096);
    /// ```
    #[cfg(feature = "alloc")]
    pub fn encode_up_to(&self, limit: usize, out: &mut bytes::BytesMut) {
        let room = limit.min(crate::MAX_LEN_EXTENDED).saturating_sub(FIXED);
        let data = self.data.get(..room).unwrap_or(self.data);
        crate::frame::put_header(out, to_u16(FIXED + data.len()), MessageType::NOTIFICATION);
        out.extend_from_slice(&[self.code.code, self.code.subcode]);
        out.extend_from_slice(data);
    }

    /// What the operator of the peer says about an administrative shutdown or reset (RFC 9003), also inside a Hard
    /// Reset. `None` if nothing is said or it cannot be read.
    #[must_use]
    pub fn communication(&self) -> Option<&'m str> {
        let notification = self.inner().unwrap_or(*self);
        match notification.code {
            NotificationCode::ADMIN_SHUTDOWN | NotificationCode::ADMIN_RESET => communication::read(notification.data),
            _ => None,
        }
    }

    /// The reason inside a Hard Reset (RFC 8538 section 3.1).
    ///
    /// ```
    /// use bgp_wire::{Notification, NotificationCode};
    /// let hard = Notification::new(NotificationCode::HARD_RESET, &[6, 3]);
    /// assert_eq!(hard.inner().map(|inner| inner.code), Some(NotificationCode::PEER_DECONFIGURED));
    /// ```
    #[must_use]
    pub fn inner(&self) -> Option<Self> {
        match (self.code, self.data) {
            (NotificationCode::HARD_RESET, [code, subcode, data @ ..]) => {
                Some(Self::new(NotificationCode::new(*code, *subcode), data))
            }
            _ => None,
        }
    }

    /// Family and limit of "maximum number of prefixes reached" (RFC 4486 section 4), if they are there.
    ///
    /// ```
    /// use bgp_wire::{Family, Notification, NotificationCode};
    /// let data = Notification::prefix_limit_data(Family::IPV6_UNICAST, 1000);
    /// let cease = Notification::new(NotificationCode::MAX_PREFIXES, &data);
    /// assert_eq!(cease.prefix_limit(), Some((Family::IPV6_UNICAST, 1000)));
    /// ```
    #[must_use]
    pub fn prefix_limit(&self) -> Option<(Family, u32)> {
        let mut reader = Reader::new(self.data);
        let (afi, safi, limit) = (reader.u16()?, reader.u8()?, reader.u32()?);
        (self.code == NotificationCode::MAX_PREFIXES).then_some((Family::new(afi, safi), limit))
    }
}

impl Notification<'static> {
    /// The data that [`prefix_limit`](Notification::prefix_limit) reads: AFI (2 octets), SAFI (1), limit (4).
    #[must_use]
    pub const fn prefix_limit_data(family: Family, limit: u32) -> [u8; 7] {
        let [afi_high, afi_low] = family.afi.0.to_be_bytes();
        let [a, b, c, d] = limit.to_be_bytes();
        [afi_high, afi_low, family.safi.0, a, b, c, d]
    }
}

impl Error {
    /// The NOTIFICATION that answers it. `message` is what was decoded: the data are octets of it.
    ///
    /// Errors whose [`action`](Self::action) is weaker have one too, for sessions without RFC 7606.
    ///
    /// ```
    /// use bgp_wire::{Context, Message, NotificationCode, SessionKind};
    /// let mut message = bgp_wire::KEEPALIVE;
    /// message[18] = 9; // no such type
    /// let error = Message::decode(&message, &Context::new(SessionKind::Ebgp)).unwrap_err();
    /// let answer = error.notification(&message);
    /// assert_eq!((answer.code, answer.data), (NotificationCode::BAD_MESSAGE_TYPE, &[9][..]));
    /// ```
    #[must_use]
    pub fn notification<'m>(&self, message: &'m [u8]) -> Notification<'m> {
        let (_, code, data) = self.answer();
        let range = |start: u16, len: u16| {
            let start = usize::from(start);
            message.get(start..start.saturating_add(usize::from(len))).unwrap_or(&[])
        };
        let data = match data {
            Data::None => &[],
            Data::HeaderLength => range(16, 2),
            Data::HeaderType => range(18, 1),
            Data::Span => range(self.span.start, self.span.len),
            Data::Message => message,
            Data::Constant(octets) => octets,
        };
        Notification { code, data }
    }
}

impl fmt::Display for Notification<'_> {
    /// Code, name, and the communication with all that is not printable escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, code: NotificationCode| match code.name() {
            Some(name) => write!(f, "{code} {name}"),
            None => write!(f, "{code}"),
        };
        named(f, self.code)?;
        if let Some(inner) = self.inner() {
            f.write_str(": ")?;
            named(f, inner.code)?;
        }
        match self.communication() {
            Some(text) => write!(f, " {text:?}"),
            None => Ok(()),
        }
    }
}

/// Octets of a NOTIFICATION without data.
#[cfg(feature = "alloc")]
const FIXED: usize = 21;

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;

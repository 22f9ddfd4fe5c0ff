//! One message of any type.

use crate::frame::{body, message_type};
use crate::reader::to_u16;
use crate::{Context, Error, ErrorKind, MessageType, Notification, OpenView, RouteRefresh, UpdateView};

/// A KEEPALIVE message (RFC 4271 section 4.4): a header and nothing else.
pub const KEEPALIVE: [u8; 19] =
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 19, 4];

/// A checked message of any type.
///
/// ```
/// use bgp_wire::{Context, KEEPALIVE, Message, SessionKind};
/// let message = Message::decode(&KEEPALIVE, &Context::new(SessionKind::Ebgp))?;
/// assert!(matches!(message, Message::Keepalive));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Message<'m> {
    /// OPEN.
    Open(OpenView<'m>),
    /// UPDATE.
    Update(UpdateView<'m>),
    /// NOTIFICATION.
    Notification(Notification<'m>),
    /// KEEPALIVE.
    Keepalive,
    /// ROUTE-REFRESH.
    RouteRefresh(RouteRefresh),
}

impl<'m> Message<'m> {
    /// Reads one whole message, as [`frame`](crate::frame) cuts it.
    ///
    /// # Errors
    /// What [`OpenView::decode`], [`UpdateView::decode`], [`Notification::decode`] and [`RouteRefresh::decode`] say, an
    /// unknown type (1/3), or octets that are not one whole message.
    pub fn decode(message: &'m [u8], context: &Context) -> Result<Self, Error> {
        match message_type(message) {
            Some(MessageType::OPEN) => OpenView::decode(message).map(Self::Open),
            Some(MessageType::UPDATE) => UpdateView::decode(message, context).map(Self::Update),
            Some(MessageType::NOTIFICATION) => Notification::decode(message).map(Self::Notification),
            Some(MessageType::ROUTE_REFRESH) => RouteRefresh::decode(message).map(Self::RouteRefresh),
            Some(MessageType::KEEPALIVE) | None => match body(message, MessageType::KEEPALIVE)? {
                [] => Ok(Self::Keepalive),
                _ => {
                    let kind = ErrorKind::TypeLength { ty: MessageType::KEEPALIVE, length: to_u16(message.len()) };
                    Err(Error::new(kind, 16))
                }
            },
            Some(ty) => Err(Error::new(ErrorKind::Type { ty }, 18)),
        }
    }

    /// The type.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Open(_) => MessageType::OPEN,
            Self::Update(_) => MessageType::UPDATE,
            Self::Notification(_) => MessageType::NOTIFICATION,
            Self::Keepalive => MessageType::KEEPALIVE,
            Self::RouteRefresh(_) => MessageType::ROUTE_REFRESH,
        }
    }
}

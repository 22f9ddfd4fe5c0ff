//! A NOTIFICATION that owns its data.

use alloc::vec::Vec;
use core::fmt;

use crate::{Notification, NotificationCode, ShutdownCommunication};

/// A NOTIFICATION that owns its data: to keep one, or to make one with data.
///
/// ```
/// use bgp_wire::{NotificationBuf, NotificationCode};
/// let cease = NotificationBuf::with_communication(NotificationCode::ADMIN_RESET, "new software");
/// let hard = NotificationBuf::hard_reset(cease.view());
/// assert_eq!(hard.view().communication(), Some("new software"));
/// assert_eq!(hard.to_string(), "6/9 hard reset: 6/4 administrative reset \"new software\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 4271 section 4.5 has these fields")]
pub struct NotificationBuf {
    /// Code and subcode.
    pub code: NotificationCode,
    /// The data.
    #[cfg_attr(feature = "serde", serde(with = "crate::hex"))]
    pub data: Vec<u8>,
}

impl NotificationBuf {
    /// With these data, which may be empty.
    #[must_use]
    pub const fn new(code: NotificationCode, data: Vec<u8>) -> Self {
        Self { code, data }
    }

    /// An administrative shutdown or reset with a text (RFC 9003), cut as [`ShutdownCommunication`] does.
    ///
    /// ```
    /// use bgp_wire::{NotificationBuf, NotificationCode};
    /// let reset = NotificationBuf::with_communication(NotificationCode::ADMIN_RESET, "back in a minute");
    /// assert_eq!(reset.view().communication(), Some("back in a minute"));
    /// ```
    #[must_use]
    pub fn with_communication(code: NotificationCode, text: &str) -> Self {
        Self::new(code, ShutdownCommunication::new(text).data().into())
    }

    /// A Hard Reset (RFC 8538 section 3.1) for the reason `inner`.
    ///
    /// ```
    /// use bgp_wire::{Notification, NotificationBuf, NotificationCode};
    /// let inner = Notification::new(NotificationCode::ADMIN_SHUTDOWN, &[]);
    /// assert_eq!(NotificationBuf::hard_reset(inner).view().inner(), Some(inner));
    /// ```
    #[must_use]
    pub fn hard_reset(inner: Notification<'_>) -> Self {
        Self::new(NotificationCode::HARD_RESET, [&[inner.code.code, inner.code.subcode], inner.data].concat())
    }

    /// The borrowed form.
    #[must_use]
    pub fn view(&self) -> Notification<'_> {
        Notification::new(self.code, &self.data)
    }
}

impl From<Notification<'_>> for NotificationBuf {
    fn from(view: Notification<'_>) -> Self {
        Self::new(view.code, view.data.into())
    }
}

impl fmt::Display for NotificationBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

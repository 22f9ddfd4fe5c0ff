//! Why we end a session (RFC 4486, RFC 8538, RFC 9003, RFC 9384).

use alloc::vec::Vec;

use bgp_wire::{Family, Notification, NotificationBuf, NotificationCode};

/// An administrative end of the session, for [`Session::cease`](crate::Session::cease).
///
/// ```
/// use bgp_fsm::Cease;
/// let cease = Cease::shutdown().with_communication("back at 06:00").hard();
/// assert_eq!(cease.to_string(), "6/9 hard reset: 6/2 administrative shutdown \"back at 06:00\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cease {
    pub(crate) notification: NotificationBuf,
    pub(crate) manual: bool,
    pub(crate) too_many_prefixes: bool,
}

macro_rules! ceases {
    ($( $(#[$meta:meta])* $name:ident, $CODE:ident; )*) => {
        impl Cease {
            $(
                $(#[$meta])*
                #[must_use]
                pub const fn $name() -> Self {
                    Self::new(NotificationCode::$CODE)
                }
            )*
        }
    };
}

ceases! {
    /// 6/2: as event 2, `ManualStop`.
    shutdown, ADMIN_SHUTDOWN;
    /// 6/3: the peer is not configured any more.
    deconfigured, PEER_DECONFIGURED;
    /// 6/4: the session is to begin anew.
    reset, ADMIN_RESET;
    /// 6/5: this peer is not taken.
    rejected, CONNECTION_REJECTED;
    /// 6/6: the configuration has changed.
    configuration_change, OTHER_CONFIGURATION_CHANGE;
    /// 6/7: another connection with this peer stays. Unlike event 23 it is also sent where our OPEN was not yet, with
    /// [`send_notification_without_open`](crate::Config::send_notification_without_open).
    collision, CONNECTION_COLLISION;
    /// 6/8: out of memory or the like.
    out_of_resources, OUT_OF_RESOURCES;
    /// 6/10: BFD says that the peer is not reachable (RFC 9384).
    bfd_down, BFD_DOWN;
}

impl Cease {
    const fn new(code: NotificationCode) -> Self {
        let manual = matches!(code, NotificationCode::ADMIN_SHUTDOWN);
        Self { notification: NotificationBuf::new(code, Vec::new()), manual, too_many_prefixes: false }
    }

    /// 6/1: the peer sent more prefixes of `family` than `limit`. The session stays in Idle, or starts again after
    /// [`max_prefix_restart`](crate::Config::max_prefix_restart).
    #[must_use]
    pub fn too_many_prefixes(family: Family, limit: u32) -> Self {
        let data = Notification::prefix_limit_data(family, limit);
        let notification = Notification::new(NotificationCode::MAX_PREFIXES, &data).into();
        Self { notification, manual: false, too_many_prefixes: true }
    }

    /// With a word to the operator of the peer (RFC 9003), cut at a character after 255 octets. Only a shutdown or a reset
    /// can carry one; for others nothing happens, and neither does for an empty text.
    #[must_use]
    pub fn with_communication(mut self, text: &str) -> Self {
        let code = self.notification.code;
        if matches!(code, NotificationCode::ADMIN_SHUTDOWN | NotificationCode::ADMIN_RESET) && !text.is_empty() {
            self.notification = NotificationBuf::with_communication(code, text);
        }
        self
    }

    /// As a Hard Reset (RFC 8538 section 3.1): the peer does not keep our routes.
    #[must_use]
    pub fn hard(mut self) -> Self {
        if self.notification.code != NotificationCode::HARD_RESET {
            self.notification = NotificationBuf::hard_reset(self.notification.view());
        }
        self
    }

    /// The NOTIFICATION that is sent.
    #[must_use]
    pub fn notification(&self) -> Notification<'_> {
        self.notification.view()
    }
}

impl core::fmt::Display for Cease {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.notification().fmt(f)
    }
}

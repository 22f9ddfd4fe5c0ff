//! What a session is configured with: one field, default and RFC reference per option.

mod change;

use alloc::vec::Vec;
use core::time::Duration;

use bgp_wire::capability::{Capability, Role};
use bgp_wire::{Asn, BgpId, SessionKind};

use crate::Transport;

pub use change::Change;

/// Which AS number the peer's OPEN may have (RFC 4271 section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAs {
    /// This one.
    Exact(Asn),
    /// Any.
    Any,
    /// Any but ours.
    External,
    /// Ours.
    Internal,
}

/// The confederation that our AS is a member of (RFC 5065).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Confederation {
    /// The AS number that peers outside see.
    pub id: Asn,
    /// The AS numbers of the members.
    pub members: Vec<Asn>,
}

impl Confederation {
    /// A confederation with these members.
    #[must_use]
    pub fn new(id: Asn, members: impl Into<Vec<Asn>>) -> Self {
        Self { id, members: members.into() }
    }
}

/// The configuration of a [`Session`](crate::Session).
///
/// Times that must not be zero are at least a millisecond: a timer of length zero would never let the clock go on.
///
/// ```
/// use bgp_fsm::{Config, PeerAs};
/// use bgp_wire::{Asn, BgpId, Family, capability::Capability};
/// let config = Config::new(Asn(64512), BgpId(0x0a00_0001), PeerAs::External)
///     .with_hold_time(30)
///     .with_capabilities([Capability::MultiProtocol(Family::IPV6_UNICAST), Capability::FourOctetAs(Asn(64512))]);
/// assert_eq!(config.capabilities.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Our AS number; in a confederation that of our member AS.
    pub local_as: Asn,
    /// Our BGP Identifier, never 0.
    pub router_id: BgpId,
    /// The peer's AS number.
    pub peer_as: PeerAs,
    /// The hold time that we propose, in seconds: 0 (none) or at least 3. Default 90 (RFC 4271 section 10).
    pub hold_time: u16,
    /// The smallest hold time other than 0 that we take from the peer, in seconds. Default 3 (RFC 4271 section 6.2).
    pub min_hold_time: u16,
    /// The time between attempts to connect. Default 120 s (RFC 4271 section 10).
    pub connect_retry: Duration,
    /// How long the peer's OPEN may take: the large hold time of RFC 4271 section 8.2.2. Default 240 s.
    pub open_hold_time: Duration,
    /// Jitter on ConnectRetryTimer and KeepaliveTimer (RFC 4271 section 10), and on IdleHoldTimer, so that two ends that
    /// failed together do not dial together for ever. Default on.
    pub jitter: bool,
    /// The capabilities of our OPEN. Default: multiprotocol for IPv4 unicast, route refresh, 4-octet AS.
    ///
    /// The value of a 4-octet AS capability is replaced by the AS number of the OPEN, whatever it says. If they need more
    /// than the 4096 octets of a message, no connection gets further than to its OPEN: [`Cause::OpenTooLong`].
    ///
    /// [`Cause::OpenTooLong`]: crate::Cause::OpenTooLong
    pub capabilities: Vec<Capability>,
    /// Capabilities that the peer must have (RFC 5492 section 3): the same code, and for multiprotocol the same family.
    pub require_capabilities: Vec<Capability>,
    /// Every start is a passive one: `PassiveTcpEstablishment` (RFC 4271 section 8.1.1). Default off.
    pub passive: bool,
    /// Never dial, not even when ConnectRetryTimer expires. Default off.
    pub never_dial: bool,
    /// `AllowAutomaticStart` (RFC 4271 section 8.1.1). Default on.
    pub allow_automatic_start: bool,
    /// `AllowAutomaticStop` (RFC 4271 section 8.1.1). Default on.
    pub allow_automatic_stop: bool,
    /// `DelayOpenTime`; zero is DelayOpen off, the default (RFC 4271 section 8.1.1).
    pub delay_open_time: Duration,
    /// DampPeerOscillations: after a failure the session waits in Idle and then starts again. Default off.
    pub damp_peer_oscillations: bool,
    /// The first `IdleHoldTime`; each failure that follows doubles it. Default 10 s.
    pub idle_hold_time: Duration,
    /// The largest `IdleHoldTime`; a session that was Established for so long begins with the first again. Default 160 s.
    pub idle_hold_max: Duration,
    /// `SendNOTIFICATIONwithoutOPEN` (RFC 4271 section 8.1.1). Default off.
    pub send_notification_without_open: bool,
    /// `TrackTcpState` (RFC 4271 section 8.1.1): events 14 and 15 mean something, a request of the peer is taken or refused
    /// before its connection is open. Off, they are ignored, and the owner answers requests as it likes. Default on.
    pub track_tcp_state: bool,
    /// `CollisionDetectEstablishedState` (RFC 4271 section 8.1.1), for the owner of the two sessions. Default off.
    pub collision_detect_established_state: bool,
    /// How long our socket may take nothing; `None` is the larger of 480 s and twice the hold time (RFC 9687). With hold
    /// time 0 this timer is off, too.
    pub send_hold_time: Option<Duration>,
    /// How long the session waits in Idle after the peer sent too many prefixes; `None` is for ever.
    pub max_prefix_restart: Option<Duration>,
    /// Our role (RFC 9234). On an eBGP session it goes into the OPEN if the capabilities have none.
    pub role: Option<Role>,
    /// The peer must tell its role, too (RFC 9234 section 4.2). Default off.
    pub role_strict: bool,
    /// The confederation that we are a member of (RFC 5065).
    pub confederation: Option<Confederation>,
    /// A route with an AS_SET or AS_CONFED_SET is treated as withdrawn. Default on (RFC 9774 section 3).
    pub reject_as_sets: bool,
    /// A route of another AS must begin with the peer's AS number (RFC 4271 section 6.3). Default off.
    pub enforce_first_as: bool,
    /// The AS number that we show to this peer in place of ours (RFC 7705).
    pub local_as_override: Option<Asn>,
    /// If the peer refuses the AS number of the OPEN (2/2), the next OPEN has the other one of
    /// [`local_as_override`](Self::local_as_override) and [`local_as`](Self::local_as) (RFC 7705 section 4). Default off.
    pub dual_as: bool,
    /// BFD watches the peer: when it goes down, an Established session ends with 6/10 (RFC 9384). Default off.
    pub bfd: bool,
    /// As [`bfd`](Self::bfd), and if both OPENs have the capability, the session is not Established before BFD is up
    /// (draft-ietf-idr-bgp-bfd-strict-mode). Default off.
    pub bfd_strict: bool,
    /// How long BFD may take to come up in strict mode. Default 30 s.
    pub bfd_hold_time: Duration,
    /// What the driver is to set on the socket (RFC 5082, RFC 2385, RFC 5925).
    pub transport: Transport,
}

macro_rules! setters {
    ($( $(#[$meta:meta])* $with:ident, $field:ident: $ty:ty; )*) => {
        impl Config {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $with(mut self, $field: $ty) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    /// With [`hold_time`](Self::hold_time), in seconds.
    with_hold_time, hold_time: u16;
    /// With [`min_hold_time`](Self::min_hold_time), in seconds.
    with_min_hold_time, min_hold_time: u16;
    /// With [`connect_retry`](Self::connect_retry).
    with_connect_retry, connect_retry: Duration;
    /// With [`open_hold_time`](Self::open_hold_time).
    with_open_hold_time, open_hold_time: Duration;
    /// With or without [`jitter`](Self::jitter).
    with_jitter, jitter: bool;
    /// With or without [`passive`](Self::passive).
    with_passive, passive: bool;
    /// With or without [`never_dial`](Self::never_dial).
    with_never_dial, never_dial: bool;
    /// With or without [`allow_automatic_start`](Self::allow_automatic_start).
    with_allow_automatic_start, allow_automatic_start: bool;
    /// With or without [`allow_automatic_stop`](Self::allow_automatic_stop).
    with_allow_automatic_stop, allow_automatic_stop: bool;
    /// With [`delay_open_time`](Self::delay_open_time).
    with_delay_open_time, delay_open_time: Duration;
    /// With or without [`damp_peer_oscillations`](Self::damp_peer_oscillations).
    with_damp_peer_oscillations, damp_peer_oscillations: bool;
    /// With [`idle_hold_time`](Self::idle_hold_time).
    with_idle_hold_time, idle_hold_time: Duration;
    /// With [`idle_hold_max`](Self::idle_hold_max).
    with_idle_hold_max, idle_hold_max: Duration;
    /// With or without [`send_notification_without_open`](Self::send_notification_without_open).
    with_send_notification_without_open, send_notification_without_open: bool;
    /// With or without [`track_tcp_state`](Self::track_tcp_state).
    with_track_tcp_state, track_tcp_state: bool;
    /// With or without [`collision_detect_established_state`](Self::collision_detect_established_state).
    with_collision_detect_established_state, collision_detect_established_state: bool;
    /// With [`send_hold_time`](Self::send_hold_time).
    with_send_hold_time, send_hold_time: Option<Duration>;
    /// With [`max_prefix_restart`](Self::max_prefix_restart).
    with_max_prefix_restart, max_prefix_restart: Option<Duration>;
    /// With this [`role`](Self::role).
    with_role, role: Option<Role>;
    /// With or without [`role_strict`](Self::role_strict).
    with_role_strict, role_strict: bool;
    /// With this [`confederation`](Self::confederation).
    with_confederation, confederation: Option<Confederation>;
    /// With or without [`reject_as_sets`](Self::reject_as_sets).
    with_reject_as_sets, reject_as_sets: bool;
    /// With or without [`enforce_first_as`](Self::enforce_first_as).
    with_enforce_first_as, enforce_first_as: bool;
    /// With [`local_as_override`](Self::local_as_override).
    with_local_as_override, local_as_override: Option<Asn>;
    /// With or without [`dual_as`](Self::dual_as).
    with_dual_as, dual_as: bool;
    /// With or without [`bfd`](Self::bfd).
    with_bfd, bfd: bool;
    /// With or without [`bfd_strict`](Self::bfd_strict).
    with_bfd_strict, bfd_strict: bool;
    /// With [`bfd_hold_time`](Self::bfd_hold_time).
    with_bfd_hold_time, bfd_hold_time: Duration;
    /// With these hints for the socket.
    with_transport, transport: Transport;
}

impl Config {
    /// With the defaults that each field names.
    #[must_use]
    pub fn new(local_as: Asn, router_id: BgpId, peer_as: PeerAs) -> Self {
        Self {
            local_as,
            router_id,
            peer_as,
            hold_time: 90,
            min_hold_time: 3,
            connect_retry: Duration::from_secs(120),
            open_hold_time: Duration::from_secs(240),
            jitter: true,
            capabilities: alloc::vec![
                Capability::MultiProtocol(bgp_wire::Family::IPV4_UNICAST),
                Capability::RouteRefresh,
                Capability::FourOctetAs(local_as),
            ],
            require_capabilities: Vec::new(),
            passive: false,
            never_dial: false,
            allow_automatic_start: true,
            allow_automatic_stop: true,
            delay_open_time: Duration::ZERO,
            damp_peer_oscillations: false,
            idle_hold_time: Duration::from_secs(10),
            idle_hold_max: Duration::from_secs(160),
            send_notification_without_open: false,
            track_tcp_state: true,
            collision_detect_established_state: false,
            send_hold_time: None,
            max_prefix_restart: None,
            role: None,
            role_strict: false,
            confederation: None,
            reject_as_sets: true,
            enforce_first_as: false,
            local_as_override: None,
            dual_as: false,
            bfd: false,
            bfd_strict: false,
            bfd_hold_time: Duration::from_secs(30),
            transport: Transport::new(),
        }
    }

    /// With these [`capabilities`](Self::capabilities) in place of the default ones.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: impl Into<Vec<Capability>>) -> Self {
        self.capabilities = capabilities.into();
        self
    }

    /// With these [`require_capabilities`](Self::require_capabilities).
    #[must_use]
    pub fn with_require_capabilities(mut self, capabilities: impl Into<Vec<Capability>>) -> Self {
        self.require_capabilities = capabilities.into();
        self
    }

    /// The relation to a peer of AS `peer`, when our OPEN has the AS number `shown`.
    pub(crate) fn kind(&self, peer: Asn, shown: Asn) -> SessionKind {
        let member = self.confederation.as_ref().is_some_and(|confederation| confederation.members.contains(&peer));
        if peer == self.local_as || (peer == shown && self.confederation.is_none()) {
            SessionKind::Ibgp
        } else if member {
            SessionKind::ConfedExternal
        } else {
            SessionKind::Ebgp
        }
    }

    /// The AS number of our OPEN; `second` asks for the other one of RFC 7705.
    pub(crate) fn shown_as(&self, second: bool) -> Asn {
        let own = match (&self.confederation, self.peer_as) {
            // RFC 5065 section 4: members see our member AS, all others the confederation.
            (Some(confederation), PeerAs::Exact(peer))
                if peer != self.local_as && !confederation.members.contains(&peer) =>
            {
                confederation.id
            }
            (Some(confederation), PeerAs::Any | PeerAs::External) => confederation.id,
            _ => self.local_as,
        };
        match self.local_as_override {
            Some(other) if !second => other,
            _ => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confederation(peer_as: PeerAs) -> Config {
        let members = [Asn(65001), Asn(65002)];
        Config::new(Asn(65001), BgpId(1), peer_as).with_confederation(Some(Confederation::new(Asn(64512), members)))
    }

    #[test]
    fn rfc5065_4_members_see_the_member_as_and_others_the_confederation() {
        for (peer, shown, kind) in [
            (65001, 65001, SessionKind::Ibgp),
            (65002, 65001, SessionKind::ConfedExternal),
            (64999, 64512, SessionKind::Ebgp),
        ] {
            let config = confederation(PeerAs::Exact(Asn(peer)));
            assert_eq!(config.shown_as(false), Asn(shown));
            assert_eq!(config.kind(Asn(peer), Asn(shown)), kind);
        }
    }

    #[test]
    fn rfc7705_3_the_peer_sees_the_other_as_number() {
        let config = Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64999)))
            .with_local_as_override(Some(Asn(64600)))
            .with_dual_as(true);
        assert_eq!((config.shown_as(false), config.shown_as(true)), (Asn(64600), Asn(64512)));
    }
}

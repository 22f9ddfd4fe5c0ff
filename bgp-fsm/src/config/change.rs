//! What a change of the configuration asks of a session that is up.

use super::Config;
use crate::Transport;

/// What has to happen so that a new configuration is in force, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a session goes on, is asked for its routes again, or ends")]
pub enum Change {
    /// Nothing: it is, from now on.
    Nothing,
    /// The peer is asked for its routes again (RFC 2918): those that are there were judged by the old rules.
    Refresh,
    /// The session begins anew: an OPEN says it, or was judged by it.
    Reset,
}

/// One option: its name, what a change of it asks for, and how it is taken from another configuration.
struct Row {
    name: &'static str,
    change: fn(&Config, &Config) -> Change,
    take: fn(&mut Config, &Config),
}

macro_rules! options {
    ($( $field:ident: $change:expr; )*) => {
        const OPTIONS: &[Row] = &[$( Row {
            name: stringify!($field),
            change: |old, new| {
                let change: fn(&Config, &Config) -> Change = $change;
                if old.$field == new.$field { Change::Nothing } else { change(old, new) }
            },
            take: |to, from| to.$field.clone_from(&from.$field),
        }, )*];

        /// An option without a row does not compile.
        const _: fn(&Config) = |config| {
            let Config { $( $field: _, )* } = config;
        };
    };
}

const NOTHING: fn(&Config, &Config) -> Change = |_, _| Change::Nothing;
const REFRESH: fn(&Config, &Config) -> Change = |_, _| Change::Refresh;
const RESET: fn(&Config, &Config) -> Change = |_, _| Change::Reset;

options! {
    // RFC 4271 section 4.2: a field of our OPEN; section 6.2: the peer's OPEN is judged by it.
    local_as: RESET;
    router_id: RESET;
    peer_as: RESET;
    hold_time: RESET;
    // RFC 4271 section 6.2 judges a hold time when the OPEN comes: the one in use has been agreed on.
    min_hold_time: NOTHING;
    // RFC 4271 section 8: these say when and how a connection is begun, or how long we wait.
    connect_retry: NOTHING;
    open_hold_time: NOTHING;
    jitter: NOTHING;
    // RFC 5492 section 4: capabilities are told in the OPEN only, and section 3: required in it.
    capabilities: RESET;
    require_capabilities: |old, new| {
        // What is not required any more was there.
        let had = |capability| old.require_capabilities.contains(capability);
        if new.require_capabilities.iter().all(had) { Change::Nothing } else { Change::Reset }
    };
    passive: NOTHING;
    never_dial: NOTHING;
    allow_automatic_start: NOTHING;
    allow_automatic_stop: NOTHING;
    delay_open_time: NOTHING;
    damp_peer_oscillations: NOTHING;
    idle_hold_time: NOTHING;
    idle_hold_max: NOTHING;
    send_notification_without_open: NOTHING;
    track_tcp_state: NOTHING;
    collision_detect_established_state: NOTHING;
    // RFC 9687 section 3.2: a timer of ours.
    send_hold_time: NOTHING;
    max_prefix_restart: NOTHING;
    // RFC 9234 section 4.2: told and judged in the OPEN.
    role: RESET;
    role_strict: |_, new| if new.role_strict { Change::Reset } else { Change::Nothing };
    // RFC 5065 section 4: which AS number the OPEN has, and what kind of session it makes.
    confederation: RESET;
    // RFC 9774 section 3 and RFC 4271 section 6.3 judge routes as they come: those that came are judged again.
    reject_as_sets: REFRESH;
    enforce_first_as: REFRESH;
    // RFC 7705 section 3: the AS number of the OPEN.
    local_as_override: RESET;
    dual_as: NOTHING;
    bfd: NOTHING;
    // draft-ietf-idr-bgp-bfd-strict-mode section 4: agreed on in the OPENs.
    bfd_strict: RESET;
    bfd_hold_time: NOTHING;
    transport: |old, new| old.transport.change(&new.transport);
}

impl Config {
    /// What it takes to go from this configuration to `new` with a session that is up: the most that an option asks for.
    ///
    /// | options | change | why |
    /// | --- | --- | --- |
    /// | `local_as`, `router_id`, `hold_time`, `local_as_override`, `confederation` | reset | fields of the OPEN (RFC 4271 section 4.2, RFC 7705 section 3, RFC 5065 section 4) |
    /// | `capabilities`, `role`, `bfd_strict` | reset | only an OPEN tells them (RFC 5492 section 4, RFC 9234 section 4.2) |
    /// | `peer_as`, more of `require_capabilities`, `role_strict` switched on | reset | the peer's OPEN is judged by them (RFC 4271 section 6.2, RFC 5492 section 3, RFC 9234 section 4.2) |
    /// | `transport`: a key where there was none, or none where there was one, another kind of key | reset | a connection is signed from its first segment to its last (RFC 2385 section 2, RFC 5925 section 7.5) |
    /// | `reject_as_sets`, `enforce_first_as` | refresh | routes are judged when they come (RFC 9774 section 3, RFC 4271 section 6.3) |
    /// | `transport`: another key of the same kind, the TTL | nothing | the socket takes it (RFC 4808, RFC 5082 section 3): [`TcpAction::Configure`](crate::TcpAction::Configure) |
    /// | all others: timers, damping, starts and stops, how we connect | nothing | rules of our own side (RFC 4271 section 8) |
    ///
    /// ```
    /// use bgp_fsm::{Change, Config, PeerAs};
    /// use bgp_wire::{Asn, BgpId};
    /// let config = Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513)));
    /// assert_eq!(config.change(&config.clone().with_passive(true)), Change::Nothing);
    /// assert_eq!(config.change(&config.clone().with_enforce_first_as(true)), Change::Refresh);
    /// assert_eq!(config.change(&config.clone().with_hold_time(30)), Change::Reset);
    /// ```
    #[must_use]
    pub fn change(&self, new: &Self) -> Change {
        OPTIONS.iter().map(|row| (row.change)(self, new)).max().unwrap_or(Change::Nothing)
    }

    /// The options that ask for more than [`Change::Nothing`] on the way to `new`, by the names of their fields.
    ///
    /// ```
    /// use bgp_fsm::{Change, Config, PeerAs};
    /// use bgp_wire::{Asn, BgpId};
    /// let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// let new = config.clone().with_hold_time(30).with_jitter(false);
    /// assert!(config.changes(&new).eq([("hold_time", Change::Reset)]));
    /// ```
    pub fn changes(&self, new: &Self) -> impl Iterator<Item = (&'static str, Change)> {
        let changes = OPTIONS.iter().map(|row| (row.name, (row.change)(self, new)));
        changes.filter(|(_, change)| *change > Change::Nothing)
    }

    /// `new`, but with the old values of all options that ask for a reset.
    pub(crate) fn without_reset(&self, new: &Self) -> Self {
        let mut config = new.clone();
        for row in OPTIONS {
            if (row.change)(self, new) == Change::Reset {
                (row.take)(&mut config, self);
            }
        }
        config
    }
}

impl Transport {
    /// What a change of the socket's options asks for.
    fn change(&self, new: &Self) -> Change {
        let same = self.md5_key.is_some() == new.md5_key.is_some() && self.tcp_ao.is_some() == new.tcp_ao.is_some();
        if same { Change::Nothing } else { Change::Reset }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use bgp_wire::capability::{Capability, Role};
    use bgp_wire::{Asn, BgpId, Family};

    use super::*;
    use crate::{Confederation, PeerAs, Secret, TcpAo};

    fn config() -> Config {
        Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513)))
    }

    /// Every option changed, by its name, and what that asks for.
    fn cases() -> alloc::vec::Vec<(&'static str, Config, Change)> {
        use Change::{Nothing, Refresh, Reset};
        let second = Duration::from_secs(1);
        let mut as_number = config();
        as_number.local_as = Asn(64514);
        let mut router_id = config();
        router_id.router_id = BgpId(2);
        let mut peer_as = config();
        peer_as.peer_as = PeerAs::Any;
        alloc::vec![
            ("local_as", as_number, Reset),
            ("router_id", router_id, Reset),
            ("peer_as", peer_as, Reset),
            ("hold_time", config().with_hold_time(30), Reset),
            ("min_hold_time", config().with_min_hold_time(30), Nothing),
            ("connect_retry", config().with_connect_retry(second), Nothing),
            ("open_hold_time", config().with_open_hold_time(second), Nothing),
            ("jitter", config().with_jitter(false), Nothing),
            ("capabilities", config().with_capabilities([Capability::RouteRefresh]), Reset),
            ("require_capabilities", config().with_require_capabilities([Capability::RouteRefresh]), Reset),
            ("passive", config().with_passive(true), Nothing),
            ("never_dial", config().with_never_dial(true), Nothing),
            ("allow_automatic_start", config().with_allow_automatic_start(false), Nothing),
            ("allow_automatic_stop", config().with_allow_automatic_stop(false), Nothing),
            ("delay_open_time", config().with_delay_open_time(second), Nothing),
            ("damp_peer_oscillations", config().with_damp_peer_oscillations(true), Nothing),
            ("idle_hold_time", config().with_idle_hold_time(second), Nothing),
            ("idle_hold_max", config().with_idle_hold_max(second), Nothing),
            ("send_notification_without_open", config().with_send_notification_without_open(true), Nothing),
            ("track_tcp_state", config().with_track_tcp_state(false), Nothing),
            ("collision_detect_established_state", config().with_collision_detect_established_state(true), Nothing),
            ("send_hold_time", config().with_send_hold_time(Some(second)), Nothing),
            ("max_prefix_restart", config().with_max_prefix_restart(Some(second)), Nothing),
            ("role", config().with_role(Some(Role::PEER)), Reset),
            ("role_strict", config().with_role_strict(true), Reset),
            ("confederation", config().with_confederation(Some(Confederation::new(Asn(1), [Asn(2)]))), Reset),
            ("reject_as_sets", config().with_reject_as_sets(false), Refresh),
            ("enforce_first_as", config().with_enforce_first_as(true), Refresh),
            ("local_as_override", config().with_local_as_override(Some(Asn(3))), Reset),
            ("dual_as", config().with_dual_as(true), Nothing),
            ("bfd", config().with_bfd(true), Nothing),
            ("bfd_strict", config().with_bfd_strict(true), Reset),
            ("bfd_hold_time", config().with_bfd_hold_time(second), Nothing),
            ("transport", config().with_transport(Transport::new().with_ttl_security_hops(Some(1))), Nothing),
        ]
    }

    #[test]
    fn every_option_asks_for_what_its_row_says() {
        let cases = cases();
        assert!(cases.iter().map(|(name, ..)| name).eq(OPTIONS.iter().map(|row| &row.name)));
        for (name, new, change) in cases {
            assert_ne!(new, config(), "{name}");
            assert_eq!(config().change(&new), change, "{name}");
            let expected = (change > Change::Nothing).then_some((name, change));
            assert!(config().changes(&new).eq(expected), "{name}");
            // What can be applied at once is.
            let now = config().without_reset(&new);
            assert_eq!(now, if change == Change::Reset { config() } else { new }, "{name}");
        }
        assert_eq!(config().change(&config()), Change::Nothing);
    }

    #[test]
    fn the_most_that_an_option_asks_for_wins_and_the_rest_is_applied() {
        let new = config().with_hold_time(30).with_enforce_first_as(true).with_jitter(false);
        assert_eq!(config().change(&new), Change::Reset);
        assert_eq!(config().without_reset(&new), config().with_enforce_first_as(true).with_jitter(false));
    }

    #[test]
    fn what_is_required_no_more_asks_for_nothing() {
        let both = [Capability::RouteRefresh, Capability::MultiProtocol(Family::IPV4_UNICAST)];
        let old = config().with_require_capabilities(both).with_role_strict(true);
        assert_eq!(old.change(&config().with_require_capabilities([Capability::RouteRefresh])), Change::Nothing);
    }

    #[test]
    fn rfc4808_2_another_key_is_hitless_and_rfc2385_2_a_first_key_is_not() {
        let with = |key: Option<&str>| config().with_transport(Transport::new().with_md5_key(key.map(Secret::new)));
        assert_eq!(with(Some("old")).change(&with(Some("new"))), Change::Nothing);
        assert_eq!(with(None).change(&with(Some("new"))), Change::Reset);
        assert_eq!(with(Some("old")).change(&with(None)), Change::Reset);
        let ao = |id, key| TcpAo::new(id, id, "hmac(sha1)", Secret::new(key));
        let ao = |id, key| config().with_transport(Transport::new().with_tcp_ao(Some(ao(id, key))));
        assert_eq!(ao(1, "old").change(&ao(2, "new")), Change::Nothing);
        assert_eq!(with(Some("old")).change(&ao(1, "old")), Change::Reset);
    }
}

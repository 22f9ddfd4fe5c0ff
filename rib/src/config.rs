//! What is configured for a whole Rib.

use core::net::{Ipv4Addr, Ipv6Addr};

use bgp_wire::{Asn, BgpId, ClusterId};

/// Knobs of the decision process; the default is RFC 4271 with its updates to the letter.
///
/// The result never depends on the order of arrival (what others call `deterministic-med`), but for
/// [`with_prefer_oldest_external`](DecisionOptions::with_prefer_oldest_external).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DecisionOptions {
    pub(crate) always_compare_med: bool,
    pub(crate) med_missing_as_worst: bool,
    pub(crate) prefer_oldest_external: bool,
}

impl DecisionOptions {
    /// All knobs off.
    #[must_use]
    pub const fn new() -> DecisionOptions {
        DecisionOptions { always_compare_med: false, med_missing_as_worst: false, prefer_oldest_external: false }
    }

    /// Compares MULTI_EXIT_DISC between paths of different neighbour ASes too (off).
    #[must_use]
    pub const fn with_always_compare_med(mut self, on: bool) -> DecisionOptions {
        self.always_compare_med = on;
        self
    }

    /// A path without MULTI_EXIT_DISC counts as 2^32 - 1 instead of 0 (off).
    #[must_use]
    pub const fn with_med_missing_as_worst(mut self, on: bool) -> DecisionOptions {
        self.med_missing_as_worst = on;
        self
    }

    /// Keeps an external best path before the tie breakers on identifiers (RFC 5004; off).
    #[must_use]
    pub const fn with_prefer_oldest_external(mut self, on: bool) -> DecisionOptions {
        self.prefer_oldest_external = on;
        self
    }
}

/// What is configured for a [`Rib`](crate::Rib).
///
/// ```
/// use bgp_rib::Config;
/// use bgp_wire::Asn;
///
/// let reflector = Config::new(Asn(64512), "192.168.179.104".parse()?)
///     .with_cluster_id("244.0.0.1".parse()?)
///     .with_local_v4("192.168.179.104".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) local_as: Asn,
    pub(crate) router_id: BgpId,
    pub(crate) cluster_id: ClusterId,
    pub(crate) confederation: Option<Asn>,
    pub(crate) decision: DecisionOptions,
    pub(crate) no_client_to_client: bool,
    pub(crate) local_v4: Option<Ipv4Addr>,
    pub(crate) local_v6: Option<Ipv6Addr>,
    pub(crate) fib_events: bool,
    pub(crate) ring_octets: u32,
}

impl Config {
    /// A speaker of `local_as` (inside a confederation: its member AS) with the defaults of every `with_` method.
    #[must_use]
    pub const fn new(local_as: Asn, router_id: BgpId) -> Config {
        Config {
            local_as,
            router_id,
            cluster_id: ClusterId(router_id.0),
            confederation: None,
            decision: DecisionOptions::new(),
            no_client_to_client: false,
            local_v4: None,
            local_v6: None,
            fib_events: true,
            ring_octets: 1 << 20,
        }
    }

    /// The CLUSTER_ID of this reflector (the BGP Identifier).
    #[must_use]
    #[doc(alias = "routeReflectorClusterID")]
    pub const fn with_cluster_id(mut self, cluster_id: ClusterId) -> Config {
        self.cluster_id = cluster_id;
        self
    }

    /// The identifier of the confederation (RFC 5065) that `local_as` is a member AS of (none): our AS number to the
    /// outside. Which peers are other members is said by [`PeerKind::Confed`](crate::PeerKind::Confed).
    #[must_use]
    pub const fn with_confederation(mut self, id: Asn) -> Config {
        self.confederation = Some(id);
        self
    }

    /// Knobs of the decision process.
    #[must_use]
    pub const fn with_decision(mut self, decision: DecisionOptions) -> Config {
        self.decision = decision;
        self
    }

    /// Clients are fully meshed: what one client sent is not reflected to the others (off).
    #[must_use]
    pub const fn with_no_client_to_client(mut self, on: bool) -> Config {
        self.no_client_to_client = on;
        self
    }

    /// Own IPv4 address: the NEXT_HOP towards eBGP and of own routes; a received route with it is not used (none).
    #[must_use]
    pub const fn with_local_v4(mut self, addr: Ipv4Addr) -> Config {
        self.local_v4 = Some(addr);
        self
    }

    /// Own IPv6 address, likewise (none).
    #[must_use]
    pub const fn with_local_v6(mut self, addr: Ipv6Addr) -> Config {
        self.local_v6 = Some(addr);
        self
    }

    /// Whether changes of the best route are told by [`Rib::poll_event`](crate::Rib::poll_event) (on). A reflector off
    /// the forwarding path turns it off and pays nothing for it.
    #[must_use]
    pub const fn with_fib_events(mut self, on: bool) -> Config {
        self.fib_events = on;
        self
    }

    /// How many octets of messages an export group keeps for members that have not pulled them (2^20): one that falls
    /// behind by more is sent the state of the table instead of its history. A member owes at most one withdrawal of
    /// its own per 1024 octets of it before the same happens.
    #[must_use]
    pub const fn with_ring_octets(mut self, octets: u32) -> Config {
        self.ring_octets = octets;
        self
    }

    /// The AS number that the world outside AS and confederation knows us by.
    #[must_use]
    pub fn public_as(&self) -> Asn {
        self.confederation.unwrap_or(self.local_as)
    }

    /// Our AS, inside a confederation our member AS.
    #[must_use]
    pub const fn local_as(&self) -> Asn {
        self.local_as
    }

    /// Our BGP Identifier.
    #[must_use]
    pub const fn router_id(&self) -> BgpId {
        self.router_id
    }

    /// Whether `asn` in an AS_PATH is ourselves.
    pub(crate) fn is_own_as(&self, asn: Asn) -> bool {
        asn == self.local_as || self.confederation == Some(asn)
    }
}

//! Which peers the speaker has, and with what options: configured ones, and members of the client ranges.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bgp_fsm::{Down, PeerAs, State};
use bgp_rib::{AddPathTx, PeerKind, PeerPolicy};
use bgp_speaker::{AttributeLimit, ConnId, PeerConfig, PeerId, PrefixLimit, Range, Refused};
use bgp_wire::capability::{AddPath, AddPathMode, Capability, GracefulRestart, GracefulRestartFamily};
use bgp_wire::{Family, NotificationCode};

use super::{Failure, Reflector};
use crate::reflector::settings::{PeerSettings, RangeSettings, Settings};

/// The speaker's own options.
pub(super) fn speaker(settings: &Settings) -> bgp_speaker::Config {
    let mut rib = bgp_rib::Config::new(settings.local_as, settings.router_id)
        .with_cluster_id(settings.cluster_id)
        .with_fib_events(false);
    if let Some(address) = settings.local_v4 {
        rib = rib.with_local_v4(address);
    }
    if let Some(address) = settings.local_v6 {
        rib = rib.with_local_v6(address);
    }
    bgp_speaker::Config::new(rib).with_tap(settings.mrt.is_some())
}

/// What all sessions have in common.
fn session(settings: &Settings, peer_as: PeerAs, add_path: bool) -> bgp_fsm::Config {
    let mut capabilities = vec![
        Capability::MultiProtocol(Family::IPV4_UNICAST),
        Capability::MultiProtocol(Family::IPV6_UNICAST),
        Capability::RouteRefresh,
        Capability::EnhancedRouteRefresh,
        Capability::ExtendedMessage,
        Capability::FourOctetAs(settings.local_as),
        Capability::GracefulRestart(restart(settings)),
    ];
    if add_path {
        let both = |family| AddPath { family, mode: AddPathMode::BOTH };
        let entries = FAMILIES.map(both);
        capabilities.push(Capability::AddPath(entries.to_vec()));
    }
    bgp_fsm::Config::new(settings.local_as, settings.router_id, peer_as)
        .with_hold_time(settings.hold_time)
        .with_open_hold_time(settings.open_hold_time)
        .with_connect_retry(settings.connect_retry)
        .with_max_prefix_restart(Some(TOO_MANY))
        .with_capabilities(capabilities)
}

/// RFC 4724 section 3: without families, we help peers that restart and do not do it ourselves. A reflector forwards
/// nothing, so that nothing is lost of that while it is away.
fn restart(settings: &Settings) -> GracefulRestart {
    let family = |family| GracefulRestartFamily { family, forwarding: true };
    GracefulRestart {
        restart_time: settings.graceful_restart.unwrap_or(0),
        restarting: settings.restarting,
        notification: true,
        families: settings.graceful_restart.map_or_else(Vec::new, |_| FAMILIES.map(family).to_vec()),
    }
}

/// A range of clients: they dial, we wait.
pub(super) fn range(settings: &Settings, range: &RangeSettings) -> Range {
    let address = range.prefix.addr();
    let mut rib = bgp_rib::PeerConfig::new(PeerKind::RrClient, settings.local_as, address);
    if range.add_path {
        rib = rib.with_add_path_tx(AddPathTx::All);
    }
    let template = PeerConfig::new(address, session(settings, PeerAs::Internal, range.add_path), rib);
    let template = limited(template, range.max_prefixes, range.max_attribute_octets);
    Range::new(range.prefix, range.limit, template.with_advertisement_interval(range.advertisement_interval))
}

/// Each family has the same limit.
fn limited(peer: PeerConfig, limit: Option<u32>, octets: Option<u64>) -> PeerConfig {
    let peer = octets.into_iter().fold(peer, |peer, octets| peer.with_attribute_limit(AttributeLimit::new(octets)));
    let limits = FAMILIES.into_iter().zip(limit.into_iter().cycle());
    limits.fold(peer, |peer, (family, limit)| peer.with_prefix_limit(PrefixLimit::new(family, limit).with_warning(75)))
}

pub(super) fn configured(settings: &Settings, peer: &PeerSettings) -> PeerConfig {
    let session = session(settings, PeerAs::Exact(peer.asn), peer.add_path)
        .with_passive(peer.passive)
        .with_never_dial(peer.passive)
        // A passive session costs nothing while it waits; a dialling one must not dial without a pause.
        .with_damp_peer_oscillations(!peer.passive)
        .with_idle_hold_time(Duration::from_secs(1))
        .with_idle_hold_max(settings.connect_retry);
    let kind = match (peer.client, peer.asn == settings.local_as) {
        (true, _) => PeerKind::RrClient,
        (false, true) => PeerKind::Ibgp,
        (false, false) => PeerKind::Ebgp,
    };
    // RFC 8212: without a policy nothing is accepted from another AS, and nothing sent to it.
    let policy = if peer.accept { PeerPolicy::AcceptAll } else { PeerPolicy::None };
    let mut rib = bgp_rib::PeerConfig::new(kind, peer.asn, peer.address).with_policy(policy);
    if peer.add_path {
        rib = rib.with_add_path_tx(AddPathTx::All);
    }
    match peer.source {
        Some(IpAddr::V4(source)) => rib = rib.with_local_v4(source),
        Some(IpAddr::V6(source)) => rib = rib.with_local_v6(source),
        None => {}
    }
    let config = PeerConfig::new(peer.address, session, rib).with_port(peer.port);
    limited(config, peer.max_prefixes, peer.max_attribute_octets)
        .with_advertisement_interval(peer.advertisement_interval)
}

/// How long a peer waits that sent too many prefixes.
const TOO_MANY: Duration = Duration::from_secs(300);
/// The families of every session.
const FAMILIES: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];

impl Reflector {
    pub(super) fn add_ranges(&mut self) {
        for one in &self.settings.ranges {
            self.speaker.add_range(range(&self.settings, one));
        }
    }

    pub(super) fn add_configured(&mut self) -> Result<(), Failure> {
        let now = self.now();
        for peer in &self.settings.peers {
            let config = configured(&self.settings, peer);
            self.speaker
                .add_peer(now, config)
                .map_err(|error| Failure::input(format!("peer {}", peer.address), io::Error::other(error)))?;
        }
        Ok(())
    }

    pub(super) fn start_configured(&mut self) {
        let now = self.now();
        let peers: Vec<PeerId> = self.speaker.peers().map(|peer| peer.id).collect();
        for peer in peers {
            self.speaker.start(&mut self.store, now, peer);
        }
    }

    /// Whose connection it is.
    ///
    /// # Errors
    /// Nobody's, and it is to be closed after these octets.
    pub(super) fn incoming(&mut self, remote: SocketAddr) -> Result<ConnId, Option<[u8; 21]>> {
        let now = self.now();
        self.speaker.incoming(&mut self.store, now, remote).map_err(|refused| {
            let count = match refused {
                Refused::UnknownPeer(_) => &mut self.refusals.unknown,
                Refused::RangeFull(_) => &mut self.refusals.too_many,
                _ => &mut self.refusals.not_now,
            };
            *count = count.saturating_add(1);
            refused.notification()
        })
    }

    pub(super) fn peer_up(&mut self, peer: PeerId) {
        if let Some(status) = self.speaker.peer(peer) {
            report(format_args!("{} up", status.config.address));
        }
    }

    pub(super) fn peer_down(&mut self, peer: PeerId, established: bool, reason: &Down) {
        let Some(status) = self.speaker.peer(peer) else { return };
        let (address, dynamic) = (status.config.address, status.dynamic);
        let (idle, passive) = (status.state == State::Idle, status.config.session.passive);
        let now = self.now();
        self.last_errors.add(&self.started_at, now, address, reason.to_string());
        if established {
            report(format_args!("{address} down: {reason}"));
        }
        // One that sent too many prefixes starts by itself, later.
        let exceeded = reason.notification().is_some_and(|n| n.code == NotificationCode::MAX_PREFIXES);
        if idle && passive && !dynamic && self.ends.is_none() && !(exceeded && reason.is_local()) {
            self.speaker.start(&mut self.store, now, peer);
        }
    }

    pub(super) fn warn(&mut self, peer: PeerId, family: Family, count: u32, limit: u32) {
        if let Some(status) = self.speaker.peer(peer) {
            let text = format!("{count} prefixes of {family}, the limit is {limit}");
            report(format_args!("{}: {text}", status.config.address));
            self.last_errors.add(&self.started_at, self.now(), status.config.address, text);
        }
    }
}

impl Reflector {
    pub(super) fn warn_attributes(&mut self, peer: PeerId, octets: u64, limit: u64) {
        if let Some(status) = self.speaker.peer(peer) {
            let text = format!("{octets} octets of attributes, the limit is {limit}");
            self.last_errors.add(&self.started_at, self.now(), status.config.address, text);
        }
    }
}

/// One line on standard error.
pub(super) fn report(line: std::fmt::Arguments<'_>) {
    // Nobody has to listen.
    let _ = io::Write::write_fmt(&mut io::stderr().lock(), format_args!("{line}\n"));
}

//! Which peers the speaker has, and with what options: configured ones, and members of the client ranges.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bgp_fsm::{Down, PeerAs, State};
use bgp_rib::{AddPathTx, PeerKind, PeerPolicy};
use bgp_speaker::{ConnId, PeerConfig, PeerId, Refused};
use bgp_wire::Family;
use bgp_wire::capability::{AddPath, AddPathMode, Capability};

use super::{Failure, Reflector};
use crate::reflector::clients::Admission;
use crate::reflector::settings::{PeerSettings, Settings};

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
    bgp_speaker::Config::new(rib)
}

/// What all sessions have in common.
fn session(settings: &Settings, peer_as: PeerAs, add_path: bool) -> bgp_fsm::Config {
    let mut capabilities = vec![
        Capability::MultiProtocol(Family::IPV4_UNICAST),
        Capability::MultiProtocol(Family::IPV6_UNICAST),
        Capability::RouteRefresh,
        Capability::FourOctetAs(settings.local_as),
    ];
    if add_path {
        let both = |family| AddPath { family, mode: AddPathMode::BOTH };
        let entries = [Family::IPV4_UNICAST, Family::IPV6_UNICAST].map(both);
        capabilities.push(Capability::AddPath(entries.to_vec()));
    }
    bgp_fsm::Config::new(settings.local_as, settings.router_id, peer_as)
        .with_hold_time(settings.hold_time)
        .with_open_hold_time(settings.open_hold_time)
        .with_connect_retry(settings.connect_retry)
        .with_capabilities(capabilities)
}

/// A member of a client range: it dials, we wait.
fn member(settings: &Settings, address: IpAddr) -> PeerConfig {
    let session = session(settings, PeerAs::Internal, false).with_passive(true).with_never_dial(true);
    PeerConfig::new(address, session, bgp_rib::PeerConfig::new(PeerKind::RrClient, settings.local_as, address))
}

fn configured(settings: &Settings, peer: &PeerSettings) -> PeerConfig {
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
    PeerConfig::new(peer.address, session, rib).with_port(peer.port)
}

impl Reflector {
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

    /// Whose connection it is; `None`: nobody's, and it is to be closed.
    pub(super) fn incoming(&mut self, remote: SocketAddr) -> Option<ConnId> {
        let now = self.now();
        if self.speaker.peer_at(remote.ip()).is_none() {
            self.admit(remote.ip())?;
        }
        match self.speaker.incoming(&mut self.store, now, remote) {
            Ok(conn) => Some(conn),
            Err(refused) => {
                let count = match refused {
                    Refused::UnknownPeer(_) => &mut self.refusals.unknown,
                    _ => &mut self.refusals.not_now,
                };
                *count = count.saturating_add(1);
                self.reap(remote.ip());
                None
            }
        }
    }

    fn admit(&mut self, address: IpAddr) -> Option<()> {
        let now = self.now();
        let place = match self.clients.admits(address) {
            Admission::Welcome(place) => place,
            Admission::Full => {
                self.refusals.too_many = self.refusals.too_many.saturating_add(1);
                return None;
            }
            Admission::Unknown => {
                self.refusals.unknown = self.refusals.unknown.saturating_add(1);
                return None;
            }
        };
        let peer = self.speaker.add_peer(now, member(&self.settings, address)).ok()?;
        self.clients.joined(peer, place);
        self.speaker.start(&mut self.store, now, peer);
        Some(())
    }

    pub(super) fn peer_up(&mut self, peer: PeerId) {
        if let Some(status) = self.speaker.peer(peer) {
            report(format_args!("{} up", status.config.address));
        }
    }

    pub(super) fn peer_down(&mut self, peer: PeerId, established: bool, reason: &Down) {
        let Some(status) = self.speaker.peer(peer) else { return };
        let (address, idle, passive) =
            (status.config.address, status.state == State::Idle, status.config.session.passive);
        let now = self.now();
        self.last_errors.add(&self.started_at, now, address, reason.to_string());
        if established {
            report(format_args!("{address} down: {reason}"));
        }
        if idle && passive && self.ends.is_none() && !self.clients.contains(peer) {
            self.speaker.start(&mut self.store, now, peer);
        }
    }

    /// A connection with `address` is over: a member of a range that has no other is forgotten.
    ///
    /// Not before: its last word may have been on the way. And not only when a session ends: a connection that is lost
    /// before an OPEN came ends none (RFC 4271 section 8.2.2, OpenSent, event 18).
    pub(super) fn reap(&mut self, address: IpAddr) {
        let Some(peer) = self.speaker.peer_at(address).filter(|peer| self.clients.contains(*peer)) else { return };
        let gone = self.speaker.peer(peer).is_some_and(|status| {
            status.connection.is_none()
                && matches!(status.state, State::Idle | State::Active)
                && status.stale.is_empty()
        });
        if gone {
            let now = self.now();
            self.clients.left(peer);
            self.speaker.remove_peer(&mut self.store, now, peer);
        }
    }
}

/// One line on standard error.
fn report(line: std::fmt::Arguments<'_>) {
    // Nobody has to listen.
    let _ = io::Write::write_fmt(&mut io::stderr().lock(), format_args!("{line}\n"));
}

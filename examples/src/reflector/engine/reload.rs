//! SIGHUP: the file is read again, and what it says is put in force without an end of the sessions, as far as that goes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::AsFd;

use bgp_fsm::{Cease, Instant};
use bgp_rib::AttrStore;
use bgp_speaker::{Change, PeerConfig, PeerId};
use ipnet::IpNet;

use super::{Reflector, peers};
use crate::reflector::line::Phase;
use crate::reflector::options;
use crate::reflector::poller::{Interest, Key};
use crate::reflector::settings::Settings;
use crate::reflector::socket;

/// What has become of the peers.
#[derive(Debug, Default)]
struct Tally {
    added: usize,
    removed: usize,
    changed: usize,
    reset: usize,
}

impl Reflector {
    /// Reads the settings again. What is wrong changes nothing, and is told.
    pub(super) fn reload(&mut self) {
        let outcome = self.settings.read_again().map_err(|error| error.to_string()).and_then(|new| self.change_to(new));
        match outcome {
            Ok(tally) => {
                let Tally { added, removed, changed, reset } = tally;
                peers::report(format_args!(
                    "reloaded: {added} peers added, {removed} removed, {changed} changed, {reset} of them reset"
                ));
                self.reload_error = None;
            }
            Err(problem) => {
                peers::report(format_args!("not reloaded, nothing has changed: {problem}"));
                self.reload_error = Some(problem);
            }
        }
    }

    fn change_to(&mut self, new: Settings) -> Result<Tally, String> {
        self.change_listeners(&new)?;
        let now = self.now();
        let restarting = self.speaker.is_restarting();
        let old = std::mem::replace(&mut self.settings, new);
        self.settings.restarting = restarting;
        self.settings.most_connections = super::most_connections(&self.settings);
        self.speaker.set_cluster_id(self.settings.cluster_id);
        for next_hop in &old.unreachable_next_hops {
            self.speaker.set_unreachable(*next_hop, false);
        }
        for next_hop in &self.settings.unreachable_next_hops {
            self.speaker.set_unreachable(*next_hop, true);
        }
        self.configured = self.settings.peers.iter().map(|peer| (peer.address, peer.clone())).collect();
        for range in &old.ranges {
            self.speaker.remove_range(range.prefix);
        }
        self.add_ranges();
        let wanted: HashMap<IpAddr, PeerConfig> =
            self.settings.peers.iter().map(|peer| (peer.address, peers::configured(&self.settings, peer))).collect();
        let mut tally = Tally::default();
        let present: Vec<_> = self.speaker.peers().map(|peer| (peer.id, peer.config.address, peer.dynamic)).collect();
        for (id, address, dynamic) in present {
            let config = match wanted.get(&address) {
                // It was a member of a range, and is configured now: it comes back as that.
                Some(_) if dynamic => None,
                Some(config) => Some(config.clone()),
                None if dynamic => self.template(address),
                None => None,
            };
            match config {
                Some(config) => tally.note(change(&mut self.speaker, &mut self.store, now, id, config)),
                None => {
                    self.speaker.remove_peer(&mut self.store, now, id);
                    tally.removed += 1;
                }
            }
        }
        for peer in &self.settings.peers {
            if self.speaker.peer_at(peer.address).is_none() {
                let config = peers::configured(&self.settings, peer);
                let added = self.speaker.add_peer(now, config).map_err(|error| error.to_string());
                match added {
                    Ok(id) => self.speaker.start(&mut self.store, now, id),
                    Err(problem) => self.last_errors.add(&self.started_at, now, peer.address, problem),
                }
                tally.added += 1;
            }
        }
        self.change_keys(&old);
        Ok(tally)
    }

    /// What a member of a range is made of, if its address is in one still.
    fn template(&self, address: IpAddr) -> Option<PeerConfig> {
        // The most specific one comes first.
        let range = self.settings.ranges.iter().find(|range| range.prefix.contains(&address))?;
        let mut config = peers::range(&self.settings, range).template;
        config.address = address;
        config.rib = config.rib.with_addr(address);
        Some(config)
    }

    /// Opens what is listened on anew, and closes what is not any more. One that cannot be opened changes nothing.
    fn change_listeners(&mut self, new: &Settings) -> Result<(), String> {
        let mut opened = Vec::new();
        for address in new.listen.iter().filter(|address| !self.settings.listen.contains(address)) {
            let listener = socket::listen(*address, new).map_err(|error| format!("listen {address}: {error}"))?;
            opened.push((*address, listener));
        }
        for (address, listener) in opened {
            let place = u32::try_from(self.listeners.len()).unwrap_or(u32::MAX);
            self.poller
                .add(&listener, Key::Listener(place), Interest::READ)
                .map_err(|error| format!("listen {address}: {error}"))?;
            self.listeners.push(Some((address, listener)));
        }
        for slot in &mut self.listeners {
            slot.take_if(|(address, _)| !new.listen.contains(address));
        }
        Ok(())
    }

    /// Keys of TCP MD5 signatures, on the listening sockets and on those of sessions that are up.
    fn change_keys(&mut self, old: &Settings) {
        let none = bgp_fsm::Secret::new(b"");
        let keys = |settings: &Settings| {
            let peers = settings.peers.iter().map(|peer| (IpNet::from(peer.address), peer.password.clone()));
            let ranges = settings.ranges.iter().map(|range| (range.prefix, range.password.clone()));
            peers.chain(ranges).collect::<HashMap<IpNet, _>>()
        };
        let (before, after) = (keys(old), keys(&self.settings));
        let mut problems = Vec::new();
        for prefix in before.keys().chain(after.keys()) {
            let key = |keys: &HashMap<IpNet, Option<bgp_fsm::Secret>>| keys.get(prefix).cloned().flatten();
            let (was, is) = (key(&before), key(&after));
            if was.as_ref().map(bgp_fsm::Secret::expose) == is.as_ref().map(bgp_fsm::Secret::expose) {
                continue;
            }
            let is = is.as_ref().unwrap_or(&none);
            for (address, listener) in self.listeners.iter().flatten() {
                // One that was opened just now has the key already: setting it again does no harm.
                if address.is_ipv4() == prefix.addr().is_ipv4()
                    && let Err(error) = options::sign(listener.as_fd(), *prefix, is)
                    && !is.expose().is_empty()
                {
                    problems.push((prefix.addr(), format!("the key is not in force: {error}")));
                }
            }
            for line in self.lines.iter().filter(|line| prefix.contains(&line.remote.ip())) {
                if matches!(line.phase, Phase::Open(_)) {
                    // A connection without a signature gets none: the peer could not know when it begins.
                    let _ = was.as_ref().map(|_| options::sign(line.stream.as_fd(), IpNet::from(line.remote.ip()), is));
                }
            }
        }
        let now = self.now();
        for (address, problem) in problems {
            self.last_errors.add(&self.started_at, now, address, problem);
        }
    }
}

impl Tally {
    fn note(&mut self, change: Option<Change>) {
        self.changed += usize::from(change.is_some());
        self.reset += usize::from(change == Some(Change::Reset));
    }
}

/// Gives a peer its configuration; none: it is the one that it has. One that needs a new session gets it at once.
fn change(
    speaker: &mut bgp_speaker::Speaker,
    store: &mut AttrStore,
    now: Instant,
    id: PeerId,
    config: PeerConfig,
) -> Option<Change> {
    if *speaker.peer(id)?.config == config {
        return None;
    }
    // It fails for a peer that is not there, or has another address only.
    let change = speaker.update_peer(store, now, id, config).ok()?;
    if change == Change::Reset {
        speaker.cease(store, now, id, &Cease::configuration_change());
    }
    Some(change)
}

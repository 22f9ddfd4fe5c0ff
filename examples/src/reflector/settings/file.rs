//! The TOML file, which can say all that the command line can and the limits.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bgp_wire::{Asn, BgpId, ClusterId};
use ipnet::IpNet;
use serde::Deserialize;

use super::peer::{PeerEntry, secret};
use super::places::Places;
use super::{Arguments, RangeSettings, Settings, SettingsError};

/// All settings as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    #[serde(default)]
    listen: Vec<SocketAddr>,
    local_as: Option<u32>,
    router_id: Option<Ipv4Addr>,
    cluster_id: Option<Ipv4Addr>,
    hold_time: Option<u16>,
    open_hold_time: Option<u32>,
    connect_retry: Option<u32>,
    max_connections: Option<u32>,
    status: Option<PathBuf>,
    metrics: Option<SocketAddr>,
    mrt: Option<PathBuf>,
    graceful_restart: Option<u16>,
    #[serde(default)]
    unreachable_next_hops: Vec<IpAddr>,
    local_v4: Option<Ipv4Addr>,
    local_v6: Option<Ipv6Addr>,
    #[serde(default)]
    client_range: Vec<RangeEntry>,
    #[serde(default)]
    peer: Vec<PeerEntry>,
    #[serde(skip)]
    places: Places,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RangeEntry {
    prefix: IpNet,
    limit: Option<u32>,
    password: Option<PathBuf>,
    #[serde(default)]
    add_path: bool,
    max_prefixes: Option<u32>,
    max_attribute_octets: Option<u64>,
    #[serde(default)]
    advertisement_interval: u32,
}

impl RangeEntry {
    fn new(prefix: IpNet) -> RangeEntry {
        RangeEntry {
            prefix,
            limit: None,
            password: None,
            add_path: false,
            max_prefixes: None,
            max_attribute_octets: None,
            advertisement_interval: 0,
        }
    }
}

impl File {
    pub(super) fn read(path: &Path) -> Result<File, SettingsError> {
        let bad = |problem: String| SettingsError::new(path.display(), problem);
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let places = Places::in_text(&text);
        let file = toml::from_str(&text).map(|file| File { places, ..file });
        file.map_err(|error| {
            let line =
                error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
            match line {
                Some(line) => bad(format!("line {line}: {}", error.message())),
                None => bad(error.message().to_owned()),
            }
        })
    }

    /// What the command line says takes the place of what the file says; ranges and peers are added.
    pub(super) fn overlay(&mut self, arguments: Arguments) {
        if !arguments.listen.is_empty() {
            self.listen = arguments.listen;
        }
        self.local_as = arguments.local_as.or(self.local_as);
        self.router_id = arguments.router_id.or(self.router_id);
        self.cluster_id = arguments.cluster_id.or(self.cluster_id);
        self.hold_time = arguments.hold_time.or(self.hold_time);
        self.status = arguments.status.or(self.status.take());
        self.metrics = arguments.metrics.or(self.metrics);
        self.mrt = arguments.mrt.or(self.mrt.take());
        self.graceful_restart = arguments.graceful_restart.or(self.graceful_restart);
        let ranges = arguments.client_range.into_iter();
        self.client_range.extend(ranges.map(RangeEntry::new));
        self.peer.extend(arguments.peer);
    }

    pub(super) fn check(self, place: &str, arguments: Arguments) -> Result<Settings, SettingsError> {
        let places = self.places;
        let missing = |name: &str| SettingsError::new(place, format_args!("{name} is missing"));
        let bad = |name: &str, problem: String| match places.line(name) {
            Some(line) => SettingsError::new(place, format_args!("line {line}: {problem}")),
            None => SettingsError::new(place, problem),
        };
        // What a peer or range says itself, with the line where it begins.
        let within = |name: &str, error: SettingsError| match places.line(name) {
            Some(line) => SettingsError::new(place, format_args!("line {line}: {error}")),
            None => error,
        };
        let local_as = self.local_as.ok_or_else(|| missing("local-as"))?;
        if local_as == 0 {
            return Err(bad("local-as", "local-as 0 is reserved (RFC 7607)".into()));
        }
        let router_id = self.router_id.ok_or_else(|| missing("router-id"))?;
        if router_id.is_unspecified() {
            return Err(bad("router-id", "router-id 0.0.0.0 is no identifier (RFC 6286)".into()));
        }
        if self.listen.is_empty() && self.peer.is_empty() {
            return Err(missing("listen"));
        }
        let hold_time = self.hold_time.unwrap_or(240);
        if matches!(hold_time, 1 | 2) {
            let problem = format!("hold-time {hold_time} is neither 0 nor at least 3 (RFC 4271 section 4.2)");
            return Err(bad("hold-time", problem));
        }
        if let Some(seconds @ (0 | 4096..)) = self.graceful_restart {
            let problem = format!("graceful-restart {seconds} is not within 1 and 4095 seconds (RFC 4724 section 3)");
            return Err(bad("graceful-restart", problem));
        }
        let seconds = |name: &str, value: Option<u32>, default: u32| match value.unwrap_or(default) {
            0 => Err(bad(name, format!("{name} 0 is too short"))),
            seconds => Ok(Duration::from_secs(seconds.into())),
        };
        let mut seen = BTreeSet::new();
        let mut peers = Vec::new();
        for (number, entry) in self.peer.into_iter().enumerate() {
            let name = format!("peer {number}");
            let peer = entry.check(Asn(local_as)).map_err(|error| within(&name, error))?;
            if !seen.insert(peer.address) {
                return Err(bad(&name, format!("peer {} is there twice", peer.address)));
            }
            peers.push(peer);
        }
        let mut ranges: Vec<RangeSettings> = Vec::new();
        for (number, entry) in self.client_range.into_iter().enumerate() {
            let (name, prefix) = (format!("client-range {number}"), entry.prefix.trunc());
            if ranges.iter().any(|range| range.prefix == prefix) {
                return Err(bad(&name, format!("client-range {prefix} is there twice")));
            }
            let password = entry.password.as_deref().map(secret).transpose();
            ranges.push(RangeSettings {
                prefix,
                limit: entry.limit.unwrap_or(CLIENTS),
                password: password.map_err(|error| within(&name, error))?,
                add_path: entry.add_path,
                max_prefixes: entry.max_prefixes,
                max_attribute_octets: entry.max_attribute_octets,
                advertisement_interval: Duration::from_secs(entry.advertisement_interval.into()),
            });
        }
        // The most specific range decides.
        ranges.sort_by_key(|range| std::cmp::Reverse(range.prefix.prefix_len()));
        let most_connections = usize::try_from(self.max_connections.unwrap_or(CONNECTIONS)).unwrap_or(usize::MAX);
        if most_connections == 0 {
            return Err(bad("max-connections", "max-connections 0 is too few".into()));
        }
        Ok(Settings {
            listen: self.listen,
            local_as: Asn(local_as),
            router_id: BgpId(router_id.to_bits()),
            cluster_id: ClusterId(self.cluster_id.unwrap_or(router_id).to_bits()),
            hold_time,
            open_hold_time: seconds("open-hold-time", self.open_hold_time, 240)?,
            connect_retry: seconds("connect-retry", self.connect_retry, 30)?,
            most_connections,
            ranges,
            peers,
            status: self.status,
            metrics: self.metrics,
            mrt: self.mrt,
            graceful_restart: self.graceful_restart,
            unreachable_next_hops: self.unreachable_next_hops,
            local_v4: self.local_v4,
            local_v6: self.local_v6,
            restarting: false,
            arguments,
        })
    }
}

/// Clients of one range, unless the file says otherwise.
const CLIENTS: u32 = 4096;
/// Connections, unless the file says otherwise.
const CONNECTIONS: u32 = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_everything() {
        let file: File = toml::from_str(include_str!("example.toml")).unwrap();
        let settings = file.check("example.toml", Arguments::default()).unwrap();
        assert_eq!((settings.listen.len(), settings.ranges.len(), settings.peers.len()), (2, 1, 1));
        assert_eq!((settings.cluster_id, settings.hold_time), (ClusterId(0xf400_0001), 240));
        assert!(settings.peers[0].accept && settings.peers[0].ttl_security == Some(1));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let file: File = toml::from_str("listen = ['127.0.0.1:0']\nlocal-as = 1\nrouter-id = '10.0.0.1'").unwrap();
        let settings = file.check("file", Arguments::default()).unwrap();
        assert_eq!(
            (settings.cluster_id, settings.hold_time, settings.most_connections),
            (ClusterId(0x0a00_0001), 240, 8192)
        );
        assert_eq!((settings.open_hold_time.as_secs(), settings.connect_retry.as_secs()), (240, 30));
    }

    #[test]
    fn the_most_specific_range_comes_first() {
        let mut file: File = toml::from_str("listen = ['127.0.0.1:0']\nlocal-as = 1\nrouter-id = '10.0.0.1'").unwrap();
        let range = |prefix: &str| RangeEntry::new(prefix.parse().unwrap());
        file.client_range = vec![range("127.0.0.0/8"), range("127.1.0.9/16")];
        let prefixes =
            file.check("file", Arguments::default()).unwrap().ranges.into_iter().map(|range| range.prefix.to_string());
        assert_eq!(prefixes.collect::<Vec<_>>(), ["127.1.0.0/16", "127.0.0.0/8"]);
    }
}

//! What a reflector is told: command line and TOML file, checked before anything is opened.

mod file;
mod peer;
mod places;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bgp_fsm::Secret;
use bgp_wire::{Asn, BgpId, ClusterId};
use clap::Parser;
use ipnet::IpNet;

use file::File;
use peer::PeerEntry;
use places::Places;

/// Reflects BGP routes between clients on real TCP connections (RFC 4271, RFC 4456); IPv4 and IPv6 unicast.
///
/// The first line on standard output is `listening ADDR:PORT`. SIGTERM and SIGINT end it with a Cease to every peer;
/// SIGUSR1 prints the state of the sessions; SIGHUP reads the file again. Exit code: 0 ended by a signal, 1 a system call failed, 2 the input is wrong.
#[derive(Debug, Clone, Default, Parser)]
#[command(version)]
pub struct Arguments {
    /// The address to accept connections on; may repeat, and may name port 0.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// The AS number.
    #[arg(long, value_name = "ASN")]
    local_as: Option<u32>,
    /// The BGP Identifier.
    #[arg(long, value_name = "ADDR")]
    router_id: Option<Ipv4Addr>,
    /// The CLUSTER_ID; the BGP Identifier unless given.
    #[arg(long, value_name = "ADDR")]
    cluster_id: Option<Ipv4Addr>,
    /// Whoever connects from such an address is a client; may repeat.
    #[arg(long, value_name = "PREFIX")]
    client_range: Vec<IpNet>,
    /// A peer: ADDR[:PORT],AS[,client][,passive][,password=FILE][,add-path][,policy=accept][,source=ADDR]
    /// [,ttl-security[=HOPS]][,max-prefixes=N]; may repeat.
    #[arg(long, value_name = "PEER")]
    peer: Vec<PeerEntry>,
    /// The hold time that is proposed, in seconds; 240 unless given.
    #[arg(long, value_name = "SECONDS")]
    hold_time: Option<u16>,
    /// The same and more as TOML; the command line comes first.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A Unix socket that answers each connection with the state as JSON.
    #[arg(long, value_name = "PATH")]
    status: Option<PathBuf>,
    /// Answers HTTP there: /metrics for Prometheus, /status, and /explain?prefix=PREFIX[&to=PEER] as JSON. It asks for no
    /// password: keep it local.
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Writes every message of every session, as MRT (RFC 6396).
    #[arg(long, value_name = "FILE")]
    mrt: Option<PathBuf>,
    /// Restarts gracefully (RFC 4724): peers keep our routes for so many seconds while we are away, and when we are back we
    /// announce nothing until all of them have sent theirs, or for as long.
    #[arg(long, value_name = "SECONDS")]
    graceful_restart: Option<u16>,
    /// Asks the reflector that answers at --metrics what it makes of a prefix, prints that, and ends.
    #[arg(long, value_name = "PREFIX", requires = "metrics")]
    explain: Option<IpNet>,
    /// With --explain: why that peer was sent it, or not.
    #[arg(long, value_name = "PEER", requires = "explain")]
    to: Option<IpAddr>,
}

impl Arguments {
    /// The question to a reflector that runs, if that is all that is wanted: where it answers, and what is asked for.
    #[must_use]
    pub fn question(&self) -> Option<(SocketAddr, String)> {
        let (address, prefix) = self.metrics.zip(self.explain)?;
        let to = self.to.map(|to| format!("&to={to}")).unwrap_or_default();
        Some((address, format!("/explain?prefix={prefix}{to}")))
    }
}

/// What a reflector is told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where connections are accepted.
    pub listen: Vec<SocketAddr>,
    /// The AS number.
    pub local_as: Asn,
    /// The BGP Identifier.
    pub router_id: BgpId,
    /// The CLUSTER_ID.
    pub cluster_id: ClusterId,
    /// The hold time that is proposed, in seconds.
    pub hold_time: u16,
    /// How long a connection may take to send its OPEN.
    pub open_hold_time: Duration,
    /// The time between attempts to connect.
    pub connect_retry: Duration,
    /// How many connections there are at most, of all peers together.
    pub most_connections: usize,
    /// Whose connections are taken as clients.
    pub ranges: Vec<RangeSettings>,
    /// The peers.
    pub peers: Vec<PeerSettings>,
    /// The Unix socket that tells the state.
    pub status: Option<PathBuf>,
    /// Where HTTP is answered.
    pub metrics: Option<SocketAddr>,
    /// The file for all messages.
    pub mrt: Option<PathBuf>,
    /// How long peers keep our routes while we restart, in seconds, if they are to.
    pub graceful_restart: Option<u16>,
    /// Next hops that do not resolve; all others do.
    pub unreachable_next_hops: Vec<IpAddr>,
    /// The own IPv4 address in routes towards other ASes.
    pub local_v4: Option<Ipv4Addr>,
    /// The own IPv6 address in routes towards other ASes.
    pub local_v6: Option<Ipv6Addr>,
    /// The sessions say that we have restarted; set by the reflector.
    pub(super) restarting: bool,
    /// What they were read from.
    arguments: Arguments,
}

/// Clients that are known by their address only.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RangeSettings {
    /// Their addresses.
    pub prefix: IpNet,
    /// How many of them there are at most at a time.
    pub limit: u32,
    /// The key of their TCP MD5 signatures.
    pub password: Option<Secret>,
    /// Several paths for a prefix, both ways (RFC 7911).
    pub add_path: bool,
    /// How many prefixes of a family each may announce.
    pub max_prefixes: Option<u32>,
    /// How many octets of attributes its paths may hold.
    pub max_attribute_octets: Option<u64>,
    /// The time between announcements to it (RFC 4271 section 9.2.1.1).
    pub advertisement_interval: Duration,
}

/// One peer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeerSettings {
    /// Its address.
    pub address: IpAddr,
    /// The port to dial.
    pub port: u16,
    /// Its AS number.
    pub asn: Asn,
    /// It is a reflection client.
    pub client: bool,
    /// It is never dialled.
    pub passive: bool,
    /// The key of the TCP MD5 signature.
    pub password: Option<Secret>,
    /// Several paths for a prefix, both ways (RFC 7911).
    pub add_path: bool,
    /// Routes are exchanged with another AS, too (RFC 8212).
    pub accept: bool,
    /// The address to dial from.
    pub source: Option<IpAddr>,
    /// How many hops away it may be (RFC 5082).
    pub ttl_security: Option<u8>,
    /// How many prefixes of a family it may announce.
    pub max_prefixes: Option<u32>,
    /// How many octets of attributes its paths may hold.
    pub max_attribute_octets: Option<u64>,
    /// The time between announcements to it (RFC 4271 section 9.2.1.1).
    pub advertisement_interval: Duration,
}

/// What is wrong with the command line or the file, with the place and the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(String);

impl SettingsError {
    fn new(place: impl fmt::Display, problem: impl fmt::Display) -> SettingsError {
        SettingsError(format!("{place}: {problem}"))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the file that the arguments name, and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(arguments: Arguments) -> Result<Settings, SettingsError> {
        let (mut file, place) = match &arguments.config {
            Some(path) => (File::read(path)?, path.display().to_string()),
            None => (File::default(), "command line".to_owned()),
        };
        file.overlay(arguments.clone());
        file.check(&place, arguments)
    }

    /// Reads the same again; what the file says may have changed.
    ///
    /// # Errors
    /// The first thing that is wrong, also what cannot change while the reflector runs.
    pub fn read_again(&self) -> Result<Settings, SettingsError> {
        let new = Settings::read(self.arguments.clone())?;
        let place = self.arguments.config.as_deref().map_or("command line".into(), |path| path.display().to_string());
        let fixed = [
            ("local-as", new.local_as == self.local_as),
            ("router-id", new.router_id == self.router_id),
            ("status", new.status == self.status),
            ("metrics", new.metrics == self.metrics),
            ("mrt", new.mrt == self.mrt),
            ("graceful-restart", new.graceful_restart == self.graceful_restart),
            ("local-v4", new.local_v4 == self.local_v4),
            ("local-v6", new.local_v6 == self.local_v6),
        ];
        match fixed.into_iter().find(|(_, same)| !same) {
            Some((name, _)) => {
                let line = self.arguments.config.as_deref().and_then(|path| Places::of(path).line(name));
                let place = line.map_or(place.clone(), |line| format!("{place}: line {line}"));
                Err(SettingsError::new(place, format_args!("{name} cannot change while the reflector runs")))
            }
            None => Ok(new),
        }
    }
}

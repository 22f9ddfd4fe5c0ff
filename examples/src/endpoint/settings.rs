//! What the endpoint is told on its command line.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Parser;
use ipip::{Config, EcnMode};
use ipnet::Ipv4Net;

use super::routes::{Routes, RoutesError};

/// Carries IPv4 in IPv4 between a TUN device and a raw socket (RFC 2003). Needs the capabilities `NET_ADMIN` and `NET_RAW`.
///
/// The outer TTL is 64, TOS and ECN are inherited (normal mode of RFC 6040: the other end must propagate ECN, as Linux
/// and this program do), DF is copied. Only the remote ends named here are accepted; that is no authentication, as
/// sources can be forged. SIGTERM and SIGINT end it, SIGHUP reads the routes again.
#[derive(Debug, Clone, Parser)]
#[command(name = "ipip-endpoint", version)]
pub struct Arguments {
    /// The TUN device to make; it is raised, and gets no address unless --addr gives one.
    #[arg(long, value_name = "NAME")]
    tun: String,
    /// Our end of the tunnel, an address of this host.
    #[arg(long, value_name = "A")]
    local: Ipv4Addr,
    /// The other end; without it, --routes names one for each destination.
    #[arg(long, value_name = "B")]
    remote: Option<Ipv4Addr>,
    /// A prefix of outer sources that are accepted beside the remote.
    #[arg(long, value_name = "P")]
    remote_range: Option<Ipv4Net>,
    /// Address and prefix length for the device.
    #[arg(long, value_name = "A/L")]
    addr: Option<Ipv4Net>,
    /// Path MTU outside, in octets: the device gets 20 less.
    #[arg(long, value_name = "N", default_value_t = 1500, value_parser = clap::value_parser!(u16).range(88..))]
    mtu: u16,
    /// Routes as lines `block via node`: the exits of a tunnel without one remote, and what each may send from.
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
}

/// What the endpoint is to do, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) tun: String,
    pub(super) config: Config,
    pub(super) remote_range: Option<Ipv4Net>,
    pub(super) addr: Option<Ipv4Net>,
    pub(super) routes_file: Option<PathBuf>,
    pub(super) routes: Routes,
}

impl Settings {
    /// Checks the arguments and reads the routes.
    ///
    /// # Errors
    /// Neither a remote nor routes, a name that is no device's, or routes that cannot be read.
    pub fn read(arguments: Arguments) -> Result<Settings, SettingsError> {
        let Arguments { tun, local, remote, remote_range, addr, mtu, routes } = arguments;
        if remote.is_none() && routes.is_none() {
            return Err(SettingsError::NoRemote);
        }
        if tun.is_empty() || tun.len() > 15 || tun.contains(['/', '%', '\0']) || tun.contains(char::is_whitespace) {
            return Err(SettingsError::Name(tun));
        }
        let mut config = Config::new(local, EcnMode::Normal);
        config.remote = remote;
        config.mtu = mtu;
        // The kernel has taken one off the TTL of what it forwards into the device, and nothing of what it sends itself.
        config.forwarded = false;
        let read = match &routes {
            Some(file) => Routes::read(file)?,
            None => Routes::default(),
        };
        Ok(Settings { tun, config, remote_range, addr, routes_file: routes, routes: read })
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No exit at all.
    #[error("neither --remote nor --routes names another end")]
    NoRemote,
    /// No name for a device.
    #[error("{0:?} is no name of a device: 1 to 15 octets without blanks, / and %")]
    Name(String),
    /// The routes.
    #[error(transparent)]
    Routes(#[from] RoutesError),
    /// What the system said to it.
    #[error("{what}: {error}")]
    System {
        /// What was done.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Settings, SettingsError> {
        Settings::read(Arguments::try_parse_from([&["ipip-endpoint"], arguments].concat()).unwrap())
    }

    #[test]
    fn options_come_in_any_order() {
        let settings =
            read(&["--mtu", "1400", "--remote", "192.0.2.2", "--tun", "t0", "--local", "192.0.2.1"]).unwrap();
        assert_eq!((settings.config.mtu, settings.config.tunnel_mtu()), (1400, 1380));
        assert_eq!(settings.config.remote, Some(Ipv4Addr::new(192, 0, 2, 2)));
        assert!(!settings.config.forwarded && settings.addr.is_none());
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(matches!(read(&["--tun", "t0", "--local", "192.0.2.1"]), Err(SettingsError::NoRemote)));
        let name = read(&["--tun", "a/b", "--local", "192.0.2.1", "--remote", "192.0.2.2"]);
        assert!(matches!(name, Err(SettingsError::Name(_))));
    }
}

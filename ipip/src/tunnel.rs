//! One tunnel: configuration, peers, and what changes with each datagram.

mod decap;
mod encap;
mod icmp;
mod lane;
mod mpls;
mod plain;

pub use decap::Decapsulated;
pub use encap::Encapsulated;
pub use icmp::Notice;
pub use mpls::Labelled;

use core::net::Ipv4Addr;

use lane::Lane;
use plain::Gate;

use crate::{Config, Counters, Ident, Path, PeerSet, TokenBucket};

/// A tunnel: encapsulates towards a [`Path`], decapsulates from its peers.
///
/// It is small and each core may have its own: give each a shard of the IDs ([`Tunnel::with_ident`]) and add up the
/// counters.
#[derive(Debug, Clone)]
pub struct Tunnel<P> {
    config: Config,
    peers: P,
    ident: Ident,
    icmp_limit: TokenBucket,
    counters: Counters,
    /// What encapsulation prepared for the last exit.
    lane: Lane,
    /// What decapsulation asks of the configuration.
    gate: Gate,
}

impl<P: PeerSet> Tunnel<P> {
    /// A tunnel that takes datagrams from `peers` only; IDs begin at [`Config::ident`].
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, Tunnel};
    /// let peer = Ipv4Addr::new(192, 0, 2, 2);
    /// let tunnel = Tunnel::new(Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal), peer);
    /// assert_eq!(tunnel.peers(), &peer);
    /// ```
    #[must_use]
    pub fn new(config: Config, peers: P) -> Tunnel<P> {
        Tunnel {
            config,
            peers,
            ident: Ident::new(config.ident),
            icmp_limit: TokenBucket::default(),
            counters: Counters::new(),
            lane: Lane::none(&config),
            gate: Gate::new(&config),
        }
    }

    /// Takes outer IDs from `ident`, such as one of several shards.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, Ident, NoPeers, Tunnel};
    /// # let config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
    /// let shard = Ident::shard(0, 2).ok_or("no such shard")?;
    /// let tunnel = Tunnel::new(config, NoPeers::new()).with_ident(shard);
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn with_ident(self, ident: Ident) -> Tunnel<P> {
        Tunnel { ident, ..self }
    }

    /// Limits the ICMP messages it writes; the default is 1000 a second, 50 at once.
    ///
    /// ```
    /// # use core::net::Ipv4Addr;
    /// use ipip::{Config, EcnMode, NoPeers, TokenBucket, Tunnel};
    /// # let config = Config::new(Ipv4Addr::new(192, 0, 2, 1), EcnMode::Normal);
    /// let tunnel = Tunnel::new(config, NoPeers::new()).with_icmp_limit(TokenBucket::new(10, 5));
    /// # let _ = tunnel;
    /// ```
    #[must_use]
    pub fn with_icmp_limit(self, icmp_limit: TokenBucket) -> Tunnel<P> {
        Tunnel { icmp_limit, ..self }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration, to change it; IDs go on where they are.
    pub fn config_mut(&mut self) -> &mut Config {
        self.lane = Lane::none(&self.config);
        self.gate = Gate::shut(&self.config);
        &mut self.config
    }

    /// Octets that [`Tunnel::encap`] needs before the inner datagram: [`Config::headroom`].
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        self.config.headroom()
    }

    /// The peers.
    #[must_use]
    pub fn peers(&self) -> &P {
        &self.peers
    }

    /// The peers, to change them.
    pub fn peers_mut(&mut self) -> &mut P {
        &mut self.peers
    }

    /// What was counted since the tunnel was made.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The path of a point-to-point tunnel, nothing learned; `None` without [`Config::remote`].
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        self.config.remote.map(Path::new)
    }

    #[inline]
    fn is_own(&self, address: Ipv4Addr) -> bool {
        address == self.config.local || self.peers.is_own(address)
    }
}

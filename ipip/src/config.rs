//! What a tunnel is told once: ends, outer header fields, MTU, checks.

use core::net::Ipv4Addr;

use crate::header::{HEADER_LEN, OVERHEAD, PROTOCOL_IPIP, PROTOCOL_MPLS};
use crate::{EcnMode, OuterOptions};

/// Configuration of a [`Tunnel`](crate::Tunnel). Make one with [`Config::new`] and set the fields that differ. The serde
/// form has a field for each, all there but `remote` and `icmp_source`; TTL and TOS are a number or `inherit`.
///
/// ```
/// use core::net::Ipv4Addr;
/// use ipip::{Config, Df, EcnMode};
///
/// let mut config = Config::new(Ipv4Addr::new(192, 168, 179, 102), EcnMode::Normal);
/// config.mtu = 1460;
/// config.df = Df::Always;
/// assert_eq!(config.tunnel_mtu(), 1440);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Config {
    /// Our end: outer source when we send, the only outer destination we take.
    pub local: Ipv4Addr,
    /// The other end of a point-to-point tunnel. `None` (the default) is Linux's NBMA form, Calico's tunl0: the exit
    /// is the [`Path`](crate::Path) given with each datagram, the next hop of its route.
    pub remote: Option<Ipv4Addr>,
    /// Outer TTL. Default: 64.
    pub ttl: Ttl,
    /// Outer DSCP. Default: inherit.
    pub tos: Tos,
    /// Outer ECN. No default: whether the exit understands ECN is for the caller to know (RFC 6040 section 4.3).
    pub ecn: EcnMode,
    /// Inner DSCP after decapsulation. Default: pipe.
    pub dscp_decap: DscpDecap,
    /// Outer DF. Default: inherit.
    pub df: Df,
    /// What the tunnel carries. Default: IPv4.
    #[cfg_attr(feature = "serde", serde(default))]
    pub mode: Mode,
    /// Options of the outer header. Default: none.
    #[cfg_attr(feature = "serde", serde(default))]
    pub options: OuterOptions,
    /// Path MTU in octets for outer datagrams: the MTU of the link to the exit, before any ICMP lowers it for a
    /// [`Path`](crate::Path). Default: 1500.
    pub mtu: u16,
    /// What is done with an inner datagram above the tunnel MTU when DF forbids nothing. Default: outer fragments.
    pub fragmentation: Fragmentation,
    /// The first outer ID (RFC 6864). Default: 0.
    pub ident: u16,
    /// Encapsulation is part of forwarding: the inner TTL is decremented, and inner sources that are ours or the
    /// exit's are loops (RFC 2003 section 3.2). Default: true.
    pub forwarded: bool,
    /// Source of the ICMP errors we send. Default: `None`, which is `local`.
    pub icmp_source: Option<Ipv4Addr>,
    /// Verify inner header checksums, both ways. Default: true; off leaves it to the next hop.
    pub verify_inner_checksum: bool,
    /// Verify outer header checksums. Default: true; off where the interface did it.
    pub verify_outer_checksum: bool,
    /// How many tunnel headers, protocol 4 or 41, may follow inside an inner datagram, both ways. Default: 0, which
    /// stops the ping-pong of VU#199397.
    pub max_nesting: u8,
    /// Count GRE (protocol 47) as a tunnel header too. Default: false.
    pub count_gre: bool,
}

impl Config {
    /// The defaults stated at each field.
    #[must_use]
    pub fn new(local: Ipv4Addr, ecn: EcnMode) -> Config {
        Config {
            local,
            remote: None,
            ttl: Ttl::Fixed(64),
            tos: Tos::Inherit,
            ecn,
            dscp_decap: DscpDecap::Pipe,
            df: Df::Inherit,
            mode: Mode::Ipip,
            options: OuterOptions::none(),
            mtu: 1500,
            fragmentation: Fragmentation::Outer,
            ident: 0,
            forwarded: true,
            icmp_source: None,
            verify_inner_checksum: true,
            verify_outer_checksum: true,
            max_nesting: 0,
            count_gre: false,
        }
    }

    /// The largest inner datagram in octets while nothing lowers the path MTU: `mtu` - 20, less the options.
    #[must_use]
    pub fn tunnel_mtu(&self) -> u16 {
        self.mtu.saturating_sub(self.overhead())
    }

    /// Octets of the outer header, the headroom that encapsulation needs: [`HEADROOM`](crate::HEADROOM), which is 20,
    /// and the options; at most 60.
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// The same as a length that is taken off MTUs.
    pub(crate) fn overhead(&self) -> u16 {
        OVERHEAD + self.options.overhead()
    }
}

/// What a tunnel carries: Linux's `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Mode {
    /// IPv4, protocol 4 (RFC 2003).
    #[default]
    Ipip,
    /// Labelled packets, protocol 137 (RFC 4023): [`Tunnel::encap_mpls`](crate::Tunnel::encap_mpls) and
    /// [`Tunnel::decap_mpls`](crate::Tunnel::decap_mpls).
    Mplsip,
    /// Both.
    Any,
}

impl Mode {
    pub(crate) fn carries(self, protocol: u8) -> bool {
        match protocol {
            PROTOCOL_IPIP => self != Mode::Mplsip,
            PROTOCOL_MPLS => self != Mode::Ipip,
            _ => false,
        }
    }
}

/// Outer TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ttl {
    /// This value: the tunnel is one hop.
    Fixed(u8),
    /// The inner one, after the decrement of forwarding: the hops inside show in traceroute, and inner TTLs expire there.
    Inherit,
}

/// Outer DSCP (RFC 2983).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tos {
    /// The upper six bits of this TOS octet (pipe model); the ECN bits are ignored.
    Fixed(u8),
    /// The inner one (uniform model).
    Inherit,
}

/// Inner DSCP after decapsulation (RFC 2983).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum DscpDecap {
    /// Stays as it is.
    Pipe,
    /// Becomes the outer one.
    Uniform,
}

/// Outer DF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Df {
    /// As inside (RFC 2003 section 3.1).
    Inherit,
    /// Set: path MTU discovery for the tunnel (RFC 2003 section 5.1). Linux's default, and all that Linux allows with
    /// a fixed TTL.
    Always,
    /// Clear, even over an inner DF: against RFC 2003, for paths that lose ICMP (Linux: nopmtudisc with ignore-df).
    Never,
}

/// What is done with an inner datagram above the tunnel MTU that may be fragmented (RFC 4459 section 3). With DF inside
/// it is always refused and signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Fragmentation {
    /// The outer datagram is fragmented; the exit reassembles. Refused when the outer DF is set.
    Outer,
    /// The inner datagram is fragmented and each fragment encapsulated; its destination reassembles.
    Inner,
    /// It is refused.
    Refuse,
}

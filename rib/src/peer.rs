//! Peers: identity, kind, and what is configured for each.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::capability::Role;
use bgp_wire::{Asn, BgpId};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The name of a peer inside one [`Rib`](crate::Rib): a number below 2^20 that the Rib gives out and uses again after
/// [`Rib::remove_peer`](crate::Rib::remove_peer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl PeerId {
    /// How many peers a Rib has at most; [`Rib::add_peer`](crate::Rib::add_peer) fails beyond it.
    pub const LIMIT: u32 = (1 << 20) - 1;
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a peer is to this speaker; decides reflection and export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PeerKind {
    /// A peer in another AS, outside any confederation of ours.
    Ebgp,
    /// A peer in our own AS (and member AS) that is no reflection client.
    Ibgp,
    /// A route reflection client (RFC 4456).
    #[doc(alias = "rr client")]
    RrClient,
    /// A peer in another member AS of our confederation (RFC 5065).
    Confed,
    /// A peer in another AS to which we are a route server (RFC 7947): nothing of ours is put into the path.
    #[doc(alias = "rs client")]
    RouteServerClient,
}

impl PeerKind {
    /// Whether the session leaves our AS and confederation.
    #[must_use]
    pub const fn is_external(self) -> bool {
        matches!(self, PeerKind::Ebgp | PeerKind::RouteServerClient)
    }

    /// Whether the session is IBGP proper.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(self, PeerKind::Ibgp | PeerKind::RrClient)
    }
}

/// The name of a policy that a Rib was given with [`Rib::add_policy`](crate::Rib::add_policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyId(u32);

impl PolicyId {
    pub(crate) fn at(index: usize) -> PolicyId {
        PolicyId(crate::num::count(index))
    }

    pub(crate) fn index(self) -> usize {
        crate::num::index(self.0)
    }
}

/// Which policy a peer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PeerPolicy {
    /// Everything is accepted and sent.
    #[default]
    AcceptAll,
    /// No policy is configured: nothing is accepted and nothing sent on an eBGP session (RFC 8212); others do not mind.
    None,
    /// What was given to the Rib under this id. Nothing is accepted and nothing sent with the id of another Rib.
    Use(PolicyId),
}

/// How many paths of a prefix a peer is sent where ADD-PATH was negotiated (RFC 7911).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddPathTx {
    /// All that compete.
    All,
    /// As many at most: the best, then the best of the others, and so on. Those among them that the peer may not be
    /// sent, its own to begin with, are left out and no others come in their place, so that `Best(1)` is what a session
    /// without ADD-PATH is sent.
    Best(u16),
    /// The best of each neighbouring AS among the paths that are level up to ORIGIN: with them a reflector of several levels
    /// or several clusters cannot oscillate because of MED (RFC 7964 section 4.1).
    #[doc(alias = "addpath-tx-bestpath-per-AS")]
    GroupBest,
}

/// Another AS number than our own on one eBGP session, as while two networks become one (RFC 7705).
///
/// ```
/// use bgp_rib::{LocalAs, PeerConfig, PeerKind};
/// use bgp_wire::Asn;
///
/// let config = PeerConfig::new(PeerKind::Ebgp, Asn(65001), "192.0.2.2".parse()?);
/// let config = config.with_local_as(Some(LocalAs::new(Asn(64999)).with_replace_as(true)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "local-as")]
pub struct LocalAs {
    pub(crate) asn: Asn,
    pub(crate) no_prepend: bool,
    pub(crate) replace_as: bool,
}

impl LocalAs {
    /// The peer knows us as `asn`: it is put in front of what the peer sends, and in front of our own AS in what it is sent.
    #[must_use]
    pub const fn new(asn: Asn) -> LocalAs {
        LocalAs { asn, no_prepend: false, replace_as: false }
    }

    /// Nothing is put in front of what the peer sends (section 3.1, "no prepend inbound"; off).
    #[must_use]
    pub const fn with_no_prepend(mut self, on: bool) -> LocalAs {
        self.no_prepend = on;
        self
    }

    /// The peer is not sent our own AS behind the other one (section 3.2, "replace old AS"; off).
    #[must_use]
    pub const fn with_replace_as(mut self, on: bool) -> LocalAs {
        self.replace_as = on;
        self
    }

    /// The AS.
    #[must_use]
    pub const fn asn(self) -> Asn {
        self.asn
    }
}

/// A place in the network from which interior costs are seen (RFC 9107), named by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vantage(pub u16);

/// What is configured for one peer.
///
/// ```
/// use bgp_rib::{PeerConfig, PeerKind};
/// use bgp_wire::Asn;
///
/// let client = PeerConfig::new(PeerKind::RrClient, Asn(64512), "192.168.179.103".parse()?);
/// assert_eq!(client.kind(), PeerKind::RrClient);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerConfig {
    pub(crate) kind: PeerKind,
    pub(crate) asn: Asn,
    pub(crate) addr: IpAddr,
    pub(crate) next_hop_self: NextHopSelf,
    pub(crate) local_as: Option<LocalAs>,
    pub(crate) vantage: Option<Vantage>,
    pub(crate) soft: bool,
    pub(crate) local_v4: Option<Ipv4Addr>,
    pub(crate) local_v6: Option<Ipv6Addr>,
    pub(crate) subnet_v4: Option<Ipv4Net>,
    pub(crate) subnet_v6: Option<Ipv6Net>,
    pub(crate) allowas_in: u32,
    pub(crate) role: Option<Role>,
    pub(crate) llgr: bool,
    pub(crate) best_external: bool,
    pub(crate) add_path_tx: Option<AddPathTx>,
    pub(crate) policy: PeerPolicy,
}

impl PeerConfig {
    /// A peer of `kind` in `asn` at `addr` with the defaults of every `with_` method.
    #[must_use]
    pub const fn new(kind: PeerKind, asn: Asn, addr: IpAddr) -> PeerConfig {
        PeerConfig {
            kind,
            asn,
            addr,
            next_hop_self: NextHopSelf::Never,
            local_as: None,
            vantage: None,
            soft: false,
            local_v4: None,
            local_v6: None,
            subnet_v4: None,
            subnet_v6: None,
            allowas_in: 0,
            role: None,
            llgr: false,
            best_external: false,
            add_path_tx: None,
            policy: PeerPolicy::AcceptAll,
        }
    }

    /// Own address as NEXT_HOP for eBGP-learned routes towards internal peers; never for reflected ones (off).
    #[must_use]
    pub const fn with_next_hop_self(mut self, on: bool) -> PeerConfig {
        self.next_hop_self = if on { NextHopSelf::External } else { NextHopSelf::Never };
        self
    }

    /// Own address as NEXT_HOP towards this internal peer for every route that is not its own, reflected ones too (off):
    /// the reflector is in the way of packets then. It replaces [`with_next_hop_self`](Self::with_next_hop_self).
    #[must_use]
    #[doc(alias = "next-hop-self force")]
    pub const fn with_next_hop_self_force(mut self, on: bool) -> PeerConfig {
        self.next_hop_self = if on { NextHopSelf::Always } else { NextHopSelf::Never };
        self
    }

    /// Another AS than our own towards this eBGP peer (none).
    #[must_use]
    pub const fn with_local_as(mut self, local_as: Option<LocalAs>) -> PeerConfig {
        self.local_as = local_as;
        self
    }

    /// The place from which this peer sees interior costs: it is sent the path that is best from there (RFC 9107; none: the
    /// reflector's own view). Peers of one place share export groups. See
    /// [`Rib::set_vantage_cost`](crate::Rib::set_vantage_cost).
    ///
    /// ```
    /// use bgp_rib::{PeerConfig, PeerKind, Vantage};
    /// use bgp_wire::Asn;
    ///
    /// let west = Vantage(1);
    /// let client = PeerConfig::new(PeerKind::RrClient, Asn(64512), "192.0.2.2".parse()?).with_vantage(Some(west));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[doc(alias = "optimal-route-reflection")]
    pub const fn with_vantage(mut self, vantage: Option<Vantage>) -> PeerConfig {
        self.vantage = vantage;
        self
    }

    /// Keeps everything the peer sends as it came, what is not eligible too, so that another policy or other ROAs act
    /// without asking the peer again (off: it costs about 80 octets per path). Acts on what comes from then on.
    #[must_use]
    #[doc(alias = "import table")]
    #[doc(alias = "adj-rib-in pre-policy")]
    pub const fn with_soft_reconfiguration(mut self, on: bool) -> PeerConfig {
        self.soft = on;
        self
    }

    /// Our IPv4 address on this session, where it is not [`Config`](crate::Config)'s.
    #[must_use]
    pub const fn with_local_v4(mut self, addr: Ipv4Addr) -> PeerConfig {
        self.local_v4 = Some(addr);
        self
    }

    /// Our IPv6 address on this session, where it is not [`Config`](crate::Config)'s.
    #[must_use]
    pub const fn with_local_v6(mut self, addr: Ipv6Addr) -> PeerConfig {
        self.local_v6 = Some(addr);
        self
    }

    /// A subnet that we share with this eBGP peer (none; one for each address family): a route whose NEXT_HOP is in it
    /// is sent with that NEXT_HOP, so that traffic does not pass us (RFC 4271 section 5.1.3), unless it is the peer's
    /// own address. Such a peer has an export group of its own.
    ///
    /// ```
    /// use bgp_rib::{PeerConfig, PeerKind};
    /// use bgp_wire::Asn;
    ///
    /// let peer = PeerConfig::new(PeerKind::Ebgp, Asn(65001), "192.0.2.2".parse()?)
    ///     .with_shared_subnet("192.0.2.0/24".parse()?)
    ///     .with_shared_subnet("2001:db8::/64".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[doc(alias = "third party next hop")]
    pub const fn with_shared_subnet(mut self, subnet: IpNet) -> PeerConfig {
        match subnet {
            IpNet::V4(net) => self.subnet_v4 = Some(net),
            IpNet::V6(net) => self.subnet_v6 = Some(net),
        }
        self
    }

    /// How often our own AS may occur in an AS_PATH before that is a loop (0).
    #[must_use]
    #[doc(alias = "allow local as")]
    pub const fn with_allowas_in(mut self, times: u32) -> PeerConfig {
        self.allowas_in = times;
        self
    }

    /// Our role on the session, what we are to the peer (none); it turns the OTC rules of RFC 9234 on.
    #[must_use]
    pub const fn with_role(mut self, role: Role) -> PeerConfig {
        self.role = Some(role);
        self
    }

    /// Whether the peer announced the LLGR capability of RFC 9494 (false): LLGR_STALE routes are sent to it.
    #[must_use]
    pub const fn with_llgr(mut self, on: bool) -> PeerConfig {
        self.llgr = on;
        self
    }

    /// Where the best path may not go to this internal peer because another brought it, sends the best external path
    /// instead (draft-ietf-idr-best-external; off).
    #[must_use]
    pub const fn with_best_external(mut self, on: bool) -> PeerConfig {
        self.best_external = on;
        self
    }

    /// Sends several paths of a prefix in the families for which the session may send path identifiers (none: the best
    /// path alone, with or without an identifier as the session asks). In those families it acts instead of
    /// [`with_best_external`](Self::with_best_external).
    ///
    /// ```
    /// use bgp_rib::{AddPathTx, PeerConfig, PeerKind};
    /// use bgp_wire::Asn;
    ///
    /// let client = PeerConfig::new(PeerKind::RrClient, Asn(64512), "192.0.2.2".parse()?);
    /// assert_eq!(client.add_path_tx(), None);
    /// assert_eq!(client.with_add_path_tx(AddPathTx::Best(2)).add_path_tx(), Some(AddPathTx::Best(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[doc(alias = "add paths tx")]
    #[doc(alias = "addpath-tx-all-paths")]
    pub const fn with_add_path_tx(mut self, paths: AddPathTx) -> PeerConfig {
        self.add_path_tx = Some(paths);
        self
    }

    /// The policy ([`PeerPolicy::AcceptAll`]).
    #[must_use]
    pub const fn with_policy(mut self, policy: PeerPolicy) -> PeerConfig {
        self.policy = policy;
        self
    }

    /// Whether routes that were taken with this configuration would be taken alike with the other one.
    #[must_use]
    pub fn imports_alike(&self, other: &PeerConfig) -> bool {
        let rules = |config: &PeerConfig| {
            let PeerConfig { kind, asn, allowas_in, role, policy, local_v4, local_v6, local_as, .. } = *config;
            (kind, asn, allowas_in, role, policy, local_v4, local_v6, local_as)
        };
        rules(self) == rules(other)
    }

    /// As another kind of peer.
    #[must_use]
    pub const fn with_kind(mut self, kind: PeerKind) -> PeerConfig {
        self.kind = kind;
        self
    }

    /// As a peer of another AS.
    #[must_use]
    pub const fn with_asn(mut self, asn: Asn) -> PeerConfig {
        self.asn = asn;
        self
    }

    /// As a peer at another address.
    #[must_use]
    pub const fn with_addr(mut self, addr: IpAddr) -> PeerConfig {
        self.addr = addr;
        self
    }

    /// What the peer is to us.
    #[must_use]
    pub const fn kind(&self) -> PeerKind {
        self.kind
    }

    /// What is sent where ADD-PATH was negotiated.
    #[must_use]
    pub const fn add_path_tx(&self) -> Option<AddPathTx> {
        self.add_path_tx
    }

    /// The other AS that the peer knows us as.
    #[must_use]
    pub const fn local_as(&self) -> Option<LocalAs> {
        self.local_as
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> PeerPolicy {
        self.policy
    }

    /// The peer's AS.
    #[must_use]
    pub const fn asn(&self) -> Asn {
        self.asn
    }

    /// The peer's address.
    #[must_use]
    pub const fn addr(&self) -> IpAddr {
        self.addr
    }
}

/// Of which routes an internal peer gets our own address as NEXT_HOP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NextHopSelf {
    Never,
    /// Those that an external peer brought.
    External,
    Always,
}

/// What the decision process and export know of the peer that a path came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    /// `None`: the route is our own.
    pub(crate) kind: Option<PeerKind>,
    pub(crate) asn: Asn,
    pub(crate) router_id: BgpId,
    pub(crate) addr: IpAddr,
}

//! Export: what may be sent to which kind of peer, and what is changed on the way (RFC 4271 section 9.1.3 and 5.1).

pub(crate) mod form;

use core::net::{Ipv4Addr, Ipv6Addr};

use bgp_wire::capability::Role;
use bgp_wire::community::Community;
use bgp_wire::{ClusterId, Family};

use self::form::ThirdParty;
use crate::config::Config;
use crate::facts::Facts;
use crate::peer::{AddPathTx, LocalAs, NextHopSelf, PeerConfig, PeerKind, PeerPolicy, Source, Vantage};
use crate::reflect;
use crate::tables::is_unicast;

pub(crate) use self::form::{Form, Forms, prepend};

/// What decides the outgoing form of a route, apart from the session's encoding: peers with equal views share a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct View {
    pub(crate) to: PeerKind,
    pub(crate) role: Option<Role>,
    pub(crate) llgr: bool,
    pub(crate) best_external: bool,
    /// Several paths of a prefix, in the families that the session has identifiers for.
    pub(crate) add_path_tx: Option<AddPathTx>,
    pub(crate) policy: PeerPolicy,
    pub(crate) next_hop_self: NextHopSelf,
    pub(crate) local_as: Option<LocalAs>,
    pub(crate) vantage: Option<Vantage>,
    pub(crate) own_v4: Option<Ipv4Addr>,
    pub(crate) own_v6: Option<Ipv6Addr>,
    pub(crate) third_party: Option<ThirdParty>,
    /// The cluster that reflected routes go through; 0 towards peers that get no reflection.
    pub(crate) cluster_id: ClusterId,
}

impl View {
    pub(crate) fn new(config: &Config, peer: &PeerConfig) -> View {
        View {
            to: peer.kind,
            role: peer.role.filter(|_| peer.kind.is_external()),
            llgr: peer.llgr,
            best_external: peer.best_external && peer.kind.is_internal(),
            add_path_tx: peer.add_path_tx,
            policy: match peer.policy {
                PeerPolicy::None if !peer.kind.is_external() => PeerPolicy::AcceptAll,
                policy => policy,
            },
            next_hop_self: peer.next_hop_self,
            local_as: peer.local_as.filter(|_| peer.kind.is_external()),
            vantage: peer.vantage,
            own_v4: peer.local_v4.or(config.local_v4),
            own_v6: peer.local_v6.or(config.local_v6),
            third_party: ThirdParty::of(peer),
            cluster_id: if peer.kind.is_internal() { config.cluster_id } else { ClusterId(0) },
        }
    }
}

/// A route on its way out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) family: Family,
    pub(crate) facts: &'a Facts,
    pub(crate) source: Source,
    pub(crate) view: &'a View,
    pub(crate) config: &'a Config,
}

/// Why a route is not sent to a group, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    NoPolicy,
    NotReflected,
    NoAdvertise,
    NoExport,
    NoExportSubconfed,
    LlgrStale,
    OnlyToCustomer,
    /// Asked first, by the group, which knows what its peer wants.
    RouteTarget,
}

/// Every reason with its condition; one that holds keeps the route back.
const DENIALS: [(Denial, Holds); 7] = [
    // RFC 8212 section 2
    (Denial::NoPolicy, |o| o.view.policy == PeerPolicy::None),
    // RFC 4456 section 6
    (Denial::NotReflected, |o| !reflect::permits(o.source.kind, o.view.to, o.config.no_client_to_client)),
    // RFC 1997
    (Denial::NoAdvertise, |o| o.facts.carries(Community::NO_ADVERTISE)),
    (Denial::NoExport, |o| o.facts.carries(Community::NO_EXPORT) && o.view.to.is_external()),
    (Denial::NoExportSubconfed, |o| o.facts.carries(Community::NO_EXPORT_SUBCONFED) && !o.view.to.is_internal()),
    // RFC 9494 section 4.3
    (Denial::LlgrStale, |o| o.facts.carries(Community::LLGR_STALE) && !o.view.llgr),
    // RFC 9234 section 5: what has OTC goes to customers only, in unicast families
    (Denial::OnlyToCustomer, |o| {
        is_unicast(o.family)
            && o.facts.otc().is_some()
            && matches!(o.view.role, Some(Role::CUSTOMER | Role::PEER | Role::ROUTE_SERVER_CLIENT))
    }),
];

type Holds = fn(&Outgoing<'_>) -> bool;

/// The first reason not to send a route.
pub(crate) fn denial(outgoing: &Outgoing<'_>) -> Option<Denial> {
    DENIALS.iter().find(|(_, holds)| holds(outgoing)).map(|(denial, _)| *denial)
}

//! Import: which announcements are not eligible, so that nothing is left of them (RFC 4271 section 9.1.2 and others).

use alloc::vec::Vec;

use bgp_wire::attr::{Attributes, NextHop};
use bgp_wire::capability::Role;
use bgp_wire::{Edit, Family, Rewrite, rewrite};

use crate::config::Config;
use crate::export::prepend;
use crate::peer::{PeerConfig, PeerPolicy};
use crate::tables::is_unicast;

/// A route on its way in.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) family: Family,
    pub(crate) attributes: &'a Attributes<'a>,
    pub(crate) next_hop: NextHop,
    pub(crate) peer: &'a PeerConfig,
    pub(crate) config: &'a Config,
}

/// Why an announcement is not eligible: the route it replaces goes, and nothing comes in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ineligible {
    /// An eBGP session without policy (RFC 8212).
    NoPolicy,
    /// Our AS or confederation is in the AS_PATH more often than allowed (RFC 4271 section 9.1.2).
    AsLoop,
    /// An IBGP route with our BGP Identifier as ORIGINATOR_ID (RFC 4456 section 8).
    OriginatorLoop,
    /// An IBGP route, of a client or not, with our CLUSTER_ID in the CLUSTER_LIST (RFC 4456 section 8).
    ClusterLoop,
    /// The NEXT_HOP is our own address (RFC 4271 section 5.1.3).
    OwnNextHop,
    /// A route leak by the OTC attribute (RFC 9234 section 5).
    Leak,
    /// The peer's [`Policy`](crate::policy::Policy) rejects it; asked last.
    Policy,
}

/// Every reason of the protocol with its condition, in the order in which it is asked.
const REASONS: [(Ineligible, Holds); 6] = [
    (Ineligible::NoPolicy, |i| i.peer.kind.is_external() && i.peer.policy == PeerPolicy::None),
    (Ineligible::AsLoop, |i| {
        let path = i.attributes.as_path().unwrap_or_default();
        // RFC 7705: on its session another AS is ours too.
        let other = i.peer.local_as.filter(|_| i.peer.kind.is_external()).map(|local_as| local_as.asn);
        let own = path.asns().filter(|asn| i.config.is_own_as(*asn) || Some(*asn) == other).count();
        crate::num::count(own) > i.peer.allowas_in
    }),
    (Ineligible::OriginatorLoop, |i| {
        i.peer.kind.is_internal() && i.attributes.originator_id() == Some(i.config.router_id)
    }),
    (Ineligible::ClusterLoop, |i| {
        i.peer.kind.is_internal() && i.attributes.cluster_list().any(|id| id == i.config.cluster_id)
    }),
    (Ineligible::OwnNextHop, |i| match i.next_hop {
        NextHop::V4(addr) => Some(addr) == i.config.local_v4 || Some(addr) == i.peer.local_v4,
        NextHop::V6(addr) | NextHop::V6LinkLocal { global: addr, .. } => {
            Some(addr) == i.config.local_v6 || Some(addr) == i.peer.local_v6
        }
        _ => false,
    }),
    (Ineligible::Leak, |i| match (i.peer.role, i.attributes.otc()) {
        // Section 5: in unicast families only.
        _ if !i.peer.kind.is_external() || !is_unicast(i.family) => false,
        (Some(Role::PROVIDER | Role::ROUTE_SERVER), Some(_)) => true,
        (Some(Role::PEER), Some(otc)) => otc != i.peer.asn,
        _ => false,
    }),
];

type Holds = fn(&Incoming<'_>) -> bool;

/// The first reason not to use an announcement.
pub(crate) fn ineligible(incoming: &Incoming<'_>) -> Option<Ineligible> {
    REASONS.iter().find(|(_, holds)| holds(incoming)).map(|(reason, _)| *reason)
}

/// What a block becomes on its way in; true when it was replaced.
pub(crate) fn complete(peer: &PeerConfig, family: Family, attributes: &Attributes<'_>, block: &mut Vec<u8>) -> bool {
    let local_as = peer.local_as.filter(|local_as| peer.kind.is_external() && !local_as.no_prepend);
    if let Some(local_as) = local_as {
        let old = core::mem::take(block);
        prepend(&old, local_as.asn, block);
    }
    local_as.is_some() | (is_unicast(family) && add_otc(peer, attributes, block))
}

/// RFC 9234 section 5: what a provider, peer or route server sends without OTC gets its AS as OTC. True when `block`
/// was replaced.
fn add_otc(peer: &PeerConfig, attributes: &Attributes<'_>, block: &mut Vec<u8>) -> bool {
    let from_above = matches!(peer.role, Some(Role::CUSTOMER | Role::PEER | Role::ROUTE_SERVER_CLIENT));
    if !from_above || !peer.kind.is_external() || attributes.otc().is_some() {
        return false;
    }
    let mut edits = Rewrite::new();
    edits.otc = Edit::SetIfMissing(peer.asn);
    let mut out = Vec::with_capacity(block.len() + 7);
    rewrite(block, &edits, &mut out);
    *block = out;
    true
}

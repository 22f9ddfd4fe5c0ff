//! Export forms: the changes that a block and its NEXT_HOP undergo on the way to one kind of peer.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::attr::NextHop;
use bgp_wire::capability::Role;
use bgp_wire::{AsPathEdit, Asn, BgpId, ClusterId, ClusterListEdit, Edit, Rewrite, rewrite};
use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::Config;
use crate::dest::Hops;
use crate::facts::DEFAULT_LOCAL_PREF;
use crate::keyed::{Index, Keyed};
use crate::pages::Pages;
use crate::peer::{NextHopSelf, PeerConfig, PeerKind};
use crate::reflect;

use super::View;

/// The changes; everything in it is constant for one group and one kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    path: PathChange,
    next_hop_own: bool,
    own_v4: Option<Ipv4Addr>,
    own_v6: Option<Ipv6Addr>,
    /// Next hops that stay although ours would go.
    third_party: Option<ThirdParty>,
    /// LOCAL_PREF is there (else taken off).
    local_pref: bool,
    /// A received MULTI_EXIT_DISC goes on.
    med: bool,
    reflection: Reflection,
    otc: Option<Asn>,
    /// The route is somebody else's: what we do not know in it is marked or left out (RFC 4271 section 5).
    pass_on: bool,
}

/// What a peer that shares a subnet with us can reach without us (RFC 4271 section 5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ThirdParty {
    v4: Option<Ipv4Net>,
    v6: Option<Ipv6Net>,
    /// The peer itself: no route goes to it with its own address.
    peer: IpAddr,
}

impl ThirdParty {
    pub(super) fn of(peer: &PeerConfig) -> Option<ThirdParty> {
        let (v4, v6) = (peer.subnet_v4, peer.subnet_v6);
        let has_subnet = peer.kind == PeerKind::Ebgp && (v4.is_some() || v6.is_some());
        has_subnet.then_some(ThirdParty { v4, v6, peer: peer.addr })
    }

    fn covers(&self, next_hop: NextHop) -> bool {
        let Some(addr) = next_hop.addr().filter(|addr| *addr != self.peer) else { return false };
        match addr {
            IpAddr::V4(addr) => self.v4.is_some_and(|net| net.contains(&addr)),
            IpAddr::V6(addr) => self.v6.is_some_and(|net| net.contains(&addr)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum PathChange {
    Keep,
    /// Confederation segments off, own AS in front.
    Prepend(Asn),
    /// Confederation segments off, own AS and then another one in front (RFC 7705 section 3.2).
    PrependBoth(Asn, Asn),
    /// Own member AS in front, in an AS_CONFED_SEQUENCE.
    PrependConfed(Asn),
    /// Confederation segments off: a route server leaves no other trace.
    Strip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reflection {
    /// ORIGINATOR_ID and CLUSTER_LIST stay as they are.
    Keep,
    /// ORIGINATOR_ID where it is missing, our CLUSTER_ID in front (RFC 4456 section 8).
    Reflect(ClusterId),
    /// Both off: they do not leave the AS.
    Remove,
}

impl Form {
    /// What a route from `from` (`None`: our own) undergoes towards `view`.
    pub(crate) fn new(config: &Config, from: Option<PeerKind>, view: &View) -> Form {
        let internal = view.to.is_internal();
        let external = view.to.is_external();
        Form {
            path: match view.to {
                PeerKind::Ibgp | PeerKind::RrClient => PathChange::Keep,
                PeerKind::Confed => PathChange::PrependConfed(config.local_as),
                PeerKind::RouteServerClient if from.is_some() => PathChange::Strip,
                PeerKind::Ebgp | PeerKind::RouteServerClient => match view.local_as {
                    Some(local_as) if local_as.replace_as => PathChange::Prepend(local_as.asn),
                    Some(local_as) => PathChange::PrependBoth(config.public_as(), local_as.asn),
                    None => PathChange::Prepend(config.public_as()),
                },
            },
            next_hop_own: match view.to {
                PeerKind::Ebgp => true,
                PeerKind::RouteServerClient => false,
                _ => match view.next_hop_self {
                    NextHopSelf::Never => false,
                    NextHopSelf::External => from.is_some_and(PeerKind::is_external),
                    NextHopSelf::Always => from.is_some(),
                },
            },
            own_v4: view.own_v4,
            own_v6: view.own_v6,
            third_party: view.third_party,
            local_pref: !external,
            med: view.to != PeerKind::Ebgp || from.is_none(),
            reflection: match (internal, view.cluster_id) {
                (true, id) if reflect::reflects(from, view.to) => Reflection::Reflect(id),
                (true, _) => Reflection::Keep,
                (false, _) => Reflection::Remove,
            },
            otc: match view.role {
                Some(Role::PROVIDER | Role::PEER | Role::ROUTE_SERVER) => {
                    Some(view.local_as.map_or(config.public_as(), |local_as| local_as.asn))
                }
                _ => None,
            },
            pass_on: from.is_some(),
        }
    }

    /// Whether the outgoing block depends on who sent the route.
    pub(crate) fn reflects(&self) -> bool {
        matches!(self.reflection, Reflection::Reflect(_))
    }

    /// The NEXT_HOP to send; `None` where our own address would have to stand and we have none.
    pub(crate) fn next_hop(&self, old: NextHop, hops: Hops) -> Option<NextHop> {
        let keeps = match hops {
            Hops::Kept => return Some(old),
            Hops::OwnV4 | Hops::OwnV6 => true,
            Hops::V4 | Hops::V6 | Hops::OtherV4 | Hops::OtherV6 => {
                !self.next_hop_own || self.third_party.is_some_and(|third| third.covers(old))
            }
        };
        if keeps && old != NextHop::None {
            return Some(old);
        }
        let (v4_addr, v6_addr) = (self.own_v4.map(NextHop::V4), self.own_v6.map(NextHop::V6));
        // IPv4 prefixes may go with an IPv6 next hop (RFC 8950); the packer refuses it where that was not negotiated.
        if matches!(hops, Hops::V6 | Hops::OtherV6 | Hops::OwnV6) { v6_addr } else { v4_addr.or(v6_addr) }
    }

    /// The block to send; `originator` is the BGP Identifier of the route's sender.
    pub(crate) fn rewrite(&self, canonical: &[u8], originator: BgpId, hops: Hops, out: &mut Vec<u8>) {
        let mut edits = Rewrite::new();
        edits.as_path = match self.path {
            PathChange::Keep => AsPathEdit::Keep,
            PathChange::Prepend(asn) => AsPathEdit::Prepend { asn, strip_confed: true },
            PathChange::PrependBoth(asn, _) => AsPathEdit::Prepend { asn, strip_confed: true },
            PathChange::PrependConfed(asn) => AsPathEdit::PrependConfed(asn),
            PathChange::Strip => AsPathEdit::StripConfed,
        };
        edits.local_pref = if self.local_pref { Edit::SetIfMissing(DEFAULT_LOCAL_PREF) } else { Edit::Remove };
        edits.med = if self.med { Edit::Keep } else { Edit::Remove };
        match self.reflection {
            Reflection::Keep => {}
            Reflection::Reflect(id) => {
                edits.originator_id = Edit::SetIfMissing(originator);
                edits.cluster_list = ClusterListEdit::Prepend(id);
            }
            Reflection::Remove => {
                (edits.originator_id, edits.cluster_list) = (Edit::Remove, ClusterListEdit::Remove);
            }
        }
        // RFC 9234 section 5: in unicast families only.
        let otc = self.otc.filter(|_| matches!(hops, Hops::V4 | Hops::V6));
        edits.otc = otc.map_or(Edit::Keep, Edit::SetIfMissing);
        edits.pass_on = self.pass_on;
        rewrite(canonical, &edits, out);
        if let PathChange::PrependBoth(_, asn) = self.path {
            let once = core::mem::take(out);
            prepend(&once, asn, out);
        }
    }
}

/// Puts an AS in front of AS_PATH.
pub(crate) fn prepend(canonical: &[u8], asn: Asn, out: &mut Vec<u8>) {
    let mut edits = Rewrite::new();
    edits.as_path = AsPathEdit::Prepend { asn, strip_confed: false };
    rewrite(canonical, &edits, out);
}

/// All forms that were ever asked for, by number; as many as there are different export configurations.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    index: Index,
    rows: Pages<Form>,
}

impl Forms {
    /// The number of `form`.
    pub(crate) fn number(&mut self, keyed: &Keyed, form: Form) -> Option<u32> {
        let hash = keyed.hash(&form);
        if let Some(at) = self.index.find(hash, |at| self.rows.get(at) == Some(&form)) {
            return Some(at);
        }
        let at = self.rows.push(form)?;
        let rows = &self.rows;
        self.index.insert(hash, at, |at| rows.get(at).map_or(0, |form| keyed.hash(form)));
        Some(at)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Form> {
        self.rows.get(number)
    }
}

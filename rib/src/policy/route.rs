//! A route as a policy sees and changes it.

use alloc::vec::Vec;
use core::net::IpAddr;

use bgp_wire::attr::{AttrBuilder, Attributes, NextHop};
use bgp_wire::community::Community;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::community::large::LargeCommunity;
use bgp_wire::nlri::{NlriRef, NlriValue};
use bgp_wire::{AsPathEdit, Asn, AttrFlags, AttrType, BgpId, Edit, Family, Rewrite, rewrite};
use ipnet::IpNet;

use crate::facts::DEFAULT_LOCAL_PREF;
use crate::peer::{PeerKind, Source};
use crate::rov::{RoaTable, RovState};
use crate::tables::is_unicast;

/// Who sent a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// What the peer is to us.
    pub kind: PeerKind,
    /// Its AS.
    pub asn: Asn,
    /// Its address.
    pub addr: IpAddr,
    /// Its BGP Identifier.
    pub router_id: BgpId,
}

impl Party {
    /// `None`: the route is our own.
    pub(crate) fn of(source: Source) -> Option<Party> {
        let Source { kind, asn, addr, router_id } = source;
        Some(Party { kind: kind?, asn, addr, router_id })
    }
}

/// One prefix with its attributes on the way in or out.
///
/// Changes show at once in [`attributes`](Self::attributes), so that the parts of a policy build on each other.
#[derive(Debug)]
pub struct Route<'a> {
    family: Family,
    nlri: NlriRef<'a>,
    roas: Option<&'a RoaTable>,
    from: Option<Party>,
    to: Option<PeerKind>,
    original: Attributes<'a>,
    canonical: &'a [u8],
    next_hop: NextHop,
    /// The block in the place of `canonical`.
    changed: Option<Vec<u8>>,
    is_rehopped: bool,
}

/// A route that a policy changed.
pub(crate) type Changed = (Vec<u8>, NextHop);

impl<'a> Route<'a> {
    /// `None`: `canonical` is no canonical block. `to`: the kind of the receiver, on export.
    pub(crate) fn new(
        (family, nlri): (Family, NlriRef<'a>),
        canonical: &'a [u8],
        next_hop: NextHop,
        from: Option<Party>,
        to: Option<PeerKind>,
    ) -> Option<Route<'a>> {
        let original = Attributes::from_canonical(canonical).ok()?;
        Some(Route {
            family,
            nlri,
            roas: None,
            from,
            to,
            original,
            canonical,
            next_hop,
            changed: None,
            is_rehopped: false,
        })
    }

    pub(crate) fn with_roas(self, roas: &'a RoaTable) -> Route<'a> {
        Route { roas: Some(roas), ..self }
    }

    /// What changed; `None`: nothing.
    pub(crate) fn into_changed(self) -> Option<Changed> {
        match self.changed {
            Some(block) => Some((block, self.next_hop)),
            None => self.is_rehopped.then(|| (self.canonical.to_vec(), self.next_hop)),
        }
    }

    /// The prefix, which labelled and VPN routes have too; none where a route is to something else.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match &self.nlri {
            NlriRef::Typed(nlri) => match nlri.value() {
                NlriValue::Labeled(value) => Some(value.prefix),
                NlriValue::Vpn(value) => Some(value.prefix),
                _ => None,
            },
            nlri => nlri.prefix(),
        }
    }

    /// What the route is to, as it came in or would go out.
    #[must_use]
    pub fn nlri(&self) -> &NlriRef<'a> {
        &self.nlri
    }

    /// Whether its origin is the right one by the ROAs of the Rib (RFC 6811; [`Rib::change_roas`](crate::Rib::change_roas));
    /// no ROA covers routes that are not of IPv4 or IPv6 unicast.
    #[must_use]
    pub fn rov(&self) -> RovState {
        let path = self.attributes().as_path().unwrap_or_default();
        let prefix = self.nlri.prefix().filter(|_| self.is_unicast());
        prefix.zip(self.roas).map_or(RovState::NotFound, |(prefix, roas)| roas.route_state(prefix, &path))
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The attributes without NEXT_HOP, with all changes so far.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        let changed = self.changed.as_deref().and_then(|block| Attributes::from_canonical(block).ok());
        changed.unwrap_or(self.original)
    }

    /// NEXT_HOP.
    #[must_use]
    pub fn next_hop(&self) -> NextHop {
        self.next_hop
    }

    /// Who sent the route; `None`: it is our own.
    #[must_use]
    pub fn from(&self) -> Option<Party> {
        self.from
    }

    /// What the receivers are to us; `None` on import.
    #[must_use]
    pub fn to(&self) -> Option<PeerKind> {
        self.to
    }

    /// Whether it is of IPv4 or IPv6 unicast.
    #[must_use]
    pub fn is_unicast(&self) -> bool {
        is_unicast(self.family)
    }

    /// Sets LOCAL_PREF; nothing towards external peers, which are never sent it (RFC 4271 section 5.1.5).
    pub fn set_local_pref(&mut self, local_pref: u32) {
        if !self.to.is_some_and(PeerKind::is_external) {
            self.edit(|edits| edits.local_pref = Edit::Set(local_pref));
        }
    }

    /// Sets MULTI_EXIT_DISC, or takes it off.
    pub fn set_med(&mut self, med: Option<u32>) {
        self.edit(|edits| edits.med = med.map_or(Edit::Remove, Edit::Set));
    }

    /// Puts an AS in front of AS_PATH so many times: into an AS_CONFED_SEQUENCE where the route goes to another member
    /// of the confederation or the path begins with one, else into an AS_SEQUENCE.
    pub fn prepend(&mut self, asn: Asn, times: u8) {
        for _ in 0..times {
            let first = self.attributes().as_path().unwrap_or_default().segments().next();
            let confed = self.to == Some(PeerKind::Confed) || first.is_some_and(|segment| segment.kind.is_confed());
            let front =
                if confed { AsPathEdit::PrependConfed(asn) } else { AsPathEdit::Prepend { asn, strip_confed: false } };
            self.edit(|edits| edits.as_path = front);
        }
    }

    /// Adds to LOCAL_PREF, 100 where there is none, or takes from it; it stays within its 32 bits.
    pub fn add_local_pref(&mut self, difference: i64) {
        self.set_local_pref(sum(self.attributes().local_pref().unwrap_or(DEFAULT_LOCAL_PREF), difference));
    }

    /// Adds to MULTI_EXIT_DISC, 0 where there is none, or takes from it; it stays within its 32 bits.
    pub fn add_med(&mut self, difference: i64) {
        self.set_med(Some(sum(self.attributes().med().unwrap_or(0), difference)));
    }

    /// Has these communities and no others.
    pub fn set_communities(&mut self, communities: &[Community]) {
        self.rebuild(AttrType::COMMUNITIES, communities.is_empty(), |builder| builder.communities(communities));
    }

    /// Adds an extended community (RFC 4360) where it is missing.
    pub fn add_ext_community(&mut self, community: ExtCommunity) {
        let mut all: Vec<_> = self.attributes().ext_communities().collect();
        if !all.contains(&community) {
            all.push(community);
            self.rebuild(AttrType::EXTENDED_COMMUNITIES, false, |builder| builder.ext_communities(&all));
        }
    }

    /// Takes an extended community off.
    pub fn remove_ext_community(&mut self, community: ExtCommunity) {
        let left: Vec<_> = self.attributes().ext_communities().filter(|one| *one != community).collect();
        if left.len() < self.attributes().ext_communities().count() {
            self.rebuild(AttrType::EXTENDED_COMMUNITIES, left.is_empty(), |builder| builder.ext_communities(&left));
        }
    }

    /// Adds a community where it is missing.
    pub fn add_community(&mut self, community: Community) {
        self.edit(|edits| edits.add_communities = core::slice::from_ref(&community));
    }

    /// Takes a community off.
    pub fn remove_community(&mut self, community: Community) {
        let left: Vec<_> = self.attributes().communities().filter(|one| *one != community).collect();
        if left.len() < self.attributes().communities().count() {
            self.rebuild(AttrType::COMMUNITIES, left.is_empty(), |builder| builder.communities(&left));
        }
    }

    /// Adds a large community (RFC 8092) where it is missing.
    pub fn add_large_community(&mut self, community: LargeCommunity) {
        let mut all: Vec<_> = self.attributes().large_communities().collect();
        if !all.contains(&community) {
            all.push(community);
            self.rebuild(AttrType::LARGE_COMMUNITIES, false, |builder| builder.large_communities(&all));
        }
    }

    /// Takes a large community off.
    pub fn remove_large_community(&mut self, community: LargeCommunity) {
        let left: Vec<_> = self.attributes().large_communities().filter(|one| *one != community).collect();
        if left.len() < self.attributes().large_communities().count() {
            self.rebuild(AttrType::LARGE_COMMUNITIES, left.is_empty(), |builder| builder.large_communities(&left));
        }
    }

    /// Sets NEXT_HOP. One that the session cannot carry for the family keeps the route from being sent.
    pub fn set_next_hop(&mut self, next_hop: NextHop) {
        self.is_rehopped |= self.next_hop != next_hop;
        self.next_hop = next_hop;
    }

    fn edit<'e>(&mut self, change: impl FnOnce(&mut Rewrite<'e>)) {
        let mut edits = Rewrite::new();
        change(&mut edits);
        let old = self.changed.as_deref().unwrap_or(self.canonical);
        let mut block = Vec::with_capacity(old.len() + 16);
        rewrite(old, &edits, &mut block);
        self.changed = Some(block);
    }

    /// One attribute anew; its Partial bit stays. What would be too long stays as it was.
    fn rebuild(&mut self, ty: AttrType, is_empty: bool, set: impl FnOnce(AttrBuilder) -> AttrBuilder) {
        let attributes = self.attributes();
        let is_partial = attributes.get(ty).is_some_and(|raw| raw.flags.contains(AttrFlags::PARTIAL));
        let builder = AttrBuilder::from_attributes(&attributes);
        let builder = if is_empty { builder.without(ty) } else { set(builder) };
        let builder = if is_partial { builder.partial(ty) } else { builder };
        if let Ok(block) = builder.build() {
            self.changed = Some(block);
        }
    }
}

fn sum(value: u32, difference: i64) -> u32 {
    let sum = i64::from(value).saturating_add(difference).clamp(0, i64::from(u32::MAX));
    u32::try_from(sum).unwrap_or(u32::MAX)
}

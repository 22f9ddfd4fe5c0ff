//! Conditions of a rule.

use core::ops::RangeInclusive;

use bgp_wire::community::Community;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::community::large::LargeCommunity;
use bgp_wire::{Asn, Family};

use super::{PrefixList, Route};
use crate::peer::PeerKind;
use crate::rov::RovState;

/// What a rule may ask of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The prefix is in the list.
    Prefix(PrefixList),
    /// It has the community (RFC 1997).
    Community(Community),
    /// It has the large community (RFC 8092).
    LargeCommunity(LargeCommunity),
    /// It has the extended community (RFC 4360), such as a route target.
    ExtCommunity(ExtCommunity),
    /// It has MULTI_EXIT_DISC, and of that value.
    Med(u32),
    /// It has LOCAL_PREF, and of that value.
    LocalPref(u32),
    /// AS_PATH has a length in the range, as the decision process counts it.
    AsPathLength(RangeInclusive<u32>),
    /// The AS is anywhere in AS_PATH.
    AsPathContains(Asn),
    /// The route comes from that neighbour AS: the first AS behind confederation segments.
    NeighborAs(Asn),
    /// The AS originated the route: the last one of AS_PATH, where that is no set.
    OriginAs(Asn),
    /// A peer of that kind sent it (`None`: it is our own).
    From(Option<PeerKind>),
    /// It goes to peers of that kind; never on import.
    To(PeerKind),
    /// The state of its origin by the ROAs of the Rib (RFC 6811).
    Rov(RovState),
    /// It is of that family.
    Family(Family),
    /// The condition does not hold.
    Not(alloc::boxed::Box<Condition>),
}

impl Condition {
    /// Whether it holds.
    ///
    /// ```
    /// use bgp_rib::policy::{Condition, Policy, Route, Verdict};
    /// use bgp_wire::Asn;
    ///
    /// #[derive(Debug)]
    /// struct Avoid(Asn);
    ///
    /// impl Policy for Avoid {
    ///     fn import(&self, route: &mut Route<'_>) -> Verdict {
    ///         if Condition::AsPathContains(self.0).holds(route) { Verdict::Reject } else { Verdict::Next }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn holds(&self, route: &Route<'_>) -> bool {
        let path = || route.attributes().as_path().unwrap_or_default();
        match self {
            Condition::Prefix(list) => route.prefix().is_some_and(|prefix| list.contains(prefix)),
            Condition::Community(community) => route.attributes().communities().any(|one| one == *community),
            Condition::LargeCommunity(community) => route.attributes().large_communities().any(|one| one == *community),
            Condition::ExtCommunity(community) => route.attributes().ext_communities().any(|one| one == *community),
            Condition::Med(med) => route.attributes().med() == Some(*med),
            Condition::LocalPref(local_pref) => route.attributes().local_pref() == Some(*local_pref),
            Condition::AsPathLength(range) => range.contains(&path().hops()),
            Condition::AsPathContains(asn) => path().asns().any(|one| one == *asn),
            Condition::NeighborAs(asn) => path().neighbor() == Some(*asn),
            Condition::OriginAs(asn) => path().origin() == Some(*asn),
            Condition::From(kind) => route.from().map(|from| from.kind) == *kind,
            Condition::To(kind) => route.to() == Some(*kind),
            Condition::Rov(state) => route.rov() == *state,
            Condition::Family(family) => route.family() == *family,
            Condition::Not(condition) => !condition.holds(route),
        }
    }
}

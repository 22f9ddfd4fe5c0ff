//! Changes that a rule makes.

use bgp_wire::Asn;
use bgp_wire::attr::NextHop;
use bgp_wire::community::Community;
use bgp_wire::community::large::LargeCommunity;

use super::Route;

/// What a rule may do to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// See [`Route::set_local_pref`].
    LocalPref(u32),
    /// See [`Route::set_med`].
    Med(Option<u32>),
    /// See [`Route::prepend`].
    Prepend(Asn, u8),
    /// See [`Route::add_community`].
    AddCommunity(Community),
    /// See [`Route::remove_community`].
    RemoveCommunity(Community),
    /// See [`Route::add_large_community`].
    AddLargeCommunity(LargeCommunity),
    /// See [`Route::remove_large_community`].
    RemoveLargeCommunity(LargeCommunity),
    /// See [`Route::set_next_hop`].
    NextHop(NextHop),
}

impl Action {
    pub(super) fn apply(self, route: &mut Route<'_>) {
        match self {
            Action::LocalPref(local_pref) => route.set_local_pref(local_pref),
            Action::Med(med) => route.set_med(med),
            Action::Prepend(asn, times) => route.prepend(asn, times),
            Action::AddCommunity(community) => route.add_community(community),
            Action::RemoveCommunity(community) => route.remove_community(community),
            Action::AddLargeCommunity(community) => route.add_large_community(community),
            Action::RemoveLargeCommunity(community) => route.remove_large_community(community),
            Action::NextHop(next_hop) => route.set_next_hop(next_hop),
        }
    }
}

//! Changes that a rule makes.

use alloc::vec::Vec;

use bgp_wire::Asn;
use bgp_wire::attr::NextHop;
use bgp_wire::community::Community;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::community::large::LargeCommunity;

use super::Route;

/// What a rule may do to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// See [`Route::set_local_pref`].
    LocalPref(u32),
    /// See [`Route::set_med`].
    Med(Option<u32>),
    /// See [`Route::add_local_pref`].
    AddLocalPref(i64),
    /// See [`Route::add_med`].
    AddMed(i64),
    /// See [`Route::prepend`].
    Prepend(Asn, u8),
    /// See [`Route::add_community`].
    AddCommunity(Community),
    /// See [`Route::remove_community`].
    RemoveCommunity(Community),
    /// See [`Route::set_communities`].
    SetCommunities(Vec<Community>),
    /// See [`Route::add_ext_community`].
    AddExtCommunity(ExtCommunity),
    /// See [`Route::remove_ext_community`].
    RemoveExtCommunity(ExtCommunity),
    /// See [`Route::add_large_community`].
    AddLargeCommunity(LargeCommunity),
    /// See [`Route::remove_large_community`].
    RemoveLargeCommunity(LargeCommunity),
    /// See [`Route::set_next_hop`].
    NextHop(NextHop),
}

impl Action {
    pub(super) fn apply(&self, route: &mut Route<'_>) {
        match *self {
            Action::SetCommunities(ref communities) => route.set_communities(communities),
            Action::AddLocalPref(difference) => route.add_local_pref(difference),
            Action::AddMed(difference) => route.add_med(difference),
            Action::AddExtCommunity(community) => route.add_ext_community(community),
            Action::RemoveExtCommunity(community) => route.remove_ext_community(community),
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

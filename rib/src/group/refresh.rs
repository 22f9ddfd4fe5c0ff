//! A member that asked for its routes again (RFC 2918), with begin and end told where it knows them (RFC 7313).

use alloc::vec::Vec;

use bgp_wire::{Family, FamilySet, RefreshSubtype, RouteRefresh};
use bytes::{Bytes, BytesMut};

use super::{Group, Shared};
use crate::dest::Dest;

/// Families of a member in each phase of an enhanced refresh.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refresh {
    /// They wait for the End-of-RIB of the first table.
    postponed: FamilySet,
    /// The begin is to be told.
    begin: FamilySet,
    /// The end is to be told when the walk is over.
    end: FamilySet,
}

impl Group {
    /// Sends `family` once more to one member; `is_framed`: between begin and end.
    pub(crate) fn refresh(&mut self, peer: u32, shared: &mut Shared<'_>, family: Family, is_framed: bool) {
        let Ok(place) = self.member_at(peer) else { return };
        let Some(member) = self.members.get_mut(place).filter(|_| self.key.families.contains(family)) else { return };
        if is_framed {
            // RFC 7313 section 4.1: no BoRR before the End-of-RIB.
            if member.end_of_rib.contains(family) {
                member.refresh.postponed.insert(family);
                return;
            }
            member.refresh.begin.insert(family);
        }
        self.fall_behind(place);
        let is_of = |prefix: Dest| prefix.family() == family;
        let routes = self.live().filter(|route| self.prefix(shared.tables, *route).is_some_and(is_of));
        let routes: Vec<u32> = routes.collect();
        let Some(at) = self.walk_at(peer).ok() else { return };
        for route in routes {
            let told = self.told(peer, route);
            if let Some((_, walk)) = self.walks.get_mut(at) {
                walk.revisit(route, told);
            }
        }
        self.wake_one(place, shared.ready);
    }

    /// Where refreshes begin.
    pub(super) fn pull_begin(&mut self, place: usize) -> Option<Bytes> {
        let refresh = &mut self.members.get_mut(place)?.refresh;
        let begin = core::mem::take(&mut refresh.begin);
        begin.iter().for_each(|family| {
            refresh.end.insert(family);
        });
        markers(begin, RefreshSubtype::BEGIN)
    }

    /// Where they end: the member has walked over all that was to be sent.
    pub(super) fn pull_end(&mut self, place: usize) -> Option<Bytes> {
        let refresh = &mut self.members.get_mut(place)?.refresh;
        markers(core::mem::take(&mut refresh.end), RefreshSubtype::END)
    }

    /// Begins what waited for the End-of-RIB.
    pub(super) fn begin_postponed(&mut self, place: usize, shared: &mut Shared<'_>) {
        let Some(member) = self.members.get_mut(place) else { return };
        let (peer, families) = (member.peer, core::mem::take(&mut member.refresh.postponed));
        families.iter().for_each(|family| self.refresh(peer, shared, family, true));
    }
}

fn markers(families: FamilySet, subtype: RefreshSubtype) -> Option<Bytes> {
    let mut out = BytesMut::new();
    families.iter().for_each(|family| RouteRefresh::new(family, subtype).encode(&mut out));
    (!out.is_empty()).then(|| out.freeze())
}

//! The messages of routes that go out with one block, or go: prefixes straight from their keys, other families from rows.

use alloc::vec::Vec;

use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{Family, PackError, Packer, PathId};
use bytes::BytesMut;

use super::GroupKey;
use crate::dest::{Dest, RowNlri};
use crate::store::{AttrId, AttrStore};
use crate::tables::{Tables, is_unicast};

/// Appends the messages of one block; false when it fits into none or the session cannot carry its next hop.
pub(super) fn announce_run(
    packer: &mut Packer,
    key: &GroupKey,
    (store, tables): (&AttrStore, &Tables),
    attr: AttrId,
    family: Family,
    routes: impl Iterator<Item = (u32, Dest)>,
    out: &mut BytesMut,
) -> bool {
    let (Some(canonical), Some(next_hop)) = (store.canonical(attr), store.next_hop(attr)) else { return false };
    if is_unicast(family) {
        return packer.announce(out, canonical, next_hop, family, prefixes(key, family, routes)).is_ok();
    }
    let extra = store.extra(attr);
    let rows = rows(key, family, routes, |dest| tables.announced(dest, extra));
    packer.announce(out, canonical, next_hop, family, nlris(&rows)).is_ok()
}

/// Appends the messages that withdraw routes. They always fit: a message takes at least one NLRI of every family.
pub(super) fn withdraw_run(
    packer: &mut Packer,
    key: &GroupKey,
    tables: &Tables,
    family: Family,
    routes: impl Iterator<Item = (u32, Dest)>,
    out: &mut BytesMut,
) {
    let _: Result<usize, PackError> = if is_unicast(family) {
        packer.withdraw(out, family, prefixes(key, family, routes))
    } else {
        let rows = rows(key, family, routes, |dest| tables.withdrawn(dest));
        packer.withdraw(out, family, nlris(&rows))
    };
}

fn prefixes(
    key: &GroupKey,
    family: Family,
    routes: impl Iterator<Item = (u32, Dest)>,
) -> impl Iterator<Item = PathNlri<'static>> {
    routes.filter_map(move |(route, dest)| {
        Some(PathNlri { path_id: key.path_id(family, route), nlri: NlriRef::from(dest.net()?) })
    })
}

fn rows<'t>(
    key: &GroupKey,
    family: Family,
    routes: impl Iterator<Item = (u32, Dest)>,
    nlri: impl Fn(Dest) -> Option<RowNlri<'t>>,
) -> Vec<(Option<PathId>, RowNlri<'t>)> {
    routes.filter_map(|(route, dest)| Some((key.path_id(family, route), nlri(dest)?))).collect()
}

fn nlris<'r>(rows: &'r [(Option<PathId>, RowNlri<'_>)]) -> impl Iterator<Item = PathNlri<'r>> {
    rows.iter().map(|(path_id, nlri)| PathNlri { path_id: *path_id, nlri: nlri.as_nlri() })
}

//! A table as UPDATEs: what a peer would send, routes with the same attributes packed together.

use std::collections::HashMap;
use std::net::IpAddr;

use bgp_wire::attr::NextHop;
use bgp_wire::mrt::{self, Content, Peer, Record, RibAttributes};
use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{Context, Family, FamilySet, PackError, Packer, PathId, SessionKind};
use bytes::BytesMut;
use ipnet::IpNet;

/// The routes of a table, by peer.
#[derive(Debug, Default)]
pub struct Table {
    index: Vec<Peer>,
    peers: Vec<(IpAddr, Routes)>,
    places: HashMap<IpAddr, usize>,
    skipped: u64,
}

/// One peer's routes, those with the same attributes and next hop together.
#[derive(Debug, Default)]
struct Routes {
    groups: Vec<(Group, Vec<Route>)>,
    places: HashMap<Group, usize>,
    count: u64,
}

/// A route of a group.
#[derive(Debug, Clone, Copy)]
struct Route {
    path_id: Option<PathId>,
    net: IpNet,
}

/// What routes of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group {
    family: Family,
    next_hop: NextHop,
    canonical: Vec<u8>,
    path_ids: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Whose routes.
    pub peer: IpAddr,
    /// How many.
    pub routes: u64,
    /// In how many groups of the same attributes.
    pub groups: usize,
    /// In how many UPDATEs, End-of-RIB markers included.
    pub messages: usize,
}

/// Why a table cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdatesError {
    /// There is no route of that peer, or none at all.
    #[error("no routes{}", .0.map(|peer| format!(" of {peer}")).unwrap_or_default())]
    Empty(Option<IpAddr>),
    /// A route cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
}

impl Table {
    /// Without routes.
    #[must_use]
    pub fn new() -> Table {
        Table::default()
    }

    /// Takes the routes of a record; what is no record of a table is passed over.
    ///
    /// # Errors
    /// If the record is malformed.
    pub fn add(&mut self, record: &Record<'_>) -> Result<(), mrt::Error> {
        match record.content()? {
            Content::PeerIndexTable(table) => self.index = table.peers.collect(),
            Content::TableDump(dump) => {
                let family = if dump.prefix.addr().is_ipv6() { Family::IPV6_UNICAST } else { Family::IPV4_UNICAST };
                self.route(
                    dump.peer_addr,
                    family,
                    Route { path_id: None, net: dump.prefix },
                    &dump.decode_attributes(),
                );
            }
            Content::Rib(rib) => {
                for entry in rib.entries {
                    let peer = self.index.get(usize::from(entry.peer)).map(|peer| peer.addr);
                    match (peer, rib.nlri.nlri.prefix()) {
                        (Some(peer), Some(net)) => {
                            let path_id = entry.path_id.or(rib.nlri.path_id);
                            self.route(peer, rib.family, Route { path_id, net }, &entry.decode_attributes());
                        }
                        _ => self.skipped += 1,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn route(&mut self, peer: IpAddr, family: Family, nlri: Route, read: &RibAttributes<'_>) {
        let (Some(next_hop), None) = (read.next_hop(), read.worst()) else {
            self.skipped += 1;
            return;
        };
        let mut canonical = Vec::new();
        read.attributes().write_canonical(&mut canonical);
        let place = *self.places.entry(peer).or_insert_with(|| {
            self.peers.push((peer, Routes::default()));
            self.peers.len() - 1
        });
        let Some((_, routes)) = self.peers.get_mut(place) else { return };
        let group = Group { family, next_hop, canonical, path_ids: nlri.path_id.is_some() };
        routes.count += 1;
        let place = match routes.places.get(&group) {
            Some(place) => *place,
            None => {
                routes.places.insert(group.clone(), routes.groups.len());
                routes.groups.push((group, Vec::new()));
                routes.groups.len() - 1
            }
        };
        if let Some((_, nlris)) = routes.groups.get_mut(place) {
            nlris.push(nlri);
        }
    }

    /// Routes that were left out: without a next hop, with malformed attributes, of no known peer, or no IP prefix.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Appends the UPDATEs of a peer, or else of the one with the most routes: messages of up to `limit` octets, AS
    /// numbers of 4 octets, an End-of-RIB marker for each family at the end.
    ///
    /// # Errors
    /// If there is nothing to write, or a route cannot be packed.
    pub fn write(&self, peer: Option<IpAddr>, limit: u16, out: &mut BytesMut) -> Result<Written, UpdatesError> {
        let found = match peer {
            Some(peer) => self.peers.iter().find(|(addr, _)| *addr == peer),
            None => self.peers.iter().rev().max_by_key(|(_, routes)| routes.count),
        };
        let (peer, routes) = found.ok_or(UpdatesError::Empty(peer))?;
        let families: FamilySet = routes.groups.iter().map(|(group, _)| group.family).collect();
        let path_ids: FamilySet =
            routes.groups.iter().filter(|(group, _)| group.path_ids).map(|(group, _)| group.family).collect();
        let context = Context::new(SessionKind::Ibgp)
            .with_families(families)
            .with_add_path_send(path_ids)
            .with_ext_next_hop(families)
            .with_max_send(limit);
        let mut packer = Packer::new(&context);
        let mut messages = 0;
        for (group, nlris) in &routes.groups {
            let nlris = nlris.iter().map(|route| PathNlri { path_id: route.path_id, nlri: NlriRef::from(route.net) });
            messages += packer.announce(out, &group.canonical, group.next_hop, group.family, nlris)?;
        }
        for family in families {
            packer.end_of_rib(out, family);
            messages += 1;
        }
        Ok(Written { peer: *peer, routes: routes.count, groups: routes.groups.len(), messages })
    }
}

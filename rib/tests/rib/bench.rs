//! A Rib with peers that learn from every octet they are sent.

use std::collections::{BTreeMap, BTreeSet};

use bgp_rib::{AttrStore, Config, NextHop, PeerConfig, PeerId, PolicyId, Rib};
use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{
    Action, BgpId, Context, Family, FamilySet, MAX_LEN, Packer, PathId, RefreshSubtype, RouteRefresh, SessionKind,
    UpdateView, frame,
};
use bytes::BytesMut;
use ipnet::IpNet;

/// What a peer holds for a prefix.
pub(crate) type Held = (Vec<u8>, NextHop);

pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) config: PeerConfig,
    pub(crate) context: Context,
    pub(crate) bgp_id: BgpId,
    pub(crate) up: bool,
    pub(crate) table: BTreeMap<IpNet, Held>,
    /// What came with path identifiers.
    pub(crate) paths: BTreeMap<(IpNet, PathId), Held>,
    pub(crate) end_of_rib: Vec<Family>,
    /// ROUTE-REFRESH messages it was sent.
    pub(crate) markers: Vec<RouteRefresh>,
    /// What was not sent again since a refresh began.
    pub(crate) stale: BTreeSet<(IpNet, Option<PathId>)>,
    /// Withdrawals of what the peer did not hold.
    pub(crate) needless: usize,
    pub(crate) messages: usize,
}

pub(crate) struct Bench {
    pub(crate) rib: Rib,
    pub(crate) store: AttrStore,
    pub(crate) peers: Vec<Peer>,
    /// A policy that peers have, and how often it was replaced.
    pub(crate) policy: Option<(PolicyId, usize)>,
}

impl Bench {
    pub(crate) fn new(config: Config) -> Bench {
        Bench { rib: Rib::new(config, 0xb9b), store: AttrStore::new(0xa77), peers: Vec::new(), policy: None }
    }

    pub(crate) fn add(&mut self, config: PeerConfig, kind: SessionKind) -> usize {
        self.add_with(config, Context::new(kind))
    }

    pub(crate) fn add_with(&mut self, config: PeerConfig, context: Context) -> usize {
        let id = self.rib.add_peer(config).unwrap();
        let bgp_id = BgpId(0x0a00_0001 + id.0);
        self.peers.push(Peer {
            id,
            config,
            context,
            bgp_id,
            up: false,
            table: BTreeMap::new(),
            paths: BTreeMap::new(),
            end_of_rib: Vec::new(),
            markers: Vec::new(),
            stale: BTreeSet::new(),
            needless: 0,
            messages: 0,
        });
        let index = self.peers.len() - 1;
        self.up(index);
        index
    }

    pub(crate) fn up(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        if !peer.up {
            (peer.up, peer.end_of_rib) = (true, Vec::new());
            self.rib.peer_up(&mut self.store, peer.id, &peer.context, peer.bgp_id);
        }
    }

    pub(crate) fn down(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.up = false;
        peer.table.clear();
        peer.paths.clear();
        peer.stale.clear();
        self.rib.peer_down(&mut self.store, peer.id);
    }

    /// The session ends and the peer is expected back.
    pub(crate) fn restart(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.up = false;
        peer.table.clear();
        peer.paths.clear();
        peer.stale.clear();
        self.rib.mark_stale(&mut self.store, peer.id, FamilySet::UNICAST);
    }

    pub(crate) fn announce(&mut self, index: usize, prefix: &str, block: &[u8], next_hop: &str) {
        let (prefix, next_hop) = (prefix.parse().unwrap(), next_hop.parse().unwrap());
        self.announce_all(index, &[prefix], block, next_hop);
    }

    pub(crate) fn announce_all(&mut self, index: usize, prefixes: &[IpNet], block: &[u8], next_hop: NextHop) {
        self.announce_path(index, prefixes, None, block, next_hop);
    }

    pub(crate) fn announce_path(
        &mut self,
        index: usize,
        prefixes: &[IpNet],
        path_id: Option<PathId>,
        block: &[u8],
        next_hop: NextHop,
    ) {
        let mut out = BytesMut::new();
        let family = family(prefixes[0]);
        let nlri = prefixes.iter().map(|prefix| PathNlri { path_id, nlri: NlriRef::from(*prefix) });
        Packer::new(&self.peers[index].mirror()).announce(&mut out, block, next_hop, family, nlri).unwrap();
        self.receive(index, &out);
    }

    pub(crate) fn withdraw(&mut self, index: usize, prefix: &str) {
        self.withdraw_path(index, prefix.parse().unwrap(), None);
    }

    pub(crate) fn withdraw_path(&mut self, index: usize, prefix: IpNet, path_id: Option<PathId>) {
        let mut out = BytesMut::new();
        let nlri = [PathNlri { path_id, nlri: NlriRef::from(prefix) }];
        Packer::new(&self.peers[index].mirror()).withdraw(&mut out, family(prefix), nlri).unwrap();
        self.receive(index, &out);
    }

    pub(crate) fn receive(&mut self, index: usize, octets: &[u8]) {
        let peer = &self.peers[index];
        for message in messages(octets) {
            let update = UpdateView::decode(message, &peer.context).unwrap();
            self.rib.update(&mut self.store, peer.id, &update);
        }
    }

    /// Lets one peer read once; false when there was nothing.
    pub(crate) fn pull(&mut self, index: usize) -> bool {
        let peer = &mut self.peers[index];
        let Some(octets) = self.rib.pull(&mut self.store, peer.id) else { return false };
        assert!(peer.up && !octets.is_empty());
        messages(&octets).into_iter().for_each(|message| peer.learn(message));
        true
    }

    /// Lets the Rib work and those peers read that it names.
    pub(crate) fn settle(&mut self) {
        while self.rib.process(&mut self.store, 1000) {}
        while let Some(id) = self.rib.poll_ready() {
            let index = self.peers.iter().position(|peer| peer.id == id).unwrap();
            while self.pull(index) {}
        }
        for index in 0..self.peers.len() {
            assert!(!self.pull(index), "peer {index} had something to pull and was not named");
        }
    }

    pub(crate) fn holds(&self, index: usize, prefix: &str) -> Option<&Held> {
        self.peers[index].table.get(&prefix.parse().unwrap())
    }

    pub(crate) fn best(&self, prefix: &str) -> Option<usize> {
        let best = self.rib.best(&self.store, prefix.parse().unwrap())?;
        self.peers.iter().position(|peer| Some(peer.id) == best.peer)
    }
}

impl Peer {
    /// The session as the peer sees it.
    pub(crate) fn mirror(&self) -> Context {
        let (receive, send) = (self.context.add_path_receive(), self.context.add_path_send());
        self.context.with_add_path_receive(send).with_add_path_send(receive)
    }

    /// RFC 7313 section 4.2 as the receiver does it.
    fn refreshed(&mut self, refresh: RouteRefresh) {
        let is_of = |prefix: IpNet| family(prefix) == refresh.family;
        self.markers.push(refresh);
        if refresh.subtype == RefreshSubtype::BEGIN {
            assert!(self.end_of_rib.contains(&refresh.family), "a refresh before End-of-RIB");
            let plain = self.table.keys().map(|prefix| (*prefix, None));
            let paths = self.paths.keys().map(|(prefix, path_id)| (*prefix, Some(*path_id)));
            self.stale.extend(plain.chain(paths).filter(|(prefix, _)| is_of(*prefix)));
        } else {
            for (prefix, path_id) in self.stale.extract_if(.., |(prefix, _)| is_of(*prefix)) {
                match path_id {
                    Some(path_id) => self.paths.remove(&(prefix, path_id)),
                    None => self.table.remove(&prefix),
                };
            }
        }
    }

    fn learn(&mut self, message: &[u8]) {
        if let Ok(refresh) = RouteRefresh::decode(message) {
            return self.refreshed(refresh);
        }
        let update = UpdateView::decode(message, &self.mirror()).unwrap();
        assert_eq!(update.verdict().action, Action::Accept, "{:?}", update.reasons().collect::<Vec<_>>());
        self.messages += 1;
        self.end_of_rib.extend(update.end_of_rib());
        for path in update.withdrawn().flat_map(|section| section.nlri) {
            let prefix = path.nlri.prefix().unwrap();
            self.stale.remove(&(prefix, path.path_id));
            let old = match path.path_id {
                Some(path_id) => self.paths.remove(&(prefix, path_id)),
                None => self.table.remove(&prefix),
            };
            self.needless += usize::from(old.is_none());
        }
        let mut block = Vec::new();
        update.write_canonical(&mut block);
        for section in update.announced() {
            for path in section.nlri {
                let (prefix, held) = (path.nlri.prefix().unwrap(), (block.clone(), section.next_hop));
                self.stale.remove(&(prefix, path.path_id));
                match path.path_id {
                    Some(path_id) => self.paths.insert((prefix, path_id), held),
                    None => self.table.insert(prefix, held),
                };
            }
        }
    }
}

pub(crate) fn family(prefix: IpNet) -> Family {
    if prefix.addr().is_ipv4() { Family::IPV4_UNICAST } else { Family::IPV6_UNICAST }
}

pub(crate) fn messages(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((message, rest)) = frame(octets, MAX_LEN).unwrap() {
        all.push(message);
        octets = rest;
    }
    assert!(octets.is_empty(), "a part of a message");
    all
}

//! The Rib: its parts, and the commands that change routes.

mod decide;
mod explain;
mod peers;
mod policies;
mod receive;
mod refresh;
mod rows;
mod show;
mod soft;
mod track;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bgp_wire::attr::NextHop;
use bgp_wire::{BgpId, ClusterId, Family, FamilySet};
use bytes::Bytes;
use ipnet::IpNet;

use crate::bits::Bits;
use crate::config::Config;
use crate::dest::Dest;
use crate::event::{RibEvent, Selected};
use crate::group::{Ask, Group, Shared};
use crate::pages::Pages;
use crate::peer::{PeerConfig, PeerId};
use crate::policy::Policies;
use crate::routes::Routes;
use crate::store::AttrStore;
use crate::tables::Tables;

pub use self::receive::OriginateError;
use self::soft::{Kept, Key};
use self::track::NextHops;

/// Adj-RIB-In, decision process, Loc-RIB and Adj-RIB-Out of one speaker.
///
/// It knows no session, no time and no socket. The run loop: feed it ([`update`](Rib::update), ..), call
/// [`process`](Rib::process) until it returns false, then [`pull`](Rib::pull) the octets of every peer that
/// [`poll_ready`](Rib::poll_ready) names and take the events of [`poll_event`](Rib::poll_event).
///
/// What is not pulled costs no memory per peer: members of an export group share a ring of 1 `MiB`, and one that falls
/// behind is sent the state of the table, not its history.
///
/// ```
/// use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
/// use bgp_wire::attr::{AttrBuilder, Origin};
/// use bgp_wire::{Asn, BgpId, ClusterId, Context, SessionKind};
///
/// let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
/// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
/// let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
/// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
/// let block = AttrBuilder::new().origin(Origin::Igp).as_path(&[]).build()?;
/// rib.originate(&mut store, "10.244.36.64/26".parse()?, &block, None)?;
/// while rib.process(&mut store, 1000) {}
/// assert_eq!(rib.poll_ready(), Some(peer));
/// assert!(rib.pull(&mut store, peer).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rib {
    config: Config,
    tables: Tables,
    routes: Routes,
    peers: Pages<Option<Peer>>,
    free_peers: Bits,
    /// Routes that are our own.
    local: Bits,
    groups: Vec<Option<Group>>,
    policies: Policies,
    /// Routes to decide.
    dirty: Bits,
    /// Routes of a peer that has another BGP Identifier now: it may stand in what goes out though the best path is the same.
    renamed: Bits,
    /// Routes without a path, with the batch in which they became so: their ids are free once no ring names them.
    retired: VecDeque<(u64, u32)>,
    /// The same as a set.
    retiring: Bits,
    /// Of these, those that became so again meanwhile.
    again: Bits,
    /// Routes without a path that a walking member still has to be told about.
    held: Bits,
    /// What groups ask for beyond the best path.
    asks: Vec<Ask>,
    /// Peers whose routes are judged anew, with the next one.
    rejudged: BTreeMap<u32, (Key, u32)>,
    /// Peers whose route target memberships changed.
    retargeted: Bits,
    /// A member may have walked since `held` was looked through.
    walked: bool,
    tick: u64,
    next_hops: NextHops,
    /// Per prefix: what the FIB was told, and what it has to be told.
    fib: BTreeMap<IpNet, (Option<Selected>, Option<Selected>)>,
    ready: VecDeque<PeerId>,
}

/// A configured peer.
#[derive(Debug)]
struct Peer {
    config: PeerConfig,
    router_id: BgpId,
    /// The export group while the session is up.
    group: Option<u32>,
    /// The families of the session.
    families: FamilySet,
    /// Routes with a path of this peer; boxed, because most peers of a large speaker have none.
    routes: Option<Box<Bits>>,
    paths: u32,
    /// Of its routes, those that are IPv6 ones.
    v6: u32,
    /// Of its routes, those of each family other than unicast.
    rows: Option<Box<RowCounts>>,
    /// What it sent as it came, where that is asked for.
    kept: Option<Box<Kept>>,
}

/// How many routes of each family other than unicast there are.
#[derive(Debug, Default)]
struct RowCounts(Vec<(Family, u32)>);

impl Peer {
    /// Its routes, to be walked while they change.
    fn kept(&self) -> Bits {
        self.routes.as_deref().cloned().unwrap_or_default()
    }

    fn routes(&self) -> impl Iterator<Item = u32> {
        self.routes.iter().flat_map(|routes| routes.iter())
    }

    fn route_count(&self) -> u32 {
        self.routes.as_ref().map_or(0, |routes| routes.len())
    }

    /// It has a path for a route now.
    fn add_route(&mut self, id: u32, dest: Dest) {
        if self.routes.get_or_insert_default().insert(id) {
            self.count(dest, |count| count.saturating_add(1));
        }
    }

    /// It has no path for a route any more.
    fn remove_route(&mut self, id: u32, dest: Dest) {
        if self.routes.as_mut().is_some_and(|routes| routes.remove(id)) {
            self.routes.take_if(|routes| routes.is_empty());
            self.count(dest, |count| count.saturating_sub(1));
        }
    }

    fn count(&mut self, dest: Dest, change: impl Fn(u32) -> u32) {
        match dest {
            Dest::Net(IpNet::V4(_)) => {}
            Dest::Net(IpNet::V6(_)) => self.v6 = change(self.v6),
            Dest::Row(_) => {
                let RowCounts(rows) = &mut **self.rows.get_or_insert_default();
                let family = dest.family();
                match rows.iter_mut().find(|(of, _)| *of == family) {
                    Some((_, count)) => *count = change(*count),
                    None => rows.push((family, change(0))),
                }
            }
        }
    }

    /// How many routes of a family it has paths for.
    fn family_count(&self, family: Family) -> u32 {
        let rows = || self.rows.iter().flat_map(|rows| rows.0.iter());
        match family {
            Family::IPV4_UNICAST => self.route_count() - self.v6 - rows().map(|(_, count)| count).sum::<u32>(),
            Family::IPV6_UNICAST => self.v6,
            _ => rows().find(|(of, _)| *of == family).map_or(0, |(_, count)| *count),
        }
    }
}

/// Why a peer was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddPeerError {
    /// [`PeerId::LIMIT`] peers are configured.
    #[error("{limit} peers are configured, the most there can be", limit = PeerId::LIMIT)]
    Full,
}

impl Rib {
    /// An empty Rib; `seed` keys its hashes and should be random.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Rib {
        Rib {
            config,
            tables: Tables::new(seed),
            routes: Routes::default(),
            peers: Pages::default(),
            free_peers: Bits::default(),
            local: Bits::default(),
            groups: Vec::new(),
            policies: Policies::default(),
            dirty: Bits::default(),
            renamed: Bits::default(),
            retired: VecDeque::new(),
            retiring: Bits::default(),
            again: Bits::default(),
            held: Bits::default(),
            asks: Vec::new(),
            rejudged: BTreeMap::new(),
            retargeted: Bits::default(),
            walked: false,
            tick: 0,
            next_hops: NextHops::default(),
            fib: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sets the CLUSTER_ID: a received CLUSTER_LIST is checked for it from now on, and peers that come up from now on
    /// are sent it. To a peer that is up the old one is sent until its session has ended.
    pub fn set_cluster_id(&mut self, cluster_id: ClusterId) {
        self.config.cluster_id = cluster_id;
    }

    /// The next whole messages for a peer: some messages, at most 64 `KiB` or one batch; `None` when it has been given
    /// all there is, End-of-RIB included, or is not up.
    pub fn pull(&mut self, store: &mut AttrStore, id: PeerId) -> Option<Bytes> {
        let number = self.peer(id)?.group?;
        self.walked |= !self.held.is_empty();
        let (groups, mut shared) = self.split(store);
        group_at(groups, number)?.pull(id.0, &mut shared)
    }

    /// A peer that got something to pull since its last [`pull`](Rib::pull) that returned `None`; each is named once.
    pub fn poll_ready(&mut self) -> Option<PeerId> {
        loop {
            let id = self.ready.pop_front()?;
            if self.peer(id).is_some_and(|peer| peer.group.is_some()) {
                return Some(id);
            }
        }
    }

    /// The next change. Changes of one prefix that nobody took melt into one; what came back to what was told is no
    /// change. So no more are kept than there are prefixes.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// rib.process(&mut store, 1);
    /// let Some(bgp_rib::RibEvent::Fib { prefix, route }) = rib.poll_event() else { return Err("no event".into()) };
    /// assert_eq!((prefix.to_string(), route.is_some()), ("10.0.0.0/8".to_owned(), true));
    /// assert!(rib.poll_event().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_event(&mut self) -> Option<RibEvent> {
        let (prefix, (_, route)) = self.fib.pop_first()?;
        Some(RibEvent::Fib { prefix, route })
    }

    /// Gives every reference back to the store; the Rib is empty and without peers then. To be called before a Rib
    /// that shares a store is dropped.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// rib.clear(&mut store);
    /// assert!(store.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&mut self, store: &mut AttrStore) {
        for group in self.groups.iter_mut().flatten() {
            group.clear(store);
        }
        self.routes.blocks().for_each(|attr| store.release(attr));
        for kept in self.peers.iter().flatten().filter_map(|peer| peer.kept.as_ref()) {
            kept.attrs().for_each(|attr| store.release(attr));
        }
        let (tables, policies) = (self.tables.emptied(), core::mem::take(&mut self.policies));
        *self = Rib { tables, policies, ..Rib::new(self.config.clone(), 0) };
    }

    fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(id.0)?.as_ref()
    }

    /// The export group of a peer that is up.
    fn group_of(&self, id: PeerId) -> Option<&Group> {
        self.groups.get(crate::num::index(self.peer(id)?.group?))?.as_ref()
    }

    fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(id.0)?.as_mut()
    }

    /// The groups, and beside them what they need of the rest.
    fn split<'a>(&'a mut self, store: &'a mut AttrStore) -> (&'a mut Vec<Option<Group>>, Shared<'a>) {
        let Rib { config, tables, policies, ready, tick, groups, .. } = self;
        (groups, Shared { config, tables, policies, store, ready, tick: *tick })
    }
}

fn group_at(groups: &mut [Option<Group>], number: u32) -> Option<&mut Group> {
    groups.get_mut(crate::num::index(number))?.as_mut()
}

//! Export groups: peers that are sent the same octets share their making.
//!
//! A group knows what was last sent for every route. What changes is encoded once and goes into a ring that the
//! members read at their own pace; one that comes late or falls behind walks the group's table instead.

mod ask;
mod explain;
mod messages;
mod paths;
mod refresh;
pub(crate) mod ring;
mod send;
mod walk;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bgp_wire::{Context, Family, FamilySet, Packer, PathId, SessionKind};
use smallvec::SmallVec;

pub(crate) use self::ask::{Ask, Decided, What};
use self::paths::Slots;
use self::refresh::Refresh;
use self::ring::{NO_SENDER, Ring};
use self::walk::{TablePage, Walk};
use crate::bits::{Bits, PAGE_BITS};
use crate::config::Config;
use crate::dest::{Dest, Hops};
use crate::export::{self, Denial, Form, Outgoing, View};
use crate::pages::Pages;
use crate::path::Path;
use crate::peer::{PeerId, PeerKind, PeerPolicy, Source};
use crate::policy::Policies;
use crate::store::{AttrId, AttrStore};
use crate::tables::Tables;
use crate::targets::Targets;

/// What decides the octets that a peer is sent: peers with equal keys are one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupKey {
    pub(crate) view: View,
    pub(crate) families: FamilySet,
    kind: SessionKind,
    four_octet_as: bool,
    add_path: FamilySet,
    ext_next_hop: FamilySet,
    multiple_labels: FamilySet,
    max_send: u16,
    /// The peer, where it says which route targets it wants: what it is sent depends on that.
    pub(crate) targets: Option<u32>,
}

impl GroupKey {
    /// For the session of `peer`.
    pub(crate) fn new(peer: PeerId, view: View, context: &Context) -> GroupKey {
        let families = context.families();
        let add_path = context.add_path_send().intersection(families);
        GroupKey {
            view: View { add_path_tx: view.add_path_tx.filter(|_| add_path != FamilySet::EMPTY), ..view },
            families,
            kind: context.kind(),
            four_octet_as: context.four_octet_as(),
            add_path,
            ext_next_hop: context.ext_next_hop().intersection(families),
            multiple_labels: context.multiple_labels().intersection(families),
            max_send: context.max_send(),
            targets: families.contains(Family::RT_CONSTRAIN).then_some(peer.0),
        }
    }

    /// The path identifier of a route, or of a slot where several paths are sent (RFC 7911 section 3).
    pub(crate) fn path_id(&self, family: Family, route: u32) -> Option<PathId> {
        let id = if self.view.add_path_tx.is_some() { PathId(route.saturating_add(1)) } else { ONLY_PATH };
        self.add_path.contains(family).then_some(id)
    }
}

/// The path identifier of the one path that is sent where the session has identifiers all the same.
const ONLY_PATH: PathId = PathId(1);

/// What was last sent to a group for one route, or for one path where it is sent several: 8 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Last {
    attr: Option<AttrId>,
    /// The member whose route it is and that is therefore not sent it, or `NO_SENDER`.
    sender: u32,
}

/// One peer of a group.
#[derive(Debug)]
struct Member {
    peer: u32,
    /// Position in the ring; of no use while walking.
    at: u64,
    walking: bool,
    /// Named by `poll_ready` since the last pull that found nothing.
    ready: bool,
    /// Families whose End-of-RIB is still to be sent.
    end_of_rib: FamilySet,
    /// Refreshes of this member under way.
    refresh: Refresh,
    /// Withdrawals for this member alone, each to be sent when the ring position is reached.
    private: VecDeque<Private>,
    /// The batch whose withdrawals of that kind went out last.
    delivered: u64,
}

/// A withdrawal for one member: it became the sender of what it held of another.
#[derive(Debug, Clone, Copy)]
struct Private {
    /// The ring position at which the batch begins that made it so.
    at: u64,
    tick: u64,
    route: u32,
    prefix: Dest,
}

/// What the parts of a group need from the Rib.
pub(crate) struct Shared<'a> {
    pub(crate) config: &'a Config,
    pub(crate) tables: &'a Tables,
    pub(crate) policies: &'a Policies,
    pub(crate) store: &'a mut AttrStore,
    pub(crate) ready: &'a mut VecDeque<PeerId>,
    /// Counts the batches of the Rib.
    pub(crate) tick: u64,
}

#[derive(Debug)]
pub(crate) struct Group {
    key: GroupKey,
    packer: Packer,
    /// The route targets that its one member wants; of no use where it does not say.
    targets: Targets,
    /// Numbers of the export forms in use, by kind of source.
    forms: Vec<(Option<PeerKind>, u32)>,
    /// By route, or by slot where several paths are sent.
    last: Pages<Last>,
    /// What `last` has a block for.
    live: Bits,
    /// Where several paths are sent: what stands in the place of routes everywhere in the group.
    slots: Option<Slots>,
    /// Parts of the table as members that walk all of it are sent them; none when nobody walks.
    pages: BTreeMap<u32, TablePage>,
    ring: Ring,
    /// By peer number.
    members: Vec<Member>,
    /// The members that walk, by peer number.
    walks: Vec<(u32, Walk)>,
    /// Routes below this one were brought into `last`.
    pub(crate) filled: u32,
    /// There may be others.
    filling: bool,
    /// Ring position at which all of them were for the first time.
    filled_at: Option<u64>,
}

impl Group {
    pub(crate) fn new(key: GroupKey, context: &Context) -> Group {
        Group {
            key,
            packer: Packer::new(context),
            targets: Targets::default(),
            forms: Vec::new(),
            last: Pages::default(),
            live: Bits::default(),
            slots: key.view.add_path_tx.map(|_| Slots::default()),
            pages: BTreeMap::new(),
            ring: Ring::default(),
            members: Vec::new(),
            walks: Vec::new(),
            filled: 0,
            filling: true,
            filled_at: None,
        }
    }

    pub(crate) fn key(&self) -> &GroupKey {
        &self.key
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Lets a peer in: the table as it stands, then End-of-RIB of every family.
    pub(crate) fn join(&mut self, peer: u32, ready: &mut VecDeque<PeerId>) {
        let Err(place) = self.member_at(peer) else { return };
        let walk = Walk::of_table(self.live.clone());
        let walking = !walk.is_done();
        let at = if walking { 0 } else { self.ring.join() };
        let end_of_rib = self.key.families;
        let (refresh, private) = (Refresh::default(), VecDeque::new());
        let member = Member { peer, at, walking, ready: true, end_of_rib, refresh, private, delivered: 0 };
        self.members.insert(place, member);
        if walking {
            self.add_walk(peer, walk);
        }
        ready.push_back(PeerId(peer));
    }

    /// Lets a peer go.
    pub(crate) fn leave(&mut self, peer: u32) {
        let Ok(place) = self.member_at(peer) else { return };
        let member = self.members.remove(place);
        if member.walking {
            self.take_walk(peer);
        } else {
            self.ring.leave(member.at);
        }
    }

    /// Gives back the references of the whole table; the group is of no use any more.
    pub(crate) fn clear(&mut self, store: &mut AttrStore) {
        self.last.iter().filter_map(|last| last.attr).for_each(|attr| store.release(attr));
        self.last = Pages::default();
        self.live = Bits::default();
        self.pages.clear();
    }

    /// `peer`, which is to be a member again, has kept paths of `route`; `is_best`: the best is one of them.
    pub(crate) fn relabel(&mut self, route: u32, peer: u32, is_best: bool) {
        let slots: SmallVec<[u32; 8]> = match &self.slots {
            Some(slots) => slots.of_peer(route, peer, is_best),
            None => is_best.then_some(route).into_iter().collect(),
        };
        for slot in slots {
            if let Some(last) = self.last.get_mut(slot).filter(|last| last.attr.is_some()) {
                last.sender = peer;
                self.pages.remove(&(slot / PAGE_BITS));
            }
        }
    }

    /// The prefix of a route, or of a slot where several paths are sent.
    pub(crate) fn prefix(&self, tables: &Tables, route: u32) -> Option<Dest> {
        match &self.slots {
            Some(slots) => slots.prefix(route),
            None => tables.prefix(route),
        }
    }

    /// The block that a member has been sent for `route`, or will be when it has pulled all.
    pub(crate) fn sent(&self, peer: u32, route: u32) -> Option<AttrId> {
        self.last.get(route).filter(|last| last.sender != peer).and_then(|last| last.attr)
    }

    /// Routes that the group has been sent.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> {
        self.live.iter()
    }

    /// Whether some member still has to be told about `route` as it was.
    pub(crate) fn awaits(&self, route: u32, is_row: bool) -> bool {
        // A slot has the prefix itself, but not the key of a row.
        if self.slots.is_some() {
            return is_row && !self.walks.is_empty();
        }
        self.walks.iter().any(|(_, walk)| walk.is_pending(route))
    }

    /// The batch of the oldest message in the ring.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.ring.oldest()
    }

    /// Whether all routes there are were brought in.
    pub(crate) fn is_filled(&self) -> bool {
        !self.filling
    }

    /// All routes there are were brought in: End-of-RIB may be sent behind them.
    pub(crate) fn fill_done(&mut self, ready: &mut VecDeque<PeerId>) {
        self.filling = false;
        if self.filled_at.is_none() {
            self.filled_at = Some(self.ring.end());
            self.wake(ready);
        }
    }

    /// All routes have to be brought in once more: what goes out of them has changed.
    pub(crate) fn refill(&mut self) {
        (self.filled, self.filling) = (0, true);
    }

    /// What its member wants now; false: it wanted the same.
    pub(crate) fn set_targets(&mut self, targets: Targets) -> bool {
        let differs = self.targets != targets;
        self.targets = targets;
        differs
    }

    /// Why a path is not sent; `None`: it is not known.
    fn denial(&self, (path, source): (Path, Source), family: Family, shared: &Shared<'_>) -> Option<Option<Denial>> {
        let facts = shared.store.facts(path.attr)?;
        if self.key.targets.is_some() && Targets::apply_to(family) {
            let attributes = shared.store.attributes(path.attr)?;
            if !self.targets.want(&attributes) {
                return Some(Some(Denial::RouteTarget));
            }
        }
        Some(export::denial(&Outgoing { family, facts, source, view: &self.key.view, config: shared.config }))
    }

    /// What a path becomes, with one reference, and the sender's label.
    fn outgoing(
        &mut self,
        (path, source): (Path, Source),
        prefix: Dest,
        shared: &mut Shared<'_>,
    ) -> Option<(AttrId, u32)> {
        let attr = self.formed((path, source), prefix, shared)?;
        let attr = self.filtered(source, prefix, attr, shared)?;
        let sender = if self.member_at(path.peer()).is_ok() { path.peer() } else { NO_SENDER };
        Some((attr, sender))
    }

    /// What the rules of the protocol make of a path, with one reference; `None`: it cannot be sent.
    fn formed(&mut self, (path, source): (Path, Source), prefix: Dest, shared: &mut Shared<'_>) -> Option<AttrId> {
        if !self.key.families.contains(prefix.family()) {
            return None;
        }
        let form = match self.forms.iter().find(|(kind, _)| *kind == source.kind) {
            Some((_, form)) => *form,
            None => {
                let form = shared.store.form(Form::new(shared.config, source.kind, &self.key.view))?;
                self.forms.push((source.kind, form));
                form
            }
        };
        let hops = Hops::of(prefix.family());
        shared.store.outgoing(path.attr, form, source.router_id, hops)
    }

    /// What the policy makes of that, one reference for another; `None`: it rejects it.
    fn filtered(&self, source: Source, prefix: Dest, attr: AttrId, shared: &mut Shared<'_>) -> Option<AttrId> {
        match self.key.view.policy {
            PeerPolicy::Use(id) => {
                let Shared { policies, store, tables, .. } = shared;
                policies.export(id, store, tables, prefix, attr, (source, self.key.view.to))
            }
            _ => Some(attr),
        }
    }

    /// `last` has a new state for `route`.
    fn note_live(&mut self, route: u32, live: bool) {
        if live {
            self.live.insert(route);
        } else {
            self.live.remove(route);
        }
        self.pages.remove(&(route / PAGE_BITS));
    }

    /// Whether a member holds what was last sent for `route`, once it has read the ring.
    fn told(&self, peer: u32, route: u32) -> bool {
        self.sent(peer, route).is_some()
    }

    /// Makes a member walk whatever it has not read of the ring.
    fn fall_behind(&mut self, place: usize) {
        let Some(member) = self.members.get_mut(place).filter(|member| !member.walking) else { return };
        let (peer, at, delivered) = (member.peer, member.at, member.delivered);
        member.walking = true;
        // Each of these withdrawals belongs to a change that is still in the ring.
        member.private = VecDeque::new();
        let mut walk = Walk::default();
        for (change, sender, tick) in self.ring.changes_from(at) {
            let was_told = change.before.is_some_and(|before| before != peer);
            walk.revisit(change.route, was_told && !(sender == peer && tick == delivered));
        }
        self.ring.leave(at);
        walk.retain(|route| self.sent(peer, route).is_some());
        self.add_walk(peer, walk);
    }

    /// Everyone who did not read the oldest messages of a full ring falls behind.
    fn bound_ring(&mut self, config: &Config) {
        while let Some(end) = self.ring.overfull(config.ring_octets) {
            let late = |member: &Member| !member.walking && member.at < end;
            let Some(place) = self.members.iter().position(late) else { return };
            self.fall_behind(place);
        }
    }

    fn wake(&mut self, ready: &mut VecDeque<PeerId>) {
        for member in self.members.iter_mut().filter(|member| !member.ready) {
            member.ready = true;
            ready.push_back(PeerId(member.peer));
        }
    }

    fn wake_one(&mut self, place: usize, ready: &mut VecDeque<PeerId>) {
        if let Some(member) = self.members.get_mut(place).filter(|member| !member.ready) {
            member.ready = true;
            ready.push_back(PeerId(member.peer));
        }
    }

    fn member_at(&self, peer: u32) -> Result<usize, usize> {
        self.members.binary_search_by_key(&peer, |member| member.peer)
    }

    fn walk_at(&self, peer: u32) -> Result<usize, usize> {
        self.walks.binary_search_by_key(&peer, |(peer, _)| *peer)
    }

    fn add_walk(&mut self, peer: u32, walk: Walk) {
        if let Err(at) = self.walk_at(peer) {
            self.walks.insert(at, (peer, walk));
        }
    }

    fn take_walk(&mut self, peer: u32) {
        if let Ok(at) = self.walk_at(peer) {
            self.walks.remove(at);
        }
        if self.walks.is_empty() {
            self.pages.clear();
        }
        let Group { slots, walks, .. } = self;
        if let Some(slots) = slots {
            slots.free_held(|slot| walks.iter().any(|(_, walk)| walk.is_pending(slot)));
        }
    }
}

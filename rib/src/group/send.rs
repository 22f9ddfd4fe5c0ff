//! What a group sends: a batch of decided routes into the ring, and the next octets of a member.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use super::messages::{announce_run, withdraw_run};
use super::paths::PathKey;
use super::ring::{Change, NO_SENDER, Next};
use super::{Ask, Decided, Group, Last, Private, Shared, What};
use crate::dest::Dest;
use crate::path::Path;
use crate::peer::{AddPathTx, Source};
use crate::store::{AttrId, AttrStore};

/// A route whose last sent state was replaced.
#[derive(Debug, Clone, Copy)]
struct Changed {
    prefix: Dest,
    route: u32,
    /// What is to be sent and whose it is; `None`: a withdrawal.
    now: Option<(AttrId, u32)>,
    /// Whose route the group had before.
    before: Option<u32>,
}

impl Group {
    /// Brings decided routes into the table and into the ring.
    pub(crate) fn export(&mut self, batch: &[Decided], shared: &mut Shared<'_>) {
        let start = self.ring.begin();
        let mut changes = Vec::new();
        self.free_slots();
        for decided in batch {
            if self.slots.is_some() {
                self.replace_paths(decided, start, shared, &mut changes);
            } else if decided.is_new || self.asks_more() {
                let now = self.only(decided, shared).and_then(|path| self.outgoing(path, decided.prefix, shared));
                changes.extend(self.replace(decided.route, decided.prefix, now, start, shared));
            }
        }
        if changes.is_empty() {
            return;
        }
        if self.ring.readers() > 0 {
            self.encode(changes, shared);
            self.bound_ring(shared.config);
        }
        self.wake(shared.ready);
    }

    /// Replaces what was last sent of all paths of one route.
    fn replace_paths(&mut self, decided: &Decided, start: u64, shared: &mut Shared<'_>, changes: &mut Vec<Changed>) {
        let Decided { route, prefix, .. } = *decided;
        let vantage = self.key.view.vantage;
        let answer = |what| decided.answer(Ask { what, vantage }).iter().copied().collect();
        let chosen: SmallVec<[(Path, Source); 4]> = match self.key.view.add_path_tx {
            Some(AddPathTx::Best(count)) if self.has_paths(prefix) => answer(What::Ranked(count)),
            Some(AddPathTx::All) if self.has_paths(prefix) => answer(What::All),
            Some(AddPathTx::GroupBest) if self.has_paths(prefix) => answer(What::Groups),
            _ => self.only(decided, shared).into_iter().collect(),
        };
        let mut wanted: SmallVec<[_; 4]> = SmallVec::new();
        for path in chosen {
            if self.denial(path, prefix.family(), shared) == Some(None)
                && let Some(now) = self.outgoing(path, prefix, shared)
            {
                let key = if self.has_paths(prefix) { PathKey::of(&path.0) } else { PathKey::BEST };
                wanted.push((key, now));
            }
        }
        let is_wanted = |key: PathKey| wanted.iter().any(|(one, _)| *one == key);
        let gone = self.slots.as_ref().map(|slots| slots.find(route, |key| !is_wanted(key)));
        for slot in gone.into_iter().flatten() {
            changes.extend(self.replace(slot, prefix, None, start, shared));
            if let Some(slots) = &mut self.slots {
                slots.retire(route, slot, shared.tick);
            }
        }
        for (key, now) in wanted {
            match self.slots.as_mut().and_then(|slots| slots.of(route, prefix, key)) {
                Some(slot) => changes.extend(self.replace(slot, prefix, Some(now), start, shared)),
                None => shared.store.release(now.0),
            }
        }
    }

    /// Whether several paths of `prefix` are sent.
    pub(super) fn has_paths(&self, prefix: Dest) -> bool {
        self.key.add_path.contains(prefix.family())
    }

    /// Slots that nothing names any more are free.
    fn free_slots(&mut self) {
        let Group { slots, walks, ring, .. } = self;
        if let Some(slots) = slots {
            let is_awaited = |slot| walks.iter().any(|(_, walk)| walk.is_pending(slot));
            slots.free_before(ring.oldest().unwrap_or(u64::MAX), is_awaited);
        }
    }

    /// Replaces what was last sent for one route by `now`, whose reference it takes; `None` where it stays the same.
    fn replace(
        &mut self,
        route: u32,
        prefix: Dest,
        now: Option<(AttrId, u32)>,
        start: u64,
        shared: &mut Shared<'_>,
    ) -> Option<Changed> {
        let old = self.last.get(route).copied().unwrap_or_default();
        let before = old.attr.map(|_| old.sender);
        if now == old.attr.map(|attr| (attr, old.sender)) {
            now.inspect(|(attr, _)| shared.store.release(*attr));
            return None;
        }
        for (peer, walk) in &mut self.walks {
            walk.revisit(route, before.is_some_and(|sender| sender != *peer));
            if now.is_none_or(|(_, sender)| sender == *peer) {
                walk.forget_untold(route);
            }
        }
        let last = match now {
            Some((attr, sender)) => Last { attr: Some(attr), sender },
            None => Last::default(),
        };
        let slot = self.last.entry(route, &Last::default())?;
        *slot = last;
        self.note_live(route, now.is_some());
        old.attr.inspect(|attr| shared.store.release(*attr));
        if let (Some((_, sender)), Some(before)) = (now, before)
            && sender != before
        {
            self.withdraw_from(sender, Private { at: start, tick: shared.tick, route, prefix });
        }
        Some(Changed { prefix, route, now, before })
    }

    /// `peer` held the route of another and now is the sender itself.
    fn withdraw_from(&mut self, peer: u32, private: Private) {
        let Ok(place) = self.member_at(peer) else { return };
        let Some(member) = self.members.get_mut(place).filter(|member| !member.walking) else { return };
        member.private.push_back(private);
    }

    /// Appends the messages of a batch: announcements by (block, sender), then withdrawals by sender.
    fn encode(&mut self, changes: Vec<Changed>, shared: &mut Shared<'_>) {
        let (mut announce, mut withdraw): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| c.now.is_some());
        announce.sort_unstable_by_key(|c| (c.now, c.prefix.family(), c.route));
        for run in announce.chunk_by(|a, b| a.now == b.now && is_same_family(a, b)) {
            let Some((first, (attr, sender))) = run.first().and_then(|c| Some((c, c.now?))) else { continue };
            let tail = self.ring.tail();
            let before = tail.len();
            let family = first.prefix.family();
            let prefixes = run.iter().map(|c| (c.route, c.prefix));
            if announce_run(&mut self.packer, &self.key, (shared.store, shared.tables), attr, family, prefixes, tail) {
                self.ring.commit(sender, run.iter().map(Changed::record), shared.tick);
            } else {
                tail.truncate(before);
                for changed in run {
                    self.give_up(changed.route, shared.store);
                    withdraw.extend(changed.before.map(|_| Changed { now: None, ..*changed }));
                }
            }
        }
        withdraw.sort_unstable_by_key(|c| (c.before, c.prefix.family(), c.route));
        for run in withdraw.chunk_by(|a, b| a.before == b.before && is_same_family(a, b)) {
            let Some(first) = run.first() else { continue };
            let family = first.prefix.family();
            let routes = run.iter().map(|c| (c.route, c.prefix));
            withdraw_run(&mut self.packer, &self.key, shared.tables, family, routes, self.ring.tail());
            self.ring.commit(first.before.unwrap_or(NO_SENDER), run.iter().map(Changed::record), shared.tick);
        }
        let limit = crate::num::index(shared.config.ring_octets / 1024).max(1);
        while let Some(place) = self.members.iter().position(|member| member.private.len() > limit) {
            self.fall_behind(place);
        }
    }

    /// A route whose attributes fit into no message is not sent.
    fn give_up(&mut self, route: u32, store: &mut AttrStore) {
        if let Some(last) = self.last.get_mut(route)
            && let Some(attr) = core::mem::take(last).attr
        {
            store.release(attr);
            self.note_live(route, false);
        }
    }

    /// The next whole messages for `peer`; `None` when it has all there is.
    pub(crate) fn pull(&mut self, peer: u32, shared: &mut Shared<'_>) -> Option<Bytes> {
        let place = self.member_at(peer).ok()?;
        if let Some(bytes) = self.pull_begin(place) {
            return Some(bytes);
        }
        while self.members.get(place)?.walking {
            match self.pull_walk(peer, shared) {
                Some(bytes) => return Some(bytes),
                None => self.end_walk(place),
            }
        }
        let found = self.pull_end(place).or_else(|| self.pull_ring(place, shared));
        let found = found.or_else(|| {
            let bytes = self.pull_end_of_rib(place)?;
            self.begin_postponed(place, shared);
            Some(bytes)
        });
        if found.is_none() {
            self.members.get_mut(place)?.ready = false;
        }
        found
    }

    fn pull_ring(&mut self, place: usize, shared: &Shared<'_>) -> Option<Bytes> {
        let member = self.members.get_mut(place)?;
        loop {
            let until = member.private.front().map_or(u64::MAX, |private| private.at);
            if until <= member.at {
                let due = member.private.partition_point(|private| private.at <= member.at);
                let due = member.private.drain(..due).inspect(|private| member.delivered = private.tick);
                let mut routes: Vec<_> = due.map(|private| (private.prefix, private.route)).collect();
                routes.sort_unstable_by_key(|(prefix, _)| *prefix);
                let mut out = BytesMut::new();
                for run in routes.chunk_by(|a, b| a.0.family() == b.0.family()) {
                    let Some(family) = run.first().map(|(prefix, _)| prefix.family()) else { continue };
                    let run = run.iter().map(|(prefix, route)| (*route, *prefix));
                    withdraw_run(&mut self.packer, &self.key, shared.tables, family, run, &mut out);
                }
                return Some(out.freeze());
            }
            match self.ring.next(member.at, until, member.peer) {
                Next::Messages(bytes, at) => {
                    member.at = at;
                    return Some(bytes);
                }
                Next::Skip(at) => member.at = at,
                Next::End if member.at < until && until < u64::MAX => member.at = until,
                Next::End => return None,
            }
        }
    }

    /// RFC 4724 section 2: after the first table, once.
    fn pull_end_of_rib(&mut self, place: usize) -> Option<Bytes> {
        let member = self.members.get_mut(place)?;
        let filled = self.filled_at.is_some_and(|at| member.at >= at);
        let families = core::mem::take(&mut member.end_of_rib);
        if !filled || families.is_empty() {
            member.end_of_rib = families;
            return None;
        }
        let mut out = BytesMut::with_capacity(32);
        families.iter().for_each(|family| self.packer.end_of_rib(&mut out, family));
        Some(out.freeze())
    }
}

impl Changed {
    fn record(&self) -> Change {
        Change { route: self.route, before: self.before }
    }
}

fn is_same_family(a: &Changed, b: &Changed) -> bool {
    a.prefix.family() == b.prefix.family()
}

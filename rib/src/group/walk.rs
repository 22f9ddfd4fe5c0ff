//! Members that walk: the routes each has to look at again, and the parts of the table that they share.

use alloc::vec::Vec;

use bgp_wire::Family;
use bytes::{Bytes, BytesMut};

use super::messages::{announce_run, withdraw_run};
use super::{Group, Shared};
use crate::bits::{Bits, PAGE_BITS};
use crate::dest::Dest;
use crate::num::index;
use crate::store::AttrId;

/// A member holds a route exactly if it is pending and in `told`, or not pending and the group's table has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    pending: Bits,
    told: Bits,
}

impl Walk {
    /// A walk over all of `routes` by a member that holds none of them.
    pub(super) fn of_table(routes: Bits) -> Walk {
        Walk { pending: routes, told: Bits::default() }
    }

    /// The group's table has or will have something else for `route`; `told`: the member holds what it had so far.
    /// A second call before the visit changes nothing.
    pub(super) fn revisit(&mut self, route: u32, told: bool) {
        if self.pending.insert(route) && told {
            self.told.insert(route);
        }
    }

    /// `route` is no longer there for this member: what it was not told it need not hear about.
    pub(super) fn forget_untold(&mut self, route: u32) {
        if !self.told.contains(route) {
            self.pending.remove(route);
        }
    }

    /// Drops the visits that would do nothing: routes that are not there (`live`) and were not told.
    pub(super) fn retain(&mut self, live: impl Fn(u32) -> bool) {
        let mut next = self.pending.next_from(0);
        while let Some(route) = next {
            if !live(route) {
                self.forget_untold(route);
            }
            next = route.checked_add(1).and_then(|from| self.pending.next_from(from));
        }
    }

    pub(super) fn is_pending(&self, route: u32) -> bool {
        self.pending.contains(route)
    }

    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty()
    }

    /// The first page with a route to look at.
    fn page(&self) -> Option<u32> {
        self.pending.next_from(0).map(|route| route / PAGE_BITS)
    }

    /// Whether the member has to be sent the whole of a page: all of `live` is pending and nothing of it was told.
    fn is_fresh(&self, page: u32, live: &Bits) -> bool {
        self.told.page_len(page) == 0 && self.pending.page_len(page) == live.page_len(page)
    }

    /// The routes of a page to look at, each with whether the member holds it.
    fn visit(&mut self, page: u32) -> Vec<(u32, bool)> {
        let from = page.saturating_mul(PAGE_BITS);
        let mut next = self.pending.next_from(from);
        let mut visits = Vec::new();
        while let Some(route) = next.filter(|route| route / PAGE_BITS == page) {
            visits.push((route, self.told.contains(route)));
            next = route.checked_add(1).and_then(|from| self.pending.next_from(from));
        }
        self.drop_page(page);
        visits
    }

    fn drop_page(&mut self, page: u32) {
        self.pending.remove_page(page);
        self.told.remove_page(page);
    }
}

/// The routes of one page of the table as messages, made once for all that walk over it.
#[derive(Debug)]
pub(super) struct TablePage {
    bytes: Bytes,
    /// Where the messages of each sender end.
    runs: Vec<(usize, u32)>,
    /// Counts the pages that were made.
    made: u64,
}

impl TablePage {
    /// The messages but for those of `peer`: the same octets where it sent none.
    fn without(&self, peer: u32) -> Bytes {
        if self.runs.iter().all(|(_, sender)| *sender != peer) {
            return self.bytes.clone();
        }
        let (mut out, mut from) = (BytesMut::with_capacity(self.bytes.len()), 0);
        for (end, sender) in &self.runs {
            if *sender != peer {
                out.extend_from_slice(self.bytes.get(from..*end).unwrap_or_default());
            }
            from = *end;
        }
        out.freeze()
    }
}

impl Group {
    /// The next part of a walk: `None` when there is nothing to be sent in what is left of it.
    pub(super) fn pull_walk(&mut self, peer: u32, shared: &mut Shared<'_>) -> Option<Bytes> {
        let at = self.walk_at(peer).ok()?;
        loop {
            let (_, walk) = self.walks.get_mut(at)?;
            let page = walk.page()?;
            let bytes = if walk.is_fresh(page, &self.live) {
                walk.drop_page(page);
                self.table_page(page, shared).without(peer)
            } else {
                let visits = walk.visit(page);
                self.catch_up(peer, visits, shared)
            };
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
    }

    /// A page of the table, made when nobody has walked over it since it changed, or so long ago that it was forgotten:
    /// those that are kept have no more octets than the ring.
    fn table_page(&mut self, page: u32, shared: &mut Shared<'_>) -> &TablePage {
        let Group { key, packer, last, live, slots, pages, .. } = self;
        let made = pages.values().map(|page| page.made).max().map_or(0, |last| last + 1);
        if !pages.contains_key(&page) {
            let octets = |page: &TablePage| page.bytes.len();
            while pages.values().map(octets).sum::<usize>() > index(shared.config.ring_octets) {
                let oldest = pages.iter().min_by_key(|(_, page)| page.made).map(|(number, _)| *number);
                oldest.and_then(|oldest| pages.remove(&oldest));
            }
        }
        pages.entry(page).or_insert_with(|| {
            let from = page.saturating_mul(PAGE_BITS);
            let mut routes = Vec::with_capacity(index(live.page_len(page)));
            let mut next = live.next_from(from);
            while let Some(route) = next.filter(|route| route / PAGE_BITS == page) {
                routes.extend(last.get(route).and_then(|last| {
                    let prefix = match slots {
                        Some(slots) => slots.prefix(route)?,
                        None => shared.tables.prefix(route)?,
                    };
                    Some((last.attr?, last.sender, prefix.family(), prefix, route))
                }));
                next = route.checked_add(1).and_then(|from| live.next_from(from));
            }
            routes.sort_unstable();
            let (mut out, mut runs) = (BytesMut::new(), Vec::new());
            for run in routes.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
                let Some((attr, sender, family, ..)) = run.first() else { continue };
                let prefixes = run.iter().map(|route| (route.4, route.3));
                // What fits into no message is not sent.
                if announce_run(packer, key, (shared.store, shared.tables), *attr, *family, prefixes, &mut out) {
                    runs.push((out.len(), *sender));
                }
            }
            TablePage { bytes: out.freeze(), runs, made }
        })
    }

    /// Messages that bring a member from what it holds to what the table has.
    fn catch_up(&mut self, peer: u32, visits: Vec<(u32, bool)>, shared: &mut Shared<'_>) -> Bytes {
        let mut out = BytesMut::new();
        let mut announce: Vec<(AttrId, Family, Dest, u32)> = Vec::new();
        let mut withdraw: Vec<(Family, Dest, u32)> = Vec::new();
        for (route, told) in visits {
            let Some(prefix) = self.prefix(shared.tables, route) else { continue };
            match self.sent(peer, route) {
                Some(attr) => announce.push((attr, prefix.family(), prefix, route)),
                None if told => withdraw.push((prefix.family(), prefix, route)),
                None => {}
            }
        }
        withdraw.sort_unstable();
        for run in withdraw.chunk_by(|a, b| a.0 == b.0) {
            let Some((family, ..)) = run.first() else { continue };
            let routes = run.iter().map(|w| (w.2, w.1));
            withdraw_run(&mut self.packer, &self.key, shared.tables, *family, routes, &mut out);
        }
        announce.sort_unstable();
        for run in announce.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((attr, family, ..)) = run.first() else { continue };
            let prefixes = run.iter().map(|a| (a.3, a.2));
            let known = (&*shared.store, shared.tables);
            announce_run(&mut self.packer, &self.key, known, *attr, *family, prefixes, &mut out);
        }
        out.freeze()
    }

    /// A member that has seen all of its walk reads the ring from here on.
    pub(super) fn end_walk(&mut self, place: usize) {
        let Some(member) = self.members.get_mut(place) else { return };
        member.walking = false;
        member.at = self.ring.join();
        let peer = member.peer;
        self.take_walk(peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_state_counts_until_the_visit() {
        let mut walk = Walk::default();
        walk.revisit(3, true);
        walk.revisit(3, false);
        walk.revisit(1, false);
        walk.forget_untold(3);
        assert_eq!((walk.page(), walk.visit(0), walk.page()), (Some(0), [(1, false), (3, true)].to_vec(), None));
    }

    #[test]
    fn what_is_gone_and_was_not_told_is_not_visited() {
        let mut routes = Bits::default();
        for route in [1, 2, 3] {
            routes.insert(route);
        }
        let mut walk = Walk::of_table(routes);
        walk.revisit(9, true);
        walk.retain(|route| route == 2);
        assert_eq!((walk.visit(0), walk.is_done()), ([(2, false), (9, true)].to_vec(), true));
    }
}

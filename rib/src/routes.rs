//! The paths of every route: 16 octets each, the first one in the row of its route, further ones chained behind it.
//!
//! A path holds one reference to its block. The path in use is one of them, by a mark. When it is replaced or goes, it
//! stays as a path that is gone until the next decision: what was told to others is known without a second copy.

use crate::pages::Pages;
use crate::path::Path;
use crate::store::{AttrId, AttrStore};

/// Paths by route id.
#[derive(Debug)]
pub(crate) struct Routes {
    rows: Pages<Row>,
    more: Pages<Row>,
    /// The first unused one of `more`, or `NIL`; they are chained.
    free: u32,
}

/// A path and where the next one of the same route is in `more`. Without a path there is no next one.
#[derive(Debug, Clone, Copy)]
struct Row {
    path: Option<Path>,
    next: u32,
}

const _: () = assert!(size_of::<Row>() == 16);

const NIL: u32 = u32::MAX;

const EMPTY: Row = Row { path: None, next: NIL };

/// What an announcement was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announcement {
    /// Of a path that was not there.
    New,
    /// Of one that was there, with something else.
    Other,
    /// Of one that was there, with the same.
    Same,
}

impl Default for Routes {
    fn default() -> Self {
        Routes { rows: Pages::default(), more: Pages::default(), free: NIL }
    }
}

impl Routes {
    /// The paths of a route, but for one that is gone.
    pub(crate) fn paths(&self, id: u32) -> impl Iterator<Item = &Path> {
        self.all(id).filter(|path| !path.is_gone())
    }

    /// Whether a route has no path, but maybe one that is gone.
    pub(crate) fn is_empty(&self, id: u32) -> bool {
        self.paths(id).next().is_none()
    }

    /// The path in use since the last decision.
    pub(crate) fn best(&self, id: u32) -> Option<Path> {
        self.all(id).find(|path| path.is_best()).copied()
    }

    /// The paths in use of all routes, with the ids of these.
    pub(crate) fn all_best(&self) -> impl Iterator<Item = (u32, Path)> {
        self.ids().filter_map(|id| Some((id, self.best(id)?)))
    }

    /// The ids there are.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        0..crate::num::count(self.rows.len())
    }

    /// The block of every path, once for each reference.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = AttrId> {
        self.rows.iter().chain(self.more.iter()).filter_map(|row| Some(row.path?.attr))
    }

    /// Adds a path, or puts it in the place of the one of the same peer and path identifier.
    pub(crate) fn announce(&mut self, store: &mut AttrStore, id: u32, new: Path) -> Option<Announcement> {
        self.rows.entry(id, &EMPTY)?;
        let is_it = |path: &Path| !path.is_gone() && path.is(new.peer(), new.path_id);
        let Some(path) = self.find(id, is_it) else {
            self.append(id, new)?;
            store.retain(new.attr);
            return Some(Announcement::New);
        };
        let old = *path;
        if old.attr == new.attr {
            let is_same = !old.is_stale() && !old.is_refreshing();
            path.renew();
            return Some(if is_same { Announcement::Same } else { Announcement::Other });
        }
        *path = new;
        store.retain(new.attr);
        self.put_away(store, id, old);
        Some(Announcement::Other)
    }

    /// Gives a path another block, whose reference it takes, and all else stays; false: it is not there.
    pub(crate) fn reword(&mut self, store: &mut AttrStore, id: u32, old: Path, attr: AttrId) -> bool {
        let Some(path) = self.find(id, |path| *path == old) else { return false };
        path.attr = attr;
        path.set_best(false);
        self.put_away(store, id, old);
        true
    }

    /// Removes the paths that `which` names; how many there were.
    pub(crate) fn remove(&mut self, store: &mut AttrStore, id: u32, which: impl Fn(&Path) -> bool) -> u32 {
        let mut removed = 0;
        self.retain(id, |path| {
            if path.is_gone() || !which(path) {
                return true;
            }
            removed += 1;
            if path.is_best() {
                path.set_gone();
                return true;
            }
            store.release(path.attr);
            false
        });
        removed
    }

    /// Marks paths.
    pub(crate) fn mark(&mut self, id: u32, which: impl Fn(&Path) -> bool, mark: impl Fn(&mut Path)) {
        self.retain(id, |path| {
            if !path.is_gone() && which(path) {
                mark(path);
            }
            true
        });
    }

    /// `best`, one of the paths, is the one in use from now on; what is gone is forgotten.
    pub(crate) fn choose(&mut self, store: &mut AttrStore, id: u32, best: Option<Path>) {
        self.retain(id, |path| {
            if path.is_gone() {
                store.release(path.attr);
                return false;
            }
            path.set_best(best.is_some_and(|best| path.is(best.peer(), best.path_id)));
            true
        });
    }

    /// A path that was replaced: kept as long as it is the one in use.
    fn put_away(&mut self, store: &mut AttrStore, id: u32, mut old: Path) {
        if old.is_best() {
            old.set_gone();
            if self.append(id, old).is_some() {
                return;
            }
        }
        store.release(old.attr);
    }

    fn all(&self, id: u32) -> impl Iterator<Item = &Path> {
        let mut next = self.rows.get(id);
        core::iter::from_fn(move || {
            let row = next?;
            next = if row.next == NIL { None } else { self.more.get(row.next) };
            row.path.as_ref()
        })
    }

    fn find(&mut self, id: u32, is_it: impl Fn(&Path) -> bool) -> Option<&mut Path> {
        let first = self.rows.get(id)?;
        if first.path.as_ref().is_some_and(&is_it) {
            return self.rows.get_mut(id)?.path.as_mut();
        }
        let mut at = first.next;
        while !self.more.get(at)?.path.as_ref().is_some_and(&is_it) {
            at = self.more.get(at)?.next;
        }
        self.more.get_mut(at)?.path.as_mut()
    }

    /// Adds a path behind the others; `None`: there are 2^32 - 1.
    fn append(&mut self, id: u32, path: Path) -> Option<()> {
        let new = Row { path: Some(path), next: NIL };
        let first = self.rows.get_mut(id)?;
        if first.path.is_none() {
            *first = new;
            return Some(());
        }
        let mut last = first.next;
        let at = match self.free {
            NIL => self.more.push(new)?,
            free => {
                let row = self.more.get_mut(free)?;
                self.free = core::mem::replace(row, new).next;
                free
            }
        };
        if last == NIL {
            self.rows.get_mut(id)?.next = at;
            return Some(());
        }
        while let Some(next) = self.more.get(last).map(|row| row.next).filter(|next| *next != NIL) {
            last = next;
        }
        self.more.get_mut(last)?.next = at;
        Some(())
    }

    /// Keeps the paths that `keep` says, which may change them.
    fn retain(&mut self, id: u32, mut keep: impl FnMut(&mut Path) -> bool) {
        let mut at = loop {
            let Some(row) = self.rows.get_mut(id) else { return };
            let Some(path) = &mut row.path else { return };
            let next = row.next;
            if keep(path) {
                break next;
            }
            *row = EMPTY;
            let Some(second) = self.vacate(next) else { return };
            if let Some(row) = self.rows.get_mut(id) {
                *row = second;
            }
        };
        let mut before = NIL;
        while let Some(row) = self.more.get_mut(at) {
            let next = row.next;
            if row.path.as_mut().is_some_and(&mut keep) {
                before = at;
            } else {
                self.vacate(at);
                let link = if before == NIL { self.rows.get_mut(id) } else { self.more.get_mut(before) };
                link.into_iter().for_each(|row| row.next = next);
            }
            at = next;
        }
    }

    /// Takes a row out of `more`.
    fn vacate(&mut self, at: u32) -> Option<Row> {
        let row = core::mem::replace(self.more.get_mut(at)?, Row { path: None, next: self.free });
        self.free = at;
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use bgp_wire::attr::NextHop;
    use proptest::prelude::*;

    /// Paths as a vector, the path in use beside it.
    #[derive(Default)]
    struct Model {
        paths: Vec<(u32, AttrId)>,
        best: Option<(u32, AttrId)>,
    }

    fn seen<'p>(paths: impl Iterator<Item = &'p Path>) -> Vec<(u32, AttrId)> {
        paths.map(|path| (path.peer(), path.attr)).collect()
    }

    proptest! {
        #[test]
        fn behaves_as_a_list_with_a_best_beside_it(ops in prop::collection::vec((0..4_u8, 0..3_u32, 0..5_u32, 0..3_u8), 0..60)) {
            let (mut store, mut routes) = (AttrStore::new(1), Routes::default());
            let blocks: Vec<AttrId> =
                (0..3).map(|med| store.intern(&[0x80, 4, 4, 0, 0, 0, med], NextHop::None).unwrap()).collect();
            let mut models: Vec<Model> = (0..3).map(|_| Model::default()).collect();
            for (op, id, peer, block) in ops {
                let (attr, model) = (blocks[usize::from(block)], &mut models[usize::try_from(id).unwrap()]);
                match op {
                    0 | 1 => {
                        routes.announce(&mut store, id, Path::new(attr, peer, 0)).unwrap();
                        match model.paths.iter_mut().find(|path| path.0 == peer) {
                            Some(path) => path.1 = attr,
                            None => model.paths.push((peer, attr)),
                        }
                    }
                    2 => {
                        let removed = routes.remove(&mut store, id, |path| path.peer() == peer);
                        let before = model.paths.len();
                        model.paths.retain(|path| path.0 != peer);
                        prop_assert_eq!(crate::num::index(removed), before - model.paths.len());
                    }
                    _ => {
                        let best = routes.paths(id).nth(usize::from(block)).copied();
                        routes.choose(&mut store, id, best);
                        model.best = model.paths.get(usize::from(block)).copied();
                    }
                }
                for (id, model) in (0..3).zip(&models) {
                    prop_assert_eq!(&seen(routes.paths(id)), &model.paths);
                    prop_assert_eq!(routes.best(id).map(|path| (path.peer(), path.attr)), model.best);
                    prop_assert_eq!(routes.is_empty(id), model.paths.is_empty());
                }
            }
            // No reference is lost and none is left.
            for id in 0..3 {
                routes.remove(&mut store, id, |_| true);
                routes.choose(&mut store, id, None);
            }
            prop_assert_eq!(routes.blocks().count(), 0);
            blocks.into_iter().for_each(|block| store.release(block));
            prop_assert!(store.is_empty());
        }
    }
}

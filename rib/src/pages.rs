//! An arena that grows by pages of a fixed size, so that no growth ever copies the whole of it.

use alloc::vec::Vec;

use crate::num::index;

/// Elements of one page.
const PAGE: usize = 1024;

/// A dense array indexed by `u32`. The first page grows as it fills, so that a small arena stays small.
#[derive(Debug, Clone)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Pages { pages: Vec::new() }
    }
}

impl<T> Pages<T> {
    pub(crate) fn len(&self) -> usize {
        match self.pages.last() {
            None => 0,
            Some(last) => (self.pages.len() - 1) * PAGE + last.len(),
        }
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        let id = index(id);
        self.pages.get(id / PAGE)?.get(id % PAGE)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let id = index(id);
        self.pages.get_mut(id / PAGE)?.get_mut(id % PAGE)
    }

    /// Appends, and gives the index; `None` when 2^32 - 1 elements are there.
    pub(crate) fn push(&mut self, value: T) -> Option<u32> {
        let id = u32::try_from(self.len()).ok().filter(|id| *id != u32::MAX)?;
        match self.pages.last_mut() {
            Some(last) if last.len() < PAGE => last.push(value),
            first => {
                let mut page = if first.is_none() { Vec::new() } else { Vec::with_capacity(PAGE) };
                page.push(value);
                self.pages.push(page);
            }
        }
        Some(id)
    }

    /// Elements in index order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

impl<T: Clone> Pages<T> {
    /// The element at `id`; the arena grows with copies of `fill` up to it.
    pub(crate) fn entry(&mut self, id: u32, fill: &T) -> Option<&mut T> {
        while self.len() <= index(id) {
            self.push(fill.clone())?;
        }
        self.get_mut(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_pages_and_keeps_every_element() {
        let mut pages = Pages::default();
        for n in 0..3000_u32 {
            assert_eq!(pages.push(n), Some(n));
        }
        assert_eq!(pages.len(), 3000);
        assert!(pages.pages.iter().all(|page| page.capacity() <= PAGE));
        assert!((0..3000).all(|n| pages.get(n) == Some(&n)));
        assert_eq!(pages.get(3000), None);
        assert_eq!(pages.iter().copied().sum::<u32>(), 2999 * 1500);
    }

    #[test]
    fn entry_fills_the_gap() {
        let mut pages = Pages::default();
        *pages.entry(5, &0_u8).unwrap() = 9;
        assert_eq!(pages.iter().copied().collect::<Vec<_>>(), [0, 0, 0, 0, 0, 9]);
    }
}

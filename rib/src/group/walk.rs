//! A member that walks: the routes it has to look at again, and which of them it holds.

use crate::bits::Bits;

/// A member holds a route exactly if it is pending and in `told`, or not pending and the group's table has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    pending: Bits,
    told: Bits,
}

impl Walk {
    /// A walk over all of `routes` by a member that holds none of them.
    pub(super) fn of_table(routes: impl Iterator<Item = u32>) -> Walk {
        let mut walk = Walk::default();
        routes.for_each(|route| {
            walk.pending.insert(route);
        });
        walk
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

    /// The next route to look at, and whether the member holds it.
    pub(super) fn visit(&mut self) -> Option<(u32, bool)> {
        let route = self.pending.pop_first()?;
        Some((route, self.told.remove(route)))
    }

    pub(super) fn is_pending(&self, route: u32) -> bool {
        self.pending.contains(route)
    }

    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty()
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
        assert_eq!((walk.visit(), walk.visit(), walk.visit()), (Some((1, false)), Some((3, true)), None));
    }

    #[test]
    fn what_is_gone_and_was_not_told_is_not_visited() {
        let mut walk = Walk::of_table([1, 2, 3].into_iter());
        walk.revisit(9, true);
        walk.retain(|route| route == 2);
        assert_eq!((walk.visit(), walk.visit(), walk.visit()), (Some((2, false)), Some((9, true)), None));
    }
}

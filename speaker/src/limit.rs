//! Limits on how many prefixes a peer may announce (RFC 4271 section 6.7).

use alloc::sync::Arc;
use alloc::vec::Vec;

use bgp_wire::Family;

/// How many prefixes of a family a peer may have in the tables, and what happens beyond that.
///
/// Counted are the prefixes that it has paths for: one that is announced again, or with several path identifiers, counts
/// once, and one that is not eligible (a loop, a policy) does not count. While routes of an earlier session are kept as
/// stale ones (RFC 4724), twice the limit is allowed until End-of-RIB, because half of them may be replaced yet.
///
/// ```
/// use bgp_speaker::{PrefixAction, PrefixLimit};
/// use bgp_wire::Family;
/// let limit = PrefixLimit::new(Family::IPV4_UNICAST, 1000).with_warning(75);
/// assert_eq!((limit.action, limit.warning), (PrefixAction::Cease, Some(75)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PrefixLimit {
    /// Whose prefixes are counted.
    pub family: Family,
    /// As many may be there.
    pub limit: u32,
    /// What happens with one more.
    pub action: PrefixAction,
    /// More than this part of the limit, in percent, is told with [`Event::PrefixWarning`](crate::Event::PrefixWarning).
    pub warning: Option<u8>,
}

/// What happens when a peer announces more prefixes than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PrefixAction {
    /// The session ends with 6/1, which tells the peer the family and the limit (RFC 4486 section 4). It stays in Idle
    /// until [`Speaker::start`](crate::Speaker::start), or for the session's `max_prefix_restart`.
    #[default]
    Cease,
    /// It is told with [`Event::PrefixWarning`](crate::Event::PrefixWarning), and nothing else happens.
    Warn,
}

impl PrefixLimit {
    /// The session ends beyond `limit` prefixes.
    #[must_use]
    pub const fn new(family: Family, limit: u32) -> PrefixLimit {
        PrefixLimit { family, limit, action: PrefixAction::Cease, warning: None }
    }

    /// With another action.
    #[must_use]
    pub const fn with_action(mut self, action: PrefixAction) -> PrefixLimit {
        self.action = action;
        self
    }

    /// Warns beyond `percent` of the limit already.
    #[must_use]
    pub const fn with_warning(mut self, percent: u8) -> PrefixLimit {
        self.warning = Some(percent);
        self
    }

    /// What is to be done about `count` prefixes; while routes are stale, `stale`.
    pub(crate) fn judge(&self, count: u32, stale: bool) -> Verdict {
        let limit = if stale { self.limit.saturating_mul(2) } else { self.limit };
        let warns = self.warning.map(|percent| u64::from(limit).saturating_mul(percent.into()) / 100);
        match self.action {
            PrefixAction::Cease if count > limit => Verdict::Cease,
            PrefixAction::Warn if count > limit => Verdict::Warn,
            _ if warns.is_some_and(|most| u64::from(count) > most) => Verdict::Warn,
            _ => Verdict::Fine,
        }
    }
}

/// What is to be done about a number of prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    Warn,
    Cease,
}

/// The limits of a peer, one per family; many peers may share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PrefixLimits(Option<Arc<Vec<PrefixLimit>>>);

impl PrefixLimits {
    pub(crate) fn as_slice(&self) -> &[PrefixLimit] {
        self.0.as_ref().map_or(&[], |limits| limits)
    }

    /// With one more, in place of another one of its family.
    pub(crate) fn with(&self, limit: PrefixLimit) -> PrefixLimits {
        let others = self.as_slice().iter().filter(|other| other.family != limit.family).copied();
        PrefixLimits(Some(Arc::new(others.chain([limit]).collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_is_one_more() {
        let limit = PrefixLimit::new(Family::IPV4_UNICAST, 10).with_warning(80);
        let verdicts = [8, 9, 10, 11].map(|count| limit.judge(count, false));
        assert_eq!(verdicts, [Verdict::Fine, Verdict::Warn, Verdict::Warn, Verdict::Cease]);
        assert_eq!([20, 21].map(|count| limit.judge(count, true)), [Verdict::Warn, Verdict::Cease]);
        let limit = limit.with_action(PrefixAction::Warn);
        assert_eq!(limit.judge(u32::MAX, false), Verdict::Warn);
    }

    #[test]
    fn a_family_has_one_limit() {
        let limits = PrefixLimits::default().with(PrefixLimit::new(Family::IPV4_UNICAST, 1));
        let limits =
            limits.with(PrefixLimit::new(Family::IPV6_UNICAST, 2)).with(PrefixLimit::new(Family::IPV4_UNICAST, 3));
        assert_eq!(limits.as_slice().iter().map(|limit| limit.limit).collect::<Vec<_>>(), [2, 3]);
    }
}

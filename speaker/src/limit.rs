//! Limits on what a peer may announce: prefixes (RFC 4271 section 6.7) and attributes.

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
/// use bgp_speaker::{LimitAction, PrefixLimit};
/// use bgp_wire::Family;
/// let limit = PrefixLimit::new(Family::IPV4_UNICAST, 1000).with_warning(75);
/// assert_eq!((limit.action, limit.warning), (LimitAction::Cease, Some(75)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PrefixLimit {
    /// Whose prefixes are counted.
    pub family: Family,
    /// As many may be there.
    pub limit: u32,
    /// What happens with one more.
    pub action: LimitAction,
    /// More than this part of the limit, in percent, is told with [`Event::PrefixWarning`](crate::Event::PrefixWarning).
    pub warning: Option<u8>,
}

/// How many octets of attributes a peer's paths may hold in the store, and what happens beyond that.
///
/// Counted are the different blocks that its paths have, each once, as they are kept: a block that a thousand of its paths
/// share counts once, one that it shares with other peers counts for each of them. The count is taken when so much has
/// come in that it might be exceeded, and again after each eighth of the limit: no more than nine eighths are ever held.
///
/// ```
/// use bgp_speaker::{AttributeLimit, LimitAction};
/// let limit = AttributeLimit::new(16 << 20).with_action(LimitAction::Warn);
/// assert_eq!(limit.octets, 16_777_216);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AttributeLimit {
    /// As many octets may be there.
    pub octets: u64,
    /// What happens with more. [`LimitAction::Cease`]: the session ends with 6/8, Out of Resources (RFC 4486 section 4).
    pub action: LimitAction,
}

impl AttributeLimit {
    /// The session ends beyond `octets`.
    #[must_use]
    pub const fn new(octets: u64) -> AttributeLimit {
        AttributeLimit { octets, action: LimitAction::Cease }
    }

    /// With another action.
    #[must_use]
    pub const fn with_action(mut self, action: LimitAction) -> AttributeLimit {
        self.action = action;
        self
    }
}

/// How much a peer's paths hold, as far as it is known without looking at them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    /// At the last count.
    counted: u64,
    /// What has come in since then, which may be in it.
    since: u64,
    /// The owner was warned.
    pub(crate) warned: bool,
}

impl Held {
    /// An UPDATE of so many octets came: whether it is time to count.
    pub(crate) fn receive(&mut self, octets: usize, limit: u64) -> bool {
        self.since = self.since.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        self.counted.saturating_add(self.since) > limit && self.since >= limit / 8
    }

    pub(crate) fn count(&mut self, octets: u64) {
        (self.counted, self.since) = (octets, 0);
    }
}

/// What happens when a peer announces more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LimitAction {
    /// The session ends. With 6/1, which tells the peer the family and the limit (RFC 4486 section 4), it stays in Idle
    /// until [`Speaker::start`](crate::Speaker::start), or for the session's `max_prefix_restart`.
    #[default]
    Cease,
    /// It is told with [`Event::PrefixWarning`](crate::Event::PrefixWarning) or
    /// [`Event::AttributeWarning`](crate::Event::AttributeWarning), and nothing else happens.
    Warn,
}

impl PrefixLimit {
    /// The session ends beyond `limit` prefixes.
    #[must_use]
    pub const fn new(family: Family, limit: u32) -> PrefixLimit {
        PrefixLimit { family, limit, action: LimitAction::Cease, warning: None }
    }

    /// With another action.
    #[must_use]
    pub const fn with_action(mut self, action: LimitAction) -> PrefixLimit {
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
            LimitAction::Cease if count > limit => Verdict::Cease,
            LimitAction::Warn if count > limit => Verdict::Warn,
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

/// The limits of a peer; many peers may share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Limits(Option<Arc<All>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct All {
    /// One per family.
    prefixes: Vec<PrefixLimit>,
    attributes: Option<AttributeLimit>,
}

impl Limits {
    pub(crate) fn prefixes(&self) -> &[PrefixLimit] {
        self.0.as_ref().map_or(&[], |all| &all.prefixes)
    }

    pub(crate) fn attributes(&self) -> Option<AttributeLimit> {
        self.0.as_ref()?.attributes
    }

    /// With one more, in place of another one of its family.
    pub(crate) fn with_prefixes(&self, limit: PrefixLimit) -> Limits {
        let mut all = self.0.as_deref().cloned().unwrap_or_default();
        all.prefixes.retain(|other| other.family != limit.family);
        all.prefixes.push(limit);
        Limits(Some(Arc::new(all)))
    }

    pub(crate) fn with_attributes(&self, limit: AttributeLimit) -> Limits {
        let all = self.0.as_deref().cloned().unwrap_or_default();
        Limits(Some(Arc::new(All { attributes: Some(limit), ..all })))
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
        let limit = limit.with_action(LimitAction::Warn);
        assert_eq!(limit.judge(u32::MAX, false), Verdict::Warn);
    }

    #[test]
    fn a_family_has_one_limit() {
        let limits = Limits::default().with_prefixes(PrefixLimit::new(Family::IPV4_UNICAST, 1));
        let limits = limits
            .with_prefixes(PrefixLimit::new(Family::IPV6_UNICAST, 2))
            .with_prefixes(PrefixLimit::new(Family::IPV4_UNICAST, 3));
        assert_eq!(limits.prefixes().iter().map(|limit| limit.limit).collect::<Vec<_>>(), [2, 3]);
    }
}

//! A policy of rules: conditions, changes, a verdict.

use alloc::vec::Vec;

use super::{Action, Condition, Policy, Route, Verdict};

/// Where all conditions hold, all changes are made and the verdict is given.
///
/// ```
/// use bgp_rib::policy::{Action, Condition, Rule, Verdict};
/// use bgp_wire::{Asn, community::Community};
///
/// let rule = Rule::new(Verdict::Accept)
///     .when(Condition::NeighborAs(Asn(65001)))
///     .when(Condition::Community(Community::new(65001, 80)))
///     .then(Action::LocalPref(80));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    conditions: Vec<Condition>,
    actions: Vec<Action>,
    verdict: Verdict,
}

impl Rule {
    /// A rule for every route that changes nothing.
    #[must_use]
    pub fn new(verdict: Verdict) -> Rule {
        Rule { conditions: Vec::new(), actions: Vec::new(), verdict }
    }

    /// Only where `condition` holds too.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Rule {
        self.conditions.push(condition);
        self
    }

    /// With one more change.
    #[must_use]
    pub fn then(mut self, action: Action) -> Rule {
        self.actions.push(action);
        self
    }

    fn apply(&self, route: &mut Route<'_>) -> Verdict {
        if !self.conditions.iter().all(|condition| condition.holds(route)) {
            return Verdict::Next;
        }
        self.actions.iter().for_each(|action| action.apply(route));
        self.verdict
    }
}

/// Rules for both ways: the first that holds and does not say [`Verdict::Next`] decides; where none does, the route is
/// accepted.
///
/// ```
/// use bgp_rib::policy::{Action, Condition, PrefixList, Rule, Rules, Verdict};
/// use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, PeerPolicy, Rib};
/// use bgp_wire::{Asn, BgpId};
///
/// let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
/// let blocks = PrefixList::new().range("10.244.0.0/16".parse()?, 26..=26);
/// let policy = rib.add_policy(
///     Rules::new()
///         .import(Rule::new(Verdict::Accept).when(Condition::Prefix(blocks)).then(Action::LocalPref(200)))
///         .import(Rule::new(Verdict::Reject))
///         .export(Rule::new(Verdict::Next).then(Action::Prepend(Asn(64512), 2))),
/// );
/// let peer = PeerConfig::new(PeerKind::Ebgp, Asn(65001), "192.0.2.2".parse()?);
/// rib.add_peer(peer.with_policy(PeerPolicy::Use(policy)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    import: Vec<Rule>,
    export: Vec<Rule>,
}

impl Rules {
    /// No rule: everything is accepted.
    #[must_use]
    pub fn new() -> Rules {
        Rules::default()
    }

    /// With one more rule for what comes in.
    #[must_use]
    pub fn import(mut self, rule: Rule) -> Rules {
        self.import.push(rule);
        self
    }

    /// With one more rule for what goes out.
    #[must_use]
    pub fn export(mut self, rule: Rule) -> Rules {
        self.export.push(rule);
        self
    }
}

impl Policy for Rules {
    fn import(&self, route: &mut Route<'_>) -> Verdict {
        first(&self.import, route)
    }

    fn export(&self, route: &mut Route<'_>) -> Verdict {
        first(&self.export, route)
    }
}

fn first(rules: &[Rule], route: &mut Route<'_>) -> Verdict {
    rules.iter().map(|rule| rule.apply(route)).find(|verdict| *verdict != Verdict::Next).unwrap_or(Verdict::Next)
}

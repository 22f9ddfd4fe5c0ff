//! The decision process (RFC 4271 section 9.1.2 and updates): a table of steps that eliminate paths in rounds.

use core::net::IpAddr;

use alloc::vec::Vec;

use bgp_wire::Asn;
use bgp_wire::community::Community;
use smallvec::SmallVec;

use crate::config::DecisionOptions;
use crate::facts::Facts;
use crate::peer::{PeerKind, Source};

/// A step of the decision process, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// Paths without LLGR_STALE before those with it (RFC 9494 section 4.3).
    LlgrStale,
    /// Highest LOCAL_PREF; 100 where there is none.
    LocalPref,
    /// Own routes before learned ones.
    Local,
    /// Shortest AS_PATH: a set counts 1, confederation segments 0 (RFC 4271 section 9.1.2.2 a, RFC 5065).
    AsPathLength,
    /// Lowest ORIGIN (section 9.1.2.2 b).
    Origin,
    /// Lowest MULTI_EXIT_DISC among the paths of one neighbour AS (section 9.1.2.2 c).
    Med,
    /// EBGP before IBGP; other members of the confederation count as internal (section 9.1.2.2 d, RFC 5065).
    External,
    /// Lowest interior cost to NEXT_HOP (section 9.1.2.2 e).
    InteriorCost,
    /// The best path so far, if it is external (RFC 5004); only where the option is on.
    OldestExternal,
    /// Lowest BGP Identifier, or ORIGINATOR_ID where there is one (section 9.1.2.2 f, RFC 4456 section 9).
    BgpIdentifier,
    /// Shortest CLUSTER_LIST (RFC 4456 section 9).
    ClusterListLength,
    /// Lowest peer address (section 9.1.2.2 g).
    PeerAddress,
    /// Lowest path identifier (RFC 7911): the last word between two paths of one session.
    PathId,
}

/// Every step with what it does; the order is the process.
const STEPS: [(Step, Eliminate); 13] = [
    (Step::LlgrStale, |r| r.least(|c, _| u128::from(c.facts.carries(Community::LLGR_STALE)))),
    (Step::LocalPref, |r| r.least(|c, _| u128::from(!c.facts.local_pref))),
    (Step::Local, |r| r.least(|c, _| u128::from(c.source.kind.is_some()))),
    (Step::AsPathLength, |r| r.least(|c, _| u128::from(c.facts.hops))),
    (Step::Origin, |r| r.least(|c, _| u128::from(c.facts.origin))),
    (Step::Med, |r| r.med()),
    (Step::External, |r| r.least(|c, _| u128::from(!c.is_external()))),
    (Step::InteriorCost, |r| r.least(|c, _| u128::from(c.interior_cost))),
    (Step::OldestExternal, |r| r.oldest_external()),
    (Step::BgpIdentifier, |r| r.least(|c, _| u128::from(c.identifier()))),
    (Step::ClusterListLength, |r| r.least(|c, _| u128::from(c.facts.clusters))),
    (Step::PeerAddress, |r| r.least(|c, _| numeric(c.source.addr))),
    (Step::PathId, |r| r.least(|c, _| u128::from(c.path_id))),
];

type Eliminate = fn(&mut Round<'_>);

/// One path as the decision process sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) facts: Facts,
    pub(crate) source: Source,
    pub(crate) interior_cost: u32,
    pub(crate) path_id: u32,
}

/// What holds for all candidates of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) options: DecisionOptions,
    pub(crate) local_as: Asn,
    /// The candidate that was best before.
    pub(crate) current: Option<usize>,
}

/// The index of the best candidate; `None` only where there is none.
pub(crate) fn best(candidates: &[Candidate], rules: Rules) -> Option<usize> {
    if candidates.len() < 2 {
        return candidates.first().map(|_| 0);
    }
    let mut round = Round::new(candidates, rules, None);
    round.run();
    round.alive.first().copied()
}

/// At most `count` candidates: the best, the best of the others, and so on. Each is decided anew among all that are
/// left, as MED is no order.
pub(crate) fn ranked(candidates: &[Candidate], rules: Rules, count: usize) -> SmallVec<[usize; 4]> {
    let mut left: SmallVec<[usize; 8]> = (0..candidates.len()).collect();
    let mut order = SmallVec::new();
    while order.len() < count {
        let mut round = Round { alive: left.clone(), ..Round::new(candidates, rules, None) };
        round.run();
        let Some(first) = round.alive.first().copied() else { break };
        left.retain(|at| *at != first);
        order.push(first);
    }
    order
}

/// The best of each neighbouring AS among the candidates that are level before MED (RFC 7964 section 4.1), the best of all
/// in front, then by AS.
pub(crate) fn group_best(candidates: &[Candidate], rules: Rules) -> SmallVec<[usize; 4]> {
    let mut round = Round::new(candidates, rules, None);
    round.run_until(Step::Med);
    let neighbor = |at: &usize| candidates.get(*at).map(|c| c.neighbor(rules.local_as));
    let mut level = core::mem::take(&mut round.alive);
    level.sort_by_key(|at| neighbor(at));
    let mut order: SmallVec<[usize; 4]> = best(candidates, rules).into_iter().collect();
    for group in level.chunk_by(|a, b| neighbor(a) == neighbor(b)) {
        let mut round = Round { alive: group.into(), ..Round::new(candidates, rules, None) };
        round.run();
        order.extend(round.alive.first().copied().filter(|first| !order.contains(first)));
    }
    order
}

/// For every candidate but the best: the step that eliminated it, and the index of a path that it lost against.
pub(crate) fn explain(candidates: &[Candidate], rules: Rules) -> Vec<Option<(Step, usize)>> {
    let mut log = alloc::vec![None; candidates.len()];
    Round::new(candidates, rules, Some(&mut log)).run();
    log
}

/// The paths that are still in, and who put the others out.
struct Round<'a> {
    candidates: &'a [Candidate],
    rules: Rules,
    alive: SmallVec<[usize; 8]>,
    step: Step,
    log: Option<&'a mut Vec<Option<(Step, usize)>>>,
}

impl<'a> Round<'a> {
    fn new(candidates: &'a [Candidate], rules: Rules, log: Option<&'a mut Vec<Option<(Step, usize)>>>) -> Self {
        Round { candidates, rules, alive: (0..candidates.len()).collect(), step: Step::LlgrStale, log }
    }

    fn run(&mut self) {
        self.steps(|_| true);
    }

    /// The steps before `end`.
    fn run_until(&mut self, end: Step) {
        self.steps(|step| step < end);
    }

    fn steps(&mut self, is_taken: impl Fn(Step) -> bool) {
        for (step, eliminate) in STEPS {
            if self.alive.len() < 2 || !is_taken(step) {
                return;
            }
            self.step = step;
            eliminate(self);
        }
    }

    /// Keeps the candidates with the least `key`.
    fn least(&mut self, key: impl Fn(&Candidate, &Rules) -> u128) {
        let (candidates, rules) = (self.candidates, self.rules);
        let key = |at: usize| candidates.get(at).map_or(u128::MAX, |c| key(c, &rules));
        let Some(winner) = self.alive.iter().copied().min_by_key(|at| key(*at)) else { return };
        let least = key(winner);
        self.retain(|at| if key(at) == least { None } else { Some(winner) });
    }

    /// Within each neighbour AS keeps the candidates with the least MED. Not an order: a path of one AS can put out
    /// another that would have beaten a third of a different AS, so whole groups are compared, never pairs in a row.
    fn med(&mut self) {
        let (candidates, rules) = (self.candidates, self.rules);
        let group = |at: usize| match candidates.get(at) {
            Some(c) if !rules.options.always_compare_med => c.neighbor(rules.local_as).0,
            _ => 0,
        };
        let missing = if rules.options.med_missing_as_worst { u32::MAX } else { 0 };
        let med = |at: usize| candidates.get(at).and_then(|c| c.facts.med()).unwrap_or(missing);
        let mut order: SmallVec<[(u32, u32, usize); 8]> =
            self.alive.iter().map(|at| (group(*at), med(*at), *at)).collect();
        order.sort_unstable();
        order.dedup_by_key(|(group, ..)| *group);
        self.retain(|at| {
            let own = group(at);
            let least = order.binary_search_by_key(&own, |(group, ..)| *group).ok().and_then(|found| order.get(found));
            least.filter(|(_, least, _)| med(at) > *least).map(|(_, _, winner)| *winner)
        });
    }

    /// RFC 5004: an external path that is best stays best, unless a path of the same router is still in.
    fn oldest_external(&mut self) {
        let Some(current) = self.rules.current.filter(|at| self.alive.contains(at)) else { return };
        let Some(best) = self.candidates.get(current) else { return };
        if !self.rules.options.prefer_oldest_external || !best.is_external() {
            return;
        }
        let candidates = self.candidates;
        self.retain(|at| match candidates.get(at) {
            Some(other) if at != current && other.source.router_id != best.source.router_id => Some(current),
            _ => None,
        });
    }

    /// Keeps the candidates for which `loses_to` names nobody.
    fn retain(&mut self, loses_to: impl Fn(usize) -> Option<usize>) {
        let (step, log) = (self.step, &mut self.log);
        self.alive.retain(|at| {
            let winner = loses_to(*at);
            if let (Some(winner), Some(slot)) = (winner, log.as_mut().and_then(|log| log.get_mut(*at))) {
                *slot = Some((step, winner));
            }
            winner.is_none()
        });
    }
}

impl Candidate {
    fn is_external(&self) -> bool {
        self.source.kind.is_none_or(PeerKind::is_external)
    }

    fn identifier(&self) -> u32 {
        self.facts.originator().unwrap_or(self.source.router_id).0
    }

    /// RFC 4271 section 9.1.2.2 c: over EBGP the peer's AS; else what the AS_PATH begins with, or the local AS.
    fn neighbor(&self, local_as: Asn) -> Asn {
        match self.source.kind {
            Some(kind) if kind.is_external() => self.source.asn,
            _ => self.facts.neighbor().unwrap_or(local_as),
        }
    }
}

/// The number; real IPv6 addresses are above all of IPv4.
fn numeric(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(u32::from(addr)),
        IpAddr::V6(addr) => u128::from(addr),
    }
}

#[cfg(test)]
mod tests;

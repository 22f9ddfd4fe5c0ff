//! Policy: what may come in and go out beyond the rules of the protocol, as a trait at the edge of the Rib.

mod action;
mod bgp_filter;
mod condition;
mod prefix_list;
mod route;
mod rules;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bgp_wire::Family;
use bgp_wire::nlri::NlriRef;

pub use self::action::Action;
pub use self::bgp_filter::{AnyCommunity, BgpFilter, BgpFilterRule, MatchOperator, Operation, PeerType, RouteSource};
pub use self::condition::Condition;
pub use self::prefix_list::PrefixList;
pub use self::route::{Party, Route};
pub use self::rules::{Rule, Rules};
use crate::dest::{Dest, RowNlri};
use crate::peer::{PeerKind, PolicyId, Source};
use crate::rov::RoaTable;
use crate::store::{AttrId, AttrStore};
use crate::tables::Tables;

/// What a policy says of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a route comes in, or it does not, or another decides")]
pub enum Verdict {
    /// The route is taken as it is now.
    Accept,
    /// It is not: on import nothing is left of what it replaces, on export it is withdrawn.
    Reject,
    /// Another part of the policy may decide; at its end the route is taken.
    Next,
}

/// What may come in from and go out to the peers that have it, beyond the rules of the protocol.
///
/// A hook reads the route, may change it, and gives its verdict; for equal routes it has to do the same, until
/// [`Rib::policy_changed`](crate::Rib::policy_changed). Give it to a Rib ([`Rib::add_policy`](crate::Rib::add_policy))
/// and its id to peers ([`PeerConfig::with_policy`](crate::PeerConfig::with_policy)). [`Rules`] and [`Chain`] are made
/// of ready parts.
///
/// ```
/// use bgp_rib::policy::{Policy, Route, Verdict};
///
/// #[derive(Debug)]
/// struct NoDefaultRoute;
///
/// impl Policy for NoDefaultRoute {
///     fn import(&self, route: &mut Route<'_>) -> Verdict {
///         if route.prefix().is_some_and(|prefix| prefix.prefix_len() == 0) { Verdict::Reject } else { Verdict::Next }
///     }
/// }
/// ```
#[doc(alias = "route-map")]
#[doc(alias = "filter")]
pub trait Policy: fmt::Debug + Send + Sync {
    /// Asked for every prefix that an UPDATE announces, when the rules of the protocol let it in.
    fn import(&self, route: &mut Route<'_>) -> Verdict {
        let _ = route;
        Verdict::Next
    }

    /// Asked once per export group for every path that is to be sent, when the rules of the protocol let it out. The
    /// route is as it would go out: own AS in front, NEXT_HOP set.
    fn export(&self, route: &mut Route<'_>) -> Verdict {
        let _ = route;
        Verdict::Next
    }
}

/// Policies in a row: the first that does not say [`Verdict::Next`] decides, and each sees what those before it changed.
///
/// ```
/// use bgp_rib::policy::{Action, Chain, Condition, PrefixList, Rule, Rules, Verdict};
///
/// let ours = PrefixList::new().or_longer("10.244.0.0/16".parse()?);
/// let keep_out = Rules::new().import(Rule::new(Verdict::Reject).when(Condition::Prefix(ours)));
/// let prefer = Rules::new().import(Rule::new(Verdict::Accept).then(Action::LocalPref(200)));
/// let policy = Chain::new().with(keep_out).with(prefer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Chain {
    parts: Vec<Arc<dyn Policy>>,
}

impl Chain {
    /// No part: everything is accepted.
    #[must_use]
    pub fn new() -> Chain {
        Chain::default()
    }

    /// With one more part at the end.
    #[must_use]
    pub fn with(mut self, part: impl Policy + 'static) -> Chain {
        self.parts.push(Arc::new(part));
        self
    }

    fn ask(&self, mut hook: impl FnMut(&dyn Policy) -> Verdict) -> Verdict {
        let verdicts = self.parts.iter().map(|part| hook(part.as_ref()));
        verdicts.into_iter().find(|verdict| *verdict != Verdict::Next).unwrap_or(Verdict::Next)
    }
}

impl Policy for Chain {
    fn import(&self, route: &mut Route<'_>) -> Verdict {
        self.ask(|part| part.import(route))
    }

    fn export(&self, route: &mut Route<'_>) -> Verdict {
        self.ask(|part| part.export(route))
    }
}

/// The policies of a Rib by id.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// What policies may ask of a route's origin.
    pub(crate) roas: RoaTable,
    all: Vec<Arc<dyn Policy>>,
}

impl Policies {
    pub(crate) fn add(&mut self, policy: Arc<dyn Policy>) -> PolicyId {
        self.all.push(policy);
        PolicyId::at(self.all.len() - 1)
    }

    /// False: there is none of that id.
    pub(crate) fn replace(&mut self, id: PolicyId, policy: Arc<dyn Policy>) -> bool {
        self.all.get_mut(id.index()).map(|slot| *slot = policy).is_some()
    }

    pub(crate) fn get(&self, id: PolicyId) -> Option<&Arc<dyn Policy>> {
        self.all.get(id.index())
    }

    /// What an outgoing block becomes, one reference for another; `None`, and the reference is gone: it is not sent.
    pub(crate) fn export(
        &self,
        id: PolicyId,
        store: &mut AttrStore,
        tables: &Tables,
        dest: Dest,
        attr: AttrId,
        (source, to): (Source, PeerKind),
    ) -> Option<AttrId> {
        let found = self.get(id).and_then(|policy| {
            let row = tables.announced(dest, store.extra(attr));
            let nlri = dest.net().map(NlriRef::from).or_else(|| row.as_ref().map(RowNlri::as_nlri))?;
            run(store, &self.roas, (dest.family(), &nlri), attr, Party::of(source), Some(to), |route| {
                policy.export(route)
            })
        });
        store.release(attr);
        found
    }
}

/// What `hook` makes of a block for one prefix, with one reference; `None`: the route is rejected.
pub(crate) fn run(
    store: &mut AttrStore,
    roas: &RoaTable,
    (family, nlri): (Family, &NlriRef<'_>),
    attr: AttrId,
    from: Option<Party>,
    to: Option<PeerKind>,
    hook: impl FnOnce(&mut Route<'_>) -> Verdict,
) -> Option<AttrId> {
    let mut route =
        Route::new((family, *nlri), store.canonical(attr)?, store.next_hop(attr)?, from, to)?.with_roas(roas);
    if hook(&mut route) == Verdict::Reject {
        return None;
    }
    match route.into_changed() {
        Some((mut block, next_hop)) => {
            let len = block.len();
            block.extend_from_slice(store.extra(attr));
            store.intern_with(&block, len, next_hop)
        }
        None => {
            store.retain(attr);
            Some(attr)
        }
    }
}

#[cfg(test)]
mod tests;

//! What a group makes of one path of a route, and why it holds it back.

use super::{Ask, Decided, Group, Shared, What};
use crate::event::{Exported, Withheld};
use crate::export::Denial;
use crate::path::Path;
use crate::peer::{AddPathTx, Source};

impl Group {
    /// What became of `path`, one of those that compete, towards the member `peer`.
    pub(crate) fn explain(
        &mut self,
        peer: u32,
        decided: &Decided,
        path: (Path, Source),
        shared: &mut Shared<'_>,
    ) -> Exported {
        match self.withheld(peer, decided, path, shared) {
            Some(withheld) => Exported::Withheld(withheld),
            None => self.as_sent(peer, decided, path, shared),
        }
    }

    fn withheld(&self, peer: u32, decided: &Decided, path: (Path, Source), shared: &Shared<'_>) -> Option<Withheld> {
        let (view, family) = (&self.key.view, decided.prefix.family());
        if !self.key.families.contains(family) {
            return Some(Withheld::Family);
        }
        let is = |one: &(Path, Source)| one.0.is(path.0.peer(), path.0.path_id);
        let answer = |what| decided.answer(Ask { what, vantage: view.vantage }).iter().any(is);
        let is_best = || if view.vantage.is_some() { answer(What::Best) } else { decided.best.iter().any(is) };
        let denial = self.denial(path, family, shared)?;
        let is_chosen = match view.add_path_tx {
            Some(AddPathTx::Best(count)) if self.has_paths(decided.prefix) => answer(What::Ranked(count)),
            Some(AddPathTx::All) if self.has_paths(decided.prefix) => true,
            Some(AddPathTx::GroupBest) if self.has_paths(decided.prefix) => answer(What::Groups),
            _ => is_best() || self.only(decided, shared).iter().any(is),
        };
        match denial {
            _ if !is_chosen => Some(Withheld::NotBest),
            Some(denial) => Some(denial.into()),
            None if path.0.peer() == peer => Some(Withheld::OwnRoute),
            None => None,
        }
    }

    fn as_sent(&mut self, peer: u32, decided: &Decided, path: (Path, Source), shared: &mut Shared<'_>) -> Exported {
        let Some(formed) = self.formed(path, decided.prefix, shared) else {
            return Exported::Withheld(Withheld::NextHop);
        };
        let Some(attr) = self.filtered(path.1, decided.prefix, formed, shared) else {
            return Exported::Withheld(Withheld::Policy);
        };
        shared.store.release(attr);
        let at = match &self.slots {
            Some(slots) => slots.find(decided.route, |key| key.is_of(&path.0)).first().copied(),
            None => Some(decided.route),
        };
        match at.filter(|at| self.sent(peer, *at) == Some(attr)) {
            Some(at) => Exported::Sent { attr, path_id: self.key.path_id(decided.prefix.family(), at) },
            None => Exported::Withheld(Withheld::TooLong),
        }
    }
}

impl From<Denial> for Withheld {
    fn from(denial: Denial) -> Withheld {
        match denial {
            Denial::NoPolicy => Withheld::NoPolicy,
            Denial::NotReflected => Withheld::NotReflected,
            Denial::NoAdvertise => Withheld::NoAdvertise,
            Denial::NoExport => Withheld::NoExport,
            Denial::NoExportSubconfed => Withheld::NoExportSubconfed,
            Denial::LlgrStale => Withheld::LlgrStale,
            Denial::OnlyToCustomer => Withheld::OnlyToCustomer,
            Denial::RouteTarget => Withheld::RouteTarget,
        }
    }
}

//! What groups ask of the decision process beyond the best path, and which path they choose.

use alloc::vec::Vec;

use bgp_wire::Family;

use super::{Group, Shared};
use crate::dest::Dest;
use crate::export::Denial;
use crate::path::Path;
use crate::peer::{AddPathTx, Source, Vantage};

/// The outcome of the decision process for one route, as all groups take it.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) route: u32,
    pub(crate) prefix: Dest,
    pub(crate) best: Option<(Path, Source)>,
    /// What groups ask for beyond that, each with the paths in the order of preference.
    pub(crate) answers: Vec<(Ask, Vec<(Path, Source)>)>,
    /// Whether `best` is another than it was.
    pub(crate) is_new: bool,
}

impl Decided {
    pub(crate) fn answer(&self, ask: Ask) -> &[(Path, Source)] {
        self.answers.iter().find(|(one, _)| *one == ask).map_or(&[], |(_, paths)| paths)
    }
}

/// What a group may ask for beyond the best path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) what: What,
    /// The place from which interior costs count; `None`: our own.
    pub(crate) vantage: Option<Vantage>,
}

/// Paths of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The best.
    Best,
    /// The best of the external ones.
    External,
    /// So many of the best.
    Ranked(u16),
    /// All that compete.
    All,
    /// The best of each neighbouring AS.
    Groups,
    /// Of route target memberships all that compete, the best in front; of others none.
    Targets,
}

impl Group {
    /// Adds what the group asks for beyond the best path.
    pub(crate) fn asks(&self, asks: &mut Vec<Ask>) {
        let view = &self.key.view;
        let of_paths = match view.add_path_tx {
            Some(AddPathTx::Best(count)) => Some(What::Ranked(count)),
            Some(AddPathTx::All) => Some(What::All),
            Some(AddPathTx::GroupBest) => Some(What::Groups),
            None => None,
        };
        let of_one = [
            view.vantage.map(|_| What::Best),
            view.best_external.then_some(What::External),
            self.key.targets.map(|_| What::Targets),
        ];
        for what in of_one.into_iter().flatten().chain(of_paths) {
            let ask = Ask { what, vantage: view.vantage };
            if !asks.contains(&ask) {
                asks.push(ask);
            }
        }
    }

    /// Whether the group has to be told of a route although its best path is the same.
    pub(super) fn asks_more(&self) -> bool {
        let view = &self.key.view;
        view.best_external || view.vantage.is_some() || self.key.targets.is_some()
    }

    /// The path to send for a decided route where it is one.
    pub(super) fn only(&self, decided: &Decided, shared: &Shared<'_>) -> Option<(Path, Source)> {
        let vantage = self.key.view.vantage;
        let family = decided.prefix.family();
        let answer = |what| decided.answer(Ask { what, vantage });
        let may = |path: &(Path, Source)| self.denial(*path, family, shared) == Some(None);
        if let (Some(peer), Family::RT_CONSTRAIN) = (self.key.targets, family) {
            // RFC 4684 section 3.2: a peer learns of memberships that it has itself, if another has them too; a non-client
            // of those that clients have, whatever is best.
            return answer(What::Targets).iter().find(|path| path.0.peer() != peer && may(path)).copied();
        }
        let chosen = if vantage.is_some() { answer(What::Best).first().copied() } else { decided.best }?;
        match self.denial(chosen, family, shared)? {
            None => Some(chosen),
            Some(Denial::NotReflected) if self.key.view.best_external => {
                answer(What::External).first().filter(|path| may(path)).copied()
            }
            Some(_) => None,
        }
    }
}

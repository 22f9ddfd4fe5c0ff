//! What is played: who sends which routes to whom.

use crate::stream::Routes;

/// One scenario; the table below has all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) clients: usize,
    /// The clients that send are the first ones.
    pub(crate) senders: usize,
    /// Routes of each sender.
    pub(crate) each: usize,
    /// All senders have the same routes, not each its own.
    pub(crate) same: bool,
    /// Blocks of a Calico node, all with one attribute set, instead of a table of the Internet's kind.
    pub(crate) blocks: bool,
    /// Only in the full list, not in the default one: takes minutes.
    pub(crate) long: bool,
}

/// In the order in which they are played.
pub(crate) const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "all-to-all",
        title: "10 clients x 10k, all to all",
        clients: 10,
        senders: 10,
        each: 10_000,
        same: false,
        blocks: false,
        long: false,
    },
    Scenario {
        name: "one-to-50",
        title: "one sends 100k to 50",
        clients: 51,
        senders: 1,
        each: 100_000,
        same: false,
        blocks: false,
        long: false,
    },
    Scenario {
        name: "two-to-6",
        title: "two send the same 500k to 6",
        clients: 8,
        senders: 2,
        each: 500_000,
        same: true,
        blocks: false,
        long: true,
    },
    Scenario {
        name: "calico-100",
        title: "100 Calico nodes",
        clients: 100,
        senders: 100,
        each: 10,
        same: false,
        blocks: true,
        long: false,
    },
    Scenario {
        name: "calico-200",
        title: "200 Calico nodes",
        clients: 200,
        senders: 200,
        each: 10,
        same: false,
        blocks: true,
        long: false,
    },
    Scenario {
        name: "one-to-2",
        title: "one sends 1 M to 2",
        clients: 3,
        senders: 1,
        each: 1_000_000,
        same: false,
        blocks: false,
        long: true,
    },
];

impl Scenario {
    /// All prefixes there are.
    pub(crate) fn prefixes(&self) -> usize {
        if self.same { self.each } else { self.senders * self.each }
    }

    /// The prefixes that client `number` sends.
    pub(crate) fn own(&self, number: usize) -> std::ops::Range<usize> {
        match (number < self.senders, self.same) {
            (false, _) => 0..0,
            (true, true) => 0..self.each,
            (true, false) => number * self.each..(number + 1) * self.each,
        }
    }

    /// How many prefixes client `number` must hold in the end; `None` where the choice of the reflector decides, which is
    /// so for a sender whose routes another has, too.
    pub(crate) fn expected(&self, number: usize) -> Option<usize> {
        let own = self.own(number).len();
        if self.same && own > 0 { None } else { Some(self.prefixes() - own) }
    }

    pub(crate) fn routes(&self) -> Routes {
        if self.blocks { Routes::blocks(self.prefixes(), self.each) } else { Routes::table(self.prefixes()) }
    }
}

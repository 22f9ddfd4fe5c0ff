//! The routes of an UPDATE: fields of NLRI, one family each.

use core::array;
use core::iter::{Flatten, FusedIterator};

use crate::attr::NextHop;
use crate::nlri::{self, Nlris};
use crate::update::UpdateView;
use crate::{Action, Family};

/// Routes of one family that an UPDATE announces.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Announced<'m> {
    /// Their family.
    pub family: Family,
    /// Their next hop.
    pub next_hop: NextHop,
    /// The routes; not empty.
    pub nlri: Nlris<'m>,
}

/// Routes of one family that an UPDATE withdraws.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Withdrawn<'m> {
    /// Their family.
    pub family: Family,
    /// The routes; not empty.
    pub nlri: Nlris<'m>,
}

/// An iterator over the announced fields: that of the UPDATE itself, then that of MP_REACH_NLRI.
#[derive(Debug, Clone)]
pub struct Announcements<'m>(Flatten<array::IntoIter<Option<Announced<'m>>, 2>>);

/// An iterator over the withdrawn fields: that of the UPDATE itself, then that of MP_UNREACH_NLRI, then, with
/// treat-as-withdraw, those that were announced.
#[derive(Debug, Clone)]
pub struct Withdrawals<'m>(Flatten<array::IntoIter<Option<Withdrawn<'m>>, 4>>);

impl<'m> Announcements<'m> {
    pub(crate) fn new(view: &UpdateView<'m>) -> Announcements<'m> {
        let both = if view.verdict().action >= Action::TreatAsWithdraw {
            [None, None]
        } else {
            [classic(view), multiprotocol(view)]
        };
        Announcements(both.into_iter().flatten())
    }
}

impl<'m> Withdrawals<'m> {
    pub(crate) fn new(view: &UpdateView<'m>) -> Withdrawals<'m> {
        let unreach = view.mp_unreach();
        let [third, fourth] = if view.verdict().action >= Action::TreatAsWithdraw {
            // The next hop may be what is wrong, so this does not go by `classic`.
            let reach = view.mp_reach();
            [
                field(view, Family::IPV4_UNICAST, view.nlri_field()),
                reach.and_then(|parts| field(view, parts.family, parts.nlri)),
            ]
        } else {
            [None, None]
        };
        let all = [
            field(view, Family::IPV4_UNICAST, view.withdrawn_field()),
            unreach.and_then(|parts| field(view, parts.family, parts.nlri)),
            third,
            fourth,
        ];
        Withdrawals(all.into_iter().flatten())
    }
}

impl<'m> Iterator for Announcements<'m> {
    type Item = Announced<'m>;

    fn next(&mut self) -> Option<Announced<'m>> {
        self.0.next()
    }
}

impl<'m> Iterator for Withdrawals<'m> {
    type Item = Withdrawn<'m>;

    fn next(&mut self) -> Option<Withdrawn<'m>> {
        self.0.next()
    }
}

impl FusedIterator for Announcements<'_> {}
impl FusedIterator for Withdrawals<'_> {}

fn classic<'m>(view: &UpdateView<'m>) -> Option<Announced<'m>> {
    let Withdrawn { family, nlri } = field(view, Family::IPV4_UNICAST, view.nlri_field())?;
    let next_hop = view.attributes().value::<NextHop>().and_then(NextHop::v4)?;
    Some(Announced { family, next_hop, nlri })
}

fn multiprotocol<'m>(view: &UpdateView<'m>) -> Option<Announced<'m>> {
    let parts = view.mp_reach()?;
    let Withdrawn { family, nlri } = field(view, parts.family, parts.nlri)?;
    let next_hop = nlri::next_hop(family, parts.next_hop, view.context().ext_next_hop().contains(family))?;
    Some(Announced { family, next_hop, nlri })
}

/// A field that has NLRI of a negotiated family.
fn field<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Option<Withdrawn<'m>> {
    let ctx = view.context();
    if octets.is_empty() || !ctx.families().contains(family) {
        return None;
    }
    Some(Withdrawn { family, nlri: Nlris::new(family, ctx.add_path_receive().contains(family), octets) })
}

//! The routes of an UPDATE: fields of NLRI, one family each.

use core::iter::FusedIterator;

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
pub struct Announcements<'m> {
    classic: Option<Announced<'m>>,
    multiprotocol: Option<Announced<'m>>,
}

/// An iterator over the withdrawn fields: that of the UPDATE itself, then that of MP_UNREACH_NLRI, then, with
/// treat-as-withdraw, those that were announced.
#[derive(Debug, Clone)]
pub struct Withdrawals<'m> {
    classic: Option<Withdrawn<'m>>,
    multiprotocol: Option<Withdrawn<'m>>,
    /// What was announced.
    revoked: [Option<Withdrawn<'m>>; 2],
}

impl<'m> Announcements<'m> {
    #[inline]
    pub(crate) fn new(view: &UpdateView<'m>) -> Announcements<'m> {
        if view.verdict().action >= Action::TreatAsWithdraw {
            return Announcements { classic: None, multiprotocol: None };
        }
        Announcements { classic: classic(view), multiprotocol: multiprotocol(view) }
    }
}

impl<'m> Withdrawals<'m> {
    #[inline]
    pub(crate) fn new(view: &UpdateView<'m>) -> Withdrawals<'m> {
        Withdrawals {
            classic: withdrawn(view, Family::IPV4_UNICAST, view.withdrawn_field()),
            multiprotocol: view.mp_unreach().and_then(|parts| withdrawn(view, parts.family, parts.nlri)),
            revoked: if view.verdict().action >= Action::TreatAsWithdraw { revoked(view) } else { [None, None] },
        }
    }
}

impl<'m> Iterator for Announcements<'m> {
    type Item = Announced<'m>;

    #[inline]
    fn next(&mut self) -> Option<Announced<'m>> {
        self.classic.take().or_else(|| self.multiprotocol.take())
    }
}

impl<'m> Iterator for Withdrawals<'m> {
    type Item = Withdrawn<'m>;

    #[inline]
    fn next(&mut self) -> Option<Withdrawn<'m>> {
        let taken = self.classic.take().or_else(|| self.multiprotocol.take());
        taken.or_else(|| self.revoked.iter_mut().find_map(Option::take))
    }
}

impl FusedIterator for Announcements<'_> {}
impl FusedIterator for Withdrawals<'_> {}

#[inline]
fn classic<'m>(view: &UpdateView<'m>) -> Option<Announced<'m>> {
    let nlri = announced(view, Family::IPV4_UNICAST, view.nlri_field())?;
    let next_hop = view.attributes().value::<NextHop>().and_then(NextHop::v4)?;
    Some(Announced { family: nlri.family(), next_hop, nlri })
}

fn multiprotocol<'m>(view: &UpdateView<'m>) -> Option<Announced<'m>> {
    let parts = view.mp_reach()?;
    let (family, nlri) = (parts.family, announced(view, parts.family, parts.nlri)?);
    let next_hop = nlri::next_hop(family, parts.next_hop, view.context().ext_next_hop().contains(family))?;
    Some(Announced { family, next_hop, nlri })
}

/// What the view announced, without the next hops: these may be what is wrong.
#[cold]
fn revoked<'m>(view: &UpdateView<'m>) -> [Option<Withdrawn<'m>>; 2] {
    [
        announced(view, Family::IPV4_UNICAST, view.nlri_field()),
        view.mp_reach().and_then(|parts| announced(view, parts.family, parts.nlri)),
    ]
    .map(|nlri| nlri.map(|nlri| Withdrawn { family: nlri.family(), nlri }))
}

/// An announced field that has NLRI of a negotiated family.
#[inline]
fn announced<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Option<Nlris<'m>> {
    let ctx = view.context();
    if octets.is_empty() || !ctx.families().contains(family) {
        return None;
    }
    Some(Nlris::reach(ctx, family, octets))
}

/// A withdrawn field that has NLRI of a negotiated family.
#[inline]
fn withdrawn<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Option<Withdrawn<'m>> {
    let ctx = view.context();
    if octets.is_empty() || !ctx.families().contains(family) {
        return None;
    }
    Some(Withdrawn { family, nlri: Nlris::unreach(ctx, family, octets) })
}

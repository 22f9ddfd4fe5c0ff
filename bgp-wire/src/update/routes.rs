//! The routes of an UPDATE: fields of NLRI, one family each.

use core::iter::FusedIterator;

use crate::attr::NextHop;
use crate::nlri::{self, Nlris};
use crate::update::UpdateView;
use crate::{Action, Family, FamilySet};

/// Routes of one family that an UPDATE announces.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Announced<'m> {
    /// Their family.
    pub family: Family,
    /// Their next hop.
    pub next_hop: NextHop,
    /// The routes; not empty but where all were link-state objects to pass over (RFC 9552 section 8.2.2).
    pub nlri: Nlris<'m>,
}

/// Routes of one family that an UPDATE withdraws.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Withdrawn<'m> {
    /// Their family.
    pub family: Family,
    /// The routes; not empty but where all were link-state objects to pass over (RFC 9552 section 8.2.2).
    pub nlri: Nlris<'m>,
}

/// An iterator over the announced fields: that of the UPDATE itself, then that of MP_REACH_NLRI.
#[derive(Debug, Clone)]
pub struct Announcements<'m> {
    /// Empty when handed over, as all that follow.
    classic: Nlris<'m>,
    next_hop: [u8; 4],
    multiprotocol: Nlris<'m>,
    /// The next hop that MP_REACH_NLRI says.
    reach: &'m [u8],
    /// Whether RFC 8950 was negotiated for its family.
    extended: bool,
}

/// An iterator over the withdrawn fields: that of the UPDATE itself, then that of MP_UNREACH_NLRI, then, with
/// treat-as-withdraw, those that were announced.
#[derive(Debug, Clone)]
pub struct Withdrawals<'m> {
    classic: Nlris<'m>,
    multiprotocol: Nlris<'m>,
    /// What was announced.
    revoked_classic: Nlris<'m>,
    revoked_multiprotocol: Nlris<'m>,
}

impl<'m> Announcements<'m> {
    #[inline]
    pub(crate) fn new(view: &UpdateView<'m>) -> Announcements<'m> {
        let none = Nlris::none();
        let mut all =
            Announcements { classic: none.clone(), next_hop: [0; 4], multiprotocol: none, reach: &[], extended: false };
        if view.verdict().action >= Action::TreatAsWithdraw {
            return all;
        }
        if let Some(next_hop) = view.attributes().value::<NextHop>().and_then(<[u8]>::first_chunk::<4>) {
            all.next_hop = *next_hop;
            all.classic = classic(view);
        }
        if let Some(parts) = view.mp_reach() {
            all.multiprotocol = announced(view, parts.family, parts.nlri);
            all.reach = parts.next_hop;
            all.extended = view.context().ext_next_hop().contains(parts.family);
        }
        all
    }

    #[inline]
    fn take_classic(&mut self) -> Option<Announced<'m>> {
        let nlri = self.classic.take_all()?;
        Some(Announced { family: nlri.family(), next_hop: NextHop::V4(self.next_hop.into()), nlri })
    }

    #[inline]
    fn take_multiprotocol(&mut self) -> Option<Announced<'m>> {
        let nlri = self.multiprotocol.take_all()?;
        let next_hop = nlri::next_hop(nlri.family(), self.reach, self.extended)?;
        Some(Announced { family: nlri.family(), next_hop, nlri })
    }
}

impl<'m> Withdrawals<'m> {
    #[inline]
    pub(crate) fn new(view: &UpdateView<'m>) -> Withdrawals<'m> {
        let none = Nlris::none();
        let mut all = Withdrawals {
            classic: none.clone(),
            multiprotocol: none.clone(),
            revoked_classic: none.clone(),
            revoked_multiprotocol: none,
        };
        let field = view.withdrawn_field();
        if !field.is_empty() {
            all.classic = withdrawn(view, Family::IPV4_UNICAST, field);
        }
        if let Some(parts) = view.mp_unreach() {
            all.multiprotocol = withdrawn(view, parts.family, parts.nlri);
        }
        if view.verdict().action >= Action::TreatAsWithdraw {
            // Without the next hops: these may be what is wrong.
            all.revoked_classic = classic(view);
            if let Some(parts) = view.mp_reach() {
                all.revoked_multiprotocol = announced(view, parts.family, parts.nlri);
            }
        }
        all
    }
}

impl<'m> Iterator for Announcements<'m> {
    type Item = Announced<'m>;

    #[inline]
    fn next(&mut self) -> Option<Announced<'m>> {
        self.take_classic().or_else(|| self.take_multiprotocol())
    }

    #[inline]
    fn fold<B, F: FnMut(B, Announced<'m>) -> B>(mut self, init: B, mut f: F) -> B {
        let mut all = init;
        if let Some(part) = self.take_classic() {
            all = f(all, part);
        }
        if let Some(part) = self.take_multiprotocol() {
            all = f(all, part);
        }
        all
    }
}

impl<'m> Iterator for Withdrawals<'m> {
    type Item = Withdrawn<'m>;

    #[inline]
    fn next(&mut self) -> Option<Withdrawn<'m>> {
        let nlri = self.classic.take_all().or_else(|| self.multiprotocol.take_all());
        let nlri =
            nlri.or_else(|| self.revoked_classic.take_all()).or_else(|| self.revoked_multiprotocol.take_all())?;
        Some(Withdrawn { family: nlri.family(), nlri })
    }

    #[inline]
    fn fold<B, F: FnMut(B, Withdrawn<'m>) -> B>(self, init: B, mut f: F) -> B {
        let Withdrawals { classic, multiprotocol, revoked_classic, revoked_multiprotocol } = self;
        // Nearly all UPDATEs withdraw nothing.
        if classic.is_empty()
            && multiprotocol.is_empty()
            && revoked_classic.is_empty()
            && revoked_multiprotocol.is_empty()
        {
            return init;
        }
        let mut all = init;
        for nlri in [classic, multiprotocol, revoked_classic, revoked_multiprotocol] {
            if !nlri.is_empty() {
                all = f(all, Withdrawn { family: nlri.family(), nlri });
            }
        }
        all
    }
}

impl FusedIterator for Announcements<'_> {}
impl FusedIterator for Withdrawals<'_> {}

/// The NLRI field of the UPDATE itself.
#[inline]
fn classic<'m>(view: &UpdateView<'m>) -> Nlris<'m> {
    let ctx = view.context();
    // A constant set, for the family is one.
    if ctx.families().intersection(IPV4_UNICAST).is_empty() {
        return Nlris::none();
    }
    Nlris::reach(ctx, Family::IPV4_UNICAST, view.nlri_field())
}

/// An announced field, if its family was negotiated.
#[inline]
fn announced<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Nlris<'m> {
    let ctx = view.context();
    if ctx.families().contains(family) { Nlris::reach(ctx, family, octets) } else { Nlris::none() }
}

/// A withdrawn field, if its family was negotiated.
#[inline]
fn withdrawn<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Nlris<'m> {
    let ctx = view.context();
    if ctx.families().contains(family) { Nlris::unreach(ctx, family, octets) } else { Nlris::none() }
}

const IPV4_UNICAST: FamilySet = FamilySet::EMPTY.with(Family::IPV4_UNICAST);

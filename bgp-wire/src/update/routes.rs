//! The routes of an UPDATE: fields of NLRI, one family each.

use core::iter::FusedIterator;

use crate::attr::NextHop;
use crate::attr::mp_reach::MpReach;
use crate::attr::mp_unreach::MpUnreach;
use crate::nlri::{self, Nlris};
use crate::update::{ATTRS, UpdateView};
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
pub struct Announcements<'v, 'm> {
    view: &'v UpdateView<'m>,
    /// The field to look at next.
    at: u8,
}

/// An iterator over the withdrawn fields: that of the UPDATE itself, then that of MP_UNREACH_NLRI, then, with
/// treat-as-withdraw, those that were announced.
#[derive(Debug, Clone)]
pub struct Withdrawals<'v, 'm> {
    view: &'v UpdateView<'m>,
    /// The field to look at next.
    at: u8,
}

impl<'v, 'm> Announcements<'v, 'm> {
    #[inline]
    pub(crate) fn new(view: &'v UpdateView<'m>) -> Announcements<'v, 'm> {
        Announcements { view, at: if view.action >= Action::TreatAsWithdraw { ANNOUNCED } else { 0 } }
    }

    #[inline]
    fn classic(&self) -> Option<Announced<'m>> {
        let next_hop = self.view.attributes.value::<NextHop>()?.first_chunk::<4>()?;
        let nlri = classic(self.view);
        if nlri.is_empty() {
            return None;
        }
        Some(Announced { family: Family::IPV4_UNICAST, next_hop: NextHop::V4((*next_hop).into()), nlri })
    }

    #[inline(never)]
    fn multiprotocol(&self) -> Option<Announced<'m>> {
        let parts = self.view.mp_reach()?;
        let nlri = reach(self.view)?;
        let extended = self.view.ctx.ext_next_hop().contains(parts.family);
        let next_hop = nlri::next_hop(parts.family, parts.next_hop, extended)?;
        Some(Announced { family: parts.family, next_hop, nlri })
    }
}

impl<'v, 'm> Withdrawals<'v, 'm> {
    #[inline]
    pub(crate) fn new(view: &'v UpdateView<'m>) -> Withdrawals<'v, 'm> {
        // Nearly all UPDATEs withdraw nothing.
        let (start, _) = view.attributes.span();
        let none = start == ATTRS
            && view.action < Action::TreatAsWithdraw
            && view.attributes.offset::<MpUnreach<'_>>().is_none();
        Withdrawals { view, at: if none { WITHDRAWN } else { 0 } }
    }

    #[cold]
    #[inline(never)]
    fn field(&self, at: u8) -> Option<Nlris<'m>> {
        let view = self.view;
        let nlri = match at {
            0 => withdrawn(view, Family::IPV4_UNICAST, view.withdrawn_field()),
            1 => {
                let parts = view.mp_unreach()?;
                withdrawn(view, parts.family, parts.nlri)
            }
            // Without the next hops: these may be what is wrong.
            2 if view.action >= Action::TreatAsWithdraw => classic(view),
            3 if view.action >= Action::TreatAsWithdraw => reach(view)?,
            _ => return None,
        };
        if nlri.is_empty() { None } else { Some(nlri) }
    }
}

impl<'m> Iterator for Announcements<'_, 'm> {
    type Item = Announced<'m>;

    #[inline]
    fn next(&mut self) -> Option<Announced<'m>> {
        if self.at == 0 {
            self.at = 1;
            if let Some(part) = self.classic() {
                return Some(part);
            }
        }
        if self.at == 1 {
            self.at = ANNOUNCED;
            if self.view.attributes.offset::<MpReach<'_>>().is_some() {
                return self.multiprotocol();
            }
        }
        None
    }

    // Without a state between the fields.
    #[inline]
    fn fold<B, F: FnMut(B, Announced<'m>) -> B>(mut self, init: B, mut f: F) -> B {
        let mut all = init;
        if self.at == 0
            && let Some(part) = self.classic()
        {
            self.at = 1;
            all = f(all, part);
        }
        if self.at < ANNOUNCED && self.view.attributes.offset::<MpReach<'_>>().is_some() {
            return self.fold_multiprotocol(all, f);
        }
        all
    }
}

impl<'m> Announcements<'_, 'm> {
    #[cold]
    #[inline(never)]
    fn fold_multiprotocol<B, F: FnMut(B, Announced<'m>) -> B>(&self, init: B, f: F) -> B {
        self.multiprotocol().into_iter().fold(init, f)
    }
}

impl<'m> Iterator for Withdrawals<'_, 'm> {
    type Item = Withdrawn<'m>;

    #[inline]
    fn next(&mut self) -> Option<Withdrawn<'m>> {
        while self.at < WITHDRAWN {
            self.at += 1;
            if let Some(nlri) = self.field(self.at - 1) {
                return Some(Withdrawn { family: nlri.family(), nlri });
            }
        }
        None
    }
}

impl FusedIterator for Announcements<'_, '_> {}
impl FusedIterator for Withdrawals<'_, '_> {}

/// How many fields can be announced.
const ANNOUNCED: u8 = 2;
/// How many fields can be withdrawn.
const WITHDRAWN: u8 = 4;

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

/// The field of MP_REACH_NLRI, if its family was negotiated and there is something in it.
fn reach<'m>(view: &UpdateView<'m>) -> Option<Nlris<'m>> {
    let parts = view.mp_reach()?;
    let negotiated = view.ctx.families().contains(parts.family) && !parts.nlri.is_empty();
    negotiated.then(|| Nlris::reach(&view.ctx, parts.family, parts.nlri))
}

/// A withdrawn field, if its family was negotiated.
#[inline]
fn withdrawn<'m>(view: &UpdateView<'m>, family: Family, octets: &'m [u8]) -> Nlris<'m> {
    let ctx = view.context();
    if ctx.families().contains(family) { Nlris::unreach(ctx, family, octets) } else { Nlris::none() }
}

const IPV4_UNICAST: FamilySet = FamilySet::EMPTY.with(Family::IPV4_UNICAST);

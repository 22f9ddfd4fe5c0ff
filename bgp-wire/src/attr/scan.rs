//! The validating pass over path attributes (RFC 7606 sections 3, 4 and 7): one step per attribute.

use crate::attr::index::Index;
use crate::attr::mp_reach::MpReach;
use crate::attr::raw::split;
use crate::attr::{AttrSet, Judgement, RawAttr, Row, judge};
use crate::error::{AttrProblem, Span};
use crate::reader::to_u16;
use crate::{Action, AttrFlags, AttrType, Context, Error, ErrorKind};

/// A pass over the attributes in a part of some octets.
#[derive(Debug, Clone)]
pub(crate) struct Scan<'a> {
    /// What is not yet checked.
    rest: &'a [u8],
    /// Where that ends.
    end: usize,
    /// How long the attributes are.
    len: usize,
    pub(crate) index: Index,
    /// Types that occurred.
    pub(crate) seen: AttrSet,
    /// Types that are left out, because they are malformed or must not come from this peer.
    pub(crate) left_out: AttrSet,
    /// Whether there was anything but MP_UNREACH_NLRI.
    pub(crate) others: bool,
    /// Whether there were attributes without a row.
    pub(crate) unknown: bool,
}

/// What a step found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A good attribute.
    Fine,
    /// Something to report.
    Error(Error),
    /// No attribute is left.
    Done,
}

impl<'a> Scan<'a> {
    /// A pass over `octets[start..end]`; offsets of errors and of the index count from the first octet.
    pub(crate) fn new(octets: &'a [u8], start: usize, end: usize) -> Scan<'a> {
        Scan {
            rest: octets.get(start..end).unwrap_or_default(),
            end,
            len: end.saturating_sub(start),
            index: Index::EMPTY,
            seen: AttrSet::EMPTY,
            left_out: AttrSet::EMPTY,
            others: false,
            unknown: false,
        }
    }

    /// A pass over `rest`, in front of which the short way took the attributes of `seen`.
    pub(crate) fn behind((rest, seen): (&'a [u8], AttrSet), end: usize, len: usize, index: Index) -> Scan<'a> {
        let others = !seen.difference(AttrSet::EMPTY.with(AttrType::MP_UNREACH_NLRI)).is_empty();
        Scan { rest, end, len, index, seen, left_out: AttrSet::EMPTY, others, unknown: false }
    }

    /// Where the next attribute begins.
    pub(crate) fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    /// Checks one attribute.
    #[inline]
    pub(crate) fn step(&mut self, ctx: &Context) -> Step {
        if self.rest.is_empty() {
            return Step::Done;
        }
        let Some((raw, len)) = split(self.rest) else { return self.overrun() };
        let place = Place { ty: raw.ty, start: to_u16(self.at()), len: to_u16(len) };
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.others |= raw.ty != AttrType::MP_UNREACH_NLRI;
        if !self.seen.insert(raw.ty) {
            return place.duplicate();
        }
        let judgement = if !ctx.four_octet_as() && self.outgrows(&raw) {
            let (problem, action) = (AttrProblem::TooLong, Action::TreatAsWithdraw);
            Judgement::Malformed { problem, action, flags_fit: true }
        } else {
            judge(&raw, ctx)
        };
        match judgement {
            Judgement::Good(slot) => {
                self.index.set(slot, place.value(&raw), raw.is_extended());
                Step::Fine
            }
            Judgement::NoRow => {
                self.unknown = true;
                if raw.flags.contains(AttrFlags::OPTIONAL) { Step::Fine } else { place.unrecognized() }
            }
            Judgement::Unwanted => {
                self.left_out.insert(raw.ty);
                place.error(AttrProblem::Unwanted, Action::AttributeDiscard)
            }
            // RFC 7606 section 3 c: whatever the type, other flags withdraw.
            Judgement::Flags(slot) => {
                self.wrong_flags(&raw, slot, place);
                place.error(AttrProblem::Flags, Action::TreatAsWithdraw)
            }
            Judgement::Malformed { problem, action, flags_fit } => {
                if problem == AttrProblem::NextHop && raw.ty == MpReach::TYPE {
                    self.wrong_flags(&raw, MpReach::SLOT, place);
                } else {
                    self.left_out.insert(raw.ty);
                }
                place.malformed(problem, action, flags_fit)
            }
        }
    }

    /// Whether the block with 4-octet AS numbers would be too long for a canonical block, whose offsets have 16 bits.
    /// That takes an extended message (RFC 8654) of a speaker with 2-octet AS numbers.
    fn outgrows(&self, raw: &RawAttr<'_>) -> bool {
        raw.ty == AttrType::AS_PATH && self.len + raw.value.len() + AGGREGATOR_GROWTH > usize::from(u16::MAX)
    }

    /// The NLRI of the multiprotocol attributes are needed for the withdrawal.
    #[cold]
    fn wrong_flags(&mut self, raw: &RawAttr<'_>, slot: usize, place: Place) {
        if carries_nlri(raw.ty) {
            self.index.set(slot, place.value(raw), raw.is_extended());
        } else {
            self.left_out.insert(raw.ty);
        }
    }

    /// RFC 7606 section 4: the rest of the attributes is lost. What carries NLRI cannot be withdrawn then (3 j).
    #[cold]
    fn overrun(&mut self) -> Step {
        let ty = AttrType(self.rest.get(1).copied().unwrap_or(0));
        let place = Place { ty, start: to_u16(self.at()), len: to_u16(self.rest.len()) };
        self.rest = &[];
        self.others = true;
        if carries_nlri(ty) {
            return place.error(AttrProblem::Syntax, Action::SessionReset);
        }
        place.error(AttrProblem::Overrun, Action::TreatAsWithdraw)
    }
}

/// Where an attribute is.
#[derive(Debug, Clone, Copy)]
struct Place {
    ty: AttrType,
    start: u16,
    len: u16,
}

impl Place {
    /// Where the value begins.
    fn value(self, raw: &RawAttr<'_>) -> u16 {
        self.start.saturating_add(if raw.is_extended() { 4 } else { 3 })
    }

    #[cold]
    fn error(self, problem: AttrProblem, action: Action) -> Step {
        let span = Span { start: self.start, len: self.len };
        Step::Error(Error { span, ..Error::new(ErrorKind::Attribute { ty: self.ty, problem, action }, self.start) })
    }

    /// RFC 7606 section 3 g: the first one stands, but NLRI must not be ambiguous.
    #[cold]
    fn duplicate(self) -> Step {
        let action = if carries_nlri(self.ty) { Action::SessionReset } else { Action::Accept };
        self.error(AttrProblem::Duplicate, action)
    }

    /// RFC 4271 section 6.3: RFC 7606 leaves that as it was.
    #[cold]
    fn unrecognized(self) -> Step {
        self.error(AttrProblem::Unrecognized, Action::SessionReset)
    }

    #[cold]
    fn malformed(self, problem: AttrProblem, action: Action, flags_fit: bool) -> Step {
        // RFC 4271 section 6.3 has a code of its own for optional attributes of more than one field.
        let problem =
            if carries_nlri(self.ty) && problem == AttrProblem::Length { AttrProblem::Syntax } else { problem };
        let action = match problem {
            // RFC 9774 section 3 withdraws, on AS4_PATH too.
            AttrProblem::AsSet => Action::TreatAsWithdraw,
            _ if flags_fit => action,
            _ => action.max(Action::TreatAsWithdraw),
        };
        let problem = if flags_fit || action == Action::SessionReset { problem } else { AttrProblem::Flags };
        self.error(problem, action)
    }
}

fn carries_nlri(ty: AttrType) -> bool {
    matches!(ty, AttrType::MP_REACH_NLRI | AttrType::MP_UNREACH_NLRI)
}

/// Octets that AGGREGATOR and the length of AS_PATH grow by with 4-octet AS numbers.
const AGGREGATOR_GROWTH: usize = 3;

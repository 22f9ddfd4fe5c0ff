//! What makes an AS_PATH malformed: RFC 7606 section 7.2, RFC 7607, RFC 5065 section 5, RFC 9774.

use crate::attr::as_path::{AsPath, SegmentKind, split};
use crate::attr::{Attribute, Length};
use crate::error::AttrProblem;
use crate::{Asn, Context, SessionKind};

/// What segments an AS_PATH value has that breaks none of the rules of RFC 7606 section 7.2 and RFC 7607.
#[inline]
pub(crate) fn check_segments(octets: &[u8], wide: bool) -> Result<Kinds, AttrProblem> {
    if wide { check_sized::<4>(octets) } else { check_sized::<2>(octets) }
}

/// `N`: octets of an AS number.
#[inline]
fn check_sized<const N: usize>(octets: &[u8]) -> Result<Kinds, AttrProblem> {
    let mut kinds = Kinds(0);
    let mut rest = octets;
    // RFC 7606 section 7.2: a segment of no AS is malformed.
    while let [code @ 1..=4, count @ 1..=255, behind @ ..] = rest {
        let Some((asns, behind)) = behind.split_at_checked(usize::from(*count) * N) else { break };
        // RFC 7607 section 2: AS 0 is malformed.
        if asns.as_chunks::<N>().0.contains(&[0; N]) {
            return Err(AttrProblem::AsZero);
        }
        kinds.0 |= 1 << code;
        rest = behind;
    }
    if rest.is_empty() { Ok(kinds) } else { Err(AttrProblem::Segment) }
}

/// The kinds of segments that a path has: a bit for each segment type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) fn none(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn sets(self) -> bool {
        self.0 & (1 << 1 | 1 << 4) != 0
    }

    fn confed(self) -> bool {
        self.0 & (1 << 3 | 1 << 4) != 0
    }
}

impl Attribute for AsPath<'_> {
    const LENGTH: Length = Length::Any;

    #[inline]
    fn check(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
        // One AS_SEQUENCE, which nearly all are, breaks no rule of a session without rules of its own.
        let ruled = ctx.enforce_first_as() || ctx.kind() == SessionKind::ConfedExternal;
        if !ruled && if ctx.four_octet_as() { is_sequence::<4>(value) } else { is_sequence::<2>(value) } {
            return Ok(());
        }
        check_any(value, ctx)
    }
}

/// Whether the value is one AS_SEQUENCE without an AS 0; `N`: octets of an AS number.
#[inline]
fn is_sequence<const N: usize>(value: &[u8]) -> bool {
    match value {
        [2, count @ 1..=255, asns @ ..] => {
            asns.len() == usize::from(*count) * N && !asns.as_chunks::<N>().0.contains(&[0; N])
        }
        _ => false,
    }
}

#[inline(never)]
fn check_any(value: &[u8], ctx: &Context) -> Result<(), AttrProblem> {
    let wide = ctx.four_octet_as();
    let kinds = check_segments(value, wide)?;
    match ctx.kind() {
        // RFC 7606 section 7.2, RFC 5065 section 5: no confederation segments from outside.
        SessionKind::Ebgp if kinds.confed() => return Err(AttrProblem::Confederation),
        // RFC 5065 section 5: a member AS puts itself into a leading AS_CONFED_SEQUENCE.
        SessionKind::ConfedExternal if value.first() != Some(&SegmentKind::ConfedSequence.code()) => {
            return Err(AttrProblem::Confederation);
        }
        _ => {}
    }
    // RFC 9774 section 3.
    if ctx.reject_as_sets() && kinds.sets() {
        return Err(AttrProblem::AsSet);
    }
    // RFC 4271 section 6.3: the leftmost AS may be checked against the peer's.
    if ctx.enforce_first_as() && ctx.kind() != SessionKind::Ibgp && !starts_with(value, wide, ctx.peer_as()) {
        return Err(AttrProblem::FirstAs);
    }
    Ok(())
}

/// Whether the leftmost AS is `peer`, on a 2-octet session in its 2-octet form.
#[cold]
fn starts_with(value: &[u8], wide: bool, peer: Option<Asn>) -> bool {
    let Some(peer) = peer else { return true };
    let first = split(value, wide).filter(|(segment, _)| !segment.kind.is_set());
    let expected = if wide || peer.0 <= u32::from(u16::MAX) { peer } else { Asn::TRANS };
    first.and_then(|(mut segment, _)| segment.asns.next()) == Some(expected)
}

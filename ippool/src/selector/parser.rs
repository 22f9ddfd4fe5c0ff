//! The text of a selector as reverse Polish notation, by an explicit stack.
//!
//! Every function is a nom parser; those that run for each test look at the octets themselves, as a combinator that tries
//! one alternative after the other costs more than the rest of the parse.

use alloc::vec::Vec;

use nom::bytes::complete::tag;
use nom::error::ParseError;
use nom::{IResult, Parser as _};
use smallvec::SmallVec;

use super::{Error, ErrorKind, MAX_DEPTH, MAX_LABEL, MAX_LENGTH, Op, Test};

/// An expression: `leaves` in the order of the text, `shape` in reverse Polish notation.
#[derive(Default)]
pub(super) struct Parsed<'t> {
    pub(super) leaves: SmallVec<[ParsedLeaf<'t>; 4]>,
    /// The values of all leaves, one leaf's after the other's.
    pub(super) values: SmallVec<[&'t str; 8]>,
    pub(super) shape: SmallVec<[Op; 8]>,
}

/// A test in the words of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParsedLeaf<'t> {
    pub(super) test: Test,
    /// Empty for `all()` and `global()`.
    pub(super) label: &'t str,
    /// How many of the values are the leaf's: the members of a set, sorted, each once; one for a comparison.
    pub(super) values: usize,
}

impl<'t> ParsedLeaf<'t> {
    fn bare(test: Test, label: &'t str) -> Self {
        Self { test, label, values: 0 }
    }
}

impl Parsed<'_> {
    /// The expression `all()`.
    pub(super) fn all() -> Self {
        let mut all = Self::default();
        all.leaves.push(ParsedLeaf::bare(Test::All, ""));
        all.shape.push(Op::Leaf);
        all
    }
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Parsed<'_>, Error> {
    if text.len() > MAX_LENGTH {
        return Err(Error::new(ErrorKind::TooLong, MAX_LENGTH));
    }
    if blank(text).is_empty() {
        return Ok(Parsed::all());
    }
    let mut parsed = Parsed::default();
    match expression(text, &mut parsed) {
        Ok(()) => Ok(parsed),
        Err(fault) => Err(Error::new(fault.kind, text.len().saturating_sub(fault.rest))),
    }
}

/// What was wrong, and how much of the text was left there.
#[derive(Clone, Copy)]
struct Fault {
    kind: ErrorKind,
    rest: usize,
}

impl Fault {
    const fn new(kind: ErrorKind, input: &str) -> Self {
        Self { kind, rest: input.len() }
    }

    /// An error that no other reading of the text mends.
    const fn fatal(kind: ErrorKind, input: &str) -> nom::Err<Self> {
        nom::Err::Failure(Self::new(kind, input))
    }
}

impl ParseError<&str> for Fault {
    fn from_error_kind(input: &str, _: nom::error::ErrorKind) -> Self {
        Self::new(ErrorKind::ExpectedOperand, input)
    }

    fn append(_: &str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// A group whose closing parenthesis is still to come; the outermost one is the whole text.
#[derive(Default)]
struct Group {
    /// The whole group is negated.
    negated: bool,
    /// Operators seen since the last `||`.
    ands: u32,
    /// `||` seen.
    ors: u32,
}

impl Group {
    fn close_and(&mut self, shape: &mut SmallVec<[Op; 8]>) {
        if self.ands > 0 {
            shape.push(Op::And(self.ands.saturating_add(1)));
        }
        self.ands = 0;
    }

    fn close(mut self, shape: &mut SmallVec<[Op; 8]>) {
        self.close_and(shape);
        if self.ors > 0 {
            shape.push(Op::Or(self.ors.saturating_add(1)));
        }
        if self.negated {
            shape.push(Op::Not);
        }
    }
}

fn expression<'t>(mut input: &'t str, parsed: &mut Parsed<'t>) -> Result<(), Fault> {
    let mut group = Group::default();
    let mut outer: Vec<Group> = Vec::new();
    loop {
        // An operand: negations, then a group that opens or a leaf.
        let mut negated = false;
        input = blank(input);
        while let Some(rest) = input.strip_prefix('!') {
            negated = !negated;
            input = blank(rest);
        }
        if let Some(rest) = input.strip_prefix('(') {
            if outer.len() >= MAX_DEPTH {
                return Err(Fault::new(ErrorKind::TooDeep, input));
            }
            outer.push(core::mem::replace(&mut group, Group { negated, ..Group::default() }));
            input = rest;
            continue;
        }
        let (rest, operand) = finish(leaf(input, &mut parsed.values))?;
        input = blank(rest);
        parsed.leaves.push(operand);
        parsed.shape.push(Op::Leaf);
        if negated {
            parsed.shape.push(Op::Not);
        }
        // What follows an operand: groups that close, then the end or another operand.
        while let Some(rest) = input.strip_prefix(')') {
            let Some(around) = outer.pop() else { return Err(Fault::new(ErrorKind::UnmatchedClose, input)) };
            core::mem::replace(&mut group, around).close(&mut parsed.shape);
            input = blank(rest);
        }
        if let Some(rest) = input.strip_prefix("&&") {
            group.ands = group.ands.saturating_add(1);
            input = rest;
        } else if let Some(rest) = input.strip_prefix("||") {
            group.close_and(&mut parsed.shape);
            group.ors = group.ors.saturating_add(1);
            input = rest;
        } else if input.is_empty() && outer.is_empty() {
            group.close(&mut parsed.shape);
            return Ok(());
        } else {
            return Err(Fault::new(ErrorKind::ExpectedJoin, input));
        }
    }
}

/// A function or a comparison.
#[inline]
fn leaf<'t>(input: &'t str, values: &mut SmallVec<[&'t str; 8]>) -> IResult<&'t str, ParsedLeaf<'t>, Fault> {
    let (rest, name) = word(input);
    if let Some(inside) = rest.strip_prefix('(') {
        let test = match name {
            "has" => {
                let (rest, name) = label(blank(inside), ErrorKind::ExpectedLabel)?;
                return close(blank(rest)).map(|(rest, _)| (rest, ParsedLeaf::bare(Test::Has, name)));
            }
            "all" => Some(Test::All),
            "global" => Some(Test::Global),
            _ => None,
        };
        if let Some(test) = test {
            return close(blank(inside)).map(|(rest, _)| (rest, ParsedLeaf::bare(test, "")));
        }
    }
    comparison(input, values)
}

/// A label with a test of its value.
#[inline]
fn comparison<'t>(input: &'t str, values: &mut SmallVec<[&'t str; 8]>) -> IResult<&'t str, ParsedLeaf<'t>, Fault> {
    let (rest, label) = label(input, ErrorKind::ExpectedOperand)?;
    let (rest, test) = operator(blank(rest))?;
    let before = values.len();
    let rest = match test {
        Test::In | Test::NotIn => set(blank(rest), values)?.0,
        _ => {
            let (rest, value) = string(blank(rest))?;
            values.push(value);
            rest
        }
    };
    Ok((rest, ParsedLeaf { test, label, values: values.len().saturating_sub(before) }))
}

/// The words need no blank before or after them; that no letter follows is seen to by the quote or brace.
#[inline]
fn operator(input: &str) -> IResult<&str, Test, Fault> {
    let one = |word: &str, test| input.strip_prefix(word).map(|rest| (rest, test));
    let two = |first: &str, second: &str, test| {
        let rest = input.strip_prefix(first)?;
        tag::<_, _, Fault>(second).map(|_| test).parse(blank(rest)).ok()
    };
    match input.as_bytes().first() {
        Some(b'=') => one("==", Test::Eq),
        Some(b'!') => one("!=", Test::Ne),
        Some(b'i') => one("in", Test::In),
        Some(b'n') => two("not", "in", Test::NotIn),
        Some(b'c') => one("contains", Test::Contains),
        Some(b's') => two("starts", "with", Test::StartsWith),
        Some(b'e') => two("ends", "with", Test::EndsWith),
        _ => None,
    }
    .ok_or_else(|| Fault::fatal(ErrorKind::ExpectedOperator, input))
}

/// Appends the members of a set to `values`, sorted and each once.
#[inline]
fn set<'t>(input: &'t str, values: &mut SmallVec<[&'t str; 8]>) -> IResult<&'t str, (), Fault> {
    let first = values.len();
    let mut input = blank(input.strip_prefix('{').ok_or_else(|| Fault::fatal(ErrorKind::ExpectedSet, input))?);
    while input.starts_with(['"', '\'']) {
        let (rest, value) = string(input)?;
        values.push(value);
        input = blank(rest);
        let Some(rest) = input.strip_prefix(',') else { break };
        input = blank(rest);
    }
    let rest = input.strip_prefix('}').ok_or_else(|| Fault::fatal(ErrorKind::ExpectedSetEnd, input))?;
    let members = values.get_mut(first..).unwrap_or_default();
    if !members.is_sorted_by(|one, next| one < next) {
        members.sort_unstable();
        let mut distinct: Vec<&str> = members.to_vec();
        distinct.dedup();
        values.truncate(first);
        values.extend(distinct);
    }
    Ok((rest, ()))
}

#[inline]
fn string(input: &str) -> IResult<&str, &str, Fault> {
    let octets = input.as_bytes();
    let (Some(quote @ (b'"' | b'\'')), Some(rest)) = (octets.first(), input.get(1..)) else {
        return Err(Fault::fatal(ErrorKind::ExpectedString, input));
    };
    let end = rest.bytes().position(|octet| octet == *quote);
    let end = end.ok_or_else(|| Fault::fatal(ErrorKind::UnterminatedString, ""))?;
    let (value, rest) = rest.split_at_checked(end).unwrap_or_default();
    Ok((rest.get(1..).unwrap_or_default(), value))
}

/// A label, or what was expected in its place.
#[inline]
fn label(input: &str, expected: ErrorKind) -> IResult<&str, &str, Fault> {
    match word(input) {
        (_, "") => Err(Fault::fatal(expected, input)),
        (_, label) if label.len() > MAX_LABEL => Err(Fault::fatal(ErrorKind::LabelTooLong, input)),
        found => Ok(found),
    }
}

/// The octets of a label, as many as there are, and what follows them first.
#[inline]
fn word(input: &str) -> (&str, &str) {
    let len = input
        .bytes()
        .position(|octet| !LABEL.get(usize::from(octet)).is_some_and(|label| *label))
        .unwrap_or(input.len());
    let (word, rest) = input.split_at_checked(len).unwrap_or_default();
    (rest, word)
}

fn close(input: &str) -> IResult<&str, (), Fault> {
    match input.strip_prefix(')') {
        Some(rest) => Ok((rest, ())),
        None => Err(Fault::fatal(ErrorKind::ExpectedClose, input)),
    }
}

fn finish<O>(result: IResult<&str, O, Fault>) -> Result<(&str, O), Fault> {
    result.map_err(|error| match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        // The parsers are complete ones, which never ask for more.
        nom::Err::Incomplete(_) => Fault { kind: ErrorKind::ExpectedOperand, rest: 0 },
    })
}

#[inline]
fn blank(input: &str) -> &str {
    let len = input.bytes().position(|octet| !is_blank(octet)).unwrap_or(input.len());
    input.get(len..).unwrap_or_default()
}

/// Not the newline, which is an error.
const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Whether an octet may stand in a label.
const LABEL: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0u8;
    while octet < 128 {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "an octet indexes 256 places; in a constant"
        )]
        {
            table[octet as usize] = octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'.' | b'/' | b'-');
        }
        octet += 1;
    }
    table
};

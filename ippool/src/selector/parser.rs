//! The text of a selector as reverse Polish notation, by an explicit stack.

use alloc::vec::Vec;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{cut, opt, value};
use nom::error::ParseError;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser as _};
use smallvec::SmallVec;

use super::{Error, ErrorKind, MAX_DEPTH, MAX_LABEL, MAX_LENGTH, Op, Test};

/// An expression: `leaves` in the order of the text, `shape` in reverse Polish notation.
pub(super) struct Parsed<'t> {
    pub(super) leaves: SmallVec<[ParsedLeaf<'t>; 8]>,
    pub(super) shape: SmallVec<[Op; 8]>,
}

/// A test in the words of the text.
#[derive(Clone, Debug)]
pub(super) struct ParsedLeaf<'t> {
    pub(super) test: Test,
    /// Empty for `all()` and `global()`.
    pub(super) label: &'t str,
    /// The value, or the sorted values of a set, each once; none for other tests.
    pub(super) values: SmallVec<[&'t str; 2]>,
}

impl<'t> ParsedLeaf<'t> {
    fn bare(test: Test, label: &'t str) -> Self {
        Self { test, label, values: SmallVec::new() }
    }
}

impl Parsed<'_> {
    /// The expression `all()`.
    pub(super) fn all() -> Self {
        Self {
            leaves: [ParsedLeaf::bare(Test::All, "")].into_iter().collect(),
            shape: [Op::Leaf].into_iter().collect(),
        }
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
    expression(text).map_err(|fault| Error::new(fault.kind, text.len().saturating_sub(fault.rest)))
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
    ands: usize,
    /// `||` seen.
    ors: usize,
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

fn expression(mut input: &str) -> Result<Parsed<'_>, Fault> {
    let (mut leaves, mut shape) = (SmallVec::new(), SmallVec::new());
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
        let (rest, operand) = finish(leaf(input))?;
        input = blank(rest);
        leaves.push(operand);
        shape.push(Op::Leaf);
        if negated {
            shape.push(Op::Not);
        }
        // What follows an operand: groups that close, then the end or another operand.
        while let Some(rest) = input.strip_prefix(')') {
            let Some(around) = outer.pop() else { return Err(Fault::new(ErrorKind::UnmatchedClose, input)) };
            core::mem::replace(&mut group, around).close(&mut shape);
            input = blank(rest);
        }
        if let Some(rest) = input.strip_prefix("&&") {
            group.ands = group.ands.saturating_add(1);
            input = rest;
        } else if let Some(rest) = input.strip_prefix("||") {
            group.close_and(&mut shape);
            group.ors = group.ors.saturating_add(1);
            input = rest;
        } else if input.is_empty() && outer.is_empty() {
            group.close(&mut shape);
            return Ok(Parsed { leaves, shape });
        } else {
            return Err(Fault::new(ErrorKind::ExpectedJoin, input));
        }
    }
}

/// A function or a comparison.
fn leaf(input: &str) -> IResult<&str, ParsedLeaf<'_>, Fault> {
    alt((
        preceded(tag("has("), cut(terminated(spaced(or(label, ErrorKind::ExpectedLabel)), close)))
            .map(|label| ParsedLeaf::bare(Test::Has, label)),
        preceded((tag("all("), blanks), cut(close)).map(|_| ParsedLeaf::bare(Test::All, "")),
        preceded((tag("global("), blanks), cut(close)).map(|_| ParsedLeaf::bare(Test::Global, "")),
        comparison,
    ))
    .parse(input)
}

/// A label with a test of its value.
fn comparison(input: &str) -> IResult<&str, ParsedLeaf<'_>, Fault> {
    let (rest, label) = label(input)?;
    let (rest, test) = cut(spaced(or(operator, ErrorKind::ExpectedOperator))).parse(rest)?;
    let (rest, values) = match test {
        Test::In | Test::NotIn => cut(set).parse(rest)?,
        _ => cut(string).map(|value| SmallVec::from_iter([value])).parse(rest)?,
    };
    Ok((rest, ParsedLeaf { test, label, values }))
}

/// The words need no blank before or after them; that no letter follows is seen to by the quote or brace.
fn operator(input: &str) -> IResult<&str, Test, Fault> {
    alt((
        value(Test::Eq, tag("==")),
        value(Test::Ne, tag("!=")),
        value(Test::Contains, tag("contains")),
        value(Test::StartsWith, (tag("starts"), blanks, tag("with"))),
        value(Test::EndsWith, (tag("ends"), blanks, tag("with"))),
        value(Test::NotIn, (tag("not"), blanks, tag("in"))),
        value(Test::In, tag("in")),
    ))
    .parse(input)
}

fn set(input: &str) -> IResult<&str, SmallVec<[&str; 2]>, Fault> {
    let (mut input, _) = or(terminated(char('{'), blanks), ErrorKind::ExpectedSet).parse(input)?;
    let mut values: SmallVec<[&str; 2]> = SmallVec::new();
    while input.starts_with(['"', '\'']) {
        let (rest, value) = terminated(string, blanks).parse(input)?;
        values.push(value);
        let (rest, comma) = opt(terminated(char(','), blanks)).parse(rest)?;
        input = rest;
        if comma.is_none() {
            break;
        }
    }
    let (rest, _) = or(char('}'), ErrorKind::ExpectedSetEnd).parse(input)?;
    values.sort_unstable();
    values.dedup();
    Ok((rest, values))
}

fn string(input: &str) -> IResult<&str, &str, Fault> {
    let quoted = |quote| {
        preceded(
            char(quote),
            cut(terminated(take_till(move |c| c == quote), or(char(quote), ErrorKind::UnterminatedString))),
        )
    };
    or(alt((quoted('"'), quoted('\''))), ErrorKind::ExpectedString).parse(input)
}

fn label(input: &str) -> IResult<&str, &str, Fault> {
    let (rest, label) =
        take_while1(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-')).parse(input)?;
    if label.len() > MAX_LABEL {
        return Err(nom::Err::Failure(Fault::new(ErrorKind::LabelTooLong, input)));
    }
    Ok((rest, label))
}

fn close(input: &str) -> IResult<&str, char, Fault> {
    or(char(')'), ErrorKind::ExpectedClose).parse(input)
}

/// Blanks, the parser, blanks.
fn spaced<'a, O>(
    parser: impl nom::Parser<&'a str, Output = O, Error = Fault>,
) -> impl nom::Parser<&'a str, Output = O, Error = Fault> {
    delimited(blanks, parser, blanks)
}

/// Gives the recoverable errors of a parser one kind; errors that are final keep theirs.
fn or<'a, O>(
    mut parser: impl nom::Parser<&'a str, Output = O, Error = Fault>,
    kind: ErrorKind,
) -> impl nom::Parser<&'a str, Output = O, Error = Fault> {
    move |input: &'a str| parser.parse(input).map_err(|error| error.map_recoverable(input, kind))
}

trait MapRecoverable {
    fn map_recoverable(self, input: &str, kind: ErrorKind) -> Self;
}

impl MapRecoverable for nom::Err<Fault> {
    fn map_recoverable(self, input: &str, kind: ErrorKind) -> Self {
        match self {
            Self::Error(_) => Self::Error(Fault::new(kind, input)),
            other => other,
        }
    }
}

fn finish<O>(result: IResult<&str, O, Fault>) -> Result<(&str, O), Fault> {
    result.map_err(|error| match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
        // The parsers are the complete ones, which never ask for more.
        nom::Err::Incomplete(_) => Fault { kind: ErrorKind::ExpectedOperand, rest: 0 },
    })
}

fn blanks(input: &str) -> IResult<&str, &str, Fault> {
    take_while(is_blank).parse(input)
}

fn blank(input: &str) -> &str {
    input.trim_start_matches(is_blank)
}

/// Not the newline, which is an error.
const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

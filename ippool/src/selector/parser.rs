//! The text of a selector as reverse Polish notation, by an explicit stack.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{cut, opt, value};
use nom::error::ParseError;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser as _};

use super::{Error, ErrorKind, Leaf, MAX_DEPTH, MAX_LABEL, MAX_LENGTH, Op, Test};

/// An expression: `leaves` in the order of the text, `shape` in reverse Polish notation.
pub(super) struct Parsed {
    pub(super) leaves: Vec<Leaf>,
    pub(super) shape: Vec<Op>,
}

impl Parsed {
    /// The expression `all()`.
    pub(super) fn all() -> Self {
        Self { leaves: vec![Leaf::new("", Test::All)], shape: vec![Op::Leaf] }
    }
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Parsed, Error> {
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
    fn close_and(&mut self, shape: &mut Vec<Op>) {
        if self.ands > 0 {
            shape.push(Op::And(self.ands.saturating_add(1)));
        }
        self.ands = 0;
    }

    fn close(mut self, shape: &mut Vec<Op>) {
        self.close_and(shape);
        if self.ors > 0 {
            shape.push(Op::Or(self.ors.saturating_add(1)));
        }
        if self.negated {
            shape.push(Op::Not);
        }
    }
}

fn expression(mut input: &str) -> Result<Parsed, Fault> {
    let (mut leaves, mut shape) = (Vec::new(), Vec::new());
    let mut group = Group::default();
    let mut outer = Vec::new();
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
fn leaf(input: &str) -> IResult<&str, Leaf, Fault> {
    alt((
        preceded(tag("has("), cut(terminated(spaced(or(label, ErrorKind::ExpectedLabel)), close)))
            .map(|label| Leaf::new(label, Test::Has)),
        preceded((tag("all("), blanks), cut(close)).map(|_| Leaf::new("", Test::All)),
        preceded((tag("global("), blanks), cut(close)).map(|_| Leaf::new("", Test::Global)),
        comparison,
    ))
    .parse(input)
}

/// A label with a test of its value.
fn comparison(input: &str) -> IResult<&str, Leaf, Fault> {
    let (rest, label) = label(input)?;
    let (rest, make) = cut(spaced(or(operator, ErrorKind::ExpectedOperator))).parse(rest)?;
    let (rest, test) = match make {
        Make::Value(make) => cut(string).map(|text: &str| make(text.into())).parse(rest)?,
        Make::Set(make) => cut(set).map(make).parse(rest)?,
    };
    Ok((rest, Leaf::new(label, test)))
}

/// How a comparison is made from what follows its operator.
#[derive(Clone, Copy)]
enum Make {
    Value(fn(Box<str>) -> Test),
    Set(fn(Box<[Box<str>]>) -> Test),
}

/// The words need no blank before or after them; that no letter follows is seen to by the quote or brace.
fn operator(input: &str) -> IResult<&str, Make, Fault> {
    alt((
        value(Make::Value(Test::Eq), tag("==")),
        value(Make::Value(Test::Ne), tag("!=")),
        value(Make::Value(Test::Contains), tag("contains")),
        value(Make::Value(Test::StartsWith), (tag("starts"), blanks, tag("with"))),
        value(Make::Value(Test::EndsWith), (tag("ends"), blanks, tag("with"))),
        value(Make::Set(Test::NotIn), (tag("not"), blanks, tag("in"))),
        value(Make::Set(Test::In), tag("in")),
    ))
    .parse(input)
}

fn set(input: &str) -> IResult<&str, Box<[Box<str>]>, Fault> {
    let (mut input, _) = or(terminated(char('{'), blanks), ErrorKind::ExpectedSet).parse(input)?;
    let mut values: Vec<&str> = Vec::new();
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
    Ok((rest, values.into_iter().map(Box::from).collect()))
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

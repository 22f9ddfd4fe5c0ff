//! Gives each leaf where evaluation goes on, and the expression its canonical text, in one pass from the right.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use smallvec::SmallVec;

use super::parser::{Parsed, ParsedLeaf};
use super::{Leaf, Next, Op, Selector, Span, Test};

/// Makes the selector of an expression.
///
/// Reverse Polish notation read from the right is a tree in pre-order with the operands from right to left. So when an
/// operand starts, everything to its right is known: where to go if it holds, and where if not.
pub(super) fn link(parsed: &Parsed<'_>) -> Selector {
    let Parsed { leaves: tests, shape } = parsed;
    let mut pieces: Pieces = SmallVec::new();
    let mut joins: Joins = SmallVec::new();
    let mut targets = (Next::Done(true), Next::Done(false));
    let new = |test: &ParsedLeaf<'_>| Leaf {
        test: test.test,
        label: Span::default(),
        value: Span::default(),
        on_true: Next::Done(true),
        on_false: Next::Done(false),
    };
    let mut leaves: Box<[Leaf]> = tests.iter().map(new).collect();
    let mut unlinked = leaves.len();
    for op in shape.iter().rev() {
        match *op {
            Op::Not => {
                joins.push(Join { op: *op, left: 1, targets });
                targets = (targets.1, targets.0);
            }
            Op::And(count) | Op::Or(count) => {
                joins.push(Join { op: *op, left: count, targets });
                pieces.push(Piece::Text(")"));
            }
            Op::Leaf => {
                unlinked = unlinked.saturating_sub(1);
                if let Some(leaf) = leaves.get_mut(unlinked) {
                    (leaf.on_true, leaf.on_false) = targets;
                }
                pieces.push(Piece::Leaf(unlinked));
                targets = close(&mut joins, &mut pieces, Next::Leaf(unlinked), targets);
            }
        }
    }
    let room = |piece: &Piece| match *piece {
        Piece::Text(part) => part.len(),
        Piece::Leaf(index) => tests.get(index).map_or(0, |test| {
            test.values.iter().fold(test.label.len().saturating_add(LONGEST_OPERATOR), |sum, value| {
                sum.saturating_add(value.len()).saturating_add(4)
            })
        }),
    };
    let mut writer = Writer {
        text: String::with_capacity(pieces.iter().map(room).fold(0, usize::saturating_add)),
        sets: Vec::new(),
    };
    for piece in pieces.iter().rev() {
        match *piece {
            Piece::Text(part) => writer.text.push_str(part),
            Piece::Leaf(index) => {
                if let (Some(test), Some(leaf)) = (tests.get(index), leaves.get_mut(index)) {
                    writer.write(test, leaf);
                }
            }
        }
    }
    Selector { text: writer.text.into(), leaves, sets: writer.sets.into(), shape: shape.clone() }
}

/// The length of ` starts with `, and of two braces more than that of ` not in `.
const LONGEST_OPERATOR: usize = 13;

type Pieces = SmallVec<[Piece; 16]>;
type Joins = SmallVec<[Join; 4]>;

/// An operator some of whose operands are still to come.
struct Join {
    op: Op,
    /// Operands to come, counting the one that is being read.
    left: usize,
    /// Where the whole goes on when it holds and when not.
    targets: (Next, Next),
}

/// A part of the canonical text.
#[derive(Clone, Copy)]
enum Piece {
    Text(&'static str),
    Leaf(usize),
}

/// Ends an operand whose evaluation starts at `first`, and all operators that end with it; gives the targets of the
/// operand to the left of them.
fn close(joins: &mut Joins, pieces: &mut Pieces, first: Next, targets: (Next, Next)) -> (Next, Next) {
    while let Some(join) = joins.last_mut() {
        join.left = join.left.saturating_sub(1);
        let (mark, separator, next) = match join.op {
            Op::And(_) => ("(", " && ", (first, join.targets.1)),
            Op::Or(_) => ("(", " || ", (join.targets.0, first)),
            Op::Not | Op::Leaf => ("!", "", targets),
        };
        if join.left > 0 {
            pieces.push(Piece::Text(separator));
            return next;
        }
        pieces.push(Piece::Text(mark));
        joins.pop();
    }
    targets
}

/// The canonical text as it grows, and where the values of sets are in it.
struct Writer {
    text: String,
    sets: Vec<Span>,
}

impl Writer {
    fn write(&mut self, test: &ParsedLeaf<'_>, leaf: &mut Leaf) {
        let operator = match test.test {
            Test::All => return self.text.push_str("all()"),
            Test::Global => return self.text.push_str("global()"),
            Test::Has => {
                self.text.push_str("has(");
                leaf.label = self.part(test.label);
                return self.text.push(')');
            }
            Test::Eq => " == ",
            Test::Ne => " != ",
            Test::Contains => " contains ",
            Test::StartsWith => " starts with ",
            Test::EndsWith => " ends with ",
            Test::In => " in {",
            Test::NotIn => " not in {",
        };
        leaf.label = self.part(test.label);
        self.text.push_str(operator);
        if !matches!(test.test, Test::In | Test::NotIn) {
            leaf.value = test.values.first().map(|value| self.quoted(value)).unwrap_or_default();
            return;
        }
        let start = place(self.sets.len());
        for (index, value) in test.values.iter().enumerate() {
            self.text.push_str(if index > 0 { ", " } else { "" });
            let span = self.quoted(value);
            self.sets.push(span);
        }
        leaf.value = Span { start, end: place(self.sets.len()) };
        self.text.push('}');
    }

    fn part(&mut self, part: &str) -> Span {
        let start = place(self.text.len());
        self.text.push_str(part);
        Span { start, end: place(self.text.len()) }
    }

    /// A value never has both kinds of quotes: there is no way to write one.
    fn quoted(&mut self, value: &str) -> Span {
        let quote = if value.contains('"') { '\'' } else { '"' };
        self.text.push(quote);
        let span = self.part(value);
        self.text.push(quote);
        span
    }
}

/// A place in the text, which is not much longer than [`MAX_LENGTH`](super::MAX_LENGTH).
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

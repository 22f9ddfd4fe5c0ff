//! Gives each leaf where evaluation goes on, and the expression its canonical text, in one pass from the right.

use alloc::string::String;

use smallvec::SmallVec;

use super::parser::{Parsed, ParsedLeaf};
use super::{Leaf, Leaves, Next, Op, Selector, Sets, Span, Test};

/// Makes the selector of an expression.
///
/// Reverse Polish notation read from the right is a tree in pre-order with the operands from right to left. So when an
/// operand starts, everything to its right is known: where to go if it holds, and where if not.
pub(super) fn link(parsed: Parsed<'_>) -> Selector {
    let Parsed { leaves: tests, values, shape } = parsed;
    let mut pieces: Pieces = SmallVec::new();
    let mut joins: Joins = SmallVec::new();
    let mut targets = (Next::TRUE, Next::FALSE);
    let blank = Leaf::default();
    let mut leaves: Leaves = SmallVec::from_elem(blank, tests.len());
    let mut unlinked = tests.len();
    let mut room = values.iter().fold(0usize, |sum, value| sum.saturating_add(value.len()));
    for op in shape.iter().rev() {
        match *op {
            Op::Not => {
                joins.push(Join { op: *op, left: 1, targets });
                targets = (targets.1, targets.0);
            }
            Op::And(count) | Op::Or(count) => {
                joins.push(Join { op: *op, left: count, targets });
                pieces.push(Piece::Text(")"));
                // Parentheses and separators.
                room = room.saturating_add(place_back(count).saturating_mul(4).saturating_sub(2));
            }
            Op::Leaf => {
                unlinked = unlinked.saturating_sub(1);
                if let (Some(leaf), Some(test)) = (leaves.get_mut(unlinked), tests.get(unlinked)) {
                    (leaf.on_true, leaf.on_false) = targets;
                    room = room.saturating_add(length(test));
                }
                pieces.push(Piece::Leaf(unlinked));
                targets = close(&mut joins, &mut pieces, Next(place(unlinked)), targets);
            }
        }
        room = room.saturating_add(usize::from(matches!(op, Op::Not)));
    }
    let mut writer = Writer { text: String::with_capacity(room), sets: SmallVec::new() };
    let mut values = values.as_slice();
    for piece in pieces.iter().rev() {
        match *piece {
            Piece::Text(part) => writer.text.push_str(part),
            Piece::Leaf(index) => {
                if let (Some(test), Some(leaf)) = (tests.get(index), leaves.get_mut(index)) {
                    let (own, rest) = values.split_at_checked(test.values).unwrap_or_default();
                    values = rest;
                    writer.write(test, own, leaf);
                }
            }
        }
    }
    Selector { text: writer.text.into(), leaves, sets: writer.sets, shape }
}

/// The length of a test in canonical text, without its values.
fn length(test: &ParsedLeaf<'_>) -> usize {
    let (before, after) = words(test.test);
    let around = before.len().saturating_add(after.len()).saturating_add(test.label.len());
    // Quotes, and commas between members.
    match test.test {
        Test::In | Test::NotIn => {
            around.saturating_add(test.values.saturating_mul(4).saturating_sub(if test.values > 0 { 2 } else { 0 }))
        }
        _ => around.saturating_add(test.values.saturating_mul(2)),
    }
}

/// What stands before and after the label.
const fn words(test: Test) -> (&'static str, &'static str) {
    match test {
        Test::All => ("", "all()"),
        Test::Global => ("", "global()"),
        Test::Has => ("has(", ")"),
        Test::Eq => ("", " == "),
        Test::Ne => ("", " != "),
        Test::Contains => ("", " contains "),
        Test::StartsWith => ("", " starts with "),
        Test::EndsWith => ("", " ends with "),
        Test::In => ("", " in {}"),
        Test::NotIn => ("", " not in {}"),
    }
}

type Pieces = SmallVec<[Piece; 16]>;
type Joins = SmallVec<[Join; 4]>;

/// An operator some of whose operands are still to come.
struct Join {
    op: Op,
    /// Operands to come, counting the one that is being read.
    left: u32,
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
#[inline]
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
    sets: Sets,
}

impl Writer {
    fn write(&mut self, test: &ParsedLeaf<'_>, values: &[&str], leaf: &mut Leaf) {
        let (before, after) = words(test.test);
        leaf.test = test.test;
        self.text.push_str(before);
        leaf.label = self.part(test.label);
        let Some(open) = after.strip_suffix('}') else {
            self.text.push_str(after);
            if let Some(value) = values.first() {
                leaf.value = self.quoted(value);
            }
            return;
        };
        self.text.push_str(open);
        let start = place(self.sets.len());
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
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
        let quote = if value.bytes().any(|octet| octet == b'"') { '\'' } else { '"' };
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

fn place_back(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

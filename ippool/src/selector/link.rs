//! Gives each leaf where evaluation goes on, and the expression its canonical text, in one pass from the right.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::parser::Parsed;
use super::{Leaf, Next, Op, Selector, Test};

/// Makes the selector of an expression.
///
/// Reverse Polish notation read from the right is a tree in pre-order with the operands from right to left. So when an
/// operand starts, everything to its right is known: where to go if it holds, and where if not.
pub(super) fn link(parsed: Parsed) -> Selector {
    let Parsed { mut leaves, shape } = parsed;
    let mut pieces: Vec<Piece> = Vec::new();
    let mut joins: Vec<Join> = Vec::new();
    let mut targets = (Next::Done(true), Next::Done(false));
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
    let mut text = String::new();
    for piece in pieces.iter().rev() {
        match *piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Leaf(index) => {
                if let Some(leaf) = leaves.get(index) {
                    write(leaf, &mut text);
                }
            }
        }
    }
    Selector { text: text.into(), leaves: leaves.into(), shape: shape.into() }
}

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
fn close(joins: &mut Vec<Join>, pieces: &mut Vec<Piece>, first: Next, targets: (Next, Next)) -> (Next, Next) {
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

fn write(leaf: &Leaf, text: &mut String) {
    let label = &*leaf.label;
    match &leaf.test {
        Test::All => text.push_str("all()"),
        Test::Global => text.push_str("global()"),
        Test::Has => text.extend(["has(", label, ")"]),
        Test::Eq(value) => write_value(label, " == ", value, text),
        Test::Ne(value) => write_value(label, " != ", value, text),
        Test::Contains(value) => write_value(label, " contains ", value, text),
        Test::StartsWith(value) => write_value(label, " starts with ", value, text),
        Test::EndsWith(value) => write_value(label, " ends with ", value, text),
        Test::In(values) => write_set(label, " in {", values, text),
        Test::NotIn(values) => write_set(label, " not in {", values, text),
    }
}

fn write_value(label: &str, operator: &str, value: &str, text: &mut String) {
    text.extend([label, operator]);
    write_quoted(value, text);
}

fn write_set(label: &str, operator: &str, values: &[Box<str>], text: &mut String) {
    text.extend([label, operator]);
    for (index, value) in values.iter().enumerate() {
        text.push_str(if index > 0 { ", " } else { "" });
        write_quoted(value, text);
    }
    text.push('}');
}

/// A value never has both kinds of quotes: there is no way to write one.
fn write_quoted(value: &str, text: &mut String) {
    let quote = if value.contains('"') { "'" } else { "\"" };
    text.extend([quote, value, quote]);
}

//! What a selector demands of each label, for indexes.

use alloc::collections::BTreeSet;
use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::vec::Vec;
use core::mem::{swap, take};

use super::{Leaf, Op, Selector, Test};

/// What every matching set of labels satisfies for one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound<'s> {
    /// The label must be there.
    pub present: bool,
    /// The label must not be there.
    pub absent: bool,
    /// The label's value must be one of these; `None` = any value. As in Calico an empty set in the text gives `None`.
    pub one_of: Option<BTreeSet<&'s str>>,
}

impl Bound<'_> {
    /// Whether nothing can satisfy it: the label must be there and not there, or has no value to choose.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::Selector;
    ///
    /// let selector = Selector::parse("a == 'x' && a == 'y'")?;
    /// assert!(selector.bounds()["a"].is_impossible());
    /// # Ok::<(), ippool::selector::Error>(())
    /// ```
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        (self.present && self.absent) || self.one_of.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Narrows by another bound on the same label.
    fn and(&mut self, other: Self) {
        self.present |= other.present;
        self.absent |= other.absent;
        self.one_of = match (self.one_of.take(), other.one_of) {
            (Some(mut few), Some(mut many)) => {
                if few.len() > many.len() {
                    swap(&mut few, &mut many);
                }
                few.retain(|value| many.contains(value));
                Some(few)
            }
            (one, other) => one.or(other),
        };
    }

    /// Widens to what this and another bound on the same label both imply; `false` if that is nothing.
    fn or(&mut self, other: Self) -> bool {
        self.present &= other.present;
        self.absent &= other.absent;
        self.one_of = match (self.one_of.take(), other.one_of) {
            (Some(mut few), Some(mut many)) if self.present => {
                if few.len() > many.len() {
                    swap(&mut few, &mut many);
                }
                many.append(&mut few);
                Some(many)
            }
            _ => None,
        };
        self.present || self.absent
    }
}

/// The bounds by label.
type Bounds<'s> = BTreeMap<&'s str, Bound<'s>>;

/// The bounds of an expression in reverse Polish notation.
///
/// Joins always move the smaller side into the larger one, so that depth does not multiply the cost.
pub(super) fn analyse(selector: &Selector) -> Bounds<'_> {
    let mut stack: Vec<Bounds<'_>> = Vec::new();
    let mut rest = selector.leaves.iter();
    // The label of the operand that was just pushed, if that is a bare `has(label)`.
    let mut bare_has = None;
    for op in &selector.shape {
        let negated = bare_has.take();
        match *op {
            Op::Leaf => {
                let leaf = rest.next();
                bare_has = leaf.filter(|leaf| leaf.test == Test::Has).map(|leaf| selector.part(leaf.label));
                stack.push(leaf.map(|leaf| of_leaf(selector, leaf)).unwrap_or_default());
            }
            Op::Not => {
                stack.pop();
                stack.push(
                    negated.map(|label| (label, Bound { absent: true, ..Bound::default() })).into_iter().collect(),
                );
            }
            Op::And(count) => join(&mut stack, count, and),
            Op::Or(count) => join(&mut stack, count, or),
        }
    }
    stack.pop().unwrap_or_default()
}

fn join<'s>(stack: &mut Vec<Bounds<'s>>, count: u32, by: fn(Bounds<'s>, Bounds<'s>) -> Bounds<'s>) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let operands = stack.split_off(stack.len().saturating_sub(count));
    stack.extend(operands.into_iter().reduce(by));
}

fn of_leaf<'s>(selector: &'s Selector, leaf: &Leaf) -> Bounds<'s> {
    let one_of = match leaf.test {
        Test::All | Test::Global | Test::Ne | Test::NotIn => return Bounds::new(),
        Test::Has | Test::Contains | Test::StartsWith | Test::EndsWith => None,
        Test::Eq => Some(BTreeSet::from([selector.part(leaf.value)])),
        Test::In => {
            let values = selector.set(leaf).iter().map(|value| selector.part(*value));
            Some(values.collect()).filter(|set: &BTreeSet<_>| !set.is_empty())
        }
    };
    BTreeMap::from([(selector.part(leaf.label), Bound { present: true, absent: false, one_of })])
}

fn and<'s>(mut many: Bounds<'s>, mut few: Bounds<'s>) -> Bounds<'s> {
    if few.len() > many.len() {
        swap(&mut few, &mut many);
    }
    for (label, bound) in few {
        match many.entry(label) {
            Entry::Vacant(entry) => drop(entry.insert(bound)),
            Entry::Occupied(mut entry) => entry.get_mut().and(bound),
        }
    }
    many
}

fn or<'s>(mut few: Bounds<'s>, mut many: Bounds<'s>) -> Bounds<'s> {
    if few.len() > many.len() {
        swap(&mut few, &mut many);
    }
    few.retain(|label, bound| many.get_mut(label).is_some_and(|other| bound.or(take(other))));
    few
}

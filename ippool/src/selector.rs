//! Calico label selectors: text, canonical text, evaluation, identity and bounds.
//!
//! The grammar, loosest binding first; `!` binds to one whole comparison or group, blanks are spaces and tabs:
//!
//! ```text
//! or      = and { "||" and }
//! and     = unary { "&&" unary }
//! unary   = { "!" } primary
//! primary = "(" or ")" | "all()" | "global()" | "has(" label ")" | label test
//! test    = ("==" | "!=" | "contains" | "starts with" | "ends with") string
//!         | ("in" | "not in") "{" [ string { "," string } [ "," ] ] "}"
//! label   = 1 to 512 of A-Z a-z 0-9 _ . / -
//! string  = '"' any but '"' '"' | "'" any but "'" "'"
//! ```

mod bounds;
mod error;
mod labels;
mod link;
mod parser;
#[cfg(feature = "serde")]
mod serde_impl;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

pub use bounds::Bound;
pub use error::{Error, ErrorKind};
pub use labels::Labels;

use smallvec::SmallVec;

/// The longest selector text that is parsed, in octets.
///
/// Calico's resources allow 1024 characters; policies written by controllers are longer.
pub const MAX_LENGTH: usize = 1 << 20;

/// The deepest nesting of parentheses that is parsed; one level more is [`ErrorKind::TooDeep`].
pub const MAX_DEPTH: usize = 1024;

/// The longest label name, in octets.
pub const MAX_LABEL: usize = 512;

/// A parsed selector over labels.
///
/// Two selectors are equal if their canonical texts are; the order is that of the canonical texts.
///
/// # Examples
///
/// ```
/// use ippool::selector::Selector;
///
/// let racks = Selector::parse("rack in {'r2', 'r1'} && !has(cordoned)")?;
/// assert!(racks.matches(&[("rack", "r1")]));
/// assert!(!racks.matches(&[("rack", "r1"), ("cordoned", "")]));
/// assert_eq!(racks.to_string(), r#"(rack in {"r1", "r2"} && !has(cordoned))"#);
/// # Ok::<(), ippool::selector::Error>(())
/// ```
#[derive(Clone)]
pub struct Selector {
    /// The canonical text; labels and values are parts of it.
    text: Box<str>,
    /// The tests in the order of the text, with where to go on from each.
    leaves: Leaves,
    /// The values of the sets, each set sorted and without repetitions.
    sets: Sets,
    /// The same expression in reverse Polish notation; [`Op::Leaf`] takes the next of `leaves`.
    shape: SmallVec<[Op; 8]>,
}

impl Selector {
    /// The selector `all()`, which matches everything.
    #[must_use]
    pub fn all() -> Self {
        link::link(parser::Parsed::all())
    }

    /// Parses a selector; empty and blank text is `all()`.
    ///
    /// Takes time linear in the length of the text (sets are sorted) and does not recurse.
    ///
    /// # Errors
    ///
    /// [`Error`] says what was wrong and at which octet. Texts beyond [`MAX_LENGTH`], [`MAX_DEPTH`] and [`MAX_LABEL`]
    /// are refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::{ErrorKind, Selector};
    ///
    /// assert_eq!(Selector::parse(" \t")?, Selector::all());
    /// let error = Selector::parse("a = 'b'").map_err(|error| (error.kind(), error.offset()));
    /// assert_eq!(error, Err((ErrorKind::ExpectedOperator, 2)));
    /// # Ok::<(), ippool::selector::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        parser::parse(text).map(link::link)
    }

    /// The canonical text, which [`Display`](fmt::Display) writes too.
    ///
    /// Calico's form, octet for octet: every group of two or more in parentheses, double quotes unless the value has
    /// one, sets sorted and without repetitions. It parses to the same meaning, and to itself except where a negation
    /// was applied to a negation in parentheses: `!(!has(a))` is written `!!has(a)`, which is read as `has(a)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::Selector;
    ///
    /// let selector = Selector::parse("a=='x'||b!='y'&&has( c )")?;
    /// assert_eq!(selector.as_str(), r#"(a == "x" || (b != "y" && has(c)))"#);
    /// # Ok::<(), ippool::selector::Error>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a set of labels satisfies the selector.
    ///
    /// Comparisons are octet-wise and case-sensitive. `!=` and `not in` hold where the label is missing, the other
    /// comparisons need it. Does not allocate and does not recurse; each test is looked at most once.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::Selector;
    ///
    /// let selector = Selector::parse("zone starts with 'eu-' && role != 'edge'")?;
    /// assert!(selector.matches(&[("zone", "eu-1")]));
    /// assert!(!selector.matches(&[("role", "core")]));
    /// # Ok::<(), ippool::selector::Error>(())
    /// ```
    #[must_use]
    pub fn matches<L: Labels + ?Sized>(&self, labels: &L) -> bool {
        let leaves = self.leaves.as_slice();
        let mut next = Next(0);
        while let Some(leaf) = usize::try_from(next.0).ok().and_then(|index| leaves.get(index)) {
            next = if self.holds(leaf, labels) { leaf.on_true } else { leaf.on_false };
        }
        next == Next::TRUE
    }

    /// What any matching set of labels must look like, label by label; labels without a bound are left out.
    ///
    /// For an index: every set of labels that matches satisfies all the bounds, but not the reverse. `&&` intersects
    /// the values, `||` keeps what both sides imply, and of the negations only `!has(x)` gives a bound.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::Selector;
    ///
    /// let selector = Selector::parse("a == 'x' && !has(b) || a == 'y' && !has(b)")?;
    /// let bounds = selector.bounds();
    /// assert!(bounds["b"].absent);
    /// assert_eq!(bounds["a"].one_of.as_ref().map(|values| values.len()), Some(2));
    /// # Ok::<(), ippool::selector::Error>(())
    /// ```
    #[must_use]
    pub fn bounds(&self) -> BTreeMap<&str, Bound<'_>> {
        bounds::analyse(self)
    }

    /// Whether `global()` occurs, which the selectors of an IP pool may not use.
    #[must_use]
    pub fn uses_global(&self) -> bool {
        self.leaves.iter().any(|leaf| leaf.test == Test::Global)
    }

    /// Calico's identifier of the selector: `s:` and the URL-safe base64 of the SHA-224 of `s:` and the canonical
    /// text, 40 octets long.
    ///
    /// # Examples
    ///
    /// ```
    /// use ippool::selector::Selector;
    ///
    /// assert_eq!(Selector::all().id(), "s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug");
    /// ```
    #[cfg(feature = "json")]
    #[must_use]
    pub fn id(&self) -> alloc::string::String {
        use sha2::Digest as _;
        let digest = sha2::Sha224::new().chain_update("s:").chain_update(self.text.as_bytes()).finalize();
        let mut id = alloc::string::String::from("s:");
        crate::base::base64_url(&digest, &mut id);
        id
    }
}

impl Selector {
    #[inline]
    fn holds<L: Labels + ?Sized>(&self, leaf: &Leaf, labels: &L) -> bool {
        if matches!(leaf.test, Test::All | Test::Global) {
            return true;
        }
        let Some(value) = labels.label(self.part(leaf.label)) else {
            return matches!(leaf.test, Test::Ne | Test::NotIn);
        };
        let wanted = || self.part(leaf.value);
        match leaf.test {
            Test::All | Test::Global | Test::Has => true,
            Test::Eq => same(value, wanted()),
            Test::Ne => !same(value, wanted()),
            Test::Contains => value.contains(wanted()),
            Test::StartsWith => value.starts_with(wanted()),
            Test::EndsWith => value.ends_with(wanted()),
            Test::In => self.has_member(leaf, value),
            Test::NotIn => !self.has_member(leaf, value),
        }
    }

    /// Whether the leaf's set has a value.
    #[inline]
    fn has_member(&self, leaf: &Leaf, value: &str) -> bool {
        let set = self.set(leaf);
        if set.len() <= SMALL_SET {
            return set.iter().any(|member| same(self.part(*member), value));
        }
        set.binary_search_by(|member| self.part(*member).cmp(value)).is_ok()
    }

    #[inline]
    fn part(&self, span: Span) -> &str {
        let bounds = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(bounds(span.start)..bounds(span.end)).unwrap_or_default()
    }

    /// The spans of the leaf's set.
    fn set(&self, leaf: &Leaf) -> &[Span] {
        let bounds = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.sets.get(bounds(leaf.value.start)..bounds(leaf.value.end)).unwrap_or_default()
    }
}

/// Up to so many members a set is looked through in order.
const SMALL_SET: usize = 8;

/// Equality that compares the length, then both ends: most names and values are short and differ there, and a call to
/// compare memory would cost more than all of it.
#[inline]
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    if let (Some(a), Some(b)) = (one.first_chunk::<8>(), other.first_chunk::<8>()) {
        return a == b && one.last_chunk::<8>() == other.last_chunk::<8>() && (one.len() <= 16 || one == other);
    }
    if let (Some(a), Some(b)) = (one.first_chunk::<4>(), other.first_chunk::<4>()) {
        return a == b && one.last_chunk::<4>() == other.last_chunk::<4>();
    }
    if let (Some(a), Some(b)) = (one.first_chunk::<2>(), other.first_chunk::<2>()) {
        return a == b && one.last() == other.last();
    }
    one.first() == other.first()
}

impl Default for Selector {
    fn default() -> Self {
        Self::all()
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selector({})", self.text)
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Selector {}

impl PartialOrd for Selector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Selector {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Selector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// One step of the expression in reverse Polish notation.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// The next leaf.
    Leaf,
    /// Negates the last operand.
    Not,
    /// Joins that many operands (two or more) by `&&`.
    And(u32),
    /// Joins that many operands (two or more) by `||`.
    Or(u32),
}

/// The tests; most selectors have a few.
type Leaves = SmallVec<[Leaf; 4]>;

/// The members of sets.
type Sets = SmallVec<[Span; 4]>;

/// One test, and where evaluation goes on from it; targets are always further right.
#[derive(Clone, Copy, Debug, Default)]
struct Leaf {
    test: Test,
    /// Empty for `all()` and `global()`.
    label: Span,
    /// The value in the text; for [`Test::In`] and [`Test::NotIn`] the values in `sets`.
    value: Span,
    on_true: Next,
    on_false: Next,
}

/// A part of something, by the places where it starts and ends.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// What a leaf asks of its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Test {
    #[default]
    All,
    Global,
    Has,
    Eq,
    Ne,
    Contains,
    StartsWith,
    EndsWith,
    In,
    NotIn,
}

/// Where evaluation goes on: the index of a leaf, or the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Next(u32);

impl Next {
    /// The selector matches. There are not as many leaves: a text has at most [`MAX_LENGTH`] octets.
    const TRUE: Self = Self(u32::MAX);
    /// It does not.
    const FALSE: Self = Self(u32::MAX - 1);
}

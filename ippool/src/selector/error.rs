//! What can be wrong with the text of a selector, and where.

/// A selector that does not parse.
///
/// # Examples
///
/// ```
/// use ippool::selector::Selector;
///
/// let error = Selector::parse("has(a) && (b == 'c'").map_err(|error| error.to_string());
/// assert_eq!(error, Err("expected && or || or ) at octet 19".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{kind} at octet {offset}")]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What was wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where, in octets from the start of the text.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

const _: () = assert!(size_of::<Error>() <= 16);

/// What was wrong with the text of a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is longer than [`MAX_LENGTH`](super::MAX_LENGTH).
    #[error("selector longer than {} octets", super::MAX_LENGTH)]
    TooLong,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) parentheses are open.
    #[error("more than {} nested parentheses", super::MAX_DEPTH)]
    TooDeep,
    /// A label name is longer than [`MAX_LABEL`](super::MAX_LABEL).
    #[error("label longer than {} octets", super::MAX_LABEL)]
    LabelTooLong,
    /// Neither a label nor a function nor a group stands where one must.
    #[error("expected a label, a function or (")]
    ExpectedOperand,
    /// No comparison follows a label.
    #[error("expected == or != or a comparison word")]
    ExpectedOperator,
    /// No quoted text follows a comparison.
    #[error("expected a quoted value")]
    ExpectedString,
    /// No `{` follows `in` or `not in`.
    #[error("expected {{")]
    ExpectedSet,
    /// A set goes on with something else than a value, a comma or `}`.
    #[error("expected a quoted value or }}")]
    ExpectedSetEnd,
    /// No label stands inside `has()`.
    #[error("expected a label")]
    ExpectedLabel,
    /// A function's parenthesis is not closed.
    #[error("expected )")]
    ExpectedClose,
    /// A quoted text has no end.
    #[error("unterminated quoted value")]
    UnterminatedString,
    /// Something else follows an operand, or a group is not closed.
    #[error("expected && or || or )")]
    ExpectedJoin,
    /// A `)` without its `(`.
    #[error("unmatched )")]
    UnmatchedClose,
}

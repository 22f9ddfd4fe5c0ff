//! MPLS labels in front of a prefix (RFC 8277 section 2): 3 octets each, 20 bits of label, 3 reserved, bottom of stack.

use core::fmt;

use crate::ParseError;
use crate::nlri::LabelForm;

/// An MPLS label: 0 to 1048575.
///
/// ```
/// use bgp_wire::nlri::Label;
/// assert_eq!(Label::new(16).map(Label::number), Some(16));
/// assert_eq!(Label::new(1 << 20), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u32);

impl Label {
    /// The label of that number; `None` above 1048575.
    #[must_use]
    pub const fn new(number: u32) -> Option<Label> {
        if number < 1 << 20 { Some(Label(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    fn of_octets([high, middle, low]: [u8; 3]) -> Label {
        Label(u32::from_be_bytes([0, high, middle, low]) >> 4)
    }

    #[cfg(feature = "alloc")]
    fn octets(self, bottom: bool) -> [u8; 3] {
        let [_, high, middle, low] = (self.0 << 4 | u32::from(bottom)).to_be_bytes();
        [high, middle, low]
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::str::FromStr for Label {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Label, ParseError> {
        text.parse().ok().and_then(Label::new).ok_or(ParseError::new("label"))
    }
}

/// The labels of a route, outermost first: at most 10, which is what fits in front of a prefix. None: a withdrawal.
///
/// ```
/// use bgp_wire::nlri::{Label, Labels};
/// let labels: Labels = "100/200".parse()?;
/// assert_eq!(labels.iter().map(Label::number).collect::<Vec<_>>(), [100, 200]);
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    labels: [u32; Labels::MAX],
    len: u8,
}

impl Labels {
    /// No label: the route is withdrawn.
    pub const NONE: Labels = Labels { labels: [0; Labels::MAX], len: 0 };

    /// The most labels: 255 bits hold ten.
    pub const MAX: usize = 10;

    /// With one more label at the end; `None`: there are [`MAX`](Self::MAX).
    #[must_use]
    pub fn with(mut self, label: Label) -> Option<Labels> {
        *self.labels.get_mut(usize::from(self.len))? = label.0;
        self.len += 1;
        Some(self)
    }

    /// The labels, outermost first.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Label> + '_ {
        self.labels.get(..usize::from(self.len)).unwrap_or_default().iter().map(|label| Label(*label))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Of label fields.
    pub(crate) fn of_octets(octets: &[u8]) -> Labels {
        let labels = octets.as_chunks::<3>().0.iter().map(|octets| Label::of_octets(*octets));
        labels.fold(Labels::NONE, |labels, label| labels.with(label).unwrap_or(labels))
    }

    /// Appends the label fields, the withdrawing one where there is no label.
    #[cfg(feature = "alloc")]
    pub(crate) fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        if self.is_empty() {
            out.extend_from_slice(&WITHDRAWN);
        }
        for (at, label) in self.iter().enumerate() {
            out.extend_from_slice(&label.octets(at + 1 == self.len()));
        }
    }

    /// Octets of [`encode`](Self::encode).
    #[cfg(feature = "alloc")]
    pub(crate) fn encoded_len(&self) -> usize {
        3 * self.len().max(1)
    }
}

impl From<Label> for Labels {
    fn from(label: Label) -> Labels {
        Labels::NONE.with(label).unwrap_or_default()
    }
}

/// The numbers with `/` between them.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, label)| {
            f.write_str(if at == 0 { "" } else { "/" })?;
            label.fmt(f)
        })
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The text of [`Display`](fmt::Display) is read back.
impl core::str::FromStr for Labels {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Labels, ParseError> {
        let error = ParseError::new("label stack");
        if text.is_empty() {
            return Ok(Labels::NONE);
        }
        text.split('/').try_fold(Labels::NONE, |labels, label| labels.with(label.parse().ok()?)).ok_or(error)
    }
}

/// The label fields of an NLRI: how many, and whether they mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LabelFields {
    count: u8,
    withdrawn: bool,
}

impl LabelFields {
    /// In families without labels.
    pub(crate) const NONE: LabelFields = LabelFields { count: 0, withdrawn: false };
    /// The one of a withdrawal.
    pub(crate) const WITHDRAWN: LabelFields = LabelFields { count: 1, withdrawn: true };

    /// The label fields in front of `octets`; `None`: they do not end there.
    pub(crate) fn measure(octets: &[u8], form: LabelForm) -> Option<LabelFields> {
        let (fields, _) = octets.as_chunks::<3>();
        let count = match form {
            LabelForm::One if !fields.is_empty() => 1,
            LabelForm::Withdrawn if !fields.is_empty() => return Some(LabelFields::WITHDRAWN),
            LabelForm::Stack => 1 + fields.iter().take(Labels::MAX).position(|[_, _, low]| low & 1 != 0)?,
            _ => return None,
        };
        Some(LabelFields { count: u8::try_from(count).ok()?, withdrawn: false })
    }

    /// Octets of the fields.
    pub(crate) fn len(self) -> usize {
        usize::from(self.count) * 3
    }

    /// How many labels there are.
    #[cfg(feature = "alloc")]
    pub(crate) fn count(self) -> u8 {
        self.count
    }

    /// Whether they mean nothing.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_withdrawn(self) -> bool {
        self.withdrawn
    }

    /// Splits octets that begin with the fields.
    pub(crate) fn split(self, octets: &[u8]) -> Option<(Labels, &[u8])> {
        let (labels, rest) = octets.split_at_checked(self.len())?;
        Some((if self.withdrawn { Labels::NONE } else { Labels::of_octets(labels) }, rest))
    }
}

/// RFC 8277 section 2.4.
#[cfg(feature = "alloc")]
pub(crate) const WITHDRAWN: [u8; 3] = [0x80, 0, 0];

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Label {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u.int_in_range(0..=(1 << 20) - 1).map(Label)
    }
}

/// One or two labels.
#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Labels {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let labels = Labels::from(u.arbitrary::<Label>()?);
        if u.ratio(1, 4)? { Ok(labels.with(u.arbitrary()?).unwrap_or(labels)) } else { Ok(labels) }
    }
}

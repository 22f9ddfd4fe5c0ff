//! A validated block of path attributes: typed getters that cannot fail, and the raw attributes.

use core::iter::FusedIterator;

use crate::attr::{AttrSet, ROWS, Row, rule};
use crate::reader::to_u16;
use crate::update::scan::{Scan, Step};
use crate::{AttrFlags, AttrType, Context, Error, ErrorKind, SessionKind};

/// The path attributes of an UPDATE, or of a canonical block, with an index of where the typed ones are.
///
/// Attributes that the verdict discards are not there. The getters stand in the files of their attributes; what has no
/// getter is found by [`get`](Self::get) and [`iter`](Self::iter).
///
/// ```
/// use bgp_wire::attr::{Attributes, Origin};
/// use bgp_wire::{Asn, AttrType};
///
/// let block = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 0, 0x40, 5, 4, 0, 0, 0, 100];
/// let attributes = Attributes::from_canonical(&block)?;
/// assert_eq!(attributes.origin(), Some(Origin::Igp));
/// assert_eq!(attributes.local_pref(), Some(100));
/// assert!(attributes.iter().map(|raw| raw.ty).eq([AttrType::ORIGIN, AttrType::AS_PATH, AttrType::LOCAL_PREF]));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    /// What the offsets of the index count in.
    octets: &'a [u8],
    start: u16,
    end: u16,
    index: Index,
    present: AttrSet,
    /// Whether there are attributes without a row.
    has_unknown: bool,
    four_octet_as: bool,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(
        octets: &'a [u8],
        (start, end): (u16, u16),
        index: Index,
        (present, has_unknown): (AttrSet, bool),
        four_octet_as: bool,
    ) -> Attributes<'a> {
        Attributes { octets, start, end, index, present, has_unknown, four_octet_as }
    }

    /// A block as [`UpdateView::write_canonical`](crate::UpdateView::write_canonical), the builder and
    /// `rewrite` make it.
    ///
    /// # Errors
    /// [`ErrorKind::NotCanonical`] when types do not ascend, a length is not of minimal size, a low flag bit is set, or
    /// an attribute is there that no block has (NEXT_HOP, MP_REACH_NLRI, MP_UNREACH_NLRI, AS4_PATH, AS4_AGGREGATOR);
    /// otherwise what is wrong with an attribute.
    pub fn from_canonical(block: &'a [u8]) -> Result<Attributes<'a>, Error> {
        let ctx = Context::new(SessionKind::Ibgp);
        let end = u16::try_from(block.len()).map_err(|_| Error::new(ErrorKind::NotCanonical, u16::MAX))?;
        let mut scan = Scan::new(block, 0, block.len());
        let mut before = None;
        loop {
            let at = scan.at();
            match scan.step(&ctx) {
                Step::Done => break,
                Step::Error(error) => return Err(error),
                Step::Fine => {}
            }
            let raw = split(block.get(at..).unwrap_or_default()).map(|(raw, _)| raw);
            match raw {
                Some(raw) if before < Some(raw.ty) && raw.is_canonical() => before = Some(raw.ty),
                _ => return Err(Error::new(ErrorKind::NotCanonical, to_u16(at))),
            }
        }
        Ok(Attributes::new(block, (0, end), scan.index, (scan.seen, scan.unknown), true))
    }

    /// Whether an attribute of that type is there.
    #[must_use]
    pub fn contains(&self, ty: AttrType) -> bool {
        self.present.contains(ty)
    }

    /// The types that are there.
    #[must_use]
    pub fn types(&self) -> AttrSet {
        self.present
    }

    /// The attribute of that type.
    #[must_use]
    pub fn get(&self, ty: AttrType) -> Option<RawAttr<'a>> {
        if !self.contains(ty) {
            return None;
        }
        match rule(ty.0) {
            Some((slot, _)) => self.at(self.index.get(slot)?),
            None if self.has_unknown => self.iter().find(|raw| raw.ty == ty),
            None => None,
        }
    }

    /// The attributes in the order of the octets; of repeated ones the first.
    #[must_use]
    pub fn iter(&self) -> RawAttrs<'a> {
        RawAttrs { octets: self.as_bytes(), left: self.present }
    }

    /// The octets of the block, discarded attributes included.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.octets.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// Whether AS_PATH and AGGREGATOR have 4-octet AS numbers.
    pub(crate) fn four_octet_as(&self) -> bool {
        self.four_octet_as
    }

    /// Whether there are attributes without a row.
    #[cfg(feature = "alloc")]
    pub(crate) fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// The attributes with a row, in the order of the table, which is that of their types.
    #[cfg(feature = "alloc")]
    pub(crate) fn known(&self) -> impl Iterator<Item = RawAttr<'a>> {
        self.index.iter().filter_map(|offset| self.at(offset))
    }

    /// The value of a typed attribute.
    #[inline]
    pub(crate) fn value<T: Row>(&self) -> Option<&'a [u8]> {
        self.at(self.index.get(T::SLOT)?).map(|raw| raw.value)
    }

    #[inline]
    fn at(&self, offset: u16) -> Option<RawAttr<'a>> {
        split(self.octets.get(usize::from(offset)..usize::from(self.end))?).map(|(raw, _)| raw)
    }
}

impl<'a> IntoIterator for &Attributes<'a> {
    type Item = RawAttr<'a>;
    type IntoIter = RawAttrs<'a>;

    fn into_iter(self) -> RawAttrs<'a> {
        self.iter()
    }
}

/// Where the typed attributes are: the offset of their flags octets, in the order of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index([u16; ROWS]);

impl Index {
    pub(crate) const EMPTY: Index = Index([Index::ABSENT; ROWS]);
    // No attribute begins at the last octet that 16 bits can count.
    const ABSENT: u16 = u16::MAX;

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Option<u16> {
        self.0.get(slot).copied().filter(|offset| *offset != Index::ABSENT)
    }

    #[cfg(feature = "alloc")]
    fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied().filter(|offset| *offset != Index::ABSENT)
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: usize, offset: u16) {
        if let Some(place) = self.0.get_mut(slot) {
            *place = offset;
        }
    }
}

/// One path attribute as it stands in the octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawAttr<'a> {
    /// The flags octet, low bits included.
    pub flags: AttrFlags,
    /// The type.
    pub ty: AttrType,
    /// The value.
    pub value: &'a [u8],
}

impl RawAttr<'_> {
    /// The flags of the canonical form, without the Extended Length bit: Partial means something only on optional
    /// transitive attributes (RFC 4271 section 4.3).
    pub(crate) fn canonical_flags(&self) -> u8 {
        let known = self.flags.0 & (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0;
        let partial = if known == (AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE).0 {
            self.flags.0 & AttrFlags::PARTIAL.0
        } else {
            0
        };
        known | partial
    }

    fn is_canonical(&self) -> bool {
        let extended = if self.value.len() > 255 { AttrFlags::EXTENDED_LENGTH.0 } else { 0 };
        let elsewhere = matches!(
            self.ty,
            AttrType::NEXT_HOP
                | AttrType::MP_REACH_NLRI
                | AttrType::MP_UNREACH_NLRI
                | AttrType::AS4_PATH
                | AttrType::AS4_AGGREGATOR
        );
        self.flags.0 == self.canonical_flags() | extended && !elsewhere
    }
}

/// An infallible iterator over the attributes of a block.
#[derive(Debug, Clone)]
pub struct RawAttrs<'a> {
    octets: &'a [u8],
    /// Those that are still to come.
    left: AttrSet,
}

#[cfg(feature = "alloc")]
impl<'a> RawAttrs<'a> {
    /// All attributes of a canonical block.
    pub(crate) fn all(block: &'a [u8]) -> RawAttrs<'a> {
        RawAttrs { octets: block, left: AttrSet::EMPTY.complement() }
    }
}

impl<'a> Iterator for RawAttrs<'a> {
    type Item = RawAttr<'a>;

    fn next(&mut self) -> Option<RawAttr<'a>> {
        loop {
            let (raw, len) = split(self.octets)?;
            self.octets = self.octets.get(len..).unwrap_or_default();
            if self.left.contains(raw.ty) {
                self.left.remove(raw.ty);
                return Some(raw);
            }
        }
    }
}

impl FusedIterator for RawAttrs<'_> {}

/// The attribute in front of `octets` and its length: flags (1 octet), type (1), length (1 or 2), value.
#[inline]
pub(crate) fn split(octets: &[u8]) -> Option<(RawAttr<'_>, usize)> {
    let ([flags, ty, short], rest) = octets.split_first_chunk::<3>()?;
    let (head, len, rest) = if flags & AttrFlags::EXTENDED_LENGTH.0 == 0 {
        (3, usize::from(*short), rest)
    } else {
        let (low, rest) = rest.split_first()?;
        (4, usize::from(u16::from_be_bytes([*short, *low])), rest)
    };
    let value = rest.get(..len)?;
    Some((RawAttr { flags: AttrFlags(*flags), ty: AttrType(*ty), value }, head + len))
}

//! A validated block of path attributes: typed getters that cannot fail, and the raw attributes.

#[cfg(feature = "alloc")]
use crate::attr::as_path::AsPath;
use crate::attr::index::Index;
#[cfg(feature = "alloc")]
use crate::attr::mp_reach::MpReach;
#[cfg(feature = "alloc")]
use crate::attr::mp_unreach::MpUnreach;
use crate::attr::raw::split;
use crate::attr::scan::{Scan, Step};
use crate::attr::{AttrSet, Length, RawAttr, RawAttrs, Row, slot};
use crate::reader::to_u16;
use crate::{AttrType, Context, Error, ErrorKind, SessionKind};

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
    /// Whether the short way took all of them, so that they stand in canonical order.
    #[cfg_attr(not(feature = "alloc"), expect(dead_code, reason = "only what is written anew asks for it"))]
    straight: bool,
}

impl<'a> Attributes<'a> {
    #[inline]
    pub(crate) fn new(
        octets: &'a [u8],
        (start, end): (u16, u16),
        index: Index,
        (present, has_unknown): (AttrSet, bool),
        four_octet_as: bool,
    ) -> Attributes<'a> {
        Attributes { octets, start, end, index, present, has_unknown, four_octet_as, straight: false }
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

    /// Those that the short way took, and no others.
    #[inline(always)]
    pub(crate) const fn straight(
        octets: &'a [u8],
        (start, end): (u16, u16),
        index: Index,
        present: AttrSet,
        four_octet_as: bool,
    ) -> Attributes<'a> {
        Attributes { octets, start, end, index, present, has_unknown: false, four_octet_as, straight: true }
    }

    /// Whether an attribute of that type is there.
    #[must_use]
    #[inline]
    pub fn contains(&self, ty: AttrType) -> bool {
        self.present.contains(ty)
    }

    /// The types that are there.
    #[must_use]
    #[inline]
    pub fn types(&self) -> AttrSet {
        self.present
    }

    /// The attribute of that type.
    #[must_use]
    pub fn get(&self, ty: AttrType) -> Option<RawAttr<'a>> {
        if !self.contains(ty) {
            return None;
        }
        match slot(ty) {
            Some(slot) => self.at(self.index.get(slot)?),
            None if self.has_unknown => self.iter().find(|raw| raw.ty == ty),
            None => None,
        }
    }

    /// The attributes in the order of the octets; of repeated ones the first.
    #[must_use]
    pub fn iter(&self) -> RawAttrs<'a> {
        RawAttrs::new(self.as_bytes(), self.present)
    }

    /// The octets of the block, discarded attributes included.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.octets.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// What the offsets count in.
    #[inline]
    pub(crate) fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The same in equal octets.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn with_octets<'b>(&self, octets: &'b [u8]) -> Attributes<'b> {
        Attributes { octets, ..*self }
    }

    /// Whether the short way took all of them.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_straight(&self) -> bool {
        self.straight
    }

    /// Where in these they begin and end.
    #[inline]
    pub(crate) fn span(&self) -> (usize, usize) {
        (self.start.into(), self.end.into())
    }

    /// Where in these an attribute begins.
    pub(crate) fn offset<T: Row>(&self) -> Option<u16> {
        self.index.get(T::SLOT)
    }

    /// Whether AS_PATH and AGGREGATOR have 4-octet AS numbers.
    pub(crate) fn four_octet_as(&self) -> bool {
        self.four_octet_as
    }

    /// Whether all attributes stand in canonical order and, but for the length fields of AS_PATH and of what no canonical
    /// block has, in canonical form.
    #[cfg(feature = "alloc")]
    pub(crate) fn is_plain(&self) -> bool {
        const LONG: u32 = 1 << AsPath::SLOT | 1 << MpReach::SLOT | 1 << MpUnreach::SLOT;
        self.straight && self.index.extended() & !LONG == 0
    }

    /// AS_PATH, where it has a length field of two octets, and where in the block it begins.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn extended_path(&self) -> Option<(RawAttr<'a>, usize)> {
        let (at, true) = self.index.value(AsPath::SLOT)? else { return None };
        Some((self.at(at - 4)?, usize::from((at - 4).saturating_sub(self.start))))
    }

    /// From where to where in the block an attribute stands.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn place<T: Row>(&self) -> Option<(usize, usize)> {
        let value = self.value::<T>()?.len();
        let (at, extended) = self.index.value(T::SLOT)?;
        let at = usize::from(at.saturating_sub(self.start));
        Some((at.saturating_sub(if extended { 4 } else { 3 }), at + value))
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
        let (at, extended) = self.index.value(T::SLOT)?;
        let at = usize::from(at);
        // What the index knows has the length that its row says.
        if let Length::Exact(len) = T::LENGTH {
            return self.octets.get(at..at + usize::from(len));
        }
        if extended {
            return self.long_value(at);
        }
        let (len, octets) = self.octets.get(at.wrapping_sub(1)..)?.split_first()?;
        octets.get(..usize::from(*len))
    }

    #[inline]
    fn long_value(&self, at: usize) -> Option<&'a [u8]> {
        let (len, octets) = self.octets.get(at.wrapping_sub(2)..)?.split_first_chunk::<2>()?;
        octets.get(..usize::from(u16::from_be_bytes(*len)))
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

//! AS_PATH (RFC 4271 section 5.1.2, RFC 5065): segments of AS numbers of 2 or 4 octets.

mod check;
mod kind;

use core::fmt;
use core::iter::FusedIterator;

pub(crate) use self::check::check_segments;
pub use self::kind::SegmentKind;

use crate::attr::Attributes;
use crate::{Asn, AttrType};

/// One segment of an AS_PATH.
#[derive(Debug, Clone)]
pub struct Segment<'a> {
    /// What its members mean.
    pub kind: SegmentKind,
    /// Its members, 1 to 255.
    pub asns: Asns<'a>,
}

/// An infallible iterator over the AS numbers of one segment.
#[derive(Debug, Clone)]
pub struct Asns<'a> {
    octets: &'a [u8],
    wide: bool,
}

impl Asns<'_> {
    fn first(&self, count: usize) -> Self {
        Asns { octets: self.octets.get(..count * width(self.wide)).unwrap_or(self.octets), wide: self.wide }
    }
}

impl Iterator for Asns<'_> {
    type Item = Asn;

    #[inline]
    fn next(&mut self) -> Option<Asn> {
        if self.wide {
            let (asn, rest) = self.octets.split_first_chunk::<4>()?;
            self.octets = rest;
            Some(Asn(u32::from_be_bytes(*asn)))
        } else {
            let (asn, rest) = self.octets.split_first_chunk::<2>()?;
            self.octets = rest;
            Some(Asn(u32::from(u16::from_be_bytes(*asn))))
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, Asn) -> B>(self, init: B, mut f: F) -> B {
        if self.wide {
            let asns = self.octets.as_chunks::<4>().0;
            asns.iter().fold(init, |all, asn| f(all, Asn(u32::from_be_bytes(*asn))))
        } else {
            let asns = self.octets.as_chunks::<2>().0;
            asns.iter().fold(init, |all, asn| f(all, Asn(u16::from_be_bytes(*asn).into())))
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.octets.len() / width(self.wide);
        (count, Some(count))
    }
}

impl ExactSizeIterator for Asns<'_> {}

/// Takes the fields of [`Segments`] one by one, so that those need not be in memory where this is not called.
#[cold]
#[inline(never)]
fn fold_merged<'a, B>(
    octets: &'a [u8],
    wide: bool,
    as4: &'a [u8],
    lead: u32,
    taken: bool,
    init: B,
    mut f: impl FnMut(B, Asn) -> B,
) -> B {
    let mut all = init;
    for segment in (Segments { octets, wide, as4: As4 { octets: as4, lead }, taken }) {
        all = segment.asns.fold(all, &mut f);
    }
    all
}

/// The AS numbers of all segments.
#[derive(Debug, Clone)]
struct Members<'a> {
    segments: Segments<'a>,
    open: Asns<'a>,
}

impl Iterator for Members<'_> {
    type Item = Asn;

    #[inline]
    fn next(&mut self) -> Option<Asn> {
        loop {
            if let Some(asn) = self.open.next() {
                return Some(asn);
            }
            self.open = self.segments.next()?.asns;
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, Asn) -> B>(self, init: B, mut f: F) -> B {
        let mut all = self.open.fold(init, &mut f);
        let Segments { mut octets, wide, as4, taken } = self.segments;
        if !as4.octets.is_empty() {
            return fold_merged(octets, wide, as4.octets, as4.lead, taken, all, f);
        }
        while let Some((segment, rest)) = split(octets, wide) {
            octets = rest;
            all = segment.asns.fold(all, &mut f);
        }
        all
    }
}
impl FusedIterator for Asns<'_> {}

/// A validated AS_PATH, with the AS4_PATH merged in where the session has 2-octet AS numbers (RFC 6793 section 4.2.3).
///
/// Its text is that of most daemons: `64512 64513 {64514 64515} (65001) [65002]` for sequence, set, confederation
/// sequence and set.
///
/// ```
/// use bgp_wire::Asn;
/// use bgp_wire::attr::Attributes;
///
/// let block = [0x40, 2, 16, 2, 1, 0, 0, 0xfc, 0, 1, 2, 0, 0, 0xfc, 1, 0, 0, 0xfc, 2];
/// let attributes = Attributes::from_canonical(&block)?;
/// let path = attributes.as_path().unwrap_or_default();
/// assert_eq!(path.to_string(), "64512 {64513 64514}");
/// assert_eq!(path.hops(), 2);
/// assert_eq!(path.neighbor(), Some(Asn(64512)));
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AsPath<'a> {
    octets: &'a [u8],
    wide: bool,
    as4: As4<'a>,
}

/// An AS4_PATH that replaces the path behind so many hops; empty where there is none.
#[derive(Debug, Clone, Copy, Default)]
struct As4<'a> {
    octets: &'a [u8],
    lead: u32,
}

impl As4<'_> {
    const NONE: As4<'static> = As4 { octets: &[], lead: 0 };
}

impl<'a> AsPath<'a> {
    /// The path of a validated value; `wide` is the size of its AS numbers.
    #[inline]
    pub(crate) fn new(octets: &'a [u8], wide: bool) -> AsPath<'a> {
        AsPath { octets, wide, as4: As4::NONE }
    }

    /// How many hops of it stand in front of an AS4_PATH; `None`: that one is ignored (RFC 6793 section 4.2.3).
    fn lead(&self, as4: &[u8]) -> Option<u32> {
        let known = AsPath::new(as4, true).hops();
        // Nothing but confederation segments, which do not belong there, is no path.
        if known == 0 { None } else { self.hops().checked_sub(known) }
    }

    /// The segments, nearest first.
    #[must_use]
    #[inline]
    pub fn segments(&self) -> Segments<'a> {
        Segments { octets: self.octets, wide: self.wide, as4: self.as4, taken: true }
    }

    /// The AS numbers of all segments in the order they are written.
    #[inline]
    pub fn asns(&self) -> impl Iterator<Item = Asn> + use<'a> {
        Members { segments: self.segments(), open: Asns { octets: &[], wide: self.wide } }
    }

    /// Whether there is no segment: a route of the local AS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The length that the decision process compares: each AS of a sequence 1, a set 1, confederation segments 0
    /// (RFC 4271 section 9.1.2.2, RFC 5065 section 5.3).
    ///
    /// ```
    /// use bgp_wire::attr::Attributes;
    ///
    /// // 64512 {64513 64514}: a set counts as one.
    /// let block = [0x40, 2, 16, 2, 1, 0, 0, 0xfc, 0, 1, 2, 0, 0, 0xfc, 1, 0, 0, 0xfc, 2];
    /// assert_eq!(Attributes::from_canonical(&block)?.as_path().map(|path| path.hops()), Some(2));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn hops(&self) -> u32 {
        // A merged path is as long as the AS_PATH by construction.
        Segments { octets: self.octets, wide: self.wide, as4: As4::NONE, taken: true }
            .map(|segment| match segment.kind {
                SegmentKind::Sequence => u32::try_from(segment.asns.len()).unwrap_or(u32::MAX),
                SegmentKind::Set => 1,
                SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
            })
            .sum()
    }

    /// How often `asn` occurs, in segments of any kind.
    #[must_use]
    pub fn count(&self, asn: Asn) -> usize {
        self.asns().filter(|member| *member == asn).count()
    }

    /// The leftmost AS number, whatever its segment's kind.
    #[must_use]
    pub fn first(&self) -> Option<Asn> {
        self.asns().next()
    }

    /// The neighbouring AS as the MED comparison of an internal route wants it (RFC 4271 section 9.1.2.2 c): the first
    /// AS behind the confederation segments; none where that is a set or nothing is left.
    ///
    /// ```
    /// use bgp_wire::Asn;
    /// use bgp_wire::attr::Attributes;
    ///
    /// // (65001) 64513
    /// let block = [0x40, 2, 12, 3, 1, 0, 0, 0xfd, 0xe9, 2, 1, 0, 0, 0xfc, 1];
    /// let path = Attributes::from_canonical(&block)?.as_path().unwrap_or_default();
    /// assert_eq!((path.first(), path.neighbor()), (Some(Asn(65001)), Some(Asn(64513))));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn neighbor(&self) -> Option<Asn> {
        let mut segment = self.segments().find(|segment| !segment.kind.is_confed())?;
        if segment.kind.is_set() { None } else { segment.asns.next() }
    }

    /// The AS that the route comes from: the last member of the last segment; none where that is a set or confederation
    /// segment, or the path is empty (RFC 6811 section 2).
    ///
    /// ```
    /// use bgp_wire::Asn;
    /// use bgp_wire::attr::Attributes;
    ///
    /// let block = [0x40, 2, 10, 2, 2, 0, 0, 0xfc, 0, 0, 0, 0xfc, 1]; // 64512 64513
    /// assert_eq!(Attributes::from_canonical(&block)?.as_path().and_then(|path| path.origin()), Some(Asn(64513)));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn origin(&self) -> Option<Asn> {
        let last = self.segments().last()?;
        if last.kind == SegmentKind::Sequence { last.asns.last() } else { None }
    }

    /// Whether an AS_SET or AS_CONFED_SET occurs.
    #[must_use]
    pub fn has_set(&self) -> bool {
        self.segments().any(|segment| segment.kind.is_set())
    }

    /// Appends the value with 4-octet AS numbers.
    ///
    /// Where a merge cut a sequence in two, the parts are joined again: a path has one canonical form.
    #[cfg(feature = "alloc")]
    pub(crate) fn write(&self, out: &mut alloc::vec::Vec<u8>) {
        if self.wide {
            out.extend_from_slice(self.octets);
            return;
        }
        let mut open: Option<(usize, SegmentKind)> = None;
        for segment in self.segments() {
            let count = u8::try_from(segment.asns.len()).unwrap_or(u8::MAX);
            let joined = match open {
                Some((at, SegmentKind::Sequence)) if !self.as4.octets.is_empty() && segment.kind == SegmentKind::Sequence => {
                    match out.get_mut(at) {
                        Some(total) if total.checked_add(count).is_some() => {
                            *total += count;
                            true
                        }
                        _ => false,
                    }
                }
                _ => false,
            };
            if !joined {
                out.extend([segment.kind.code(), count]);
                open = Some((out.len() - 1, segment.kind));
            }
            for asn in segment.asns {
                out.extend_from_slice(&asn.0.to_be_bytes());
            }
        }
    }
}

/// Two paths are equal when their segments are.
impl PartialEq for AsPath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.segments().map(|s| s.kind).eq(other.segments().map(|s| s.kind))
            && self.segments().map(|s| s.asns.len()).eq(other.segments().map(|s| s.asns.len()))
            && self.asns().eq(other.asns())
    }
}

impl Eq for AsPath<'_> {}

impl fmt::Display for AsPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for segment in self.segments() {
            let (open, close) = match segment.kind {
                SegmentKind::Sequence => ("", ""),
                SegmentKind::Set => ("{", "}"),
                SegmentKind::ConfedSequence => ("(", ")"),
                SegmentKind::ConfedSet => ("[", "]"),
            };
            write!(f, "{gap}{open}")?;
            let mut inner = "";
            for asn in segment.asns {
                write!(f, "{inner}{asn}")?;
                inner = " ";
            }
            f.write_str(close)?;
            gap = " ";
        }
        Ok(())
    }
}

/// An infallible iterator over the segments of an [`AsPath`].
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    octets: &'a [u8],
    wide: bool,
    as4: As4<'a>,
    /// Whether the segment before was taken whole: confederation segments beside it are taken too.
    taken: bool,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        if !self.as4.octets.is_empty() {
            return self.next_merged();
        }
        let (segment, rest) = split(self.octets, self.wide)?;
        self.octets = rest;
        Some(segment)
    }
}

impl<'a> Segments<'a> {
    /// The next segment where an AS4_PATH takes over.
    #[cold]
    fn next_merged(&mut self) -> Option<Segment<'a>> {
        let As4 { octets: as4, lead } = self.as4;
        if let (true, Some((segment, rest))) = (self.taken, split(self.octets, self.wide)) {
            self.octets = rest;
            let hops = match segment.kind {
                SegmentKind::ConfedSequence | SegmentKind::ConfedSet => return Some(segment),
                SegmentKind::Set => 1,
                SegmentKind::Sequence => u32::try_from(segment.asns.len()).unwrap_or(u32::MAX),
            };
            let take = hops.min(lead);
            self.taken = take == hops;
            self.as4.lead = lead - take;
            if take > 0 {
                let count = if segment.kind == SegmentKind::Set { segment.asns.len() } else { take.try_into().ok()? };
                return Some(Segment { kind: segment.kind, asns: segment.asns.first(count) });
            }
        }
        *self = Segments { octets: as4, wide: true, as4: As4::NONE, taken: true };
        // RFC 6793 section 6: confederation segments do not belong into an AS4_PATH.
        self.octets = skip_confed(self.octets);
        let (segment, rest) = split(self.octets, true)?;
        self.octets = skip_confed(rest);
        Some(segment)
    }
}

impl FusedIterator for Segments<'_> {}

#[inline]
fn split(octets: &[u8], wide: bool) -> Option<(Segment<'_>, &[u8])> {
    let ([code, count], rest) = octets.split_first_chunk::<2>()?;
    let kind = SegmentKind::from_code(*code)?;
    // RFC 7606 section 7.2: a segment of no AS is malformed.
    if *count == 0 {
        return None;
    }
    let (asns, rest) = rest.split_at_checked(usize::from(*count) * width(wide))?;
    Some((Segment { kind, asns: Asns { octets: asns, wide } }, rest))
}

fn skip_confed(mut octets: &[u8]) -> &[u8] {
    while let Some((segment, rest)) = split(octets, true) {
        if !segment.kind.is_confed() {
            break;
        }
        octets = rest;
    }
    octets
}

fn width(wide: bool) -> usize {
    if wide { 4 } else { 2 }
}

impl<'a> Attributes<'a> {
    /// AS_PATH with 4-octet AS numbers; on a 2-octet session the AS4_PATH is merged in (RFC 6793 section 4.2.3).
    #[must_use]
    #[inline]
    pub fn as_path(&self) -> Option<AsPath<'a>> {
        let path = AsPath::new(self.value::<AsPath<'_>>()?, self.four_octet_as());
        if !self.contains(AttrType::AS4_PATH) {
            return Some(path);
        }
        Some(match self.as4_lead(path.octets) {
            Some(lead) => AsPath { as4: As4 { octets: self.as4_path(), lead }, ..path },
            None => path,
        })
    }

    #[cold]
    #[inline(never)]
    fn as4_path(&self) -> &'a [u8] {
        self.get(AttrType::AS4_PATH).map(|raw| raw.value).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn as4_lead(&self, path: &[u8]) -> Option<u32> {
        if self.four_octet_as() || self.as4_ignored() {
            return None;
        }
        AsPath::new(path, false).lead(self.as4_path())
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for AsPath<'_> {
    type Form = alloc::vec::Vec<crate::attr::PathSegment>;

    fn form(attributes: &Attributes<'_>) -> Option<Self::Form> {
        let owned =
            |segment: Segment<'_>| crate::attr::PathSegment { kind: segment.kind, asns: segment.asns.collect() };
        Some(attributes.as_path()?.segments().map(owned).collect())
    }

    fn build(form: Self::Form, builder: crate::attr::AttrBuilder) -> crate::attr::AttrBuilder {
        builder.segments(&form)
    }
}

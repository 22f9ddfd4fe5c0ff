//! UPDATE (RFC 4271 section 4.3): the validated view and its verdict (RFC 7606).

#[cfg(feature = "alloc")]
mod buf;
#[cfg(feature = "alloc")]
mod owned;
mod reasons;
mod routes;
#[cfg(test)]
mod tests;
#[cfg(feature = "serde")]
mod text;

#[cfg(feature = "alloc")]
pub use self::buf::UpdateBuf;
#[cfg(feature = "alloc")]
pub use self::owned::{Nlri, Reachable, Unreachable, Update};
pub use self::reasons::Reasons;
pub use self::routes::{Announced, Announcements, Withdrawals, Withdrawn};

use crate::attr::index::Index;
use crate::attr::mp_reach::MpReach;
use crate::attr::mp_unreach::MpUnreach;
use crate::attr::scan::{Scan, Step};
use crate::attr::{AttrSet, Attributes, go_straight};
use crate::error::AttrProblem;
use crate::reader::{low_u16, to_u16, u16_at};
use crate::{Action, AttrType, Context, Error, ErrorKind, Family, MAX_LEN, MessageType, SessionKind, nlri, prefix};

/// A validated UPDATE that borrows from the message: an index of the known attributes and the verdict on it.
///
/// ```
/// use bgp_wire::{Action, Context, SessionKind, UpdateView};
///
/// let mut message = vec![0xff; 16];
/// message.extend([0, 47, 2, 0, 0, 0, 20]); // length, type, no withdrawn routes, 20 octets of attributes
/// message.extend([0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1, 0x40, 3, 4, 192, 0, 2, 2]);
/// message.extend([24, 203, 0, 113]);
/// let update = UpdateView::decode(&message, &Context::new(SessionKind::Ebgp))?;
/// assert_eq!(update.verdict().action, Action::Accept);
/// for announced in update.announced() {
///     assert_eq!(announced.next_hop.to_string(), "192.0.2.2");
///     assert_eq!(announced.nlri.map(|nlri| nlri.to_string()).collect::<Vec<_>>(), ["203.0.113.0/24"]);
/// }
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct UpdateView<'m> {
    /// Those that are left, in the whole message: the withdrawn routes are in front of them, the NLRI behind.
    attributes: Attributes<'m>,
    ctx: Context,
    action: Action,
    /// Types that were there and are left out.
    left_out: AttrSet,
}

/// What comes of an UPDATE that does not end the session (RFC 7606 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The strongest treatment that something in the UPDATE asks for.
    pub action: Action,
    /// Attributes that were left out, because they were malformed or must not come from this peer.
    pub discarded: AttrSet,
}

impl<'m> UpdateView<'m> {
    /// Validates a whole message, as [`frame`](crate::frame) cuts it, in one pass and without allocation.
    ///
    /// # Errors
    /// What ends the session (RFC 7606); everything weaker is in the [`verdict`](Self::verdict).
    pub fn decode(message: &'m [u8], ctx: &Context) -> Result<UpdateView<'m>, Error> {
        let sections = match Sections::plain(message) {
            Some(sections) => sections,
            None => Sections::split(message)?,
        };
        sections.check_prefixes(ctx)?;
        let attrs = sections.attrs;
        let mut index = Index::EMPTY;
        // Lengths of larger blocks need care.
        let (left, taken) =
            if attrs.len() <= MAX_LEN { go_straight(attrs, sections.attrs_end(), ctx, &mut index) } else { (attrs, 0) };
        // Without NLRI nothing is mandatory, but an MP_REACH_NLRI may have some.
        let complete = taken & ALWAYS == ALWAYS && (taken & LOCAL_PREF != 0 || ctx.kind() != SessionKind::Ibgp)
            || sections.nlri.is_empty() && (taken & MP_REACH == 0 || mandatory(ctx, false) & !taken == 0);
        // Ethernet VPN routes are held against the attributes beside them.
        let plain = taken & MP_REACH == 0 || !ctx.families().contains(Family::L2VPN_EVPN);
        if !left.is_empty() || !complete || !plain {
            return judge(message, ctx, &sections, left, taken, &index);
        }
        Ok(UpdateView::new(message, ctx, &sections, AttrSet::below_64(taken), &index))
    }

    /// A view of what nothing is wrong with.
    #[inline(always)]
    fn new(
        message: &'m [u8],
        ctx: &Context,
        sections: &Sections<'_>,
        present: AttrSet,
        index: &Index,
    ) -> UpdateView<'m> {
        let block = (low_u16(sections.start()), low_u16(sections.attrs_end()));
        UpdateView {
            attributes: Attributes::straight(message, block, *index, present, ctx.four_octet_as()),
            ctx: *ctx,
            action: Action::Accept,
            left_out: AttrSet::EMPTY,
        }
    }

    /// The treatment of the UPDATE and the attributes that are left out.
    #[must_use]
    #[inline]
    pub fn verdict(&self) -> Verdict {
        Verdict { action: self.action, discarded: self.left_out }
    }

    /// Everything that is wrong with the UPDATE, found again by a second pass.
    ///
    /// ```
    /// use bgp_wire::{Context, SessionKind, UpdateView};
    ///
    /// let mut message = vec![0xff; 16];
    /// message.extend([0, 50, 2, 0, 0, 0, 23, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1, 0x40, 3, 4, 192, 0, 2, 2]);
    /// message.extend([0xc0, 8, 0, 24, 203, 0, 113]); // COMMUNITIES without a value
    /// let update = UpdateView::decode(&message, &Context::new(SessionKind::Ebgp))?;
    /// let reasons: Vec<_> = update.reasons().map(|reason| reason.to_string()).collect();
    /// assert_eq!(reasons, ["attribute 8 has an impossible length at octet 43"]);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn reasons(&self) -> Reasons<'m> {
        Reasons::new(self)
    }

    /// The attributes without those that the verdict discards. With treat-as-withdraw they are what is left to show.
    #[must_use]
    #[inline]
    pub fn attributes(&self) -> &Attributes<'m> {
        &self.attributes
    }

    /// Appends the attributes in canonical form, as a rib keeps them; see
    /// [`Attributes::write_canonical`](Attributes::write_canonical).
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes, NextHop};
    /// use bgp_wire::{Asn, Context, Family, Packer, SessionKind, UpdateView};
    ///
    /// let ctx = Context::new(SessionKind::Ebgp);
    /// let block = AttrBuilder::new().as_path(&[Asn(64513)]).med(7).build()?;
    /// let mut message = bytes::BytesMut::new();
    /// let prefix: ipnet::IpNet = "203.0.113.0/24".parse()?;
    /// let next_hop: NextHop = "192.0.2.2".parse()?;
    /// Packer::new(&ctx).announce(&mut message, &block, next_hop, Family::IPV4_UNICAST, [prefix.into()])?;
    /// let mut again = Vec::new();
    /// UpdateView::decode(&message, &ctx)?.write_canonical(&mut again);
    /// assert_eq!(again, block);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn write_canonical(&self, out: &mut alloc::vec::Vec<u8>) {
        self.attributes().write_canonical(out);
    }

    /// The announced routes: at most two fields of NLRI, one family each. Families that were not negotiated are left
    /// out; with treat-as-withdraw there are none.
    #[must_use]
    #[inline]
    pub fn announced(&self) -> Announcements<'_, 'm> {
        Announcements::new(self)
    }

    /// The withdrawn routes: first what the message withdraws, then, with treat-as-withdraw, what it announces.
    ///
    /// A prefix that one message withdraws and announces counts as announced (RFC 4271 section 4.3): handle these first.
    ///
    /// ```
    /// use bgp_wire::{Context, SessionKind, UpdateView};
    ///
    /// let mut message = vec![0xff; 16];
    /// message.extend([0, 27, 2, 0, 4, 24, 203, 0, 113, 0, 0]); // length, type, 4 octets of withdrawn routes, no attributes
    /// let update = UpdateView::decode(&message, &Context::new(SessionKind::Ebgp))?;
    /// let routes: Vec<_> = update.withdrawn().flat_map(|part| part.nlri).map(|nlri| nlri.to_string()).collect();
    /// assert_eq!(routes, ["203.0.113.0/24"]);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn withdrawn(&self) -> Withdrawals<'_, 'm> {
        Withdrawals::new(self)
    }

    /// The family whose End-of-RIB marker this is (RFC 4724 section 2), where it was negotiated: an UPDATE of 23 octets
    /// for IPv4 unicast, otherwise one with an empty MP_UNREACH_NLRI and nothing else.
    ///
    /// ```
    /// use bgp_wire::{Context, Family, SessionKind, UpdateView};
    ///
    /// let mut message = vec![0xff; 16];
    /// message.extend([0, 23, 2, 0, 0, 0, 0]); // length, type, no withdrawn routes, no attributes
    /// let update = UpdateView::decode(&message, &Context::new(SessionKind::Ibgp))?;
    /// assert_eq!(update.end_of_rib(), Some(Family::IPV4_UNICAST));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[must_use]
    pub fn end_of_rib(&self) -> Option<Family> {
        let bare = self.withdrawn_field().is_empty() && self.nlri_field().is_empty() && self.action == Action::Accept;
        let family = match self.mp_unreach() {
            None if self.attributes.types() == AttrSet::EMPTY => Family::IPV4_UNICAST,
            Some(parts)
                if parts.nlri.is_empty()
                    && self.attributes.types() == AttrSet::EMPTY.with(AttrType::MP_UNREACH_NLRI) =>
            {
                parts.family
            }
            _ => return None,
        };
        if bare && self.ctx.families().contains(family) { Some(family) } else { None }
    }

    /// The context that it was decoded with.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// The message, octet for octet: what came in goes out.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.attributes.octets()
    }

    /// What the message of an UPDATE without routes and attributes says.
    #[cfg(feature = "alloc")]
    pub(crate) const NOTHING: UpdateView<'static> = UpdateView {
        attributes: Attributes::straight(&NOTHING, (23, 23), Index::EMPTY, AttrSet::EMPTY, true),
        ctx: Context::new(SessionKind::Ebgp),
        action: Action::Accept,
        left_out: AttrSet::EMPTY,
    };

    /// The same without the message.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn without_octets(&self) -> UpdateView<'static> {
        UpdateView { attributes: self.attributes.with_octets(&[]), ..*self }
    }

    /// The same of an equal message.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn with_octets<'a>(&self, message: &'a [u8]) -> UpdateView<'a> {
        UpdateView { attributes: self.attributes.with_octets(message), ..*self }
    }

    /// Whether the short way took all attributes and nothing is wrong.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.action == Action::Accept && self.attributes.is_straight()
    }

    #[inline]
    pub(crate) fn withdrawn_field(&self) -> &'m [u8] {
        let (start, _) = self.attributes.span();
        self.as_bytes().get(WITHDRAWN..start.wrapping_sub(LENGTH)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn nlri_field(&self) -> &'m [u8] {
        let (_, end) = self.attributes.span();
        self.as_bytes().get(end..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn mp_reach(&self) -> Option<MpReach<'m>> {
        self.attributes.value::<MpReach<'_>>().and_then(MpReach::split)
    }

    #[inline]
    pub(crate) fn mp_unreach(&self) -> Option<MpUnreach<'m>> {
        self.attributes.value::<MpUnreach<'_>>().and_then(MpUnreach::split)
    }

    fn has_reachable(&self) -> bool {
        !self.nlri_field().is_empty() || self.mp_reach().is_some_and(|parts| !parts.nlri.is_empty())
    }

    /// RFC 7606 section 3 d: the mandatory attributes that an announcement lacks.
    fn missing(&self, seen: AttrSet) -> AttrSet {
        AttrSet::below_64(mandatory(&self.ctx, !self.nlri_field().is_empty())).difference(seen)
    }

    /// An Ethernet VPN announcement that is well-formed and means nothing.
    #[cold]
    fn meaningless(&self) -> Option<Error> {
        let parts = self.mp_reach().filter(|parts| self.ctx.families().contains(parts.family))?;
        let communities = self.attributes().ext_communities().map(|community| community.0);
        if nlri::has_meaning(&self.ctx, parts.family, parts.nlri, communities) {
            return None;
        }
        let (ty, problem, action) = (AttrType::MP_REACH_NLRI, AttrProblem::Route, Action::TreatAsWithdraw);
        let (_, end) = self.attributes.span();
        let offset = self.attributes.offset::<MpReach<'_>>().unwrap_or(to_u16(end));
        Some(Error::new(ErrorKind::Attribute { ty, problem, action }, offset))
    }

    /// RFC 4760 section 3: where MP_REACH_NLRI has all NLRI, NEXT_HOP is ignored, so that it may name no host.
    #[cold]
    fn eased(&self, error: Error) -> Error {
        let ignored = is_no_host(&error) && self.nlri_field().is_empty() && self.mp_reach().is_some();
        if ignored { error.with_action(Action::AttributeDiscard) } else { error }
    }

    #[cold]
    fn lacks(&self, ty: AttrType) -> Error {
        let (problem, action) = (AttrProblem::Missing, Action::TreatAsWithdraw);
        let (_, end) = self.attributes.span();
        Error::new(ErrorKind::Attribute { ty, problem, action }, to_u16(end))
    }
}

/// Judges what the short way left, and the whole.
#[cold]
#[inline(never)]
fn judge<'m>(
    message: &'m [u8],
    ctx: &Context,
    sections: &Sections<'_>,
    left: &'m [u8],
    taken: u64,
    index: &Index,
) -> Result<UpdateView<'m>, Error> {
    let taken = AttrSet::below_64(taken);
    let mut view = UpdateView::new(message, ctx, sections, taken, index);
    let (start, end) = (sections.start(), sections.attrs_end());
    let mut scan = Scan::behind((left, taken), end, end - start, *index);
    let mut worst: Option<Error> = None;
    let mut next_hop: Option<Error> = None;
    let mut note = |error: Error| {
        if worst.is_none_or(|worst| worst.action() < error.action()) {
            worst = Some(error);
        }
    };
    loop {
        match scan.step(ctx) {
            Step::Fine => {}
            Step::Error(error) if is_no_host(&error) => next_hop = Some(error),
            Step::Error(error) => note(error),
            Step::Done => break,
        }
    }
    if !left.is_empty() {
        let block = (low_u16(start), low_u16(end));
        let types = (scan.seen.difference(scan.left_out), scan.unknown);
        view.attributes = Attributes::new(message, block, scan.index, types, ctx.four_octet_as());
    }
    view.left_out = scan.left_out;
    next_hop.map(|error| view.eased(error)).into_iter().for_each(&mut note);
    let reachable = view.has_reachable();
    if reachable {
        view.missing(scan.seen).iter().map(|ty| view.lacks(ty)).chain(view.meaningless()).for_each(note);
    }
    let action = worst.map_or(Action::Accept, |worst| worst.action());
    match worst {
        Some(error) if action == Action::SessionReset => Err(error),
        // RFC 7606 section 5.2: with attributes but no reachable NLRI, they were perhaps not found.
        Some(error) if action > Action::AttributeDiscard && !reachable && scan.others => {
            Err(error.with_action(Action::SessionReset))
        }
        _ => {
            view.action = action;
            Ok(view)
        }
    }
}

/// The mandatory attributes of an announcement, a bit for each type; `classic`: in the NLRI field.
#[inline]
fn mandatory(ctx: &Context, classic: bool) -> u64 {
    let mut types = 1 << AttrType::ORIGIN.0 | 1 << AttrType::AS_PATH.0;
    // RFC 4760 section 3: MP_REACH_NLRI brings its own next hop.
    if classic {
        types |= 1 << AttrType::NEXT_HOP.0;
    }
    // RFC 4271 section 5.1.5.
    if ctx.kind() == SessionKind::Ibgp {
        types |= 1 << AttrType::LOCAL_PREF.0;
    }
    types
}

/// What makes any announcement complete, but for LOCAL_PREF.
const ALWAYS: u64 = 1 << AttrType::ORIGIN.0 | 1 << AttrType::AS_PATH.0 | 1 << AttrType::NEXT_HOP.0;
const LOCAL_PREF: u64 = 1 << AttrType::LOCAL_PREF.0;
const MP_REACH: u64 = 1 << AttrType::MP_REACH_NLRI.0;

/// The fields of an UPDATE.
struct Sections<'m> {
    withdrawn: &'m [u8],
    attrs: &'m [u8],
    nlri: &'m [u8],
}

impl<'m> Sections<'m> {
    /// Without withdrawn routes, as most are.
    #[inline(always)]
    fn plain(message: &'m [u8]) -> Option<Sections<'m>> {
        if let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, 2, 0, 0, high, low, rest @ ..] = message
            && message.len() <= usize::from(u16::MAX)
            && let Some((attrs, nlri)) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
        {
            return Some(Sections { withdrawn: &[], attrs, nlri });
        }
        None
    }

    /// Any UPDATE.
    #[cold]
    fn split(message: &'m [u8]) -> Result<Sections<'m>, Error> {
        let framed = message.len() <= usize::from(u16::MAX) && message.get(18) == Some(&MessageType::UPDATE.0);
        let (true, Some(withdrawn)) = (framed, u16_at(message, WITHDRAWN - LENGTH)) else {
            return Err(Error::new(ErrorKind::NotFramed { ty: MessageType::UPDATE }, 0));
        };
        // RFC 4271 section 6.3: both fields and the 23 octets around them must fit.
        let end = WITHDRAWN + usize::from(withdrawn);
        let attrs = u16_at(message, end).ok_or_else(|| overrun(message, WITHDRAWN - LENGTH, withdrawn))?;
        let behind = message.get(end + LENGTH..).unwrap_or_default();
        let (attrs, nlri) = behind.split_at_checked(usize::from(attrs)).ok_or_else(|| overrun(message, end, attrs))?;
        Ok(Sections { withdrawn: message.get(WITHDRAWN..end).unwrap_or_default(), attrs, nlri })
    }

    /// Where the path attributes begin, behind the withdrawn routes and their own length.
    #[inline]
    fn start(&self) -> usize {
        ATTRS + self.withdrawn.len()
    }

    /// Where they end and the NLRI begin.
    #[inline]
    fn attrs_end(&self) -> usize {
        self.start() + self.attrs.len()
    }

    /// RFC 7606 section 3 i, j: without all prefixes nothing can be withdrawn.
    #[inline(always)]
    fn check_prefixes(&self, ctx: &Context) -> Result<(), Error> {
        if !ctx.families().contains(Family::IPV4_UNICAST) {
            return Ok(());
        }
        let add_path = ctx.add_path_receive().contains(Family::IPV4_UNICAST);
        if !add_path && prefix::are_v4(self.withdrawn) && prefix::are_v4(self.nlri) {
            return Ok(());
        }
        for (start, field) in [(WITHDRAWN, self.withdrawn), (self.attrs_end(), self.nlri)] {
            nlri::check(Family::IPV4_UNICAST, add_path, field).map_err(|at| {
                let length_at = at + if add_path { nlri::PATH_ID_LEN } else { 0 };
                let bits = field.get(length_at).copied().unwrap_or(0);
                Error::new(ErrorKind::Prefix { bits }, to_u16(start + at))
            })?;
        }
        Ok(())
    }
}

#[cold]
fn overrun(message: &[u8], at: usize, length: u16) -> Error {
    let left = to_u16(message.len().saturating_sub(at + 2));
    Error::new(ErrorKind::SectionOverrun { length, left }, to_u16(at))
}

/// Whether a NEXT_HOP is not the address of a host.
fn is_no_host(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Attribute { ty: AttrType::NEXT_HOP, problem: AttrProblem::NextHop, .. })
}

/// Octets of the length of the path attributes, in front of them.
const LENGTH: usize = 2;
/// Where the withdrawn routes begin: header (19 octets) and their length (2).
const WITHDRAWN: usize = 21;
/// Where the path attributes begin if there are none.
const ATTRS: usize = 23;
/// An UPDATE without routes and attributes.
#[cfg(feature = "alloc")]
static NOTHING: [u8; ATTRS] =
    [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 23, 2, 0, 0, 0, 0];

const _: () = assert!(size_of::<UpdateView<'_>>() <= 256);

//! An UPDATE that owns its octets, in one piece.

use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use crate::attr::raw::split;
use crate::attr::Attributes;
use crate::nlri::{self, Nlris};
use crate::reader::to_u16;
use crate::update::{Announced, Withdrawn};
use crate::{AttrFlags, AttrType, Context, Error, Family, MessageType, PackError, Packer, UpdateView};

/// An UPDATE that owns its octets: the attributes as a canonical block and the routes as fields of NLRI, in one buffer.
///
/// It is for what is kept and sent again: it is made by one allocation, by none where [`decode`](Self::decode) fills one
/// that was used before, and [`encode`](Self::encode) copies it out in pieces. [`Update`](crate::Update) is the form to
/// build by hand and to write as text. Where the verdict was treat-as-withdraw, all routes are withdrawn.
///
/// ```
/// use bgp_wire::attr::AttrBuilder;
/// use bgp_wire::{Asn, Context, Family, Packer, SessionKind, UpdateBuf};
///
/// let ctx = Context::new(SessionKind::Ebgp);
/// let block = AttrBuilder::new().as_path(&[Asn(64512)]).build()?;
/// let mut message = bytes::BytesMut::new();
/// let route: ipnet::IpNet = "203.0.113.0/24".parse()?;
/// Packer::new(&ctx).announce(&mut message, &block, "192.0.2.1".parse()?, Family::IPV4_UNICAST, [route.into()])?;
///
/// let mut update = UpdateBuf::new();
/// update.decode(&message, &ctx)?;
/// assert_eq!(update.canonical(), block);
/// let mut again = bytes::BytesMut::new();
/// assert_eq!(update.encode(&ctx, &mut again)?, 1);
/// assert_eq!(again, message);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UpdateBuf {
    /// The canonical block, then the fields, each with its next hop in front.
    octets: Vec<u8>,
    /// Where the canonical block ends.
    attrs_end: usize,
    /// The fields: withdrawn ones first.
    fields: [Field; FIELDS],
    withdrawn: usize,
    announced: usize,
    /// What the octets of the fields mean.
    ctx: Option<Context>,
}

/// A field of NLRI.
#[derive(Debug, Clone, Copy, Default)]
struct Field {
    family: Option<Family>,
    /// Where its next hop begins.
    start: usize,
    /// Where its NLRI begin.
    nlri: usize,
    end: usize,
    /// Whether it was announced: what is withdrawn has labels of another form.
    reach: bool,
}

impl UpdateBuf {
    /// Nothing, without an allocation.
    #[must_use]
    pub fn new() -> UpdateBuf {
        UpdateBuf::default()
    }

    /// Becomes what a whole message says, as [`UpdateView::decode`] reads it. What was there before goes, its memory is
    /// used again.
    ///
    /// # Errors
    /// See [`UpdateView::decode`]; nothing is left here then.
    pub fn decode(&mut self, message: &[u8], ctx: &Context) -> Result<(), Error> {
        match &UpdateView::decode(message, ctx) {
            Ok(view) => {
                self.fill(view);
                Ok(())
            }
            Err(error) => {
                self.clear();
                Err(*error)
            }
        }
    }

    /// Becomes empty; the memory is kept.
    pub fn clear(&mut self) {
        self.octets.clear();
        (self.attrs_end, self.withdrawn, self.announced) = (0, 0, 0);
    }

    /// The attributes as a canonical block.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        self.octets.get(..self.attrs_end).unwrap_or_default()
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes::of_canonical(self.canonical())
    }

    /// The announced routes, one field for each family.
    pub fn announced(&self) -> impl Iterator<Item = Announced<'_>> {
        self.fields(self.withdrawn, self.withdrawn + self.announced).filter_map(|(field, ctx, family)| {
            let next_hop = self.octets.get(field.start..field.nlri)?;
            let next_hop = nlri::next_hop(family, next_hop, ctx.ext_next_hop().contains(family))?;
            Some(Announced { family, next_hop, nlri: self.nlris(field, ctx, family) })
        })
    }

    /// The withdrawn routes, fields of one family each.
    pub fn withdrawn(&self) -> impl Iterator<Item = Withdrawn<'_>> {
        self.fields(0, self.withdrawn)
            .map(|(field, ctx, family)| Withdrawn { family, nlri: self.nlris(field, ctx, family) })
    }

    fn fields(&self, from: usize, to: usize) -> impl Iterator<Item = (&Field, &Context, Family)> {
        let fields = self.fields.get(from..to).unwrap_or_default();
        fields.iter().filter_map(|field| Some((field, self.ctx.as_ref()?, field.family?)))
    }

    fn nlris(&self, field: &Field, ctx: &Context, family: Family) -> Nlris<'_> {
        let octets = self.octets.get(field.nlri..field.end).unwrap_or_default();
        if field.reach { Nlris::reach(ctx, family, octets) } else { Nlris::unreach(ctx, family, octets) }
    }

    /// Appends messages for the session of `ctx`, which may be another than it was read from: withdrawals first, then
    /// announcements; an UPDATE without routes is the End-of-RIB marker of IPv4 unicast. Says how many messages.
    ///
    /// # Errors
    /// See [`PackError`]; `out` is left as it was.
    pub fn encode(&self, ctx: &Context, out: &mut BytesMut) -> Result<usize, PackError> {
        let start = out.len();
        let result = match self.encode_whole(ctx, out) {
            Some(()) => Ok(1),
            None => self.encode_any(ctx, out),
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Where the message is one field of IPv4 unicast that fits, and nothing in it differs between the sessions.
    #[inline]
    fn encode_whole(&self, ctx: &Context, out: &mut BytesMut) -> Option<()> {
        let [field, ..] = &self.fields;
        let whole = self.announced == 1 && self.withdrawn == 0 && field.nlri == field.start + 4;
        let reads = self.ctx?.add_path_receive().contains(Family::IPV4_UNICAST);
        let same = ctx.four_octet_as() && ctx.add_path_send().contains(Family::IPV4_UNICAST) == reads;
        if !whole || !same || field.family? != Family::IPV4_UNICAST || !ctx.families().contains(Family::IPV4_UNICAST) {
            return None;
        }
        let (block, nlri) = (self.canonical(), self.octets.get(field.nlri..field.end)?);
        let [a, b, c, d] = *self.octets.get(field.start..)?.first_chunk::<4>()?;
        let attrs = block.len() + NEXT_HOP;
        let length = FIXED + attrs + nlri.len();
        if length > usize::from(ctx.max_send()) {
            return None;
        }
        let (front, behind) = block.split_at_checked(next_hop_at(block))?;
        let ([l, m], [n, o]) = (to_u16(length).to_be_bytes(), to_u16(attrs).to_be_bytes());
        out.reserve(length);
        out.put_slice(&[
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            l,
            m,
            MessageType::UPDATE.0,
            0,
            0,
            n,
            o,
        ]);
        out.put_slice(front);
        out.put_slice(&[AttrFlags::TRANSITIVE.0, AttrType::NEXT_HOP.0, 4, a, b, c, d]);
        out.put_slice(behind);
        out.put_slice(nlri);
        Some(())
    }

    fn encode_any(&self, ctx: &Context, out: &mut BytesMut) -> Result<usize, PackError> {
        let mut packer = Packer::new(ctx);
        let mut messages = 0;
        for part in self.withdrawn() {
            messages += packer.withdraw(out, part.family, part.nlri)?;
        }
        for part in self.announced() {
            messages += packer.announce(out, self.canonical(), part.next_hop, part.family, part.nlri)?;
        }
        if self.withdrawn + self.announced == 0 {
            packer.end_of_rib(out, Family::IPV4_UNICAST);
            messages += 1;
        }
        Ok(messages)
    }

    #[inline]
    fn fill(&mut self, view: &UpdateView<'_>) {
        self.clear();
        // The canonical form may be longer where AS numbers become wider.
        let room = view.as_bytes().len() + if view.context().four_octet_as() { 0 } else { view.as_bytes().len() };
        self.octets.reserve(room);
        self.ctx = Some(*view.context());
        view.attributes().write_canonical(&mut self.octets);
        self.attrs_end = self.octets.len();
        view.withdrawn().for_each(|part| {
            self.withdrawn += self.push(part.family, &[], part.nlri.as_bytes(), part.nlri.is_reach());
        });
        view.announced().for_each(|part| {
            let (next_hop, len) = part.next_hop.to_bytes(nlri::has_distinguished_next_hop(part.family));
            let next_hop = next_hop.get(..usize::from(len)).unwrap_or_default();
            self.announced += self.push(part.family, next_hop, part.nlri.as_bytes(), true);
        });
    }

    /// Appends a field: says whether there was room for it, as there always is.
    #[inline]
    fn push(&mut self, family: Family, next_hop: &[u8], nlri: &[u8], reach: bool) -> usize {
        let start = self.octets.len();
        let Some(field) = self.fields.get_mut(self.withdrawn + self.announced) else { return 0 };
        self.octets.extend_from_slice(next_hop);
        self.octets.extend_from_slice(nlri);
        let end = self.octets.len();
        *field = Field { family: Some(family), start, nlri: end - nlri.len(), end, reach };
        1
    }
}

impl From<&UpdateView<'_>> for UpdateBuf {
    fn from(view: &UpdateView<'_>) -> UpdateBuf {
        let mut update = UpdateBuf::new();
        update.fill(view);
        update
    }
}

/// Where NEXT_HOP belongs in a canonical block: behind ORIGIN and AS_PATH.
#[inline]
fn next_hop_at(block: &[u8]) -> usize {
    let mut rest = block;
    while let Some((raw, len)) = split(rest)
        && raw.ty < AttrType::NEXT_HOP
    {
        rest = rest.get(len..).unwrap_or_default();
    }
    block.len() - rest.len()
}

/// What an UPDATE has at most: the routes of its own fields and those of both multiprotocol attributes.
const FIELDS: usize = 4;
/// Octets of an UPDATE without routes and attributes.
const FIXED: usize = 23;
/// Octets of NEXT_HOP.
const NEXT_HOP: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::AttrBuilder;
    use crate::{Action, Asn, SessionKind, Update};

    #[test]
    fn what_is_read_is_what_a_view_says_and_is_sent_as_it_came() {
        let ctx = Context::new(SessionKind::Ibgp);
        let block = AttrBuilder::new().as_path(&[Asn(64512), Asn(70_000)]).local_pref(100).med(7).build().unwrap();
        let v4 = ["10.0.0.0/8".parse().unwrap(), "10.1.2.0/25".parse().unwrap()];
        let v6 = ["2001:db8::/32".parse().unwrap()];
        let mut update = UpdateBuf::new();
        for (wide, update_of) in [
            (true, Update::new().with_announced(Family::IPV4_UNICAST, "192.0.2.1".parse().unwrap(), v4)),
            (false, Update::new().with_announced(Family::IPV4_UNICAST, "192.0.2.1".parse().unwrap(), v4)),
            (true, Update::new().with_announced(Family::IPV6_UNICAST, "2001:db8::1".parse().unwrap(), v6)),
            (true, Update::new().with_withdrawn(Family::IPV6_UNICAST, v6)),
            (true, Update::new().with_withdrawn(Family::IPV4_UNICAST, v4)),
            (true, Update::new()),
        ] {
            let ctx = ctx.with_four_octet_as(wide);
            let mut message = BytesMut::new();
            update_of.with_attributes(&block).unwrap().encode(&ctx, &mut message).unwrap();
            update.decode(&message, &ctx).unwrap();
            let view = UpdateView::decode(&message, &ctx).unwrap();
            assert_eq!(view.verdict().action, Action::Accept);
            let routes = |nlri: Nlris<'_>| nlri.map(|nlri| alloc::format!("{nlri}")).collect::<Vec<_>>();
            let theirs = view.announced().map(|part| (part.next_hop, routes(part.nlri)));
            assert!(update.announced().map(|part| (part.next_hop, routes(part.nlri))).eq(theirs));
            let theirs = view.withdrawn().map(|part| (part.family, routes(part.nlri)));
            assert!(update.withdrawn().map(|part| (part.family, routes(part.nlri))).eq(theirs));
            assert_eq!(update.attributes().as_path(), view.attributes().as_path());
            assert_eq!(update.attributes().local_pref(), view.attributes().local_pref());
            let mut again = BytesMut::new();
            assert_eq!(update.encode(&ctx, &mut again), Ok(1));
            assert_eq!(again, message);
        }
        assert!(update.decode(&[0; 23], &ctx).is_err() && update.canonical().is_empty());
    }
}

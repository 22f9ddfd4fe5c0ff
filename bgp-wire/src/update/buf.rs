//! An UPDATE that owns its octets, as they came.

use alloc::vec::Vec;

use bytes::BytesMut;

use crate::update::UpdateView;
use crate::{Context, Error, Family, PackError, Packer};

/// An UPDATE that owns its octets, as they came, and what validation found in them.
///
/// It is for what is kept and sent again: it is made by one allocation, by none where [`decode`](Self::decode) fills one
/// that was used before. [`view`](Self::view) says what is in it, and [`encode`](Self::encode) sends it: as it came where
/// the other session would read the same in it, otherwise made anew. [`Update`](crate::Update) is the form to build by
/// hand and to write as text.
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
/// assert_eq!(update.view().attributes().as_path().map(|path| path.hops()), Some(1));
/// let mut again = bytes::BytesMut::new();
/// assert_eq!(update.encode(&ctx, &mut again)?, 1);
/// assert_eq!(again, message);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct UpdateBuf {
    /// The whole message; without an octet where there is none.
    message: Vec<u8>,
    /// What is in it, but for the octets.
    found: UpdateView<'static>,
}

impl UpdateBuf {
    /// An UPDATE without routes and attributes, without an allocation.
    #[must_use]
    pub const fn new() -> UpdateBuf {
        UpdateBuf { message: Vec::new(), found: UpdateView::NOTHING }
    }

    /// Becomes what a whole message says, as [`UpdateView::decode`] reads it. What was there before goes, its memory is
    /// used again.
    ///
    /// # Errors
    /// See [`UpdateView::decode`]; nothing is left here then.
    pub fn decode(&mut self, message: &[u8], ctx: &Context) -> Result<(), Error> {
        self.message.clear();
        match &UpdateView::decode(message, ctx) {
            Ok(view) => {
                self.message.extend_from_slice(message);
                self.found = view.without_octets();
                Ok(())
            }
            Err(error) => {
                self.clear();
                Err(*error)
            }
        }
    }

    /// Becomes an UPDATE without routes and attributes; the memory is kept.
    pub fn clear(&mut self) {
        self.message.clear();
        self.found = UpdateView::NOTHING;
    }

    /// What the message says; with all that a view can do.
    #[must_use]
    #[inline]
    pub fn view(&self) -> UpdateView<'_> {
        if self.message.is_empty() { self.found } else { self.found.with_octets(&self.message) }
    }

    /// Appends messages for the session of `ctx`, which may be another than it was read from: withdrawals first, then
    /// announcements; an UPDATE without routes is the End-of-RIB marker of IPv4 unicast. Says how many messages.
    ///
    /// Where `ctx` has the same AS numbers, families and ADD-PATH and allows the length, and nothing in the message is out
    /// of order or wrong, it goes out as it came.
    ///
    /// # Errors
    /// See [`PackError`]; `out` is left as it was.
    pub fn encode(&self, ctx: &Context, out: &mut BytesMut) -> Result<usize, PackError> {
        if !self.message.is_empty()
            && self.found.is_plain()
            && self.message.len() <= usize::from(ctx.max_send())
            && self.found.context().is_read_alike(ctx)
        {
            out.extend_from_slice(&self.message);
            return Ok(1);
        }
        let start = out.len();
        let result = self.encode_anew(ctx, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    #[inline(never)]
    fn encode_anew(&self, ctx: &Context, out: &mut BytesMut) -> Result<usize, PackError> {
        let view = self.view();
        let mut canonical = Vec::new();
        view.write_canonical(&mut canonical);
        let mut packer = Packer::new(ctx);
        let mut messages = 0;
        for part in view.withdrawn() {
            messages += packer.withdraw(out, part.family, part.nlri)?;
        }
        for part in view.announced() {
            messages += packer.announce(out, &canonical, part.next_hop, part.family, part.nlri)?;
        }
        if view.withdrawn().next().is_none() && view.announced().next().is_none() {
            packer.end_of_rib(out, Family::IPV4_UNICAST);
            messages += 1;
        }
        Ok(messages)
    }
}

impl Default for UpdateBuf {
    fn default() -> UpdateBuf {
        UpdateBuf::new()
    }
}

impl From<&UpdateView<'_>> for UpdateBuf {
    fn from(view: &UpdateView<'_>) -> UpdateBuf {
        UpdateBuf { message: view.as_bytes().to_vec(), found: view.without_octets() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::AttrBuilder;
    use crate::nlri::Nlris;
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
            assert!(update.view().announced().map(|part| (part.next_hop, routes(part.nlri))).eq(theirs));
            let theirs = view.withdrawn().map(|part| (part.family, routes(part.nlri)));
            assert!(update.view().withdrawn().map(|part| (part.family, routes(part.nlri))).eq(theirs));
            assert_eq!(update.view().attributes().as_path(), view.attributes().as_path());
            assert_eq!(update.view().attributes().local_pref(), view.attributes().local_pref());
            let mut again = BytesMut::new();
            assert_eq!(update.encode(&ctx, &mut again), Ok(1));
            assert_eq!(again, message);
        }
        assert!(update.decode(&[0; 23], &ctx).is_err() && update.view().as_bytes().len() == 23);
    }
}

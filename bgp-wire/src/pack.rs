//! Packs routes into UPDATE messages: as few as the limit of the session allows.

use alloc::vec::Vec;

use bytes::{BufMut, BytesMut};

use crate::attr::{NextHop, RawAttrs};
use crate::nlri::{self, Encoded, NlriRef, PathNlri};
use crate::pack::outgoing::write_outgoing;
use crate::pack::spare::Spare;
use crate::reader::to_u16;
use crate::{AttrFlags, AttrType, Context, Family, HEADER_LEN, MessageType, PathId};

mod outgoing;
mod spare;

/// Why routes cannot be packed. Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The attributes leave no room for one route in a message of that session: RFC 8654 section 4 then withdraws it.
    #[error("{length} octets of attributes leave no room for a route in a message of {limit}")]
    TooLong {
        /// Octets of the attributes, without those of MP_REACH_NLRI.
        length: usize,
        /// The most octets of a message.
        limit: u16,
    },
    /// The family was not negotiated.
    #[error("family {family} cannot be sent")]
    Family {
        /// The family.
        family: Family,
    },
    /// The family does not have such a next hop in this session (RFC 8950).
    #[error("family {family} cannot have such a next hop")]
    NextHop {
        /// The family.
        family: Family,
    },
    /// An NLRI is not of the family, has no label where one is announced, or more than one where the session allows one.
    #[error("an nlri is not of family {family}")]
    Nlri {
        /// The family.
        family: Family,
    },
}

const _: () = assert!(size_of::<PackError>() <= 16);

/// Packs routes for one session into messages, which it appends to the caller's buffer.
///
/// The attributes come as a canonical block; a session with 2-octet AS numbers gets AS_TRANS with AS4_PATH and
/// AS4_AGGREGATOR (RFC 6793 section 4.2.2). MP_REACH_NLRI is the first attribute; IPv4 unicast with an IPv4 next hop goes
/// into the fields of the UPDATE itself. On families with ADD-PATH a route without a path identifier gets 0.
///
/// For NLRI of one size it makes exactly `ceil(n / k)` messages, `k` being the most that fit one. With sizes mixed, gaps
/// at the ends of messages are filled with shorter routes, so that the order of routes may change. NLRI of families whose
/// size has no bound below that of a message (flow specifications, link-state, opaque ones) are gathered before the first
/// message is made. A packer keeps only scratch memory between calls.
///
/// Withdrawals carry what identifies the route ([`TypedNlri::write_key`](crate::nlri::TypedNlri::write_key)). An NLRI of a
/// family without a row in the table goes out as it is, as one piece.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, NextHop};
/// use bgp_wire::{Asn, Context, Family, Packer, SessionKind};
/// use ipnet::IpNet;
///
/// let mut packer = Packer::new(&Context::new(SessionKind::Ebgp));
/// let mut out = bytes::BytesMut::new();
/// let block = AttrBuilder::new().as_path(&[Asn(64512)]).build()?;
/// let routes = ["10.0.0.0/8".parse::<IpNet>()?, "10.1.0.0/16".parse()?];
/// let next_hop: NextHop = "192.0.2.1".parse()?;
/// let messages = packer.announce(&mut out, &block, next_hop, Family::IPV4_UNICAST, routes.map(Into::into))?;
/// assert_eq!((messages, out.len()), (1, 23 + 20 + 2 + 3));
/// packer.end_of_rib(&mut out, Family::IPV6_UNICAST);
/// assert_eq!(out.len(), 48 + 29);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Packer {
    ctx: Context,
    /// The attributes that go out, without MP_REACH_NLRI.
    attrs: Vec<u8>,
    /// Routes that wait for a gap.
    spare: Spare,
    /// The route at hand.
    route: Vec<u8>,
}

impl Packer {
    /// A packer for the session that `ctx` tells of.
    #[must_use]
    pub fn new(ctx: &Context) -> Packer {
        Packer { ctx: *ctx, attrs: Vec::new(), spare: Spare::default(), route: Vec::new() }
    }

    /// Appends UPDATEs that announce all of `nlri` with one attribute set; says how many.
    ///
    /// # Errors
    /// See [`PackError`]; `out` is left as it was.
    pub fn announce<'n>(
        &mut self,
        out: &mut BytesMut,
        canonical: &[u8],
        next_hop: NextHop,
        family: Family,
        nlri: impl IntoIterator<Item = PathNlri<'n>>,
    ) -> Result<usize, PackError> {
        self.check_family(family)?;
        let (octets, len) = next_hop.to_bytes(nlri::has_distinguished_next_hop(family));
        let octets = octets.get(..usize::from(len)).unwrap_or_default();
        if nlri::next_hop(family, octets, self.ctx.ext_next_hop().contains(family)).is_none() {
            return Err(PackError::NextHop { family });
        }
        self.attrs.clear();
        let form = match (family, next_hop) {
            (Family::IPV4_UNICAST, NextHop::V4(addr)) => {
                write_outgoing(RawAttrs::all(canonical), Some(addr), self.ctx.four_octet_as(), &mut self.attrs);
                Form::Nlri
            }
            _ => {
                write_outgoing(RawAttrs::all(canonical), None, self.ctx.four_octet_as(), &mut self.attrs);
                Form::Multiprotocol { ty: AttrType::MP_REACH_NLRI, next_hop: Some(octets) }
            }
        };
        self.pack(out, form, family, nlri)
    }

    /// Appends UPDATEs that withdraw all of `nlri`; says how many.
    ///
    /// ```
    /// use bgp_wire::{Context, Family, Packer, SessionKind};
    ///
    /// let mut out = bytes::BytesMut::new();
    /// let prefix: ipnet::IpNet = "2001:db8::/32".parse()?;
    /// let mut packer = Packer::new(&Context::new(SessionKind::Ibgp));
    /// assert_eq!(packer.withdraw(&mut out, Family::IPV6_UNICAST, [prefix.into()])?, 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// See [`PackError`]; `out` is left as it was.
    pub fn withdraw<'n>(
        &mut self,
        out: &mut BytesMut,
        family: Family,
        nlri: impl IntoIterator<Item = PathNlri<'n>>,
    ) -> Result<usize, PackError> {
        self.check_family(family)?;
        self.attrs.clear();
        let form = match family {
            Family::IPV4_UNICAST => Form::Withdrawn,
            _ => Form::Multiprotocol { ty: AttrType::MP_UNREACH_NLRI, next_hop: None },
        };
        self.pack(out, form, family, nlri)
    }

    /// Appends the End-of-RIB marker of a family (RFC 4724 section 2).
    ///
    /// ```
    /// use bgp_wire::{Context, Family, Packer, SessionKind, UpdateView};
    ///
    /// let ctx = Context::new(SessionKind::Ibgp);
    /// let mut out = bytes::BytesMut::new();
    /// Packer::new(&ctx).end_of_rib(&mut out, Family::IPV6_UNICAST);
    /// assert_eq!(UpdateView::decode(&out, &ctx)?.end_of_rib(), Some(Family::IPV6_UNICAST));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn end_of_rib(&mut self, out: &mut BytesMut, family: Family) {
        let start = begin_message(out);
        if family == Family::IPV4_UNICAST {
            out.put_u32(0);
        } else {
            let [high, low] = family.afi.0.to_be_bytes();
            out.put_slice(&[
                0,
                0,
                0,
                6,
                AttrFlags::OPTIONAL.0,
                AttrType::MP_UNREACH_NLRI.0,
                3,
                high,
                low,
                family.safi.0,
            ]);
        }
        end_message(out, start);
    }

    fn check_family(&self, family: Family) -> Result<(), PackError> {
        if self.ctx.families().contains(family) { Ok(()) } else { Err(PackError::Family { family }) }
    }

    fn pack<'n>(
        &mut self,
        out: &mut BytesMut,
        form: Form<'_>,
        family: Family,
        nlri: impl IntoIterator<Item = PathNlri<'n>>,
    ) -> Result<usize, PackError> {
        let start = out.len();
        let result = self.fill(out, form, family, nlri);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn fill<'n>(
        &mut self,
        out: &mut BytesMut,
        form: Form<'_>,
        family: Family,
        nlri: impl IntoIterator<Item = PathNlri<'n>>,
    ) -> Result<usize, PackError> {
        let add_path = self.ctx.add_path_send().contains(family);
        let limit = self.ctx.max_send();
        let room = form.room(usize::from(limit), self.attrs.len());
        let too_long = PackError::TooLong { length: self.attrs.len(), limit };
        let mut messages =
            Messages { out, form, family, attrs: &self.attrs, room: room.unwrap_or(0), left: 0, open: None, count: 0 };
        self.spare.clear();
        let gather = !nlri::is_short(family);
        for PathNlri { path_id, nlri } in nlri {
            let path_id = if add_path { Some(path_id.unwrap_or(PathId(0))) } else { None };
            let encoded;
            let route = match Encoded::of(family, &nlri) {
                Some(prefix) => {
                    encoded = path_id.map_or(prefix, |path_id| prefix.with_path_id(path_id));
                    encoded.as_bytes()
                }
                None => {
                    let announced = matches!(form, Form::Multiprotocol { next_hop: Some(_), .. });
                    self.route.clear();
                    if !write_route(&self.ctx, (family, announced), path_id, &nlri, &mut self.route) {
                        return Err(PackError::Nlri { family });
                    }
                    &self.route
                }
            };
            let len = route.len();
            if room.is_none_or(|room| room < len) {
                return Err(too_long);
            }
            // Once more than one message is needed, some routes of each size wait for the gaps at the ends of messages.
            if gather || (messages.count > 1 && self.spare.takes(len)) {
                self.spare.put(route);
                continue;
            }
            if messages.left < len {
                while self.spare.fill(messages.left, |filler| messages.push(filler)) {}
            }
            messages.push(route);
        }
        while self.spare.fill(messages.left, |filler| messages.push(filler))
            || self.spare.take_largest(|filler| messages.push(filler))
        {}
        messages.end();
        Ok(messages.count)
    }
}

/// Appends a route that is no prefix; false: it is not of the family, or cannot be sent so.
fn write_route(
    ctx: &Context,
    (family, announced): (Family, bool),
    path_id: Option<PathId>,
    nlri: &NlriRef<'_>,
    out: &mut Vec<u8>,
) -> bool {
    match nlri {
        NlriRef::Typed(nlri) if nlri.family() == family => {
            out.extend(path_id.iter().flat_map(|path_id| path_id.0.to_be_bytes()));
            if announced {
                out.extend_from_slice(nlri.as_bytes());
                return nlri.can_be_announced(ctx.multiple_labels().contains(family));
            }
            nlri.write_key(out);
            true
        }
        // Path identifiers are inside.
        NlriRef::Opaque(octets) if !nlri::is_typed(family) => {
            out.extend_from_slice(octets);
            !octets.is_empty()
        }
        _ => false,
    }
}

/// Which field the routes go into.
#[derive(Debug, Clone, Copy)]
enum Form<'h> {
    /// The withdrawn routes of the UPDATE itself.
    Withdrawn,
    /// The NLRI of the UPDATE itself.
    Nlri,
    /// MP_REACH_NLRI with its next hop, or MP_UNREACH_NLRI.
    Multiprotocol { ty: AttrType, next_hop: Option<&'h [u8]> },
}

impl Form<'_> {
    /// Octets that a message of `limit` octets has for routes beside `attrs` octets of other attributes.
    fn room(self, limit: usize, attrs: usize) -> Option<usize> {
        let rest = limit.checked_sub(FIXED + attrs)?;
        let Form::Multiprotocol { next_hop, .. } = self else { return Some(rest) };
        let long = rest.saturating_sub(LONG_HEAD);
        // A value of at most 255 octets has a header that is shorter by one.
        let value = if long > SHORT_VALUE { long } else { rest.checked_sub(LONG_HEAD - 1)?.min(SHORT_VALUE) };
        value.checked_sub(3 + next_hop.map_or(0, |octets| octets.len() + 2))
    }
}

/// The messages that are being written.
struct Messages<'o, 'f> {
    out: &'o mut BytesMut,
    form: Form<'f>,
    family: Family,
    attrs: &'f [u8],
    /// Octets for routes in a message.
    room: usize,
    /// Octets of them that are left in the open one.
    left: usize,
    /// Where the open one begins.
    open: Option<usize>,
    count: usize,
}

impl Messages<'_, '_> {
    /// Appends a route, to a new message where it does not fit the open one.
    #[inline]
    fn push(&mut self, route: &[u8]) {
        if self.open.is_none() || self.left < route.len() {
            self.end();
            self.begin();
        }
        self.out.put_slice(route);
        self.left = self.left.saturating_sub(route.len());
    }

    fn begin(&mut self) {
        self.open = Some(begin_message(self.out));
        self.count += 1;
        self.left = self.room;
        match self.form {
            Form::Withdrawn => self.out.put_u16(0),
            Form::Nlri => {
                self.out.put_u16(0);
                self.out.put_u16(to_u16(self.attrs.len()));
                self.out.put_slice(self.attrs);
            }
            Form::Multiprotocol { ty, next_hop } => {
                self.out.put_u32(0);
                self.out.put_slice(&[(AttrFlags::OPTIONAL | AttrFlags::EXTENDED_LENGTH).0, ty.0, 0, 0]);
                self.out.put_u16(self.family.afi.0);
                self.out.put_u8(self.family.safi.0);
                if let Some(next_hop) = next_hop {
                    self.out.put_u8(u8::try_from(next_hop.len()).unwrap_or(0));
                    self.out.put_slice(next_hop);
                    self.out.put_u8(0);
                }
            }
        }
    }

    /// Ends the open message: what comes behind the routes, and the lengths.
    fn end(&mut self) {
        let Some(start) = self.open.take() else { return };
        let withdrawn = start + HEADER_LEN;
        match self.form {
            Form::Withdrawn => {
                patch(self.out, withdrawn, self.out.len() - withdrawn - 2);
                self.out.put_u16(0);
            }
            Form::Nlri => {}
            Form::Multiprotocol { .. } => {
                let attr = start + FIXED;
                let value = self.out.len() - attr - LONG_HEAD;
                if let Ok(len) = u8::try_from(value) {
                    // A length field of minimal size: the value moves forward by one.
                    self.out.copy_within(attr + LONG_HEAD.., attr + LONG_HEAD - 1);
                    self.out.truncate(attr + LONG_HEAD - 1 + value);
                    if let Some([flags, _, length, ..]) = self.out.get_mut(attr..) {
                        (*flags, *length) = (AttrFlags::OPTIONAL.0, len);
                    }
                } else {
                    patch(self.out, attr + 2, value);
                }
                self.out.put_slice(self.attrs);
                patch(self.out, attr - 2, self.out.len() - attr);
            }
        }
        end_message(self.out, start);
    }
}

/// Appends the header of an UPDATE; says where it begins.
fn begin_message(out: &mut BytesMut) -> usize {
    let start = out.len();
    out.put_slice(&[0xff; 16]);
    out.put_slice(&[0, 0, MessageType::UPDATE.0]);
    start
}

fn end_message(out: &mut BytesMut, start: usize) {
    patch(out, start + 16, out.len() - start);
}

/// Writes a length at `at`.
fn patch(out: &mut BytesMut, at: usize, len: usize) {
    if let Some([high, low, ..]) = out.get_mut(at..) {
        [*high, *low] = to_u16(len).to_be_bytes();
    }
}

/// Octets of an UPDATE without routes and attributes: header (19), two lengths (2 each).
const FIXED: usize = 23;
/// Octets of an attribute's header with a 2-octet length.
const LONG_HEAD: usize = 4;
/// The longest value that a 1-octet length can say.
const SHORT_VALUE: usize = 255;

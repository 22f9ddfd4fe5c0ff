//! Network layer reachability information: the table of families whose NLRI are typed, and the iterator over them.
//!
//! All other families are carried as opaque octets.

#[cfg(feature = "arbitrary")]
mod arbitrary;
#[cfg(feature = "alloc")]
mod encoded;
pub mod evpn;
pub mod flowspec;
mod label;
mod labeled;
pub mod link_state;
#[cfg(feature = "alloc")]
mod owned;
mod rd;
mod rt_constrain;
#[cfg(feature = "alloc")]
mod text;
mod typed;
mod unicast;
mod vpn;

use core::fmt;
use core::iter::FusedIterator;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

#[cfg(feature = "alloc")]
pub(crate) use self::encoded::Encoded;
pub(crate) use self::label::LabelFields;
pub use self::label::{Label, Labels};
pub use self::labeled::Labeled;
#[cfg(feature = "alloc")]
pub use self::owned::NlriBuf;
pub use self::rd::RouteDistinguisher;
pub use self::rt_constrain::RtConstrain;
pub use self::typed::{NlriValue, TypedNlri};
pub use self::vpn::Vpn;

use crate::next_hop::NextHop;
use crate::registry::families;
use crate::{Context, Family, PathId, prefix};

// family => type that reads it; in the order of the numbers.
families! {
    IPV4_UNICAST => unicast::Ipv4,
    IPV4_MULTICAST => unicast::Ipv4,
    IPV4_LABELED => labeled::Ipv4,
    IPV4_VPN => vpn::Ipv4,
    RT_CONSTRAIN => rt_constrain::Rows,
    IPV4_FLOWSPEC => flowspec::Ipv4,
    IPV4_FLOWSPEC_VPN => flowspec::Ipv4Vpn,
    IPV6_UNICAST => unicast::Ipv6,
    IPV6_MULTICAST => unicast::Ipv6,
    IPV6_LABELED => labeled::Ipv6,
    IPV6_VPN => vpn::Ipv6,
    IPV6_FLOWSPEC => flowspec::Ipv6,
    IPV6_FLOWSPEC_VPN => flowspec::Ipv6Vpn,
    L2VPN_EVPN => evpn::Rows,
    BGP_LS => link_state::Rows,
    BGP_LS_VPN => link_state::VpnRows,
}

/// What the file of a family says of it.
pub(crate) trait Rules {
    /// Whether next hops have a route distinguisher in front of each address.
    #[cfg(feature = "alloc")]
    const NEXT_HOP_RD: bool = false;
    /// Whether an IPv4 next hop must be the address of a host, as in NEXT_HOP.
    const HOSTS: bool = false;
    /// Whether no NLRI is longer than 257 octets.
    #[cfg(feature = "alloc")]
    const SHORT: bool = true;

    /// Checks the NLRI in front of `octets`, which has no path identifier. `None`: malformed.
    fn measure(octets: &[u8], form: Form) -> Option<Shape>;

    /// The NLRI in front of `octets` and what is behind it.
    fn decode(family: Family, form: Form, octets: &[u8]) -> Option<(NlriRef<'_>, &[u8])> {
        let shape = Self::measure(octets, form)?;
        let (nlri, behind) = octets.split_at_checked(shape.len)?;
        Some((NlriRef::Typed(TypedNlri::new(family, shape.labels, nlri)), behind))
    }

    /// What a measured NLRI says.
    fn value<'m>(nlri: &TypedNlri<'m>) -> Option<NlriValue<'m>>;

    /// Appends the octets that identify the route, in the form that withdraws it.
    #[cfg(feature = "alloc")]
    fn write_key(nlri: &TypedNlri<'_>, out: &mut alloc::vec::Vec<u8>) {
        out.extend_from_slice(nlri.as_bytes());
    }

    /// Whether a measured NLRI can be used; one that cannot is passed over (RFC 7606 section 5.4).
    fn is_usable(nlri: &TypedNlri<'_>) -> bool {
        let _ = nlri;
        true
    }

    /// The next hop in an MP_REACH_NLRI; `None`: wrong length.
    fn next_hop(octets: &[u8], extended: bool) -> Option<NextHop>;
}

/// How the NLRI of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// A path identifier is in front of each.
    pub(crate) add_path: bool,
    /// How labels are written, in families that have them.
    pub(crate) labels: LabelForm,
}

/// How labels are written (RFC 8277 sections 2.2 to 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelForm {
    /// One, whatever its bottom-of-stack bit is.
    One,
    /// As many as there are up to the one with the bottom-of-stack bit.
    Stack,
    /// One field that means nothing: the route is withdrawn.
    Withdrawn,
}

impl Form {
    #[inline]
    fn reach(ctx: &Context, family: Family) -> Form {
        let add_path = ctx.add_path_receive().contains(family);
        let labels = if ctx.multiple_labels().contains(family) { LabelForm::Stack } else { LabelForm::One };
        Form { add_path, labels }
    }

    #[inline]
    fn unreach(ctx: &Context, family: Family) -> Form {
        Form { add_path: ctx.add_path_receive().contains(family), labels: LabelForm::Withdrawn }
    }
}

/// What measuring an NLRI found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Octets of the NLRI.
    pub(crate) len: usize,
    /// Its labels.
    pub(crate) labels: LabelFields,
}

impl Shape {
    pub(crate) fn unlabeled(len: usize) -> Shape {
        Shape { len, labels: LabelFields::NONE }
    }
}

/// Checks that the field of an MP_REACH_NLRI has whole NLRI; an error is where the first that is not begins.
#[inline]
pub(crate) fn check_reach(ctx: &Context, family: Family, octets: &[u8]) -> Result<(), usize> {
    check_form(family, Form::reach(ctx, family), octets)
}

/// Checks that the field of an MP_UNREACH_NLRI has whole NLRI; an error is where the first that is not begins.
#[inline]
pub(crate) fn check_unreach(ctx: &Context, family: Family, octets: &[u8]) -> Result<(), usize> {
    check_form(family, Form::unreach(ctx, family), octets)
}

/// Checks that `octets` are whole NLRI outside of a session, in which labels end with the one that has the bottom-of-stack
/// bit; an error is where the first that is not begins.
#[inline]
pub(crate) fn check(family: Family, add_path: bool, octets: &[u8]) -> Result<(), usize> {
    check_form(family, Form { add_path, labels: LabelForm::Stack }, octets)
}

#[inline]
fn check_form(family: Family, form: Form, octets: &[u8]) -> Result<(), usize> {
    match family {
        Family::IPV4_UNICAST => check_with(|rest| prefix::skip(rest, 32), form.add_path, octets),
        Family::IPV6_UNICAST => check_with(|rest| prefix::skip(rest, 128), form.add_path, octets),
        _ => check_rows(family, form, octets),
    }
}

/// Whether all announcements of a checked MP_REACH_NLRI mean something beside the extended communities of the UPDATE;
/// only those of Ethernet VPNs can mean nothing.
pub(crate) fn has_meaning(
    ctx: &Context,
    family: Family,
    octets: &[u8],
    communities: impl Iterator<Item = [u8; 8]>,
) -> bool {
    if family != Family::L2VPN_EVPN {
        return true;
    }
    let companions = evpn::Companions::of(communities);
    Nlris::reach(ctx, family, octets).all(|PathNlri { nlri, .. }| match &nlri {
        NlriRef::Typed(nlri) => match nlri.value() {
            NlriValue::Evpn(route) => route.has_meaning(companions),
            _ => true,
        },
        _ => true,
    })
}

/// One NLRI. Addresses have no bits behind the prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NlriRef<'m> {
    /// An IPv4 prefix.
    Ipv4(Ipv4Net),
    /// An IPv6 prefix.
    Ipv6(Ipv6Net),
    /// An NLRI of another family that has a row in the table.
    Typed(TypedNlri<'m>),
    /// All NLRI of a family that has no row in the table, path identifiers included.
    Opaque(&'m [u8]),
}

const _: () = assert!(size_of::<NlriRef<'_>>() <= 32);

impl NlriRef<'_> {
    /// The IP prefix, where it is one.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            NlriRef::Ipv4(net) => Some(IpNet::V4(*net)),
            NlriRef::Ipv6(net) => Some(IpNet::V6(*net)),
            NlriRef::Typed(_) | NlriRef::Opaque(_) => None,
        }
    }
}

impl<'m> From<TypedNlri<'m>> for NlriRef<'m> {
    fn from(nlri: TypedNlri<'m>) -> Self {
        NlriRef::Typed(nlri)
    }
}

/// Bits behind the prefix length are cleared.
impl From<Ipv4Net> for NlriRef<'_> {
    fn from(net: Ipv4Net) -> Self {
        NlriRef::Ipv4(net.trunc())
    }
}

/// Bits behind the prefix length are cleared.
impl From<Ipv6Net> for NlriRef<'_> {
    fn from(net: Ipv6Net) -> Self {
        NlriRef::Ipv6(net.trunc())
    }
}

/// Bits behind the prefix length are cleared.
impl From<IpNet> for NlriRef<'_> {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(net) => net.into(),
            IpNet::V6(net) => net.into(),
        }
    }
}

/// The text of the family, or the octets in hexadecimal.
impl fmt::Display for NlriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NlriRef::Ipv4(net) => net.fmt(f),
            NlriRef::Ipv6(net) => net.fmt(f),
            NlriRef::Typed(nlri) => nlri.fmt(f),
            NlriRef::Opaque(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}

/// An NLRI with its path identifier where ADD-PATH (RFC 7911) is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathNlri<'m> {
    /// The path identifier; none on families without ADD-PATH.
    pub path_id: Option<PathId>,
    /// The NLRI.
    pub nlri: NlriRef<'m>,
}

/// Without a path identifier.
impl<'m, N: Into<NlriRef<'m>>> From<N> for PathNlri<'m> {
    fn from(nlri: N) -> Self {
        PathNlri { path_id: None, nlri: nlri.into() }
    }
}

/// The NLRI, and `#7` behind it for path identifier 7.
impl fmt::Display for PathNlri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nlri.fmt(f)?;
        self.path_id.map_or(Ok(()), |path_id| write!(f, "#{path_id}"))
    }
}

/// An infallible iterator over the NLRI of one validated field.
#[derive(Debug, Clone)]
pub struct Nlris<'m> {
    octets: &'m [u8],
    family: Family,
    form: Form,
}

impl<'m> Nlris<'m> {
    /// Those that [`check`] checked.
    #[cfg(any(feature = "mrt", feature = "bmp"))]
    pub(crate) fn new(family: Family, add_path: bool, octets: &'m [u8]) -> Nlris<'m> {
        Nlris { octets, family, form: Form { add_path, labels: LabelForm::Stack } }
    }

    /// Those of an MP_REACH_NLRI, or of the NLRI field.
    #[inline]
    pub(crate) fn reach(ctx: &Context, family: Family, octets: &'m [u8]) -> Nlris<'m> {
        Nlris { octets, family, form: Form::reach(ctx, family) }
    }

    /// Those of an MP_UNREACH_NLRI, or of the withdrawn routes.
    #[inline]
    pub(crate) fn unreach(ctx: &Context, family: Family, octets: &'m [u8]) -> Nlris<'m> {
        Nlris { octets, family, form: Form::unreach(ctx, family) }
    }

    /// None.
    #[inline]
    pub(crate) const fn none() -> Nlris<'m> {
        let form = Form { add_path: false, labels: LabelForm::One };
        Nlris { octets: &[], family: Family::IPV4_UNICAST, form }
    }

    /// The family of all of them.
    #[must_use]
    #[inline]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whether there is none left.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The next one of a family other than unicast.
    #[inline(never)]
    fn next_row(&mut self) -> Option<PathNlri<'m>> {
        while !self.octets.is_empty() {
            // What comes as one piece has its path identifiers inside.
            let (path_id, octets) = if self.form.add_path && is_typed(self.family) {
                let (path_id, rest) = self.octets.split_first_chunk::<4>()?;
                (Some(PathId(u32::from_be_bytes(*path_id))), rest)
            } else {
                (None, self.octets)
            };
            let (nlri, behind) = decode_rows(self.family, self.form, octets)?;
            self.octets = behind;
            if !matches!(&nlri, NlriRef::Typed(nlri) if !is_usable_row(nlri)) {
                return Some(PathNlri { path_id, nlri });
            }
        }
        None
    }

    /// The octets of those that are still to come.
    #[must_use]
    pub fn as_bytes(&self) -> &'m [u8] {
        self.octets
    }
}

impl<'m> Iterator for Nlris<'m> {
    type Item = PathNlri<'m>;

    #[inline]
    fn next(&mut self) -> Option<PathNlri<'m>> {
        if self.octets.is_empty() {
            return None;
        }
        let (path_id, octets) = if self.form.add_path {
            let (path_id, rest) = self.octets.split_first_chunk::<4>()?;
            (Some(PathId(u32::from_be_bytes(*path_id))), rest)
        } else {
            (None, self.octets)
        };
        let (nlri, behind) = match self.family {
            Family::IPV4_UNICAST => prefix::decode_v4(octets).map(|(net, behind)| (NlriRef::Ipv4(net), behind))?,
            Family::IPV6_UNICAST => prefix::decode_v6(octets).map(|(net, behind)| (NlriRef::Ipv6(net), behind))?,
            _ => return self.next_row(),
        };
        self.octets = behind;
        Some(PathNlri { path_id, nlri })
    }

    // The family is asked for once, not for each route.
    #[inline]
    fn fold<B, F: FnMut(B, PathNlri<'m>) -> B>(self, init: B, mut f: F) -> B {
        let mut all = init;
        if self.family == Family::IPV4_UNICAST && !self.form.add_path {
            let mut octets = self.octets;
            loop {
                let net;
                if let Some((near, behind)) = prefix::decode_v4_near(octets) {
                    (net, octets) = (near, behind);
                } else if octets.is_empty() {
                    return all;
                } else if let Some((rare, behind)) = prefix::decode_v4_rare(octets) {
                    (net, octets) = (rare, behind);
                } else {
                    return all;
                }
                all = f(all, PathNlri { path_id: None, nlri: NlriRef::Ipv4(net) });
            }
        }
        fold_any(self.octets, self.family, self.form, all, f)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.octets.is_empty()), Some(self.octets.len()))
    }
}

impl FusedIterator for Nlris<'_> {}

/// Takes the fields of [`Nlris`] one by one, so that those need not be in memory where this is not called.
#[inline(never)]
fn fold_any<'m, B>(
    octets: &'m [u8],
    family: Family,
    form: Form,
    init: B,
    mut f: impl FnMut(B, PathNlri<'m>) -> B,
) -> B {
    let mut all = init;
    for nlri in (Nlris { octets, family, form }) {
        all = f(all, nlri);
    }
    all
}

/// Checks the NLRI of one family, one loop for each; an error is where the first malformed one begins, at its path
/// identifier where there is one.
#[inline]
fn check_with(skip: impl Fn(&[u8]) -> Option<&[u8]>, add_path: bool, octets: &[u8]) -> Result<(), usize> {
    let id = if add_path { PATH_ID_LEN } else { 0 };
    let mut rest = octets;
    while !rest.is_empty() {
        rest = rest.get(id..).and_then(&skip).ok_or(octets.len() - rest.len())?;
    }
    Ok(())
}

/// Octets of a path identifier (RFC 7911 section 3).
pub(crate) const PATH_ID_LEN: usize = 4;

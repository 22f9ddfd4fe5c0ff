//! An UPDATE that owns its parts.

use alloc::vec::Vec;

use ipnet::IpNet;

use crate::attr::{Attributes, NextHop};
use crate::nlri::{NlriBuf, NlriRef, Nlris, PathNlri};
use crate::{Context, Error, Family, PackError, Packer, PathId, UpdateView};

/// An UPDATE that owns its parts: routes by family, and the attributes as a canonical block.
///
/// It is made from a view, or from nothing, and encoded for any session. Where the verdict was treat-as-withdraw, all
/// routes are withdrawn. With feature `serde` its text form has prefixes, addresses and communities as text and other
/// octets in hexadecimal.
///
/// ```
/// use bgp_wire::attr::AttrBuilder;
/// use bgp_wire::{Asn, Context, Family, SessionKind, Update, UpdateView};
///
/// let ctx = Context::new(SessionKind::Ebgp);
/// let update = Update::new()
///     .with_attributes(&AttrBuilder::new().as_path(&[Asn(64512)]).build()?)?
///     .with_announced(Family::IPV4_UNICAST, "192.0.2.1".parse()?, ["203.0.113.0/24".parse()?]);
/// let mut message = bytes::BytesMut::new();
/// assert_eq!(update.encode(&ctx, &mut message)?, 1);
/// assert_eq!(Update::from(&UpdateView::decode(&message, &ctx)?), update);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Update {
    withdrawn: Vec<Unreachable>,
    announced: Vec<Reachable>,
    #[cfg_attr(feature = "serde", serde(with = "crate::attr::text::block"))]
    attributes: Vec<u8>,
}

/// Routes of one family that an UPDATE withdraws.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Unreachable {
    /// Their family.
    #[cfg_attr(feature = "serde", serde(with = "crate::update::text::display"))]
    pub family: Family,
    /// The routes.
    pub nlri: Vec<Nlri>,
}

/// Routes of one family that an UPDATE announces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reachable {
    /// Their family.
    #[cfg_attr(feature = "serde", serde(with = "crate::update::text::display"))]
    pub family: Family,
    /// Their next hop.
    #[cfg_attr(feature = "serde", serde(with = "crate::update::text::display"))]
    pub next_hop: NextHop,
    /// The routes.
    pub nlri: Vec<Nlri>,
}

/// An NLRI that owns its octets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Nlri {
    /// An IP prefix.
    Prefix(IpNet),
    /// An IP prefix with its path identifier (RFC 7911).
    Path(PathId, IpNet),
    /// An NLRI of another family that has a row in the table.
    Typed(NlriBuf),
    /// Such an NLRI with its path identifier (RFC 7911).
    TypedPath(PathId, NlriBuf),
    /// All NLRI of a family without typed ones.
    Opaque(#[cfg_attr(feature = "serde", serde(with = "crate::hex"))] Vec<u8>),
}

impl Update {
    /// An UPDATE without routes or attributes: the End-of-RIB marker of IPv4 unicast.
    #[must_use]
    pub fn new() -> Update {
        Update::default()
    }

    /// With the attributes of a canonical block.
    ///
    /// # Errors
    /// See [`Attributes::from_canonical`].
    pub fn with_attributes(mut self, canonical: &[u8]) -> Result<Update, Error> {
        Attributes::from_canonical(canonical)?;
        self.attributes = canonical.to_vec();
        Ok(self)
    }

    /// With more announced routes.
    #[must_use]
    pub fn with_announced(
        mut self,
        family: Family,
        next_hop: NextHop,
        nlri: impl IntoIterator<Item = IpNet>,
    ) -> Update {
        let nlri = nlri.into_iter().map(|net| Nlri::Prefix(net.trunc())).collect();
        self.announced.push(Reachable { family, next_hop, nlri });
        self
    }

    /// With more withdrawn routes.
    #[must_use]
    pub fn with_withdrawn(mut self, family: Family, nlri: impl IntoIterator<Item = IpNet>) -> Update {
        let nlri = nlri.into_iter().map(|net| Nlri::Prefix(net.trunc())).collect();
        self.withdrawn.push(Unreachable { family, nlri });
        self
    }

    /// The announced routes.
    #[must_use]
    pub fn announced(&self) -> &[Reachable] {
        &self.announced
    }

    /// The withdrawn routes.
    #[must_use]
    pub fn withdrawn(&self) -> &[Unreachable] {
        &self.withdrawn
    }

    /// The attributes as a canonical block, for [`Attributes::from_canonical`].
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.attributes
    }

    /// Appends messages for the session of `ctx`: withdrawals first, then announcements; an UPDATE without routes is the
    /// End-of-RIB marker of IPv4 unicast. Says how many messages.
    ///
    /// # Errors
    /// See [`PackError`]; `out` is left as it was.
    pub fn encode(&self, ctx: &Context, out: &mut bytes::BytesMut) -> Result<usize, PackError> {
        let start = out.len();
        let result = self.encode_all(ctx, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn encode_all(&self, ctx: &Context, out: &mut bytes::BytesMut) -> Result<usize, PackError> {
        let mut packer = Packer::new(ctx);
        let mut messages = 0;
        for part in &self.withdrawn {
            messages += packer.withdraw(out, part.family, part.nlri.iter().map(Nlri::as_ref))?;
        }
        for part in &self.announced {
            let nlri = part.nlri.iter().map(Nlri::as_ref);
            messages += packer.announce(out, &self.attributes, part.next_hop, part.family, nlri)?;
        }
        if self.withdrawn.is_empty() && self.announced.is_empty() {
            packer.end_of_rib(out, Family::IPV4_UNICAST);
            messages += 1;
        }
        Ok(messages)
    }
}

impl From<&UpdateView<'_>> for Update {
    fn from(view: &UpdateView<'_>) -> Update {
        let owned = |nlri: Nlris<'_>| nlri.map(Nlri::from).collect();
        let mut attributes = Vec::new();
        view.write_canonical(&mut attributes);
        Update {
            withdrawn: view
                .withdrawn()
                .map(|part| Unreachable { family: part.family, nlri: owned(part.nlri) })
                .collect(),
            announced: view
                .announced()
                .map(|part| Reachable { family: part.family, next_hop: part.next_hop, nlri: owned(part.nlri) })
                .collect(),
            attributes,
        }
    }
}

impl Nlri {
    /// The borrowed form.
    #[must_use]
    pub fn as_ref(&self) -> PathNlri<'_> {
        match self {
            Nlri::Prefix(net) => (*net).into(),
            Nlri::Path(path_id, net) => PathNlri { path_id: Some(*path_id), nlri: (*net).into() },
            Nlri::Typed(nlri) => PathNlri { path_id: None, nlri: nlri.as_ref().into() },
            Nlri::TypedPath(path_id, nlri) => PathNlri { path_id: Some(*path_id), nlri: nlri.as_ref().into() },
            Nlri::Opaque(octets) => PathNlri { path_id: None, nlri: NlriRef::Opaque(octets) },
        }
    }
}

impl From<PathNlri<'_>> for Nlri {
    fn from(nlri: PathNlri<'_>) -> Nlri {
        match (nlri.path_id, nlri.nlri) {
            (None, NlriRef::Ipv4(net)) => Nlri::Prefix(net.into()),
            (None, NlriRef::Ipv6(net)) => Nlri::Prefix(net.into()),
            (Some(path_id), NlriRef::Ipv4(net)) => Nlri::Path(path_id, net.into()),
            (Some(path_id), NlriRef::Ipv6(net)) => Nlri::Path(path_id, net.into()),
            (None, NlriRef::Typed(nlri)) => Nlri::Typed(nlri.into()),
            (Some(path_id), NlriRef::Typed(nlri)) => Nlri::TypedPath(path_id, nlri.into()),
            (_, NlriRef::Opaque(octets)) => Nlri::Opaque(octets.to_vec()),
        }
    }
}

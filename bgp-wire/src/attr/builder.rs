//! Makes canonical attribute blocks for routes that originate here.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::attr::raw::write_attr;
use crate::attr::{Aggregator, AsPath, Attributes, Origin, SegmentKind, flags_of};
use crate::community::Community;
use crate::community::ext::ExtCommunity;
use crate::community::ipv6_ext::Ipv6ExtCommunity;
use crate::community::large::LargeCommunity;
use crate::{Asn, AttrFlags, AttrType, BgpId, ClusterId, Error};

/// Builds a canonical attribute block.
///
/// It begins with ORIGIN IGP and an empty AS_PATH, which every route has. Setting an attribute again replaces it, an
/// empty list removes it.
///
/// ```
/// use bgp_wire::Asn;
/// use bgp_wire::attr::{AttrBuilder, Attributes};
/// use bgp_wire::community::Community;
///
/// let block = AttrBuilder::new()
///     .as_path(&[Asn(64512), Asn(64513)])
///     .local_pref(100)
///     .communities(&[Community::NO_EXPORT])
///     .build()?;
/// let attributes = Attributes::from_canonical(&block)?;
/// assert_eq!(attributes.as_path().unwrap_or_default().to_string(), "64512 64513");
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AttrBuilder {
    attrs: BTreeMap<AttrType, (AttrFlags, Vec<u8>)>,
}

/// A segment of an AS_PATH that owns its members.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct PathSegment {
    /// What its members mean.
    pub kind: SegmentKind,
    /// Its members; more than 255 are written as several segments.
    pub asns: Vec<Asn>,
}

impl AttrBuilder {
    /// ORIGIN IGP and an empty AS_PATH.
    pub fn new() -> AttrBuilder {
        AttrBuilder::empty().origin(Origin::Igp).with(AttrType::AS_PATH, Vec::new())
    }

    /// No attribute at all.
    pub fn empty() -> AttrBuilder {
        AttrBuilder { attrs: BTreeMap::new() }
    }

    /// Everything that `attributes` has, in canonical form.
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes};
    ///
    /// let block = AttrBuilder::new().med(7).build()?;
    /// let changed = AttrBuilder::from_attributes(&Attributes::from_canonical(&block)?).local_pref(200).build()?;
    /// assert_eq!(changed, AttrBuilder::new().med(7).local_pref(200).build()?);
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn from_attributes(attributes: &Attributes<'_>) -> AttrBuilder {
        let mut block = Vec::new();
        attributes.write_canonical(&mut block);
        let raws = crate::attr::RawAttrs::all(&block);
        AttrBuilder {
            attrs: raws.map(|raw| (raw.ty, (AttrFlags(raw.canonical_flags()), raw.value.to_vec()))).collect(),
        }
    }

    /// ORIGIN.
    pub fn origin(self, origin: Origin) -> AttrBuilder {
        self.with(AttrType::ORIGIN, [origin.code()].into())
    }

    /// AS_PATH of one AS_SEQUENCE, the nearest AS first; empty for none.
    pub fn as_path(self, asns: &[Asn]) -> AttrBuilder {
        self.path(core::iter::once((SegmentKind::Sequence, asns)))
    }

    /// AS_PATH of any segments, the nearest first. Those without a member are left out.
    pub fn segments(self, segments: &[PathSegment]) -> AttrBuilder {
        self.path(segments.iter().map(|segment| (segment.kind, segment.asns.as_slice())))
    }

    /// AS_PATH as another one has it.
    pub fn copy_as_path(self, path: &AsPath<'_>) -> AttrBuilder {
        let mut value = Vec::new();
        path.write(&mut value);
        self.with(AttrType::AS_PATH, value)
    }

    /// MULTI_EXIT_DISC.
    pub fn med(self, med: u32) -> AttrBuilder {
        self.with(AttrType::MED, med.to_be_bytes().into())
    }

    /// LOCAL_PREF.
    pub fn local_pref(self, local_pref: u32) -> AttrBuilder {
        self.with(AttrType::LOCAL_PREF, local_pref.to_be_bytes().into())
    }

    /// ATOMIC_AGGREGATE.
    pub fn atomic_aggregate(self) -> AttrBuilder {
        self.with(AttrType::ATOMIC_AGGREGATE, Vec::new())
    }

    /// AGGREGATOR.
    pub fn aggregator(self, aggregator: Aggregator) -> AttrBuilder {
        self.with(AttrType::AGGREGATOR, aggregator.to_bytes().into())
    }

    /// COMMUNITIES.
    pub fn communities(self, communities: &[Community]) -> AttrBuilder {
        self.list(AttrType::COMMUNITIES, communities.iter().flat_map(|community| community.0.to_be_bytes()))
    }

    /// ORIGINATOR_ID.
    pub fn originator_id(self, id: BgpId) -> AttrBuilder {
        self.with(AttrType::ORIGINATOR_ID, id.0.to_be_bytes().into())
    }

    /// CLUSTER_LIST, the nearest cluster first.
    pub fn cluster_list(self, clusters: &[ClusterId]) -> AttrBuilder {
        self.list(AttrType::CLUSTER_LIST, clusters.iter().flat_map(|cluster| cluster.0.to_be_bytes()))
    }

    /// EXTENDED_COMMUNITIES.
    pub fn ext_communities(self, communities: &[ExtCommunity]) -> AttrBuilder {
        self.list(AttrType::EXTENDED_COMMUNITIES, communities.iter().flat_map(|community| community.0))
    }

    /// IPv6 Address Specific Extended Communities.
    pub fn ipv6_ext_communities(self, communities: &[Ipv6ExtCommunity]) -> AttrBuilder {
        self.list(AttrType::IPV6_EXTENDED_COMMUNITIES, communities.iter().flat_map(|community| community.0))
    }

    /// LARGE_COMMUNITY.
    pub fn large_communities(self, communities: &[LargeCommunity]) -> AttrBuilder {
        let octets: Vec<u8> = communities.iter().flat_map(|community| community.to_bytes()).collect();
        let mut unique = Vec::new();
        crate::attr::large_communities::write_unique(&octets, &mut unique);
        self.list(AttrType::LARGE_COMMUNITIES, unique)
    }

    /// OTC, Only to Customer.
    pub fn otc(self, asn: Asn) -> AttrBuilder {
        self.with(AttrType::OTC, asn.0.to_be_bytes().into())
    }

    /// Any attribute by its octets. The Optional, Transitive and Partial bits of `flags` count.
    ///
    /// ```
    /// use bgp_wire::attr::{AttrBuilder, Attributes};
    /// use bgp_wire::{AttrFlags, AttrType};
    ///
    /// let flags = AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE;
    /// let block = AttrBuilder::new().raw(flags, AttrType(200), &[1, 2]).build()?;
    /// let raw = Attributes::from_canonical(&block)?.get(AttrType(200));
    /// assert_eq!(raw.map(|raw| raw.value), Some(&[1, 2][..]));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    pub fn raw(mut self, flags: AttrFlags, ty: AttrType, value: &[u8]) -> AttrBuilder {
        let raw = crate::attr::RawAttr { flags, ty, value };
        self.attrs.insert(ty, (AttrFlags(raw.canonical_flags()), value.to_vec()));
        self
    }

    /// With the Partial bit on the attribute of that type, where it is there and optional transitive.
    pub fn partial(mut self, ty: AttrType) -> AttrBuilder {
        if let Some((flags, _)) = self.attrs.get_mut(&ty)
            && flags.contains(AttrFlags::OPTIONAL | AttrFlags::TRANSITIVE)
        {
            *flags = *flags | AttrFlags::PARTIAL;
        }
        self
    }

    /// Without the attribute of that type.
    pub fn without(mut self, ty: AttrType) -> AttrBuilder {
        self.attrs.remove(&ty);
        self
    }

    /// The block.
    ///
    /// # Errors
    /// What is wrong with an attribute: AS 0 in a path, a raw attribute of a typed kind with a malformed value, one that
    /// no block has (see [`Attributes::from_canonical`]), or more than 65535 octets.
    pub fn build(self) -> Result<Vec<u8>, Error> {
        let mut block = Vec::new();
        for (ty, (flags, value)) in &self.attrs {
            // A length field cannot hold more; then the block is too long as well.
            if value.len() > usize::from(u16::MAX) {
                return Err(Error::new(crate::ErrorKind::NotCanonical, u16::MAX));
            }
            write_attr(flags.0, *ty, value, &mut block);
        }
        Attributes::from_canonical(&block)?;
        Ok(block)
    }

    fn path<'p>(self, segments: impl Iterator<Item = (SegmentKind, &'p [Asn])>) -> AttrBuilder {
        let mut value = Vec::new();
        for (kind, asns) in segments {
            for asns in asns.chunks(usize::from(u8::MAX)) {
                value.extend([kind.code(), u8::try_from(asns.len()).unwrap_or(u8::MAX)]);
                value.extend(asns.iter().flat_map(|asn| asn.0.to_be_bytes()));
            }
        }
        self.with(AttrType::AS_PATH, value)
    }

    fn list(self, ty: AttrType, octets: impl IntoIterator<Item = u8>) -> AttrBuilder {
        let value: Vec<u8> = octets.into_iter().collect();
        if value.is_empty() { self.without(ty) } else { self.with(ty, value) }
    }

    pub(super) fn with(mut self, ty: AttrType, value: Vec<u8>) -> AttrBuilder {
        self.attrs.insert(ty, (flags_of(ty), value));
        self
    }
}

impl Default for AttrBuilder {
    fn default() -> AttrBuilder {
        AttrBuilder::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc4271_4_3_a_path_of_more_than_255_becomes_two_segments() {
        let asns: Vec<Asn> = (1..=300).map(Asn).collect();
        let block = AttrBuilder::new().as_path(&asns).build().unwrap();
        let path = Attributes::from_canonical(&block).unwrap().as_path().unwrap();
        assert!(path.segments().map(|segment| segment.asns.len()).eq([255, 45]));
        assert!(path.asns().eq(asns));
    }

    #[test]
    fn what_is_wrong_with_a_block_is_told() {
        let zero = AttrBuilder::new().as_path(&[Asn(0)]).build().unwrap_err();
        assert_eq!(zero.to_string(), "attribute 2 has as 0 at octet 4");
        let next_hop = AttrBuilder::new().raw(AttrFlags::TRANSITIVE, AttrType::NEXT_HOP, &[10, 0, 0, 1]).build();
        assert_eq!(next_hop.unwrap_err().to_string(), "attribute block is not canonical at octet 7");
    }

    #[test]
    fn setting_again_replaces_and_an_empty_list_removes() {
        let builder = AttrBuilder::new().communities(&[Community(1)]).med(1).communities(&[]).med(2);
        assert_eq!(builder, AttrBuilder::new().med(2));
    }
}

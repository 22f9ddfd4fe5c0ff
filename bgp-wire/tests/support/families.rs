//! UPDATEs with the NLRI of any family.

use bgp_wire::attr::AttrBuilder;
use bgp_wire::community::ext::ExtCommunity;
use bgp_wire::{Asn, AttrFlags, AttrType, Context, Family, FamilySet, SessionKind};

pub(crate) fn octets(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).expect(text)
}

pub(crate) fn ctx() -> Context {
    Context::new(SessionKind::Ibgp)
        .with_families(FamilySet::ALL)
        .with_multiple_labels(FamilySet::ALL)
        .with_ext_next_hop(FamilySet::from_iter([Family::IPV4_LABELED, Family::IPV4_VPN, Family::IPV4_MULTICAST]))
}

pub(crate) fn block() -> Vec<u8> {
    AttrBuilder::new().as_path(&[Asn(64512)]).local_pref(100).build().unwrap()
}

/// An UPDATE with one multiprotocol attribute beside ORIGIN, AS_PATH and LOCAL_PREF.
pub(crate) fn update(ty: AttrType, value: &[u8], communities: &[[u8; 8]]) -> Vec<u8> {
    let communities: Vec<_> = communities.iter().map(|octets| ExtCommunity(*octets)).collect();
    let mut builder = AttrBuilder::new().as_path(&[Asn(64512)]).local_pref(100);
    if !communities.is_empty() {
        builder = builder.ext_communities(&communities);
    }
    let mut attrs = Vec::new();
    if ty == AttrType::MP_REACH_NLRI {
        attrs = builder.build().unwrap();
    }
    attrs.extend([(AttrFlags::OPTIONAL | AttrFlags::EXTENDED_LENGTH).0, ty.0]);
    attrs.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    attrs.extend(value);
    let mut message = vec![0xff; 16];
    message.extend(u16::try_from(23 + attrs.len()).unwrap().to_be_bytes());
    message.extend([2, 0, 0]);
    message.extend(u16::try_from(attrs.len()).unwrap().to_be_bytes());
    message.extend(attrs);
    message
}

pub(crate) fn reach(family: Family, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut value = family.afi.0.to_be_bytes().to_vec();
    value.extend([family.safi.0, u8::try_from(next_hop.len()).unwrap()]);
    value.extend(next_hop);
    value.push(0);
    value.extend(nlri);
    value
}

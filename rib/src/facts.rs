//! What the decision process and export compare of a path: decoded once when its attributes are interned.

use bgp_wire::attr::{Attributes, Origin};
use bgp_wire::community::Community;
use bgp_wire::{Asn, BgpId};

/// LOCAL_PREF of a route that carries none (RFC 4271 section 9.1.1 leaves it to the speaker; all use 100).
pub(crate) const DEFAULT_LOCAL_PREF: u32 = 100;

/// The packed decision key of an attribute block: 32 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    pub(crate) local_pref: u32,
    med: u32,
    originator: u32,
    otc: u32,
    neighbor: u32,
    /// Hops of the AS_PATH; a block holds at most 16 383.
    pub(crate) hops: u16,
    /// Members of the CLUSTER_LIST, likewise.
    pub(crate) clusters: u16,
    /// The octet: 0 IGP, 1 EGP, 2 INCOMPLETE.
    pub(crate) origin: u8,
    present: u8,
    communities: u8,
}

const _: () = assert!(size_of::<Facts>() <= 32);

/// Bits of `present`.
const MED: u8 = 1;
const ORIGINATOR: u8 = 2;
const OTC: u8 = 4;
const NEIGHBOR: u8 = 8;

/// The communities that the Rib acts on, with their bit in `communities`.
const ACTED_ON: [(Community, u8); 5] = [
    (Community::NO_EXPORT, 1),
    (Community::NO_ADVERTISE, 2),
    (Community::NO_EXPORT_SUBCONFED, 4),
    (Community::LLGR_STALE, 8),
    (Community::NO_LLGR, 16),
];

impl Facts {
    pub(crate) fn of(attributes: &Attributes<'_>) -> Facts {
        let mut facts = Facts {
            local_pref: attributes.local_pref().unwrap_or(DEFAULT_LOCAL_PREF),
            origin: attributes.origin().unwrap_or(Origin::Incomplete).code(),
            ..Facts::default()
        };
        let path = attributes.as_path().unwrap_or_default();
        facts.hops = u16::try_from(path.hops()).unwrap_or(u16::MAX);
        facts.clusters = u16::try_from(attributes.cluster_list().count()).unwrap_or(u16::MAX);
        let mut set = |bit: u8, value: Option<u32>| {
            facts.present |= if value.is_some() { bit } else { 0 };
            value.unwrap_or(0)
        };
        let med = set(MED, attributes.med());
        let originator = set(ORIGINATOR, attributes.originator_id().map(|id| id.0));
        let otc = set(OTC, attributes.otc().map(|asn| asn.0));
        let neighbor = set(NEIGHBOR, path.neighbor().map(|asn| asn.0));
        (facts.med, facts.originator, facts.otc, facts.neighbor) = (med, originator, otc, neighbor);
        for community in attributes.communities() {
            facts.communities |= ACTED_ON.iter().find(|(known, _)| *known == community).map_or(0, |(_, bit)| *bit);
        }
        facts
    }

    pub(crate) fn med(&self) -> Option<u32> {
        self.has(MED).then_some(self.med)
    }

    pub(crate) fn originator(&self) -> Option<BgpId> {
        self.has(ORIGINATOR).then_some(BgpId(self.originator))
    }

    pub(crate) fn otc(&self) -> Option<Asn> {
        self.has(OTC).then_some(Asn(self.otc))
    }

    /// First AS behind the confederation segments (RFC 4271 section 9.1.2.2 c).
    pub(crate) fn neighbor(&self) -> Option<Asn> {
        self.has(NEIGHBOR).then_some(Asn(self.neighbor))
    }

    /// Whether `community`, one of those the Rib acts on, is there.
    pub(crate) fn carries(&self, community: Community) -> bool {
        ACTED_ON.iter().any(|(known, bit)| *known == community && self.communities & bit != 0)
    }

    fn has(&self, bit: u8) -> bool {
        self.present & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_an_empty_block_are_the_defaults() {
        let facts = Facts::of(&Attributes::from_canonical(&[]).unwrap());
        assert_eq!((facts.local_pref, facts.origin, facts.hops), (100, 2, 0));
        assert_eq!((facts.med(), facts.originator(), facts.otc(), facts.neighbor()), (None, None, None, None));
    }

    #[test]
    fn rfc1997_well_known_communities_are_seen() {
        let block = [0xc0, 8, 8, 0xff, 0xff, 0xff, 1, 0xff, 0xff, 0, 6];
        let facts = Facts::of(&Attributes::from_canonical(&block).unwrap());
        assert!(facts.carries(Community::NO_EXPORT) && facts.carries(Community::LLGR_STALE));
        assert!(!facts.carries(Community::NO_ADVERTISE) && !facts.carries(Community::NOPEER));
    }
}

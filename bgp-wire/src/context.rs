//! What decides how the octets of a session are read and written.

use crate::frame::{MAX_LEN, MAX_LEN_EXTENDED};
use crate::reader::to_u16;
use crate::{Asn, FamilySet, Params};

/// The relation of the two speakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_enums, reason = "RFC 4271 and RFC 5065 know no other kind")]
pub enum SessionKind {
    /// Another AS.
    Ebgp,
    /// The same AS, in a confederation the same member AS.
    Ibgp,
    /// Another member AS of the same confederation (RFC 5065).
    ConfedExternal,
}

impl SessionKind {
    /// True within the AS, or within the confederation: LOCAL_PREF is exchanged (RFC 5065 section 5.1).
    #[must_use]
    pub const fn has_local_pref(self) -> bool {
        matches!(self, Self::Ibgp | Self::ConfedExternal)
    }
}

/// Everything outside a message that decides what its octets mean. No UPDATE can be decoded or packed without one.
///
/// [`negotiate`](Self::negotiate) makes it from the two OPENs; readers of recorded messages (MRT, BMP) build it with
/// [`new`](Self::new) and the `with_` methods.
///
/// ```
/// use bgp_wire::{Context, Family, SessionKind};
/// let context = Context::new(SessionKind::Ebgp).with_add_path_receive(Family::IPV4_UNICAST.into());
/// assert!(context.four_octet_as() && context.add_path_receive().contains(Family::IPV4_UNICAST));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context {
    kind: SessionKind,
    four_octet_as: bool,
    reject_as_sets: bool,
    enforce_first_as: bool,
    max_receive: u16,
    max_send: u16,
    local_as: Option<Asn>,
    peer_as: Option<Asn>,
    families: FamilySet,
    add_path_receive: FamilySet,
    add_path_send: FamilySet,
    ext_next_hop: FamilySet,
    multiple_labels: FamilySet,
}

impl Context {
    /// 4-octet AS numbers, both unicast families, messages of up to 4096 octets, nothing else.
    #[must_use]
    pub const fn new(kind: SessionKind) -> Self {
        Self {
            kind,
            four_octet_as: true,
            reject_as_sets: false,
            enforce_first_as: false,
            max_receive: 4096,
            max_send: 4096,
            local_as: None,
            peer_as: None,
            families: FamilySet::UNICAST,
            add_path_receive: FamilySet::EMPTY,
            add_path_send: FamilySet::EMPTY,
            ext_next_hop: FamilySet::EMPTY,
            multiple_labels: FamilySet::EMPTY,
        }
    }

    /// What two OPENs agree on.
    ///
    /// Families (RFC 4760), 4-octet AS (RFC 6793) and IPv6 next hops (RFC 8950) need both sides; ADD-PATH needs one to
    /// send and the other to receive (RFC 7911 section 4); the size of messages is a promise of their receiver alone
    /// (RFC 8654 section 4).
    ///
    /// ```
    /// use bgp_wire::{Asn, BgpId, Context, Params, SessionKind};
    /// let ours = Params::new(Asn(64512), BgpId(1)).with_extended_message(true);
    /// let theirs = Params::new(Asn(64513), BgpId(2));
    /// let context = Context::negotiate(&ours, &theirs, SessionKind::Ebgp);
    /// assert_eq!((context.max_receive(), context.max_send()), (65535, 4096));
    /// ```
    #[must_use]
    pub fn negotiate(local: &Params, peer: &Params, kind: SessionKind) -> Self {
        let families = local.families().intersection(peer.families());
        let limit = |extended| to_u16(if extended { MAX_LEN_EXTENDED } else { MAX_LEN });
        Self {
            kind,
            four_octet_as: local.four_octet_as() && peer.four_octet_as(),
            reject_as_sets: false,
            enforce_first_as: false,
            max_receive: limit(local.extended_message()),
            max_send: limit(peer.extended_message()),
            local_as: Some(local.asn()),
            peer_as: Some(peer.asn()),
            families,
            add_path_receive: local.add_path_receive().intersection(peer.add_path_send()).intersection(families),
            add_path_send: local.add_path_send().intersection(peer.add_path_receive()).intersection(families),
            ext_next_hop: local.ext_next_hop().intersection(peer.ext_next_hop()).intersection(families),
            multiple_labels: local.multiple_labels().intersection(peer.multiple_labels()).intersection(families),
        }
    }

    /// The relation of the two speakers.
    #[must_use]
    pub const fn kind(&self) -> SessionKind {
        self.kind
    }

    /// For this relation.
    #[must_use]
    pub const fn with_kind(mut self, kind: SessionKind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether what was received here means the same sent over a session of `other`.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_read_alike(&self, other: &Context) -> bool {
        self.four_octet_as == other.four_octet_as
            && self.families == other.families
            && self.add_path_receive == other.add_path_send
            && self.ext_next_hop == other.ext_next_hop
            && self.multiple_labels == other.multiple_labels
    }

    /// True if AS_PATH and AGGREGATOR have AS numbers of 4 octets (RFC 6793).
    #[must_use]
    pub const fn four_octet_as(&self) -> bool {
        self.four_octet_as
    }

    /// With 4-octet or 2-octet AS numbers.
    #[must_use]
    pub const fn with_four_octet_as(mut self, four_octet_as: bool) -> Self {
        self.four_octet_as = four_octet_as;
        self
    }

    /// The families of the session; routes of others are ignored.
    #[must_use]
    pub const fn families(&self) -> FamilySet {
        self.families
    }

    /// With these families.
    #[must_use]
    pub const fn with_families(mut self, families: FamilySet) -> Self {
        self.families = families;
        self
    }

    /// The families in which received NLRI have path identifiers (RFC 7911).
    #[must_use]
    pub const fn add_path_receive(&self) -> FamilySet {
        self.add_path_receive
    }

    /// With path identifiers in what is received of these families.
    #[must_use]
    pub const fn with_add_path_receive(mut self, families: FamilySet) -> Self {
        self.add_path_receive = families;
        self
    }

    /// The families in which sent NLRI have path identifiers (RFC 7911).
    #[must_use]
    pub const fn add_path_send(&self) -> FamilySet {
        self.add_path_send
    }

    /// With path identifiers in what is sent of these families.
    #[must_use]
    pub const fn with_add_path_send(mut self, families: FamilySet) -> Self {
        self.add_path_send = families;
        self
    }

    /// The families of IPv4 whose next hops may be IPv6 addresses (RFC 8950).
    #[must_use]
    pub const fn ext_next_hop(&self) -> FamilySet {
        self.ext_next_hop
    }

    /// With IPv6 next hops in these families.
    #[must_use]
    pub const fn with_ext_next_hop(mut self, families: FamilySet) -> Self {
        self.ext_next_hop = families;
        self
    }

    /// The families whose routes may have more than one label (RFC 8277 section 2.3).
    #[must_use]
    pub const fn multiple_labels(&self) -> FamilySet {
        self.multiple_labels
    }

    /// With more than one label in these families.
    #[must_use]
    pub const fn with_multiple_labels(mut self, families: FamilySet) -> Self {
        self.multiple_labels = families;
        self
    }

    /// Octets of the largest message that the peer may send, OPEN and KEEPALIVE excepted.
    #[must_use]
    pub const fn max_receive(&self) -> u16 {
        self.max_receive
    }

    /// With this limit: 4096 or 65535.
    #[must_use]
    pub const fn with_max_receive(mut self, octets: u16) -> Self {
        self.max_receive = octets;
        self
    }

    /// Octets of the largest message that we may send, OPEN and KEEPALIVE excepted.
    #[must_use]
    pub const fn max_send(&self) -> u16 {
        self.max_send
    }

    /// With this limit: 4096 or 65535.
    #[must_use]
    pub const fn with_max_send(mut self, octets: u16) -> Self {
        self.max_send = octets;
        self
    }

    /// The peer's AS number, if known.
    #[must_use]
    pub const fn peer_as(&self) -> Option<Asn> {
        self.peer_as
    }

    /// With this AS number of the peer.
    #[must_use]
    pub const fn with_peer_as(mut self, asn: Asn) -> Self {
        self.peer_as = Some(asn);
        self
    }

    /// Our AS number on this session, if known.
    #[must_use]
    pub const fn local_as(&self) -> Option<Asn> {
        self.local_as
    }

    /// With this AS number of ours.
    #[must_use]
    pub const fn with_local_as(mut self, asn: Asn) -> Self {
        self.local_as = Some(asn);
        self
    }

    /// True if a path with AS_SET or AS_CONFED_SET is treated as withdrawn (RFC 9774); off unless asked for.
    #[must_use]
    pub const fn reject_as_sets(&self) -> bool {
        self.reject_as_sets
    }

    /// With or without that rule.
    #[must_use]
    pub const fn with_reject_as_sets(mut self, reject: bool) -> Self {
        self.reject_as_sets = reject;
        self
    }

    /// True if a path from another AS must begin with the peer's AS number (RFC 4271 section 6.3); off unless asked for.
    #[must_use]
    pub const fn enforce_first_as(&self) -> bool {
        self.enforce_first_as
    }

    /// With or without that rule; it needs [`peer_as`](Self::peer_as).
    #[must_use]
    pub const fn with_enforce_first_as(mut self, enforce: bool) -> Self {
        self.enforce_first_as = enforce;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BgpId, Family};

    const V4: FamilySet = FamilySet::EMPTY.with(Family::IPV4_UNICAST);
    const V6: FamilySet = FamilySet::EMPTY.with(Family::IPV6_UNICAST);

    fn side() -> Params {
        Params::new(Asn(64512), BgpId(1))
    }

    fn both(local: Params, peer: Params) -> Context {
        Context::negotiate(&local, &peer, SessionKind::Ebgp)
    }

    #[test]
    fn rfc4760_8_families_are_those_of_both() {
        let context = both(side().with_families(FamilySet::UNICAST), side().with_families(V6));
        assert_eq!(context.families(), V6);
        assert_eq!(both(side().with_families(V6), side()).families(), FamilySet::EMPTY);
        assert_eq!(both(side(), side()).families(), V4);
    }

    #[test]
    fn rfc6793_4_octets_need_both_sides() {
        for (ours, theirs) in [(true, true), (true, false), (false, true), (false, false)] {
            let context = both(side().with_four_octet_as(ours), side().with_four_octet_as(theirs));
            assert_eq!(context.four_octet_as(), ours && theirs);
        }
        let large = Params::new(Asn(400_000), BgpId(1));
        assert_eq!((large.asn(), large.my_as(), large.four_octet_as()), (Asn(400_000), 23456, true));
    }

    #[test]
    fn rfc7911_4_one_side_sends_what_the_other_receives() {
        let set = |said: bool| if said { V4 } else { FamilySet::EMPTY };
        for bits in 0_u8..16 {
            let [ours_rx, ours_tx, theirs_rx, theirs_tx] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let ours = side().with_add_path_receive(set(ours_rx)).with_add_path_send(set(ours_tx));
            let theirs = side().with_add_path_receive(set(theirs_rx)).with_add_path_send(set(theirs_tx));
            let context = both(ours, theirs);
            assert_eq!(context.add_path_receive(), set(ours_rx && theirs_tx), "{bits}");
            assert_eq!(context.add_path_send(), set(ours_tx && theirs_rx), "{bits}");
        }
    }

    #[test]
    fn rfc7911_and_rfc8950_count_only_in_negotiated_families() {
        let all = side().with_add_path_receive(V6).with_add_path_send(V6).with_ext_next_hop(V4);
        let context = both(all.with_families(V4), all.with_families(V4));
        assert_eq!((context.add_path_receive(), context.add_path_send()), (FamilySet::EMPTY, FamilySet::EMPTY));
        assert_eq!(context.ext_next_hop(), V4);
        assert_eq!(both(all.with_families(V6), all.with_families(V6)).ext_next_hop(), FamilySet::EMPTY);
        assert_eq!(both(all, side()).ext_next_hop(), FamilySet::EMPTY);
    }

    #[test]
    fn rfc8654_4_each_receiver_promises_its_own_limit() {
        let context = both(side(), side().with_extended_message(true));
        assert_eq!((context.max_receive(), context.max_send()), (4096, 65535));
    }
}

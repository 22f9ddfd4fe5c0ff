//! What one OPEN says, in a form for negotiation.

use crate::capability::{CapabilityView, Slots};
use crate::{Asn, BgpId};

/// What one OPEN says: the fixed part and the meaning of its capabilities.
///
/// Two of them, ours and the peer's, make a [`Context`](crate::Context). Each capability adds its question and its
/// `with_` method in its own file. Unknown capabilities say nothing here.
///
/// ```
/// use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, Params, SessionKind};
/// let ours = Params::new(Asn(64512), BgpId(1)).with_families(FamilySet::UNICAST).with_four_octet_as(true);
/// let theirs = Params::new(Asn(64512), BgpId(2)); // an OPEN without capabilities
/// let context = Context::negotiate(&ours, &theirs, SessionKind::Ibgp);
/// assert_eq!(context.families(), Family::IPV4_UNICAST.into());
/// assert!(!context.four_octet_as());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    my_as: u16,
    hold_time: u16,
    bgp_id: BgpId,
    pub(crate) slots: Slots,
}

impl Params {
    /// An OPEN without capabilities and a hold time of 90 seconds. A number that does not fit into 2 octets brings the
    /// 4-octet AS capability with it.
    #[must_use]
    pub fn new(asn: Asn, bgp_id: BgpId) -> Self {
        let params = Self::of_open(asn.to_2_octets(), 90, bgp_id);
        if u16::try_from(asn.0).is_ok() { params } else { params.with_asn(asn) }
    }

    pub(crate) fn of_open(my_as: u16, hold_time: u16, bgp_id: BgpId) -> Self {
        Self { my_as, hold_time, bgp_id, slots: Slots::default() }
    }

    /// False if the capability refuses the session.
    pub(crate) fn learn(&mut self, capability: CapabilityView<'_>) -> bool {
        self.slots.learn(capability.code.0, capability.value)
    }

    /// The 2-octet AS field.
    #[must_use]
    pub const fn my_as(&self) -> u16 {
        self.my_as
    }

    pub(crate) const fn fixed_as(&self) -> Asn {
        let [high, low] = self.my_as.to_be_bytes();
        Asn(u32::from_be_bytes([0, 0, high, low]))
    }

    /// With this AS number in both places: the fixed part and the 4-octet AS capability.
    #[must_use]
    pub fn with_asn(mut self, asn: Asn) -> Self {
        self.my_as = asn.to_2_octets();
        self.slots.four_octet_as = Some(asn);
        self
    }

    /// The proposed hold time in seconds: 0 (none), or at least 3.
    #[must_use]
    pub const fn hold_time(&self) -> u16 {
        self.hold_time
    }

    /// With this hold time, in seconds.
    #[must_use]
    pub const fn with_hold_time(mut self, seconds: u16) -> Self {
        self.hold_time = seconds;
        self
    }

    /// The BGP Identifier.
    #[must_use]
    pub const fn bgp_id(&self) -> BgpId {
        self.bgp_id
    }
}

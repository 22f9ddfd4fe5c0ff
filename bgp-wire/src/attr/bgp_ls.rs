//! BGP-LS (RFC 9552 section 5.3): what is known of a node, link or prefix, as type (2 octets), length (2), value.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str;

use crate::attr::tlv::{Layout, Tlvs};
use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::reader::u32_at;
use crate::{Action, Context};

/// The BGP-LS attribute as it stands in a block.
///
/// What the accessors do not name is found by [`tlvs`](Self::tlvs); [`LsTlv`] gives each value its text.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes};
///
/// let block = AttrBuilder::new().bgp_ls(&["node-name:core 1".parse()?, "igp-metric:10".parse()?]).build()?;
/// let link_state = Attributes::from_canonical(&block)?.bgp_ls().unwrap_or_default();
/// assert_eq!((link_state.node_name(), link_state.igp_metric()), (Some("core 1"), Some(10)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct BgpLs<'a>(&'a [u8]);

impl<'a> BgpLs<'a> {
    /// Everything that is in it; of types that may occur once, the first counts.
    #[must_use]
    pub fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(Layout::Long, self.0)
    }

    /// The name of the node (section 5.3.1.3), if it is UTF-8.
    #[must_use]
    pub fn node_name(&self) -> Option<&'a str> {
        str::from_utf8(self.tlvs().find(1026)?).ok()
    }

    /// The name of the link (section 5.3.2.7), if it is UTF-8.
    #[must_use]
    pub fn link_name(&self) -> Option<&'a str> {
        str::from_utf8(self.tlvs().find(1098)?).ok()
    }

    /// The router identifiers of the node or the local end of the link (section 5.3.1.4).
    pub fn router_ids(&self) -> impl Iterator<Item = IpAddr> + 'a {
        self.tlvs().filter(|tlv| matches!(tlv.ty, 1028 | 1029)).filter_map(|tlv| address(tlv.value))
    }

    /// The router identifiers of the remote end of the link (section 5.3.2).
    pub fn remote_router_ids(&self) -> impl Iterator<Item = IpAddr> + 'a {
        self.tlvs().filter(|tlv| matches!(tlv.ty, 1030 | 1031)).filter_map(|tlv| address(tlv.value))
    }

    /// The metric of the link in the IGP: of 1 octet, 2 or 3 (section 5.3.2.4).
    #[must_use]
    pub fn igp_metric(&self) -> Option<u32> {
        match self.tlvs().find(1095)? {
            [a] => Some(u32::from(*a)),
            [a, b] => Some(u32::from_be_bytes([0, 0, *a, *b])),
            [a, b, c] => Some(u32::from_be_bytes([0, *a, *b, *c])),
            _ => None,
        }
    }

    /// The metric of the link for traffic engineering (section 5.3.2.3).
    #[must_use]
    pub fn te_metric(&self) -> Option<u32> {
        self.number(1092)
    }

    /// The metric of the prefix (section 5.3.3.4).
    #[must_use]
    pub fn prefix_metric(&self) -> Option<u32> {
        self.number(1155)
    }

    /// The administrative groups of the link as bits (section 5.3.2).
    #[must_use]
    pub fn admin_group(&self) -> Option<u32> {
        self.number(1088)
    }

    /// The bandwidth of the link in octets per second (section 5.3.2).
    #[must_use]
    pub fn max_bandwidth(&self) -> Option<f32> {
        self.number(1089).map(f32::from_bits)
    }

    /// The bandwidth that may be reserved, in octets per second (section 5.3.2).
    #[must_use]
    pub fn max_reservable_bandwidth(&self) -> Option<f32> {
        self.number(1090).map(f32::from_bits)
    }

    /// The bandwidth that is not yet reserved at each of 8 priorities, in octets per second (section 5.3.2).
    pub fn unreserved_bandwidth(&self) -> impl Iterator<Item = f32> + 'a {
        self.numbers(1091).map(f32::from_bits)
    }

    /// The shared risk link groups (section 5.3.2.5).
    pub fn srlgs(&self) -> impl Iterator<Item = u32> + 'a {
        self.numbers(1096)
    }

    fn number(&self, ty: u16) -> Option<u32> {
        u32_at(self.tlvs().find(ty).filter(|value| value.len() == 4)?, 0)
    }

    fn numbers(&self, ty: u16) -> impl Iterator<Item = u32> + 'a {
        self.tlvs().find(ty).unwrap_or_default().as_chunks::<4>().0.iter().map(|octets| u32::from_be_bytes(*octets))
    }
}

impl Attribute for BgpLs<'_> {
    const LENGTH: Length = Length::Any;
    // RFC 9552 section 8.2.2.
    const MALFORMED: Action = Action::AttributeDiscard;

    // RFC 9552 section 8.2.2: lengths that add up; what the values mean is not a propagator's to judge.
    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        if BgpLs(value).tlvs().all_whole(|_| true) { Ok(()) } else { Err(AttrProblem::Syntax) }
    }
}

impl<'a> Attributes<'a> {
    /// The BGP-LS attribute.
    #[must_use]
    pub fn bgp_ls(&self) -> Option<BgpLs<'a>> {
        self.value::<BgpLs<'_>>().map(BgpLs)
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => u32_at(octets, 0).map(|bits| Ipv4Addr::from_bits(bits).into()),
        16 => octets.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

#[cfg(feature = "alloc")]
mod owned;
#[cfg(feature = "alloc")]
pub use self::owned::LsTlv;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionKind;

    #[test]
    fn rfc9552_8_2_2_lengths_that_do_not_add_up_are_malformed() {
        let check = |value: &[u8]| BgpLs::check(value, &Context::new(SessionKind::Ibgp)).is_ok();
        // A value of another length than its type has is no error of the attribute.
        for good in [&[][..], &[4, 2, 0, 1, b'x'], &[0xff, 0xff, 0, 0], &[4, 0x47, 0, 5, 1, 2, 3, 4, 5]] {
            assert!(check(good), "{good:?}");
        }
        for bad in [&[4][..], &[4, 2, 0], &[4, 2, 0, 2, b'x'], &[4, 2, 0, 0, 0], &[4, 2, 0xff, 0xff]] {
            assert!(!check(bad), "{bad:?}");
        }
    }

    #[test]
    fn rfc9552_5_3_2_4_the_metric_of_a_link_has_one_to_three_octets() {
        for (value, metric) in [
            (&[4, 0x47, 0, 1, 9][..], Some(9)),
            (&[4, 0x47, 0, 2, 1, 0], Some(256)),
            (&[4, 0x47, 0, 3, 1, 0, 0], Some(65536)),
            (&[4, 0x47, 0, 4, 0, 1, 0, 0], None),
        ] {
            assert_eq!(BgpLs(value).igp_metric(), metric);
        }
    }
}

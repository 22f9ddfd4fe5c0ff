//! EXTENDED_COMMUNITIES values (RFC 4360), their kinds as a table, and their text.

mod value;

pub use self::value::{ExtAdmin, ExtValue, OriginValidation};

use core::fmt;
use core::str::FromStr;

use self::value::Form;
use super::{ERROR, hexadecimal, write_hexadecimal};
use crate::ParseError;
use crate::registry::text_form;

/// An extended community: 8 octets, type and sub-type first.
///
/// Text is the name of the kind and what it says: `rt:64512:100`, `link-bandwidth:64512:1250000000`, `router-mac:MAC`; the
/// forms are those of [`ExtValue`]. A 4-octet AS number that would fit 2 octets ends in `L`, so that the octets can be read
/// back. What has no kind here, or says something that the kind's form cannot, is `0x` and 16 hexadecimal digits.
///
/// ```
/// use bgp_wire::community::ext::{ExtAdmin, ExtCommunity, ExtValue};
///
/// let target: ExtCommunity = "rt:64512:100".parse()?;
/// assert_eq!(target.0, [0x00, 0x02, 0xfc, 0x00, 0, 0, 0, 100]);
/// assert_eq!((target.name(), target.is_route_target()), (Some("rt"), true));
/// assert_eq!(target.value(), Some(ExtValue::Assigned { admin: ExtAdmin::As2(64512), number: 100 }));
/// assert_eq!(ExtCommunity([0x03, 0x0c, 0, 0, 0, 0, 0, 8]).to_string(), "encapsulation:8");
/// assert_eq!(ExtCommunity([0x83, 0x0c, 0, 0, 0, 0, 0, 8]).to_string(), "0x830c000000000008");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ExtCommunity(pub [u8; 8]);

impl ExtCommunity {
    /// A route target (RFC 4360 section 4). Of the number, 2 octets count where the administrator has 4.
    ///
    /// ```
    /// use bgp_wire::community::ext::{ExtAdmin, ExtCommunity};
    /// let target = ExtCommunity::route_target(ExtAdmin::Ipv4([192, 0, 2, 1].into()), 7);
    /// assert_eq!(target.to_string(), "rt:192.0.2.1:7");
    /// ```
    #[must_use]
    pub fn route_target(admin: ExtAdmin, number: u32) -> ExtCommunity {
        ExtCommunity::assigned(0x02, admin, number)
    }

    /// A route origin (RFC 4360 section 5). Of the number, 2 octets count where the administrator has 4.
    ///
    /// ```
    /// use bgp_wire::community::ext::{ExtAdmin, ExtCommunity};
    /// assert_eq!(ExtCommunity::route_origin(ExtAdmin::As4(7), 1).to_string(), "soo:7L:1");
    /// ```
    #[must_use]
    pub fn route_origin(admin: ExtAdmin, number: u32) -> ExtCommunity {
        ExtCommunity::assigned(0x03, admin, number)
    }

    /// Link bandwidth in octets per second (RFC 10005); `transitive`: the form that other ASes are sent.
    ///
    /// ```
    /// use bgp_wire::community::ext::ExtCommunity;
    /// assert_eq!(ExtCommunity::link_bandwidth(64512, 1.25e9, false).to_string(), "link-bandwidth:64512:1250000000");
    /// ```
    #[must_use]
    pub fn link_bandwidth(asn: u16, octets_per_second: f32, transitive: bool) -> ExtCommunity {
        let value = ExtValue::Rate { asn, rate: octets_per_second };
        ExtCommunity::with(if transitive { 0x00 } else { 0x40 }, 0x04, value)
    }

    /// Type and sub-type, with the bits of RFC 4360 section 2.
    #[must_use]
    pub const fn kind(self) -> (u8, u8) {
        (self.0[0], self.0[1])
    }

    /// The name of its kind.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(_, _, name, _)| *name)
    }

    /// What it says; `None`: it has no kind here, or does not have the form of its kind.
    #[must_use]
    pub fn value(self) -> Option<ExtValue> {
        let (_, _, _, form) = self.row()?;
        form.decode(self.octets())
    }

    /// Whether the community is passed on to other ASes (RFC 4360 section 2: the T bit is clear).
    #[must_use]
    pub fn is_transitive(self) -> bool {
        self.0[0] & 0x40 == 0
    }

    /// Whether it is a route target, of whatever administrator (RFC 4360 section 4).
    #[must_use]
    pub fn is_route_target(self) -> bool {
        matches!(self.kind(), (0..=2, 0x02))
    }

    fn with(ty: u8, sub: u8, value: ExtValue) -> ExtCommunity {
        let [a, b, c, d, e, f] = value.encode();
        ExtCommunity([ty, sub, a, b, c, d, e, f])
    }

    fn assigned(sub: u8, admin: ExtAdmin, number: u32) -> ExtCommunity {
        let ty = match admin {
            ExtAdmin::As2(_) => 0x00,
            ExtAdmin::Ipv4(_) => 0x01,
            ExtAdmin::As4(_) => 0x02,
        };
        ExtCommunity::with(ty, sub, ExtValue::Assigned { admin, number })
    }

    fn row(self) -> Option<&'static Row> {
        KINDS.iter().find(|(ty, sub, _, _)| (*ty, *sub) == self.kind())
    }

    fn octets(self) -> [u8; 6] {
        let [_, _, octets @ ..] = self.0;
        octets
    }
}

impl From<[u8; 8]> for ExtCommunity {
    fn from(octets: [u8; 8]) -> ExtCommunity {
        ExtCommunity(octets)
    }
}

impl fmt::Display for ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name().zip(self.value()) {
            Some((name, ExtValue::Nothing)) => f.write_str(name),
            Some((name, value)) => write!(f, "{name}:{value}"),
            None => write_hexadecimal(&self.0, f),
        }
    }
}

impl FromStr for ExtCommunity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<ExtCommunity, ParseError> {
        if text.starts_with("0x") {
            return hexadecimal(text).map(ExtCommunity);
        }
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let rows = KINDS.iter().filter(|(_, _, known, _)| *known == name);
        rows.filter_map(|(ty, sub, _, form)| Some(ExtCommunity::with(*ty, *sub, form.parse(rest)?))).next().ok_or(ERROR)
    }
}

text_form!(ExtCommunity);

type Row = (u8, u8, &'static str, Form);

/// Type, sub-type, name, form: the kinds that have a text, in the order of their numbers.
const KINDS: &[Row] = &[
    // Two-octet AS specific, RFC 4360 section 3.1.
    (0x00, 0x02, "rt", Form::As2),
    (0x00, 0x03, "soo", Form::As2),
    // RFC 10005.
    (0x00, 0x04, "link-bandwidth-transitive", Form::Rate),
    // RFC 4577 section 4.2.4.
    (0x00, 0x05, "ospf-domain-id", Form::As2),
    // RFC 4384.
    (0x00, 0x08, "data-collection", Form::As2),
    // RFC 6514 section 6.
    (0x00, 0x09, "source-as", Form::As2),
    // RFC 6074 section 3.2.2.
    (0x00, 0x0a, "l2vpn-id", Form::As2),
    // IPv4 address specific, RFC 4360 section 3.2.
    (0x01, 0x02, "rt", Form::Ipv4),
    (0x01, 0x03, "soo", Form::Ipv4),
    (0x01, 0x05, "ospf-domain-id", Form::Ipv4),
    (0x01, 0x07, "ospf-router-id", Form::Ipv4),
    (0x01, 0x0a, "l2vpn-id", Form::Ipv4),
    // RFC 6514 section 7.
    (0x01, 0x0b, "vrf-route-import", Form::Ipv4),
    // draft-ietf-idr-flowspec-redirect-ip: bit 0 of the number asks for a copy.
    (0x01, 0x0c, "redirect-to-ip", Form::Ipv4),
    // Four-octet AS specific, RFC 5668.
    (0x02, 0x02, "rt", Form::As4),
    (0x02, 0x03, "soo", Form::As4),
    (0x02, 0x05, "ospf-domain-id", Form::As4),
    (0x02, 0x09, "source-as", Form::As4),
    // Opaque, RFC 4360 section 3.3.
    // RFC 4577 section 4.2.6.
    (0x03, 0x06, "ospf-route-type", Form::OspfRouteType),
    // RFC 9012 section 4.3 and 4.1.
    (0x03, 0x0b, "color", Form::Color),
    (0x03, 0x0c, "encapsulation", Form::Last2),
    // RFC 7432 section 7.8.
    (0x03, 0x0d, "default-gateway", Form::Nothing),
    // EVPN, RFC 7432 sections 7.7, 7.5, 7.6.
    (0x06, 0x00, "mac-mobility", Form::MacMobility),
    (0x06, 0x01, "esi-label", Form::EsiLabel),
    (0x06, 0x02, "es-import", Form::Mac),
    // RFC 9135 section 8.1.
    (0x06, 0x03, "router-mac", Form::Mac),
    // RFC 8214 section 3.1.
    (0x06, 0x04, "l2-attributes", Form::L2Attributes),
    // RFC 8584 section 2.2, RFC 9785 section 3.
    (0x06, 0x06, "df-election", Form::DfElection),
    // Non-transitive.
    (0x40, 0x04, "link-bandwidth", Form::Rate),
    // RFC 8097 section 2.
    (0x43, 0x00, "origin-validation", Form::OriginValidation),
    // Actions of flow specifications, RFC 8955 section 7.
    (0x80, 0x06, "traffic-rate-bytes", Form::Rate),
    (0x80, 0x07, "traffic-action", Form::TrafficAction),
    (0x80, 0x08, "redirect", Form::As2),
    (0x80, 0x09, "traffic-marking", Form::Last1),
    (0x80, 0x0c, "traffic-rate-packets", Form::Rate),
    (0x81, 0x08, "redirect", Form::Ipv4),
    (0x82, 0x08, "redirect", Form::As4),
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_kind_stands_once_and_in_order() {
        assert!(KINDS.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
    }

    #[test]
    fn rfc4360_text_is_read_back() {
        for (octets, text) in [
            ([0, 2, 0xfc, 0, 0, 1, 0, 0], "rt:64512:65536"),
            ([1, 3, 10, 0, 0, 1, 0, 7], "soo:10.0.0.1:7"),
            ([2, 2, 0xfa, 0x56, 0xea, 0, 0, 1], "rt:4200000000:1"),
            ([2, 2, 0, 0, 0xfc, 0, 0, 1], "rt:64512L:1"),
            ([0x40, 2, 0, 1, 0, 0, 0, 1], "0x4002000100000001"),
            ([0x40, 4, 0xfc, 0, 0x4e, 0x95, 0x02, 0xf9], "link-bandwidth:64512:1250000000"),
            ([0x00, 4, 0x5b, 0xa0, 0, 0, 0, 0], "link-bandwidth-transitive:23456:0"),
            ([0x03, 0x06, 0, 0, 0, 1, 5, 1], "ospf-route-type:0.0.0.1:5:1"),
            ([0x03, 0x0b, 0, 0, 0, 0, 0, 100], "color:100"),
            ([0x03, 0x0b, 0x40, 0, 0, 0, 0, 100], "color:100:0x4000"),
            ([0x03, 0x0d, 0, 0, 0, 0, 0, 0], "default-gateway"),
            ([0x03, 0x0d, 0, 0, 0, 0, 0, 1], "0x030d000000000001"),
            ([0x06, 0x00, 1, 0, 0, 0, 0, 9], "mac-mobility:9:sticky"),
            ([0x06, 0x00, 0, 0, 0, 0, 0, 9], "mac-mobility:9"),
            ([0x06, 0x01, 1, 0, 0, 0, 0x27, 0x10], "esi-label:10000:0x01"),
            ([0x06, 0x02, 0, 0x11, 0x22, 0x33, 0x44, 0xff], "es-import:00:11:22:33:44:ff"),
            ([0x06, 0x03, 0, 0, 0, 0, 0, 1], "router-mac:00:00:00:00:00:01"),
            ([0x06, 0x04, 0, 2, 0x05, 0xdc, 0, 0], "l2-attributes:1500:0x0002"),
            ([0x06, 0x06, 2, 0x40, 0, 0, 0x7f, 0xff], "df-election:2:0x4000:32767"),
            ([0x43, 0x00, 0, 0, 0, 0, 0, 2], "origin-validation:invalid"),
            ([0x80, 0x06, 0, 0, 0, 0, 0, 0], "traffic-rate-bytes:0:0"),
            ([0x80, 0x07, 0, 0, 0, 0, 0, 3], "traffic-action:0x03"),
            ([0x80, 0x09, 0, 0, 0, 0, 0, 46], "traffic-marking:46"),
            ([0x81, 0x08, 192, 0, 2, 1, 0, 7], "redirect:192.0.2.1:7"),
            ([0x08, 0x00, 0, 0, 0, 0, 0, 0], "0x0800000000000000"),
        ] {
            assert_eq!(ExtCommunity(octets).to_string(), text);
            assert_eq!(text.parse(), Ok(ExtCommunity(octets)));
        }
        assert!(ExtCommunity([0; 8]).is_transitive());
        assert!(!ExtCommunity([0x40; 8]).is_transitive());
    }

    #[test]
    fn rfc4360_text_that_is_no_community_is_an_error() {
        for text in [
            "",
            "rt",
            "rt:1",
            "rt:1:2:3",
            "xx:1:2",
            "rt:65536:65536",
            "rt:10.0.0.1:65536",
            "0x12",
            "0xzz",
            "default-gateway:1",
            "es-import:0:1",
            "color:x",
            "origin-validation:maybe",
            "traffic-marking:256",
            "mac-mobility:1:firm",
            "link-bandwidth:1:fast",
            "link-bandwidth:65536:1",
        ] {
            assert_eq!(text.parse::<ExtCommunity>(), Err(ERROR), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn rfc4360_every_text_is_read_back(
            row in 0..KINDS.len() + 1,
            random: [u8; 8],
            zeros in proptest::num::u8::ANY,
        ) {
            let (ty, sub) = KINDS.get(row).map_or((random[0], random[1]), |row| (row.0, row.1));
            let mut octets = random;
            (octets[0], octets[1]) = (ty, sub);
            // Reserved octets are mostly 0.
            (0..6).filter(|bit| zeros >> bit & 1 == 1).for_each(|at| octets[2 + at] = 0);
            let community = ExtCommunity(octets);
            proptest::prop_assert_eq!(community.to_string().parse(), Ok(community));
        }
    }
}

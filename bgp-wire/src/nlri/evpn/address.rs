//! What the routes of Ethernet VPNs are made of: MAC addresses, Ethernet segment identifiers, label fields.

use core::fmt;
use core::str::FromStr;

use crate::ParseError;
use crate::nlri::Label;

/// A MAC address; text is `00:00:5e:00:53:01`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "IEEE 802 addresses have 6 octets")]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_colons(&self.0, f)
    }
}

impl FromStr for MacAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<MacAddress, ParseError> {
        read_colons(text).map(MacAddress).ok_or(ParseError::new("MAC address"))
    }
}

/// An Ethernet segment identifier (RFC 7432 section 5): type (1 octet) and value (9).
///
/// Text is the ten octets with colons between them, or `0` for no segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 7432 section 5 has these fields")]
pub struct EthernetSegmentId(pub [u8; 10]);

impl EthernetSegmentId {
    /// A site with one link: no segment.
    pub const ZERO: EthernetSegmentId = EthernetSegmentId([0; 10]);
    /// Reserved (RFC 7432 section 5).
    pub const MAX: EthernetSegmentId = EthernetSegmentId([0xff; 10]);
}

impl fmt::Display for EthernetSegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ZERO { f.write_str("0") } else { write_colons(&self.0, f) }
    }
}

impl FromStr for EthernetSegmentId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<EthernetSegmentId, ParseError> {
        if text == "0" {
            return Ok(Self::ZERO);
        }
        read_colons(text).map(EthernetSegmentId).ok_or(ParseError::new("Ethernet segment identifier"))
    }
}

/// The label field of a route: an MPLS label in its upper 20 bits, or a VNI in all 24 (RFC 8365 section 5.1.3), as the
/// encapsulation says. Text is the number of all 24 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelField(u32);

impl LabelField {
    /// With a VNI; `None` above 16777215.
    #[must_use]
    pub const fn of_vni(vni: u32) -> Option<LabelField> {
        if vni < 1 << 24 { Some(LabelField(vni)) } else { None }
    }

    /// With an MPLS label, which is the last one.
    #[must_use]
    pub const fn of_label(label: Label) -> LabelField {
        LabelField(label.number() << 4 | 1)
    }

    /// All 24 bits.
    #[must_use]
    pub const fn vni(self) -> u32 {
        self.0
    }

    /// The upper 20 bits.
    #[must_use]
    pub fn label(self) -> Label {
        Label::new(self.0 >> 4).unwrap_or_default()
    }

    /// The octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 3] {
        let [_, high, middle, low] = self.0.to_be_bytes();
        [high, middle, low]
    }
}

impl From<[u8; 3]> for LabelField {
    fn from([high, middle, low]: [u8; 3]) -> LabelField {
        LabelField(u32::from_be_bytes([0, high, middle, low]))
    }
}

impl fmt::Display for LabelField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LabelField {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<LabelField, ParseError> {
        text.parse().ok().and_then(LabelField::of_vni).ok_or(ParseError::new("label"))
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for LabelField {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u.arbitrary::<[u8; 3]>().map(LabelField::from)
    }
}

fn write_colons(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().enumerate().try_for_each(|(at, octet)| {
        let colon = if at == 0 { "" } else { ":" };
        write!(f, "{colon}{octet:02x}")
    })
}

fn read_colons<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let mut parts = text.split(':');
    for octet in &mut octets {
        let part = parts.next().filter(|part| matches!(part.len(), 1 | 2) && !part.starts_with('+'))?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    if parts.next().is_none() { Some(octets) } else { None }
}

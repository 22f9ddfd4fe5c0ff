//! Tunnels that own what is said of them, their text, and the builder.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use super::{COLOR, ENDPOINT, Endpoint, Tunnel, TunnelEncapsulation, TunnelType, UDP_PORT, read_endpoint};
use crate::attr::tlv::{Layout, Tlv, hexadecimal, parse_text, write, write_joined, write_text};
use crate::attr::AttrBuilder;
use crate::reader::{u16_at, u32_at};
use crate::registry::text_form;
use crate::{AttrType, ParseError};

/// A tunnel that owns what is said of it. Text is the type and the sub-TLVs, a blank before each.
///
/// ```
/// use bgp_wire::attr::tunnel_encapsulation::TunnelBuf;
///
/// let tunnel: TunnelBuf = "mpls-in-udp endpoint:2001:db8::1 port:6635".parse()?;
/// assert_eq!(tunnel.to_string(), "mpls-in-udp endpoint:2001:db8::1 port:6635");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[expect(clippy::exhaustive_structs, reason = "RFC 9012 section 2: a type and sub-TLVs")]
pub struct TunnelBuf {
    /// What kind of tunnel.
    pub ty: TunnelType,
    /// What is said of it.
    pub sub_tlvs: Vec<SubTlv>,
}

/// What is said of a tunnel (RFC 9012 section 3).
///
/// Text is `endpoint:ADDRESS` or `endpoint:next-hop`, `color:N`, `protocol:0xNNNN`, `ds-field:N`, `port:N`,
/// `embedded-label:N`, or `tlv:TYPE:0xHEX`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum SubTlv {
    /// Where it ends (section 3.1): an address, or `None` for the next hop of the route.
    Endpoint(Option<IpAddr>),
    /// The payload as an ethertype (section 3.4.1).
    Protocol(u16),
    /// The color of routes that may use it (section 3.4.2).
    Color(u32),
    /// The DS field of the outer header (section 3.3.1).
    DsField(u8),
    /// The port that encapsulated packets go to (section 3.3.2).
    UdpPort(u16),
    /// What becomes of a label in the NLRI (section 3.5).
    EmbeddedLabel(u8),
    /// Any other type, and a known one in another form.
    Unknown {
        /// The type.
        ty: u8,
        /// The value, at most 255 octets where the type is below 128.
        value: Vec<u8>,
    },
}

impl SubTlv {
    fn ty(&self) -> u16 {
        match self {
            SubTlv::Endpoint(_) => ENDPOINT,
            SubTlv::Protocol(_) => PROTOCOL,
            SubTlv::Color(_) => COLOR,
            SubTlv::DsField(_) => DS_FIELD,
            SubTlv::UdpPort(_) => UDP_PORT,
            SubTlv::EmbeddedLabel(_) => EMBEDDED_LABEL,
            SubTlv::Unknown { ty, .. } => u16::from(*ty),
        }
    }

    fn value(&self) -> Vec<u8> {
        match self {
            SubTlv::Endpoint(None) => [0; 6].into(),
            SubTlv::Endpoint(Some(IpAddr::V4(address))) => [&[0, 0, 0, 0, 0, 1][..], &address.octets()].concat(),
            SubTlv::Endpoint(Some(IpAddr::V6(address))) => [&[0, 0, 0, 0, 0, 2][..], &address.octets()].concat(),
            SubTlv::Protocol(number) | SubTlv::UdpPort(number) => number.to_be_bytes().into(),
            SubTlv::Color(color) => [&[3, 0x0b, 0, 0][..], &color.to_be_bytes()].concat(),
            SubTlv::DsField(octet) | SubTlv::EmbeddedLabel(octet) => [*octet].into(),
            SubTlv::Unknown { value, .. } => value.clone(),
        }
    }
}

impl From<Tlv<'_>> for SubTlv {
    fn from(Tlv { ty, value }: Tlv<'_>) -> SubTlv {
        let typed = match ty {
            ENDPOINT => read_endpoint(value).map(|endpoint| {
                SubTlv::Endpoint(match endpoint {
                    Endpoint::NextHop => None,
                    Endpoint::Address(address) => Some(address),
                })
            }),
            PROTOCOL => u16_at(value, 0).map(SubTlv::Protocol),
            COLOR => u32_at(value, 4).map(SubTlv::Color),
            DS_FIELD => value.first().copied().map(SubTlv::DsField),
            UDP_PORT => u16_at(value, 0).map(SubTlv::UdpPort),
            EMBEDDED_LABEL => value.first().copied().map(SubTlv::EmbeddedLabel),
            _ => None,
        };
        // Whatever the variants cannot say is kept as octets.
        typed
            .filter(|typed| typed.value() == value)
            .unwrap_or_else(|| SubTlv::Unknown { ty: ty.to_be_bytes()[1], value: value.into() })
    }
}

impl From<Tunnel<'_>> for TunnelBuf {
    fn from(tunnel: Tunnel<'_>) -> TunnelBuf {
        TunnelBuf { ty: tunnel.ty, sub_tlvs: tunnel.sub_tlvs.map(SubTlv::from).collect() }
    }
}

impl fmt::Display for SubTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubTlv::Endpoint(None) => f.write_str("endpoint:next-hop"),
            SubTlv::Endpoint(Some(address)) => write!(f, "endpoint:{address}"),
            SubTlv::Protocol(ethertype) => write!(f, "protocol:{ethertype:#06x}"),
            SubTlv::Color(color) => write!(f, "color:{color}"),
            SubTlv::DsField(octet) => write!(f, "ds-field:{octet}"),
            SubTlv::UdpPort(port) => write!(f, "port:{port}"),
            SubTlv::EmbeddedLabel(octet) => write!(f, "embedded-label:{octet}"),
            SubTlv::Unknown { ty, value } => write_text(u16::from(*ty), value, f),
        }
    }
}

impl FromStr for SubTlv {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<SubTlv, ParseError> {
        let read = || match text.split_once(':')? {
            ("endpoint", "next-hop") => Some(SubTlv::Endpoint(None)),
            ("endpoint", address) => Some(SubTlv::Endpoint(Some(address.parse().ok()?))),
            ("protocol", ethertype) => Some(SubTlv::Protocol(u16::try_from(hexadecimal(ethertype)?).ok()?)),
            ("color", color) => Some(SubTlv::Color(color.parse().ok()?)),
            ("ds-field", octet) => Some(SubTlv::DsField(octet.parse().ok()?)),
            ("port", port) => Some(SubTlv::UdpPort(port.parse().ok()?)),
            ("embedded-label", octet) => Some(SubTlv::EmbeddedLabel(octet.parse().ok()?)),
            ("tlv", rest) => {
                let (ty, value) = parse_text(rest)?;
                Some(SubTlv::Unknown { ty: u8::try_from(ty).ok()?, value })
            }
            _ => None,
        };
        read().ok_or(ParseError::new("tunnel sub-TLV"))
    }
}

impl fmt::Display for TunnelBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty)?;
        self.sub_tlvs.iter().try_for_each(|sub| write!(f, " {sub}"))
    }
}

impl FromStr for TunnelBuf {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<TunnelBuf, ParseError> {
        let mut words = text.split(' ');
        let ty = words.next().unwrap_or_default().parse()?;
        Ok(TunnelBuf { ty, sub_tlvs: words.map(str::parse).collect::<Result<_, _>>()? })
    }
}

text_form!(TunnelBuf);

/// All tunnels, those with a malformed endpoint included, with ` | ` between them.
impl fmt::Display for TunnelEncapsulation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, tlv) in self.tlvs().enumerate() {
            f.write_str(if place == 0 { "" } else { " | " })?;
            let tunnel = Tunnel::new(tlv);
            write!(f, "{}", tunnel.ty)?;
            if !tunnel.sub_tlvs.as_bytes().is_empty() {
                f.write_str(" ")?;
            }
            write_joined(tunnel.sub_tlvs.map(SubTlv::from), ' ', f)?;
        }
        Ok(())
    }
}

impl AttrBuilder {
    /// Tunnel Encapsulation.
    pub fn tunnel_encapsulation(self, tunnels: &[TunnelBuf]) -> AttrBuilder {
        let mut octets = Vec::new();
        for TunnelBuf { ty, sub_tlvs } in tunnels {
            let mut value = Vec::new();
            sub_tlvs.iter().for_each(|sub| write(Layout::Sub, sub.ty(), &sub.value(), &mut value));
            write(Layout::Long, ty.0, &value, &mut octets);
        }
        self.with(AttrType::TUNNEL_ENCAPSULATION, octets)
    }
}

#[cfg(feature = "serde")]
impl crate::attr::text::Text for TunnelEncapsulation<'_> {
    type Form = Vec<TunnelBuf>;

    fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Self::Form> {
        Some(attributes.tunnel_encapsulation()?.tlvs().map(|tlv| Tunnel::new(tlv).into()).collect())
    }

    fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
        builder.tunnel_encapsulation(&form)
    }
}

// Sub-TLVs that only this file reads, RFC 9012 section 15.3.
const PROTOCOL: u16 = 2;
const DS_FIELD: u16 = 7;
const EMBEDDED_LABEL: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc9012_3_text_is_read_back() {
        for text in [
            "bare",
            "vxlan endpoint:next-hop",
            "gre endpoint:192.0.2.1 endpoint:2001:db8::1 protocol:0x0800 color:4294967295",
            "65535 ds-field:46 port:6635 embedded-label:2 tlv:1:0x00 tlv:255:0x",
        ] {
            let tunnel: TunnelBuf = text.parse().unwrap();
            assert_eq!(tunnel.to_string(), text);
            for sub in &tunnel.sub_tlvs {
                assert_eq!(&SubTlv::from(Tlv { ty: sub.ty(), value: &sub.value() }), sub);
            }
        }
        for text in ["", "bare ", "x", "vxlan color:x", "vxlan tlv:256:0x", "vxlan endpoint:", "vxlan  port:1"] {
            assert!(text.parse::<TunnelBuf>().is_err(), "{text}");
        }
    }
}

//! PMSI Tunnel (RFC 6514 section 5): flags (1 octet), tunnel type (1), label (3), tunnel identifier.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::attr::{Attribute, Attributes, Length};
use crate::error::AttrProblem;
use crate::reader::{Reader, u32_at};
use crate::registry::numbers;
use crate::Context;

numbers! {
    /// What kind of tunnel carries the traffic (RFC 6514, RFC 7385), without the Composite bit of RFC 8317.
    pub struct PmsiTunnelType(u8) "PMSI tunnel type" {
        0 => NONE "none",
        1 => RSVP_TE_P2MP "rsvp-te-p2mp",
        2 => MLDP_P2MP "mldp-p2mp",
        3 => PIM_SSM "pim-ssm",
        4 => PIM_SM "pim-sm",
        5 => BIDIR_PIM "bidir-pim",
        6 => INGRESS_REPLICATION "ingress-replication",
        7 => MLDP_MP2MP "mldp-mp2mp",
        8 => TRANSPORT_TUNNEL "transport-tunnel",
        9 => ASSISTED_REPLICATION "assisted-replication",
        10 => BIER "bier",
        11 => SR_MPLS_P2MP "sr-mpls-p2mp",
        12 => SRV6_P2MP "srv6-p2mp",
    }
}

/// PMSI Tunnel as it stands in a block.
///
/// Text is `TYPE label:N [flags:0xHH] [composite:N] [IDENTIFIER]`, where the label has all 24 bits.
///
/// ```
/// use bgp_wire::attr::{AttrBuilder, Attributes, pmsi_tunnel::PmsiTunnelType};
/// use std::net::Ipv4Addr;
///
/// let value = [0, 6, 0, 0x27, 0x10, 10, 0, 0, 1];
/// let block = AttrBuilder::new().pmsi_tunnel(&value).build()?;
/// let tunnel = Attributes::from_canonical(&block)?.pmsi_tunnel().unwrap_or_default();
/// assert_eq!(tunnel.ty(), PmsiTunnelType::INGRESS_REPLICATION);
/// assert_eq!((tunnel.vni(), tunnel.endpoint()), (10_000, Some(Ipv4Addr::new(10, 0, 0, 1).into())));
/// assert_eq!(tunnel.to_string(), "ingress-replication label:10000 10.0.0.1");
/// # Ok::<(), bgp_wire::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PmsiTunnel<'a> {
    flags: u8,
    ty: u8,
    label: [u8; 3],
    composite: Option<[u8; 3]>,
    identifier: &'a [u8],
}

/// No tunnel.
impl Default for PmsiTunnel<'_> {
    fn default() -> Self {
        PmsiTunnel { flags: 0, ty: 0, label: [0; 3], composite: None, identifier: &[] }
    }
}

impl<'a> PmsiTunnel<'a> {
    /// `None`: malformed.
    fn split(value: &'a [u8]) -> Option<PmsiTunnel<'a>> {
        let mut reader = Reader::new(value);
        let (flags, ty, label) = (reader.u8()?, reader.u8()?, reader.array()?);
        // RFC 8317 section 8.2.2: the label for ingress replication stands before the identifier.
        let composite = if ty & COMPOSITE == 0 { None } else { Some(reader.array()?) };
        Some(PmsiTunnel { flags, ty: ty & !COMPOSITE, label, composite, identifier: reader.rest() })
    }

    /// The flags octet.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether leaves are asked to say that they are there (RFC 6514 section 5).
    #[must_use]
    pub fn leaf_information_required(&self) -> bool {
        self.flags & 1 != 0
    }

    /// What kind of tunnel.
    #[must_use]
    pub fn ty(&self) -> PmsiTunnelType {
        PmsiTunnelType(self.ty)
    }

    /// The MPLS label: the high 20 bits of the label field; 0 for none.
    #[must_use]
    pub fn label(&self) -> u32 {
        self.vni() >> 4
    }

    /// The label field as a VNI of 24 bits (RFC 8365 section 5.1.3).
    #[must_use]
    pub fn vni(&self) -> u32 {
        widen(self.label)
    }

    /// Of a composite tunnel (RFC 8317 section 8.2.2) the label field for ingress replication, all 24 bits.
    #[must_use]
    pub fn composite(&self) -> Option<u32> {
        self.composite.map(widen)
    }

    /// The tunnel identifier, whose form depends on the type.
    #[must_use]
    pub fn identifier(&self) -> &'a [u8] {
        self.identifier
    }

    /// The end of the tunnel, for ingress and assisted replication.
    #[must_use]
    pub fn endpoint(&self) -> Option<IpAddr> {
        match self.ty() {
            PmsiTunnelType::INGRESS_REPLICATION | PmsiTunnelType::ASSISTED_REPLICATION => address(self.identifier),
            _ => None,
        }
    }

    /// The source (or root) and the group of a PIM tree.
    #[must_use]
    pub fn pim(&self) -> Option<(IpAddr, IpAddr)> {
        match self.ty() {
            PmsiTunnelType::PIM_SSM | PmsiTunnelType::PIM_SM | PmsiTunnelType::BIDIR_PIM => {
                let (source, group) = self.identifier.split_at_checked(self.identifier.len() / 2)?;
                Some((address(source)?, address(group)?))
            }
            _ => None,
        }
    }

    /// RFC 6514 section 5: whether the type is defined and the identifier is one of that type.
    fn is_right(&self) -> bool {
        let len = self.identifier.len();
        match self.ty() {
            // RFC 8317 section 8.2.2: a composite tunnel is ingress replication and something else.
            PmsiTunnelType::NONE | PmsiTunnelType::INGRESS_REPLICATION if self.composite.is_some() => false,
            PmsiTunnelType::NONE => len == 0,
            PmsiTunnelType::RSVP_TE_P2MP => matches!(len, 12 | 24),
            PmsiTunnelType::MLDP_P2MP => is_mldp(self.identifier, &[6]),
            PmsiTunnelType::MLDP_MP2MP => is_mldp(self.identifier, &[7, 8]),
            PmsiTunnelType::PIM_SSM | PmsiTunnelType::PIM_SM | PmsiTunnelType::BIDIR_PIM => matches!(len, 8 | 32),
            PmsiTunnelType::INGRESS_REPLICATION | PmsiTunnelType::ASSISTED_REPLICATION => matches!(len, 4 | 16),
            // RFC 8556 section 3: sub-domain (1 octet), BFR id (2), BFR prefix.
            PmsiTunnelType::BIER => matches!(len, 7 | 19),
            // Their identifiers are not fixed by an RFC of this table; RFC 7385 section 4 has the range for experiments.
            PmsiTunnelType(8 | 11 | 12 | 0x7b..=0x7e) => true,
            _ => false,
        }
    }
}

impl fmt::Display for PmsiTunnel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} label:{}", self.ty(), self.vni())?;
        if self.flags != 0 {
            write!(f, " flags:{:#04x}", self.flags)?;
        }
        if let Some(label) = self.composite() {
            write!(f, " composite:{label}")?;
        }
        if let Some(address) = self.endpoint() {
            write!(f, " {address}")
        } else if let Some((source, group)) = self.pim() {
            write!(f, " {source},{group}")
        } else if self.identifier.is_empty() {
            Ok(())
        } else {
            f.write_str(" 0x")?;
            self.identifier.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
        }
    }
}

impl Attribute for PmsiTunnel<'_> {
    const LENGTH: Length = Length::AtLeast(5);

    // RFC 6514 section 5: an undefined type or an identifier that cannot be parsed withdraws.
    #[cold]
    #[inline(never)]
    fn check(value: &[u8], _: &Context) -> Result<(), AttrProblem> {
        match PmsiTunnel::split(value) {
            Some(tunnel) if tunnel.is_right() => Ok(()),
            _ => Err(AttrProblem::Syntax),
        }
    }
}

impl<'a> Attributes<'a> {
    /// PMSI Tunnel.
    #[must_use]
    pub fn pmsi_tunnel(&self) -> Option<PmsiTunnel<'a>> {
        PmsiTunnel::split(self.value::<PmsiTunnel<'_>>()?)
    }
}

/// RFC 6388 sections 2.2 and 3.3: type (1 octet), address family (2), length of the root (1), root, length of the opaque
/// value (2), opaque value.
fn is_mldp(identifier: &[u8], types: &[u8]) -> bool {
    let mut reader = Reader::new(identifier);
    let read = |reader: &mut Reader<'_>| {
        let (ty, family) = (reader.u8()?, reader.u16()?);
        let root = reader.prefixed_u8()?.len();
        reader.prefixed_u16()?;
        Some(types.contains(&ty) && matches!((family, root), (1, 4) | (2, 16)))
    };
    read(&mut reader) == Some(true) && reader.is_empty()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => u32_at(octets, 0).map(|bits| Ipv4Addr::from_bits(bits).into()),
        16 => octets.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

fn widen([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

/// The bit of the tunnel type that says that the tunnel is composite (RFC 8317 section 8.2.2).
const COMPOSITE: u8 = 0x80;

#[cfg(feature = "alloc")]
pub use self::owned::PmsiTunnelBuf;

#[cfg(feature = "alloc")]
mod owned {
    //! The value that owns its octets, and the builder.

    use alloc::vec::Vec;
    use core::fmt;
    use core::net::IpAddr;
    use core::str::FromStr;

    use super::{COMPOSITE, PmsiTunnel, PmsiTunnelType};
    use crate::attr::AttrBuilder;
    use crate::attr::tlv::{hexadecimal, octets};
    use crate::registry::text_form;
    use crate::{AttrType, ParseError};

    /// A PMSI Tunnel that owns its octets, read from its text.
    ///
    /// ```
    /// use bgp_wire::attr::pmsi_tunnel::PmsiTunnelBuf;
    ///
    /// let tunnel: PmsiTunnelBuf = "pim-ssm label:0 10.0.0.1,232.0.0.1".parse()?;
    /// assert_eq!(tunnel.as_bytes(), [0, 3, 0, 0, 0, 10, 0, 0, 1, 232, 0, 0, 1]);
    /// # Ok::<(), bgp_wire::ParseError>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct PmsiTunnelBuf(Vec<u8>);

    impl PmsiTunnelBuf {
        /// The value of the attribute.
        #[must_use]
        pub fn as_bytes(&self) -> &[u8] {
            &self.0
        }

        /// What is in it.
        #[must_use]
        pub fn view(&self) -> PmsiTunnel<'_> {
            PmsiTunnel::split(&self.0).unwrap_or_default()
        }
    }

    impl From<PmsiTunnel<'_>> for PmsiTunnelBuf {
        fn from(tunnel: PmsiTunnel<'_>) -> PmsiTunnelBuf {
            let composite = if tunnel.composite.is_some() { COMPOSITE } else { 0 };
            let mut octets = alloc::vec![tunnel.flags, tunnel.ty | composite];
            octets.extend(tunnel.label);
            octets.extend(tunnel.composite.into_iter().flatten());
            octets.extend(tunnel.identifier);
            PmsiTunnelBuf(octets)
        }
    }

    impl fmt::Display for PmsiTunnelBuf {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.view().fmt(f)
        }
    }

    impl FromStr for PmsiTunnelBuf {
        type Err = ParseError;

        fn from_str(text: &str) -> Result<PmsiTunnelBuf, ParseError> {
            let error = ParseError::new("PMSI tunnel");
            let mut words = text.split(' ');
            let ty: PmsiTunnelType = words.next().ok_or(error)?.parse()?;
            let (mut label, mut flags, mut composite, mut identifier) = (None, None, None, None);
            for word in words {
                let field = |name: &str| word.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
                let read = if let Some(number) = field("label") {
                    label.replace(narrow(number).ok_or(error)?).is_none()
                } else if let Some(number) = field("flags") {
                    let number = hexadecimal(number).and_then(|number| u8::try_from(number).ok());
                    flags.replace(number.ok_or(error)?).is_none()
                } else if let Some(number) = field("composite") {
                    composite.replace(narrow(number).ok_or(error)?).is_none()
                } else {
                    identifier.replace(identifier_of(word).ok_or(error)?).is_none()
                };
                if !read {
                    return Err(error);
                }
            }
            let identifier = identifier.unwrap_or_default();
            let label = label.unwrap_or_default();
            let tunnel = PmsiTunnel { flags: flags.unwrap_or(0), ty: ty.0, label, composite, identifier: &identifier };
            if tunnel.is_right() && ty.0 & COMPOSITE == 0 { Ok(tunnel.into()) } else { Err(error) }
        }
    }

    text_form!(PmsiTunnelBuf);

    #[cfg(feature = "arbitrary")]
    impl<'a> arbitrary::Arbitrary<'a> for PmsiTunnelBuf {
        fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
            let label = <[u8; 3]>::arbitrary(u)?;
            let composite = Option::<[u8; 3]>::arbitrary(u)?;
            let identifier = <[u8; 8]>::arbitrary(u)?;
            let ty = PmsiTunnelType::PIM_SSM.0;
            Ok(PmsiTunnel { flags: u.arbitrary()?, ty, label, composite, identifier: &identifier }.into())
        }
    }

    impl AttrBuilder {
        /// PMSI Tunnel by its octets, which [`PmsiTunnelBuf::as_bytes`] gives.
        pub fn pmsi_tunnel(self, value: &[u8]) -> AttrBuilder {
            self.with(AttrType::PMSI_TUNNEL, value.into())
        }
    }

    #[cfg(feature = "serde")]
    impl crate::attr::text::Text for PmsiTunnel<'_> {
        type Form = PmsiTunnelBuf;

        fn form(attributes: &crate::attr::Attributes<'_>) -> Option<Self::Form> {
            attributes.pmsi_tunnel().map(PmsiTunnelBuf::from)
        }

        fn build(form: Self::Form, builder: AttrBuilder) -> AttrBuilder {
            builder.pmsi_tunnel(form.as_bytes())
        }
    }

    /// A number of 24 bits.
    fn narrow(text: &str) -> Option<[u8; 3]> {
        let [0, a, b, c] = text.parse::<u32>().ok()?.to_be_bytes() else { return None };
        Some([a, b, c])
    }

    /// Octets, an address, or two of one kind.
    fn identifier_of(text: &str) -> Option<Vec<u8>> {
        if text.starts_with("0x") {
            return octets(text);
        }
        let mut out = Vec::new();
        for address in text.splitn(2, ',') {
            match address.parse().ok()? {
                IpAddr::V4(address) => out.extend(address.octets()),
                IpAddr::V6(address) => out.extend(address.octets()),
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionKind;

    fn is_good(value: &[u8]) -> bool {
        Length::AtLeast(5).allows(value.len(), true)
            && PmsiTunnel::check(value, &Context::new(SessionKind::Ibgp)).is_ok()
    }

    #[test]
    fn rfc6514_5_each_type_has_its_identifier() {
        let good: [(u8, &[usize]); 9] = [
            (0, &[0]),
            (1, &[12, 24]),
            (3, &[8, 32]),
            (4, &[8, 32]),
            (5, &[8, 32]),
            (6, &[4, 16]),
            (9, &[4, 16]),
            (10, &[7, 19]),
            (0x7b, &[0, 1, 40]),
        ];
        for (ty, lengths) in good {
            for len in 0..=40 {
                let mut value = [0; 48];
                value[1] = ty;
                let expected = lengths.contains(&len) || ty == 0x7b;
                assert_eq!(is_good(&value[..5 + len]), expected, "{ty} {len}");
            }
        }
        for ty in [13, 0x7a, 0x7f, 0x8d, 0xff] {
            assert!(!is_good(&[0, ty, 0, 0, 0, 0, 0, 0]), "{ty}");
        }
        assert!(!is_good(&[0, 6, 0, 0]));
    }

    #[test]
    fn rfc6388_2_2_an_mldp_element_is_parsed() {
        let element = [0, 2, 0, 0, 16, 6, 0, 1, 4, 10, 0, 0, 1, 0, 2, 1, 0];
        assert!(is_good(&element));
        for len in 5..element.len() {
            assert!(!is_good(&element[..len]), "{len}");
        }
        let mut other = element;
        other[5] = 7;
        assert!(!is_good(&other));
        other[1] = 7;
        assert!(is_good(&other));
    }

    #[test]
    fn rfc8317_8_2_2_a_composite_tunnel_has_a_second_label() {
        let value = [0, 0x83, 0, 0, 16, 0, 0, 32, 10, 0, 0, 1, 232, 0, 0, 1];
        assert!(is_good(&value) && !is_good(&value[..13]));
        assert!(!is_good(&[0, 0x86, 0, 0, 16, 0, 0, 32, 10, 0, 0, 1]) && !is_good(&[0, 0x80, 0, 0, 16, 0, 0, 32]));
        let tunnel = PmsiTunnel::split(&value).unwrap();
        assert_eq!((tunnel.label(), tunnel.composite()), (1, Some(32)));
        assert_eq!(tunnel.pim().map(|(source, _)| source), Some(Ipv4Addr::new(10, 0, 0, 1).into()));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn rfc6514_5_text_is_read_back() {
        use alloc::string::ToString;
        for text in [
            "none label:0",
            "rsvp-te-p2mp label:0 flags:0x01 0x0a0000010000000100000001",
            "mldp-p2mp label:16 0x06000104c0000201000701000400000001",
            "pim-sm label:0 2001:db8::1,ff3e::1",
            "pim-ssm label:10000 composite:7 10.0.0.1,232.0.0.1",
            "ingress-replication label:10000 10.0.0.1",
            "123 label:16777215 0x00",
        ] {
            let tunnel: PmsiTunnelBuf = text.parse().unwrap();
            assert_eq!(tunnel.to_string(), text);
            assert_eq!(PmsiTunnelBuf::from(tunnel.view()), tunnel);
        }
        for text in ["", "none", "none 1", "pim-sm label:0 10.0.0.1,::1", "none label:16777216", "13 label:0", "none label:1 label:1"]
        {
            let parsed = text.parse::<PmsiTunnelBuf>();
            assert_eq!(parsed.is_ok(), text == "none", "{text}");
        }
    }
}

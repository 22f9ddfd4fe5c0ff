//! The text of link-state objects.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{LinkState, LinkStateType, Tlv, TlvType, Tlvs};
use crate::prefix;

impl fmt::Display for LinkState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.identifier().zip(self.protocol()).filter(|_| self.is_well_formed());
        match known {
            Some(_) => write!(f, "{} ", self.ty)?,
            None => write!(f, "link-state {} ", self.ty.0)?,
        }
        self.rd().map_or(Ok(()), |rd| write!(f, "rd {rd} "))?;
        let Some((identifier, protocol)) = known else { return write_hex(self.octets, f) };
        write!(f, "{protocol} {identifier} {{ ")?;
        self.descriptors().try_for_each(|tlv| match tlv.ty {
            TlvType::LOCAL_NODE | TlvType::REMOTE_NODE => {
                write!(f, "{} {{ ", tlv.ty)?;
                Tlvs::new(tlv.value).try_for_each(|tlv| write!(f, "{tlv}; "))?;
                f.write_str("} ")
            }
            // The kind of its address is that of the NLRI.
            TlvType::IP_REACHABILITY => match reachability(tlv.value, self.ty() == LinkStateType::IPV4_PREFIX) {
                Some(prefix) => write!(f, "{} {prefix}; ", tlv.ty),
                None => write!(f, "{tlv}; "),
            },
            _ => write!(f, "{tlv}; "),
        })?;
        f.write_str("}")
    }
}

/// Name and value where the value is as its type asks, otherwise the number and the octets in hexadecimal.
impl fmt::Display for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Value::of(*self) {
            Some(value) => write!(f, "{} {value}", self.ty),
            None => {
                write!(f, "{} 0x", self.ty.0)?;
                write_hex(self.value, f)
            }
        }
    }
}

fn write_hex(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

/// A value in the form that its type asks for.
enum Value<'m> {
    Number(u32),
    Quad(Ipv4Addr),
    Ipv6(Ipv6Addr),
    /// Local and remote identifier.
    Pair(u32, u32),
    Octet(u8),
    /// The system identifier of IS-IS.
    System(&'m [u8]),
    /// The router of OSPF and its pseudonode.
    Pseudonode(Ipv4Addr, Ipv4Addr),
    Topologies(&'m [[u8; 2]]),
}

impl<'m> Value<'m> {
    fn of(tlv: Tlv<'m>) -> Option<Value<'m>> {
        match (tlv.ty, tlv.value) {
            (TlvType::AS_NUMBER | TlvType::BGP_LS_ID | TlvType::CONFEDERATION_MEMBER, &[a, b, c, d]) => {
                Some(Value::Number(u32::from_be_bytes([a, b, c, d])))
            }
            (
                TlvType::OSPF_AREA
                | TlvType::BGP_ROUTER_ID
                | TlvType::IPV4_INTERFACE
                | TlvType::IPV4_NEIGHBOR
                | TlvType::IGP_ROUTER_ID,
                &[a, b, c, d],
            ) => Some(Value::Quad([a, b, c, d].into())),
            (TlvType::IPV6_INTERFACE | TlvType::IPV6_NEIGHBOR | TlvType::SRV6_SID, octets) => {
                <[u8; 16]>::try_from(octets).ok().map(|octets| Value::Ipv6(octets.into()))
            }
            (TlvType::LINK_IDS, &[a, b, c, d, e, f, g, h]) => {
                Some(Value::Pair(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
            }
            (TlvType::IGP_ROUTER_ID, &[a, b, c, d, e, f, g, h]) => {
                Some(Value::Pseudonode([a, b, c, d].into(), [e, f, g, h].into()))
            }
            (TlvType::IGP_ROUTER_ID, octets @ [_, _, _, _, _, _] | octets @ [_, _, _, _, _, _, _]) => {
                Some(Value::System(octets))
            }
            (TlvType::OSPF_ROUTE_TYPE, &[octet]) => Some(Value::Octet(octet)),
            (TlvType::MULTI_TOPOLOGY, octets) => match octets.as_chunks() {
                (ids @ [_, ..], []) => Some(Value::Topologies(ids)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The prefix of an IP reachability descriptor, where all bits behind its length are 0.
fn reachability(value: &[u8], ipv4: bool) -> Option<ipnet::IpNet> {
    let (bits, octets) = value.split_first()?;
    if octets.len() != usize::from(bits.div_ceil(8)) {
        return None;
    }
    let used = bits % 8;
    let clean = used == 0 || octets.last().is_some_and(|last| last & (u8::MAX >> used) == 0);
    let prefix = if ipv4 { prefix::v4_of_bits(*bits, octets) } else { prefix::v6_of_bits(*bits, octets) };
    prefix.filter(|_| clean)
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => number.fmt(f),
            Value::Quad(address) => address.fmt(f),
            Value::Ipv6(address) => address.fmt(f),
            Value::Pair(local, remote) => write!(f, "{local}/{remote}"),
            Value::Octet(octet) => octet.fmt(f),
            Value::System(octets) => octets.iter().enumerate().try_for_each(|(at, octet)| {
                let dot = if at > 0 && at % 2 == 0 { "." } else { "" };
                write!(f, "{dot}{octet:02x}")
            }),
            Value::Pseudonode(router, node) => write!(f, "{router}/{node}"),
            Value::Topologies(ids) => ids.iter().enumerate().try_for_each(|(at, id)| {
                let comma = if at > 0 { "," } else { "" };
                write!(f, "{comma}{}", u16::from_be_bytes(*id))
            }),
        }
    }
}

#[cfg(feature = "alloc")]
pub(crate) use self::reading::parse;

#[cfg(feature = "alloc")]
mod reading {
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::net::{Ipv4Addr, Ipv6Addr};

    use crate::nlri::link_state::{LinkState, LinkStateType, Protocol, TlvType};
    use crate::nlri::text::octets_of_hex;
    use crate::nlri::{NlriBuf, NlriValue, RouteDistinguisher};
    use crate::{ParseError, prefix};

    /// Reads the text back.
    pub(crate) fn parse(text: &str) -> Result<NlriBuf, ParseError> {
        read(text).ok_or(ParseError::new("link-state NLRI"))
    }

    fn read(text: &str) -> Option<NlriBuf> {
        let (head, body) = text.split_once('{').map_or((text, None), |(head, body)| (head, Some(body)));
        let mut words = head.split_ascii_whitespace().peekable();
        let ty = match words.next()? {
            "link-state" => LinkStateType(words.next()?.parse().ok()?),
            name => name.parse().ok()?,
        };
        let vpn = words.next_if_eq(&"rd").is_some();
        let rd: RouteDistinguisher = if vpn { words.next()?.parse().ok()? } else { RouteDistinguisher::default() };
        let mut octets = Vec::new();
        match body {
            None => octets = octets_of_hex(words.next().unwrap_or_default())?,
            Some(body) => {
                octets.push(words.next()?.parse::<Protocol>().ok()?.0);
                octets.extend(words.next()?.parse::<u64>().ok()?.to_be_bytes());
                read_descriptors(body.trim_end().strip_suffix('}')?, &mut octets)?;
            }
        }
        if words.next().is_some() {
            return None;
        }
        let value = LinkState { ty, vpn, rd, octets: &octets };
        NlriBuf::new(value.family(), &NlriValue::LinkState(value))
    }

    /// Descriptors with `;` behind each, those of nodes in braces.
    fn read_descriptors(text: &str, out: &mut Vec<u8>) -> Option<()> {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (name, behind) = rest.split_once(' ')?;
            let ty: TlvType = name.parse().ok()?;
            let mut value = Vec::new();
            if let Some(inner) = behind.trim_start().strip_prefix('{') {
                let (inner, behind) = inner.split_once('}')?;
                for descriptor in inner.split_terminator(';').map(str::trim).filter(|text| !text.is_empty()) {
                    let (name, text) = descriptor.split_once(' ')?;
                    let mut inside = Vec::new();
                    let inner_ty = name.parse().ok()?;
                    read_value(inner_ty, text.trim(), &mut inside)?;
                    put(inner_ty, &inside, &mut value)?;
                }
                rest = behind.trim_start();
            } else {
                let (text, behind) = behind.split_once(';')?;
                read_value(ty, text.trim(), &mut value)?;
                rest = behind.trim_start();
            }
            put(ty, &value, out)?;
        }
        Some(())
    }

    fn put(ty: TlvType, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.extend(ty.0.to_be_bytes());
        out.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        out.extend_from_slice(value);
        Some(())
    }

    fn read_value(ty: TlvType, text: &str, out: &mut Vec<u8>) -> Option<()> {
        if let Some(digits) = text.strip_prefix("0x") {
            out.extend(octets_of_hex(digits)?);
            return Some(());
        }
        match ty {
            TlvType::AS_NUMBER | TlvType::BGP_LS_ID | TlvType::CONFEDERATION_MEMBER => {
                out.extend(text.parse::<u32>().ok()?.to_be_bytes());
            }
            TlvType::IGP_ROUTER_ID => return read_router(text, out),
            TlvType::OSPF_AREA | TlvType::BGP_ROUTER_ID | TlvType::IPV4_INTERFACE | TlvType::IPV4_NEIGHBOR => {
                out.extend(text.parse::<Ipv4Addr>().ok()?.octets());
            }
            TlvType::IPV6_INTERFACE | TlvType::IPV6_NEIGHBOR | TlvType::SRV6_SID => {
                out.extend(text.parse::<Ipv6Addr>().ok()?.octets());
            }
            TlvType::LINK_IDS => {
                let (local, remote) = text.split_once('/')?;
                out.extend(local.parse::<u32>().ok()?.to_be_bytes());
                out.extend(remote.parse::<u32>().ok()?.to_be_bytes());
            }
            TlvType::OSPF_ROUTE_TYPE => out.push(text.parse().ok()?),
            TlvType::MULTI_TOPOLOGY => {
                for id in text.split(',') {
                    out.extend(id.trim().parse::<u16>().ok()?.to_be_bytes());
                }
            }
            TlvType::IP_REACHABILITY => {
                let prefix = text.parse::<ipnet::IpNet>().ok()?.trunc();
                out.push(prefix.prefix_len());
                prefix::write_bits(&prefix, out);
            }
            _ => return None,
        }
        Some(())
    }

    /// A router identifier of OSPF (`192.0.2.1`, with a pseudonode `192.0.2.1/10.0.0.1`) or of IS-IS (`0000.0000.0001`,
    /// with a pseudonode `0000.0000.0001.02`).
    fn read_router(text: &str, out: &mut Vec<u8>) -> Option<()> {
        if let Some((router, node)) = text.split_once('/') {
            out.extend(router.parse::<Ipv4Addr>().ok()?.octets());
            out.extend(node.parse::<Ipv4Addr>().ok()?.octets());
        } else if let Ok(router) = text.parse::<Ipv4Addr>() {
            out.extend(router.octets());
        } else {
            let digits: String = text.split('.').collect();
            let octets = octets_of_hex(&digits)?;
            if !matches!(octets.len(), 6 | 7) {
                return None;
            }
            out.extend(octets);
        }
        Some(())
    }
}

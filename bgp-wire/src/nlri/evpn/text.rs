//! The text of Ethernet VPN routes: the key in brackets as routers print it, then the rest by name.

use core::fmt;
use core::net::IpAddr;

use super::Evpn;

impl fmt::Display for Evpn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evpn::AutoDiscovery(route) => {
                write!(f, "[1]:[{}]:[{}] rd {} label {}", route.tag, route.esi, route.rd, route.label)
            }
            Evpn::MacIp(route) => {
                write!(f, "[2]:[{}]:[48]:[{}]", route.tag, route.mac)?;
                route.ip.map_or(Ok(()), |ip| write!(f, ":[{}]:[{ip}]", bits(ip)))?;
                write!(f, " rd {} esi {} label {}", route.rd, route.esi, route.label1)?;
                route.label2.map_or(Ok(()), |label| write!(f, "/{label}"))
            }
            Evpn::InclusiveMulticast(route) => {
                write!(f, "[3]:[{}]:[{}]:[{}] rd {}", route.tag, bits(route.originator), route.originator, route.rd)
            }
            Evpn::EthernetSegment(route) => {
                write!(f, "[4]:[{}]:[{}]:[{}] rd {}", route.esi, bits(route.originator), route.originator, route.rd)
            }
            Evpn::IpPrefix(route) => {
                let (prefix, gateway) = (route.prefix, route.gateway);
                write!(f, "[5]:[{}]:[{}]:[{}] rd {}", route.tag, prefix.prefix_len(), prefix.network(), route.rd)?;
                write!(f, " esi {} gateway {gateway} label {}", route.esi, route.label)
            }
            Evpn::SelectiveMulticast(route) => {
                write!(f, "[6]:[{}]", route.tag)?;
                for address in [route.source, route.group, Some(route.originator)] {
                    match address {
                        Some(ip) => write!(f, ":[{}]:[{ip}]", bits(ip))?,
                        None => f.write_str(":[0]:[*]")?,
                    }
                }
                write!(f, " rd {} flags {}", route.rd, route.flags)
            }
            Evpn::Other { route_type, octets } => {
                write!(f, "[{route_type}] ")?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(feature = "alloc")]
pub(crate) use self::reading::parse;

#[cfg(feature = "alloc")]
mod reading {
    use alloc::vec::Vec;
    use core::net::IpAddr;
    use core::str::FromStr;

    use super::bits;
    use crate::nlri::evpn::{
        AutoDiscovery, EthernetSegment, Evpn, InclusiveMulticast, IpPrefix, LabelField, MacIp, SelectiveMulticast,
    };
    use crate::nlri::text::{Named, octets_of_hex};
    use crate::nlri::{NlriBuf, NlriValue};
    use crate::{Family, ParseError};

    /// Reads the text back.
    pub(crate) fn parse(text: &str) -> Result<NlriBuf, ParseError> {
        read(text).ok_or(ParseError::new("EVPN route"))
    }

    fn read(text: &str) -> Option<NlriBuf> {
        let (key, rest) = text.split_once("] ")?;
        let mut key = Key(key.strip_prefix('[')?.split("]:[").collect::<Vec<_>>().into_iter());
        let route_type: u8 = key.next()?;
        let mut names = Named::new(rest);
        let octets;
        let route = match route_type {
            1 => Evpn::AutoDiscovery(AutoDiscovery {
                tag: key.next()?,
                esi: key.next()?,
                rd: names.value("rd")?,
                label: names.value("label")?,
            }),
            2 => {
                let tag = key.next()?;
                let (48, mac) = (key.next::<u8>()?, key.next()?) else { return None };
                let ip = if key.is_empty() { None } else { Some(key.address()??) };
                let (rd, esi) = (names.value("rd")?, names.value("esi")?);
                let (label1, label2) = labels(names.word("label")?)?;
                Evpn::MacIp(MacIp { rd, esi, tag, mac, ip, label1, label2 })
            }
            3 => {
                let (tag, originator) = (key.next()?, key.address()??);
                Evpn::InclusiveMulticast(InclusiveMulticast { rd: names.value("rd")?, tag, originator })
            }
            4 => {
                let (esi, originator) = (key.next()?, key.address()??);
                Evpn::EthernetSegment(EthernetSegment { rd: names.value("rd")?, esi, originator })
            }
            5 => {
                let (tag, bits, address) = (key.next()?, key.next()?, key.next::<IpAddr>()?);
                let prefix = ipnet::IpNet::new(address, bits).ok()?.trunc();
                let (rd, esi) = (names.value("rd")?, names.value("esi")?);
                let (gateway, label) = (names.value("gateway")?, names.value("label")?);
                Evpn::IpPrefix(IpPrefix { rd, esi, tag, prefix, gateway, label })
            }
            6 => {
                let tag = key.next()?;
                let (source, group, originator) = (key.address()?, key.address()?, key.address()??);
                let (rd, flags) = (names.value("rd")?, names.value("flags")?);
                Evpn::SelectiveMulticast(SelectiveMulticast { rd, tag, source, group, originator, flags })
            }
            _ => {
                octets = octets_of_hex(names.rest())?;
                Evpn::Other { route_type, octets: &octets }
            }
        };
        if key.is_empty() && names.is_empty() {
            NlriBuf::new(Family::L2VPN_EVPN, &NlriValue::Evpn(route))
        } else {
            None
        }
    }

    /// The parts between the brackets.
    struct Key<'t>(alloc::vec::IntoIter<&'t str>);

    impl Key<'_> {
        fn next<T: FromStr>(&mut self) -> Option<T> {
            self.0.next()?.parse().ok()
        }

        /// Length in bits and address; `0` and `*` for none.
        fn address(&mut self) -> Option<Option<IpAddr>> {
            let (len, text) = (self.next::<u8>()?, self.0.next()?);
            if (len, text) == (0, "*") {
                return Some(None);
            }
            let address = text.parse().ok()?;
            if bits(address) == len { Some(Some(address)) } else { None }
        }

        fn is_empty(&self) -> bool {
            self.0.len() == 0
        }
    }

    /// One label, or two with `/` between them.
    fn labels(text: &str) -> Option<(LabelField, Option<LabelField>)> {
        match text.split_once('/') {
            None => Some((text.parse().ok()?, None)),
            Some((first, second)) => Some((first.parse().ok()?, Some(second.parse().ok()?))),
        }
    }
}

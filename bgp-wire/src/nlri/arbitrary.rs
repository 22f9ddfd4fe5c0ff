//! Any NLRI of any typed family, for fuzzers.

use alloc::vec::Vec;
use core::net::IpAddr;

use arbitrary::{Arbitrary, Result, Unstructured};
use ipnet::IpNet;

use crate::nlri::evpn::{Evpn, IpPrefix};
use crate::nlri::flowspec::{ComponentType, FlowSpecBuilder, Operation};
use crate::nlri::{Labeled, NlriBuf, NlriValue, RtConstrain, Vpn, link_state};

/// An NLRI of any family with a row in the table, other than prefixes.
impl<'a> Arbitrary<'a> for NlriBuf {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let made = match u.int_in_range(0..=5)? {
            0 => of(&NlriValue::Labeled(u.arbitrary()?)),
            1 => of(&NlriValue::Vpn(u.arbitrary()?)),
            2 => of(&NlriValue::Evpn(evpn(u)?)),
            3 => flow(u)?.build(),
            4 => link_state::parse(&alloc::format!(
                "node isis-l2 {} {{ local {{ as {}; area {}; }} }}",
                u.arbitrary::<u64>()?,
                u.arbitrary::<u32>()?,
                u.arbitrary::<core::net::Ipv4Addr>()?,
            ))
            .ok(),
            _ => None,
        };
        match made {
            Some(made) => Ok(made),
            None => of(&NlriValue::RtConstrain(u.arbitrary::<RtConstrain>()?)).ok_or(arbitrary::Error::IncorrectFormat),
        }
    }
}

fn of(value: &NlriValue<'_>) -> Option<NlriBuf> {
    NlriBuf::new(value.family()?, value)
}

fn net(u: &mut Unstructured<'_>) -> Result<IpNet> {
    let address: IpAddr = u.arbitrary()?;
    let bits = u.int_in_range(0..=if address.is_ipv4() { 32 } else { 128 })?;
    IpNet::new(address, bits).map(|net| net.trunc()).map_err(|_| arbitrary::Error::IncorrectFormat)
}

fn evpn<'a>(u: &mut Unstructured<'a>) -> Result<Evpn<'a>> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Evpn::AutoDiscovery(u.arbitrary()?),
        1 => Evpn::MacIp(u.arbitrary()?),
        2 => Evpn::InclusiveMulticast(u.arbitrary()?),
        3 => Evpn::EthernetSegment(u.arbitrary()?),
        4 => {
            let (rd, esi, tag, prefix) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?, net(u)?);
            let gateway = if prefix.addr().is_ipv4() { IpAddr::V4(u.arbitrary()?) } else { IpAddr::V6(u.arbitrary()?) };
            Evpn::IpPrefix(IpPrefix { rd, esi, tag, prefix, gateway, label: u.arbitrary()? })
        }
        5 => Evpn::SelectiveMulticast(u.arbitrary()?),
        _ => {
            let len = u.int_in_range(0..=30)?;
            Evpn::Other { route_type: u.int_in_range(9..=255)?, octets: u.bytes(len)? }
        }
    })
}

fn flow(u: &mut Unstructured<'_>) -> Result<FlowSpecBuilder> {
    let prefix = net(u)?;
    let mut rule = if prefix.addr().is_ipv4() { FlowSpecBuilder::ipv4() } else { FlowSpecBuilder::ipv6() };
    if u.arbitrary()? {
        rule = rule.rd(u.arbitrary()?);
    }
    rule = rule.prefix(ComponentType::DESTINATION, prefix, 0);
    for ty in [ComponentType::PROTOCOL, ComponentType::DESTINATION_PORT, ComponentType::LENGTH] {
        let mut operations = Vec::new();
        for _ in 0..u.int_in_range(0..=3)? {
            operations.push(Operation::new(u.arbitrary()?, u.arbitrary()?, u.arbitrary::<u16>()?.into()));
        }
        if !operations.is_empty() {
            rule = rule.operations(ty, &operations);
        }
    }
    Ok(rule)
}

impl<'a> Arbitrary<'a> for Labeled {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Labeled { labels: u.arbitrary()?, prefix: net(u)? })
    }
}

impl<'a> Arbitrary<'a> for Vpn {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Vpn { rd: u.arbitrary()?, labels: u.arbitrary()?, prefix: net(u)? })
    }
}

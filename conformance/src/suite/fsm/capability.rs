//! Capabilities in the vectors' notation: `mp:1/1`, `add-path:1/1:rx`, `gr:N:120:1/1`, ..

use bgp_wire::capability::{
    AddPath, AddPathMode, Capability, ExtendedNextHop, Fqdn, GracefulRestart, GracefulRestartFamily, LongLivedFamily,
    Role, UnknownCapability,
};
use bgp_wire::{Afi, Asn, CapabilityCode, Family};

/// Reads a list of names. Entries of one capability that has a list of its own go into one.
pub(super) fn parse_all(names: &[&str], asn: Asn, role: Option<Role>) -> Option<Vec<Capability>> {
    let mut list = Vec::new();
    for name in names {
        let capability = parse(name, asn, role)?;
        match (list.last_mut(), capability) {
            (Some(Capability::AddPath(entries)), Capability::AddPath(more)) => entries.extend(more),
            (Some(Capability::ExtendedNextHop(entries)), Capability::ExtendedNextHop(more)) => entries.extend(more),
            (Some(Capability::LongLivedGracefulRestart(entries)), Capability::LongLivedGracefulRestart(more)) => {
                entries.extend(more);
            }
            (Some(Capability::GracefulRestart(restart)), Capability::GracefulRestart(more))
                if (restart.restart_time, restart.notification) == (more.restart_time, more.notification) =>
            {
                restart.families.extend(more.families);
            }
            (_, capability) => list.push(capability),
        }
    }
    Some(list)
}

fn parse(name: &str, asn: Asn, role: Option<Role>) -> Option<Capability> {
    let parts: Vec<&str> = name.split(':').collect();
    let family = |text: &str| text.parse::<Family>().ok();
    Some(match parts.as_slice() {
        ["mp", f] => Capability::MultiProtocol(family(f)?),
        ["route-refresh"] => Capability::RouteRefresh,
        ["enhanced-route-refresh"] => Capability::EnhancedRouteRefresh,
        ["as4"] => Capability::FourOctetAs(asn),
        ["extended-message"] => Capability::ExtendedMessage,
        ["bfd-strict"] => Capability::BfdStrict,
        ["role"] => Capability::Role(role?),
        ["fqdn", host] => Capability::Fqdn(Fqdn { host: (*host).into(), domain: String::new() }),
        ["add-path", f, mode] => {
            let mode = match *mode {
                "rx" => AddPathMode::RECEIVE,
                "tx" => AddPathMode::SEND,
                "both" => AddPathMode::BOTH,
                _ => return None,
            };
            Capability::AddPath(vec![AddPath { family: family(f)?, mode }])
        }
        ["ext-nexthop", tuple] => {
            let (f, next_hop) = tuple.rsplit_once('/')?;
            Capability::ExtendedNextHop(vec![ExtendedNextHop {
                family: family(f)?,
                next_hop: Afi(next_hop.parse().ok()?),
            }])
        }
        ["gr", "N", rest @ ..] => restart(rest, true)?,
        ["gr", rest @ ..] => restart(rest, false)?,
        ["llgr", f, seconds] => Capability::LongLivedGracefulRestart(vec![LongLivedFamily {
            family: family(f)?,
            forwarding: false,
            stale_time: seconds.parse().ok()?,
        }]),
        ["raw", code, value] => Capability::Unknown(UnknownCapability {
            code: CapabilityCode(code.parse().ok()?),
            value: hex::decode(value).ok()?,
        }),
        _ => return None,
    })
}

fn restart(parts: &[&str], notification: bool) -> Option<Capability> {
    let (time, families) = parts.split_first()?;
    let families = families
        .iter()
        .map(|f| Some(GracefulRestartFamily { family: f.parse().ok()?, forwarding: false }))
        .collect::<Option<_>>()?;
    let restart_time = time.parse().ok()?;
    Some(Capability::GracefulRestart(GracefulRestart { restart_time, restarting: false, notification, families }))
}

/// The names of one capability of an OPEN, one for each entry of its list.
pub(super) fn names(capability: &Capability) -> Vec<String> {
    match capability {
        Capability::MultiProtocol(family) => vec![format!("mp:{family}")],
        Capability::RouteRefresh => vec!["route-refresh".into()],
        Capability::EnhancedRouteRefresh => vec!["enhanced-route-refresh".into()],
        Capability::FourOctetAs(asn) => vec![format!("as4:{asn}")],
        Capability::ExtendedMessage => vec!["extended-message".into()],
        Capability::BfdStrict => vec!["bfd-strict".into()],
        Capability::Role(role) => vec![format!("role:{role}")],
        Capability::Fqdn(name) if name.domain.is_empty() => vec![format!("fqdn:{}", name.host)],
        Capability::AddPath(entries) => entries
            .iter()
            .map(|entry| {
                let mode = match entry.mode {
                    AddPathMode::RECEIVE => "rx",
                    AddPathMode::SEND => "tx",
                    AddPathMode::BOTH => "both",
                    _ => "none",
                };
                format!("add-path:{}:{mode}", entry.family)
            })
            .collect(),
        Capability::ExtendedNextHop(entries) => {
            entries.iter().map(|entry| format!("ext-nexthop:{}/{}", entry.family, entry.next_hop.0)).collect()
        }
        Capability::GracefulRestart(restart) if !restart.restarting => {
            let head = if restart.notification { "gr:N" } else { "gr" };
            let time = restart.restart_time;
            match restart.families.as_slice() {
                [] => vec![format!("{head}:{time}")],
                families => families.iter().map(|entry| format!("{head}:{time}:{}", entry.family)).collect(),
            }
        }
        Capability::LongLivedGracefulRestart(entries) => {
            entries.iter().map(|entry| format!("llgr:{}:{}", entry.family, entry.stale_time)).collect()
        }
        other => vec![format!("raw:{}:{}", other.code().0, hex::encode(other.value()))],
    }
}

//! Text of capabilities: the name, and what the value says.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};
use core::str::FromStr;

use crate::capability::{
    AddPath, Bgpsec, Capability, ExtendedNextHop, FilterType, Fqdn, GracefulRestart, GracefulRestartFamily,
    LongLivedFamily, MultipleLabels, OutboundRouteFiltering, PathsLimit, SoftwareVersion,
};
use crate::{Afi, CapabilityCode, Family, ParseError};

/// The name, then what the value says, families as `AFI/SAFI`: `multiprotocol:2/1`, `add-path:1/1/both,2/1/send`,
/// `graceful-restart:120:r:1/1/f,2/1`, `role:customer`. What has no such text is `capability:CODE:0xHEX`.
///
/// ```
/// use bgp_wire::capability::Capability;
///
/// let capability: Capability = "extended-next-hop:1/1/2".parse()?;
/// assert_eq!(capability.value(), [0, 1, 0, 1, 0, 2]);
/// assert_eq!(capability.to_string(), "extended-next-hop:1/1/2");
/// # Ok::<(), bgp_wire::ParseError>(())
/// ```
impl Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write_named(self, &mut text)?;
        // Text of the peer's that looks like our own marks, say.
        if parse_named(&text).as_ref() == Some(self) {
            return f.write_str(&text);
        }
        write!(f, "capability:{}:0x", self.code().0)?;
        self.value().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for Capability {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Capability, ParseError> {
        let octets = || {
            let (code, digits) = text.strip_prefix("capability:")?.split_once(":0x")?;
            let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let value = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
            Some(Capability::decode(CapabilityCode(code.parse().ok()?), &value.collect::<Option<Vec<u8>>>()?))
        };
        parse_named(text).or_else(octets).ok_or(ParseError::new("capability"))
    }
}

fn write_named(capability: &Capability, out: &mut String) -> fmt::Result {
    let name = capability.code().name().unwrap_or_default();
    match capability {
        Capability::MultiProtocol(family) => write!(out, "{name}:{family}"),
        Capability::OutboundRouteFiltering(entries) => join(out, name, entries, |out, entry| {
            write!(out, "{}", entry.family)?;
            entry.filters.iter().try_for_each(|filter| write!(out, "/{}-{}", filter.ty, filter.mode))
        }),
        Capability::ExtendedNextHop(entries) => {
            join(out, name, entries, |out, entry| write!(out, "{}/{}", entry.family, entry.next_hop.0))
        }
        Capability::Bgpsec(value) => {
            write!(out, "{name}:{}/{}/{}", value.version, if value.send { "send" } else { "receive" }, value.afi.0)
        }
        Capability::MultipleLabels(entries) => {
            join(out, name, entries, |out, entry| write!(out, "{}/{}", entry.family, entry.count))
        }
        Capability::Role(role) => write!(out, "{name}:{role}"),
        Capability::GracefulRestart(value) => {
            write!(out, "{name}:{}:", value.restart_time)?;
            out.push_str(if value.restarting { "r" } else { "" });
            out.push_str(if value.notification { "n" } else { "" });
            join(out, "", &value.families, |out, entry| {
                write!(out, "{}{}", entry.family, if entry.forwarding { "/f" } else { "" })
            })
        }
        Capability::FourOctetAs(asn) => write!(out, "{name}:{asn}"),
        Capability::AddPath(entries) => {
            join(out, name, entries, |out, entry| write!(out, "{}/{}", entry.family, entry.mode))
        }
        Capability::LongLivedGracefulRestart(entries) => join(out, name, entries, |out, entry| {
            write!(out, "{}/{}{}", entry.family, entry.stale_time, if entry.forwarding { "/f" } else { "" })
        }),
        Capability::Fqdn(Fqdn { host, domain }) => write!(out, "{name}:{host}/{domain}"),
        Capability::SoftwareVersion(SoftwareVersion(version)) => write!(out, "{name}:{version}"),
        Capability::PathsLimit(entries) => {
            join(out, name, entries, |out, entry| write!(out, "{}/{}", entry.family, entry.limit))
        }
        Capability::Unknown(_) => Ok(()),
        _ => out.write_str(name),
    }
}

fn join<T>(out: &mut String, name: &str, entries: &[T], write: impl Fn(&mut String, &T) -> fmt::Result) -> fmt::Result {
    write!(out, "{name}:")?;
    for (place, entry) in entries.iter().enumerate() {
        out.push_str(if place == 0 { "" } else { "," });
        write(out, entry)?;
    }
    Ok(())
}

fn parse_named(text: &str) -> Option<Capability> {
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let code: CapabilityCode = name.parse().ok().filter(|code: &CapabilityCode| code.name() == Some(name))?;
    let Some(value) = value else {
        // Those that have no value.
        return Some(Capability::decode(code, &[])).filter(|capability| {
            !matches!(capability, Capability::Unknown(_)) && capability.value().is_empty() && !has_text(capability)
        });
    };
    Some(match code {
        CapabilityCode::MULTI_PROTOCOL => Capability::MultiProtocol(value.parse().ok()?),
        CapabilityCode::OUTBOUND_ROUTE_FILTERING => Capability::OutboundRouteFiltering(list(value, |fields| {
            let family = family(fields)?;
            let filter = |field: &str| {
                let (ty, mode) = field.split_once('-')?;
                Some(FilterType { ty: ty.parse().ok()?, mode: mode.parse().ok()? })
            };
            Some(OutboundRouteFiltering { family, filters: fields.map(filter).collect::<Option<_>>()? })
        })?),
        CapabilityCode::EXTENDED_NEXT_HOP => Capability::ExtendedNextHop(list(value, |fields| {
            Some(ExtendedNextHop { family: family(fields)?, next_hop: Afi(number(fields)?) })
        })?),
        CapabilityCode::BGPSEC => {
            let mut fields = value.split('/');
            let version = number(&mut fields)?;
            let send = match fields.next()? {
                "send" => true,
                "receive" => false,
                _ => return None,
            };
            let afi = Afi(number(&mut fields)?);
            fields.next().is_none().then_some(Capability::Bgpsec(Bgpsec { version, send, afi }))?
        }
        CapabilityCode::MULTIPLE_LABELS => Capability::MultipleLabels(list(value, |fields| {
            Some(MultipleLabels { family: family(fields)?, count: number(fields)? })
        })?),
        CapabilityCode::ROLE => Capability::Role(value.parse().ok()?),
        CapabilityCode::GRACEFUL_RESTART => {
            let mut parts = value.splitn(3, ':');
            let restart_time = parts.next()?.parse().ok()?;
            let (restarting, notification) = match parts.next()? {
                "" => (false, false),
                "r" => (true, false),
                "n" => (false, true),
                "rn" => (true, true),
                _ => return None,
            };
            let families = list(parts.next()?, |fields| {
                Some(GracefulRestartFamily { family: family(fields)?, forwarding: forwarding(fields)? })
            })?;
            Capability::GracefulRestart(GracefulRestart { restart_time, restarting, notification, families })
        }
        CapabilityCode::FOUR_OCTET_AS => Capability::FourOctetAs(value.parse().ok()?),
        CapabilityCode::ADD_PATH => Capability::AddPath(list(value, |fields| {
            Some(AddPath { family: family(fields)?, mode: fields.next()?.parse().ok()? })
        })?),
        CapabilityCode::LONG_LIVED_GRACEFUL_RESTART => Capability::LongLivedGracefulRestart(list(value, |fields| {
            let (family, stale_time) = (family(fields)?, number(fields)?);
            Some(LongLivedFamily { family, stale_time, forwarding: forwarding(fields)? })
        })?),
        CapabilityCode::FQDN => {
            let (host, domain) = value.split_once('/')?;
            Capability::Fqdn(Fqdn { host: host.into(), domain: domain.into() })
        }
        CapabilityCode::SOFTWARE_VERSION => Capability::SoftwareVersion(SoftwareVersion(value.into())),
        CapabilityCode::PATHS_LIMIT => Capability::PathsLimit(list(value, |fields| {
            Some(PathsLimit { family: family(fields)?, limit: number(fields)? })
        })?),
        _ => return None,
    })
}

/// Whether the text of a capability says something behind its name.
fn has_text(capability: &Capability) -> bool {
    let mut text = String::new();
    write_named(capability, &mut text).is_err() || text.contains(':')
}

/// Entries with `,` between them, of fields with `/` between them.
fn list<T>(text: &str, read: impl Fn(&mut core::str::Split<'_, char>) -> Option<T>) -> Option<Vec<T>> {
    let entries = text.split(',').filter(|entry| !entry.is_empty());
    let whole = |entry: &str| {
        let mut fields = entry.split('/');
        let entry = read(&mut fields)?;
        fields.next().is_none().then_some(entry)
    };
    entries.map(whole).collect()
}

fn family(fields: &mut core::str::Split<'_, char>) -> Option<Family> {
    Some(Family::new(number(fields)?, number(fields)?))
}

fn number<T: FromStr>(fields: &mut core::str::Split<'_, char>) -> Option<T> {
    fields.next()?.parse().ok()
}

/// Whether an `f` stands at the end.
fn forwarding(fields: &mut core::str::Split<'_, char>) -> Option<bool> {
    match fields.next() {
        None => Some(false),
        Some("f") => Some(true),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rfc5492_4_names_and_values_have_a_text() {
        for (code, value, text) in [
            (1, &[0, 2, 0, 1][..], "multiprotocol:2/1"),
            (2, &[], "route-refresh"),
            (3, &[0, 1, 0, 1, 2, 64, 3, 128, 1], "outbound-route-filtering:1/1/64-3/128-1"),
            (5, &[0, 1, 0, 1, 0, 2, 0, 1, 0, 128, 0, 2], "extended-next-hop:1/1/2,1/128/2"),
            (5, &[], "extended-next-hop:"),
            (6, &[], "extended-message"),
            (7, &[0x08, 0, 1], "bgpsec:0/send/1"),
            (8, &[0, 1, 4, 2], "multiple-labels:1/4/2"),
            (9, &[3], "role:customer"),
            (64, &[0xc0, 120, 0, 1, 1, 0x80, 0, 2, 1, 0], "graceful-restart:120:rn:1/1/f,2/1"),
            (64, &[0, 5], "graceful-restart:5::"),
            (65, &[0, 1, 0, 10], "four-octet-as:65546"),
            (69, &[0, 1, 1, 3, 0, 2, 1, 9], "add-path:1/1/both,2/1/9"),
            (71, &[0, 1, 1, 0x80, 0, 0, 60], "long-lived-graceful-restart:1/1/60/f"),
            (73, &[1, b'a', 2, b'b', b'c'], "fqdn:a/bc"),
            (73, &[3, b'a', b'/', b'b', 0], "capability:73:0x03612f6200"),
            (74, &[], "bfd-strict"),
            (75, &[3, b'1', b'.', b'0'], "software-version:1.0"),
            (77, &[], "link-local-next-hop"),
            (9, &[3, 3], "capability:9:0x0303"),
            (200, &[0xff], "capability:200:0xff"),
        ] {
            let capability = Capability::decode(CapabilityCode(code), value);
            assert_eq!(capability.to_string(), text);
            assert_eq!(text.parse(), Ok(capability), "{text}");
        }
        for text in
            ["", "multiprotocol", "route-refresh:", "role:", "add-path:1/1", "capability:1", "capability:256:0x", "2"]
        {
            assert!(text.parse::<Capability>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn rfc5492_4_every_text_is_read_back(code: u8, low in 0_u8..80, value: Vec<u8>) {
            for code in [code, low] {
                let capability = Capability::decode(CapabilityCode(code), &value);
                proptest::prop_assert_eq!(capability.to_string().parse(), Ok(capability));
            }
        }
    }
}

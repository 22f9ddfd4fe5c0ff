//! One peer as it is written: `ADDR[:PORT],AS[,OPTION]..` on the command line, a table in the file.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bgp_fsm::Secret;
use bgp_wire::Asn;
use serde::Deserialize;

use super::{PeerSettings, SettingsError};

/// A peer as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PeerEntry {
    address: IpAddr,
    #[serde(default = "bgp_port")]
    port: u16,
    #[serde(rename = "as")]
    asn: u32,
    #[serde(default)]
    client: bool,
    #[serde(default)]
    passive: bool,
    password: Option<PathBuf>,
    #[serde(default)]
    add_path: bool,
    policy: Option<Policy>,
    source: Option<IpAddr>,
    ttl_security: Option<u8>,
    max_prefixes: Option<u32>,
    max_attribute_octets: Option<u64>,
    #[serde(default)]
    advertisement_interval: u32,
}

/// What is done with the routes of another AS.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Policy {
    Accept,
}

fn bgp_port() -> u16 {
    179
}

impl FromStr for PeerEntry {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<PeerEntry, SettingsError> {
        let bad = |problem: String| SettingsError::new(text, problem);
        let mut parts = text.split(',');
        let (address, port) = endpoint(parts.next().unwrap_or_default()).map_err(bad)?;
        let asn = parts.next().ok_or_else(|| bad("the AS number is missing".into()))?;
        let asn = asn.parse().map_err(|_| bad(format!("{asn:?} is no AS number")))?;
        let mut entry = PeerEntry {
            address,
            port,
            asn,
            client: false,
            passive: false,
            password: None,
            add_path: false,
            policy: None,
            source: None,
            ttl_security: None,
            max_prefixes: None,
            max_attribute_octets: None,
            advertisement_interval: 0,
        };
        for part in parts {
            match part.split_once('=') {
                None if part == "client" => entry.client = true,
                None if part == "passive" => entry.passive = true,
                None if part == "add-path" => entry.add_path = true,
                None if part == "ttl-security" => entry.ttl_security = Some(1),
                Some(("policy", "accept")) => entry.policy = Some(Policy::Accept),
                Some(("policy", value)) => return Err(bad(format!("policy {value:?} is not known, only accept is"))),
                Some(("password", file)) => entry.password = Some(file.into()),
                Some(("source", value)) => {
                    entry.source = Some(value.parse().map_err(|_| bad(format!("source {value:?} is no address")))?);
                }
                Some(("max-prefixes", value)) => {
                    let most = value.parse().map_err(|_| bad(format!("max-prefixes {value:?} is no number")))?;
                    entry.max_prefixes = Some(most);
                }
                Some(("ttl-security", value)) => {
                    let hops = value.parse().map_err(|_| bad(format!("{value:?} is no number of hops, 1 to 255")))?;
                    entry.ttl_security = Some(hops);
                }
                _ => return Err(bad(format!("option {part:?} is not known"))),
            }
        }
        Ok(entry)
    }
}

/// `192.0.2.1`, `192.0.2.1:1790`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:1790`.
fn endpoint(text: &str) -> Result<(IpAddr, u16), String> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Ok((socket.ip(), socket.port()));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().map_err(|_| format!("{text:?} is no address"))?;
    Ok((address, bgp_port()))
}

impl PeerEntry {
    /// The peer, when all of it makes sense to a speaker of `local_as`.
    pub(super) fn check(self, local_as: Asn) -> Result<PeerSettings, SettingsError> {
        let bad = |problem: &str| Err(SettingsError::new(format_args!("peer {}", self.address), problem));
        if self.asn == 0 {
            return bad("AS 0 is reserved (RFC 7607)");
        }
        if self.client && self.asn != local_as.0 {
            return bad("a client is of the own AS");
        }
        if self.port == 0 && !self.passive {
            return bad("port 0 cannot be dialled");
        }
        if self.ttl_security == Some(0) {
            return bad("ttl-security is 1 to 255 hops");
        }
        if self.source.is_some_and(|source| source.is_ipv4() != self.address.is_ipv4()) {
            return bad("source is of the other address family");
        }
        let password = self.password.as_deref().map(secret).transpose()?;
        Ok(PeerSettings {
            address: self.address,
            port: self.port,
            asn: Asn(self.asn),
            client: self.client,
            passive: self.passive,
            password,
            add_path: self.add_path,
            accept: self.policy.is_some(),
            source: self.source,
            ttl_security: self.ttl_security,
            max_prefixes: self.max_prefixes,
            max_attribute_octets: self.max_attribute_octets,
            advertisement_interval: Duration::from_secs(self.advertisement_interval.into()),
        })
    }
}

/// The first line of a file; a key may have up to 80 octets, as many as Linux takes.
pub(super) fn secret(path: &Path) -> Result<Secret, SettingsError> {
    let mut text = std::fs::read(path).map_err(|error| SettingsError::new(path.display(), error))?;
    let key = first_line(path, &text);
    // What was read is a copy of the key, too.
    text.fill(0);
    std::hint::black_box(&text);
    key
}

fn first_line(path: &Path, text: &[u8]) -> Result<Secret, SettingsError> {
    let line = text.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.len() {
        1..=80 => Ok(Secret::new(line)),
        0 => Err(SettingsError::new(path.display(), "the password is empty")),
        length => Err(SettingsError::new(path.display(), format_args!("the password has {length} octets, at most 80"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match text.parse::<PeerEntry>().and_then(|entry| entry.check(Asn(64512))) {
            Ok(_) => "none".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_peer_has_an_address_an_as_and_options() {
        let entry: PeerEntry = "[2001:db8::1]:1790,64512,client,passive,add-path,ttl-security=3".parse().unwrap();
        let peer = entry.check(Asn(64512)).unwrap();
        assert_eq!((peer.address.to_string(), peer.port), ("2001:db8::1".into(), 1790));
        assert!(peer.client && peer.passive && peer.add_path && !peer.accept);
        assert_eq!(peer.ttl_security, Some(3));
        for plain in ["192.0.2.1,64512", "2001:db8::1,64512", "[2001:db8::1],64512"] {
            assert_eq!(plain.parse::<PeerEntry>().unwrap().port, 179, "{plain}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_value() {
        assert_eq!(problem("192.0.2.1"), "192.0.2.1: the AS number is missing");
        assert_eq!(problem("192.0.2,1"), "192.0.2,1: \"192.0.2\" is no address");
        assert_eq!(problem("192.0.2.1,x"), "192.0.2.1,x: \"x\" is no AS number");
        assert_eq!(problem("192.0.2.1,1,clint"), "192.0.2.1,1,clint: option \"clint\" is not known");
        assert_eq!(
            problem("192.0.2.1,1,policy=all"),
            "192.0.2.1,1,policy=all: policy \"all\" is not known, only accept is"
        );
        assert_eq!(problem("192.0.2.1,1,client"), "peer 192.0.2.1: a client is of the own AS");
        assert_eq!(problem("192.0.2.1,0"), "peer 192.0.2.1: AS 0 is reserved (RFC 7607)");
        assert_eq!(problem("192.0.2.1,1,source=::1"), "peer 192.0.2.1: source is of the other address family");
        assert!(problem("192.0.2.1,1,password=/no/such").starts_with("/no/such: "));
        assert_eq!(problem("192.0.2.1,64512,client"), "none");
    }

    #[test]
    fn rfc2385_no_debug_output_of_the_settings_has_the_key() {
        let file = std::env::temp_dir().join(format!("reflector-key-{}", std::process::id()));
        std::fs::write(&file, "correct horse\r\nsecond line\n").unwrap();
        let entry: PeerEntry = format!("192.0.2.1,64512,password={}", file.display()).parse().unwrap();
        let peer = entry.check(Asn(64512));
        std::fs::remove_file(&file).unwrap();
        let peer = peer.unwrap();
        assert_eq!(peer.password.as_ref().map(Secret::expose), Some(&b"correct horse"[..]));
        assert!(!format!("{peer:?} {peer:#?}").contains("correct"));
    }
}

//! The `config` of a case: every option must be known and one the library has.

use std::net::Ipv4Addr;
use std::str::FromStr;

use ipip::{Config, Df, DscpDecap, EcnMode, PeerPrefixes, PeerSet, Tos, Ttl, Tunnel};
use ipnet::Ipv4Net;
use serde_json::Value;

use crate::{Fields, Mismatch};

/// What a case sets up.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) remote: Ipv4Addr,
    /// Fragments of outer datagrams are kept until the datagram is whole.
    pub(super) reassemble: bool,
    peers: Vec<Ipv4Net>,
}

/// The allowed sources of a case.
#[derive(Debug, Clone)]
pub(super) struct Peers(Vec<Ipv4Net>);

impl PeerSet for Peers {
    fn contains(&self, source: Ipv4Addr) -> bool {
        PeerPrefixes::new(&self.0).contains(source)
    }
}

impl Setup {
    /// Reads `config`; options that are not there keep the library's default.
    pub(super) fn read(fields: Fields<'_>) -> Result<Setup, Mismatch> {
        let local = need(&fields, "local")?;
        let remote = need(&fields, "remote")?;
        let ecn = word(
            &fields,
            "ecn",
            &[("normal", EcnMode::Normal), ("compat", EcnMode::Compat), ("rfc3168", EcnMode::Rfc3168)],
        )?;
        let ecn = ecn.ok_or_else(|| Mismatch::new("config.ecn", "a mode", "nothing"))?;
        let mut config = Config::new(local, ecn);
        config.remote = Some(remote);
        if let Some(ttl) = number_or_inherit(&fields, "ttl")? {
            config.ttl = ttl.map_or(Ttl::Inherit, Ttl::Fixed);
        }
        if let Some(tos) = number_or_inherit(&fields, "tos")? {
            config.tos = tos.map_or(Tos::Inherit, Tos::Fixed);
        }
        let dscp = [("pipe", DscpDecap::Pipe), ("uniform", DscpDecap::Uniform)];
        set(&mut config.dscp_decap, word(&fields, "dscp_decap", &dscp)?);
        let df = [("inherit", Df::Inherit), ("always", Df::Always), ("never", Df::Never)];
        set(&mut config.df, word(&fields, "df", &df)?);
        set(&mut config.mtu, number(&fields, "mtu")?);
        set(&mut config.ident, number(&fields, "ident")?);
        set(&mut config.max_nesting, number(&fields, "max_nesting")?);
        set(&mut config.forwarded, fields.truth("forwarded")?);
        set(&mut config.verify_inner_checksum, fields.truth("verify_inner_checksum")?);
        if let Some(source) = fields.text("icmp_source")? {
            config.icmp_source = Some(parse("config.icmp_source", source)?);
        }
        let reassemble = fields.truth("reassemble")?.unwrap_or(false);
        let peers = sources(&fields)?;
        match fields.unread().into_iter().next() {
            Some(unknown) => Err(unknown),
            None => Ok(Setup { config, remote, reassemble, peers }),
        }
    }

    /// A fresh tunnel.
    pub(super) fn tunnel(&self) -> Tunnel<Peers> {
        Tunnel::new(self.config, Peers(self.peers.clone()))
    }
}

fn sources(fields: &Fields<'_>) -> Result<Vec<Ipv4Net>, Mismatch> {
    let key = "config.allowed_sources";
    let read = |source: &Value| {
        let text = source.as_str().ok_or_else(|| Mismatch::malformed(key, "an address or a prefix", source))?;
        if text.contains('/') { parse(key, text) } else { parse::<Ipv4Addr>(key, text).map(Ipv4Net::from) }
    };
    fields.list("allowed_sources")?.unwrap_or_default().iter().map(read).collect()
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn need<T: FromStr>(fields: &Fields<'_>, key: &str) -> Result<T, Mismatch> {
    let value = fields.need(key)?;
    let text = value.as_str().ok_or_else(|| Mismatch::malformed(fields.path(key), "a text", value))?;
    parse(&fields.path(key), text)
}

fn parse<T: FromStr>(key: &str, text: &str) -> Result<T, Mismatch> {
    text.parse().map_err(|_| Mismatch::new(key, "an IPv4 address or prefix", text))
}

fn number<T: TryFrom<u64>>(fields: &Fields<'_>, key: &str) -> Result<Option<T>, Mismatch> {
    let Some(number) = fields.number(key)? else { return Ok(None) };
    T::try_from(number).map(Some).map_err(|_| Mismatch::new(fields.path(key), "a number of the field's range", number))
}

/// `Some(None)` is `inherit`.
fn number_or_inherit(fields: &Fields<'_>, key: &str) -> Result<Option<Option<u8>>, Mismatch> {
    match fields.take(key) {
        None => Ok(None),
        Some(Value::String(word)) if word == "inherit" => Ok(Some(None)),
        Some(value) => match value.as_u64().and_then(|number| u8::try_from(number).ok()) {
            Some(number) => Ok(Some(Some(number))),
            None => Err(Mismatch::malformed(fields.path(key), "0 to 255 or inherit", value)),
        },
    }
}

fn word<T: Copy>(fields: &Fields<'_>, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Mismatch> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => Err(Mismatch::unknown(fields.path(key))),
    }
}

//! `setup` of a case: the configuration of the session.

use std::net::IpAddr;
use std::time::Duration;

use bgp_fsm::{Confederation, Config, PeerAs, Secret, TcpAo, Transport};
use bgp_speaker::{LimitAction, PrefixLimit};
use bgp_wire::capability::Role;
use bgp_wire::{Asn, BgpId};
use ipnet::IpNet;
use serde_json::Value;

use super::capability;
use crate::{Fields, Mismatch};

/// What the case sets up.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    /// The session's configuration.
    pub(super) config: Config,
    /// The peer's address.
    pub(super) peer_addr: Option<IpAddr>,
    /// Our address.
    pub(super) local_addr: Option<IpAddr>,
    /// No policy is configured (RFC 8212).
    pub(super) no_policy: bool,
    /// How many prefixes the peer may announce.
    pub(super) limits: Vec<PrefixLimit>,
    /// Peers may come from this range, so many at a time.
    pub(super) range: Option<(IpNet, u32)>,
}

impl Setup {
    /// Whether this is about tables or about many peers.
    pub(super) fn needs_speaker(&self) -> bool {
        self.no_policy || !self.limits.is_empty() || self.range.is_some()
    }
}

impl Setup {
    pub(super) fn read(value: &Value) -> Result<Setup, Vec<Mismatch>> {
        let fields = Fields::new("setup", value).map_err(|m| vec![m])?;
        let setup = read(&fields).map_err(|m| vec![m])?;
        let unread = fields.unread();
        if unread.is_empty() { Ok(setup) } else { Err(unread) }
    }
}

fn read(fields: &Fields<'_>) -> Result<Setup, Mismatch> {
    let local_as = Asn(small(fields, "local_as")?.ok_or_else(|| Mismatch::unknown(fields.path("local_as")))?);
    let router_id: BgpId = parsed(fields, "router_id")?.ok_or_else(|| Mismatch::unknown(fields.path("router_id")))?;
    let peer_as = match fields.need("peer_as")? {
        Value::String(text) if text == "any" => PeerAs::Any,
        Value::String(text) if text == "external" => PeerAs::External,
        Value::String(text) if text == "internal" => PeerAs::Internal,
        value => match value.as_u64().and_then(|asn| u32::try_from(asn).ok()) {
            Some(asn) => PeerAs::Exact(Asn(asn)),
            None => return Err(Mismatch::malformed(fields.path("peer_as"), "an AS number", value)),
        },
    };
    let mut config = Config::new(local_as, router_id, peer_as);
    if let Some(seconds) = small(fields, "hold_time")? {
        config = config.with_hold_time(seconds);
    }
    if let Some(time) = seconds(fields, "connect_retry")? {
        config = config.with_connect_retry(time);
    }
    if let Some(time) = seconds(fields, "open_hold_time")? {
        config = config.with_open_hold_time(time);
    }
    if let Some(jitter) = fields.truth("jitter")? {
        config = config.with_jitter(jitter);
    }
    let (mut no_policy, mut limits, mut range) = (false, Vec::new(), None);
    if let Some(value) = fields.take("options") {
        let options = Fields::new(fields.path("options"), value)?;
        config = self::options(&options, config)?;
        no_policy = match options.text("ebgp_policy")? {
            None => false,
            Some("none") => true,
            Some(_) => return Err(Mismatch::unknown(options.path("ebgp_policy"))),
        };
        limits = self::limits(&options)?;
        range = self::range(&options)?;
        if let Some(mismatch) = options.unread().into_iter().next() {
            return Err(mismatch);
        }
    }
    if let Some(names) = names(fields, "capabilities")? {
        let list = capability::parse_all(&names, local_as, config.role);
        config = config.with_capabilities(list.ok_or_else(|| Mismatch::unknown(fields.path("capabilities")))?);
    }
    let (peer_addr, local_addr) = (parsed(fields, "peer_addr")?, parsed(fields, "local_addr")?);
    Ok(Setup { config, peer_addr, local_addr, no_policy, limits, range })
}

fn options(options: &Fields<'_>, mut config: Config) -> Result<Config, Mismatch> {
    type Flag = fn(Config, bool) -> Config;
    let flags: [(&str, Flag); 11] = [
        ("bfd", Config::with_bfd),
        ("bfd_strict", Config::with_bfd_strict),
        ("passive", Config::with_passive),
        ("never_dial", Config::with_never_dial),
        ("allow_automatic_start", Config::with_allow_automatic_start),
        ("allow_automatic_stop", Config::with_allow_automatic_stop),
        ("damp_peer_oscillations", Config::with_damp_peer_oscillations),
        ("send_notification_without_open", Config::with_send_notification_without_open),
        ("collision_detect_established_state", Config::with_collision_detect_established_state),
        ("role_strict", Config::with_role_strict),
        ("dual_as", Config::with_dual_as),
    ];
    for (name, with) in flags {
        if let Some(value) = options.truth(name)? {
            config = with(config, value);
        }
    }
    type Time = fn(Config, Duration) -> Config;
    let times: [(&str, Time); 5] = [
        ("delay_open_time", Config::with_delay_open_time),
        ("idle_hold_time", Config::with_idle_hold_time),
        ("idle_hold_max", Config::with_idle_hold_max),
        ("send_hold_time", |config, time| config.with_send_hold_time(Some(time))),
        ("max_prefix_restart", |config, time| config.with_max_prefix_restart(Some(time))),
    ];
    for (name, with) in times {
        if let Some(time) = seconds(options, name)? {
            config = with(config, time);
        }
    }
    if let Some(seconds) = small(options, "min_hold_time")? {
        config = config.with_min_hold_time(seconds);
    }
    if let Some(asn) = small(options, "local_as_override")? {
        config = config.with_local_as_override(Some(Asn(asn)));
    }
    if let Some(name) = options.text("role")? {
        let role = match name {
            "provider" => Role::PROVIDER,
            "customer" => Role::CUSTOMER,
            "rs" => Role::ROUTE_SERVER,
            "rs-client" => Role::ROUTE_SERVER_CLIENT,
            "peer" => Role::PEER,
            _ => return Err(Mismatch::unknown(options.path("role"))),
        };
        config = config.with_role(Some(role));
    }
    if let Some(names) = names(options, "require_capabilities")? {
        let list = capability::parse_all(&names, config.local_as, config.role);
        let list = list.ok_or_else(|| Mismatch::unknown(options.path("require_capabilities")))?;
        config = config.with_require_capabilities(list);
    }
    config = config.with_transport(transport(options)?);
    if let Some(id) = small(options, "confederation_id")? {
        let members: Option<Vec<Asn>> = options
            .list("confederation_members")?
            .unwrap_or_default()
            .iter()
            .map(|member| Some(Asn(u32::try_from(member.as_u64()?).ok()?)))
            .collect();
        let members = members.ok_or_else(|| Mismatch::unknown(options.path("confederation_members")))?;
        config = config.with_confederation(Some(Confederation::new(Asn(id), members)));
    }
    Ok(config)
}

fn limits(options: &Fields<'_>) -> Result<Vec<PrefixLimit>, Mismatch> {
    let action = match options.text("max_prefix_action")? {
        None | Some("cease") => LimitAction::Cease,
        Some("warn") => LimitAction::Warn,
        Some(_) => return Err(Mismatch::unknown(options.path("max_prefix_action"))),
    };
    let Some(value) = options.take("max_prefix") else { return Ok(Vec::new()) };
    let wrong = || Mismatch::malformed(options.path("max_prefix"), "limits by family", value);
    let limit = |(family, limit): (&String, &Value)| {
        let (family, limit) = (family.parse().ok()?, u32::try_from(limit.as_u64()?).ok()?);
        Some(PrefixLimit::new(family, limit).with_action(action))
    };
    value.as_object().ok_or_else(wrong)?.iter().map(limit).collect::<Option<_>>().ok_or_else(wrong)
}

fn range(options: &Fields<'_>) -> Result<Option<(IpNet, u32)>, Mismatch> {
    let (prefix, limit) = (parsed(options, "dynamic_range")?, small(options, "dynamic_limit")?);
    match (prefix, limit) {
        (Some(prefix), limit) => Ok(Some((prefix, limit.unwrap_or(u32::MAX)))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Mismatch::new(options.path("dynamic_range"), "a range", "none")),
    }
}

fn transport(options: &Fields<'_>) -> Result<Transport, Mismatch> {
    let mut transport = Transport::new().with_ttl_security_hops(small(options, "ttl_security_hops")?);
    if let Some(key) = options.text("md5_key")? {
        transport = transport.with_md5_key(Some(Secret::new(key)));
    }
    if let Some(value) = options.take("tcp_ao") {
        let fields = Fields::new(options.path("tcp_ao"), value)?;
        let id = |key: &str| small(&fields, key)?.ok_or_else(|| Mismatch::unknown(fields.path(key)));
        let (send_id, recv_id) = (id("send_id")?, id("recv_id")?);
        let (algorithm, key) = (fields.text("alg")?.unwrap_or_default(), fields.text("key")?.unwrap_or_default());
        if let Some(mismatch) = fields.unread().into_iter().next() {
            return Err(mismatch);
        }
        transport = transport.with_tcp_ao(Some(TcpAo::new(send_id, recv_id, algorithm, Secret::new(key))));
    }
    Ok(transport)
}

fn names<'v>(fields: &Fields<'v>, key: &str) -> Result<Option<Vec<&'v str>>, Mismatch> {
    let Some(list) = fields.list(key)? else { return Ok(None) };
    let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
    names.map(Some).ok_or_else(|| Mismatch::new(fields.path(key), "a list of names", "something else"))
}

/// An integer of any size that the type has.
fn small<T: TryFrom<u64>>(fields: &Fields<'_>, key: &str) -> Result<Option<T>, Mismatch> {
    let Some(number) = fields.number(key)? else { return Ok(None) };
    T::try_from(number).map(Some).map_err(|_| Mismatch::new(fields.path(key), "a smaller number", number))
}

fn parsed<T: std::str::FromStr>(fields: &Fields<'_>, key: &str) -> Result<Option<T>, Mismatch> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Mismatch::new(fields.path(key), "an address", text))
}

/// Seconds, an integer or a fraction.
fn seconds(fields: &Fields<'_>, key: &str) -> Result<Option<Duration>, Mismatch> {
    let Some(value) = fields.take(key) else { return Ok(None) };
    let time = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map(Some).ok_or_else(|| Mismatch::malformed(fields.path(key), "seconds", value))
}

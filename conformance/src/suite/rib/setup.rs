//! The speaker and the peers of a case.

use std::net::IpAddr;

use bgp_rib::{AddPathTx, Config, DecisionOptions, PeerConfig, PeerKind, PeerPolicy, Rib};
use bgp_wire::capability::Role;
use bgp_wire::{Asn, BgpId, Context, FamilySet, SessionKind};
use serde_json::Value;

use crate::{Fields, Mismatch};

/// What a case says of next hops.
#[derive(Default)]
pub(super) struct Igp {
    costs: Vec<(IpAddr, u32)>,
    unreachable: Vec<IpAddr>,
}

impl Igp {
    /// `{next hop: cost}`.
    pub(super) fn costs(path: String, value: &Value) -> Result<Igp, Mismatch> {
        let mut igp = Igp::default();
        for (next_hop, cost) in super::entries(&path, value)? {
            let cost = cost.as_u64().and_then(|cost| u32::try_from(cost).ok());
            let cost = cost.ok_or_else(|| Mismatch::malformed(path.clone(), "costs", value))?;
            igp.costs.push((parsed(path.clone(), &Value::from(next_hop))?, cost));
        }
        Ok(igp)
    }

    /// `[next hop]`.
    pub(super) fn unreachable(path: String, value: &Value) -> Result<Igp, Mismatch> {
        let list = value.as_array().ok_or_else(|| Mismatch::malformed(path.clone(), "a list", value))?;
        let unreachable = list.iter().map(|next_hop| parsed(path.clone(), next_hop)).collect::<Result<_, _>>()?;
        Ok(Igp { unreachable, ..Igp::default() })
    }

    pub(super) fn apply(&self, rib: &mut Rib) {
        self.costs.iter().for_each(|(next_hop, cost)| rib.set_igp_cost(*next_hop, *cost));
        self.unreachable.iter().for_each(|next_hop| rib.set_unreachable(*next_hop, true));
    }
}

/// The Rib that `dut` describes.
pub(super) fn dut(value: &Value, found: &mut Vec<Mismatch>) -> Result<(Rib, Igp), Mismatch> {
    let fields = Fields::new("dut", value)?;
    let asn = asn(fields.path("as"), fields.need("as")?)?;
    let router_id: BgpId = parsed(fields.path("router_id"), fields.need("router_id")?)?;
    let mut config = Config::new(asn, router_id);
    config = match parsed(fields.path("addr"), fields.need("addr")?)? {
        IpAddr::V4(addr) => config.with_local_v4(addr),
        IpAddr::V6(addr) => config.with_local_v6(addr),
    };
    if let Some(cluster_id) = fields.take("cluster_id") {
        config = config.with_cluster_id(parsed(fields.path("cluster_id"), cluster_id)?);
    }
    if let Some(confed) = fields.take("confed") {
        let confed = Fields::new("dut.confed", confed)?;
        config = config.with_confederation(self::asn(confed.path("id"), confed.need("id")?)?);
        // Which peers are members is said by their kind.
        for member in confed.list("members")?.unwrap_or_default() {
            self::asn(confed.path("members"), member)?;
        }
        found.extend(confed.unread());
    }
    let mut igp = Igp::default();
    if let Some(options) = fields.take("options") {
        let options = Fields::new("dut.options", options)?;
        let on = |name| options.truth(name).map(|value| value.unwrap_or(false));
        // The decision never depends on order, so there is nothing to switch.
        on("deterministic_med")?;
        config = config
            .with_decision(
                DecisionOptions::new()
                    .with_always_compare_med(on("always_compare_med")?)
                    .with_med_missing_as_worst(on("med_missing_as_worst")?)
                    .with_prefer_oldest_external(on("prefer_oldest_external")?),
            )
            .with_no_client_to_client(on("no_client_to_client")?);
        if let Some(costs) = options.take("igp_cost") {
            igp.costs = Igp::costs(options.path("igp_cost"), costs)?.costs;
        }
        if let Some(next_hops) = options.take("unreachable") {
            igp.unreachable = Igp::unreachable(options.path("unreachable"), next_hops)?.unreachable;
        }
        found.extend(options.unread());
    }
    found.extend(fields.unread());
    Ok((Rib::new(config, 2), igp))
}

/// A peer's name, configuration, session and BGP Identifier.
pub(super) fn peer(
    path: String,
    value: &Value,
    rib: &Rib,
    found: &mut Vec<Mismatch>,
) -> Result<(String, PeerConfig, Context, BgpId), Mismatch> {
    let fields = Fields::new(path, value)?;
    let name = fields.text("name")?.unwrap_or_default().to_owned();
    let addr = parsed(fields.path("addr"), fields.need("addr")?)?;
    let router_id = parsed(fields.path("router_id"), fields.need("router_id")?)?;
    let asn = asn(fields.path("as"), fields.need("as")?)?;
    let (kind, session) = match fields.need("kind")?.as_str() {
        Some("ebgp") => (PeerKind::Ebgp, SessionKind::Ebgp),
        Some("ibgp") => (PeerKind::Ibgp, SessionKind::Ibgp),
        Some("rr-client") => (PeerKind::RrClient, SessionKind::Ibgp),
        Some("confed") => (PeerKind::Confed, SessionKind::ConfedExternal),
        _ => return Err(Mismatch::unknown(fields.path("kind"))),
    };
    let local_as = if session == SessionKind::Ebgp { rib.config().public_as() } else { rib.config().local_as() };
    let mut context = Context::new(session).with_peer_as(asn).with_local_as(local_as);
    let mut config = PeerConfig::new(kind, asn, addr);
    if let Some(options) = fields.take("options") {
        let options = Fields::new(fields.path("options"), options)?;
        if let Some(role) = options.text("role")? {
            let known = ["provider", "customer", "rs", "rs-client", "peer"].contains(&role);
            let role = role.parse::<Role>().ok().filter(|_| known);
            config = config.with_role(role.ok_or_else(|| Mismatch::unknown(options.path("role")))?);
        }
        config = config.with_llgr(options.truth("llgr")?.unwrap_or(false));
        match options.text("next_hop_self")? {
            None => {}
            Some("ebgp") => config = config.with_next_hop_self(true),
            Some(_) => found.push(Mismatch::unknown(options.path("next_hop_self"))),
        }
        if let Some(times) = options.number("allowas_in")? {
            let times =
                u32::try_from(times).map_err(|error| Mismatch::new(options.path("allowas_in"), "u32", error))?;
            config = config.with_allowas_in(times);
        }
        if let Some(paths) = options.take("add_path_tx") {
            let number = || paths.as_u64().filter(|count| *count > 0).and_then(|count| u16::try_from(count).ok());
            let paths = if paths == "all" { Some(AddPathTx::All) } else { number().map(AddPathTx::Best) };
            config = config.with_add_path_tx(paths.ok_or_else(|| Mismatch::unknown(options.path("add_path_tx")))?);
            context = context.with_add_path_send(FamilySet::UNICAST);
        }
        match options.text("policy")? {
            None => {}
            Some("none") => config = config.with_policy(PeerPolicy::None),
            Some(_) => found.push(Mismatch::unknown(options.path("policy"))),
        }
        context = context.with_enforce_first_as(options.truth("enforce_first_as")?.unwrap_or(false));
        config = config.with_best_external(options.truth("best_external")?.unwrap_or(false));
        found.extend(options.unread());
    }
    found.extend(fields.unread());
    Ok((name, config, context, router_id))
}

/// A value that is text of its type.
pub(super) fn parsed<T: std::str::FromStr>(path: String, value: &Value) -> Result<T, Mismatch> {
    let read = value.as_str().and_then(|text| text.parse().ok());
    read.ok_or_else(|| Mismatch::malformed(path, "an address or identifier", value))
}

/// An AS number.
pub(super) fn asn(path: String, value: &Value) -> Result<Asn, Mismatch> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.map(Asn).ok_or_else(|| Mismatch::malformed(path, "an AS number", value))
}

//! What two OPENs agree on, and whether the peer's is acceptable (RFC 4271 section 6.2).

use alloc::vec::Vec;

use bgp_wire::capability::{Capability, Role, RoleParam};
use bgp_wire::{Asn, BgpId, Context, NotificationBuf, NotificationCode, Open, OpenView, Params, SessionKind};

use crate::{Config, PeerAs};

/// What two OPENs agree on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Negotiated {
    /// How the messages of the session are read and written.
    pub context: Context,
    /// What our OPEN said.
    pub local: Params,
    /// What the peer's OPEN said.
    pub peer: Params,
    /// The hold time in seconds: the smaller of both, 0 = none (RFC 4271 section 4.2).
    pub hold_time: u16,
    /// The time between our KEEPALIVEs in seconds: a third of the hold time, at least 1; 0 = none (RFC 4271 section 4.4).
    pub keepalive: u16,
    /// The peer's AS number.
    pub peer_as: Asn,
    /// The peer's BGP Identifier.
    pub peer_id: BgpId,
    /// The relation to the peer.
    pub session: SessionKind,
    /// Our role (RFC 9234), on an eBGP session.
    pub role: Option<Role>,
}

impl Negotiated {
    /// Whether both sides understand ROUTE-REFRESH (RFC 2918).
    #[must_use]
    pub const fn route_refresh(&self) -> bool {
        self.local.route_refresh() && self.peer.route_refresh()
    }

    /// Whether both sides mark beginning and end of what they send again (RFC 7313).
    #[must_use]
    pub const fn enhanced_route_refresh(&self) -> bool {
        self.local.enhanced_route_refresh() && self.peer.enhanced_route_refresh()
    }
}

/// The OPEN of a session with this configuration; `shown` is its AS number.
pub(crate) fn open(config: &Config, shown: Asn) -> Open {
    let mut open = Open::new(shown, config.hold_time, config.router_id);
    let roles = config.capabilities.iter().any(|capability| matches!(capability, Capability::Role(_)));
    for capability in &config.capabilities {
        open.capabilities.push(match capability {
            Capability::FourOctetAs(_) => Capability::FourOctetAs(shown),
            other => other.clone(),
        });
    }
    if let Some(role) = config.role
        && !roles
        && config.peer_as != PeerAs::Internal
        && config.peer_as != PeerAs::Exact(config.local_as)
    {
        open.capabilities.push(Capability::Role(role));
    }
    open
}

/// Judges the peer's OPEN, which is well-formed.
///
/// # Errors
/// The NOTIFICATION that answers it.
pub(crate) fn judge(config: &Config, local: &Params, open: &OpenView<'_>) -> Result<Negotiated, NotificationBuf> {
    let refuse = |code| Err(NotificationBuf::new(code, Vec::new()));
    let (peer, shown) = (open.params(), local.asn());
    // RFC 6793 section 4.1: the capability counts, not the 2-octet field.
    let session = config.kind(peer.asn(), shown);
    let internal = session == SessionKind::Ibgp;
    let wanted = match config.peer_as {
        PeerAs::Exact(asn) => peer.asn() == asn,
        PeerAs::Any => true,
        PeerAs::External => !internal,
        PeerAs::Internal => internal,
    };
    if !wanted {
        return refuse(NotificationCode::BAD_PEER_AS);
    }
    // RFC 6286 section 2.2: unique within an AS only.
    if internal && peer.bgp_id() == config.router_id {
        return refuse(NotificationCode::BAD_BGP_IDENTIFIER);
    }
    if peer.hold_time() != 0 && peer.hold_time() < config.min_hold_time {
        return refuse(NotificationCode::UNACCEPTABLE_HOLD_TIME);
    }
    let missing = missing(config, shown, open);
    if !missing.is_empty() {
        return Err(NotificationBuf::new(NotificationCode::UNSUPPORTED_CAPABILITY, missing));
    }
    let role = config.role.filter(|_| session == SessionKind::Ebgp);
    if let Some(ours) = role
        && !roles_agree(config, ours, peer.role())
    {
        return refuse(NotificationCode::ROLE_MISMATCH);
    }
    let hold_time = local.hold_time().min(peer.hold_time());
    Ok(Negotiated {
        context: Context::negotiate(local, &peer, session)
            .with_reject_as_sets(config.reject_as_sets)
            .with_enforce_first_as(config.enforce_first_as),
        local: *local,
        peer,
        hold_time,
        keepalive: if hold_time == 0 { 0 } else { (hold_time / 3).max(1) },
        peer_as: peer.asn(),
        peer_id: peer.bgp_id(),
        session,
        role,
    })
}

/// RFC 9234 section 4.2.
fn roles_agree(config: &Config, ours: Role, theirs: RoleParam) -> bool {
    match theirs {
        RoleParam::None => !config.role_strict,
        RoleParam::One(theirs) => ours.matches(theirs),
        RoleParam::Conflict => false,
    }
}

/// The required capabilities that the OPEN lacks, as they stand in an OPEN (RFC 5492 section 3).
fn missing(config: &Config, shown: Asn, open: &OpenView<'_>) -> Vec<u8> {
    let mut missing = Vec::new();
    for required in &config.require_capabilities {
        let code = required.code();
        let value = match required {
            Capability::FourOctetAs(_) => Capability::FourOctetAs(shown).value(),
            other => other.value(),
        };
        let family = matches!(required, Capability::MultiProtocol(_));
        let there = |theirs: bgp_wire::capability::CapabilityView<'_>| {
            theirs.code == code && (!family || Capability::from(theirs) == *required)
        };
        if !open.capabilities().any(there)
            && let Ok(length) = u8::try_from(value.len())
        {
            missing.extend_from_slice(&[code.0, length]);
            missing.extend_from_slice(&value);
        }
    }
    missing
}

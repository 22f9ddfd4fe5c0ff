//! The events that end a session for an administrative reason.

use bgp_fsm::Cease;
use bgp_wire::Family;

use crate::{Fields, Mismatch};

/// The reason that the event `name` gives; `None` if it is none of these events.
pub(super) fn read(name: &str, input: &Fields<'_>) -> Result<Option<Cease>, Mismatch> {
    Ok(Some(match name {
        "ManualStop" => {
            let cease = Cease::shutdown().with_communication(input.text("communication")?.unwrap_or_default());
            if input.truth("hard")? == Some(true) { cease.hard() } else { cease }
        }
        "AdminReset" => Cease::reset().with_communication(input.text("communication")?.unwrap_or_default()),
        "PeerDeconfigured" => Cease::deconfigured(),
        "OtherConfigurationChange" => Cease::configuration_change(),
        "OutOfResources" => Cease::out_of_resources(),
        "MaxPrefixExceeded" => {
            let number = |key: &str| Ok(input.need(key)?.as_u64());
            let (afi, safi, limit) = (number("afi")?, number("safi")?, number("limit")?);
            let family = afi
                .zip(safi)
                .and_then(|(afi, safi)| Some(Family::new(u16::try_from(afi).ok()?, u8::try_from(safi).ok()?)));
            match (family, limit.and_then(|limit| u32::try_from(limit).ok())) {
                (Some(family), Some(limit)) => Cease::too_many_prefixes(family, limit),
                _ => return Err(Mismatch::new(input.path("limit"), "afi, safi and limit", "something else")),
            }
        }
        _ => return Ok(None),
    }))
}

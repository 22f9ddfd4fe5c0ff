//! ADD gives a container its addresses, CHECK says whether it has them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ippool::op::{self, AssignIp, AssignIpError, AutoAssign, AutoAssignError, HandleError};
use ippool::{Attributes, IpVersion, Use};
use serde_json::{Value as Json, json};

use super::config::Network;
use super::error::{Code, Error};
use super::request::Request;
use super::{Session, gc, remove};
use crate::driver::now;

/// Undoing has at least so long, whatever is left of the command's time.
const UNDO: Duration = Duration::from_secs(30);

/// Gives addresses; the same ones if the container has some.
pub(super) fn add(request: &Request, network: &Network, session: &mut Session) -> Result<Json, Error> {
    let handle = network.handle(&request.container, &request.interface);
    let first = assign(request, network, &handle, session);
    // A handle that counts what its container never got is left of an ADD that was killed: under the lock of the host
    // no other is on its way.
    let outcome = match first {
        Err(Refused { error, again: true }) => match gc::put_in_order(network, session) {
            Ok(()) => assign(request, network, &handle, session),
            Err(_) => Err(Refused { error, again: false }),
        },
        first => first,
    };
    match outcome {
        Ok(addresses) => Ok(result(network, &addresses)),
        Err(Refused { error, .. }) => {
            // One version without the other is none. If that fails too, DEL and GC will find it.
            session.leave(UNDO);
            let _ = remove::release(&handle, session);
            Err(error)
        }
    }
}

/// Fails unless the container has addresses, and all that it has are those it was given.
pub(super) fn check(request: &Request, network: &Network, session: &mut Session) -> Result<(), Error> {
    let previous = network.previous.as_ref().ok_or_else(|| Error::new(Code::Config, "prevResult: missing", ""))?;
    let handle = network.handle(&request.container, &request.interface);
    let missing = |what: String| Error::new(Code::Missing, what, format!("handle {handle}"));
    let found = match session.drive(op::ips_by_handle(&handle, now())) {
        Ok(found) => found,
        Err(HandleError::Store(error)) => return Err(session.store(&error)),
        Err(_) => Vec::new(),
    };
    let (v4, v6) = network.ipam.counts();
    if found.len() < v4 + v6 {
        return Err(missing(format!("{} addresses instead of {}", found.len(), v4 + v6)));
    }
    match found.iter().find(|address| !previous.ips.iter().any(|given| given.address.addr() == **address)) {
        Some(address) => Err(missing(format!("{address} is not what the container was given"))),
        None => Ok(()),
    }
}

/// Why there are no addresses, and whether it is for a handle that counts too many.
struct Refused {
    error: Error,
    again: bool,
}

impl Refused {
    fn because(code: Code, why: impl ToString) -> Refused {
        Refused { error: Error::new(code, "no address", why), again: false }
    }
}

fn assign(request: &Request, network: &Network, handle: &str, session: &mut Session) -> Result<Vec<IpNet>, Refused> {
    let refused = |error| Refused { error, again: false };
    let attributes = Arc::new(attributes(request, network, handle));
    let wanted = network.wanted(request.arguments.get("IP")).map_err(refused)?;
    let (mut v4, mut v6) = network.ipam.counts();
    let mut addresses = Vec::new();
    for address in wanted {
        addresses.push(given(address, &attributes, network, session)?);
        match address {
            IpAddr::V4(_) => v4 = 0,
            IpAddr::V6(_) => v6 = 0,
        }
    }
    let mut auto =
        AutoAssign::new(network.ipam.node(), Use::Workload, now()).with_counts(v4, v6).with_attributes(attributes);
    auto.pools_v4 = network.ipam.pools_of(IpVersion::V4, &session.resources).map_err(refused)?;
    auto.pools_v6 = network.ipam.pools_of(IpVersion::V6, &session.resources).map_err(refused)?;
    auto.max_alloc = 1;
    let resources = Arc::clone(&session.resources);
    let assigned = session.drive(op::auto_assign(auto, &resources));
    match &assigned.error {
        Some(AutoAssignError::Store(error)) => return Err(refused(session.store(error))),
        Some(AutoAssignError::MaxAlloc) => {
            return Err(Refused { again: true, ..Refused::because(Code::Later, AutoAssignError::MaxAlloc) });
        }
        Some(error) => return Err(Refused::because(Code::NoAddress, error)),
        None => {}
    }
    let families = [&assigned.v4, &assigned.v6];
    if let Some(partial) = families.into_iter().flatten().find_map(op::Assignment::partial_fulfilment) {
        return Err(Refused::because(Code::NoAddress, partial));
    }
    addresses.extend(assigned.addresses());
    addresses.sort_unstable();
    Ok(addresses)
}

/// One address that the runtime named.
fn given(
    address: IpAddr,
    attributes: &Arc<Attributes>,
    network: &Network,
    session: &mut Session,
) -> Result<IpNet, Refused> {
    let mut request = AssignIp::new(address, network.ipam.node(), now()).with_attributes(Arc::clone(attributes));
    request.max_alloc = 1;
    let resources = Arc::clone(&session.resources);
    match session.drive(op::assign_ip(request, &resources)) {
        Ok(()) => {}
        Err(AssignIpError::Store(error)) => return Err(Refused { error: session.store(&error), again: false }),
        Err(error @ AssignIpError::MaxAlloc) => {
            return Err(Refused { again: true, ..Refused::because(Code::Later, error) });
        }
        Err(error) => return Err(Refused::because(Code::NoAddress, error)),
    }
    let pool = resources.pools().iter().find(|pool| pool.cidr().contains(&address));
    let length = pool.map(ippool::Pool::block_len);
    Ok(length.and_then(|length| IpNet::new(address, length).ok()).unwrap_or_else(|| address.into()))
}

/// What is stored with the addresses; `network` is what GC knows its own by.
fn attributes(request: &Request, network: &Network, handle: &str) -> Attributes {
    let mut attributes = Attributes::with_handle(handle);
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.active.insert(key.into(), value);
        }
    };
    add("network", Some(network.name.clone()));
    add("node", Some(network.ipam.node()));
    add("pod", request.arguments.get("K8S_POD_NAME").cloned());
    add("namespace", request.arguments.get("K8S_POD_NAMESPACE").cloned());
    attributes
}

/// The result in the form of the configuration's version.
fn result(network: &Network, addresses: &[IpNet]) -> Json {
    let ip = |address: &IpNet| {
        let version = IpVersion::of(address);
        let mut ip = json!({ "address": network.ipam.shown(*address) });
        if let Some(fields) = ip.as_object_mut() {
            if let Some(gateway) = network.ipam.gateway(version) {
                fields.insert("gateway".into(), json!(gateway));
            }
            if network.version.starts_with("0.") {
                fields.insert("version".into(), json!(if version == IpVersion::V4 { "4" } else { "6" }));
            }
        }
        ip
    };
    let route = |route: &super::config::Route| match route.gw {
        Some(gw) => json!({ "dst": route.dst, "gw": gw }),
        None => json!({ "dst": route.dst }),
    };
    json!({
        "cniVersion": network.version,
        "ips": addresses.iter().map(ip).collect::<Vec<_>>(),
        "routes": network.ipam.routes.iter().map(route).collect::<Vec<_>>(),
        "dns": {},
    })
}

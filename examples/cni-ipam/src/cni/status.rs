//! STATUS says whether an ADD would find an address.

use std::sync::Arc;

use ippool::op;
use ippool::{IpVersion, Use};

use super::Session;
use super::config::Network;
use super::error::{Code, Error};
use crate::driver::now;

/// Fails with code 50 if the store does not answer, or if no pool for workloads has a free address of each version that
/// a container gets.
pub(super) fn status(network: &Network, session: &mut Session) -> Result<(), Error> {
    let unavailable = |why: String| Error::new(Code::NotAvailable, "no address could be given out", why);
    let resources = Arc::clone(&session.resources);
    let rows = session
        .drive(op::utilization(None, &resources, now()))
        .map_err(|error| unavailable(session.store(&error).details))?;
    let (v4, v6) = network.ipam.counts();
    for (version, count) in [(IpVersion::V4, v4), (IpVersion::V6, v6)] {
        let wanted = network.ipam.pools_of(version, &resources)?;
        let usable = |name: &str| {
            resources.pools().iter().any(|pool| {
                pool.name() == name
                    && !pool.is_disabled()
                    && pool.allows(Use::Workload)
                    && IpVersion::of(&pool.cidr()) == version
                    && if wanted.is_empty() { pool.is_automatic() } else { wanted.contains(&pool.cidr()) }
            })
        };
        if count > 0 && !rows.iter().any(|row| usable(&row.name) && row.available > 0) {
            return Err(unavailable(format!("no pool has a free {version} address")));
        }
    }
    Ok(())
}

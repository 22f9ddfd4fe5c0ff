//! DEL takes a container's addresses back; a second time there is nothing to take, and that is fine.

use std::sync::Arc;

use ippool::op::{self, HandleError};

use super::Session;
use super::config::Network;
use super::error::Error;
use super::request::Request;
use crate::driver::now;

/// Takes back what the container's interface has, and what releases of Calico before 3.0 stored under the pod's name.
pub(super) fn del(request: &Request, network: &Network, session: &mut Session) -> Result<(), Error> {
    release(&network.handle(&request.container, &request.interface), session)?;
    let pod = ["K8S_POD_NAMESPACE", "K8S_POD_NAME"].map(|name| request.arguments.get(name));
    match pod {
        [Some(namespace), Some(pod)] => release(&format!("{namespace}.{pod}"), session),
        _ => Ok(()),
    }
}

/// Releases a handle that may not exist.
pub(super) fn release(handle: &str, session: &mut Session) -> Result<(), Error> {
    let resources = Arc::clone(&session.resources);
    match session.drive(op::release_by_handle(handle, &resources, now())) {
        Ok(()) | Err(HandleError::NotFound) => Ok(()),
        Err(HandleError::Store(error)) => Err(session.store(&error)),
        Err(error) => Err(Error::new(super::error::Code::Later, error.to_string(), handle)),
    }
}

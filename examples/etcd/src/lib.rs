//! Calico's datastore in etcd, for the operations of `ippool`.

mod call;
mod doubt;
pub mod store;

pub use store::{EtcdError, EtcdStore};

use cni_ipam::driver::Driver;

/// Opens a store by the addresses of its servers.
///
/// # Errors
/// What is wrong with the addresses; servers that do not answer are noticed when they are asked.
pub fn open(endpoints: &[String]) -> Result<Box<dyn Driver>, String> {
    let store = EtcdStore::open(endpoints).map_err(|error| error.to_string())?;
    Ok(Box::new(store))
}

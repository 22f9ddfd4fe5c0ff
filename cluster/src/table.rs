//! The forms in which the tools show a cluster, octet for octet.
//!
//! | function | tool |
//! |---|---|
//! | [`ip_pools`] | `calicoctl get ippool -o wide` |
//! | [`nodes`] | `calicoctl get node -o wide` |
//! | [`bgp_configurations`] | `calicoctl get bgpconfig` |
//! | [`bgp_peers`] | `calicoctl get bgppeer` |
//! | [`node_status`] | `calicoctl node status` |
//! | [`applied`] | `calicoctl apply -f` |
//! | [`tunnel_device`] | `ip addr show tunl0` |
//! | [`ip_route`] | `ip route` |
//! | [`tcp_session`] | `ss -antp \| grep ESTAB \| grep bird` |
//! | [`ping`] | `ping -c` |

mod bgp_configuration;
mod bgp_peer;
mod columns;
mod device;
mod ip_pool;
mod node;
mod node_status;
mod ping;
mod socket;
#[cfg(test)]
mod tests;

pub use bgp_configuration::bgp_configurations;
pub use bgp_peer::bgp_peers;
pub use device::{ip_route, tunnel_device};
pub use ip_pool::ip_pools;
pub use node::nodes;
pub use node_status::node_status;
pub use ping::ping;
pub use socket::tcp_session;

use alloc::format;
use alloc::string::String;

use crate::resource::Kind;

/// What `calicoctl apply` says when it is done.
///
/// ```
/// use bgp_cluster::{resource::Kind, table};
///
/// assert_eq!(table::applied(Kind::IpPool, 1), "Successfully applied 1 'IPPool' resource(s)\n");
/// ```
#[must_use]
pub fn applied(kind: Kind, count: usize) -> String {
    format!("Successfully applied {count} '{kind}' resource(s)\n")
}

//! Why a resource cannot join the others.

use alloc::string::String;

use ipnet::IpNet;

use crate::kind::Kind;
use crate::name::Name;

/// Why a resource cannot join the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Two pools share addresses.
    #[error("IPPool {pool}: cidr {cidr} overlaps {other_cidr} of pool {other}")]
    PoolOverlap {
        /// The pool that was to join.
        pool: Name,
        /// Its CIDR.
        cidr: IpNet,
        /// The pool that is there.
        other: Name,
        /// Its CIDR.
        other_cidr: IpNet,
    },
    /// A field that never changes was changed.
    #[error("{kind} {name}: {field} cannot change from {old} to {new}")]
    Immutable {
        /// The kind of resource.
        kind: Kind,
        /// Its name.
        name: Name,
        /// The field.
        field: &'static str,
        /// What it is.
        old: String,
        /// What it was to become.
        new: String,
    },
    /// Two nodes have one address.
    #[error("Node {node}: address {addr} is the one of node {other}")]
    DuplicateAddress {
        /// The node that was to join.
        node: Name,
        /// The address of both.
        addr: core::net::IpAddr,
        /// The node that is there.
        other: Name,
    },
    /// No such resource.
    #[error("{kind} {name} does not exist")]
    NotFound {
        /// The kind of resource.
        kind: Kind,
        /// The name asked for.
        name: Name,
    },
}

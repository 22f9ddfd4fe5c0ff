//! The stored objects other than blocks: affinities, handles, the configuration.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use ipnet::IpNet;

use crate::block::Block;
use crate::invalid::DecodeError;

/// How far a claim on a block has got. Only a confirmed one gives ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AffinityState {
    /// Not written: an old value, which counts as confirmed.
    #[default]
    Unstated,
    /// `pending`: the owner is about to create the block.
    Pending,
    /// `confirmed`: the block is the owner's.
    Confirmed,
    /// `pendingDeletion`: the owner is giving the block up.
    PendingDeletion,
}

impl AffinityState {
    /// Whether the owner holds the block.
    #[must_use]
    pub fn is_confirmed(self) -> bool {
        matches!(self, AffinityState::Unstated | AffinityState::Confirmed)
    }
}

/// An owner's claim on a block; owner and CIDR are in the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Affinity {
    /// How far the claim has got.
    pub state: AffinityState,
    /// Being deleted in a store without compare-and-delete; readers treat it as absent.
    pub deleted: bool,
}

impl Affinity {
    /// A claim in `state`.
    #[must_use]
    pub fn new(state: AffinityState) -> Affinity {
        Affinity { state, deleted: false }
    }
}

/// A named group of allocations: how many addresses it has in each block; the id is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Handle {
    /// Addresses per block, none of them 0.
    pub blocks: BTreeMap<IpNet, u64>,
    /// The stored value has no map of blocks, or `null`; it is written so while `blocks` is empty.
    pub null_blocks: bool,
    /// Being deleted in a store without compare-and-delete; readers treat it as absent.
    pub deleted: bool,
}

/// Whether the addresses of virtual machines survive their pods (`kubeVirtVMAddressPersistence`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VmPersistence {
    /// `Enabled`.
    Enabled,
    /// `Disabled`.
    Disabled,
}

/// The configuration of the allocator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// A host takes addresses from its own blocks only, never from others' (`strict_affinity`).
    pub strict_affinity: bool,
    /// Hosts may claim blocks by themselves (`auto_allocate_blocks`).
    pub auto_allocate_blocks: bool,
    /// Blocks per host and IP version, 0..=1 000 000; 0 is the default of 20 (`maxBlocksPerHost`).
    pub max_blocks_per_host: u32,
    /// `kubeVirtVMAddressPersistence`; none where the field is absent, which means enabled.
    pub vm_persistence: Option<VmPersistence>,
    /// Seconds for which a released address is not given out again, 0..=1200 (`ipCooldownSeconds`).
    pub cooldown_seconds: u32,
}

/// Not strict, automatic, 20 blocks, no cooldown: what holds while nothing is stored.
impl Default for Config {
    fn default() -> Config {
        Config {
            strict_affinity: false,
            auto_allocate_blocks: true,
            max_blocks_per_host: 0,
            vm_persistence: Some(VmPersistence::Enabled),
            cooldown_seconds: 0,
        }
    }
}

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// At [`Key::Block`](crate::Key::Block).
    Block(Arc<Block>),
    /// At [`Key::Affinity`](crate::Key::Affinity).
    Affinity(Affinity),
    /// At [`Key::Handle`](crate::Key::Handle).
    Handle(Handle),
    /// At [`Key::Config`](crate::Key::Config).
    Config(Config),
    /// At [`Key::Host`](crate::Key::Host); it has no content.
    Host,
    /// Something is stored that cannot be decoded or contradicts itself; operations that need it fail and never
    /// overwrite it.
    Invalid(DecodeError),
}

impl Value {
    /// Whether readers must treat the object as absent.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        match self {
            Value::Block(block) => block.is_deleted(),
            Value::Affinity(affinity) => affinity.deleted,
            Value::Handle(handle) => handle.deleted,
            Value::Config(_) | Value::Host | Value::Invalid(_) => false,
        }
    }
}

/// The version of a stored object: changes with each write of it.
///
/// Revisions of one store only grow, over all keys together (etcd's `mod_revision`, Kubernetes' `resourceVersion`):
/// that keeps the sequence numbers of a block that is deleted and made again from repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number with a meaning")]
pub struct Revision(pub u64);

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by every store")]
pub struct Stored {
    /// The object.
    pub value: Value,
    /// Its version.
    pub revision: Revision,
}

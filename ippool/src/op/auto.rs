//! Automatic assignment of addresses to a host.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ipnet::IpNet;

use super::Operation;
use super::family::{Common, Family, FamilyRequest, Next};
use super::tape::{Flow, Halt, Run, Script, StoreError, Tape};
use crate::block::{Attributes, HostReservation};
use crate::key::{IpVersion, Owner};
use crate::pool::{ChoiceError, Resources, Use};
use crate::time::UnixTime;

/// A request for addresses.
///
/// ```
/// use ippool::op::AutoAssign;
/// use ippool::{Attributes, UnixTime, Use};
/// let now = UnixTime::from_secs(1_767_225_600);
/// let request = AutoAssign::new("k8s-node1", Use::Workload, now)
///     .with_counts(1, 0)
///     .with_attributes(Attributes::with_handle("k8s-pod-network.abc"));
/// assert_eq!(request.num_v4, 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AutoAssign {
    /// The node, or the virtual owner for [`Use::LoadBalancer`].
    pub host: String,
    /// What the addresses are for.
    pub used_for: Use,
    /// IPv4 addresses wanted.
    pub num_v4: usize,
    /// IPv6 addresses wanted.
    pub num_v6: usize,
    /// What is stored with the addresses: handle and owner.
    pub attributes: Arc<Attributes>,
    /// Only from these IPv4 pools, in this order; none: pools are chosen by selectors.
    pub pools_v4: Vec<IpNet>,
    /// Only from these IPv6 pools, in this order.
    pub pools_v6: Vec<IpNet>,
    /// At most this many blocks for the host and version; 0: only the configuration's limit.
    pub max_blocks: u32,
    /// At most this many addresses for the handle and version; 0: any.
    pub max_alloc: u32,
    /// Addresses that each new IPv4 block keeps back.
    pub reservation_v4: Option<HostReservation>,
    /// Addresses that each new IPv6 block keeps back.
    pub reservation_v6: Option<HostReservation>,
    /// The prefix length of new IPv4 blocks where it is not the pool's, 20..=32: blocks of several lengths can share a
    /// pool, none overlaps another.
    pub block_len_v4: Option<u8>,
    /// The prefix length of new IPv6 blocks where it is not the pool's, 116..=128.
    pub block_len_v6: Option<u8>,
    /// The labels of the workload's namespace; none: unknown, selectors see no labels.
    pub namespace: Option<BTreeMap<String, String>>,
    /// The node runs Windows: strict affinity is required.
    pub windows: bool,
    /// Where the walk of a pool of one-address blocks begins; should differ from host to host.
    pub seed: u64,
    /// The time.
    pub now: UnixTime,
}

impl AutoAssign {
    /// A request of `host` for no address yet.
    pub fn new(host: impl Into<String>, used_for: Use, now: UnixTime) -> AutoAssign {
        AutoAssign {
            host: host.into(),
            used_for,
            num_v4: 0,
            num_v6: 0,
            attributes: Arc::default(),
            pools_v4: Vec::new(),
            pools_v6: Vec::new(),
            max_blocks: 0,
            max_alloc: 0,
            reservation_v4: None,
            reservation_v6: None,
            block_len_v4: None,
            block_len_v6: None,
            namespace: None,
            windows: false,
            seed: now.as_nanos(),
            now,
        }
    }

    /// For so many addresses.
    #[must_use]
    pub fn with_counts(self, num_v4: usize, num_v6: usize) -> AutoAssign {
        AutoAssign { num_v4, num_v6, ..self }
    }

    /// With this handle and these attributes.
    #[must_use]
    pub fn with_attributes(self, attributes: impl Into<Arc<Attributes>>) -> AutoAssign {
        AutoAssign { attributes: attributes.into(), ..self }
    }

    /// Who claims blocks for the request.
    pub(crate) fn owner(&self) -> Owner {
        match self.used_for {
            Use::LoadBalancer => Owner::Virtual(self.host.clone()),
            Use::Workload | Use::Tunnel => Owner::Host(self.host.clone()),
        }
    }

    /// The parts of the request in the order in which they are met.
    fn families(&self) -> [FamilyRequest; 2] {
        [
            FamilyRequest {
                version: IpVersion::V4,
                num: self.num_v4,
                pools: self.pools_v4.clone(),
                reservation: self.reservation_v4.clone(),
                block_len: self.block_len_v4,
                ensure: false,
            },
            FamilyRequest {
                version: IpVersion::V6,
                num: self.num_v6,
                pools: self.pools_v6.clone(),
                reservation: self.reservation_v6.clone(),
                block_len: self.block_len_v6,
                ensure: false,
            },
        ]
    }
}

/// Why a request ended before all pools were searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AutoAssignError {
    /// There are no pools for the request.
    #[error(transparent)]
    Pools(#[from] ChoiceError),
    /// The node does not exist.
    #[error("node {0} does not exist")]
    UnknownNode(String),
    /// An IPv6 pool among the IPv4 ones, or the reverse.
    #[error("pool {0} is of the wrong IP version")]
    WrongIpVersion(IpNet),
    /// The host has as many blocks as it may have.
    #[error("need to allocate a block but the limit of {0} blocks is reached")]
    BlockLimit(u32),
    /// The host needs a block and the configuration lets nobody claim one.
    #[error("blocks are not allocated automatically")]
    AutoAllocateDisabled,
    /// Windows nodes cannot borrow addresses.
    #[error("strict affinity is required on Windows")]
    StrictAffinityRequired,
    /// The handle would have more addresses than it may have.
    #[error("handle would have too many addresses")]
    MaxAlloc,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why there are fewer addresses than requested. The text is Calico's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// The host has as many blocks as it may have.
    BlockLimit(u32),
    /// The host's blocks are full and it must not borrow.
    StrictAffinity,
    /// These pools, with their CIDRs as they were given, were searched to their end.
    PoolsExhausted(Vec<IpNet>),
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::BlockLimit(limit) => write!(
                f,
                "Need to allocate an IPAM block but could not - limit of {limit} blocks reached for this node"
            ),
            Message::StrictAffinity => f.write_str("No more free affine blocks and strict affinity enabled"),
            Message::PoolsExhausted(pools) => {
                f.write_str("No IPs available in pools: [")?;
                for (index, pool) in pools.iter().enumerate() {
                    write!(f, "{}{pool}", if index == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The addresses of one IP version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assignment {
    /// The version.
    pub version: IpVersion,
    /// How many were wanted.
    pub requested: usize,
    /// The addresses, with the prefix length of their blocks.
    pub addresses: Vec<IpNet>,
    /// Why there are fewer.
    pub messages: Vec<Message>,
    /// The handle of the addresses that each block keeps back.
    pub reservation_handle: Option<String>,
}

impl Assignment {
    /// What to tell the user when there are fewer addresses than requested.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ippool::op::{self, AutoAssign};
    /// # use ippool::{drive, MemoryStore, Pool, Resources, UnixTime, Use};
    /// let pool = Pool::new("p", "10.0.0.0/30".parse()?).with_block_len(30)?;
    /// let resources = Arc::new(Resources::default().with_pool(pool).with_node("n1", [("", ""); 0]));
    /// let request = AutoAssign::new("n1", Use::Workload, UnixTime::default()).with_counts(5, 0);
    /// let assigned = drive(op::auto_assign(request, &resources), &mut MemoryStore::default());
    /// assert_eq!(
    ///     assigned.v4.and_then(|v4| v4.partial_fulfilment().map(|partial| partial.to_string())).as_deref(),
    ///     Some("Assigned 4 out of 5 requested IPv4 addresses; No IPs available in pools: [10.0.0.0/30]")
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn partial_fulfilment(&self) -> Option<PartialFulfilment<'_>> {
        (self.addresses.len() < self.requested).then_some(PartialFulfilment(self))
    }
}

/// Displays how far a request was met.
#[derive(Debug, Clone, Copy)]
pub struct PartialFulfilment<'a>(&'a Assignment);

impl fmt::Display for PartialFulfilment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Assignment { version, requested, addresses, messages, reservation_handle } = self.0;
        write!(f, "Assigned {} out of {requested} requested {version} addresses", addresses.len())?;
        for message in messages {
            write!(f, "; {message}")?;
        }
        match reservation_handle {
            Some(handle) => write!(f, "; HostReservedAttr: {handle}"),
            None => Ok(()),
        }
    }
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Assigned {
    /// The IPv4 addresses, if any were wanted.
    pub v4: Option<Assignment>,
    /// The IPv6 addresses, if any were wanted and IPv4 did not fail.
    pub v6: Option<Assignment>,
    /// What ended the request; the addresses above are assigned all the same.
    pub error: Option<AutoAssignError>,
}

impl Assigned {
    /// All addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.v4.iter().chain(&self.v6).flat_map(|family| family.addresses.iter().copied())
    }
}

/// Assigns addresses: from the host's own blocks, then from new blocks, then from idle blocks of others, and, unless
/// strict, from any block of the pools. Fewer addresses than requested are no error.
///
/// Cost per IP version: R 2, W 2 with a free address in the host's first block, R 2, S 1, W 5 with a new block; without
/// a handle W 1 less, with one that exists already R 1 and W 1 more. Each further block of the host that is tried costs
/// R 1, each further new one R 1, W 4. Taking over an idle block: S 2, R 3, W 8; borrowing: R 2, S 3, W 2, and R 1 more
/// for each further block tried. None of this depends on the size of the cluster.
///
/// ```
/// use std::sync::Arc;
/// use ippool::op::{self, AutoAssign};
/// use ippool::{drive, MemoryStore, Pool, Resources, UnixTime, Use};
/// let pool = Pool::new("p", "10.244.0.0/16".parse()?);
/// let resources = Arc::new(Resources::default().with_pool(pool).with_node("k8s-node1", [("", ""); 0]));
/// let request = AutoAssign::new("k8s-node1", Use::Workload, UnixTime::default()).with_counts(1, 0);
/// let assigned = drive(op::auto_assign(request, &resources), &mut MemoryStore::default());
/// assert!(assigned.addresses().eq(["10.244.36.64/26".parse()?]));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
pub fn auto_assign(
    request: AutoAssign,
    resources: &Arc<Resources>,
) -> impl Operation<Output = Assigned> + Clone + fmt::Debug + Send + Sync + use<> {
    let families = request.families();
    let common = Common { owner: request.owner(), request, resources: Arc::clone(resources) };
    Run::new(Auto { common, families }, State { done: Vec::new(), family: Family::new() })
}

/// Blocks per host and IP version when neither the request nor the configuration says.
pub(crate) const DEFAULT_MAX_BLOCKS: u32 = 20;

/// Addresses that each block of a Windows host keeps back.
pub(crate) const WINDOWS_KEPT_BACK: u32 = 4;

#[derive(Debug, Clone)]
struct Auto {
    common: Common,
    families: [FamilyRequest; 2],
}

#[derive(Debug, Clone)]
struct State {
    done: Vec<Option<Assignment>>,
    family: Family,
}

impl Script for Auto {
    type State = State;
    type Output = Assigned;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, Assigned>, Halt> {
        if let Some(cidr) = self.wrong_version() {
            return Ok(Flow::Done(Assigned {
                error: Some(AutoAssignError::WrongIpVersion(cidr)),
                ..Assigned::default()
            }));
        }
        let mut next = state.clone();
        let Some(wanted) = self.families.get(state.done.len()) else {
            return Ok(Flow::Done(self.assigned(state.done.clone(), None)));
        };
        if wanted.num == 0 {
            next.done.push(None);
            return Ok(Flow::Next(next));
        }
        match state.family.step(&self.common, wanted, io)? {
            Next::On(family) => next.family = family,
            Next::Done(family, error) => {
                next.done.push(Some(assignment(wanted, family)));
                next.family = Family::new();
                if error.is_some() {
                    return Ok(Flow::Done(self.assigned(next.done, error)));
                }
            }
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, state: &State, error: StoreError) -> Assigned {
        let mut done = state.done.clone();
        if let Some(wanted) = self.families.get(done.len()) {
            done.push(Some(assignment(wanted, state.family.clone())));
        }
        self.assigned(done, Some(error.into()))
    }
}

impl Auto {
    fn wrong_version(&self) -> Option<IpNet> {
        let wrong =
            |family: &FamilyRequest| family.pools.iter().copied().find(|cidr| IpVersion::of(cidr) != family.version);
        self.families.iter().find_map(wrong)
    }

    fn assigned(&self, done: Vec<Option<Assignment>>, error: Option<AutoAssignError>) -> Assigned {
        let mut done = done.into_iter();
        Assigned { v4: done.next().flatten(), v6: done.next().flatten(), error }
    }
}

fn assignment(wanted: &FamilyRequest, family: Family) -> Assignment {
    Assignment {
        version: wanted.version,
        requested: wanted.num,
        addresses: family.taken,
        messages: family.messages,
        reservation_handle: wanted.reservation.as_ref().map(|reservation| reservation.handle.clone()),
    }
}

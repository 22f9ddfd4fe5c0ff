//! Seeing to it that a host has a block.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipnet::IpNet;

use super::Operation;
use super::auto::{AutoAssign, AutoAssignError};
use super::family::{Common, Family, FamilyRequest, Next};
use super::tape::{Flow, Halt, Run, Script, StoreError, Tape};
use crate::block::HostReservation;
use crate::key::IpVersion;
use crate::pool::{Resources, Use};
use crate::time::UnixTime;

/// A request for a block per IP version.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsureBlock {
    request: AutoAssign,
    v4: Option<EnsureFamily>,
    v6: Option<EnsureFamily>,
}

#[derive(Debug, Clone, PartialEq)]
struct EnsureFamily {
    pools: Vec<IpNet>,
    reservation: Option<HostReservation>,
}

impl EnsureBlock {
    /// A request of `host` for no block yet.
    ///
    /// ```
    /// use ippool::op::EnsureBlock;
    /// use ippool::UnixTime;
    /// let request = EnsureBlock::new("n1", UnixTime::default()).with_v4(Vec::new(), None);
    /// assert_ne!(request, EnsureBlock::new("n1", UnixTime::default()));
    /// ```
    pub fn new(host: impl Into<String>, now: UnixTime) -> EnsureBlock {
        EnsureBlock { request: AutoAssign::new(host, Use::Workload, now), v4: None, v6: None }
    }

    /// Also for an IPv4 block, from these pools (none: chosen by selectors), that keeps addresses back.
    #[must_use]
    pub fn with_v4(self, pools: Vec<IpNet>, reservation: Option<HostReservation>) -> EnsureBlock {
        EnsureBlock { v4: Some(EnsureFamily { pools, reservation }), ..self }
    }

    /// Also for an IPv6 block.
    #[must_use]
    pub fn with_v6(self, pools: Vec<IpNet>, reservation: Option<HostReservation>) -> EnsureBlock {
        EnsureBlock { v6: Some(EnsureFamily { pools, reservation }), ..self }
    }
}

/// The blocks that the host has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ensured {
    /// Its first usable IPv4 block, if one was wanted.
    pub v4: Option<IpNet>,
    /// Its first usable IPv6 block, if one was wanted.
    pub v6: Option<IpNet>,
    /// What ended the request.
    pub error: Option<AutoAssignError>,
}

/// Returns the host's first block with a free address, claiming one if there is none.
///
/// Cost per IP version: R 2; with a new block R 2, S 1, W 3.
///
/// ```
/// use std::sync::Arc;
/// use ippool::op::{self, EnsureBlock};
/// use ippool::{drive, MemoryStore, Pool, Resources, UnixTime};
/// let pool = Pool::new("p", "10.244.0.0/16".parse()?);
/// let resources = Arc::new(Resources::default().with_pool(pool).with_node("k8s-node1", [("", ""); 0]));
/// let request = EnsureBlock::new("k8s-node1", UnixTime::default()).with_v4(Vec::new(), None);
/// let ensured = drive(op::ensure_block(request, &resources), &mut MemoryStore::default());
/// assert_eq!(ensured.v4, Some("10.244.36.64/26".parse()?));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
pub fn ensure_block(
    request: EnsureBlock,
    resources: &Arc<Resources>,
) -> impl Operation<Output = Ensured> + Clone + core::fmt::Debug + Send + Sync + use<> {
    let family = |version, family: Option<EnsureFamily>| {
        family.map(|EnsureFamily { pools, reservation }| FamilyRequest {
            version,
            num: 0,
            pools,
            reservation,
            block_len: None,
            ensure: true,
        })
    };
    let families = [family(IpVersion::V4, request.v4), family(IpVersion::V6, request.v6)];
    let common = Common { owner: request.request.owner(), request: request.request, resources: Arc::clone(resources) };
    let families = families.into_iter().flatten().collect();
    Run::new(Ensure { common, families }, State { index: 0, done: Ensured::default(), family: Family::new() })
}

#[derive(Debug, Clone)]
struct Ensure {
    common: Common,
    families: Vec<FamilyRequest>,
}

#[derive(Debug, Clone)]
struct State {
    index: usize,
    done: Ensured,
    family: Family,
}

impl Script for Ensure {
    type State = State;
    type Output = Ensured;

    fn step(&self, state: &State, io: &mut Tape) -> Result<Flow<State, Ensured>, Halt> {
        let mut next = state.clone();
        let wrong =
            |family: &FamilyRequest| family.pools.iter().copied().find(|cidr| IpVersion::of(cidr) != family.version);
        if let Some(cidr) = self.families.iter().find_map(wrong) {
            next.done.error = Some(AutoAssignError::WrongIpVersion(cidr));
            return Ok(Flow::Done(next.done));
        }
        let Some(wanted) = self.families.get(state.index) else { return Ok(Flow::Done(next.done)) };
        match state.family.step(&self.common, wanted, io)? {
            Next::On(family) => next.family = family,
            Next::Done(family, error) => {
                next.index += 1;
                match wanted.version {
                    IpVersion::V4 => next.done.v4 = family.block,
                    IpVersion::V6 => next.done.v6 = family.block,
                }
                next.family = Family::new();
                if error.is_some() {
                    next.done.error = error;
                    return Ok(Flow::Done(next.done));
                }
            }
        }
        Ok(Flow::Next(next))
    }

    fn fault(&self, state: &State, error: StoreError) -> Ensured {
        Ensured { error: Some(error.into()), ..state.done.clone() }
    }
}

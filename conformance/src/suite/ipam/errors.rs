//! The error kinds of the format for the allocator's errors.

use ippool::block::{AllocationError, AssignError, ReleaseError};
use ippool::op::{
    AssignIpError, AttributesError, AutoAssignError, ClaimError, ConfigError, HandleError, ReleaseAffinityError,
    ReleaseBlockError, ReleaseHostError, ReleaseIpsError, SetOwnerError, StoreError,
};
use ippool::pool::ChoiceError;

pub(crate) fn store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Failed => "store_error",
        StoreError::BadValue(_) => "bad_value",
        StoreError::Conflict => "conflict",
        _ => UNNAMED,
    }
}

pub(crate) fn auto_assign(error: &AutoAssignError) -> &'static str {
    match error {
        AutoAssignError::Pools(ChoiceError::NoQualifiedPool) => "no_qualified_pool",
        AutoAssignError::Pools(ChoiceError::NoPoolsForNode(_)) => "no_pools_for_node",
        AutoAssignError::Pools(ChoiceError::PoolNotAvailable(_)) => "pool_not_available",
        AutoAssignError::Pools(ChoiceError::BadSelector(_)) => "bad_selector",
        AutoAssignError::Pools(ChoiceError::BadReservation(_)) => "invalid_argument",
        AutoAssignError::UnknownNode(_) => "not_found",
        AutoAssignError::WrongIpVersion(_) => "wrong_ip_version",
        AutoAssignError::BlockLimit(_) => "block_limit",
        AutoAssignError::AutoAllocateDisabled => "auto_allocate_disabled",
        AutoAssignError::StrictAffinityRequired => "strict_affinity_required",
        AutoAssignError::MaxAlloc => "max_alloc",
        AutoAssignError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn assign_ip(error: &AssignIpError) -> &'static str {
    match error {
        AssignIpError::NotInPool => "not_in_pool",
        AssignIpError::UseNotAllowed => "use_not_allowed",
        AssignIpError::AlreadyAssigned => "already_assigned",
        AssignIpError::AffinityMismatch => "affinity_mismatch",
        AssignIpError::MaxAlloc => "max_alloc",
        AssignIpError::Overlap => "claim_conflict",
        AssignIpError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn release_ips(error: &ReleaseIpsError) -> &'static str {
    match error {
        ReleaseIpsError::BadSequence => "bad_sequence",
        ReleaseIpsError::BadHandle => "bad_handle",
        ReleaseIpsError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn handle(error: &HandleError) -> &'static str {
    match error {
        HandleError::NotFound => "not_found",
        HandleError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn claim(error: &ClaimError) -> &'static str {
    match error {
        ClaimError::NotInPool(_) => "not_in_pool",
        ClaimError::TooSmall(_) => "cidr_too_small",
        ClaimError::TooLarge(_) => "invalid_argument",
        ClaimError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn release_affinity(error: &ReleaseAffinityError) -> &'static str {
    match error {
        ReleaseAffinityError::NotInPool(_) => "not_in_pool",
        ReleaseAffinityError::TooSmall(_) => "cidr_too_small",
        ReleaseAffinityError::NotEmpty(_) => "block_not_empty",
        ReleaseAffinityError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn release_block(error: &ReleaseBlockError) -> &'static str {
    match error {
        ReleaseBlockError::NotFound(_) => "not_found",
        ReleaseBlockError::NotEmpty(_) => "block_not_empty",
        ReleaseBlockError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn release_host(error: &ReleaseHostError) -> &'static str {
    match error {
        ReleaseHostError::NotEmpty(_) => "block_not_empty",
        ReleaseHostError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn config(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::Store(error) => store(error),
        ConfigError::WindowsNeedsStrictAffinity => "strict_affinity_required",
        _ => "invalid_config",
    }
}

pub(crate) fn attributes(error: &AttributesError) -> &'static str {
    match error {
        AttributesError::NotFound => "not_found",
        AttributesError::CoolingDown => "in_cooldown",
        AttributesError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn set_owner(error: &SetOwnerError) -> &'static str {
    match error {
        SetOwnerError::NotInPool => "not_in_pool",
        SetOwnerError::NotFound => "not_found",
        SetOwnerError::CoolingDown => "in_cooldown",
        SetOwnerError::BadHandle => "bad_handle",
        SetOwnerError::OwnerMismatch => "owner_mismatch",
        SetOwnerError::Store(error) => store(error),
        _ => UNNAMED,
    }
}

pub(crate) fn block_assign(error: &AssignError) -> &'static str {
    match error {
        AssignError::AffinityMismatch => "affinity_mismatch",
        AssignError::OutOfBlock => "out_of_block",
        AssignError::AlreadyAssigned => "already_assigned",
        _ => UNNAMED,
    }
}

pub(crate) fn block_release(error: &ReleaseError) -> &'static str {
    match error {
        ReleaseError::OutOfBlock => "out_of_block",
        ReleaseError::BadSequence => "bad_sequence",
        ReleaseError::BadHandle => "bad_handle",
        _ => UNNAMED,
    }
}

pub(crate) fn allocation(error: &AllocationError) -> &'static str {
    match error {
        AllocationError::OutOfBlock => "out_of_block",
        AllocationError::NotAssigned => "not_found",
        AllocationError::CoolingDown => "in_cooldown",
        _ => UNNAMED,
    }
}

/// An error that this file does not know; no expectation names it, so the case fails.
const UNNAMED: &str = "unnamed error";

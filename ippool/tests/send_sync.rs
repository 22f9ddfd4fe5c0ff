//! All public types can be shared between threads.

use std::sync::Arc;

use ippool::op::{AssignIp, AutoAssign, EnsureBlock, SetOwner};
use ippool::{
    Owner, Resources, UnixTime, Use, audit, block, change, index, invalid, key, op, pool, reservation, selector, store,
    value, walk,
};

fn shared<T: Send + Sync>() {}

fn shared_value<T: Send + Sync>(_: T) {}

macro_rules! all_shared {
    ($($type:ty),+ $(,)?) => { $(shared::<$type>();)+ };
}

#[test]
fn public_types_are_send_and_sync() {
    all_shared!(
        audit::AddressReport,
        audit::Cleaning,
        audit::Collector,
        audit::Finding,
        audit::Forecast,
        audit::Inventory,
        audit::Leak,
        audit::Report,
        audit::Sample,
        audit::Snapshot,
        audit::StaleHandle,
        index::Found,
        index::Goal,
        index::Index,
        index::Search,
        invalid::BadValue,
        invalid::DecodeError,
        op::Borrowed,
        op::Cleaned,
        change::ChangeError,
        change::Deletion,
        change::DeletionStep,
        block::AllocationError,
        block::AssignError,
        block::Attributes,
        block::Block,
        block::BlockParts,
        block::HostReservation,
        block::InvalidBlock,
        block::ReleaseError,
        block::ReleaseItem,
        block::Released,
        key::IpVersion,
        key::Key,
        Owner,
        key::Prefix,
        op::AssignIpError,
        op::Assigned,
        op::Assignment,
        op::AttributesError,
        op::AutoAssignError,
        op::BlockUtilization,
        op::ClaimError,
        op::Claimed,
        op::Condition,
        op::ConfigError,
        op::Ensured,
        op::HandleError,
        op::Message,
        op::PartialFulfilment<'_>,
        op::Patch,
        op::Poll<()>,
        op::PoolUtilization,
        op::ReleaseAffinityError,
        op::ReleaseBlockError,
        op::ReleaseHostError,
        op::ReleaseIpsError,
        op::ReleasedIps,
        op::SetOwnerError,
        op::Space,
        op::StoreError,
        op::StoredConfig,
        op::Swept,
        pool::BlockLengthError,
        pool::ChoiceError,
        pool::Pool,
        Resources,
        Use,
        reservation::Reservations,
        selector::Bound<'_>,
        selector::Error,
        selector::ErrorKind,
        selector::Selector,
        store::Answer,
        store::MemoryStore,
        store::Request,
        store::Revision,
        store::Stored,
        store::Write,
        UnixTime,
        value::Affinity,
        value::AffinityState,
        value::Config,
        value::Handle,
        value::Value,
        value::VmPersistence,
        walk::BlockWalk,
        walk::Error,
    );
}

#[test]
fn operations_are_send_and_sync() {
    let (resources, now) = (Arc::new(Resources::default()), UnixTime::default());
    let (cidr, ip) = ("10.0.0.0/26".parse().unwrap(), "10.0.0.1".parse().unwrap());
    shared_value(op::auto_assign(AutoAssign::new("n", Use::Workload, now), &resources));
    shared_value(op::assign_ip(AssignIp::new(ip, "n", now), &resources));
    shared_value(op::release_ips(&[], &resources, now));
    shared_value(op::release_by_handle("h", &resources, now));
    shared_value(op::ips_by_handle("h", now));
    shared_value(op::claim_affinity(cidr, Owner::host("n"), &resources, now));
    shared_value(op::release_affinity(cidr, Owner::host("n"), true, &resources, now));
    shared_value(op::release_block_affinity(cidr, true, now));
    shared_value(op::release_host_affinities(Owner::host("n"), true, now));
    shared_value(op::release_pool_affinities(cidr, now));
    shared_value(op::remove_host("n", now));
    shared_value(op::ensure_block(EnsureBlock::new("n", now), &resources));
    shared_value(op::read_config());
    shared_value(op::write_config(value::Config::default(), false));
    shared_value(op::attributes(ip, &resources, now));
    shared_value(op::set_owner_attributes(SetOwner::new(ip, "h", now), &resources));
    shared_value(op::snapshot(now));
    shared_value(op::clean(audit::Cleaning::default(), &resources, now));
    shared_value(op::sweep(now));
    shared_value(op::utilization(None, &resources, now));
}

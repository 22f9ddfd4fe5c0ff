//! Steps on the store as operations of the allocator.

use ippool::Config;
use ippool::block::ReleaseItem;
use ippool::op::{
    self, AssignIp, Assigned, AutoAssign, Claimed, Condition, EnsureBlock, Operation, Patch, Poll, SetOwner,
};
use ippool::store::Answer;
use serde_json::{Value, json};

use super::outcome::{Outcome, labels, list};
use super::world::World;
use super::{errors, read};
use crate::{Fields, Mismatch};

/// An operation on its way.
pub(crate) type Running = Box<dyn Operation<Output = Outcome>>;

/// The operation of a step, or none if the step is no operation on the store.
pub(crate) fn start(op: &str, fields: &Fields<'_>, world: &World) -> Result<Option<Running>, Mismatch> {
    let (resources, now) = (&world.resources, world.now);
    Ok(Some(match op {
        "auto_assign" => return auto_assign(fields, world).map(Some),
        "assign_ip" => {
            let mut request = AssignIp::new(read::needed_ip(fields, "ip")?, read::needed_text(fields, "host")?, now)
                .with_attributes(read::attributes(fields)?);
            request.used_for = read::used_for(fields, "use")?;
            request.max_alloc = read::small(fields, "max_alloc", 0)?;
            let address = request.address;
            then(op::assign_ip(request, resources), move |result| {
                let handed = result.is_ok().then_some(address.into());
                let outcome = Outcome::from_result(result, errors::assign_ip);
                Outcome { addresses: handed.into_iter().collect(), ..outcome }
            })
        }
        "release_ips" => release_ips(fields, world)?,
        "release_by_handle" => {
            let handle = read::text(fields, "handle")?.unwrap_or_default();
            then(op::release_by_handle(handle, resources, now), |r| Outcome::from_result(r, errors::handle))
        }
        "ips_by_handle" => {
            let handle = read::text(fields, "handle")?.unwrap_or_default();
            then(op::ips_by_handle(handle, now), |result| match result {
                Ok(ips) => {
                    let count = ips.len();
                    Outcome { sets: &["addresses"], ..Outcome::ok() }.with("addresses", list(ips)).with("count", count)
                }
                Err(error) => Outcome::failed(errors::handle(&error)).with("addresses", json!([])).with("count", 0),
            })
        }
        "claim_affinity" => {
            let claim = op::claim_affinity(read::needed_net(fields, "cidr")?, read::owner(fields)?, resources, now);
            then(claim, |Claimed { claimed, failed, error, .. }| {
                Outcome {
                    error: error.map(|error| errors::claim(&error).to_owned()),
                    claimed: claimed.clone(),
                    ..Outcome::ok()
                }
                .with("claimed", list(claimed))
                .with("failed", list(failed))
            })
        }
        "release_affinity" => {
            let (cidr, owner) = (read::needed_net(fields, "cidr")?, read::owner(fields)?);
            let must_be_empty = read::truth(fields, "must_be_empty", false)?;
            then(op::release_affinity(cidr, owner, must_be_empty, resources, now), |r| {
                Outcome::from_result(r, errors::release_affinity)
            })
        }
        "release_block_affinity" => {
            let cidr = read::needed_net(fields, "cidr")?;
            let must_be_empty = read::truth(fields, "must_be_empty", false)?;
            then(op::release_block_affinity(cidr, must_be_empty, now), |r| {
                Outcome::from_result(r, errors::release_block)
            })
        }
        "release_host_affinities" => {
            let must_be_empty = read::truth(fields, "must_be_empty", false)?;
            then(op::release_host_affinities(read::owner(fields)?, must_be_empty, now), |r| {
                Outcome::from_result(r, errors::release_host)
            })
        }
        "release_pool_affinities" => then(op::release_pool_affinities(read::needed_net(fields, "cidr")?, now), |r| {
            Outcome::from_result(r, errors::store)
        }),
        "remove_host" => {
            then(op::remove_host(read::needed_text(fields, "host")?, now), |r| Outcome::from_result(r, errors::store))
        }
        "ensure_block" => ensure_block(fields, world)?,
        "set_config" => {
            let config = read::config(fields.need("config")?, &fields.path("config"))?;
            then(op::write_config(config, false), |r| Outcome::from_result(r, errors::config))
        }
        "get_config" => then(op::read_config(), |result| match result {
            Ok(read) => Outcome::ok().with("config", config(&read.config)).with("stored", read.stored),
            Err(error) => Outcome::failed(errors::store(&error)),
        }),
        "get_attributes" => {
            then(op::attributes(read::needed_ip(fields, "ip")?, resources, now), |result| match result {
                Ok(found) => Outcome::ok()
                    .with("handle", found.handle.map_or(Value::Null, Value::String))
                    .with("active", labels(&found.active))
                    .with("alternate", labels(&found.alternate)),
                Err(error) => Outcome::failed(errors::attributes(&error))
                    .with("handle", Value::Null)
                    .with("active", Value::Null)
                    .with("alternate", Value::Null),
            })
        }
        "set_owner_attributes" => set_owner(fields, world)?,
        "gc" => then(op::sweep(now), |swept| {
            let error = swept.error.map(|error| errors::store(&error).to_owned());
            Outcome { error, sets: &["written"], ..Outcome::ok() }.with("written", list(swept.written))
        }),
        "utilization" => {
            let pools = fields.list("pools")?.map(|pools| read::texts(pools, &fields.path("pools"))).transpose()?;
            then(op::utilization(pools.as_deref(), resources, now), |result| match result {
                Ok(rows) => Outcome::ok().with("pools", rows.iter().map(utilization).collect::<Vec<_>>()),
                Err(error) => Outcome::failed(errors::store(&error)),
            })
        }
        _ => return Ok(None),
    }))
}

fn auto_assign(fields: &Fields<'_>, world: &World) -> Result<Running, Mismatch> {
    let used_for = read::used_for(fields, "use")?;
    // Without a use no request can be made: the constructor asks for it.
    let mut request =
        AutoAssign::new(read::needed_text(fields, "host")?, used_for.unwrap_or(ippool::Use::Workload), world.now)
            .with_counts(read::small(fields, "num4", 0)?, read::small(fields, "num6", 0)?)
            .with_attributes(read::attributes(fields)?);
    request.pools_v4 = read::nets(fields, "pools4")?;
    request.pools_v6 = read::nets(fields, "pools6")?;
    request.max_blocks = read::small(fields, "max_blocks", 0)?;
    request.max_alloc = read::small(fields, "max_alloc", 0)?;
    request.reservation_v4 = read::host_reservation(fields, "reserved4")?;
    request.reservation_v6 = read::host_reservation(fields, "reserved6")?;
    request.namespace = read::map(fields, "namespace_labels")?;
    request.windows = read::truth(fields, "windows", false)?;
    if used_for.is_none() {
        let outcome = Outcome { hands_out: true, ..Outcome::failed("use_required") };
        let nothing = || json!([]);
        let outcome = outcome.with("addresses", nothing()).with("messages", nothing()).with("partial", nothing());
        return Ok(Box::new(Immediate(outcome)));
    }
    Ok(then(op::auto_assign(request, &world.resources), |assigned: Assigned| {
        let families = || assigned.v4.iter().chain(&assigned.v6);
        let mut messages: Vec<String> = Vec::new();
        for message in families().flat_map(|family| &family.messages).map(ToString::to_string) {
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        Outcome {
            error: assigned.error.as_ref().map(|error| errors::auto_assign(error).to_owned()),
            addresses: assigned.addresses().collect(),
            hands_out: true,
            ..Outcome::ok()
        }
        .with("addresses", list(assigned.addresses()))
        .with("messages", messages)
        .with("partial", list(families().filter_map(op::Assignment::partial_fulfilment)))
    }))
}

fn release_ips(fields: &Fields<'_>, world: &World) -> Result<Running, Mismatch> {
    let mut items = Vec::new();
    for (index, value) in read::needed_list(fields, "items")?.iter().enumerate() {
        let inner = Fields::new(fields.path(&format!("items[{index}]")), value)?;
        items.push(item(&inner, world)?);
    }
    Ok(then(op::release_ips(&items, &world.resources, world.now), |released| {
        let error = released.error.map(|error| errors::release_ips(&error).to_owned());
        Outcome { error, sets: &["not_allocated", "ok"], ..Outcome::ok() }
            .with("not_allocated", list(released.not_allocated))
            .with("ok", list(released.ok.iter().map(|item| item.address)))
    }))
}

/// An entry of a release; numbers that were captured before may stand in for a sequence number.
fn item(fields: &Fields<'_>, world: &World) -> Result<ReleaseItem, Mismatch> {
    let mut item = release_item(fields)?;
    if let Some(name) = read::text(fields, "sequence_of")? {
        let known = world.sequences.get(name);
        let captured = known.ok_or_else(|| Mismatch::new(fields.path("sequence_of"), "a captured number", name))?;
        let plus = read::signed(fields, "sequence_plus", 0)?;
        item = item.with_sequence(captured.wrapping_add_signed(plus));
    }
    read::all_read(fields)?;
    Ok(item)
}

/// The keys `address`, `handle`, `sequence`.
pub(crate) fn release_item(fields: &Fields<'_>) -> Result<ReleaseItem, Mismatch> {
    let mut item = ReleaseItem::new(read::needed_ip(fields, "address")?);
    if let Some(handle) = read::text(fields, "handle")? {
        item = item.with_handle(handle);
    }
    if let Some(sequence) = fields.number("sequence")? {
        item = item.with_sequence(sequence);
    }
    Ok(item)
}

fn ensure_block(fields: &Fields<'_>, world: &World) -> Result<Running, Mismatch> {
    let mut request = EnsureBlock::new(read::needed_text(fields, "host")?, world.now);
    let pools = read::nets(fields, "pools4")?;
    if let Some(reservation) = read::host_reservation(fields, "reserved4")? {
        request = request.with_v4(pools, Some(reservation));
    }
    let pools = read::nets(fields, "pools6")?;
    if let Some(reservation) = read::host_reservation(fields, "reserved6")? {
        request = request.with_v6(pools, Some(reservation));
    }
    Ok(then(op::ensure_block(request, &world.resources), |ensured| {
        Outcome {
            error: ensured.error.map(|error| errors::auto_assign(&error).to_owned()),
            sets: &["blocks_of_host"],
            ..Outcome::ok()
        }
        .with("blocks_of_host", list(ensured.v4.into_iter().chain(ensured.v6)))
    }))
}

fn set_owner(fields: &Fields<'_>, world: &World) -> Result<Running, Mismatch> {
    let handle = read::text(fields, "handle")?.unwrap_or_default();
    let mut change = SetOwner::new(read::needed_ip(fields, "ip")?, handle, world.now);
    let mut clash = false;
    for (side, patch, condition) in [
        ("active", &mut change.active, &mut change.if_active),
        ("alternate", &mut change.alternate, &mut change.if_alternate),
    ] {
        let clear = read::truth(fields, &format!("clear_{side}"), false)?;
        if let Some(attributes) = read::map(fields, side)? {
            *patch = Patch::Set(attributes);
            clash |= clear;
        } else if clear {
            *patch = Patch::Clear;
        }
        let empty = read::truth(fields, &format!("verify_{side}_empty"), false)?;
        let expected = format!("expected_{side}");
        if let Some(value) = fields.take(&expected).filter(|value| !value.is_null()) {
            let inner = Fields::new(fields.path(&expected), value)?;
            *condition = Condition::Pod {
                namespace: read::text(&inner, "namespace")?.unwrap_or_default().to_owned(),
                name: read::text(&inner, "name")?.unwrap_or_default().to_owned(),
            };
            read::all_read(&inner)?;
            clash |= empty;
        } else if empty {
            *condition = Condition::Empty;
        }
    }
    if clash {
        // One side has one patch and one condition: such a request cannot be written down.
        return Ok(Box::new(Immediate(Outcome::failed("invalid_argument"))));
    }
    Ok(then(op::set_owner_attributes(change, &world.resources), |r| Outcome::from_result(r, errors::set_owner)))
}

fn utilization(row: &op::PoolUtilization) -> Value {
    let blocks: Vec<Value> = row
        .blocks
        .iter()
        .map(|block| {
            json!({"cidr": block.cidr.to_string(), "capacity": block.capacity, "in_use": block.in_use,
                   "reserved": block.reserved, "available": block.available})
        })
        .collect();
    json!({"name": row.name, "cidr": row.cidr.to_string(), "capacity": row.capacity, "in_use": row.in_use,
           "reserved": row.reserved, "available": row.available, "blocks": blocks})
}

/// A configuration in the form of the vectors.
pub(crate) fn config(config: &Config) -> Value {
    json!({"strictAffinity": config.strict_affinity, "autoAllocateBlocks": config.auto_allocate_blocks,
           "maxBlocksPerHost": config.max_blocks_per_host, "ipCooldownSeconds": config.cooldown_seconds})
}

/// An operation with its output as an [`Outcome`].
struct Then<O, F> {
    operation: O,
    then: F,
}

fn then<O, F>(operation: O, then: F) -> Running
where
    O: Operation + 'static,
    F: Fn(O::Output) -> Outcome + 'static,
{
    Box::new(Then { operation, then })
}

impl<O: Operation, F: Fn(O::Output) -> Outcome> Operation for Then<O, F> {
    type Output = Outcome;

    fn poll(&mut self) -> Poll<Outcome> {
        match self.operation.poll() {
            Poll::Ask(request) => Poll::Ask(request),
            Poll::Done(output) => Poll::Done((self.then)(output)),
        }
    }

    fn handle(&mut self, answer: Answer) {
        self.operation.handle(answer);
    }
}

/// A request that the types of the allocator do not let anybody make.
struct Immediate(Outcome);

impl Operation for Immediate {
    type Output = Outcome;

    fn poll(&mut self) -> Poll<Outcome> {
        Poll::Done(self.0.clone())
    }

    fn handle(&mut self, _: Answer) {}
}

//! Rules of allocation that reach over several operations (Calico's behaviour, and where ours is deliberately better).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ippool::block::ReleaseItem;
use ippool::op::{self, AssignIp, AutoAssign, AutoAssignError, Operation, Poll, ReleaseIpsError, StoreError};
use ippool::store::{Answer, Request};
use ippool::{
    Attributes, Config, DecodeError, Handle, Key, MemoryStore, Owner, Pool, Reservations, Resources, Store, UnixTime,
    Use, Value, drive,
};

fn now() -> UnixTime {
    UnixTime::from_secs(1_767_225_600)
}

fn pool(cidr: &str, block_len: u8) -> Pool {
    Pool::new("p", cidr.parse().unwrap()).with_block_len(block_len).unwrap()
}

fn resources(pool: Pool) -> Resources {
    Resources::default().with_pool(pool).with_node("n1", [("name", "n1")]).with_node("n2", [("name", "n2")])
}

fn take(store: &mut MemoryStore, resources: &Arc<Resources>, host: &str, num: usize, handle: &str) -> op::Assigned {
    let request = AutoAssign::new(host, Use::Workload, now()).with_counts(num, 0);
    drive(op::auto_assign(request.with_attributes(Attributes::with_handle(handle)), resources), store)
}

fn texts(assigned: &op::Assigned) -> Vec<String> {
    assigned.addresses().map(|address| address.to_string()).collect()
}

#[test]
fn calico_1_7_the_seeds_nodes_get_the_seeds_blocks() {
    let resources = ["k8s-master", "k8s-node1", "k8s-node2"]
        .into_iter()
        .fold(Resources::default().with_pool(Pool::new("p", "10.244.0.0/16".parse().unwrap())), |all, node| {
            all.with_node(node, [("", ""); 0])
        });
    let (resources, mut store) = (Arc::new(resources), MemoryStore::default());
    for (node, block) in
        [("k8s-master", "10.244.235.192/26"), ("k8s-node1", "10.244.36.64/26"), ("k8s-node2", "10.244.169.128/26")]
    {
        assert_eq!(texts(&take(&mut store, &resources, node, 1, node)), [block]);
    }
}

#[test]
fn calico_1_4_a_handle_over_two_blocks_counts_what_was_taken() {
    let (resources, mut store) = (Arc::new(resources(pool("10.0.0.0/28", 30))), MemoryStore::default());
    take(&mut store, &resources, "n1", 1, "other");
    assert_eq!(take(&mut store, &resources, "n1", 6, "h").addresses().count(), 6);
    let Some(Value::Handle(Handle { blocks, .. })) = store.object(&Key::Handle("h".into())).map(|o| o.value.clone())
    else {
        panic!("no handle")
    };
    assert_eq!(blocks.values().copied().collect::<Vec<_>>(), [3, 3]);
    assert_eq!(drive(op::release_by_handle("h", &resources, now()), &mut store), Ok(()));
    assert_eq!(store.object(&Key::Handle("h".into())), None);
}

#[test]
fn calico_1_7_another_block_length_gives_no_address_twice() {
    let (before, mut store) = (Arc::new(resources(pool("10.0.0.0/28", 30))), MemoryStore::default());
    let mut all = texts(&take(&mut store, &before, "n1", 3, "a"));
    let after = Arc::new(resources(pool("10.0.0.0/28", 29)));
    all.extend(texts(&take(&mut store, &after, "n2", 16, "b")));
    let mut addresses: Vec<&str> = all.iter().filter_map(|text| text.split('/').next()).collect();
    addresses.sort_unstable();
    let number = addresses.len();
    addresses.dedup();
    assert_eq!((addresses.len(), number), (12, 12), "{all:?}: one /29 is free, the other has a /30 in it");
}

#[test]
fn calico_1_9_sequence_numbers_of_a_block_made_again_do_not_repeat() {
    let (resources, mut store) = (Arc::new(resources(pool("10.0.0.0/28", 30))), MemoryStore::default());
    let ip = [10, 0, 0, 1].into();
    let mut seen = Vec::new();
    for _ in 0..4 {
        assert_eq!(drive(op::assign_ip(AssignIp::new(ip, "n1", now()), &resources), &mut store), Ok(()));
        let Some(Value::Block(block)) = store.object(&Key::Block("10.0.0.0/30".parse().unwrap())).map(|o| &o.value)
        else {
            panic!("no block")
        };
        let sequence = block.sequence_of(1);
        assert!(!seen.contains(&sequence), "{sequence} in {seen:?}");
        for old in &seen {
            let stale = [ReleaseItem::new(ip).with_sequence(*old)];
            let released = drive(op::release_ips(&stale, &resources, now()), &mut store);
            assert_eq!(released.error, Some(ReleaseIpsError::BadSequence));
        }
        seen.push(sequence);
        drive(op::release_ips(&[ReleaseItem::new(ip)], &resources, now()), &mut store);
        drive(op::release_host_affinities(Owner::host("n1"), true, now()), &mut store).unwrap();
    }
}

#[test]
fn calico_1_6_the_block_limit_is_an_error_with_the_partial_result() {
    let (resources, mut store) = (Arc::new(resources(pool("10.0.0.0/28", 30))), MemoryStore::default());
    let mut request = AutoAssign::new("n1", Use::Workload, now()).with_counts(6, 0);
    request.max_blocks = 1;
    let assigned = drive(op::auto_assign(request, &resources), &mut store);
    assert_eq!((assigned.addresses().count(), assigned.error), (4, Some(AutoAssignError::BlockLimit(1))));
}

#[test]
fn calico_1_6_reserved_space_of_any_size_is_stepped_over_at_once() {
    // Half of 2^58 blocks are reserved: only a search that jumps comes to an end.
    let half = Reservations::parse(["fd00::/65", "fd00:0:0:0:8000::/66"]);
    let resources = Arc::new(resources(pool("fd00::/64", 122)).with_reservations(half));
    let request = AutoAssign::new("n1", Use::Workload, now()).with_counts(0, 1);
    let assigned = drive(op::auto_assign(request, &resources), &mut MemoryStore::default());
    assert_eq!((assigned.addresses().count(), assigned.error), (1, None));
}

#[test]
fn calico_1_3_invalid_stored_blocks_are_errors_and_stay() {
    let (resources, mut store) = (Arc::new(resources(pool("10.0.0.0/30", 30))), MemoryStore::default());
    let key = Key::Block("10.0.0.0/30".parse().unwrap());
    store.put(key.clone(), Value::Invalid(DecodeError::Type("unallocated")));
    let before = store.object(&key).cloned();
    let assigned = drive(op::assign_ip(AssignIp::new([10, 0, 0, 1].into(), "n1", now()), &resources), &mut store);
    let Err(op::AssignIpError::Store(StoreError::BadValue(bad))) = assigned else { panic!("{assigned:?}") };
    assert_eq!((&bad.key, bad.error.field()), (&key, Some("unallocated")));
    assert_eq!(texts(&take(&mut store, &resources, "n1", 1, "h")), [""; 0]);
    assert_eq!(store.object(&key).cloned(), before);
}

#[test]
fn an_operation_can_be_copied_and_replayed_at_any_point() {
    let resources = Arc::new(resources(pool("10.0.0.0/28", 30)));
    let request = AutoAssign::new("n1", Use::Workload, now()).with_counts(5, 0);
    let mut operation = op::auto_assign(request, &resources);
    let mut store = MemoryStore::default();
    store.put(Key::Config, Value::Config(Config::default()));
    let mut outputs = Vec::new();
    let last = loop {
        outputs.push(drive(operation.clone(), &mut store.clone()));
        match operation.poll() {
            Poll::Ask(request) => {
                assert_eq!(operation.poll(), Poll::Ask(request.clone()), "polled twice");
                operation.handle(store.answer(&request));
            }
            Poll::Done(output) => break output,
        }
    };
    assert!(outputs.iter().all(|output| *output == last));
}

#[test]
fn an_answer_of_the_wrong_kind_is_a_failure() {
    let mut operation = op::read_config();
    assert!(matches!(operation.poll(), Poll::Ask(Request::Read(_))));
    operation.handle(Answer::Objects(Vec::new()));
    operation.handle(Answer::Conflict);
    assert_eq!(operation.poll(), Poll::Done(Err(StoreError::Failed)));
}

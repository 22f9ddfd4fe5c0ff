//! Where ours differs from Calico on purpose, a test for each: what Calico's own code does is said in each.
//!
//! In other files: handles count what was taken (`allocation::calico_1_4_a_handle_over_two_blocks_counts_what_was_taken`),
//! blocks are compared by overlap (`allocation::calico_1_7_another_block_length_gives_no_address_twice`), contradictory
//! blocks are errors (`allocation::calico_1_3_invalid_stored_blocks_are_errors_and_stay`), sequence numbers never repeat
//! (`allocation::calico_1_9_sequence_numbers_of_a_block_made_again_do_not_repeat`), borrowing and the search for a block
//! read no block of others (`costs::calico_1_6_cost_of_borrowing`, `costs::calico_1_6_cost_of_auto_assign_and_release_by_handle`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;
use std::sync::Arc;

use ippool::audit::{Inventory, check};
use ippool::block::{AssignError, HostReservation, ReleaseItem};
use ippool::op::{self, AssignIp, AutoAssign, Patch, SetOwner};
use ippool::store::{Answer, Request, Write};
use ippool::{
    AffinityState, Attributes, Block, Key, MemoryStore, Owner, Pool, Reservations, Resources, Store, UnixTime, Use,
    Value, drive,
};

fn now() -> UnixTime {
    UnixTime::from_secs(1_767_225_600)
}

fn pool(cidr: &str, block_len: u8) -> Pool {
    Pool::new("p", cidr.parse().unwrap()).with_block_len(block_len).unwrap()
}

fn resources(pool: Pool) -> Arc<Resources> {
    let none = [("", ""); 0];
    Arc::new(Resources::default().with_pool(pool).with_node("n1", none).with_node("n2", none))
}

fn auto(host: &str, num: usize, handle: &str) -> AutoAssign {
    AutoAssign::new(host, Use::Workload, now()).with_counts(num, 0).with_attributes(Attributes::with_handle(handle))
}

fn found(store: &mut MemoryStore, resources: &Resources) -> Vec<ippool::audit::Finding> {
    let snapshot = drive(op::snapshot(now()), store).unwrap();
    let users = |block: &Arc<Block>| {
        block.allocations().filter_map(|(ordinal, _)| block.address(ordinal)).collect::<Vec<IpAddr>>()
    };
    let used = snapshot.blocks.values().flat_map(users);
    let inventory = Inventory::default().with_node("n1").with_node("n2");
    let inventory = used.fold(inventory, |all, address| all.with_use(address, "somebody"));
    check(&snapshot, &inventory, resources).findings
}

/// Does something else just before the first request of a kind.
struct Meanwhile<W, F> {
    store: MemoryStore,
    when: W,
    what: Option<F>,
}

impl<W: Fn(&Request) -> bool, F: FnOnce(&mut MemoryStore)> Store for Meanwhile<W, F> {
    fn answer(&mut self, request: &Request) -> Answer {
        if (self.when)(request)
            && let Some(what) = self.what.take()
        {
            what(&mut self.store);
        }
        self.store.answer(request)
    }
}

#[test]
fn better_1_3_an_assignment_that_fails_leaves_the_sequence_numbers() {
    // Calico: the sequence number of the address is overwritten before the check.
    let mut block = Block::new("10.0.0.0/30".parse().unwrap(), 7, None).unwrap();
    let address = "10.0.0.1".parse().unwrap();
    block.assign(address, Attributes::with_handle("h"), None).unwrap();
    let before = block.clone();
    assert_eq!(block.assign(address, Attributes::with_handle("x"), None), Err(AssignError::AlreadyAssigned));
    assert_eq!(block, before);
}

#[test]
fn better_1_5_pools_whose_blocks_are_too_small_for_a_reservation_are_left_out() {
    // Calico: only explicit pools are left out; the block would be wholly kept back.
    let none = [("", ""); 0];
    let small = Pool::new("a", "10.0.0.0/24".parse().unwrap()).with_block_len(30).unwrap();
    let large = Pool::new("b", "10.1.0.0/24".parse().unwrap()).with_block_len(28).unwrap();
    let resources = Arc::new(Resources::default().with_pool(small).with_pool(large).with_node("n1", none));
    let mut request = auto("n1", 1, "h");
    request.reservation_v4 = Some(HostReservation::new(3, 1, "r", "n"));
    let assigned = drive(op::auto_assign(request, &resources), &mut MemoryStore::default());
    let inside: ipnet::IpNet = "10.1.0.0/24".parse().unwrap();
    assert!(assigned.addresses().all(|address| inside.contains(&address)) && assigned.addresses().count() == 1);
}

#[test]
fn better_1_9_an_address_whose_block_another_host_claims_first_is_assigned_all_the_same() {
    // Calico: the race is returned as an error.
    let resources = resources(pool("10.0.0.0/28", 30));
    let others = Arc::clone(&resources);
    let mut store = Meanwhile {
        store: MemoryStore::default(),
        when: |request: &Request| matches!(request, Request::Commit(Write::Create(Key::Block(_), _))),
        what: Some(move |store: &mut MemoryStore| {
            drive(op::claim_affinity("10.0.0.0/30".parse().unwrap(), Owner::host("n2"), &others, now()), store);
        }),
    };
    let address = "10.0.0.1".parse().unwrap();
    let request = AssignIp::new(address, "n1", now()).with_attributes(Attributes::with_handle("h"));
    assert_eq!(drive(op::assign_ip(request, &resources), &mut store), Ok(()));
    assert!(store.what.is_none());
    assert_eq!(found(&mut store.store, &resources), []);
}

#[test]
fn better_1_9_owner_attributes_of_one_address_change_alone() {
    // Calico: addresses with equal attributes share them, all change.
    let resources = resources(pool("10.0.0.0/28", 30));
    let mut store = MemoryStore::default();
    let taken: Vec<IpAddr> =
        drive(op::auto_assign(auto("n1", 2, "h"), &resources), &mut store).addresses().map(|net| net.addr()).collect();
    let mut change = SetOwner::new(taken[0], "h", now());
    change.active = Patch::Set([("pod".into(), "x".into())].into());
    drive(op::set_owner_attributes(change, &resources), &mut store).unwrap();
    let pods = |store: &mut MemoryStore, address| {
        drive(op::attributes(address, &resources, now()), store).unwrap().active.get("pod").cloned()
    };
    assert_eq!(pods(&mut store, taken[0]).as_deref(), Some("x"));
    assert_eq!(pods(&mut store, taken[1]), None);
}

#[test]
fn better_1_9_one_address_written_in_two_ways_lowers_its_handle_once() {
    // Calico: twice, so that another address of the handle is forgotten.
    let resources = resources(pool("fd00::/120", 124));
    let mut store = MemoryStore::default();
    let request = AutoAssign::new("n1", Use::Workload, now()).with_counts(0, 2);
    let request = request.with_attributes(Attributes::with_handle("h"));
    let taken: Vec<IpAddr> =
        drive(op::auto_assign(request, &resources), &mut store).addresses().map(|net| net.addr()).collect();
    let IpAddr::V6(first) = taken[0] else { panic!("IPv6") };
    let long = first.segments().map(|part| format!("{part:04x}")).join(":");
    let items = [ReleaseItem::new(taken[0]), ReleaseItem::new(long.parse().unwrap())];
    assert_eq!(drive(op::release_ips(&items, &resources, now()), &mut store).error, None);
    assert_eq!(drive(op::ips_by_handle("h", now()), &mut store).unwrap(), [taken[1]]);
    assert_eq!(found(&mut store, &resources), []);
}

#[test]
fn better_1_9_a_request_over_two_blocks_does_not_count_against_its_own_limit() {
    // Calico: the addresses of the first block count, the call fails and leaves an empty affinity.
    let resources = resources(pool("10.0.0.0/28", 30));
    let mut store = MemoryStore::default();
    let mut request = auto("n1", 6, "h");
    request.max_alloc = 6;
    let assigned = drive(op::auto_assign(request.clone(), &resources), &mut store);
    assert_eq!((assigned.addresses().count(), &assigned.error), (6, &None));
    let again = drive(op::auto_assign(request, &resources), &mut store);
    assert!(again.addresses().map(|net| net.addr()).eq(assigned.addresses().map(|net| net.addr())));
    assert_eq!(found(&mut store, &resources), []);
}

#[test]
fn better_1_9_a_call_that_could_only_get_reserved_space_leaves_no_block() {
    // Calico: the block is claimed, then found to be of no use, and stays.
    let reserved = Reservations::parse(["10.0.0.0/28"]);
    let resources = Arc::new(Resources::clone(&resources(pool("10.0.0.0/28", 30))).with_reservations(reserved));
    let mut store = MemoryStore::default();
    assert_eq!(drive(op::auto_assign(auto("n1", 1, "h"), &resources), &mut store).addresses().count(), 0);
    assert_eq!(store.iter().count(), 0);
}

#[test]
fn better_1_9_a_release_that_loses_against_an_assignment_leaves_the_affinity_confirmed() {
    // Calico: the affinity stays pendingDeletion though the block stays with the host, so that its route is gone.
    let resources = resources(pool("10.0.0.0/30", 30));
    let range = "10.0.0.0/30".parse().unwrap();
    let mut store = MemoryStore::default();
    drive(op::claim_affinity(range, Owner::host("n1"), &resources, now()), &mut store);
    let others = Arc::clone(&resources);
    let mut store = Meanwhile {
        store,
        when: |request: &Request| matches!(request, Request::Commit(Write::Delete(Key::Block(_), _))),
        what: Some(move |store: &mut MemoryStore| {
            let request = AssignIp::new("10.0.0.1".parse().unwrap(), "n2", now());
            drive(op::assign_ip(request, &others), store).unwrap();
        }),
    };
    let released = drive(op::release_affinity(range, Owner::host("n1"), true, &resources, now()), &mut store);
    assert!(store.what.is_none() && released.is_err(), "{released:?}");
    let affinity = store.store.object(&Key::Affinity(Owner::host("n1"), range)).map(|object| object.value.clone());
    assert!(matches!(affinity, Some(Value::Affinity(affinity)) if affinity.state == AffinityState::Confirmed));
}

#[test]
fn better_1_9_an_affinity_taken_away_during_confirmation_is_claimed_again() {
    // Calico: the call fails.
    let resources = resources(pool("10.0.0.0/28", 30));
    let mut store = Meanwhile {
        store: MemoryStore::default(),
        when: |request: &Request| matches!(request, Request::Commit(Write::Update(Key::Affinity(..), _, _))),
        what: Some(|store: &mut MemoryStore| {
            drive(op::release_host_affinities(Owner::host("n1"), true, now()), store).unwrap();
        }),
    };
    let assigned = drive(op::auto_assign(auto("n1", 1, "h"), &resources), &mut store);
    assert_eq!((assigned.addresses().count(), assigned.error), (1, None));
    assert!(store.what.is_none());
    assert_eq!(found(&mut store.store, &resources), []);
}

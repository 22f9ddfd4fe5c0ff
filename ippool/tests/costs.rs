//! The cost of each operation, as its documentation states it: reads, lists and writes without contention.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ipnet::IpNet;
use ippool::block::{HostReservation, ReleaseItem};
use ippool::key::Prefix;
use ippool::op::{self, AssignIp, AutoAssign, EnsureBlock, Operation, Patch, SetOwner};
use ippool::store::{Answer, Request};
use ippool::{Attributes, Config, Key, MemoryStore, Owner, Pool, Resources, Store, UnixTime, Use, Value, drive};

/// Reads, searches, lists and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cost(u32, u32, u32, u32);

#[derive(Default)]
struct Counting {
    store: MemoryStore,
    cost: Cost,
}

impl Store for Counting {
    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Read(_) | Request::ReadAndList(_, Prefix::Affinities(..)) => self.cost.0 += 1,
            Request::Search(_) => self.cost.1 += 1,
            Request::List(_) | Request::ReadAndList(..) => self.cost.2 += 1,
            Request::Commit(_) => self.cost.3 += 1,
        }
        self.store.answer(request)
    }
}

impl Counting {
    fn cost<O: Operation>(&mut self, operation: O) -> Cost {
        self.cost = Cost::default();
        drive(operation, self);
        self.cost
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(1_767_225_600)
}

fn resources() -> Arc<Resources> {
    let pool = Pool::new("p", "10.0.0.0/28".parse().unwrap()).with_block_len(30).unwrap();
    let resources = Resources::default().with_pool(pool);
    Arc::new(resources.with_node("n1", [("name", "n1")]).with_node("n2", [("name", "n2")]))
}

fn auto(host: &str, num: usize, handle: Option<&str>) -> AutoAssign {
    let attributes = handle.map(Attributes::with_handle).unwrap_or_default();
    AutoAssign::new(host, Use::Workload, now()).with_counts(num, 0).with_attributes(attributes)
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn calico_1_6_cost_of_auto_assign_and_release_by_handle() {
    let (mut store, resources) = (Counting::default(), resources());
    assert_eq!(store.cost(op::auto_assign(auto("n1", 1, Some("a")), &resources)), Cost(2, 1, 0, 5), "a new block");
    assert_eq!(store.cost(op::auto_assign(auto("n1", 1, Some("b")), &resources)), Cost(2, 0, 0, 2), "the first block");
    assert_eq!(store.cost(op::auto_assign(auto("n1", 1, None), &resources)), Cost(2, 0, 0, 1), "without handle");
    assert_eq!(store.cost(op::ips_by_handle("a", now())), Cost(2, 0, 0, 0));
    assert_eq!(store.cost(op::release_by_handle("a", &resources, now())), Cost(2, 0, 0, 2));
}

#[test]
fn calico_1_6_cost_of_borrowing() {
    let (mut store, resources) = (Counting::default(), resources());
    store.cost(op::claim_affinity(net("10.0.0.0/28"), Owner::host("n2"), &resources, now()));
    assert_eq!(store.cost(op::auto_assign(auto("n1", 1, None), &resources)), Cost(2, 3, 0, 1));
}

#[test]
fn calico_1_6_cost_of_further_blocks_and_of_a_take_over() {
    let (mut store, resources) = (Counting::default(), resources());
    store.cost(op::auto_assign(auto("n1", 4, None), &resources));
    let second = store.cost(op::auto_assign(auto("n1", 1, None), &resources));
    let third = {
        store.cost(op::auto_assign(auto("n1", 3, None), &resources));
        store.cost(op::auto_assign(auto("n1", 1, None), &resources))
    };
    println!("further blocks: {second:?}, {third:?}");
    assert_eq!((second, third), (Cost(3, 1, 0, 4), Cost(4, 1, 0, 4)), "R 1 for each full block of the host");
    // The last block becomes another host's, empty and old.
    store.cost(op::auto_assign(auto("n1", 3, None), &resources));
    store.cost(op::claim_affinity(net("10.0.0.0/28"), Owner::host("n2"), &resources, now()));
    let later = AutoAssign::new("n1", Use::Workload, now().saturating_add_secs(100)).with_counts(1, 0);
    let taken = store.cost(op::auto_assign(later, &resources));
    println!("take-over: {taken:?}");
    assert_eq!(taken, Cost(7, 2, 0, 7), "three full blocks of its own are read, one taken over");
}

#[test]
fn calico_1_7_cost_of_a_search_without_an_index_is_one_list() {
    struct NoIndex(Counting);
    impl Store for NoIndex {
        fn answer(&mut self, request: &Request) -> Answer {
            if matches!(request, Request::Search(_)) {
                return Answer::NoIndex;
            }
            self.0.answer(request)
        }
    }
    let (mut store, resources) = (NoIndex(Counting::default()), resources());
    drive(op::auto_assign(auto("n1", 1, None), &resources), &mut store);
    assert_eq!(store.0.cost, Cost(2, 0, 1, 4), "all blocks of the version, once for each search");
}

#[test]
fn calico_1_8_cost_of_affinities() {
    let (mut store, resources) = (Counting::default(), resources());
    let (block, owner) = (net("10.0.0.0/30"), Owner::host("n1"));
    assert_eq!(store.cost(op::claim_affinity(block, owner.clone(), &resources, now())), Cost(2, 1, 0, 3));
    assert_eq!(store.cost(op::claim_affinity(block, owner.clone(), &resources, now())), Cost(2, 1, 0, 0));
    assert_eq!(store.cost(op::release_affinity(block, owner.clone(), true, &resources, now())), Cost(2, 0, 1, 3));
    store.cost(op::claim_affinity(block, owner.clone(), &resources, now()));
    assert_eq!(store.cost(op::release_block_affinity(block, true, now())), Cost(3, 0, 0, 3));
    store.cost(op::claim_affinity(block, owner.clone(), &resources, now()));
    assert_eq!(store.cost(op::release_host_affinities(owner.clone(), true, now())), Cost(2, 0, 2, 3));
    store.cost(op::claim_affinity(block, owner.clone(), &resources, now()));
    assert_eq!(store.cost(op::release_pool_affinities(net("10.0.0.0/28"), now())), Cost(3, 0, 4, 3));
    store.cost(op::claim_affinity(block, owner, &resources, now()));
    store.store.put(Key::Host("n1".into()), Value::Host);
    assert_eq!(store.cost(op::remove_host("n1", now())), Cost(3, 0, 2, 4));
}

#[test]
fn calico_1_9_cost_of_single_addresses() {
    let (mut store, resources) = (Counting::default(), resources());
    let ip = [10, 0, 0, 1].into();
    let assign = |last: u8, handle: Option<&str>| {
        let attributes = handle.map(Attributes::with_handle).unwrap_or_default();
        AssignIp::new([10, 0, 0, last].into(), "n1", now()).with_attributes(attributes)
    };
    assert_eq!(store.cost(op::assign_ip(assign(1, Some("a")), &resources)), Cost(3, 1, 0, 5), "a new block");
    assert_eq!(store.cost(op::assign_ip(assign(2, Some("b")), &resources)), Cost(2, 0, 0, 2));
    assert_eq!(store.cost(op::assign_ip(assign(3, None), &resources)), Cost(2, 0, 0, 1), "without handle");
    assert_eq!(store.cost(op::attributes(ip, &resources, now())), Cost(2, 0, 0, 0));
    let mut change = SetOwner::new(ip, "a", now());
    assert_eq!(store.cost(op::set_owner_attributes(change.clone(), &resources)), Cost(2, 0, 0, 0));
    change.active = Patch::Set([("pod".into(), "x".into())].into());
    assert_eq!(store.cost(op::set_owner_attributes(change, &resources)), Cost(2, 0, 0, 1));
    assert_eq!(store.cost(op::release_ips(&[ReleaseItem::new(ip)], &resources, now())), Cost(2, 0, 0, 2));
    let nowhere = [ReleaseItem::new([192, 0, 2, 1].into())];
    assert_eq!(store.cost(op::release_ips(&nowhere, &resources, now())), Cost(1, 1, 0, 0));
}

#[test]
fn calico_1_9_cost_of_the_rest() {
    let (mut store, resources) = (Counting::default(), resources());
    let ensure = || EnsureBlock::new("n1", now()).with_v4(Vec::new(), Some(HostReservation::new(1, 0, "r", "n")));
    assert_eq!(store.cost(op::ensure_block(ensure(), &resources)), Cost(2, 1, 0, 3), "a new block");
    assert_eq!(store.cost(op::ensure_block(ensure(), &resources)), Cost(2, 0, 0, 0));
    assert_eq!(store.cost(op::utilization(None, &resources, now())), Cost(1, 0, 2, 0));
    assert_eq!(store.cost(op::read_config()), Cost(1, 0, 0, 0));
    let mut config = Config::default();
    config.cooldown_seconds = 30;
    assert_eq!(store.cost(op::write_config(config.clone(), false)), Cost(1, 0, 0, 1));
    assert_eq!(store.cost(op::write_config(config, false)), Cost(1, 0, 0, 0));
    store.cost(op::auto_assign(auto("n1", 1, Some("a")), &resources));
    store.cost(op::release_by_handle("a", &resources, now()));
    assert_eq!(store.cost(op::sweep(now())), Cost(1, 0, 2, 0));
    assert_eq!(store.cost(op::sweep(now().saturating_add_secs(31))), Cost(1, 0, 2, 1));
}

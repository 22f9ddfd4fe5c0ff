//! Checking, collecting garbage and forecasting over the store in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;
use std::sync::Arc;

use ippool::audit::{Collector, Finding, Inventory, Snapshot, check, forecast, in_all};
use ippool::block::ReleaseItem;
use ippool::change::{ChangeError, Deletion, DeletionStep};
use ippool::op::{self, AutoAssign};
use ippool::{
    Affinity, AffinityState, Attributes, Handle, Key, MemoryStore, Owner, Pool, Reservations, Resources, UnixTime, Use,
    Value, drive,
};

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(1_767_225_600 + seconds)
}

fn pool() -> Pool {
    Pool::new("p", "10.0.0.0/28".parse().unwrap()).with_block_len(30).unwrap()
}

fn resources() -> Arc<Resources> {
    Arc::new(Resources::default().with_pool(pool()).with_node("n1", [("", ""); 0]).with_node("n2", [("", ""); 0]))
}

fn take(store: &mut MemoryStore, host: &str, handle: &str, number: usize, more: &[(&str, &str)]) -> Vec<IpAddr> {
    let mut attributes = Attributes::with_handle(handle);
    let owner = [("pod", "p"), ("namespace", "x"), ("node", host)];
    attributes.active = owner.iter().chain(more).map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let request = AutoAssign::new(host, Use::Workload, at(0)).with_counts(number, 0).with_attributes(attributes);
    let assigned = drive(op::auto_assign(request, &resources()), store);
    assigned.addresses().map(|address| address.addr()).collect()
}

fn look(store: &mut MemoryStore, seconds: i64) -> Snapshot {
    drive(op::snapshot(at(seconds)), store).unwrap()
}

fn nodes() -> Inventory {
    Inventory::default().with_node("n1").with_node("n2")
}

#[test]
fn calico_1_11_a_leak_is_released_after_the_grace_period_and_not_before() {
    let mut store = MemoryStore::default();
    take(&mut store, "n1", "leaked", 1, &[]);
    let alive = take(&mut store, "n1", "alive", 1, &[]);
    let inventory = nodes().with_use(alive[0], "Workload(x/p)");
    let mut collector = Collector::new(900);
    for seconds in [0, 450, 899] {
        assert!(collector.observe(&look(&mut store, seconds), &inventory, at(seconds)).is_empty(), "{seconds}");
    }
    let cleaning = collector.observe(&look(&mut store, 900), &inventory, at(900));
    assert_eq!(cleaning.leaks.len(), 1);
    let cleaned = drive(op::clean(cleaning, &resources(), at(900)), &mut store);
    assert_eq!((cleaned.released.error, cleaned.error), (None, None));
    assert!(check(&look(&mut store, 901), &inventory, &resources()).is_clean());
}

#[test]
fn calico_1_11_what_is_used_again_or_given_out_anew_is_not_released() {
    let mut store = MemoryStore::default();
    let address = take(&mut store, "n1", "h", 1, &[])[0];
    let mut collector = Collector::new(100);
    collector.observe(&look(&mut store, 0), &nodes(), at(0));
    let cleaning = collector.observe(&look(&mut store, 100), &nodes(), at(100));
    assert!(cleaning.clone().still(&nodes().with_use(address, "back")).is_empty(), "asked again");
    // Released and given out again since: another sequence number.
    drive(op::release_by_handle("h", &resources(), at(100)), &mut store).unwrap();
    for _ in 0..4 {
        take(&mut store, "n1", "h", 1, &[]);
    }
    let before = store.clone();
    let cleaned = drive(op::clean(cleaning, &resources(), at(100)), &mut store);
    assert_eq!(cleaned.released.error, Some(op::ReleaseIpsError::BadSequence));
    assert!(before.iter().eq(store.iter()));
}

#[test]
fn calico_1_11_an_address_that_was_given_out_anew_does_not_keep_the_other_leaks_of_its_block() {
    let mut store = MemoryStore::default();
    let address = take(&mut store, "n1", "h", 1, &[])[0];
    let other = take(&mut store, "n1", "other", 1, &[])[0];
    let items = [ReleaseItem::new(address).with_handle("somebody else"), ReleaseItem::new(other).with_handle("other")];
    let together = drive(op::release_ips(&items, &resources(), at(0)), &mut store);
    assert_eq!((together.ok.len(), together.error), (0, Some(op::ReleaseIpsError::BadHandle)), "Calico: none");
    let each = drive(op::release_each(&items, &resources(), at(0)), &mut store);
    assert_eq!((each.ok, each.error), (vec![items[1].clone()], Some(op::ReleaseIpsError::BadHandle)));
    assert!(drive(op::attributes(address, &resources(), at(0)), &mut store).is_ok());
    assert!(drive(op::attributes(other, &resources(), at(0)), &mut store).is_err());
}

#[test]
fn calico_1_11_a_handle_goes_only_when_all_its_addresses_have_leaked() {
    let mut store = MemoryStore::default();
    let addresses = take(&mut store, "n1", "h", 2, &[]);
    let inventory = nodes().with_use(addresses[0], "Workload(x/p)");
    let mut collector = Collector::new(100);
    collector.observe(&look(&mut store, 0), &inventory, at(0));
    assert!(collector.observe(&look(&mut store, 500), &inventory, at(500)).leaks.is_empty());
}

#[test]
fn calico_1_11_classes_of_allocations() {
    let mut store = MemoryStore::default();
    take(&mut store, "n2", "gone", 1, &[]);
    take(&mut store, "n1", "vm", 1, &[("vmi-name", "v")]);
    let request = AutoAssign::new("n1", Use::Workload, at(0)).with_counts(1, 0);
    let unknown = request.with_attributes(Attributes::with_handle("unknown"));
    drive(op::auto_assign(unknown, &resources()), &mut store);
    let inventory = Inventory::default().with_node("n1");
    let mut collector = Collector::new(100);
    let leaked = |collector: &mut Collector, store: &mut MemoryStore, seconds| -> Vec<String> {
        let cleaning = collector.observe(&look(store, seconds), &inventory, at(seconds));
        cleaning.leaks.into_iter().filter_map(|leak| leak.handle).collect()
    };
    assert_eq!(leaked(&mut collector, &mut store, 0), ["gone"], "its node is gone: at once");
    assert_eq!(leaked(&mut collector, &mut store, 299), ["gone"], "virtual machines have five minutes at least");
    let mut both = leaked(&mut collector, &mut store, 300);
    both.sort_unstable();
    assert_eq!(both, ["gone", "vm"]);
}

#[test]
fn calico_1_11_stale_handles_unfinished_claims_and_empty_blocks_are_put_in_order() {
    let mut store = MemoryStore::default();
    let mut stale = Handle::default();
    stale.blocks.insert("10.0.0.0/30".parse().unwrap(), 3);
    store.put(Key::Handle("stale".into()), Value::Handle(stale));
    let claim = Key::Affinity(Owner::host("n1"), "10.0.0.4/30".parse().unwrap());
    store.put(claim.clone(), Value::Affinity(Affinity::new(AffinityState::Pending)));
    drive(op::claim_affinity("10.0.0.8/29".parse().unwrap(), Owner::host("n2"), &resources(), at(0)), &mut store);
    let report = check(&look(&mut store, 0), &nodes(), &resources());
    assert_eq!(report.findings.len(), 2, "{report:?}");
    let mut collector = Collector::new(100);
    assert!(collector.observe(&look(&mut store, 0), &nodes(), at(0)).is_empty());
    let cleaning = collector.observe(&look(&mut store, 100), &nodes(), at(100));
    let cleaned = drive(op::clean(cleaning, &resources(), at(100)), &mut store);
    assert_eq!((cleaned.handles.len(), cleaned.claims.len()), (1, 2), "one empty block of two: a node keeps its last");
    assert_eq!((store.object(&claim), store.object(&Key::Handle("stale".into()))), (None, None));
    assert!(check(&look(&mut store, 101), &nodes(), &resources()).is_clean());
}

#[test]
fn calico_1_11_a_check_finds_what_does_not_fit() {
    let mut store = MemoryStore::default();
    let address = take(&mut store, "n1", "h", 1, &[])[0];
    store.put(Key::Handle("h".into()), Value::Handle(Handle::default()));
    let inventory =
        nodes().with_use(address, "a").with_use([10, 0, 0, 15].into(), "b").with_use([9, 0, 0, 1].into(), "c");
    let report = check(&look(&mut store, 0), &inventory, &resources());
    let not_allocated = |address: [u8; 4], in_pool| Finding::NotAllocated { address: address.into(), in_pool };
    assert!(report.findings.contains(&not_allocated([10, 0, 0, 15], true)));
    assert!(report.findings.contains(&not_allocated([9, 0, 0, 1], false)));
    let few = |finding: &Finding| matches!(finding, Finding::HandleCountsTooLittle { counted: 0, found: 1, .. });
    assert_eq!((report.findings.iter().filter(|f| few(f)).count(), report.findings.len()), (1, 3));
}

#[test]
fn calico_1_11_reports_are_intersected() {
    let mut store = MemoryStore::default();
    let first = take(&mut store, "n1", "a", 1, &[])[0];
    let early = check(&look(&mut store, 0), &nodes(), &resources()).with_cluster("guid");
    take(&mut store, "n1", "b", 1, &[]);
    let late = check(&look(&mut store, 9), &nodes(), &resources()).with_cluster("guid");
    let both = in_all(&[early, late.clone()]).unwrap();
    assert_eq!(both.iter().map(|item| item.address).collect::<Vec<_>>(), [first]);
    assert_eq!(in_all(&[late.clone(), late.with_cluster("other")]), None);
}

#[test]
fn a_forecast_counts_what_is_left_and_says_when_it_runs_out() {
    let (mut store, pool, resources) = (MemoryStore::default(), pool(), resources());
    let reserved = Resources::clone(&resources).with_reservations(Reservations::parse(["10.0.0.0/31"]));
    let empty = forecast(&look(&mut store, 0), &pool, &resources, None, at(0));
    assert_eq!((empty.free, empty.blocks_left, empty.fragmentation), (16, 4, 0));
    take(&mut store, "n1", "a", 4, &[]);
    let later = forecast(&look(&mut store, 100), &pool, &resources, Some(empty.sample(at(0))), at(100));
    assert_eq!((later.used, later.free, later.blocks_left), (4, 12, 3));
    assert_eq!(later.runs_out, Some(at(400)), "twelve more at four in 100 s");
    let reserved = forecast(&look(&mut store, 100), &pool, &reserved, None, at(100));
    assert_eq!(reserved.reserved, 2);
    assert!(reserved.free <= 12 && reserved.runs_out.is_none());
}

#[test]
fn blocks_of_several_lengths_share_a_pool_and_never_overlap() {
    let (mut store, resources) = (MemoryStore::default(), resources());
    let mut all = Vec::new();
    for (number, len) in [(3, None), (2, Some(31)), (4, Some(30)), (1, Some(32)), (9, Some(31))] {
        let mut request = AutoAssign::new("n1", Use::Workload, at(0)).with_counts(number, 0);
        request.block_len_v4 = len;
        all.extend(drive(op::auto_assign(request, &resources), &mut store).addresses().map(|address| address.addr()));
    }
    let number = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((number, all.len()), (16, 16), "every address once, none lost between blocks");
    let report = check(&look(&mut store, 0), &nodes(), &resources);
    assert!(!report.findings.iter().any(|finding| matches!(finding, Finding::Overlap(..))), "{:?}", report.findings);
    assert_eq!(forecast(&look(&mut store, 0), &pool(), &resources, None, at(0)).free, 0);
}

#[test]
fn free_blocks_are_split_and_merged() {
    let (mut store, resources) = (MemoryStore::default(), resources());
    let claim = |store: &mut MemoryStore, len: u8| {
        let mut request = AutoAssign::new("n1", Use::Workload, at(0)).with_counts(1, 0);
        request.block_len_v4 = Some(len);
        drive(op::auto_assign(request, &resources), store).addresses().map(|net| net.prefix_len()).next()
    };
    let free = |store: &mut MemoryStore| {
        let used: Vec<ReleaseItem> = look(store, 0)
            .blocks
            .values()
            .flat_map(|block| block.allocations().filter_map(|(ordinal, _)| block.address(ordinal)).collect::<Vec<_>>())
            .map(ReleaseItem::new)
            .collect();
        assert_eq!(drive(op::release_ips(&used, &resources, at(0)), store).error, None);
        drive(op::release_host_affinities(Owner::host("n1"), true, at(0)), store).unwrap();
        assert!(look(store, 0).blocks.is_empty());
    };
    // The pool of 16 addresses whole, in parts, and whole again.
    for len in [28, 31, 29, 32, 28] {
        assert_eq!(claim(&mut store, len), Some(len));
        free(&mut store);
    }
}

#[test]
fn calico_1_9_pools_are_resized_split_and_deleted_while_blocks_are_in_use() {
    let (mut store, resources) = (MemoryStore::default(), resources());
    let first = take(&mut store, "n1", "h", 1, &[])[0];
    let snapshot = look(&mut store, 0);
    let wider = resources.resize_pool(pool().name(), "10.0.0.0/27".parse().unwrap(), 29, &snapshot).unwrap();
    let request = AutoAssign::new("n1", Use::Workload, at(0)).with_counts(28, 0);
    let all: Vec<IpAddr> =
        drive(op::auto_assign(request, &Arc::new(wider)), &mut store).addresses().map(|net| net.addr()).collect();
    assert!(!all.contains(&first), "the old block and blocks of the new length do not overlap");
    let elsewhere = "192.0.2.0/28".parse().unwrap();
    let refused = resources.resize_pool(pool().name(), elsewhere, 30, &snapshot);
    assert!(matches!(refused, Err(ChangeError::BlockOutside(block)) if block.contains(&first)));
    let parts = Arc::new(resources.split_pool(pool().name(), 4, &snapshot).unwrap());
    assert_eq!(parts.pools().len(), 4);
    assert!(drive(op::attributes(first, &parts, at(0)), &mut store).is_ok(), "blocks stay");
    assert_eq!(resources.split_pool(pool().name(), 3, &snapshot), Err(ChangeError::Parts(3)));
    assert_eq!(resources.split_pool(pool().name(), 8, &snapshot), Err(ChangeError::Parts(8)), "less than a block");

    let mut deletion = Deletion::new(pool());
    let mut resources = Resources::clone(&resources);
    loop {
        match deletion.next() {
            DeletionStep::Write(pool) => resources = resources.with_pool(*pool),
            DeletionStep::Wait(millis) => assert_eq!(millis, 500),
            DeletionStep::ReleaseAffinities(cidr) => {
                let request = AutoAssign::new("n2", Use::Workload, at(0)).with_counts(1, 0);
                assert_eq!(
                    drive(op::auto_assign(request, &Arc::new(resources.clone())), &mut store).addresses().count(),
                    0
                );
                drive(op::release_pool_affinities(cidr, at(0)), &mut store).unwrap();
            }
            DeletionStep::Delete(name) => resources.remove_pool(&name),
            _ => break,
        }
    }
    assert!(resources.pools().is_empty());
    let block = look(&mut store, 0).blocks.values().find(|block| block.allocation(first).is_ok()).cloned();
    assert_eq!(block.unwrap().affinity(), None, "what is in use stays, and is nobody's block");
    assert_eq!(drive(op::release_ips(&[ReleaseItem::new(first)], &Arc::new(resources), at(0)), &mut store).error, None);
}

#[cfg(feature = "json")]
#[test]
fn calico_1_11_a_report_is_written_and_read_back() {
    use ippool::codec::{decode_report, encode_report};
    let mut store = MemoryStore::default();
    let address = take(&mut store, "n1", "h", 1, &[("pod", "p"), ("namespace", "x"), ("node", "n2")])[0];
    let report = check(&look(&mut store, 0), &nodes(), &resources()).with_cluster("guid");
    let text = encode_report(&report, false);
    for field in
        [r#""clusterGUID":"guid""#, r#""pod":"p""#, r#""handle":"h""#, r#""borrowed":true"#, r#""inUse":false"#]
    {
        assert!(text.contains(field), "{field} in {text}");
    }
    let (read, locked) = decode_report(text.as_bytes()).unwrap();
    assert!(!locked);
    assert_eq!(read.addresses, report.addresses);
    assert_eq!(in_all(&[read, report]).unwrap()[0].address, address);
    assert!(decode_report(br#"{"allocations":{"x":[{"ip":"x"}]}}"#).is_err());
}

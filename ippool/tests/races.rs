//! Operations of many processes at the same time: whatever the order of their requests, what is stored stays right.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ippool::op::{self, AssignIp, Assigned, AutoAssign, Operation, Poll};
use ippool::store::{Answer, Request, Stored};
use ippool::{Attributes, Block, Config, Key, MemoryStore, Owner, Pool, Resources, Store, UnixTime, Use, Value};

/// The `SplitMix64` generator.
struct Random(u64);

impl Random {
    fn below(&mut self, number: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % u64::try_from(number).unwrap()).unwrap()
    }
}

/// What an operation did, as far as the test wants to know.
#[derive(Debug, Clone)]
enum Did {
    Took { handle: String, addresses: Vec<IpAddr> },
    Released { handle: String },
    Other,
}

struct Process {
    operation: Box<dyn Operation<Output = Did>>,
    /// A read of several keys, as far as it has got: they need not be read at one moment.
    reading: Option<(Vec<Key>, Vec<Option<Stored>>)>,
}

struct Then<O, F>(O, F);

impl<O: Operation, F: Fn(O::Output) -> Did> Operation for Then<O, F> {
    type Output = Did;

    fn poll(&mut self) -> Poll<Did> {
        match self.0.poll() {
            Poll::Ask(request) => Poll::Ask(request),
            Poll::Done(output) => Poll::Done((self.1)(output)),
        }
    }

    fn handle(&mut self, answer: Answer) {
        self.0.handle(answer);
    }
}

fn process(random: &mut Random, resources: &Arc<Resources>, now: UnixTime) -> Process {
    let host = format!("n{}", random.below(3));
    let owner = Owner::host(host.as_str());
    let handle = format!("h{}", random.below(4));
    let attributes = Attributes::with_handle(handle.as_str());
    let block: IpNet = format!("10.0.0.{}/30", 4 * random.below(4)).parse().unwrap();
    let operation: Box<dyn Operation<Output = Did>> = match random.below(11) {
        0..=3 => {
            let request = AutoAssign::new(host, Use::Workload, now)
                .with_counts(1 + random.below(5), 0)
                .with_attributes(attributes);
            Box::new(Then(op::auto_assign(request, resources), move |assigned: Assigned| Did::Took {
                handle: handle.clone(),
                addresses: assigned.addresses().map(|address| address.addr()).collect(),
            }))
        }
        4 => {
            let address = block.addr();
            let request = AssignIp::new(address, host, now).with_attributes(attributes);
            Box::new(Then(op::assign_ip(request, resources), move |result: Result<(), _>| Did::Took {
                handle: handle.clone(),
                addresses: result.is_ok().then_some(address).into_iter().collect(),
            }))
        }
        5 | 6 => Box::new(Then(op::release_by_handle(&handle, resources, now), move |_| Did::Released {
            handle: handle.clone(),
        })),
        9 => Box::new(Then(op::sweep(now), |_| Did::Other)),
        7 => Box::new(Then(op::claim_affinity(block, owner, resources, now), |_| Did::Other)),
        8 => {
            let must_be_empty = random.below(2) == 0;
            Box::new(Then(op::release_affinity(block, owner, must_be_empty, resources, now), |_| Did::Other))
        }
        _ => Box::new(Then(op::release_host_affinities(owner, random.below(2) == 0, now), |_| Did::Other)),
    };
    Process { operation, reading: None }
}

/// One request of a process, or one key of a read; its result when it is over.
fn turn(process: &mut Process, store: &mut impl Store) -> Option<Did> {
    if let Some((keys, objects)) = &mut process.reading {
        let Answer::Objects(object) = store.answer(&Request::Read(vec![keys[objects.len()].clone()])) else {
            process.reading = None;
            process.operation.handle(Answer::Failed);
            return None;
        };
        objects.extend(object);
        if objects.len() == keys.len() {
            let (_, objects) = process.reading.take().unwrap();
            process.operation.handle(Answer::Objects(objects));
        }
        return None;
    }
    match process.operation.poll() {
        Poll::Done(did) => return Some(did),
        Poll::Ask(Request::Read(keys)) if keys.len() > 1 => process.reading = Some((keys, Vec::new())),
        Poll::Ask(request) => {
            let answer = store.answer(&request);
            process.operation.handle(answer);
        }
    }
    None
}

#[derive(Default)]
struct Contents {
    owned: BTreeSet<(Owner, IpNet)>,
    confirmed: BTreeSet<(Owner, IpNet)>,
    /// Counts by handle as the blocks have them, and as the handles have them.
    counted: BTreeMap<String, BTreeMap<IpNet, u64>>,
    handles: BTreeMap<String, BTreeMap<IpNet, u64>>,
    allocated: BTreeSet<IpAddr>,
}

fn contents(store: &MemoryStore) -> Contents {
    let mut found = Contents::default();
    for (key, value) in store.iter() {
        match (key, value) {
            (Key::Block(cidr), Value::Block(block)) => {
                Block::from_parts(block.to_parts()).unwrap();
                found.owned.extend(block.affinity().map(|owner| (owner.clone(), cidr)));
                for (ordinal, attributes) in block.allocations().filter(|(_, a)| a.released_at.is_none()) {
                    assert!(found.allocated.insert(block.address(ordinal).unwrap()), "an address in two blocks");
                    let handle = attributes.handle.clone().unwrap();
                    *found.counted.entry(handle).or_default().entry(cidr).or_default() += 1;
                }
            }
            (Key::Affinity(owner, cidr), Value::Affinity(affinity)) if affinity.state.is_confirmed() => {
                found.confirmed.insert((owner.clone(), cidr));
            }
            (Key::Handle(id), Value::Handle(handle)) => {
                found.handles.insert(id.clone(), handle.blocks.clone());
            }
            _ => {}
        }
    }
    found
}

fn resources() -> Arc<Resources> {
    let pool = Pool::new("p", "10.0.0.0/28".parse().unwrap()).with_block_len(30).unwrap();
    let mut resources = Resources::default().with_pool(pool);
    for node in ["n0", "n1", "n2"] {
        resources = resources.with_node(node, [("name", node)]);
    }
    Arc::new(resources)
}

/// A store that fails now and then.
struct Flaky<'s> {
    store: &'s mut MemoryStore,
    random: Random,
    /// One answer in so many is a failure.
    one_in: usize,
}

impl Store for Flaky<'_> {
    fn answer(&mut self, request: &Request) -> Answer {
        if self.random.below(self.one_in) == 0 {
            return Answer::Failed;
        }
        self.store.answer(request)
    }
}

/// Many processes at once, over and over; returns what is stored at the end.
fn play(seed: u64) -> (MemoryStore, BTreeMap<IpAddr, String>) {
    let mut random = Random(seed);
    let resources = resources();
    let mut store = MemoryStore::default();
    let mut config = Config::default();
    config.strict_affinity = random.below(2) == 0;
    config.cooldown_seconds = if random.below(2) == 0 { 0 } else { 30 };
    store.put(Key::Config, Value::Config(config));
    let mut held: BTreeMap<IpAddr, String> = BTreeMap::new();
    for round in 0..6 {
        let now = UnixTime::from_secs(1_767_225_600 + round * 40);
        let number = 2 + random.below(3);
        let mut processes: Vec<Process> = (0..number).map(|_| process(&mut random, &resources, now)).collect();
        let (mut taken, mut released) = (Vec::new(), BTreeSet::new());
        while !processes.is_empty() {
            let index = random.below(processes.len());
            // Runs of requests of one process find other orders than single ones do.
            for _ in 0..=random.below(4) {
                if let Some(did) = turn(&mut processes[index], &mut store) {
                    match did {
                        Did::Took { handle, addresses } => {
                            taken.extend(addresses.into_iter().map(|a| (a, handle.clone())));
                        }
                        Did::Released { handle } => drop(released.insert(handle)),
                        Did::Other => {}
                    }
                    drop(processes.remove(index));
                    break;
                }
            }
        }
        held.retain(|_, handle| !released.contains(handle));
        for (address, handle) in taken {
            // What was taken by a handle that is released in the same round may be gone already.
            if !released.contains(&handle) {
                assert_eq!(held.insert(address, handle), None, "seed {seed}: {address} handed out twice");
            }
        }
    }
    (store, held)
}

#[test]
fn calico_1_8_races_keep_owners_handles_and_addresses_consistent() {
    for seed in 0..1200 {
        let (store, held) = play(seed);
        let found = contents(&store);
        assert_eq!(found.owned, found.confirmed, "seed {seed}: owners of blocks and confirmed affinities");
        assert_eq!(found.counted, found.handles, "seed {seed}: handles and blocks");
        for (address, handle) in held {
            assert!(found.allocated.contains(&address), "seed {seed}: {address} of {handle} is not allocated");
        }
    }
}

#[test]
fn calico_1_4_store_failures_leave_handles_that_count_too_much_at_worst() {
    for seed in 0..800 {
        let mut random = Random(seed ^ 0xf1a4);
        let one_in = 8 + random.below(40);
        let store = play_failing(seed, one_in);
        let found = contents(&store);
        for (handle, blocks) in &found.counted {
            for (cidr, count) in blocks {
                let stored = found.handles.get(handle).and_then(|blocks| blocks.get(cidr)).copied().unwrap_or(0);
                assert!(stored >= *count, "seed {seed}: handle {handle} counts {stored} of {count} in {cidr}");
            }
        }
        let mut owners = BTreeSet::new();
        for (owner, cidr) in &found.confirmed {
            assert!(owners.insert(*cidr), "seed {seed}: {cidr} has a second owner {owner}");
        }
    }
}

/// As [`play`]; addresses of failed operations are not followed.
fn play_failing(seed: u64, one_in: usize) -> MemoryStore {
    let mut random = Random(seed);
    let resources = resources();
    let mut store = MemoryStore::default();
    for round in 0..6 {
        let now = UnixTime::from_secs(1_767_225_600 + round * 40);
        let mut processes: Vec<Process> = (0..3).map(|_| process(&mut random, &resources, now)).collect();
        while !processes.is_empty() {
            let index = random.below(processes.len());
            let failing = Random(u64::try_from(random.below(usize::MAX)).unwrap());
            let mut flaky = Flaky { store: &mut store, random: failing, one_in };
            if turn(&mut processes[index], &mut flaky).is_some() {
                drop(processes.remove(index));
            }
        }
    }
    store
}

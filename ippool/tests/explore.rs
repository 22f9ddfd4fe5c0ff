//! Every interleaving of the requests of two and three hosts, with a crash of any of them at every step: no address is
//! given twice, no block has two owners, and after at most one grace period nothing is lost.
//!
//! A state is what is stored and, for each host, what it has been answered so far; states that were seen are not gone
//! through again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use ippool::audit::{Collector, Finding, Inventory, Snapshot, check};
use ippool::key::Prefix;
use ippool::op::{self, AssignIp, AutoAssign, Operation, Poll};
use ippool::store::{Answer, Request, Revision, Stored, Write};
use ippool::{Attributes, Block, Key, Owner, Pool, Resources, Store as _, UnixTime, Use, Value, drive};

/// What a host does, one after the other.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Takes so many addresses under the host's handle, so many seconds after the start.
    Take(usize, i64),
    /// Takes this address.
    TakeThis([u8; 4]),
    /// Releases what the handle has.
    Release,
    /// Claims the first block of the pool.
    Claim,
    /// Gives all its blocks up, empty ones only or all.
    GiveUp(bool),
}

#[derive(Debug, Clone)]
enum Did {
    Took(Vec<IpAddr>),
    Released,
    Other,
}

trait Process: Operation<Output = Did> {
    fn copy(&self) -> Box<dyn Process>;
}

#[derive(Clone)]
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

impl<O: Operation + Clone + 'static, F: Fn(O::Output) -> Did + Clone + 'static> Process for Then<O, F> {
    fn copy(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }
}

const START: i64 = 1_767_225_600;

/// What all states of an exploration share.
struct World {
    resources: Arc<Resources>,
    tasks: Vec<Vec<Task>>,
}

impl World {
    fn start(&self, host: usize, task: Task) -> Box<dyn Process> {
        let name = format!("n{host}");
        let mut attributes = Attributes::with_handle(format!("h{host}"));
        attributes.active =
            [("pod", "p"), ("namespace", "x"), ("node", &name)].map(|(k, v)| (k.into(), v.to_owned())).into();
        let now = UnixTime::from_secs(START);
        match task {
            Task::Take(number, later) => {
                let request = AutoAssign::new(name, Use::Workload, now.saturating_add_secs(later))
                    .with_counts(number, 0)
                    .with_attributes(attributes);
                Box::new(Then(op::auto_assign(request, &self.resources), |assigned: op::Assigned| {
                    Did::Took(assigned.addresses().map(|address| address.addr()).collect())
                }))
            }
            Task::TakeThis(address) => {
                let request = AssignIp::new(address.into(), name, now).with_attributes(attributes);
                Box::new(Then(op::assign_ip(request, &self.resources), move |result: Result<(), _>| {
                    Did::Took(result.is_ok().then(|| address.into()).into_iter().collect())
                }))
            }
            Task::Release => {
                Box::new(Then(op::release_by_handle(&format!("h{host}"), &self.resources, now), |_| Did::Released))
            }
            Task::Claim => {
                let cidr = "10.0.0.0/31".parse().unwrap();
                Box::new(Then(op::claim_affinity(cidr, Owner::host(name), &self.resources, now), |_| Did::Other))
            }
            Task::GiveUp(empty) => {
                Box::new(Then(op::release_host_affinities(Owner::host(name), empty, now), |_| Did::Other))
            }
        }
    }
}

struct Host {
    next: usize,
    /// The running operation; none when all is done or the host has crashed.
    running: Option<Box<dyn Process>>,
    /// What it was answered since the operation began.
    heard: u64,
    /// The writes that the operation lost against others.
    lost: u32,
    crashed: bool,
    held: BTreeSet<IpAddr>,
    /// A release is under way: what it held may be given out again.
    releasing: bool,
}

impl Clone for Host {
    fn clone(&self) -> Host {
        let running = self.running.as_ref().map(|running| running.copy());
        Host { running, held: self.held.clone(), ..*self }
    }
}

/// A store whose revisions count the writes of each key alone, so that writes of different keys lead to one state in
/// either order.
#[derive(Clone, Default)]
struct Store {
    objects: BTreeMap<Key, Object>,
    versions: BTreeMap<Key, u64>,
}

#[derive(Clone)]
struct Object {
    stored: Stored,
    digest: u64,
}

impl Store {
    fn put(&mut self, key: &Key, value: &Value) -> Revision {
        let version = self.versions.entry(key.clone()).or_default();
        *version += 1;
        let stored = Stored { value: value.clone(), revision: Revision(*version) };
        let digest = digest((key, &stored));
        self.objects.insert(key.clone(), Object { stored, digest });
        Revision(*version)
    }

    fn read(&self, keys: &[Key]) -> Vec<Option<Stored>> {
        keys.iter().map(|key| self.objects.get(key).map(|object| object.stored.clone())).collect()
    }

    fn list(&self, prefix: &Prefix) -> Vec<(Key, Stored)> {
        let prefix = prefix.to_string();
        let inside = self.objects.iter().filter(|(key, _)| key.to_string().starts_with(&prefix));
        inside.map(|(key, object)| (key.clone(), object.stored.clone())).collect()
    }
}

impl ippool::Store for Store {
    fn answer(&mut self, request: &Request) -> Answer {
        let revision = |key: &Key| self.objects.get(key).map(|object| object.stored.revision);
        match request {
            Request::Read(keys) => Answer::Objects(self.read(keys)),
            Request::List(prefix) => Answer::Listed(self.list(prefix)),
            Request::ReadAndList(keys, prefix) => Answer::ObjectsAndListed(self.read(keys), self.list(prefix)),
            Request::Search(_) => Answer::NoIndex,
            Request::Commit(Write::Create(key, value)) if revision(key).is_none() => {
                Answer::Committed(self.put(key, value))
            }
            Request::Commit(Write::Update(key, value, read)) if revision(key) == Some(*read) => {
                Answer::Committed(self.put(key, value))
            }
            Request::Commit(Write::Delete(key, read)) if revision(key) == Some(*read) => {
                self.objects.remove(key);
                Answer::Committed(*read)
            }
            Request::Commit(_) => Answer::Conflict,
        }
    }
}

#[derive(Clone)]
struct State {
    store: Store,
    hosts: Vec<Host>,
}

fn digest(value: impl std::fmt::Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

impl State {
    fn key(&self) -> (u64, u64) {
        let hosts: Vec<_> =
            self.hosts.iter().map(|h| (h.next, h.heard, h.crashed, h.running.is_some(), &h.held)).collect();
        // A version that is left of a deleted object is part of what will be written there.
        let objects = self.store.objects.values().fold(0u64, |sum, object| sum.rotate_left(5) ^ object.digest);
        (digest((hosts, self.store.versions.values().collect::<Vec<_>>())), objects)
    }

    /// Starts the next task of a host that has none running.
    fn begin(&mut self, world: &World, host: usize) {
        let next = self.hosts[host].next;
        if let Some(task) = world.tasks[host].get(next) {
            let started = world.start(host, *task);
            let state = &mut self.hosts[host];
            (state.running, state.heard, state.lost, state.next) = (Some(started), 0, 0, next + 1);
            state.releasing = matches!(task, Task::Release);
        }
    }

    /// One request of a host, and all that follows without one.
    fn step(&mut self, world: &World, host: usize) {
        let state = &mut self.hosts[host];
        let running = state.running.as_mut().unwrap();
        if let Poll::Ask(request) = running.poll() {
            let answer = self.store.answer(&request);
            state.heard = digest((state.heard, &answer));
            state.lost += u32::from(matches!(answer, Answer::Conflict));
            running.handle(answer);
        }
        if let Poll::Done(did) = running.poll() {
            state.running = None;
            match did {
                Did::Took(addresses) => state.held.extend(addresses),
                Did::Released => state.held.clear(),
                Did::Other => {}
            }
            self.begin(world, host);
        }
    }

    fn check(&self) {
        let mut owners = BTreeSet::new();
        let mut allocated = BTreeMap::new();
        for (key, object) in &self.store.objects {
            match (key, &object.stored.value) {
                (Key::Block(cidr), Value::Block(block)) => {
                    Block::from_parts(block.to_parts()).unwrap();
                    assert_eq!(block.cidr(), *cidr);
                    for (ordinal, attributes) in block.allocations() {
                        let before = allocated.insert(block.address(ordinal).unwrap(), attributes.handle.clone());
                        assert_eq!(before, None, "an address in two blocks");
                    }
                }
                (Key::Affinity(_, cidr), Value::Affinity(affinity)) if affinity.state.is_confirmed() => {
                    assert!(owners.insert(cidr), "two owners of {cidr}");
                }
                _ => {}
            }
        }
        for (number, host) in self.hosts.iter().enumerate().filter(|(_, host)| !host.releasing) {
            for address in &host.held {
                let handle = allocated.get(address).and_then(|handle| handle.as_deref());
                assert_eq!(handle, Some(format!("h{number}").as_str()), "{address} of n{number} is another's");
            }
        }
    }

    /// All hosts are done or have crashed, nobody uses anything: one grace period later everything is free.
    fn recover(mut self, world: &World) {
        let inventory = (0..self.hosts.len()).fold(Inventory::default(), |all, host| all.with_node(format!("n{host}")));
        let mut collector = Collector::new(100);
        let look = |store: &mut Store, later: i64| -> Snapshot {
            drive(op::snapshot(UnixTime::from_secs(START + later)), store).unwrap()
        };
        let at = |later| UnixTime::from_secs(START + later);
        assert!(collector.observe(&look(&mut self.store, 1000), &inventory, at(1000)).leaks.is_empty());
        let cleaning = collector.observe(&look(&mut self.store, 1100), &inventory, at(1100));
        drive(op::clean(cleaning.clone(), &world.resources, at(1100)), &mut self.store);
        let after = look(&mut self.store, 1101);
        let report = check(&after, &inventory, &world.resources);
        let none: Vec<&Finding> = report.findings.iter().collect();
        assert!(none.is_empty(), "{none:?} after {cleaning:?}");
        assert!(report.addresses.is_empty() && after.handles.is_empty(), "{report:?}");
    }
}

/// Goes through every interleaving in which no operation loses more than `losses` writes, and returns the number of
/// states. Without a bound two operations can make each other try again up to a hundred times.
fn explore(name: &str, losses: u32, hosts: &[&[Task]]) -> usize {
    let pool = Pool::new("p", "10.0.0.0/30".parse().unwrap()).with_block_len(31).unwrap();
    let mut resources = Resources::default().with_pool(pool);
    for host in 0..hosts.len() {
        resources = resources.with_node(format!("n{host}"), [("", ""); 0]);
    }
    let world = World { resources: Arc::new(resources), tasks: hosts.iter().map(|tasks| tasks.to_vec()).collect() };
    let idle =
        Host { next: 0, running: None, heard: 0, lost: 0, crashed: false, held: BTreeSet::new(), releasing: false };
    let mut first = State { store: Store::default(), hosts: vec![idle; hosts.len()] };
    for host in 0..hosts.len() {
        first.begin(&world, host);
    }
    let mut seen = HashSet::from([first.key()]);
    let mut recovered = HashSet::new();
    let mut todo = VecDeque::from([first]);
    while let Some(state) = todo.pop_front() {
        state.check();
        let alive: Vec<usize> = (0..hosts.len()).filter(|host| state.hosts[*host].running.is_some()).collect();
        for host in &alive {
            let mut next = state.clone();
            next.step(&world, *host);
            if next.hosts[*host].lost <= losses && seen.insert(next.key()) {
                todo.push_back(next);
            }
            let mut crashed = state.clone();
            (crashed.hosts[*host].running, crashed.hosts[*host].crashed) = (None, true);
            // What it did is known to nobody any more.
            (crashed.hosts[*host].heard, crashed.hosts[*host].next) = (0, 0);
            crashed.hosts[*host].held.clear();
            if seen.insert(crashed.key()) {
                todo.push_back(crashed);
            }
        }
        if alive.is_empty() && recovered.insert(state.key()) {
            state.recover(&world);
        }
    }
    println!(
        "{name}: {} states, {} ends, all with up to {losses} lost writes an operation",
        seen.len(),
        recovered.len()
    );
    seen.len()
}

#[test]
fn calico_1_8_two_hosts_take_and_release() {
    let tasks: &[Task] = &[Task::Take(1, 0), Task::Release];
    assert!(explore("two hosts take and release", 100, &[tasks, tasks]) > 500);
}

#[test]
fn calico_1_6_two_hosts_take_all_and_borrow() {
    assert!(explore("two hosts take all", 100, &[&[Task::Take(3, 0)], &[Task::Take(2, 0)]]) > 500);
}

#[test]
fn calico_1_7_an_idle_block_is_taken_over_while_its_owner_comes_back() {
    assert!(explore("take over", 1, &[&[Task::Claim], &[Task::Take(3, 100)]]) > 500);
}

#[test]
fn calico_1_7_two_hosts_take_an_idle_block_over_from_its_owner() {
    let taker: &[Task] = &[Task::Take(1, 100)];
    assert!(explore("take over by two", 0, &[&[Task::Claim], taker, taker]) > 500);
}

#[test]
fn calico_1_9_two_hosts_want_one_address_and_give_blocks_up() {
    let first: &[Task] = &[Task::TakeThis([10, 0, 0, 1]), Task::GiveUp(false)];
    let second: &[Task] = &[Task::TakeThis([10, 0, 0, 1]), Task::Release, Task::GiveUp(true)];
    assert!(explore("one address", 100, &[first, second]) > 500);
}

#[test]
fn calico_1_8_three_hosts_claim_one_block_and_give_it_up() {
    let tasks: &[Task] = &[Task::Claim, Task::GiveUp(true)];
    assert!(explore("three hosts claim", 100, &[tasks, tasks, &[Task::Claim]]) > 500);
}

#[test]
fn calico_1_6_three_hosts_take_an_address() {
    assert!(
        explore("three hosts take", 100, &[&[Task::Take(1, 0)], &[Task::TakeThis([10, 0, 0, 0])], &[Task::Claim]])
            > 500
    );
}

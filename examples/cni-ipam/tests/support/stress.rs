//! Many processes that assign and release at the same time and are killed at any moment: who has which address at each
//! moment is in one journal, and in the end nothing is given twice and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cni_ipam::driver::{Driver, now};
use ippool::audit::{self, Collector, Inventory, Snapshot};
use ippool::{Resources, drive, op};

/// How much of it.
pub(crate) struct Plan {
    pub(crate) processes: u32,
    /// Addresses that each assigns and releases.
    pub(crate) count: u32,
    /// The pause between two kills, at most.
    pub(crate) pause: Duration,
    pub(crate) seed: u64,
}

/// What happened.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) assigned: usize,
    pub(crate) kills: u32,
    /// Held by processes when they were killed.
    pub(crate) abandoned: BTreeSet<IpAddr>,
    /// Allocated and in nobody's hands at the end.
    pub(crate) leaked: usize,
    pub(crate) seconds: f64,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome { assigned, kills, abandoned, leaked, seconds } = self;
        let held = abandoned.len();
        write!(
            f,
            "{assigned} addresses assigned in {seconds:.0} s, none twice; {kills} processes killed, which held {held}; "
        )?;
        write!(f, "{leaked} leaked, 0 after garbage collection; check clean")
    }
}

impl Plan {
    /// The size from the environment, for long runs; the seed from the clock unless it is given.
    pub(crate) fn from_env(processes: u32, count: u32, pause: Duration) -> Plan {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let clock = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() % 1_000_000_007);
        let count = number("STRESS_COUNT").map_or(count, |count| count.try_into().unwrap());
        // What killed processes held is in the way until the end: a long run has no more of it than is realistic.
        let pause = if count < 1000 { pause } else { pause.max(Duration::from_secs(3)) };
        let plan = Plan { processes, count, pause, seed: number("STRESS_SEED").unwrap_or_else(|| clock().unwrap()) };
        println!("STRESS_SEED={} STRESS_COUNT={}", plan.seed, plan.count);
        plan
    }

    /// Runs the program of `command` (`load` without its own arguments) until each process has done its count;
    /// `disturb` is called after each pause.
    pub(crate) fn run(
        &self,
        journal: &Path,
        command: impl Fn() -> Command,
        mut disturb: impl FnMut(&mut Random),
    ) -> Outcome {
        let mut random = Random(self.seed.max(1));
        let (began, mut outcome) = (Instant::now(), Outcome::default());
        let mut workers: Vec<Worker> = (0..self.processes).map(|number| Worker::new(number, self.count)).collect();
        let mut reader = Journal::new(journal);
        workers.iter_mut().for_each(|worker| worker.start(journal, &command));
        while workers.iter().any(|worker| worker.child.is_some()) {
            std::thread::sleep(self.pause.mul_f64(random.unit()));
            disturb(&mut random);
            let alive: Vec<usize> = (0..workers.len()).filter(|place| workers[*place].child.is_some()).collect();
            let Some(worker) = alive.get(random.below(alive.len())).map(|place| &mut workers[*place]) else { break };
            let mut child = worker.child.take().unwrap();
            // Whoever is at its end is not killed any more.
            match child.try_wait().unwrap() {
                Some(status) => assert!(status.success(), "{} failed: {}", worker.name(), worker.complaint()),
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    outcome.kills += 1;
                    reader.read();
                    let done = reader.done.get(&worker.name()).copied().unwrap_or(0);
                    worker.left = worker.left.saturating_sub(done);
                    worker.life += 1;
                    if worker.left > 0 {
                        worker.start(journal, &command);
                    }
                }
            }
        }
        reader.read();
        assert_eq!(reader.twice, Vec::<String>::new(), "addresses given twice, seed {}", self.seed);
        outcome.assigned = reader.assigned;
        outcome.abandoned = reader.held.into_keys().collect();
        outcome.seconds = began.elapsed().as_secs_f64();
        outcome
    }

    /// What nobody uses is found, and gone after one grace period; then there is nothing to find fault with.
    pub(crate) fn settle(&self, driver: &mut dyn Driver, resources: Resources, outcome: &mut Outcome) {
        let resources = std::sync::Arc::new(resources);
        let nodes = (0..self.processes).map(node);
        let inventory = nodes.fold(Inventory::default(), Inventory::with_node);
        let look = |driver: &mut dyn Driver| -> Snapshot {
            driver.set_deadline(Instant::now().checked_add(Duration::from_secs(120)));
            drive(op::snapshot(now()), &mut &mut *driver).unwrap()
        };
        let before = look(driver);
        let report = audit::check(&before, &inventory, &resources);
        let leaked: BTreeSet<IpAddr> = report.leaks().map(|leak| leak.address).collect();
        outcome.leaked = leaked.len();
        // Nothing that a process was told it has is free.
        assert!(outcome.abandoned.is_subset(&leaked), "an address was lost, seed {}", self.seed);
        let mut collector = Collector::new(0);
        for _ in 0..2 {
            let seen = look(driver);
            let cleaning = collector.observe(&seen, &inventory, now());
            let cleaned = drive(op::clean(cleaning, &resources, now()), &mut &mut *driver);
            assert_eq!((cleaned.error, cleaned.released.error), (None, None));
        }
        // Claims on blocks that the first cleaning emptied, and the like.
        let seen = look(driver);
        let cleaning = collector.observe(&seen, &inventory, now());
        drive(op::clean(cleaning, &resources, now()), &mut &mut *driver);
        let report = audit::check(&look(driver), &inventory, &resources);
        let mut text = String::new();
        report.findings.iter().for_each(|finding| writeln!(text, "{finding:?}").unwrap());
        assert!(report.is_clean(), "seed {}:\n{text}", self.seed);
        assert_eq!(report.leaks().count(), 0);
        assert_eq!(look(driver).handles.len(), 0);
    }
}

/// Two processes share a node, so that they want the same blocks.
fn node(process: u32) -> String {
    format!("n{}", process / 2)
}

struct Worker {
    number: u32,
    life: u32,
    left: u32,
    child: Option<Child>,
    complaints: PathBuf,
}

impl Worker {
    fn new(number: u32, count: u32) -> Worker {
        Worker { number, life: 0, left: count, child: None, complaints: PathBuf::new() }
    }

    fn name(&self) -> String {
        format!("w{}-{}", self.number, self.life)
    }

    fn start(&mut self, journal: &Path, command: &impl Fn() -> Command) {
        let mut command = command();
        command.arg("load").args(["--node", &node(self.number), "--name", &self.name()]);
        command.arg("--count").arg(self.left.to_string()).arg("--journal").arg(journal);
        self.complaints = journal.with_extension(format!("{}.txt", self.number));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&self.complaints).unwrap());
        self.child = Some(command.spawn().unwrap());
    }

    fn complaint(&self) -> String {
        std::fs::read_to_string(&self.complaints).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The journal as far as it was read.
struct Journal {
    path: PathBuf,
    at: usize,
    held: BTreeMap<IpAddr, String>,
    done: BTreeMap<String, u32>,
    assigned: usize,
    twice: Vec<String>,
}

impl Journal {
    fn new(path: &Path) -> Journal {
        std::fs::write(path, "").unwrap();
        Journal {
            path: path.into(),
            at: 0,
            held: BTreeMap::new(),
            done: BTreeMap::new(),
            assigned: 0,
            twice: Vec::new(),
        }
    }

    fn read(&mut self) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let new = &text[self.at..];
        let whole = &new[..new.rfind('\n').map_or(0, |end| end + 1)];
        for line in whole.lines() {
            let mut words = line.split(' ');
            let (step, name) = (words.next().unwrap(), words.next().unwrap());
            match step {
                "+" => {
                    self.assigned += 1;
                    if let Some(other) = self.held.insert(words.next().unwrap().parse().unwrap(), name.into()) {
                        self.twice.push(format!("{line}, which {other} has"));
                    }
                }
                "-" => drop(self.held.remove(&words.next().unwrap().parse().unwrap()).unwrap()),
                _ => *self.done.entry(name.into()).or_default() += 1,
            }
        }
        self.at += whole.len();
    }
}

/// xorshift64*: the same numbers for the same seed.
pub(crate) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap().checked_rem(bound).unwrap_or(0)
    }

    /// 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

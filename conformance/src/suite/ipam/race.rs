//! Races: branches whose store operations interleave in every way, up to a bound, and in seeded random ways.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use ippool::Store;
use ippool::op::Poll;
use serde_json::Value;

use super::ops::{self, Running};
use super::outcome::Outcome;
use super::world::World;
use super::{read, state};
use crate::{Fields, Mismatch};

/// Schedules with at most this many switches away from a branch that could go on are all tried.
const SWITCHES: usize = 3;
/// At most this many such schedules.
const SCHEDULES: usize = 4000;
/// Random schedules, by seed.
const RANDOM: u64 = 400;
/// A branch that has asked for so much in a row lets the others go on: no real process is stopped for ever.
const TURN: usize = 60;

pub(crate) fn run(fields: &Fields<'_>, world: &mut World, mismatches: &mut Vec<Mismatch>) -> Result<Outcome, Mismatch> {
    let mut branches: Vec<&[Value]> = Vec::new();
    for branch in read::needed_list(fields, "branches")? {
        let steps = branch.as_array().map(Vec::as_slice);
        branches.push(steps.ok_or_else(|| Mismatch::malformed(fields.path("branches"), "lists of steps", branch))?);
    }
    let expect = fields.take("expect");
    let mut last = None;
    let mut plans: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
    let mut tried = 0;
    while let Some(plan) = plans.pop() {
        let race = Race::run(world, &branches, &fields.path("branches"), &mut Planned { plan: &plan })?;
        let found = race.check(expect, &fields.path("expect"), &format!("switches {plan:?}"))?;
        if !found.is_empty() {
            mismatches.extend(found);
            return Ok(Outcome::ok());
        }
        tried += 1;
        if plan.len() < SWITCHES && tried + plans.len() < SCHEDULES {
            let from = plan.last().map_or(0, |(at, _)| at + 1);
            for (at, choices) in race.choices.iter().enumerate().skip(from) {
                for branch in choices {
                    plans.push(plan.iter().copied().chain([(at, *branch)]).collect());
                }
            }
        }
        last.get_or_insert(race.world);
    }
    for seed in 0..RANDOM {
        let race = Race::run(world, &branches, &fields.path("branches"), &mut Random(seed))?;
        let found = race.check(expect, &fields.path("expect"), &format!("seed {seed}"))?;
        if !found.is_empty() {
            mismatches.extend(found);
            return Ok(Outcome::ok());
        }
    }
    if let Some(after) = last {
        *world = after;
    }
    Ok(Outcome::ok())
}

/// Who asks the store next.
trait Scheduler {
    fn next(&mut self, at: usize, current: usize, ready: &[usize]) -> usize;
}

/// Goes on with one branch until it is done, but for the planned switches: (how many requests before, which branch).
struct Planned<'p> {
    plan: &'p [(usize, usize)],
}

impl Scheduler for Planned<'_> {
    fn next(&mut self, at: usize, current: usize, ready: &[usize]) -> usize {
        let planned = self.plan.iter().find(|(when, _)| *when == at).map(|(_, branch)| *branch);
        let wanted = planned.filter(|branch| ready.contains(branch));
        wanted.or_else(|| ready.contains(&current).then_some(current)).or(ready.first().copied()).unwrap_or(current)
    }
}

struct Random(u64);

impl Scheduler for Random {
    fn next(&mut self, at: usize, _: usize, ready: &[usize]) -> usize {
        // SplitMix64 of seed and place.
        let place = u64::try_from(at).unwrap_or(0);
        let mut x = self.0.wrapping_mul(0x0005_deec_e66d).wrapping_add(place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = u64::try_from(ready.len()).unwrap_or(1).max(1);
        let choice = usize::try_from((x ^ (x >> 31)) % number).unwrap_or(0);
        ready.get(choice).copied().unwrap_or(0)
    }
}

/// One branch on its way.
struct Branch<'v> {
    steps: &'v [Value],
    path: String,
    next: usize,
    running: Option<(Running, &'v Value, String)>,
}

/// One way in which the branches ran.
struct Race {
    world: World,
    mismatches: Vec<Mismatch>,
    /// Operation name and outcome of every step.
    outcomes: Vec<(String, Outcome)>,
    /// Addresses handed out, with their handles.
    taken: Vec<(Option<String>, IpAddr)>,
    /// Handles that were released, and addresses that were released one by one.
    released: (BTreeSet<String>, BTreeSet<String>),
    /// Before each request, the branches that could have gone on instead.
    choices: Vec<Vec<usize>>,
}

impl Race {
    fn run(before: &World, branches: &[&[Value]], path: &str, scheduler: &mut dyn Scheduler) -> Result<Race, Mismatch> {
        let mut race = Race {
            world: before.clone(),
            mismatches: Vec::new(),
            outcomes: Vec::new(),
            taken: Vec::new(),
            released: Default::default(),
            choices: Vec::new(),
        };
        let mut branches: Vec<Branch<'_>> = branches
            .iter()
            .enumerate()
            .map(|(index, steps)| Branch { steps, path: format!("{path}[{index}]"), next: 0, running: None })
            .collect();
        let (mut current, mut turn) = (0, 0);
        loop {
            let mut ready = Vec::new();
            for (index, branch) in branches.iter_mut().enumerate() {
                if race.advance(branch)? {
                    ready.push(index);
                }
            }
            if ready.is_empty() {
                return Ok(race);
            }
            let mut chosen = scheduler.next(race.choices.len(), current, &ready);
            if turn >= TURN {
                chosen = ready.iter().copied().find(|branch| *branch > current).or(ready.first().copied()).unwrap_or(0);
            }
            turn = if chosen == current { turn + 1 } else { 0 };
            if turn > TURN {
                turn = 0;
            }
            race.choices.push(ready.into_iter().filter(|branch| *branch != chosen).collect());
            current = chosen;
            if let Some((operation, ..)) = branches.get_mut(chosen).and_then(|branch| branch.running.as_mut())
                && let Poll::Ask(request) = operation.poll()
            {
                let answer = race.world.store.answer(&request);
                operation.handle(answer);
            }
        }
    }

    /// Brings a branch to its next request to the store; false when it is done.
    fn advance(&mut self, branch: &mut Branch<'_>) -> Result<bool, Mismatch> {
        loop {
            if let Some((operation, step, path)) = &mut branch.running {
                let Poll::Done(outcome) = operation.poll() else { return Ok(true) };
                let fields = Fields::new(path.clone(), step)?;
                self.finish(&fields, outcome)?;
                branch.running = None;
            }
            let Some(step) = branch.steps.get(branch.next) else { return Ok(false) };
            let path = format!("{}[{}]", branch.path, branch.next);
            branch.next += 1;
            let fields = Fields::new(path.clone(), step)?;
            let op = read::needed_text(&fields, "op")?;
            fields.ignore(&["calico", "expect"]);
            if let Some(operation) = ops::start(op, &fields, &self.world)? {
                branch.running = Some((operation, step, path));
            } else if let Some(outcome) = self.world.change(op, &fields)? {
                self.finish(&fields, outcome)?;
            } else {
                return Err(Mismatch::unknown(format!("{} ({op})", fields.path("op"))));
            }
            read::all_read(&fields)?;
        }
    }

    fn finish(&mut self, fields: &Fields<'_>, outcome: Outcome) -> Result<(), Mismatch> {
        if let Some(expect) = fields.take("expect") {
            outcome.check(&Fields::new(fields.path("expect"), expect)?, &self.world, &mut self.mismatches)?;
        }
        self.world.hand_out(&outcome);
        let op = read::needed_text(fields, "op")?;
        let handle = read::text(fields, "handle")?.map(str::to_owned);
        self.taken.extend(outcome.addresses.iter().map(|address| (handle.clone(), address.addr())));
        if op == "release_by_handle" {
            self.released.0.extend(handle);
        }
        for item in fields.list("items")?.unwrap_or_default() {
            self.released.1.extend(item.get("address").and_then(Value::as_str).map(str::to_owned));
        }
        self.outcomes.push((op.to_owned(), outcome));
        Ok(())
    }

    fn check(&self, expect: Option<&Value>, path: &str, schedule: &str) -> Result<Vec<Mismatch>, Mismatch> {
        let mut found = self.mismatches.clone();
        if let Some(expect) = expect {
            self.check_expectation(&Fields::new(path, expect)?, &mut found)?;
        }
        for mismatch in &mut found {
            mismatch.got = format!("{} ({schedule})", mismatch.got);
        }
        Ok(found)
    }

    fn handed_out(&self) -> Vec<IpAddr> {
        self.outcomes.iter().flat_map(|(_, outcome)| outcome.addresses.iter().map(IpNet::addr)).collect()
    }

    fn check_expectation(&self, expect: &Fields<'_>, found: &mut Vec<Mismatch>) -> Result<(), Mismatch> {
        let addresses = self.handed_out();
        let distinct: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        let store = &self.world.store;
        for name in read::texts(expect.list("invariants")?.unwrap_or_default(), &expect.path("invariants"))? {
            if !self.holds(name).ok_or_else(|| Mismatch::unknown(format!("{} ({name})", expect.path("invariants"))))? {
                found.push(Mismatch::new(
                    expect.path("invariants"),
                    name,
                    state::report(store).values.get("blocks").unwrap_or(&Value::Null),
                ));
            }
        }
        if let Some(expected) = expect.number("successes")? {
            let successes = self.outcomes.iter().filter(|(op, o)| op == "assign_ip" && o.error.is_none()).count();
            if u64::try_from(successes) != Ok(expected) {
                found.push(Mismatch::new(expect.path("successes"), expected, successes));
            }
        }
        if let Some(allowed) = expect.list("total_addresses_in")?
            && !allowed.iter().any(|total| total.as_u64() == u64::try_from(addresses.len()).ok())
        {
            found.push(Mismatch::new(expect.path("total_addresses_in"), Value::from(allowed), addresses.len()));
        }
        if let Some(expected) = expect.number("distinct_addresses")?
            && u64::try_from(distinct.len()) != Ok(expected)
        {
            found.push(Mismatch::new(expect.path("distinct_addresses"), expected, distinct.len()));
        }
        if let Some(bounds) = expect.take("max_affinities") {
            let object = bounds.as_object();
            let bad = || Mismatch::malformed(expect.path("max_affinities"), "an object", bounds);
            for (owner, bound) in object.ok_or_else(bad)? {
                let count = state::affinity_count(store, owner);
                if bound.as_u64().is_none_or(|bound| u64::try_from(count).is_ok_and(|count| count > bound)) {
                    found.push(Mismatch::new(expect.path("max_affinities"), bounds, count));
                }
            }
        }
        if let Some(allocated) = expect.list("final_allocated")? {
            let mut expected: Vec<String> =
                read::texts(allocated, &expect.path("final_allocated"))?.into_iter().map(str::to_owned).collect();
            expected.sort();
            let got = state::allocated(store);
            if got != expected {
                found.push(Mismatch::new(expect.path("final_allocated"), expected.join(" "), got.join(" ")));
            }
        }
        if let Some(last) = expect.take("final") {
            state::report(store).check(&Fields::new(expect.path("final"), last)?, &self.world, found)?;
        }
        found.extend(expect.unread());
        Ok(())
    }

    /// Whether an invariant holds; none if it is not known.
    fn holds(&self, invariant: &str) -> Option<bool> {
        let store = &self.world.store;
        let addresses = self.handed_out();
        Some(match invariant {
            "unique_addresses" => addresses.iter().collect::<BTreeSet<_>>().len() == addresses.len(),
            "returned_are_allocated" => {
                let (handles, ips) = &self.released;
                let kept = |(handle, ip): &&(Option<String>, IpAddr)| {
                    !handle.as_ref().is_some_and(|handle| handles.contains(handle)) && !ips.contains(&ip.to_string())
                };
                self.taken.iter().filter(kept).all(|(_, ip)| state::is_allocated(store, *ip))
            }
            "blocks_valid" => state::blocks_valid(store),
            "at_most_one_owner" => state::at_most_one_owner(store),
            "handles_exact" => state::handles_exact(store),
            "affinities_match_blocks" => state::affinities_match_blocks(store),
            "claims_partition" => {
                let mut claims: BTreeMap<IpNet, usize> = BTreeMap::new();
                for cidr in self.outcomes.iter().flat_map(|(_, outcome)| &outcome.claimed) {
                    *claims.entry(*cidr).or_default() += 1;
                }
                let owned: BTreeSet<IpNet> = state::owned_blocks(store).into_iter().collect();
                claims.values().all(|count| *count == 1) && owned.iter().all(|cidr| claims.contains_key(cidr))
            }
            _ => return None,
        })
    }
}

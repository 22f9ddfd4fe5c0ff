//! Plays one scenario against one daemon.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use serde::Serialize;

use crate::client::Client;
use crate::daemon::{Daemon, Kind, Net, PORT};
use crate::scenario::Scenario;
use crate::stream::{self, Routes};

/// What a phase took, in the mean of its repetitions.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Cost {
    /// Until every client held exactly what it should, in seconds.
    pub(crate) wall: f64,
    /// Processor time of the daemon until it was quiet again, in seconds.
    pub(crate) cpu: f64,
    /// UPDATEs that all clients got.
    pub(crate) updates: u64,
}

/// What a run took.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Outcome {
    pub(crate) announce: Cost,
    pub(crate) churn: Cost,
    pub(crate) late: Cost,
    pub(crate) withdraw: Cost,
    /// The most memory, in MiB.
    pub(crate) peak: f64,
    /// Routes that came back to the client that sent them.
    pub(crate) echoed: u64,
}

/// How long a phase may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(180);
/// Rounds of churn: each announces a tenth of all groups anew.
const ROUNDS: u8 = 10;
/// Announcing and withdrawing are repeated until announcing adds up to this, in seconds.
const ENOUGH: f64 = 1.0;
/// .. or so often.
const REPETITIONS: u32 = 40;

/// A scenario under way.
struct Play<'a> {
    scenario: &'a Scenario,
    routes: &'a Routes,
    daemon: Daemon,
    net: Net,
    poll: Poll,
    clients: Vec<Client>,
    buffer: Vec<u8>,
}

/// One run; the daemon is started for it and killed after it.
pub(crate) fn run(kind: &Kind, scenario: &Scenario, routes: &Routes) -> io::Result<Outcome> {
    let net = Net::new(scenario.clients + 1)?;
    let daemon = kind.start(&net)?;
    let mut play =
        Play { scenario, routes, daemon, net, poll: Poll::new()?, clients: Vec::new(), buffer: vec![0; 1 << 18] };
    for number in 0..scenario.clients {
        play.dial(number)?;
    }
    play.until("sessions", |clients| clients.iter().all(|client| client.established))?;
    play.daemon.settle();

    let mut outcome = Outcome { announce: play.announce()?, churn: play.churn()?, ..Outcome::default() };
    outcome.late = play.late()?;
    outcome.withdraw = play.withdraw()?;
    let mut times = 1;
    while outcome.announce.cpu < ENOUGH && times < REPETITIONS {
        add(&mut outcome.announce, play.announce()?);
        add(&mut outcome.withdraw, play.withdraw()?);
        times += 1;
    }
    for cost in [&mut outcome.announce, &mut outcome.withdraw] {
        cost.wall /= f64::from(times);
        cost.cpu /= f64::from(times);
        cost.updates /= u64::from(times);
    }
    outcome.peak = float(play.daemon.peak()) / 1024.0;
    outcome.echoed = play.clients.iter().map(|client| client.echoed).sum();
    Ok(outcome)
}

fn add(sum: &mut Cost, cost: Cost) {
    sum.wall += cost.wall;
    sum.cpu += cost.cpu;
    sum.updates += cost.updates;
}

impl Play<'_> {
    /// Connects a client, as soon as the daemon listens.
    fn dial(&mut self, number: usize) -> io::Result<()> {
        let to = (self.net.reflector(), PORT).into();
        let start = Instant::now();
        let own = self.scenario.own(number);
        let mut client = loop {
            match Client::dial(
                self.net.client(number),
                to,
                own.clone(),
                stream::next_hop(number),
                self.scenario.prefixes(),
            ) {
                Ok(client) => break client,
                Err(error) if start.elapsed() > Duration::from_secs(20) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.stream, Token(self.clients.len()), interest)?;
        self.clients.push(client);
        Ok(())
    }

    /// Every sender sends all it has.
    fn announce(&mut self) -> io::Result<Cost> {
        let scenario = self.scenario;
        self.phase(
            "announce",
            |play, number| play.routes.announce(scenario.own(number), number, 1, |_| true),
            |number, client| scenario.expected(number).is_none_or(|expected| client.versions[1] == expected),
        )
    }

    /// A tenth of all groups with new attributes, ten times.
    fn churn(&mut self) -> io::Result<Cost> {
        let (scenario, routes) = (self.scenario, self.routes);
        let mut sum = Cost::default();
        for round in 0..ROUNDS {
            let chosen = move |group: usize| group % usize::from(ROUNDS) == usize::from(round);
            let version = 2 + round;
            let all = routes.count(0..scenario.prefixes(), chosen);
            let expected: Vec<usize> = (0..=scenario.clients)
                .map(|number| all - if scenario.same { 0 } else { routes.count(scenario.own(number), chosen) })
                .collect();
            let cost = self.phase(
                "churn",
                |play, number| play.routes.announce(scenario.own(number), number, version, chosen),
                |number, client| {
                    scenario.expected(number).is_none() || client.versions[usize::from(version)] == expected[number]
                },
            )?;
            add(&mut sum, cost);
        }
        Ok(sum)
    }

    /// One more client, which has nothing, gets everything.
    fn late(&mut self) -> io::Result<Cost> {
        let (number, prefixes) = (self.clients.len(), self.scenario.prefixes());
        let before = self.daemon.cpu();
        let start = Instant::now();
        self.dial(number)?;
        self.until("late joiner", |clients| clients[number].versions[0] == 0)?;
        let wall = start.elapsed().as_secs_f64();
        self.daemon.settle();
        assert_eq!(prefixes - self.clients[number].versions[0], prefixes);
        Ok(Cost { wall, cpu: seconds(self.daemon.cpu() - before), updates: self.clients[number].updates })
    }

    /// Every sender takes all of it back.
    fn withdraw(&mut self) -> io::Result<Cost> {
        let (scenario, prefixes) = (self.scenario, self.scenario.prefixes());
        self.phase(
            "withdraw",
            |play, number| play.routes.withdraw(scenario.own(number)),
            |_, client| client.versions[0] == prefixes,
        )
    }

    /// All senders send at once; it is over when every client is `done`.
    fn phase(
        &mut self,
        name: &str,
        octets: impl Fn(&Play<'_>, usize) -> Vec<u8>,
        done: impl Fn(usize, &Client) -> bool,
    ) -> io::Result<Cost> {
        let streams: Vec<Rc<[u8]>> = (0..self.clients.len())
            .map(|number| {
                let octets = octets(self, number);
                // Who has nothing to send says that it is there.
                if octets.is_empty() { stream::message(4, &[]).into() } else { octets.into() }
            })
            .collect();
        let updates = self.updates();
        let before = self.daemon.cpu();
        let start = Instant::now();
        for (client, octets) in self.clients.iter_mut().zip(streams) {
            client.send(octets)?;
        }
        self.until(name, |clients| {
            clients.iter().enumerate().all(|(number, client)| client.is_sent() && done(number, client))
        })?;
        let wall = start.elapsed().as_secs_f64();
        self.daemon.settle();
        Ok(Cost { wall, cpu: seconds(self.daemon.cpu() - before), updates: self.updates() - updates })
    }

    fn updates(&self) -> u64 {
        self.clients.iter().map(|client| client.updates).sum()
    }

    fn until(&mut self, what: &str, done: impl Fn(&[Client]) -> bool) -> io::Result<()> {
        let start = Instant::now();
        let mut events = Events::with_capacity(1024);
        while !done(&self.clients) {
            if start.elapsed() > PATIENCE {
                let found: Vec<usize> = self.clients.iter().map(|client| client.versions[0]).take(8).collect();
                return Err(io::Error::other(format!(
                    "{what}: not within {PATIENCE:?}; without a route: {found:?} .."
                )));
            }
            self.poll.poll(&mut events, Some(Duration::from_secs(1)))?;
            for event in &events {
                let client = &mut self.clients[event.token().0];
                if event.is_writable() {
                    client.write()?;
                }
                if event.is_readable() {
                    let read = client.read(&mut self.buffer, self.routes);
                    read.map_err(|error| io::Error::other(format!("{what}: client {}: {error}", event.token().0)))?;
                }
            }
        }
        Ok(())
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e9
}

fn float(value: u64) -> f64 {
    // Exact below 2^53: a hundred days in nanoseconds.
    value as f64
}

//! TCP between two ends: dials that cross, octets on their way, closes, losses, and the clock.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use bgp_fsm::{Config, Event, Instant};

use crate::end::{Ask, End};

pub(crate) const CONNECT_RETRY: Duration = Duration::from_secs(120);

/// One thing that happens next. Numbers are those of connections or ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// An operator starts this end.
    Start(usize),
    /// The dial succeeds: the dialling end learns of it.
    DialUp(usize),
    /// The dialled end is given the connection.
    Accept(usize),
    /// The first message on its way to this end is there.
    Deliver { conn: usize, to: usize },
    /// This end learns that the connection is gone.
    Gone { conn: usize, at: usize },
    /// The first timer of this end expires.
    Timeout(usize),
    /// The dial is lost.
    DialFails(usize),
    /// The connection is lost, with all that was on its way.
    Break(usize),
}

impl Step {
    pub(crate) fn is_loss(self) -> bool {
        matches!(self, Self::DialFails(_) | Self::Break(_))
    }
}

/// What one end knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Coming,
    Open,
    Closed,
}

#[derive(Clone, Debug)]
struct Conn {
    dialler: usize,
    sides: [Side; 2],
    /// Messages on their way to each end.
    queues: [VecDeque<Vec<u8>>; 2],
    broken: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Network {
    ends: [End; 2],
    conns: BTreeMap<usize, Conn>,
    next: usize,
    now: Instant,
    /// Since both ends run and nothing is lost any more.
    calm: Duration,
    losses: u32,
    steps: Vec<Step>,
}

/// Where the clock is set back to, so that states that differ in the time alone are the same.
const BASE: Instant = Instant::from_secs(1_000_000);

impl Network {
    pub(crate) fn new(configs: [Config; 2], losses: u32) -> Self {
        let (ends, conns) = (configs.map(End::new), BTreeMap::new());
        Self { ends, conns, next: 0, now: BASE, calm: Duration::ZERO, losses, steps: Vec::new() }
    }

    /// Everything that can happen next. The network is faster than the timers: time passes when nothing is on its way; but
    /// what is due at the same time may come in any order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = (0..2).filter(|end| !self.ends[*end].started).map(Step::Start).collect();
        for (id, conn) in &self.conns {
            let (dialler, other) = (conn.dialler, 1 - conn.dialler);
            if conn.sides[dialler] == Side::Coming && !conn.broken {
                steps.push(Step::DialUp(*id));
            }
            if conn.sides[other] == Side::Coming && conn.sides[dialler] != Side::Coming && !conn.broken {
                steps.push(Step::Accept(*id));
            }
            for at in 0..2 {
                let queued = !conn.queues[at].is_empty();
                let over = conn.broken || (conn.sides[1 - at] == Side::Closed && !queued);
                if over
                    && (conn.sides[at] == Side::Open
                        || (conn.broken && at == dialler && conn.sides[at] == Side::Coming))
                {
                    steps.push(Step::Gone { conn: *id, at });
                } else if queued && conn.sides[at] == Side::Open {
                    steps.push(Step::Deliver { conn: *id, to: at });
                }
            }
        }
        let moves = !steps.is_empty();
        let due = |end: &usize| self.ends[*end].timeout();
        let first = (0..2).filter_map(|end| due(&end)).min();
        let running = self.ends.iter().all(|end| end.started);
        steps.extend(
            (0..2)
                .filter(|end| {
                    let now = due(end) == Some(self.now);
                    let next = running && !moves && !self.agreed() && due(end) == first && first.is_some();
                    now || next
                })
                .map(Step::Timeout),
        );
        if self.losses > 0 {
            for (id, conn) in self.conns.iter().filter(|(_, conn)| !conn.broken) {
                let dialling = conn.sides[conn.dialler] == Side::Coming;
                steps.push(if dialling { Step::DialFails(*id) } else { Step::Break(*id) });
            }
        }
        steps
    }

    /// Both ends are Established on the same connection.
    fn agreed(&self) -> bool {
        let [one, other] = self.ends.each_ref().map(|end| end.established().and_then(|line| line.conn));
        one.is_some() && one == other
    }

    /// They are, nothing is on its way, and there is no other connection.
    pub(crate) fn is_settled(&self) -> bool {
        let settled = self.agreed() && self.steps().iter().all(|step| step.is_loss());
        if settled {
            assert_eq!(self.conns.len(), 1, "one connection survives\n{}", self.story());
        }
        settled
    }

    pub(crate) fn take(&mut self, step: Step) {
        self.steps.push(step);
        let now = self.now;
        match step {
            Step::Start(end) => {
                self.calm = Duration::ZERO;
                let asks = self.ends[end].start(now);
                self.carry_out(end, asks);
            }
            Step::DialUp(id) => {
                let conn = self.conns.get_mut(&id).unwrap();
                let end = conn.dialler;
                conn.sides[end] = Side::Open;
                let asks = self.ends[end].connected(now, id);
                self.carry_out(end, asks);
            }
            Step::Accept(id) => {
                let conn = self.conns.get_mut(&id).unwrap();
                let end = 1 - conn.dialler;
                let (taken, asks) = self.ends[end].incoming(now, id);
                conn.sides[end] = if taken { Side::Open } else { Side::Closed };
                self.carry_out(end, asks);
            }
            Step::Deliver { conn, to } => {
                let message = self.conns.get_mut(&conn).unwrap().queues[to].pop_front().unwrap();
                let asks = self.ends[to].message(now, conn, &message);
                self.carry_out(to, asks);
            }
            Step::Gone { conn, at } => {
                self.conns.get_mut(&conn).unwrap().sides[at] = Side::Closed;
                let asks = self.ends[at].disconnected(now, conn);
                self.carry_out(at, asks);
            }
            Step::Timeout(end) => {
                let due = self.ends[end].timeout().unwrap().max(now);
                self.calm += due - now;
                self.now = due;
                // The clock goes on for all: an event that is ignored in every state.
                for line in self.ends.iter_mut().flat_map(|end| &mut end.lines) {
                    line.session.handle(due, Event::TcpConnectionValid);
                }
                let asks = self.ends[end].handle_timeout(due);
                self.carry_out(end, asks);
            }
            Step::DialFails(id) | Step::Break(id) => {
                (self.losses, self.calm) = (self.losses - 1, Duration::ZERO);
                let conn = self.conns.get_mut(&id).unwrap();
                conn.broken = true;
                conn.queues.iter_mut().for_each(VecDeque::clear);
            }
        }
        // What nobody will hear of any more.
        self.conns.retain(|_, conn| {
            let unknown = conn.sides[1 - conn.dialler] == Side::Coming;
            let dialler_left = conn.sides[conn.dialler] == Side::Closed;
            conn.sides != [Side::Closed; 2] && !(unknown && dialler_left && conn.broken)
        });
        self.check();
    }

    fn carry_out(&mut self, end: usize, asks: Vec<Ask>) {
        for ask in asks {
            match ask {
                Ask::Dial { line } => {
                    let (sides, queues) = ([Side::Coming; 2], Default::default());
                    self.conns.insert(self.next, Conn { dialler: end, sides, queues, broken: false });
                    let line = &mut self.ends[end].lines[line];
                    let previous = line.conn.replace(self.next);
                    line.dialled = true;
                    assert_eq!(previous, None, "dialled with a connection");
                    self.next += 1;
                }
                Ask::Send { conn, octets } => {
                    let conn = self.conns.get_mut(&conn).unwrap();
                    assert_eq!(conn.sides[end], Side::Open, "sent on a connection that is not open");
                    if !conn.broken && conn.sides[1 - end] != Side::Closed {
                        conn.queues[1 - end].push_back(octets);
                    }
                }
                Ask::Close { conn } => self.close(end, conn),
            }
        }
    }

    fn close(&mut self, end: usize, id: usize) {
        let conn = self.conns.get_mut(&id).unwrap();
        let dialling = conn.dialler == end && conn.sides[end] == Side::Coming;
        conn.sides[end] = Side::Closed;
        conn.queues[end].clear();
        if dialling {
            // The other end never hears of it.
            conn.sides[1 - end] = Side::Closed;
        }
    }

    /// What is true at all times.
    fn check(&self) {
        for (at, end) in self.ends.iter().enumerate() {
            let established = end.lines.iter().filter(|line| line.session.negotiated().is_some());
            let established = established.filter(|line| line.session.state() == bgp_fsm::State::Established);
            assert!(established.count() <= 1, "two sessions are Established\n{}", self.story());
            assert!(end.lines.iter().filter(|line| line.conn.is_some()).count() <= 2);
            let open = self.conns.values().filter(|conn| conn.sides[at] == Side::Open).count();
            assert!(open <= 2, "{open} connections\n{}", self.story());
        }
        let late = self.calm > 2 * CONNECT_RETRY && !self.agreed();
        assert!(!late, "not Established after two ConnectRetry periods without a loss\n{}", self.story());
    }

    /// Sets the clock back, and gives all that decides what happens from here on.
    pub(crate) fn rebase(&mut self) -> String {
        for line in self.ends.iter_mut().flat_map(|end| &mut end.lines) {
            line.session.handle(self.now, Event::TcpConnectionValid);
            line.session.handle(BASE, Event::TcpConnectionValid);
            assert!(line.session.poll_action().is_none() && line.session.poll_event().is_none());
        }
        self.now = BASE;
        // Once both have agreed, how long that took decides nothing.
        if self.agreed() {
            self.calm = Duration::ZERO;
        }
        let rank = |id: usize| self.conns.keys().position(|known| *known == id);
        let mut text = format!("{:?} {} ", self.calm, self.losses);
        for end in &self.ends {
            let (before, lines, after) = end.parts();
            write!(text, "{before} {:?} ", after.and_then(rank)).unwrap();
            for line in lines {
                let session = format!("{:?}", line.session);
                let (before, counters) = session.split_once("counters: Counters {").unwrap();
                let (_, after) = counters.split_once('}').unwrap();
                write!(text, "{before}{after} {:?} {} ", line.conn.and_then(rank), line.dialled).unwrap();
            }
        }
        for conn in self.conns.values() {
            write!(text, "{conn:?} ").unwrap();
        }
        text
    }

    /// How it came to this.
    pub(crate) fn story(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            writeln!(text, "{step:?}").unwrap();
        }
        for end in &self.ends {
            for line in &end.lines {
                writeln!(text, "{} on {:?}, dialled: {}", line.session.state(), line.conn, line.dialled).unwrap();
            }
        }
        for (id, conn) in &self.conns {
            writeln!(text, "{id}: {conn:?}").unwrap();
        }
        text
    }
}

//! One end: what the owner of the sessions of one peer does, with one connection or two.

use std::time::Duration;

use bgp_fsm::{Config, Event, Instant, Received, Session, SessionEvent, State, Survivor, TcpAction, Timer, resolve};
use bgp_wire::{MessageType, message_type};
use bytes::BytesMut;

/// A session and its connection.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) session: Session,
    pub(crate) conn: Option<usize>,
    pub(crate) dialled: bool,
}

/// How long an OPEN waits for the peer's; HoldTimer or the peer ends it sooner.
const WITHHELD: Duration = Duration::from_secs(240);

#[derive(Clone, Debug)]
pub(crate) struct End {
    config: Config,
    pub(crate) started: bool,
    /// The session of the peer, and one that a second connection has.
    pub(crate) lines: Vec<Line>,
    /// The second connection that was there when the first came to Established: its collision is still to be resolved.
    contested: Option<usize>,
    /// The last thing that ended was a dial.
    dial_failed: bool,
}

/// What an end asks of the network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Dial { line: usize },
    Send { conn: usize, octets: Vec<u8> },
    Close { conn: usize },
}

impl End {
    pub(crate) fn new(config: Config) -> Self {
        let line = Line { session: Session::new(config.clone(), 1), conn: None, dialled: false };
        Self { config, started: false, lines: vec![line], contested: None, dial_failed: false }
    }

    pub(crate) fn start(&mut self, now: Instant) -> Vec<Ask> {
        self.started = true;
        self.event(now, 0, Event::ManualStart)
    }

    /// What decides what it does, beside its sessions; its sessions; the connection among it.
    pub(crate) fn parts(&self) -> (String, &[Line], Option<usize>) {
        (format!("{} {}", self.started, self.dial_failed), &self.lines, self.contested)
    }

    pub(crate) fn established(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.session.state() == State::Established)
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.lines.iter().filter_map(|line| line.session.poll_timeout()).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Ask> {
        let mut asks = Vec::new();
        for line in (0..self.lines.len()).rev() {
            if self.lines.get(line).is_some_and(|line| line.session.poll_timeout().is_some_and(|due| due <= now)) {
                self.lines[line].session.handle_timeout(now);
                asks.extend(self.drain(now, line));
            }
        }
        asks
    }

    fn line(&self, conn: usize) -> Option<usize> {
        self.lines.iter().position(|line| line.conn == Some(conn))
    }

    pub(crate) fn connected(&mut self, now: Instant, conn: usize) -> Vec<Ask> {
        self.line(conn).map_or(Vec::new(), |line| self.event(now, line, Event::TcpCrAcked))
    }

    pub(crate) fn disconnected(&mut self, now: Instant, conn: usize) -> Vec<Ask> {
        let Some(line) = self.line(conn) else { return Vec::new() };
        self.lines[line].conn = None;
        self.event(now, line, Event::TcpConnectionFails)
    }

    /// The peer's connection is open. False if it is refused.
    pub(crate) fn incoming(&mut self, now: Instant, conn: usize) -> (bool, Vec<Ask>) {
        let main = &mut self.lines[0].session;
        if self.dial_failed && main.state() == State::Idle && main.timers().is_running(Timer::IdleHold) {
            // It is the peer that gets through: only the dial that failed is forgiven.
            main.handle(now, Event::IdleHoldTimerExpires);
            while main.poll_action().is_some() {}
        }
        let line = match (main.state(), self.lines[0].conn, self.lines.len()) {
            (State::Idle, ..) | (_, Some(_), 2) => return (false, Vec::new()),
            (_, None, _) => 0,
            _ => {
                let mut config = self.config.clone();
                if self.established().is_some() {
                    // The peer may not be there yet, and may prefer this connection to the one that we keep. It decides
                    // when it sees our OPEN: so it does not see one, and the decision is ours alone.
                    config = config.with_delay_open_time(WITHHELD).with_send_notification_without_open(true);
                }
                let mut session = Session::new(config, 2);
                session.handle(now, Event::ManualStart);
                while session.poll_action().is_some() {}
                self.lines.push(Line { session, conn: None, dialled: false });
                1
            }
        };
        self.lines[line].conn = Some(conn);
        self.lines[line].dialled = false;
        (true, self.event(now, line, Event::TcpConnectionConfirmed))
    }

    pub(crate) fn message(&mut self, now: Instant, conn: usize, message: &[u8]) -> Vec<Ask> {
        let mut asks = Vec::new();
        if message_type(message) == Some(MessageType::OPEN) && !self.survives(now, conn, message, &mut asks) {
            return asks;
        }
        if let Some(line) = self.line(conn) {
            assert!(matches!(self.lines[line].session.receive(now, message), Received::Nothing));
            asks.extend(self.drain(now, line));
        }
        asks
    }

    /// RFC 4271 section 6.8.
    fn survives(&mut self, now: Instant, conn: usize, message: &[u8], asks: &mut Vec<Ask>) -> bool {
        let Some(at) = self.line(conn) else { return false };
        let (line, Some(other)) = (&self.lines[at], self.lines.get(1 - at)) else { return true };
        let Some(sender) = line.session.accepts(message) else { return true };
        let keep = match other.session.state() {
            State::Established if self.contested != Some(conn) => false,
            State::OpenConfirm | State::Established => {
                let ours = (self.config.router_id, self.config.local_as);
                line.dialled != other.dialled && line.dialled == (resolve(ours, sender) == Survivor::Local)
            }
            _ => return true,
        };
        asks.extend(self.event(now, if keep { 1 - at } else { at }, Event::OpenCollisionDump));
        keep
    }

    fn event(&mut self, now: Instant, line: usize, event: Event) -> Vec<Ask> {
        self.lines[line].session.handle(now, event);
        self.drain(now, line)
    }

    fn drain(&mut self, now: Instant, mut at: usize) -> Vec<Ask> {
        let (mut asks, mut out) = (Vec::new(), BytesMut::new());
        while let Some(event) = self.lines[at].session.poll_event() {
            match event {
                SessionEvent::Up(_) => {
                    if at == 1 {
                        self.lines.swap(0, 1);
                        at = 0;
                        if matches!(self.lines[1].session.state(), State::Connect | State::Active) {
                            self.lines[1].session.handle(now, Event::ManualStop);
                            asks.extend(self.actions(1));
                        }
                    }
                    self.contested = self.lines.get(1).and_then(|second| second.conn);
                }
                SessionEvent::Down(down) if at == 0 => {
                    self.dial_failed = down.state == State::Connect && down.cause == bgp_fsm::Cause::ConnectionFailed;
                }
                _ => {}
            }
        }
        self.lines[at].session.poll_transmit(&mut out);
        let mut rest = &out[..];
        while let Some((message, more)) = bgp_wire::frame(rest, 4096).unwrap() {
            let conn = self.lines[at].conn.unwrap_or_else(|| panic!("sent without a connection"));
            asks.push(Ask::Send { conn, octets: message.to_vec() });
            rest = more;
        }
        asks.extend(self.actions(at));
        // A second session without a connection is none; one with a connection takes the place of one without.
        if self.lines.len() == 2
            && self.lines.iter().any(|line| line.conn.is_none() && !asks.contains(&Ask::Dial { line: at }))
        {
            if self.lines[1].conn.is_some() {
                self.lines.swap(0, 1);
                // An OPEN that was withheld goes out now.
                self.lines[0].session.reconfigure(now, self.config.clone());
            }
            self.lines.truncate(1);
        }
        asks
    }

    fn actions(&mut self, at: usize) -> Vec<Ask> {
        let mut asks = Vec::new();
        while let Some(action) = self.lines[at].session.poll_action() {
            match action {
                TcpAction::Connect => asks.push(Ask::Dial { line: at }),
                TcpAction::Close { .. } => asks.extend(self.lines[at].conn.take().map(|conn| Ask::Close { conn })),
                _ => {}
            }
        }
        asks
    }
}
